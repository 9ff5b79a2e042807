/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>

#include "check.h"
#include "stream.h"

/*
 * Sessions and windows of so many rows. Which window a row is in is worked out row by row, from the
 * definitions; what the aggregates are is then asked of a query without windows whose key has the
 * window's number in it, whose answers other tests hold against theirs.
 */

#define MS 1000000

struct shape {
	uint32_t n;
	int64_t begin, step, jitter;
	unsigned n_keys;
	uint64_t domain; /* of each key */
};

/*
 * Keys - a number, a string, an address - and then what is aggregated: column 3 is a number, 4 a
 * string, 5 a float, 6 three each time.
 */
static void
make_stream(struct stream *s, const struct shape *shape, uint64_t seed)
{
	uint64_t rng = seed;
	int64_t t = shape->begin;

	stream_init(s, shape->n);
	stream_column(s, WEIR_INT, WEIR_U16);
	stream_column(s, WEIR_STRING, WEIR_BYTES);
	stream_column(s, WEIR_IP, WEIR_ADDR);
	stream_column(s, WEIR_INT, WEIR_U32);
	stream_column(s, WEIR_STRING, WEIR_BYTES);
	stream_column(s, WEIR_FLOAT, WEIR_F64);
	stream_column(s, WEIR_INT, WEIR_U8);
	for (unsigned c = 0; c < 3; c++)
		stream_fill(s, c, shape->domain, 40, &rng);
	stream_fill(s, 3, 1000, 5, &rng);
	stream_fill(s, 4, 30, 5, &rng);
	stream_fill(s, 5, 50, 5, &rng);
	for (uint32_t r = 0; r < s->n; r++) {
		*stream_value(s, r, 6) = (struct weir_value){ .type = WEIR_INT, .i = 3 };
		t += (int64_t)(random_next(&rng) % (uint64_t)(2 * shape->step + 1));
		if (random_next(&rng) % 500 == 0) /* silence */
			t += 100 * shape->step;
		s->time_ns[r] = t - (int64_t)(random_next(&rng) % (uint64_t)(shape->jitter + 1));
		if (random_next(&rng) % 50 == 0)
			s->time_ns[r] = WEIR_TIME_NONE;
		s->is_selected[r] = random_next(&rng) % 10 != 0;
	}
}

/* A window that has begun, or is over. */
struct window {
	uint32_t first_row;
	__int128 start, end;
	uint64_t n;
	bool is_over;
};

static bool
same_key(const struct stream *s, uint32_t x, uint32_t y, unsigned n_keys)
{
	for (unsigned k = 0; k < n_keys; k++)
		if (weir_value_compare(stream_value(s, x, k), stream_value(s, y, k)) != 0)
			return false;
	return true;
}

static bool
goes_on(const struct weir_window *w, const struct window *x, __int128 t)
{
	__int128 start = t < x->start ? t : x->start, end = t > x->end ? t : x->end;

	if (w->kind == WEIR_WINDOW_COUNT)
		return x->n < w->count;
	return t - x->end <= w->gap_ns && x->end - t <= w->gap_ns &&
	       (w->max_ns == 0 || end - start <= w->max_ns);
}

/* The window of each row, in numbers; -1 where it has none. Returns how many there are. */
static unsigned
place_rows(const struct stream *s, const struct query *q, struct window *windows, int64_t *ret_of,
    struct weir_group_counters *counters)
{
	__int128 newest = INT64_MIN;
	unsigned n = 0;
	uint64_t n_keys_taken = 0;

