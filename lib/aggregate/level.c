/* SPDX-License-Identifier: BSD-3-Clause */
#include "level.h"

const struct weir_agg_kernels *
weir_agg_level_of(enum weir_simd level)
{
	return WEIR_SIMD_OF(level, weir_agg_level);
}
