/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <weir/record/part.h>

#include "check.h"
#include "random.h"

#define N_ROWS 5000u

static const enum weir_type types[] = { WEIR_BOOL, WEIR_INT, WEIR_FLOAT, WEIR_DURATION, WEIR_TIME,
	WEIR_STRING, WEIR_IP, WEIR_MAC };
#define N_TYPES (sizeof(types) / sizeof(types[0]))

static struct weir_schema schema;

static struct weir_value
some_value(enum weir_type type, uint64_t *rng, unsigned null_one_in, char *text)
{
	uint64_t x = random_next(rng) >> (random_next(rng) % 64);
	struct weir_value v = { .type = type };

	v.is_null = null_one_in && random_next(rng) % null_one_in == 0;
	switch (type) {
	case WEIR_BOOL:
		v.b = x & 1;
		break;
	case WEIR_FLOAT:
		v.f = x % 9 == 0 ? NAN : x % 7 == 0 ? -INFINITY : (double)x / 3;
		break;
	case WEIR_IP:
		v.version = x % 2 ? 4 : 6;
		v.addr.lo = v.version == 4 ? (uint32_t)x : x;
		v.addr.hi = v.version == 6 ? x * 3 : 0;
		break;
	case WEIR_STRING:
		v.s.len = (uint32_t)snprintf(
		    text, 64, "%.*s%u", (int)(x % 5), "www.", (unsigned)(x % 200));
		v.s.len = x % 11 ? v.s.len : 0;
		v.s.p = (const uint8_t *)text;
		break;
	default:
		v.i = x % 3 ? (int64_t)x : -(int64_t)(x >> 1);
	}
	return v;
}

static struct weir_block *
make_block(uint32_t n, unsigned null_one_in, bool has_windows, uint64_t seed)
{
	struct weir_block *b = weir_block_create(&schema, n);
	char text[64];

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	b->window_start_ns = INT64_C(1600000000000000000);
	b->window_end_ns = b->window_start_ns + 1000000000;
	if (has_windows)
		CU_ASSERT_EQUAL_FATAL(weir_block_own_windows(b), 0);
	for (uint32_t r = 0; r < n; r++) {
		for (unsigned c = 0; c < N_TYPES; c++) {
			struct weir_value v = some_value(types[c], &seed, null_one_in, text);

			CU_ASSERT_EQUAL(weir_block_set(b, r, c, &v), 0);
		}
		if (has_windows) {
			b->row_start_ns[r] =
			    b->window_start_ns + (int64_t)(random_next(&seed) % 99);
			b->row_end_ns[r] = r % 5 ? b->row_start_ns[r] + 7 : INT64_MIN;
		}
	}
	b->n_rows = n;
	return b;
}

static unsigned
differs(const struct weir_block *a, uint32_t row, const struct weir_block *b, uint32_t at)
{
	int64_t start[2], end[2];
	unsigned n = 0;

	weir_block_window(a, row, &start[0], &end[0]);
	weir_block_window(b, at, &start[1], &end[1]);
	n += start[0] != start[1] || end[0] != end[1];
	for (unsigned c = 0; c < N_TYPES; c++) {
		struct weir_value x = weir_column_get(&a->columns[c], row);
		struct weir_value y = weir_column_get(&b->columns[c], at);

		n += x.is_null != y.is_null ||
		     (!x.is_null && (x.version != y.version || weir_value_compare(&x, &y) != 0));
	}
	return n;
}

/* All rows, or those of a list, through parts of so many bytes. */
static void
round_trip(const struct weir_block *b, const uint32_t *rows, uint32_t n, size_t max)
{
	uint8_t *buf = malloc(max);
	struct weir_error err;
	uint32_t done = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(buf);
	while (done < n) {
		struct weir_block *got = NULL;
		uint32_t some;
		size_t len;

		some = weir_block_write(b, rows, done, n, buf, max, &len);
		CU_ASSERT_FATAL(some > 0 && len <= max);
		CU_ASSERT_EQUAL_FATAL(weir_block_read(&schema, buf, len, &got, &err), 0);
		CU_ASSERT_EQUAL_FATAL(got->n_rows, some);
		memset(buf, 0x5a, max); /* nothing points there */
		for (uint32_t i = 0; i < some; i++)
			CU_ASSERT_EQUAL(differs(b, rows ? rows[done + i] : done + i, got, i), 0);
		done += some;
		weir_block_destroy(got);
	}
	free(buf);
}

static void
rows_survive(void)
{
	static const size_t sizes[] = { 400, 1350, 9000, 65000 };
	static const unsigned nulls[] = { 0, 1, 4 };

	for (unsigned i = 0; i < 12; i++) {
		struct weir_block *b = make_block(N_ROWS, nulls[i % 3], i % 2, i);

		round_trip(b, NULL, b->n_rows, sizes[i % 4]);
		weir_block_destroy(b);
	}
}

static void
some_rows_survive(void)
{
	struct weir_block *b = make_block(N_ROWS, 5, false, 3);
	static uint32_t rows[N_ROWS];
	uint32_t n = 0;
	uint64_t rng = 1;

	for (uint32_t r = 0; r < N_ROWS; r++)
		if (random_next(&rng) % 3 == 0)
			rows[n++] = N_ROWS - 1 - r;
	round_trip(b, rows, n, 1350);
	weir_block_destroy(b);
}

