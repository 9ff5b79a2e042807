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
 * tcpdump's language. Text that only asks for what decoded columns hold is lowered to an expression
 * over the fields of scope; it decides the rows whose layout makes both agree by construction
 * (plain Ethernet, IPv4 or IPv6 without extensions, headers captured). All other rows, and all rows
 * of other texts or without a scope (NULL), are decided by libpcap's program for their link type
 * and its bpf_filter(). Each program is compared with the unoptimised one, and the expression with
 * the program, on made-up packets before it is used. Usage error with libpcap's reason. libpcap may
 * look up names of hosts and services. The scope is not kept.
 */
int weir_stage_filter_create(const char *text, const struct weir_scope *scope,
    struct weir_stage **ret, struct weir_error *err);

/* Keep rows for which the expression is true. Errors are those of weir_program_compile. */
int weir_stage_where_create(const char *text, const struct weir_scope *scope,
    struct weir_stage **ret, struct weir_error *err);

/* Put the value of an expression into inputs[slot]. */
int weir_stage_map_create(const char *text, const struct weir_scope *scope, unsigned slot,
    struct weir_stage **ret, struct weir_error *err);
/* The program of a where or map stage, or of a filter that was lowered; NULL for others. */
const struct weir_program *weir_stage_program(const struct weir_stage *s);
/* How the stage runs, where its text does not say that, for --explain; else NULL. The stage's. */
const char *weir_stage_describe(const struct weir_stage *s);

#endif
