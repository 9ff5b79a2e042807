/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>

#include "check.h"
#include "stream.h"

/* A key, and a number to sum; time runs on by about `step` a row, with disorder of up to `jitter`.
 */
static void
make_stream(
    struct stream *s, uint32_t n, int64_t begin, int64_t step, int64_t jitter, uint64_t seed)
{
	uint64_t rng = seed;
	int64_t t = begin;

	stream_init(s, n);
	stream_column(s, WEIR_INT, WEIR_U16);
	stream_column(s, WEIR_INT, WEIR_U32);
	stream_fill(s, 0, 20, 40, &rng);
	stream_fill(s, 1, 1000, 5, &rng);
	for (uint32_t r = 0; r < n; r++) {
		t += (int64_t)(random_next(&rng) % (uint64_t)(2 * step + 1));
		s->time_ns[r] = t - (int64_t)(random_next(&rng) % (uint64_t)(jitter + 1));
		if (random_next(&rng) % 50 == 0)
			s->time_ns[r] = WEIR_TIME_NONE;
		s->is_selected[r] = random_next(&rng) % 10 != 0;
	}
}

static struct query
tumbling(int64_t size_ns, int64_t lateness_ns)
{
	return (struct query){
		.window = { .kind = WEIR_WINDOW_TUMBLING, .size_ns = size_ns },
		.lateness_ns = lateness_ns,
		.n_keys = 1,
		.n_calls = 2,
		.calls = { { "count", -1 }, { "sum", 1 } },
		.table_size = 1000,
		.seed = 3,
	};
}

/* However the rows are cut into batches, closed on the way and spread over cores. */
static void
check(const struct stream *s, const struct query *q)
{
	static const struct {
		uint32_t max_batch;
		uint64_t seed;
		unsigned cores;
		bool is_closing;
	} ways[] = {
		{ WEIR_ROWS, 0, 1, false },
		{ WEIR_ROWS, 0, 1, true },
		{ 1, 0, 1, true },
		{ 7, 0, 1, true },
		{ WEIR_ROWS, 11, 1, true },
		{ 64, 12, 1, false },
		{ WEIR_ROWS, 0, 3, false },
		{ WEIR_ROWS, 13, 4, true },
	};
	struct answer want, got;

	answer_worked_out(&want, s, q);
	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		answer_fed(
		    &got, s, q, ways[i].max_batch, ways[i].seed, ways[i].cores, ways[i].is_closing);
		CU_ASSERT_EQUAL(answer_differs(&got, &want), 0);
		answer_fini(&got);
	}
	answer_fini(&want);
}

static void
global_window_spans_its_rows(void)
{
	struct query q = tumbling(1, 0);
	struct stream s;

	q.window = (struct weir_window){ .kind = WEIR_WINDOW_GLOBAL };
	make_stream(&s, 3000, 1000000, 10, 500, 1);
	check(&s, &q);
	/* No row has a time: nor has the window. */
	for (uint32_t r = 0; r < s.n; r++)
		s.time_ns[r] = WEIR_TIME_NONE;
	check(&s, &q);
	stream_fini(&s);
}

static void
in_order_rows(void)
{
	struct query q = tumbling(1000, 0);
	struct stream s;

	make_stream(&s, 5000, 123456, 10, 0, 2);
	check(&s, &q);
	stream_fini(&s);
}

static void
disordered_and_late_rows(void)
{
	static const int64_t lateness[] = { 0, 1, 50, 1000, 100000 };
	static const int64_t sizes[] = { 7, 100, 1000 };
	struct answer a;

	for (unsigned i = 0; i < 5; i++)
		for (unsigned j = 0; j < 3; j++) {
			struct query q = tumbling(sizes[j], lateness[i]);
			struct stream s;

			make_stream(&s, 3000, 1000, 2, 700, i * 3 + j + 10);
			check(&s, &q);
			answer_fed(&a, &s, &q, WEIR_ROWS, 0, 1, false);
			CU_ASSERT_EQUAL(a.counters.late > 0, lateness[i] < 1000);
			CU_ASSERT(a.counters.no_time > 0);
			CU_ASSERT(a.counters.null_key > 0);
			answer_fini(&a);
			stream_fini(&s);
		}
}

