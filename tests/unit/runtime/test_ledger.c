/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <CUnit/Basic.h>
#include <jansson.h>
#include <weir/runtime/ledger.h>

#include "check.h"

static struct weir_ledger_query query;
static struct weir_ledger_sink sink;
static char uri[] = "json", name[] = "main";

static struct weir_ledger
make(void)
{
	struct weir_ledger l = { .elapsed_s = 0.5, .packets = 10, .bytes = 640 };

	memset(&query, 0, sizeof(query));
	query.name = name;
	query.offered = query.in = 10;
	query.aggregated = 6;
	query.dropped[WEIR_DROP_WHERE] = 3;
	query.dropped[WEIR_DROP_NULL_KEY] = 1;
	query.rows = 5;
	sink = (struct weir_ledger_sink){
		.uri = uri, .offered = 5, .delivered = 4, .dropped_error = 1
	};
	l.n_queries = l.n_sinks = 1;
	l.queries = &query;
	l.sinks = &sink;
	return l;
}

static void
test_balance(void)
{
	struct weir_ledger l = make();

	CU_ASSERT(weir_ledger_is_balanced(&l));
	query.aggregated--;
	CU_ASSERT(!weir_ledger_is_balanced(&l));
	l = make();
	query.in = query.aggregated = 9;
	query.dropped[WEIR_DROP_WHERE] = query.dropped[WEIR_DROP_NULL_KEY] = 0;
	CU_ASSERT(!weir_ledger_is_balanced(&l)); /* a query must have been offered every packet */
	l = make();
	sink.dropped_error = 0;
	CU_ASSERT(!weir_ledger_is_balanced(&l));
	sink.dropped_queue_full = 1;
	CU_ASSERT(weir_ledger_is_balanced(&l));
}

static void
test_json(void)
{
	struct weir_ledger l = make();
	char path[] = "/tmp/weir-ledger-XXXXXX";
	struct weir_error err;
	json_t *j;
	FILE *out;
	int fd = mkstemp(path);

	CU_ASSERT_FATAL(fd >= 0);
	close(fd);
	CU_ASSERT_FATAL(weir_ledger_open(path, &out, &err) == 0);
	CU_ASSERT_FATAL(weir_ledger_write(&l, path, out, &err) == 0);
	j = json_load_file(path, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	CU_ASSERT_EQUAL(
	    json_integer_value(json_object_get(json_object_get(j, "received"), "packets")), 10);
	CU_ASSERT(json_is_true(json_object_get(j, "balanced")));
	json_t *q = json_object_get(json_object_get(j, "queries"), "main");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(q, "in")), 10);
	CU_ASSERT_EQUAL(
	    json_integer_value(json_object_get(json_object_get(q, "dropped"), "where")), 3);
	json_t *s = json_object_get(json_object_get(j, "sinks"), "json");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(s, "delivered")), 4);
	CU_ASSERT_PTR_NOT_NULL(json_object_get(json_object_get(j, "decode"), "not_ip"));
	json_decref(j);
	unlink(path);
	CU_ASSERT(weir_ledger_open("/nonexistent/ledger", &out, &err) < 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/nonexistent/ledger"));
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_RUN);
	CU_ASSERT_FATAL(weir_ledger_open("/dev/full", &out, &err) == 0);
	CU_ASSERT(weir_ledger_write(&l, "/dev/full", out, &err) < 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/dev/full"));
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "balance", test_balance },
		{ "json", test_json },
		CU_TEST_INFO_NULL,
	};

	return check_run("ledger", tests);
}
