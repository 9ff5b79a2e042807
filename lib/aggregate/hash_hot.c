/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/base/hash.h>

#include "level.h"

#include <weir/base/poison.h> /* last */

#define ALWAYS_INLINE inline __attribute__((always_inline))

static ALWAYS_INLINE void
hash_keys(const struct weir_layout *l, const struct weir_table *t, uint32_t words, uint32_t n,
    struct weir_keys *keys)
{
	const struct weir_index_line *index = t->index;
	const uint64_t *secrets = l->secrets, *key = keys->words;
	uint32_t mask = t->line_mask;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t hash = weir_hash_words(key + i, words, WEIR_ROWS, secrets);

		keys->hash[i] = hash;
		__builtin_prefetch(&index[weir_hash_index(hash) & mask]);
	}
}

static void
hash_all(
    const struct weir_layout *l, const struct weir_table *t, uint32_t n, struct weir_keys *keys)
{
	switch (t->shape->words) {
	case 1:
		hash_keys(l, t, 1, n, keys);
		break;
	case 2:
		hash_keys(l, t, 2, n, keys);
		break;
	case 5:
		hash_keys(l, t, 5, n, keys);
		break;
	default:
		hash_keys(l, t, t->shape->words, n, keys);
	}
}

void
weir_keys_pack(const struct weir_layout *l, const struct weir_table *t,
    const struct weir_column *const *columns, const struct weir_pick *rows, struct weir_keys *keys)
{
	l->level->pack(l, t->shape, columns, rows, keys);
	hash_all(l, t, rows->n, keys);
}

void
weir_keys_of_rows(const struct weir_layout *l, const struct weir_table *t,
    const struct weir_shape *s, uint8_t *const *rows, uint32_t n, struct weir_keys *keys)
{
	for (uint32_t i = 0; i < n; i++) {
		const uint64_t *words = weir_row_key(l, rows[i]);
		const uint8_t **strings = weir_row_strings(l, s, rows[i]);

		for (uint32_t w = 0; w < s->words; w++)
			keys->words[(size_t)w * WEIR_ROWS + i] = words[w];
		for (uint32_t k = 0; k < l->n_strings; k++)
			keys->strings[(size_t)k * WEIR_ROWS + i] = strings[k];
	}
	hash_all(l, t, n, keys);
}
