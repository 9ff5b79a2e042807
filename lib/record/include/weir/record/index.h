/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RECORD_INDEX_H
#define WEIR_RECORD_INDEX_H

#include <weir/record/block.h>

/* Finds the rows of a block by some of its columns: what a join looks up. Cold; one thread. */

#define WEIR_INDEX_NONE UINT32_MAX

struct weir_block_index;

/*
 * Index a block, which has to outlive it, by n columns. Of rows that have the same values the first
 * is found; rows with a null among them never are. secret: of the hash, so that nobody can choose
 * keys that meet. NULL when out of memory.
 */
struct weir_block_index *weir_block_index_create(
    const struct weir_block *b, const unsigned *columns, unsigned n, uint64_t secret);
void weir_block_index_destroy(struct weir_block_index *x);
/* The row of these values [n], of the columns' types; WEIR_INDEX_NONE where there is none. */
uint32_t weir_block_index_find(const struct weir_block_index *x, const struct weir_value *key);

#endif
