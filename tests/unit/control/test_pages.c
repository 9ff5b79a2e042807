/* SPDX-License-Identifier: BSD-3-Clause */
/* Long answers and requests in pieces: whole again, and bounded. */
#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "pages.h"

#define PAGE 8192

static char *
letters(size_t n)
{
	char *s = malloc(n + 1);

	for (size_t i = 0; i < n; i++)
		s[i] = (char)(i % 11 ? 'a' + i % 26 : ' ');
	s[n] = '\0';
	return s;
}

static void
take_head(const char *page, unsigned *id, size_t *total)
{
	CU_ASSERT_EQUAL_FATAL(sscanf(page, "%u %zu", id, total), 2);
}

static const char *
body(const char *page)
{
	return strchr(strchr(page, ' ') + 1, ' ') + 1;
}

static void
short_answers_are_one_page(void)
{
	char page[PAGE];

	weir_pages_put(strdup("{\"a\":1}"), page, sizeof(page));
	CHECK_TEXT(page, "0 7 {\"a\":1}");
	CU_ASSERT_EQUAL(weir_pages_get(0, 0, page, sizeof(page)), -ENOENT);
}

static void
long_answers_come_whole(void)
{
	size_t n = 3 * WEIR_PAGE_BYTES + 5, total;
	char *text = letters(n), *got = calloc(1, n + PAGE);
	char page[PAGE];
	unsigned id, again;

	weir_pages_put(strdup(text), page, sizeof(page));
	take_head(page, &id, &total);
	CU_ASSERT_EQUAL(total, n);
	strcpy(got, body(page));
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL_FATAL(weir_pages_get(id, strlen(got), page, sizeof(page)), 0);
		take_head(page, &again, &total);
		CU_ASSERT_EQUAL(again, id);
		strcat(got, body(page));
	}
	CU_ASSERT_EQUAL(strcmp(got, text), 0);
	/* fetched to the end, it is forgotten */
	CU_ASSERT_EQUAL(weir_pages_get(id, 0, page, sizeof(page)), -ENOENT);
	free(text);
	free(got);
}

static void
old_answers_are_forgotten(void)
{
	char page[PAGE];
	unsigned first, id;
	size_t total;

	weir_pages_put(letters(WEIR_PAGE_BYTES + 1), page, sizeof(page));
	take_head(page, &first, &total);
	CU_ASSERT_EQUAL(weir_pages_get(first, total, page, sizeof(page)), -ENOENT);
	for (unsigned i = 0; i < 20; i++) {
		weir_pages_put(letters(WEIR_PAGE_BYTES + 1), page, sizeof(page));
		take_head(page, &id, &total);
	}
	CU_ASSERT_EQUAL(weir_pages_get(first, 0, page, sizeof(page)), -ENOENT);
	CU_ASSERT_EQUAL(weir_pages_get(id, WEIR_PAGE_BYTES, page, sizeof(page)), 0);
}

static void
requests_are_put_together(void)
{
	char *text;

	CU_ASSERT_EQUAL(weir_pieces_add("k1", "add "), 0);
	CU_ASSERT_EQUAL(weir_pieces_add("k2", "other"), 0);
	CU_ASSERT_EQUAL(weir_pieces_add("k1", "--query x,y"), 0);
	text = weir_pieces_take("k1");
	CHECK_TEXT(text, "add --query x,y");
	free(text);
	CU_ASSERT_PTR_NULL(weir_pieces_take("k1"));
	free(weir_pieces_take("k2"));
	CU_ASSERT_PTR_NULL(weir_pieces_take(""));
	CU_ASSERT_EQUAL(weir_pieces_add("", "x"), -EINVAL);
	CU_ASSERT_EQUAL(
	    weir_pieces_add("a key that is longer than any that is made", "x"), -EINVAL);
}

static void
requests_are_bounded(void)
{
	char *piece = letters(WEIR_REQUEST_BYTES / 2), key[16];

	CU_ASSERT_EQUAL(weir_pieces_add("big", piece), 0);
	CU_ASSERT_EQUAL(weir_pieces_add("big", piece), 0);
	CU_ASSERT_EQUAL(weir_pieces_add("big", "x"), -E2BIG);
	CU_ASSERT_PTR_NULL(weir_pieces_take("big"));
	CU_ASSERT_EQUAL(weir_pieces_add("old", "x"), 0);
	for (unsigned i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "new%u", i);
		CU_ASSERT_EQUAL(weir_pieces_add(key, "x"), 0);
	}
	CU_ASSERT_PTR_NULL(weir_pieces_take("old"));
	for (unsigned i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "new%u", i);
		free(weir_pieces_take(key));
	}
	free(piece);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "short answers are one page", short_answers_are_one_page },
		{ "long answers come whole", long_answers_come_whole },
		{ "old answers are forgotten", old_answers_are_forgotten },
		{ "requests are put together", requests_are_put_together },
		{ "requests are bounded", requests_are_bounded },
		CU_TEST_INFO_NULL,
	};

	return check_run("pages", tests);
}
