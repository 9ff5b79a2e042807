/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "packets.h"

/* Every layer is found where it is, and every reason is given for what it names. */

/* A packet of the link type and bytes, with an IPv4 UDP packet behind them unless ip is 0 or 6. */
static struct packet
framed(enum weir_link link, const char *hex, int ip)
{
	struct packet p = { .link = link, .name = hex };

	put(&p, hex);
	if (ip == 4)
		put_ip4(&p, 17, 8);
	if (ip == 6)
		put_ip6(&p, 17, 8);
	if (ip)
		put_udp(&p, 0);
	return p;
}

static void
expect_ip(enum weir_link link, const char *hex, int ip, uint32_t link_layers)
{
	struct packet p = framed(link, hex, ip);
	uint32_t layers = link_layers | WEIR_LAYER_UDP | WEIR_LAYER_PORTS | WEIR_LAYER_PAYLOAD |
			  (ip == 4 ? WEIR_LAYER_IP4 : WEIR_LAYER_IP6);
	uint32_t header = ip == 4 ? 20 : 40;
	struct layout l;
	unsigned reason = layout_of(&p, p.len, p.len, &l);

	if (reason != DECODE_OK || l.layers != layers)
		printf("\n    %s: reason %u, layers %#x", hex, reason, l.layers);
	CU_ASSERT_EQUAL(reason, DECODE_OK);
	CU_ASSERT_EQUAL(l.layers, layers);
	CU_ASSERT_EQUAL(l.l3_off, p.len - 8 - header);
	CU_ASSERT_EQUAL(l.l4_off, p.len - 8);
	CU_ASSERT_EQUAL(l.l4_end, p.len);
	CU_ASSERT_EQUAL(l.ip_len, header + 8);
	CU_ASSERT_EQUAL(l.ip_proto, 17);
}

static void
expect_reason(enum weir_link link, const char *hex, enum weir_decode_reason reason)
{
	struct packet p = framed(link, hex, 0);
	struct layout l;
	unsigned got = layout_of(&p, p.len, p.len, &l);

	if (got != reason)
		printf("\n    %s: reason %u", hex, got);
	CU_ASSERT_EQUAL(got, reason);
}

#define MACS "020000000001 020000000002 "

static void
ethernet_and_its_tags(void)
{
	static const char *const tags[] = { "8100", "88a8", "9100", "9200", "9300" };
	char hex[128];

	expect_ip(WEIR_LINK_ETHERNET, MACS "0800", 4, WEIR_LAYER_ETH);
	expect_ip(WEIR_LINK_ETHERNET, MACS "86dd", 6, WEIR_LAYER_ETH);
	for (unsigned i = 0; i < 5; i++) {
		snprintf(hex, sizeof(hex), MACS "%s 0001 %s 0002 8100 0003 0800", tags[i], tags[i]);
		expect_ip(WEIR_LINK_ETHERNET, hex, 4, WEIR_LAYER_ETH | WEIR_LAYER_VLAN);
	}
	/* 802.3: SNAP, 802.1H's, IP's own access point, and LLC behind a tag */
	expect_ip(WEIR_LINK_ETHERNET, MACS "0024 aaaa03 000000 0800", 4, WEIR_LAYER_ETH);
	expect_ip(WEIR_LINK_ETHERNET, MACS "0038 aaaa03 0000f8 86dd", 6, WEIR_LAYER_ETH);
	expect_ip(WEIR_LINK_ETHERNET, MACS "001f 060603", 4, WEIR_LAYER_ETH);
	expect_ip(WEIR_LINK_ETHERNET, MACS "8100 0001 0024 aaaa03 000000 0800", 4,
	    WEIR_LAYER_ETH | WEIR_LAYER_VLAN);
	/* 802.1ah behind a backbone tag */
	expect_ip(WEIR_LINK_ETHERNET, MACS "88a8 0001 88e7 00000001 " MACS "8100 0001 0800", 4,
	    WEIR_LAYER_ETH | WEIR_LAYER_VLAN);
}

