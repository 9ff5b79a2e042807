/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/exchange/exchange.h>

#include "check.h"

static const struct weir_exchange_column column = { WEIR_INT, WEIR_U32 };

static struct weir_exchange *
create(unsigned n_workers)
{
	struct weir_exchange_spec spec = {
		.n_workers = n_workers, .n_columns = 1, .columns = &column, .n_blocks = 2
	};
	struct weir_exchange *x = NULL;

	CU_ASSERT_EQUAL_FATAL(weir_exchange_create(&spec, &x, NULL), 0);
	return x;
}

/* One row from a worker to another, in a block that is not shipped yet. */
static void
put_one(struct weir_exchange *x, unsigned from, unsigned to, int64_t number,
    struct weir_exchange_counters *counters)
{
	struct weir_column c;
	const struct weir_column *list[] = { &c };
	uint64_t sel[WEIR_MASK_WORDS] = { 1 }, left[WEIR_MASK_WORDS];
	uint16_t worker = (uint16_t)to;
	int64_t time_ns = number;

	CU_ASSERT_EQUAL_FATAL(weir_column_init(&c, WEIR_INT, WEIR_U32, WEIR_ROWS), 0);
	weir_exchange_put(x, from,
	    &(struct weir_exchange_rows){ 1, sel, left, list, &time_ns, number, &worker },
	    counters);
	CU_ASSERT_EQUAL(weir_mask_count(left), 0);
	weir_column_fini(&c);
}

static void
send_one(struct weir_exchange *x, unsigned from, unsigned to, int64_t number)
{
	struct weir_exchange_counters counters = { 0 };

	put_one(x, from, to, number, &counters);
	weir_exchange_flush(x, from, &counters);
	CU_ASSERT_EQUAL(counters.rows, from != to);
	CU_ASSERT_EQUAL(counters.blocks, from != to);
}

