/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/base/hash.h>

#include "level.h"
#include "probe.h"

#include <weir/base/poison.h> /* last */

/*
 * A batch of keys is looked up in passes - hash, then read index lines, then read rows - so that
 * the cache misses of its keys overlap instead of following one another.
 */

#define ALWAYS_INLINE inline __attribute__((always_inline))

static ALWAYS_INLINE uint8_t *
row_at(const struct weir_table *t, uint32_t row)
{
	return t->rows + (size_t)row * t->shape->stride;
}

static bool
same_strings(const struct weir_layout *l, const struct weir_table *t, const struct weir_keys *keys,
    uint32_t k, uint32_t row)
{
	const struct weir_shape *s = t->shape;
	uint8_t *r = row_at(t, row);
	const uint64_t *words = weir_row_key(l, r);
	const uint8_t **strings = weir_row_strings(l, s, r);

	for (unsigned i = 0; i < l->n_keys; i++) {
		const struct weir_key_place *place = &s->places[i];
		uint32_t len;

		if (l->keys[i].store != WEIR_BYTES)
			continue;
		len = (uint32_t)words[place->word];
		if (len && memcmp(strings[place->pointer],
			       keys->strings[place->pointer * WEIR_ROWS + k], len) != 0)
			return false;
	}
	return true;
}

static ALWAYS_INLINE bool
same_key(const struct weir_layout *l, const struct weir_table *t, const struct weir_keys *keys,
    uint32_t k, uint32_t row, uint32_t words, bool has_strings)
{
	const uint64_t *x = weir_row_key(l, row_at(t, row));
	const uint64_t *y = keys->words + k;
	uint64_t differ = 0;

	for (uint32_t i = 0; i < words; i++)
		differ |= x[i] ^ y[(size_t)i * WEIR_ROWS];
	return differ == 0 && (!has_strings || same_strings(l, t, keys, k, row));
}

static bool
keep_strings(struct weir_table *t, const struct weir_layout *l, const struct weir_keys *keys,
    uint32_t k, uint8_t *row)
{
	const struct weir_shape *s = t->shape;
	const uint64_t *words = weir_row_key(l, row);
	const uint8_t **strings = weir_row_strings(l, s, row);
	uint8_t *to = weir_table_keep(t, l, weir_row_string_bytes(l, s, row));

	for (unsigned i = 0; to && i < l->n_keys; i++) {
		const struct weir_key_place *place = &s->places[i];
		uint32_t len = (uint32_t)words[place->word];

		if (l->keys[i].store != WEIR_BYTES)
			continue;
		if (len)
			memcpy(to, keys->strings[place->pointer * WEIR_ROWS + k], len);
		strings[place->pointer] = to;
		to += len;
	}
	return to != NULL;
}

static void
link_row(struct weir_table *t, uint32_t hash, uint32_t row)
{
	for (uint32_t i = hash & t->line_mask;; i = (i + 1) & t->line_mask) {
		struct weir_index_line *line = &t->index[i];

		for (unsigned s = 0; s < WEIR_TABLE_SLOTS; s++)
			if (!line->row1[s]) {
				line->hash[s] = hash;
				line->row1[s] = row + 1;
				return;
			}
	}
}

/*
 * Add a row for key k: cold enough to be out of the way, but not a rare one. False where room has
 * to be made; *ret_row is WEIR_TABLE_ROW_NONE where the key may not enter or there is no memory.
 */
static __attribute__((noinline)) bool
add_row(struct weir_table *t, const struct weir_layout *l, const struct weir_keys *keys, uint32_t k,
    uint32_t max_rows, uint32_t *ret_row)
{
	const struct weir_shape *s = t->shape;
	uint32_t at = t->hole != WEIR_TABLE_ROW_NONE ? t->hole : t->n_rows;
	uint8_t *row;

	*ret_row = WEIR_TABLE_ROW_NONE;
	if (t->level && weir_hash_sample(keys->hash[k]) >> (32 - t->level))
		return true;
	if (at >= max_rows)
		return l->overflow == WEIR_OVERFLOW_DROP;
	if ((t->n_rows >= t->grow_at || at >= t->cap_rows) && !weir_table_grow(t))
		return true;
	row = row_at(t, at);
	memset(row, 0, s->stride);
	for (uint32_t i = 0; i < s->words; i++)
		memcpy(row + l->key_offset + i * 8, &keys->words[(size_t)i * WEIR_ROWS + k], 8);
	if (l->n_strings && !keep_strings(t, l, keys, k, row))
		return true;
	link_row(t, weir_hash_index(keys->hash[k]), at);
	if (t->base)
		t->base[at] = t->floor;
	t->n_rows += at == t->n_rows;
	t->hole = WEIR_TABLE_ROW_NONE;
	*ret_row = at;
	return true;
}

