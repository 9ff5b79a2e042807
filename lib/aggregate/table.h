/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_TABLE_H
#define WEIR_AGGREGATE_TABLE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"

/*
 * A group table: dense rows, and an index to find them. The index is an array of slots, each half a
 * key's hash and its row + 1 (0 is empty), eight to a cache line, filled from the left; a key is in
 * the line that its hash names or, where that is full, in the next ones. Rows are appended; where
 * one is taken out, another takes its place.
 */

#define WEIR_TABLE_SLOTS    8
#define WEIR_TABLE_ROW_NONE UINT32_MAX
#define WEIR_TABLE_MAX_ROWS (UINT32_MAX - 1)

struct weir_string_chunk;

/* The hashes lie together so that all eight are compared at once. */
struct weir_index_line {
	uint32_t hash[WEIR_TABLE_SLOTS];
	uint32_t row1[WEIR_TABLE_SLOTS];
};
static_assert(sizeof(struct weir_index_line) == 64, "a line of the index is a cache line");

struct weir_table {
	const struct weir_shape *shape;
	struct weir_index_line *index; /* [line_mask + 1] */
	uint8_t *rows;                 /* [cap_rows * stride] */
	uint64_t *base;     /* [max_rows] of groups, see overflow.h; NULL until one is evicted */
	uint64_t floor;     /* the base of a new group */
	uint32_t line_mask; /* lines - 1 */
	uint32_t grow_at;   /* rows at which the index must grow */
	uint32_t n_rows;
	uint32_t cap_rows;
	uint32_t hole;  /* row that was taken out and is to be filled next, or ROW_NONE */
	uint32_t level; /* only keys whose sampling hash begins with so many zeros may enter */
	struct weir_string_chunk *strings; /* newest first; bytes of the keys' strings */
	uint64_t string_bytes;             /* in all chunks */
	uint64_t dead_string_bytes;        /* of rows that are gone */
};

/* The keys of a batch, column-wise, as packed: word w of key k is words[w * WEIR_ROWS + k]. */
struct weir_keys {
	uint64_t *words;         /* [max_words * WEIR_ROWS] */
	const uint8_t **strings; /* [n_strings * WEIR_ROWS] */
	uint64_t hash[WEIR_ROWS];
};

/* The groups of a batch of keys. */
struct weir_found {
	uint32_t n_none; /* keys without one */
	uint32_t row[WEIR_ROWS];
	uint8_t *group[WEIR_ROWS]; /* where it lies, NULL where there is none */
};

/* Cold, table.c. 0 or -ENOMEM. */
int weir_keys_init(struct weir_keys *k, const struct weir_layout *l);
void weir_keys_fini(struct weir_keys *k);
int weir_table_init(
    struct weir_table *t, const struct weir_layout *l, const struct weir_shape *shape);
void weir_table_fini(struct weir_table *t, const struct weir_layout *l);
/* Have t->base, all zero. False where there is no memory. */
bool weir_table_need_base(struct weir_table *t, const struct weir_layout *l);
void weir_table_drop_base(struct weir_table *t, const struct weir_layout *l);
/* Forget all rows. Memory is kept, unless most of it had no use. */
void weir_table_clear(struct weir_table *t, const struct weir_layout *l);
/* Give the index's memory back, where it is so large: the rows stay, but none is found any more. */
void weir_table_release_index(struct weir_table *t, size_t from_bytes);
/* Make room for one more row. False where there is no memory. */
bool weir_table_grow(struct weir_table *t);
/* The same of a table whose rows are not looked up: the index stays as it is. */
bool weir_table_grow_rows(struct weir_table *t);
/* Room for len bytes of a key's strings. NULL where there is no memory or their bound is reached.
 */
uint8_t *weir_table_keep(struct weir_table *t, const struct weir_layout *l, uint64_t len);
/*
 * Copy the strings of all rows but the hole to new memory, and let go of those of rows that are
 * gone. False, and nothing has changed, where there is no memory.
 */
bool weir_table_pack_strings(struct weir_table *t, const struct weir_layout *l);
/* Build the index anew, after rows have moved. */
void weir_table_reindex(struct weir_table *t, const struct weir_layout *l);
uint64_t weir_table_bytes(const struct weir_table *t, const struct weir_layout *l);
/* Bytes of a row's strings. */
uint64_t weir_row_string_bytes(
    const struct weir_layout *l, const struct weir_shape *s, const uint8_t *row);

/* Rows of a batch: by their numbers or, where these are NULL, rows 0 .. n - 1. */
struct weir_pick {
	const uint32_t *numbers; /* [n] ascending */
	const uint64_t *mask;    /* the same as a mask, where there is one */
	uint32_t n;
	uint32_t n_all; /* rows of the batch, where there is a mask */
};

/* Hot, hash_hot.c. Pack the keys of rows, hash them, and have memory fetch their lines of the
 * table's index. */
void weir_keys_pack(const struct weir_layout *l, const struct weir_table *t,
    const struct weir_column *const *columns, const struct weir_pick *rows, struct weir_keys *keys);
/* The same of n rows of another table of this shape, for the table t. */
void weir_keys_of_rows(const struct weir_layout *l, const struct weir_table *t,
    const struct weir_shape *s, uint8_t *const *rows, uint32_t n, struct weir_keys *keys);

/* Hot, unlink_hot.c. Have memory fetch the line of the index that a row is in. */
void weir_table_prefetch(const struct weir_table *t, const struct weir_layout *l, uint32_t row);
/* Hot. Take a row out of the index. */
void weir_table_unlink(struct weir_table *t, const struct weir_layout *l, uint32_t row);
/* Hot. Fill the place of a row that is out of the index with the last row. */
void weir_table_close_gap(struct weir_table *t, const struct weir_layout *l, uint32_t row);

#endif
