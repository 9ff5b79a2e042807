/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>
#include <weir/packet/tunnel.h>
#include <weir/query/plan.h>

#include "check.h"

#define MAX_ARGS 32

/* A command line of words separated by '|', compiled. Returns 0 or the error's code. */
struct run {
	char *copy;
	char *argv[MAX_ARGS];
	struct weir_command_line line;
	struct weir_command command;
	struct weir_plan *plan;
	struct weir_error err;
};

static int
build(struct run *r, const char *words)
{
	int argc = 1, rc;
	char *save = NULL;

	memset(r, 0, sizeof(*r));
	r->copy = strdup(words);
	r->argv[0] = r->copy;
	for (char *w = strtok_r(r->copy, "|", &save); w && argc < MAX_ARGS;
	     w = strtok_r(NULL, "|", &save))
		r->argv[argc++] = w;
	rc = weir_options_parse(weir_flags, argc, r->argv, &r->line, &r->err);
	if (!rc)
		rc = weir_command_build(&r->line, &r->command, &r->err);
	if (!rc)
		rc = weir_plan_build(&r->command, false, &r->plan, &r->err);
	return rc;
}

static void
drop(struct run *r)
{
	weir_plan_destroy(r->plan);
	weir_command_fini(&r->command);
	weir_command_line_free(&r->line);
	free(r->copy);
}

static void
assert_columns(const struct weir_schema *s, const char *want)
{
	char got[512] = "";

	for (unsigned i = 0; i < s->n_columns; i++) {
		strcat(got, i ? "," : "");
		strcat(got, s->columns[i].name);
		strcat(got, s->columns[i].is_key ? "*" : "");
	}
	if (strcmp(got, want) != 0)
		fprintf(stderr, "columns are %s\n", got);
	CU_ASSERT_STRING_EQUAL(got, want);
}

static void
test_default_query_is_the_top_talkers(void)
{
	struct run r;

	CU_ASSERT_FATAL(build(&r, "-r|x.pcap") == 0);
	CU_ASSERT_EQUAL(r.plan->n_queries, 1);
	CU_ASSERT_STRING_EQUAL(r.plan->queries[0].text->name, "main");
	assert_columns(weir_chain_schema(r.plan->queries[0].chain),
	    "ip.src*,ip.dst*,ip.proto*,srcport*,dstport*,packets,bytes");
	CU_ASSERT_EQUAL(r.plan->queries[0].path->window.kind, WEIR_WINDOW_GLOBAL);
	CU_ASSERT_STRING_EQUAL(r.plan->queries[0].sinks[0], "json");
	CU_ASSERT_EQUAL(r.plan->lateness_ns, INT64_C(60000000000));
	drop(&r);
}

static void
test_live_defaults(void)
{
	struct run r;

	CU_ASSERT_FATAL(build(&r, "-i|eth9|--agg|n=count()") == 0);
	CU_ASSERT(r.plan->is_live);
	CU_ASSERT_EQUAL(r.plan->lateness_ns, 0);
	CU_ASSERT_EQUAL(r.plan->queries[0].path->window.kind, WEIR_WINDOW_TUMBLING);
	CU_ASSERT_EQUAL(r.plan->queries[0].path->window.size_ns, INT64_C(1000000000));
	drop(&r);
	CU_ASSERT_FATAL(build(&r, "-i|eth9|--default-window|5s|--agg|n=count()") == 0);
	CU_ASSERT_EQUAL(r.plan->queries[0].path->window.size_ns, INT64_C(5000000000));
	drop(&r);
}

static void
test_columns_of_queries(void)
{
	struct run r;

	CU_ASSERT_FATAL(
	    build(&r, "-r|x|--map|a=frame.len*2|--key|biflow,net=net(ip.src,24)|--agg|"
		      "n=count(),count(tcp),m=mean(a)|--map|r=n/2|--where|r > 1|--top|3:m|"
		      "--query|rows|--where|udp|--map|q=srcport+1|"
		      "--query|few|--select|5tuple,len=frame.len") == 0);
	CU_ASSERT_EQUAL(r.plan->n_queries, 3);
	assert_columns(weir_chain_schema(r.plan->queries[0].chain),
	    "ip.src*,ip.dst*,ip.proto*,srcport*,dstport*,net*,n,count(tcp),m,r");
	assert_columns(weir_chain_schema(r.plan->queries[1].chain),
	    "frame.time,ip.src,srcport,ip.dst,dstport,ip.proto,frame.len,q");
	assert_columns(weir_chain_schema(r.plan->queries[2].chain),
	    "ip.src,ip.dst,ip.proto,srcport,dstport,len");
	CU_ASSERT(!weir_chain_schema(r.plan->queries[1].chain)->has_window);
	drop(&r);
}

