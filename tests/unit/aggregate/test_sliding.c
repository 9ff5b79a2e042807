/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
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

/* Panes of keys that come and go: a string and an address, of both versions. */
#define N_PANES   60
#define PANE_ROWS 200

static const char *const words[] = { "", "a", "b", "www.example.org", "mail.example.org", "x.y" };

struct feeder {
	struct weir_aggregator *a;
	struct weir_column word, address, number, real;
	struct weir_agg_call calls[5];
	struct weir_schema schema;
	uint64_t rng;
};

static void
call_of(struct weir_agg_call *c, const char *name, enum weir_type type, enum weir_store store)
{
	*c = (struct weir_agg_call){ .function = weir_agg_function_find(name), .n_args = 1 };
	c->arg_types[0] = type;
	c->arg_stores[0] = store;
}

static void
feeder_init(struct feeder *f, const char *last, enum weir_type type, enum weir_store store)
{
	const struct weir_group_key keys[] = { { WEIR_STRING, WEIR_BYTES },
		{ WEIR_IP, WEIR_ADDR } };
	struct weir_group_spec spec = {
		.window = sliding(1000, 100),
		.n_keys = 2,
		.keys = keys,
		.n_aggs = 5,
		.aggs = f->calls,
		.table_size = 100000,
	};

	memset(f, 0, sizeof(*f));
	f->rng = 11;
	call_of(&f->calls[0], "sum", WEIR_INT, WEIR_U32);
	call_of(&f->calls[1], "sum", WEIR_INT, WEIR_I64);
	call_of(&f->calls[2], "mean", WEIR_INT, WEIR_U32);
	call_of(&f->calls[3], "rate", WEIR_INT, WEIR_U32);
	call_of(&f->calls[4], last, type, store);
	weir_schema_add(&f->schema, "word", WEIR_STRING, true);
	weir_schema_add(&f->schema, "address", WEIR_IP, true);
	for (unsigned i = 0; i < 5; i++) {
		const char name[] = { 'a', (char)('0' + i), 0 };
		bool is_int = i < 2 || (i == 4 && type == WEIR_INT);

		weir_schema_add(&f->schema, name, is_int ? WEIR_INT : WEIR_FLOAT, false);
	}
	CU_ASSERT_EQUAL(weir_column_init(&f->word, WEIR_STRING, WEIR_BYTES, WEIR_ROWS), 0);
	CU_ASSERT_EQUAL(weir_column_init(&f->address, WEIR_IP, WEIR_ADDR, WEIR_ROWS), 0);
	CU_ASSERT_EQUAL(weir_column_init(&f->number, WEIR_INT, WEIR_U32, WEIR_ROWS), 0);
	CU_ASSERT_EQUAL(weir_column_init(&f->real, type, store, WEIR_ROWS), 0);
	f->a = weir_aggregator_create(&spec, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->a);
}

static void
feeder_fini(struct feeder *f)
{
	weir_column_fini(&f->word);
	weir_column_fini(&f->address);
	weir_column_fini(&f->number);
	weir_column_fini(&f->real);
	weir_schema_fini(&f->schema);
	weir_aggregator_destroy(f->a);
}

/* The i-th pane; each has keys of its own beside those that it has in common with others. */
static struct weir_pane *
feeder_pane(struct feeder *f, unsigned i)
{
	const struct weir_column *keys[] = { &f->word, &f->address };
	const struct weir_column *number[] = { &f->number }, *real[] = { &f->real };
	const struct weir_column *wide[1];
	const struct weir_column *const *args[] = { number, wide, number, number, real };
	struct weir_group_counters counters = { 0 };
	int64_t time_ns[PANE_ROWS], *signs = calloc(WEIR_ROWS, sizeof(*signs));
	uint64_t sel[WEIR_MASK_WORDS];
	struct weir_column sign = { .type = WEIR_INT, .store = WEIR_I64, .data = signs };
	struct weir_group_rows rows = { .n = PANE_ROWS,
		.sel = sel,
		.keys = keys,
		.args = args,
		.time_ns = time_ns,
		.watermark_ns = WEIR_TIME_NONE };
	struct weir_pane *p;

	sign.null = calloc(WEIR_MASK_WORDS, sizeof(*sign.null));
	wide[0] = &sign;
	for (unsigned r = 0; r < PANE_ROWS; r++) {
		const char *word = words[random_next(&f->rng) % 6];
		uint64_t x = random_next(&f->rng);

		((struct weir_bytes *)f->word.data)[r] =
		    (struct weir_bytes){ (const uint8_t *)word, (uint32_t)strlen(word) };
		((struct weir_addr *)f->address.data)[r] =
		    (struct weir_addr){ 0, x % 3 ? x % 50 : i * 7 + x % 20 };
		f->address.version[r] = x & 1 << 20 ? 4 : 6;
		((uint32_t *)f->number.data)[r] = (uint32_t)(x >> 40);
		signs[r] = (int64_t)x;
		if (f->real.store == WEIR_F64)
			((double *)f->real.data)[r] = (double)(x >> 40) / 3;
		else
			((int64_t *)f->real.data)[r] = (int64_t)(x >> 50);
		time_ns[r] = i * 100 + r / 2;
	}
	weir_mask_first(sel, PANE_ROWS);
	weir_aggregator_update(f->a, &rows, &counters);
	CU_ASSERT_EQUAL(counters.aggregated, PANE_ROWS);
	p = weir_aggregator_close(f->a, i * 100 + 100);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	free(signs);
	free(sign.null);
	return p;
}

