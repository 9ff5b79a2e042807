/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_SPAN_H
#define WEIR_RUNTIME_SPAN_H

#include <jansson.h>
#include <weir/base/error.h>
#include <weir/query/plan.h>
#include <weir/runtime/ledger.h>

#include "flow.h"
#include "waker.h"

/*
 * Queries that span several hosts (contract A8). Panes that this host's workers have closed are
 * parted by the owners of their groups, and sent to them; of what comes from others, and of its own
 * part, a host makes the windows that are its own. Event time on this side of it is that of the
 * whole cluster: a window is due when every node has said that it sends nothing more for it.
 *
 * Panes are kept until the owners have delivered the windows that they are in. When owners change -
 * a node joins, leaves or is lost - all nodes stop for as long as it takes to tell each other up to
 * what time the windows of each slot have been delivered; whatever is later is sent again, to who
 * owns it then. So every window is delivered by one node. Control thread. Private to lib/runtime.
 */

struct weir_span;

struct weir_span_config {
	const struct weir_plan *plan;
	struct weir_flow *flow;
	struct weir_waker *waker;           /* of control: something has come */
	struct weir_source *const *sources; /* [n_sources] as in the plan's command */
};

/*
 * Open the wire and join the cluster of the plan's command. EAL must have been started. Usage and
 * run-time errors.
 */
int weir_span_open(
    const struct weir_span_config *config, struct weir_span **ret, struct weir_error *err);
/* Leaves the cluster in good order where weir_span_is_over; else others take this node for lost. */
void weir_span_close(struct weir_span *s);

/* Workers poll the sources from now on, or do so no more: of a port that is the wire's as well. */
void weir_span_share(struct weir_span *s, bool is_polled);
/* Until then no worker must begin: the first slot map is not agreed on. */
bool weir_span_is_ready(const struct weir_span *s);
/* Nobody waits for the cluster any more: it is over. */
void weir_span_give_up(struct weir_span *s);
/* A pane that a worker has closed. */
void weir_span_pane(struct weir_span *s, unsigned query, unsigned worker, struct weir_pane *pane);
/* Rows that a worker ships; b is consumed. */
void weir_span_rows(struct weir_span *s, unsigned query, struct weir_block *b);
/* All panes that end by this time have been given; INT64_MAX: all that there are. */
void weir_span_closed(struct weir_span *s, int64_t time_ns);
/* Send, take, and look at the cluster. Whether anything was done. */
bool weir_span_turn(struct weir_span *s);
/*
 * Event time up to which this node's windows are complete: they are in the flow now. INT64_MIN
 * where there is none.
 */
int64_t weir_span_complete(struct weir_span *s);
/*
 * The groups of a window that are this node's to deliver: the pane itself, or another one, which
 * the caller destroys; NULL: none.
 */
struct weir_pane *weir_span_admit(
    struct weir_span *s, unsigned query, struct weir_pane *pane, int64_t end_ns);
/*
 * The same of rows with windows of their own, that are due so much after their ends, and of those
 * that are late now; b is consumed. NULL, and it is told, when out of memory.
 */
struct weir_block *weir_span_admit_rows(
    struct weir_span *s, unsigned query, struct weir_block *b, int64_t delay_ns, int64_t time_ns);
/* Whether what a query has at an instant of event time is this node's to deliver. */
bool weir_span_delivers(const struct weir_span *s, unsigned query, int64_t time_ns);
/* Whether that is so of all instants from this one on, or of none. */
bool weir_span_is_settled(const struct weir_span *s, int64_t time_ns);
/* What rows lack, of nodes that died: as long as it is open. */
const struct weir_gaps *weir_span_gaps(const struct weir_span *s);
/* All that is due by this time has been delivered, and sinks have been flushed. */
void weir_span_delivered(struct weir_span *s, int64_t time_ns);
/* Nothing is left to do: of all nodes where they end together, or this one has drained. */
bool weir_span_is_over(const struct weir_span *s);
/* What went wrong for good, told once: 0, or a run-time error. */
int weir_span_failure(struct weir_span *s, struct weir_error *err);

/* weir-ctl nodes: a new reference. */
json_t *weir_span_nodes(struct weir_span *s);
/* Of the ledger: a new reference. */
json_t *weir_span_json(struct weir_span *s);
/* For people: a line or two of what weir_span_json gave, each beginning "weir: ". */
void weir_span_print(const json_t *cluster, FILE *out);
/* weir-ctl stats --cluster: the ledgers of all nodes, this one's as given, and their sums. */
json_t *weir_span_ledgers(struct weir_span *s, const struct weir_ledger *own);
/* Whether it is time to tell the other nodes this one's ledger again, */
bool weir_span_ledger_is_due(const struct weir_span *s);
/* which this does. */
void weir_span_tell_ledger(struct weir_span *s, const struct weir_ledger *own);
/* weir-ctl slots: the same. */
json_t *weir_span_slots(const struct weir_span *s);
/* weir-ctl move: "FIRST[-LAST] NODE". Usage and run-time errors. */
int weir_span_move(struct weir_span *s, const char *text, struct weir_error *err);
/* weir-ctl drain: hand over what this node owns; then it ends by itself. */
int weir_span_drain(struct weir_span *s, struct weir_error *err);

/* Of the ledger: groups and panes that this node could not hand over. */
struct weir_span_counters {
	uint64_t panes;        /* that were closed here */
	uint64_t groups_sent;  /* to other nodes, each time */
	uint64_t groups_kept;  /* own ones */
	uint64_t rows_sent;    /* of packets, to other nodes, as they are */
	uint64_t rows_taken;   /* that came from them */
	uint64_t parts_sent;   /* frames that they went in */
	uint64_t parts_taken;  /* that came from other nodes */
	uint64_t groups_shed;  /* of panes for which there was no room any more */
	uint64_t frames_stale; /* of a map that is over */
	uint64_t frames_wrong; /* that no weir can have made */
	uint64_t changes;      /* of the map */
	uint64_t rejoined;     /* times that it came back with another incarnation */
};
void weir_span_count(const struct weir_span *s, struct weir_span_counters *ret);

/* The worker of panes that are nobody's: they are destroyed when they have been used. */
#define WEIR_SPAN_WORKER UINT32_MAX

/* How a query is spread over hosts. */
enum weir_span_kind {
	WEIR_SPAN_LOCAL, /* its rows leave from the host that has the packets */
	WEIR_SPAN_SLOT,  /* each group by the owner of its key's slot */
	WEIR_SPAN_HEAD,  /* all by one node: what follows its --agg looks at all rows */
};

/* Usage error where the queries of a plan cannot span hosts. */
int weir_span_check(const struct weir_plan *plan, struct weir_error *err);
/* Rows of a query go to their owners as they are: what is done with them depends on their order. */
bool weir_span_ships(const struct weir_plan *plan, unsigned query);
enum weir_span_kind weir_span_kind_of(const struct weir_plan *plan, unsigned query);

#endif