static void
labels_and_sessions(void)
{
	expect_ip(WEIR_LINK_ETHERNET, MACS "8847 00010140", 4, WEIR_LAYER_ETH | WEIR_LAYER_MPLS);
	expect_ip(WEIR_LINK_ETHERNET, MACS "8848 00010040 00020040 00030140", 6,
	    WEIR_LAYER_ETH | WEIR_LAYER_MPLS);
	expect_ip(WEIR_LINK_ETHERNET, MACS "8864 1100 0001 001e 0021", 4, WEIR_LAYER_ETH);
	expect_ip(WEIR_LINK_ETHERNET, MACS "8864 1100 0001 0031 57", 6, WEIR_LAYER_ETH);
	expect_ip(WEIR_LINK_ETHERNET, MACS "8864 1100 0001 0022 0281 00010140", 4,
	    WEIR_LAYER_ETH | WEIR_LAYER_MPLS);
}

static void
links_without_ethernet(void)
{
	static const char *const families[] = { "18000000", "1c000000", "1e000000", "0a000000",
		"00000018", "0000001c", "0000001e", "0000000a" };

	expect_ip(WEIR_LINK_RAW_IP, "", 4, 0);
	expect_ip(WEIR_LINK_RAW_IP, "", 6, 0);
	expect_ip(WEIR_LINK_SLL, "0000 0001 0006 0200000000010000 0800", 4, 0);
	expect_ip(
	    WEIR_LINK_SLL, "0000 0001 0006 0200000000010000 8100 0001 86dd", 6, WEIR_LAYER_VLAN);
	expect_ip(WEIR_LINK_SLL2, "0800 0000 00000001 0001 00 06 0200000000010000", 4, 0);
	expect_ip(WEIR_LINK_NULL, "02000000", 4, 0);
	expect_ip(WEIR_LINK_NULL, "00000002", 4, 0);
	expect_ip(WEIR_LINK_NULL, "0f000800", 4, 0); /* seen in the wild */
	expect_ip(WEIR_LINK_LOOP, "00000002", 4, 0);
	for (unsigned i = 0; i < 8; i++)
		expect_ip(WEIR_LINK_NULL, families[i], 6, 0);
	for (unsigned i = 4; i < 8; i++)
		expect_ip(WEIR_LINK_LOOP, families[i], 6, 0);
	expect_reason(WEIR_LINK_LOOP, "02000000 45", WEIR_DECODE_NOT_IP);
	expect_ip(WEIR_LINK_PPP, "ff03 0021", 4, 0);
	expect_ip(WEIR_LINK_PPP, "0057", 6, 0);
	expect_ip(WEIR_LINK_PPP, "21", 4, 0);
	expect_ip(WEIR_LINK_PPP, "0f00 0800", 4, 0);
	expect_ip(WEIR_LINK_PPP, "1100 0001 001e 0021", 4, 0);
	expect_ip(WEIR_LINK_CHDLC, "8f00 86dd", 6, 0);
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
		expect_ip(WEIR_LINK_NFLOG, "02000000 20000900", 4, 0);
		expect_ip(WEIR_LINK_NFLOG, "0a000000 34000900", 6, 0);
		expect_ip(WEIR_LINK_NFLOG, "07000000 08000100 0800 0300 20000900", 4, 0);
		expect_reason(
		    WEIR_LINK_NFLOG, "02000000 08000100 88cc 0300 20000900 45", WEIR_DECODE_NOT_IP);
	}
	expect_ip(WEIR_LINK_CHDLC, "0f00 8847 00010140", 4, WEIR_LAYER_MPLS);
}

/* The length field of an 802.3 frame, a PPPoE session or an NFLOG record ends the packet. */
static void
padding_is_no_payload(void)
{
	struct packet p = { 0 };
	struct layout l;

	put_eth(&p, 0x8864);
	put(&p, "1100 0001 0020 0021");
	put(&p, "4500 0000 1234 4000 4011 0000 0a000001 0a000002");
	put_udp(&p, 2);
	put(&p, "6162 00000000000000000000");
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), DECODE_OK);
	CU_ASSERT_EQUAL(l.ip_len, 30);
	CU_ASSERT_EQUAL(l.l4_end, 14 + 6 + 2 + 30);
	CU_ASSERT_EQUAL(layout_of(&p, 60, 1000, &l), DECODE_OK);
	CU_ASSERT_EQUAL(l.l4_end, 14 + 6 + 2 + 30);
}

