/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include <weir/sink/json_rows.h>

#include "kind.h"
#include "output.h"

/* One object a row, one row a line (contract A7). */
struct json {
	struct weir_output *out;
	struct weir_json_rows rows;
};

static int
json_rows(struct weir_sink *s, const struct weir_block *b, struct weir_error *err)
{
	struct json *j = s->state;
	int rc = weir_json_rows_begin(&j->rows, b);

	if (rc)
		return weir_error_run(err, rc, "out of memory");
	for (uint32_t row = 0; row < b->n_rows && !rc; row++) {
		weir_json_rows_put(&j->rows, row, &j->out->buf);
		weir_strbuf_add(&j->out->buf, "\n", 1);
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

	weir_json_rows_fini(&j->rows);
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
