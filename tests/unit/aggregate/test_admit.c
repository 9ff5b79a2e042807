/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/base/time.h>

#include "check.h"
#include "stream.h"

/* Verdicts of weir_group_admit against those of an aggregator that sees the same batches. */

struct batch {
	struct weir_column columns[2];
	const struct weir_column *keys[2];
	int64_t time_ns[WEIR_ROWS];
	uint64_t sel[WEIR_MASK_WORDS];
	uint32_t n;
};

static void
make_batch(struct batch *b, int64_t *t, int64_t jitter, uint64_t *rng)
{
	b->n = (uint32_t)(random_next(rng) % (WEIR_ROWS + 1));
	for (uint32_t r = 0; r < WEIR_ROWS; r++) {
		for (unsigned c = 0; c < 2; c++) {
			((uint8_t *)b->columns[c].data)[r] = (uint8_t)(random_next(rng) % 9);
			weir_mask_clear(b->columns[c].null, r);
			if (random_next(rng) % 20 == 0)
				weir_mask_set(b->columns[c].null, r);
		}
		weir_mask_set(b->sel, r); /* past n too: nobody may count those */
		if (random_next(rng) % 8 == 0)
			weir_mask_clear(b->sel, r);
		*t += (int64_t)(random_next(rng) % 21);
		b->time_ns[r] = *t - (int64_t)(random_next(rng) % (uint64_t)(jitter + 1));
		if (jitter && random_next(rng) % 50 == 0)
			b->time_ns[r] = WEIR_TIME_NONE;
	}
}

static struct weir_group_rows
rows_of(struct batch *b, uint64_t *sel, int64_t watermark_ns)
{
	memcpy(sel, b->sel, sizeof(b->sel));
	return (struct weir_group_rows){
		.n = b->n,
		.sel = sel,
		.keys = b->keys,
		.time_ns = b->time_ns,
		.first_number = 1,
		.watermark_ns = watermark_ns,
	};
}

static void
check_counters(const struct weir_group_counters *a, const struct weir_group_counters *b)
{
	CU_ASSERT_EQUAL(a->null_key, b->null_key);
	CU_ASSERT_EQUAL(a->late, b->late);
	CU_ASSERT_EQUAL(a->no_time, b->no_time);
}

/* Returns the rows that were late. */
static uint64_t
compare(struct weir_window window, int64_t lateness_ns, int64_t jitter, int64_t begin, uint64_t rng)
{
	static const struct weir_group_key keys[] = { { WEIR_INT, WEIR_U8 },
		{ WEIR_INT, WEIR_U8 } };
	struct weir_group_spec spec = { .window = window,
		.lateness_ns = lateness_ns,
		.n_keys = 2,
		.keys = keys,
		.table_size = 1000 };
	struct weir_aggregator *a = weir_aggregator_create(&spec, NULL);
	struct weir_aggregator *behind = weir_aggregator_create(&spec, NULL);
	struct weir_group_counters judged = { 0 }, admitted = { 0 }, again = { 0 };
	int64_t t = begin, watermark_ns = INT64_MIN;
	struct batch b = { .keys = { &b.columns[0], &b.columns[1] } };
	unsigned n_differ = 0;

	CU_ASSERT_FATAL(a && behind);
	for (unsigned c = 0; c < 2; c++)
		CU_ASSERT_EQUAL_FATAL(
		    weir_column_init(&b.columns[c], WEIR_INT, WEIR_U8, WEIR_ROWS), 0);
	for (unsigned i = 0; i < 200; i++) {
		uint64_t sel[2][WEIR_MASK_WORDS], left[WEIR_MASK_WORDS];
		struct weir_group_rows rows[2];

		make_batch(&b, &t, jitter, &rng);
		for (unsigned k = 0; k < 2; k++)
			rows[k] = rows_of(&b, sel[k], watermark_ns);
		weir_aggregator_update(a, &rows[0], &judged);
		weir_group_admit(&spec, &rows[1], &admitted);
		n_differ += memcmp(sel[0], sel[1], sizeof(sel[0])) != 0;
		/* Elsewhere much more may have arrived before: that is no matter any more. */
		memcpy(left, sel[1], sizeof(left));
		rows[1].is_admitted = true;
		rows[1].watermark_ns = INT64_MAX;
		weir_aggregator_update(behind, &rows[1], &again);
		n_differ += memcmp(left, sel[1], sizeof(left)) != 0;
		for (uint32_t r = 0; r < b.n; r++)
			watermark_ns = b.time_ns[r] > watermark_ns ? b.time_ns[r] : watermark_ns;
	}
	CU_ASSERT_EQUAL(n_differ, 0);
	check_counters(&judged, &admitted);
	CU_ASSERT_EQUAL(judged.overflow, 0);
	CU_ASSERT_EQUAL(again.null_key + again.late + again.no_time + again.overflow, 0);
	CU_ASSERT_EQUAL(again.aggregated, judged.aggregated);
	CU_ASSERT(judged.null_key > 0 && judged.aggregated > 0);
	for (unsigned c = 0; c < 2; c++)
		weir_column_fini(&b.columns[c]);
	weir_aggregator_destroy(a);
	weir_aggregator_destroy(behind);
	return judged.late;
}

static struct weir_window
tumbling(int64_t size_ns)
{
	return (struct weir_window){ .kind = WEIR_WINDOW_TUMBLING, .size_ns = size_ns };
}

static void
verdicts_are_the_aggregator_s(void)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		CU_ASSERT(compare(tumbling(100), 0, 200, 1000000, seed) > 0);
		CU_ASSERT(compare(tumbling(1000), 0, 3000, 1000000, seed) > 0);
		CU_ASSERT(compare(tumbling(1000), 500, 3000, 1000000, seed) > 0);
		CU_ASSERT(compare(tumbling(77), 0, 100, -100000, seed) > 0);
		CU_ASSERT_EQUAL(compare(tumbling(1000), 5000, 3000, 1000000, seed), 0);
		CU_ASSERT_EQUAL(compare(tumbling(1000), 0, 0, 1000000, seed), 0);
		CU_ASSERT(compare(tumbling(1000), 0, 3000, INT64_MIN + 5000, seed) > 0);
		CU_ASSERT(compare(
			      (struct weir_window){
				  .kind = WEIR_WINDOW_SLIDING, .size_ns = 500, .slide_ns = 200 },
			      500, 3000, 1000000, seed) > 0);
		CU_ASSERT(compare((struct weir_window){ .kind = WEIR_WINDOW_SESSION, .gap_ns = 9 },
			      100, 200, 1000000, seed) > 0);
		CU_ASSERT(compare((struct weir_window){ .kind = WEIR_WINDOW_COUNT, .count = 3 }, 0,
			      200, INT64_MIN + 5000, seed) > 0);
		CU_ASSERT_EQUAL(compare((struct weir_window){ .kind = WEIR_WINDOW_GLOBAL }, 0, 3000,
				    1000000, seed),
		    0);
	}
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "verdicts are the aggregator's", verdicts_are_the_aggregator_s },
		CU_TEST_INFO_NULL,
	};

	return check_run("aggregate: rows let in", tests);
}
