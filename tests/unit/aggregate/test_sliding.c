/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>

#include "check.h"
#include "stream.h"

#define N_KEYS 9
#define N_ROWS 4000

static struct weir_window
sliding(int64_t size_ns, int64_t slide_ns)
{
	return (struct weir_window){
		.kind = WEIR_WINDOW_SLIDING, .size_ns = size_ns, .slide_ns = slide_ns
	};
}

static void
panes_divide_size_and_slide(void)
{
	static const struct {
		int64_t size, slide, pane;
	} cases[] = { { 10, 1, 1 }, { 10, 5, 5 }, { 10, 4, 2 }, { 10, 10, 10 }, { 15, 10, 5 },
		{ INT64_MAX, INT64_MAX - 1, 1 } };

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct weir_window w = sliding(cases[i].size, cases[i].slide);

		CU_ASSERT_EQUAL(weir_window_pane_ns(&w), cases[i].pane);
		CU_ASSERT_FALSE(weir_window_is_per_group(&w));
	}
}

/* To the worker a sliding window is a tumbling one of its panes, late rows and all. */
static void
panes_are_tumbling_windows(void)
{
	static const int64_t lateness[] = { 0, 50, 1000 };
	uint64_t rng = 5;

	for (unsigned i = 0; i < 3; i++) {
		struct query q = {
			.window = sliding(1000, 300),
			.lateness_ns = lateness[i],
			.n_keys = 1,
			.n_calls = 3,
			.calls = { { "count", -1, 0 }, { "sum", 1, 0 }, { "rate", 1, 0 } },
			.table_size = 1000,
		};
		struct answer a, b;
		struct stream s;

		stream_init(&s, 3000);
		stream_column(&s, WEIR_INT, WEIR_U16);
		stream_column(&s, WEIR_INT, WEIR_U32);
		stream_fill(&s, 0, 20, 40, &rng);
		stream_fill(&s, 1, 1000, 5, &rng);
		for (uint32_t r = 0; r < s.n; r++)
			s.time_ns[r] = 1000 + r * 9 - (int64_t)(random_next(&rng) % 400);
		answer_fed(&a, &s, &q, WEIR_ROWS, 7, 2, true);
		q.window = (struct weir_window){ .kind = WEIR_WINDOW_TUMBLING, .size_ns = 100 };
		answer_fed(&b, &s, &q, WEIR_ROWS, 7, 2, true);
		CU_ASSERT(a.n_blocks > 100);
		CU_ASSERT_EQUAL(a.counters.late > 0, lateness[i] < 400);
		CU_ASSERT_EQUAL(answer_differs(&a, &b), 0);
		answer_fini(&a);
		answer_fini(&b);
		stream_fini(&s);
	}
}

/* Rows of one key column, in order. */
struct input {
	int64_t time_ns[N_ROWS];
	uint8_t key[N_ROWS];
};

static unsigned
feed(const struct input *in, struct weir_aggregator *a, struct weir_pane **ret)
{
	struct weir_group_counters counters = { 0 };
	struct weir_column column;
	const struct weir_column *columns[] = { &column };
	const struct weir_column *const *args[] = { NULL, columns, columns };
	unsigned n = 0;

	CU_ASSERT_EQUAL_FATAL(weir_column_init(&column, WEIR_INT, WEIR_U8, WEIR_ROWS), 0);
	for (uint32_t first = 0; first < N_ROWS; first += 200) {
		uint64_t sel[WEIR_MASK_WORDS];
		struct weir_group_rows rows = {
			.n = 200,
			.sel = sel,
			.keys = columns,
			.args = args,
			.time_ns = in->time_ns + first,
			.watermark_ns = first ? in->time_ns[first - 1] : WEIR_TIME_NONE,
		};

		weir_mask_first(sel, 200);
		memcpy(column.data, in->key + first, 200);
		weir_aggregator_update(a, &rows, &counters);
		while ((ret[n] = weir_aggregator_close(a, in->time_ns[first + 199])))
			n++;
		CU_ASSERT_EQUAL(weir_aggregator_closed(a), in->time_ns[first + 199]);
	}
	while ((ret[n] = weir_aggregator_close(a, INT64_MAX)))
		n++;
	CU_ASSERT_EQUAL(weir_aggregator_closed(a), INT64_MAX);
	CU_ASSERT_EQUAL(counters.aggregated, N_ROWS);
	weir_column_fini(&column);
	return n;
}

