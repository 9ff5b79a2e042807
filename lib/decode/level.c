/* SPDX-License-Identifier: BSD-3-Clause */
#include "levels.h"

weir_decode_batch_fn *
weir_decode_at(enum weir_simd level)
{
	return WEIR_SIMD_OF(level, decode_batch);
}

void
weir_decode_batch(struct weir_batch *b, struct weir_decode_counters *counters)
{
	weir_decode_at(WEIR_SIMD_AUTO)(b, counters);
}
