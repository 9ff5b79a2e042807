/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <string.h>

#include <weir/base/arith.h>

#include "fold_step.h"

#include <weir/base/poison.h> /* last */

/*
 * Each step comes in two functions: one that keeps account of who is null, and one for rows where
 * nobody is. Their last call takes their own place on the stack, so that a program is a chain of
 * jumps, each with a place of its own in the branch predictor.
 */

#define NEXT() return in[1].run(f, in + 1, null)

static inline uint64_t
bit(unsigned cell)
{
	return UINT64_C(1) << cell;
}

/* The null bits with that of cell d set or not. */
static inline uint64_t
with(uint64_t null, unsigned d, uint64_t is_null)
{
	return (null & ~bit(d)) | is_null << d;
}

static inline uint64_t
any_null(const struct weir_fold_insn *in, uint64_t null)
{
	return (null >> in->a | null >> in->b) & 1;
}

/* A step that sets d.out to expr of x = a.from and y = b.by; null where either is. */
#define STEP(name, from, by, out, expr)                                                            \
	static uint64_t plain_##name(                                                              \
	    union weir_fold_cell *f, const struct weir_fold_insn *in, uint64_t null)               \
	{                                                                                          \
		__typeof__(f->from) x = f[in->a].from;                                             \
		__typeof__(f->by) y = f[in->b].by;                                                 \
                                                                                                   \
		(void)y;                                                                           \
		f[in->d].out = expr;                                                               \
		NEXT();                                                                            \
	}                                                                                          \
	static uint64_t null_##name(                                                               \
	    union weir_fold_cell *f, const struct weir_fold_insn *in, uint64_t null)               \
	{                                                                                          \
		__typeof__(f->from) x = f[in->a].from;                                             \
		__typeof__(f->by) y = f[in->b].by;                                                 \
                                                                                                   \
		(void)y;                                                                           \
		null = with(null, in->d, any_null(in, null));                                      \
		f[in->d].out = expr;                                                               \
		NEXT();                                                                            \
	}

/* The same, and null where bad holds: expr is not looked at there. */
#define PARTIAL(name, from, by, out, bad, expr)                                                    \
	static uint64_t null_##name(                                                               \
	    union weir_fold_cell *f, const struct weir_fold_insn *in, uint64_t null)               \
	{                                                                                          \
		__typeof__(f->from) x = f[in->a].from;                                             \
		__typeof__(f->by) y = f[in->b].by;                                                 \
		const bool is_bad = (bad);                                                         \
                                                                                                   \
		(void)y;                                                                           \
		null = with(null, in->d, any_null(in, null) | is_bad);                             \
		if (!is_bad)                                                                       \
			f[in->d].out = expr;                                                       \
		NEXT();                                                                            \
	}

/* A bool that is never null: false where an operand is. */
#define TRUTH(name, member, expr)                                                                  \
	static uint64_t plain_##name(                                                              \
	    union weir_fold_cell *f, const struct weir_fold_insn *in, uint64_t null)               \
	{                                                                                          \
		__typeof__(f->member) x = f[in->a].member, y = f[in->b].member;                    \
                                                                                                   \
		(void)x, (void)y;                                                                  \
		f[in->d].i = expr;                                                                 \
		NEXT();                                                                            \
	}                                                                                          \
	static uint64_t null_##name(                                                               \
	    union weir_fold_cell *f, const struct weir_fold_insn *in, uint64_t null)               \
	{                                                                                          \
		__typeof__(f->member) x = f[in->a].member, y = f[in->b].member;                    \
                                                                                                   \
		(void)x, (void)y;                                                                  \
		f[in->d].i = (int64_t)(expr) & ((int64_t)any_null(in, null) - 1);                  \
		null &= ~bit(in->d);                                                               \
		NEXT();                                                                            \
	}

/* d += such a bool; d stays null where it is. */
#define COUNT(name, expr)                                                                          \
	static uint64_t plain_##name(                                                              \
	    union weir_fold_cell *f, const struct weir_fold_insn *in, uint64_t null)               \
	{                                                                                          \
		int64_t x = f[in->a].i, y = f[in->b].i;                                            \
                                                                                                   \
		f[in->d].i = (int64_t)((uint64_t)f[in->d].i + (uint64_t)(expr));                   \
		NEXT();                                                                            \
	}                                                                                          \
	static uint64_t null_##name(                                                               \
	    union weir_fold_cell *f, const struct weir_fold_insn *in, uint64_t null)               \
	{                                                                                          \
		int64_t x = f[in->a].i, y = f[in->b].i;                                            \
                                                                                                   \
		f[in->d].i = (int64_t)((uint64_t)f[in->d].i +                                      \
				       ((uint64_t)(expr) & (any_null(in, null) ^ 1)));             \
		NEXT();                                                                            \
	}

