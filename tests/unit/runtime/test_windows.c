/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>

#include "check.h"
#include "random.h"
#include "windows.h"

#define N_ROWS    400
#define N_KEYS    5
#define N_WORKERS 3

/* Rows, and the aggregators of workers that have taken them. */
struct run {
	int64_t time_ns[N_ROWS];
	int64_t key[N_ROWS];
	struct weir_aggregator *workers[N_WORKERS];
	unsigned n_out; /* panes that are not back yet */
};

static void
give_back(void *ctx, unsigned worker, struct weir_pane *pane)
{
	struct run *r = ctx;

	weir_aggregator_recycle(r->workers[worker], pane);
	r->n_out--;
}

static void
take_rows(struct run *r, unsigned worker, struct weir_windows *w)
{
	struct weir_group_counters counters = { 0 };
	struct weir_column column;
	const struct weir_column *keys[] = { &column };
	const struct weir_column *const *args[] = { NULL };
	struct weir_pane *pane, *spare;
	struct weir_error e;
	unsigned owner;

	CU_ASSERT_EQUAL_FATAL(weir_column_init(&column, WEIR_INT, WEIR_I64, WEIR_ROWS), 0);
	for (uint32_t i = worker; i < N_ROWS; i += N_WORKERS) {
		uint64_t sel[WEIR_MASK_WORDS];
		struct weir_group_rows rows = {
			.n = 1,
			.sel = sel,
			.keys = keys,
			.args = args,
			.time_ns = &r->time_ns[i],
			.watermark_ns = WEIR_TIME_NONE,
		};

		weir_mask_first(sel, 1);
		((int64_t *)column.data)[0] = r->key[i];
		weir_aggregator_update(r->workers[worker], &rows, &counters);
	}
	weir_column_fini(&column);
	while ((pane = weir_aggregator_close(r->workers[worker], INT64_MAX))) {
		r->n_out++;
		CU_ASSERT_EQUAL(weir_windows_add(w, worker, pane, &spare, &owner, &e), 0);
		if (spare)
			give_back(r, owner, spare);
	}
}

/* Rows of a key in [start, end). */
static int64_t
count(const struct run *r, int64_t key, int64_t start_ns, int64_t end_ns)
{
	int64_t n = 0;

	for (unsigned i = 0; i < N_ROWS; i++)
		n += (key < 0 || r->key[i] == key) && r->time_ns[i] >= start_ns &&
		     r->time_ns[i] < end_ns;
	return n;
}

static void
check_rows(const struct run *r, struct weir_pane *pane, const struct weir_schema *s)
{
	struct weir_block *b = weir_block_create(s, N_KEYS);
	uint32_t row = 0;

	CU_ASSERT_EQUAL(weir_pane_order(pane), 0);
	CU_ASSERT_EQUAL_FATAL(weir_pane_rows(pane, 0, N_KEYS + 1, b), 0);
	for (int64_t key = 0; key < N_KEYS; key++) {
		int64_t n = count(r, key, b->window_start_ns, b->window_end_ns);

		if (!n)
			continue;
		CU_ASSERT_FATAL(row < b->n_rows);
		CU_ASSERT_EQUAL(weir_column_get(&b->columns[0], row).i, key);
		CU_ASSERT_EQUAL(weir_column_get(&b->columns[1], row++).i, n);
	}
	CU_ASSERT_EQUAL(row, b->n_rows);
	weir_block_destroy(b);
}

