/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include <rte_thash.h>

#include "check.h"
#include "random.h"
#include "spread.h"

static void
good(const char *text, const char *port, const char *ip, unsigned bits, const char *gw,
    unsigned udp, unsigned queues, unsigned mtu)
{
	struct weir_wire_spec s;
	struct weir_error err = { 0 };
	char buf[64] = "";

	CU_ASSERT_EQUAL(weir_wire_parse(text, &s, &err), 0);
	CHECK_TEXT(err.text, "");
	CHECK_TEXT(s.port, port);
	weir_ip_text(&s.ip.addr, s.ip.version, buf, sizeof(buf));
	CHECK_TEXT(buf, ip);
	CU_ASSERT_EQUAL(s.prefix_len, bits);
	buf[0] = '\0';
	if (s.gw.version)
		weir_ip_text(&s.gw.addr, s.gw.version, buf, sizeof(buf));
	CHECK_TEXT(buf, gw);
	CU_ASSERT_EQUAL(s.udp_port, udp);
	CU_ASSERT_EQUAL(s.n_queues, queues);
	CU_ASSERT_EQUAL(s.mtu, mtu);
}

static void
test_good(void)
{
	good("eth1,ip=10.0.0.1/24", "eth1", "10.0.0.1", 24, "", 5748, 1, 0);
	good("0000:03:00.0?burst=64,ip=10.0.0.1/24,gw=10.0.0.254,udp=99,queues=4,mtu=9000",
	    "0000:03:00.0?burst=64", "10.0.0.1", 24, "10.0.0.254", 99, 4, 9000);
	good("vdev:net_memif0,role=client,socket=/x,ip=10.0.0.1/24",
	    "vdev:net_memif0,role=client,socket=/x", "10.0.0.1", 24, "", 5748, 1, 0);
	good("vdev:net_x,ip=1.2.3.4,ip=2001:db8::1/64,gw=fe80::1", "vdev:net_x,ip=1.2.3.4",
	    "2001:db8::1", 64, "fe80::1", 5748, 1, 0);
}

static void
bad(const char *text, const char *expected)
{
	struct weir_wire_spec s = { .udp_port = 1 };
	struct weir_error err = { 0 };

	CU_ASSERT_TRUE(weir_wire_parse(text, &s, &err) < 0);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
	CHECK_TEXT(err.text, expected);
	CU_ASSERT_EQUAL(s.udp_port, 1);
}

static void
test_bad(void)
{
#define FORM "(PORT,ip=ADDRESS/BITS[,gw=ADDRESS][,udp=PORT][,queues=N][,mtu=BYTES])"
	bad("eth1", "'eth1': no ip=ADDRESS/BITS after the port " FORM);
	bad(",ip=10.0.0.1/24", "',ip=10.0.0.1/24': no port before its address " FORM);
	bad("eth1,ip=10.0.0.1",
	    "ip=10.0.0.1: how long is the network's part? (try ip=10.0.0.1/24)");
	bad("eth1,ip=10.0.0/24", "ip='10.0.0': not an address (try 10.0.0.1 or 2001:db8::1)");
	bad("eth1,ip=10.0.0.1/33", "ip=ADDRESS/BITS with BITS=33: must be 1 to 32");
	bad("eth1,ip=224.0.0.1/24", "ip=224.0.0.1/24: not the address of a host");
	bad("eth1,ip=::1/64", "ip=::1/64: not the address of a host");
	bad("eth1,ip=10.0.0.1/24,gq=10.0.0.2", "unknown key 'gq' (try 'gw')");
	bad("eth1,ip=10.0.0.1/24,colour=red",
	    "unknown key 'colour' (keys are ip gw udp queues mtu)");
	bad("eth1,ip=10.0.0.1/24,gw=10.0.0.1", "gw=10.0.0.1: not the address of a gateway");
	bad("eth1,ip=10.0.0.1/24,gw=fe80::1", "gw=fe80::1: ip=10.0.0.1 is of IPv4");
	bad("eth1,ip=10.0.0.1/24,udp=0", "udp=0: must be 1 to 65535");
	bad("eth1,ip=10.0.0.1/24,udp=1,udp=2", "udp= stands there twice");
	bad("eth1,ip=10.0.0.1/24,mtu", "'mtu': a key wants a value " FORM);
	bad("eth1,ip=2001:db8::1/64,mtu=600", "mtu=600: IPv6 needs 1280 at least");
	bad("eth1,ip=10.0.0.1/24,mtu=100", "mtu=100: must be 576 to 9600");
#undef FORM
}

