/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>
#include <weir/base/value.h>

#include "cell.h"
#include "kind.h"
#include "output.h"

#define WINDOW_BYTES 128u /* most that the window takes: ,"window.start":"2026-... */

/* One object a row, one row a line (contract A7). */
struct json {
	struct weir_output *out;
	struct weir_strbuf head;  /* {"query":... and the window that the last row had */
	size_t query_end;         /* of the query in it */
	int64_t start_ns, end_ns; /* that window */
	struct weir_strbuf keys;  /* ,"name": of each column, one after the other */
	size_t *key_ends;         /* [n_key_ends] where each ends */
	unsigned n_key_ends;
	size_t row_bytes; /* most that a row takes without its strings */
};

static void
add_string(struct weir_strbuf *b, const char *s)
{
	struct weir_value v = { .type = WEIR_STRING };
	size_t max = 2 * strlen(s) + 8;

	v.s = (struct weir_bytes){ (const uint8_t *)s, (uint32_t)strlen(s) };
	weir_strbuf_reserve(b, max);
	b->len += weir_value_json(&v, b->p + b->len, max);
}

static void
add_time(struct weir_strbuf *b, const char *key, int64_t time_ns)
{
	char text[40];

	if (time_ns == WEIR_TIME_NONE) {
		weir_strbuf_printf(b, ",\"%s\":null", key);
		return;
	}
	weir_time_text(time_ns, text, sizeof(text));
	weir_strbuf_printf(b, ",\"%s\":\"%s\"", key, text);
}

/* Have the row's window in the head. */
static void
note_window(struct json *j, const struct weir_block *b, uint32_t row)
{
	int64_t start_ns, end_ns;

	weir_block_window(b, row, &start_ns, &end_ns);
	if (j->head.len > j->query_end && start_ns == j->start_ns && end_ns == j->end_ns)
		return;
	j->head.len = j->query_end;
	add_time(&j->head, "window.start", start_ns);
	add_time(&j->head, "window.end", end_ns);
	j->start_ns = start_ns;
	j->end_ns = end_ns;
}

/* Write once what every row of the block repeats. */
static int
prepare(struct json *j, const struct weir_block *b)
{
	const struct weir_schema *schema = b->schema;

	if (schema->n_columns > j->n_key_ends) {
		size_t *ends = realloc(j->key_ends, schema->n_columns * sizeof(*ends));

		if (!ends)
			return -ENOMEM;
		j->key_ends = ends;
		j->n_key_ends = schema->n_columns;
	}
	j->head.len = j->keys.len = 0;
	weir_strbuf_puts(&j->head, "{\"query\":");
	add_string(&j->head, schema->query);
	j->query_end = j->head.len;
	for (unsigned i = 0; i < schema->n_columns; i++) {
		weir_strbuf_puts(&j->keys, ",");
		add_string(&j->keys, schema->columns[i].name);
		weir_strbuf_puts(&j->keys, ":");
		j->key_ends[i] = j->keys.len;
	}
	/* Two quotes a value, and a window of two with their keys; brace and line feed. */
	j->row_bytes =
	    j->head.len + WINDOW_BYTES + j->keys.len + schema->n_columns * (WEIR_CELL_MAX + 2u) + 2;
	return 0;
}

/* A string may need more room than the row has left. Returns where the row goes on. */
static char *
put_string(struct json *j, char *p, const struct weir_column *c, uint32_t row)
{
	struct weir_value v = weir_column_get(c, row);
	size_t max = 2 * (size_t)v.s.len + 8; /* escapes and hex digits are two a byte */

	j->out->buf.len = (size_t)(p - j->out->buf.p);
	p = weir_output_room(j->out, max + j->row_bytes);
	return p + weir_value_json(&v, p, max);
}

static char *
put_value(struct json *j, char *p, const struct weir_column *c, uint32_t row)
{
	bool is_quoted = c->type == WEIR_IP || c->type == WEIR_TIME || c->type == WEIR_MAC;

	if (weir_cell_is_null(c, row))
		return weir_cell_copy(p, "null", 4);
	if (c->type == WEIR_STRING)
		return put_string(j, p, c, row);
	if (!is_quoted)
		return weir_cell_put(p, c, row);
	*p++ = '"';
	p = weir_cell_put(p, c, row);
	*p++ = '"';
	return p;
}

static void
put_row(struct json *j, const struct weir_block *b, uint32_t row)
{
	char *p = weir_output_room(j->out, j->row_bytes);
	size_t key = 0;

	if (b->schema->has_window)
		note_window(j, b, row);
	p = weir_cell_copy(p, j->head.p, j->head.len);
	for (unsigned i = 0; i < b->schema->n_columns; i++) {
		p = weir_cell_copy(p, j->keys.p + key, j->key_ends[i] - key);
		key = j->key_ends[i];
		p = put_value(j, p, &b->columns[i], row);
	}
	*p++ = '}';
	*p++ = '\n';
	j->out->buf.len = (size_t)(p - j->out->buf.p);
}

static int
json_rows(struct weir_sink *s, const struct weir_block *b, struct weir_error *err)
{
	struct json *j = s->state;
	int rc = prepare(j, b);

	if (rc)
		return weir_error_run(err, rc, "out of memory");
	for (uint32_t row = 0; row < b->n_rows && !rc; row++) {
		put_row(j, b, row);
		rc = weir_output_end_row(j->out, &s->counters, err);
	}
	return rc ? rc : weir_output_write(j->out, &s->counters, err);
}

static int
json_open(struct weir_sink *s, const char *target, struct weir_error *err)
{
	struct json *j = calloc(1, sizeof(*j));
	int rc;

	if (!j)
		return weir_error_run(err, -ENOMEM, "out of memory");
	rc = weir_output_open(target, s, &j->out, err);
	if (rc) {
		free(j);
		return rc;
	}
	s->state = j;
	return 0;
}

static int
json_close(struct weir_sink *s, struct weir_error *err)
{
	struct json *j = s->state;
	int rc = weir_output_close(j->out, err);

	weir_strbuf_free(&j->head);
	weir_strbuf_free(&j->keys);
	free(j->key_ends);
	free(j);
	return rc;
}

const struct weir_sink_ops weir_sink_json = {
	.scheme = "json",
	.synopsis = "json[:FILE]",
	.doc = "one JSON object a row and line",
	.is_file = true,
	.is_streaming = true,
	.open = json_open,
	.rows = json_rows,
	.close = json_close,
};