/* The rows of a window in the order of their keys, compared value by value. */
static void
check_same(const struct feeder *f, struct weir_pane *p, struct weir_pane *q)
{
	struct weir_pane *panes[] = { p, q };
	struct weir_block *b[2];
	uint32_t n = weir_pane_n_groups(q);

	CU_ASSERT_EQUAL_FATAL(weir_pane_n_groups(p), n);
	for (unsigned i = 0; i < 2; i++) {
		b[i] = weir_block_create(&f->schema, n);
		CU_ASSERT_EQUAL(weir_pane_order(panes[i]), 0);
		CU_ASSERT_EQUAL_FATAL(weir_pane_rows(panes[i], 0, n, b[i]), 0);
	}
	for (unsigned c = 0; c < f->schema.n_columns; c++)
		for (uint32_t r = 0; r < n; r++) {
			struct weir_value x = weir_column_get(&b[0]->columns[c], r);
			struct weir_value y = weir_column_get(&b[1]->columns[c], r);

			CU_ASSERT_EQUAL(weir_value_compare(&x, &y), 0);
		}
	weir_block_destroy(b[0]);
	weir_block_destroy(b[1]);
}

static int
compare_down(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x < *y) - (*x > *y);
}

/* The largest by a sum: no other row, none twice, and all that are as large as the last. */
static void
check_largest(const struct feeder *f, const struct weir_pane *p, uint32_t limit)
{
	uint32_t n = weir_pane_n_groups(p), least = 0;
	struct weir_block *all = weir_block_create(&f->schema, n);
	struct weir_block *b = weir_block_create(&f->schema, 1);
	int64_t *values = calloc(n, sizeof(*values)), sums[2] = { 0, 0 };

	CU_ASSERT_EQUAL_FATAL(weir_pane_rows(p, 0, n, all), 0);
	CU_ASSERT_EQUAL_FATAL(weir_pane_largest(p, 2, limit, b), 0);
	for (uint32_t r = 0; r < n; r++)
		values[r] = weir_column_get(&all->columns[2], r).i;
	qsort(values, n, sizeof(*values), compare_down);
	while (least < n && values[least] >= values[limit - 1])
		sums[0] += values[least++];
	CU_ASSERT_EQUAL(b->n_rows, least);
	for (uint32_t r = 0; r < b->n_rows; r++) {
		int64_t x = weir_column_get(&b->columns[2], r).i;

		CU_ASSERT(x >= values[limit - 1]);
		sums[1] += x;
	}
	CU_ASSERT_EQUAL(sums[0], sums[1]);
	/* a key, a state that is not its result, too many */
	CU_ASSERT_EQUAL(weir_pane_largest(p, 1, limit, b), -ENOTSUP);
	CU_ASSERT_EQUAL(weir_pane_largest(p, 3, limit, b), -ENOTSUP);
	CU_ASSERT_EQUAL(weir_pane_largest(p, 2, n + 1, b), -ENOTSUP);
	weir_block_destroy(all);
	weir_block_destroy(b);
	free(values);
}

/* A window that loses its oldest pane and takes in a new one has what one made again has. */
static void
windows_go_on(void)
{
	struct weir_pane *panes[N_PANES], *sum, *again;
	uint32_t most = 0;
	struct feeder f;

	feeder_init(&f, "count", WEIR_INT, WEIR_I64);
	for (unsigned i = 0; i < N_PANES; i++)
		panes[i] = feeder_pane(&f, i);
	sum = weir_pane_create_like(panes[0]);
	weir_pane_keep_index(sum);
	for (unsigned i = 0; i < N_PANES; i++) {
		unsigned first = i < 10 ? 0 : i - 9;

		CU_ASSERT_EQUAL(weir_pane_merge(sum, panes[i]), 0);
		CU_ASSERT_TRUE(weir_pane_may_subtract(sum));
		again = weir_pane_create_like(panes[0]);
		for (unsigned k = first; k <= i; k++)
			CU_ASSERT_EQUAL(weir_pane_merge(again, panes[k]), 0);
		weir_pane_set_window(sum, first * 100, i * 100 + 100);
		weir_pane_set_window(again, first * 100, i * 100 + 100);
		check_same(&f, sum, again);
		check_largest(&f, again, 1 + i % 40);
		weir_pane_destroy(again);
		most = weir_pane_n_groups(sum) > most ? weir_pane_n_groups(sum) : most;
		if (i >= 9)
			CU_ASSERT_EQUAL(weir_pane_subtract(sum, panes[i - 9]), 0);
	}
	CU_ASSERT(weir_pane_n_groups(sum) < most);
	for (unsigned i = N_PANES - 9; i < N_PANES; i++)
		CU_ASSERT_EQUAL(weir_pane_subtract(sum, panes[i]), 0);
	CU_ASSERT_EQUAL(weir_pane_n_groups(sum), 0);
	/* what is not in it cannot be taken out */
	CU_ASSERT_NOT_EQUAL(weir_pane_subtract(sum, panes[0]), 0);
	weir_pane_destroy(sum);
	for (unsigned i = 0; i < N_PANES; i++)
		weir_aggregator_recycle(f.a, panes[i]);
	feeder_fini(&f);
}

