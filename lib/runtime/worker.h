/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_WORKER_H
#define WEIR_RUNTIME_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include <rte_ring.h>
#include <weir/aggregate/aggregate.h>
#include <weir/decode/decode.h>
#include <weir/runtime/run.h>

/* What a worker hands to the control thread. Private to lib/runtime. */
enum weir_parcel_kind {
	WEIR_PARCEL_PANE,    /* struct weir_pane: closed window, goes back by the return ring */
	WEIR_PARCEL_ROWS,    /* struct weir_block: selected rows */
	WEIR_PARCEL_PACKETS, /* struct weir_packet_block: kept packets */
};

struct weir_parcel {
	uint32_t kind;
	uint32_t query;
	void *p;
};

/* A query as one worker runs it. */
struct weir_worker_query {
	struct weir_path *path;
	struct weir_aggregator *aggregator; /* NULL for a query without --agg */
	struct weir_group_counters group;
	uint64_t in;
	uint64_t emitted;   /* packets whose row or copy left; without --agg */
	uint64_t no_memory; /* packets whose row found no memory */
	uint64_t shed_rows; /* rows that found the ring full */
	uint64_t shed_packets;
	bool wants_rows, wants_packets;
	struct weir_block *rows;
	struct weir_packet_block *packets;
};

struct weir_worker_source {
	struct weir_source *source;
	int64_t high_ns; /* largest event time that has arrived */
	bool has_ended;
};

struct weir_worker {
	/* hot: worker rw, control reads after it has ended */
	struct weir_batch *batch;
	unsigned n_sources;
	struct weir_worker_source *sources;
	unsigned n_queries;
	struct weir_worker_query *queries;
	weir_decode_batch_fn *decode_batch; /* at the level of the run */
	struct weir_decode_counters decode;
	uint64_t packets;
	uint64_t bytes;
	struct rte_ring *out;  /* parcels to control */
	struct rte_ring *back; /* panes to use again */
	const struct weir_run_config *config;
	bool is_live;
	int64_t start_ns, end_ns; /* monotonic */
	int64_t last_flush_ns;
	/* hot: wo, control: ro */
	_Alignas(64) _Atomic uint64_t live_packets;
	_Atomic uint64_t live_bytes;
	atomic_bool has_ended;
	atomic_bool draining; /* told to stop: what is left is delivered, but not waited for */
	/* control: wo, hot: ro */
	atomic_bool give_up; /* nobody reads the results any more */
	pthread_t thread;
};

int weir_worker_create(
    const struct weir_run_config *config, struct weir_worker **ret, struct weir_error *err);
void weir_worker_destroy(struct weir_worker *w);
/* The thread's body. */
void *weir_worker_main(void *worker);

/* Hot: all queries over the batch that source s has filled. */
void weir_worker_batch(struct weir_worker *w, struct weir_worker_source *s);
/* Hot: close what the watermark allows; INT64_MAX closes all. */
void weir_worker_close(struct weir_worker *w, int64_t watermark_ns);
/* Hot: send rows and packets that wait in part-filled blocks. */
void weir_worker_flush(struct weir_worker *w);
/* Cold: hand over; waits where the ring is full and the sources can wait, else false. */
bool weir_worker_send(struct weir_worker *w, const struct weir_parcel *parcel);

#endif
