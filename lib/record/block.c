/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>
#include <weir/record/block.h>

#define HEAP_CHUNK_MIN 4096u
#define HEAP_CHUNK_MAX (1u << 20)

/* Chunks in a list, each twice the one before: bytes never move, so columns may point at them. */
struct heap_chunk {
	struct heap_chunk *next;
	size_t used;
	size_t size;
	uint8_t bytes[];
};

struct weir_block_heap {
	struct heap_chunk *chunks; /* newest first */
};

static uint32_t
round_rows(uint64_t rows)
{
	rows = (rows + WEIR_ROWS - 1) / WEIR_ROWS * WEIR_ROWS;
	if (rows == 0)
		return WEIR_ROWS;
	return rows > UINT32_MAX ? 0 : (uint32_t)rows;
}

struct weir_block *
weir_block_create(const struct weir_schema *schema, uint32_t cap_rows)
{
	struct weir_block *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->schema = schema;
	b->window_start_ns = WEIR_TIME_NONE;
	b->window_end_ns = WEIR_TIME_NONE;
	b->cap_rows = round_rows(cap_rows);
	b->columns = calloc(schema->n_columns + 1, sizeof(*b->columns));
	b->heap = calloc(1, sizeof(*b->heap));
	if (!b->columns || !b->heap || b->cap_rows == 0)
		goto fail;
	for (unsigned i = 0; i < schema->n_columns; i++) {
		enum weir_type type = schema->columns[i].type;

		if (weir_column_init(&b->columns[i], type, weir_store_of(type), b->cap_rows))
			goto fail;
	}
	return b;
fail:
	weir_block_destroy(b);
	return NULL;
}

struct weir_block *
weir_block_hold(struct weir_block *b)
{
	b->users++;
	return b;
}

uint64_t
weir_block_bytes(const struct weir_block *b)
{
	uint64_t bytes = sizeof(*b);

	for (unsigned i = 0; i < b->schema->n_columns; i++)
		bytes += (uint64_t)b->cap_rows * weir_store_size(b->columns[i].store);
	for (const struct heap_chunk *c = b->heap->chunks; c; c = c->next)
		bytes += c->size;
	return bytes;
}

static void
free_chunks(struct weir_block_heap *heap)
{
	while (heap->chunks) {
		struct heap_chunk *c = heap->chunks;

		heap->chunks = c->next;
		free(c);
	}
}

void
weir_block_forget(struct weir_block *b)
{
	b->n_rows = 0;
	free_chunks(b->heap);
}

void
weir_block_destroy(struct weir_block *b)
{
	if (!b)
		return;
	if (b->users) {
		b->users--;
		return;
	}
	for (unsigned i = 0; b->columns && i < b->schema->n_columns; i++)
		if (b->columns[i].data)
			weir_column_fini(&b->columns[i]);
	free(b->columns);
	free(b->row_start_ns);
	free(b->row_end_ns);
	if (b->heap)
		free_chunks(b->heap);
	free(b->heap);
	free(b);
}

/* Replace a column by one with room for cap rows; it keeps its first n. */
static int
grow_column(struct weir_column *c, uint32_t n, uint32_t cap)
{
	struct weir_column wide;
	int ret = weir_column_init(&wide, c->type, c->store, cap);

	if (ret)
		return ret;
	memcpy(wide.data, c->data, (size_t)n * weir_store_size(c->store));
	if (c->version)
		memcpy(wide.version, c->version, n);
	memcpy(wide.null, c->null, (size_t)(n + 63) / 64 * sizeof(*c->null));
	weir_column_fini(c);
	*c = wide;
	return 0;
}

static int
grow_windows(struct weir_block *b, uint32_t cap)
{
	int64_t *start, *end;

	start = reallocarray(b->row_start_ns, cap, sizeof(*start));
	if (!start)
		return -ENOMEM;
	b->row_start_ns = start;
	end = reallocarray(b->row_end_ns, cap, sizeof(*end));
	if (!end)
		return -ENOMEM;
	b->row_end_ns = end;
	return 0;
}

