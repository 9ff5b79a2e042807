/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_TRAIL_H
#define WEIR_RUNTIME_TRAIL_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/runtime/latency.h>
#include <weir/sketch/origin.h>

/*
 * --latency behind the workers: the rows that are in work come from some packets (an origin), which
 * they lead to a sink and to its flush. Control thread. A trail of NULL is a run without --latency:
 * every call may be made with it, and does nothing. Private to lib/runtime.
 */

#define WEIR_TRAIL_PENDING 256

/* How packets waited with the worker. */
enum weir_trail_wait {
	WEIR_TRAIL_PANE,  /* for their window's end */
	WEIR_TRAIL_BLOCK, /* for a block to be full, or flushed */
	WEIR_TRAIL_NONE,  /* --emit early */
};

/* A packet whose row is with a sink but may not have been written. */
struct weir_trail_pending {
	enum weir_trail_wait wait;
	int64_t arrived_ns;
	int64_t waited_ns;
	int64_t ready_ns;
};

struct weir_trail {
	struct weir_latency_set *set; /* what control has measured, and workers have handed over */
	int64_t advanced_ns;          /* when the work that is done now was found due */
	enum weir_trail_wait wait;
	struct weir_origin now; /* of the rows in work */
	uint64_t seen;          /* packets since the last flush; a sample of them is pending */
	uint64_t random;
	unsigned n_pending;
	struct weir_trail_pending pending[WEIR_TRAIL_PENDING];
};

/* NULL when out of memory. */
struct weir_trail *weir_trail_create(void);
void weir_trail_destroy(struct weir_trail *t);

/* Work that is due is begun. */
void weir_trail_advance(struct weir_trail *t);
/* What is done now are rows of this origin, or NULL: of none. */
void weir_trail_follow(
    struct weir_trail *t, enum weir_trail_wait wait, const struct weir_origin *origin);
/* The same of rows that were held, whose origin is freed; *held is then NULL. They waited for
 * event time, too. */
void weir_trail_resume(struct weir_trail *t, struct weir_origin **held);
/* The rows in work are held back for later: add their origin to *held, made where it is NULL. */
void weir_trail_hold(struct weir_trail *t, struct weir_origin **held);

/* The rows in work are about to go to a sink. */
void weir_trail_ready(struct weir_trail *t);
/* A row of --emit early is. */
void weir_trail_ready_early(struct weir_trail *t, int64_t arrived_ns);
/* What went to sinks has been written. */
void weir_trail_written(struct weir_trail *t);

#endif
