/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <weir/base/simd.h>

static const char *const names[WEIR_N_SIMD] = {
	[WEIR_SIMD_AUTO] = "auto",
	[WEIR_SIMD_V2] = "v2",
	[WEIR_SIMD_V3] = "v3",
	[WEIR_SIMD_V4] = "v4",
};

const char *
weir_simd_name(enum weir_simd level)
{
	return names[level];
}

int
weir_simd_find(const char *name)
{
	for (int i = 0; i < WEIR_N_SIMD; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -EINVAL;
}

/* The compiler's run-time looks at cpuid and at what the operating system saves (xgetbv). */
bool
weir_simd_is_usable(enum weir_simd level)
{
	bool has_v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
		      __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");

	switch (level) {
	case WEIR_SIMD_V3:
		return has_v3;
	case WEIR_SIMD_V4:
		return has_v3 && __builtin_cpu_supports("avx512f") &&
		       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
		       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
	default:
		return level < WEIR_N_SIMD; /* weir itself is built for v2 */
	}
}

enum weir_simd
weir_simd_resolve(enum weir_simd level)
{
	if (level != WEIR_SIMD_AUTO)
		return level;
	for (level = WEIR_SIMD_V4; level > WEIR_SIMD_V2; level--)
		if (weir_simd_is_usable(level))
			break;
	return level;
}
