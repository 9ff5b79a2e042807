/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_INTAKE_H
#define WEIR_RUNTIME_INTAKE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <weir/base/error.h>
#include <weir/packet/batch.h>
#include <weir/source/source.h>

/*
 * How packets come to the workers. A source with a receive queue for each worker gives each its
 * own; of the others (files, generators, taps, ports with fewer queues) the workers take bursts by
 * turns. Here packets get their number, here is known how far time has come, and so here it is
 * decided what is late: it does not depend on the number of workers. Private to lib/runtime.
 */

/* A receive queue. */
struct weir_input {
	struct weir_source *source;
	unsigned queue;
	bool is_own; /* one worker's alone */
	unsigned worker;
	uint32_t burst; /* most packets of a poll */
	_Alignas(
	    64) _Atomic int64_t high_ns; /* largest event time that was taken; INT64_MIN: none */
	atomic_bool has_ended;
};

/* What one poll brought. */
struct weir_burst {
	struct weir_input *input;
	int64_t watermark_ns; /* the input's high_ns before the burst */
};

struct weir_intake {
	unsigned n_workers;
	unsigned n_inputs;
	struct weir_input *inputs;
	bool has_shared; /* some inputs are taken by turns */
	bool is_ordered; /* all are, so that packet numbers are the order of packets */
	uint64_t most;   /* packets of the run, UINT64_MAX where there is no bound */
	/* Under turn: */
	pthread_mutex_t turn;
	unsigned n_turns;
	/* Packets given out; under turn where turns are taken or there is a bound. */
	_Alignas(64) _Atomic uint64_t taken;
};

/* Of all queues of all sources. port_burst: most packets that a port is asked for at once. Run-time
 * error. */
int weir_intake_create(struct weir_source *const *sources, unsigned n_sources, unsigned n_workers,
    uint64_t most, uint32_t port_burst, struct weir_intake **ret, struct weir_error *err);
void weir_intake_destroy(struct weir_intake *in);

/*
 * Worker. Take a burst of one of its own inputs into b, with packet numbers; returns its packets.
 */
uint32_t weir_intake_poll(struct weir_intake *in, struct weir_input *input, struct weir_batch *b,
    int64_t now_ns, struct weir_burst *ret);
/*
 * Worker. Wait for its turn and take a burst of whichever shared input comes next. Before others
 * can know of the burst *at_number is set to the number of its first packet. Views stay valid until
 * weir_intake_release.
 */
uint32_t weir_intake_turn(struct weir_intake *in, struct weir_batch *b, int64_t now_ns,
    _Atomic uint64_t *at_number, struct weir_burst *ret);
/* Worker. It is done with the burst. */
void weir_intake_release(
    struct weir_intake *in, const struct weir_burst *burst, struct weir_batch *b);

/* What a worker takes from now on has at least this number. Worker. */
uint64_t weir_intake_next(const struct weir_intake *in);
/* The event time that every input has reached; INT64_MAX where all have ended. Any thread. */
int64_t weir_intake_watermark(const struct weir_intake *in);
/* Whether nothing more can come to a worker, or the bound is reached. Any thread. */
bool weir_intake_has_ended(const struct weir_intake *in, unsigned worker);

#endif