/* States that do not tell what they were, and such as do not always. */
static void
some_do_not_go_on(void)
{
	static const struct {
		const char *name;
		enum weir_type type;
		enum weir_store store;
		bool may;
	} cases[] = { { "distinct", WEIR_INT, WEIR_I64, false },
		{ "max", WEIR_INT, WEIR_I64, false }, { "sum", WEIR_FLOAT, WEIR_F64, true },
		{ "mean", WEIR_FLOAT, WEIR_F64, true } };

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct weir_pane *pane, *sum;
		struct feeder f;

		feeder_init(&f, cases[i].name, cases[i].type, cases[i].store);
		pane = feeder_pane(&f, 0);
		sum = weir_pane_create_like(pane);
		CU_ASSERT_EQUAL(weir_pane_merge(sum, pane), 0);
		CU_ASSERT_EQUAL(weir_pane_may_subtract(sum), cases[i].may);
		if (cases[i].may)
			CU_ASSERT_NOT_EQUAL(weir_pane_subtract(sum, pane), 0);
		weir_pane_destroy(sum);
		weir_aggregator_recycle(f.a, pane);
		feeder_fini(&f);
	}
}

/* A pane that was emptied before it came back has the memory that it had. */
static void
panes_keep_their_memory(void)
{
	enum { N_GROUPS = 160 * WEIR_ROWS };
	const struct weir_group_key key = { WEIR_INT, WEIR_I64 };
	const struct weir_agg_call call = { .function = weir_agg_function_find("count") };
	const struct weir_group_spec spec = {
		.window = { .kind = WEIR_WINDOW_TUMBLING, .size_ns = 100 },
		.n_keys = 1,
		.keys = &key,
		.n_aggs = 1,
		.aggs = &call,
		.table_size = N_GROUPS,
	};
	struct weir_aggregator *a = weir_aggregator_create(&spec, NULL);
	struct weir_column column;
	const struct weir_column *columns[] = { &column };
	const struct weir_column *const *args[] = { NULL };
	struct weir_group_counters counters = { 0 };
	uint64_t bytes[2] = { 0 };

	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	CU_ASSERT_EQUAL_FATAL(weir_column_init(&column, WEIR_INT, WEIR_I64, WEIR_ROWS), 0);
	for (unsigned w = 0; w < 2; w++) {
		struct weir_pane *p;

		for (unsigned first = 0; first < (w ? WEIR_ROWS : N_GROUPS); first += WEIR_ROWS) {
			uint64_t sel[WEIR_MASK_WORDS];
			int64_t time_ns[WEIR_ROWS];
			struct weir_group_rows rows = { .n = WEIR_ROWS,
				.sel = sel,
				.keys = columns,
				.args = args,
				.time_ns = time_ns,
				.watermark_ns = WEIR_TIME_NONE };

			for (unsigned r = 0; r < WEIR_ROWS; r++) {
				((int64_t *)column.data)[r] = first + r;
				time_ns[r] = w * 100;
			}
			weir_mask_first(sel, WEIR_ROWS);
			weir_aggregator_update(a, &rows, &counters);
		}
		p = weir_aggregator_close(a, w * 100 + 100);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		bytes[w] = weir_pane_bytes(p);
		weir_pane_clear(p);
		weir_aggregator_recycle(a, p);
	}
	CU_ASSERT(bytes[0] > 1 << 20);
	CU_ASSERT_EQUAL(bytes[1], bytes[0]);
	weir_column_fini(&column);
	weir_aggregator_destroy(a);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "panes divide size and slide", panes_divide_size_and_slide },
		{ "panes are tumbling windows", panes_are_tumbling_windows },
		{ "panes merge to windows", panes_merge_to_windows },
		{ "panes keep their memory", panes_keep_their_memory },
		{ "windows go on", windows_go_on },
		{ "some do not go on", some_do_not_go_on },
		CU_TEST_INFO_NULL,
	};

	return check_run("sliding", tests);
}
