/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RECORD_BLOCK_H
#define WEIR_RECORD_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/column.h>
#include <weir/record/gaps.h>

/*
 * The currency of the cold side: result rows as columns. A block owns its values, strings
 * included, and belongs to whoever holds it; it has no locks and is passed whole.
 */

struct weir_schema_column {
	char *name;
	enum weir_type type;
	bool is_key; /* rows are ordered by the keys, in schema order */
};

struct weir_schema {
	char *query;     /* name of the query */
	bool has_window; /* rows carry window.start and window.end */
	unsigned n_columns;
	struct weir_schema_column *columns;
};

/* Append a column (the name is copied). 0 or -ENOMEM. */
int weir_schema_add(struct weir_schema *s, const char *name, enum weir_type type, bool is_key);
/* Index of a column by name, or -ENOENT. */
int weir_schema_find(const struct weir_schema *s, const char *name);
void weir_schema_fini(struct weir_schema *s);

struct weir_block {
	const struct weir_schema *schema; /* not owned, outlives the block */
	int64_t window_start_ns;          /* of all rows; WEIR_TIME_NONE where unknown */
	int64_t window_end_ns;
	int64_t *row_start_ns; /* [cap_rows] of each row, where rows have windows of their own */
	int64_t *row_end_ns;   /* else both are NULL */
	uint32_t n_rows;
	uint32_t cap_rows;            /* a multiple of WEIR_ROWS */
	struct weir_column *columns;  /* [schema->n_columns], each of cap_rows elements */
	struct weir_block_heap *heap; /* bytes of strings; private */
	unsigned users;               /* holders beyond the first; private */
	const struct weir_gaps
	    *gaps; /* what rows may lack; NULL: nothing. Not owned, outlives it */
};

/* An empty block with room for cap_rows rows (rounded up); it grows. NULL when out of memory. */
struct weir_block *weir_block_create(const struct weir_schema *schema, uint32_t cap_rows);
/* One more holder, on the same thread: nobody changes the block any more. Returns it. */
struct weir_block *weir_block_hold(struct weir_block *b);
/* The last holder's frees it. */
void weir_block_destroy(struct weir_block *b);
/* Bytes that it takes. */
uint64_t weir_block_bytes(const struct weir_block *b);
/* Forget all rows and their strings; the room for rows stays. */
void weir_block_forget(struct weir_block *b);
/* Make room for so many more rows. 0 or -ENOMEM. */
int weir_block_reserve(struct weir_block *b, uint32_t extra);
/* Copy bytes into the block's heap; the copy lives as long as the block. NULL when out of memory.
 */
const uint8_t *weir_block_keep(struct weir_block *b, const void *p, uint32_t len);
/* Set one element (row < n_rows + reserved; strings are copied); the value's type is the column's.
 * 0 or -ENOMEM. */
int weir_block_set(struct weir_block *b, uint32_t row, unsigned column, const struct weir_value *v);
/* Let rows have windows of their own: those that are there get the block's. 0 or -ENOMEM. */
int weir_block_own_windows(struct weir_block *b);

/* The window of a row. */
static inline void
weir_block_window(
    const struct weir_block *b, uint32_t row, int64_t *ret_start_ns, int64_t *ret_end_ns)
{
	*ret_start_ns = b->row_start_ns ? b->row_start_ns[row] : b->window_start_ns;
	*ret_end_ns = b->row_end_ns ? b->row_end_ns[row] : b->window_end_ns;
}

/* Whether its rows may ever be partial: they are of windows, and of a cluster. */
static inline bool
weir_block_may_be_partial(const struct weir_block *b)
{
	return b->gaps && b->schema->has_window;
}

/* Whether a row lacks packets for good. */
static inline bool
weir_block_is_partial(const struct weir_block *b, uint32_t row)
{
	int64_t start_ns, end_ns;

	if (!weir_block_may_be_partial(b) || !b->gaps->n)
		return false;
	weir_block_window(b, row, &start_ns, &end_ns);
	return weir_gaps_touch(b->gaps, start_ns, end_ns);
}

/*
 * Columns of rows first_row (a multiple of WEIR_ROWS) and up as views: cols[i] points into the
 * block. Returns the rows in the slice, at most WEIR_ROWS.
 */
uint32_t weir_block_slice(const struct weir_block *b, uint32_t first_row, struct weir_column *cols);

/*
 * Order rows: by column `top` descending (nulls last) where top >= 0, then by the key columns
 * ascending (nulls first), then by all others ascending. Rows past limit are cut (0 = keep all). 0
 * or -ENOMEM.
 */
int weir_block_sort(struct weir_block *b, int top, uint32_t limit);
/*
 * Order rows by the ends of their windows ascending (unknown ones first), then by their starts,
 * then as weir_block_sort without top. 0 or -ENOMEM.
 */
int weir_block_sort_by_end(struct weir_block *b);

#endif
