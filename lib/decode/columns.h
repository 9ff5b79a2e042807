/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_DECODE_COLUMNS_H
#define WEIR_DECODE_COLUMNS_H

#include <weir/packet/batch.h>

/*
 * One function a field, made by the field table: fills the field's column of all b->n rows from the
 * layout and the packets. The column must be there. A field without its function does not link.
 */
#define WEIR_FIELD(id, name, type, store, group, layers, doc)                                      \
	void decode_##id(struct weir_batch *b);
#include <weir/packet/fields.def>
#undef WEIR_FIELD

#endif
