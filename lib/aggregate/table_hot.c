/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "hash.h"
#include "table.h"

#include <weir/base/poison.h> /* last */

/*
 * A batch of keys is looked up in passes - hash, then read index lines, then read rows - so that
 * the cache misses of its keys overlap instead of following one another.
 */

#define ALWAYS_INLINE inline __attribute__((always_inline))

static ALWAYS_INLINE const uint64_t *
words_at(const uint8_t *p)
{
	return (const uint64_t *)(const void *)p;
}

static ALWAYS_INLINE bool
same_strings(const struct weir_layout *l, const uint8_t *a, const uint8_t *b)
{
	for (unsigned k = 0; k < l->n_keys; k++) {
		const struct weir_key_field *f = &l->keys[k];
		const uint8_t *pa, *pb;
		uint32_t len;

		if (f->store != WEIR_BYTES)
			continue;
		memcpy(&len, a + f->offset, sizeof(len));
		memcpy(&pa, a + f->pointer, sizeof(pa));
		memcpy(&pb, b + f->pointer, sizeof(pb));
		if (len && memcmp(pa, pb, len) != 0)
			return false;
	}
	return true;
}

static ALWAYS_INLINE bool
same_key(const struct weir_layout *l, const uint8_t *a, const uint8_t *b, uint32_t words,
    bool has_strings)
{
	const uint64_t *x = words_at(a), *y = words_at(b);
	uint64_t differ = 0;

	for (uint32_t i = 0; i < words; i++)
		differ |= x[i] ^ y[i];
	return differ == 0 && (!has_strings || same_strings(l, a, b));
}

/* Append a row for a key: cold enough to be out of the way, but not a rare one. */
static __attribute__((noinline)) uint32_t
add_row(struct weir_table *t, const struct weir_layout *l, const uint8_t *key, uint32_t hash,
    uint32_t max_rows)
{
	uint8_t *row;

	if (t->n_rows >= max_rows)
		return WEIR_TABLE_ROW_NONE;
	if ((t->n_rows >= t->grow_at || t->n_rows >= t->cap_rows) && !weir_table_grow(t, l))
		return WEIR_TABLE_ROW_NONE;
	row = t->rows + (size_t)t->n_rows * l->stride;
	memcpy(row, key, l->key_size);
	memset(row + l->key_size, 0, l->stride - l->key_size);
	for (unsigned k = 0; l->n_strings && k < l->n_keys; k++) {
		const struct weir_key_field *f = &l->keys[k];
		const uint8_t *p;
		uint32_t len;

		if (f->store != WEIR_BYTES)
			continue;
		memcpy(&len, row + f->offset, sizeof(len));
		memcpy(&p, row + f->pointer, sizeof(p));
		p = weir_table_keep(t, l, p, len);
		if (!p)
			return WEIR_TABLE_ROW_NONE;
		memcpy(row + f->pointer, &p, sizeof(p));
	}
	for (uint32_t i = hash & t->line_mask;; i = (i + 1) & t->line_mask) {
		struct weir_index_line *line = &t->index[i];

		for (unsigned s = 0; s < WEIR_TABLE_SLOTS; s++)
			if (!line->row1[s]) {
				line->hash[s] = hash;
				line->row1[s] = t->n_rows + 1;
				return t->n_rows++;
			}
	}
}

/* Slots of a line that have this hash, as bits; no branch, for where a key lies is anybody's guess.
 */
static ALWAYS_INLINE unsigned
slots_with(const struct weir_index_line *line, uint32_t hash)
{
	unsigned found = 0;

	for (unsigned s = 0; s < WEIR_TABLE_SLOTS; s++)
		found |= (unsigned)(line->hash[s] == hash) << s;
	return found;
}

/*
 * Row of the first slot with this hash, not yet compared, or WEIR_TABLE_ROW_NONE. Empty slots match
 * a hash of 0; they come after the others, and their row + 1 is 0.
 */
