/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "table.h"

/* A fresh pane is tiny: with 1 ms windows and a minute of lateness there are 60000 of them. */
#define FIRST_ROWS       16
#define FIRST_LINES      4

#define STRING_CHUNK_MIN 1024u
#define STRING_CHUNK_MAX (1u << 20)

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
weir_table_init(struct weir_table *t, const struct weir_layout *l)
{
	memset(t, 0, sizeof(*t));
	t->index = weir_memory_get(index_bytes(FIRST_LINES));
	t->rows = weir_memory_get((size_t)FIRST_ROWS * l->stride);
	t->line_mask = FIRST_LINES - 1;
	t->grow_at = grow_at(FIRST_LINES);
	t->cap_rows = FIRST_ROWS;
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

void
weir_table_fini(struct weir_table *t, const struct weir_layout *l)
{
	weir_memory_put(t->index, index_bytes((uint64_t)t->line_mask + 1));
	weir_memory_put(t->rows, (size_t)t->cap_rows * l->stride);
	free_strings(t->strings);
	memset(t, 0, sizeof(*t));
}

void
weir_table_clear(struct weir_table *t, const struct weir_layout *l)
{
	size_t rows_bytes = (size_t)t->cap_rows * l->stride;
	struct weir_table fresh;

	if (t->n_rows == 0)
		return;
	if (t->n_rows < t->cap_rows / 8 && rows_bytes >= SHRINK_BYTES &&
	    weir_table_init(&fresh, l) == 0) {
		weir_table_fini(t, l);
		*t = fresh;
		return;
	}
	weir_memory_zero(t->index, index_bytes((uint64_t)t->line_mask + 1));
	t->n_rows = 0;
	if (t->strings) { /* keep the newest chunk, which is the largest */
		free_strings(t->strings->next);
		t->strings->next = NULL;
		t->strings->used = 0;
		t->string_bytes = t->strings->size;
	}
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

static bool
grow_rows(struct weir_table *t, const struct weir_layout *l)
{
	uint64_t cap = (uint64_t)t->cap_rows * 2;
	uint8_t *rows;

	if (cap > WEIR_TABLE_MAX_ROWS)
		cap = WEIR_TABLE_MAX_ROWS;
	if (cap <= t->cap_rows)
		return false;
	rows =
	    weir_memory_resize(t->rows, (size_t)t->cap_rows * l->stride, (size_t)cap * l->stride);
	if (!rows)
		return false;
	t->rows = rows;
	t->cap_rows = (uint32_t)cap;
	return true;
}

bool
weir_table_grow(struct weir_table *t, const struct weir_layout *l)
{
	if (t->n_rows >= t->grow_at && !grow_index(t))
		return false;
	return t->n_rows < t->cap_rows || grow_rows(t, l);
}

const uint8_t *
weir_table_keep(struct weir_table *t, const struct weir_layout *l, const uint8_t *p, uint32_t len)
{
	struct weir_string_chunk *c = t->strings;
	uint8_t *copy;

	if (!c || c->size - c->used < len) {
		uint32_t size = c ? c->size * 2 : STRING_CHUNK_MIN;

		if (size > STRING_CHUNK_MAX)
			size = STRING_CHUNK_MAX;
		if (size < len)
			size = len;
		if (t->string_bytes + size > l->max_string_bytes)
			return NULL;
		c = malloc(sizeof(*c) + size);
		if (!c)
			return NULL;
		c->next = t->strings;
		c->used = 0;
		c->size = size;
		t->strings = c;
		t->string_bytes += size;
	}
	copy = c->bytes + c->used;
	if (len)
		memcpy(copy, p, len);
	c->used += len;
	return copy;
}

uint64_t
weir_table_bytes(const struct weir_table *t, const struct weir_layout *l)
{
	return index_bytes((uint64_t)t->line_mask + 1) + (uint64_t)t->cap_rows * l->stride +
	       t->string_bytes;
}
