/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel.h"

#include <weir/base/poison.h> /* last */

/* Logic is two-valued: operands are bools that are never null. */

void
weir_expr_k_and(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const uint8_t *restrict a = weir_expr_a(f, in)->data;
	const uint8_t *restrict b = weir_expr_b(f, in)->data;
	uint8_t *restrict out = in->dst->data;
	const uint32_t n = f->n;

	for (uint32_t i = 0; i < n; i++)
		out[i] = a[i] & b[i];
	memset(in->dst->null, 0, f->n_words * sizeof(uint64_t));
}

void
weir_expr_k_or(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const uint8_t *restrict a = weir_expr_a(f, in)->data;
	const uint8_t *restrict b = weir_expr_b(f, in)->data;
	uint8_t *restrict out = in->dst->data;
	const uint32_t n = f->n;

	for (uint32_t i = 0; i < n; i++)
		out[i] = a[i] | b[i];
	memset(in->dst->null, 0, f->n_words * sizeof(uint64_t));
}

void
weir_expr_k_not(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const uint8_t *restrict a = weir_expr_a(f, in)->data;
	uint8_t *restrict out = in->dst->data;
	const uint32_t n = f->n;

	for (uint32_t i = 0; i < n; i++)
		out[i] = a[i] ^ 1;
	memset(in->dst->null, 0, f->n_words * sizeof(uint64_t));
}

/* The result is null where the chosen operand is. */
static void
if_null(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const uint64_t *b = weir_expr_b(f, in)->null;
	const uint64_t *c = weir_expr_c(f, in)->null;
	uint64_t yes[WEIR_MASK_WORDS];

	weir_expr_pack(weir_expr_a(f, in)->data, f->n, yes);
	for (unsigned w = 0; w < f->n_words; w++)
		in->dst->null[w] = (yes[w] & b[w]) | (~yes[w] & c[w]);
}

#define IF(name, ctype)                                                                            \
	static void name(struct weir_expr_frame *f, const struct weir_expr_insn *in)               \
	{                                                                                          \
		const uint8_t *restrict yes = weir_expr_a(f, in)->data;                            \
		const ctype *restrict b = weir_expr_b(f, in)->data;                                \
		const ctype *restrict c = weir_expr_c(f, in)->data;                                \
		ctype *restrict out = in->dst->data;                                               \
		const uint32_t n = f->n;                                                           \
                                                                                                   \
		for (uint32_t i = 0; i < n; i++)                                                   \
			out[i] = yes[i] ? b[i] : c[i];                                             \
		if_null(f, in);                                                                    \
	}

IF(if_u8, uint8_t)
IF(if_i64, int64_t)
IF(if_f64, double)
IF(if_bytes, struct weir_bytes)
IF(if_addr_only, struct weir_addr)

static void
if_addr(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const uint8_t *restrict yes = weir_expr_a(f, in)->data;
	const uint8_t *restrict b = weir_expr_b(f, in)->version;
	const uint8_t *restrict c = weir_expr_c(f, in)->version;
	uint8_t *restrict out = in->dst->version;
	const uint32_t n = f->n;

	if_addr_only(f, in);
	for (uint32_t i = 0; i < n; i++)
		out[i] = yes[i] ? b[i] : c[i];
}

weir_expr_kernel *const weir_expr_if[WEIR_N_STORES] = {
	[WEIR_U8] = if_u8,
	[WEIR_I64] = if_i64,
	[WEIR_F64] = if_f64,
	[WEIR_ADDR] = if_addr,
	[WEIR_BYTES] = if_bytes,
};

static void
enter(struct weir_expr_frame *f, const struct weir_expr_insn *in, uint64_t flip)
{
	uint64_t yes[WEIR_MASK_WORDS];
	uint64_t any = 0;

	weir_expr_pack(weir_expr_a(f, in)->data, f->n, yes);
	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++) {
		f->sel[1][w] = f->sel[0][w] & (yes[w] ^ flip);
		any |= f->sel[1][w];
	}
	f->sel++;
	if (!any)
		f->skip = in->skip;
}

void
weir_expr_k_enter_true(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	enter(f, in, 0);
}

void
weir_expr_k_enter_false(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	enter(f, in, ~UINT64_C(0));
}

void
weir_expr_k_leave(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	(void)in;
	f->sel--;
}
