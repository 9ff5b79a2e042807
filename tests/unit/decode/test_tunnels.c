/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include <weir/packet/tunnel.h>

#include "check.h"
#include "tunnels.h"

/* Each tunnel that is asked for is walked into, within its bounds; all others are payload. */

static struct layout
whole_layout(const struct packet *p, unsigned *ret_reason)
{
	struct layout l;

	*ret_reason = layout_of(p, p->len, p->len, &l);
	return l;
}

static void
expect_off(const struct packet *p, const char *what, unsigned before_end, uint16_t off, bool has)
{
	unsigned want = before_end ? p->len - before_end : 0;

	if (off == want && has == (before_end != 0))
		return;
	printf("\n    %s: %s at %u of %u, not at %u", p->name, what, off, p->len, want);
	CU_FAIL("a header is elsewhere");
}

static void
each_tunnel_is_walked_into(void)
{
	for (const struct tunnel_sample *s = tunnel_samples; s->name; s++) {
		struct packet p;
		struct layout l;
		unsigned reason;

		put_sample(&p, s);
		for (unsigned all = 0; all < 2; all++) {
			p.decap = all ? WEIR_TUNNELS_ALL : s->decap;
			l = whole_layout(&p, &reason);
			if (reason != DECODE_OK || l.l3_off != p.len - INNER_LEN)
				printf("\n    %s: reason %u, IP at %u of %u", s->name, reason,
				    l.l3_off, p.len);
			CU_ASSERT_EQUAL(reason, DECODE_OK);
			CU_ASSERT_EQUAL(l.l3_off, p.len - INNER_LEN);
			CU_ASSERT_EQUAL(l.l4_off, p.len - 8);
			CU_ASSERT_EQUAL(l.l4_end, p.len);
			CU_ASSERT_EQUAL(l.ip_len, INNER_LEN);
			CU_ASSERT_EQUAL(l.ip_proto, 17);
			CU_ASSERT_EQUAL(l.frag_off, 0);
			CU_ASSERT(l.layers & WEIR_LAYER_PAYLOAD);
			CU_ASSERT(!(l.layers & WEIR_LAYER_IP6));
			expect_off(
			    &p, "Ethernet", s->eth, l.l2_off, (l.layers & WEIR_LAYER_ETH) != 0);
			expect_off(
			    &p, "tag", s->vlan, l.vlan_off, (l.layers & WEIR_LAYER_VLAN) != 0);
			expect_off(
			    &p, "label", s->mpls, l.mpls_off, (l.layers & WEIR_LAYER_MPLS) != 0);
		}
	}
}

static void
tunnels_that_are_not_named_are_payload(void)
{
	for (const struct tunnel_sample *s = tunnel_samples; s->name; s++)
		for (uint32_t bit = 1; bit <= WEIR_TUNNELS_ALL; bit <<= 1) {
			struct packet p;
			struct layout l;
			unsigned reason;

			put_sample(&p, s);
			p.decap = WEIR_TUNNELS_ALL & ~bit;
			l = whole_layout(&p, &reason);
			if ((l.l3_off == p.len - INNER_LEN) != !(s->decap & bit))
				printf("\n    %s without %#x: IP at %u", s->name, bit, l.l3_off);
			CU_ASSERT_EQUAL(l.l3_off == p.len - INNER_LEN, !(s->decap & bit));
		}
}

