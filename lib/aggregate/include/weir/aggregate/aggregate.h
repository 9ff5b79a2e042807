/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_AGGREGATE_H
#define WEIR_AGGREGATE_AGGREGATE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/aggregate/function.h>
#include <weir/base/error.h>
#include <weir/base/simd.h>
#include <weir/record/block.h>
#include <weir/sketch/origin.h>

/*
 * Group by key, per window. A worker feeds rows to its aggregator; panes closed by event time are
 * handed over whole; the control thread turns them into blocks and gives them back to be used
 * again.
 *
 * A sliding window is several panes, one after the other, which the control thread merges. Sessions
 * and windows of so many rows are a key's own: panes of such are lists of groups, each with its
 * window.
 */

enum weir_window_kind {
	WEIR_WINDOW_GLOBAL,
	WEIR_WINDOW_TUMBLING,
	WEIR_WINDOW_SLIDING,
	WEIR_WINDOW_SESSION,
	WEIR_WINDOW_COUNT,
};

struct weir_window {
	enum weir_window_kind kind;
	int64_t size_ns;  /* tumbling, sliding */
	int64_t slide_ns; /* sliding: at most the size */
	/*
	 * session: of a key, as its rows arrive. A row whose time is at most the gap from the
	 * session's end, after it or before, continues it, unless it would become longer than max
	 * (0: it may be of any length); else the session is closed and another one begins. Start
	 * and end are the least and the largest of its rows' times.
	 */
	int64_t gap_ns, max_ns;
	uint64_t count; /* count: rows of a key in a window */
};

/*
 * Parse "1s", "tumbling:1s", "10s/1s", "sliding:10s/1s", "session:15s", "session:15s,max:60s",
 * "count:1000", "global". Usage error with the nearest valid form.
 */
int weir_window_parse(const char *text, struct weir_window *ret, struct weir_error *err);
/* "tumbling 1s", "sliding 10s every 1s", "session gap 15s, at most 1m", "count 1000"; buf of 64
 * bytes. */
const char *weir_window_text(const struct weir_window *w, char *buf, unsigned size);
/* Length of the panes that rows are put in: tumbling or sliding, else 0. */
int64_t weir_window_pane_ns(const struct weir_window *w);

/* Each key has windows of its own: session, count. */
static inline bool
weir_window_is_per_group(const struct weir_window *w)
{
	return w->kind == WEIR_WINDOW_SESSION || w->kind == WEIR_WINDOW_COUNT;
}

/* What happens when a window has as many groups as its table takes, and a packet brings one more.
 */
enum weir_overflow {
	WEIR_OVERFLOW_DROP,   /* the packet is dropped */
	WEIR_OVERFLOW_EVICT,  /* a small group makes room */
	WEIR_OVERFLOW_SAMPLE, /* of all keys, those of one half of the hashes are left */
};

/* "drop", "evict", "sample". */
const char *weir_overflow_name(enum weir_overflow overflow);
/* By name. 0 or -EINVAL. */
int weir_overflow_parse(const char *name, enum weir_overflow *ret);

/* A function, or a fold in its place. */
struct weir_agg_call {
	const struct weir_agg_function *function;
	const struct weir_fold
	    *fold; /* NULL: the function; it must outlive panes and aggregators */
	unsigned n_args;
	enum weir_type arg_types[WEIR_AGG_MAX_COLUMNS];
	enum weir_store arg_stores[WEIR_AGG_MAX_COLUMNS]; /* of the columns that update is given */
};

/* Columns of its results: one, or as many as a fold has variables. */
unsigned weir_agg_n_results(const struct weir_agg_call *call);
/* Whether the rows of a group must come in their order, all to one aggregator. */
bool weir_agg_needs_order(const struct weir_agg_call *call);

struct weir_group_key {
	enum weir_type type;
	enum weir_store store;
};

struct weir_group_spec {
	struct weir_window window;
	int64_t lateness_ns;
	unsigned n_keys;
	const struct weir_group_key *keys; /* [n_keys] */
	unsigned n_aggs;
	const struct weir_agg_call *aggs; /* [n_aggs] */
	uint64_t table_size;              /* most keys in one window */
	enum weir_overflow overflow;
	bool is_merged;      /* panes of several aggregators are merged; those of sliding windows
				always are */
	bool is_watched;     /* weir_aggregator_watch will be called: 8 bytes more a group */
	uint64_t seed;       /* of the keyed hash: random a run unless --seed */
	enum weir_simd simd; /* level of the kernels */
};

