/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "fixture.h"

struct collected {
	char text[1024]; /* name=expr@place|... */
	unsigned stop_after;
	unsigned n;
};

static int
collect(void *ctx, const struct weir_list_item *it, struct weir_error *err)
{
	struct collected *c = ctx;
	size_t len = strlen(c->text);

	snprintf(c->text + len, sizeof(c->text) - len, "%s[%s]%s@%u", len ? "|" : "",
	    it->name ? it->name : "", it->expr, it->place);
	if (++c->n == c->stop_after)
		return weir_error_usage(err, "enough");
	return 0;
}

static void
check_list(const char *text, char separator, const char *want)
{
	struct collected c = { .text = "" };
	struct weir_error err;
	int rc = weir_list_split(text, separator, collect, &c, &err);
	const char *got = rc ? err.text : c.text;

	CU_ASSERT(rc == 0 || rc == -EINVAL);
	if (strcmp(got, want) != 0) {
		printf("\n%s\n  is   %s\n  want %s\n", text, got, want);
		CU_FAIL("differs");
	}
}

static void
test_list(void)
{
	check_list("a", ',', "[]a@1");
	check_list("a,b", ',', "[]a@1|[]b@3");
	check_list(" a , name = EXPR , f(x,y) ", ',', "[]a@2|[name]EXPR@13|[]f(x,y)@20");
	check_list("net=net(ip.src,24)", ',', "[net]net(ip.src,24)@5");
	check_list(
	    "a==1,b=c==d,e!=f,g<=h,i>=j", ',', "[]a==1@1|[b]c==d@8|[]e!=f@13|[]g<=h@18|[]i>=j@23");
	check_list("x-y.z_0=1", ',', "[x-y.z_0]1@9");
	check_list("a='x,y',b=\"(\",c=in {1,2}", ',', "[a]'x,y'@3|[b]\"(\"@11|[c]in {1,2}@17");
	check_list("'a\\',b',c", ',', "[]'a\\',b'@1|[]c@9");
	check_list("n=0,next=tcp.seq_raw; n+=next!=tcp.seq_raw; next=5", ';',
	    "[n]0,next=tcp.seq_raw@3|[]n+=next!=tcp.seq_raw@23|[next]5@50");
	check_list("f([1,{2,(3,4)}],5),6", ',', "[]f([1,{2,(3,4)}],5)@1|[]6@20");
	check_list("\xc3\xa9,b", ',', "[]\xc3\xa9@1|[]b@3");
	check_list("a(x)=b", ',', "[]a(x)=b@1");
	check_list("", ',', "empty part at 1");
	check_list("a,", ',', "empty part at 3");
	check_list(",a", ',', "empty part at 1");
	check_list("a, ,b", ',', "empty part at 3");
	check_list("a=", ',', "nothing behind 'a=' at 3");
	check_list("a,b=,c", ',', "nothing behind 'b=' at 5");
	check_list("f(a,b", ',', "missing bracket for '(' at 2");
	check_list("a,b)", ',', "unexpected ')' at 4");
	check_list("f(a}", ',', "unexpected '}' at 4");
	check_list("a,'b", ',', "unterminated string at 3");
}

static void
test_list_stops(void)
{
	struct collected c = { .stop_after = 2 };
	struct weir_error err;

	CU_ASSERT_EQUAL(weir_list_split("a,b,c", ',', collect, &c, &err), -EINVAL);
	CU_ASSERT_EQUAL(c.n, 2);
	CU_ASSERT_STRING_EQUAL(err.text, "enough");
	/* Nobody needs to ask why. */
	CU_ASSERT_EQUAL(weir_list_split("a,(", ',', collect, &c, NULL), -EINVAL);
}

static void
check_call(const char *text, const char *want)
{
	struct weir_call call;
	struct weir_error err;
	char got[2048] = "";

	if (weir_call_parse(text, &call, &err)) {
		snprintf(got, sizeof(got), "%s", err.text);
	} else {
		size_t len = (size_t)snprintf(got, sizeof(got), "%s", call.name);

		for (unsigned i = 0; i < call.n_args; i++)
			len += (size_t)snprintf(
			    got + len, sizeof(got) - len, "|%s@%u", call.args[i], call.places[i]);
		weir_call_fini(&call);
	}
	if (strcmp(got, want) != 0) {
		printf("\n%s\n  is   %s\n  want %s\n", text, got, want);
		CU_FAIL("differs");
	}
}

static void
test_call(void)
{
	check_call("count()", "count");
	check_call("count( )", "count");
	check_call("count(tcp.flags.syn)", "count|tcp.flags.syn@7");
	check_call(" quantile ( x , 0.5 ) ", "quantile|x@13|0.5@17");
	check_call("f(g(a,b),'),',{1,2})", "f|g(a,b)@3|'),'@10|{1,2}@15");
	check_call("p999(x)", "p999|x@6");
	check_call("f(1,2,3,4,5,6,7,8)", "f|1@3|2@5|3@7|4@9|5@11|6@13|7@15|8@17");
	check_call("f(1,2,3,4,5,6,7,8,9)", "too many arguments for 'f' at 19");
	check_call("count", "missing '(' behind 'count' at 6");
	check_call("", "no function name at 1");
	check_call("(x)", "no function name at 1");
	check_call("f(x", "missing ')' at 4");
	check_call("f(x,", "missing ')' at 5");
	check_call("f(x,)", "empty argument at 5");
	check_call("f(,x)", "empty argument at 3");
	check_call("f(x) + 1", "unexpected text behind ')' at 6");
	check_call("f((x)", "missing ')' at 6");
	check_call("f(x]", "unexpected ']' at 4");
	check_call("a234567890123456789012345678901234567890123456789012345678901234(x)",
	    "no function name at 1");
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "lists", test_list },
		{ "a list ends where its reader says so", test_list_stops },
		{ "calls", test_call },
		CU_TEST_INFO_NULL,
	};

	return check_run("expr split", tests);
}