/* The window's rows, counted and summed one by one. */
static void
check_window(const struct input *in, const struct weir_block *b, int64_t start, int64_t end)
{
	unsigned n_keys = 0;

	CU_ASSERT_EQUAL(b->window_start_ns, start);
	CU_ASSERT_EQUAL(b->window_end_ns, end);
	for (int64_t key = 0; key < N_KEYS; key++) {
		int64_t count = 0;

		for (uint32_t r = 0; r < N_ROWS; r++)
			count +=
			    in->key[r] == key && in->time_ns[r] >= start && in->time_ns[r] < end;
		if (!count)
			continue;
		CU_ASSERT_FATAL(n_keys < b->n_rows);
		CU_ASSERT_EQUAL(weir_column_get(&b->columns[0], n_keys).i, key);
		CU_ASSERT_EQUAL(weir_column_get(&b->columns[1], n_keys).i, count);
		CU_ASSERT_EQUAL(weir_column_get(&b->columns[2], n_keys).i, 1);
		CU_ASSERT_DOUBLE_EQUAL(weir_column_get(&b->columns[3], n_keys).f,
		    (double)(count * key) * 1e9 / (double)(end - start), 1);
		n_keys++;
	}
	CU_ASSERT_EQUAL(b->n_rows, n_keys);
}

static void
panes_merge_to_windows(void)
{
	static struct input in;
	static struct weir_pane *panes[2000];
	const struct weir_group_key key = { WEIR_INT, WEIR_U8 };
	struct weir_agg_call calls[3] = {
		{ .function = weir_agg_function_find("count") },
		{ .function = weir_agg_function_find("distinct"), .n_args = 1 },
		{ .function = weir_agg_function_find("rate"), .n_args = 1 },
	};
	struct weir_group_spec spec = {
		.window = sliding(1000, 400),
		.n_keys = 1,
		.keys = &key,
		.n_aggs = 3,
		.aggs = calls,
		.table_size = 1000,
	};
	struct weir_schema schema = { .has_window = true };
	struct weir_aggregator *a;
	struct weir_pane *window;
	uint64_t rng = 4;
	int64_t t = -5000;
	unsigned n;

	for (unsigned i = 1; i < 3; i++) {
		calls[i].arg_types[0] = WEIR_INT;
		calls[i].arg_stores[0] = WEIR_U8;
	}
	weir_schema_add(&schema, "key", WEIR_INT, true);
	weir_schema_add(&schema, "count", WEIR_INT, false);
	weir_schema_add(&schema, "distinct", WEIR_INT, false);
	weir_schema_add(&schema, "rate", WEIR_FLOAT, false);
	for (uint32_t r = 0; r < N_ROWS; r++) {
		in.time_ns[r] = t += (int64_t)(random_next(&rng) % 11);
		in.key[r] = (uint8_t)(random_next(&rng) % N_KEYS);
	}
	a = weir_aggregator_create(&spec, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	n = feed(&in, a, panes);
	CU_ASSERT_FATAL(n > 20);
	window = weir_pane_create_like(panes[0]);
	CU_ASSERT_PTR_NOT_NULL_FATAL(window);
	for (int64_t start = -6000; start <= t; start += 400) {
		struct weir_block *b = weir_block_create(&schema, 0);

		for (unsigned i = 0; i < n; i++)
			if (weir_pane_start(panes[i]) >= start &&
			    weir_pane_end(panes[i]) <= start + 1000)
				CU_ASSERT_EQUAL(weir_pane_merge(window, panes[i]), 0);
		weir_pane_set_window(window, start, start + 1000);
		CU_ASSERT_EQUAL(weir_pane_start(window), start);
		CU_ASSERT_EQUAL(weir_pane_end(window), start + 1000);
		CU_ASSERT_EQUAL(weir_pane_order(window), 0);
		CU_ASSERT_EQUAL(weir_pane_rows(window, 0, 1000, b), 0);
		check_window(&in, b, start, start + 1000);
		weir_block_destroy(b);
		weir_pane_clear(window);
	}
	weir_pane_destroy(window);
	for (unsigned i = 0; i < n; i++)
		weir_aggregator_recycle(a, panes[i]);
	weir_aggregator_destroy(a);
	weir_schema_fini(&schema);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "panes divide size and slide", panes_divide_size_and_slide },
		{ "panes are tumbling windows", panes_are_tumbling_windows },
		{ "panes merge to windows", panes_merge_to_windows },
		CU_TEST_INFO_NULL,
	};

	return check_run("sliding", tests);
}
