/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel.h"

#include <weir/base/poison.h> /* last */

/*
 * Relations to bool columns. A narrow column is compared with a constant as it is, so that a
 * vector holds as many rows as it can; the compiler has checked that the constant fits.
 */

#define RELATIONS(X, ...)                                                                          \
	X(eq, ==, __VA_ARGS__)                                                                     \
	X(ne, !=, __VA_ARGS__)                                                                     \
	X(lt, <, __VA_ARGS__)                                                                      \
	X(le, <=, __VA_ARGS__)                                                                     \
	X(gt, >, __VA_ARGS__)                                                                      \
	X(ge, >=, __VA_ARGS__)

#define CMP_CONST(name, op, store, ctype, member)                                                  \
	static void store##_const_##name(                                                          \
	    struct weir_expr_frame *f, const struct weir_expr_insn *in)                            \
	{                                                                                          \
		const ctype *restrict a = weir_expr_a(f, in)->data;                                \
		const ctype k = (ctype)in->k.member;                                               \
		uint8_t *restrict out = in->dst->data;                                             \
		const uint32_t n = f->n;                                                           \
                                                                                                   \
		for (uint32_t i = 0; i < n; i++)                                                   \
			out[i] = a[i] op k;                                                        \
		weir_expr_false_null_a(f, in);                                                     \
	}

#define CMP_COLS(name, op, store, ctype, member)                                                   \
	static void store##_cols_##name(                                                           \
	    struct weir_expr_frame *f, const struct weir_expr_insn *in)                            \
	{                                                                                          \
		const ctype *restrict a = weir_expr_a(f, in)->data;                                \
		const ctype *restrict b = weir_expr_b(f, in)->data;                                \
		uint8_t *restrict out = in->dst->data;                                             \
		const uint32_t n = f->n;                                                           \
                                                                                                   \
		for (uint32_t i = 0; i < n; i++)                                                   \
			out[i] = a[i] op b[i];                                                     \
		weir_expr_false_null_ab(f, in);                                                    \
	}

RELATIONS(CMP_CONST, u8, uint8_t, i)
RELATIONS(CMP_CONST, u16, uint16_t, i)
RELATIONS(CMP_CONST, u32, uint32_t, i)
RELATIONS(CMP_CONST, i64, int64_t, i)
RELATIONS(CMP_CONST, f64, double, f)
RELATIONS(CMP_COLS, u8, uint8_t, i)
RELATIONS(CMP_COLS, u16, uint16_t, i)
RELATIONS(CMP_COLS, u32, uint32_t, i)
RELATIONS(CMP_COLS, i64, int64_t, i)
RELATIONS(CMP_COLS, f64, double, f)

#define ROW(kind)                                                                                  \
	{                                                                                          \
		kind##_eq, kind##_ne, kind##_lt, kind##_le, kind##_gt, kind##_ge                   \
	}

weir_expr_kernel *const weir_expr_cmp_const[WEIR_N_STORES][WEIR_EXPR_N_CMP] = {
	[WEIR_U8] = ROW(u8_const),
	[WEIR_U16] = ROW(u16_const),
	[WEIR_U32] = ROW(u32_const),
	[WEIR_I64] = ROW(i64_const),
	[WEIR_F64] = ROW(f64_const),
};

weir_expr_kernel *const weir_expr_cmp_cols[WEIR_N_STORES][WEIR_EXPR_N_CMP] = {
	[WEIR_U8] = ROW(u8_cols),
	[WEIR_U16] = ROW(u16_cols),
	[WEIR_U32] = ROW(u32_cols),
	[WEIR_I64] = ROW(i64_cols),
	[WEIR_F64] = ROW(f64_cols),
};

/* -1, 0 or 1: IPv4 before IPv6, then as numbers. */
static inline int
addr_order(const struct weir_addr *a, uint8_t va, const struct weir_addr *b, uint8_t vb)
{
	if (va != vb)
		return va < vb ? -1 : 1;
	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	return a->lo < b->lo ? -1 : a->lo > b->lo;
}

#define CMP_ADDR(name, op, unused)                                                                 \
	static void addr_##name(struct weir_expr_frame *f, const struct weir_expr_insn *in)        \
	{                                                                                          \
		const struct weir_column *a = weir_expr_a(f, in), *b = weir_expr_b(f, in);         \
		const struct weir_addr *restrict x = a->data, *restrict y = b->data;               \
		uint8_t *restrict out = in->dst->data;                                             \
                                                                                                   \
		for (uint32_t i = 0; i < f->n; i++)                                                \
			out[i] = addr_order(&x[i], a->version[i], &y[i], b->version[i]) op 0;      \
		weir_expr_false_null_ab(f, in);                                                    \
	}