/* Every window that has a row comes, ascending, once, with all of its rows. */
static void
check_windows(struct run *r, struct weir_windows *w, const struct weir_schema *s)
{
	int64_t size = w->window.size_ns,
		slide = w->window.kind == WEIR_WINDOW_SLIDING ? w->window.slide_ns : size;

	for (int64_t start = -60000 / slide * slide; start < 60000; start += slide) {
		struct weir_windows_taken taken;
		struct weir_error e;
		int64_t end_ns;

		if (!count(r, -1, start, start + size))
			continue;
		CU_ASSERT_FATAL(weir_windows_next(w, &end_ns));
		CU_ASSERT_EQUAL_FATAL(end_ns, start + size);
		CU_ASSERT_EQUAL(weir_windows_take(w, &taken, give_back, r, &e), 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(taken.pane);
		CU_ASSERT_EQUAL(weir_pane_start(taken.pane), start);
		check_rows(r, taken.pane, s);
		if (taken.is_copy)
			weir_pane_destroy(taken.pane);
		else
			give_back(r, taken.worker, taken.pane);
	}
	CU_ASSERT_FALSE(weir_windows_next(w, &(int64_t){ 0 }));
	CU_ASSERT_EQUAL(r->n_out, 0);
}

static void
run_one(int64_t size, int64_t slide, int64_t span, uint64_t *rng)
{
	const struct weir_group_key key = { WEIR_INT, WEIR_I64 };
	const struct weir_agg_call call = { .function = weir_agg_function_find("count") };
	struct weir_schema s = { 0 };
	struct weir_windows w = { .last_end_ns = INT64_MIN };
	struct weir_group_spec spec = {
		.n_keys = 1, .keys = &key, .n_aggs = 1, .aggs = &call, .table_size = 64
	};
	struct run r = { 0 };
	struct weir_error e;

	w.window = (struct weir_window){ .kind = WEIR_WINDOW_TUMBLING, .size_ns = size };
	if (slide) {
		w.window.kind = WEIR_WINDOW_SLIDING;
		w.window.slide_ns = slide;
	}
	spec.window = w.window;
	CU_ASSERT_EQUAL(weir_schema_add(&s, "key", WEIR_INT, true), 0);
	CU_ASSERT_EQUAL(weir_schema_add(&s, "n", WEIR_INT, false), 0);
	for (unsigned i = 0; i < N_ROWS; i++) {
		/* Two bursts with a silence, before and after 0. */
		r.time_ns[i] =
		    (int64_t)(random_next(rng) % (uint64_t)span) + (i % 2 ? 9000 : -20000);
		r.key[i] = (int64_t)(random_next(rng) % N_KEYS);
	}
	for (unsigned i = 0; i < N_WORKERS; i++) {
		r.workers[i] = weir_aggregator_create(&spec, &e);
		CU_ASSERT_PTR_NOT_NULL_FATAL(r.workers[i]);
	}
	for (unsigned i = 0; i < N_WORKERS; i++)
		take_rows(&r, i, &w);
	check_windows(&r, &w, &s);
	weir_windows_fini(&w);
	for (unsigned i = 0; i < N_WORKERS; i++)
		weir_aggregator_destroy(r.workers[i]);
	weir_schema_fini(&s);
}

static void
windows_hold_their_rows(void)
{
	uint64_t rng = 4;

	for (unsigned i = 0; i < 60; i++) {
		int64_t unit = 1 + (int64_t)(random_next(&rng) % 300);
		int64_t slide = 1 + (int64_t)(random_next(&rng) % 6);
		int64_t size = slide + (int64_t)(random_next(&rng) % 9);

		run_one(size * unit, i % 4 ? slide * unit : 0,
		    1 + (int64_t)(random_next(&rng) % 12000), &rng);
	}
}

/* The end of the first window that has a pane, at the ends of what time can be. */
static void
ends_at_the_edges(void)
{
	const struct weir_window w = { .kind = WEIR_WINDOW_SLIDING, .size_ns = 10, .slide_ns = 3 };

	CU_ASSERT_EQUAL(weir_windows_first_end(&w, 0), 1);
	CU_ASSERT_EQUAL(weir_windows_first_end(&w, 1), 4);
	CU_ASSERT_EQUAL(weir_windows_first_end(&w, -1), 1);
	CU_ASSERT_EQUAL(weir_windows_first_end(&w, INT64_MAX - 1), INT64_MAX);
	CU_ASSERT_EQUAL(weir_windows_first_end(&w, INT64_MAX), INT64_MAX);
	CU_ASSERT(weir_windows_first_end(&w, INT64_MIN) >= INT64_MIN + 1);
	CU_ASSERT(weir_windows_first_end(&w, INT64_MIN) < INT64_MIN + 10);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "windows hold their rows", windows_hold_their_rows },
		{ "ends at the edges", ends_at_the_edges },
		CU_TEST_INFO_NULL,
	};

	return check_run("windows of several workers", tests);
}
