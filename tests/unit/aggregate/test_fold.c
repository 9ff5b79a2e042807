/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include <CUnit/Basic.h>

#include <weir/aggregate/aggregate.h>

#include "check.h"

/* A fold among other aggregates: its columns, and its state as rows move, go and merge. */

#define N_KEYS 40u

/* n = 0, last = x; n += x, last = x: with one column. */
static struct weir_fold *
make_fold(void)
{
	static const enum weir_type types[] = { WEIR_INT, WEIR_INT };
	static const enum weir_store store = WEIR_U16;
	static const union weir_fold_cell zero = { .i = 0 };
	const struct weir_fold_code init[] = { { WEIR_FOLD_MOVE, 0, 3, 3, 3, 0, NULL },
		{ WEIR_FOLD_MOVE, 1, 2, 2, 2, 0, NULL } };
	const struct weir_fold_code update[] = { { WEIR_FOLD_ADD_I, 0, 0, 2, 2, 0, NULL },
		{ WEIR_FOLD_MOVE, 1, 2, 2, 2, 0, NULL } };
	const struct weir_fold_spec spec = {
		.n_vars = 2,
		.types = types,
		.n_args = 1,
		.stores = &store,
		.n_consts = 1,
		.consts = &zero,
		.n_cells = 4,
		.n_init = 2,
		.init = init,
		.n_update = 2,
		.update = update,
	};
	struct weir_fold *f;

	CU_ASSERT_EQUAL_FATAL(weir_fold_create(&spec, &f), 0);
	return f;
}

struct run {
	struct weir_fold *fold;
	struct weir_agg_call calls[3];
	struct weir_group_key key;
	struct weir_group_spec spec;
	struct weir_column key_column, arg;
};

static void
run_init(struct run *r, uint64_t table_size, enum weir_overflow overflow)
{
	memset(r, 0, sizeof(*r));
	r->fold = make_fold();
	/* sum(x), the fold, max(x) */
	for (unsigned i = 0; i < 3; i++)
		r->calls[i] = (struct weir_agg_call){ .function = NULL,
			.n_args = 1,
			.arg_types = { WEIR_INT },
			.arg_stores = { WEIR_U16 } };
	r->calls[0].function = weir_agg_function_find("sum");
	r->calls[1].fold = r->fold;
	r->calls[2].function = weir_agg_function_find("max");
	r->key = (struct weir_group_key){ WEIR_INT, WEIR_U8 };
	r->spec = (struct weir_group_spec){
		.n_keys = 1,
		.keys = &r->key,
		.n_aggs = 3,
		.aggs = r->calls,
		.table_size = table_size,
		.overflow = overflow,
		.seed = 1,
	};
	CU_ASSERT_EQUAL_FATAL(weir_column_init(&r->key_column, WEIR_INT, WEIR_U8, WEIR_ROWS), 0);
	CU_ASSERT_EQUAL_FATAL(weir_column_init(&r->arg, WEIR_INT, WEIR_U16, WEIR_ROWS), 0);
}

static void
run_fini(struct run *r)
{
	weir_column_fini(&r->key_column);
	weir_column_fini(&r->arg);
	weir_fold_destroy(r->fold);
}

/* Keys that leave this rest when divided by `of`; x counts from 0 on over all rows. */
static struct weir_pane *
feed(struct run *r, struct weir_aggregator *a, unsigned rest, unsigned of)
{
	const struct weir_column *keys[] = { &r->key_column }, *arg[] = { &r->arg };
	const struct weir_column *const *args[] = { arg, arg, arg };
	int64_t time_ns[WEIR_ROWS] = { 0 };
	struct weir_group_counters counters = { 0 };

	for (unsigned batch = 0; batch < 4; batch++) {
		uint64_t sel[WEIR_MASK_WORDS] = { 0 };
		const struct weir_group_rows rows = {
			.n = WEIR_ROWS, .sel = sel, .keys = keys, .args = args, .time_ns = time_ns
		};

		for (unsigned i = 0; i < WEIR_ROWS; i++) {
			unsigned x = batch * WEIR_ROWS + i;

			((uint8_t *)r->key_column.data)[i] = (uint8_t)(x % N_KEYS);
			((uint16_t *)r->arg.data)[i] = (uint16_t)x;
			if (x % N_KEYS % of == rest)
				weir_mask_set(sel, i);
		}
		weir_aggregator_update(a, &rows, &counters);
	}
	return weir_aggregator_close(a, INT64_MAX);
}