	for (uint32_t r = 0; r < s->n; r++) {
		__int128 t = s->time_ns[r], before = newest;
		unsigned i = n;
		bool has_null = false;

		ret_of[r] = -1;
		newest = t > newest ? t : newest;
		for (unsigned k = 0; k < q->n_keys; k++)
			has_null |= stream_value(s, r, k)->is_null;
		if (!s->is_selected[r])
			continue;
		if (has_null) {
			counters->null_key++;
			continue;
		}
		if (t == WEIR_TIME_NONE) {
			counters->no_time++;
			continue;
		}
		if (before != INT64_MIN && t < before - q->lateness_ns) {
			counters->late++;
			continue;
		}
		while (i > 0 && !same_key(s, r, windows[i - 1].first_row, q->n_keys))
			i--;
		if (i == 0 && n_keys_taken == q->table_size) { /* a new key: no place */
			counters->overflow++;
			continue;
		}
		n_keys_taken += i == 0;
		if (i == 0 || !goes_on(&q->window, &windows[i - 1], t)) {
			windows[n] = (struct window){ r, t, t, 0, false };
			i = ++n;
		}
		struct window *x = &windows[i - 1];

		x->start = t < x->start ? t : x->start;
		x->end = t > x->end ? t : x->end;
		x->n++;
		ret_of[r] = i - 1;
		counters->aggregated++;
	}
	return n;
}

/* The stream with one more column, in front: the number of the window. */
static void
with_windows(struct stream *to, const struct stream *s, const int64_t *of)
{
	stream_init(to, s->n);
	stream_column(to, WEIR_INT, WEIR_U32);
	for (unsigned c = 0; c < s->n_columns; c++)
		stream_column(to, s->types[c], s->stores[c]);
	for (uint32_t r = 0; r < s->n; r++) {
		*stream_value(to, r, 0) = (struct weir_value){ .type = WEIR_INT, .i = of[r] };
		for (unsigned c = 0; c < s->n_columns; c++)
			*stream_value(to, r, c + 1) = *stream_value(s, r, c);
		to->time_ns[r] = s->time_ns[r];
		to->is_selected[r] = of[r] >= 0;
	}
}

static void
work_out(struct answer *a, const struct stream *s, const struct query *q)
{
	struct window *windows = calloc(s->n, sizeof(*windows));
	int64_t *of = calloc(s->n, sizeof(*of));
	struct query all = *q;
	struct stream numbered;
	struct answer by_number;
	struct weir_block *b, *from;
	unsigned n;

	memset(a, 0, sizeof(*a));
	n = place_rows(s, q, windows, of, &a->counters);
	with_windows(&numbered, s, of);
	all.window = (struct weir_window){ .kind = WEIR_WINDOW_GLOBAL };
	all.n_keys = q->n_keys + 1;
	all.table_size = s->n;
	for (unsigned i = 0; i < q->n_calls; i++) {
		all.calls[i].arg += q->calls[i].arg >= 0;
		all.calls[i].arg2 += q->calls[i].arg2 > 0;
	}
	answer_fed(&by_number, &numbered, &all, WEIR_ROWS, 0, 1, false);
	CU_ASSERT_EQUAL_FATAL(by_number.n_blocks, 1);
	from = by_number.blocks[0];
	CU_ASSERT_EQUAL_FATAL(from->n_rows, n);
	for (unsigned c = 1; c < from->schema->n_columns; c++)
		CU_ASSERT_EQUAL_FATAL(
		    weir_schema_add(&a->schema, from->schema->columns[c].name,
			from->schema->columns[c].type, from->schema->columns[c].is_key),
		    0);
	b = a->blocks[a->n_blocks++] = weir_block_create(&a->schema, n);
	CU_ASSERT_EQUAL_FATAL(weir_block_own_windows(b), 0);
	for (uint32_t r = 0; r < n; r++) {
		int64_t number = weir_column_get(&from->columns[0], r).i;

		b->row_start_ns[r] = (int64_t)windows[number].start;
		b->row_end_ns[r] = (int64_t)windows[number].end;
		for (unsigned c = 1; c < from->schema->n_columns; c++) {
			struct weir_value v = weir_column_get(&from->columns[c], r);

			CU_ASSERT_EQUAL_FATAL(weir_block_set(b, r, c - 1, &v), 0);
		}
	}
	b->n_rows = n;
	CU_ASSERT_EQUAL(weir_block_sort_by_end(b), 0);
	answer_fini(&by_number);
	numbered.n_columns = 0; /* the strings are the stream's */
	stream_fini(&numbered);
	free(windows);
	free(of);
}

