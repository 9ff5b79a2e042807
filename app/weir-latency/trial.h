/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_LATENCY_TRIAL_H
#define WEIR_LATENCY_TRIAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <weir/base/error.h>
#include <weir/port/port.h>
#include <weir/sketch/histogram.h>

#include "frame.h"
#include "schedule.h"
#include "tally.h"

/* What probes go out of, and what they come back by. */
struct path {
	struct weir_port_queue tx;
	struct rte_mempool *pool; /* for probes */
	struct receiver *receiver;
};

struct trial {
	double pps;
	uint64_t n;       /* probes, 0: until the first has come back */
	int64_t drain_ns; /* or, where n is 0, the longest wait */
	unsigned n_threads;
	uint32_t stream;
	const struct frame_config *frame;
	const atomic_bool *stop; /* ends it early */
};

/* What the sender did. */
struct trial_sent {
	uint64_t n;
	uint64_t n_unsent;         /* due, but the port had not taken them when the time was over */
	double pps;                /* reached, from the first to the last */
	int64_t duration_ns;       /* that took */
	struct weir_histogram lag; /* how much later than scheduled the port took them */
};

/*
 * Send and receive. The tally is begun by it; its packets that come back after drain_ns are
 * somebody else's late ones. Run-time errors, of the receiver too.
 */
int trial_run(const struct path *p, const struct trial *c, struct tally *t, struct trial_sent *ret,
    struct weir_error *err);

#endif
