/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/base/hash.h>
#include <weir/base/words.h>

#include "bits.h"

/*
 * A column begins with a byte: how its words are coded, and whether they are differences. Of those
 * the first word of the column goes before all others.
 *
 *   CONSTANT    the word
 *   PACKED      the least word, a number of bits, so many of each word less the least
 *   GOLOMB      the least word, k, and each word less the least by an exponential Golomb code of
 *               order k: its bits above k in twice as many bits as they are, the k ones below. It
 *               is for words of which most are small.
 *   DICTIONARY  how many different words, these in order as a column, and which of them each is
 */
enum {
	CONSTANT,
	PACKED,
	GOLOMB,
	DICTIONARY,
	METHODS = 3,

	DIFFERENCES = 4, /* of either sign, zigzag */
	ASCENDING = 8,   /* words that do not fall */
	KNOWN = 15,
};

#define DICTIONARY_FROM 6 /* words: fewer are not worth it */
#define TABLE_SIZE      (2 * WEIR_WORDS_MAX)

struct plan {
	uint8_t method;
	uint8_t k; /* bits of PACKED, order of GOLOMB */
	uint64_t least;
	uint64_t bits; /* that it takes in all */
};

void
weir_out_bytes(struct weir_out *o, const void *p, size_t len)
{
	if (len && o->len < o->max)
		memcpy(o->p + o->len, p, len < o->max - o->len ? len : o->max - o->len);
	o->len += len;
}

void
weir_out_number(struct weir_out *o, uint64_t x)
{
	for (; x >= 0x80; x >>= 7)
		weir_out_byte(o, (uint8_t)(x | 0x80));
	weir_out_byte(o, (uint8_t)x);
}

void
weir_in_spoil(struct weir_in *in)
{
	in->is_bad = true;
	in->len = 0;
}

const uint8_t *
weir_in_bytes(struct weir_in *in, size_t len)
{
	const uint8_t *p = in->p;

	if (in->len < len || in->is_bad) {
		weir_in_spoil(in);
		return NULL;
	}
	in->p += len;
	in->len -= len;
	return p;
}

uint8_t
weir_in_byte(struct weir_in *in)
{
	const uint8_t *p = weir_in_bytes(in, 1);

	return p ? *p : 0;
}

uint64_t
weir_in_number(struct weir_in *in)
{
	uint64_t x = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = weir_in_byte(in);

		if (shift == 63 && byte > 1)
			break;
		x |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return in->is_bad ? 0 : x;
	}
	weir_in_spoil(in);
	return 0;
}

static unsigned
length_of(uint64_t x)
{
	return x ? 64 - (unsigned)__builtin_clzll(x) : 0;
}

static uint64_t
number_bits(uint64_t x)
{
	return x ? (length_of(x) + 6) / 7 * 8 : 8;
}

/* Bits of a Golomb code, and the part of it that is written in twice as many. */
static uint64_t
golomb_bits(uint64_t x, unsigned k)
{
	return 2 * (length_of((x >> k) + 1) - 1) + 1 + k;
}

/* The order that is about the best for words of these lengths. */
static unsigned
best_order(const uint32_t lengths[65], unsigned longest)
{
	uint64_t least = UINT64_MAX;
	unsigned best = 0;

	for (unsigned k = 0; k < longest; k++) {
		uint64_t bits = 0;

		for (unsigned i = 0; i <= longest; i++) {
			unsigned above = i > k ? i - k : 0;

			bits +=
			    (uint64_t)lengths[i] * (k + (above > 1 ? 2 * above - 1 : 2 * above));
		}
		if (bits < least) {
			least = bits;
			best = k;
		}
	}
	return best;
}

