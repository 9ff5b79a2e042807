/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>

#include "check.h"
#include "stream.h"

/*
 * Every function of functions.def on every type and store that it takes, against an oracle that
 * reads plain values one by one. A function without an oracle here fails the test.
 */

#define N_GROUPS 5
#define N_ROWS   2000

/* Column 0: the group, never null; column 1: the argument; column 2: of quantile, which;
 * column 3: of topk, how many. */
struct rows {
	const struct stream *s;
	unsigned group;
};

static const struct weir_value *
arg_of(const struct rows *rows, uint32_t r)
{
	const struct weir_value *v = stream_value(rows->s, r, 1);

	if (stream_value(rows->s, r, 0)->i != rows->group || v->is_null)
		return NULL;
	return v->type == WEIR_FLOAT && isnan(v->f) ? NULL : v;
}

static int64_t
as_int(const struct weir_value *v)
{
	return v->type == WEIR_BOOL ? v->b : v->i;
}

/* The stream's floats are multiples of 1/16 below 2^32, so these sums are exact. */
static __int128
sum_of(const struct rows *rows, bool is_squared, uint64_t *ret_n)
{
	__int128 sum = 0;

	*ret_n = 0;
	for (uint32_t r = 0; r < rows->s->n; r++) {
		const struct weir_value *v = arg_of(rows, r);
		__int128 x;

		if (!v)
			continue;
		x = v->type == WEIR_FLOAT ? (int64_t)(v->f * 16) : as_int(v);
		sum += is_squared ? x * x : x;
		++*ret_n;
	}
	return sum;
}

static double
scale_of(const struct rows *rows)
{
	return rows->s->types[1] == WEIR_FLOAT ? 16 : 1;
}

static struct weir_value
oracle_count(const struct rows *rows, const struct weir_block *b)
{
	struct weir_value v = { .type = WEIR_INT };

	for (uint32_t r = 0; r < rows->s->n; r++)
		v.i += arg_of(rows, r) && as_int(arg_of(rows, r)) != 0;
	return v;
}

static struct weir_value
oracle_sum(const struct rows *rows, const struct weir_block *b)
{
	enum weir_type type = rows->s->types[1];
	uint64_t n;
	__int128 sum = sum_of(rows, false, &n);

	if (type == WEIR_FLOAT)
		return (struct weir_value){ .type = type, .f = (double)sum / 16 };
	return (
	    struct weir_value){ .type = type == WEIR_BOOL ? WEIR_INT : type, .i = (int64_t)sum };
}

static struct weir_value
oracle_mean(const struct rows *rows, const struct weir_block *b)
{
	enum weir_type type = rows->s->types[1];
	uint64_t n;
	long double mean = (long double)sum_of(rows, false, &n) / scale_of(rows) / (long double)n;

	if (type == WEIR_DURATION)
		return (struct weir_value){ .type = type, .is_null = n == 0, .i = llroundl(mean) };
	return (struct weir_value){ .type = WEIR_FLOAT, .is_null = n == 0, .f = (double)mean };
}

static struct weir_value
oracle_stddev(const struct rows *rows, const struct weir_block *b)
{
	enum weir_type type = rows->s->types[1];
	uint64_t n;
	__int128 sum = sum_of(rows, false, &n), squares = sum_of(rows, true, &n);
	long double x = sqrtl((long double)((__int128)n * squares - sum * sum)) / (long double)n;

	x /= scale_of(rows);
	if (type == WEIR_DURATION)
		return (struct weir_value){ .type = type, .is_null = n == 0, .i = llroundl(x) };
	return (struct weir_value){ .type = WEIR_FLOAT, .is_null = n == 0, .f = (double)x };
}

static struct weir_value
oracle_rate(const struct rows *rows, const struct weir_block *b)
{
	double seconds = (double)(b->window_end_ns - b->window_start_ns) / 1e9;
	uint64_t n;
	double sum = (double)sum_of(rows, false, &n) / scale_of(rows);

	if (rows->s->types[1] == WEIR_DURATION)
		sum /= 1e9;
	return (struct weir_value){ .type = WEIR_FLOAT, .f = sum / seconds };
}

static struct weir_value
oracle_extreme(const struct rows *rows, int sign)
{
	const struct weir_value *best = NULL;

	for (uint32_t r = 0; r < rows->s->n; r++) {
		const struct weir_value *v = arg_of(rows, r);

		if (v && (!best || weir_value_compare(v, best) * sign > 0))
			best = v;
	}
	return best ? *best : (struct weir_value){ .type = rows->s->types[1], .is_null = true };
}

