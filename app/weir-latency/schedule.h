/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_LATENCY_SCHEDULE_H
#define WEIR_LATENCY_SCHEDULE_H

#include <stdint.h>

/*
 * When each probe is to be sent: start + k / rate, whatever happened before. For any k, as a row
 * tells which probe it is of and nothing else, so that lib/transmit's, which goes on from one
 * packet to the next, does not do.
 */
struct schedule {
	int64_t start_ns;
	uint64_t period; /* ns, 32 bits behind the point */
};

/* A packet a second at least: the period has 32 bits before the point. */
static inline void
schedule_init(struct schedule *s, int64_t start_ns, double pps)
{
	s->start_ns = start_ns;
	s->period = (uint64_t)(1e9 / pps * 4294967296.0);
}

static inline int64_t
schedule_ns(const struct schedule *s, uint64_t k)
{
	return s->start_ns + (int64_t)((unsigned __int128)k * s->period >> 32);
}

#endif
