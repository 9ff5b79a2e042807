/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_EXPR_KERNEL_H
#define WEIR_EXPR_KERNEL_H

#include <string.h>

#include <weir/base/column.h>

#include "level.h"

/*
 * A program is a list of instructions over numbered columns: inputs, registers and constants.
 * Each instruction runs one kernel, a loop over the rows of its operands. Registers have
 * WEIR_ROWS rows and never share memory with operands of the same instruction.
 */

struct weir_expr_frame {
	const struct weir_column **cols;
	uint32_t n;                       /* rows, at most WEIR_ROWS */
	unsigned n_words;                 /* words of a mask that hold n rows */
	uint64_t (*sel)[WEIR_MASK_WORDS]; /* top of the stack of selections */
	unsigned skip;                    /* instructions to jump over next */
};

struct weir_expr_insn {
	weir_expr_kernel *run;
	struct weir_column *dst; /* register; NULL for changes of the selection */
	unsigned a, b, c;        /* operands: index into the frame's columns */
	unsigned skip;           /* length of the block that an empty selection jumps over */
	struct weir_value k;     /* constant operand */
	void *aux;               /* set, network, pattern, key, text arena: the kernel's own */
};

/* Relations, in the order of the kernels' tables. */
enum weir_expr_cmp {
	WEIR_EXPR_EQ,
	WEIR_EXPR_NE,
	WEIR_EXPR_LT,
	WEIR_EXPR_LE,
	WEIR_EXPR_GT,
	WEIR_EXPR_GE,
	WEIR_EXPR_N_CMP,
};

enum weir_expr_arith {
	WEIR_EXPR_ADD,
	WEIR_EXPR_SUB,
	WEIR_EXPR_MUL,
	WEIR_EXPR_DIV,
	WEIR_EXPR_MOD,
	WEIR_EXPR_AND,
	WEIR_EXPR_OR,
	WEIR_EXPR_XOR,
	WEIR_EXPR_SHL,
	WEIR_EXPR_SHR,
	WEIR_EXPR_N_ARITH,
};

/* Column a with constant k, or with column b of the same store, to bool. NULL: no such kernel. */
extern weir_expr_kernel *const weir_expr_cmp_const[WEIR_N_STORES][WEIR_EXPR_N_CMP];
extern weir_expr_kernel *const weir_expr_cmp_cols[WEIR_N_STORES][WEIR_EXPR_N_CMP];
extern weir_expr_kernel *const weir_expr_cmp_addr[WEIR_EXPR_N_CMP];
extern weir_expr_kernel *const weir_expr_cmp_bytes[WEIR_EXPR_N_CMP];
/* True where a is not null; false everywhere. */
weir_expr_kernel weir_expr_k_not_null, weir_expr_k_false;

extern weir_expr_kernel *const weir_expr_arith_i64[WEIR_EXPR_N_ARITH];
extern weir_expr_kernel *const weir_expr_arith_f64[WEIR_EXPR_N_ARITH];
weir_expr_kernel weir_expr_k_neg_i64, weir_expr_k_neg_f64, weir_expr_k_invert;
/* Durations: with a float, by a duration, from and to numbers of seconds. */
weir_expr_kernel weir_expr_k_mul_duration, weir_expr_k_div_duration, weir_expr_k_ratio;
weir_expr_kernel weir_expr_k_seconds_i64, weir_expr_k_seconds_f64, weir_expr_k_to_seconds;

/* Any number column to I64 or F64; NULL where it is one already or cannot be. */
extern weir_expr_kernel *const weir_expr_to_i64[WEIR_N_STORES];
extern weir_expr_kernel *const weir_expr_to_f64[WEIR_N_STORES];

weir_expr_kernel weir_expr_k_and, weir_expr_k_or, weir_expr_k_not;
extern weir_expr_kernel *const weir_expr_if[WEIR_N_STORES]; /* a: condition, b, c */
/* Narrow the selection to rows where bool a is true (false) for a block; and back. */
weir_expr_kernel weir_expr_k_enter_true, weir_expr_k_enter_false, weir_expr_k_leave;

weir_expr_kernel weir_expr_k_bucket_i64, weir_expr_k_bucket_f64;
weir_expr_kernel weir_expr_k_seqlt, weir_expr_k_seqmax;
extern weir_expr_kernel *const weir_expr_hash[WEIR_N_STORES];

weir_expr_kernel weir_expr_k_contains, weir_expr_k_matches;
weir_expr_kernel weir_expr_k_upper, weir_expr_k_lower, weir_expr_k_len;

/* aux: struct weir_expr_network. */
weir_expr_kernel weir_expr_k_in_network;
/* a: address, b: bits of IPv4, c: bits of IPv6. */
weir_expr_kernel weir_expr_k_net;
weir_expr_kernel weir_expr_k_anon; /* aux: struct weir_expr_anon */