static struct net_addr
addr(const char *text)
{
	struct weir_wire_address a = { 0 };
	struct net_addr ret;
	unsigned v = 0;

	CU_ASSERT_EQUAL(weir_ip_parse(text, &a.addr, &v), 0);
	a.version = (uint8_t)v;
	weir_net_addr(&a, &ret);
	return ret;
}

/* Microsoft's key and its table of values: what every NIC must give. */
static const uint8_t microsoft[40] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77,
	0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa };

static void
test_known_hashes(void)
{
	struct weir_wire_rss rss = { .n_queues = 64, .key_len = 40, .n_table = 256 };
	struct net_addr from = addr("66.9.149.187"), to = addr("161.142.100.80");

	memcpy(rss.key, microsoft, sizeof(microsoft));
	for (unsigned i = 0; i < 256; i++)
		rss.table[i] = (uint8_t)i;
	/* 0x51ccc178 and 0x40207d3d */
	CU_ASSERT_EQUAL(weir_spread_queue(&rss, 4, &from, &to, 2794, 1766), 0x78);
	from = addr("3ffe:2501:200:1fff::7");
	to = addr("3ffe:2501:200:3::1");
	CU_ASSERT_EQUAL(weir_spread_queue(&rss, 6, &from, &to, 2794, 1766), 0x3d);
}

/* Each source port leads to its queue, by whatever key and table. */
static void
test_ports(void)
{
	uint64_t state = 9;

	for (unsigned round = 0; round < 60; round++) {
		unsigned version = round % 2 ? 6 : 4, n = 2 + round % 15;
		struct weir_wire_rss rss = { .n_queues = (uint16_t)n,
			.key_len = 40,
			.n_table = (uint16_t)(32u << round % 5) };
		struct net_addr from = addr(version == 4 ? "10.1.2.3" : "2001:db8::3"), to;
		uint16_t ports[WEIR_SPREAD_QUEUES];
		bool is_found;

		to = addr(version == 4 ? "10.1.2.9" : "2001:db8::9");
		for (unsigned i = 0; i < 40; i++) /* the symmetric one of weir's ports, or any */
			rss.key[i] = round % 3 ? (uint8_t)random_next(&state) : i % 2 ? 0x5a : 0x6d;
		for (unsigned i = 0; i < rss.n_table; i++)
			rss.table[i] = (uint8_t)(round % 4 ? i % n : random_next(&state) % n);
		for (unsigned i = 0; i < n; i++)
			rss.table[i] = (uint8_t)i; /* each queue is there */
		CU_ASSERT_EQUAL(
		    weir_spread_ports(&rss, version, &from, &to, 5748, ports, &is_found), n);
		CU_ASSERT_TRUE(is_found);
		for (unsigned q = 0; q < n; q++) {
			uint32_t tuple[9] = { 0 }, words = version == 4 ? 3 : 9;

			/* by the library, from the packet's bytes */
			for (unsigned i = 0; i < (words - 1) / 2; i++) {
				tuple[i] = (uint32_t)from.b[4 * i] << 24 |
					   (uint32_t)from.b[4 * i + 1] << 16 |
					   (uint32_t)from.b[4 * i + 2] << 8 | from.b[4 * i + 3];
				tuple[(words - 1) / 2 + i] =
				    (uint32_t)to.b[4 * i] << 24 | (uint32_t)to.b[4 * i + 1] << 16 |
				    (uint32_t)to.b[4 * i + 2] << 8 | to.b[4 * i + 3];
			}
			tuple[words - 1] = (uint32_t)ports[q] << 16 | 5748;
			CU_ASSERT_EQUAL(
			    rss.table[rte_softrss(tuple, words, rss.key) % rss.n_table], q);
			CU_ASSERT_TRUE(ports[q] >= WEIR_SPREAD_FIRST);
		}
	}
}