static struct weir_value
oracle_min(const struct rows *rows, const struct weir_block *b)
{
	return oracle_extreme(rows, -1);
}

static struct weir_value
oracle_max(const struct rows *rows, const struct weir_block *b)
{
	return oracle_extreme(rows, 1);
}

static struct weir_value
oracle_edge(const struct rows *rows, bool is_last)
{
	const int64_t *t = rows->s->time_ns;
	int64_t best = -1;

	/* Rows come by number, so of equal times the first wins, or the last. */
	for (uint32_t r = 0; r < rows->s->n; r++)
		if (arg_of(rows, r) && (best < 0 || (is_last ? t[r] >= t[best] : t[r] < t[best])))
			best = r;
	return best >= 0 ? *arg_of(rows, (uint32_t)best)
			 : (struct weir_value){ .type = rows->s->types[1], .is_null = true };
}

static struct weir_value
oracle_first(const struct rows *rows, const struct weir_block *b)
{
	return oracle_edge(rows, false);
}

static struct weir_value
oracle_last(const struct rows *rows, const struct weir_block *b)
{
	return oracle_edge(rows, true);
}

/* How many of the values there are in rows before r, of its group. */
static uint32_t
seen_before(const struct rows *rows, uint32_t r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r; i++)
		n += arg_of(rows, i) && weir_value_compare(arg_of(rows, i), arg_of(rows, r)) == 0;
	return n;
}

#define TOP 3

static struct weir_value
oracle_distinct(const struct rows *rows, const struct weir_block *b)
{
	struct weir_value v = { .type = WEIR_INT };

	for (uint32_t r = 0; r < rows->s->n; r++)
		v.i += arg_of(rows, r) && seen_before(rows, r) == 0;
	return v;
}

/* n log n less the same of each value's count, as the sum of what each row adds to it. */
static struct weir_value
oracle_entropy(const struct rows *rows, const struct weir_block *b)
{
	long double h = 0, n = 0;

	for (uint32_t r = 0; r < rows->s->n; r++) {
		uint32_t k;

		if (!arg_of(rows, r))
			continue;
		k = seen_before(rows, r);
		n++;
		h -= (k + 1) * log2l(k + 1) - (k ? k * log2l(k) : 0);
	}
	if (n == 0)
		return (struct weir_value){ .type = WEIR_FLOAT, .is_null = true };
	return (struct weir_value){ .type = WEIR_FLOAT, .f = (double)((h + n * log2l(n)) / n) };
}

/* Value and count of the most frequent ones, each by looking at all rows. */
static struct weir_value
oracle_topk(const struct rows *rows, const struct weir_block *b)
{
	static char text[4096];
	struct weir_value last = { 0 };
	uint32_t last_n = UINT32_MAX;
	size_t len = 0;

	for (unsigned i = 0; i < TOP; i++) {
		const struct weir_value *best = NULL;
		uint32_t best_n = 0;

		for (uint32_t r = 0; r < rows->s->n; r++) {
			const struct weir_value *v = arg_of(rows, r);
			uint32_t n = v ? seen_before(rows, r) + 1 : 0;
			bool is_next =
			    n < last_n || (n == last_n && weir_value_compare(v, &last) > 0);

			/* The last row of a value counts all of them. */
			for (uint32_t k = r + 1; n && is_next && k < rows->s->n; k++)
				is_next =
				    !arg_of(rows, k) || weir_value_compare(arg_of(rows, k), v) != 0;
			if (n && is_next &&
			    (n > best_n || (n == best_n && weir_value_compare(v, best) < 0))) {
				best = v;
				best_n = n;
			}
		}
		if (!best)
			break;
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", i ? " " : "");
		len += weir_value_text(best, text + len, 300);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "=%u", best_n);
		last = *best;
		last_n = best_n;
	}
	return (struct weir_value){ .type = WEIR_STRING,
		.is_null = len == 0,
		.s = { (const uint8_t *)text, (uint32_t)len } };
}

/* The value that fewer than q * n are below, and so many are not above. */
static struct weir_value
oracle_quantile(const struct rows *rows, double q)
{
	struct weir_value none = { .type = rows->s->types[1], .is_null = true };
	uint64_t n;

	if (none.type == WEIR_BOOL)
		none.type = WEIR_INT;
	sum_of(rows, false, &n);
	for (uint32_t r = 0; r < rows->s->n; r++) {
		const struct weir_value *v = arg_of(rows, r);
		uint64_t below = 0, same = 0;

		for (uint32_t i = 0; v && i < rows->s->n; i++)
			if (arg_of(rows, i)) {
				int order = weir_value_compare(arg_of(rows, i), v);

				below += order < 0;
				same += order == 0;
			}
		if (!v || (double)below >= q * (double)n || (double)(below + same) < q * (double)n)
			continue;
		none.is_null = false;
		if (none.type == WEIR_FLOAT)
			none.f = v->f;
		else
			none.i = as_int(v);
	}
	return none;
}

