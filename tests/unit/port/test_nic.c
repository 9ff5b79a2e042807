/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules for NICs: what is dropped, as sets and as patterns of rte_flow. */
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>
#include <rte_byteorder.h>
#include <weir/port/profile.h>

#include "check.h"
#include "nic_rules.h"
#include "random.h"

#define ALL                                                                                        \
	(WEIR_NIC_ETHERTYPES | WEIR_NIC_PROTOCOLS | WEIR_NIC_NETWORKS | WEIR_NIC_RANGES |          \
	    WEIR_NIC_MASKS | WEIR_NIC_OUTERMOST)

struct list {
	struct weir_nic_rule at[WEIR_NIC_RULES];
	unsigned n, n_offered;
	bool refuses_ranges;
};

static bool
keep(void *arg, const struct weir_nic_rule *r)
{
	struct list *l = arg;

	l->n_offered++;
	for (unsigned end = 0; end < WEIR_PORT_ENDS; end++)
		if (l->refuses_ranges && r->ports[end].first != r->ports[end].last)
			return false;
	l->at[l->n++] = *r;
	return true;
}

static void
set_protocol(struct weir_port_rule *r, unsigned protocol)
{
	memset(r->protocols, 0, sizeof(r->protocols));
	r->protocols[protocol / 64] = UINT64_C(1) << (protocol % 64);
}

static void
set_port(struct weir_port_rule *r, unsigned end, uint16_t first, uint16_t last)
{
	r->has_ports[end] = true;
	r->ports[end][r->n_ports[end]++] = (struct weir_port_range){ first, last };
}

/* "IPv4 protocol 1; ..." of what would be offered. */
static char *
text_of(const struct weir_port_rules *r, uint64_t match)
{
	struct weir_strbuf text = { 0 };
	struct list l = { 0 };

	weir_nic_each(r, match, WEIR_NIC_RULES, keep, &l);
	weir_strbuf_puts(&text, "");
	for (unsigned i = 0; i < l.n; i++) {
		weir_strbuf_puts(&text, i ? "; " : "");
		weir_nic_rule_text(&l.at[i], &text);
	}
	return text.p;
}

static void
check_rules(const struct weir_port_rules *r, uint64_t match, const char *want)
{
	char *text = text_of(r, match);

	CHECK_TEXT(text, want);
	free(text);
}

static void
test_text(void)
{
	struct weir_port_rules r = { .n = 1 };
	struct weir_port_rule *one = &r.rules[0];
	const struct weir_port_network net = { { 0, 0x0a000000 }, 4, 8 };

	weir_port_rule_all(one);
	one->versions = WEIR_PORT_IP4;
	check_rules(&r, ALL,
	    "IPv6; EtherType 0x0806; EtherType 0x8035; EtherType 0x88cc; EtherType 0x888e; "
	    "EtherType 0x8809; EtherType 0x9000");
	check_rules(&r, WEIR_NIC_OUTERMOST, "IPv6");
	/* the driver may take a packet for what is in its tunnel */
	check_rules(&r, ALL & ~(uint64_t)WEIR_NIC_OUTERMOST, "");
	one->has_networks[WEIR_PORT_DST] = true;
	one->networks[WEIR_PORT_DST][one->n_networks[WEIR_PORT_DST]++] = net;
	check_rules(&r, WEIR_NIC_NETWORKS | WEIR_NIC_OUTERMOST,
	    "IPv4 ip.dst 128.0.0.0/1; IPv4 ip.dst 64.0.0.0/2; IPv4 ip.dst 32.0.0.0/3; "
	    "IPv4 ip.dst 16.0.0.0/4; IPv4 ip.dst 0.0.0.0/5; IPv4 ip.dst 12.0.0.0/6; "
	    "IPv4 ip.dst 8.0.0.0/7; IPv4 ip.dst 11.0.0.0/8; IPv6");
	check_rules(&r, WEIR_NIC_PROTOCOLS | WEIR_NIC_OUTERMOST, "IPv6");
	weir_port_rule_all(one);
	set_protocol(one, 17);
	set_port(one, WEIR_PORT_DST, 53, 53);
	one->n_networks[WEIR_PORT_DST] = 0;
	one->has_networks[WEIR_PORT_DST] = false;
	/* protocols it may not match */
	check_rules(&r, WEIR_NIC_RANGES, "");
	one->versions = WEIR_PORT_IP6;
	check_rules(&r, WEIR_NIC_PROTOCOLS | WEIR_NIC_RANGES,
	    "IPv4; IPv6 protocol 6; IPv6 protocol 1; IPv6 protocol 58; IPv6 protocol 132; "
	    "IPv6 protocol 47; IPv6 protocol 50; IPv6 protocol 2; IPv6 protocol 4; "
	    "IPv6 protocol 41; IPv6 protocol 89; IPv6 protocol 103; IPv6 protocol 112; "
	    "IPv6 protocol 17 dstport 0..52; IPv6 protocol 17 dstport 54..65535");
	r.n = 0;
	check_rules(&r, 0, "IPv4; IPv6");
	/* nobody knows what is unusual to libpcap */
	r.wants_unusual = true;
	check_rules(&r, ALL, "");
}