/* Outer fields until all of the inner IP header is there, at any cut; within the bounds always. */
static void
cut_packets_keep_their_outer_fields(void)
{
	for (const struct tunnel_sample *s = tunnel_samples; s->name; s++) {
		struct packet p;

		put_sample(&p, s);
		for (uint32_t cut = 0; cut <= 2 * p.len + 1; cut++) {
			uint32_t cap = cut / 2, wire = cut % 2 ? cap : p.len;
			struct layout inner, outer;
			unsigned why, plain;

			p.decap = s->decap;
			why = layout_of(&p, cap, wire, &inner);
			p.decap = 0;
			plain = layout_of(&p, cap, wire, &outer);
			CU_ASSERT_EQUAL(inner.l3_off == p.len - INNER_LEN, cap >= p.len - 8);
			CU_ASSERT(inner.l4_off <= cap && inner.l3_off <= cap);
			CU_ASSERT(inner.l4_end <= wire);
			if (cap >= p.len - 8)
				CU_ASSERT_EQUAL(
				    why, cap < p.len ? WEIR_DECODE_L4_TRUNCATED : DECODE_OK);
			if (__builtin_popcount(s->decap) == 1 && !strstr(s->name, " in ") &&
			    cap < p.len - 8) {
				CU_ASSERT(memcmp(&inner, &outer, sizeof(inner)) == 0);
				CU_ASSERT(why == plain || why == WEIR_DECODE_TUNNEL_TRUNCATED);
			}
		}
	}
}

static unsigned
reason_of(const char *headers, uint32_t decap, struct layout *ret_layout)
{
	struct packet p = { .name = headers };

	put_headers(&p, headers);
	p.decap = decap;
	return layout_of(&p, p.len, p.len, ret_layout);
}

static void
expect_outer(const char *headers, unsigned reason)
{
	struct layout l;
	unsigned got = reason_of(headers, WEIR_TUNNELS_ALL, &l);

	if (got != reason || l.l3_off != 14)
		printf("\n    %s: reason %u, IP at %u", headers, got, l.l3_off);
	CU_ASSERT_EQUAL(got, reason);
	CU_ASSERT_EQUAL(l.l3_off, 14);
}

static void
what_is_no_tunnel_keeps_its_outer_fields(void)
{
	expect_outer("E0800 L2f x00000800", DECODE_OK);
	expect_outer("E0800 L04", DECODE_OK);
	expect_outer("E0800 411 U12b5 x0000000000000700 E0800", DECODE_OK);
	expect_outer("E0800 411 U17c1 x4000655800000700 E0800", DECODE_OK);
	expect_outer("E0800 411 U0868 x3001001c00000001", DECODE_OK);
	expect_outer("E0800 411 U0868 x50ff001c00000001", DECODE_OK);
	expect_outer("E0800 411 U12b6 x0800000000000700 E0800", DECODE_OK);
	expect_outer("E0800 433 x00000800", DECODE_OK);
}

static void
tunnels_without_ip_are_counted(void)
{
	expect_outer("E0800 42f x40000800", WEIR_DECODE_TUNNEL_NOT_IP);
	expect_outer("E0800 42f x00020800", WEIR_DECODE_TUNNEL_NOT_IP);
	expect_outer("E0800 42f x00000000", WEIR_DECODE_TUNNEL_NOT_IP);
	expect_outer("E0800 42f x0000880b xc021", WEIR_DECODE_TUNNEL_NOT_IP);
	expect_outer("E0800 42f x100088be00000001 x2001000100000000", WEIR_DECODE_TUNNEL_NOT_IP);
	expect_outer("E0800 42f x2081880b0000000100000002", WEIR_DECODE_TUNNEL_NOT_IP);
	expect_outer("E0800 429", WEIR_DECODE_TUNNEL_NOT_IP);
	expect_outer("E0800 411 U12b5 x0800000000000700 E88cc", WEIR_DECODE_TUNNEL_NOT_IP);
	expect_outer("E0800 411 U17c1 x0000894f00000700", WEIR_DECODE_TUNNEL_NOT_IP);
	expect_outer(
	    "E0800 411 U0868 x34ff001c00000001 x00000085 x00000085", WEIR_DECODE_TUNNEL_NOT_IP);
	expect_outer("E0800 411 U0868 x30ff000000000001", WEIR_DECODE_TUNNEL_TRUNCATED);
	expect_outer("E0800 411 U0868 x30ff001300000001", WEIR_DECODE_TUNNEL_TRUNCATED);
}