static ALWAYS_INLINE uint32_t
first_candidate(const struct weir_table *t, uint32_t hash)
{
	const struct weir_index_line *line = &t->index[hash & t->line_mask];
	unsigned found = slots_with(line, hash);

	return found ? line->row1[__builtin_ctz(found)] - 1 : WEIR_TABLE_ROW_NONE;
}

/* The whole way: every slot with this hash in this and the next lines, else a new row. */
static ALWAYS_INLINE uint32_t
find_or_add(struct weir_table *t, const struct weir_layout *l, const uint8_t *key, uint32_t hash,
    uint32_t max_rows, uint32_t words, bool has_strings)
{
	for (uint32_t i = hash & t->line_mask;; i = (i + 1) & t->line_mask) {
		const struct weir_index_line *line = &t->index[i];

		for (unsigned found = slots_with(line, hash); found; found &= found - 1) {
			uint32_t row = line->row1[__builtin_ctz(found)] - 1;

			if (row != WEIR_TABLE_ROW_NONE &&
			    same_key(l, key, t->rows + (size_t)row * l->stride, words, has_strings))
				return row;
		}
		if (!line->row1[WEIR_TABLE_SLOTS - 1])
			return add_row(t, l, key, hash, max_rows);
	}
}

static ALWAYS_INLINE uint32_t
lookup(struct weir_table *t, const struct weir_layout *l, const uint8_t *keys, uint32_t key_stride,
    uint32_t n, uint32_t max_rows, uint32_t *hash, uint32_t *rows, uint32_t words, bool has_strings)
{
	uint32_t n_none = 0;

	for (uint32_t k = 0; k < n; k++) {
		const uint8_t *key = keys + (size_t)k * key_stride;

		hash[k] = (uint32_t)(weir_hash_words(words_at(key), words, l->secrets) >> 32);
		__builtin_prefetch(&t->index[hash[k] & t->line_mask]);
	}
	for (uint32_t k = 0; k < n; k++) {
		rows[k] = first_candidate(t, hash[k]);
		if (rows[k] != WEIR_TABLE_ROW_NONE)
			__builtin_prefetch(t->rows + (size_t)rows[k] * l->stride, 1);
	}
	for (uint32_t k = 0; k < n; k++) {
		const uint8_t *key = keys + (size_t)k * key_stride;

		if (rows[k] != WEIR_TABLE_ROW_NONE &&
		    same_key(l, key, t->rows + (size_t)rows[k] * l->stride, words, has_strings))
			continue;
		rows[k] = find_or_add(t, l, key, hash[k], max_rows, words, has_strings);
		n_none += rows[k] == WEIR_TABLE_ROW_NONE;
	}
	return n_none;
}

/* A query without keys has one group. */
static uint32_t
lookup_single(struct weir_table *t, const struct weir_layout *l, uint32_t n, uint32_t max_rows,
    uint32_t *rows)
{
	uint32_t row = 0;

	if (t->n_rows == 0)
		row = add_row(t, l, t->rows, 0, max_rows);
	for (uint32_t k = 0; k < n; k++)
		rows[k] = row;
	return row == WEIR_TABLE_ROW_NONE ? n : 0;
}

uint32_t
weir_table_lookup(struct weir_table *t, const struct weir_layout *l, const uint8_t *keys,
    uint32_t key_stride, uint32_t n, uint32_t max_rows, struct weir_probe *probe, uint32_t *rows)
{
	uint32_t *hash = probe->hash;

#define WITH(words, has_strings)                                                                   \
	lookup(t, l, keys, key_stride, n, max_rows, hash, rows, words, has_strings)
	if (l->n_strings)
		return WITH(l->words, true);
	switch (l->words) {
	case 0:
		return lookup_single(t, l, n, max_rows, rows);
	case 1:
		return WITH(1, false);
	case 3:
		return WITH(3, false); /* an address */
	case 5:
		return WITH(5, false); /* a five-tuple */
	default:
		return WITH(l->words, false);
	}
#undef WITH
}
