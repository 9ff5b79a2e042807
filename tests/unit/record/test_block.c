/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>

#include <weir/base/time.h>
#include <weir/record/block.h>

#include "append_slice.h"
#include "check.h"

static void
make_schema(struct weir_schema *s)
{
	memset(s, 0, sizeof(*s));
	s->query = strdup("main");
	CU_ASSERT_EQUAL(weir_schema_add(s, "ip.src", WEIR_IP, true), 0);
	CU_ASSERT_EQUAL(weir_schema_add(s, "name", WEIR_STRING, true), 0);
	CU_ASSERT_EQUAL(weir_schema_add(s, "n", WEIR_INT, false), 0);
	CU_ASSERT_EQUAL(weir_schema_add(s, "x", WEIR_FLOAT, false), 0);
	CU_ASSERT_EQUAL(weir_schema_add(s, "ok", WEIR_BOOL, false), 0);
}

/* The value that row has in column: any function of both will do, with nulls among them. */
static struct weir_value
value_of(uint32_t row, unsigned column, char *text)
{
	struct weir_value v = { .is_null = (row + column) % 7 == 0 };

	switch (column) {
	case 0:
		v.type = WEIR_IP;
		v.version = row % 3 ? 4 : 6;
		v.addr = (struct weir_addr){ .hi = row % 3 ? 0 : row, .lo = row * 7u };
		break;
	case 1:
		v.type = WEIR_STRING;
		v.s.len = (uint32_t)snprintf(text, 64, "row %u", row);
		v.s.p = (const uint8_t *)text;
		break;
	case 2:
		v.type = WEIR_INT;
		v.i = (int64_t)row - 500;
		break;
	case 3:
		v.type = WEIR_FLOAT;
		v.f = row / 8.0;
		break;
	default:
		v.type = WEIR_BOOL;
		v.b = row % 2;
	}
	return v;
}

static bool
is_row(const struct weir_column *columns, uint32_t at, uint32_t row)
{
	for (unsigned c = 0; c < 5; c++) {
		char text[64];
		struct weir_value want = value_of(row, c, text);
		struct weir_value got = weir_column_get(&columns[c], at);

		if (got.is_null != want.is_null || got.type != want.type)
			return false;
		if (!want.is_null && weir_value_compare(&got, &want) != 0)
			return false;
	}
	return true;
}

static struct weir_block *
make_block(const struct weir_schema *s, uint32_t n, uint32_t cap)
{
	struct weir_block *b = weir_block_create(s, cap);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	for (uint32_t r = 0; r < n; r++) {
		CU_ASSERT_EQUAL_FATAL(weir_block_reserve(b, 1), 0);
		for (unsigned c = 0; c < 5; c++) {
			char text[64]; /* gone at once: the block must have copied it */
			struct weir_value v = value_of(r, c, text);

			CU_ASSERT_EQUAL_FATAL(weir_block_set(b, r, c, &v), 0);
			memset(text, 'z', sizeof(text));
		}
		b->n_rows++;
	}
	return b;
}

static void
schema_finds_columns(void)
{
	struct weir_schema s;

	make_schema(&s);
	CU_ASSERT_EQUAL(s.n_columns, 5);
	CU_ASSERT_EQUAL(weir_schema_find(&s, "ip.src"), 0);
	CU_ASSERT_EQUAL(weir_schema_find(&s, "ok"), 4);
	CU_ASSERT_EQUAL(weir_schema_find(&s, "ip.sr"), -ENOENT);
	CU_ASSERT_TRUE(s.columns[1].is_key);
	CU_ASSERT_FALSE(s.columns[2].is_key);
	weir_schema_fini(&s);
	CU_ASSERT_EQUAL(s.n_columns, 0);
}

