/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "check.h"
#include "port_uri.h"

static void
check_names(const char *target, unsigned n, const char *const *names)
{
	struct weir_port_uri u;
	struct weir_error err = { 0 };

	if (weir_port_uri_parse(target, &u, &err)) {
		CU_FAIL(target);
		fprintf(stderr, "%s: %s\n", target, err.text);
		return;
	}
	CU_ASSERT_EQUAL(u.n_ports, n);
	for (unsigned i = 0; i < n && i < u.n_ports; i++)
		CHECK_TEXT(u.ports[i], names[i]);
	weir_port_uri_fini(&u);
}

static void
test_names(void)
{
	check_names("eth0", 1, (const char *[]){ "eth0" });
	check_names("eth0,eth1", 2, (const char *[]){ "eth0", "eth1" });
	check_names(
	    "0000:03:00.0,03:00.1?mac=swap", 2, (const char *[]){ "0000:03:00.0", "03:00.1" });
	check_names("vdev:net_memif0,role=client,id=1", 1,
	    (const char *[]){ "vdev:net_memif0,role=client,id=1" });
	check_names("vdev:net_null0,eth0", 2, (const char *[]){ "vdev:net_null0", "eth0" });
	check_names("eth1,vdev:net_pcap0,tx_pcap=c,eth0,vdev:net_null3,size=9", 4,
	    (const char *[]){
		"eth1", "vdev:net_pcap0,tx_pcap=c", "eth0", "vdev:net_null3,size=9" });
	check_names("vdev:net_null0,a=1,vdev:net_null1,b=2,c=3", 2,
	    (const char *[]){ "vdev:net_null0,a=1", "vdev:net_null1,b=2,c=3" });
}

static void
test_options(void)
{
	static const uint8_t src[] = { 2, 0, 0, 0, 0xab, 1 }, dst[] = { 2, 0, 0, 0, 0, 0xff };
	struct weir_port_uri u;

	CU_ASSERT_EQUAL_FATAL(weir_port_uri_parse("eth0", &u, NULL), 0);
	CU_ASSERT_FALSE(weir_port_rewrites(&u.rewrite) || u.to_other);
	weir_port_uri_fini(&u);
	CU_ASSERT_EQUAL_FATAL(weir_port_uri_parse("eth0?mac=swap", &u, NULL), 0);
	CU_ASSERT_TRUE(u.rewrite.swaps && weir_port_rewrites(&u.rewrite));
	weir_port_uri_fini(&u);
	CU_ASSERT_EQUAL_FATAL(
	    weir_port_uri_parse("eth0?src=02:00:00:00:AB:01&dst=02:00:00:00:00:ff&vlan=pop&"
				"vlan=push:4094:7",
		&u, NULL),
	    0);
	CU_ASSERT_TRUE(u.rewrite.has_src && memcmp(u.rewrite.src, src, 6) == 0);
	CU_ASSERT_TRUE(u.rewrite.has_dst && memcmp(u.rewrite.dst, dst, 6) == 0);
	CU_ASSERT_TRUE(u.rewrite.pops && u.rewrite.pushes);
	CU_ASSERT_EQUAL(u.rewrite.tci, 7 << 13 | 4094);
	CU_ASSERT_FALSE(u.rewrite.swaps);
	weir_port_uri_fini(&u);
	CU_ASSERT_EQUAL_FATAL(weir_port_uri_parse("a,b?to=other", &u, NULL), 0);
	CU_ASSERT_TRUE(u.to_other && !weir_port_rewrites(&u.rewrite));
	weir_port_uri_fini(&u);
}

static void
check_driver_options(const char *target, const char *options, const char *name)
{
	struct weir_port_uri u;
	char *opened;

	CU_ASSERT_EQUAL_FATAL(weir_port_uri_parse(target, &u, NULL), 0);
	CHECK_TEXT(u.options, options);
	opened = weir_port_uri_open_name(&u, u.n_ports - 1);
	CHECK_TEXT(opened, name);
	free(opened);
	weir_port_uri_fini(&u);
}

static void
test_driver_options(void)
{
	check_driver_options("eth0", "", "eth0");
	check_driver_options("eth0?mac=swap", "", "eth0");
	check_driver_options("eth0?mtu=1500", "mtu=1500", "eth0?mtu=1500");
	check_driver_options("eth0,eth1?send_descriptors=64&mac=swap&queues=2&vlan=pop",
	    "send_descriptors=64&queues=2", "eth1?send_descriptors=64&queues=2");
	check_driver_options("vdev:net_null0,size=9?send_offloads=none", "send_offloads=none",
	    "vdev:net_null0,size=9?send_offloads=none");
	check_driver_options(
	    "vdev:net_pcap0,tx_pcap=a?b?mac=swap", "", "vdev:net_pcap0,tx_pcap=a?b?");
}

