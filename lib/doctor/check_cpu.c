/* SPDX-License-Identifier: BSD-3-Clause */
#include <sched.h>
#include <string.h>

#include "check.h"

void
weir_check_cpu(struct weir_doctor *d)
{
	static const char why[] =
	    "the hot loops are built for x86-64-v2 and up; wider vectors are faster";
	bool v2, v3, v4;

	__builtin_cpu_init();
	v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("ssse3") &&
	     __builtin_cpu_supports("popcnt");
	v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
	     __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
	v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	     __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
	     __builtin_cpu_supports("avx512vl");
	if (!v2)
		weir_doctor_add(d, WEIR_FINDING_FAIL, why, NULL,
		    "this CPU is older than x86-64-v2 (SSE4.2): weir does not run on it");
	else
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "x86-64-%s",
		    v4   ? "v4 (AVX-512)"
		    : v3 ? "v3 (AVX2)"
			 : "v2 (SSE4.2)");
}

void
weir_check_cores(struct weir_doctor *d)
{
	static const char why[] =
	    "a polling worker fills a core; the control thread and the kernel want another";
	char isolated[256], online[256];
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	weir_doctor_line(d, "/sys/devices/system/cpu/online", online, sizeof(online));
	weir_doctor_line(d, "/sys/devices/system/cpu/isolated", isolated, sizeof(isolated));
	weir_doctor_add(d, n > 1 ? WEIR_FINDING_OK : WEIR_FINDING_WARN, why,
	    n > 1 ? NULL : "taskset -pc 0-1 $$ (or give the machine a second core)",
	    "%d for this process; online %s; isolated %s", n, online[0] ? online : "unknown",
	    isolated[0] ? isolated : "none");
}

void
weir_check_governor(struct weir_doctor *d)
{
	static const char why[] =
	    "a core that sleeps or slows down between bursts adds latency and loses packets";
	char governor[64];

	if (!weir_doctor_line(d, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", governor,
		sizeof(governor)))
		weir_doctor_add(
		    d, WEIR_FINDING_OK, why, NULL, "frequencies are not this system's to govern");
	else if (strcmp(governor, "performance") != 0)
		weir_doctor_add(d, WEIR_FINDING_WARN, why,
		    "sudo cpupower frequency-set -g performance", "the governor is %s", governor);
	else
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "performance");
}
