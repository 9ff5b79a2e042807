/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "check.h"
#include "neighbour.h"
#include "net.h"
#include "random.h"

#define S INT64_C(1000000000)

/* As a kernel's interface 192.0.2.1 (02:00:00:00:00:01), and 2001:db8::1, would say it. */
static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 2 };
static const uint8_t their_mac[6] = { 2, 0, 0, 0, 0, 1 };

/* Each byte by RFC 826; who-has 192.0.2.2 tell 192.0.2.1. */
static const uint8_t arp_request[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6,
	0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 2 };
static const uint8_t arp_reply[42] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 6, 0, 1, 8, 0, 6, 4,
	0, 2, 2, 0, 0, 0, 0, 2, 192, 0, 2, 2, 2, 0, 0, 0, 0, 1, 192, 0, 2, 1 };

/* ping -c 1 -s 8 -p 61, id 0x1234, number 1. Its checksums are another program's. */
static const uint8_t ping4[14 + 20 + 16] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0,
	36, 0, 0, 0x40, 0, 64, 1, 0xb6, 0xd5, 192, 0, 2, 1, 192, 0, 2, 2, 8, 0, 0x60, 0x45, 0x12,
	0x34, 0, 1, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61 };

/* Neighbour solicitation for 2001:db8::2 by 2001:db8::1, with its link address. */
static const uint8_t solicitation[86] = { 0x33, 0x33, 0xff, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd,
	0x60, 0, 0, 0, 0, 32, 58, 255, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff,
	2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 2, 135, 0, 0x1c, 0x27, 0, 0, 0, 0, 0x20, 1,
	0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 1, 2, 0, 0, 0, 0, 1 };

