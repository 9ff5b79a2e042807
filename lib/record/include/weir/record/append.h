/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RECORD_APPEND_H
#define WEIR_RECORD_APPEND_H

#include <weir/record/block.h>

/*
 * Append the rows of a mask from columns that are not a block's own: columns[i] goes to column i of
 * b, of the same type, whatever its store. Strings are copied. Where rows have windows of
 * their own, these get the block's. 0 or -ENOMEM.
 */
int weir_block_append_columns(struct weir_block *b, const struct weir_column *const *columns,
    const uint64_t mask[WEIR_MASK_WORDS]);
/*
 * The same, of columns that were worked out from rows first_row .. of the block `from`: row i gets
 * the window of its row first_row + i, and b has windows of its own where `from` has. 0 or -ENOMEM.
 */
int weir_block_append_rows(struct weir_block *b, const struct weir_block *from, uint32_t first_row,
    const struct weir_column *const *columns, const uint64_t mask[WEIR_MASK_WORDS]);

#endif
