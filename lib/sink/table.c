/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>
#include <weir/base/value.h>

#include "kind.h"
#include "output.h"

/*
 * Aligned columns for people. Rows of a window follow a line that names it; rows of a query without
 * windows go on below the headings that are there, and so do rows with windows of their own, which
 * are their first two columns. On a terminal, strings are cut to fit
 * its width; where the run is live, each query's last window stays on the screen and is redrawn.
 * Rows that lack packets of a host that died have a mark behind them.
 */

#define PARTIAL   "partial"

#define N_TIMES   2u                   /* columns of a row's own window, before the others */
#define CUT_MIN   12u                  /* strings are not cut to less than this */
#define REDRAW_NS (WEIR_NS_PER_S / 10) /* of one query: faster than this nobody reads */

/* What stands on the screen, or stood last in the output, for a query. */
struct view {
	char *query;
	struct weir_strbuf heading; /* the columns' names, to tell one schema from another */
	int64_t window_start_ns, window_end_ns;
	bool has_times;   /* its rows have windows of their own */
	unsigned *widths; /* [n_widths], those of the window's columns first */
	unsigned n_widths;
	struct weir_strbuf text; /* live: its lines */
	int64_t drawn_ns;        /* live: when it was drawn */
};

struct table {
	struct weir_output *out;
	struct view *views; /* in order of appearance */
	unsigned n_views;
	int last;               /* view that was printed last, or -1 */
	unsigned columns, rows; /* of the terminal, or 0 */
	bool is_redrawn;        /* live on a terminal, and the first rows had windows */
	bool is_undrawn;        /* live: a view has changed since the screen was drawn */
	bool is_cleared;        /* live: the screen was cleared at the start */
	struct weir_strbuf cell;
	struct weir_strbuf line;
};

