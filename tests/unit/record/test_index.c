/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <weir/record/index.h>

#include "check.h"
#include "random.h"

#define N_COLUMNS 4
#define N_ROWS    3000

static void
set(struct weir_block *b, uint32_t row, unsigned column, const struct weir_value *v)
{
	CU_ASSERT_EQUAL_FATAL(weir_block_set(b, row, column, v), 0);
}

/* One value out of few, so that keys meet; some are null, and some zeros have a sign. */
static struct weir_value
some_value(enum weir_type type, uint64_t *rng, char *text)
{
	uint64_t at = random_next(rng) % 9;
	struct weir_value v = { .type = type, .is_null = at == 8 };

	switch (type) {
	case WEIR_IP:
		v.version = at % 2 ? 4 : 6;
		v.addr = (struct weir_addr){ .hi = 0, .lo = at / 2 };
		break;
	case WEIR_STRING:
		v.s.len = (uint32_t)snprintf(text, 32, "%.*s", (int)at, "aaaaaaaa");
		v.s.p = (const uint8_t *)text;
		break;
	case WEIR_FLOAT:
		v.f = at == 0 ? 0.0 : at == 1 ? -0.0 : at == 2 ? NAN : (double)at / 3;
		break;
	default:
		v.i = (int64_t)at - 4;
		break;
	}
	return v;
}

/* The first row of these values, looked for one by one. */
static uint32_t
naive(const struct weir_block *b, const unsigned *columns, unsigned n, const struct weir_value *key)
{
	for (uint32_t row = 0; row < b->n_rows; row++) {
		bool is_equal = true;

		for (unsigned i = 0; i < n && is_equal; i++) {
			struct weir_value v = weir_column_get(&b->columns[columns[i]], row);

			is_equal =
			    !v.is_null && !key[i].is_null && weir_value_compare(&v, &key[i]) == 0;
		}
		if (is_equal)
			return row;
	}
	return WEIR_INDEX_NONE;
}

static void
finds_what_a_search_finds(void)
{
	static const enum weir_type types[N_COLUMNS] = { WEIR_INT, WEIR_IP, WEIR_STRING,
		WEIR_FLOAT };
	static const unsigned sets[][N_COLUMNS] = { { 0 }, { 1 }, { 2 }, { 3 }, { 2, 0 },
		{ 1, 3, 2 }, { 3, 2, 1, 0 } };
	static const unsigned sizes[] = { 1, 1, 1, 1, 2, 3, 4 };
	struct weir_schema s = { 0 };
	char text[N_COLUMNS][32];
	struct weir_block *b;
	uint64_t rng = 9;
	unsigned n_found = 0, n_missed = 0;

	for (unsigned c = 0; c < N_COLUMNS; c++)
		CU_ASSERT_EQUAL(
		    weir_schema_add(&s, (const char *[]){ "i", "a", "s", "f" }[c], types[c], true),
		    0);
	b = weir_block_create(&s, N_ROWS);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	for (uint32_t row = 0; row < 300; row++) {
		for (unsigned c = 0; c < N_COLUMNS; c++) {
			struct weir_value v = some_value(types[c], &rng, text[0]);

			set(b, row, c, &v);
		}
		b->n_rows++;
	}
	for (unsigned k = 0; k < 7; k++) {
		struct weir_block_index *x =
		    weir_block_index_create(b, sets[k], sizes[k], random_next(&rng));

		CU_ASSERT_PTR_NOT_NULL_FATAL(x);
		for (unsigned i = 0; i < N_ROWS; i++) {
			struct weir_value key[N_COLUMNS];
			uint32_t want;

			for (unsigned c = 0; c < sizes[k]; c++)
				key[c] = some_value(types[sets[k][c]], &rng, text[c]);
			want = naive(b, sets[k], sizes[k], key);
			CU_ASSERT_EQUAL(weir_block_index_find(x, key), want);
			n_found += want != WEIR_INDEX_NONE;
			n_missed += want == WEIR_INDEX_NONE;
		}
		weir_block_index_destroy(x);
	}
	CU_ASSERT(n_found > 1000 && n_missed > 1000);
	weir_block_destroy(b);
	weir_schema_fini(&s);
}

/* Without columns every row is alike; without rows there is none. */
static void
edges(void)
{
	struct weir_schema s = { 0 };
	struct weir_block *b;
	struct weir_block_index *x;
	struct weir_value v = { .type = WEIR_INT, .i = 5 };
	unsigned column = 0;

	CU_ASSERT_EQUAL(weir_schema_add(&s, "i", WEIR_INT, true), 0);
	b = weir_block_create(&s, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	x = weir_block_index_create(b, &column, 1, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	CU_ASSERT_EQUAL(weir_block_index_find(x, &v), WEIR_INDEX_NONE);
	weir_block_index_destroy(x);
	set(b, 0, 0, &v);
	b->n_rows = 1;
	x = weir_block_index_create(b, NULL, 0, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	CU_ASSERT_EQUAL(weir_block_index_find(x, NULL), 0);
	weir_block_index_destroy(x);
	weir_block_destroy(b);
	weir_schema_fini(&s);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "finds what a search finds", finds_what_a_search_finds },
		{ "edges", edges },
		CU_TEST_INFO_NULL,
	};

	return check_run("index of a block", tests);
}
