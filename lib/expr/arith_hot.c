/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>

#include <weir/base/arith.h>
#include <weir/base/time.h>

#include "kernel.h"

#include <weir/base/poison.h> /* last */

/*
 * Arithmetic. Integers wrap (through uint64_t, so nothing is undefined); what has no result, such
 * as a division by zero, is null.
 */

#define BINARY(name, ctype, expr)                                                                  \
	static void name(struct weir_expr_frame *f, const struct weir_expr_insn *in)               \
	{                                                                                          \
		const ctype *restrict a = weir_expr_a(f, in)->data;                                \
		const ctype *restrict b = weir_expr_b(f, in)->data;                                \
		ctype *restrict out = in->dst->data;                                               \
		const uint32_t n = f->n;                                                           \
                                                                                                   \
		for (uint32_t i = 0; i < n; i++) {                                                 \
			const ctype x = a[i], y = b[i];                                            \
                                                                                                   \
			out[i] = expr;                                                             \
		}                                                                                  \
		weir_expr_null_ab(f, in);                                                          \
	}

/* Null where bad holds; expr must be defined there all the same. */
#define PARTIAL(name, linkage, atype, btype, otype, bad, expr)                                     \
	linkage void name(struct weir_expr_frame *f, const struct weir_expr_insn *in)              \
	{                                                                                          \
		const atype *restrict a = weir_expr_a(f, in)->data;                                \
		const btype *restrict b = weir_expr_b(f, in)->data;                                \
		otype *restrict out = in->dst->data;                                               \
		uint64_t *restrict null = in->dst->null;                                           \
                                                                                                   \
		weir_expr_null_ab(f, in);                                                          \
		for (uint32_t i = 0; i < f->n; i++) {                                              \
			const atype x = a[i];                                                      \
			const btype y = b[i];                                                      \
			const int is_bad = (bad);                                                  \
                                                                                                   \
			out[i] = expr;                                                             \
			null[i / 64] |= (uint64_t)is_bad << (i % 64);                              \
		}                                                                                  \
	}

#define UNARY(name, linkage, atype, otype, expr)                                                   \
	linkage void name(struct weir_expr_frame *f, const struct weir_expr_insn *in)              \
	{                                                                                          \
		const atype *restrict a = weir_expr_a(f, in)->data;                                \
		otype *restrict out = in->dst->data;                                               \
		const uint32_t n = f->n;                                                           \
                                                                                                   \
		for (uint32_t i = 0; i < n; i++) {                                                 \
			const atype x = a[i];                                                      \
                                                                                                   \
			out[i] = expr;                                                             \
		}                                                                                  \
		weir_expr_null_a(f, in);                                                           \
	}

#define EXPORTED /* no linkage word */

BINARY(add_i64, int64_t, (int64_t)((uint64_t)x + (uint64_t)y))
BINARY(sub_i64, int64_t, (int64_t)((uint64_t)x - (uint64_t)y))
BINARY(mul_i64, int64_t, (int64_t)((uint64_t)x *(uint64_t)y))
PARTIAL(div_i64, static, int64_t, int64_t, int64_t, y == 0, weir_divide_i64(x, y))
PARTIAL(mod_i64, static, int64_t, int64_t, int64_t, y == 0, weir_modulo_i64(x, y))
BINARY(and_i64, int64_t, (x & y))
BINARY(or_i64, int64_t, (x | y))
BINARY(xor_i64, int64_t, (x ^ y))
BINARY(shl_i64, int64_t, weir_shift_left_i64(x, y))
BINARY(shr_i64, int64_t, weir_shift_right_i64(x, y))

weir_expr_kernel *const weir_expr_arith_i64[WEIR_EXPR_N_ARITH] = {
	[WEIR_EXPR_ADD] = add_i64,
	[WEIR_EXPR_SUB] = sub_i64,
	[WEIR_EXPR_MUL] = mul_i64,
	[WEIR_EXPR_DIV] = div_i64,
	[WEIR_EXPR_MOD] = mod_i64,
	[WEIR_EXPR_AND] = and_i64,
	[WEIR_EXPR_OR] = or_i64,
	[WEIR_EXPR_XOR] = xor_i64,
	[WEIR_EXPR_SHL] = shl_i64,
	[WEIR_EXPR_SHR] = shr_i64,
};

