/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <weir/measure/sequence.h>

#include "check.h"
#include "random.h"

/* Orders of arrival whose figures RFC 4737 and RFC 5481 give or that follow from their definitions
 * by hand, and random ones against a walk over all packets that were received. */

#define MAX_PACKETS 4000

static struct weir_sequence *
create(struct weir_sequence_config c)
{
	struct weir_sequence *s = NULL;

	CU_ASSERT_EQUAL_FATAL(weir_sequence_create(&c, &s), 0);
	return s;
}

/* Numbers from 1, as RFC 4737 has them; all with the same delay. */
static struct weir_sequence_counts
counts_of(const uint64_t *numbers, unsigned n, uint64_t sent)
{
	struct weir_sequence *s = create((struct weir_sequence_config){ .first = 1 });
	struct weir_sequence_counts c;

	for (unsigned i = 0; i < n; i++)
		weir_sequence_add(s, numbers[i], 1000);
	weir_sequence_get(s, sent, &c);
	weir_sequence_destroy(s);
	return c;
}
#define COUNTS(sent, ...)                                                                          \
	counts_of((const uint64_t[]){ __VA_ARGS__ },                                               \
	    sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t), sent)

/* RFC 4737 section 7.1: 4 arrives behind 8. */
static void
one_packet_is_late(void)
{
	struct weir_sequence_counts c = COUNTS(10, 1, 2, 3, 5, 6, 7, 8, 4, 9, 10);

	CU_ASSERT_EQUAL(c.received, 10);
	CU_ASSERT_EQUAL(c.distinct, 10);
	CU_ASSERT_EQUAL(c.lost, 0);
	CU_ASSERT_EQUAL(c.reordered, 1);
	CU_ASSERT_DOUBLE_EQUAL(c.reordered_ratio, 0.1, 1e-12);
	CU_ASSERT_EQUAL(c.extent_max, 4);
	CU_ASSERT_EQUAL(c.n_reordered[0], 1);
	CU_ASSERT_EQUAL(c.n_reordered[2], 1);
	CU_ASSERT_EQUAL(c.n_reordered[3], 1);
	CU_ASSERT_EQUAL(c.n_reordered[4], 0);
}

/* 5 and 6 behind 7 and 8: 6 has 5 right before it, so it is reordered, but no n-reordered. */
static void
two_packets_are_late(void)
{
	struct weir_sequence_counts c = COUNTS(10, 1, 2, 3, 4, 7, 8, 5, 6, 9, 10);

	CU_ASSERT_EQUAL(c.reordered, 2);
	CU_ASSERT_EQUAL(c.extent_max, 3);
	CU_ASSERT_DOUBLE_EQUAL(c.extent_mean, 2.5, 1e-12);
	CU_ASSERT_EQUAL(c.n_reordered[0], 1);
	CU_ASSERT_EQUAL(c.n_reordered[1], 1);
	CU_ASSERT_EQUAL(c.n_reordered[2], 0);
}

/* Backwards: each is behind all that are larger; the earliest of those is the first. */
static void
all_come_backwards(void)
{
	struct weir_sequence_counts c = COUNTS(5, 5, 4, 3, 2, 1);

	CU_ASSERT_EQUAL(c.reordered, 4);
	CU_ASSERT_EQUAL(c.extent_max, 4);
	CU_ASSERT_DOUBLE_EQUAL(c.extent_mean, 2.5, 1e-12);
	CU_ASSERT_EQUAL(c.n_reordered[0], 4);
	CU_ASSERT_EQUAL(c.n_reordered[3], 1);
	CU_ASSERT_EQUAL(c.n_reordered[4], 0);
}

/* A copy is a copy wherever it comes, and no packet of RFC 4737. */
static void
copies_are_not_reordered(void)
{
	struct weir_sequence_counts c = COUNTS(6, 1, 1, 2, 4, 2, 4, 3, 3, 6);

	CU_ASSERT_EQUAL(c.received, 9);
	CU_ASSERT_EQUAL(c.distinct, 5);
	CU_ASSERT_EQUAL(c.duplicates, 4);
	CU_ASSERT_EQUAL(c.lost, 1);
	CU_ASSERT_EQUAL(c.reordered, 1);
	CU_ASSERT_EQUAL(c.extent_max, 1);
	CU_ASSERT_DOUBLE_EQUAL(c.reordered_ratio, 0.2, 1e-12);
}

