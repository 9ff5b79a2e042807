/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <weir/base/time.h>

#include "check.h"
#include "rows.h"

static void
check_blocks(struct weir_block **blocks, unsigned n, const char *expected)
{
	const char *path = rows_path("table");
	struct weir_sink *s = NULL;
	uint64_t offered = 0;
	char *text;

	CU_ASSERT_EQUAL_FATAL(weir_sink_open(rows_uri("table", path), NULL, 0, &s, NULL), 0);
	s->is_live = true; /* makes no difference where there is no terminal */
	for (unsigned i = 0; i < n; i++) {
		CU_ASSERT_EQUAL(weir_sink_rows(s, blocks[i], NULL), 0);
		offered += blocks[i]->n_rows;
		rows_free(blocks[i]);
	}
	CU_ASSERT_EQUAL(s->counters.delivered, offered);
	CU_ASSERT_EQUAL(weir_sink_close(s, NULL), 0);
	text = rows_read(path, NULL);
	CHECK_TEXT(text, expected);
	free(text);
	rows_remove(path);
}

#define OWN_HEADING                                                                                \
	"window.start                    window.end                      ip.src  name  packets  "  \
	"mean\n"
#define TITLE "main  " WINDOW_TEXT " - " END_TEXT "\n"

static void
test_aligned_columns(void)
{
	struct weir_block *b = rows_usual(&rows_schema);

	check_blocks(&b, 1,
	    TITLE "ip.src       name                 packets    mean\n"
		  "10.0.0.1     a, \"b\"                    12  1500.0\n"
		  "2001:db8::1  -       -9223372036854775808       -\n");
}

static void
test_a_window_in_pieces_and_the_next(void)
{
	struct weir_block *b[] = { rows_create(&rows_schema, 1), rows_create(&rows_schema, 1),
		rows_create(&rows_schema, 1) };

	rows_set_text(b[0], 1, 0, "wide name");
	b[2]->window_start_ns = WEIR_TIME_NONE;
	check_blocks(b, 3,
	    TITLE "ip.src  name       packets  mean\n"
		  "-       wide name        -     -\n"
		  "-       -                -     -\n"
		  "\n"
		  "main  - - " END_TEXT "\n"
		  "ip.src  name  packets  mean\n"
		  "-       -           -     -\n");
}

static void
test_rows_without_windows_have_one_heading(void)
{
	struct weir_block *b[] = { rows_create(&rows_schema_unwindowed, 1),
		rows_create(&rows_schema_unwindowed, 1) };

	b[1]->window_start_ns += 1;
	check_blocks(b, 2,
	    "main\nip.src  name  packets  mean\n"
	    "-       -           -     -\n"
	    "-       -           -     -\n");
}

static void
test_rows_with_windows_of_their_own(void)
{
	struct weir_block *b[] = { rows_create(&rows_schema, 2), rows_create(&rows_schema, 1),
		rows_create(&rows_schema, 1) };

	for (unsigned i = 0; i < 2; i++)
		CU_ASSERT_EQUAL_FATAL(weir_block_own_windows(b[i]), 0);
	b[0]->row_end_ns[0] = b[0]->row_start_ns[0];
	b[0]->row_start_ns[1] = WEIR_TIME_NONE;
	check_blocks(b, 3,
	    "main\n" OWN_HEADING WINDOW_TEXT "  " WINDOW_TEXT "  -       -           -     -\n"
	    "-                               " END_TEXT
	    "  -       -           -     -\n" WINDOW_TEXT "  " END_TEXT
	    "  -       -           -     -\n"
	    "\n" TITLE "ip.src  name  packets  mean\n"
	    "-       -           -     -\n");
}

static void
test_two_queries(void)
{
	struct weir_schema_column columns[] = { { (char[]){ "\xc3\xa9" }, WEIR_STRING, false },
		{ (char[]){ "b" }, WEIR_BOOL, false } };
	struct weir_schema schema = { (char[]){ "second" }, false, 2, columns };
	struct weir_block *b[] = { rows_create(&schema, 2), rows_create(&rows_schema_unwindowed, 1),
		rows_create(&schema, 1) };

	rows_set_text(b[0], 0, 0, "\xe2\x82\xac\xe2\x82\xac");
	rows_set_text(b[0], 0, 1, "a\nb");
	rows_set_int(b[0], 1, 1, 1);
	check_blocks(b, 3,
	    "second\n\xc3\xa9           b\n\xe2\x82\xac\xe2\x82\xac          -\nhex:610a62  true\n"
	    "\nmain\nip.src  name  packets  mean\n-       -           -     -\n"
	    "\nsecond\n\xc3\xa9  b\n-  -\n");
}