/* However the rows are cut into batches, and closed on the way. Returns the sweeps that there were.
 */
static unsigned
check(const struct stream *s, const struct query *q)
{
	static const struct {
		uint32_t max_batch;
		uint64_t seed;
		bool is_closing;
	} ways[] = {
		{ WEIR_ROWS, 0, true },
		{ 1, 0, true },
		{ 7, 0, true },
		{ WEIR_ROWS, 11, true },
		{ 64, 12, false },
	};
	struct answer want, got;
	unsigned n_swept = 0;

	work_out(&want, s, q);
	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		/* Who finds a place in a full table depends on what has been swept. */
		if (ways[i].is_closing && want.counters.overflow)
			continue;
		answer_fed(&got, s, q, ways[i].max_batch, ways[i].seed, 1, ways[i].is_closing);
		CU_ASSERT_EQUAL(answer_differs(&got, &want), 0);
		CU_ASSERT_EQUAL(got.lost, 0);
		n_swept += got.n_swept;
		answer_fini(&got);
	}
	answer_fini(&want);
	return n_swept;
}

#define N_SETS 3

/* All functions but rate, which asks for the window, and quantile, of which p50 is one. */
static const struct {
	unsigned n;
	struct call calls[8];
} sets[N_SETS] = {
	{ 3, { { "count", -1, 0 }, { "sum", 3, 0 }, { "min", 4, 0 } } },
	{ 8, { { "distinct", 4, 0 }, { "distinct", 3, 5 }, { "topk", 6, 4 }, { "entropy", 3, 0 },
		 { "p50", 3, 0 }, { "p999", 5, 0 }, { "approx_distinct", 4, 0 },
		 { "count", 3, 0 } } },
	{ 8, { { "sum", 5, 0 }, { "max", 4, 0 }, { "mean", 3, 0 }, { "stddev", 5, 0 },
		 { "first", 4, 0 }, { "last", 4, 0 }, { "p90", 3, 0 }, { "p99", 5, 0 } } },
};

static struct query
query_of(struct weir_window window, int64_t lateness_ns, unsigned n_keys, unsigned set)
{
	struct query q = {
		.window = window,
		.lateness_ns = lateness_ns,
		.n_keys = n_keys,
		.n_calls = sets[set].n,
		.table_size = 100000,
		.seed = 3,
	};

	memcpy(q.calls, sets[set].calls, sizeof(q.calls));
	return q;
}

static struct weir_window
session(int64_t gap_ns, int64_t max_ns)
{
	return (
	    struct weir_window){ .kind = WEIR_WINDOW_SESSION, .gap_ns = gap_ns, .max_ns = max_ns };
}

static struct weir_window
count(uint64_t n)
{
	return (struct weir_window){ .kind = WEIR_WINDOW_COUNT, .count = n };
}

static const struct shape shapes[] = {
	{ 3000, 1000, 10, 0, 1, 20 },
	{ 3000, 1000, 10, 700, 2, 4 },
	{ 2500, -5 * MS, MS / 10, MS, 3, 3 }, /* as long as sweeps are apart, and more */
	{ 2500, 1000, MS, 0, 1, 50 },
	{ 2000, INT64_MIN + 1000000, 10, 100, 1, 5 },
	{ 1500, INT64_MAX - 1000000, 10, 100, 0, 1 },
	{ 1500, 1000, 10, 700, 0, 1 },
};
#define N_SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static void
sessions_of_all_lengths(void)
{
	static const struct {
		int64_t gap, max; /* in steps */
	} sizes[] = { { 0, 0 }, { 1, 0 }, { 20, 0 }, { 20, 50 }, { 60, 10 }, { 1000000000, 0 },
		{ 1000000000, 300 } };
	static const int64_t lateness[] = { 0, 30, 1000 };
	unsigned n = 0, n_swept = 0;

	for (unsigned i = 0; i < N_SHAPES; i++) {
		struct stream s;

		make_stream(&s, &shapes[i], i + 1);
		for (unsigned j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			int64_t step = shapes[i].step;
			struct query q =
			    query_of(session(sizes[j].gap * step + 1, sizes[j].max * step),
				lateness[n % 3] * step, shapes[i].n_keys, n % N_SETS);

			n_swept += check(&s, &q);
			n++;
		}
		stream_fini(&s);
	}
	CU_ASSERT(n_swept > 1000);
}

