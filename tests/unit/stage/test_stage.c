/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <CUnit/Basic.h>
#include <pcap/dlt.h>
#include <weir/stage/stage.h>

#include "check.h"

/* Ethernet, IPv4, TCP 1234 -> 443, SYN; and the same as raw IP from byte 14 on. */
static const uint8_t tcp_syn[54] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00, 0x45, 0, 0, 40,
	0, 1, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x04, 0xd2, 0x01, 0xbb, 0, 0, 0, 1, 0, 0,
	0, 0, 0x50, 0x02, 0, 100, 0, 0, 0, 0 };

static struct weir_batch batch;

/* Three rows: the packet on Ethernet, the same on raw IP, and one cut short. */
static void
fill(struct weir_rows *rows)
{
	memset(&batch, 0, sizeof(batch));
	batch.n = 3;
	for (unsigned i = 0; i < 3; i++) {
		batch.data[i] = i == 1 ? tcp_syn + 14 : tcp_syn;
		batch.cap_len[i] = i == 1 ? 40 : i == 2 ? 20 : 54;
		batch.wire_len[i] = i == 1 ? 40 : 54;
		batch.dlt[i] = i == 1 ? DLT_RAW : DLT_EN10MB;
	}
	rows->n = 3;
	rows->batch = &batch;
	rows->inputs = NULL;
	weir_mask_first(rows->sel, 3);
}

static void
test_filter_matches_like_tcpdump(void)
{
	static const struct {
		const char *text;
		uint64_t want; /* bits of the rows that match */
	} cases[] = {
		{ "tcp", 3 },
		{ "tcp port 443", 3 },
		{ "udp", 0 },
		{ "src host 10.0.0.1", 3 },
		{ "tcp[tcpflags] & tcp-syn != 0", 3 },
		{ "tcp[tcpflags] & (tcp-syn|tcp-ack) == (tcp-syn|tcp-ack)", 0 },
		{ "greater 54", 5 },
		{ "ether host 02:00:00:00:00:01", 5 },
		{ "not ip6", 7 },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct weir_error err;
		struct weir_stage *s;
		struct weir_rows rows;

		fill(&rows);
		CU_ASSERT_FATAL(weir_stage_filter_create(cases[i].text, NULL, &s, &err) == 0);
		weir_stage_run(s, &rows);
		if (rows.sel[0] != cases[i].want)
			fprintf(
			    stderr, "%s: %llx\n", cases[i].text, (unsigned long long)rows.sel[0]);
		CU_ASSERT_EQUAL(rows.sel[0], cases[i].want);
		CU_ASSERT_EQUAL(s->n_dropped, 3 - (uint64_t)__builtin_popcountll(cases[i].want));
		weir_stage_destroy(s);
	}
}

static void
test_filter_refuses_bad_syntax(void)
{
	struct weir_stage *s = NULL;
	struct weir_error err;

	CU_ASSERT(weir_stage_filter_create("tcp prt 443", NULL, &s, &err) < 0);
	CU_ASSERT_PTR_NULL(s);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
	CU_ASSERT(strlen(err.text) > 0);
}

static int64_t numbers[WEIR_ROWS] = { 1, 5, 9 };
static uint64_t nulls[WEIR_MASK_WORDS];
static const struct weir_column number_column = { WEIR_INT, WEIR_I64, numbers, NULL, nulls };
static const struct weir_symbol symbols[] = {
	{ "x", WEIR_INT, WEIR_I64, 0 },
	{ "y", WEIR_INT, WEIR_I64, 1 },
};

static void
test_where_counts_what_it_drops(void)
{
	struct weir_scope scope = { symbols, 1 };
	const struct weir_column *inputs[1] = { &number_column };
	struct weir_rows rows = { .n = 3, .inputs = inputs };
	struct weir_error err;
	struct weir_stage *s;

	nulls[0] = 2;
	weir_mask_first(rows.sel, 3);
	CU_ASSERT_FATAL(weir_stage_where_create("x >= 5", &scope, &s, &err) == 0);
	weir_stage_run(s, &rows);
	CU_ASSERT_EQUAL(rows.sel[0], 4);
	CU_ASSERT_EQUAL(s->n_dropped, 2);
	CU_ASSERT_STRING_EQUAL(s->ops->name, "where");
	weir_stage_destroy(s);
	nulls[0] = 0;
}

static void
test_where_needs_a_condition(void)
{
	struct weir_scope scope = { symbols, 1 };
	struct weir_stage *s = NULL;
	struct weir_error err;

	CU_ASSERT(weir_stage_where_create("'text'", &scope, &s, &err) < 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "condition"));
	CU_ASSERT(weir_stage_where_create("z == 1", &scope, &s, &err) < 0);
	CU_ASSERT_PTR_NULL(s);
}

static void
test_map_adds_a_column(void)
{
	struct weir_scope scope = { symbols, 1 };
	const struct weir_column *inputs[2] = { &number_column, NULL };
	struct weir_rows rows = { .n = 3, .inputs = inputs };
	struct weir_error err;
	struct weir_stage *s;

	weir_mask_first(rows.sel, 3);
	CU_ASSERT_FATAL(weir_stage_map_create("x * 2 + 1", &scope, 1, &s, &err) == 0);
	weir_stage_run(s, &rows);
	CU_ASSERT_PTR_NOT_NULL_FATAL(inputs[1]);
	CU_ASSERT_EQUAL(weir_column_get(inputs[1], 0).i, 3);
	CU_ASSERT_EQUAL(weir_column_get(inputs[1], 2).i, 19);
	CU_ASSERT_EQUAL(s->n_dropped, 0);
	weir_stage_destroy(s);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "filter matches like tcpdump", test_filter_matches_like_tcpdump },
		{ "filter refuses bad syntax", test_filter_refuses_bad_syntax },
		{ "where counts what it drops", test_where_counts_what_it_drops },
		{ "where needs a condition", test_where_needs_a_condition },
		{ "map adds a column", test_map_adds_a_column },
		CU_TEST_INFO_NULL,
	};

	return check_run("stage", tests);
}
