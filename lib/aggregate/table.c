/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/hash.h>

#include "memory.h"
#include "table.h"

/* A fresh pane is tiny: with 1 ms windows and a minute of lateness there are 60000 of them. */
#define FIRST_ROWS         16
#define FIRST_LINES        4

#define STRING_BYTES_GUESS 32 /* of a key column */
#define STRING_CHUNK_MIN   1024u
#define STRING_CHUNK_MAX   (1u << 20)

/* Memory that was used for less than an eighth is given back, from this size on. */
#define SHRINK_BYTES ((size_t)1 << 20)

struct weir_string_chunk {
	struct weir_string_chunk *next;
	uint32_t used;
	uint32_t size;
	uint8_t bytes[];
};

static size_t
index_bytes(uint64_t lines)
{
	return (size_t)lines * sizeof(struct weir_index_line);
}

/* Five eighths full: probes stay within a group and a bit. */
static uint32_t
grow_at(uint64_t lines)
{
	uint64_t n = lines * WEIR_TABLE_SLOTS / 8 * 5;

	return n < WEIR_TABLE_MAX_ROWS ? (uint32_t)n : WEIR_TABLE_MAX_ROWS;
}

int
weir_keys_init(struct weir_keys *k, const struct weir_layout *l)
{
	k->words = calloc((size_t)(l->max_words + 1) * WEIR_ROWS, sizeof(*k->words));
	k->strings = calloc((size_t)(l->n_strings + 1) * WEIR_ROWS, sizeof(*k->strings));
	return k->words && k->strings ? 0 : -ENOMEM;
}

void
weir_keys_fini(struct weir_keys *k)
{
	free(k->words);
	free(k->strings);
}

int
weir_table_init(struct weir_table *t, const struct weir_layout *l, const struct weir_shape *shape)
{
	memset(t, 0, sizeof(*t));
	t->shape = shape;
	t->index = weir_memory_get(index_bytes(FIRST_LINES));
	t->rows = weir_memory_get((size_t)FIRST_ROWS * shape->stride);
	t->line_mask = FIRST_LINES - 1;
	t->grow_at = grow_at(FIRST_LINES);
	t->cap_rows = FIRST_ROWS;
	t->hole = WEIR_TABLE_ROW_NONE;
	if (t->index && t->rows)
		return 0;
	weir_table_fini(t, l);
	return -ENOMEM;
}

static void
free_strings(struct weir_string_chunk *c)
{
	while (c) {
		struct weir_string_chunk *next = c->next;

		free(c);
		c = next;
	}
}

static size_t
base_bytes(const struct weir_layout *l)
{
	return (size_t)l->max_rows * sizeof(uint64_t);
}

void
weir_table_fini(struct weir_table *t, const struct weir_layout *l)
{
	if (t->shape)
		weir_memory_put(t->rows, (size_t)t->cap_rows * t->shape->stride);
	weir_memory_put(t->index, index_bytes((uint64_t)t->line_mask + 1));
	weir_memory_put(t->base, base_bytes(l));
	free_strings(t->strings);
	memset(t, 0, sizeof(*t));
}

bool
weir_table_need_base(struct weir_table *t, const struct weir_layout *l)
{
	if (!t->base)
		t->base = weir_memory_get(base_bytes(l));
	return t->base != NULL;
}

void
weir_table_drop_base(struct weir_table *t, const struct weir_layout *l)
{
	weir_memory_put(t->base, base_bytes(l));
	t->base = NULL;
}

