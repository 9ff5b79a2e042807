/* SPDX-License-Identifier: BSD-3-Clause */
/* static:FILE: a map that all hosts compute alike, and what is wrong with a file. */
#include <stdlib.h>
#include <unistd.h>

#include <weir/cluster/cluster.h>

#include "check.h"

static char path[] = "/tmp/weir-static-XXXXXX";

static void
write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static int
open_node(const char *name, struct weir_cluster **ret, struct weir_error *err)
{
	struct weir_cluster_uri u = { .scheme = (char[]){ "static" }, .path = path };
	struct weir_cluster_config config = {
		.uri = &u, .name = name, .incarnation = 77, .address = "192.0.2.9"
	};

	return weir_cluster_open(&config, ret, err);
}

static void
test_same_everywhere(void)
{
	struct weir_cluster *a = NULL, *b = NULL;
	struct weir_cluster_view *va, *vb;

	write_file("# the lab\n\na 192.0.2.1 udp=4000 weight=3\nb 2001:db8::2 "
		   "mac=02:00:00:00:00:01 queues=4 # the other\n");
	CU_ASSERT_EQUAL_FATAL(open_node("a", &a, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(open_node("b", &b, NULL), 0);
	va = weir_cluster_poll(a);
	vb = weir_cluster_poll(b);
	CU_ASSERT_FATAL(va && vb);
	CU_ASSERT_EQUAL(va->state, WEIR_CLUSTER_LIVE);
	CU_ASSERT_EQUAL(va->epoch, vb->epoch);
	CU_ASSERT_NOT_EQUAL(va->epoch, 0);
	for (unsigned s = 0; s < WEIR_CLUSTER_SLOTS; s++)
		CHECK_TEXT(va->nodes[weir_cluster_owner(va, 5, s)].name,
		    vb->nodes[weir_cluster_owner(vb, 5, s)].name);
	CU_ASSERT_DOUBLE_EQUAL(weir_cluster_slots_of(va, 5, va->self), 3072, 110);
	CU_ASSERT_EQUAL(va->nodes[va->self].incarnation, 77);
	CU_ASSERT_EQUAL(vb->nodes[weir_cluster_find_name(vb, "a")].incarnation, 0);
	CU_ASSERT_EQUAL(vb->nodes[weir_cluster_find_name(vb, "a")].udp_port, 4000);
	CHECK_TEXT(vb->nodes[vb->self].facts, "mac=02:00:00:00:00:01");
	CU_ASSERT_EQUAL(vb->nodes[vb->self].n_queues, 4);
	CU_ASSERT_EQUAL(weir_cluster_lease_until_ns(a), INT64_MAX);
	CU_ASSERT_NOT_EQUAL(weir_cluster_drain(a, NULL), 0);
	CU_ASSERT_NOT_EQUAL(weir_cluster_move(a, 0, 1, "b", NULL), 0);
	weir_cluster_heard_epoch(a, UINT64_MAX);
	CU_ASSERT_PTR_NULL(weir_cluster_poll(a));
	CU_ASSERT_EQUAL(weir_cluster_leave(a, 0, NULL), 0);
	weir_cluster_close(a);
	weir_cluster_close(b);
	/* Views outlive their cluster. */
	CHECK_TEXT(va->nodes[va->self].name, "a");
	weir_cluster_view_unref(va);
	weir_cluster_view_unref(vb);
}

static void
test_other_file_other_epoch(void)
{
	struct weir_cluster *a = NULL;
	struct weir_cluster_view *v;
	uint64_t epoch;

	write_file("a 192.0.2.1\n");
	CU_ASSERT_EQUAL_FATAL(open_node("a", &a, NULL), 0);
	v = weir_cluster_view_get(a);
	epoch = v->epoch;
	weir_cluster_view_unref(v);
	weir_cluster_close(a);
	write_file("a 192.0.2.1 weight=2\n");
	CU_ASSERT_EQUAL_FATAL(open_node("a", &a, NULL), 0);
	v = weir_cluster_view_get(a);
	CU_ASSERT_NOT_EQUAL(v->epoch, epoch);
	weir_cluster_view_unref(v);
	weir_cluster_close(a);
}

static const struct {
	const char *text, *error;
} wrong[] = {
	{ "", "--cluster: static:PATH names no node" },
	{ "b 192.0.2.1\n", "--node: no node a in PATH" },
	{ "a\n", "--cluster: PATH:1: no address behind the name a" },
	{ "# x\na 192.0.2\n", "--cluster: PATH:2: '192.0.2' is no IPv4 or IPv6 address" },
	{ "a/b 192.0.2.1\n", "--cluster: PATH:1: 'a/b' is no name of a node: up to 63 letters, "
			     "digits, '_', '-' and '.'" },
	{ "a 192.0.2.1\na 192.0.2.2\n", "--cluster: PATH:2: there are two nodes a" },
	{ "a 192.0.2.1 wieght=2\n",
	    "--cluster: PATH:1: no option 'wieght', did you mean 'weight'?" },
	{ "a 192.0.2.1 udp\n", "--cluster: PATH:1: 'udp' is not OPTION=VALUE" },
	{ "a 192.0.2.1 udp=0\n", "--cluster: PATH:1: udp=0 is not between 1 and 65535" },
	{ "a 192.0.2.1 weight=0\n",
	    "--cluster: PATH:1: weight=0 is not between 0.001 and 1000000" },
};

static void
test_wrong(void)
{
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct weir_error err = { 0 };
		struct weir_cluster *c = NULL;
		const char *at = strstr(wrong[i].error, "PATH");
		char expected[300];

		write_file(wrong[i].text);
		CU_ASSERT_NOT_EQUAL(open_node("a", &c, &err), 0);
		CU_ASSERT_PTR_NULL(c);
		CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
		snprintf(expected, sizeof(expected), "%.*s%s%s", (int)(at - wrong[i].error),
		    wrong[i].error, path, at + 4);
		CHECK_TEXT(err.text, expected);
	}
}

static void
test_near_name(void)
{
	struct weir_error err = { 0 };
	struct weir_cluster *c = NULL;

	write_file("alpha 192.0.2.1\n");
	CU_ASSERT_NOT_EQUAL(open_node("alhpa", &c, &err), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, ", did you mean 'alpha'?"));
}

static const CU_TestInfo tests[] = {
	{ "all hosts compute the same map", test_same_everywhere },
	{ "files that differ are told apart", test_other_file_other_epoch },
	{ "each mistake is named with its line", test_wrong },
	{ "the nearest name is told", test_near_name },
	CU_TEST_INFO_NULL,
};

int
main(void)
{
	int rc, fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	rc = check_run("cluster-static", tests);
	unlink(path);
	return rc;
}