struct weir_expr_network {
	struct weir_addr addr; /* masked */
	struct weir_addr mask;
	uint8_t version;
	uint8_t negate;
};

/* Members of a set: sorted intervals that do not touch. */
struct weir_expr_range {
	int64_t first;
	int64_t last;
};

struct weir_expr_range_f64 {
	double first;
	double last;
};

struct weir_expr_range_addr {
	struct weir_addr first;
	struct weir_addr last;
	uint8_t version;
};

struct weir_expr_set {
	unsigned n;
	uint8_t negate; /* not in */
	union {
		struct weir_expr_range *ints;
		struct weir_expr_range_f64 *floats;
		struct weir_expr_range_addr *addrs;
		struct weir_bytes *strings; /* sorted by length, then bytes */
		uint64_t *bitmap;           /* 65536 bits */
	};
};

/* A set with few intervals is tried in turn; above that a bitmap or a binary search pays. */
#define WEIR_EXPR_SET_LINEAR 8

/* aux: struct weir_expr_set. */
extern weir_expr_kernel *const weir_expr_in_linear[WEIR_N_STORES]; /* U8, U16, U32, I64 */
extern weir_expr_kernel *const weir_expr_in_bitmap[WEIR_N_STORES]; /* U8, U16 */
weir_expr_kernel weir_expr_k_in_i64, weir_expr_k_in_f64, weir_expr_k_in_addr;
weir_expr_kernel weir_expr_k_in_bytes;

/* Results of upper and lower; grown to the largest sum of lengths seen. */
struct weir_expr_text {
	uint8_t *p;
	size_t cap;
};

/* Cold, owning lcore. Room for at least size bytes; the old content is lost. 0 or -ENOMEM. */
int weir_expr_text_grow(struct weir_expr_text *t, size_t size);

static inline const struct weir_column *
weir_expr_a(const struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	return f->cols[in->a];
}

static inline const struct weir_column *
weir_expr_b(const struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	return f->cols[in->b];
}

static inline const struct weir_column *
weir_expr_c(const struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	return f->cols[in->c];
}

/* The result is null where a is. */
static inline void
weir_expr_null_a(const struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	memcpy(in->dst->null, weir_expr_a(f, in)->null, f->n_words * sizeof(uint64_t));
}

/* The result is null where a or b is. */
static inline void
weir_expr_null_ab(const struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const uint64_t *a = weir_expr_a(f, in)->null;
	const uint64_t *b = weir_expr_b(f, in)->null;

	for (unsigned w = 0; w < f->n_words; w++)
		in->dst->null[w] = a[w] | b[w];
}

/* The result is a bool that is never null: false in the rows of null. */
static inline void
weir_expr_false_where(
    const struct weir_expr_frame *f, const struct weir_expr_insn *in, const uint64_t *null)
{
	uint8_t *out = in->dst->data;

	for (unsigned w = 0; w < f->n_words; w++) {
		in->dst->null[w] = 0;
		if (null[w] == ~UINT64_C(0)) {
			memset(out + (size_t)w * 64, 0, 64);
			continue;
		}
		for (uint64_t m = null[w]; m; m &= m - 1)
			out[w * 64 + (unsigned)__builtin_ctzll(m)] = 0;
	}
}

static inline void
weir_expr_false_null_a(const struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	weir_expr_false_where(f, in, weir_expr_a(f, in)->null);
}

static inline void
weir_expr_false_null_ab(const struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const uint64_t *a = weir_expr_a(f, in)->null;
	const uint64_t *b = weir_expr_b(f, in)->null;
	uint64_t null[WEIR_MASK_WORDS] = { 0 };

	for (unsigned w = 0; w < f->n_words; w++)
		null[w] = a[w] | b[w];
	weir_expr_false_where(f, in, null);
}

/*
 * Rows that may be looked into where an operand points to memory: selected and not null. What other
 * rows hold is undefined.
 */
static inline void
weir_expr_live(const struct weir_expr_frame *f, const struct weir_expr_insn *in, int has_b,
    uint64_t live[WEIR_MASK_WORDS])
{
	const uint64_t *a = weir_expr_a(f, in)->null;
	const uint64_t *b = has_b ? weir_expr_b(f, in)->null : a;
	uint64_t rows[WEIR_MASK_WORDS];

	weir_mask_first(rows, f->n);
	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
		live[w] = w < f->n_words ? rows[w] & (*f->sel)[w] & ~(a[w] | b[w]) : 0;
}

/* One bit a row of WEIR_ROWS bools, each 0 or 1, of which the first n count. */
static inline void
weir_expr_pack(const uint8_t *bools, uint32_t n, uint64_t mask[WEIR_MASK_WORDS])
{
	uint64_t rows[WEIR_MASK_WORDS];

	weir_mask_first(rows, n);
	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
		mask[w] = rows[w] ? weir_bools_pack64(bools + w * 64) & rows[w] : 0;
}

#endif