#define Q 0.75

static struct weir_value
oracle_q(const struct rows *rows, const struct weir_block *b)
{
	return oracle_quantile(rows, Q);
}

static struct weir_value
oracle_p50(const struct rows *rows, const struct weir_block *b)
{
	return oracle_quantile(rows, 0.5);
}

static struct weir_value
oracle_p90(const struct rows *rows, const struct weir_block *b)
{
	return oracle_quantile(rows, 0.9);
}

static struct weir_value
oracle_p99(const struct rows *rows, const struct weir_block *b)
{
	return oracle_quantile(rows, 0.99);
}

static struct weir_value
oracle_p999(const struct rows *rows, const struct weir_block *b)
{
	return oracle_quantile(rows, 0.999);
}

/* By the definition, in the order of the rows. */
static struct weir_value
oracle_ewma(const struct rows *rows, const struct weir_block *b)
{
	enum weir_type type = rows->s->types[1];
	struct weir_value s = { .type = type == WEIR_DURATION ? type : WEIR_FLOAT,
		.is_null = true };
	double sum = 0;

	for (uint32_t r = 0; r < rows->s->n; r++) {
		const struct weir_value *v = arg_of(rows, r);
		double x;

		if (!v)
			continue;
		x = type == WEIR_FLOAT ? v->f : (double)as_int(v);
		sum = s.is_null ? x : Q * sum + (1 - Q) * x;
		s.is_null = false;
	}
	if (type == WEIR_DURATION)
		s.i = llround(sum);
	else
		s.f = sum;
	return s;
}

static struct weir_value
oracle_changes(const struct rows *rows, const struct weir_block *b)
{
	struct weir_value n = { .type = WEIR_INT };
	const struct weir_value *before = NULL;

	for (uint32_t r = 0; r < rows->s->n; r++) {
		const struct weir_value *v = arg_of(rows, r);

		if (!v)
			continue;
		n.i += before && weir_value_compare(v, before) != 0;
		before = v;
	}
	return n;
}

#define NUMBERS (1u << WEIR_BOOL | 1u << WEIR_INT | 1u << WEIR_FLOAT | 1u << WEIR_DURATION)
#define ANY     ((1u << WEIR_N_TYPES) - 1)

static const struct {
	const char *name;
	struct weir_value (*work_out)(const struct rows *rows, const struct weir_block *b);
	unsigned types; /* that it takes */
	double error;   /* relative, that it may have; 0 stands for that of a double */
	int other;      /* column of another argument, 0: none */
	bool is_second; /* the other one comes first */
} oracles[] = {
	{ "count", oracle_count, 1u << WEIR_BOOL | 1u << WEIR_INT },
	{ "sum", oracle_sum, NUMBERS },
	{ "min", oracle_min, ANY },
	{ "max", oracle_max, ANY },
	{ "mean", oracle_mean, NUMBERS },
	{ "stddev", oracle_stddev, NUMBERS },
	{ "first", oracle_first, ANY },
	{ "last", oracle_last, ANY },
	{ "rate", oracle_rate, NUMBERS },
	{ "distinct", oracle_distinct, ANY },
	{ "approx_distinct", oracle_distinct, ANY }, /* so few that it is exact */
	{ "quantile", oracle_q, NUMBERS, 1.0 / 256, 2 },
	{ "p50", oracle_p50, NUMBERS, 1.0 / 256 },
	{ "p90", oracle_p90, NUMBERS, 1.0 / 256 },
	{ "p99", oracle_p99, NUMBERS, 1.0 / 256 },
	{ "p999", oracle_p999, NUMBERS, 1.0 / 256 },
	{ "entropy", oracle_entropy, ANY, 1e-12 },
	{ "topk", oracle_topk, ANY, 0, 3, true },
	{ "ewma", oracle_ewma, NUMBERS, 1e-8, 2, true },
	{ "changes", oracle_changes, ANY },
};
#define N_ORACLES (sizeof(oracles) / sizeof(oracles[0]))