void
weir_table_clear(struct weir_table *t, const struct weir_layout *l)
{
	size_t rows_bytes = (size_t)t->cap_rows * t->shape->stride;
	struct weir_table fresh;

	weir_table_drop_base(t, l);
	t->floor = 0;
	t->level = 0;
	t->hole = WEIR_TABLE_ROW_NONE;
	if (t->n_rows < t->cap_rows / 8 && rows_bytes >= SHRINK_BYTES &&
	    weir_table_init(&fresh, l, t->shape) == 0) {
		weir_table_fini(t, l);
		*t = fresh;
		return;
	}
	if (t->n_rows)
		weir_memory_zero(t->index, index_bytes((uint64_t)t->line_mask + 1));
	t->n_rows = 0;
	t->dead_string_bytes = 0;
	if (t->strings) { /* keep the newest chunk, which is the largest */
		free_strings(t->strings->next);
		t->strings->next = NULL;
		t->strings->used = 0;
		t->string_bytes = t->strings->size;
	}
}

void
weir_table_release_index(struct weir_table *t, size_t from_bytes)
{
	size_t size = index_bytes((uint64_t)t->line_mask + 1);

	if (size >= from_bytes)
		weir_memory_discard(t->index, size);
}

/* Put a slot down in the first line from its own on that has room. */
static void
put_slot(struct weir_index_line *index, uint32_t mask, uint32_t hash, uint32_t row1)
{
	for (uint32_t i = hash & mask;; i = (i + 1) & mask)
		for (unsigned s = 0; s < WEIR_TABLE_SLOTS; s++)
			if (!index[i].row1[s]) {
				index[i].hash[s] = hash;
				index[i].row1[s] = row1;
				return;
			}
}

/* Twice the index. Slots carry the hash, so no key is read. */
static bool
grow_index(struct weir_table *t)
{
	uint64_t old = (uint64_t)t->line_mask + 1;
	struct weir_index_line *index;
	uint32_t mask = (uint32_t)(old * 2 - 1);

	if (old >= UINT64_C(1) << 31)
		return false;
	index = weir_memory_get(index_bytes(old * 2));
	if (!index)
		return false;
	for (uint64_t i = 0; i < old; i++)
		for (unsigned s = 0; s < WEIR_TABLE_SLOTS && t->index[i].row1[s]; s++)
			put_slot(index, mask, t->index[i].hash[s], t->index[i].row1[s]);
	weir_memory_put(t->index, index_bytes(old));
	t->index = index;
	t->line_mask = mask;
	t->grow_at = grow_at(old * 2);
	return true;
}

bool
weir_table_grow_rows(struct weir_table *t)
{
	size_t stride = t->shape->stride;
	uint64_t cap = (uint64_t)t->cap_rows * 2;
	uint8_t *rows;

	if (cap > WEIR_TABLE_MAX_ROWS)
		cap = WEIR_TABLE_MAX_ROWS;
	if (cap <= t->cap_rows)
		return false;
	rows = weir_memory_resize(t->rows, t->cap_rows * stride, (size_t)cap * stride);
	if (!rows)
		return false;
	t->rows = rows;
	t->cap_rows = (uint32_t)cap;
	return true;
}

bool
weir_table_grow(struct weir_table *t)
{
	if (t->n_rows >= t->grow_at && !grow_index(t))
		return false;
	return t->n_rows < t->cap_rows || weir_table_grow_rows(t);
}

void
weir_table_reindex(struct weir_table *t, const struct weir_layout *l)
{
	weir_memory_zero(t->index, index_bytes((uint64_t)t->line_mask + 1));
	for (uint32_t r = 0; r < t->n_rows; r++) {
		const uint8_t *row = t->rows + (size_t)r * t->shape->stride;
		uint64_t hash =
		    weir_hash_words(weir_row_key(l, row), t->shape->words, 1, l->secrets);

		put_slot(t->index, t->line_mask, weir_hash_index(hash), r + 1);
	}
}

uint64_t
weir_row_string_bytes(const struct weir_layout *l, const struct weir_shape *s, const uint8_t *row)
{
	const uint64_t *words = weir_row_key(l, row);
	uint64_t n = 0;

	for (unsigned k = 0; l->n_strings && k < l->n_keys; k++)
		if (l->keys[k].store == WEIR_BYTES)
			n += (uint32_t)words[s->places[k].word];
	return n;
}

