/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>

#include <weir/sketch/quantile.h>

#define FIRST_LOG2 2
#define FINE       WEIR_QUANTILE_FINE

static size_t
bytes_of(uint32_t log2_cap)
{
	return sizeof(uint64_t) << log2_cap;
}

static uint64_t
count_of(uint64_t bucket)
{
	return bucket & ((UINT64_C(1) << WEIR_QUANTILE_COUNT_BITS) - 1);
}

static int32_t
key_of(uint64_t bucket)
{
	return (int32_t)(bucket >> WEIR_QUANTILE_COUNT_BITS) - WEIR_QUANTILE_BIAS;
}

static bool
grow_to(struct weir_quantile *s, struct weir_sketch_memory *m, uint32_t log2_cap)
{
	struct weir_quantile to = { .log2_cap = log2_cap };

	to.buckets = weir_sketch_get(m, bytes_of(log2_cap));
	if (!to.buckets)
		return false;
	memset(to.buckets, 0, bytes_of(log2_cap));
	for (uint64_t i = 0; s->log2_cap && i < UINT64_C(1) << s->log2_cap; i++)
		if (s->buckets[i])
			(void)weir_quantile_place(
			    &to, m, key_of(s->buckets[i]), count_of(s->buckets[i]));
	weir_quantile_drop(s, m);
	*s = to;
	return true;
}

bool
weir_quantile_grow(struct weir_quantile *s, struct weir_sketch_memory *m)
{
	return grow_to(s, m, s->log2_cap ? s->log2_cap + 1 : FIRST_LOG2);
}

void
weir_quantile_merge(
    struct weir_quantile *dst, struct weir_sketch_memory *m, const struct weir_quantile *src)
{
	/* Buckets come in the order of their hashes: in a smaller table they would meet at one end.
	 */
	if (src->log2_cap > dst->log2_cap)
		(void)grow_to(dst, m, src->log2_cap);
	for (uint64_t i = 0; src->log2_cap && i < UINT64_C(1) << src->log2_cap; i++)
		if (src->buckets[i])
			weir_quantile_add(
			    dst, m, key_of(src->buckets[i]), count_of(src->buckets[i]));
}

void
weir_quantile_drop(struct weir_quantile *s, struct weir_sketch_memory *m)
{
	if (s->log2_cap)
		weir_sketch_put(m, s->buckets, bytes_of(s->log2_cap));
	memset(s, 0, sizeof(*s));
}

/* Numbers in buckets up to a key. */
static uint64_t
count_up_to(const struct weir_quantile *s, int32_t key)
{
	uint64_t n = 0;

	for (uint64_t i = 0; s->log2_cap && i < UINT64_C(1) << s->log2_cap; i++)
		if (s->buckets[i] && key_of(s->buckets[i]) <= key)
			n += count_of(s->buckets[i]);
	return n;
}

/* The least key up to which there are as many numbers as the rank: 20 halvings of all keys, so that
 * buckets need no order and no memory is asked for. */
bool
weir_quantile_key(const struct weir_quantile *s, double q, int32_t *ret_key)
{
	int32_t lo = -WEIR_QUANTILE_BIAS, hi = WEIR_QUANTILE_BIAS;
	uint64_t n = count_up_to(s, hi), rank;

	if (!n)
		return false;
	rank = (uint64_t)ceil(q * (double)n);
	rank = rank < 1 ? 1 : rank > n ? n : rank;
	while (lo < hi) {
		int32_t mid = lo + (hi - lo) / 2;

		if (count_up_to(s, mid) >= rank)
			hi = mid;
		else
			lo = mid + 1;
	}
	*ret_key = lo;
	return true;
}

int64_t
weir_quantile_int(int32_t key)
{
	uint32_t u = (uint32_t)(key < 0 ? -key : key);
	uint32_t octave = u >> FINE ? (u >> FINE) - 1 : 0;
	uint64_t low = (uint64_t)(u - (octave << FINE)) << octave;
	uint64_t x = low + (((UINT64_C(1) << octave) - 1) >> 1);

	if (x > INT64_MAX) /* -2^63, alone in its bucket */
		return INT64_MIN;
	return key < 0 ? -(int64_t)x : (int64_t)x;
}

double
weir_quantile_float(int32_t key)
{
	uint64_t bits = (uint64_t)(key < 0 ? -key : key) << (52 - FINE);
	double x;

	/* 0 and infinity are what they are. */
	if (bits && bits >> 52 != 0x7ff)
		bits |= UINT64_C(1) << (51 - FINE);
	memcpy(&x, &bits, sizeof(x));
	return key < 0 ? -x : x;
}

uint64_t
weir_quantile_places(const struct weir_quantile *s)
{
	return s->log2_cap ? UINT64_C(1) << s->log2_cap : 0;
}

static int
compare_buckets(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* In order of their keys: a column of these, and one of the counts. */
static void
write_buckets(uint64_t *buckets, uint32_t n, struct weir_out *out)
{
	uint64_t column[WEIR_WORDS_MAX];

	qsort(buckets, n, sizeof(*buckets), compare_buckets);
	for (uint32_t i = 0; i < n; i++)
		column[i] = buckets[i] >> WEIR_QUANTILE_COUNT_BITS;
	weir_words_write(out, column, n);
	for (uint32_t i = 0; i < n; i++)
		column[i] = count_of(buckets[i]);
	weir_words_write(out, column, n);
}

void
weir_quantile_write(const struct weir_quantile *s, uint64_t first, uint64_t n, struct weir_out *out)
{
	uint64_t buckets[WEIR_WORDS_MAX], n_buckets = 0;
	uint32_t held = 0;

	for (uint64_t i = first; i < first + n; i++)
		n_buckets += s->buckets[i] != 0;
	weir_out_number(out, n_buckets);
	for (uint64_t i = first; i < first + n; i++) {
		buckets[held] = s->buckets[i];
		held += buckets[held] != 0;
		if (held == WEIR_WORDS_MAX || (held && i + 1 == first + n)) {
			write_buckets(buckets, held, out);
			held = 0;
		}
	}
}

static bool
read_buckets(struct weir_quantile *s, struct weir_sketch_memory *m, int32_t largest, uint32_t n,
    struct weir_in *in)
{
	uint64_t keys[WEIR_WORDS_MAX], counts[WEIR_WORDS_MAX];

	if (!weir_words_read(in, keys, n) || !weir_words_read(in, counts, n))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		/* From -largest to largest. */
		if (keys[i] + (uint64_t)largest - WEIR_QUANTILE_BIAS > 2 * (uint64_t)largest ||
		    !counts[i] || counts[i] >> WEIR_QUANTILE_COUNT_BITS) {
			weir_in_spoil(in);
			return false;
		}
		weir_quantile_add(s, m, (int32_t)keys[i] - WEIR_QUANTILE_BIAS, counts[i]);
	}
	return true;
}

bool
weir_quantile_read(
    struct weir_quantile *s, struct weir_sketch_memory *m, bool is_float, struct weir_in *in)
{
	int32_t largest =
	    is_float ? weir_quantile_key_of_float(HUGE_VAL) : -weir_quantile_key_of_int(INT64_MIN);
	uint64_t n = weir_in_number(in);

	for (; n && !in->is_bad; n -= n < WEIR_WORDS_MAX ? n : WEIR_WORDS_MAX)
		(void)read_buckets(
		    s, m, largest, n < WEIR_WORDS_MAX ? (uint32_t)n : WEIR_WORDS_MAX, in);
	return !in->is_bad;
}