static void
test_only_needed_fields_are_decoded(void)
{
	struct run r;
	unsigned n = 0;

	CU_ASSERT_FATAL(
	    build(&r, "-r|x|--where|tcp.dstport == 443|--key|ip.src|--agg|n=count()") == 0);
	for (unsigned f = 0; f < WEIR_N_FIELDS; f++)
		n += weir_field_set_has(&r.plan->needed, f) != 0;
	CU_ASSERT_EQUAL(n, 2);
	CU_ASSERT(weir_field_set_has(&r.plan->needed, WEIR_FIELD_TCP_DSTPORT));
	CU_ASSERT(weir_field_set_has(&r.plan->needed, WEIR_FIELD_IP_SRC));
	drop(&r);
}

static void
test_packet_sinks_need_no_rows(void)
{
	struct run r;

	CU_ASSERT_FATAL(build(&r, "-r|x|--where|tcp|--sink|pcapng:/nowhere/f") == 0);
	CU_ASSERT(!r.plan->queries[0].wants_rows);
	CU_ASSERT(r.plan->queries[0].wants_packets);
	CU_ASSERT_PTR_NULL(r.plan->queries[0].chain);
	drop(&r);
	/* Rows that were asked for are never lost for want of a sink. */
	CU_ASSERT_FATAL(build(&r, "-r|x|--agg|n=count()|--sink|pcapng:/nowhere/f") == 0);
	CU_ASSERT(r.plan->queries[0].wants_rows);
	CU_ASSERT_EQUAL(r.plan->queries[0].n_sinks, 2);
	drop(&r);
}

static void
test_mistakes_are_named(void)
{
	static const struct {
		const char *words;
		const char *says;
	} cases[] = {
		{ "--agg|n=count()", "no source" },
		{ "-r|x|--where|tcp.dstprt == 443", "--where 'tcp.dstprt == 443': unknown field "
						    "'tcp.dstprt' at 1 (try 'tcp.dstport')" },
		{ "-r|x|--map|a=1,b=frme.len", "'frme.len' at 7 (try 'frame.len')" },
		{ "-r|x|--agg|n=sum(frame.lenn)", "'frame.lenn' at 7 (try 'frame.len')" },
		{ "-r|x|--agg|n=cont()", "unknown aggregate 'cont' at 3 (try count)" },
		{ "-r|x|--agg|n=sum(ip.src)", "sum" },
		{ "-r|x|--agg|n=count(),n=count()", "'n'" },
		{ "-r|x|--key|ip.src", "--key without --agg" },
		{ "-r|x|--key|ip.scr|--agg|n=count()", "(try 'ip.src')" },
		{ "-r|x|--window|1s|--select|ip.src", "--window without --agg" },
		{ "-r|x|--window|tumblin:1s|--agg|n=count()",
		    "--window 'tumblin:1s': unknown window 'tumblin' (try '1s')" },
		{ "-r|x|--top|5", "needs --agg" },
		{ "-r|x|--agg|n=count()|--top|5:m", "unknown column 'm' at 3 (try 'n')" },
		{ "-r|x|--agg|n=count()|--top|0", "--top '0'" },
		{ "-r|x|--agg|n=count()|--where|m > 1", "unknown field 'm' at 1" },
		{ "-r|x|--agg|n=count()|--key|n", "--key 'n': without --agg" },
		{ "-r|x|--where|tcp|--filter|udp", "first stage" },
		{ "-r|x|--filter|tcp prt 5", "--filter 'tcp prt 5'" },
		{ "-r|x|--query|a|--agg|n=count()|--query|a", "taken" },
		{ "-r|x|--query|a b", "not allowed" },
		{ "-r|x|--sink|jsn", "json" },
		{ "-r|x|--map|frame.len=1", "taken" },
		{ "-r|x|--map|frame.len*2", "needs a name" },
		{ "-r|x|--tap", "--tap needs an interface" },
		{ "-i|e|--tap|--take", "exclude" },
		{ "-r|x|--packets|0", "at least 1" },
		{ "-r|x|--for|5", "unit" },
		{ "-r|x|--select|ip.src|--agg|n=count()", "--select" },
		{ "-r|x|--key|x=5tuple|--agg|n=count()", "takes no name" },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run r;

		CU_ASSERT(build(&r, cases[i].words) < 0);
		CU_ASSERT_EQUAL(r.err.fail, WEIR_FAIL_USAGE);
		if (!strstr(r.err.text, cases[i].says))
			fprintf(stderr, "%s: %s\n", cases[i].words, r.err.text);
		CU_ASSERT_PTR_NOT_NULL(strstr(r.err.text, cases[i].says));
		CU_ASSERT_PTR_NULL(strchr(r.err.text, '\n'));
		drop(&r);
	}
}