static uint64_t
null_END(union weir_fold_cell *f, const struct weir_fold_insn *in, uint64_t null)
{
	(void)f, (void)in;
	return null;
}

STEP(MOVE, i, i, i, x)

STEP(ADD_I, i, i, i, (int64_t)((uint64_t)x + (uint64_t)y))
STEP(SUB_I, i, i, i, (int64_t)((uint64_t)x - (uint64_t)y))
STEP(MUL_I, i, i, i, (int64_t)((uint64_t)x *(uint64_t)y))
PARTIAL(DIV_I, i, i, i, y == 0, weir_divide_i64(x, y))
PARTIAL(MOD_I, i, i, i, y == 0, weir_modulo_i64(x, y))
STEP(AND_I, i, i, i, (x & y))
STEP(OR_I, i, i, i, (x | y))
STEP(XOR_I, i, i, i, (x ^ y))
STEP(SHL_I, i, i, i, weir_shift_left_i64(x, y))
STEP(SHR_I, i, i, i, weir_shift_right_i64(x, y))

STEP(ADD_F, f, f, f, x + y)
STEP(SUB_F, f, f, f, x - y)
STEP(MUL_F, f, f, f, (x * y))
PARTIAL(DIV_F, f, f, f, y == 0, x / y)
PARTIAL(MOD_F, f, f, f, y == 0, fmod(x, y))

STEP(NEG_I, i, i, i, (int64_t)(0 - (uint64_t)x))
STEP(NEG_F, f, f, f, -x)
STEP(INVERT, i, i, i, ~x)
STEP(TO_FLOAT, i, i, f, (double)x)
PARTIAL(SECONDS_I, i, i, i, x > INT64_MAX / WEIR_NS_PER_S || x < INT64_MIN / WEIR_NS_PER_S,
    weir_seconds_i64(x))
PARTIAL(SECONDS_F, f, f, i, !weir_fits_i64(round(x * 1e9)), weir_round_i64(x * 1e9))
STEP(TO_SECONDS, i, i, f, (double)x / 1e9)
PARTIAL(MUL_DURATION, i, f, i, !weir_fits_i64(round((double)x * y)), weir_round_i64((double)x *y))
PARTIAL(DIV_DURATION, i, f, i, y == 0 || !weir_fits_i64(round((double)x / y)),
    weir_round_i64((double)x / y))
PARTIAL(RATIO, i, i, f, y == 0, (double)x / (double)y)
PARTIAL(BUCKET_I, i, i, i, y <= 0, weir_bucket_i64(x, y))
PARTIAL(BUCKET_F, f, f, f, !(y > 0), floor(x / y) * y)
STEP(SEQMAX, i, i, i, weir_seq_is_before(x, y) ? y : x)

/* b where a holds, which is never null, else c. */
static uint64_t
plain_IF(union weir_fold_cell *f, const struct weir_fold_insn *in, uint64_t null)
{
	f[in->d] = f[f[in->a].i ? in->b : in->c];
	NEXT();
}

static uint64_t
null_IF(union weir_fold_cell *f, const struct weir_fold_insn *in, uint64_t null)
{
	unsigned from = f[in->a].i ? in->b : in->c;

	f[in->d] = f[from];
	null = with(null, in->d, null >> from & 1);
	NEXT();
}

TRUTH(EQ_I, i, x == y)
TRUTH(NE_I, i, x != y)
TRUTH(LT_I, i, x < y)
TRUTH(LE_I, i, x <= y)
TRUTH(GT_I, i, x > y)
TRUTH(GE_I, i, x >= y)
TRUTH(EQ_F, f, x == y)
TRUTH(NE_F, f, x != y)
TRUTH(LT_F, f, x < y)
TRUTH(LE_F, f, x <= y)
TRUTH(GT_F, f, x > y)
TRUTH(GE_F, f, x >= y)
TRUTH(SEQLT, i, weir_seq_is_before(x, y))
TRUTH(NOT_NULL, i, 1)
TRUTH(FALSE, i, 0)
TRUTH(AND, i, (x & y))
TRUTH(OR, i, (x | y))
TRUTH(NOT, i, x ^ 1)

static inline int64_t
is_in_i(const struct weir_fold_insn *in, int64_t x)
{
	int64_t is_in = 0;

	for (uint32_t r = 0; r < in->n_ranges; r++)
		is_in |= x >= in->ranges[r].first.i && x <= in->ranges[r].last.i;
	return is_in;
}

