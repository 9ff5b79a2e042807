/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/transmit/schedule.h>

#include "check.h"

#define START INT64_C(123456789)
#define E15   ((unsigned __int128)1000000000 * 1000000)

static struct weir_schedule
schedule(enum weir_rate_kind kind, uint64_t micro, uint64_t burst, int64_t every_ns)
{
	struct weir_schedule_config c = { .rate = { kind, micro },
		.burst = burst,
		.burst_every_ns = every_ns,
		.start_ns = START };
	struct weir_schedule s;
	struct weir_error err;

	CU_ASSERT_EQUAL_FATAL(weir_schedule_init(&s, &c, &err), 0);
	return s;
}

static int64_t
next(struct weir_schedule *s, uint32_t len)
{
	int64_t t = weir_schedule_time(s, WEIR_TIME_NONE);

	weir_schedule_advance(s, len);
	return t;
}

/* start + k / rate, rounded down, by 128 bits. */
static int64_t
wanted(uint64_t k, uint64_t micro)
{
	return START + (int64_t)((unsigned __int128)k * E15 / micro);
}

static const uint64_t rates[] = { 1, 999999, UINT64_C(1000000), UINT64_C(3000000),
	UINT64_C(14880952380952), UINT64_C(7777777777777), UINT64_C(999999999999999),
	UINT64_C(1000000000000000) };
#define N_RATES (sizeof(rates) / sizeof(rates[0]))

static void
test_packets(void)
{
	for (unsigned i = 2; i < N_RATES; i++) {
		struct weir_schedule s = schedule(WEIR_RATE_PACKETS, rates[i], 0, 0);
		unsigned n_wrong = 0;

		for (uint64_t k = 0; k < 300000; k++)
			n_wrong += next(&s, 64) != wanted(k, rates[i]);
		CU_ASSERT_EQUAL(n_wrong, 0);
	}
}

/* 10^12 packets later, where any error of a gap would show a million million times. */
static void
test_no_drift(void)
{
	const uint64_t far = UINT64_C(1000000000000);

	for (unsigned i = 3; i < N_RATES; i++) {
		struct weir_schedule s = schedule(WEIR_RATE_PACKETS, rates[i], 0, 0);
		unsigned n_wrong = 0;

		if ((unsigned __int128)far * E15 / rates[i] > INT64_MAX / 2)
			continue;
		for (unsigned k = 0; k < 1000; k++)
			next(&s, 64);
		weir_schedule_skip(&s, far - 1000);
		for (uint64_t k = far; k < far + 1000; k++)
			n_wrong += next(&s, 64) != wanted(k, rates[i]);
		CU_ASSERT_EQUAL(n_wrong, 0);
	}
}

/* Steps and one jump come to the same state, so that the jump above stands for steps. */
static void
test_skip(void)
{
	struct weir_schedule a = schedule(WEIR_RATE_PACKETS, rates[5], 0, 0), b = a;

	for (unsigned k = 0; k < 5000000; k++)
		weir_schedule_advance(&a, 64);
	weir_schedule_skip(&b, 5000000);
	CU_ASSERT_EQUAL(a.at_ns, b.at_ns);
	CU_ASSERT_EQUAL(a.rest, b.rest);
}

/* A packet comes when all bits before it have passed. */
static void
test_bits(void)
{
	static const uint32_t sizes[] = { 64, 64, 594, 1518, 60, 9216, 9216, 64 };

	for (unsigned line = 0; line < 2; line++) {
		uint64_t micro = UINT64_C(9999999999999999);
		struct weir_schedule s =
		    schedule(line ? WEIR_RATE_LINE : WEIR_RATE_BITS, micro, 0, 0);
		unsigned __int128 bits = 0;
		unsigned n_wrong = 0;

		for (uint32_t k = 0; k < 200000; k++) {
			uint32_t len = sizes[k * 7 % 8];

			n_wrong += next(&s, len) != START + (int64_t)(bits * E15 / micro);
			bits += 8 * (len + (line ? 24 : 0));
		}
		CU_ASSERT_EQUAL(n_wrong, 0);
	}
}

/* The figure that everybody knows: frames of 60 bytes on 10 Gbit/s are 14 880 952 a second. */
static void
test_line_rate(void)
{
	struct weir_schedule s = schedule(WEIR_RATE_LINE, UINT64_C(10000000000000000), 0, 0);

	for (unsigned k = 0; k < 14880952; k++)
		weir_schedule_advance(&s, 60);
	CU_ASSERT(s.at_ns <= START + WEIR_NS_PER_S);
	weir_schedule_advance(&s, 60);
	CU_ASSERT(s.at_ns > START + WEIR_NS_PER_S);
}