static void
block_keeps_what_is_set(void)
{
	static const uint32_t sizes[] = { 0, 1, 255, 256, 257, 3000 };
	struct weir_schema s;

	make_schema(&s);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct weir_block *b = make_block(&s, sizes[i], i % 2 ? 1 : 600);
		unsigned wrong = 0;

		CU_ASSERT_EQUAL(b->n_rows, sizes[i]);
		CU_ASSERT_EQUAL(b->cap_rows % WEIR_ROWS, 0);
		CU_ASSERT_EQUAL(b->window_start_ns, WEIR_TIME_NONE);
		for (uint32_t r = 0; r < b->n_rows; r++)
			wrong += !is_row(b->columns, r, r);
		CU_ASSERT_EQUAL(wrong, 0);
		weir_block_destroy(b);
	}
	weir_schema_fini(&s);
}

static void
setting_again_replaces_nulls(void)
{
	struct weir_schema s;
	struct weir_block *b;
	struct weir_value v = { .type = WEIR_INT, .is_null = true };

	make_schema(&s);
	b = weir_block_create(&s, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	b->n_rows = 1;
	weir_block_set(b, 0, 2, &v);
	CU_ASSERT_TRUE(weir_column_get(&b->columns[2], 0).is_null);
	v = (struct weir_value){ .type = WEIR_INT, .i = 9 };
	weir_block_set(b, 0, 2, &v);
	CU_ASSERT_FALSE(weir_column_get(&b->columns[2], 0).is_null);
	CU_ASSERT_EQUAL(weir_column_get(&b->columns[2], 0).i, 9);
	weir_block_destroy(b);
	weir_schema_fini(&s);
}

static void
slices_cover_all_rows(void)
{
	struct weir_schema s;
	struct weir_block *b;
	struct weir_column columns[5];
	uint32_t seen = 0, n;
	unsigned wrong = 0;

	make_schema(&s);
	b = make_block(&s, 700, 1);
	for (uint32_t first = 0; (n = weir_block_slice(b, first, columns)); first += WEIR_ROWS)
		for (uint32_t r = 0; r < n; r++, seen++)
			wrong += !is_row(columns, r, seen);
	CU_ASSERT_EQUAL(seen, 700);
	CU_ASSERT_EQUAL(wrong, 0);
	weir_block_destroy(b);
	weir_schema_fini(&s);
}

static void
append_takes_rows_of_the_mask(void)
{
	struct weir_schema s;
	struct weir_block *from, *to;
	uint64_t all[WEIR_MASK_WORDS] = { ~0ull, ~0ull, ~0ull, ~0ull };
	uint64_t third[WEIR_MASK_WORDS] = { 0 };
	uint32_t at = 0;
	unsigned wrong = 0;

	make_schema(&s);
	from = make_block(&s, 300, 1);
	to = weir_block_create(&s, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	for (unsigned r = 0; r < WEIR_ROWS; r += 3)
		weir_mask_set(third, r);
	CU_ASSERT_EQUAL(append_slice(to, from, 0, third), 0);
	/* The last 44 rows of 300: bits past them say nothing. */
	CU_ASSERT_EQUAL(append_slice(to, from, 256, all), 0);
	CU_ASSERT_EQUAL(append_slice(to, from, 512, all), 0);
	CU_ASSERT_EQUAL(to->n_rows, 86 + 44);
	weir_block_destroy(from); /* strings were copied */
	for (unsigned r = 0; r < WEIR_ROWS; r += 3)
		wrong += !is_row(to->columns, at++, r);
	for (unsigned r = 256; r < 300; r++)
		wrong += !is_row(to->columns, at++, r);
	CU_ASSERT_EQUAL(wrong, 0);
	weir_block_destroy(to);
	weir_schema_fini(&s);
}

/* The window of row r of a block that has windows of its own, by number. */
static bool
has_window(const struct weir_block *b, uint32_t row, int64_t start_ns, int64_t end_ns)
{
	int64_t start, end;

	weir_block_window(b, row, &start, &end);
	return start == start_ns && end == end_ns;
}

static void
rows_keep_windows_of_their_own(void)
{
	const uint64_t odd[WEIR_MASK_WORDS] = { 0xaaaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaaa,
		0xaaaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaaa };
	const uint64_t one[WEIR_MASK_WORDS] = { 1 };
	const struct weir_column *column;
	struct weir_block *own, *plain, *to;
	struct weir_schema s = { 0 };
	unsigned wrong = 0;

	CU_ASSERT_EQUAL_FATAL(weir_schema_add(&s, "n", WEIR_INT, false), 0);
	own = weir_block_create(&s, 0);
	plain = weir_block_create(&s, 0);
	to = weir_block_create(&s, 0);
	CU_ASSERT_FATAL(own && plain && to);
	own->window_start_ns = 7;
	own->window_end_ns = 8;
	own->n_rows = 1;
	CU_ASSERT(has_window(own, 0, 7, 8));
	CU_ASSERT_EQUAL(weir_block_own_windows(own), 0);
	CU_ASSERT_EQUAL(weir_block_own_windows(own), 0);
	CU_ASSERT(has_window(own, 0, 7, 8));
	for (int64_t r = 1; r < 1000; r++) { /* it grows */
		CU_ASSERT_EQUAL_FATAL(weir_block_reserve(own, 1), 0);
		own->row_start_ns[r] = r;
		own->row_end_ns[r] = 2 * r;
		own->n_rows++;
	}
	plain->window_start_ns = 21;
	plain->window_end_ns = 22;
	plain->n_rows = 5;
	to->window_start_ns = 31;
	to->window_end_ns = 32;

	/* Rows without such to a block without, then rows with, and again without. */
	CU_ASSERT_EQUAL(append_slice(to, plain, 0, one), 0);
	CU_ASSERT_PTR_NULL(to->row_start_ns);
	for (uint32_t first = 0; first < 1000; first += WEIR_ROWS)
		CU_ASSERT_EQUAL(append_slice(to, own, first, odd), 0);
	CU_ASSERT_EQUAL(append_slice(to, plain, 0, one), 0);
	column = &plain->columns[0];
	CU_ASSERT_EQUAL(weir_block_append_columns(to, &column, one), 0);
	CU_ASSERT_EQUAL_FATAL(to->n_rows, 503);
	CU_ASSERT(has_window(to, 0, 31, 32));
	for (int64_t r = 0; r < 500; r++)
		wrong += !has_window(to, (uint32_t)r + 1, 2 * r + 1, 4 * r + 2);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(has_window(to, 501, 21, 22));
	CU_ASSERT(has_window(to, 502, 31, 32));
	weir_block_destroy(own);
	weir_block_destroy(plain);
	weir_block_destroy(to);
	weir_schema_fini(&s);
}

static void
heap_keeps_long_and_empty_strings(void)
{
	struct weir_schema s;
	struct weir_block *b;
	static uint8_t big[3 << 20];
	const uint8_t *p, *q, *e;

	make_schema(&s);
	b = weir_block_create(&s, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	memset(big, 'a', sizeof(big));
	p = weir_block_keep(b, big, sizeof(big));
	e = weir_block_keep(b, NULL, 0);
	CU_ASSERT_PTR_NOT_NULL(e);
	for (unsigned i = 0; i < 5000; i++) {
		q = weir_block_keep(b, big, 1000);
		CU_ASSERT_FATAL(q && memcmp(q, big, 1000) == 0);
	}
	CU_ASSERT_FATAL(p && memcmp(p, big, sizeof(big)) == 0);
	weir_block_destroy(b);
	weir_schema_fini(&s);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "schema finds columns", schema_finds_columns },
		{ "block keeps what is set", block_keeps_what_is_set },
		{ "setting again replaces nulls", setting_again_replaces_nulls },
		{ "slices cover all rows", slices_cover_all_rows },
		{ "append takes the rows of the mask", append_takes_rows_of_the_mask },
		{ "rows keep windows of their own", rows_keep_windows_of_their_own },
		{ "heap keeps long and empty strings", heap_keeps_long_and_empty_strings },
		CU_TEST_INFO_NULL,
	};

	return check_run("block", tests);
}
