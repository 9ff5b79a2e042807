/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "hash.h"
#include "table.h"

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
	uint64_t *entry;
	uint32_t g;

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
	for (g = hash & t->group_mask;; g = (g + 1) & t->group_mask) {
		entry = t->index + (size_t)g * WEIR_TABLE_GROUP;
		for (unsigned s = 0; s < WEIR_TABLE_GROUP; s++)
			if (!entry[s]) {
				entry[s] = (uint64_t)hash << 32 | (t->n_rows + 1);
				return t->n_rows++;
			}
	}
}

/* Row of the first entry with this hash, not yet compared, or WEIR_TABLE_ROW_NONE. */
static ALWAYS_INLINE uint32_t
first_candidate(const struct weir_table *t, uint32_t hash)
{
	const uint64_t *entry = t->index + (size_t)(hash & t->group_mask) * WEIR_TABLE_GROUP;

	for (unsigned s = 0; s < WEIR_TABLE_GROUP && entry[s]; s++)
		if ((uint32_t)(entry[s] >> 32) == hash)
			return (uint32_t)entry[s] - 1;
	return WEIR_TABLE_ROW_NONE;
}

/* The whole way: every entry with this hash in this and the next groups, else a new row. */
static ALWAYS_INLINE uint32_t
find_or_add(struct weir_table *t, const struct weir_layout *l, const uint8_t *key, uint32_t hash,
    uint32_t max_rows, uint32_t words, bool has_strings)
{
	for (uint32_t g = hash & t->group_mask;; g = (g + 1) & t->group_mask) {
		const uint64_t *entry = t->index + (size_t)g * WEIR_TABLE_GROUP;

		for (unsigned s = 0; s < WEIR_TABLE_GROUP; s++) {
			uint32_t row = (uint32_t)entry[s] - 1;

			if (!entry[s])
				return add_row(t, l, key, hash, max_rows);
			if ((uint32_t)(entry[s] >> 32) == hash &&
			    same_key(l, key, t->rows + (size_t)row * l->stride, words, has_strings))
				return row;
		}
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
		__builtin_prefetch(t->index + (size_t)(hash[k] & t->group_mask) * WEIR_TABLE_GROUP);
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
