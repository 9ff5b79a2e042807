/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include <weir/base/digit.h>

#include "memory.h"
#include "pane.h"

/*
 * Groups by their keys, as weir_block_sort orders rows, but without a block: only their numbers are
 * moved. A key is a sequence of 64-bit digits whose unsigned order is the wanted order; runs that
 * are equal in one digit are ordered by the next. It is done in place, as the groups may be most of
 * the memory that there is: twelve bytes a group while it lasts, four afterwards.
 */

/* Pages of the index are given back from this size on: nothing is looked up any more. */
#define RELEASE_BYTES ((size_t)1 << 20)

/* Runs up to here are ordered by insertion. */
#define SHORT_RUN 24

enum piece {
	PIECE_VERSION, /* of an address */
	PIECE_VALUE,   /* a number; the high half of an address */
	PIECE_LOW,     /* the low half of an address */
	PIECE_BYTES,   /* eight bytes of a string */
	PIECE_LENGTH,  /* what tells "a" from "a\0" */
};

/* Where a run stands: the digit to order it by. */
struct place {
	unsigned key;
	enum piece piece;
	uint32_t offset; /* PIECE_BYTES: of its first byte */
};

struct ordering {
	const struct weir_pane *pane;
	uint32_t *group;
	uint64_t *digit; /* of group[i] at the place where its run stands */
};

static uint64_t
address_digit(const uint64_t *words, const struct weir_key_place *at, bool is_narrow, enum piece p)
{
	if (p == PIECE_VERSION)
		return is_narrow ? 4 : (uint8_t)(words[at->version_word] >> at->version_shift);
	if (p == PIECE_VALUE)
		return is_narrow ? 0 : words[at->word];
	return is_narrow ? (uint32_t)(words[at->word] >> at->shift) : words[at->word + 1];
}

static uint64_t
digit_of(const struct weir_pane *p, uint32_t group, const struct place *place)
{
	const struct weir_layout *l = p->layout;
	const struct weir_table *t = weir_pane_table_of(p, &group);
	uint8_t *row = t->rows + (size_t)group * t->shape->stride;
	const uint64_t *words = weir_row_key(l, row);
	const struct weir_key_place *at = &t->shape->places[place->key];
	uint64_t x = words[at->word] >> at->shift;

	switch (l->keys[place->key].store) {
	case WEIR_U8:
		return (uint8_t)x;
	case WEIR_U16:
		return (uint16_t)x;
	case WEIR_U32:
		return (uint32_t)x;
	case WEIR_I64:
		return weir_digit_int((int64_t)x);
	case WEIR_F64:
		return weir_digit_float(x); /* pack_hot.c stored weir_float_bits */
	case WEIR_ADDR:
		return address_digit(
		    words, at, t->shape == &l->shapes[WEIR_SHAPE_NARROW], place->piece);
	case WEIR_BYTES:
		if (place->piece == PIECE_LENGTH)
			return (uint32_t)x;
		return weir_digit_bytes(
		    weir_row_strings(l, t->shape, row)[at->pointer], (uint32_t)x, place->offset);
	case WEIR_N_STORES:
		break;
	}
	return 0;
}

static uint32_t
string_length(const struct weir_pane *p, uint32_t group, unsigned key)
{
	const struct place at = { .key = key, .piece = PIECE_LENGTH };

	return (uint32_t)digit_of(p, group, &at);
}

/* Returns the bits in which they differ. */
static uint64_t
fill_digits(const struct ordering *o, const struct place *place, uint32_t first, uint32_t end)
{
	uint64_t differ = 0;

	for (uint32_t i = first; i < end; i++) {
		o->digit[i] = digit_of(o->pane, o->group[i], place);
		differ |= o->digit[i] ^ o->digit[first];
	}
	return differ;
}

static struct place
first_of_key(const struct weir_layout *l, unsigned key)
{
	enum piece piece = PIECE_VALUE;

	if (key < l->n_keys && l->keys[key].store == WEIR_ADDR)
		piece = PIECE_VERSION;
	if (key < l->n_keys && l->keys[key].store == WEIR_BYTES)
		piece = PIECE_BYTES;
	return (struct place){ .key = key, .piece = piece };
}

