/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_QUERY_PLAN_H
#define WEIR_QUERY_PLAN_H

#include <stdio.h>

#include <weir/query/chain.h>
#include <weir/query/command.h>
#include <weir/query/path.h>
#include <weir/sink/sink.h>

struct weir_prefix;

/* All queries of a run, checked and compiled: the physical plan. Control thread only. */

/* Where the rows of a query are aggregated. */
enum weir_strategy {
	WEIR_STRATEGY_ONE,  /* there is one worker */
	WEIR_STRATEGY_EMIT, /* nothing is: rows and packets leave from the worker that has them */
	WEIR_STRATEGY_ROWS, /* by the control thread, as its rows come from other queries */
	WEIR_STRATEGY_RSS,  /* with the worker that received them, who has all of their key */
	WEIR_STRATEGY_COMBINE, /* with the worker that received them; closed windows are merged */
	WEIR_STRATEGY_RING,    /* with the worker that owns them, to whom they are sent */
};

struct weir_plan_query {
	const struct weir_query_text *text;
	struct weir_query_parts *parts; /* the text by where it runs */
	/* The first worker's; its schema and types are everyone's. NULL: rows come from others. */
	struct weir_path *path;
	struct weir_chain *chain; /* what follows; NULL where no rows are wanted */
	unsigned n_from;
	unsigned *from;     /* [n_from] numbers of the queries whose rows come in */
	unsigned level;     /* more than that of every query whose rows it takes */
	bool is_input;      /* another takes its rows, or joins them */
	bool wants_rows;    /* a sink takes rows, or another query does */
	bool wants_packets; /* a sink takes copies of packets */
	bool forwards;      /* a sink sends the packets themselves */
	enum weir_strategy strategy;
	char why[320];        /* the strategy was chosen */
	uint64_t table_size;  /* most keys in one window; 0 where nothing is grouped */
	uint64_t table_bytes; /* that so many may take; each worker has a table */
	bool is_removed;      /* while the run went on */
	bool is_late;         /* it gets the packets that came too late for others: --late */
	bool is_being_built, is_built;
	/* Another query has the same groups: this one's rows are taken from there. */
	bool is_shared;
	unsigned shared_with;     /* number of that query */
	unsigned *shared_columns; /* [path->n_aggs] which of its aggregates each is */
	unsigned n_sharing;       /* queries that take their rows from this one */
	unsigned n_sinks;
	const char **sinks; /* URIs, the default one included */
};

struct weir_plan {
	const struct weir_command *command;
	bool is_live;
	bool is_running; /* queries are added to a run */
	int64_t lateness_ns;
	enum weir_overflow overflow;
	uint64_t seed;
	struct weir_window default_window;
	struct weir_field_set needed; /* of all queries */
	unsigned n_workers;
	bool is_terminal;             /* standard output is one */
	bool may_spread;              /* a port that is not opened now may spread packets */
	bool has_spread;              /* of all sources alike, */
	struct weir_field_set spread; /* these decide who gets a packet */
	struct weir_query_text late;  /* of --late */
	/* What the queries can use of the packets; NULL: of all kinds, for push_why. */
	struct weir_port_rules *push;
	char push_why[160];
	unsigned n_prefixes;
	struct weir_prefix *prefixes; /* stages that queries begin with */
	unsigned n_queries;
	struct weir_plan_query *queries; /* [WEIR_QUERIES_MOST] they stay where they are */
};

/* Compile. is_terminal: standard output is one, so the default sink is the table. Usage errors. */
int weir_plan_build(const struct weir_command *command, bool is_terminal, struct weir_plan **ret,
    struct weir_error *err);
void weir_plan_destroy(struct weir_plan *p);
/*
 * Compile one more query, number `query` of a command, which becomes the last; needed may grow. The
 * command has to outlive the plan. Usage errors.
 */
int weir_plan_add(
    struct weir_plan *p, const struct weir_command *c, unsigned query, struct weir_error *err);
/* Take the last one away again: nothing has seen it yet. */
void weir_plan_drop_last(struct weir_plan *p);

/*
 * What sinks are told of the run; the caller frees ret->sources. sources: opened, or NULL.
 */
void weir_plan_sink_run(
    const struct weir_plan *p, struct weir_source *const *sources, struct weir_sink_run *ret);
/* Choose a query's strategy; weir_plan_spread does it for all that are there. */
void weir_plan_choose(const struct weir_plan *p, struct weir_plan_query *q);
/*
 * Choose each query's strategy, now that the sources are known: what spreads the packets of each
 * over its receive queues. Before the plan is explained or run.
 */
void weir_plan_spread(struct weir_plan *p, struct weir_source *const *sources, unsigned n_sources);
/* The text of --explain; placement says where the workers run. */
void weir_plan_explain(const struct weir_plan *p, struct weir_source *const *sources,
    const char *placement, FILE *out);
/* How large a query's table may become and what happens then, as a phrase; buf of 160 bytes. */
const char *weir_plan_table_text(
    const struct weir_plan *p, const struct weir_plan_query *q, char *buf, unsigned size);
/* What one worker's aggregator of a query is made of. */
void weir_plan_group_spec(
    const struct weir_plan *p, const struct weir_plan_query *q, struct weir_group_spec *ret);
/*
 * Another path of a query, for another worker; the caller's. Errors are those of weir_path_build.
 */
int weir_plan_path(const struct weir_plan *p, const struct weir_plan_query *q,
    struct weir_path **ret, struct weir_error *err);
/* What a segment's group of a query's chain is made of. */
void weir_plan_segment_spec(const struct weir_plan *p, const struct weir_plan_query *q,
    unsigned segment, struct weir_group_spec *ret);
/* How packets are judged that wait to be joined. */
void weir_plan_held_spec(
    const struct weir_plan *p, const struct weir_plan_query *q, struct weir_group_spec *ret);
/* The query that takes or joins rows of this one, or NULL. */
const struct weir_plan_query *weir_plan_reader(const struct weir_plan *p, unsigned query);
/* The pages of --fields and --functions. */
void weir_print_fields(FILE *out);
void weir_print_functions(FILE *out);

#endif