static void
check_refused(const char *target, const char *expected)
{
	struct weir_port_uri u;
	struct weir_error err = { 0 };

	CU_ASSERT_TRUE(weir_port_uri_parse(target, &u, &err) < 0);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
	CHECK_TEXT(err.text, expected);
}

static void
test_refused(void)
{
	check_refused(NULL, "no port is named (try 'port:eth0')");
	check_refused("", "no port is named (try 'port:eth0')");
	check_refused("?mac=swap", "no port is named (try 'port:eth0')");
	check_refused("eth0,", "no port is named between commas (try 'port:eth0')");
	check_refused("vdev:", "no port is named after 'vdev:' (try 'port:eth0')");
	check_refused("eth0,eth0", "port 'eth0' is given twice");
	check_refused("vdev:net_null0,size=64,net_null0", "port 'net_null0' is given twice");
	check_refused("eth0,mac=swap",
	    "'mac=swap' at 6 is no port: options go behind '?' (try 'port:eth0?mac=swap')");
	check_refused("eth0?", "an option behind '?' lacks its name (try 'port:eth0?mac=swap')");
	check_refused("eth0?macs=swap", "unknown option 'macs' (try 'mac')");
	check_refused(
	    "eth0?send_descriptor=64", "unknown option 'send_descriptor' (try 'send_descriptors')");
	check_refused("eth0?colour=red",
	    "unknown option 'colour' (one of mac=swap, src=MAC, dst=MAC, vlan=pop, "
	    "vlan=push:ID[:PRIO], to=other; or of the driver's queues, descriptors, "
	    "port_descriptors, burst, mtu, interrupts, promiscuous, send_descriptors, rss_fields, "
	    "rss_key_bytes, timestamps, receive_offloads, send_offloads, flow, flow_match)");
	check_refused("eth0?mtu=9", "mtu: '9' is not from 68 to 65500");
	check_refused("eth0?mtu", "option 'mtu' lacks its value (try 'mtu=...')");
	check_refused("eth0?mtu=900&mtu=900", "option 'mtu' is given twice");
	check_refused("eth0?devargs=x",
	    "'devargs' is a matter of the driver: only its file in drivers-config sets it");
	check_refused("eth0?mac=", "option 'mac' lacks its value (try 'mac=swap')");
	check_refused("eth0?vlan=pop&vlan=pop", "option 'vlan=pop' is given twice");
	check_refused("eth0?vlan=push:1&vlan=push:2", "option 'vlan=push:2' is given twice");
	check_refused("eth0?vlan=push:",
	    "vlan=push:: a VLAN is a number from 0 to 4094 (try 'vlan=push:100')");
	check_refused("eth0?vlan=push:3:",
	    "vlan=push:3:: a priority is a number from 0 to 7 (try 'vlan=push:3:3')");
	check_refused("eth0?src=02:00:00:00:00:01:",
	    "src=02:00:00:00:00:01:: that is no MAC address (try 'src=02:00:00:00:00:01')");
	check_refused("eth0?to=others", "to=others: unknown word 'others' (try 'to=other')");
	check_refused("a,b,c?to=other",
	    "to=other needs two ports, and 3 are named (try 'port:A,B?to=other')");
	check_refused("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "more than 16 ports");
}

static void
test_same(void)
{
	CU_ASSERT_TRUE(weir_port_uri_is_same("eth0", "eth0"));
	CU_ASSERT_FALSE(weir_port_uri_is_same("eth0", "eth01"));
	CU_ASSERT_TRUE(weir_port_uri_is_same("vdev:net_null0", "net_null0"));
	CU_ASSERT_TRUE(weir_port_uri_is_same("net_null0", "vdev:net_null0,size=64"));
	CU_ASSERT_FALSE(weir_port_uri_is_same("net_null", "vdev:net_null0,size=64"));
	CU_ASSERT_TRUE(weir_port_uri_is_same("vdev:net_null0,copy=1", "vdev:net_null0,size=64"));
	CU_ASSERT_FALSE(weir_port_uri_is_same("vdev:net_null1", "vdev:net_null10"));
	CU_ASSERT_TRUE(weir_port_uri_is_same("eth0?descriptors=64", "eth0"));
	CU_ASSERT_TRUE(weir_port_uri_is_same("vdev:net_null0,size=64?burst=9", "net_null0"));
	CU_ASSERT_FALSE(weir_port_uri_is_same("eth0?descriptors=64", "eth01"));
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "names with commas of their own", test_names },
		{ "options", test_options },
		{ "options of the drivers", test_driver_options },
		{ "what is refused", test_refused },
		{ "two names of a port", test_same },
		CU_TEST_INFO_NULL,
	};

	return check_run("URIs of ports", tests);
}