/* How to write words without a dictionary. */
static struct plan
plan_plain(const uint64_t *x, uint32_t n)
{
	struct plan p = { .method = CONSTANT, .least = x[0] };
	uint32_t lengths[65] = { 0 };
	uint64_t largest = x[0], golomb = 16;
	unsigned bits, k;

	for (uint32_t i = 1; i < n; i++) {
		p.least = x[i] < p.least ? x[i] : p.least;
		largest = x[i] > largest ? x[i] : largest;
	}
	bits = length_of(largest - p.least);
	p.bits = 8 + number_bits(p.least);
	if (!bits)
		return p;
	p.method = PACKED;
	p.k = (uint8_t)bits;
	if (bits < 64) {
		for (uint32_t i = 0; i < n; i++)
			lengths[length_of(x[i] - p.least)]++;
		k = best_order(lengths, bits);
		for (uint32_t i = 0; i < n; i++)
			golomb += golomb_bits(x[i] - p.least, k);
		if (golomb < 16 + (uint64_t)n * bits) {
			p.method = GOLOMB;
			p.k = (uint8_t)k;
		}
	}
	p.bits += 8 + (p.method == GOLOMB ? golomb - 16 : (uint64_t)n * bits);
	return p;
}

static void
write_plain(
    struct weir_out *o, const struct plan *p, unsigned differences, const uint64_t *x, uint32_t n)
{
	struct weir_bits_out b = { .out = o };

	weir_out_byte(o, (uint8_t)(p->method | differences));
	if (differences)
		weir_out_number(o, x[-1]);
	weir_out_number(o, p->least);
	if (p->method == CONSTANT)
		return;
	weir_out_byte(o, p->k);
	for (uint32_t i = 0; i < n && p->method == PACKED; i++)
		weir_bits_put(&b, x[i] - p->least, p->k);
	for (uint32_t i = 0; i < n && p->method == GOLOMB; i++) {
		uint64_t y = x[i] - p->least, high = (y >> p->k) + 1;
		unsigned above = length_of(high) - 1;

		weir_bits_put(&b, UINT64_C(1) << above, above + 1);
		weir_bits_put(&b, high ^ UINT64_C(1) << above, above);
		weir_bits_put(&b, y & ((UINT64_C(1) << p->k) - 1), p->k);
	}
	weir_bits_end(&b);
}

/* Differences to to[1 ..], behind the first word. Returns how they are to be read. */
static unsigned
differences_of(const uint64_t *x, uint32_t n, uint64_t *to)
{
	bool is_falling = false;

	for (uint32_t i = 1; i < n; i++)
		is_falling |= x[i] < x[i - 1];
	to[0] = x[0];
	for (uint32_t i = 1; i < n; i++)
		to[i] = is_falling ? weir_zigzag((int64_t)(x[i] - x[i - 1])) : x[i] - x[i - 1];
	return is_falling ? DIFFERENCES : ASCENDING;
}

/* With a dictionary or without one of its own. */
static void
write_words(struct weir_out *o, const uint64_t *x, uint32_t n)
{
	uint64_t y[WEIR_WORDS_MAX];
	struct plan plain = plan_plain(x, n), other;
	unsigned differences;

	if (plain.method != CONSTANT && n > 2) {
		differences = differences_of(x, n, y);
		other = plan_plain(y + 1, n - 1);
		if (other.bits + number_bits(x[0]) < plain.bits) {
			write_plain(o, &other, differences, y + 1, n - 1);
			return;
		}
	}
	write_plain(o, &plain, 0, x, n);
}

/* The different words of a column, and which of them each is. */
struct dictionary {
	uint32_t n;
	uint64_t words[WEIR_WORDS_MAX];
	uint64_t which[WEIR_WORDS_MAX];
};

static const uint64_t secrets[] = {
	UINT64_C(0x9e3779b97f4a7c15),
	UINT64_C(0xbf58476d1ce4e5b9),
	UINT64_C(0x94d049bb133111eb),
	UINT64_C(0xd6e8feb86659fd93),
};

struct entry {
	uint64_t word;
	uint32_t number;
};

static int
compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (x->word > y->word) - (x->word < y->word);
}

