/* SPDX-License-Identifier: BSD-3-Clause */
#include <xxhash.h>

#include "kernel.h"
#include "pattern.h"

#include <weir/base/poison.h> /* last */

void
weir_expr_k_contains(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const struct weir_bytes *a = weir_expr_a(f, in)->data;
	const struct weir_bytes *b = weir_expr_b(f, in)->data;
	uint8_t *out = in->dst->data;
	uint64_t live[WEIR_MASK_WORDS];

	memset(out, 0, f->n);
	weir_expr_live(f, in, 1, live);
	WEIR_FOR_EACH_BIT (i, live) {
		/* Everything holds the empty string, also where there is no memory to look into. */
		out[i] = b[i].len == 0 ||
			 (a[i].len >= b[i].len && memmem(a[i].p, a[i].len, b[i].p, b[i].len));
	}
	weir_expr_false_null_ab(f, in);
}

void
weir_expr_k_matches(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const struct weir_expr_pattern *pattern = in->aux;
	const struct weir_bytes *a = weir_expr_a(f, in)->data;
	uint8_t *out = in->dst->data;
	uint64_t live[WEIR_MASK_WORDS];

	memset(out, 0, f->n);
	weir_expr_live(f, in, 0, live);
	WEIR_FOR_EACH_BIT (i, live) {
		const uint8_t *p = a[i].len ? a[i].p : (const uint8_t *)"";

		/* 0: it matched, and no group was kept. Errors are limits: no match. */
		out[i] = pcre2_match(pattern->code, p, a[i].len, 0, 0, pattern->data,
			     pattern->context) >= 0;
	}
	weir_expr_false_null_a(f, in);
}

void
weir_expr_k_len(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const struct weir_bytes *restrict a = weir_expr_a(f, in)->data;
	int64_t *restrict out = in->dst->data;
	const uint32_t n = f->n;

	for (uint32_t i = 0; i < n; i++)
		out[i] = a[i].len;
	weir_expr_null_a(f, in);
}

/* ASCII only: other bytes stay. Letters from first to first + 25 change their case. */
static void
fold_case(struct weir_expr_frame *f, const struct weir_expr_insn *in, uint8_t first)
{
	const struct weir_bytes *a = weir_expr_a(f, in)->data;
	struct weir_expr_text *text = in->aux;
	struct weir_bytes *out = in->dst->data;
	uint64_t live[WEIR_MASK_WORDS];
	size_t total = 0;
	uint8_t *p;

	weir_expr_null_a(f, in);
	weir_expr_live(f, in, 0, live);
	memset(out, 0, f->n * sizeof(*out));
	WEIR_FOR_EACH_BIT (i, live)
		total += a[i].len;
	if (total > text->cap && weir_expr_text_grow(text, total)) {
		memset(in->dst->null, 0xff, f->n_words * sizeof(uint64_t));
		return;
	}
	p = text->p;
	WEIR_FOR_EACH_BIT (i, live) {
		const uint8_t *restrict from = a[i].p;
		uint8_t *restrict to = p;
		const uint32_t len = a[i].len;

		for (uint32_t c = 0; c < len; c++)
			to[c] = (uint8_t)(from[c] ^ ((uint8_t)(from[c] - first) < 26 ? 0x20 : 0));
		out[i] = (struct weir_bytes){ to, len };
		p += len;
	}
}

void
weir_expr_k_upper(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	fold_case(f, in, 'a');
}

void
weir_expr_k_lower(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	fold_case(f, in, 'A');
}

static inline int64_t
hash_bytes(const void *p, size_t len)
{
	return (int64_t)(XXH3_64bits(len ? p : "", len) & INT64_MAX);
}

static void
hash_i64(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const int64_t *a = weir_expr_a(f, in)->data;
	int64_t *out = in->dst->data;

	for (uint32_t i = 0; i < f->n; i++)
		out[i] = hash_bytes(&a[i], sizeof(a[i]));
	weir_expr_null_a(f, in);
}

/* Equal numbers have equal hashes: -0 is 0. */
static void
hash_f64(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const double *a = weir_expr_a(f, in)->data;
	int64_t *out = in->dst->data;

	for (uint32_t i = 0; i < f->n; i++) {
		double x = a[i] == 0 ? 0 : a[i];

		out[i] = hash_bytes(&x, sizeof(x));
	}
	weir_expr_null_a(f, in);
}

static void
hash_addr(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const struct weir_column *a = weir_expr_a(f, in);
	const struct weir_addr *addr = a->data;
	int64_t *out = in->dst->data;

	for (uint32_t i = 0; i < f->n; i++) {
		uint64_t key[3] = { a->version[i], addr[i].hi, addr[i].lo };

		out[i] = hash_bytes(key, sizeof(key));
	}
	weir_expr_null_a(f, in);
}

static void
hash_string(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const struct weir_bytes *a = weir_expr_a(f, in)->data;
	int64_t *out = in->dst->data;
	uint64_t live[WEIR_MASK_WORDS];

	memset(out, 0, f->n * sizeof(*out));
	weir_expr_live(f, in, 0, live);
	WEIR_FOR_EACH_BIT (i, live)
		out[i] = hash_bytes(a[i].p, a[i].len);
	weir_expr_null_a(f, in);
}

weir_expr_kernel *const weir_expr_hash[WEIR_N_STORES] = {
	[WEIR_I64] = hash_i64,
	[WEIR_F64] = hash_f64,
	[WEIR_ADDR] = hash_addr,
	[WEIR_BYTES] = hash_string,
};