static void
loss_alone_is_no_reordering(void)
{
	struct weir_sequence_counts c = COUNTS(20, 3, 4, 9, 15);

	CU_ASSERT_EQUAL(c.lost, 16);
	CU_ASSERT_EQUAL(c.reordered, 0);
	c = COUNTS(0, 1);
	CU_ASSERT_EQUAL(c.lost, 0);
	CU_ASSERT_EQUAL(COUNTS(100, 0).outside, 1);
	CU_ASSERT_EQUAL(COUNTS(100, 0).lost, 100);
}

static void
delay_varies_between_neighbours(void)
{
	struct weir_sequence *s = create((struct weir_sequence_config){ .late_ns = 130 });
	static const int64_t delays[] = { 100, 130, 90, 90, 300 };
	struct weir_sequence_counts c;
	const struct weir_histogram *ipdv = weir_sequence_ipdv(s);

	for (unsigned i = 0; i < 5; i++)
		weir_sequence_add(s, i, delays[i]);
	weir_sequence_get(s, 5, &c);
	/* +30, -40, 0, +210 */
	CU_ASSERT_EQUAL(c.ipdv_pairs, 4);
	CU_ASSERT_EQUAL(c.ipdv_rising, 2);
	CU_ASSERT_EQUAL(c.ipdv_falling, 1);
	CU_ASSERT_DOUBLE_EQUAL(c.ipdv_mean_ns, 50, 1e-9);
	CU_ASSERT_EQUAL(weir_histogram_quantile(ipdv, 0.5), 30);
	CU_ASSERT_EQUAL(weir_histogram_quantile(ipdv, 0.75), 40);
	CU_ASSERT_EQUAL(weir_histogram_max(ipdv), 210);
	/* PDV: 10, 40, 0, 0, 210 */
	CU_ASSERT_EQUAL(weir_sequence_pdv(weir_sequence_delay(s), 0.4), 0);
	CU_ASSERT_EQUAL(weir_sequence_pdv(weir_sequence_delay(s), 0.5), 10);
	CU_ASSERT_EQUAL(weir_sequence_pdv(weir_sequence_delay(s), 0.8), 40);
	CU_ASSERT_EQUAL(weir_sequence_pdv(weir_sequence_delay(s), 1), 210);
	CU_ASSERT_EQUAL(c.late, 1);
	weir_sequence_destroy(s);
}

/* Neighbours are those in the order of sending, whichever came first; a lost one has none. */
static void
variation_is_in_the_order_of_sending(void)
{
	struct weir_sequence *s = create((struct weir_sequence_config){ 0 });
	struct weir_sequence_counts c;

	weir_sequence_add(s, 0, 100);
	weir_sequence_add(s, 2, 107); /* no neighbour yet */
	weir_sequence_add(s, 1, 150); /* +50 and -43 */
	weir_sequence_add(s, 1, 999); /* a copy */
	weir_sequence_add(s, 4, 200); /* 3 is lost */
	weir_sequence_get(s, 5, &c);
	CU_ASSERT_EQUAL(c.ipdv_pairs, 2);
	CU_ASSERT_EQUAL(c.ipdv_rising, 1);
	CU_ASSERT_EQUAL(c.ipdv_falling, 1);
	CU_ASSERT_DOUBLE_EQUAL(c.ipdv_mean_ns, 3.5, 1e-9);
	CU_ASSERT_EQUAL(weir_histogram_max(weir_sequence_ipdv(s)), 50);
	CU_ASSERT_EQUAL(weir_histogram_min(weir_sequence_ipdv(s)), 43);
	CU_ASSERT_EQUAL(weir_histogram_count(weir_sequence_delay(s)), 4);
	weir_sequence_destroy(s);
}

static void
what_left_the_window_is_older_not_lost(void)
{
	struct weir_sequence *s = create((struct weir_sequence_config){ .log2_window = 6 });
	struct weir_sequence_counts c;

	weir_sequence_add(s, 0, 1);
	weir_sequence_add(s, 100, 1); /* the window is 37 to 100 */
	weir_sequence_add(s, 36, 77);
	weir_sequence_add(s, 0, 78);
	weir_sequence_add(s, 37, 1);
	weir_sequence_add(s, 37, 1);
	weir_sequence_add(s, 99, 1);
	weir_sequence_get(s, 101, &c);
	CU_ASSERT_EQUAL(c.older, 2);
	CU_ASSERT_EQUAL(c.duplicates, 1);
	CU_ASSERT_EQUAL(c.distinct, 4);
	CU_ASSERT_EQUAL(c.received, 7);
	CU_ASSERT_EQUAL(c.lost, 95);
	CU_ASSERT_EQUAL(c.reordered, 2);
	CU_ASSERT_EQUAL(c.extent_max, 2);
	CU_ASSERT_EQUAL(weir_histogram_max(weir_sequence_delay(s)), 78);
	weir_sequence_destroy(s);
}

