/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_DELIVERY_H
#define WEIR_RUNTIME_DELIVERY_H

#include <weir/query/plan.h>
#include <weir/runtime/ledger.h>
#include <weir/sink/sink.h>

#include "progress.h"
#include "trail.h"

/*
 * From results to sinks: windows become rows, rows run through what follows --agg and go to the
 * query's sinks. Control thread. Private to lib/runtime.
 */

/* Where the rows of a query go, and what is known of its windows so far. */
struct weir_outlet {
	unsigned n_sinks;
	unsigned *sinks; /* [n_sinks] indices */
	uint64_t rows;
	uint64_t lost;    /* packets whose groups went when panes were merged */
	uint64_t crowded; /* the same of sliding windows, each counted for itself */
	uint64_t most_keys;
	uint64_t most_bytes;
	uint64_t undercount;
	uint64_t left_out; /* values that found no memory in growing aggregates */
	double sampling;
	struct weir_block *last; /* of the last closed window (of a large one, a part) */
};

struct weir_delivery {
	const struct weir_plan *plan;
	struct weir_outlet *outlets; /* [WEIR_QUERIES_MOST], as in the plan */
	unsigned n_sinks;
	struct weir_sink **sinks;    /* each once */
	struct weir_sink_run run;    /* what they are told */
	uint64_t *offered;           /* [n_sinks] rows and packets produced for it */
	const atomic_bool *draining; /* for the sinks, see weir/sink/sink.h */
	void (*while_waiting)(void *ctx);
	void *waiting_ctx;
	bool needs_flush;
	const struct weir_gaps *gaps;   /* of a cluster: what its rows lack; or NULL. Not owned */
	bool is_urgent;                 /* rows of --emit early wait for the flush */
	struct weir_trail *trail;       /* NULL without --latency. Not owned */
	bool keeps_last;                /* somebody may ask for the rows of a window */
	struct weir_progress *progress; /* its line makes way for rows */
	int rc;                         /* first failure */
	struct weir_error *err;
};

/* Tell the sinks of draining and while_waiting: when these are known, or have changed. */
void weir_delivery_tell_sinks(struct weir_delivery *d);
/* Open the sinks of all queries; sources are opened. Run-time error. */
int weir_delivery_open(struct weir_delivery *d, const struct weir_plan *plan,
    struct weir_source *const *sources, struct weir_progress *progress, struct weir_error *err);
/* Open the sinks of the plan's last query. Run-time error, and nothing has changed. */
int weir_delivery_add(struct weir_delivery *d, struct weir_error *err);
/* Undo that: nothing has been delivered yet. Its sinks stay open, as another query may share them.
 */
void weir_delivery_drop_last(struct weir_delivery *d);
/* The first failure is kept; what follows is a warning where it is news. */
void weir_delivery_fail(struct weir_delivery *d, int rc, const struct weir_error *e);
/* Note what the table of a window of rows left out. */
void weir_delivery_note_rows_pane(
    struct weir_delivery *d, unsigned query, const struct weir_pane *pane, bool is_sliding);
/* The same of packets, and how large it was. */
void weir_delivery_note_pane(struct weir_delivery *d, unsigned query, const struct weir_pane *pane);
/*
 * A whole window of a query that has nothing but one segment, and whose rows nobody else takes. Its
 * groups may be put in order.
 */
void weir_delivery_pane(struct weir_delivery *d, unsigned query, struct weir_pane *pane);
/* The final rows of a query, to its sinks; b is consumed. */
void weir_delivery_put(struct weir_delivery *d, unsigned query, struct weir_block *b);
/* Kept packets; b is consumed. */
void weir_delivery_packets(struct weir_delivery *d, unsigned query, struct weir_packet_block *b);
void weir_delivery_flush(struct weir_delivery *d);
/* Have the sinks look around. */
void weir_delivery_poll(struct weir_delivery *d);
/* Nobody is left to read the results. */
bool weir_delivery_is_broken(const struct weir_delivery *d);
/* Close the sinks; flush before. */
void weir_delivery_close(struct weir_delivery *d);

#endif
