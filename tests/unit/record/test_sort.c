/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>

#include <weir/record/block.h>

#include "append_slice.h"
#include "check.h"
#include "random.h"

/* The order is checked against a comparison of whole rows, value by value, as the header words it.
 */

/* Small domains with awkward members, so that there are many ties and all the edges. */
static struct weir_value
random_value(enum weir_type type, uint64_t *rng, uint8_t *bytes)
{
	static const int64_t ints[] = { INT64_MIN, INT64_MIN + 1, -256, -1, 0, 1, 255, 256, 65536,
		INT64_MAX };
	const double floats[] = { -INFINITY, -1e300, -1.5, -0.0, 0.0, 4e-320, 1.5, 1e300, INFINITY,
		NAN };
	uint64_t r = random_next(rng);
	struct weir_value v = { .type = type, .is_null = r % 11 == 0 };

	r >>= 8;
	switch (type) {
	case WEIR_BOOL:
		v.b = r % 2;
		break;
	case WEIR_FLOAT:
		v.f = floats[r % 10];
		break;
	case WEIR_IP:
		v.version = r % 2 ? 4 : 6;
		v.addr.hi = v.version == 6 ? random_next(rng) % 3 << 62 : 0;
		v.addr.lo =
		    v.version == 6 ? random_next(rng) % 3 << 62 : random_next(rng) % 4 << 30;
		break;
	case WEIR_STRING:
		v.s = (struct weir_bytes){ .p = bytes, .len = (uint32_t)(r % 40) };
		memset(bytes, 0, 40);
		if (r >> 8 & 1) /* long common front, then a difference */
			memset(bytes, 'a', 17);
		bytes[random_next(rng) % 40] = (uint8_t)random_next(rng);
		break;
	default:
		v.i = type == WEIR_INT && r >> 20 & 1 ? (int64_t)random_next(rng) : ints[r % 10];
	}
	return v;
}

static struct weir_block *
random_block(const struct weir_schema *s, uint32_t n, uint64_t *rng)
{
	struct weir_block *b = weir_block_create(s, n);
	uint8_t bytes[40];

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	for (uint32_t r = 0; r < n; r++)
		for (unsigned c = 0; c < s->n_columns; c++) {
			struct weir_value v = random_value(s->columns[c].type, rng, bytes);

			CU_ASSERT_EQUAL_FATAL(weir_block_set(b, r, c, &v), 0);
		}
	b->n_rows = n;
	return b;
}

struct oracle {
	const struct weir_block *b;
	int top;
	bool is_by_end;
};

static int
compare_column(const struct weir_block *b, unsigned c, uint32_t x, uint32_t y)
{
	struct weir_value a = weir_column_get(&b->columns[c], x);
	struct weir_value d = weir_column_get(&b->columns[c], y);

	if (a.is_null || d.is_null)
		return (int)d.is_null - (int)a.is_null;
	return weir_value_compare(&a, &d);
}

static int
compare_top(const struct weir_block *b, unsigned c, uint32_t x, uint32_t y)
{
	bool x_null = weir_mask_test(b->columns[c].null, x);
	bool y_null = weir_mask_test(b->columns[c].null, y);

	if (x_null || y_null)
		return (int)x_null - (int)y_null; /* last */
	return compare_column(b, c, y, x);
}

static int
compare_rows(const void *px, const void *py, void *ctx)
{
	const struct oracle *o = ctx;
	const struct weir_schema *s = o->b->schema;
	uint32_t x = *(const uint32_t *)px, y = *(const uint32_t *)py;
	int c = o->top >= 0 ? compare_top(o->b, (unsigned)o->top, x, y) : 0;
	int64_t start[2], end[2];

	weir_block_window(o->b, x, &start[0], &end[0]);
	weir_block_window(o->b, y, &start[1], &end[1]);
	if (o->is_by_end)
		c = end[0] != end[1] ? (end[0] > end[1]) - (end[0] < end[1])
				     : (start[0] > start[1]) - (start[0] < start[1]);

	for (unsigned i = 0; c == 0 && i < s->n_columns; i++)
		if (s->columns[i].is_key)
			c = compare_column(o->b, i, x, y);
	for (unsigned i = 0; c == 0 && i < s->n_columns; i++)
		if (!s->columns[i].is_key)
			c = compare_column(o->b, i, x, y);
	return c ? c : (x > y) - (x < y);
}

static bool
same_value(const struct weir_value *a, const struct weir_value *b)
{
	if (a->is_null || b->is_null)
		return a->is_null == b->is_null;
	/* Equal rows keep their order, so even the two zeros are told apart. */
	return weir_value_compare(a, b) == 0 &&
	       (a->type != WEIR_FLOAT || signbit(a->f) == signbit(b->f) || isnan(a->f));
}

/* Sort a copy and compare with the oracle's order. */
static unsigned
wrong_values(const struct weir_block *b, int top, uint32_t limit, bool is_by_end)
{
	struct oracle o = { b, top, is_by_end };
	uint32_t *order = calloc(b->n_rows + 1, sizeof(*order));
	uint32_t want = limit && limit < b->n_rows ? limit : b->n_rows;
	struct weir_block *copy = weir_block_create(b->schema, 0);
	uint64_t all[WEIR_MASK_WORDS] = { ~0ull, ~0ull, ~0ull, ~0ull };
	unsigned wrong = 0;

	CU_ASSERT_FATAL(order && copy);
	for (uint32_t r = 0; r < b->n_rows; r++)
		order[r] = r;
	qsort_r(order, b->n_rows, sizeof(*order), compare_rows, &o);
	for (uint32_t r = 0; r < b->n_rows; r += WEIR_ROWS)
		CU_ASSERT_EQUAL_FATAL(append_slice(copy, b, r, all), 0);
	CU_ASSERT_EQUAL_FATAL(
	    is_by_end ? weir_block_sort_by_end(copy) : weir_block_sort(copy, top, limit), 0);
	CU_ASSERT_EQUAL_FATAL(copy->n_rows, want);
	for (uint32_t r = 0; r < want; r++) {
		int64_t start[2], end[2];

		weir_block_window(copy, r, &start[0], &end[0]);
		weir_block_window(b, order[r], &start[1], &end[1]);
		/* Appending gave the copy the block's window where rows have none. */
		wrong += b->row_start_ns && (start[0] != start[1] || end[0] != end[1]);
		for (unsigned c = 0; c < b->schema->n_columns; c++) {
			struct weir_value x = weir_column_get(&copy->columns[c], r);
			struct weir_value y = weir_column_get(&b->columns[c], order[r]);

			wrong += !same_value(&x, &y);
		}
	}
	weir_block_destroy(copy);
	free(order);
	return wrong;
}

