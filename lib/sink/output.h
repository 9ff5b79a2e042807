/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SINK_OUTPUT_H
#define WEIR_SINK_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/error.h>
#include <weir/base/strbuf.h>
#include <weir/sink/sink.h>

/*
 * A file being written: a buffer that knows where rows (or packets) end in it, so that when a
 * write fails it is known to the row what got out. A file of our own is then cut back to its last
 * whole row.
 */

#define WEIR_OUTPUT_BYTES (256u << 10) /* written when this much has gathered */
#define WEIR_OUTPUT_ROWS  8192u        /* or this many rows */

struct weir_output {
	const struct weir_sink *sink; /* whose output it is */
	int fd;
	char *name;  /* for messages: the path, or "standard output" */
	bool is_own; /* opened here: closed here, and cut back on failure where it is a regular file
		      */
	bool is_regular;
	bool is_terminal;
	int64_t draining_ns;     /* when the run was first seen to be draining, 0: not yet */
	uint64_t draining_bytes; /* and how long the file was then */
	uint64_t whole_bytes;    /* length of the file up to its last whole row */
	uint64_t bytes;          /* length of the file */
	struct weir_strbuf buf;
	unsigned n_ends;
	size_t ends[WEIR_OUTPUT_ROWS]; /* where rows end in buf */
};

/*
 * Create the file (target NULL or "-": standard output). 0, or a negative errno and a run-time
 * error that names cause, place and cure.
 */
int weir_output_open(const char *target, const struct weir_sink *sink, struct weir_output **ret,
    struct weir_error *err);
/* Close without writing what is still buffered. 0 or a negative errno. */
int weir_output_close(struct weir_output *o, struct weir_error *err);

/* Write all that is buffered and count its rows as delivered. 0 or a negative errno. */
int weir_output_write(struct weir_output *o, struct weir_sink_counters *c, struct weir_error *err);

/* Room for n more bytes at the end of what is buffered; advance buf.len by what was used. */
static inline char *
weir_output_room(struct weir_output *o, size_t n)
{
	weir_strbuf_reserve(&o->buf, n);
	return o->buf.p + o->buf.len;
}

/* What was added since the last end is a row. Writes when enough has gathered. 0 or a negative
 * errno. */
static inline int
weir_output_end_row(struct weir_output *o, struct weir_sink_counters *c, struct weir_error *err)
{
	o->ends[o->n_ends++] = o->buf.len;
	if (o->n_ends < WEIR_OUTPUT_ROWS && o->buf.len < WEIR_OUTPUT_BYTES)
		return 0;
	return weir_output_write(o, c, err);
}

/* Width and height of the terminal, or 0 and 0. */
void weir_output_terminal_size(
    const struct weir_output *o, unsigned *ret_columns, unsigned *ret_rows);

#endif
