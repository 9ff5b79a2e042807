/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/exchange/exchange.h>

#include "check.h"
#include "random.h"

static const struct weir_exchange_column column = { WEIR_INT, WEIR_I64 };

static struct weir_exchange *
create(unsigned n_workers, unsigned n_blocks)
{
	struct weir_exchange_spec spec = {
		.n_workers = n_workers,
		.n_columns = 1,
		.columns = &column,
		.n_blocks = n_blocks,
		.is_ordered = true,
	};
	struct weir_exchange *x = NULL;

	CU_ASSERT_EQUAL_FATAL(weir_exchange_create(&spec, &x, NULL), 0);
	return x;
}

/* One row of a frame, in a block that is not shipped yet. Whether there was room. */
static bool
put(struct weir_exchange *x, unsigned from, unsigned to, int64_t number)
{
	struct weir_exchange_counters counters = { 0 };
	int64_t data[64] = { 3 * number }, time_ns = number;
	uint64_t null[WEIR_MASK_WORDS] = { 0 };
	struct weir_column c = { .type = WEIR_INT, .store = WEIR_I64, .data = data, .null = null };
	const struct weir_column *list[] = { &c };
	uint64_t sel[WEIR_MASK_WORDS] = { 1 }, left[WEIR_MASK_WORDS];
	uint16_t worker = (uint16_t)to;

	weir_exchange_put(x, from,
	    &(struct weir_exchange_rows){ 1, sel, left, list, &time_ns, number, &worker },
	    &counters);
	CU_ASSERT_EQUAL(weir_mask_count(sel), 0);
	CU_ASSERT_EQUAL(counters.rows + weir_mask_count(left), 1);
	return counters.rows;
}

static void
flush(struct weir_exchange *x, unsigned from)
{
	struct weir_exchange_counters counters = { 0 };

	weir_exchange_flush(x, from, &counters);
}

/* Take all there is: must be n rows, whose numbers ascend from *last on. */
static void
expect(struct weir_exchange *x, unsigned to, unsigned n, int64_t *last)
{
	struct weir_exchange_block *b;

	while ((b = weir_exchange_take(x, to))) {
		CU_ASSERT(b->first < b->end && b->end <= b->n);
		for (uint32_t r = b->first; r < b->end; r++, n--) {
			CU_ASSERT(b->number[r] > *last);
			CU_ASSERT_EQUAL(b->time_ns[r], b->number[r]);
			CU_ASSERT_EQUAL(
			    ((const int64_t *)b->columns[0]->data)[r], 3 * b->number[r]);
			*last = b->number[r];
		}
		weir_exchange_give_back(x, to, b);
	}
	CU_ASSERT_EQUAL(n, 0);
}

static void
rows_wait_for_lower_numbers(void)
{
	struct weir_exchange *x = create(3, 2);
	int64_t last = 0;

	for (int64_t i = 10; i < 20; i++)
		put(x, 0, 1, i);
	flush(x, 0);
	expect(x, 1, 0, &last); /* the others have said nothing */
	weir_exchange_publish_number(x, 2, 15);
	expect(x, 1, 0, &last);
	weir_exchange_publish_number(x, 1, 13);
	expect(x, 1, 3, &last); /* 10 to 12 */
	CU_ASSERT_EQUAL(last, 12);
	weir_exchange_publish_number(x, 1, 30);
	expect(x, 1, 2, &last); /* 13 and 14 */
	put(x, 2, 1, 22);
	expect(x, 1, 0, &last);
	flush(x, 2);
	expect(x, 1, 5, &last); /* to 19: who sent them may send 20 yet */
	CU_ASSERT_EQUAL(last, 19);
	weir_exchange_publish_number(x, 0, 25);
	expect(x, 1, 1, &last);
	CU_ASSERT_EQUAL(last, 22);
	weir_exchange_destroy(x);
}

static void
own_rows_wait_too(void)
{
	struct weir_exchange *x = create(2, 2);
	int64_t last = 0;

	put(x, 1, 1, 5);
	flush(x, 1);
	expect(x, 1, 0, &last);
	put(x, 0, 1, 4);
	flush(x, 0);
	expect(x, 1, 1, &last); /* 4 alone */
	CU_ASSERT_EQUAL(last, 4);
	weir_exchange_publish_number(x, 0, 6);
	expect(x, 1, 1, &last);
	weir_exchange_destroy(x);
	x = create(1, 2); /* nobody else there is to wait for */
	last = 0;
	put(x, 0, 0, 7);
	flush(x, 0);
	expect(x, 0, 1, &last);
	weir_exchange_destroy(x);
}

