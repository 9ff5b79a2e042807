/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IMPAIR_H
#define IMPAIR_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A device that does to packets exactly what it was told, for tests of the instruments. It shares
 * no code with them: probes are known by what docs/latency.md says of their last 24 bytes.
 */

#define IMPAIR_LISTED 256
#define IMPAIR_LANES  2

/* What is done to the probes; all of it depends on their sequence numbers and on nothing else. */
struct impair_rules {
	uint64_t any; /* not 0: every packet is one, numbered from 0 as it comes */
	uint64_t hold_ns;
	uint64_t drop_every; /* the last of so many; 0: none */
	uint64_t dup_every;
	uint64_t delay_every; /* lets delay_by later probes go first */
	uint64_t delay_by;
	uint64_t limit_pps;  /* served; 0: as fast as they come */
	uint64_t queue_pkts; /* that wait to be served, beyond them they are dropped */
	uint64_t drop_seq[IMPAIR_LISTED];
	unsigned n_drop_seq;
};

struct impair_counts {
	uint64_t received; /* probes */
	uint64_t other;    /* packets that are none: passed on as they are */
	uint64_t sent;     /* probes and others */
	uint64_t dropped;  /* by drop_every and drop_seq */
	uint64_t limited;  /* by the queue of limit_pps */
	uint64_t duplicated;
	uint64_t delayed;
	uint64_t not_delayed; /* had to go before delay_by others came */
	uint64_t overflowed;  /* nothing left to hold them in */
};

struct impair_options {
	const char *in[IMPAIR_LANES], *out[IMPAIR_LANES]; /* "net_memif0,role=client,..." */
	unsigned n_in, n_out;
	struct impair_rules rules;
};

/* One direction, from a port to a port. */
struct impair_lane;

struct impair_lane *impair_lane_create(uint16_t in, uint16_t out, const struct impair_rules *r);
void impair_lane_destroy(struct impair_lane *l);
/* Take what has come, send what is due. */
void impair_lane_step(struct impair_lane *l);
/* Send what is still held, whatever its time; nothing more is taken. */
void impair_lane_finish(struct impair_lane *l);
const struct impair_counts *impair_lane_counts(const struct impair_lane *l);

#endif
