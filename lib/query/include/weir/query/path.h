/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_QUERY_PATH_H
#define WEIR_QUERY_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/aggregate/aggregate.h>
#include <weir/exchange/exchange.h>
#include <weir/exchange/route.h>
#include <weir/expr/fold.h>
#include <weir/packet/batch.h>
#include <weir/query/command.h>
#include <weir/record/block.h>
#include <weir/stage/stage.h>

/*
 * Stages over rows and what takes those that are left, a group or a selection, compiled. Of
 * packets: what one worker runs over each batch. Of the rows of results: a later part of a query,
 * on the control thread. Programs hold registers, so every worker has its own path, built from the
 * same text.
 */
struct weir_path {
	const char *name;
	unsigned n_prefixes; /* leading stages that others may have too: numbers for weir_masks */
	unsigned *prefixes;  /* [n_prefixes] of stages 0 .. i together */
	bool is_of_rows;     /* its columns are those of a result, else the fields of packets */
	bool hands_over; /* what it selects goes on to the query's chain, with the packets' times */
	unsigned n_stages;
	struct weir_stage **stages;

	/* Columns by slot: fields first, then those of --map. */
	unsigned n_symbols;
	struct weir_symbol *symbols;
	char **names; /* of mapped columns, owned */
	unsigned n_names;
	const struct weir_column **inputs; /* [n_symbols] */

	enum weir_simd simd; /* level of the programs' kernels */
	bool is_early;       /* rows leave as soon as their --where holds, too */
	uint64_t *late;      /* of packets that come too late, their bits; or NULL. Not owned */
	bool has_group;      /* --agg or --fold; else rows are emitted as they are */
	bool has_window;
	struct weir_window window;
	unsigned n_keys;
	struct weir_program **keys;
	struct weir_group_key *key_types;
	unsigned n_aggs;
	struct weir_agg_call *calls;
	struct weir_program *(*args)[WEIR_AGG_MAX_COLUMNS]; /* those of the fold are its own */
	struct weir_fold_program *fold;                     /* NULL: no --fold */

	/*
	 * Where rows are aggregated: without a route, with the worker that received them. And what
	 * they take along to another: keys and arguments, each column once.
	 */
	struct weir_route *route;
	unsigned n_shares; /* ports that --split shares the packets among, where that is several */
	bool has_split;  /* the route was asked for; else it is for where nothing better is there */
	bool is_ordered; /* weir_path_needs_order: they are handed to their owner in that order */
	bool has_flow_key; /* among the keys are all of a flow: 5tuple or biflow */
	unsigned n_moved;
	struct weir_exchange_column *moved; /* [n_moved] for struct weir_exchange_spec */
	struct weir_program **moved_by;     /* [n_moved] the keys' and arguments', not owned */
	unsigned *key_moved;                /* [n_keys] which of them */
	unsigned (*arg_moved)[WEIR_AGG_MAX_COLUMNS]; /* [n_aggs] */

	/*
	 * Of a cluster, where rows go to the host that owns their key as they are: time, node,
	 * number of the frame, and what is moved, or handed over; rows are in the order of the
	 * first three.
	 */
	struct weir_schema shipped;

	unsigned n_select; /* 0 where no rows are wanted: packet sinks alone */
	struct weir_program **select;

	struct weir_schema
	    schema; /* of what leaves: keys and aggregates, or the selected columns */
	struct weir_field_set needed;

	/* Scratch of weir_path_run. */
	const struct weir_column **key_columns;
	const struct weir_column **select_columns;
	const struct weir_column *(*arg_columns)[WEIR_AGG_MAX_COLUMNS];
	const struct weir_column *const **arg_lists;
	const struct weir_column **moved_columns;
	const struct weir_column **shipped_columns;
};

#define WEIR_PATH_LEAD 3 /* columns in front of what is moved, where rows are shipped */

/*
 * What is left of a batch behind stages that several queries begin with: worked out for the first
 * of them, and taken over by the others. A worker's own.
 */
#define WEIR_MASKS 512

struct weir_masks {
	uint64_t batch; /* number of the batch that is in work, from 1 on */
	struct {
		uint64_t batch; /* for which it holds */
		uint32_t n;     /* rows that are left */
		uint64_t sel[WEIR_MASK_WORDS];
	} of[WEIR_MASKS];
};

/* A worker's part in the exchange of a query's rows; everything but the exchange is its own. */
struct weir_path_exchange {
	struct weir_exchange *exchange;
	unsigned worker;                    /* number of this one */
	const struct weir_group_spec *spec; /* of the query's aggregators */
	struct weir_exchange_counters counters;
	uint64_t left[WEIR_MASK_WORDS];     /* rows of the last batch that found no free block */
	uint16_t owner[WEIR_ROWS];          /* of each row of the last batch */
	const struct weir_arrival *arrival; /* of it, and since when it is sent: as in */
	int64_t put_ns;                     /* struct weir_exchange_rows */
};

/*
 * Compile the stages over packets. wants_rows: a query without --agg and --select emits default
 * columns; false where only packet sinks listen. Usage errors with flag, value and place.
 */