static void
no_rows_are_a_part(void)
{
	struct weir_block *b = make_block(0, 0, false, 3), *got;
	struct weir_error err;
	uint8_t buf[64];
	size_t len;

	CU_ASSERT_EQUAL(weir_block_write(b, NULL, 0, 0, buf, sizeof(buf), &len), 0);
	CU_ASSERT_FATAL(len <= sizeof(buf));
	CU_ASSERT_EQUAL_FATAL(weir_block_read(&schema, buf, len, &got, &err), 0);
	CU_ASSERT(got->n_rows == 0 && got->window_start_ns == b->window_start_ns &&
		  got->window_end_ns == b->window_end_ns);
	weir_block_destroy(got);
	weir_block_destroy(b);
}

static void
a_row_that_is_too_long_says_so(void)
{
	struct weir_block *b = make_block(3, 0, false, 3), *got;
	static uint8_t text[3000], buf[4000];
	struct weir_error err;
	struct weir_value v = { .type = WEIR_STRING, .s = { text, sizeof(text) } };
	size_t len, again;

	CU_ASSERT_EQUAL(weir_block_set(b, 1, 5, &v), 0);
	CU_ASSERT_EQUAL(weir_block_write(b, NULL, 0, 3, buf, 1350, &len), 1);
	CU_ASSERT(len <= 1350);
	CU_ASSERT_EQUAL(weir_block_write(b, NULL, 1, 3, buf, 1350, &len), 0);
	CU_ASSERT_FATAL(len > 3000 && len < sizeof(buf));
	CU_ASSERT_EQUAL(weir_block_write(b, NULL, 1, 3, buf, len, &again), 1);
	CU_ASSERT_EQUAL(again, len);
	CU_ASSERT_EQUAL_FATAL(weir_block_read(&schema, buf, len, &got, &err), 0);
	CU_ASSERT_EQUAL(differs(b, 1, got, 0), 0);
	weir_block_destroy(got);
	weir_block_destroy(b);
}

static void
what_is_no_part_is_refused(void)
{
	struct weir_block *b = make_block(60, 4, true, 3), *got;
	static uint8_t good[9000], bad[9000];
	struct weir_schema other = { 0 };
	struct weir_error err;
	uint64_t rng = 8;
	size_t len;
	unsigned n_refused = 0;

	CU_ASSERT_EQUAL_FATAL(weir_block_write(b, NULL, 0, 60, good, sizeof(good), &len), 60);
	for (size_t n = 0; n < len; n++)
		CU_ASSERT_EQUAL(weir_block_read(&schema, good, n, &got, &err), -EBADMSG);
	CU_ASSERT_EQUAL(weir_block_read(&schema, good, len + 1, &got, &err), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no part of a block"));
	for (unsigned i = 0; i < 30000; i++) {
		memcpy(bad, good, len);
		for (unsigned flips = 1 + i % 3; flips; flips--)
			bad[random_next(&rng) % len] ^= (uint8_t)(1 << random_next(&rng) % 8);
		if (weir_block_read(&schema, bad, len, &got, &err))
			n_refused++;
		else
			weir_block_destroy(got);
	}
	CU_ASSERT(n_refused > 1000);
	CU_ASSERT_EQUAL_FATAL(weir_schema_add(&other, "x", WEIR_INT, false), 0);
	CU_ASSERT_EQUAL(weir_block_read(&other, good, len, &got, &err), -EBADMSG);
	weir_schema_fini(&other);
	weir_block_destroy(b);
}

/* Rows of any length among others: each goes alone where no two fit, and what it needs is right. */
static void
long_rows_among_others_are_written(void)
{
	static uint8_t buf[70000], text[60000];
	struct weir_schema_column column = { (char[]){ "s" }, WEIR_STRING, false };
	struct weir_schema strings = { (char[]){ "q" }, false, 1, &column };
	struct weir_block *b = weir_block_create(&strings, 400);
	uint64_t state = 3;
	uint32_t at = 0, alone = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	for (uint32_t i = 0; i < 400; i++) {
		struct weir_value v = { .type = WEIR_STRING };

		/* each another string: of equal ones one is written */
		v.s.len = i % 50 == 49 ? 60000 : 100 + (uint32_t)(random_next(&state) % 5000);
		memset(text, (int)i, v.s.len);
		text[0] = (uint8_t)(i >> 8);
		v.s.p = text;
		CU_ASSERT_EQUAL_FATAL(weir_block_set(b, i, 0, &v), 0);
	}
	b->n_rows = 400;
	while (at < 400) {
		size_t need = 0, len = 0;
		uint32_t n = weir_block_write(b, NULL, at, 400, buf, 1372, &need);

		if (!n) {
			CU_ASSERT_FATAL(need > 1372 && need <= sizeof(buf));
			n = weir_block_write(b, NULL, at, at + 1, buf, need, &len);
			CU_ASSERT_EQUAL(len, need);
			alone++;
		}
		CU_ASSERT_FATAL(n > 0);
		at += n;
	}
	CU_ASSERT(alone > 200 && alone < 400);
	weir_block_destroy(b);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "rows survive", rows_survive },
		{ "some rows survive", some_rows_survive },
		{ "no rows are a part", no_rows_are_a_part },
		{ "a row that is too long says so", a_row_that_is_too_long_says_so },
		{ "long rows among others are written", long_rows_among_others_are_written },
		{ "what is no part is refused", what_is_no_part_is_refused },
		CU_TEST_INFO_NULL,
	};
	int rc;

	for (unsigned c = 0; c < N_TYPES; c++)
		if (weir_schema_add(&schema, weir_type_name(types[c]), types[c], c < 2))
			return 1;
	rc = check_run("parts of blocks", tests);
	weir_schema_fini(&schema);
	return rc;
}
