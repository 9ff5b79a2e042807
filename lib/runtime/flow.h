/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_FLOW_H
#define WEIR_RUNTIME_FLOW_H

#include <weir/query/early.h>
#include <weir/query/plan.h>

#include "delivery.h"
#include "windows.h"

struct weir_span;

/*
 * From closed windows to rows, query by query: windows that are complete become rows, these run
 * through the query's chain, go to its sinks and to the queries that take or join them. Everything
 * happens at an instant of event time, when it is due: a window when it ends, a session's row when
 * nothing can continue it any more. What is due at one instant is done in the order of levels, so
 * that a query's inputs are there before it, and then of queries. So the order of rows depends on
 * nothing but the packets. Control thread. Private to lib/runtime.
 */

/* What a query has to do at an instant, in the order in which it does it then. */
enum weir_flow_work_kind {
	WEIR_WORK_EARLY, /* rows leave before their windows are closed */
	WEIR_WORK_PANE,  /* a window of packets is complete */
	WEIR_WORK_LIST,  /* rows with windows of their own are */
	WEIR_WORK_INPUT, /* rows of other queries, or packets, may be taken */
	WEIR_WORK_GROUP, /* a window of a group of the chain is complete */
};

struct weir_flow_work {
	int64_t due_ns;
	unsigned level, query;
	enum weir_flow_work_kind kind;
	unsigned group;
};

/* Rows of sessions and counts, which have windows of their own. */
struct weir_flow_list {
	struct weir_block *rows; /* NULL: there are none */
	bool is_sorted;          /* by the ends of their windows */
	uint32_t n_gone;         /* the first of them have been delivered; 0 unless it is sorted */
	int64_t first_end_ns;    /* of those that wait */
};

/* Rows that wait until they are due. */
struct weir_flow_input {
	int64_t due_ns;
	int64_t start_ns, end_ns; /* of their window */
	struct weir_block *rows;
	uint64_t bytes;
	struct weir_origin *origin; /* for --latency, or NULL; owned */
};

/* A row that leaves before its window is closed. */
struct weir_flow_early {
	int64_t due_ns;
	int64_t number;     /* of the packet that made it leave */
	int64_t arrived_ns; /* and when it came in; 0: nobody measures */
	struct weir_block *rows;
	uint32_t row;
};

/* The rows of a window, for joins. */
struct weir_flow_kept {
	int64_t start_ns, end_ns;
	struct weir_block *rows; /* NULL: none */
};

/* A group of a query's chain. */
struct weir_flow_group {
	struct weir_aggregator *aggregator; /* NULL where the segment has no group */
	struct weir_windows windows;        /* where it has windows of its own */
	struct weir_group_counters counters;
	int64_t delay_ns;           /* rows are due so much after them */
	int64_t number;             /* rows that it has taken */
	struct weir_origin *origin; /* of them, for --latency, or NULL; owned */
};

/* A query. */
struct weir_flow_node {
	bool is_used;
	bool is_silent; /* it was removed, and goes on for those that share its groups */
	struct weir_windows windows; /* of packets, from the workers */
	int64_t delay_ns;            /* rows are taken up so much after their windows have ended */
	int64_t out_delay_ns;        /* and leave so much after the end of theirs */
	bool knows_next, has_next;
	struct weir_flow_work next; /* what it has to do first */
	struct weir_flow_list list;
	unsigned n_inputs, cap_inputs;
	struct weir_flow_input *inputs; /* ascending by due and start */
	unsigned n_early, cap_early;
	struct weir_flow_early *early; /* in no order */
	int64_t early_due_ns;          /* of the first of them */
	unsigned n_groups;
	struct weir_flow_group *groups; /* [n_groups] by segment */
	unsigned n_kept;
	struct weir_flow_kept *kept; /* the last windows, where somebody joins them */
	uint64_t n_before;           /* rows that these had before */
	uint64_t n_offered;          /* of a query that was removed: rows that these had for it */
	uint64_t n_in;               /* rows that came from other queries */
	uint64_t n_out;              /* rows that left the first segment */
	uint64_t n_handed;           /* packets that workers have handed over to be joined */
	uint64_t n_overflow;         /* packets that found no room to wait for their join */
	uint64_t n_late;             /* and whose window had gone */
};

struct weir_flow {
	const struct weir_plan *plan;
	struct weir_delivery *delivery;
	struct weir_flow_node *nodes; /* [WEIR_QUERIES_MOST] as in the plan */
	int64_t time_ns;              /* everything due by now has been done */
	uint64_t held_bytes;          /* of packets that are to be joined, of all queries */
	uint64_t most_held_bytes;
	/* Of a cluster: which groups of a window are this host's, see span.h. NULL: all are. */
	struct weir_span *span;
	/* A pane goes back to its worker. */
	void (*give_back)(void *ctx, unsigned query, unsigned worker, struct weir_pane *pane);
	void *ctx;
};

/* Run-time error. */
int weir_flow_init(struct weir_flow *f, const struct weir_plan *plan,
    struct weir_delivery *delivery, struct weir_error *err);
/* The plan's last query is new. Run-time error, and nothing has changed. */
int weir_flow_add(struct weir_flow *f, struct weir_error *err);
/* Undo that. */
void weir_flow_drop_last(struct weir_flow *f);
void weir_flow_fini(struct weir_flow *f);
/* A pane that a worker has closed. */
void weir_flow_pane(struct weir_flow *f, unsigned query, unsigned worker, struct weir_pane *pane);
/* Rows of packets that a worker hands over; b is consumed. */
void weir_flow_rows(struct weir_flow *f, unsigned query, struct weir_block *b);
/* Rows of windows that are not closed yet; r is consumed. Of live sources they go out at once. */
void weir_flow_early(struct weir_flow *f, unsigned query, struct weir_early_rows *r);
/* When the first of what there is to do is due; INT64_MAX where there is nothing. */
int64_t weir_flow_next_due(const struct weir_flow *f);
/* Do all that is due up to a time; INT64_MAX: all that there is. */
void weir_flow_advance(struct weir_flow *f, int64_t time_ns);
/* Rows that other queries have produced for this one. */
uint64_t weir_flow_offered(const struct weir_flow *f, unsigned query);
/* Forget the panes of a query's windows: those of windows that end after this come again. */
void weir_flow_rewind(struct weir_flow *f, unsigned query, int64_t until_ns);
/* Forget all that a query has: what its windows are made of comes again. Run-time error. */
int weir_flow_restart(struct weir_flow *f, unsigned query, struct weir_error *err);
/*
 * Rows of sessions and counts that wait until they are due: choose returns those that stay, of the
 * ones that it is given and destroys, or NULL.
 */
void weir_flow_choose_rows(struct weir_flow *f, unsigned query,
    struct weir_block *(*choose)(void *ctx, unsigned query, struct weir_block *b), void *ctx);
/* The least start of a window of theirs; INT64_MAX: there are none. */
int64_t weir_flow_list_since(const struct weir_flow *f, unsigned query);
/* The wanted rows of a block, as one of their own. NULL when out of memory. */
struct weir_block *weir_flow_pick(const struct weir_block *b, const bool *wanted);
/* Do all that a query has: no more comes. */
void weir_flow_end_query(struct weir_flow *f, unsigned query);

#endif