static void
test_ports_without_key(void)
{
	struct weir_wire_rss rss = { .n_queues = 3 };
	struct net_addr from = addr("10.1.2.3"), to = addr("10.1.2.9");
	uint16_t ports[WEIR_SPREAD_QUEUES];
	bool is_found;

	CU_ASSERT_EQUAL(weir_spread_ports(&rss, 4, &from, &to, 5748, ports, &is_found), 3);
	CU_ASSERT_FALSE(is_found);
	CU_ASSERT_NOT_EQUAL(ports[0], ports[1]);
	CU_ASSERT_NOT_EQUAL(ports[1], ports[2]);
	rss.n_queues = 0;
	CU_ASSERT_EQUAL(weir_spread_ports(&rss, 4, &from, &to, 5748, ports, &is_found), 1);
	CU_ASSERT_TRUE(is_found);
	/* a key that leads nowhere, and announcements that cannot be */
	rss = (struct weir_wire_rss){ .n_queues = 2, .key_len = 40, .n_table = 64 };
	CU_ASSERT_EQUAL(weir_spread_ports(&rss, 4, &from, &to, 5748, ports, &is_found), 2);
	CU_ASSERT_FALSE(is_found);
	rss.n_queues = UINT16_MAX;
	rss.key_len = rss.n_table = UINT16_MAX;
	CU_ASSERT_EQUAL(
	    weir_spread_ports(&rss, 4, &from, &to, 5748, ports, &is_found), WEIR_SPREAD_QUEUES);
	CU_ASSERT_FALSE(is_found);
}

/* Nothing is opened where nobody has said how frames are kept secret, or that they are not. */
static void
test_secret_is_wanted(void)
{
	struct weir_wire_spec spec;
	struct weir_wire_config c = { .spec = &spec, .job = "taps", .incarnation = 1 };
	struct weir_wire *w = NULL;
	struct weir_error err = { 0 };

	CU_ASSERT_EQUAL(weir_wire_parse("eth1,ip=10.0.0.1/24", &spec, &err), 0);
	CU_ASSERT_TRUE(weir_wire_open(&c, &w, &err) < 0);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
	CHECK_TEXT(err.text, "frames between hosts need a secret: --secret-file FILE (or "
			     "--insecure-wire, where nobody else can listen)");
	CU_ASSERT_PTR_NULL(w);
}

static void
test_counters(void)
{
	for (unsigned i = 0; i < WEIR_WIRE_N_COUNTERS; i++) {
		const char *name = weir_wire_counter_name(i);

		CU_ASSERT_TRUE(
		    name[0] && strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name));
		CU_ASSERT_TRUE(weir_wire_counter_help(i)[0]);
		for (unsigned k = 0; k < i; k++)
			CU_ASSERT_NOT_EQUAL(strcmp(name, weir_wire_counter_name(k)), 0);
	}
	CHECK_TEXT(weir_wire_counter_name(WEIR_WIRE_NAKS_SENT), "naks_sent");
}

int
main(void)
{
	const CU_TestInfo tests[] = {
		{ "what --wire may say", test_good },
		{ "mistakes", test_bad },
		{ "hashes that are known", test_known_hashes },
		{ "source ports lead to queues", test_ports },
		{ "without a key", test_ports_without_key },
		{ "a secret is wanted", test_secret_is_wanted },
		{ "counters", test_counters },
		CU_TEST_INFO_NULL,
	};

	return check_run("wire spec", tests);
}