static void
test_bursts(void)
{
	struct weir_schedule by_rate = schedule(WEIR_RATE_PACKETS, rates[5], 32, 0);
	struct weir_schedule by_time = schedule(WEIR_RATE_MAX, 0, 5, 1000001);
	unsigned n_wrong = 0;

	for (uint64_t k = 0; k < 100000; k++) {
		n_wrong += next(&by_rate, 64) != wanted(k / 32 * 32, rates[5]);
		n_wrong += next(&by_time, 64) != START + (int64_t)(k / 5) * 1000001;
	}
	CU_ASSERT_EQUAL(n_wrong, 0);
	weir_schedule_skip(&by_time, UINT64_C(1000000000000));
	CU_ASSERT_EQUAL(next(&by_time, 64), START + INT64_C(200000020000) * 1000001);
}

static void
test_bursts_of_bits(void)
{
	struct weir_schedule s = schedule(WEIR_RATE_BITS, UINT64_C(1000000000000000), 3, 0);

	/* 1 Gbit/s: 8 ns a byte; the burst after 100, 200 and 300 bytes begins after all of them */
	CU_ASSERT_EQUAL(next(&s, 100), START);
	CU_ASSERT_EQUAL(next(&s, 200), START);
	CU_ASSERT_EQUAL(next(&s, 300), START);
	CU_ASSERT_EQUAL(next(&s, 64), START + 4800);
}

static void
test_recorded(void)
{
	static const int64_t stamps[] = { 5000, 5000, 6000, 5500, WEIR_TIME_NONE, 9001, 4000,
		10000 };
	static const int64_t as_fast[] = { 0, 0, 1000, 1000, 1000, 4001, 4001, 5000 };
	static const int64_t thrice[] = { 0, 0, 333, 333, 333, 1333, 1333, 1666 };
	struct weir_schedule a = schedule(WEIR_RATE_RECORDED, 1000000, 0, 0);
	struct weir_schedule b = schedule(WEIR_RATE_RECORDED, 3000000, 0, 0);

	for (unsigned i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++) {
		CU_ASSERT_EQUAL(weir_schedule_time(&a, stamps[i]), START + as_fast[i]);
		CU_ASSERT_EQUAL(weir_schedule_time(&a, stamps[i]), START + as_fast[i]);
		weir_schedule_advance(&a, 64);
		CU_ASSERT_EQUAL(weir_schedule_time(&b, stamps[i]), START + thrice[i]);
		weir_schedule_advance(&b, 64);
	}
	/* slower by a million, for longer than 63 bits hold */
	b = schedule(WEIR_RATE_RECORDED, 1, 0, 0);
	CU_ASSERT_EQUAL(weir_schedule_time(&b, 0), START);
	CU_ASSERT_EQUAL(weir_schedule_time(&b, INT64_MAX), INT64_MAX);
}

static void
test_before(void)
{
	struct weir_schedule s = schedule(WEIR_RATE_PACKETS, rates[5], 0, 0);
	struct weir_schedule by_rate = schedule(WEIR_RATE_PACKETS, rates[5], 32, 0);
	struct weir_schedule by_time = schedule(WEIR_RATE_MAX, 0, 5, 1000001);
	struct weir_schedule bits = schedule(WEIR_RATE_BITS, rates[5], 0, 0);
	struct weir_schedule *all[] = { &s, &by_rate, &by_time };

	CU_ASSERT_EQUAL(weir_schedule_before(&bits, START + 5), UINT64_MAX);
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned k = 0; k < 77; k++)
			weir_schedule_advance(all[i], 64);
		for (int64_t end = START; end < START + 20000000; end += 333667) {
			struct weir_schedule walk = *all[i];
			uint64_t n = 0;

			while (weir_schedule_time(&walk, WEIR_TIME_NONE) < end) {
				weir_schedule_advance(&walk, 64);
				n++;
			}
			CU_ASSERT_EQUAL(weir_schedule_before(all[i], end), n);
		}
	}
}

static void
test_refuse(void)
{
	struct weir_schedule_config recorded = { .rate = { WEIR_RATE_RECORDED, 1000000 },
		.burst = 2 };
	struct weir_schedule_config max = { .rate = { WEIR_RATE_MAX, 0 }, .burst = 2 };
	struct weir_schedule s;
	struct weir_error err;

	CU_ASSERT_NOT_EQUAL(weir_schedule_init(&s, &recorded, &err), 0);
	CU_ASSERT_NOT_EQUAL(weir_schedule_init(&s, &max, &err), 0);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "packet k at start + k / rate", test_packets },
		{ "no drift after 10^12 packets", test_no_drift },
		{ "a jump is as many steps", test_skip },
		{ "bits of frames and of the line", test_bits },
		{ "10 Gbit/s are 14 880 952 packets", test_line_rate },
		{ "bursts", test_bursts },
		{ "bursts at a rate in bits", test_bursts_of_bits },
		{ "recorded times", test_recorded },
		{ "how many before a time", test_before },
		{ "bursts that cannot be", test_refuse },
		CU_TEST_INFO_NULL,
	};

	return check_run("schedule", tests);
}