static void
windows_of_so_many_rows(void)
{
	static const uint64_t counts[] = { 1, 2, 7, 300, UINT64_MAX };
	static const int64_t lateness[] = { 0, 30, 1000 };
	unsigned n = 0;

	for (unsigned i = 0; i < N_SHAPES; i++) {
		struct stream s;

		make_stream(&s, &shapes[i], i + 50);
		for (unsigned j = 0; j < sizeof(counts) / sizeof(counts[0]); j++) {
			struct query q = query_of(count(counts[j]),
			    lateness[n % 3] * shapes[i].step, shapes[i].n_keys, n % N_SETS);

			check(&s, &q);
			n++;
		}
		stream_fini(&s);
	}
}

static void
kernels_agree(void)
{
	static const enum weir_simd levels[] = { WEIR_SIMD_V2, WEIR_SIMD_V3, WEIR_SIMD_V4 };
	struct stream s;

	make_stream(&s, &shapes[2], 77);
	for (unsigned i = 0; i < 3; i++) {
		struct query q = query_of(session(2 * MS, 0), 0, 3, 1);

		q.simd = levels[i];
		check(&s, &q);
	}
	stream_fini(&s);
}

static void
a_full_table_drops_new_keys(void)
{
	struct stream s;

	make_stream(&s, &shapes[0], 90);
	for (unsigned i = 0; i < 2; i++) {
		struct query q = query_of(i ? count(5) : session(100, 0), 0, 1, i);

		q.table_size = 7;
		check(&s, &q);
	}
	stream_fini(&s);
}

/* A count of rows is never lost: it is in a window or in a counter. */
static void
overflow_adds_up(void)
{
	static const enum weir_overflow policies[] = { WEIR_OVERFLOW_DROP, WEIR_OVERFLOW_EVICT,
		WEIR_OVERFLOW_SAMPLE };
	const struct shape many = { 20000, 1000, MS / 10, MS, 3, 20 };
	struct stream s;

	make_stream(&s, &many, 91);
	for (unsigned i = 0; i < 6; i++) {
		struct query q = query_of(i % 2 ? count(3) : session(20 * MS, 0), MS, 3, 1);
		uint64_t n = 0, n_in = 0;
		struct answer a;

		q.calls[0] = (struct call){ "count", -1, 0 };
		q.table_size = 100;
		q.overflow = policies[i / 2];
		answer_fed(&a, &s, &q, WEIR_ROWS, 5, 1, true);
		for (uint32_t r = 0; r < a.blocks[0]->n_rows; r++)
			n += (uint64_t)weir_column_get(&a.blocks[0]->columns[3], r).i;
		for (uint32_t r = 0; r < s.n; r++)
			n_in += s.is_selected[r];
		CU_ASSERT_EQUAL(n, a.counters.aggregated - a.lost);
		CU_ASSERT_EQUAL(a.counters.aggregated + a.counters.null_key + a.counters.late +
				    a.counters.no_time + a.counters.overflow,
		    n_in);
		CU_ASSERT(a.counters.overflow > 0);
		CU_ASSERT(a.most_open <= 100);
		answer_fini(&a);
	}
	stream_fini(&s);
}

static struct weir_value
text_of(const char *word, uint32_t number)
{
	char *text = malloc(20);
	int len = snprintf(text, 20, "%s %u", word, number);

	return (struct weir_value){ .type = WEIR_STRING, .s = { (uint8_t *)text, (uint32_t)len } };
}

