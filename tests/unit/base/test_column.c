/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/base/column.h>

#include "check.h"

static void
test_masks(void)
{
	uint64_t mask[WEIR_MASK_WORDS];
	unsigned seen = 0, last = 0;

	for (unsigned n = 0; n <= WEIR_ROWS; n++) {
		weir_mask_first(mask, n);
		CU_ASSERT_EQUAL(weir_mask_count(mask), n);
		if (n)
			CU_ASSERT_TRUE(weir_mask_test(mask, n - 1));
		if (n < WEIR_ROWS)
			CU_ASSERT_FALSE(weir_mask_test(mask, n));
	}
	weir_mask_first(mask, 0);
	weir_mask_set(mask, 3);
	weir_mask_set(mask, 64);
	weir_mask_set(mask, 255);
	weir_mask_set(mask, 200);
	weir_mask_clear(mask, 200);
	WEIR_FOR_EACH_BIT (row, mask) {
		CU_ASSERT_TRUE(row == 3 || row == 64 || row == 255);
		CU_ASSERT_TRUE(seen == 0 || row > last);
		last = row;
		seen++;
	}
	CU_ASSERT_EQUAL(seen, 3);
}

static void
test_store_of_each_type(void)
{
	static const enum weir_store expected[WEIR_N_TYPES] = {
		[WEIR_BOOL] = WEIR_U8,
		[WEIR_INT] = WEIR_I64,
		[WEIR_FLOAT] = WEIR_F64,
		[WEIR_DURATION] = WEIR_I64,
		[WEIR_TIME] = WEIR_I64,
		[WEIR_STRING] = WEIR_BYTES,
		[WEIR_IP] = WEIR_ADDR,
		[WEIR_MAC] = WEIR_I64,
	};

	for (int t = 0; t < WEIR_N_TYPES; t++) {
		CU_ASSERT_EQUAL(weir_store_of((enum weir_type)t), expected[t]);
		CU_ASSERT_TRUE(strlen(weir_type_name((enum weir_type)t)) > 2);
	}
	CU_ASSERT_EQUAL(weir_store_size(WEIR_ADDR), sizeof(struct weir_addr));
	CU_ASSERT_EQUAL(weir_store_size(WEIR_BYTES), sizeof(struct weir_bytes));
}

static void
test_init_is_zero_and_aligned(void)
{
	struct weir_column c;

	for (int store = 0; store < WEIR_N_STORES; store++) {
		enum weir_type type = store == WEIR_ADDR ? WEIR_IP : WEIR_INT;
		const unsigned char *p;
		int is_zero = 1;

		CU_ASSERT_EQUAL_FATAL(weir_column_init(&c, type, (enum weir_store)store, 256), 0);
		p = c.data;
		for (unsigned i = 0; i < 256 * weir_store_size((enum weir_store)store); i++)
			is_zero &= p[i] == 0;
		CU_ASSERT_TRUE(is_zero);
		CU_ASSERT_EQUAL((uintptr_t)c.data % 64, 0);
		CU_ASSERT_EQUAL(c.version != NULL, store == WEIR_ADDR);
		CU_ASSERT_EQUAL(c.null[3], 0);
		weir_column_fini(&c);
		CU_ASSERT_PTR_NULL(c.data);
	}
}

static void
test_get_widens_without_sign(void)
{
	struct weir_column c;

	CU_ASSERT_EQUAL_FATAL(weir_column_init(&c, WEIR_INT, WEIR_U8, 64), 0);
	((uint8_t *)c.data)[1] = 255;
	CU_ASSERT_EQUAL(weir_column_get(&c, 1).i, 255);
	weir_mask_set(c.null, 1);
	CU_ASSERT_TRUE(weir_column_get(&c, 1).is_null);
	CU_ASSERT_FALSE(weir_column_get(&c, 0).is_null);
	weir_column_fini(&c);

	CU_ASSERT_EQUAL_FATAL(weir_column_init(&c, WEIR_INT, WEIR_U32, 64), 0);
	((uint32_t *)c.data)[63] = UINT32_MAX;
	CU_ASSERT_EQUAL(weir_column_get(&c, 63).i, UINT32_MAX);
	weir_column_fini(&c);

	CU_ASSERT_EQUAL_FATAL(weir_column_init(&c, WEIR_INT, WEIR_U16, 64), 0);
	((uint16_t *)c.data)[0] = 65535;
	CU_ASSERT_EQUAL(weir_column_get(&c, 0).i, 65535);
	weir_column_fini(&c);

	CU_ASSERT_EQUAL_FATAL(weir_column_init(&c, WEIR_INT, WEIR_I64, 64), 0);
	((int64_t *)c.data)[0] = -5;
	CU_ASSERT_EQUAL(weir_column_get(&c, 0).i, -5);
	weir_column_fini(&c);
}

static void
test_get_of_other_types(void)
{
	struct weir_column c;
	struct weir_value v;

	CU_ASSERT_EQUAL_FATAL(weir_column_init(&c, WEIR_BOOL, WEIR_U8, 64), 0);
	((uint8_t *)c.data)[2] = 1;
	CU_ASSERT_TRUE(weir_column_get(&c, 2).b);
	CU_ASSERT_FALSE(weir_column_get(&c, 0).b);
	weir_column_fini(&c);

	CU_ASSERT_EQUAL_FATAL(weir_column_init(&c, WEIR_IP, WEIR_ADDR, 64), 0);
	((struct weir_addr *)c.data)[5] = (struct weir_addr){ 1, 2 };
	c.version[5] = 6;
	v = weir_column_get(&c, 5);
	CU_ASSERT_TRUE(v.type == WEIR_IP && v.version == 6 && v.addr.hi == 1 && v.addr.lo == 2);
	weir_column_fini(&c);

	CU_ASSERT_EQUAL_FATAL(weir_column_init(&c, WEIR_STRING, WEIR_BYTES, 64), 0);
	((struct weir_bytes *)c.data)[0] = (struct weir_bytes){ (const uint8_t *)"ab", 2 };
	v = weir_column_get(&c, 0);
	CU_ASSERT_TRUE(v.s.len == 2 && memcmp(v.s.p, "ab", 2) == 0);
	weir_column_fini(&c);

	CU_ASSERT_EQUAL_FATAL(weir_column_init(&c, WEIR_FLOAT, WEIR_F64, 64), 0);
	((double *)c.data)[0] = 2.5;
	CU_ASSERT_EQUAL(weir_column_get(&c, 0).f, 2.5);
	weir_column_fini(&c);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "masks", test_masks },
		{ "store of each type", test_store_of_each_type },
		{ "init is zero and aligned", test_init_is_zero_and_aligned },
		{ "get widens without sign", test_get_widens_without_sign },
		{ "get of other types", test_get_of_other_types },
		CU_TEST_INFO_NULL,
	};

	return check_run("base/column", tests);
}