/* Step to the next digit. False past the last. */
static bool
next_place(const struct ordering *o, struct place *p, uint32_t first, uint32_t end)
{
	const struct weir_layout *l = o->pane->layout;

	switch (p->piece) {
	case PIECE_VERSION:
		p->piece = PIECE_VALUE;
		return true;
	case PIECE_VALUE:
		if (l->keys[p->key].store == WEIR_ADDR) {
			p->piece = PIECE_LOW;
			return true;
		}
		break;
	case PIECE_BYTES:
		p->offset += 8;
		p->piece = PIECE_LENGTH;
		for (uint32_t i = first; i < end && p->piece == PIECE_LENGTH; i++)
			if (string_length(o->pane, o->group[i], p->key) > p->offset)
				p->piece = PIECE_BYTES;
		return true;
	case PIECE_LOW:
	case PIECE_LENGTH:
		break;
	}
	*p = first_of_key(l, p->key + 1);
	return p->key < l->n_keys;
}

static void
swap(const struct ordering *o, uint32_t i, uint32_t j)
{
	uint64_t digit = o->digit[i];
	uint32_t group = o->group[i];

	o->digit[i] = o->digit[j];
	o->group[i] = o->group[j];
	o->digit[j] = digit;
	o->group[j] = group;
}

static void
insertion_sort(const struct ordering *o, uint32_t first, uint32_t end)
{
	for (uint32_t i = first + 1; i < end; i++) {
		uint64_t digit = o->digit[i];
		uint32_t group = o->group[i], j = i;

		for (; j > first && o->digit[j - 1] > digit; j--) {
			o->digit[j] = o->digit[j - 1];
			o->group[j] = o->group[j - 1];
		}
		o->digit[j] = digit;
		o->group[j] = group;
	}
}

/* By the byte at `shift` and those below it: each is swapped to where its byte belongs. */
static void
radix_sort(const struct ordering *o, uint32_t first, uint32_t end, int shift)
{
	uint32_t at[256], end_of[256] = { 0 };
	uint32_t sum = first;

	if (end - first <= SHORT_RUN) {
		insertion_sort(o, first, end);
		return;
	}
	for (uint32_t i = first; i < end; i++)
		end_of[o->digit[i] >> shift & 0xff]++;
	for (unsigned b = 0; b < 256; b++) {
		at[b] = sum;
		sum += end_of[b];
		end_of[b] = sum;
	}
	for (unsigned b = 0; b < 256; b++)
		while (at[b] < end_of[b]) {
			unsigned to = o->digit[at[b]] >> shift & 0xff;

			if (to == b)
				at[b]++;
			else
				swap(o, at[b], at[to]++);
		}
	for (unsigned b = 0; shift > 0 && b < 256; b++) {
		uint32_t begin = b ? end_of[b - 1] : first;

		if (end_of[b] - begin > 1)
			radix_sort(o, begin, end_of[b], shift - 8);
	}
}

static void
sort_run(const struct ordering *o, struct place p, uint32_t first, uint32_t end)
{
	uint64_t differ;

	for (;;) {
		differ = fill_digits(o, &p, first, end);
		if (differ)
			break;
		if (!next_place(o, &p, first, end))
			return;
	}
	radix_sort(o, first, end, (63 - __builtin_clzll(differ)) / 8 * 8);
	for (uint32_t i = first, last; i < end; i = last) {
		struct place next = p;

		for (last = i + 1; last < end && o->digit[last] == o->digit[i]; last++)
			;
		if (last - i > 1 && next_place(o, &next, i, last))
			sort_run(o, next, i, last);
	}
}

int
weir_pane_order(struct weir_pane *p)
{
	uint32_t n = weir_pane_n_rows(p);
	struct ordering o = { .pane = p };

	weir_pane_forget_order(p);
	if (n == 0)
		return 0;
	for (unsigned s = 0; !p->keeps_index && s < p->layout->n_shapes; s++)
		weir_table_release_index(&p->tables[s], RELEASE_BYTES);
	o.group = weir_memory_get((size_t)n * sizeof(*o.group));
	o.digit = weir_memory_get((size_t)n * sizeof(*o.digit));
	if (!o.group || !o.digit) {
		weir_memory_put(o.group, (size_t)n * sizeof(*o.group));
		weir_memory_put(o.digit, (size_t)n * sizeof(*o.digit));
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++)
		o.group[i] = i;
	if (n > 1 && p->layout->n_keys)
		sort_run(&o, first_of_key(p->layout, 0), 0, n);
	weir_memory_put(o.digit, (size_t)n * sizeof(*o.digit));
	p->order = o.group;
	p->n_ordered = n;
	return 0;
}

void
weir_pane_forget_order(struct weir_pane *p)
{
	weir_memory_put(p->order, (size_t)p->n_ordered * sizeof(*p->order));
	p->order = NULL;
	p->n_ordered = 0;
}
