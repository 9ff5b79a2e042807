/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>
#include <weir/base/value.h>

#include "cell.h"
#include "kind.h"
#include "output.h"

/*
 * RFC 4180 but for the end of a line, which is a line feed as every Unix tool wants it. A header
 * goes before the first row; where the columns change (another query writes to the same file) a
 * blank line and a new header do. Null is nothing at all, an empty string is "". In a cluster
 * rows of windows have one more column, which says whether they are partial.
 */
struct csv {
	struct weir_output *out;
	struct weir_strbuf header; /* the header that holds */
	struct weir_strbuf next;   /* the header of the block in hand */
	struct weir_strbuf head;   /* the query, and the window that the last row had */
	size_t query_end;          /* of the query in it */
	int64_t start_ns, end_ns;  /* that window */
	struct weir_strbuf text;   /* one string */
	size_t row_bytes;          /* most that a row takes without its strings */
};

/* Quote where RFC 4180 has to, and blanks at the ends, which readers like to strip. */
static void
add_quoted(struct weir_strbuf *b, const char *s, size_t len)
{
	bool is_plain = len && s[0] != ' ' && s[len - 1] != ' ';

	for (size_t i = 0; i < len && is_plain; i++)
		is_plain = s[i] != ',' && s[i] != '"' && s[i] != '\n' && s[i] != '\r';
	if (is_plain) {
		weir_strbuf_add(b, s, len);
		return;
	}
	weir_strbuf_add(b, "\"", 1);
	for (size_t i = 0; i < len; i++)
		weir_strbuf_add(b, s[i] == '"' ? "\"\"" : s + i, s[i] == '"' ? 2 : 1);
	weir_strbuf_add(b, "\"", 1);
}

static void
add_time(struct weir_strbuf *b, int64_t time_ns)
{
	char text[40];

	weir_strbuf_puts(b, ",");
	if (time_ns == WEIR_TIME_NONE)
		return;
	weir_time_text(time_ns, text, sizeof(text));
	weir_strbuf_puts(b, text);
}

/* Have the row's window in the head. */
static void
note_window(struct csv *c, const struct weir_block *b, uint32_t row)
{
	int64_t start_ns, end_ns;

	weir_block_window(b, row, &start_ns, &end_ns);
	if (c->head.len > c->query_end && start_ns == c->start_ns && end_ns == c->end_ns)
		return;
	c->head.len = c->query_end;
	add_time(&c->head, start_ns);
	add_time(&c->head, end_ns);
	c->start_ns = start_ns;
	c->end_ns = end_ns;
}

/* Write once what every row of the block repeats; a header first where the columns are others. */
static void
prepare(struct csv *c, const struct weir_block *b)
{
	const struct weir_schema *schema = b->schema;
	struct weir_strbuf swap = c->header;

	c->next.len = c->head.len = 0;
	weir_strbuf_puts(&c->next, schema->has_window ? "query,window.start,window.end" : "query");
	for (unsigned i = 0; i < schema->n_columns; i++) {
		weir_strbuf_puts(&c->next, ",");
		add_quoted(&c->next, schema->columns[i].name, strlen(schema->columns[i].name));
	}
	weir_strbuf_puts(&c->next, weir_block_may_be_partial(b) ? ",partial\n" : "\n");
	if (!c->header.len || strcmp(c->next.p, c->header.p) != 0) {
		if (c->header.len)
			weir_strbuf_puts(&c->out->buf, "\n");
		weir_strbuf_add(&c->out->buf, c->next.p, c->next.len);
		c->header = c->next;
		c->next = swap;
	}
	add_quoted(&c->head, schema->query, strlen(schema->query));
	c->query_end = c->head.len;
	/* A comma a value, and a window; whether it is partial; the line feed. */
	c->row_bytes = c->head.len + 2 * (WEIR_CELL_MAX + 1u) +
		       schema->n_columns * (WEIR_CELL_MAX + 1u) + sizeof(",false") + 1;
}

static char *
put_string(struct csv *c, char *p, const struct weir_column *column, uint32_t row)
{
	struct weir_value v = weir_column_get(column, row);
	size_t max = 2 * (size_t)v.s.len + 8;

	c->text.len = 0;
	weir_strbuf_reserve(&c->text, max);
	c->text.len = weir_value_text(&v, c->text.p, max);
	c->out->buf.len = (size_t)(p - c->out->buf.p);
	add_quoted(&c->out->buf, c->text.p, c->text.len);
	return weir_output_room(c->out, c->row_bytes);
}

static void
put_row(struct csv *c, const struct weir_block *b, uint32_t row)
{
	char *p = weir_output_room(c->out, c->row_bytes);

	if (b->schema->has_window)
		note_window(c, b, row);
	p = weir_cell_copy(p, c->head.p, c->head.len);
	for (unsigned i = 0; i < b->schema->n_columns; i++) {
		const struct weir_column *column = &b->columns[i];

		*p++ = ',';
		if (weir_cell_is_null(column, row))
			continue;
		p = column->type == WEIR_STRING ? put_string(c, p, column, row)
						: weir_cell_put(p, column, row);
	}
	if (weir_block_may_be_partial(b))
		p = weir_block_is_partial(b, row) ? weir_cell_copy(p, ",true", 5)
						  : weir_cell_copy(p, ",false", 6);
	*p++ = '\n';
	c->out->buf.len = (size_t)(p - c->out->buf.p);
}

static int
csv_rows(struct weir_sink *s, const struct weir_block *b, struct weir_error *err)
{
	struct csv *c = s->state;
	int rc = 0;

	prepare(c, b);
	for (uint32_t row = 0; row < b->n_rows && !rc; row++) {
		put_row(c, b, row);
		rc = weir_output_end_row(c->out, &s->counters, err);
	}
	return rc ? rc : weir_output_write(c->out, &s->counters, err);
}

static int
csv_open(struct weir_sink *s, const char *target, struct weir_error *err)
{
	struct csv *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return weir_error_run(err, -ENOMEM, "out of memory");
	rc = weir_output_open(target, s, &c->out, err);
	if (rc) {
		free(c);
		return rc;
	}
	s->state = c;
	return 0;
}

static int
csv_close(struct weir_sink *s, struct weir_error *err)
{
	struct csv *c = s->state;
	int rc = weir_output_close(c->out, err);

	weir_strbuf_free(&c->header);
	weir_strbuf_free(&c->next);
	weir_strbuf_free(&c->head);
	weir_strbuf_free(&c->text);
	free(c);
	return rc;
}

const struct weir_sink_ops weir_sink_csv = {
	.scheme = "csv",
	.synopsis = "csv[:FILE]",
	.doc = "comma-separated values, one row a line, with a header",
	.is_file = true,
	.is_streaming = true,
	.open = csv_open,
	.rows = csv_rows,
	.close = csv_close,
};
