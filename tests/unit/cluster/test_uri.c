/* SPDX-License-Identifier: BSD-3-Clause */
/* --cluster: what it says, and one line for each way to say it wrong. */
#include <weir/base/time.h>
#include <weir/cluster/cluster.h>

#include "check.h"

static void
test_all(void)
{
	struct weir_cluster_uri u;
	struct weir_error err = { 0 };

	CU_ASSERT_EQUAL_FATAL(
	    weir_cluster_uri_parse(
		"etcd://a:2379,[2001:db8::1]:1/my-job.1?nodes=3&ttl=1.5s&lead=500ms&user=u&"
		"password-file=/p&tls=1&ca=/ca&cert=/c&key=/k",
		&u, &err),
	    0);
	CHECK_TEXT(u.scheme, "etcd");
	CHECK_TEXT(u.job, "my-job.1");
	CU_ASSERT_EQUAL_FATAL(u.n_endpoints, 2);
	CHECK_TEXT(u.endpoints[0], "https://a:2379");
	CHECK_TEXT(u.endpoints[1], "https://[2001:db8::1]:1");
	CU_ASSERT_EQUAL(u.n_nodes, 3);
	CU_ASSERT_EQUAL(u.ttl_ns, 3 * WEIR_NS_PER_S / 2);
	CU_ASSERT_EQUAL(u.lead_ns, WEIR_NS_PER_S / 2);
	CHECK_TEXT(u.user, "u");
	CHECK_TEXT(u.password_file, "/p");
	CHECK_TEXT(u.ca, "/ca");
	CHECK_TEXT(u.cert, "/c");
	CHECK_TEXT(u.key, "/k");
	weir_cluster_uri_free(&u);
}

static void
test_defaults(void)
{
	struct weir_cluster_uri u;

	CU_ASSERT_EQUAL_FATAL(weir_cluster_uri_parse("etcd://10.0.0.1:2379/j", &u, NULL), 0);
	CHECK_TEXT(u.endpoints[0], "http://10.0.0.1:2379");
	CU_ASSERT_EQUAL(u.n_nodes, 1);
	CU_ASSERT_EQUAL(u.ttl_ns, 5 * WEIR_NS_PER_S);
	CU_ASSERT_PTR_NULL(u.user);
	weir_cluster_uri_free(&u);
	CU_ASSERT_EQUAL_FATAL(weir_cluster_uri_parse("etcds://h:1/j", &u, NULL), 0);
	CHECK_TEXT(u.endpoints[0], "https://h:1");
	weir_cluster_uri_free(&u);
	CU_ASSERT_EQUAL_FATAL(weir_cluster_uri_parse("static:/etc/weir/nodes", &u, NULL), 0);
	CHECK_TEXT(u.scheme, "static");
	CHECK_TEXT(u.path, "/etc/weir/nodes");
	weir_cluster_uri_free(&u);
}

static const struct {
	const char *text, *error;
} wrong[] = {
	{ "etc://h:1/j", "--cluster: 'etc' is none of etcd://H:P[,H:P…]/JOB and static:FILE, did "
			 "you mean 'etcd'?" },
	{ "statik:f", "--cluster: 'statik' is none of etcd://H:P[,H:P…]/JOB and static:FILE, did "
		      "you mean 'static'?" },
	{ "", "--cluster: '' is none of etcd://H:P[,H:P…]/JOB and static:FILE" },
	{ "static:", "--cluster: no file after static:" },
	{ "etcd://h:1", "--cluster: no job's name: write etcd://h:1/JOB" },
	{ "etcd://h:1/",
	    "--cluster: '' is no job's name: up to 63 letters, digits, '_', '-' and '.'" },
	{ "etcd://h:1/a/b",
	    "--cluster: 'a/b' is no job's name: up to 63 letters, digits, '_', '-' and '.'" },
	{ "etcd:///j", "--cluster: no HOST:PORT after etcd://" },
	{ "etcd://h/j", "--cluster: 'h' is not HOST:PORT, as etcd1:2379 or [2001:db8::1]:2379" },
	{ "etcd://h:0/j", "--cluster: '0' is no port (of h:0): 1 to 65535" },
	{ "etcd://h:99999/j", "--cluster: '99999' is no port (of h:99999): 1 to 65535" },
	{ "etcd://2001:db8::1:2379/j",
	    "--cluster: '2001:db8::1' is no host: a name or address, IPv6 in [brackets]" },
	{ "etcd://u@h:1/j", "--cluster: 'u@h' is no host: a name or address, IPv6 in [brackets]" },
	{ "etcd://h:1/j?node=3", "--cluster: no option 'node', did you mean 'nodes'?" },
	{ "etcd://h:1/j?zzzzzzzzz=3", "--cluster: no option 'zzzzzzzzz' (there are nodes, ttl, "
				      "lead, user, password-file, ca, cert, key, tls)" },
	{ "etcd://h:1/j?nodes", "--cluster: 'nodes' has no value: write nodes=…" },
	{ "etcd://h:1/j?nodes=0", "--cluster: nodes=0 is not between 1 and 1024" },
	{ "etcd://h:1/j?nodes=2&nodes=3", "--cluster: nodes= is there twice" },
	{ "etcd://h:1/j?ttl=1ms", "--cluster: ttl=1ms is not between 1.00s and 60m00s" },
	{ "etcd://h:1/j?tls=yes", "--cluster: tls=yes is neither 0 nor 1" },
	{ "etcd://h:1/j?ca=/x", "--cluster: ca= is for TLS: write etcds:// (or tls=1)" },
	{ "etcds://h:1/j?cert=/x", "--cluster: cert= goes with key=" },
	{ "etcds://h:1/j?key=/x", "--cluster: key= goes with cert=" },
	{ "etcd://h:1/j?user=x", "--cluster: user= goes with password-file=" },
	{ "etcd://h:1/j?password-file=x", "--cluster: password-file= goes with user=" },
	{ "etcd://h:1/j?user=", "--cluster: user= has no value" },
};

static void
test_wrong(void)
{
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct weir_cluster_uri u = { .n_nodes = 77 };
		struct weir_error err = { 0 };

		CU_ASSERT_NOT_EQUAL(weir_cluster_uri_parse(wrong[i].text, &u, &err), 0);
		CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
		CU_ASSERT_EQUAL(u.n_nodes, 77);
		CHECK_TEXT(err.text, wrong[i].error);
	}
}

static const CU_TestInfo tests[] = {
	{ "everything that can be said", test_all },
	{ "what is not said has a default", test_defaults },
	{ "each mistake is named", test_wrong },
	CU_TEST_INFO_NULL,
};

int
main(void)
{
	return check_run("cluster-uri", tests);
}