static void
test_refused_ranges(void)
{
	struct weir_port_rules r = { .n = 1 };
	struct weir_strbuf text = { 0 };
	struct list l = { .refuses_ranges = true };

	weir_port_rule_all(&r.rules[0]);
	r.rules[0].versions = WEIR_PORT_IP4;
	set_protocol(&r.rules[0], 6);
	set_port(&r.rules[0], WEIR_PORT_SRC, 8, 65535);
	CU_ASSERT_FALSE(weir_nic_each(&r, WEIR_NIC_NETWORKS, 8, keep, &l));
	CU_ASSERT_EQUAL(l.n, 1); /* IPv6 */
	memset(&l, 0, sizeof(l));
	l.refuses_ranges = true;
	/* as masks where the driver has both: ports 0 to 7 are one */
	CU_ASSERT_TRUE(weir_nic_each(&r, ALL & ~(uint64_t)WEIR_NIC_ETHERTYPES, 64, keep, &l));
	for (unsigned i = 0; i < l.n; i++)
		if (l.at[i].ports[WEIR_PORT_SRC].mask)
			weir_nic_rule_text(&l.at[i], &text);
	CHECK_TEXT(text.p, "IPv4 protocol 6 srcport 0..7");
	CU_ASSERT_EQUAL(l.n_offered, l.n + 1);
	weir_strbuf_free(&text);
	memset(&l, 0, sizeof(l));
	CU_ASSERT_FALSE(weir_nic_each(&r, ALL, 3, keep, &l));
	CU_ASSERT_EQUAL(l.n, 3);
}

/* Few values, so that rules and packets meet. */
static const uint8_t protocols[] = { 6, 17, 132, 1, 136, 200 };
static const uint16_t ports[] = { 0, 1, 52, 53, 54, 80, 32767, 32768, 65534, 65535 };

static uint64_t
below(uint64_t *state, uint64_t n)
{
	return random_next(state) % n;
}

static struct weir_addr
random_address(uint64_t *state, unsigned version)
{
	static const uint64_t words[] = { 0, 0x0a000001, 0x0a00ffff, 0x0a010000, 0xffffffff,
		0x80000000 };
	struct weir_addr a = { 0, words[below(state, 6)] };

	if (version == 6) {
		a.hi = UINT64_C(0x20010db800000000) ^ words[below(state, 6)];
		a.lo = words[below(state, 6)] << 32 | words[below(state, 6)];
	}
	return a;
}

static void
add_networks(uint64_t *state, struct weir_port_rule *r, unsigned end)
{
	unsigned version = r->versions == WEIR_PORT_IP4 ? 4 : r->versions == WEIR_PORT_IP6 ? 6 : 0;

	r->has_networks[end] = true;
	for (unsigned n = 1 + (unsigned)below(state, 4); n; n--) {
		struct weir_port_network *to = &r->networks[end][r->n_networks[end]++];

		to->version = (uint8_t)(version ? version : 4 + 2 * below(state, 2));
		to->addr = random_address(state, to->version);
		to->prefix = (uint8_t)below(state, to->version == 4 ? 33 : 129);
		for (unsigned bit = to->prefix + (to->version == 4 ? 96u : 0); bit < 128; bit++)
			if (bit < 64)
				to->addr.hi &= ~(UINT64_C(1) << (63 - bit));
			else
				to->addr.lo &= ~(UINT64_C(1) << (127 - bit));
	}
}