BINARY(add_f64, double, x + y)
BINARY(sub_f64, double, x - y)
BINARY(mul_f64, double, (x * y))
PARTIAL(div_f64, static, double, double, double, y == 0, is_bad ? 0 : x / y)
PARTIAL(mod_f64, static, double, double, double, y == 0, is_bad ? 0 : fmod(x, y))

weir_expr_kernel *const weir_expr_arith_f64[WEIR_EXPR_N_ARITH] = {
	[WEIR_EXPR_ADD] = add_f64,
	[WEIR_EXPR_SUB] = sub_f64,
	[WEIR_EXPR_MUL] = mul_f64,
	[WEIR_EXPR_DIV] = div_f64,
	[WEIR_EXPR_MOD] = mod_f64,
};

UNARY(weir_expr_k_neg_i64, EXPORTED, int64_t, int64_t, (int64_t)(0 - (uint64_t)x))
UNARY(weir_expr_k_neg_f64, EXPORTED, double, double, -x)
UNARY(weir_expr_k_invert, EXPORTED, int64_t, int64_t, ~x)

UNARY(u8_to_i64, static, uint8_t, int64_t, x)
UNARY(u16_to_i64, static, uint16_t, int64_t, x)
UNARY(u32_to_i64, static, uint32_t, int64_t, x)
UNARY(u8_to_f64, static, uint8_t, double, x)
UNARY(u16_to_f64, static, uint16_t, double, x)
UNARY(u32_to_f64, static, uint32_t, double, x)
UNARY(i64_to_f64, static, int64_t, double, (double)x)

weir_expr_kernel *const weir_expr_to_i64[WEIR_N_STORES] = {
	[WEIR_U8] = u8_to_i64,
	[WEIR_U16] = u16_to_i64,
	[WEIR_U32] = u32_to_i64,
};

weir_expr_kernel *const weir_expr_to_f64[WEIR_N_STORES] = {
	[WEIR_U8] = u8_to_f64,
	[WEIR_U16] = u16_to_f64,
	[WEIR_U32] = u32_to_f64,
	[WEIR_I64] = i64_to_f64,
};

/* One operand: b is given as a too. */
PARTIAL(weir_expr_k_seconds_i64, EXPORTED, int64_t, int64_t, int64_t,
    ((void)y, x > INT64_MAX / WEIR_NS_PER_S || x < INT64_MIN / WEIR_NS_PER_S), weir_seconds_i64(x))
PARTIAL(weir_expr_k_seconds_f64, EXPORTED, double, double, int64_t,
    ((void)y, !weir_fits_i64(round(x * 1e9))), weir_round_i64(x * 1e9))
UNARY(weir_expr_k_to_seconds, EXPORTED, int64_t, double, (double)x / 1e9)

PARTIAL(weir_expr_k_mul_duration, EXPORTED, int64_t, double, int64_t,
    !weir_fits_i64(round((double)x * y)), weir_round_i64((double)x *y))
PARTIAL(weir_expr_k_div_duration, EXPORTED, int64_t, double, int64_t,
    y == 0 || !weir_fits_i64(round((double)x / y)), y == 0 ? 0 : weir_round_i64((double)x / y))
PARTIAL(weir_expr_k_ratio, EXPORTED, int64_t, int64_t, double, y == 0,
    is_bad ? 0 : (double)x / (double)y)

PARTIAL(weir_expr_k_bucket_i64, EXPORTED, int64_t, int64_t, int64_t, y <= 0, weir_bucket_i64(x, y))
PARTIAL(weir_expr_k_bucket_f64, EXPORTED, double, double, double, !(y > 0),
    is_bad ? 0 : floor(x / y) * y)

void
weir_expr_k_seqlt(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const int64_t *restrict a = weir_expr_a(f, in)->data;
	const int64_t *restrict b = weir_expr_b(f, in)->data;
	uint8_t *restrict out = in->dst->data;
	const uint32_t n = f->n;

	for (uint32_t i = 0; i < n; i++)
		out[i] = (uint8_t)weir_seq_is_before(a[i], b[i]);
	weir_expr_false_null_ab(f, in);
}

BINARY(seqmax, int64_t, weir_seq_is_before(x, y) ? y : x)

void
weir_expr_k_seqmax(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	seqmax(f, in);
}