static void
windows_before_the_epoch(void)
{
	struct query q = tumbling(1000, 300);
	struct stream s;

	make_stream(&s, 3000, -15000, 10, 400, 30);
	check(&s, &q);
	stream_fini(&s);
}

static void
windows_are_aligned_and_half_open(void)
{
	static const int64_t times[] = { -1001, -1000, -999, -1, 0, 1, 999, 1000, 1001 };
	static const int64_t starts[] = { -2000, -1000, 0, 1000 };
	static const uint32_t counts[] = { 1, 3, 3, 2 };
	struct query q = tumbling(1000, 0);
	struct stream s;
	struct answer a;

	q.n_keys = 0;
	q.calls[1].arg = 0;
	stream_init(&s, 9);
	stream_column(&s, WEIR_INT, WEIR_U8);
	for (uint32_t r = 0; r < s.n; r++) {
		s.time_ns[r] = times[r];
		*stream_value(&s, r, 0) = (struct weir_value){ .type = WEIR_INT, .i = 1 };
	}
	answer_fed(&a, &s, &q, WEIR_ROWS, 0, 1, true);
	CU_ASSERT_EQUAL_FATAL(a.n_blocks, 4);
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(a.blocks[i]->window_start_ns, starts[i]);
		CU_ASSERT_EQUAL(a.blocks[i]->window_end_ns, starts[i] + 1000);
		CU_ASSERT_EQUAL(weir_column_get(&a.blocks[i]->columns[0], 0).i, counts[i]);
	}
	answer_fini(&a);
	stream_fini(&s);
}

static void
the_ends_of_time_do_not_overflow(void)
{
	static const int64_t sizes[] = { 1, 2, 7, 1000000000, INT64_MAX };
	static const int64_t times[] = { INT64_MIN + 1, INT64_MIN + 2, -1, 0, 1, INT64_MAX - 1,
		INT64_MAX };

	for (unsigned i = 0; i < 5; i++)
		for (unsigned j = 0; j < 2; j++) {
			struct query q = tumbling(sizes[i], j ? INT64_MAX : 0);
			struct stream s;
			struct answer a;
			uint64_t rows = 0;

			stream_init(&s, 7);
			stream_column(&s, WEIR_INT, WEIR_U16);
			stream_column(&s, WEIR_INT, WEIR_U32);
			for (uint32_t r = 0; r < s.n; r++) {
				s.time_ns[r] = times[r];
				stream_value(&s, r, 0)->type = WEIR_INT;
				stream_value(&s, r, 1)->type = WEIR_INT;
			}
			answer_fed(&a, &s, &q, WEIR_ROWS, 0, 1, true);
			CU_ASSERT_EQUAL(a.counters.aggregated, 7);
			for (unsigned b = 0; b < a.n_blocks; b++) {
				int64_t start = a.blocks[b]->window_start_ns;

				rows += (uint64_t)weir_column_get(&a.blocks[b]->columns[1], 0).i;
				CU_ASSERT(start < a.blocks[b]->window_end_ns || start == INT64_MAX);
				CU_ASSERT(b == 0 || start > a.blocks[b - 1]->window_start_ns);
			}
			CU_ASSERT_EQUAL(rows, 7);
			if (sizes[i] == 1)
				CU_ASSERT_EQUAL(a.n_blocks, 7);
			answer_fini(&a);
			stream_fini(&s);
		}
}

static struct weir_aggregator *
small_aggregator(int64_t size_ns, int64_t lateness_ns)
{
	static const struct weir_group_key key = { WEIR_INT, WEIR_U16 };
	struct weir_group_spec spec = {
		.window = { .kind = WEIR_WINDOW_TUMBLING, .size_ns = size_ns },
		.lateness_ns = lateness_ns,
		.n_keys = 1,
		.keys = &key,
		.table_size = 100,
	};
	struct weir_error err;

	return weir_aggregator_create(&spec, &err);
}

/* One row at a time, straight. */
static void
add_row(struct weir_aggregator *a, int64_t time_ns, int64_t watermark_ns,
    struct weir_group_counters *counters)
{
	uint16_t data[64] = { 5 };
	uint64_t null = 0, sel[WEIR_MASK_WORDS] = { 1 };
	struct weir_column c = { WEIR_INT, WEIR_U16, data, NULL, &null };
	const struct weir_column *keys[] = { &c };
	struct weir_group_rows rows = {
		.n = 1,
		.sel = sel,
		.keys = keys,
		.time_ns = &time_ns,
		.watermark_ns = watermark_ns,
	};

