/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/sketch/bag.h>

#include <weir/base/poison.h> /* last */

/* Elements of more than one word, and strings. */

static bool
is_same(const uint64_t *a, const uint64_t *b, struct weir_bag_shape s)
{
	for (uint32_t w = 0; w < s.words; w++)
		if (a[w] != b[w])
			return false;
	for (uint32_t i = 0; i < s.strings; i++) {
		/* The words of strings are the last ones. */
		uint32_t len = (uint32_t)a[s.words - s.strings + i];
		const void *p = (const void *)(uintptr_t)a[s.words + i];
		const void *q = (const void *)(uintptr_t)b[s.words + i];

		if (len && memcmp(p, q, len) != 0)
			return false;
	}
	return true;
}

static bool
is_there(const uint64_t *e, struct weir_bag_shape s)
{
	uint64_t any = 0;

	if (s.is_counted)
		return e[weir_bag_step(s) - 1] != 0;
	for (uint32_t w = 0; w < s.words; w++)
		any |= e[w];
	return any != 0;
}

/* The element, or the place where it would be. */
static uint64_t *
seek(const struct weir_bag *b, const uint64_t *element, uint64_t hash, struct weir_bag_shape s,
    bool *ret_is_there)
{
	uint32_t step = weir_bag_step(s);
	uint64_t *at = b->elements;

	*ret_is_there = true;
	if (b->log2_cap > WEIR_BAG_LIST) {
		uint64_t mask = (UINT64_C(1) << b->log2_cap) - 1;

		for (uint64_t i = hash & mask;; i = (i + 1) & mask) {
			at = b->elements + i * step;
			if (!is_there(at, s))
				break;
			if (is_same(at, element, s))
				return at;
		}
	} else if (b->log2_cap) {
		for (uint32_t i = 0; i < b->n; i++, at += step)
			if (is_same(at, element, s))
				return at;
	}
	*ret_is_there = false;
	return at;
}

/* Copy an element's strings. False where there is no memory. */
static bool
keep_strings(
    uint64_t *to, struct weir_sketch_memory *m, const uint64_t *element, struct weir_bag_shape s)
{
	for (uint32_t i = 0; i < s.strings; i++) {
		uint32_t len = (uint32_t)element[s.words - s.strings + i];
		void *p = len ? weir_sketch_get(m, len) : NULL;

		if (len && !p) {
			while (i-- > 0)
				if ((uint32_t)element[s.words - s.strings + i])
					weir_sketch_put(m, (void *)(uintptr_t)to[s.words + i],
					    (uint32_t)element[s.words - s.strings + i]);
			return false;
		}
		if (len)
			memcpy(p, (const void *)(uintptr_t)element[s.words + i], len);
		to[s.words + i] = (uintptr_t)p;
	}
	return true;
}

static bool
put(struct weir_bag *b, struct weir_sketch_memory *m, struct weir_bag_shape s,
    const uint64_t *element, uint64_t hash, uint64_t count)
{
	bool is_old = false;
	uint64_t *at = NULL;

	if (b->log2_cap)
		at = seek(b, element, hash, s, &is_old);
	if (is_old) {
		if (s.is_counted)
			at[weir_bag_step(s) - 1] += count;
		return true;
	}
	if (!at || b->n >= weir_bag_room(b)) {
		if (!weir_bag_grow(b, m, s))
			return false;
		at = seek(b, element, hash, s, &is_old);
		if (is_old) { /* it was the one inside */
			if (s.is_counted)
				at[weir_bag_step(s) - 1] += count;
			return true;
		}
	}
	if (!keep_strings(at, m, element, s))
		return false;
	memcpy(at, element, s.words * sizeof(*at));
	if (s.is_counted)
		at[weir_bag_step(s) - 1] = count;
	b->n++;
	return true;
}

void
weir_bag_add(struct weir_bag *b, struct weir_sketch_memory *m, struct weir_bag_shape s,
    const uint64_t *element, uint64_t count)
{
	if (!s.is_counted && !is_there(element, s)) {
		b->has_zero = 1;
		return;
	}
	if (!s.is_counted && s.words == 1 && !s.strings && !b->log2_cap &&
	    (b->n == 0 || b->one == element[0])) {
		b->one = element[0];
		b->n = 1;
		return;
	}
	if (!put(b, m, s, element, weir_hash_words(element, s.words, 1, m->secrets), count))
		m->n_short++;
}
