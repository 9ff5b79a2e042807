/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/base/strbuf.h>

#include "check.h"

static void
test_grows_and_stays_terminated(void)
{
	struct weir_strbuf b = { 0 };

	for (int i = 0; i < 1000; i++)
		weir_strbuf_printf(&b, "%d,", i % 10);
	CU_ASSERT_EQUAL(b.len, 2000);
	CU_ASSERT_EQUAL(strlen(b.p), 2000);
	CU_ASSERT_EQUAL(memcmp(b.p + 1990, "5,6,7,8,9,", 10), 0);
	weir_strbuf_free(&b);
	CU_ASSERT_PTR_NULL(b.p);
}

static void
test_empty_pieces_are_text(void)
{
	struct weir_strbuf b = { 0 };

	weir_strbuf_add(&b, NULL, 0);
	CHECK_TEXT(b.p, "");
	weir_strbuf_puts(&b, "x");
	weir_strbuf_add(&b, "\0y", 2);
	CU_ASSERT_EQUAL(b.len, 3);
	CU_ASSERT_EQUAL(memcmp(b.p, "x\0y", 4), 0);
	weir_strbuf_free(&b);
}

static void
test_reserve_leaves_room_for_direct_writes(void)
{
	struct weir_strbuf b = { 0 };

	weir_strbuf_puts(&b, "ab");
	weir_strbuf_reserve(&b, 5000);
	CU_ASSERT_TRUE(b.cap >= 5003);
	memset(b.p + b.len, 'c', 5000);
	b.len += 5000;
	weir_strbuf_puts(&b, "d");
	CU_ASSERT_EQUAL(strlen(b.p), 5003);
	weir_strbuf_free(&b);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "grows and stays terminated", test_grows_and_stays_terminated },
		{ "empty pieces are text", test_empty_pieces_are_text },
		{ "reserve leaves room", test_reserve_leaves_room_for_direct_writes },
		CU_TEST_INFO_NULL,
	};

	return check_run("base/strbuf", tests);
}
