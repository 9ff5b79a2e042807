/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_TRANSMIT_SCHEDULE_H
#define WEIR_TRANSMIT_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/error.h>
#include <weir/base/time.h>
#include <weir/transmit/rate.h>

/*
 * When each packet is to be sent, whatever happened to those before: packet k of a rate has the
 * time start + k / rate, rounded down to a nanosecond, for any k. Fractions of a nanosecond are
 * kept as integers, so that nothing drifts. Plain arithmetic, one owner.
 */

struct weir_schedule_config {
	struct weir_rate rate; /* no SHARE any more */
	uint64_t burst;        /* packets that go together; 0 is 1 */
	int64_t
	    burst_every_ns; /* a burst begins so often, instead of by the rate; 0: by the rate */
	int64_t start_ns;   /* of the first packet */
};

struct weir_schedule {
	/* hot */
	enum weir_rate_kind kind;
	uint32_t gap_bytes;   /* the length that gap is for; 0: any */
	uint32_t extra_bytes; /* that a packet takes beside its frame */
	int64_t at_ns;        /* of the next packet, and rest / per nanoseconds */
	uint64_t rest;
	uint64_t gap_ns; /* from the next packet to that after it, and gap_rest / per */
	uint64_t gap_rest;
	uint64_t per;
	uint64_t burst;
	uint64_t left; /* packets of the burst that is under way */
	int64_t burst_ns;
	/* recorded times */
	bool has_first;
	int64_t start_ns;
	int64_t first_ns;
	/* cold */
	struct weir_schedule_config config;
};

/* Usage errors where burst and rate do not go together. */
int weir_schedule_init(
    struct weir_schedule *s, const struct weir_schedule_config *c, struct weir_error *err);
/* The same from its beginning, with another start. */
void weir_schedule_restart(struct weir_schedule *s, int64_t start_ns);

/* schedule_hot.c: of weir_schedule_time and weir_schedule_advance. */
int64_t weir_schedule_recorded(struct weir_schedule *s, int64_t recorded_ns);
void weir_schedule_set_gap(struct weir_schedule *s, uint32_t frame_bytes);

/*
 * Intended time of the next packet. recorded_ns: its own time stamp. With MAX it is the time that
 * schedules begin, and means nothing.
 */
static inline int64_t
weir_schedule_time(struct weir_schedule *s, int64_t recorded_ns)
{
	if (s->kind == WEIR_RATE_RECORDED)
		return weir_schedule_recorded(s, recorded_ns);
	return s->left ? s->burst_ns : s->at_ns;
}

/* On to the packet after the next one, which is of frame_bytes. */
static inline void
weir_schedule_advance(struct weir_schedule *s, uint32_t frame_bytes)
{
	if (s->gap_bytes && s->gap_bytes != frame_bytes)
		weir_schedule_set_gap(s, frame_bytes);
	if (s->burst) {
		if (!s->left) {
			s->burst_ns = s->at_ns;
			s->left = s->burst;
		}
		s->left--;
		if (s->left && s->config.burst_every_ns)
			return;
	}
	s->at_ns += (int64_t)s->gap_ns;
	s->rest += s->gap_rest;
	if (s->rest >= s->per) {
		s->rest -= s->per;
		s->at_ns++;
	}
}

/* n packets further, of a rate in packets a second or of bursts at intervals; whole bursts only. */
void weir_schedule_skip(struct weir_schedule *s, uint64_t n);
/*
 * Packets from the next one on that are intended before end_ns, where that can be told without
 * looking at them (packets a second, bursts at intervals); UINT64_MAX where it cannot.
 */
uint64_t weir_schedule_before(const struct weir_schedule *s, int64_t end_ns);

#endif