/* A block that is filled in part: its first row is what may come yet. */
static void
a_number_does_not_pass_rows_that_are_held_back(void)
{
	struct weir_exchange *x = create(2, 4);
	int64_t last = 0;

	put(x, 0, 1, 8);
	weir_exchange_publish_number(x, 0, 20);
	put(x, 1, 1, 7);
	put(x, 1, 1, 9);
	flush(x, 1);
	expect(x, 1, 1, &last);
	CU_ASSERT_EQUAL(last, 7);
	flush(x, 0);
	expect(x, 1, 1, &last);
	CU_ASSERT_EQUAL(last, 8);
	weir_exchange_publish_number(x, 0, 20);
	expect(x, 1, 1, &last);
	CU_ASSERT_EQUAL(last, 9);
	weir_exchange_destroy(x);
}

static void
time_settles_when_what_was_before_is_taken(void)
{
	struct weir_exchange *x = create(2, 2);
	int64_t last = 0;

	CU_ASSERT_EQUAL(weir_exchange_settled(x, 1), INT64_MIN);
	put(x, 0, 1, 10);
	flush(x, 0);
	weir_exchange_publish_number(x, 0, 11);
	weir_exchange_publish(x, 0, 1000);
	weir_exchange_publish_number(x, 1, 5);
	weir_exchange_publish(x, 1, 2000);
	expect(x, 1, 0, &last); /* 10 waits for what worker 1 may send */
	CU_ASSERT_EQUAL(weir_exchange_low(x), 1000);
	CU_ASSERT_EQUAL(weir_exchange_settled(x, 1), INT64_MIN);
	weir_exchange_publish_number(x, 1, 11);
	CU_ASSERT_EQUAL(weir_exchange_settled(x, 1), INT64_MIN); /* it has not been taken yet */
	expect(x, 1, 1, &last);
	CU_ASSERT_EQUAL(weir_exchange_settled(x, 1), 1000);
	/* Later times count when what came before them has been taken. */
	put(x, 0, 1, 20);
	flush(x, 0);
	weir_exchange_publish_number(x, 0, 21);
	weir_exchange_publish(x, 0, 3000);
	weir_exchange_publish(x, 1, 4000);
	expect(x, 1, 0, &last);
	CU_ASSERT_EQUAL(weir_exchange_settled(x, 1), 1000);
	weir_exchange_publish_number(x, 1, INT64_MAX);
	weir_exchange_publish(x, 1, INT64_MAX);
	expect(x, 1, 1, &last);
	CU_ASSERT_EQUAL(weir_exchange_settled(x, 1), 3000);
	weir_exchange_publish_number(x, 0, INT64_MAX);
	weir_exchange_publish(x, 0, INT64_MAX);
	expect(x, 1, 0, &last);
	CU_ASSERT_EQUAL(weir_exchange_settled(x, 1), INT64_MAX);
	weir_exchange_destroy(x);
}

static void
memory_is_said(void)
{
	struct weir_exchange_spec spec = { .n_workers = 4, .n_columns = 1, .columns = &column };
	uint64_t unordered = weir_exchange_bytes(&spec), ordered;

	spec.is_ordered = true;
	ordered = weir_exchange_bytes(&spec);
	CU_ASSERT(ordered - unordered > unordered / 4); /* 16 lanes instead of 12 */
	CU_ASSERT(ordered - unordered < unordered / 2);
}

/*
 * Workers take bursts by turns and send their rows, most of them to one. With a block or two a pair
 * they wait for each other nearly always; each goes on taking and publishing meanwhile. Meant for
 * ThreadSanitizer too.
 */
#define MOST_WORKERS 6
#define LAST_NUMBER  120000

struct crowd {
	struct weir_exchange *x;
	unsigned n_workers;
	_Atomic int64_t taken; /* numbers */
	_Atomic uint64_t sum[MOST_WORKERS];
	_Atomic uint64_t n[MOST_WORKERS];
};

struct member {
	struct crowd *c;
	unsigned id;
	pthread_t thread;
	uint64_t rng;
	struct weir_exchange_counters counters;
	int64_t last;
	int64_t settled;
	uint64_t n_taken;
	uint64_t sum;
	unsigned n_wrong;
};

static void
gather(struct member *m)
{
	struct weir_exchange_block *b;
	int64_t settled;

	while ((b = weir_exchange_take(m->c->x, m->id))) {
		for (uint32_t r = b->first; r < b->end; r++) {
			m->n_wrong += b->number[r] <= m->last;
			m->n_wrong += b->time_ns[r] <= m->settled;
			m->last = b->number[r];
			m->sum += (uint64_t)((const int64_t *)b->columns[0]->data)[r];
			m->n_taken++;
		}
		weir_exchange_give_back(m->c->x, m->id, b);
	}
	settled = weir_exchange_settled(m->c->x, m->id);
	m->n_wrong += settled < m->settled;
	m->settled = settled;
}

static void
rest(struct member *m)
{
	uint64_t x = random_next(&m->rng);

	if (x % 64 == 0)
		usleep((useconds_t)(x >> 32) % 500);
	else
		sched_yield();
}