/* Every row has what all x of its key give. */
static void
check_pane(const struct weir_pane *p, uint32_t least_rows)
{
	static const char *const names[] = { "sum", "n", "last", "max" };
	struct weir_schema schema = { 0 };
	struct weir_block *b;

	CU_ASSERT_EQUAL_FATAL(weir_schema_add(&schema, "key", WEIR_INT, true), 0);
	for (unsigned i = 0; i < 4; i++)
		CU_ASSERT_EQUAL_FATAL(weir_schema_add(&schema, names[i], WEIR_INT, false), 0);
	b = weir_block_create(&schema, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_EQUAL(weir_pane_rows(p, 0, UINT32_MAX, b), 0);
	CU_ASSERT(b->n_rows >= least_rows);
	for (uint32_t r = 0; r < b->n_rows; r++) {
		int64_t want = 0, last = 0;

		for (int64_t x = weir_column_get(&b->columns[0], r).i; x < 4 * WEIR_ROWS;
		     x += N_KEYS) {
			want += x;
			last = x;
		}
		CU_ASSERT_EQUAL(weir_column_get(&b->columns[1], r).i, want);
		CU_ASSERT_EQUAL(weir_column_get(&b->columns[2], r).i, want);
		CU_ASSERT_EQUAL(weir_column_get(&b->columns[3], r).i, last);
		CU_ASSERT_EQUAL(weir_column_get(&b->columns[4], r).i, last);
	}
	weir_block_destroy(b);
	weir_schema_fini(&schema);
}

static void
a_fold_has_its_columns_among_others(void)
{
	struct run r;
	struct weir_aggregator *a;
	struct weir_pane *p;

	run_init(&r, 100, WEIR_OVERFLOW_DROP);
	CU_ASSERT_EQUAL(weir_agg_n_results(&r.calls[1]), 2);
	CU_ASSERT_EQUAL(weir_agg_n_results(&r.calls[2]), 1);
	CU_ASSERT_TRUE(weir_agg_needs_order(&r.calls[1]));
	CU_ASSERT_FALSE(weir_agg_needs_order(&r.calls[2]));
	CU_ASSERT(weir_group_key_bytes(&r.spec) >= weir_fold_state_size(r.fold));
	a = weir_aggregator_create(&r.spec, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	p = feed(&r, a, 0, 1);
	check_pane(p, N_KEYS);
	/* Used again, it begins with nothing. */
	weir_aggregator_recycle(a, p);
	p = feed(&r, a, 0, 1);
	check_pane(p, N_KEYS);
	weir_pane_destroy(p);
	weir_aggregator_destroy(a);
	run_fini(&r);
}

static void
states_follow_their_groups(void)
{
	struct run r;
	struct weir_aggregator *a;
	struct weir_pane *p;

	run_init(&r, N_KEYS / 2, WEIR_OVERFLOW_SAMPLE);
	a = weir_aggregator_create(&r.spec, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	p = feed(&r, a, 0, 1);
	CU_ASSERT(weir_pane_sampling(p) < 1);
	check_pane(p, 2);
	weir_pane_destroy(p);
	weir_aggregator_destroy(a);
	run_fini(&r);
}

static void
panes_of_different_keys_merge(void)
{
	struct run r;
	struct weir_aggregator *a, *b;
	struct weir_pane *p, *q;

	run_init(&r, 100, WEIR_OVERFLOW_DROP);
	a = weir_aggregator_create(&r.spec, NULL);
	b = weir_aggregator_create(&r.spec, NULL);
	CU_ASSERT_FATAL(a && b);
	p = feed(&r, a, 0, 2);
	q = feed(&r, b, 1, 2);
	CU_ASSERT_EQUAL(weir_pane_merge(p, q), 0);
	check_pane(p, N_KEYS);
	weir_pane_destroy(p);
	weir_pane_destroy(q);
	weir_aggregator_destroy(a);
	weir_aggregator_destroy(b);
	run_fini(&r);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "a fold has its columns among others", a_fold_has_its_columns_among_others },
		{ "states follow their groups", states_follow_their_groups },
		{ "panes of different keys merge", panes_of_different_keys_merge },
		CU_TEST_INFO_NULL,
	};

	return check_run("fold", tests);
}