void
weir_agg_guess(const struct weir_table *t, const struct weir_keys *keys, uint32_t first, uint32_t n,
    uint32_t *rows)
{
	uint32_t mask = t->line_mask, stride = t->shape->stride;
	const uint8_t *base = t->rows;

	/*
	 * The first slot with this hash. Empty slots match a hash of 0; they come after the others,
	 * and their row is WEIR_TABLE_ROW_NONE.
	 */
	for (uint32_t k = first; k < n; k++) {
		uint32_t hash = weir_hash_index(keys->hash[k]);
		const struct weir_index_line *line = &t->index[hash & mask];
		unsigned found = weir_slots_with(line->hash, hash);
		uint32_t row = found ? line->row1[__builtin_ctz(found)] - 1 : WEIR_TABLE_ROW_NONE;

		rows[k] = row;
		if (row != WEIR_TABLE_ROW_NONE)
			__builtin_prefetch(base + (size_t)row * stride, 1);
	}
}

/* The whole way: every slot with this hash in this and the next lines, else a new row. */
static ALWAYS_INLINE bool
find_or_add(struct weir_table *t, const struct weir_layout *l, const struct weir_keys *keys,
    uint32_t k, uint32_t max_rows, uint32_t words, bool has_strings, uint32_t *ret_row)
{
	uint32_t hash = weir_hash_index(keys->hash[k]);

	for (uint32_t i = hash & t->line_mask;; i = (i + 1) & t->line_mask) {
		const struct weir_index_line *line = &t->index[i];

		for (unsigned found = weir_slots_with(line->hash, hash); found;
		     found &= found - 1) {
			uint32_t row = line->row1[__builtin_ctz(found)] - 1;

			if (row != WEIR_TABLE_ROW_NONE &&
			    same_key(l, t, keys, k, row, words, has_strings)) {
				*ret_row = row;
				return true;
			}
		}
		if (!line->row1[WEIR_TABLE_SLOTS - 1])
			return add_row(t, l, keys, k, max_rows, ret_row);
	}
}

static ALWAYS_INLINE uint32_t
find(struct weir_table *t, const struct weir_layout *l, const struct weir_keys *keys,
    uint32_t first, uint32_t n, uint32_t max_rows, struct weir_found *found, uint32_t words,
    bool has_strings)
{
	uint32_t cap_rows = t->cap_rows;

	for (uint32_t k = first; k < n; k++) {
		uint32_t row = found->row[k];

		/* A guess may be out of date: the row is another key's by now, and then it differs.
		 */
		if (row == WEIR_TABLE_ROW_NONE ||
		    !same_key(l, t, keys, k, row, words, has_strings)) {
			if (!find_or_add(t, l, keys, k, max_rows, words, has_strings, &row)) {
				n = k;
				break;
			}
			found->row[k] = row;
			if (row == WEIR_TABLE_ROW_NONE) {
				found->n_none++;
				found->group[k] = NULL;
				continue;
			}
		}
		found->group[k] = row_at(t, row);
	}
	/* It has grown, and may lie elsewhere: growing twice, even where it lay at first. */
	for (uint32_t k = first; t->cap_rows != cap_rows && k < n; k++)
		found->group[k] =
		    found->row[k] == WEIR_TABLE_ROW_NONE ? NULL : row_at(t, found->row[k]);
	return n;
}

/* A query without keys has one group. */
static uint32_t
find_single(struct weir_table *t, const struct weir_layout *l, const struct weir_keys *keys,
    uint32_t first, uint32_t n, struct weir_found *found)
{
	uint32_t row = 0;

	if (t->n_rows == 0)
		(void)add_row(t, l, keys, first, 1, &row);
	if (row == WEIR_TABLE_ROW_NONE)
		found->n_none += n - first;
	for (uint32_t k = first; k < n; k++)
		found->group[k] = row == WEIR_TABLE_ROW_NONE ? NULL : row_at(t, row);
	return n;
}

uint32_t
weir_agg_find(struct weir_table *t, const struct weir_layout *l, const struct weir_keys *keys,
    uint32_t first, uint32_t n, uint32_t max_rows, struct weir_found *found)
{
#define WITH(words, has_strings) find(t, l, keys, first, n, max_rows, found, words, has_strings)
	found->n_none = 0;
	if (l->n_strings)
		return WITH(t->shape->words, true);
	switch (t->shape->words) {
	case 0:
		return find_single(t, l, keys, first, n, found);
	case 1:
		return WITH(1, false); /* an address of IPv4 */
	case 2:
		return WITH(2, false); /* a five-tuple of IPv4 */
	case 5:
		return WITH(5, false); /* of IPv6 */
	default:
		return WITH(t->shape->words, false);
	}
#undef WITH
}
