/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_CTL_GRID_H
#define WEIR_CTL_GRID_H

#include <stdbool.h>

#include <weir/base/strbuf.h>

/* Cells that are printed as aligned columns. Zero-initialise, and set n_columns. */
struct grid {
	unsigned n_columns;
	unsigned n_cells;
	char **cells;           /* row by row; the first row is the heading */
	const bool *is_on_left; /* [n_columns], NULL: the first is, the others are on the right */
};

/* Add the next cell. Control characters are shown as '?'. */
void grid_add(struct grid *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Append all rows to b, with n blanks in front, and empty the grid. */
void grid_print(struct grid *g, unsigned n_blanks, struct weir_strbuf *b);

#endif
