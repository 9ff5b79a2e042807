/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>
#include <weir/sketch/origin.h>

#include "check.h"

static void
add(struct weir_origin *o, int64_t first, int64_t end)
{
	for (int64_t i = first; i < end; i++)
		weir_origin_add(o, &(struct weir_origin_packet){ i, i + 1 });
}

static void
test_few(void)
{
	struct weir_origin o = { 0 };

	add(&o, 0, WEIR_ORIGIN_PACKETS);
	CU_ASSERT_EQUAL(o.n, WEIR_ORIGIN_PACKETS);
	CU_ASSERT_EQUAL(o.seen, WEIR_ORIGIN_PACKETS);
	for (unsigned i = 0; i < o.n; i++) {
		CU_ASSERT_EQUAL(o.packets[i].arrived_ns, i);
		CU_ASSERT_EQUAL(o.packets[i].taken_ns, i + 1);
	}
	weir_origin_forget(&o);
	CU_ASSERT_EQUAL(o.n, 0);
	CU_ASSERT_EQUAL(o.seen, 0);
	add(&o, 7, 8);
	CU_ASSERT_EQUAL(o.n, 1);
	CU_ASSERT_EQUAL(o.packets[0].arrived_ns, 7);
}

/* Of 1000 packets each is in as many samples as any other: a tenth of them in a tenth of the
 * places.
 */
static void
test_many(void)
{
	enum { N = 1000, TIMES = 2000, PARTS = 10 };
	struct weir_origin o = { 0 };
	unsigned in[PARTS] = { 0 };

	for (unsigned t = 0; t < TIMES; t++) {
		weir_origin_forget(&o);
		add(&o, 0, N);
		CU_ASSERT_EQUAL_FATAL(o.n, WEIR_ORIGIN_PACKETS);
		CU_ASSERT_EQUAL_FATAL(o.seen, N);
		for (unsigned i = 0; i < o.n; i++)
			in[o.packets[i].arrived_ns / (N / PARTS)]++;
	}
	/* 6400 each; ten standard deviations are 760 */
	for (unsigned p = 0; p < PARTS; p++)
		CU_ASSERT(abs((int)in[p] - TIMES * WEIR_ORIGIN_PACKETS / PARTS) < 760);
}

/* Merged, a part that stands for three times as many has three times the places. */
static void
test_merge(void)
{
	enum { TIMES = 2000 };
	struct weir_origin a = { 0 }, b = { 0 };
	unsigned of_b = 0;

	for (unsigned t = 0; t < TIMES; t++) {
		weir_origin_forget(&a);
		weir_origin_forget(&b);
		add(&a, 0, 1000);
		add(&b, 1000, 4000);
		a.handed_ns = 5;
		b.handed_ns = 9;
		weir_origin_merge(&a, &b);
		CU_ASSERT_EQUAL_FATAL(a.n, WEIR_ORIGIN_PACKETS);
		CU_ASSERT_EQUAL_FATAL(a.seen, 4000);
		CU_ASSERT_EQUAL_FATAL(a.handed_ns, 9);
		for (unsigned i = 0; i < a.n; i++)
			of_b += a.packets[i].arrived_ns >= 1000;
	}
	/* 48000; ten standard deviations are 1100 */
	CU_ASSERT(abs((int)of_b - TIMES * WEIR_ORIGIN_PACKETS * 3 / 4) < 1100);
}

static void
test_merge_few(void)
{
	struct weir_origin a = { 0 }, b = { 0 };
	unsigned seen[5] = { 0 };

	add(&a, 0, 2);
	add(&b, 2, 5);
	weir_origin_merge(&a, &b);
	CU_ASSERT_EQUAL_FATAL(a.n, 5);
	CU_ASSERT_EQUAL(a.seen, 5);
	for (unsigned i = 0; i < a.n; i++)
		seen[a.packets[i].arrived_ns]++;
	for (unsigned i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(seen[i], 1);
	CU_ASSERT_EQUAL(b.n, 3);
	weir_origin_forget(&b);
	weir_origin_merge(&a, &b); /* nothing */
	CU_ASSERT_EQUAL(a.n, 5);
}

int
main(void)
{
	const CU_TestInfo tests[] = {
		{ "as many as there is room for are all there", test_few },
		{ "of more, each is as likely to be there", test_many },
		{ "merged samples stand for what they stood for", test_merge },
		{ "few are merged whole", test_merge_few },
		CU_TEST_INFO_NULL,
	};

	return check_run("origin", tests);
}
