/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>

#include <weir/base/time.h>

#include "check.h"
#include "rows.h"

#define HEADER "query,window.start,window.end,ip.src,name,packets,mean\n"
#define HEAD   "main," WINDOW_TEXT "," END_TEXT ","

/* Write the blocks, free them and compare the file. */
static void
check_blocks(struct weir_block **blocks, unsigned n, const char *expected)
{
	const char *path = rows_path("rows.csv");
	struct weir_sink *s = NULL;
	uint64_t offered = 0;
	char *text;

	CU_ASSERT_EQUAL_FATAL(weir_sink_open(rows_uri("csv", path), NULL, 0, &s, NULL), 0);
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

static void
test_rows_of_a_window(void)
{
	struct weir_block *b = rows_usual(&rows_schema);

	check_blocks(&b, 1,
	    HEADER HEAD "10.0.0.1,\"a, \"\"b\"\"\",12,1500.0\n" HEAD
			"2001:db8::1,,-9223372036854775808,\n");
}

static void
test_header_once_while_columns_stay(void)
{
	struct weir_block *b[] = { rows_create(&rows_schema, 1), rows_create(&rows_schema, 0),
		rows_create(&rows_schema, 1) };

	b[2]->window_start_ns = WEIR_TIME_NONE;
	check_blocks(b, 3,
	    HEADER HEAD ",,,\n"
			"main,," END_TEXT ",,,,\n");
}

static void
test_rows_with_windows_of_their_own(void)
{
	struct weir_block *b = rows_create(&rows_schema, 3);

	CU_ASSERT_EQUAL_FATAL(weir_block_own_windows(b), 0);
	b->row_end_ns[0] = b->row_start_ns[0];
	b->row_start_ns[1] = b->row_end_ns[1] = WEIR_TIME_NONE;
	check_blocks(&b, 1,
	    HEADER "main," WINDOW_TEXT "," WINDOW_TEXT ",,,,\n"
		   "main,,,,,,\n" HEAD ",,,\n");
}

static void
test_other_columns_get_a_header(void)
{
	struct weir_schema_column columns[] = { { (char[]){ "n,m" }, WEIR_INT, false } };
	struct weir_schema schema = { (char[]){ "second" }, false, 1, columns };
	struct weir_block *b[] = { rows_create(&rows_schema, 1), rows_create(&schema, 1),
		rows_create(&schema, 1), rows_create(&rows_schema, 1) };

	rows_set_int(b[1], 0, 0, 7);
	check_blocks(
	    b, 4, HEADER HEAD ",,,\n\nquery,\"n,m\"\nsecond,7\nsecond,\n\n" HEADER HEAD ",,,\n");
}

static void
test_no_rows_write_nothing(void)
{
	struct weir_block *b = rows_create(&rows_schema, 0);

	check_blocks(&b, 1, "");
}

static void
test_strings(void)
{
	struct weir_schema_column columns[] = { { (char[]){ "s" }, WEIR_STRING, false } };
	struct weir_schema schema = { (char[]){ "q" }, false, 1, columns };
	struct weir_block *b = rows_create(&schema, 8);

	rows_set_text(b, 0, 0, "");
	rows_set_text(b, 0, 1, "plain");
	rows_set_text(b, 0, 2, "a,b");
	rows_set_text(b, 0, 3, " blank");
	rows_set_text(b, 0, 4, "\"");
	rows_set_text(b, 0, 5, "two\nlines");
	rows_set_bytes(b, 0, 6, "\xff\x00", 2);
	check_blocks(&b, 1,
	    "query,s\nq,\"\"\nq,plain\nq,\"a,b\"\nq,\" "
	    "blank\"\nq,\"\"\"\"\nq,hex:74776f0a6c696e6573\n"
	    "q,hex:ff00\nq,\n");
}

static void
test_floats_that_are_no_numbers_are_null(void)
{
	struct weir_schema_column columns[] = { { (char[]){ "f" }, WEIR_FLOAT, false } };
	struct weir_schema schema = { (char[]){ "q" }, false, 1, columns };
	struct weir_block *b = rows_create(&schema, 2);

	rows_set_float(b, 0, 0, NAN);
	rows_set_float(b, 0, 1, 0.25);
	check_blocks(&b, 1, "query,f\nq,\nq,0.25\n");
}

/* In a cluster each row of a window says whether it lacks something; elsewhere columns are as ever.
 */
static void
test_rows_that_are_partial(void)
{
	struct weir_block *b[] = { rows_create(&rows_schema, 1), rows_create(&rows_schema, 1),
		rows_create(&rows_schema, 1), rows_create(&rows_schema_unwindowed, 1) };

	b[0]->gaps = &rows_no_gaps;
	b[1]->gaps = &rows_gaps;
	b[2]->gaps = &rows_gaps;
	b[2]->window_start_ns = b[2]->window_end_ns;
	b[3]->gaps = &rows_gaps;
	check_blocks(b, 4,
	    "query,window.start,window.end,ip.src,name,packets,mean,partial\n" HEAD
	    ",,,,false\n" HEAD ",,,,true\nmain," END_TEXT "," END_TEXT ",,,,,false\n"
	    "\nquery,ip.src,name,packets,mean\nmain,,,,\n");
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "rows of a window", test_rows_of_a_window },
		{ "rows with windows of their own", test_rows_with_windows_of_their_own },
		{ "header once while columns stay", test_header_once_while_columns_stay },
		{ "other columns get a header", test_other_columns_get_a_header },
		{ "no rows write nothing", test_no_rows_write_nothing },
		{ "strings", test_strings },
		{ "rows that are partial", test_rows_that_are_partial },
		{ "NaN is null", test_floats_that_are_no_numbers_are_null },
		CU_TEST_INFO_NULL,
	};

	return check_run("sink/csv", tests);
}
