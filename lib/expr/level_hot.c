/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel.h"

#include <weir/base/poison.h> /* last */

/* All kernels of this level, and the way from a column to a selection. */

static weir_expr_kernel *const singles[] = {
	weir_expr_k_not_null,
	weir_expr_k_false,
	weir_expr_k_neg_i64,
	weir_expr_k_neg_f64,
	weir_expr_k_invert,
	weir_expr_k_mul_duration,
	weir_expr_k_div_duration,
	weir_expr_k_ratio,
	weir_expr_k_seconds_i64,
	weir_expr_k_seconds_f64,
	weir_expr_k_to_seconds,
	weir_expr_k_and,
	weir_expr_k_or,
	weir_expr_k_not,
	weir_expr_k_enter_true,
	weir_expr_k_enter_false,
	weir_expr_k_leave,
	weir_expr_k_bucket_i64,
	weir_expr_k_bucket_f64,
	weir_expr_k_seqlt,
	weir_expr_k_seqmax,
	weir_expr_k_in_network,
	weir_expr_k_net,
	weir_expr_k_anon,
	weir_expr_k_in_i64,
	weir_expr_k_in_f64,
	weir_expr_k_in_addr,
	weir_expr_k_in_bytes,
};

/* A table of one or two dimensions. */
#define TABLE(t)                                                                                   \
	{                                                                                          \
		(weir_expr_kernel *const *)(const void *)(t),                                      \
		    sizeof(t) / sizeof(weir_expr_kernel *)                                         \
	}

static const struct weir_expr_table tables[] = {
	TABLE(singles),
	TABLE(weir_expr_cmp_const),
	TABLE(weir_expr_cmp_cols),
	TABLE(weir_expr_cmp_addr),
	TABLE(weir_expr_cmp_bytes),
	TABLE(weir_expr_arith_i64),
	TABLE(weir_expr_arith_f64),
	TABLE(weir_expr_to_i64),
	TABLE(weir_expr_to_f64),
	TABLE(weir_expr_if),
	TABLE(weir_expr_in_linear),
	TABLE(weir_expr_in_bitmap),
};

/* A word that is read where single bytes were written just before waits for them: few rows go bit
 * by bit. */
#define FEW 8

#define NOT_ZERO(ctype)                                                                            \
	do {                                                                                       \
		const ctype *restrict a = c->data;                                                 \
                                                                                                   \
		if (n <= FEW) {                                                                    \
			for (uint32_t i = 0; i < n; i++)                                           \
				mask[0] |= (uint64_t)(a[i] != 0) << i;                             \
			return;                                                                    \
		}                                                                                  \
		for (uint32_t i = 0; i < n; i++)                                                   \
			is_true[i] = a[i] != 0;                                                    \
	} while (0)

static void
truth(const struct weir_column *c, uint32_t n, uint64_t *mask)
{
	uint8_t is_true[WEIR_ROWS];

	memset(mask, 0, WEIR_MASK_WORDS * sizeof(*mask));
	switch (c->store) {
	case WEIR_U8:
		NOT_ZERO(uint8_t);
		break;
	case WEIR_U16:
		NOT_ZERO(uint16_t);
		break;
	case WEIR_U32:
		NOT_ZERO(uint32_t);
		break;
	case WEIR_I64:
		NOT_ZERO(int64_t);
		break;
	case WEIR_F64:
		NOT_ZERO(double);
		break;
	case WEIR_ADDR:
	case WEIR_BYTES:
	case WEIR_N_STORES:
		return; /* no condition: nothing passes */
	}
	weir_expr_pack(is_true, n, mask);
}

const struct weir_expr_level WEIR_SIMD_NAME(weir_expr_level) = {
	.tables = tables,
	.n_tables = sizeof(tables) / sizeof(tables[0]),
	.truth = truth,
};
