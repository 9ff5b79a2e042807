/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/aggregate/part.h>

#include "check.h"

/* Groups with windows of their own whose slots go to another host, while others stay. */

#define N_KEYS 3000u
#define GAP    100

static const struct weir_slot_key slot_key = { "0123456789abcde" };

static struct weir_aggregator *
make(enum weir_window_kind kind)
{
	static const struct weir_group_key keys[] = { { WEIR_INT, WEIR_I64 },
		{ WEIR_STRING, WEIR_BYTES } };
	struct weir_agg_call calls[2] = { { .function = weir_agg_function_find("count") },
		{ .function = weir_agg_function_find("distinct"),
		    .n_args = 1,
		    .arg_types = { WEIR_INT },
		    .arg_stores = { WEIR_I64 } } };
	struct weir_group_spec spec = { .window = { .kind = kind, .gap_ns = GAP, .count = 4 },
		.n_keys = 2,
		.keys = keys,
		.n_aggs = 2,
		.aggs = calls,
		.table_size = 2 * N_KEYS,
		.seed = 7 };
	struct weir_error e;
	struct weir_aggregator *a = weir_aggregator_create(&spec, &e);

	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	weir_aggregator_sweep_always(a);
	return a;
}

static struct weir_value
text_of(int64_t number, char buf[24])
{
	int len = snprintf(buf, 24, "key %ld", (long)number);

	return (
	    struct weir_value){ .type = WEIR_STRING, .s = { (const uint8_t *)buf, (uint32_t)len } };
}

/* A row of each key of some, at one time. */
static void
feed(struct weir_aggregator *a, int64_t time_ns, unsigned first, unsigned step)
{
	struct weir_group_counters counters = { 0 };
	struct weir_schema schema = { 0 };
	struct weir_block *b;
	struct weir_column views[3];
	const struct weir_column *keys[] = { &views[0], &views[1] }, *args[] = { &views[2] };
	const struct weir_column *const *lists[] = { NULL, args };

	CU_ASSERT_EQUAL_FATAL(weir_schema_add(&schema, "a", WEIR_INT, true), 0);
	CU_ASSERT_EQUAL_FATAL(weir_schema_add(&schema, "b", WEIR_STRING, true), 0);
	CU_ASSERT_EQUAL_FATAL(weir_schema_add(&schema, "c", WEIR_INT, false), 0);
	b = weir_block_create(&schema, N_KEYS);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	for (unsigned k = first; k < N_KEYS; k += step) {
		char buf[24];
		struct weir_value number = { .type = WEIR_INT, .i = k };
		struct weir_value text = text_of(k, buf), time = { .type = WEIR_INT, .i = time_ns };

		weir_block_set(b, b->n_rows, 0, &number);
		weir_block_set(b, b->n_rows, 1, &text);
		weir_block_set(b, b->n_rows, 2, &time);
		b->n_rows++;
	}
	for (uint32_t at = 0; at < b->n_rows; at += WEIR_ROWS) {
		int64_t times[WEIR_ROWS];
		uint64_t sel[WEIR_MASK_WORDS];
		struct weir_group_rows rows = { .n = weir_block_slice(b, at, views),
			.sel = sel,
			.keys = keys,
			.args = lists,
			.time_ns = times,
			.is_admitted = true };

		for (uint32_t r = 0; r < rows.n; r++)
			times[r] = time_ns;
		weir_mask_first(sel, rows.n);
		weir_aggregator_update(a, &rows, &counters);
	}
	CU_ASSERT_EQUAL(counters.overflow, 0);
	weir_block_destroy(b);
	weir_schema_fini(&schema);
}

static uint16_t
slot_of(unsigned k)
{
	char buf[24];
	struct weir_value number = { .type = WEIR_INT, .i = k }, text = text_of(k, buf);
	struct weir_slot_hash h;

	weir_slot_begin(&h, &slot_key);
	weir_slot_add(&h, &number);
	weir_slot_add(&h, &text);
	return weir_slot_end(&h);
}