int
weir_block_own_windows(struct weir_block *b)
{
	if (b->row_start_ns)
		return 0;
	if (grow_windows(b, b->cap_rows)) {
		free(b->row_start_ns);
		b->row_start_ns = NULL;
		return -ENOMEM;
	}
	for (uint32_t r = 0; r < b->n_rows; r++) {
		b->row_start_ns[r] = b->window_start_ns;
		b->row_end_ns[r] = b->window_end_ns;
	}
	return 0;
}

int
weir_block_reserve(struct weir_block *b, uint32_t extra)
{
	uint64_t need = (uint64_t)b->n_rows + extra;
	uint64_t twice = (uint64_t)b->cap_rows * 2;
	uint32_t cap;

	if (need <= b->cap_rows)
		return 0;
	cap = round_rows(need > twice ? need : twice);
	if (cap == 0)
		cap = round_rows(need);
	if (cap == 0)
		return -ENOMEM;
	/* cap_rows stays the least of all columns until the last one has grown. */
	for (unsigned i = 0; i < b->schema->n_columns; i++) {
		int ret = grow_column(&b->columns[i], b->cap_rows, cap);

		if (ret)
			return ret;
	}
	if (b->row_start_ns && grow_windows(b, cap))
		return -ENOMEM;
	b->cap_rows = cap;
	return 0;
}

const uint8_t *
weir_block_keep(struct weir_block *b, const void *p, uint32_t len)
{
	struct heap_chunk *c = b->heap->chunks;
	uint8_t *copy;

	if (!c || c->size - c->used < len) {
		size_t size = c ? c->size * 2 : HEAP_CHUNK_MIN;

		if (size > HEAP_CHUNK_MAX)
			size = HEAP_CHUNK_MAX;
		if (size < len)
			size = len;
		c = malloc(sizeof(*c) + size);
		if (!c)
			return NULL;
		c->next = b->heap->chunks;
		c->used = 0;
		c->size = size;
		b->heap->chunks = c;
	}
	copy = c->bytes + c->used;
	if (len)
		memcpy(copy, p, len);
	c->used += len;
	return copy;
}

static int
set_bytes(struct weir_block *b, struct weir_column *c, uint32_t row, const struct weir_bytes *s)
{
	struct weir_bytes *data = c->data;
	const uint8_t *copy = weir_block_keep(b, s->p, s->len);

	if (!copy)
		return -ENOMEM;
	data[row] = (struct weir_bytes){ .p = copy, .len = s->len };
	return 0;
}

int
weir_block_set(struct weir_block *b, uint32_t row, unsigned column, const struct weir_value *v)
{
	struct weir_column *c = &b->columns[column];
	int ret = 0;

	if (v->is_null) {
		weir_mask_set(c->null, row);
		return 0;
	}
	switch (c->type) {
	case WEIR_BOOL:
		((uint8_t *)c->data)[row] = v->b;
		break;
	case WEIR_INT:
	case WEIR_DURATION:
	case WEIR_TIME:
	case WEIR_MAC:
		((int64_t *)c->data)[row] = v->i;
		break;
	case WEIR_FLOAT:
		((double *)c->data)[row] = v->f;
		break;
	case WEIR_IP:
		((struct weir_addr *)c->data)[row] = v->addr;
		c->version[row] = v->version;
		break;
	case WEIR_STRING:
		ret = set_bytes(b, c, row, &v->s);
		break;
	case WEIR_N_TYPES:
		break;
	}
	if (ret == 0)
		weir_mask_clear(c->null, row);
	return ret;
}

uint32_t
weir_block_slice(const struct weir_block *b, uint32_t first_row, struct weir_column *cols)
{
	uint32_t left = first_row < b->n_rows ? b->n_rows - first_row : 0;

	if (left == 0)
		first_row = 0;
	for (unsigned i = 0; i < b->schema->n_columns; i++) {
		cols[i] = b->columns[i];
		cols[i].data =
		    (uint8_t *)cols[i].data + (size_t)first_row * weir_store_size(cols[i].store);
		if (cols[i].version)
			cols[i].version += first_row;
		cols[i].null += first_row / 64;
	}
	return left < WEIR_ROWS ? left : WEIR_ROWS;
}