static void
test_rows_that_are_partial(void)
{
	struct weir_block *b[] = { rows_usual(&rows_schema), rows_usual(&rows_schema) };

	b[0]->gaps = &rows_gaps;
	b[1]->gaps = &rows_no_gaps;
	b[1]->window_start_ns = b[1]->window_end_ns;
	check_blocks(b, 2,
	    TITLE "ip.src       name                 packets    mean\n"
		  "10.0.0.1     a, \"b\"                    12  1500.0  partial\n"
		  "2001:db8::1  -       -9223372036854775808       -  partial\n"
		  "\nmain  " END_TEXT " - " END_TEXT "\n"
		  "ip.src       name                 packets    mean\n"
		  "10.0.0.1     a, \"b\"                    12  1500.0\n"
		  "2001:db8::1  -       -9223372036854775808       -\n");
	/* Rows of packets leave from the host that has them. */
	b[0] = rows_create(&rows_schema_unwindowed, 1);
	b[0]->gaps = &rows_gaps;
	check_blocks(b, 1, "main\nip.src  name  packets  mean\n-       -           -     -\n");
}

/* A terminal of 40 columns and 6 rows: the side to read from, and the path of the other. */
static int
open_terminal(char *path, int *ret_slave)
{
	struct winsize ws = { .ws_row = 6, .ws_col = 40 };
	struct termios raw = { 0 };
	int master;

	cfmakeraw(&raw);
	if (openpty(&master, ret_slave, path, &raw, &ws) < 0)
		return -1;
	fcntl(master, F_SETFL, O_NONBLOCK);
	return master;
}

static void
check_terminal(int master, const char *expected)
{
	char text[4096];
	ssize_t n = read(master, text, sizeof(text) - 1);

	CU_ASSERT_TRUE_FATAL(n >= 0);
	text[n] = '\0';
	CHECK_TEXT(text, expected);
}

static void
test_strings_are_cut_on_a_terminal(void)
{
	struct weir_block *b = rows_create(&rows_schema_unwindowed, 1);
	struct weir_sink *s = NULL;
	char path[64];
	int slave, master = open_terminal(path, &slave);

	if (master < 0) {
		check_skip("no pseudo terminal can be opened");
		rows_free(b);
		return;
	}
	rows_set_text(b, 1, 0, "a very long string that would not fit into its line");
	rows_set_int(b, 2, 0, 7);
	CU_ASSERT_EQUAL_FATAL(weir_sink_open(rows_uri("table", path), NULL, 0, &s, NULL), 0);
	CU_ASSERT_EQUAL(weir_sink_rows(s, b, NULL), 0);
	check_terminal(master, "main\nip.src  name               packets  mean\n"
			       "-       a very long stri\xe2\x80\xa6        7     -\n");
	/* Less is left where there is a mark behind. */
	rows_set_text(b, 1, 0, "a string of 22 letters");
	b->schema = &rows_schema;
	b->gaps = &rows_gaps;
	CU_ASSERT_EQUAL(weir_sink_rows(s, b, NULL), 0);
	check_terminal(master, "-       a string of\xe2\x80\xa6        7     -  partial\n");
	weir_sink_close(s, NULL);
	close(slave);
	close(master);
	rows_free(b);
}

static void
test_live_terminal_is_redrawn(void)
{
	struct weir_block *b = rows_create(&rows_schema, 5);
	struct weir_sink *s = NULL;
	char path[64];
	int slave, master = open_terminal(path, &slave);

	if (master < 0) {
		check_skip("no pseudo terminal can be opened");
		rows_free(b);
		return;
	}
	CU_ASSERT_EQUAL_FATAL(weir_sink_open(rows_uri("table", path), NULL, 0, &s, NULL), 0);
	s->is_live = true;
	b->n_rows = 1;
	CU_ASSERT_EQUAL(weir_sink_rows(s, b, NULL), 0);
	check_terminal(master, "\033[2J\033[H\033[Kmain  2026-01-02T03:04:05.000000000Z - 2\n"
			       "\033[Kip.src  name  packets  mean\n"
			       "\033[K-       -           -     -\n\033[J");
	/* The next window comes at once: drawn with the flush, cut to the height. */
	b->n_rows = 5;
	b->window_start_ns = b->window_end_ns;
	CU_ASSERT_EQUAL(weir_sink_rows(s, b, NULL), 0);
	CU_ASSERT_EQUAL(weir_sink_flush(s, NULL), 0);
	check_terminal(master, "\033[H\033[Kmain  2026-01-02T03:04:06.000000000Z - 2\n"
			       "\033[Kip.src  name  packets  mean\n"
			       "\033[K-       -           -     -\n"
			       "\033[K-       -           -     -\n\033[J(3 lines more)\n");
	CU_ASSERT_EQUAL(s->counters.delivered, 6);
	CU_ASSERT_EQUAL(weir_sink_close(s, NULL), 0);
	close(slave);
	close(master);
	rows_free(b);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "aligned columns", test_aligned_columns },
		{ "a window in pieces and the next", test_a_window_in_pieces_and_the_next },
		{ "rows with windows of their own", test_rows_with_windows_of_their_own },
		{ "rows without windows", test_rows_without_windows_have_one_heading },
		{ "two queries", test_two_queries },
		{ "rows that are partial", test_rows_that_are_partial },
		{ "strings are cut on a terminal", test_strings_are_cut_on_a_terminal },
		{ "a live terminal is redrawn", test_live_terminal_is_redrawn },
		CU_TEST_INFO_NULL,
	};

	return check_run("sink/table", tests);
}
