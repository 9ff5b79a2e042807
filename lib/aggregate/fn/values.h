/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_VALUES_H
#define WEIR_AGGREGATE_VALUES_H

#include <weir/base/hash.h>
#include <weir/sketch/bag.h>

#include "any.h"

/*
 * The values of up to two columns, whole, in sets: what distinct, entropy and topk keep. As with
 * keys, values whose addresses are all IPv4 are narrow and have a set of their own; most fit into
 * one word, and go the quick way.
 */

enum { WEIR_VALUES_WIDE, WEIR_VALUES_NARROW, WEIR_VALUES_N };

/* A state: without addresses among the arguments, of one set only. */
WEIR_AGG_INLINE unsigned
weir_values_n_bags(const enum weir_type *args, unsigned n_args)
{
	for (unsigned i = 0; i < n_args; i++)
		if (args[i] == WEIR_IP)
			return WEIR_VALUES_N;
	return 1;
}

/* Rows of a batch, by their place k in it. */
struct weir_values_batch {
	uint8_t is_out[WEIR_ROWS];  /* an argument is null */
	uint8_t is_wide[WEIR_ROWS]; /* an address is not IPv4 */
	uint64_t x[WEIR_AGG_MAX_ARGS][WEIR_ROWS];
	uint64_t hash[WEIR_ROWS];
};

/* Bits that a value of a store has where it is narrow. */
WEIR_AGG_INLINE unsigned
weir_values_bits(enum weir_store store)
{
	switch (store) {
	case WEIR_U8:
		return 8;
	case WEIR_U16:
		return 16;
	case WEIR_U32:
	case WEIR_ADDR:
		return 32;
	default:
		return 64;
	}
}

/* Load one argument of all rows; of an address the low half, of a string what it is found by. */
WEIR_AGG_INLINE void
weir_values_load(const struct weir_agg_rows *rows, const struct weir_column *c,
    struct weir_values_batch *b, uint64_t *x, enum weir_store store)
{
	const void *data = c->data;

	for (uint32_t k = 0; k < rows->n; k++) {
		uint32_t r = rows->row[k];

		b->is_out[k] |= (uint8_t)weir_mask_test(c->null, r);
		if (b->is_out[k])
			continue;
		if (store == WEIR_F64) {
			double f = ((const double *)data)[r];

			b->is_out[k] |= f != f;
			x[k] = weir_number_bits(f);
		} else if (store == WEIR_ADDR) {
			x[k] = ((const struct weir_addr *)data)[r].lo;
			b->is_wide[k] |= c->version[r] != 4;
		} else if (store == WEIR_BYTES) {
			const struct weir_bytes *s = (const struct weir_bytes *)data + r;

			x[k] = weir_bag_string_word(rows->memory, s->p, s->len);
		} else {
			x[k] = (uint64_t)weir_agg_int(data, r, store);
		}
	}
}

WEIR_AGG_INLINE void
weir_values_load_column(const struct weir_agg_rows *rows, const struct weir_column *c,
    struct weir_values_batch *b, uint64_t *x)
{
#define BODY(store) weir_values_load(rows, c, b, x, store)
	WEIR_ANY_BY_STORE(c, BODY);
#undef BODY
}

/* Take in a row that does not fit into a word. Words of strings come last, and then their bytes. */
WEIR_AGG_INLINE void
weir_values_add_long(const struct weir_agg_rows *rows, uint32_t k, struct weir_bag *bag,
    const struct weir_column *const *args, unsigned n_args, const struct weir_values_batch *b,
    bool is_counted)
{
	uint64_t e[WEIR_SKETCH_WORDS + WEIR_BAG_STRINGS];
	struct weir_bag_shape s = { 0, 0, is_counted };
	uint32_t r = rows->row[k];
	bool is_wide = b->is_wide[k];

	for (unsigned i = 0; i < n_args; i++) {
		if (args[i]->store == WEIR_BYTES)
			continue;
		if (args[i]->store == WEIR_ADDR && is_wide) {
			e[s.words++] = ((const struct weir_addr *)args[i]->data)[r].hi;
			e[s.words++] = args[i]->version[r];
		}
		e[s.words++] = b->x[i][k];
	}
	for (unsigned i = 0; i < n_args; i++)
		if (args[i]->store == WEIR_BYTES) {
			e[s.words++] = b->x[i][k];
			s.strings++;
		}
	for (unsigned i = 0, at = s.words; i < n_args; i++)
		if (args[i]->store == WEIR_BYTES)
			e[at++] = (uintptr_t)((const struct weir_bytes *)args[i]->data)[r].p;
	weir_bag_add(bag, rows->memory, s, e, 1);
}

