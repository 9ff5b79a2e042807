/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_EXPR_LEVEL_H
#define WEIR_EXPR_LEVEL_H

#include <weir/base/column.h>
#include <weir/base/simd.h>

/*
 * Kernels that are plain loops are built once for each level of the instruction set, under names
 * that end in it. Outside of these builds the names stand for those of v2, the twins: from them the
 * compiler makes its nodes, and weir_expr_at_level() finds the same kernel of another level.
 */

#ifndef WEIR_SIMD_LEVEL
#define WEIR_SIMD_LEVEL v2
#endif

struct weir_expr_frame;
struct weir_expr_insn;
typedef void weir_expr_kernel(struct weir_expr_frame *f, const struct weir_expr_insn *in);

/* All kernels of one level; the order is the same in every level. */
struct weir_expr_table {
	weir_expr_kernel *const *kernels;
	unsigned n;
};

struct weir_expr_level {
	const struct weir_expr_table *tables;
	unsigned n_tables;
	/* Rows of the first n where a number is not 0; WEIR_MASK_WORDS words. Nulls as they lie. */
	void (*truth)(const struct weir_column *c, uint32_t n, uint64_t *mask);
};

extern const struct weir_expr_level weir_expr_level_v2, weir_expr_level_v3, weir_expr_level_v4;

/* Cold, level.c. */
const struct weir_expr_level *weir_expr_level_of(enum weir_simd level);
/* The kernel of v2, at that level; a kernel that is built once is itself. */
weir_expr_kernel *weir_expr_at_level(weir_expr_kernel *k, const struct weir_expr_level *level);

/* clang-format off */
#define weir_expr_cmp_const      WEIR_SIMD_NAME(weir_expr_cmp_const)
#define weir_expr_cmp_cols       WEIR_SIMD_NAME(weir_expr_cmp_cols)
#define weir_expr_cmp_addr       WEIR_SIMD_NAME(weir_expr_cmp_addr)
#define weir_expr_cmp_bytes      WEIR_SIMD_NAME(weir_expr_cmp_bytes)
#define weir_expr_arith_i64      WEIR_SIMD_NAME(weir_expr_arith_i64)
#define weir_expr_arith_f64      WEIR_SIMD_NAME(weir_expr_arith_f64)
#define weir_expr_to_i64         WEIR_SIMD_NAME(weir_expr_to_i64)
#define weir_expr_to_f64         WEIR_SIMD_NAME(weir_expr_to_f64)
#define weir_expr_if             WEIR_SIMD_NAME(weir_expr_if)
#define weir_expr_in_linear      WEIR_SIMD_NAME(weir_expr_in_linear)
#define weir_expr_in_bitmap      WEIR_SIMD_NAME(weir_expr_in_bitmap)
#define weir_expr_k_not_null     WEIR_SIMD_NAME(weir_expr_k_not_null)
#define weir_expr_k_false        WEIR_SIMD_NAME(weir_expr_k_false)
#define weir_expr_k_neg_i64      WEIR_SIMD_NAME(weir_expr_k_neg_i64)
#define weir_expr_k_neg_f64      WEIR_SIMD_NAME(weir_expr_k_neg_f64)
#define weir_expr_k_invert       WEIR_SIMD_NAME(weir_expr_k_invert)
#define weir_expr_k_mul_duration WEIR_SIMD_NAME(weir_expr_k_mul_duration)
#define weir_expr_k_div_duration WEIR_SIMD_NAME(weir_expr_k_div_duration)
#define weir_expr_k_ratio        WEIR_SIMD_NAME(weir_expr_k_ratio)
#define weir_expr_k_seconds_i64  WEIR_SIMD_NAME(weir_expr_k_seconds_i64)
#define weir_expr_k_seconds_f64  WEIR_SIMD_NAME(weir_expr_k_seconds_f64)
#define weir_expr_k_to_seconds   WEIR_SIMD_NAME(weir_expr_k_to_seconds)
#define weir_expr_k_and          WEIR_SIMD_NAME(weir_expr_k_and)
#define weir_expr_k_or           WEIR_SIMD_NAME(weir_expr_k_or)
#define weir_expr_k_not          WEIR_SIMD_NAME(weir_expr_k_not)
#define weir_expr_k_enter_true   WEIR_SIMD_NAME(weir_expr_k_enter_true)
#define weir_expr_k_enter_false  WEIR_SIMD_NAME(weir_expr_k_enter_false)
#define weir_expr_k_leave        WEIR_SIMD_NAME(weir_expr_k_leave)
#define weir_expr_k_bucket_i64   WEIR_SIMD_NAME(weir_expr_k_bucket_i64)
#define weir_expr_k_bucket_f64   WEIR_SIMD_NAME(weir_expr_k_bucket_f64)
#define weir_expr_k_seqlt        WEIR_SIMD_NAME(weir_expr_k_seqlt)
#define weir_expr_k_seqmax       WEIR_SIMD_NAME(weir_expr_k_seqmax)
#define weir_expr_k_in_network   WEIR_SIMD_NAME(weir_expr_k_in_network)
#define weir_expr_k_net          WEIR_SIMD_NAME(weir_expr_k_net)
#define weir_expr_k_anon         WEIR_SIMD_NAME(weir_expr_k_anon)
#define weir_expr_k_in_i64       WEIR_SIMD_NAME(weir_expr_k_in_i64)
#define weir_expr_k_in_f64       WEIR_SIMD_NAME(weir_expr_k_in_f64)
#define weir_expr_k_in_addr      WEIR_SIMD_NAME(weir_expr_k_in_addr)
#define weir_expr_k_in_bytes     WEIR_SIMD_NAME(weir_expr_k_in_bytes)
/* clang-format on */

#endif