/* Between two bursts: nothing is in work. */
static void
look_around(struct member *m)
{
	/* Event time is the number: what has not been taken is above. */
	int64_t taken = atomic_load(&m->c->taken);
	bool is_all = true;

	if (random_next(&m->rng) % 2)
		is_all = weir_exchange_flush_gently(m->c->x, m->id, &m->counters);
	else
		weir_exchange_flush(m->c->x, m->id, &m->counters);
	weir_exchange_publish_number(m->c->x, m->id, taken + 1);
	if (is_all)
		weir_exchange_publish(m->c->x, m->id, taken);
}

static void
send_burst(struct member *m, struct weir_column *column_of, uint32_t n, int64_t first)
{
	const struct weir_column *list[] = { column_of };
	uint64_t sel[WEIR_MASK_WORDS], left[WEIR_MASK_WORDS];
	int64_t time_ns[WEIR_ROWS], low;
	uint16_t worker[WEIR_ROWS];
	struct weir_exchange_rows rows = { n, sel, left, list, time_ns, first, worker };

	weir_mask_first(sel, n);
	for (uint32_t r = 0; r < n; r++) {
		uint64_t x = random_next(&m->rng);
		unsigned to = x % 8 ? 0 : (unsigned)(x >> 8) % m->c->n_workers;

		((int64_t *)column_of->data)[r] = (int64_t)(x >> 20);
		time_ns[r] = first + r;
		worker[r] = (uint16_t)to;
		atomic_fetch_add(&m->c->sum[to], x >> 20);
		atomic_fetch_add(&m->c->n[to], 1);
	}
	for (;;) {
		weir_exchange_put(m->c->x, m->id, &rows, &m->counters);
		if (!weir_mask_count(left))
			return;
		memcpy(sel, left, sizeof(sel));
		low = first;
		while (!weir_mask_test(left, (unsigned)(low - first)))
			low++;
		(void)weir_exchange_flush_gently(m->c->x, m->id, &m->counters);
		weir_exchange_publish_number(m->c->x, m->id, low);
		gather(m);
		rest(m);
	}
}

static void *
work(void *arg)
{
	struct member *m = arg;
	struct weir_column c;

	if (weir_column_init(&c, WEIR_INT, WEIR_I64, WEIR_ROWS))
		abort();
	for (;;) {
		uint32_t n = (uint32_t)(random_next(&m->rng) % WEIR_ROWS) + 1;
		int64_t first = atomic_fetch_add(&m->c->taken, n) + 1;

		if (first > LAST_NUMBER)
			break;
		send_burst(m, &c, n, first);
		if (random_next(&m->rng) % 4 == 0)
			look_around(m);
		if (random_next(&m->rng) % 3 == 0)
			gather(m);
		if (random_next(&m->rng) % 16 == 0)
			rest(m);
	}
	weir_exchange_flush(m->c->x, m->id, &m->counters);
	weir_exchange_publish_number(m->c->x, m->id, INT64_MAX);
	weir_exchange_publish(m->c->x, m->id, INT64_MAX);
	while (m->settled != INT64_MAX) {
		gather(m);
		rest(m);
	}
	weir_column_fini(&c);
	return NULL;
}

static void
crowd_of(unsigned n_workers, unsigned n_blocks)
{
	struct crowd c = { .x = create(n_workers, n_blocks), .n_workers = n_workers };
	struct member *members = calloc(n_workers, sizeof(*members));
	uint64_t refused = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(members);
	for (unsigned i = 0; i < n_workers; i++) {
		members[i].c = &c;
		members[i].id = i;
		members[i].rng = i + 100 * n_blocks;
		members[i].settled = INT64_MIN;
		CU_ASSERT_EQUAL_FATAL(
		    pthread_create(&members[i].thread, NULL, work, &members[i]), 0);
	}
	for (unsigned i = 0; i < n_workers; i++)
		pthread_join(members[i].thread, NULL);
	for (unsigned i = 0; i < n_workers; i++) {
		CU_ASSERT_EQUAL(members[i].n_wrong, 0);
		CU_ASSERT_EQUAL(members[i].n_taken, c.n[i]);
		CU_ASSERT_EQUAL(members[i].sum, c.sum[i]);
		refused += members[i].counters.refused;
	}
	CU_ASSERT(refused > 0); /* else nobody has waited */
	weir_exchange_destroy(c.x);
	free(members);
}

static void
all_get_on_with_little_room(void)
{
	crowd_of(2, 1);
	crowd_of(3, 2);
	crowd_of(MOST_WORKERS, 1);
	crowd_of(MOST_WORKERS, 3);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "rows wait for lower numbers", rows_wait_for_lower_numbers },
		{ "own rows wait too", own_rows_wait_too },
		{ "a number does not pass rows that are held back",
		    a_number_does_not_pass_rows_that_are_held_back },
		{ "time settles when what was before is taken",
		    time_settles_when_what_was_before_is_taken },
		{ "memory is said", memory_is_said },
		{ "all get on with little room", all_get_on_with_little_room },
		CU_TEST_INFO_NULL,
	};

	return check_run("exchange: order", tests);
}