static void
every_type_sorts_as_the_oracle(void)
{
	uint64_t rng = 1;

	for (enum weir_type t = 0; t < WEIR_N_TYPES; t++) {
		static const uint32_t sizes[] = { 0, 1, 2, 31, 33, 1000 };
		struct weir_schema s = { 0 };

		weir_schema_add(&s, "other", WEIR_INT, false);
		weir_schema_add(&s, "key", t, true);
		weir_schema_add(&s, "more", WEIR_BOOL, false);
		for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			uint32_t n = sizes[i];
			struct weir_block *b = random_block(&s, n, &rng);

			for (int top = -1; top < 3; top++) {
				CU_ASSERT_EQUAL(wrong_values(b, top, 0, false), 0);
				CU_ASSERT_EQUAL(wrong_values(b, top, 1, false), 0);
				CU_ASSERT_EQUAL(wrong_values(b, top, 20, false), 0);
				CU_ASSERT_EQUAL(wrong_values(b, top, n / 3 + 1, false), 0);
				CU_ASSERT_EQUAL(wrong_values(b, top, n + 5, false), 0);
			}
			weir_block_destroy(b);
		}
		weir_schema_fini(&s);
	}
}

static void
many_keys_sort_as_the_oracle(void)
{
	struct weir_schema s = { 0 };
	struct weir_block *b;
	uint64_t rng = 2;

	weir_schema_add(&s, "n", WEIR_INT, false);
	weir_schema_add(&s, "src", WEIR_IP, true);
	weir_schema_add(&s, "dst", WEIR_IP, true);
	weir_schema_add(&s, "name", WEIR_STRING, true);
	weir_schema_add(&s, "x", WEIR_FLOAT, false);
	weir_schema_add(&s, "proto", WEIR_MAC, true);
	b = random_block(&s, 20000, &rng);
	for (int top = -1; top < 6; top++) {
		CU_ASSERT_EQUAL(wrong_values(b, top, 0, false), 0);
		CU_ASSERT_EQUAL(wrong_values(b, top, 100, false), 0);
	}
	weir_block_destroy(b);
	weir_schema_fini(&s);
}

static void
windows_sort_as_the_oracle(void)
{
	static const int64_t times[] = { INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX };
	static const uint32_t sizes[] = { 0, 1, 2, 40, 300, 3000 };
	struct weir_schema s = { 0 };
	uint64_t rng = 4;

	weir_schema_add(&s, "n", WEIR_BOOL, false);
	weir_schema_add(&s, "src", WEIR_IP, true);
	weir_schema_add(&s, "name", WEIR_STRING, true);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct weir_block *b = random_block(&s, sizes[i], &rng);

		CU_ASSERT_EQUAL(wrong_values(b, -1, 0, true), 0);
		CU_ASSERT_EQUAL_FATAL(weir_block_own_windows(b), 0);
		for (uint32_t r = 0; r < b->n_rows; r++) {
			b->row_start_ns[r] = times[random_next(&rng) % 6];
			b->row_end_ns[r] = times[random_next(&rng) % 6];
		}
		CU_ASSERT_EQUAL(wrong_values(b, -1, 0, true), 0);
		CU_ASSERT_EQUAL(wrong_values(b, -1, 0, false), 0);
		CU_ASSERT_EQUAL(wrong_values(b, 1, 10, false), 0);
		weir_block_destroy(b);
	}
	weir_schema_fini(&s);
}

static void
a_cut_block_takes_rows_again(void)
{
	struct weir_schema s = { 0 };
	struct weir_block *b;
	uint64_t rng = 3;
	struct weir_value v = { .type = WEIR_INT, .i = 42 };

	weir_schema_add(&s, "n", WEIR_INT, false);
	b = random_block(&s, 5000, &rng);
	CU_ASSERT_EQUAL(weir_block_sort(b, 0, 10), 0);
	CU_ASSERT_EQUAL(b->n_rows, 10);
	CU_ASSERT_EQUAL(weir_block_reserve(b, 1000), 0);
	for (unsigned i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL_FATAL(weir_block_set(b, b->n_rows++, 0, &v), 0);
	CU_ASSERT_EQUAL(weir_column_get(&b->columns[0], 1009).i, 42);
	CU_ASSERT_FALSE(weir_column_get(&b->columns[0], 1009).is_null);
	weir_block_destroy(b);
	weir_schema_fini(&s);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "every type sorts as the oracle", every_type_sorts_as_the_oracle },
		{ "many keys sort as the oracle", many_keys_sort_as_the_oracle },
		{ "windows sort as the oracle", windows_sort_as_the_oracle },
		{ "a cut block takes rows again", a_cut_block_takes_rows_again },
		CU_TEST_INFO_NULL,
	};

	return check_run("sort", tests);
}