/* Rows that one update brings: hot. */
struct weir_group_rows {
	uint32_t n;
	uint64_t *sel;                         /* in: rows to take; out: rows that found a group */
	const struct weir_column *const *keys; /* [n_keys] */
	const struct weir_column *const *const *args; /* [n_aggs][n_args] */
	const int64_t *time_ns;                       /* [n], WEIR_TIME_NONE where unknown */
	const int64_t *number; /* [n] of its frame; NULL: first_number + row */
	int64_t first_number;  /* number of row 0 */
	uint64_t *late;        /* gets the bits of rows that come too late; or NULL */
	bool is_admitted;      /* weir_group_admit has let the rows in: no row is late any more */
	int64_t watermark_ns;  /* largest event time that has arrived before this row's batch on its
				   queue */
};

/*
 * Rows that did not make it, by reason. Owner writes, control reads. Rows of a group that is thrown
 * out go from aggregated to overflow.
 */
struct weir_group_counters {
	uint64_t aggregated;
	uint64_t null_key; /* a key column is null */
	uint64_t late; /* its pane was closed already; session, count: it is older than lateness */
	uint64_t no_time;  /* a time window, and the packet has no time */
	uint64_t overflow; /* the table was full: its group found no place, or lost it to another */
};

/*
 * Hot. Judge rows where they arrive, when they are aggregated elsewhere: leaves in rows->sel what
 * an update by an aggregator of this spec would not drop as null_key, no_time or late, and counts
 * the others. Of the spec n_keys, window and lateness_ns count; of the rows n, sel, keys, time_ns
 * and watermark_ns. What is left goes to updates with is_admitted.
 */
void weir_group_admit(const struct weir_group_spec *spec, const struct weir_group_rows *rows,
    struct weir_group_counters *counters);

struct weir_aggregator;
struct weir_pane;

/* Bytes that a key takes in a full table: its row, and its share of the index where that is widest.
 */
uint64_t weir_group_key_bytes(const struct weir_group_spec *spec);

struct weir_aggregator *weir_aggregator_create(
    const struct weir_group_spec *spec, struct weir_error *err);
void weir_aggregator_destroy(struct weir_aggregator *a);
/* Owning lcore. Windows that are open, and the groups in all of them. */
void weir_aggregator_fill(
    const struct weir_aggregator *a, unsigned *ret_windows, uint64_t *ret_groups);
/* Hot, owning lcore. */
void weir_aggregator_update(struct weir_aggregator *a, const struct weir_group_rows *rows,
    struct weir_group_counters *counters);
/*
 * Hot, owning lcore. Close panes that end at or before watermark_ns - lateness (INT64_MAX: all, the
 * global one too) and return them oldest first, one a call; NULL when there is none. A pane belongs
 * to the caller.
 *
 * Session and count: lists of closed groups, in no order. Groups are swept for sessions that ended
 * more than the gap before watermark_ns - lateness, some of them a call: with one watermark, what
 * is due may be returned by later calls.
 */
struct weir_pane *weir_aggregator_close(struct weir_aggregator *a, int64_t watermark_ns);
/*
 * Owning lcore. The watermark up to which all that was due has been returned: of the last close or,
 * where groups are swept, of the last whole sweep. INT64_MIN where there was none. No session that
 * is returned later has its end + gap, and no full window of so many rows its end, before this less
 * the lateness.
 */
int64_t weir_aggregator_closed(const struct weir_aggregator *a);
/* Control, before the first row. Groups are swept at each watermark, not only now and then: closes
 * until there is nothing more return all that is due by it. */
void weir_aggregator_sweep_always(struct weir_aggregator *a);
/*
 * Who is told of groups as they change, row by row: of some groups [n], in each of which one more
 * row has just been taken in, all in one table of the pane; row[i] is that row's number in rows. It
 * sets the bits of those that it wants to hear of no more in this window.
 */
struct weir_group_watch {
	void (*look)(void *ctx, const struct weir_pane *p, unsigned shape, uint8_t *const *group,
	    const uint32_t *row, uint32_t n, const struct weir_group_rows *rows,
	    uint64_t ret_done[WEIR_MASK_WORDS]);
	void *ctx;
};

/* Before the first update, of an aggregator whose spec says so; tumbling and global windows. */
void weir_aggregator_watch(struct weir_aggregator *a, const struct weir_group_watch *watch);
/*
 * Owning lcore, while it is told of these groups. Their keys, or what their aggregates are now, or
 * both, to rows 0 .. n - 1 of a block that has room for them. 0 or -ENOMEM.
 */
int weir_pane_some(const struct weir_pane *p, unsigned shape, uint8_t *const *group, uint32_t n,
    bool wants_keys, bool wants_results, struct weir_block *b);

/* Owning lcore. The earliest open pane of a global, tumbling or sliding window: false where there
 * is none. */
bool weir_aggregator_first(
    const struct weir_aggregator *a, int64_t *ret_start_ns, int64_t *ret_end_ns);
/*
 * Owning lcore, for those who measure how long packets take. Note one of the packets that the last
 * update took in, by its event time, with its pane. Groups with windows of their own note none.
 */