/* What stands before FabricPath's tag is no Ethernet header; the one behind it is. */
static void
fabricpath_has_the_inner_ethernet_header(void)
{
	struct packet p = framed(WEIR_LINK_ETHERNET, MACS "8903 0001 " MACS "0800", 4);
	struct layout l;

	put(&p, "deadbeef");
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), DECODE_OK);
	CU_ASSERT_EQUAL(l.l2_off, 16);
	CU_ASSERT_EQUAL(l.l3_off, 30);
	CU_ASSERT(l.layers & WEIR_LAYER_ETH);
}

static void
offsets_are_of_the_outermost(void)
{
	struct packet p;
	struct layout l;

	CU_ASSERT(packet_sample(6, &p)); /* two tags, two labels */
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), DECODE_OK);
	CU_ASSERT_EQUAL(l.vlan_off, 14);
	CU_ASSERT_EQUAL(l.mpls_off, 22);
	CU_ASSERT_EQUAL(l.l3_off, 30);
	CU_ASSERT_EQUAL(l.l4_off, 50);
	CU_ASSERT_EQUAL(l.layers,
	    WEIR_LAYER_ETH | WEIR_LAYER_VLAN | WEIR_LAYER_MPLS | WEIR_LAYER_IP4 | WEIR_LAYER_ICMP);
}

static void
arp_is_no_ip(void)
{
	struct packet p = framed(WEIR_LINK_ETHERNET, MACS "0806 0001 0800 06 04 0001", 0);
	struct layout l;

	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), WEIR_DECODE_NOT_IP);
	CU_ASSERT_EQUAL(l.layers, WEIR_LAYER_ETH | WEIR_LAYER_ARP);
	CU_ASSERT_EQUAL(l.l3_off, 14);
}

static void
link_reasons(void)
{
	struct packet p = { 0 };
	struct layout l;

	expect_reason(WEIR_LINK_UNKNOWN, MACS "0800 45", WEIR_DECODE_LINK_TYPE);
	expect_reason(WEIR_N_LINKS, MACS "0800 45", WEIR_DECODE_LINK_TYPE);
	expect_reason(WEIR_LINK_ETHERNET, "", WEIR_DECODE_LINK_TRUNCATED);
	expect_reason(WEIR_LINK_ETHERNET, MACS "08", WEIR_DECODE_LINK_TRUNCATED);
	expect_reason(WEIR_LINK_ETHERNET, MACS "8100 0001 08", WEIR_DECODE_LINK_TRUNCATED);
	expect_reason(WEIR_LINK_ETHERNET, MACS "8847 000000", WEIR_DECODE_LINK_TRUNCATED);
	expect_reason(WEIR_LINK_ETHERNET, MACS "8847 00000140", WEIR_DECODE_LINK_TRUNCATED);
	expect_reason(WEIR_LINK_ETHERNET, MACS "8864 1100 0001", WEIR_DECODE_LINK_TRUNCATED);
	expect_reason(WEIR_LINK_ETHERNET, MACS "0040 aaaa03 0000", WEIR_DECODE_LINK_TRUNCATED);
	expect_reason(WEIR_LINK_PPP, "ff", WEIR_DECODE_LINK_TRUNCATED);
	expect_reason(WEIR_LINK_NFLOG, "02000000 0000", WEIR_DECODE_LINK_TRUNCATED);
	expect_reason(WEIR_LINK_NFLOG, "02000000 00000000", WEIR_DECODE_NOT_IP);
	expect_reason(WEIR_LINK_ETHERNET, MACS "88cc 0207", WEIR_DECODE_NOT_IP);
	expect_reason(WEIR_LINK_ETHERNET, MACS "0026 424203 0000", WEIR_DECODE_NOT_IP);
	expect_reason(WEIR_LINK_ETHERNET, MACS "05ff 424203 0000", WEIR_DECODE_NOT_IP);
	expect_reason(WEIR_LINK_ETHERNET, MACS "8847 00000140 00000000", WEIR_DECODE_NOT_IP);
	expect_reason(WEIR_LINK_SLL, "0000 0338 0000 0000000000000000 0800 45", WEIR_DECODE_NOT_IP);
	expect_reason(WEIR_LINK_PPP, "ff03 c021 0101", WEIR_DECODE_NOT_IP);
	put_eth(&p, 0x8100);
	for (unsigned i = 0; i < DECODE_LINK_DEPTH - 1; i++)
		put(&p, i == DECODE_LINK_DEPTH - 2 ? "0001 0800" : "0001 8100");
	put_ip4(&p, 59, 0);
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), DECODE_OK);
	p.len = 14;
	for (unsigned i = 0; i < DECODE_LINK_DEPTH; i++)
		put(&p, i == DECODE_LINK_DEPTH - 1 ? "0001 0800" : "0001 8100");
	put_ip4(&p, 59, 0);
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), WEIR_DECODE_LINK_DEPTH);
	CU_ASSERT(!(l.layers & WEIR_LAYER_IP));
}