/* 5000 keys that come eight times each: what is open is what is live. */
static void
memory_follows_live_sessions(void)
{
	struct stream s;

	stream_init(&s, 40000);
	stream_column(&s, WEIR_STRING, WEIR_BYTES);
	stream_column(&s, WEIR_STRING, WEIR_BYTES);
	for (uint32_t r = 0; r < s.n; r++) {
		s.time_ns[r] = (int64_t)r * MS;
		*stream_value(&s, r, 0) = text_of("key", r / 8);
		*stream_value(&s, r, 1) = text_of("value", r);
	}
	for (unsigned i = 0; i < 2; i++) {
		struct query q = {
			.window = i ? count(8) : session(100 * MS, 0),
			.n_keys = 1,
			.n_calls = 2,
			.calls = { { "distinct", 1, 0 }, { "count", -1, 0 } },
			.table_size = 100000,
		};
		struct answer a;

		answer_fed(&a, &s, &q, WEIR_ROWS, 0, 1, true);
		CU_ASSERT_EQUAL(a.blocks[0]->n_rows, 5000);
		CU_ASSERT_EQUAL(a.counters.aggregated, 40000);
		CU_ASSERT(a.open_bytes > 0 && a.open_bytes < 100000);
		CU_ASSERT(a.n_swept > 100);
		CU_ASSERT(a.most_open < 200);
		answer_fini(&a);
	}
	stream_fini(&s);
}

static void
rate_is_of_the_row_s_own_window(void)
{
	struct query q = {
		.window = session(10, 0),
		.lateness_ns = 1000,
		.n_calls = 1,
		.calls = { { "rate", 0, 0 } },
		.table_size = 10,
	};
	static const int64_t times[] = { 100, 104, 100, 200, 300, 310 };
	struct answer a;
	struct stream s;

	stream_init(&s, 6);
	stream_column(&s, WEIR_INT, WEIR_I64);
	for (uint32_t r = 0; r < 6; r++) {
		s.time_ns[r] = times[r];
		*stream_value(&s, r, 0) = (struct weir_value){ .type = WEIR_INT, .i = 20 };
	}
	answer_fed(&a, &s, &q, WEIR_ROWS, 0, 1, false);
	CU_ASSERT_EQUAL_FATAL(a.blocks[0]->n_rows, 3);
	CU_ASSERT_EQUAL(weir_column_get(&a.blocks[0]->columns[0], 0).f, 60 / 4e-9);
	CU_ASSERT(weir_column_get(&a.blocks[0]->columns[0], 1).is_null);
	CU_ASSERT_EQUAL(weir_column_get(&a.blocks[0]->columns[0], 2).f, 40 / 10e-9);
	answer_fini(&a);
	stream_fini(&s);
}

/* Short of memory for strings, lists are handed over sooner: nothing is lost. */
static void
long_keys_are_kept(void)
{
	struct query q = {
		.window = count(1),
		.n_keys = 1,
		.n_calls = 1,
		.calls = { { "count", -1, 0 } },
		.table_size = 1000,
	};
	struct answer a;
	struct stream s;

	stream_init(&s, 3000);
	stream_column(&s, WEIR_STRING, WEIR_BYTES);
	for (uint32_t r = 0; r < s.n; r++) {
		uint8_t *text = malloc(2000);

		memset(text, 'a' + (int)(r % 20), 2000);
		*stream_value(&s, r, 0) =
		    (struct weir_value){ .type = WEIR_STRING, .s = { text, 2000 } };
	}
	answer_fed(&a, &s, &q, WEIR_ROWS, 0, 1, false);
	CU_ASSERT_EQUAL(a.blocks[0]->n_rows, 3000);
	CU_ASSERT_EQUAL(a.counters.aggregated, 3000);
	CU_ASSERT_EQUAL(a.lost, 0);
	answer_fini(&a);
	stream_fini(&s);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "sessions of all lengths", sessions_of_all_lengths },
		{ "windows of so many rows", windows_of_so_many_rows },
		{ "kernels agree", kernels_agree },
		{ "a full table drops new keys", a_full_table_drops_new_keys },
		{ "overflow adds up", overflow_adds_up },
		{ "memory follows live sessions", memory_follows_live_sessions },
		{ "rate is of the row's own window", rate_is_of_the_row_s_own_window },
		{ "long keys are kept", long_keys_are_kept },
		CU_TEST_INFO_NULL,
	};

	return check_run("own windows", tests);
}