/* Rows of one window through the result side: map, having, top, and the order of equal values by
 * key. */
static void
test_results_are_mapped_kept_and_ordered(void)
{
	struct run r;
	struct weir_block *b;
	struct weir_plan_query *q;

	CU_ASSERT_FATAL(build(&r, "-r|x|--key|srcport|--agg|n=count(),s=sum(frame.len)|--map|r=s/n|"
				  "--where|n > 1|--top|3:r") == 0);
	q = &r.plan->queries[0];
	b = weir_block_create(&q->path->schema, 700);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_FATAL(weir_block_reserve(b, 700) == 0);
	b->n_rows = 700;
	for (unsigned row = 0; row < 700; row++) {
		struct weir_value key = { .type = WEIR_INT, .i = 699 - row };
		struct weir_value n = { .type = WEIR_INT, .i = row == 500 ? 1 : 2 };
		struct weir_value s = { .type = WEIR_INT,
			.i = row == 500   ? 9999
			     : row == 300 ? 800
					  : 10 };

		CU_ASSERT_FATAL(weir_block_set(b, row, 0, &key) == 0);
		CU_ASSERT_FATAL(weir_block_set(b, row, 1, &n) == 0);
		CU_ASSERT_FATAL(weir_block_set(b, row, 2, &s) == 0);
	}
	b = weir_result_run(q->chain->segments[0].result, b);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_EQUAL_FATAL(b->n_rows, 3);
	CU_ASSERT_EQUAL(weir_column_get(&b->columns[0], 0).i, 399);
	CU_ASSERT_EQUAL(weir_column_get(&b->columns[3], 0).i, 400);
	CU_ASSERT_EQUAL(weir_column_get(&b->columns[0], 1).i, 0);
	CU_ASSERT_EQUAL(weir_column_get(&b->columns[0], 2).i, 1);
	CU_ASSERT_EQUAL(weir_column_get(&b->columns[3], 2).i, 5);
	weir_block_destroy(b);
	drop(&r);
}

/* A port spreads by the outer headers: its fields are the key's only where no tunnel is walked. */
static void
test_tunnels_part_the_key_from_the_port(void)
{
	static const struct {
		const char *words;
		uint32_t decap;
		enum weir_strategy strategy;
	} runs[] = {
		{ "-r|x.pcap|--cores|2", 0, WEIR_STRATEGY_RSS },
		{ "-r|x.pcap|--cores|2|--decap|vlan,pppoe", 0, WEIR_STRATEGY_RSS },
		{ "-r|x.pcap|--cores|2|--decap|gre,vlan", WEIR_TUNNEL_GRE, WEIR_STRATEGY_COMBINE },
	};
	struct weir_source port = { .n_queues = 2 }, *sources[] = { &port };

	weir_field_set_add(&port.spread, WEIR_FIELD_IP_SRC);
	weir_field_set_add(&port.spread, WEIR_FIELD_IP_DST);
	for (unsigned i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		struct run r;

		CU_ASSERT_FATAL(build(&r, runs[i].words) == 0);
		CU_ASSERT_EQUAL(r.command.decap, runs[i].decap);
		weir_plan_spread(r.plan, sources, 1);
		CU_ASSERT_EQUAL(r.plan->queries[0].strategy, runs[i].strategy);
		drop(&r);
	}
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "default query is the top talkers", test_default_query_is_the_top_talkers },
		{ "live defaults", test_live_defaults },
		{ "columns of queries", test_columns_of_queries },
		{ "only needed fields are decoded", test_only_needed_fields_are_decoded },
		{ "packet sinks need no rows", test_packet_sinks_need_no_rows },
		{ "mistakes are named", test_mistakes_are_named },
		{ "tunnels part the key from the port", test_tunnels_part_the_key_from_the_port },
		{ "results are mapped kept and ordered", test_results_are_mapped_kept_and_ordered },
		CU_TEST_INFO_NULL,
	};

	return check_run("query", tests);
}