#define ADDRESSES4 " 0a000001 0a000002 "

static void
ip4_reasons(void)
{
	expect_reason(WEIR_LINK_RAW_IP, "", WEIR_DECODE_IP_TRUNCATED);
	expect_reason(WEIR_LINK_RAW_IP, "55", WEIR_DECODE_IP_VERSION);
	expect_reason(WEIR_LINK_ETHERNET, MACS "0800 60", WEIR_DECODE_IP_VERSION);
	expect_reason(WEIR_LINK_ETHERNET, MACS "0800 4400 0014 0000 0000 4011 0000" ADDRESSES4,
	    WEIR_DECODE_IP_HEADER);
	expect_reason(
	    WEIR_LINK_RAW_IP, "4500 0013 0000 0000 4011 0000" ADDRESSES4, WEIR_DECODE_IP_HEADER);
	expect_reason(WEIR_LINK_RAW_IP, "4600 0014 0000 0000 4011 0000" ADDRESSES4 "00000000",
	    WEIR_DECODE_IP_HEADER);
	expect_reason(WEIR_LINK_RAW_IP, "4500 0014 0000 0000 4011 0000 0a000001 0a0000",
	    WEIR_DECODE_IP_TRUNCATED);
	expect_reason(WEIR_LINK_RAW_IP, "4600 0018 0000 0000 4011 0000" ADDRESSES4 "0000",
	    WEIR_DECODE_IP_TRUNCATED);
}

static void
ip6_reasons(void)
{
	struct packet p = { 0 };
	struct layout l;

	expect_reason(WEIR_LINK_ETHERNET, MACS "86dd 45", WEIR_DECODE_IP_VERSION);
	expect_reason(
	    WEIR_LINK_ETHERNET, MACS "86dd 60000000 0008 11 40", WEIR_DECODE_IP_TRUNCATED);
	put_eth(&p, 0x86dd);
	put_ip6(&p, 60, 16);
	put(&p, "1100 0104000000"); /* one byte short */
	CU_ASSERT_EQUAL(layout_of(&p, p.len, 70, &l), WEIR_DECODE_IP_TRUNCATED);
	CU_ASSERT_EQUAL(l.ip_proto, 60);
	CU_ASSERT(l.layers & WEIR_LAYER_IP6);
	memset(&p, 0, sizeof(p));
	put_eth(&p, 0x86dd);
	put_ip6(&p, 60, 8);
	put(&p, "1101 010400000000 0000000000000000"); /* longer than the payload length */
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), WEIR_DECODE_IP_TRUNCATED);
	memset(&p, 0, sizeof(p));
	put_eth(&p, 0x86dd);
	put_ip6(&p, 60, (DECODE_IPV6_EXTS + 1) * 8);
	for (unsigned i = 0; i <= DECODE_IPV6_EXTS; i++)
		put(&p, i == DECODE_IPV6_EXTS ? "3b00 010400000000" : "3c00 010400000000");
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), WEIR_DECODE_IPV6_EXT_DEPTH);
	memset(&p, 0, sizeof(p));
	put_eth(&p, 0x86dd);
	put_ip6(&p, 60, DECODE_IPV6_EXTS * 8);
	for (unsigned i = 0; i < DECODE_IPV6_EXTS; i++)
		put(&p, i == DECODE_IPV6_EXTS - 1 ? "3b00 010400000000" : "3c00 010400000000");
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), DECODE_OK);
	CU_ASSERT_EQUAL(l.ip_proto, 59);
}