static const struct {
	enum weir_type type;
	enum weir_store store;
} kinds[] = {
	{ WEIR_BOOL, WEIR_U8 },
	{ WEIR_INT, WEIR_U8 },
	{ WEIR_INT, WEIR_U16 },
	{ WEIR_INT, WEIR_U32 },
	{ WEIR_INT, WEIR_I64 },
	{ WEIR_FLOAT, WEIR_F64 },
	{ WEIR_DURATION, WEIR_I64 },
	{ WEIR_TIME, WEIR_I64 },
	{ WEIR_STRING, WEIR_BYTES },
	{ WEIR_IP, WEIR_ADDR },
	{ WEIR_MAC, WEIR_I64 },
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool
same(const struct weir_value *a, const struct weir_value *b, double error)
{
	if (a->type != b->type || a->is_null != b->is_null)
		return false;
	if (a->is_null)
		return true;
	if (a->type == WEIR_FLOAT)
		return fabs(a->f - b->f) <= (error != 0 ? error : 1e-15) * fabs(b->f);
	if (error != 0)
		return fabs((double)a->i - (double)b->i) <= error * fabs((double)b->i);
	return weir_value_compare(a, b) == 0;
}

static unsigned
wrong_groups(const struct stream *s, const struct query *q, unsigned oracle, unsigned cores)
{
	struct answer a;
	unsigned wrong = 0;

	answer_fed(&a, s, q, cores == 1 ? WEIR_ROWS : 100, cores, cores, false);
	CU_ASSERT_EQUAL_FATAL(a.n_blocks, 1);
	CU_ASSERT_EQUAL_FATAL(a.blocks[0]->n_rows, N_GROUPS);
	for (unsigned g = 0; g < N_GROUPS; g++) {
		struct rows rows = { s, g };
		struct weir_value want = oracles[oracle].work_out(&rows, a.blocks[0]);
		struct weir_value got = weir_column_get(&a.blocks[0]->columns[1], g);

		wrong += !same(&got, &want, oracles[oracle].error);
	}
	answer_fini(&a);
	return wrong;
}

/* Group 4 has nulls only; times are in disorder and often equal. */
static void
make_stream(struct stream *s, unsigned kind, uint64_t *rng)
{
	stream_init(s, N_ROWS);
	stream_column(s, WEIR_INT, WEIR_U8);
	stream_column(s, kinds[kind].type, kinds[kind].store);
	stream_column(s, WEIR_FLOAT, WEIR_F64);
	stream_column(s, WEIR_INT, WEIR_I64);
	stream_fill(s, 0, N_GROUPS, 0, rng);
	stream_fill(s, 1, UINT64_C(1) << 32, 6, rng);
	for (uint32_t r = 0; r < s->n; r++) {
		struct weir_value *v = stream_value(s, r, 1);

		s->time_ns[r] = (int64_t)(random_next(rng) % 500) * 1000000;
		*stream_value(s, r, 3) = (struct weir_value){ .type = WEIR_INT, .i = TOP };
		*stream_value(s, r, 2) = (struct weir_value){ .type = WEIR_FLOAT, .f = Q };
		if (v->type == WEIR_FLOAT && r % 9 == 0)
			v->f = r % 2 ? NAN : -v->f;
		if (stream_value(s, r, 0)->i == 4) {
			if (v->type == WEIR_STRING && !v->is_null)
				free((void *)(uintptr_t)v->s.p);
			*v = (struct weir_value){ .type = v->type, .is_null = true };
		}
	}
}

static void
every_function_agrees_with_its_oracle(void)
{
	uint64_t rng = 1;

	for (unsigned k = 0; k < N_KINDS; k++) {
		struct stream s;

		make_stream(&s, k, &rng);
		for (unsigned o = 0; o < N_ORACLES; o++) {
			struct query q = {
				.n_keys = 1,
				.n_calls = 1,
				.calls = { { oracles[o].name, 1, oracles[o].other } },
				.table_size = 100,
			};

			if (oracles[o].is_second) {
				q.calls[0].arg = oracles[o].other;
				q.calls[0].arg2 = 1;
			}
			if (!(oracles[o].types >> kinds[k].type & 1))
				continue;
			CU_ASSERT_EQUAL(wrong_groups(&s, &q, o, 1), 0);
			CU_ASSERT_EQUAL(wrong_groups(&s, &q, o, 3), 0);
		}
		stream_fini(&s);
	}
}

static void
every_function_has_an_oracle(void)
{
	for (unsigned i = 0; weir_agg_functions[i]; i++) {
		const struct weir_agg_function *f = weir_agg_functions[i];
		bool is_known = false;

		for (unsigned o = 0; o < N_ORACLES; o++)
			is_known |= strcmp(f->name, oracles[o].name) == 0;
		CU_ASSERT_TRUE(is_known);
		CU_ASSERT_PTR_EQUAL(weir_agg_function_find(f->name), f);
		CU_ASSERT_EQUAL(strncmp(f->synopsis, f->name, strlen(f->name)), 0);
		CU_ASSERT(f->doc && *f->doc);
	}
	CU_ASSERT_PTR_NULL(weir_agg_function_find("median"));
}

static void
wrong_arguments_are_refused(void)
{
	for (unsigned o = 0; o < N_ORACLES; o++) {
		const struct weir_agg_function *f = weir_agg_function_find(oracles[o].name);
		const enum weir_type three[] = { WEIR_INT, WEIR_INT, WEIR_INT };
		enum weir_type ret;
		struct weir_error err;

		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		CU_ASSERT(f->check(three, f->max_args + 1, &ret, &err) < 0);
		CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
		if (f->min_args)
			CU_ASSERT(f->check(NULL, 0, &ret, &err) < 0);
		for (enum weir_type t = 0; t < WEIR_N_TYPES; t++) {
			const enum weir_type args[] = {
				oracles[o].is_second ? WEIR_INT : t,
				oracles[o].is_second ? t : WEIR_FLOAT,
			};
			int code = f->check(args, f->min_args ? f->min_args : 1, &ret, &err);

			CU_ASSERT_EQUAL(code == 0, oracles[o].types >> t & 1);
			if (code == 0)
				CU_ASSERT_EQUAL(f->state_size(args, f->min_args) % 8, 0);
		}
	}
}

static void
errors_name_function_and_type(void)
{
	enum weir_type t = WEIR_IP, ret;
	struct weir_error err;

	weir_agg_function_find("sum")->check(&t, 1, &ret, &err);
	CU_ASSERT_STRING_EQUAL(err.text, "sum(x): x must be a number, not an address");
	t = WEIR_STRING;
	weir_agg_function_find("count")->check(&t, 1, &ret, &err);
	CU_ASSERT_STRING_EQUAL(err.text, "count(x): x must be a condition, not a string");
	weir_agg_function_find("mean")->check(NULL, 0, &ret, &err);
	CU_ASSERT_STRING_EQUAL(err.text, "mean(x) takes 1 argument, not 0");
}

/* One group, given values, one function: the one result. */
static struct weir_value
result_of(const char *function, enum weir_type type, const struct weir_value *values, uint32_t n,
    struct weir_window window)
{
	static uint8_t kept[512];
	struct query q = {
		.window = window,
		.n_calls = 1,
		.calls = { { function, 0 } },
		.table_size = 1,
	};
	struct stream s;
	struct answer a;
	struct weir_value v;

	stream_init(&s, n);
	stream_column(&s, type, weir_store_of(type));
	for (uint32_t r = 0; r < n; r++) {
		*stream_value(&s, r, 0) = values[r];
		stream_value(&s, r, 0)->type = type;
	}
	answer_fed(&a, &s, &q, WEIR_ROWS, 0, n > 1 ? 2 : 1, false);
	v = weir_column_get(&a.blocks[0]->columns[0], 0);
	if (v.type == WEIR_STRING && !v.is_null) {
		memcpy(kept, v.s.p, v.s.len);
		v.s.p = kept;
	}
	answer_fini(&a);
	s.n_columns = 0; /* the values are the caller's */
	stream_fini(&s);
	return v;
}

static const struct weir_window all_time = { .kind = WEIR_WINDOW_GLOBAL };

static void
integer_sums_hold_at_the_ends(void)
{
	const struct weir_value up[] = { { .i = INT64_MAX }, { .i = INT64_MAX }, { .i = 1 } };
	const struct weir_value down[] = { { .i = INT64_MIN }, { .i = -1 }, { .i = -1 } };
	const struct weir_value back[] = { { .i = INT64_MAX }, { .i = INT64_MAX }, { .i = 5 },
		{ .i = -INT64_MAX }, { .i = -INT64_MAX } };

	CU_ASSERT_EQUAL(result_of("sum", WEIR_INT, up, 3, all_time).i, INT64_MAX);
	CU_ASSERT_EQUAL(result_of("sum", WEIR_INT, down, 3, all_time).i, INT64_MIN);
	CU_ASSERT_EQUAL(result_of("sum", WEIR_INT, back, 5, all_time).i, 5);
	CU_ASSERT_EQUAL(result_of("mean", WEIR_INT, back, 5, all_time).f, 1.0);
	/* Of two at each end and one in the middle: the end times the root of four fifths. */
	CU_ASSERT_DOUBLE_EQUAL(
	    result_of("stddev", WEIR_INT, back, 5, all_time).f / 0x1p63, sqrt(0.8), 1e-15);
	CU_ASSERT_EQUAL(result_of("mean", WEIR_DURATION, up, 3, all_time).i, 6148914691236517205);
}

static void
float_sums_do_not_depend_on_order(void)
{
	enum { N = 1000 };
	static struct weir_value v[N];
	const struct weir_value wide[] = { { .f = 1e30 }, { .f = 1 }, { .f = -1e30 },
		{ .f = 1e-20 } };
	const struct weir_value big[] = { { .f = 1e300 }, { .f = 1 } };
	const struct weir_value both[] = { { .f = INFINITY }, { .f = -INFINITY } };
	const struct weir_value near[] = { { .f = 1e9 }, { .f = 1e9 + 1 } };
	uint64_t rng = 9;
	double sum, mean, stddev;

	for (unsigned i = 0; i < N; i++)
		v[i].f =
		    ldexp((double)(int64_t)random_next(&rng), (int)(random_next(&rng) % 80) - 80);
	sum = result_of("sum", WEIR_FLOAT, v, N, all_time).f;
	mean = result_of("mean", WEIR_FLOAT, v, N, all_time).f;
	stddev = result_of("stddev", WEIR_FLOAT, v, N, all_time).f;
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = N - 1; i > 0; i--) {
			unsigned j = (unsigned)(random_next(&rng) % (i + 1));
			struct weir_value swap = v[i];

			v[i] = v[j];
			v[j] = swap;
		}
		CU_ASSERT_EQUAL(result_of("sum", WEIR_FLOAT, v, N, all_time).f, sum);
		CU_ASSERT_EQUAL(result_of("mean", WEIR_FLOAT, v, N, all_time).f, mean);
		CU_ASSERT_EQUAL(result_of("stddev", WEIR_FLOAT, v, N, all_time).f, stddev);
	}
	CU_ASSERT_EQUAL(result_of("sum", WEIR_FLOAT, wide, 3, all_time).f, 1.0);
	CU_ASSERT_EQUAL(result_of("sum", WEIR_FLOAT, wide, 4, all_time).f, 1.0);
	CU_ASSERT_EQUAL(result_of("sum", WEIR_FLOAT, big, 2, all_time).f, (double)INFINITY);
	CU_ASSERT(isnan(result_of("sum", WEIR_FLOAT, both, 2, all_time).f));
	CU_ASSERT_EQUAL(result_of("stddev", WEIR_FLOAT, near, 2, all_time).f, 0.5);
}