static inline int64_t
is_in_f(const struct weir_fold_insn *in, double x)
{
	int64_t is_in = 0;

	for (uint32_t r = 0; r < in->n_ranges; r++)
		is_in |= x >= in->ranges[r].first.f && x <= in->ranges[r].last.f;
	return is_in;
}

TRUTH(IN_I, i, is_in_i(in, x))
TRUTH(NOT_IN_I, i, is_in_i(in, x) ^ 1)
TRUTH(IN_F, f, is_in_f(in, x))
TRUTH(NOT_IN_F, f, is_in_f(in, x) ^ 1)

COUNT(COUNT_EQ, x == y)
COUNT(COUNT_NE, x != y)
COUNT(COUNT_LT, x < y)
COUNT(COUNT_LE, x <= y)
COUNT(COUNT_GT, x > y)
COUNT(COUNT_GE, x >= y)
COUNT(COUNT_SEQLT, weir_seq_is_before(x, y))

#define plain_END          null_END
#define plain_DIV_I        NULL
#define plain_MOD_I        NULL
#define plain_DIV_F        NULL
#define plain_MOD_F        NULL
#define plain_SECONDS_I    NULL
#define plain_SECONDS_F    NULL
#define plain_MUL_DURATION NULL
#define plain_DIV_DURATION NULL
#define plain_RATIO        NULL
#define plain_BUCKET_I     NULL
#define plain_BUCKET_F     NULL

const struct weir_fold_steps weir_fold_steps[WEIR_FOLD_N_OPS] = {
#define WEIR_FOLD_STEP(name) [WEIR_FOLD_##name] = { plain_##name, null_##name },
#include <weir/sketch/fold_steps.def>
#undef WEIR_FOLD_STEP
};

/* The arguments of a row, by their stores. */
static inline void
load_args(const struct weir_fold *p, const struct weir_column *const *args, uint32_t row,
    union weir_fold_cell *to)
{
	unsigned a = 0;

	for (; a < p->ends[WEIR_U8]; a++)
		to[a].i = ((const uint8_t *)args[a]->data)[row];
	for (; a < p->ends[WEIR_U16]; a++)
		to[a].i = ((const uint16_t *)args[a]->data)[row];
	for (; a < p->ends[WEIR_U32]; a++)
		to[a].i = ((const uint32_t *)args[a]->data)[row];
	for (; a < p->n_args; a++)
		to[a] = ((const union weir_fold_cell *)args[a]->data)[row];
}

static inline uint64_t
null_args(const struct weir_fold *p, const struct weir_column *const *args, uint32_t row)
{
	uint64_t null = 0;

	for (unsigned a = 0; a < p->n_args; a++)
		null |= (uint64_t)weir_mask_test(args[a]->null, row) << a;
	return null << p->n_vars;
}

/* Whether one of the rows' arguments may be null. */
static bool
has_null(const struct weir_fold *p, const struct weir_fold_rows *rows)
{
	uint32_t n_words = rows->n ? rows->row[rows->n - 1] / 64 + 1 : 0;
	uint64_t null = 0;

	for (unsigned a = 0; a < p->n_args; a++)
		for (uint32_t w = 0; w < n_words; w++)
			null |= rows->args[a]->null[w];
	return null != 0;
}

void
weir_fold_run(const struct weir_fold *p, const struct weir_fold_rows *rows)
{
	union weir_fold_cell f[WEIR_FOLD_CELLS];
	const unsigned n_vars = p->n_vars;
	const uint64_t vars = bit(n_vars) - 1;
	const bool may_be_null = has_null(p, rows);

	memcpy(f + p->first_const, p->consts, p->n_consts * sizeof(*f));
	for (uint32_t k = 0; k < rows->n; k++) {
		struct weir_fold_state *s = (void *)(rows->group[k] + rows->offset);
		uint64_t null = s->word & ~WEIR_FOLD_STARTED;

		load_args(p, rows->args, rows->row[k], f + n_vars);
		if (may_be_null)
			null |= null_args(p, rows->args, rows->row[k]);
		if (s->word & WEIR_FOLD_STARTED)
			for (unsigned v = 0; v < n_vars; v++)
				f[v] = s->vars[v];
		else
			null = p->init->run(f, p->init, null | p->null_consts);
		if (p->plain && !null)
			p->plain->run(f, p->plain, 0);
		else
			null = p->update->run(f, p->update, null | p->null_consts);
		for (unsigned v = 0; v < n_vars; v++)
			s->vars[v] = f[v];
		s->word = (null & vars) | WEIR_FOLD_STARTED;
	}
}
