/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/base/hash.h>
#include <weir/record/index.h>

struct weir_block_index {
	const struct weir_block *block;
	unsigned n;
	unsigned *columns; /* [n] */
	uint64_t secrets[4];
	uint32_t mask;   /* slots - 1 */
	uint32_t *slots; /* row + 1, 0 is empty */
};

/* Equal values have equal hashes. */
static uint64_t
hash_value(const struct weir_block_index *x, const struct weir_value *v)
{
	uint64_t words[3] = { 0 };
	double f;

	switch (v->type) {
	case WEIR_STRING:
		return weir_hash_bytes(v->s.p, v->s.len, x->secrets);
	case WEIR_IP:
		words[0] = v->addr.hi;
		words[1] = v->addr.lo;
		words[2] = v->version;
		break;
	case WEIR_FLOAT:
		f = v->f + 0.0; /* -0.0 equals 0.0 */
		if (f == f)
			memcpy(words, &f, sizeof(f));
		break;
	case WEIR_BOOL:
		words[0] = v->b;
		break;
	default:
		words[0] = (uint64_t)v->i;
		break;
	}
	return weir_hash_bytes((const uint8_t *)words, sizeof(words), x->secrets);
}

/* False where a value is null. */
static bool
hash_key(const struct weir_block_index *x, const struct weir_value *key, uint64_t *ret)
{
	uint64_t h = 0;

	for (unsigned i = 0; i < x->n; i++) {
		if (key[i].is_null)
			return false;
		h = weir_fold(h ^ hash_value(x, &key[i]), x->secrets[i % 4] | 1);
	}
	*ret = h;
	return true;
}

static bool
is_key_of(const struct weir_block_index *x, const struct weir_value *key, uint32_t row)
{
	for (unsigned i = 0; i < x->n; i++) {
		struct weir_value v = weir_column_get(&x->block->columns[x->columns[i]], row);

		if (v.is_null || weir_value_compare(&v, &key[i]) != 0)
			return false;
	}
	return true;
}

/* The slot that has the key, or the free one where it would be. */
static uint32_t
slot_of(const struct weir_block_index *x, const struct weir_value *key, uint64_t hash)
{
	uint32_t at = (uint32_t)(hash >> 32) & x->mask;

	while (x->slots[at] && !is_key_of(x, key, x->slots[at] - 1))
		at = (at + 1) & x->mask;
	return at;
}

uint32_t
weir_block_index_find(const struct weir_block_index *x, const struct weir_value *key)
{
	uint64_t hash;

	if (!hash_key(x, key, &hash))
		return WEIR_INDEX_NONE;
	return x->slots[slot_of(x, key, hash)] - 1;
}

static void
fill(struct weir_block_index *x, struct weir_value *key)
{
	for (uint32_t row = 0; row < x->block->n_rows; row++) {
		uint64_t hash;
		uint32_t at;

		for (unsigned i = 0; i < x->n; i++)
			key[i] = weir_column_get(&x->block->columns[x->columns[i]], row);
		if (!hash_key(x, key, &hash))
			continue;
		at = slot_of(x, key, hash);
		if (!x->slots[at])
			x->slots[at] = row + 1;
	}
}

struct weir_block_index *
weir_block_index_create(
    const struct weir_block *b, const unsigned *columns, unsigned n, uint64_t secret)
{
	struct weir_block_index *x = calloc(1, sizeof(*x));
	struct weir_value *key = calloc(n + 1, sizeof(*key));
	uint64_t n_slots = 16;

	if (!x || !key)
		goto fail;
	x->block = b;
	x->n = n;
	for (unsigned i = 0; i < 4; i++)
		x->secrets[i] = secret = weir_fold(
		    secret ^ UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xbf58476d1ce4e5b9) + i);
	while (n_slots < (uint64_t)b->n_rows * 2)
		n_slots *= 2;
	if (n_slots > UINT32_MAX)
		goto fail;
	x->mask = (uint32_t)n_slots - 1;
	x->columns = calloc(n + 1, sizeof(*x->columns));
	x->slots = calloc(n_slots, sizeof(*x->slots));
	if (!x->columns || !x->slots)
		goto fail;
	if (n)
		memcpy(x->columns, columns, n * sizeof(*columns));
	fill(x, key);
	free(key);
	return x;
fail:
	free(key);
	weir_block_index_destroy(x);
	return NULL;
}

void
weir_block_index_destroy(struct weir_block_index *x)
{
	if (!x)
		return;
	free(x->columns);
	free(x->slots);
	free(x);
}