static void
nothing_gives_null_or_zero(void)
{
	const struct weir_value none[] = { { .is_null = true }, { .is_null = true } };
	const struct weir_value nan[] = { { .f = NAN } };

	CU_ASSERT_FALSE(result_of("count", WEIR_INT, none, 2, all_time).is_null);
	CU_ASSERT_EQUAL(result_of("count", WEIR_INT, none, 2, all_time).i, 0);
	CU_ASSERT_FALSE(result_of("sum", WEIR_INT, none, 2, all_time).is_null);
	CU_ASSERT_EQUAL(result_of("sum", WEIR_INT, none, 2, all_time).i, 0);
	CU_ASSERT_EQUAL(result_of("sum", WEIR_FLOAT, nan, 1, all_time).f, 0.0);
	CU_ASSERT_TRUE(result_of("min", WEIR_FLOAT, nan, 1, all_time).is_null);
	CU_ASSERT_TRUE(result_of("max", WEIR_IP, none, 2, all_time).is_null);
	CU_ASSERT_TRUE(result_of("mean", WEIR_FLOAT, nan, 1, all_time).is_null);
	CU_ASSERT_TRUE(result_of("stddev", WEIR_INT, none, 2, all_time).is_null);
	CU_ASSERT_TRUE(result_of("first", WEIR_STRING, none, 2, all_time).is_null);
	CU_ASSERT_TRUE(result_of("last", WEIR_TIME, none, 2, all_time).is_null);
}

