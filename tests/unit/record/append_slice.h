/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_UNIT_RECORD_APPEND_SLICE_H
#define TESTS_UNIT_RECORD_APPEND_SLICE_H

#include <weir/record/append.h>

#define APPEND_MAX_COLUMNS 32

/* Append the rows of mask from the slice of another block that begins at first_row. */
static inline int
append_slice(struct weir_block *b, const struct weir_block *from, uint32_t first_row,
    const uint64_t mask[WEIR_MASK_WORDS])
{
	struct weir_column views[APPEND_MAX_COLUMNS];
	const struct weir_column *columns[APPEND_MAX_COLUMNS];
	uint64_t there[WEIR_MASK_WORDS];

	if (from->schema->n_columns > APPEND_MAX_COLUMNS)
		return -1;
	weir_mask_first(there, weir_block_slice(from, first_row, views));
	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
		there[w] &= mask[w];
	for (unsigned i = 0; i < from->schema->n_columns; i++)
		columns[i] = &views[i];
	return weir_block_append_rows(b, from, first_row, columns, there);
}

#endif