/* Numbers a window apart share their place in it. */
static void
one_lap_is_not_taken_for_another(void)
{
	struct weir_sequence *s = create((struct weir_sequence_config){ .log2_window = 6 });
	struct weir_sequence_counts c;

	for (uint64_t i = 0; i < 64; i++)
		weir_sequence_add(s, i, 10);
	weir_sequence_add(s, 128, 20); /* the window is 65 to 128; 64 to 127 are missing */
	weir_sequence_get(s, 129, &c);
	CU_ASSERT_EQUAL(c.lost, 64);
	CU_ASSERT_EQUAL(c.ipdv_pairs, 63);
	for (uint64_t i = 65; i < 128; i++)
		weir_sequence_add(s, i, 30);
	weir_sequence_add(s, 64, 30);
	weir_sequence_get(s, 129, &c);
	CU_ASSERT_EQUAL(c.duplicates, 0);
	CU_ASSERT_EQUAL(c.reordered, 63);
	CU_ASSERT_EQUAL(c.older, 1);
	CU_ASSERT_EQUAL(c.lost, 0);
	CU_ASSERT_EQUAL(c.ipdv_pairs, 63 + 62 + 1);
	CU_ASSERT_EQUAL(c.ipdv_falling, 1);
	weir_sequence_destroy(s);
}

static void
numbers_that_nobody_sent_change_nothing(void)
{
	struct weir_sequence *s = create((struct weir_sequence_config){ .first = 10, .end = 20 });
	struct weir_sequence_counts c;

	for (uint64_t i = 0; i < 30; i++)
		weir_sequence_add(s, i, 5);
	weir_sequence_add(s, UINT64_MAX, 5);
	weir_sequence_get(s, 10, &c);
	CU_ASSERT_EQUAL(c.outside, 21);
	CU_ASSERT_EQUAL(c.received, 10);
	CU_ASSERT_EQUAL(c.lost, 0);
	CU_ASSERT_EQUAL(c.reordered, 0);
	weir_sequence_destroy(s);
	/* Without an end, a far number moves the window there, and the last one is still none. */
	s = create((struct weir_sequence_config){ 0 });
	weir_sequence_add(s, UINT64_MAX - 1, INT64_MIN);
	weir_sequence_add(s, UINT64_MAX - 2, INT64_MAX);
	weir_sequence_add(s, UINT64_MAX, 1);
	weir_sequence_get(s, 2, &c);
	CU_ASSERT_EQUAL(c.distinct, 2);
	CU_ASSERT_EQUAL(c.outside, 1);
	CU_ASSERT_EQUAL(c.extent_max, 1);
	weir_sequence_destroy(s);
}

/* Any delay, the same for each copy of a number. */
static int64_t
delay_of(uint64_t number)
{
	return (int64_t)(number * 2654435761u % 1009);
}

/* IPDV of those whose neighbour came, too. */
static void
vary_by_walk(const uint64_t *first, struct weir_sequence_counts *c)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < c->distinct; i++)
		for (unsigned k = 0; k < c->distinct; k++) {
			int64_t x = delay_of(first[i]) - delay_of(first[k]);

			if (first[k] + 1 != first[i])
				continue;
			c->ipdv_pairs++;
			c->ipdv_rising += x > 0;
			c->ipdv_falling += x < 0;
			sum += x;
		}
	if (c->ipdv_pairs)
		c->ipdv_mean_ns = (double)sum / (double)c->ipdv_pairs;
}

/* All packets kept, all definitions applied as they stand. */
static struct weir_sequence_counts
counts_by_walk(const uint64_t *numbers, unsigned n, uint64_t sent)
{
	static uint64_t first[MAX_PACKETS];
	struct weir_sequence_counts c = { .sent = sent, .received = n };
	uint64_t extents = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned k = 0, j = 0, degree = 0;

		while (k < c.distinct && first[k] != numbers[i])
			k++;
		if (k < c.distinct) {
			c.duplicates++;
			continue;
		}
		while (j < k && first[j] < numbers[i])
			j++;
		if (j < k) {
			c.reordered++;
			extents += k - j;
			c.extent_max = k - j > c.extent_max ? k - j : c.extent_max;
			while (degree < k && degree < WEIR_SEQUENCE_DEPTH &&
			       first[k - 1 - degree] > numbers[i])
				c.n_reordered[degree++]++;
		}
		first[c.distinct++] = numbers[i];
	}
	vary_by_walk(first, &c);
	c.lost = sent - c.distinct;
	c.reordered_ratio = c.distinct ? (double)c.reordered / (double)c.distinct : 0;
	c.extent_mean = c.reordered ? (double)extents / (double)c.reordered : 0;
	return c;
}