/* ARP is a network header of its own, and takes the place of the outer IP. */
static void
arp_in_a_tunnel_is_arp(void)
{
	struct packet p = { .decap = WEIR_TUNNEL_VXLAN };
	struct layout l;

	put_eth(&p, 0x0800);
	put_ip4(&p, 17, 8 + 8 + 14 + 28);
	put(&p, "c000 12b5 0032 0000 0800000000000700");
	put_eth(&p, 0x0806);
	put(&p, "0001 0800 06 04 0002");
	put_zeros(&p, 20);
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), WEIR_DECODE_NOT_IP);
	CU_ASSERT_EQUAL(l.layers, WEIR_LAYER_ETH | WEIR_LAYER_ARP);
	CU_ASSERT_EQUAL(l.l3_off, p.len - 28);
	CU_ASSERT_EQUAL(l.l2_off, p.len - 42);
	CU_ASSERT_EQUAL(layout_of(&p, p.len - 21, p.len, &l), WEIR_DECODE_TUNNEL_TRUNCATED);
	CU_ASSERT_EQUAL(l.l3_off, 14);
	CU_ASSERT_EQUAL(l.layers & (WEIR_LAYER_ARP | WEIR_LAYER_IP), WEIR_LAYER_IP4);
}

static void
depth_is_bounded(void)
{
	char headers[256] = "E0800";
	struct layout l;

	for (unsigned n = 1; n <= DECODE_TUNNEL_DEPTH + 3; n++) {
		bool is_deeper = n > DECODE_TUNNEL_DEPTH;
		unsigned reason;

		strcat(headers, " 404");
		reason = reason_of(headers, WEIR_TUNNEL_IPIP, &l);
		CU_ASSERT_EQUAL(reason, is_deeper ? WEIR_DECODE_TUNNEL_DEPTH : DECODE_OK);
		CU_ASSERT_EQUAL(l.l3_off, 14 + 20 * (is_deeper ? DECODE_TUNNEL_DEPTH : n));
	}
	strcpy(headers, "E0800 411 U0868 x34ff007000000001 x00000085");
	for (unsigned i = 0; i <= DECODE_GTPU_EXTS; i++)
		strcat(headers, " x01000085");
	expect_outer(headers, WEIR_DECODE_TUNNEL_NOT_IP);
}

/* No inner packet is longer than what the headers around it hold; what follows is padding. */
static void
inner_lengths_end_with_the_outer(void)
{
	struct packet p = { .decap = WEIR_TUNNELS_ALL };
	struct layout l;

	/* the inner total length says 1000 */
	put_headers(&p, "E0800 42f x00000800");
	p.b[14 + 20 + 4 + 2] = 1000 >> 8;
	p.b[14 + 20 + 4 + 3] = 1000 & 0xff;
	put_zeros(&p, 30);
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), DECODE_OK);
	CU_ASSERT_EQUAL(l.ip_len, 1000);
	CU_ASSERT_EQUAL(l.l4_end, p.len - 30);
	/* the outer total length ends in the inner header */
	p.b[14 + 3] = 20 + 4 + 19;
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), WEIR_DECODE_TUNNEL_TRUNCATED);
	CU_ASSERT_EQUAL(l.l3_off, 14);
	/* the UDP length does, of VXLAN */
	memset(&p, 0, sizeof(p));
	p.decap = WEIR_TUNNELS_ALL;
	put_headers(&p, "E0800 411 U12b5 x0800000000000700 E0800");
	p.b[14 + 20 + 5] = 8 + 8 + 14 + 19;
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), WEIR_DECODE_TUNNEL_TRUNCATED);
	CU_ASSERT_EQUAL(l.l3_off, 14);
	/* or holds less than a VXLAN header: none, then */
	p.b[14 + 20 + 5] = 8 + 7;
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), DECODE_OK);
	CU_ASSERT_EQUAL(l.l3_off, 14);
}