static void
rate_needs_a_length(void)
{
	const struct weir_value v[] = { { .i = 300 }, { .i = 200 } };
	struct weir_window second = { .kind = WEIR_WINDOW_TUMBLING, .size_ns = 1000000000 };
	struct weir_window half = { .kind = WEIR_WINDOW_TUMBLING, .size_ns = 500000000 };

	CU_ASSERT_EQUAL(result_of("rate", WEIR_INT, v, 2, second).f, 500.0);
	CU_ASSERT_EQUAL(result_of("rate", WEIR_INT, v, 2, half).f, 1000.0);
	/* From row 0 at 0 ns to row 1 at 1 ns; and one instant alone. */
	CU_ASSERT_EQUAL(result_of("rate", WEIR_INT, v, 2, all_time).f, 500e9);
	CU_ASSERT_TRUE(result_of("rate", WEIR_INT, v, 1, all_time).is_null);
}

static void
strings_are_kept_up_to_256_bytes(void)
{
	static uint8_t bytes[2][300];
	const struct weir_value v[] = {
		{ .s = { bytes[0], 300 } },
		{ .s = { bytes[1], 300 } },
		{ .s = { bytes[1], 256 } },
		{ .s = { bytes[1], 0 } },
	};
	struct weir_value got;

	memset(bytes, 'a', sizeof(bytes));
	bytes[1][255] = 'b';
	got = result_of("max", WEIR_STRING, v, 2, all_time);
	CU_ASSERT_EQUAL(got.s.len, 256);
	CU_ASSERT_EQUAL(got.s.p[255], 'b');
	got = result_of("min", WEIR_STRING, v, 3, all_time);
	CU_ASSERT_EQUAL(got.s.len, 256);
	CU_ASSERT_EQUAL(got.s.p[255], 'a');
	got = result_of("last", WEIR_STRING, v, 4, all_time);
	CU_ASSERT_EQUAL(got.s.len, 0);
	CU_ASSERT_FALSE(got.is_null);
}

