/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_SAMPLING_H
#define WEIR_RUNTIME_SAMPLING_H

#include <weir/base/arrival.h>
#include <weir/runtime/latency.h>
#include <weir/sketch/origin.h>

#include "worker.h"

/*
 * What --latency costs a worker. One packet in so many is sampled, by a countdown, and the burst
 * that it is in is timed: as a packet waits for its whole burst at each step, the burst's time is
 * the packet's, once for each sampled packet in it. So a percentile is one over packets, not over
 * bursts, whatever their sizes. How many packets lie between two samples follows their rate: timed
 * bursts are so far apart that timing them takes about half a percent of the time, and where
 * packets are few, each is sampled.
 *
 * The worker writes into one of two sets. Control asks for counts, and with its answer the worker
 * hands over the set that it has filled and goes on with the other: nothing is copied, and neither
 * looks at what the other has.
 *
 * All of this is cold: hot code comes here for a timed burst, or a new block of rows. Private to
 * lib/runtime.
 */

#define WEIR_SAMPLED_MOST 16 /* of one burst */

struct weir_sampling {
	struct weir_latency_set *set; /* that is written: sets[0] or sets[1] */
	struct weir_latency_set *sets[2];
	int64_t period_ns; /* at least, about, between timed bursts */
	bool is_precise;   /* each burst's arrival is wanted, and not just its round's beginning */
	uint64_t random;
	uint32_t step;      /* packets from one sample to the next, about */
	uint64_t countdown; /* to the next */
	/* The burst in hand. */
	struct weir_arrival arrival;
	unsigned n;                      /* sampled packets; 0: it is not timed */
	uint16_t row[WEIR_SAMPLED_MOST]; /* these */
	unsigned n_kept;                 /* sampled packets that leave by ports */
	int64_t kept_ns;                 /* and when one of them came */
	int64_t at_ns;                   /* the end of the last step of the last timed burst */
	int64_t timed_ns;                /* and its beginning */
	int64_t gathered_ns;             /* a block from another worker was taken */
};

/* Where --latency was asked for: 0 or -ENOMEM. */
int weir_sampling_create(struct weir_worker *w);
void weir_sampling_destroy(struct weir_sampling *s);
/* Queries have come or gone. */
void weir_sampling_plan(struct weir_worker *w);
/* A burst was taken, in the round that began at round_ns: decides whether it is timed. */
void weir_sampling_begin(struct weir_worker *w, const struct weir_burst *burst, int64_t round_ns);
/* The burst is timed, and has done this step. */
void weir_sampling_step(struct weir_sampling *s, enum weir_latency_stage stage);
/* It waited for others in between: this is no step's. */
void weir_sampling_leave_out(struct weir_sampling *s, int64_t ns);
/* It is timed: note a packet that the query has aggregated. */
void weir_sampling_note_group(struct weir_worker *w, unsigned query, const struct weir_rows *rows);
/* Rows go to a block, whose origin this is: note a packet of a timed burst, or the block's first.
 */
void weir_sampling_note_rows(
    struct weir_worker *w, struct weir_origin **origin, const struct weir_rows *rows);
/* A query that emits early is given the burst. */
void weir_sampling_note_early(struct weir_worker *w, unsigned query);
/* It is timed: packets of it are to leave by ports, and then: they have left. */
void weir_sampling_keep(struct weir_sampling *s, const struct weir_rows *rows);
void weir_sampling_sent(struct weir_sampling *s);
/* Rows go to other workers. */
void weir_sampling_put(struct weir_worker *w, struct weir_path_exchange *x);
/* A block came from another worker, and then: its rows are in the query's groups. */
void weir_sampling_take(
    struct weir_worker *w, unsigned query, const struct weir_exchange_block *block);
void weir_sampling_taken(
    struct weir_worker *w, unsigned query, const struct weir_exchange_block *block);
/* A pane is handed over. */
void weir_sampling_close(struct weir_pane *pane);
/* A block is. Its origin, for control, who frees it, or NULL; the next block has none. */
struct weir_origin *weir_sampling_hand_over(struct weir_origin **origin);
/* Nobody takes it. */
void weir_sampling_drop(struct weir_origin *origin);
/* With an answer for control: the other set from now on. */
void weir_sampling_swap(struct weir_sampling *s);
/* Control, before it asks again: the set that the worker does not write. */
struct weir_latency_set *weir_sampling_handed(const struct weir_sampling *s);

#endif