/*
 * Take rows in. First what each is hashed to, and memory is asked for; by the time that a set is
 * looked at, it is there.
 */
WEIR_AGG_INLINE void
weir_values_update(const struct weir_agg_rows *rows, uint32_t offset,
    const struct weir_column *const *args, unsigned n_args, bool is_counted)
{
	struct weir_values_batch b;
	unsigned bits = weir_values_bits(args[0]->store);
	bool has_address = args[0]->type == WEIR_IP || (n_args > 1 && args[1]->type == WEIR_IP);
	bool is_short = args[0]->store != WEIR_BYTES;

	memset(b.is_out, 0, rows->n);
	memset(b.is_wide, 0, rows->n);
	for (unsigned i = 0; i < n_args; i++)
		weir_values_load_column(rows, args[i], &b, b.x[i]);
	if (n_args > 1)
		is_short = is_short && args[1]->store != WEIR_BYTES &&
			   bits + weir_values_bits(args[1]->store) <= 64;
	offset += has_address ? WEIR_VALUES_NARROW * (uint32_t)sizeof(struct weir_bag) : 0;
	for (uint32_t k = 0; is_short && k < rows->n; k++) {
		if (b.is_out[k] || b.is_wide[k])
			continue;
		if (n_args > 1)
			b.x[0][k] |= b.x[1][k] << bits;
		b.hash[k] = weir_bag_hash_word(rows->memory, b.x[0][k]);
		weir_bag_prefetch_word(
		    (const void *)(rows->group[k] + offset), b.hash[k], is_counted);
	}
	for (uint32_t k = 0; k < rows->n; k++) {
		struct weir_bag *bag = (void *)(rows->group[k] + offset);

		if (b.is_out[k])
			continue;
		if (is_short && !b.is_wide[k])
			weir_bag_add_word(bag, rows->memory, b.x[0][k], b.hash[k], is_counted);
		else
			weir_values_add_long(
			    rows, k, bag - b.is_wide[k], args, n_args, &b, is_counted);
	}
}

WEIR_AGG_INLINE void
weir_values_merge(struct weir_bag *dst, const struct weir_bag *src, unsigned n_bags,
    struct weir_sketch_memory *memory, bool is_counted)
{
	for (unsigned i = 0; i < n_bags; i++)
		weir_bag_merge(&dst[i], memory, &src[i], is_counted);
}

WEIR_AGG_INLINE uint64_t
weir_values_pieces(const struct weir_bag *bags, unsigned n_bags)
{
	return weir_bag_places(&bags[0]) + (n_bags > 1 ? weir_bag_places(&bags[1]) : 0);
}

/* One bag after the other, of each the places that are meant. */
WEIR_AGG_INLINE void
weir_values_write(const struct weir_bag *bags, unsigned n_bags, uint64_t first, uint64_t n,
    struct weir_out *out, bool is_counted)
{
	for (unsigned i = 0; i < n_bags; i++) {
		uint64_t places = weir_bag_places(&bags[i]);
		uint64_t from = first < places ? first : places;
		uint64_t some = n < places - from ? n : places - from;

		weir_bag_write(&bags[i], is_counted, from, some, out);
		first -= from;
		n -= some;
	}
}

/* What the values of these types must be like. */
WEIR_AGG_INLINE bool
weir_values_read(struct weir_bag *bags, const enum weir_type *args, unsigned n_args,
    struct weir_sketch_memory *memory, struct weir_in *in, bool is_counted)
{
	unsigned n_bags = weir_values_n_bags(args, n_args);

	for (unsigned i = 0; i < n_bags; i++) {
		bool is_wide = n_bags > 1 && i == WEIR_VALUES_WIDE;
		struct weir_bag_shape s = { 0, 0, is_counted };

		for (unsigned a = 0; a < n_args; a++) {
			s.words += args[a] == WEIR_IP && is_wide ? 3 : 1;
			s.strings += args[a] == WEIR_STRING;
		}
		if (!weir_bag_read(&bags[i], memory, s, !is_wide && !s.strings, in))
			return false;
	}
	return true;
}

WEIR_AGG_INLINE void
weir_values_drop(
    struct weir_bag *bags, unsigned n_bags, struct weir_sketch_memory *memory, bool is_counted)
{
	for (unsigned i = 0; i < n_bags; i++)
		weir_bag_drop(&bags[i], memory, is_counted);
}

#endif
