/* SPDX-License-Identifier: BSD-3-Clause */
#include "levels.h"

weir_decode_batch_fn *
weir_decode_at(enum weir_simd level)
{
	switch (weir_simd_resolve(level)) {
	case WEIR_SIMD_V4:
		return decode_batch_v4;
	case WEIR_SIMD_V3:
		return decode_batch_v3;
	default:
		return decode_batch_v2;
	}
}

void
weir_decode_batch(struct weir_batch *b, struct weir_decode_counters *counters)
{
	weir_decode_at(WEIR_SIMD_AUTO)(b, counters);
}
