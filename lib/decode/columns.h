/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_DECODE_COLUMNS_H
#define WEIR_DECODE_COLUMNS_H

#include <weir/base/simd.h>
#include <weir/packet/batch.h>

/* Built once for each level of the instruction set. */
#define DECODE_COLUMN(id) WEIR_SIMD_NAME(decode_##id)

/*
 * One function a field, made by the field table: fills the field's column in some rows of a block
 * of 64 (row lo + i where bit i of rows is set) from the layout and the packets; the other rows of
 * the block keep what they have. The column must be there. A field without its function does not
 * link.
 */
#define WEIR_FIELD(id, name, type, store, group, layers, doc)                                      \
	void DECODE_COLUMN(id)(struct weir_batch * b, unsigned lo, uint64_t rows);
#include <weir/packet/fields.def>
#undef WEIR_FIELD

#endif