static void
random_rule(uint64_t *state, struct weir_port_rule *r)
{
	weir_port_rule_all(r);
	r->versions = (uint8_t)(1 + below(state, 3));
	if (below(state, 2))
		set_protocol(r, protocols[below(state, sizeof(protocols))]);
	for (unsigned end = 0; end < WEIR_PORT_ENDS; end++) {
		for (unsigned n = (unsigned)below(state, 4); n; n--) {
			uint16_t a = ports[below(state, 10)], b = ports[below(state, 10)];

			set_port(r, end, a < b ? a : b, a < b ? b : a);
		}
		if (!below(state, 3))
			add_networks(state, r, end);
	}
}

static struct weir_port_packet
random_packet(uint64_t *state)
{
	struct weir_port_packet p = { .version = (uint8_t)(4 + 2 * below(state, 2)),
		.protocol = protocols[below(state, sizeof(protocols))],
		.has_ports = true };

	for (unsigned end = 0; end < WEIR_PORT_ENDS; end++) {
		p.ports[end] = ports[below(state, 10)];
		p.addr[end] = random_address(state, p.version);
	}
	return p;
}

/* One network has it? By the rules' own code. */
static bool
is_in(const struct weir_port_packet *p, const struct weir_port_network nets[WEIR_PORT_ENDS])
{
	struct weir_port_rules one = { .n = 1 };

	weir_port_rule_all(&one.rules[0]);
	for (unsigned end = 0; end < WEIR_PORT_ENDS; end++) {
		one.rules[0].has_networks[end] = true;
		one.rules[0].n_networks[end] = 1;
		one.rules[0].networks[end][0] = nets[end];
	}
	return weir_port_rules_want(&one, p);
}

static bool
box_has(const struct weir_nic_box *b, const struct weir_port_packet *p)
{
	if (b->version != p->version || !(b->protocols[p->protocol / 64] >> (p->protocol % 64) & 1))
		return false;
	for (unsigned end = 0; end < WEIR_PORT_ENDS; end++)
		if (p->ports[end] < b->ports[end].first || p->ports[end] > b->ports[end].last)
			return false;
	return is_in(p, b->networks);
}

static bool
rule_has(const struct weir_nic_rule *r, const struct weir_port_packet *p)
{
	if (r->version != p->version || (r->protocol >= 0 && r->protocol != p->protocol))
		return false;
	for (unsigned end = 0; end < WEIR_PORT_ENDS; end++) {
		uint16_t mask = r->ports[end].mask, x = p->ports[end] & mask;

		if (mask && (x < (r->ports[end].first & mask) || x > (r->ports[end].last & mask)))
			return false;
	}
	return is_in(p, r->networks);
}

static bool
any_rule_has(const struct list *l, const struct weir_port_packet *p)
{
	for (unsigned i = 0; i < l->n; i++)
		if (rule_has(&l->at[i], p))
			return true;
	return false;
}

/*
 * Boxes are what no rule wants, exactly, where there is room for all; and offered rules never have
 * what is wanted, and what is not wanted, where its protocol is one of those that rules are made
 * of.
 */
static void
test_complement(void)
{
	static struct weir_nic_box boxes[WEIR_NIC_BOXES];
	static struct list lists[2];
	const uint64_t plain = WEIR_NIC_PROTOCOLS | WEIR_NIC_NETWORKS | WEIR_NIC_OUTERMOST;
	unsigned n_whole = 0, n_unwanted = 0, n_wanted = 0, n_bad = 0;
	struct weir_port_rules *r = calloc(1, sizeof(*r));
	uint64_t state = 5;

	for (unsigned i = 0; i < 150; i++) {
		bool is_all, is_whole[2];
		unsigned n;

		r->n = (unsigned)below(&state, 5);
		for (unsigned k = 0; k < r->n; k++)
			random_rule(&state, &r->rules[k]);
		n = weir_nic_boxes(r, boxes, WEIR_NIC_BOXES, &is_all);
		for (unsigned k = 0; k < 2; k++) {
			lists[k].n = 0;
			is_whole[k] =
			    weir_nic_each(r, plain | (k ? WEIR_NIC_MASKS : WEIR_NIC_RANGES),
				WEIR_NIC_RULES, keep, &lists[k]);
		}
		n_whole += is_all && is_whole[0] && is_whole[1];
		for (unsigned k = 0; k < 1000; k++) {
			struct weir_port_packet p = random_packet(&state);
			bool is_wanted = weir_port_rules_want(r, &p), is_out = false;
			bool has_rules = p.protocol < 133;

			for (unsigned b = 0; b < n && !is_out; b++)
				is_out = box_has(&boxes[b], &p);
			n_wanted += is_wanted;
			n_unwanted += !is_wanted;
			n_bad += is_wanted && is_out;
			n_bad += is_all && !is_wanted && !is_out;
			for (unsigned l = 0; l < 2; l++) {
				bool is_dropped = any_rule_has(&lists[l], &p);

				n_bad += is_wanted && is_dropped;
				/* ports of others are not looked at: they have none */
				n_bad += is_whole[l] && has_rules && p.protocol != 1 &&
					 !is_wanted && !is_dropped;
			}
		}
	}
	CU_ASSERT_EQUAL(n_bad, 0);
	CU_ASSERT_TRUE(n_whole > 50);
	CU_ASSERT_TRUE(n_wanted > 10000 && n_unwanted > 10000);
	free(r);
}

