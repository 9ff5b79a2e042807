/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/base/nearest.h>

#include "check.h"

static const char *
nearest(const char *typed, const char *const *words)
{
	struct weir_nearest n;

	weir_nearest_begin(&n, typed);
	for (; *words; words++)
		weir_nearest_offer(&n, *words);
	return weir_nearest_get(&n);
}

static const char *const words[] = { "tcp.srcport", "tcp.dstport", "tcp.flags.syn", "ip.src", "sum",
	"count", "never", NULL };

static void
test_finds_each_kind_of_slip(void)
{
	CHECK_TEXT(nearest("tcp.scrport", words), "tcp.srcport"); /* two swapped */
	CHECK_TEXT(nearest("tcp.dstprt", words), "tcp.dstport");  /* one missing */
	CHECK_TEXT(nearest("ip.srcc", words), "ip.src");          /* one too many */
	CHECK_TEXT(nearest("coumt", words), "count");             /* one wrong */
	CHECK_TEXT(nearest("nver", words), "never");
	CHECK_TEXT(nearest("COUNT", words), "count"); /* case */
}

static void
test_offers_what_the_word_begins(void)
{
	CHECK_TEXT(nearest("tcp.fla", words), "tcp.flags.syn");
}

static void
test_far_words_are_not_offered(void)
{
	static const char *const none[] = { NULL };

	CU_ASSERT_PTR_NULL(nearest("zzzzzz", words));
	CU_ASSERT_PTR_NULL(nearest("x", words));
	CU_ASSERT_PTR_NULL(nearest("", words));
	CU_ASSERT_PTR_NULL(nearest("abc", none));
}

static void
test_long_words_do_not_overrun(void)
{
	char typed[500];

	memset(typed, 'q', sizeof(typed) - 1);
	typed[sizeof(typed) - 1] = '\0';
	CU_ASSERT_PTR_NULL(nearest(typed, words));
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "finds each kind of slip", test_finds_each_kind_of_slip },
		{ "offers what the word begins", test_offers_what_the_word_begins },
		{ "far words are not offered", test_far_words_are_not_offered },
		{ "long words do not overrun", test_long_words_do_not_overrun },
		CU_TEST_INFO_NULL,
	};

	return check_run("base/nearest", tests);
}
