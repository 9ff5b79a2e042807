/* SPDX-License-Identifier: BSD-3-Clause */
/* A device's clock by wall-clock, with clocks that the test makes up. */
#include <CUnit/Basic.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/base/time.h>
#include <weir/port/clock.h>

#include "check.h"

#define START_NS INT64_C(1700000000000000000)
#define EVERY_NS (WEIR_NS_PER_S / 10)
#define SETTLE_S 30

/* What is true: both clocks by a third one that only the test has. */
struct world {
	int64_t true_ns;
	double hz; /* of the device */
	unsigned bits;
	uint64_t first;  /* its count at the start */
	int64_t wall_ns; /* wall-clock - true */
	uint64_t seed;
	bool has_jitter;
	struct weir_clock c;
	int64_t high_ns;  /* of all conversions */
	int64_t worst_ns; /* error, since it was last reset */
};

static uint64_t
draw(struct world *w, uint64_t below)
{
	w->seed = w->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (w->seed >> 33) % below;
}

static uint64_t
ticks_at(const struct world *w, int64_t true_ns)
{
	uint64_t n = w->first + (uint64_t)((__int128)true_ns * (int64_t)(w->hz * 1000) /
					   (1000 * WEIR_NS_PER_S));

	return w->bits == 64 ? n : n & ((UINT64_C(1) << w->bits) - 1);
}

static struct world
make_world(double hz, unsigned bits, uint64_t first, uint64_t nominal_hz)
{
	struct world w = { .hz = hz, .bits = bits, .first = first, .wall_ns = START_NS, .seed = 7 };

	weir_clock_init(&w.c, bits, nominal_hz);
	w.high_ns = INT64_MIN;
	return w;
}

/* One reading: the counter is read somewhere between the two of wall-clock. */
static void
feed(struct world *w)
{
	int64_t first_ns = 300, second_ns = 300;

	if (w->has_jitter) {
		first_ns += (int64_t)draw(w, 200);
		second_ns += (int64_t)draw(w, 200);
		/* one in three is interrupted, on either side */
		if (draw(w, 3) == 0)
			*(draw(w, 2) ? &first_ns : &second_ns) += (int64_t)draw(w, 400000);
	}
	weir_clock_feed(&w->c, ticks_at(w, w->true_ns), w->true_ns - first_ns + w->wall_ns,
	    w->true_ns + second_ns + w->wall_ns);
}

/* A packet of this time; its conversion must not go backwards. */
static void
convert(struct world *w, int64_t true_ns, bool *is_monotone)
{
	int64_t ns = weir_clock_ns(&w->c, ticks_at(w, true_ns));
	int64_t off_ns = llabs(ns - w->wall_ns - true_ns);

	*is_monotone &= ns >= w->high_ns;
	w->high_ns = ns;
	w->worst_ns = off_ns > w->worst_ns ? off_ns : w->worst_ns;
}

/* Packets that come all the time, and wait up to 2 ms for their poll. */
static void
run(struct world *w, int64_t seconds)
{
	bool is_monotone = true;

	for (int64_t i = 0; i < seconds * WEIR_NS_PER_S / EVERY_NS; i++) {
		int64_t packet_ns = w->true_ns + EVERY_NS - 2000000;

		if (weir_clock_is_ready(&w->c))
			convert(w, packet_ns, &is_monotone);
		w->true_ns += EVERY_NS;
		feed(w);
		if (!weir_clock_is_ready(&w->c))
			continue;
		/* converted by the new line, some from before it */
		for (int64_t back_ns = 1999000; back_ns >= 0; back_ns -= 333000)
			convert(w, w->true_ns - back_ns, &is_monotone);
	}
	CU_ASSERT_TRUE(is_monotone);
}

static void
expect_error(struct world *w, int64_t seconds, int64_t most_ns)
{
	w->worst_ns = 0;
	run(w, seconds);
	CU_ASSERT_TRUE(w->worst_ns <= most_ns);
	if (w->worst_ns > most_ns)
		fprintf(stderr, "off by %" PRId64 " ns, not %" PRId64 "\n", w->worst_ns, most_ns);
}

static void
drift_stays_within_a_microsecond(void)
{
	static const double hz[] = { 1e9 * 1.0001, 1e9 * 0.9999, 1e9, 156.25e6 * 1.0001, 2.6e9 };

	for (unsigned i = 0; i < 5; i++) {
		struct world w = make_world(hz[i], 64, 12345, i < 3 ? 1000000000 : 0);

		run(&w, SETTLE_S);
		expect_error(&w, 4 * 3600L, 1000);
		CU_ASSERT_EQUAL(w.c.n_steps, 0);
	}
}

static void
delayed_readings_do_not_matter(void)
{
	for (unsigned i = 0; i < 4; i++) {
		struct world w = make_world(1e9 * 1.0001, 64, 5, i & 1 ? 1000000000 : 0);

		w.has_jitter = true;
		w.seed = i;
		for (unsigned n = 0; n < 16; n++)
			feed(&w);
		run(&w, SETTLE_S);
		/* half of the longest reading that can be a window's best, and 1 us */
		expect_error(&w, 3600, 1500);
		CU_ASSERT_EQUAL(w.c.n_steps, 0);
	}
}