/* Words in order: the differences between them are small. */
static void
sort_dictionary(struct dictionary *d, uint32_t n)
{
	struct entry e[WEIR_WORDS_MAX / 2];
	uint32_t place[WEIR_WORDS_MAX / 2];

	for (uint32_t i = 0; i < d->n; i++)
		e[i] = (struct entry){ d->words[i], i };
	qsort(e, d->n, sizeof(*e), compare_entries);
	for (uint32_t i = 0; i < d->n; i++) {
		d->words[i] = e[i].word;
		place[e[i].number] = i;
	}
	for (uint32_t i = 0; i < n; i++)
		d->which[i] = place[d->which[i]];
}

/* False where more than half of the words are different. */
static bool
make_dictionary(struct dictionary *d, const uint64_t *x, uint32_t n)
{
	uint16_t table[TABLE_SIZE] = { 0 };

	d->n = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = weir_fold(x[i] ^ secrets[0], secrets[1]) % TABLE_SIZE;

		while (table[at] && d->words[table[at] - 1] != x[i])
			at = (at + 1) % TABLE_SIZE;
		if (!table[at]) {
			if (d->n >= n / 2)
				return false;
			d->words[d->n++] = x[i];
			table[at] = (uint16_t)d->n;
		}
		d->which[i] = table[at] - 1u;
	}
	sort_dictionary(d, n);
	return true;
}

void
weir_words_write(struct weir_out *o, const uint64_t *x, uint32_t n)
{
	struct dictionary d;
	struct weir_out plain = *o, other = *o;

	if (!n)
		return;
	write_words(&plain, x, n);
	if (n >= DICTIONARY_FROM && plain.len - o->len > n / 4 + 8 && make_dictionary(&d, x, n)) {
		other.max = 0;
		weir_out_byte(&other, DICTIONARY);
		weir_out_number(&other, d.n);
		write_words(&other, d.words, d.n);
		write_words(&other, d.which, n);
		if (other.len < plain.len) {
			weir_out_byte(o, DICTIONARY);
			weir_out_number(o, d.n);
			write_words(o, d.words, d.n);
			write_words(o, d.which, n);
			return;
		}
	}
	*o = plain;
}

static bool
read_packed(struct weir_in *in, uint64_t least, uint64_t *ret, uint32_t n)
{
	unsigned k = weir_in_byte(in);
	struct weir_bits_in b = { .in = in };

	if (k < 1 || k > 64)
		weir_in_spoil(in);
	for (uint32_t i = 0; i < n && !in->is_bad; i++)
		ret[i] = least + weir_bits_get(&b, k);
	weir_bits_leave(&b);
	return !in->is_bad;
}

static bool
read_golomb(struct weir_in *in, uint64_t least, uint64_t *ret, uint32_t n)
{
	unsigned k = weir_in_byte(in);
	struct weir_bits_in b = { .in = in };

	if (k > 63)
		weir_in_spoil(in);
	for (uint32_t i = 0; i < n && !in->is_bad; i++) {
		unsigned above = weir_bits_zeros(&b);
		uint64_t high = (UINT64_C(1) << above | weir_bits_get(&b, above)) - 1;

		if (above + k > 64)
			weir_in_spoil(in);
		ret[i] = least + (high << k) + weir_bits_get(&b, k);
	}
	weir_bits_leave(&b);
	return !in->is_bad;
}

/* A column without a dictionary, behind its first byte. */
static bool
read_plain(struct weir_in *in, unsigned how, uint64_t *ret, uint32_t n)
{
	bool has_first = how & (DIFFERENCES | ASCENDING);
	uint64_t least;
	bool is_good;

	if (has_first && n) {
		*ret++ = weir_in_number(in);
		n--;
	}
	least = weir_in_number(in);
	switch (how & METHODS) {
	case CONSTANT:
		for (uint32_t i = 0; i < n; i++)
			ret[i] = least;
		is_good = !in->is_bad;
		break;
	case PACKED:
		is_good = read_packed(in, least, ret, n);
		break;
	default:
		is_good = read_golomb(in, least, ret, n);
	}
	for (uint32_t i = 0; is_good && has_first && i < n; i++) {
		uint64_t by = how & DIFFERENCES ? (uint64_t)weir_unzigzag(ret[i]) : ret[i];

		ret[i] = ret[(int64_t)i - 1] + by;
	}
	return is_good;
}

