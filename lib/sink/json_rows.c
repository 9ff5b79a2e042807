/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>
#include <weir/base/value.h>
#include <weir/sink/json_rows.h>

#include "cell.h"

#define WINDOW_BYTES 128u /* most that the window takes: ,"window.start":"2026-... */
#define PARTIAL      ",\"partial\":true"

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
note_window(struct weir_json_rows *j, uint32_t row)
{
	int64_t start_ns, end_ns;

	weir_block_window(j->block, row, &start_ns, &end_ns);
	if (j->head.len > j->query_end && start_ns == j->start_ns && end_ns == j->end_ns)
		return;
	j->head.len = j->query_end;
	add_time(&j->head, "window.start", start_ns);
	add_time(&j->head, "window.end", end_ns);
	j->start_ns = start_ns;
	j->end_ns = end_ns;
}

/* Write once what every row of the block repeats. */
int
weir_json_rows_begin(struct weir_json_rows *j, const struct weir_block *b)
{
	const struct weir_schema *schema = b->schema;

	if (schema->n_columns > j->n_key_ends) {
		size_t *ends = realloc(j->key_ends, schema->n_columns * sizeof(*ends));

		if (!ends)
			return -ENOMEM;
		j->key_ends = ends;
		j->n_key_ends = schema->n_columns;
	}
	j->block = b;
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
	/* Two quotes a value, a window with its keys, what is behind, and the brace. */
	j->row_bytes = j->head.len + WINDOW_BYTES + j->keys.len +
		       schema->n_columns * (WEIR_CELL_MAX + 2u) + sizeof(PARTIAL);
	return 0;
}

/* A string may need more room than the row has left. Returns where the row goes on. */
static char *
put_string(const struct weir_json_rows *j, struct weir_strbuf *out, char *p,
    const struct weir_column *c, uint32_t row)
{
	struct weir_value v = weir_column_get(c, row);
	size_t max = 2 * (size_t)v.s.len + 8; /* escapes and hex digits are two a byte */

	out->len = (size_t)(p - out->p);
	weir_strbuf_reserve(out, max + j->row_bytes);
	p = out->p + out->len;
	return p + weir_value_json(&v, p, max);
}

static char *
put_value(const struct weir_json_rows *j, struct weir_strbuf *out, char *p,
    const struct weir_column *c, uint32_t row)
{
	bool is_quoted = c->type == WEIR_IP || c->type == WEIR_TIME || c->type == WEIR_MAC;

	if (weir_cell_is_null(c, row))
		return weir_cell_copy(p, "null", 4);
	if (c->type == WEIR_STRING)
		return put_string(j, out, p, c, row);
	if (!is_quoted)
		return weir_cell_put(p, c, row);
	*p++ = '"';
	p = weir_cell_put(p, c, row);
	*p++ = '"';
	return p;
}

void
weir_json_rows_put(struct weir_json_rows *j, uint32_t row, struct weir_strbuf *out)
{
	const struct weir_block *b = j->block;
	size_t key = 0;
	char *p;

	if (b->schema->has_window)
		note_window(j, row);
	weir_strbuf_reserve(out, j->row_bytes);
	p = weir_cell_copy(out->p + out->len, j->head.p, j->head.len);
	for (unsigned i = 0; i < b->schema->n_columns; i++) {
		p = weir_cell_copy(p, j->keys.p + key, j->key_ends[i] - key);
		key = j->key_ends[i];
		p = put_value(j, out, p, &b->columns[i], row);
	}
	if (weir_block_is_partial(b, row))
		p = weir_cell_copy(p, PARTIAL, sizeof(PARTIAL) - 1);
	*p++ = '}';
	*p = '\0';
	out->len = (size_t)(p - out->p);
}

void
weir_json_rows_fini(struct weir_json_rows *j)
{
	weir_strbuf_free(&j->head);
	weir_strbuf_free(&j->keys);
	free(j->key_ends);
}