static void
step_is_taken_at_once_and_counted(void)
{
	static const int64_t steps_ns[] = { 5 * WEIR_NS_PER_S, -3600 * WEIR_NS_PER_S, 20000000 };
	struct world w = make_world(1e9 * 1.0001, 64, 0, 0);

	run(&w, SETTLE_S);
	for (unsigned i = 0; i < 3; i++) {
		w.wall_ns += steps_ns[i];
		feed(&w);
		CU_ASSERT_EQUAL(w.c.n_steps, i + 1);
		w.high_ns = INT64_MIN; /* back by no more than the step */
		expect_error(&w, 60, 2000);
		CU_ASSERT_EQUAL(w.c.n_steps, i + 1);
	}
}

/* Half a millisecond may be an error of the reading: it is taken back slowly, never backwards. */
static void
small_step_is_slewed(void)
{
	for (int i = -1; i <= 1; i += 2) {
		struct world w = make_world(1e9, 64, 0, 1000000000);
		int64_t before_ns, after_ns;

		run(&w, SETTLE_S);
		w.wall_ns += i * 500000;
		before_ns = weir_clock_ns(&w.c, ticks_at(&w, w.true_ns));
		run(&w, 1);
		after_ns = weir_clock_ns(&w.c, ticks_at(&w, w.true_ns));
		CU_ASSERT_TRUE(llabs(after_ns - before_ns - WEIR_NS_PER_S) <= 500000);
		CU_ASSERT_EQUAL(w.c.n_steps, 0);
		run(&w, 60);
		expect_error(&w, 60, 1000);
	}
}

static void
pause_is_no_step(void)
{
	struct world w = make_world(1e9 * 0.9999, 64, 0, 0);

	run(&w, SETTLE_S);
	w.true_ns += 600 * WEIR_NS_PER_S;
	feed(&w);
	CU_ASSERT_EQUAL(w.c.n_steps, 0);
	expect_error(&w, 60, 20000);
}

static void
counters_wrap(void)
{
	/* 64 bits that are about to, and 32 that do every 4.3 seconds */
	struct world wide = make_world(1e9, 64, UINT64_MAX - 15 * UINT64_C(1000000000), 0);
	struct world narrow = make_world(1e9 * 1.0001, 32, 0xfffffff0, 0);

	run(&wide, SETTLE_S);
	expect_error(&wide, 60, 1000);
	CU_ASSERT_EQUAL(wide.c.n_steps, 0);
	run(&narrow, SETTLE_S);
	expect_error(&narrow, 3600, 1000);
	/* it wrapped several times unseen */
	narrow.true_ns += 61 * WEIR_NS_PER_S;
	feed(&narrow);
	CU_ASSERT_EQUAL(narrow.c.n_steps, 0);
	expect_error(&narrow, 60, 20000);
}

/* What it was said to run at, or was measured across a step, is given up soon. */
static void
wrong_frequency_is_mended(void)
{
	struct world w = make_world(1e9, 64, 0, 800000000);

	for (unsigned i = 0; i < 20; i++, w.true_ns += EVERY_NS)
		feed(&w);
	CU_ASSERT_TRUE(w.c.n_steps > 0);
	run(&w, SETTLE_S);
	expect_error(&w, 60, 1000);
}

static void
unready_and_backward_readings_are_harmless(void)
{
	struct weir_clock c;

	weir_clock_init(&c, 64, 0);
	CU_ASSERT_FALSE(weir_clock_is_ready(&c));
	weir_clock_feed(&c, 1000, START_NS, START_NS + 10);
	weir_clock_feed(&c, 1000, START_NS + WEIR_NS_PER_S, START_NS + WEIR_NS_PER_S + 10);
	CU_ASSERT_FALSE(weir_clock_is_ready(&c)); /* it does not run */
	weir_clock_feed(
	    &c, 2001000, START_NS + 2 * WEIR_NS_PER_S, START_NS + 2 * WEIR_NS_PER_S + 10);
	CU_ASSERT_TRUE(weir_clock_is_ready(&c));
	CU_ASSERT_EQUAL(weir_clock_ns(&c, 2001000), START_NS + 2 * WEIR_NS_PER_S + 5);
	/* wall-clock was set back while it was read */
	weir_clock_feed(&c, 2002000, START_NS, START_NS - 1);
	CU_ASSERT_EQUAL(c.n_steps, 0);
	CU_ASSERT_EQUAL(weir_clock_ns(&c, 2001000), START_NS + 2 * WEIR_NS_PER_S + 5);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "drift stays within a microsecond", drift_stays_within_a_microsecond },
		{ "delayed readings do not matter", delayed_readings_do_not_matter },
		{ "step is taken at once and counted", step_is_taken_at_once_and_counted },
		{ "small step is slewed", small_step_is_slewed },
		{ "pause is no step", pause_is_no_step },
		{ "counters wrap", counters_wrap },
		{ "wrong frequency is mended", wrong_frequency_is_mended },
		{ "unready and backward readings are harmless",
		    unready_and_backward_readings_are_harmless },
		CU_TEST_INFO_NULL,
	};

	return check_run("clock", tests);
}