/* Equality needs no order: no branches. */
#define SAME_ADDR(name, want)                                                                      \
	static void addr_##name(struct weir_expr_frame *f, const struct weir_expr_insn *in)        \
	{                                                                                          \
		const struct weir_column *a = weir_expr_a(f, in), *b = weir_expr_b(f, in);         \
		const struct weir_addr *restrict x = a->data, *restrict y = b->data;               \
		const uint8_t *restrict va = a->version, *restrict vb = b->version;                \
		uint8_t *restrict out = in->dst->data;                                             \
		const uint32_t n = f->n;                                                           \
                                                                                                   \
		for (uint32_t i = 0; i < n; i++) {                                                 \
			uint64_t differ =                                                          \
			    (x[i].hi ^ y[i].hi) | (x[i].lo ^ y[i].lo) | (uint64_t)(va[i] ^ vb[i]); \
                                                                                                   \
			out[i] = (differ == 0) == (want);                                          \
		}                                                                                  \
		weir_expr_false_null_ab(f, in);                                                    \
	}

SAME_ADDR(eq, 1)
SAME_ADDR(ne, 0)
CMP_ADDR(lt, <, 0)
CMP_ADDR(le, <=, 0)
CMP_ADDR(gt, >, 0)
CMP_ADDR(ge, >=, 0)

weir_expr_kernel *const weir_expr_cmp_addr[WEIR_EXPR_N_CMP] = ROW(addr);

static inline int
bytes_order(const struct weir_bytes *a, const struct weir_bytes *b)
{
	uint32_t len = a->len < b->len ? a->len : b->len;
	int c = len ? memcmp(a->p, b->p, len) : 0;

	return c ? c : (a->len > b->len) - (a->len < b->len);
}

#define CMP_BYTES(name, op, unused)                                                                \
	static void bytes_##name(struct weir_expr_frame *f, const struct weir_expr_insn *in)       \
	{                                                                                          \
		const struct weir_bytes *a = weir_expr_a(f, in)->data;                             \
		const struct weir_bytes *b = weir_expr_b(f, in)->data;                             \
		uint8_t *out = in->dst->data;                                                      \
		uint64_t live[WEIR_MASK_WORDS];                                                    \
                                                                                                   \
		memset(out, 0, f->n);                                                              \
		weir_expr_live(f, in, 1, live);                                                    \
		WEIR_FOR_EACH_BIT (i, live)                                                        \
			out[i] = bytes_order(&a[i], &b[i]) op 0;                                   \
		weir_expr_false_null_ab(f, in);                                                    \
	}

#define SAME_BYTES(name, want)                                                                     \
	static void bytes_##name(struct weir_expr_frame *f, const struct weir_expr_insn *in)       \
	{                                                                                          \
		const struct weir_bytes *a = weir_expr_a(f, in)->data;                             \
		const struct weir_bytes *b = weir_expr_b(f, in)->data;                             \
		uint8_t *out = in->dst->data;                                                      \
		uint64_t live[WEIR_MASK_WORDS];                                                    \
                                                                                                   \
		memset(out, 0, f->n);                                                              \
		weir_expr_live(f, in, 1, live);                                                    \
		WEIR_FOR_EACH_BIT (i, live) {                                                      \
			int same = a[i].len == b[i].len &&                                         \
				   (a[i].len == 0 || memcmp(a[i].p, b[i].p, a[i].len) == 0);       \
                                                                                                   \
			out[i] = same == (want);                                                   \
		}                                                                                  \
		weir_expr_false_null_ab(f, in);                                                    \
	}

SAME_BYTES(eq, 1)
SAME_BYTES(ne, 0)
CMP_BYTES(lt, <, 0)
CMP_BYTES(le, <=, 0)
CMP_BYTES(gt, >, 0)
CMP_BYTES(ge, >=, 0)

weir_expr_kernel *const weir_expr_cmp_bytes[WEIR_EXPR_N_CMP] = ROW(bytes);

void
weir_expr_k_not_null(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	memset(in->dst->data, 1, f->n);
	weir_expr_false_null_a(f, in);
}

void
weir_expr_k_false(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	memset(in->dst->data, 0, f->n);
	memset(in->dst->null, 0, f->n_words * sizeof(uint64_t));
}
