/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_WORKER_H
#define WEIR_RUNTIME_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include <rte_ring.h>
#include <weir/aggregate/aggregate.h>
#include <weir/decode/decode.h>
#include <weir/query/early.h>
#include <weir/runtime/run.h>
#include <weir/sink/forward.h>

#include "intake.h"
#include "waker.h"

struct weir_delivery;

/* What a worker hands to the control thread. Private to lib/runtime. */
enum weir_parcel_kind {
	WEIR_PARCEL_PANE,    /* struct weir_pane: closed window, goes back by the return ring */
	WEIR_PARCEL_ROWS,    /* struct weir_block: selected rows */
	WEIR_PARCEL_PACKETS, /* struct weir_packet_block: kept packets */
	WEIR_PARCEL_EARLY,   /* struct weir_early_rows: rows of windows that are not closed yet */
	WEIR_PARCEL_ENDED,   /* the worker has done with a query that was removed */
	/* By the return ring: */
	WEIR_PARCEL_ADD,    /* struct weir_addition: run one more query */
	WEIR_PARCEL_REMOVE, /* close a query's windows and end it */
};

struct weir_parcel {
	uint32_t kind;
	uint32_t query;
	void *p;
	uint64_t number; /* rows and packets: of the first packet of the burst they come from */
	struct weir_origin *origin; /* of these, for --latency; control's, or NULL */
};

/* What a worker has counted of one query. */
struct weir_query_counts {
	uint64_t joined;  /* packets that the worker had received when the query began */
	uint64_t offered; /* and has received since, until it ended */
	unsigned windows; /* open, and the groups in them */
	uint64_t keys;
	struct weir_group_counters group;
	uint64_t in;
	uint64_t emitted;   /* packets whose row or copy left; without --agg */
	uint64_t no_memory; /* packets whose row found no memory */
	uint64_t shed_rows; /* rows that found the ring full */
	uint64_t shed_packets;
	uint64_t sent;      /* packets whose row went to another worker */
	uint64_t received;  /* rows that came from another */
	uint64_t unsent;    /* packets whose row found no room on its way to another */
	uint64_t too_large; /* packets whose strings were too long for that */
	uint64_t in_time;   /* packets that no query found late, of the query of late ones */
	uint64_t filtered;  /* by --filter and --where */
	uint64_t unwanted;
};

/* What a worker has counted. Times are shares of the time since it started. */
struct weir_worker_counts {
	uint64_t packets;
	uint64_t bytes;
	int64_t busy_ns;    /* with packets */
	int64_t pressed_ns; /* waiting for others to take what it has */
	int64_t idle_ns;    /* without packets */
	struct weir_decode_counters decode;
	struct weir_query_counts *queries; /* [WEIR_QUERIES_MOST] */
};

/* A query as one worker runs it. */
struct weir_worker_query {
	struct weir_path *path;
	bool owns_path;
	struct weir_aggregator *aggregator;  /* NULL for a query without --agg */
	struct weir_group_spec spec;         /* of the aggregator */
	struct weir_path_exchange *exchange; /* NULL where rows stay with their worker */
	struct weir_early *early;            /* --emit early, or NULL */
	bool wants_rows, wants_packets;
	unsigned n_senders;
	struct weir_forwarder **senders; /* [n_senders] by which its packets leave; the sinks' */
	bool ships;     /* its rows go to other hosts as they are: query.path.shipped */
	bool is_late;   /* it gets the packets that came too late for others */
	bool is_ending; /* removed: takes no more packets, but rows that are under way to it */
	bool has_ended;
	struct weir_block *rows;
	struct weir_packet_block *packets;
	struct weir_origin *rows_origin, *packets_origin; /* of these; NULL without --latency */
};

/* A query that is added. What it needs is made by the control thread; the worker takes it over. */
struct weir_addition {
	struct weir_worker_query query;
	struct weir_batch *batch; /* to take the place of the worker's, NULL where that will do */
};

/* What all workers of a run share. */
struct weir_workers {
	const struct weir_run_config *config;
	struct weir_intake *intake;
	bool is_live;
	bool is_in_order; /* rows and packets are handed over burst by burst, to be put in order */
	const struct weir_delivery *delivery; /* for the sinks by which packets leave */
	struct weir_exchange **exchanges;     /* by query, NULL where rows stay with their worker */
	unsigned n;
	struct weir_worker **worker; /* [n] */
	struct weir_waker waker;     /* of control, where the source is live */
	atomic_uint n_draining;      /* workers: who take no more packets; each adds itself once */
	atomic_bool is_over;         /* control: wo; no more orders come, as none takes packets */
	atomic_bool draining;   /* told to stop: what is left is delivered, but not waited for */
	atomic_bool stop;       /* control: wo; somebody asked for it */
	atomic_bool give_up;    /* control: wo; nobody reads the results any more */
	atomic_bool is_aborted; /* control: wo; not all workers run, so none waits for another */
};

