/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <string.h>

#include <weir/sketch/bag.h>

#define FIRST_LOG2 2

static struct weir_bag_shape
shape_of(const struct weir_bag *b, bool is_counted)
{
	struct weir_bag_shape s = { b->words, b->strings, is_counted };

	if (!s.words) /* one inside, and never grown */
		s.words = 1;
	return s;
}

static size_t
bytes_of(unsigned log2_cap, struct weir_bag_shape s)
{
	return ((size_t)weir_bag_step(s) * sizeof(uint64_t)) << log2_cap;
}

uint32_t
weir_bag_walk(const struct weir_bag *b)
{
	if (!b->log2_cap)
		return 0;
	return b->log2_cap > WEIR_BAG_LIST ? (uint32_t)1 << b->log2_cap : b->n;
}

const uint64_t *
weir_bag_element(const struct weir_bag *b, uint32_t i, bool is_counted)
{
	struct weir_bag_shape s = shape_of(b, is_counted);
	const uint64_t *e = b->elements + (size_t)i * weir_bag_step(s);
	uint64_t any = 0;

	if (is_counted)
		return e[weir_bag_step(s) - 1] ? e : NULL;
	for (uint32_t w = 0; w < s.words; w++)
		any |= e[w];
	return any ? e : NULL;
}

/* Put an element that is not there yet where it belongs. */
static void
place(uint64_t *elements, unsigned log2_cap, uint32_t n, const uint64_t *element,
    struct weir_bag_shape s, const struct weir_sketch_memory *m)
{
	uint32_t step = weir_bag_step(s);
	struct weir_bag b = { .elements = elements,
		.log2_cap = (uint8_t)log2_cap,
		.words = s.words,
		.strings = s.strings };
	uint64_t mask = (UINT64_C(1) << log2_cap) - 1, i = n;

	if (log2_cap > WEIR_BAG_LIST) {
		i = weir_hash_words(element, s.words, 1, m->secrets) & mask;
		while (weir_bag_element(&b, (uint32_t)i, s.is_counted))
			i = (i + 1) & mask;
	}
	memcpy(elements + i * step, element, step * sizeof(*element));
}

static bool
grow_to(
    struct weir_bag *b, struct weir_sketch_memory *m, struct weir_bag_shape s, unsigned log2_cap)
{
	size_t size = bytes_of(log2_cap, s);
	uint32_t walk = weir_bag_walk(b), n = 0;
	uint64_t *elements;

	if (log2_cap > 31)
		return false;
	elements = weir_sketch_get(m, size);
	if (!elements)
		return false;
	memset(elements, 0, size);
	b->words = s.words;
	b->strings = s.strings;
	if (!b->log2_cap && b->n)
		place(elements, log2_cap, n++, &b->one, s, m);
	for (uint32_t i = 0; i < walk; i++) {
		const uint64_t *e = weir_bag_element(b, i, s.is_counted);

		if (e)
			place(elements, log2_cap, n++, e, s, m);
	}
	if (b->log2_cap)
		weir_sketch_put(m, b->elements, bytes_of(b->log2_cap, s));
	b->elements = elements;
	b->log2_cap = (uint8_t)log2_cap;
	return true;
}

bool
weir_bag_grow(struct weir_bag *b, struct weir_sketch_memory *m, struct weir_bag_shape s)
{
	return grow_to(b, m, s, b->log2_cap ? b->log2_cap + 1u : FIRST_LOG2);
}

/* Room for n elements in all. */
static bool
reserve(struct weir_bag *b, struct weir_sketch_memory *m, struct weir_bag_shape s, uint64_t n)
{
	unsigned log2_cap = WEIR_BAG_LIST + 1;

	while (log2_cap < 32 && (UINT64_C(1) << log2_cap) / 4 * 3 < n)
		log2_cap++;
	return b->log2_cap >= log2_cap || grow_to(b, m, s, log2_cap);
}

static bool
is_like(struct weir_bag_shape a, struct weir_bag_shape b)
{
	return a.words == b.words && a.strings == b.strings;
}

void
weir_bag_merge(
    struct weir_bag *dst, struct weir_sketch_memory *m, const struct weir_bag *src, bool is_counted)
{
	struct weir_bag_shape s = shape_of(src, is_counted);
	uint32_t walk = weir_bag_walk(src), stride = 1;

	dst->has_zero |= src->has_zero;
	if (src->n && dst->n && !is_like(s, shape_of(dst, is_counted))) {
		m->n_short += src->n; /* only what another host makes up is */
		return;
	}
	if (!src->log2_cap) {
		if (src->n)
			weir_bag_add(dst, m, s, &src->one, 1);
		return;
	}
	/*
	 * Elements come in the order of their hashes: without room for all of them they would meet
	 * at one end of the table.
	 */
	if (src->log2_cap > WEIR_BAG_LIST && !reserve(dst, m, s, (uint64_t)dst->n + src->n))
		stride = 0x9e3779b1;
	for (uint32_t i = 0; i < walk; i++) {
		const uint64_t *e =
		    weir_bag_element(src, stride == 1 ? i : i * stride & (walk - 1), is_counted);

		if (e)
			weir_bag_add(dst, m, s, e, is_counted ? e[weir_bag_step(s) - 1] : 1);
	}
}

static void
put_strings(const uint64_t *e, struct weir_sketch_memory *m, struct weir_bag_shape s)
{
	for (uint32_t i = 0; i < s.strings; i++) {
		uint32_t len = (uint32_t)e[s.words - s.strings + i];

		if (len)
			weir_sketch_put(m, (void *)(uintptr_t)e[s.words + i], len);
	}
}

void
weir_bag_drop(struct weir_bag *b, struct weir_sketch_memory *m, bool is_counted)
{
	struct weir_bag_shape s = shape_of(b, is_counted);
	uint32_t walk = s.strings ? weir_bag_walk(b) : 0;

	for (uint32_t i = 0; i < walk; i++) {
		const uint64_t *e = weir_bag_element(b, i, is_counted);

		if (e)
			put_strings(e, m, s);
	}
	if (b->log2_cap)
		weir_sketch_put(m, b->elements, bytes_of(b->log2_cap, s));
	memset(b, 0, sizeof(*b));
}

static uint64_t
count_in(const struct weir_bag *b, uint32_t i)
{
	const uint64_t *e = weir_bag_element(b, i, true);

	return e ? e[weir_bag_step(shape_of(b, true)) - 1] : 0;
}

/*
 * Each value's share times the logarithm of its inverse, in units of 2^-64: a sum of integers does
 * not depend on the order of its terms.
 */
double
weir_bag_entropy(const struct weir_bag *bags, unsigned n_bags)
{
	__int128 sum = 0;
	uint64_t n = 0;

	for (unsigned b = 0; b < n_bags; b++)
		for (uint32_t i = 0, walk = weir_bag_walk(&bags[b]); i < walk; i++)
			n += count_in(&bags[b], i);
	if (!n)
		return NAN;
	for (unsigned b = 0; b < n_bags; b++)
		for (uint32_t i = 0, walk = weir_bag_walk(&bags[b]); i < walk; i++) {
			double c = (double)count_in(&bags[b], i);

			if (c > 0)
				sum += (__int128)ldexp(c / (double)n * log2((double)n / c), 64);
		}
	return ldexp((double)sum, -64);
}
