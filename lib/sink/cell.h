/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SINK_CELL_H
#define WEIR_SINK_CELL_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <weir/base/column.h>

/* Values as JSON and CSV have them in common: exact, and without quotes. */

#define WEIR_CELL_MAX 64 /* longest value that is no string */

/* True for null, and for numbers that neither format can hold. */
static inline bool
weir_cell_is_null(const struct weir_column *c, uint32_t row)
{
	return weir_mask_test(c->null, row) ||
	       (c->store == WEIR_F64 && !isfinite(((const double *)c->data)[row]));
}

/* Write a value that is neither null nor a string to WEIR_CELL_MAX bytes. Returns its end. */
char *weir_cell_put(char *p, const struct weir_column *c, uint32_t row);

/* Copy n bytes. Returns the end of the copy. */
static inline char *
weir_cell_copy(char *p, const void *from, size_t n)
{
	memcpy(p, from, n);
	return p + n;
}

#endif