/* Each packet is lost, copied and delayed by chance; they come by the time of arrival. */
static unsigned
shuffle(uint64_t *numbers, unsigned sent, unsigned spread, uint64_t *rng)
{
	static uint64_t times[MAX_PACKETS];
	unsigned n = 0;

	for (unsigned i = 0; i < sent; i++) {
		uint64_t chance = random_next(rng) % 16;

		for (unsigned copies = chance == 0 ? 0 : chance == 15 ? 2 : 1; copies; copies--) {
			uint64_t at = i + random_next(rng) % spread * (random_next(rng) % 4 == 0);
			unsigned k = n++;

			for (; k && times[k - 1] > at; k--) {
				times[k] = times[k - 1];
				numbers[k] = numbers[k - 1];
			}
			times[k] = at;
			numbers[k] = i;
		}
	}
	return n;
}

static void
random_orders_are_as_a_walk_says(void)
{
	static uint64_t numbers[MAX_PACKETS];
	uint64_t rng = 4;

	for (unsigned run = 0; run < 60; run++) {
		unsigned sent = 10 + run * 20;
		unsigned n = shuffle(numbers, sent, 1 + run % 7 * 6, &rng);
		struct weir_sequence_counts want = counts_by_walk(numbers, n, sent), got;
		/* A window just as wide as packets are apart. */
		struct weir_sequence *s = create((struct weir_sequence_config){ .log2_window = 6 });

		for (unsigned i = 0; i < n; i++)
			weir_sequence_add(s, numbers[i], delay_of(numbers[i]));
		weir_sequence_get(s, sent, &got);
		CU_ASSERT_EQUAL(got.older, 0);
		CU_ASSERT_EQUAL(got.ipdv_pairs, want.ipdv_pairs);
		CU_ASSERT_EQUAL(got.ipdv_rising, want.ipdv_rising);
		CU_ASSERT_EQUAL(got.ipdv_falling, want.ipdv_falling);
		CU_ASSERT_DOUBLE_EQUAL(got.ipdv_mean_ns, want.ipdv_mean_ns, 1e-9);
		CU_ASSERT_EQUAL(got.received, want.received);
		CU_ASSERT_EQUAL(got.distinct, want.distinct);
		CU_ASSERT_EQUAL(got.duplicates, want.duplicates);
		CU_ASSERT_EQUAL(got.lost, want.lost);
		CU_ASSERT_EQUAL(got.reordered, want.reordered);
		CU_ASSERT_EQUAL(got.extent_max, want.extent_max);
		CU_ASSERT_DOUBLE_EQUAL(got.extent_mean, want.extent_mean, 1e-9);
		CU_ASSERT_EQUAL(
		    memcmp(got.n_reordered, want.n_reordered, sizeof(got.n_reordered)), 0);
		weir_sequence_destroy(s);
	}
}

static void
wrong_windows_are_refused(void)
{
	struct weir_sequence_config c = { .log2_window = 5 };
	struct weir_sequence *s = NULL;

	CU_ASSERT_EQUAL(weir_sequence_create(&c, &s), -EINVAL);
	c.log2_window = 31;
	CU_ASSERT_EQUAL(weir_sequence_create(&c, &s), -EINVAL);
	c = (struct weir_sequence_config){ .first = 5, .end = 5 };
	CU_ASSERT_EQUAL(weir_sequence_create(&c, &s), -EINVAL);
	CU_ASSERT_PTR_NULL(s);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "one packet is late", one_packet_is_late },
		{ "two packets are late", two_packets_are_late },
		{ "all come backwards", all_come_backwards },
		{ "copies are not reordered", copies_are_not_reordered },
		{ "loss alone is no reordering", loss_alone_is_no_reordering },
		{ "delay varies between neighbours", delay_varies_between_neighbours },
		{ "variation is in the order of sending", variation_is_in_the_order_of_sending },
		{ "what left the window is older, not lost",
		    what_left_the_window_is_older_not_lost },
		{ "one lap is not taken for another", one_lap_is_not_taken_for_another },
		{ "numbers that nobody sent change nothing",
		    numbers_that_nobody_sent_change_nothing },
		{ "random orders are as a walk says", random_orders_are_as_a_walk_says },
		{ "wrong windows are refused", wrong_windows_are_refused },
		CU_TEST_INFO_NULL,
	};

	return check_run("sequence", tests);
}
