/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_TABLE_H
#define WEIR_AGGREGATE_TABLE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"

/*
 * The group table of one pane: dense rows, and an index to find them. The index is an array of
 * slots, each half a key's hash and its row + 1 (0 is empty), eight to a cache line, filled from
 * the left; a key is in the line that its hash names or, where that is full, in the next ones. Rows
 * are only ever appended.
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
	struct weir_index_line *index; /* [line_mask + 1] */
	uint8_t *rows;                 /* [cap_rows * stride] */
	uint32_t line_mask;            /* lines - 1 */
	uint32_t grow_at;              /* rows at which the index must grow */
	uint32_t n_rows;
	uint32_t cap_rows;
	struct weir_string_chunk *strings; /* newest first; bytes of the keys' strings */
	uint64_t string_bytes;             /* in all chunks */
};

/* Cold, table.c. 0 or -ENOMEM. */
int weir_table_init(struct weir_table *t, const struct weir_layout *l);
void weir_table_fini(struct weir_table *t, const struct weir_layout *l);
/* Forget all rows. Memory is kept, unless most of it had no use. */
void weir_table_clear(struct weir_table *t, const struct weir_layout *l);
/* Make room for one more row. False where there is no memory. */
bool weir_table_grow(struct weir_table *t, const struct weir_layout *l);
/* Copy len bytes of a key's string. NULL where there is no memory or the strings' bound is reached.
 */
const uint8_t *weir_table_keep(
    struct weir_table *t, const struct weir_layout *l, const uint8_t *p, uint32_t len);
uint64_t weir_table_bytes(const struct weir_table *t, const struct weir_layout *l);

/* Scratch of a lookup. */
struct weir_probe {
	uint32_t hash[WEIR_ROWS];
};

/*
 * Hot, table_hot.c. Find or add n <= WEIR_ROWS keys: key k lies at keys + k * key_stride, packed as
 * in a row. rows[k] is its row, or WEIR_TABLE_ROW_NONE where it is new and the table has max_rows
 * or no memory. A new row has the key and all-zero states. Returns the keys that found no room.
 */
uint32_t weir_table_lookup(struct weir_table *t, const struct weir_layout *l, const uint8_t *keys,
    uint32_t key_stride, uint32_t n, uint32_t max_rows, struct weir_probe *probe, uint32_t *rows);

/*
 * Hot, pack_hot.c. Pack the keys of n rows, given by their numbers, one after another at keys,
 * key_size bytes each. Padding must be zero already.
 */
void weir_keys_pack(const struct weir_layout *l, const struct weir_column *const *columns,
    const uint32_t *numbers, uint32_t n, uint8_t *keys);

#endif