/* More than there is room for: what is left is still right. */
static void
test_no_room(void)
{
	static struct weir_nic_box boxes[WEIR_NIC_BOXES];
	static struct list l;
	struct weir_port_rules *r = calloc(1, sizeof(*r));
	uint64_t state = 9;
	unsigned n, n_bad = 0;
	bool is_all;

	r->n = WEIR_PORT_RULES;
	for (unsigned i = 0; i < r->n; i++) {
		struct weir_port_rule *one = &r->rules[i];

		weir_port_rule_all(one);
		for (unsigned k = 0; k < WEIR_PORT_RANGES; k++)
			for (unsigned end = 0; end < WEIR_PORT_ENDS; end++)
				set_port(one, end, (uint16_t)(1000 * k + 10 * i),
				    (uint16_t)(1000 * k + 10 * i + 5));
	}
	n = weir_nic_boxes(r, boxes, WEIR_NIC_BOXES, &is_all);
	CU_ASSERT_FALSE(is_all);
	CU_ASSERT_TRUE(n <= WEIR_NIC_BOXES);
	CU_ASSERT_FALSE(weir_nic_each(r, ALL, WEIR_NIC_RULES, keep, &l));
	CU_ASSERT_TRUE(l.n <= WEIR_NIC_RULES);
	for (unsigned i = 0; i < 20000; i++) {
		struct weir_port_packet p = random_packet(&state);

		p.ports[0] = (uint16_t)below(&state, 33000);
		p.ports[1] = (uint16_t)below(&state, 33000);
		n_bad += weir_port_rules_want(r, &p) && any_rule_has(&l, &p);
	}
	CU_ASSERT_EQUAL(n_bad, 0);
	free(r);
}