static bool
read_words(struct weir_in *in, uint64_t *ret, uint32_t n)
{
	unsigned how = weir_in_byte(in);

	if (how > KNOWN || (how & METHODS) == DICTIONARY ||
	    (how & (DIFFERENCES | ASCENDING)) == (DIFFERENCES | ASCENDING)) {
		weir_in_spoil(in);
		return false;
	}
	return read_plain(in, how, ret, n);
}

bool
weir_words_read(struct weir_in *in, uint64_t *ret, uint32_t n)
{
	uint64_t words[WEIR_WORDS_MAX], n_words;

	if (!n)
		return !in->is_bad;
	if (n > WEIR_WORDS_MAX || !in->len)
		weir_in_spoil(in);
	if (in->is_bad)
		return false;
	if (*in->p != DICTIONARY)
		return read_words(in, ret, n);
	(void)weir_in_byte(in);
	n_words = weir_in_number(in);
	if (n_words < 1 || n_words > n)
		weir_in_spoil(in);
	if (in->is_bad || !read_words(in, words, (uint32_t)n_words) || !read_words(in, ret, n))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (ret[i] >= n_words) {
			weir_in_spoil(in);
			return false;
		}
		ret[i] = words[ret[i]];
	}
	return true;
}

static bool
is_same(const struct weir_bytes *a, const struct weir_bytes *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->p, b->p, a->len) == 0);
}

/* How many different strings there are; first[] gets one of each, which[] which each is. */
static uint32_t
different_strings(const struct weir_bytes *s, uint32_t n, uint32_t *first, uint64_t *which)
{
	uint16_t table[TABLE_SIZE] = { 0 };
	uint32_t n_first = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = weir_hash_bytes(s[i].p, s[i].len, secrets) % TABLE_SIZE;

		while (table[at] && !is_same(&s[first[table[at] - 1]], &s[i]))
			at = (at + 1) % TABLE_SIZE;
		if (!table[at]) {
			first[n_first++] = i;
			table[at] = (uint16_t)n_first;
		}
		which[i] = table[at] - 1u;
	}
	return n_first;
}

void
weir_strings_write(struct weir_out *o, const struct weir_bytes *s, uint32_t n)
{
	uint64_t which[WEIR_WORDS_MAX], lengths[WEIR_WORDS_MAX];
	uint32_t first[WEIR_WORDS_MAX], n_first;

	if (!n)
		return;
	n_first = different_strings(s, n, first, which);
	weir_out_number(o, n_first);
	for (uint32_t i = 0; i < n_first; i++)
		lengths[i] = s[first[i]].len;
	weir_words_write(o, lengths, n_first);
	for (uint32_t i = 0; i < n_first; i++)
		weir_out_bytes(o, s[first[i]].p, s[first[i]].len);
	if (n_first > 1 && n_first < n)
		weir_words_write(o, which, n);
}

bool
weir_strings_read(struct weir_in *in, struct weir_bytes *ret, uint32_t n)
{
	uint64_t which[WEIR_WORDS_MAX] = { 0 }, lengths[WEIR_WORDS_MAX], n_first;
	struct weir_bytes first[WEIR_WORDS_MAX];

	if (!n)
		return !in->is_bad;
	n_first = weir_in_number(in);
	if (n > WEIR_WORDS_MAX || n_first < 1 || n_first > n)
		weir_in_spoil(in);
	if (in->is_bad || !weir_words_read(in, lengths, (uint32_t)n_first))
		return false;
	for (uint32_t i = 0; i < n_first; i++) {
		if (lengths[i] > UINT32_MAX)
			weir_in_spoil(in);
		first[i].len = (uint32_t)lengths[i];
		first[i].p = weir_in_bytes(in, (size_t)lengths[i]);
	}
	if (in->is_bad)
		return false;
	if (n_first > 1 && n_first < n && !weir_words_read(in, which, n))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = n_first == n ? i : which[i];

		if (at >= n_first) {
			weir_in_spoil(in);
			return false;
		}
		ret[i] = first[at];
	}
	return true;
}
