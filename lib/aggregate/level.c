/* SPDX-License-Identifier: BSD-3-Clause */
#include "level.h"

const struct weir_agg_kernels *
weir_agg_level_of(enum weir_simd level)
{
	switch (weir_simd_resolve(level)) {
	case WEIR_SIMD_V4:
		return &weir_agg_level_v4;
	case WEIR_SIMD_V3:
		return &weir_agg_level_v3;
	default:
		return &weir_agg_level_v2;
	}
}
