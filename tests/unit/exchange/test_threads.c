/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include <weir/exchange/exchange.h>

#include "check.h"
#include "random.h"

/*
 * All send to all, with two blocks a pair and room for a few strings in each, so that everyone is
 * blocked most of the time. Meant for ThreadSanitizer too.
 */

#define WORKERS 4
#define BATCHES 1500

static const struct weir_exchange_column columns[] = {
	{ WEIR_INT, WEIR_I64 },
	{ WEIR_STRING, WEIR_BYTES },
};

struct worker {
	struct weir_exchange *x;
	unsigned id;
	pthread_t thread;
	uint64_t rng;
	int64_t number; /* of the last row that was made; its event time too */

	struct weir_exchange_counters counters;
	uint64_t n_sent[WORKERS];
	uint64_t sum_sent[WORKERS];

	/* as receiver, by sender */
	uint64_t n_taken[WORKERS];
	uint64_t sum_taken[WORKERS];
	int64_t last[WORKERS];
	int64_t low; /* all rows up to here have arrived */
	unsigned n_wrong;
};

static const uint8_t text[] = "the quick brown fox jumps over the lazy dog";

static void
take_block(struct worker *w, const struct weir_exchange_block *b)
{
	const int64_t *data = b->columns[0]->data;
	const struct weir_bytes *strings = b->columns[1]->data;

	for (uint32_t r = 0; r < b->n; r++) {
		uint32_t len = (uint32_t)data[r] % 40;

		w->n_wrong += b->number[r] <= w->last[b->from]; /* out of order, or twice */
		w->n_wrong += b->time_ns[r] <= w->low;          /* after its watermark */
		w->n_wrong += strings[r].len != len || memcmp(strings[r].p, text, len) != 0;
		w->last[b->from] = b->number[r];
		w->n_taken[b->from]++;
		w->sum_taken[b->from] += (uint64_t)data[r];
	}
}

/* First the watermark, and then all there is. */
static void
drain(struct worker *w)
{
	int64_t low = weir_exchange_low(w->x);
	struct weir_exchange_block *b;

	while ((b = weir_exchange_take(w->x, w->id))) {
		take_block(w, b);
		weir_exchange_give_back(w->x, w->id, b);
	}
	w->low = low;
}

static void
send_batch(struct worker *w, struct weir_column *c)
{
	const struct weir_column *list[] = { &c[0], &c[1] };
	uint64_t sel[WEIR_MASK_WORDS], left[WEIR_MASK_WORDS];
	int64_t time_ns[WEIR_ROWS];
	uint16_t worker[WEIR_ROWS];
	struct weir_exchange_rows rows = { (uint32_t)(random_next(&w->rng) % WEIR_ROWS) + 1, sel,
		left, list, time_ns, w->number + 1, worker };

	weir_mask_first(sel, rows.n);
	for (uint32_t r = 0; r < rows.n; r++) {
		uint64_t x = random_next(&w->rng) >> 1;

		((int64_t *)c[0].data)[r] = (int64_t)x;
		((struct weir_bytes *)c[1].data)[r] = (struct weir_bytes){ text, (uint32_t)x % 40 };
		time_ns[r] = ++w->number;
		worker[r] = (uint16_t)(random_next(&w->rng) % WORKERS);
		w->n_sent[worker[r]] += worker[r] != w->id;
		w->sum_sent[worker[r]] += worker[r] != w->id ? x : 0;
	}
	for (;;) {
		weir_exchange_put(w->x, w->id, &rows, &w->counters);
		if (!weir_mask_count(left))
			return;
		memcpy(sel, left, sizeof(sel));
		drain(w);
		sched_yield();
	}
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct weir_column c[2];

	for (unsigned i = 0; i < 2; i++)
		if (weir_column_init(&c[i], columns[i].type, columns[i].store, WEIR_ROWS))
			abort();
	for (unsigned i = 0; i < BATCHES; i++) {
		send_batch(w, c);
		if (random_next(&w->rng) % 3 == 0) {
			weir_exchange_flush(w->x, w->id, &w->counters);
			weir_exchange_publish(w->x, w->id, w->number);
		}
		if (random_next(&w->rng) % 2 == 0)
			drain(w);
	}
	weir_exchange_flush(w->x, w->id, &w->counters);
	weir_exchange_publish(w->x, w->id, INT64_MAX);
	while (w->low != INT64_MAX) {
		drain(w);
		sched_yield();
	}
	for (unsigned i = 0; i < 2; i++)
		weir_column_fini(&c[i]);
	return NULL;
}

static void
all_send_to_all(void)
{
	struct weir_exchange_spec spec = { WORKERS, 2, columns, 2, 128 };
	struct worker *workers = calloc(WORKERS, sizeof(*workers));
	struct weir_exchange *x;
	uint64_t refused = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(workers);
	CU_ASSERT_EQUAL_FATAL(weir_exchange_create(&spec, &x, NULL), 0);
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i].x = x;
		workers[i].id = i;
		workers[i].rng = i;
		workers[i].low = INT64_MIN;
		CU_ASSERT_EQUAL_FATAL(
		    pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
	for (unsigned to = 0; to < WORKERS; to++) {
		CU_ASSERT_EQUAL(workers[to].n_wrong, 0);
		CU_ASSERT_EQUAL(workers[to].counters.too_large, 0);
		refused += workers[to].counters.refused;
		for (unsigned from = 0; from < WORKERS; from++) {
			CU_ASSERT_EQUAL(workers[to].n_taken[from], workers[from].n_sent[to]);
			CU_ASSERT_EQUAL(workers[to].sum_taken[from], workers[from].sum_sent[to]);
			CU_ASSERT(from == to || workers[to].n_taken[from] > 0);
		}
	}
	CU_ASSERT(refused > 0); /* else the bound was not tried */
	weir_exchange_destroy(x);
	free(workers);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "all send to all, with little room", all_send_to_all },
		CU_TEST_INFO_NULL,
	};

	return check_run("exchange: threads", tests);
}