/* Rows that come one by one for a receiver who sleeps do not use up its blocks. */
static void
a_gentle_flush_leaves_blocks(void)
{
	const struct weir_exchange_spec spec = {
		.n_workers = 2, .n_columns = 1, .columns = &column, .n_blocks = 8
	};
	struct weir_exchange_counters counters = { 0 };
	struct weir_exchange_block *b;
	unsigned n = 0, n_blocks = 0;
	struct weir_exchange *x;

	CU_ASSERT_EQUAL_FATAL(weir_exchange_create(&spec, &x, NULL), 0);
	CU_ASSERT(weir_exchange_flush_gently(x, 0, &counters)); /* there is nothing */
	do
		put_one(x, 0, 1, ++n, &counters);
	while (weir_exchange_flush_gently(x, 0, &counters));
	CU_ASSERT_EQUAL(counters.blocks, 4);
	while (n < 200) { /* all in the block that is held back */
		put_one(x, 0, 1, ++n, &counters);
		CU_ASSERT(!weir_exchange_flush_gently(x, 0, &counters));
	}
	CU_ASSERT_EQUAL(counters.refused, 0);
	for (; (b = weir_exchange_take(x, 1)); n_blocks++)
		weir_exchange_give_back(x, 1, b);
	CU_ASSERT_EQUAL(n_blocks, counters.blocks);
	CU_ASSERT(weir_exchange_flush_gently(x, 0, &counters));
	b = weir_exchange_take(x, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_EQUAL(b->n, 200 - n_blocks);
	weir_exchange_give_back(x, 1, b);
	weir_exchange_destroy(x);
}

static void
the_lowest_watermark_counts(void)
{
	struct weir_exchange *x = create(3);

	CU_ASSERT_EQUAL(weir_exchange_low(x), INT64_MIN);
	weir_exchange_publish(x, 0, 100);
	weir_exchange_publish(x, 2, 50);
	CU_ASSERT_EQUAL(weir_exchange_low(x), INT64_MIN);
	weir_exchange_publish(x, 1, 70);
	CU_ASSERT_EQUAL(weir_exchange_low(x), 50);
	weir_exchange_publish(x, 2, INT64_MAX);
	CU_ASSERT_EQUAL(weir_exchange_low(x), 70);
	weir_exchange_publish(x, 0, INT64_MAX);
	weir_exchange_publish(x, 1, INT64_MAX);
	CU_ASSERT_EQUAL(weir_exchange_low(x), INT64_MAX);
	weir_exchange_destroy(x);
}

static void
senders_take_turns(void)
{
	struct weir_exchange *x = create(4);
	struct weir_exchange_block *b;
	unsigned n_of[4] = { 0 };

	for (unsigned from = 0; from < 4; from++)
		for (unsigned i = 0; i < 2 && from != 1; i++)
			send_one(x, from, 1, i + 1);
	for (unsigned i = 0; i < 6; i++) {
		b = weir_exchange_take(x, 1);
		CU_ASSERT_PTR_NOT_NULL_FATAL(b);
		CU_ASSERT_EQUAL(b->n, 1);
		CU_ASSERT_EQUAL(b->number[0], ++n_of[b->from]);
		if (i == 2) /* one of each */
			CU_ASSERT(n_of[0] == 1 && n_of[2] == 1 && n_of[3] == 1);
		weir_exchange_give_back(x, 1, b);
	}
	CU_ASSERT_PTR_NULL(weir_exchange_take(x, 1));
	CU_ASSERT_PTR_NULL(weir_exchange_take(x, 0));
	weir_exchange_destroy(x);
}

static void
a_flush_of_nothing_ships_nothing(void)
{
	struct weir_exchange *x = create(2);
	struct weir_exchange_counters counters = { 0 };

	weir_exchange_flush(x, 0, &counters);
	CU_ASSERT_EQUAL(counters.blocks, 0);
	CU_ASSERT_PTR_NULL(weir_exchange_take(x, 1));
	for (unsigned i = 0; i < 10; i++) { /* blocks go round */
		send_one(x, 0, 1, i + 1);
		weir_exchange_give_back(x, 1, weir_exchange_take(x, 1));
	}
	weir_exchange_destroy(x);
}

static void
one_worker_has_nobody_to_send_to(void)
{
	struct weir_exchange *x = create(1);

	send_one(x, 0, 0, 1);
	CU_ASSERT_PTR_NULL(weir_exchange_take(x, 0));
	weir_exchange_destroy(x);
}

static void
memory_is_said(void)
{
	struct weir_exchange_spec spec = { .n_workers = 1, .n_columns = 1, .columns = &column };
	uint64_t one = weir_exchange_bytes(&spec), two, twice;

	CU_ASSERT(one < 4096);
	spec.n_workers = 2;
	two = weir_exchange_bytes(&spec);
	/* 8 blocks each way; a row takes 4 bytes, its time 8 and its number 8. */
	CU_ASSERT(two > 2 * WEIR_EXCHANGE_BLOCKS * WEIR_ROWS * 20);
	CU_ASSERT(two < 3 * WEIR_EXCHANGE_BLOCKS * WEIR_ROWS * 20);
	spec.n_blocks = 2 * WEIR_EXCHANGE_BLOCKS;
	twice = weir_exchange_bytes(&spec);
	CU_ASSERT(twice > two + 2 * WEIR_EXCHANGE_BLOCKS * WEIR_ROWS * 20);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "the lowest watermark counts", the_lowest_watermark_counts },
		{ "senders take turns", senders_take_turns },
		{ "a flush of nothing ships nothing", a_flush_of_nothing_ships_nothing },
		{ "a gentle flush leaves blocks", a_gentle_flush_leaves_blocks },
		{ "one worker has nobody to send to", one_worker_has_nobody_to_send_to },
		{ "memory is said", memory_is_said },
		CU_TEST_INFO_NULL,
	};

	return check_run("exchange: protocol", tests);
}
