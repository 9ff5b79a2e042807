/* SPDX-License-Identifier: BSD-3-Clause */
/* What of a query runs over packets, what over rows, and what queries do once for several. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>
#include <weir/query/plan.h>

#include "check.h"
#include "parts.h"
#include "scope.h"

struct parsed {
	char *copy;
	char *argv[64];
	struct weir_command_line line;
	struct weir_command command;
	struct weir_error err;
};

/* words: arguments with '|' between them. */
static void
parse(struct parsed *p, const char *words)
{
	char *save = NULL;
	int argc = 1;

	memset(p, 0, sizeof(*p));
	p->copy = strdup(words);
	p->argv[0] = p->copy;
	for (char *w = strtok_r(p->copy, "|", &save); w; w = strtok_r(NULL, "|", &save))
		p->argv[argc++] = w;
	CU_ASSERT_EQUAL_FATAL(weir_options_parse(weir_flags, argc, p->argv, &p->line, &p->err), 0);
	CU_ASSERT_EQUAL_FATAL(weir_command_build(&p->line, &p->command, &p->err), 0);
}

static void
drop(struct parsed *p)
{
	weir_command_fini(&p->command);
	weir_command_line_free(&p->line);
	free(p->copy);
}

static void
add_text(const struct weir_query_text *t, char *to)
{
	for (unsigned i = 0; i < t->n_stages; i++)
		sprintf(to + strlen(to), "%s%s %s", i ? " " : "",
		    weir_flag_name(t->stages[i].flag) + 2, t->stages[i].text);
}

static void
test_stages_go_where_they_run(void)
{
	static const struct {
		const char *words;
		const char *packets, *rows;
	} cases[] = {
		{ "-r|x", "key 5tuple agg packets=count(),bytes=sum(frame.len)", "top 20:bytes" },
		{ "-r|x|--where|tcp", "where tcp", "" },
		{ "-r|x|--where|tcp|--key|a|--agg|n=count()|--where|n > 1|--top|5",
		    "where tcp key a agg n=count()", "where n > 1 top 5" },
		/* A window belongs to the group that follows it, or to the last. */
		{ "-r|x|--agg|n=count()|--window|1s", "window 1s agg n=count()", "" },
		{ "-r|x|--key|a|--window|2s|--agg|n=count()|--map|b=n|--key|b|--window|1s|--agg|m="
		  "count()",
		    "key a window 2s agg n=count()", "map b=n key b window 1s agg m=count()" },
		{ "-r|x|--agg|n=count()|--key|n|--agg|m=count()|--window|1s", "agg n=count()",
		    "key n window 1s agg m=count()" },
		/* What packets wait for makes rows of them. */
		{ "-r|x|--where|udp|--key|a|--join|semi:o|--where|tcp|--agg|n=count()", "where udp",
		    "key a join semi:o where tcp agg n=count()" },
		{ "-r|x|--agg|n=count()|--join|o", "agg n=count()", "join o" },
		{ "-r|x|--from|o|--where|n > 1|--key|a|--agg|n=count()", "",
		    "where n > 1 key a agg n=count()" },
		{ "-r|x|--agg|n=count()|--where|n > 1|--emit|early|--split|rr",
		    "agg n=count() emit early split rr", "where n > 1" },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct weir_query_parts parts = { 0 };
		char packets[512] = "", rows[512] = "";
		struct parsed p;

		parse(&p, cases[i].words);
		CU_ASSERT_EQUAL_FATAL(
		    weir_query_split(&p.command.queries[0], true, &parts, &p.err), 0);
		add_text(&parts.packets, packets);
		add_text(&parts.rows, rows);
		CHECK_TEXT(packets, cases[i].packets);
		CHECK_TEXT(rows, cases[i].rows);
		weir_query_parts_fini(&parts);
		drop(&p);
	}
}

static void
test_what_queries_share(void)
{
	static const char *const words =
	    "-r|x|--query|a|--where|tcp.flags.syn|--where|tcp.dstport < 1024|--key|ip.dst|--agg|"
	    "n=count(),b=sum(frame.len)|"
	    "--query|same|--where|tcp.flags.syn|--where|tcp.dstport < 1024|--key|host=ip.dst|--agg|"
	    "bytes=sum(frame.len)|--where|bytes > 9|"
	    "--query|key|--where|tcp.flags.syn|--key|ip.src|--agg|n=count()|"
	    "--query|window|--where|tcp.flags.syn|--where|tcp.dstport < "
	    "1024|--key|ip.dst|--window|1s|--agg|n=count()|"
	    "--query|more|--where|tcp.flags.syn|--where|tcp.dstport < "
	    "1024|--key|ip.dst|--agg|n=count(),m=max(frame.len)|"
	    "--query|mapped|--map|x=1|--where|tcp.flags.syn|--agg|n=count()";
	struct weir_plan *plan = NULL;
	const struct weir_plan_query *q;
	struct parsed p;

	parse(&p, words);
	weir_plan_build(&p.command, false, &plan, &p.err);
	CHECK_TEXT(p.err.text, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
	q = plan->queries;
	CU_ASSERT(!q[0].is_shared);
	CU_ASSERT_EQUAL(q[0].n_sharing, 1);
	CU_ASSERT_FATAL(q[1].is_shared);
	CU_ASSERT_EQUAL(q[1].shared_with, 0);
	CU_ASSERT_EQUAL(q[1].shared_columns[0], 1); /* bytes is the second of the other */
	CU_ASSERT(!q[2].is_shared);
	CU_ASSERT(!q[3].is_shared);
	CU_ASSERT(!q[4].is_shared);
	CU_ASSERT_EQUAL_FATAL(q[0].path->n_prefixes, 2);
	CU_ASSERT_EQUAL_FATAL(q[2].path->n_prefixes, 1);
	CU_ASSERT_EQUAL(q[2].path->prefixes[0], q[0].path->prefixes[0]);
	CU_ASSERT_EQUAL(q[3].path->prefixes[1], q[0].path->prefixes[1]);
	CU_ASSERT_NOT_EQUAL(q[0].path->prefixes[0], q[0].path->prefixes[1]);
	CU_ASSERT_EQUAL(q[5].path->n_prefixes, 0); /* its stage may read what it has mapped */
	weir_plan_destroy(plan);
	drop(&p);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "stages go where they run", test_stages_go_where_they_run },
		{ "what queries share", test_what_queries_share },
		CU_TEST_INFO_NULL,
	};

	return check_run("query-parts", tests);
}
