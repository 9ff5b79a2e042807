/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <rte_byteorder.h>

#include "nic_rules.h"

/* A rule in rte_flow's words: spec, last and mask of each header, outermost first. */

enum { ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58, SCTP = 132 };

static rte_be32_t
ip4_mask(unsigned prefix)
{
	return rte_cpu_to_be_32(prefix ? (uint32_t)~0u << (32 - prefix) : 0);
}

static void
put_ip6(uint8_t to[16], const struct weir_addr *a)
{
	for (unsigned i = 0; i < 16; i++)
		to[i] = (uint8_t)((i < 8 ? a->hi : a->lo) >> (56 - 8 * (i % 8)));
}

static void
put_ip6_mask(uint8_t to[16], unsigned prefix)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned bits = prefix < 8 * i ? 0 : prefix - 8 * i;

		to[i] = (uint8_t)(bits >= 8 ? 0xff : 0xff00u >> bits);
	}
}

static void
set_item(struct rte_flow_item *item, enum rte_flow_item_type type, const void *spec,
    const void *last, const void *mask)
{
	*item = (struct rte_flow_item){ .type = type, .spec = spec, .last = last, .mask = mask };
}

static void
set_ip4(const struct weir_nic_rule *r, bool has_protocol, struct weir_nic_pattern *p)
{
	const struct weir_port_network *n = r->networks;
	bool is_any = !has_protocol && !n[WEIR_PORT_SRC].prefix && !n[WEIR_PORT_DST].prefix;

	p->ip4[0].hdr.next_proto_id = has_protocol ? (uint8_t)r->protocol : 0;
	p->ip4[1].hdr.next_proto_id = has_protocol ? 0xff : 0;
	p->ip4[0].hdr.src_addr = rte_cpu_to_be_32((uint32_t)n[WEIR_PORT_SRC].addr.lo);
	p->ip4[1].hdr.src_addr = ip4_mask(n[WEIR_PORT_SRC].prefix);
	p->ip4[0].hdr.dst_addr = rte_cpu_to_be_32((uint32_t)n[WEIR_PORT_DST].addr.lo);
	p->ip4[1].hdr.dst_addr = ip4_mask(n[WEIR_PORT_DST].prefix);
	set_item(&p->items[1], RTE_FLOW_ITEM_TYPE_IPV4, is_any ? NULL : &p->ip4[0], NULL,
	    is_any ? NULL : &p->ip4[1]);
}

static void
set_ip6(const struct weir_nic_rule *r, bool has_protocol, struct weir_nic_pattern *p)
{
	const struct weir_port_network *n = r->networks;
	bool is_any = !has_protocol && !n[WEIR_PORT_SRC].prefix && !n[WEIR_PORT_DST].prefix;

	p->ip6[0].hdr.proto = has_protocol ? (uint8_t)r->protocol : 0;
	p->ip6[1].hdr.proto = has_protocol ? 0xff : 0;
	put_ip6(p->ip6[0].hdr.src_addr, &n[WEIR_PORT_SRC].addr);
	put_ip6_mask(p->ip6[1].hdr.src_addr, n[WEIR_PORT_SRC].prefix);
	put_ip6(p->ip6[0].hdr.dst_addr, &n[WEIR_PORT_DST].addr);
	put_ip6_mask(p->ip6[1].hdr.dst_addr, n[WEIR_PORT_DST].prefix);
	set_item(&p->items[1], RTE_FLOW_ITEM_TYPE_IPV6, is_any ? NULL : &p->ip6[0], NULL,
	    is_any ? NULL : &p->ip6[1]);
}

/* The item of a protocol; RTE_FLOW_ITEM_TYPE_END where there is none. */
static enum rte_flow_item_type
item_of(const struct weir_nic_rule *r)
{
	switch (r->protocol) {
	case TCP:
		return RTE_FLOW_ITEM_TYPE_TCP;
	case UDP:
		return RTE_FLOW_ITEM_TYPE_UDP;
	case SCTP:
		return RTE_FLOW_ITEM_TYPE_SCTP;
	case ICMP:
		return r->version == 4 ? RTE_FLOW_ITEM_TYPE_ICMP : RTE_FLOW_ITEM_TYPE_END;
	case ICMP6:
		return r->version == 6 ? RTE_FLOW_ITEM_TYPE_ICMP6 : RTE_FLOW_ITEM_TYPE_END;
	default:
		return RTE_FLOW_ITEM_TYPE_END;
	}
}

/* Source and destination are the first four bytes of all three headers. */
static void
set_ports(const struct weir_nic_rule *r, struct weir_nic_pattern *p)
{
	bool is_range = false;

	for (unsigned end = 0; end < WEIR_PORT_ENDS; end++) {
		const uint16_t values[3] = { r->ports[end].mask ? r->ports[end].first : 0,
			r->ports[end].mask ? r->ports[end].last : 0, r->ports[end].mask };

		is_range |= values[0] != values[1];
		for (unsigned i = 0; i < 3; i++) {
			rte_be16_t be = rte_cpu_to_be_16(values[i]);

			memcpy((uint8_t *)&p->transport[i] + end * sizeof(be), &be, sizeof(be));
		}
	}
	set_item(&p->items[2], item_of(r), &p->transport[0], is_range ? &p->transport[1] : NULL,
	    &p->transport[2]);
}

bool
weir_nic_pattern_make(const struct weir_nic_rule *r, bool by_item, struct weir_nic_pattern *p)
{
	bool has_ports = r->ports[WEIR_PORT_SRC].mask || r->ports[WEIR_PORT_DST].mask;
	bool has_item = has_ports || by_item;

	memset(p, 0, sizeof(*p));
	set_item(&p->items[0], RTE_FLOW_ITEM_TYPE_ETH, NULL, NULL, NULL);
	set_item(&p->items[1], RTE_FLOW_ITEM_TYPE_END, NULL, NULL, NULL);
	set_item(&p->items[2], RTE_FLOW_ITEM_TYPE_END, NULL, NULL, NULL);
	set_item(&p->items[3], RTE_FLOW_ITEM_TYPE_END, NULL, NULL, NULL);
	if (by_item && (r->protocol < 0 || has_ports || item_of(r) == RTE_FLOW_ITEM_TYPE_END))
		return false;
	if (r->ethertype) {
		p->eth[0].type = rte_cpu_to_be_16(r->ethertype);
		p->eth[1].type = 0xffff;
		set_item(&p->items[0], RTE_FLOW_ITEM_TYPE_ETH, &p->eth[0], NULL, &p->eth[1]);
		return true;
	}
	if (r->version == 4)
		set_ip4(r, r->protocol >= 0 && !has_item, p);
	else
		set_ip6(r, r->protocol >= 0 && !has_item, p);
	if (has_ports)
		set_ports(r, p);
	else if (by_item)
		set_item(&p->items[2], item_of(r), NULL, NULL, NULL);
	return true;
}
