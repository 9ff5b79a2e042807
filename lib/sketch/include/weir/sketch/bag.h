/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SKETCH_BAG_H
#define WEIR_SKETCH_BAG_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/hash.h>
#include <weir/base/words.h>
#include <weir/sketch/memory.h>

/*
 * A set of values, or with a count each a bag: exact, every value is kept whole. A value is an
 * element: its words, which are compared and hashed, and a pointer for each string in it, whose
 * word is weir_bag_string_word. All elements of a bag are made alike.
 *
 *   | words | pointers to strings | count, in a bag |
 *
 * A set of one value of one word has it inside. Up to 8 elements are a list, more a table with
 * linear probing, at most three quarters full. An element is there where its count is not 0 or, in
 * a set, where any of its words is not: the value that is all zeros is a flag of the set.
 *
 * What a set holds, and what is worked out from it, does not depend on the order of values.
 */

#define WEIR_BAG_LIST    3 /* logarithm of the largest list */
#define WEIR_BAG_STRINGS 2

struct weir_bag {
	union {
		uint64_t one;
		uint64_t *elements;
	};
	uint32_t n;       /* elements */
	uint8_t log2_cap; /* 0: none, or one inside */
	uint8_t words;
	uint8_t strings;
	uint8_t has_zero; /* the value that is all zeros, of a set */
};

struct weir_bag_shape {
	uint8_t words;
	uint8_t strings;
	bool is_counted;
};

/* Hot, owner. Take a value in, so many times. Its strings are copied. */
void weir_bag_add(struct weir_bag *b, struct weir_sketch_memory *m, struct weir_bag_shape shape,
    const uint64_t *element, uint64_t count);
/* Cold, owner. Make room for one more element. False where there is no memory. */
bool weir_bag_grow(struct weir_bag *b, struct weir_sketch_memory *m, struct weir_bag_shape shape);
/* Cold, owner of m. dst takes src in. */
void weir_bag_merge(struct weir_bag *dst, struct weir_sketch_memory *m, const struct weir_bag *src,
    bool is_counted);
/* Cold, owner. Empty it, and give its memory back. */
void weir_bag_drop(struct weir_bag *b, struct weir_sketch_memory *m, bool is_counted);
/* Cold. Element number i of a walk, NULL for one that is not there; i < weir_bag_walk. The element
 * inside a set is not met: it has one. */
uint32_t weir_bag_walk(const struct weir_bag *b);
const uint64_t *weir_bag_element(const struct weir_bag *b, uint32_t i, bool is_counted);
/*
 * Cold. A bag as bytes, in pieces: n of its places from `first` on, which may be of no value. What
 * is read is taken in, and must be of this shape or, where is_packed, of one word; else the bytes
 * are bad.
 */
uint64_t weir_bag_places(const struct weir_bag *b);
void weir_bag_write(
    const struct weir_bag *b, bool is_counted, uint64_t first, uint64_t n, struct weir_out *out);
bool weir_bag_read(struct weir_bag *b, struct weir_sketch_memory *m, struct weir_bag_shape s,
    bool is_packed, struct weir_in *in);
/* Cold. Shannon entropy in bits of what bags hold together; NaN of nothing. */
double weir_bag_entropy(const struct weir_bag *bags, unsigned n);

static inline uint64_t
weir_bag_count(const struct weir_bag *b)
{
	return (uint64_t)b->n + b->has_zero;
}

static inline uint32_t
weir_bag_step(struct weir_bag_shape s)
{
	return (uint32_t)s.words + s.strings + s.is_counted;
}

static inline uint64_t
weir_bag_string_word(const struct weir_sketch_memory *m, const uint8_t *p, uint32_t len)
{
	uint64_t hash = weir_hash_bytes(p, len, m->secrets + WEIR_SKETCH_WORDS);

	return (hash | 1) << 32 | len;
}

/* Elements that there may be before it grows. */
static inline uint32_t
weir_bag_room(const struct weir_bag *b)
{
	uint32_t cap = b->log2_cap ? (uint32_t)1 << b->log2_cap : 0;

	return b->log2_cap > WEIR_BAG_LIST ? cap / 4 * 3 : cap;
}

static inline uint64_t
weir_bag_hash_word(const struct weir_sketch_memory *m, uint64_t x)
{
	return weir_hash_words(&x, 1, 1, m->secrets);
}

static inline __attribute__((always_inline)) void
weir_bag_prefetch_word(const struct weir_bag *b, uint64_t hash, bool is_counted)
{
	uint64_t mask = (UINT64_C(1) << b->log2_cap) - 1;

	if (b->log2_cap)
		__builtin_prefetch(b->elements + (hash & mask) * (1 + is_counted));
}

/* Find x in a list or a table; true where it was, and has been counted, or where it had room. */
static inline __attribute__((always_inline)) bool
weir_bag_place_word(struct weir_bag *b, uint64_t x, uint64_t hash, bool is_counted)
{
	const uint32_t step = 1 + is_counted;
	uint64_t *e = b->elements, *at;

	if (b->log2_cap > WEIR_BAG_LIST) {
		uint64_t mask = (UINT64_C(1) << b->log2_cap) - 1;

		for (uint64_t i = hash & mask;; i = (i + 1) & mask) {
			at = e + i * step;
			if (!at[step - 1])
				break;
			if (at[0] == x) {
				at[step - 1] += is_counted;
				return true;
			}
		}
	} else {
		at = e;
		for (uint32_t i = 0; i < b->n; i++, at += step)
			if (at[0] == x) {
				at[step - 1] += is_counted;
				return true;
			}
	}
	if (b->n >= weir_bag_room(b))
		return false;
	b->n++;
	at[0] = x;
	if (is_counted)
		at[1] = 1;
	return true;
}

/* Hot, owner. Take in one value of one word, once, with its hash. */
static inline __attribute__((always_inline)) void
weir_bag_add_word(
    struct weir_bag *b, struct weir_sketch_memory *m, uint64_t x, uint64_t hash, bool is_counted)
{
	if (!is_counted) {
		if (x == 0) {
			b->has_zero = 1;
			return;
		}
		if (b->log2_cap == 0 && (b->n == 0 || b->one == x)) {
			b->one = x;
			b->n = 1;
			return;
		}
	}
	if (b->log2_cap && weir_bag_place_word(b, x, hash, is_counted))
		return;
	if (weir_bag_grow(b, m, (struct weir_bag_shape){ 1, 0, is_counted }))
		(void)weir_bag_place_word(b, x, hash, is_counted);
	else
		m->n_short++;
}

#endif