struct weir_worker {
	/* hot: worker rw, control reads after it has ended */
	struct weir_workers *all;
	unsigned index;
	int cpu;              /* that it is bound to, or -1 */
	bool is_armed;        /* its inputs wake it */
	unsigned n_long_gaps; /* without packets, one after the other */
	int64_t slept_ns;     /* in the last one */
	bool is_done; /* nothing more comes to it, as it has told those to whom it sends rows */
	struct weir_batch *batch;
	struct weir_masks *masks;       /* of the batch */
	uint64_t late[WEIR_MASK_WORDS]; /* packets of the batch that some query found too late */
	unsigned n_inputs;              /* its own */
	struct weir_input **inputs;
	unsigned n_queries;
	unsigned n_exchanges;            /* queries whose rows are sent to their owners */
	unsigned n_senders;              /* of all queries */
	struct weir_forwarder **senders; /* [n_senders] */
	bool has_kept;                   /* some of them have packets of the batch */
	bool needs_decode;               /* some query looks at packets */
	unsigned at_query; /* that the batch is run through; WEIR_QUERIES_MOST between batches */
	struct weir_worker_query *queries;  /* [WEIR_QUERIES_MOST], as in the plan */
	weir_decode_batch_fn *decode_batch; /* at the level of the run */
	struct weir_worker_counts counts;
	struct weir_sampling *sampling; /* NULL without --latency */
	bool is_timed;                  /* the burst in hand is */
	struct rte_ring *out;           /* parcels to control */
	struct rte_ring *back;          /* panes to use again, and orders */
	int64_t start_ns, end_ns;       /* monotonic */
	int64_t last_flush_ns;
	int64_t wall_offset_ns; /* wall-clock less monotonic */
	uint64_t told_sent;     /* what control was woken for last: n_sent, */
	int64_t told_closed_ns; /* and closed_ns */
	/* hot: wo, control: ro */
	_Alignas(64) _Atomic uint64_t live_packets;
	_Atomic uint64_t live_bytes;
	_Atomic uint64_t at_number; /* of the first packet in work, UINT64_MAX where none is */
	_Atomic uint64_t n_sent;    /* parcels */
	_Atomic int64_t closed_ns;  /* panes up to this watermark have been handed over */
	atomic_bool has_ended;
	/* A copy of the counts between two bursts: control asks by a new number, and reads when the
	 * worker has answered with the same. */
	_Alignas(64) atomic_uint asked;
	atomic_uint answered;
	struct weir_worker_counts answer;
	/* control: rw */
	struct weir_worker_counts seen; /* the last answer, which stays while the next is written */
	pthread_t thread;
};

/* All workers of a run and what they share; none runs yet. Run-time error. */
int weir_workers_create(const struct weir_run_config *config, const struct weir_delivery *delivery,
    struct weir_workers **ret, struct weir_error *err);
/* After all have ended. */
void weir_workers_destroy(struct weir_workers *all);
/*
 * Tell the workers, who run, of the plan's last query. Run-time error: none of them knows of it.
 * They may be told again when it has been dropped.
 */
int weir_workers_add(struct weir_workers *all, struct weir_error *err);
/* Tell them to end a query: each answers with a parcel when it has. Run-time error as above. When
 * the run is over both are errors: what has been told before, each worker has yet done. */
int weir_workers_remove(struct weir_workers *all, unsigned query, struct weir_error *err);
/* Start the threads: all, or none and a run-time error. */
int weir_workers_start(struct weir_workers *all, struct weir_error *err);
void weir_workers_join(struct weir_workers *all);

/* The thread's body. */
void *weir_worker_main(void *worker);
/* Bring the counts that others keep for it up to date. */
void weir_worker_count(struct weir_worker *w);
/* Copy the counts for control, if it has asked. The worker, or control when it has ended. */
void weir_worker_answer(struct weir_worker *w);
/* Cold: wait until bursts that were taken before this one have left. */
void weir_worker_await_turn(struct weir_worker *w);
/* Cold: have the senders of a query among the worker's. */
void weir_worker_add_senders(struct weir_worker *w, const struct weir_worker_query *wq);
/* Hot: all queries over the burst in w->batch. */
void weir_worker_batch(struct weir_worker *w, const struct weir_burst *burst);
/* Hot: close what the watermark allows; INT64_MAX closes all. Rows that come from other workers are
 * waited for. */
void weir_worker_close(struct weir_worker *w, int64_t watermark_ns);
/* Hot: take the rows that others have sent. Returns how many. */
uint32_t weir_worker_gather(struct weir_worker *w);
/*
 * Hot: wherever the worker waits for others. Of ordered exchanges ship rows, and tell how far the
 * worker has come in each: its owner holds back the rows of others until then.
 */
void weir_worker_publish_numbers(struct weir_worker *w);
/* Hot: ship the rows that are for others, and tell them how far time has come. */
void weir_worker_publish(struct weir_worker *w, int64_t watermark_ns);
/* Cold: rows that found no free block on their way to others are put again, for as long as the
 * sources can wait; what is left then is counted. */
void weir_worker_push(struct weir_worker *w, unsigned query, const struct weir_rows *rows);
/* Hot: send rows and packets that wait in part-filled blocks. */
void weir_worker_flush(struct weir_worker *w);
/* Cold: do what control asks for. */
void weir_worker_obey(struct weir_worker *w, const struct weir_parcel *order);
/* Cold: a query that was removed has nothing left to do. */
void weir_worker_end_query(struct weir_worker *w, unsigned query);
/* Hot: panes that come back, and orders. */
void weir_worker_take_back(struct weir_worker *w);
/* Cold: hand over; waits where the ring is full and the sources can wait, else false. */
bool weir_worker_send(struct weir_worker *w, const struct weir_parcel *parcel);

#endif