static void
extensions_are_walked_in_any_order(void)
{
	struct packet p;
	struct layout l;

	CU_ASSERT(packet_sample(9, &p));
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), DECODE_OK);
	CU_ASSERT_EQUAL(l.ip_proto, 6);
	CU_ASSERT_EQUAL(l.frag_off, 78);
	CU_ASSERT_EQUAL(l.l4_off, 86);
	CU_ASSERT(l.layers & WEIR_LAYER_FRAG);
	/* a header that ends the walk: authentication */
	p = framed(WEIR_LINK_ETHERNET, MACS "86dd", 0);
	put_ip6(&p, 51, 12);
	put(&p, "0601 0000 00000001 00000001");
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), DECODE_OK);
	CU_ASSERT_EQUAL(l.ip_proto, 51);
	CU_ASSERT_EQUAL(l.l4_off, 0);
}

static void
later_fragments_have_no_transport(void)
{
	struct packet p = framed(
	    WEIR_LINK_RAW_IP, "4500 001c 1234 0001 4011 0000" ADDRESSES4 "07d0003500080000", 0);
	struct layout l;

	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), DECODE_OK);
	CU_ASSERT_EQUAL(l.layers, WEIR_LAYER_IP4 | WEIR_LAYER_FRAG);
	p = framed(WEIR_LINK_RAW_IP, "", 0);
	put_ip6(&p, 44, 16);
	put(&p, "1100 0008 00000001 07d0003500080000");
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), DECODE_OK);
	CU_ASSERT_EQUAL(l.layers, WEIR_LAYER_IP6 | WEIR_LAYER_FRAG);
	CU_ASSERT_EQUAL(l.ip_proto, 17);
	/* offset 0 and no more to come: whole, but with a fragment header */
	p = framed(WEIR_LINK_RAW_IP, "", 0);
	put_ip6(&p, 44, 16);
	put(&p, "1100 0000 00000001 07d0003500080000");
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), DECODE_OK);
	CU_ASSERT(!(l.layers & WEIR_LAYER_FRAG));
	CU_ASSERT(l.layers & WEIR_LAYER_UDP);
	CU_ASSERT_EQUAL(l.frag_off, 40);
}

/* Every transport: what there is of it with so many captured bytes behind the IPv4 header. */
static void
transport_headers_cut_short(void)
{
	static const struct {
		unsigned proto;
		uint32_t header, ports, layer;
	} known[] = {
		{ 6, 20, 4, WEIR_LAYER_TCP | WEIR_LAYER_PORTS },
		{ 17, 8, 4, WEIR_LAYER_UDP | WEIR_LAYER_PORTS },
		{ 136, 8, 4, WEIR_LAYER_UDP | WEIR_LAYER_PORTS },
		{ 132, 12, 12, WEIR_LAYER_SCTP | WEIR_LAYER_PORTS },
		{ 33, 12, 4, WEIR_LAYER_DCCP | WEIR_LAYER_PORTS },
		{ 1, 4, 1, WEIR_LAYER_ICMP },
		{ 58, 4, 1, WEIR_LAYER_ICMP },
	};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		for (uint32_t n = 0; n <= known[i].header; n++) {
			struct packet p = framed(WEIR_LINK_RAW_IP, "", 0);
			bool is_whole = n == known[i].header;
			struct layout l;

			put_ip4(&p, known[i].proto, 20);
			put(&p, "00010002 00080000 00000000 50000000 00000000");
			CU_ASSERT_EQUAL(layout_of(&p, 20 + n, p.len, &l),
			    is_whole ? DECODE_OK : WEIR_DECODE_L4_TRUNCATED);
			CU_ASSERT_EQUAL(
			    (l.layers & known[i].layer) == known[i].layer, n >= known[i].ports);
			/* the IP length cuts just as the capture does */
			p.b[3] = (uint8_t)(20 + n);
			CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l),
			    is_whole ? DECODE_OK : WEIR_DECODE_L4_TRUNCATED);
			CU_ASSERT_EQUAL(
			    (l.layers & known[i].layer) == known[i].layer, n >= known[i].ports);
		}
	}
}