void weir_aggregator_note(
    struct weir_aggregator *a, int64_t time_ns, const struct weir_origin_packet *packet);
/* Whoever has the pane. What was noted of it, and of those that were merged into it; NULL: nothing.
 */
const struct weir_origin *weir_pane_origin(const struct weir_pane *p);
/* The same to write to, made where there is none. NULL when out of memory. */
struct weir_origin *weir_pane_need_origin(struct weir_pane *p);
void weir_pane_forget_origin(struct weir_pane *p);
/* Hot, owning lcore. Give a pane back for reuse; quick where weir_pane_clear has emptied it
 * already. */
void weir_aggregator_recycle(struct weir_aggregator *a, struct weir_pane *p);

/*
 * Control. An empty pane as p is, to merge panes into; the caller destroys it, or clears it and
 * goes on. Another thread may use others of the aggregator's panes meanwhile. NULL when out of
 * memory.
 */
struct weir_pane *weir_pane_create_like(const struct weir_pane *p);
/* Control. Say which window a merged pane is. */
void weir_pane_set_window(struct weir_pane *p, int64_t start_ns, int64_t end_ns);
/* Control. Rows of a global window have these times, too, which are in no group of the pane. */
void weir_pane_note_times(struct weir_pane *p, int64_t first_ns, int64_t last_ns);
/* Groups with windows of their own: neither merged nor put in order. */
bool weir_pane_is_list(const struct weir_pane *p);
/*
 * Control. Merge src into dst (same spec): both stay owned by the caller. 0 or -ENOMEM. dst is held
 * to the table's size, and weir_pane_lost tells what that took.
 */
int weir_pane_merge(struct weir_pane *dst, const struct weir_pane *src);
/*
 * Control. Whether what is merged into a pane may be taken out of it again: all of its aggregates
 * can, and nothing was left out so far.
 */
bool weir_pane_may_subtract(const struct weir_pane *p);
/*
 * Control. Take src out of dst, which it was merged into. Groups that have no rows left go. 0, or
 * an error: what dst has then is of no use, and it is to be cleared.
 */
int weir_pane_subtract(struct weir_pane *dst, const struct weir_pane *src);
/* Control. The pane will take more in after it was put in order. */
void weir_pane_keep_index(struct weir_pane *p);
/*
 * Control. Put a pane's groups in order: by their keys ascending, as weir_block_sort orders the
 * rows of a window. weir_pane_rows then gives them so, and in parts. It takes 12 bytes a group
 * while it lasts and 4 from then on, and gives back the memory by which groups were found, unless
 * it is kept: the pane takes no more rows, nor is it merged, before it is cleared. 0 or -ENOMEM: in
 * no order, then.
 */
int weir_pane_order(struct weir_pane *p);
/*
 * Control. Append n groups, from number `first` on, to a block whose schema has the keys first and
 * then the aggregates; sets the block's window, or of a list those of the rows. Fewer where the
 * pane has no more. 0 or -ENOMEM.
 */
int weir_pane_rows(const struct weir_pane *p, uint32_t first, uint32_t n, struct weir_block *b);
/*
 * Control. Append the groups that are among the n largest by an aggregate, those that are as large
 * as the last of them too, and set the block's window. 0 or -ENOMEM; -ENOTSUP where the column is
 * no aggregate whose state is its result, or there are not so many groups, or n is too large: then
 * nothing was done.
 */
int weir_pane_largest(const struct weir_pane *p, unsigned column, uint32_t n, struct weir_block *b);
/* Control. Forget the groups but keep the memory, so that the worker need not: before a pane goes
 * back to it. */
void weir_pane_clear(struct weir_pane *p);
uint32_t weir_pane_n_groups(const struct weir_pane *p);
/* Rows that were aggregated and that merging left without a group. */
uint64_t weir_pane_lost(const struct weir_pane *p);
/* The share of all keys that the pane's groups are a sample of: 1, 0.5, 0.25 ... */
double weir_pane_sampling(const struct weir_pane *p);
/* evict: a group may have missed so many of its rows, and a key without a group had no more. Else
 * 0. */
uint64_t weir_pane_undercount(const struct weir_pane *p);
/* Values that states which grow left out, for want of memory: what is worked out from them is of
 * the others. */
uint64_t weir_pane_short(const struct weir_pane *p);
/* Bytes that a pane holds now. */
uint64_t weir_pane_bytes(const struct weir_pane *p);
/* Empty it and free its memory. */
void weir_pane_destroy(struct weir_pane *p);
/* Start of the pane's window in ns, INT64_MIN for global: panes of one window merge. Of a list the
 * least start, and the largest end. */
int64_t weir_pane_start(const struct weir_pane *p);
/* Its end (the first ns that is not in it), INT64_MAX for global. */
int64_t weir_pane_end(const struct weir_pane *p);

#endif