static void
first_fragments_do_not_tell_the_segment(void)
{
	struct packet p = { .decap = WEIR_TUNNEL_GRE };
	struct weir_batch *b;

	put_eth(&p, 0x0800);
	put_ip4(&p, 47, 4 + 20 + 20);
	p.b[p.len - 14] = 0x20;
	put(&p, "00000800");
	put_ip4(&p, 6, 20 + 100);
	put_tcp(&p, 0x018);
	b = decode_one(&p, p.len, p.len);
	CU_ASSERT_EQUAL(weir_column_get(&b->col[WEIR_FIELD_TCP_SRCPORT], 0).i, 1000);
	CU_ASSERT(weir_column_get(&b->col[WEIR_FIELD_TCP_LEN], 0).is_null);
	CU_ASSERT_EQUAL(weir_column_get(&b->col[WEIR_FIELD_IP_MF], 0).i, 0);
	CU_ASSERT_EQUAL(weir_column_get(&b->col[WEIR_FIELD_IP_LEN], 0).i, 140);
	free_one(b);
}

/* A first byte of 0 below labels: an address of the frame, or a control word before it. */
static void
control_words_are_told_from_addresses(void)
{
	struct packet p = { .link = WEIR_LINK_ETHERNET, .decap = WEIR_TUNNEL_EOMPLS };
	struct layout l;

	put_eth(&p, 0x8847);
	put(&p, "00065140 000000000001 020000000002 0800");
	put_ip4(&p, 17, 8);
	put_udp(&p, 0);
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), DECODE_OK);
	CU_ASSERT_EQUAL(l.l2_off, p.len - 42);
	p.b[18] = 0x0c; /* the address has another first byte */
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), DECODE_OK);
	CU_ASSERT_EQUAL(l.l2_off, p.len - 42);
	p.b[30] = 0x77; /* and no known type is there */
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), WEIR_DECODE_TUNNEL_NOT_IP);
	CU_ASSERT_EQUAL(l.layers, WEIR_LAYER_ETH | WEIR_LAYER_MPLS);
}

static void
names_are_read(void)
{
	struct weir_error err;
	uint32_t bits;

	CU_ASSERT_EQUAL(weir_tunnels_parse("vxlan,gre", &bits, &err), 0);
	CU_ASSERT_EQUAL(bits, WEIR_TUNNEL_VXLAN | WEIR_TUNNEL_GRE);
	CU_ASSERT_EQUAL(weir_tunnels_parse("vlan,pppoe", &bits, &err), 0);
	CU_ASSERT_EQUAL(bits, 0);
	CU_ASSERT_EQUAL(weir_tunnels_parse(
			    "mpls,eompls,gre,vxlan,geneve,gtpu,ipip,6in4,pppoe,vlan", &bits, &err),
	    0);
	CU_ASSERT_EQUAL(bits, WEIR_TUNNELS_ALL);
	bits = 7;
	CU_ASSERT_NOT_EQUAL(weir_tunnels_parse("gre,vxlam", &bits, &err), 0);
	CU_ASSERT_STRING_EQUAL(err.text, "at 5: unknown tunnel 'vxlam' (try 'vxlan')");
	CU_ASSERT_NOT_EQUAL(weir_tunnels_parse("gre,", &bits, &err), 0);
	CU_ASSERT_NOT_EQUAL(weir_tunnels_parse("", &bits, &err), 0);
	CU_ASSERT_EQUAL(bits, 7);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "each tunnel is walked into", each_tunnel_is_walked_into },
		{ "tunnels that are not named are payload",
		    tunnels_that_are_not_named_are_payload },
		{ "cut packets keep their outer fields", cut_packets_keep_their_outer_fields },
		{ "what is no tunnel keeps its outer fields",
		    what_is_no_tunnel_keeps_its_outer_fields },
		{ "tunnels without IP are counted", tunnels_without_ip_are_counted },
		{ "ARP in a tunnel is ARP", arp_in_a_tunnel_is_arp },
		{ "depth is bounded", depth_is_bounded },
		{ "inner lengths end with the outer", inner_lengths_end_with_the_outer },
		{ "first fragments do not tell the segment",
		    first_fragments_do_not_tell_the_segment },
		{ "control words are told from addresses", control_words_are_told_from_addresses },
		{ "names are read", names_are_read },
		CU_TEST_INFO_NULL,
	};

	return check_run("decode tunnels", tests);
}