static void
test_patterns(void)
{
	struct weir_nic_rule r = { .version = 4, .protocol = 17 };
	const struct weir_port_network net = { { 0, 0x0a000000 }, 4, 8 };
	struct weir_nic_pattern p;

	r.networks[WEIR_PORT_DST] = net;
	CU_ASSERT_TRUE_FATAL(weir_nic_pattern_make(&r, false, &p));
	CU_ASSERT_EQUAL(p.items[0].type, RTE_FLOW_ITEM_TYPE_ETH);
	CU_ASSERT_PTR_NULL(p.items[0].spec);
	CU_ASSERT_EQUAL(p.items[1].type, RTE_FLOW_ITEM_TYPE_IPV4);
	CU_ASSERT_EQUAL(p.ip4[0].hdr.next_proto_id, 17);
	CU_ASSERT_EQUAL(p.ip4[1].hdr.next_proto_id, 0xff);
	CU_ASSERT_EQUAL(p.ip4[0].hdr.dst_addr, rte_cpu_to_be_32(0x0a000000));
	CU_ASSERT_EQUAL(p.ip4[1].hdr.dst_addr, rte_cpu_to_be_32(0xff000000));
	CU_ASSERT_EQUAL(p.ip4[1].hdr.src_addr, 0);
	CU_ASSERT_EQUAL(p.items[2].type, RTE_FLOW_ITEM_TYPE_END);
	CU_ASSERT_TRUE_FATAL(weir_nic_pattern_make(&r, true, &p));
	CU_ASSERT_EQUAL(p.ip4[1].hdr.next_proto_id, 0);
	CU_ASSERT_EQUAL(p.items[2].type, RTE_FLOW_ITEM_TYPE_UDP);
	CU_ASSERT_PTR_NULL(p.items[2].spec);
	CU_ASSERT_EQUAL(p.items[3].type, RTE_FLOW_ITEM_TYPE_END);
	r.ports[WEIR_PORT_SRC].first = 7;
	r.ports[WEIR_PORT_SRC].last = 9;
	r.ports[WEIR_PORT_SRC].mask = 0xffff;
	CU_ASSERT_FALSE(weir_nic_pattern_make(&r, true, &p));
	CU_ASSERT_TRUE_FATAL(weir_nic_pattern_make(&r, false, &p));
	CU_ASSERT_EQUAL(p.transport[0].udp.hdr.src_port, rte_cpu_to_be_16(7));
	CU_ASSERT_EQUAL(p.transport[1].udp.hdr.src_port, rte_cpu_to_be_16(9));
	CU_ASSERT_EQUAL(p.transport[2].udp.hdr.src_port, 0xffff);
	CU_ASSERT_EQUAL(p.transport[2].udp.hdr.dst_port, 0);
	CU_ASSERT_PTR_EQUAL(p.items[2].last, &p.transport[1]);
	memset(&r, 0, sizeof(r));
	r.ethertype = 0x0806;
	r.protocol = -1;
	CU_ASSERT_TRUE_FATAL(weir_nic_pattern_make(&r, false, &p));
	CU_ASSERT_EQUAL(p.eth[0].type, rte_cpu_to_be_16(0x0806));
	CU_ASSERT_EQUAL(p.items[1].type, RTE_FLOW_ITEM_TYPE_END);
	memset(&r, 0, sizeof(r));
	r.version = 6;
	r.protocol = 50; /* has no item */
	CU_ASSERT_FALSE(weir_nic_pattern_make(&r, true, &p));
	r.networks[WEIR_PORT_SRC] =
	    (struct weir_port_network){ { UINT64_C(0x20010db800000000), 0 }, 6, 29 };
	CU_ASSERT_TRUE_FATAL(weir_nic_pattern_make(&r, false, &p));
	CU_ASSERT_EQUAL(p.ip6[0].hdr.proto, 50);
	CU_ASSERT_EQUAL(memcmp(p.ip6[1].hdr.src_addr, "\xff\xff\xff\xf8\0", 5), 0);
	CU_ASSERT_EQUAL(memcmp(p.ip6[0].hdr.src_addr, "\x20\x01\x0d\xb8\0", 5), 0);
}

static void
test_plan(void)
{
	struct weir_port_rules r = { .n = 0 };
	struct weir_profile p;
	char text[WEIR_PORT_PLAN_BYTES];

	weir_profile_init(&p);
	CU_ASSERT_FALSE(weir_nic_plan(&p, &r, text, sizeof(text)));
	CHECK_TEXT(text, "nothing, for no profile says flow=yes of its driver");
	CU_ASSERT_EQUAL(weir_profile_override(&p, "flow=yes&flow_match=none", NULL), 0);
	CU_ASSERT_TRUE(weir_nic_plan(&p, &r, text, sizeof(text)));
	CHECK_TEXT(
	    text, "2 rules that drop what no query can use, for its driver to take or to refuse");
	r.wants_unusual = true;
	CU_ASSERT_FALSE(weir_nic_plan(&p, &r, text, sizeof(text)));
	r.wants_unusual = false;
	r.n = 1;
	weir_port_rule_all(&r.rules[0]);
	CU_ASSERT_FALSE(weir_nic_plan(&p, &r, text, sizeof(text)));
	CHECK_TEXT(text, "nothing, for tunnels are wanted, and its rules may look into them");
	weir_profile_init(&p);
	CU_ASSERT_EQUAL(weir_profile_override(&p, "flow=yes&flow_match=outermost", NULL), 0);
	CU_ASSERT_FALSE(weir_nic_plan(&p, &r, text, sizeof(text)));
	CHECK_TEXT(text, "nothing, for no rule can be made of it");
	weir_profile_init(&p);
	CU_ASSERT_EQUAL(weir_profile_override(&p, "flow=no", NULL), 0);
	CU_ASSERT_FALSE(weir_nic_plan(&p, &r, text, sizeof(text)));
	CHECK_TEXT(text, "nothing, for flow=no as asked");
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "rules as text", test_text },
		{ "ranges that are refused", test_refused_ranges },
		{ "what is dropped is what nobody wants", test_complement },
		{ "more than there is room for", test_no_room },
		{ "patterns", test_patterns },
		{ "what would be offered", test_plan },
		CU_TEST_INFO_NULL,
	};

	return check_run("nic", tests);
}