static void
transport_lengths_that_can_not_be(void)
{
	struct packet p = framed(WEIR_LINK_RAW_IP, "", 0);
	struct layout l;

	put_ip4(&p, 6, 20);
	put_tcp(&p, 0);
	p.b[32] = 0x40;
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), WEIR_DECODE_L4_HEADER);
	CU_ASSERT(!(l.layers & WEIR_LAYER_PAYLOAD));
	p.b[32] = 0x60; /* options that are not there */
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), WEIR_DECODE_L4_TRUNCATED);
	p = framed(WEIR_LINK_RAW_IP, "", 4);
	p.b[25] = 7;
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), WEIR_DECODE_L4_HEADER);
	p.b[9] = 136; /* UDP-Lite: checksum coverage */
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), DECODE_OK);
}

/* Lengths of 0: segmentation offload in IPv4, jumbograms and BIG TCP in IPv6. */
static void
lengths_of_zero(void)
{
	struct packet p = framed(WEIR_LINK_ETHERNET, MACS "0800", 4);
	struct layout l;

	p.b[16] = p.b[17] = 0;
	CU_ASSERT_EQUAL(layout_of(&p, p.len, 70014, &l), DECODE_OK);
	CU_ASSERT_EQUAL(l.ip_len, 70000);
	CU_ASSERT_EQUAL(l.l4_end, 70014);
	CU_ASSERT_EQUAL(layout_of(&p, p.len, 14 + 19, &l), WEIR_DECODE_IP_HEADER);
	CU_ASSERT(packet_sample(12, &p));
	CU_ASSERT_EQUAL(layout_of(&p, p.len, 80000, &l), DECODE_OK);
	CU_ASSERT_EQUAL(l.ip_len, 40);
	CU_ASSERT_EQUAL(l.l4_end, 14 + 40 + 70000);
	p = framed(WEIR_LINK_ETHERNET, MACS "86dd", 0);
	put_ip6(&p, 6, 0);
	put_tcp(&p, 0x010);
	CU_ASSERT_EQUAL(layout_of(&p, p.len, 80000, &l), DECODE_OK);
	CU_ASSERT_EQUAL(l.l4_end, 80000);
	/* no more than padding behind it */
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), WEIR_DECODE_L4_TRUNCATED);
	CU_ASSERT(!(l.layers & WEIR_LAYER_PORTS));
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "Ethernet and its tags", ethernet_and_its_tags },
		{ "labels and sessions", labels_and_sessions },
		{ "links without Ethernet", links_without_ethernet },
		{ "padding is no payload", padding_is_no_payload },
		{ "FabricPath has the inner Ethernet header",
		    fabricpath_has_the_inner_ethernet_header },
		{ "offsets are of the outermost", offsets_are_of_the_outermost },
		{ "ARP is no IP", arp_is_no_ip },
		{ "link reasons", link_reasons },
		{ "IPv4 reasons", ip4_reasons },
		{ "IPv6 reasons", ip6_reasons },
		{ "extensions are walked in any order", extensions_are_walked_in_any_order },
		{ "later fragments have no transport", later_fragments_have_no_transport },
		{ "transport headers cut short", transport_headers_cut_short },
		{ "transport lengths that can not be", transport_lengths_that_can_not_be },
		{ "lengths of zero", lengths_of_zero },
		CU_TEST_INFO_NULL,
	};

	return check_run("decode layout", tests);
}