/* All windows: of each key how many rows, and the sum of their sizes. */
static void
close_all(struct weir_aggregator *a, unsigned n_windows[N_KEYS], int64_t n_rows[N_KEYS])
{
	struct weir_schema schema = { .has_window = true };
	struct weir_pane *p;

	memset(n_windows, 0, N_KEYS * sizeof(*n_windows));
	memset(n_rows, 0, N_KEYS * sizeof(*n_rows));
	CU_ASSERT_EQUAL_FATAL(weir_schema_add(&schema, "a", WEIR_INT, true), 0);
	CU_ASSERT_EQUAL_FATAL(weir_schema_add(&schema, "b", WEIR_STRING, true), 0);
	CU_ASSERT_EQUAL_FATAL(weir_schema_add(&schema, "n", WEIR_INT, false), 0);
	CU_ASSERT_EQUAL_FATAL(weir_schema_add(&schema, "d", WEIR_INT, false), 0);
	while ((p = weir_aggregator_close(a, INT64_MAX))) {
		struct weir_block *b = weir_block_create(&schema, weir_pane_n_groups(p));

		CU_ASSERT_PTR_NOT_NULL_FATAL(b);
		CU_ASSERT_EQUAL_FATAL(weir_pane_rows(p, 0, weir_pane_n_groups(p), b), 0);
		for (uint32_t r = 0; r < b->n_rows; r++) {
			int64_t k = weir_column_get(&b->columns[0], r).i;

			CU_ASSERT_FATAL(k >= 0 && k < N_KEYS);
			n_windows[k]++;
			n_rows[k] += weir_column_get(&b->columns[2], r).i;
			/* What a state has of memory was not another's. */
			CU_ASSERT_EQUAL(weir_column_get(&b->columns[3], r).i,
			    weir_column_get(&b->columns[2], r).i);
		}
		weir_block_destroy(b);
		weir_pane_destroy(p);
	}
	weir_schema_fini(&schema);
}

/* Those of slots that go are not there any more, the others as they were, and go on. */
static void
forget(enum weir_window_kind kind, unsigned part)
{
	static unsigned n_windows[N_KEYS];
	static int64_t n_rows[N_KEYS];
	static bool is_gone[WEIR_SLOTS];
	struct weir_aggregator *a = make(kind);
	unsigned n_gone = 0;
	int64_t since_ns;

	CU_ASSERT_FALSE(weir_aggregator_open_since(a, &since_ns));
	feed(a, 1000, 0, 1);
	feed(a, 1010, 0, 2);
	CU_ASSERT_TRUE(weir_aggregator_open_since(a, &since_ns));
	CU_ASSERT_EQUAL(since_ns, 1000);
	for (unsigned slot = 0; slot < WEIR_SLOTS; slot++)
		is_gone[slot] = slot % 4 < part;
	CU_ASSERT_EQUAL(weir_aggregator_forget_slots(a, &slot_key, is_gone), 0);
	if (part == 4)
		CU_ASSERT_FALSE(weir_aggregator_open_since(a, &since_ns));
	feed(a, 1020, 0, 1);
	close_all(a, n_windows, n_rows);
	for (unsigned k = 0; k < N_KEYS; k++) {
		bool has_gone = is_gone[slot_of(k)];

		n_gone += has_gone;
		CU_ASSERT_EQUAL(n_windows[k], 1);
		CU_ASSERT_EQUAL(n_rows[k], has_gone ? 1 : k % 2 ? 2 : 3);
	}
	CU_ASSERT(part == 0 || n_gone > N_KEYS / 8);
	weir_aggregator_destroy(a);
}

static void
slots_are_forgotten(void)
{
	for (unsigned part = 0; part <= 4; part++) {
		forget(WEIR_WINDOW_SESSION, part);
		forget(WEIR_WINDOW_COUNT, part);
	}
}

/* The first of those that are open: not of one that is over, and not where its group is idle. */
static void
open_since(void)
{
	struct weir_aggregator *a = make(WEIR_WINDOW_COUNT);
	struct weir_pane *p;
	int64_t since_ns = 0;

	feed(a, 10, 0, N_KEYS);
	for (int64_t t = 20; t < 60; t += 10) /* key 1 has four rows: its window is full */
		feed(a, t, 1, N_KEYS);
	CU_ASSERT_TRUE(weir_aggregator_open_since(a, &since_ns));
	CU_ASSERT_EQUAL(since_ns, 10);
	for (int64_t t = 60; t < 90; t += 10)
		feed(a, t, 0, N_KEYS);
	CU_ASSERT_FALSE(weir_aggregator_open_since(a, &since_ns));
	feed(a, 100, 1, N_KEYS);
	CU_ASSERT_TRUE(weir_aggregator_open_since(a, &since_ns));
	CU_ASSERT_EQUAL(since_ns, 100);
	while ((p = weir_aggregator_close(a, INT64_MAX)))
		weir_pane_destroy(p);
	weir_aggregator_destroy(a);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "slots are forgotten", slots_are_forgotten },
		{ "open since", open_since },
		CU_TEST_INFO_NULL,
	};

	return check_run("windows that are handed over", tests);
}
