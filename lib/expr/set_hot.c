/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel.h"

#include <weir/base/poison.h> /* last */

/* x in {...}: the compiler has sorted the members to intervals that do not touch. */

#define IN_LINEAR(name, ctype, utype)                                                              \
	static void name(struct weir_expr_frame *f, const struct weir_expr_insn *in)               \
	{                                                                                          \
		const struct weir_expr_set *set = in->aux;                                         \
		const ctype *restrict a = weir_expr_a(f, in)->data;                                \
		uint8_t *restrict out = in->dst->data;                                             \
		const uint32_t n = f->n;                                                           \
                                                                                                   \
		memset(out, set->negate, n);                                                       \
		for (unsigned r = 0; r < set->n; r++) {                                            \
			const utype first = (utype)set->ints[r].first;                             \
			const utype span = (utype)((utype)set->ints[r].last - first);              \
                                                                                                   \
			for (uint32_t i = 0; i < n; i++)                                           \
				out[i] ^= (utype)((utype)a[i] - first) <= span;                    \
		}                                                                                  \
		weir_expr_false_null_a(f, in);                                                     \
	}

IN_LINEAR(linear_u8, uint8_t, uint8_t)
IN_LINEAR(linear_u16, uint16_t, uint16_t)
IN_LINEAR(linear_u32, uint32_t, uint32_t)
IN_LINEAR(linear_i64, int64_t, uint64_t)

weir_expr_kernel *const weir_expr_in_linear[WEIR_N_STORES] = {
	[WEIR_U8] = linear_u8,
	[WEIR_U16] = linear_u16,
	[WEIR_U32] = linear_u32,
	[WEIR_I64] = linear_i64,
};

#define IN_BITMAP(name, ctype)                                                                     \
	static void name(struct weir_expr_frame *f, const struct weir_expr_insn *in)               \
	{                                                                                          \
		const struct weir_expr_set *set = in->aux;                                         \
		const ctype *restrict a = weir_expr_a(f, in)->data;                                \
		const uint64_t *restrict bitmap = set->bitmap;                                     \
		uint8_t *restrict out = in->dst->data;                                             \
		const uint32_t n = f->n;                                                           \
                                                                                                   \
		for (uint32_t i = 0; i < n; i++)                                                   \
			out[i] = (bitmap[a[i] / 64] >> (a[i] % 64) & 1) ^ set->negate;             \
		weir_expr_false_null_a(f, in);                                                     \
	}

IN_BITMAP(bitmap_u8, uint8_t)
IN_BITMAP(bitmap_u16, uint16_t)

weir_expr_kernel *const weir_expr_in_bitmap[WEIR_N_STORES] = {
	[WEIR_U8] = bitmap_u8,
	[WEIR_U16] = bitmap_u16,
};

void
weir_expr_k_in_i64(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const struct weir_expr_set *set = in->aux;
	const int64_t *a = weir_expr_a(f, in)->data;
	uint8_t *out = in->dst->data;

	for (uint32_t i = 0; i < f->n; i++) {
		unsigned lo = 0, hi = set->n;

		while (lo < hi) {
			unsigned mid = (lo + hi) / 2;

			if (set->ints[mid].last < a[i])
				lo = mid + 1;
			else
				hi = mid;
		}
		out[i] = (lo < set->n && set->ints[lo].first <= a[i]) ^ set->negate;
	}
	weir_expr_false_null_a(f, in);
}

void
weir_expr_k_in_f64(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const struct weir_expr_set *set = in->aux;
	const double *a = weir_expr_a(f, in)->data;
	uint8_t *out = in->dst->data;

	for (uint32_t i = 0; i < f->n; i++) {
		unsigned lo = 0, hi = set->n;

		while (lo < hi) {
			unsigned mid = (lo + hi) / 2;

			if (set->floats[mid].last < a[i])
				lo = mid + 1;
			else
				hi = mid;
		}
		/* NaN is in no interval. */
		out[i] = (lo < set->n && set->floats[lo].first <= a[i]) ^ set->negate;
	}
	weir_expr_false_null_a(f, in);
}

static inline int
is_less(const struct weir_addr *a, unsigned va, const struct weir_addr *b, unsigned vb)
{
	if (va != vb)
		return va < vb;
	return a->hi < b->hi || (a->hi == b->hi && a->lo < b->lo);
}

void
weir_expr_k_in_addr(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const struct weir_expr_set *set = in->aux;
	const struct weir_column *a = weir_expr_a(f, in);
	const struct weir_addr *addr = a->data;
	uint8_t *out = in->dst->data;

	for (uint32_t i = 0; i < f->n; i++) {
		unsigned lo = 0, hi = set->n, v = a->version[i];

		while (lo < hi) {
			unsigned mid = (lo + hi) / 2;
			const struct weir_expr_range_addr *r = &set->addrs[mid];

			if (is_less(&r->last, r->version, &addr[i], v))
				lo = mid + 1;
			else
				hi = mid;
		}
		out[i] = (lo < set->n &&
			     !is_less(&addr[i], v, &set->addrs[lo].first, set->addrs[lo].version)) ^
			 set->negate;
	}
	weir_expr_false_null_a(f, in);
}

void
weir_expr_k_in_bytes(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const struct weir_expr_set *set = in->aux;
	const struct weir_bytes *a = weir_expr_a(f, in)->data;
	uint8_t *out = in->dst->data;
	uint64_t live[WEIR_MASK_WORDS];

	memset(out, 0, f->n);
	weir_expr_live(f, in, 0, live);
	WEIR_FOR_EACH_BIT (i, live) {
		unsigned lo = 0, hi = set->n;
		int found = 0;

		while (lo < hi && !found) {
			unsigned mid = (lo + hi) / 2;
			const struct weir_bytes *m = &set->strings[mid];
			int c = (m->len > a[i].len) - (m->len < a[i].len);

			if (c == 0 && m->len)
				c = memcmp(m->p, a[i].p, m->len);
			found = c == 0;
			if (c < 0)
				lo = mid + 1;
			else
				hi = mid;
		}
		out[i] = (uint8_t)found ^ set->negate;
	}
	weir_expr_false_null_a(f, in);
}