static bool
is_nan(const struct weir_value *v)
{
	return v->type == WEIR_FLOAT && isnan(v->f);
}

/* Different pairs of columns 1 and 2, row by row. */
static int64_t
pairs_of(const struct stream *s)
{
	int64_t n = 0;

	for (uint32_t r = 0; r < s->n; r++) {
		const struct weir_value *v = stream_value(s, r, 1), *w = stream_value(s, r, 2);
		bool is_new = !v->is_null && !w->is_null && !is_nan(v) && !is_nan(w);

		for (uint32_t i = 0; is_new && i < r; i++) {
			const struct weir_value *x = stream_value(s, i, 1);
			const struct weir_value *y = stream_value(s, i, 2);

			is_new = x->is_null || y->is_null || weir_value_compare(v, x) != 0 ||
				 weir_value_compare(w, y) != 0;
		}
		n += is_new;
	}
	return n;
}

static void
pairs_of_all_types_are_counted(void)
{
	const struct query q = {
		.n_keys = 1,
		.n_calls = 1,
		.calls = { { "distinct", 1, 2 } },
		.table_size = 10,
	};
	uint64_t rng = 7;

	for (unsigned one = 0; one < N_KINDS; one++)
		for (unsigned two = 0; two < N_KINDS; two++) {
			struct stream s;

			stream_init(&s, 400);
			stream_column(&s, WEIR_INT, WEIR_U8);
			stream_column(&s, kinds[one].type, kinds[one].store);
			stream_column(&s, kinds[two].type, kinds[two].store);
			stream_fill(&s, 0, 1, 0, &rng);
			stream_fill(&s, 1, 14, 10, &rng);
			stream_fill(&s, 2, 14, 10, &rng);
			for (unsigned cores = 1; cores <= 3; cores += 2) {
				struct answer a;

				answer_fed(&a, &s, &q, WEIR_ROWS, cores, cores, false);
				CU_ASSERT_EQUAL(
				    weir_column_get(&a.blocks[0]->columns[1], 0).i, pairs_of(&s));
				answer_fini(&a);
			}
			stream_fini(&s);
		}
}

/* Out of few values, so that many are like the one before; strings that are longer than what other
 * functions keep; and as groups are thrown out. */