	weir_aggregator_update(a, &rows, counters);
}

static void
close_waits_for_lateness(void)
{
	struct weir_aggregator *a = small_aggregator(100, 30);
	struct weir_group_counters n = { 0 };
	struct weir_pane *p;

	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	add_row(a, 50, WEIR_TIME_NONE, &n);
	add_row(a, 150, 50, &n);
	CU_ASSERT_PTR_NULL(weir_aggregator_close(a, WEIR_TIME_NONE));
	CU_ASSERT_PTR_NULL(weir_aggregator_close(a, 129));
	p = weir_aggregator_close(a, 130);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(weir_pane_start(p), 0);
	CU_ASSERT_EQUAL(weir_pane_n_groups(p), 1);
	weir_aggregator_recycle(a, p);
	CU_ASSERT_PTR_NULL(weir_aggregator_close(a, 130));
	/* A quiet queue's window was closed by the clock: its row is late, though no later time has
	 * arrived. */
	CU_ASSERT_EQUAL(n.late, 0);
	add_row(a, 60, 50, &n);
	CU_ASSERT_EQUAL(n.late, 1);
	p = weir_aggregator_close(a, INT64_MAX);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(weir_pane_start(p), 100);
	weir_aggregator_destroy(a); /* a pane may outlive its aggregator */
	CU_ASSERT_EQUAL(weir_pane_n_groups(p), 1);
	weir_pane_destroy(p);
}

static void
many_open_panes_are_small(void)
{
	struct weir_aggregator *a = small_aggregator(1000000, 60 * WEIR_NS_PER_S);
	struct weir_group_counters n = { 0 };
	struct weir_pane *p;
	uint64_t bytes = 0;
	unsigned panes = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	for (int64_t i = 0; i < 60000; i++) {
		/* Out of order: pairs of windows swapped. */
		add_row(a, (i ^ 1) * 1000000, i * 1000000, &n);
	}
	CU_ASSERT_EQUAL(n.aggregated, 60000);
	while ((p = weir_aggregator_close(a, INT64_MAX))) {
		CU_ASSERT_EQUAL_FATAL(weir_pane_start(p), (int64_t)panes * 1000000);
		panes++;
		bytes += weir_pane_bytes(p);
		if (panes % 2)
			weir_aggregator_recycle(a, p);
		else
			weir_pane_destroy(p);
	}
	CU_ASSERT_EQUAL(panes, 60000);
	CU_ASSERT(bytes / panes < 1024);
	weir_aggregator_destroy(a);
}

static void
recycled_panes_are_empty(void)
{
	struct weir_aggregator *a = small_aggregator(100, 0);
	struct weir_group_counters n = { 0 };

	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	for (int64_t t = 0; t < 100000; t += 100) {
		struct weir_pane *p;

		add_row(a, t, t, &n);
		p = weir_aggregator_close(a, t + 100);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT_EQUAL(weir_pane_start(p), t);
		CU_ASSERT_EQUAL(weir_pane_n_groups(p), 1);
		if (t % 200)
			weir_pane_clear(p);
		weir_aggregator_recycle(a, p);
	}
	weir_aggregator_destroy(a);
}

static void
bad_specs_are_refused(void)
{
	CU_ASSERT_PTR_NULL(small_aggregator(0, 0));
	CU_ASSERT_PTR_NULL(small_aggregator(-5, 0));
	CU_ASSERT_PTR_NULL(small_aggregator(5, -1));
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "global window spans its rows", global_window_spans_its_rows },
		{ "in-order rows", in_order_rows },
		{ "disordered and late rows", disordered_and_late_rows },
		{ "windows before the epoch", windows_before_the_epoch },
		{ "windows are aligned and half open", windows_are_aligned_and_half_open },
		{ "the ends of time do not overflow", the_ends_of_time_do_not_overflow },
		{ "close waits for lateness", close_waits_for_lateness },
		{ "many open panes are small", many_open_panes_are_small },
		{ "recycled panes are empty", recycled_panes_are_empty },
		{ "bad specs are refused", bad_specs_are_refused },
		CU_TEST_INFO_NULL,
	};

	return check_run("windows", tests);
}
