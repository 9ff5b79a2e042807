/* SPDX-License-Identifier: BSD-3-Clause */
/* Words of a text, as a shell takes it apart. */
#include <stdlib.h>

#include <weir/control/control.h>

#include "check.h"

/* The words of a text, each in brackets. */
static const char *
words(const char *text)
{
	static char out[512];
	struct weir_error err = { 0 };
	char **w;
	unsigned n;

	if (weir_control_words(text, &w, &n, &err)) {
		CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
		return strcpy(out, err.text);
	}
	out[0] = '\0';
	CU_ASSERT_PTR_NULL(w[n]);
	for (unsigned i = 0; i < n; i++)
		snprintf(out + strlen(out), sizeof(out) - strlen(out), "[%s]", w[i]);
	free(w);
	return out;
}

static void
blanks_part_words(void)
{
	CHECK_TEXT(words("--query x --key ip.src"), "[--query][x][--key][ip.src]");
	CHECK_TEXT(words("  a \t b\n"), "[a][b]");
	CHECK_TEXT(words(""), "");
	CHECK_TEXT(words("   "), "");
	CHECK_TEXT(words("a b c d e f g"), "[a][b][c][d][e][f][g]");
}

static void
quotes_hold_words_together(void)
{
	CHECK_TEXT(words("--filter 'tcp port 80'"), "[--filter][tcp port 80]");
	CHECK_TEXT(words("--agg \"n=count()\",'m=sum(x)'"), "[--agg][n=count(),m=sum(x)]");
	CHECK_TEXT(words("'' \"\""), "[][]");
	CHECK_TEXT(words("'a\\b' \"a\\\"b\" a\\ b"), "[a\\b][a\"b][a b]");
	CHECK_TEXT(words("'it'\\''s'"), "[it's]");
}

static void
open_quotes_are_refused(void)
{
	CHECK_TEXT(words("--filter 'tcp"), "a ' is not closed");
	CHECK_TEXT(words("\"a\\\""), "a \" is not closed");
	CHECK_TEXT(words("a\\"), "[a\\]");
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "blanks part words", blanks_part_words },
		{ "quotes hold words together", quotes_hold_words_together },
		{ "open quotes are refused", open_quotes_are_refused },
		CU_TEST_INFO_NULL,
	};

	return check_run("words", tests);
}
