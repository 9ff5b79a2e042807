/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/sketch/bag.h>

/*
 * Bags as bytes: twice the number of elements, and one more where the set has the value that is all
 * zeros; their shape; and then, WEIR_WORDS_MAX elements at a time, a column for each of their words
 * but those of strings, one for each string, and one for the counts. Elements of one word are in
 * order: the differences between them are small.
 */

#define MAX_STEP (WEIR_SKETCH_WORDS + WEIR_BAG_STRINGS + 1)

uint64_t
weir_bag_places(const struct weir_bag *b)
{
	return (uint64_t)weir_bag_walk(b) + 1; /* the first is of what is inside */
}

/* The element at a place, or NULL. */
static const uint64_t *
element_at(const struct weir_bag *b, uint64_t place, bool is_counted)
{
	if (place == 0)
		return !b->log2_cap && b->n ? &b->one : NULL;
	return weir_bag_element(b, (uint32_t)(place - 1), is_counted);
}

static int
compare_words(const void *a, const void *b)
{
	const uint64_t *const *x = a, *const *y = b;

	return (**x > **y) - (**x < **y);
}

static void
write_elements(const uint64_t **e, uint32_t n, struct weir_bag_shape s, struct weir_out *out)
{
	unsigned numbers = s.words - s.strings;
	uint64_t column[WEIR_WORDS_MAX];

	if (s.words == 1 && !s.strings)
		qsort(e, n, sizeof(*e), compare_words);
	for (unsigned w = 0; w < numbers; w++) {
		for (uint32_t i = 0; i < n; i++)
			column[i] = e[i][w];
		weir_words_write(out, column, n);
	}
	for (unsigned t = 0; t < s.strings; t++) {
		struct weir_bytes strings[WEIR_WORDS_MAX];

		for (uint32_t i = 0; i < n; i++)
			strings[i] =
			    (struct weir_bytes){ (const uint8_t *)(uintptr_t)e[i][s.words + t],
				    (uint32_t)e[i][numbers + t] };
		weir_strings_write(out, strings, n);
	}
	for (uint32_t i = 0; s.is_counted && i < n; i++)
		column[i] = e[i][weir_bag_step(s) - 1];
	if (s.is_counted)
		weir_words_write(out, column, n);
}

void
weir_bag_write(
    const struct weir_bag *b, bool is_counted, uint64_t first, uint64_t n, struct weir_out *out)
{
	struct weir_bag_shape s = { b->words ? b->words : 1, b->strings, is_counted };
	const uint64_t *e[WEIR_WORDS_MAX];
	uint64_t n_elements = 0;
	uint32_t held = 0;

	for (uint64_t i = first; i < first + n; i++)
		n_elements += element_at(b, i, is_counted) != NULL;
	weir_out_number(out, n_elements << 1 | (b->has_zero && n && first == 0));
	if (!n_elements)
		return;
	weir_out_byte(out, (uint8_t)(s.words << 4 | s.strings));
	for (uint64_t i = first; i < first + n; i++) {
		e[held] = element_at(b, i, is_counted);
		held += e[held] != NULL;
		if (held == WEIR_WORDS_MAX || (held && i + 1 == first + n)) {
			write_elements(e, held, s, out);
			held = 0;
		}
	}
}

static void
take_elements(struct weir_bag *b, struct weir_sketch_memory *m, struct weir_bag_shape s,
    const uint64_t *columns, uint32_t n)
{
	uint64_t e[MAX_STEP];

	for (uint32_t i = 0; i < n; i++) {
		for (unsigned w = 0; w < weir_bag_step(s); w++)
			e[w] = columns[(size_t)w * WEIR_WORDS_MAX + i];
		weir_bag_add(b, m, s, e, s.is_counted ? e[weir_bag_step(s) - 1] : 1);
	}
}

/* columns: [step][WEIR_WORDS_MAX] */
static bool
read_elements(struct weir_sketch_memory *m, struct weir_bag_shape s, struct weir_in *in,
    uint64_t *columns, uint32_t n)
{
	unsigned numbers = s.words - s.strings;
	uint64_t *counts = columns + (size_t)(weir_bag_step(s) - 1) * WEIR_WORDS_MAX;

	for (unsigned w = 0; w < numbers; w++)
		if (!weir_words_read(in, columns + (size_t)w * WEIR_WORDS_MAX, n))
			return false;
	for (unsigned t = 0; t < s.strings; t++) {
		struct weir_bytes strings[WEIR_WORDS_MAX];

		if (!weir_strings_read(in, strings, n))
			return false;
		for (uint32_t i = 0; i < n; i++) {
			columns[(size_t)(numbers + t) * WEIR_WORDS_MAX + i] =
			    weir_bag_string_word(m, strings[i].p, strings[i].len);
			columns[(size_t)(s.words + t) * WEIR_WORDS_MAX + i] =
			    (uintptr_t)strings[i].p;
		}
	}
	if (s.is_counted && !weir_words_read(in, counts, n))
		return false;
	for (uint32_t i = 0; s.is_counted && i < n; i++)
		if (!counts[i]) {
			weir_in_spoil(in);
			return false;
		}
	return true;
}

bool
weir_bag_read(struct weir_bag *b, struct weir_sketch_memory *m, struct weir_bag_shape s,
    bool is_packed, struct weir_in *in)
{
	uint64_t columns[MAX_STEP * WEIR_WORDS_MAX], n = weir_in_number(in);
	uint8_t shape;

	if (!s.is_counted)
		b->has_zero |= n & 1;
	else if (n & 1)
		weir_in_spoil(in);
	n >>= 1;
	if (!n || in->is_bad)
		return !in->is_bad;
	shape = weir_in_byte(in);
	if (is_packed && shape == 1 << 4)
		s.words = 1;
	if (shape != (s.words << 4 | s.strings))
		weir_in_spoil(in);
	for (; n && !in->is_bad; n -= n < WEIR_WORDS_MAX ? n : WEIR_WORDS_MAX) {
		uint32_t some = n < WEIR_WORDS_MAX ? (uint32_t)n : WEIR_WORDS_MAX;

		if (read_elements(m, s, in, columns, some))
			take_elements(b, m, s, columns, some);
	}
	return !in->is_bad;
}
