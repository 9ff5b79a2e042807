/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PORT_CLOCK_H
#define WEIR_PORT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A device's clock by wall-clock: fed with readings of both, it converts the device's ticks to
 * nanoseconds. It reads no clock itself. One thread feeds and converts.
 *
 * Of the readings of a second the one that took least time counts. Frequency comes from those of
 * the last 16 seconds; what is left as error is taken back slowly (WEIR_CLOCK_SLEW_PPM), so that
 * conversion never goes backwards while ticks do not. An error beyond WEIR_CLOCK_STEP_NS, which no
 * delay of the reading explains, is a step of one of the clocks: it is taken at once, and counted.
 * Once 16 seconds have passed the error is below that of the readings that count (half of what they
 * took) and 1 us, for a frequency that is steady meanwhile.
 */

#define WEIR_CLOCK_WINDOW_NS INT64_C(1000000000)
#define WEIR_CLOCK_STEP_NS   INT64_C(1000000)
#define WEIR_CLOCK_SLEW_PPM  500
#define WEIR_CLOCK_POINTS    16
#define WEIR_CLOCK_SHIFT     40

struct weir_clock_point {
	uint64_t ticks; /* beyond the counter's width */
	int64_t ns;
};

struct weir_clock {
	/* hot: two straight pieces that meet in the anchor, for packets may be older than it */
	uint64_t anchor;        /* ticks, as the counter has them */
	int64_t anchor_ns;      /* wall-clock */
	uint64_t after, before; /* ns a tick, << WEIR_CLOCK_SHIFT; after is 0: not known yet */
	unsigned spare_bits;    /* of 64, that the counter lacks */
	/* cold */
	double ns_a_tick;             /* as measured, or as it should be; 0: not known */
	struct weir_clock_point last; /* reading */
	struct weir_clock_point best; /* of the window */
	int64_t best_gap_ns;          /* -1: none yet */
	int64_t window_ns;            /* its begin */
	struct weir_clock_point points[WEIR_CLOCK_POINTS];
	unsigned n_points, at; /* at: where the next one goes */
	uint64_t n_steps;
	bool has_begun;
};

/* A counter of so many bits (8 to 64). hz is what it should run at, 0 where nobody knows. */
void weir_clock_init(struct weir_clock *c, unsigned bits, uint64_t hz);
/*
 * The counter was read between these two times of wall-clock. Of a narrow counter at least once in
 * half its period, unless its frequency is known.
 */
void weir_clock_feed(struct weir_clock *c, uint64_t ticks, int64_t before_ns, int64_t after_ns);

/* Can it convert? Where the frequency is unknown, after 10 ms of readings. */
static inline bool
weir_clock_is_ready(const struct weir_clock *c)
{
	return c->after != 0;
}

/* Ticks within half a period of the last reading. */
static inline int64_t
weir_clock_ns(const struct weir_clock *c, uint64_t ticks)
{
	int64_t d = (int64_t)((ticks - c->anchor) << c->spare_bits) >> c->spare_bits;
	uint64_t piece = d < 0 ? c->before : c->after;

	return c->anchor_ns + (int64_t)((__int128)d * (int64_t)piece >> WEIR_CLOCK_SHIFT);
}

#endif