static void
changes_tell_strings_apart(void)
{
	static uint8_t bytes[2][300];
	struct query q = {
		.n_keys = 1,
		.n_calls = 1,
		.calls = { { "changes", 1, 0 } },
		.table_size = 10,
	};
	const struct weir_value v[] = { { .s = { bytes[0], 300 } }, { .s = { bytes[1], 300 } },
		{ .s = { bytes[1], 300 } }, { .is_null = true }, { .s = { bytes[1], 299 } },
		{ .s = { bytes[1], 0 } }, { .s = { NULL, 0 } }, { .s = { bytes[0], 17 } } };
	uint64_t rng = 11;

	bytes[1][299] = 1;
	CU_ASSERT_EQUAL(result_of("changes", WEIR_STRING, v, 8, all_time).i, 4);
	for (unsigned k = 0; k < N_KINDS; k++) {
		struct stream s;

		stream_init(&s, 3000);
		stream_column(&s, WEIR_INT, WEIR_U8);
		stream_column(&s, kinds[k].type, kinds[k].store);
		stream_fill(&s, 0, 10, 0, &rng);
		stream_fill(&s, 1, 3, 5, &rng);
		for (unsigned run = 0; run < 6; run++) {
			struct answer a;

			q.overflow = run < 3 ? WEIR_OVERFLOW_DROP : WEIR_OVERFLOW_SAMPLE;
			q.table_size = run < 3 ? 10 : 6;
			answer_fed(&a, &s, &q, 70, run, 1 + run % 3, false);
			for (uint32_t r = 0; r < a.blocks[0]->n_rows; r++) {
				const struct weir_column *c = a.blocks[0]->columns;
				struct rows rows = { &s, (unsigned)weir_column_get(&c[0], r).i };

				CU_ASSERT_EQUAL(
				    weir_column_get(&c[1], r).i, oracle_changes(&rows, NULL).i);
			}
			answer_fini(&a);
		}
		stream_fini(&s);
	}
}

/* Groups are thrown out, and others take their rows. */
static void
states_that_grow_follow_their_groups(void)
{
	static const enum weir_overflow policies[] = { WEIR_OVERFLOW_SAMPLE, WEIR_OVERFLOW_EVICT };
	struct query q = {
		.n_keys = 1,
		.n_calls = 4,
		.calls = { { "distinct", 1, 0 }, { "entropy", 1, 0 }, { "approx_distinct", 1, 0 },
		    { "p50", 0, 0 } },
		.table_size = 60,
		.seed = 3,
	};
	struct stream s;
	uint64_t rng = 8;

	stream_init(&s, 20000);
	stream_column(&s, WEIR_INT, WEIR_U8);
	stream_column(&s, WEIR_STRING, WEIR_BYTES);
	stream_fill(&s, 0, 200, 0, &rng);
	stream_fill(&s, 1, 90, 5, &rng);
	for (unsigned run = 0; run < 4; run++) {
		struct answer a;

		q.overflow = policies[run % 2];
		answer_fed(&a, &s, &q, WEIR_ROWS, run, 1 + run / 2 * 2, false);
		CU_ASSERT_FATAL(a.n_blocks == 1 && a.blocks[0]->n_rows > 10);
		for (uint32_t r = 0; r < a.blocks[0]->n_rows; r++) {
			const struct weir_column *c = a.blocks[0]->columns;
			int64_t key = weir_column_get(&c[0], r).i;
			struct rows rows = { &s, (unsigned)key };
			struct weir_value want = oracle_distinct(&rows, a.blocks[0]);
			struct weir_value bits = oracle_entropy(&rows, a.blocks[0]);
			int64_t got = weir_column_get(&c[1], r).i;

			CU_ASSERT_EQUAL(weir_column_get(&c[3], r).i, got);
			CU_ASSERT_EQUAL(weir_column_get(&c[4], r).i, key);
			CU_ASSERT(got <= want.i);
			if (q.overflow == WEIR_OVERFLOW_EVICT)
				continue;
			CU_ASSERT_EQUAL(got, want.i);
			CU_ASSERT_DOUBLE_EQUAL(weir_column_get(&c[2], r).f, bits.f, 1e-9);
		}
		answer_fini(&a);
	}
	stream_fini(&s);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "every function agrees with its oracle", every_function_agrees_with_its_oracle },
		{ "every function has an oracle", every_function_has_an_oracle },
		{ "wrong arguments are refused", wrong_arguments_are_refused },
		{ "errors name function and type", errors_name_function_and_type },
		{ "integer sums hold at the ends", integer_sums_hold_at_the_ends },
		{ "float sums do not depend on order", float_sums_do_not_depend_on_order },
		{ "nothing gives null or zero", nothing_gives_null_or_zero },
		{ "rate needs a length", rate_needs_a_length },
		{ "strings are kept up to 256 bytes", strings_are_kept_up_to_256_bytes },
		{ "pairs of all types are counted", pairs_of_all_types_are_counted },
		{ "changes tell strings apart", changes_tell_strings_apart },
		{ "states that grow follow their groups", states_that_grow_follow_their_groups },
		CU_TEST_INFO_NULL,
	};

	return check_run("functions", tests);
}