static struct net_host
host(unsigned version)
{
	struct weir_wire_address a = { .version = (uint8_t)version };
	struct net_host h = {
		.version = (uint8_t)version, .prefix_len = version == 4 ? 24 : 64, .udp_port = 5748
	};
	unsigned v;

	CU_ASSERT_EQUAL(weir_ip_parse(version == 4 ? "192.0.2.2" : "2001:db8::2", &a.addr, &v), 0);
	weir_net_addr(&a, &h.ip);
	memcpy(h.mac, our_mac, 6);
	return h;
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

/* The internet checksum, the plain way. */
static uint16_t
plain_sum(uint32_t sum, const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Of a whole frame with IPv4 or IPv6: is the sum of what is behind the header right? */
static bool
is_sum_right(const uint8_t *p, uint8_t proto, bool has_pseudo)
{
	bool is_v4 = p[12] == 8;
	uint32_t head = is_v4 ? 20 : 40;
	uint32_t len = is_v4 ? (uint32_t)(p[16] << 8 | p[17]) - 20 : (uint32_t)(p[18] << 8 | p[19]);
	const uint8_t *addrs = p + 14 + (is_v4 ? 12 : 8);
	uint32_t sum = 0;

	if (is_v4 && plain_sum(0, p + 14, 20) != 0xffff)
		return false;
	if (has_pseudo)
		sum = plain_sum(proto + len, addrs, is_v4 ? 8 : 32);
	return plain_sum(sum, p + 14 + head, len) == 0xffff;
}

static void
test_arp(void)
{
	struct net_host h = host(4);
	struct net_seen seen;
	uint8_t out[128], p[60];

	weir_net_see(&h, arp_request, sizeof(arp_request), &seen);
	CU_ASSERT_EQUAL(seen.kind, NET_ARP_REQUEST);
	CU_ASSERT_EQUAL(weir_net_answer(&h, arp_request, &seen, out, sizeof(out)), 42);
	CU_ASSERT_EQUAL(memcmp(out, arp_reply, 42), 0);
	CU_ASSERT_EQUAL(weir_net_answer(&h, arp_request, &seen, out, 41), 0);
	/* for somebody else; of another link type; cut short; a sender that is a group */
	for (unsigned i = 0; i < 4; i++) {
		static const uint8_t at[4] = { 41, 15, 0, 22 };

		memcpy(p, arp_request, sizeof(p));
		p[at[i]] ^= i == 2 ? 0 : 1;
		weir_net_see(&h, p, i == 2 ? 41 : sizeof(p), &seen);
		CU_ASSERT_EQUAL(seen.kind, NET_IGNORED);
	}
	/* what says it to us, and what says it to all */
	memcpy(p, arp_reply, 42);
	memcpy(p, our_mac, 6);
	memcpy(p + 6, their_mac, 6);
	memcpy(p + 22, their_mac, 6);
	p[31] = 1;
	memcpy(p + 32, our_mac, 6);
	p[41] = 2;
	weir_net_see(&h, p, 42, &seen);
	CU_ASSERT_EQUAL(seen.kind, NET_NEIGHBOUR);
	CU_ASSERT_EQUAL(memcmp(seen.mac, their_mac, 6), 0);
	CU_ASSERT_EQUAL(memcmp(seen.addr.b, "\xc0\0\2\1", 4), 0);
	memset(p, 0xff, 6);
	weir_net_see(&h, p, 42, &seen);
	CU_ASSERT_EQUAL(seen.kind, NET_IGNORED);
	/* a question of ours is one that such a host understands */
	{
		struct net_addr who = addr("192.0.2.1");
		struct net_host other = h;

		CU_ASSERT_EQUAL(weir_net_ask(&h, &who, NULL, out), 42);
		other.ip = who;
		memcpy(other.mac, their_mac, 6);
		weir_net_see(&other, out, 42, &seen);
		CU_ASSERT_EQUAL(seen.kind, NET_ARP_REQUEST);
		CU_ASSERT_EQUAL(out[0], 0xff);
		(void)weir_net_ask(&h, &who, their_mac, out);
		CU_ASSERT_EQUAL(memcmp(out, their_mac, 6), 0);
	}
}

static void
test_nd(void)
{
	struct net_host h = host(6), other = h;
	struct net_addr who = addr("2001:db8::1");
	struct net_seen seen;
	uint8_t out[128], p[128];

	CU_ASSERT_TRUE(is_sum_right(solicitation, 58, true));
	weir_net_see(&h, solicitation, sizeof(solicitation), &seen);
	CU_ASSERT_EQUAL(seen.kind, NET_SOLICITATION);
	CU_ASSERT_FALSE(seen.is_probe);
	CU_ASSERT_EQUAL(weir_net_answer(&h, solicitation, &seen, out, sizeof(out)), 86);
	CU_ASSERT_TRUE(is_sum_right(out, 58, true));
	CU_ASSERT_EQUAL(memcmp(out, their_mac, 6), 0);
	CU_ASSERT_EQUAL(out[14 + 7], 255);
	CU_ASSERT_EQUAL(out[14 + 40], 136);
	CU_ASSERT_EQUAL(out[14 + 40 + 4], 0x60); /* solicited, override */
	CU_ASSERT_EQUAL(memcmp(out + 14 + 40 + 24, "\2\1\2\0\0\0\0\2", 8), 0);
	/* the host that asked learns from it */
	other.ip = who;
	memcpy(other.mac, their_mac, 6);
	weir_net_see(&other, out, 86, &seen);
	CU_ASSERT_EQUAL(seen.kind, NET_NEIGHBOUR);
	CU_ASSERT_EQUAL(memcmp(seen.mac, our_mac, 6), 0);
	CU_ASSERT_TRUE(weir_net_is_same(&seen.addr, &h.ip));
	/* our own question is the same as what another host would ask */
	CU_ASSERT_EQUAL(weir_net_ask(&other, &h.ip, NULL, out), sizeof(solicitation));
	CU_ASSERT_EQUAL(memcmp(out, solicitation, sizeof(solicitation)), 0);
	/* over a router; damaged; a length of 0 in an option; an advertisement that nobody asked
	 * for */
	memcpy(p, solicitation, sizeof(solicitation));
	p[14 + 7] = 254;
	weir_net_see(&h, p, sizeof(solicitation), &seen);
	CU_ASSERT_EQUAL(seen.kind, NET_IGNORED);
	memcpy(p, solicitation, sizeof(solicitation));
	p[80] ^= 1;
	weir_net_see(&h, p, sizeof(solicitation), &seen);
	CU_ASSERT_EQUAL(seen.kind, NET_BAD);
	weir_net_see(&h, solicitation, 85, &seen);
	CU_ASSERT_EQUAL(seen.kind, NET_BAD);
	/* who looks whether anybody has the address already is told with all others */
	memcpy(p, solicitation, sizeof(solicitation));
	memset(p + 22, 0, 16);
	{
		uint16_t sum;

		p[56] = p[57] = 0;
		p[19] = 24; /* without the option, as it must be */
		sum = (uint16_t)~plain_sum(plain_sum(58 + 24, p + 22, 32), p + 54, 24);
		p[56] = (uint8_t)(sum >> 8);
		p[57] = (uint8_t)sum;
	}
	weir_net_see(&h, p, 78, &seen);
	CU_ASSERT_EQUAL(seen.kind, NET_SOLICITATION);
	CU_ASSERT_TRUE(seen.is_probe);
	CU_ASSERT_EQUAL(weir_net_answer(&h, p, &seen, out, sizeof(out)), 86);
	CU_ASSERT_EQUAL(memcmp(out, "\x33\x33\0\0\0\1", 6), 0);
	CU_ASSERT_EQUAL(out[14 + 40 + 4], 0x20);
	CU_ASSERT_TRUE(is_sum_right(out, 58, true));
	weir_net_see(&other, out, 86, &seen);
	CU_ASSERT_EQUAL(seen.kind, NET_IGNORED);
}

static void
test_echo(void)
{
	struct net_host h = host(4);
	struct net_seen seen;
	uint8_t out[128], p[128];

	CU_ASSERT_TRUE(is_sum_right(ping4, 1, false));
	weir_net_see(&h, ping4, sizeof(ping4), &seen);
	CU_ASSERT_EQUAL(seen.kind, NET_ECHO);
	CU_ASSERT_EQUAL(weir_net_answer(&h, ping4, &seen, out, sizeof(out)), sizeof(ping4));
	CU_ASSERT_TRUE(is_sum_right(out, 1, false));
	CU_ASSERT_EQUAL(memcmp(out, "\2\0\0\0\0\1\2\0\0\0\0\2", 12), 0);
	CU_ASSERT_EQUAL(memcmp(out + 26, "\xc0\0\2\2\xc0\0\2\1", 8), 0);
	CU_ASSERT_EQUAL(out[34], 0);
	CU_ASSERT_EQUAL(memcmp(out + 38, ping4 + 38, sizeof(ping4) - 38), 0);
	/* padded by Ethernet; damaged; no room for the answer; of everybody */
	memcpy(p, ping4, sizeof(ping4));
	memset(p + sizeof(ping4), 0xee, 10);
	weir_net_see(&h, p, 60, &seen);
	CU_ASSERT_EQUAL(weir_net_answer(&h, p, &seen, out, sizeof(out)), sizeof(ping4));
	CU_ASSERT_EQUAL(weir_net_answer(&h, p, &seen, out, sizeof(ping4) - 1), 0);
	p[45] ^= 4;
	weir_net_see(&h, p, 60, &seen);
	CU_ASSERT_EQUAL(seen.kind, NET_BAD);
	memcpy(p, ping4, sizeof(ping4));
	p[25] ^= 1;
	weir_net_see(&h, p, sizeof(ping4), &seen);
	CU_ASSERT_EQUAL(seen.kind, NET_BAD);
}

static void
wrap(unsigned version, uint32_t len)
{
	struct net_host h = host(version), other = h;
	struct net_route r = { .ip = addr(version == 4 ? "192.0.2.1" : "2001:db8::1"),
		.udp_port = 777 };
	struct net_seen seen;
	uint8_t p[256];
	uint32_t head = weir_net_head_bytes(&h);

	memset(p, 0xa5, sizeof(p));
	memcpy(r.mac, their_mac, 6);
	weir_net_wrap(&h, &r, 50000, p, len);
	CU_ASSERT_EQUAL(head, version == 4 ? 42 : 62);
	CU_ASSERT_TRUE(is_sum_right(p, 17, true));
	CU_ASSERT_EQUAL(p[head - 8] << 8 | p[head - 7], 50000);
	other.ip = r.ip;
	memcpy(other.mac, their_mac, 6);
	weir_net_see(&other, p, head + len, &seen);
	CU_ASSERT_EQUAL(seen.kind, NET_IGNORED); /* another port */
	other.udp_port = 777;
	weir_net_see(&other, p, head + len, &seen);
	CU_ASSERT_EQUAL(seen.kind, NET_FRAME);
	CU_ASSERT_EQUAL(seen.offset, head);
	CU_ASSERT_EQUAL(seen.len, len);
	CU_ASSERT_TRUE(weir_net_is_same(&seen.addr, &h.ip));
	weir_net_see(&h, p, head + len, &seen);
	CU_ASSERT_EQUAL(seen.kind, NET_IGNORED); /* our own */
	for (uint32_t i = 14 + (version == 4 ? 20 : 40); i < head + len; i++) {
		p[i] ^= 0x10;
		weir_net_see(&other, p, head + len, &seen);
		CU_ASSERT_NOT_EQUAL(seen.kind, NET_FRAME);
		p[i] ^= 0x10;
	}
	/* none at all is fine of IPv4, and nowhere else */
	memset(p + head - 2, 0, 2);
	weir_net_see(&other, p, head + len, &seen);
	CU_ASSERT_EQUAL(seen.kind, version == 4 ? NET_FRAME : NET_BAD);
}

static void
test_udp(void)
{
	for (uint32_t len = 0; len < 100; len++) {
		wrap(4, len);
		wrap(6, len);
	}
}

/* Whatever comes: nothing is read beyond it. */
static void
test_garbage(void)
{
	static const uint8_t *const seeds[] = { arp_request, ping4, solicitation };
	static const uint32_t lens[] = { sizeof(arp_request), sizeof(ping4), sizeof(solicitation) };
	uint64_t state = 3;
	unsigned n_seen[NET_ECHO + 1] = { 0 };

	for (unsigned i = 0; i < 300000; i++) {
		unsigned which = (unsigned)(random_next(&state) % 3);
		struct net_host h = host(which == 2 ? 6 : 4);
		uint32_t len = (uint32_t)(random_next(&state) % (lens[which] + 1));
		uint8_t *p, out[128];
		struct net_seen seen;

		len = random_next(&state) % 4 ? lens[which] : len;
		p = malloc(len ? len : 1); /* as long as it is, so that a sanitizer sees */
		memcpy(p, seeds[which], len);
		for (unsigned k = 0; len && k < random_next(&state) % 3; k++)
			p[random_next(&state) % len] = (uint8_t)random_next(&state);
		weir_net_see(&h, p, len, &seen);
		n_seen[seen.kind]++;
		(void)weir_net_answer(&h, p, &seen, out, sizeof(out));
		free(p);
	}
	CU_ASSERT_TRUE(n_seen[NET_IGNORED] > 1000 && n_seen[NET_BAD] > 1000);
	CU_ASSERT_TRUE(n_seen[NET_ARP_REQUEST] && n_seen[NET_ECHO] && n_seen[NET_SOLICITATION]);
}

static void
test_near(void)
{
	struct net_host h = host(4);
	struct net_addr a = addr("192.0.2.200"), b = addr("192.0.3.2"), c = addr("192.0.2.126");

	CU_ASSERT_TRUE(weir_net_is_near(&h, &a));
	CU_ASSERT_FALSE(weir_net_is_near(&h, &b));
	h.prefix_len = 25;
	CU_ASSERT_FALSE(weir_net_is_near(&h, &a));
	CU_ASSERT_TRUE(weir_net_is_near(&h, &c));
	h.prefix_len = 32;
	CU_ASSERT_FALSE(weir_net_is_near(&h, &c));
	h = host(6);
	a = addr("2001:db8::abcd");
	b = addr("2001:db8:0:1::1");
	c = addr("fe80::1");
	CU_ASSERT_TRUE(weir_net_is_near(&h, &a));
	CU_ASSERT_FALSE(weir_net_is_near(&h, &b));
	CU_ASSERT_TRUE(weir_net_is_near(&h, &c));
}

static void
test_neighbours(void)
{
	struct weir_neighbours t;
	struct net_addr a = addr("192.0.2.1"), b = addr("192.0.2.9");
	const uint8_t *mac;
	int64_t next_ns, now_ns = S;
	unsigned at, n = 0;

	CU_ASSERT_EQUAL_FATAL(weir_neighbours_init(&t), 0);
	at = weir_neighbours_add(&t, &a, now_ns);
	CU_ASSERT_EQUAL(weir_neighbours_add(&t, &a, now_ns), at);
	/* nobody asked yet; and of those who are not needed nothing is learnt */
	CU_ASSERT_FALSE(weir_neighbours_learn(&t, &a, their_mac, now_ns));
	CU_ASSERT_EQUAL(weir_neighbours_due(&t, now_ns, &mac, &next_ns), (int)at);
	CU_ASSERT_PTR_NULL(mac);
	CU_ASSERT_EQUAL(weir_neighbours_due(&t, now_ns, &mac, &next_ns), -1);
	CU_ASSERT_EQUAL(next_ns, now_ns + S / 5);
	CU_ASSERT_FALSE(weir_neighbours_learn(&t, &b, their_mac, now_ns));
	/* a silent one is asked less often, once a second in the end, and never given up */
	for (; now_ns < 60 * S; now_ns += S / 10)
		n += weir_neighbours_due(&t, now_ns, &mac, &next_ns) >= 0;
	CU_ASSERT_TRUE(n >= 58 && n <= 63);
	CU_ASSERT_FALSE(t.entries[at].is_known);
	now_ns = t.entries[at].ask_at_ns;
	CU_ASSERT_EQUAL(weir_neighbours_due(&t, now_ns, &mac, &next_ns), (int)at);
	CU_ASSERT_TRUE(weir_neighbours_learn(&t, &a, their_mac, now_ns));
	CU_ASSERT_TRUE(t.entries[at].is_known);
	CU_ASSERT_EQUAL(memcmp(t.entries[at].mac, their_mac, 6), 0);
	/* one answer to a question */
	CU_ASSERT_FALSE(weir_neighbours_learn(&t, &a, our_mac, now_ns));
	CU_ASSERT_EQUAL(weir_neighbours_due(&t, now_ns + 29 * S, &mac, &next_ns), -1);
	/* then the one that has it is asked, later everybody, and in the end it is forgotten */
	CU_ASSERT_EQUAL(weir_neighbours_due(&t, now_ns + 30 * S, &mac, &next_ns), (int)at);
	CU_ASSERT_PTR_NOT_NULL(mac);
	CU_ASSERT_FALSE(weir_neighbours_learn(&t, &a, our_mac, now_ns + 34 * S));
	CU_ASSERT_EQUAL(weir_neighbours_due(&t, now_ns + 50 * S, &mac, &next_ns), (int)at);
	CU_ASSERT_PTR_NULL(mac);
	CU_ASSERT_TRUE(t.entries[at].is_known);
	CU_ASSERT_EQUAL(weir_neighbours_due(&t, now_ns + 61 * S, &mac, &next_ns), (int)at);
	CU_ASSERT_FALSE(t.entries[at].is_known);
	now_ns += 61 * S;
	CU_ASSERT_TRUE(weir_neighbours_learn(&t, &a, our_mac, now_ns));
	/* nothing comes back: all are asked at once, but not again and again */
	weir_neighbours_suspect(&t, at, now_ns + 2 * S);
	CU_ASSERT_EQUAL(weir_neighbours_due(&t, now_ns + 2 * S, &mac, &next_ns), (int)at);
	CU_ASSERT_PTR_NULL(mac);
	weir_neighbours_suspect(&t, at, now_ns + 2 * S + 1);
	CU_ASSERT_EQUAL(weir_neighbours_due(&t, now_ns + 2 * S + 1, &mac, &next_ns), -1);
	CU_ASSERT_TRUE(t.entries[at].is_known);
	weir_neighbours_drop(&t, at);
	CU_ASSERT_EQUAL(t.n, 1);
	weir_neighbours_drop(&t, at);
	CU_ASSERT_EQUAL(t.n, 0);
	CU_ASSERT_EQUAL(weir_neighbours_due(&t, now_ns + 200 * S, &mac, &next_ns), -1);
	weir_neighbours_fini(&t);
}

int
main(void)
{
	const CU_TestInfo tests[] = {
		{ "ARP", test_arp },
		{ "neighbour discovery", test_nd },
		{ "echo", test_echo },
		{ "UDP", test_udp },
		{ "garbage", test_garbage },
		{ "who is on the link", test_near },
		{ "the cache of neighbours", test_neighbours },
		CU_TEST_INFO_NULL,
	};

	return check_run("wire net", tests);
}
