/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_LATENCY_H
#define WEIR_RUNTIME_LATENCY_H

#include <stdio.h>

#include <jansson.h>
#include <weir/sketch/histogram.h>

/*
 * weir --latency: how long packets take, stage by stage and end to end. The stages in the order of
 * a packet's way; the summary, the JSON form and weir-ctl follow this list.
 *
 * id, name, what is measured, why there may be nothing
 */
#define WEIR_LATENCY_STAGES(X)                                                                     \
	X(RECEIVE, "receive_wait", "from a packet's time stamp to the poll that took it",          \
	    "no source stamps its packets as they arrive")                                         \
	X(DECODE, "decode", "headers to columns, of the burst", "nothing was received")            \
	X(PREDICATE, "predicate", "--filter, --where and --map of a query, of the burst",          \
	    "no query has a stage over packets")                                                   \
	X(EXCHANGE, "exchange", "from a row's worker to the one that owns its key",                \
	    "no rows went from one worker to another")                                             \
	X(AGGREGATE, "aggregate", "rows to groups of a query, of the burst",                       \
	    "no query groups packets")                                                             \
	X(SELECT, "select", "rows or copies of a query without --agg, of the burst",               \
	    "no query hands out rows or packets as they are")                                      \
	X(FORWARD, "forward", "packets to the drivers of the ports they leave by, of the burst",   \
	    "no query forwards packets")                                                           \
	X(BLOCK_WAIT, "block_wait", "such a row or copy, until its block was handed over",         \
	    "no query hands out rows or packets as they are")                                      \
	X(PANE_WAIT, "pane_wait", "from a packet's group to its window's hand-over",               \
	    "no window of all keys was closed")                                                    \
	X(MERGE, "merge", "from the last hand-over to rows for the sink",                          \
	    "no row was written, or keys have windows of their own")                               \
	X(SINK, "sink", "from there until they were written", "no row was written")                \
	X(END_TO_END, "end_to_end", "from packet-in to record-out",                                \
	    "no row was written, or keys have windows of their own")                               \
	X(WORK, "work", "the same without pane_wait",                                              \
	    "no row was written, or keys have windows of their own")                               \
	X(EARLY, "early", "from packet-in to record-out of --emit early",                          \
	    "no query emits early, or no row was")

enum weir_latency_stage {
#define X(id, name, doc, none) WEIR_LATENCY_##id,
	WEIR_LATENCY_STAGES(X)
#undef X
	    WEIR_N_LATENCY_STAGES,
};

/* Histograms of nanoseconds. One thread at a time. */
struct weir_latency_set {
	struct weir_histogram of[WEIR_N_LATENCY_STAGES];
};

/* Empty. NULL when out of memory. */
struct weir_latency_set *weir_latency_set_create(void);
/* Empty it. */
void weir_latency_set_reset(struct weir_latency_set *s);
/* Add the samples of one to another. */
void weir_latency_set_merge(struct weir_latency_set *to, const struct weir_latency_set *from);
/*
 * By the names of the stages: {"samples":,"p50":,"p90":,"p99":,"p99.9":,"p99.99":,"max":,"mean":}
 * in nanoseconds, null for a percentile that too few samples tell of; and null for a stage of which
 * there are none, "not_measured" then has the reason. A new reference.
 */
json_t *weir_latency_set_json(const struct weir_latency_set *s);
/* For people: a line a stage that has samples, and receive_wait in any case, each beginning "weir:
 * ".
 */
void weir_latency_set_print(const struct weir_latency_set *s, FILE *out);

#endif
