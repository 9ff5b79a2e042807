/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_STAGE_STAGE_H
#define WEIR_STAGE_STAGE_H

#include <stdint.h>

#include <weir/base/column.h>
#include <weir/base/error.h>
#include <weir/expr/program.h>
#include <weir/packet/batch.h>

/*
 * A stage takes a burst of rows, and clears the selection bits of those that it drops or adds a
 * column. Where and map work on packets and on results alike; filter needs the bytes.
 */

struct weir_rows {
	uint32_t n;
	uint64_t sel[WEIR_MASK_WORDS];     /* rows still in */
	const struct weir_column **inputs; /* by slot; map stages add theirs */
	const struct weir_batch *batch;    /* the packets, or NULL for results */
};

struct weir_stage;

struct weir_stage_ops {
	const char *name; /* "where", as in the ledger's dropped reasons */
	void (*run)(struct weir_stage *s, struct weir_rows *rows); /* hot */
	void (*destroy)(struct weir_stage *s);
};

struct weir_stage {
	const struct weir_stage_ops *ops;
	uint64_t n_dropped; /* rows; owning lcore: wo */
};

/* Hot, owning lcore. Run a stage and count what it drops. */
void weir_stage_run(struct weir_stage *s, struct weir_rows *rows);
void weir_stage_destroy(struct weir_stage *s);

/*
 * tcpdump's language, compiled by libpcap once for each link type that turns up and run by its
 * bpf_filter(). Each program is compared with the unoptimised one on made-up packets before it is
 * used; where they differ the unoptimised one runs, with a warning. Usage error with libpcap's
 * reason.
 */
int weir_stage_filter_create(const char *text, struct weir_stage **ret, struct weir_error *err);

/* Keep rows for which the expression is true. Errors are those of weir_program_compile. */
int weir_stage_where_create(const char *text, const struct weir_scope *scope,
    struct weir_stage **ret, struct weir_error *err);

/* Put the value of an expression into inputs[slot]. */
int weir_stage_map_create(const char *text, const struct weir_scope *scope, unsigned slot,
    struct weir_stage **ret, struct weir_error *err);
/* The program of a where or map stage; NULL for others. */
const struct weir_program *weir_stage_program(const struct weir_stage *s);

#endif
