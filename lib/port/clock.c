/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <string.h>

#include <weir/base/time.h>
#include <weir/port/clock.h>

/* Where the frequency is not known, it is measured over so much at first. */
#define FIRST_NS (WEIR_NS_PER_S / 100)
/* A frequency that is further off than this was measured across a step. */
#define CHANGE_MOST 0.01

void
weir_clock_init(struct weir_clock *c, unsigned bits, uint64_t hz)
{
	memset(c, 0, sizeof(*c));
	c->spare_bits = 64 - bits;
	c->ns_a_tick = hz ? (double)WEIR_NS_PER_S / (double)hz : 0;
	c->best_gap_ns = -1;
}

static uint64_t
to_piece(double ns_a_tick)
{
	return (uint64_t)(ns_a_tick * (double)(UINT64_C(1) << WEIR_CLOCK_SHIFT) + 0.5);
}

/*
 * The reading without its wraps: of all counts with these low bits the one next to what the
 * frequency lets expect, so that even a long pause counts right.
 */
static uint64_t
unwrap(const struct weir_clock *c, uint64_t ticks, int64_t ns)
{
	uint64_t expected = c->last.ticks;
	int64_t d;

	if (!c->has_begun)
		return ticks << c->spare_bits >> c->spare_bits;
	if (c->spare_bits && c->ns_a_tick > 0)
		expected += (uint64_t)(int64_t)((double)(ns - c->last.ns) / c->ns_a_tick);
	else if (c->spare_bits) /* forwards, as counters go */
		expected += UINT64_C(1) << (63 - c->spare_bits);
	d = (int64_t)((ticks - expected) << c->spare_bits) >> c->spare_bits;
	return expected + (uint64_t)d;
}

/* Go on from here: what comes before is not comparable any more. */
static void
restart(struct weir_clock *c, const struct weir_clock_point *p)
{
	c->anchor = p->ticks;
	c->anchor_ns = p->ns;
	if (c->ns_a_tick > 0)
		c->after = c->before = to_piece(c->ns_a_tick);
	c->points[0] = *p; /* only until a better one is known */
	c->n_points = c->at = 0;
	c->best_gap_ns = -1;
	c->window_ns = p->ns;
}

static double
slope(const struct weir_clock_point *from, const struct weir_clock_point *to)
{
	return (double)(to->ns - from->ns) / (double)(int64_t)(to->ticks - from->ticks);
}

/* weir_clock_ns of ticks that do not wrap, however long ago the anchor is. */
static int64_t
ns_of(const struct weir_clock *c, uint64_t ticks)
{
	int64_t d = (int64_t)(ticks - c->anchor);

	return c->anchor_ns +
	       (int64_t)((__int128)d * (int64_t)(d < 0 ? c->before : c->after) >> WEIR_CLOCK_SHIFT);
}

/* The window's best reading is a point of the line; frequency by it and the oldest one. */
static void
measure(struct weir_clock *c)
{
	const struct weir_clock_point *oldest =
	    &c->points[c->n_points < WEIR_CLOCK_POINTS ? 0 : c->at % WEIR_CLOCK_POINTS];
	double f = slope(oldest, &c->best);

	if (c->n_points && (int64_t)(c->best.ticks - oldest->ticks) > 0 && f > 0 &&
	    (c->ns_a_tick <= 0 || fabs(f / c->ns_a_tick - 1) < CHANGE_MOST))
		c->ns_a_tick = f;
	c->points[c->at % WEIR_CLOCK_POINTS] = c->best;
	c->at = (c->at + 1) % WEIR_CLOCK_POINTS;
	if (c->n_points < WEIR_CLOCK_POINTS)
		c->n_points++;
}

/* A new piece from the last reading on, that takes half of the error back by the next window. */
static void
bend(struct weir_clock *c)
{
	const double most = WEIR_CLOCK_SLEW_PPM * 1e-6;
	double e = (double)(c->best.ns - ns_of(c, c->best.ticks));
	double share = e / 2 / (double)WEIR_CLOCK_WINDOW_NS;
	int64_t here_ns = ns_of(c, c->last.ticks);

	share = share > most ? most : share < -most ? -most : share;
	c->before = c->after;
	c->anchor = c->last.ticks;
	c->anchor_ns = here_ns;
	c->after = to_piece(c->ns_a_tick * (1 + share));
}

/* How fast it runs by the last two readings that were begun with, roughly. */
static void
guess(struct weir_clock *c)
{
	if (c->last.ns - c->points[0].ns >= FIRST_NS &&
	    (int64_t)(c->last.ticks - c->points[0].ticks) > 0)
		c->ns_a_tick = slope(&c->points[0], &c->last);
}

/* The best of the first readings, and a later one that is no worse by much: nothing else is known.
 */
static void
begin(struct weir_clock *c, int64_t gap_ns)
{
	int64_t since_ns = c->last.ns - c->points[0].ns;

	if (since_ns < FIRST_NS && gap_ns < c->best_gap_ns) {
		c->points[0] = c->last;
		c->best_gap_ns = gap_ns;
	}
	if (gap_ns > 2 * c->best_gap_ns && since_ns < WEIR_CLOCK_WINDOW_NS)
		return;
	guess(c);
	if (c->ns_a_tick > 0)
		restart(c, &c->last);
}

/* Is it off by more than how long the reading took explains? */
static bool
has_stepped(const struct weir_clock *c, int64_t before_ns, int64_t after_ns)
{
	int64_t ns = ns_of(c, c->last.ticks);

	return ns < before_ns - WEIR_CLOCK_STEP_NS || ns > after_ns + WEIR_CLOCK_STEP_NS;
}

void
weir_clock_feed(struct weir_clock *c, uint64_t ticks, int64_t before_ns, int64_t after_ns)
{
	int64_t gap_ns = after_ns - before_ns, ns = before_ns + gap_ns / 2;

	if (gap_ns < 0)
		return; /* wall-clock was set back meanwhile: the next reading tells by how much */
	c->last = (struct weir_clock_point){ unwrap(c, ticks, ns), ns };
	if (!c->has_begun) {
		c->has_begun = true;
		restart(c, &c->last);
		c->best_gap_ns = c->ns_a_tick > 0 ? -1 : gap_ns;
		return;
	}
	if (!weir_clock_is_ready(c)) {
		begin(c, gap_ns);
		return;
	}
	if (has_stepped(c, before_ns, after_ns)) {
		c->n_steps++;
		/* twice within a second it is rather the frequency that is wrong */
		if (!c->n_points)
			guess(c);
		restart(c, &c->last);
		return;
	}
	if (c->best_gap_ns < 0 || gap_ns <= c->best_gap_ns) {
		c->best = c->last;
		c->best_gap_ns = gap_ns;
	}
	if (ns - c->window_ns < WEIR_CLOCK_WINDOW_NS)
		return;
	measure(c);
	bend(c);
	c->best_gap_ns = -1;
	c->window_ns = ns;
}
