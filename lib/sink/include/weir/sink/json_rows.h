/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SINK_JSON_ROWS_H
#define WEIR_SINK_JSON_ROWS_H

#include <weir/base/strbuf.h>
#include <weir/record/block.h>

/* Rows of blocks as JSON objects (contract A7); zero-initialise to begin. */
struct weir_json_rows {
	const struct weir_block *block; /* whose rows are written now; not owned */
	struct weir_strbuf head;        /* {"query":... and the window that the last row had */
	size_t query_end;               /* of the query in it */
	int64_t start_ns, end_ns;       /* that window */
	struct weir_strbuf keys;        /* ,"name": of each column, one after the other */
	size_t *key_ends;               /* [n_key_ends] where each ends */
	unsigned n_key_ends;
	size_t row_bytes; /* most that a row takes without its strings */
};

/* Write the rows of this block from now on; it stays until the next. 0 or -ENOMEM. */
int weir_json_rows_begin(struct weir_json_rows *j, const struct weir_block *b);
/* Append a row of the block to out, without a line feed. */
void weir_json_rows_put(struct weir_json_rows *j, uint32_t row, struct weir_strbuf *out);
void weir_json_rows_fini(struct weir_json_rows *j);

#endif
