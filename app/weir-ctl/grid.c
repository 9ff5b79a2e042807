/* SPDX-License-Identifier: BSD-3-Clause */
#include "grid.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>

#define CELL_MAX 60u /* characters; longer texts are cut */

/* Characters of UTF-8 text. */
static unsigned
width(const char *s)
{
	unsigned n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* In place: nothing that a terminal would obey, and not too long. */
static void
tame(char *s)
{
	unsigned n = 0;

	for (; *s; s++) {
		if (((unsigned char)*s & 0xc0) != 0x80 && n++ == CELL_MAX) {
			*s = '\0';
			return;
		}
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
		/* U+0080 to U+009f are control characters, too */
		if ((unsigned char)s[0] == 0xc2 && ((unsigned char)s[1] & 0xe0) == 0x80)
			s[0] = s[1] = '?';
	}
}

void
grid_add(struct grid *g, const char *fmt, ...)
{
	char **cell = weir_array_add(&g->cells, &g->n_cells, sizeof(*cell));
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(cell, fmt, ap) < 0)
		abort();
	va_end(ap);
	tame(*cell);
}

static bool
is_left(const struct grid *g, unsigned column)
{
	return g->is_on_left ? g->is_on_left[column] : column == 0;
}

static void
print_cell(const struct grid *g, unsigned cell, const unsigned *widths, struct weir_strbuf *b)
{
	unsigned column = cell % g->n_columns;
	int pad = (int)(widths[column] - width(g->cells[cell]));

	if (column)
		weir_strbuf_puts(b, "  ");
	if (!is_left(g, column))
		weir_strbuf_printf(b, "%*s", pad, "");
	weir_strbuf_puts(b, g->cells[cell]);
	if (is_left(g, column) && column + 1 < g->n_columns)
		weir_strbuf_printf(b, "%*s", pad, "");
}

void
grid_print(struct grid *g, unsigned n_blanks, struct weir_strbuf *b)
{
	unsigned *widths = calloc(g->n_columns + 1, sizeof(*widths));

	if (!widths)
		abort();
	for (unsigned i = 0; i < g->n_cells; i++)
		if (width(g->cells[i]) > widths[i % g->n_columns])
			widths[i % g->n_columns] = width(g->cells[i]);
	for (unsigned i = 0; i < g->n_cells; i++) {
		if (i % g->n_columns == 0)
			weir_strbuf_printf(b, "%*s", (int)n_blanks, "");
		print_cell(g, i, widths, b);
		if (i % g->n_columns == g->n_columns - 1)
			weir_strbuf_puts(b, "\n");
	}
	for (unsigned i = 0; i < g->n_cells; i++)
		free(g->cells[i]);
	free(g->cells);
	free(widths);
	g->cells = NULL;
	g->n_cells = 0;
}