/* Characters of UTF-8 text. */
static unsigned
text_width(const char *s, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

/* Bytes of the first n characters. */
static size_t
text_bytes(const char *s, size_t len, unsigned n)
{
	size_t i = 0;

	while (i < len && (n || ((unsigned char)s[i] & 0xc0) == 0x80)) {
		n -= ((unsigned char)s[i] & 0xc0) != 0x80;
		i++;
	}
	return i;
}

static bool
is_right_aligned(enum weir_type type)
{
	return type == WEIR_INT || type == WEIR_FLOAT || type == WEIR_DURATION;
}

/* The value's text in t->cell. */
static void
read_cell(struct table *t, const struct weir_column *c, uint32_t row)
{
	struct weir_value v = weir_column_get(c, row);
	size_t max = c->type == WEIR_STRING && !v.is_null ? 2 * (size_t)v.s.len + 8 : 64;

	t->cell.len = 0;
	weir_strbuf_reserve(&t->cell, max);
	t->cell.len = weir_value_text(&v, t->cell.p, max);
}

static unsigned
n_times(const struct weir_block *b)
{
	return b->row_start_ns ? N_TIMES : 0;
}

static const char *
heading_of(const struct weir_block *b, unsigned column)
{
	static const char *const times[N_TIMES] = { "window.start", "window.end" };

	return column < n_times(b) ? times[column] : b->schema->columns[column - n_times(b)].name;
}

static enum weir_type
type_of(const struct weir_block *b, unsigned column)
{
	return column < n_times(b) ? WEIR_TIME : b->schema->columns[column - n_times(b)].type;
}

/* The text of a row's own time, or of its value, in t->cell. */
static void
read_column(struct table *t, const struct weir_block *b, unsigned column, uint32_t row)
{
	char text[40] = "-";
	int64_t times[N_TIMES];

	if (column >= n_times(b)) {
		read_cell(t, &b->columns[column - n_times(b)], row);
		return;
	}
	weir_block_window(b, row, &times[0], &times[1]);
	if (times[column] != WEIR_TIME_NONE)
		weir_time_text(times[column], text, sizeof(text));
	t->cell.len = 0;
	weir_strbuf_puts(&t->cell, text);
}

/* Put t->cell into the line, cut or filled to its width. The last column needs no filling. */
static void
add_cell(struct table *t, unsigned width, bool is_right, bool is_last)
{
	unsigned n = text_width(t->cell.p, t->cell.len);

	if (t->line.len)
		weir_strbuf_puts(&t->line, "  ");
	if (n > width) {
		weir_strbuf_add(&t->line, t->cell.p, text_bytes(t->cell.p, t->cell.len, width - 1));
		weir_strbuf_puts(&t->line, "\u2026");
		return;
	}
	if (is_right)
		weir_strbuf_printf(&t->line, "%*s", (int)(width - n), "");
	weir_strbuf_add(&t->line, t->cell.p, t->cell.len);
	if (!is_right && !is_last)
		weir_strbuf_printf(&t->line, "%*s", (int)(width - n), "");
}

/* Narrow the widest strings until the line fits, numbers and addresses never. */
static void
fit(const struct weir_block *b, unsigned *widths, unsigned columns)
{
	unsigned total = 0, n = n_times(b) + b->schema->n_columns;

	for (unsigned i = 0; i < n; i++)
		total += widths[i] + (i ? 2 : 0);
	while (total > columns) {
		unsigned widest = n;

		for (unsigned i = 0; i < n; i++)
			if (type_of(b, i) == WEIR_STRING && widths[i] > CUT_MIN &&
			    (widest == n || widths[i] > widths[widest]))
				widest = i;
		if (widest == n)
			return;
		widths[widest]--;
		total--;
	}
}

static bool
has_partial(const struct weir_block *b)
{
	bool is_so = false;

	for (uint32_t row = 0; row < b->n_rows && !is_so; row++)
		is_so = weir_block_is_partial(b, row);
	return is_so;
}

/* Widths that hold the names and the block's values; those of a block before stay at least. */
static int
measure(struct table *t, struct view *v, const struct weir_block *b, bool is_continued)
{
	unsigned *widths = v->widths, n = n_times(b) + b->schema->n_columns;
	unsigned mark = has_partial(b) ? sizeof(PARTIAL) + 1 : 0;

	if (n > v->n_widths) {
		widths = realloc(v->widths, n * sizeof(*widths));
		if (!widths)
			return -ENOMEM;
		v->widths = widths;
		v->n_widths = n;
	}
	for (unsigned i = 0; i < n; i++) {
		const char *name = heading_of(b, i);
		unsigned width = text_width(name, strlen(name));

		if (!is_continued || width > widths[i])
			widths[i] = width;
		for (uint32_t row = 0; row < b->n_rows; row++) {
			read_column(t, b, i, row);
			width = text_width(t->cell.p, t->cell.len);
			if (width > widths[i])
				widths[i] = width;
		}
	}
	if (t->columns)
		fit(b, widths, t->columns > mark ? t->columns - mark : 1);
	return 0;
}

static void
render_heading(struct table *t, const struct view *v, const struct weir_block *b)
{
	unsigned n = n_times(b) + b->schema->n_columns;

	t->line.len = 0;
	for (unsigned i = 0; i < n; i++) {
		t->cell.len = 0;
		weir_strbuf_puts(&t->cell, heading_of(b, i));
		add_cell(t, v->widths[i], is_right_aligned(type_of(b, i)), i + 1 == n);
	}
	weir_strbuf_puts(&t->line, "\n");
}

static void
render_row(struct table *t, const struct view *v, const struct weir_block *b, uint32_t row)
{
	unsigned n = n_times(b) + b->schema->n_columns;
	bool is_partial = weir_block_is_partial(b, row);

	t->line.len = 0;
	for (unsigned i = 0; i < n; i++) {
		read_column(t, b, i, row);
		add_cell(
		    t, v->widths[i], is_right_aligned(type_of(b, i)), i + 1 == n && !is_partial);
	}
	weir_strbuf_puts(&t->line, is_partial ? "  " PARTIAL "\n" : "\n");
}

/* "main  2026-01-02T03:04:05.000000000Z - 2026-01-02T03:04:06.000000000Z" */
static void
render_title(struct table *t, const struct weir_block *b)
{
	char start[40] = "-", end[40] = "-";

	t->line.len = 0;
	weir_strbuf_puts(&t->line, b->schema->query);
	if (b->schema->has_window && !n_times(b)) {
		if (b->window_start_ns != WEIR_TIME_NONE)
			weir_time_text(b->window_start_ns, start, sizeof(start));
		if (b->window_end_ns != WEIR_TIME_NONE)
			weir_time_text(b->window_end_ns, end, sizeof(end));
		weir_strbuf_printf(&t->line, "  %s - %s", start, end);
	}
	weir_strbuf_puts(&t->line, "\n");
}

/* The view of the block's query and columns; a new one where there is none. -ENOMEM, or its index.
 */
static int
find_view(struct table *t, const struct weir_schema *schema)
{
	struct weir_strbuf heading = { 0 };
	struct view *grown;
	int i;

	weir_strbuf_puts(&heading, "");
	for (unsigned c = 0; c < schema->n_columns; c++)
		weir_strbuf_printf(&heading, "%s\n", schema->columns[c].name);
	for (i = 0; i < (int)t->n_views; i++) {
		if (strcmp(t->views[i].query, schema->query) == 0 &&
		    strcmp(t->views[i].heading.p, heading.p) == 0) {
			weir_strbuf_free(&heading);
			return i;
		}
	}
	grown = realloc(t->views, (t->n_views + 1) * sizeof(*grown));
	if (grown) {
		t->views = grown;
		memset(&grown[i], 0, sizeof(grown[i]));
		grown[i].query = strdup(schema->query);
	}
	if (!grown || !grown[i].query) {
		weir_strbuf_free(&heading);
		return -ENOMEM;
	}
	grown[i].heading = heading;
	grown[i].drawn_ns = INT64_MIN;
	t->n_views++;
	return i;
}

/* Put the line where the block goes: to the view's text, or out. */
static int
emit(struct weir_sink *s, struct view *v, bool is_row, struct weir_error *err)
{
	struct table *t = s->state;

	if (t->is_redrawn) {
		weir_strbuf_add(&v->text, t->line.p, t->line.len);
		return 0;
	}
	weir_strbuf_add(&t->out->buf, t->line.p, t->line.len);
	return is_row ? weir_output_end_row(t->out, &s->counters, err) : 0;
}

/*
 * All views from the top of the screen on, each line cut to its width. What is below the last
 * line that fits is told as a number of lines.
 */
static int
draw(struct weir_sink *s, struct weir_error *err)
{
	struct table *t = s->state;
	struct weir_strbuf *out = &t->out->buf;
	unsigned left = t->rows > 2 ? t->rows - 2 : 1, hidden = 0;

	weir_strbuf_puts(out, t->is_cleared ? "\033[H" : "\033[2J\033[H");
	t->is_cleared = true;
	for (unsigned i = 0; i < t->n_views; i++) {
		const char *p = t->views[i].text.p;

		while (p && *p) {
			size_t len = strcspn(p, "\n");

			if (left) {
				/* Erased first: past the last column that would take a character.
				 */
				weir_strbuf_puts(out, "\033[K");
				weir_strbuf_add(
				    out, p, t->columns ? text_bytes(p, len, t->columns) : len);
				weir_strbuf_puts(out, "\n");
				left--;
			} else {
				hidden++;
			}
			p += len + 1;
		}
	}
	weir_strbuf_puts(out, "\033[J");
	if (hidden)
		weir_strbuf_printf(out, "(%u lines more)\n", hidden);
	t->is_undrawn = false;
	return weir_output_write(t->out, &s->counters, err);
}

/* Live on a terminal: rows are delivered when they are on the screen, or would be if it were
 * higher. */
static int
show(struct weir_sink *s, struct view *v, uint32_t n_rows, struct weir_error *err)
{
	struct table *t = s->state;
	int64_t now_ns = weir_now_mono_ns();
	int rc = 0;

	t->is_undrawn = true;
	if (v->drawn_ns == INT64_MIN || now_ns - v->drawn_ns >= REDRAW_NS) {
		v->drawn_ns = now_ns;
		rc = draw(s, err);
	}
	if (!rc)
		s->counters.delivered += n_rows;
	return rc;
}

/* True where the block's rows go below those that the view had last. */
static bool
is_continuation(const struct table *t, int at, const struct weir_block *b)
{
	const struct view *v = &t->views[at];

	if (!v->n_widths || (t->last != at && !t->is_redrawn))
		return false;
	if (!b->schema->has_window)
		return !t->is_redrawn;
	if (n_times(b) || v->has_times)
		return !t->is_redrawn && n_times(b) && v->has_times;
	return v->window_start_ns == b->window_start_ns && v->window_end_ns == b->window_end_ns;
}

static int
table_rows(struct weir_sink *s, const struct weir_block *b, struct weir_error *err)
{
	struct table *t = s->state;
	int at = find_view(t, b->schema), rc = 0;
	bool is_continued;
	struct view *v;

	if (at < 0)
		return weir_error_run(err, at, "out of memory");
	v = &t->views[at];
	weir_output_terminal_size(t->out, &t->columns, &t->rows);
	if (t->last < 0)
		t->is_redrawn = s->is_live && t->out->is_terminal && b->schema->has_window;
	is_continued = is_continuation(t, at, b);
	if (measure(t, v, b, is_continued))
		return weir_error_run(err, -ENOMEM, "out of memory");
	v->window_start_ns = b->window_start_ns;
	v->window_end_ns = b->window_end_ns;
	v->has_times = n_times(b) > 0;
	if (!is_continued) {
		v->text.len = 0;
		if (t->last >= 0 && !t->is_redrawn)
			weir_strbuf_puts(&t->out->buf, "\n");
		render_title(t, b);
		emit(s, v, false, err);
		render_heading(t, v, b);
		emit(s, v, false, err);
	}
	t->last = at;
	for (uint32_t row = 0; row < b->n_rows && !rc; row++) {
		render_row(t, v, b, row);
		rc = emit(s, v, true, err);
	}
	if (rc)
		return rc;
	return t->is_redrawn ? show(s, v, b->n_rows, err)
			     : weir_output_write(t->out, &s->counters, err);
}

static int
table_flush(struct weir_sink *s, struct weir_error *err)
{
	struct table *t = s->state;

	return t->is_undrawn ? draw(s, err) : 0;
}

static int
table_open(struct weir_sink *s, const char *target, struct weir_error *err)
{
	struct table *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return weir_error_run(err, -ENOMEM, "out of memory");
	rc = weir_output_open(target, s, &t->out, err);
	if (rc) {
		free(t);
		return rc;
	}
	t->last = -1;
	s->state = t;
	return 0;
}

static int
table_close(struct weir_sink *s, struct weir_error *err)
{
	struct table *t = s->state;
	int rc = weir_output_close(t->out, err);

	for (unsigned i = 0; i < t->n_views; i++) {
		free(t->views[i].query);
		free(t->views[i].widths);
		weir_strbuf_free(&t->views[i].heading);
		weir_strbuf_free(&t->views[i].text);
	}
	weir_strbuf_free(&t->cell);
	weir_strbuf_free(&t->line);
	free(t->views);
	free(t);
	return rc;
}

const struct weir_sink_ops weir_sink_table = {
	.scheme = "table",
	.synopsis = "table[:FILE]",
	.doc = "aligned columns for people; on a terminal a live run redraws them per window",
	.is_file = true,
	.open = table_open,
	.rows = table_rows,
	.flush = table_flush,
	.close = table_close,
};