/* len bytes of a chunk that has them, or of a new one. */
static uint8_t *
take_string_bytes(struct weir_table *t, uint64_t len, uint64_t max_bytes)
{
	struct weir_string_chunk *c = t->strings;

	if (!c || c->size - c->used < len) {
		uint64_t size = c ? (uint64_t)c->size * 2 : STRING_CHUNK_MIN;

		if (size > STRING_CHUNK_MAX)
			size = STRING_CHUNK_MAX;
		if (size < len)
			size = len;
		if (size > UINT32_MAX || t->string_bytes + size > max_bytes)
			return NULL;
		c = malloc(sizeof(*c) + size);
		if (!c)
			return NULL;
		c->next = t->strings;
		c->used = 0;
		c->size = (uint32_t)size;
		t->strings = c;
		t->string_bytes += size;
	}
	c->used += (uint32_t)len;
	return c->bytes + c->used - len;
}

bool
weir_table_pack_strings(struct weir_table *t, const struct weir_layout *l)
{
	struct weir_table copy = *t;
	uint64_t n = 0;
	uint8_t *to;

	for (uint32_t r = 0; r < t->n_rows; r++)
		if (r != t->hole)
			n += weir_row_string_bytes(
			    l, t->shape, t->rows + (size_t)r * t->shape->stride);
	copy.strings = NULL;
	copy.string_bytes = 0;
	to = take_string_bytes(&copy, n, UINT64_MAX);
	if (!to)
		return false;
	for (uint32_t r = 0; r < t->n_rows; r++) {
		uint8_t *row = t->rows + (size_t)r * t->shape->stride;

		for (unsigned k = 0; r != t->hole && k < l->n_keys; k++) {
			const struct weir_key_place *place = &t->shape->places[k];
			const uint8_t **p;
			uint32_t len;

			if (l->keys[k].store != WEIR_BYTES)
				continue;
			len = (uint32_t)weir_row_key(l, row)[place->word];
			p = weir_row_strings(l, t->shape, row) + place->pointer;
			if (len)
				memcpy(to, *p, len);
			*p = to;
			to += len;
		}
	}
	free_strings(t->strings);
	t->strings = copy.strings;
	t->string_bytes = copy.string_bytes;
	t->dead_string_bytes = 0;
	return true;
}

uint8_t *
weir_table_keep(struct weir_table *t, const struct weir_layout *l, uint64_t len)
{
	uint8_t *p = take_string_bytes(t, len, l->max_string_bytes);

	if (!p && t->dead_string_bytes && t->dead_string_bytes >= t->string_bytes / 2 &&
	    weir_table_pack_strings(t, l))
		p = take_string_bytes(t, len, l->max_string_bytes);
	return p;
}

uint64_t
weir_table_bytes(const struct weir_table *t, const struct weir_layout *l)
{
	return index_bytes((uint64_t)t->line_mask + 1) + (uint64_t)t->cap_rows * t->shape->stride +
	       t->string_bytes + (t->base ? base_bytes(l) : 0);
}

uint64_t
weir_group_key_bytes(const struct weir_group_spec *spec)
{
	struct weir_layout *l = weir_layout_create(spec);
	uint64_t n = 0;

	if (!l)
		return 0;
	for (unsigned s = 0; s < l->n_shapes; s++)
		n = l->shapes[s].stride > n ? l->shapes[s].stride : n;
	/* An index that has just grown is half as full as it may be. */
	n += sizeof(struct weir_index_line) / WEIR_TABLE_SLOTS * 16 / 5;
	n += l->n_strings * STRING_BYTES_GUESS;
	for (unsigned i = 0; i < l->n_slots; i++)
		n += l->slots[i].function ? l->slots[i].function->memory_guess : 0;
	if (l->overflow == WEIR_OVERFLOW_EVICT)
		n += sizeof(uint64_t);
	weir_layout_release(l);
	return n;
}