int weir_path_build(const struct weir_query_text *text, bool wants_rows,
    const struct weir_window *default_window, enum weir_simd simd, struct weir_path **ret,
    struct weir_error *err);
/*
 * Compile --key and --agg, or --select, over the rows of a result; in has to outlive the path.
 * Usage errors.
 */
int weir_path_build_rows(const struct weir_query_text *text, const struct weir_schema *in,
    const struct weir_window *window, enum weir_simd simd, struct weir_path **ret,
    struct weir_error *err);
/* Have a path of packets that neither groups nor selects hand over these columns, which are in its
 * scope. */
int weir_path_hand_over(
    struct weir_path *p, const struct weir_schema *columns, struct weir_error *err);
void weir_path_destroy(struct weir_path *p);

/*
 * What of the query needs the rows of a key in the order of their frames, all with one worker: as
 * messages call it, "changes(x)"; NULL where nothing does.
 */
const char *weir_path_needs_order(const struct weir_path *p);

/* Whether it looks at a packet: else nothing has to be decoded for it. */
bool weir_path_needs_decode(const struct weir_path *p);
/* Point the inputs at the batch's columns; once, before the first run. */
void weir_path_bind(struct weir_path *p, const struct weir_batch *b);
/* The schema of a batch of packets with their group spec; keys and calls stay the path's. */
void weir_path_group_spec(const struct weir_path *p, struct weir_group_spec *ret);

/* Hot, owning lcore. Run the stages; ret holds the rows that are left. masks may be NULL where the
 * path has no prefixes. */
void weir_path_run(struct weir_path *p, const struct weir_batch *b, struct weir_masks *masks,
    struct weir_rows *ret);
/*
 * Hot, owning lcore, where packets are shared among ports. Which partition has each row that is
 * left; those that lack a part of the key are in the first. The route must have been started.
 */
void weir_path_share(
    struct weir_path *p, struct weir_rows *rows, uint16_t ret_partition[WEIR_ROWS]);
/* Hot, owning lcore. Feed rows that are left to the aggregator. */
void weir_path_group(struct weir_path *p, struct weir_rows *rows, int64_t watermark_ns,
    struct weir_aggregator *a, struct weir_group_counters *counters);
/*
 * Hot, owning lcore. The same by exchange: rows that are left are judged, go to the workers that
 * own them, and those that this one owns to its aggregator. e->left are rows that found no free
 * block: put them again, or give them up and count them, before the batch is released. The route
 * must have been started.
 */
void weir_path_scatter(struct weir_path *p, struct weir_path_exchange *e, struct weir_rows *rows,
    int64_t watermark_ns, struct weir_aggregator *a, struct weir_group_counters *counters);
/* Hot, owning lcore. Put what is in e->left again; true when nothing is left any more. */
bool weir_path_scatter_again(
    struct weir_path *p, struct weir_path_exchange *e, const struct weir_rows *rows);
/* Hot, owning lcore, also between the two above. Feed a block that has arrived to the aggregator.
 */
void weir_path_gather(struct weir_path *p, const struct weir_exchange_block *block,
    struct weir_aggregator *a, struct weir_group_counters *counters);
/*
 * Hot, owning lcore. In place of both: rows that are left are judged, and appended to a block of
 * the schema `shipped`, as of node 0: who sends them on says of which they are. 0 or -ENOMEM.
 */
int weir_path_ship(struct weir_path *p, const struct weir_group_spec *spec, struct weir_rows *rows,
    int64_t watermark_ns, struct weir_group_counters *counters, struct weir_block *b);
/* Cold. Feed rows of such a block, which are in order, to the aggregator; *number counts them. */
void weir_path_unship(struct weir_path *p, const struct weir_block *b, struct weir_aggregator *a,
    int64_t *number, struct weir_group_counters *counters);
/*
 * Cold. The same for the rows of a result, by their columns: time_ns and number are by row, and all
 * of them are admitted.
 */
void weir_path_group_rows(struct weir_path *p, const struct weir_column *const *inputs, uint32_t n,
    uint64_t sel[WEIR_MASK_WORDS], const int64_t *time_ns, const int64_t *number,
    struct weir_aggregator *a, struct weir_group_counters *counters);
/* Hot, owning lcore. Append the selected columns of rows that are left to a block. 0 or -ENOMEM. */
int weir_path_select(struct weir_path *p, const struct weir_rows *rows, struct weir_block *b);
/* Cold. The same for rows of a result: rows first_row .. of the block `from`, which give their
 * windows. */
int weir_path_select_rows(struct weir_path *p, const struct weir_rows *rows,
    const struct weir_block *from, uint32_t first_row, struct weir_block *b);
/* Slots that keys, arguments and selected columns read, some more than once. Returns their count,
 * at most max. */
unsigned weir_path_slots(const struct weir_path *p, unsigned *slots, unsigned max);
/* Packets dropped by the stages of this name so far ("filter", "where"). */
uint64_t weir_path_dropped(const struct weir_path *p, const char *stage_name);

#endif
