/* SPDX-License-Identifier: BSD-3-Clause */
#include "level.h"

const struct weir_expr_level *
weir_expr_level_of(enum weir_simd level)
{
	return WEIR_SIMD_OF(level, weir_expr_level);
}

weir_expr_kernel *
weir_expr_at_level(weir_expr_kernel *k, const struct weir_expr_level *level)
{
	const struct weir_expr_level *twin = &weir_expr_level_v2;

	for (unsigned t = 0; t < twin->n_tables; t++)
		for (unsigned i = 0; i < twin->tables[t].n; i++)
			if (twin->tables[t].kernels[i] == k)
				return level->tables[t].kernels[i];
	return k;
}
