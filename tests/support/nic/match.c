/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "nic.h"

/* Does a packet match a pattern? */

struct cursor {
	const uint8_t *at, *end;
	enum nic_match how;
	uint16_t type;    /* of what comes next, before IP */
	uint8_t protocol; /* of what comes next, behind IP */
	bool is_later;    /* not the first fragment */
};

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool
has(const struct cursor *c, unsigned n)
{
	return c->end - c->at >= (int)n;
}

/* A field of bytes in network order: within spec and last under the mask. */
static bool
is_in(const struct rte_flow_item *item, const uint8_t *packet, unsigned offset, unsigned bytes)
{
	const uint8_t *spec = item->spec, *mask = item->mask;
	const uint8_t *last = item->last ? item->last : item->spec;
	uint8_t p[16], s[16], l[16];

	if (!spec || !mask)
		return true;
	for (unsigned i = 0; i < bytes; i++) {
		p[i] = packet[offset + i] & mask[offset + i];
		s[i] = spec[offset + i] & mask[offset + i];
		l[i] = last[offset + i] & mask[offset + i];
	}
	/* a last of 0 is none */
	for (unsigned i = 0; i < bytes; i++)
		if (l[i])
			return memcmp(p, s, bytes) >= 0 && memcmp(p, l, bytes) <= 0;
	return memcmp(p, s, bytes) == 0;
}

static bool
match_eth(const struct rte_flow_item *item, struct cursor *c)
{
	if (!has(c, 14) || !is_in(item, c->at, 0, 6) || !is_in(item, c->at, 6, 6) ||
	    !is_in(item, c->at, 12, 2))
		return false;
	c->type = get16(c->at + 12);
	c->at += 14;
	while (c->how == NIC_LAX && (c->type == 0x8100 || c->type == 0x88a8) && has(c, 4)) {
		c->type = get16(c->at + 2);
		c->at += 4;
	}
	return true;
}

static bool
match_ip4(const struct rte_flow_item *item, struct cursor *c)
{
	static const uint8_t fields[][2] = { { 0, 1 }, { 1, 1 }, { 2, 2 }, { 4, 2 }, { 6, 2 },
		{ 8, 1 }, { 9, 1 }, { 10, 2 }, { 12, 4 }, { 16, 4 } };
	const uint8_t *p = c->at;

	if (c->type != 0x0800 || !has(c, 20))
		return false;
	for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!is_in(item, p, fields[i][0], fields[i][1]))
			return false;
	c->protocol = p[9];
	c->is_later = get16(p + 6) & 0x1fff;
	c->at += has(c, (p[0] & 15) * 4u) ? (p[0] & 15) * 4 : c->end - c->at;
	return true;
}

static bool
match_ip6(const struct rte_flow_item *item, struct cursor *c)
{
	static const uint8_t fields[][2] = { { 0, 4 }, { 4, 2 }, { 6, 1 }, { 7, 1 }, { 8, 16 },
		{ 24, 16 } };
	uint8_t p[40];

	if (c->type != 0x86dd || !has(c, 40))
		return false;
	memcpy(p, c->at, sizeof(p));
	c->at += 40;
	while (c->how == NIC_LAX && (p[6] == 0 || p[6] == 43 || p[6] == 44 || p[6] == 60) &&
	       has(c, 8)) {
		unsigned len = p[6] == 44 ? 8 : 8 + c->at[1] * 8u;

		c->is_later |= p[6] == 44 && get16(c->at + 2) & 0xfff8;
		p[6] = c->at[0];
		c->at += has(c, len) ? (int)len : c->end - c->at;
		if (c->is_later)
			break;
	}
	c->protocol = p[6];
	for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!is_in(item, p, fields[i][0], fields[i][1]))
			return false;
	return true;
}

static bool
match_transport(const struct rte_flow_item *item, struct cursor *c, uint8_t protocol)
{
	if (c->protocol != protocol || (c->is_later && c->how == NIC_STRICT))
		return false;
	if (!item->spec)
		return true;
	return has(c, 4) && is_in(item, c->at, 0, 2) && is_in(item, c->at, 2, 2);
}

bool
nic_matches(
    const struct rte_flow_item *items, enum nic_match how, const uint8_t *data, uint32_t len)
{
	struct cursor c = { .at = data, .end = data + len, .how = how };

	for (; items->type != RTE_FLOW_ITEM_TYPE_END; items++) {
		bool is_match = false;

		if (items->type == RTE_FLOW_ITEM_TYPE_ETH)
			is_match = match_eth(items, &c);
		else if (items->type == RTE_FLOW_ITEM_TYPE_IPV4)
			is_match = match_ip4(items, &c);
		else if (items->type == RTE_FLOW_ITEM_TYPE_IPV6)
			is_match = match_ip6(items, &c);
		else if (items->type == RTE_FLOW_ITEM_TYPE_TCP)
			is_match = match_transport(items, &c, 6);
		else if (items->type == RTE_FLOW_ITEM_TYPE_UDP)
			is_match = match_transport(items, &c, 17);
		else if (items->type == RTE_FLOW_ITEM_TYPE_SCTP)
			is_match = match_transport(items, &c, 132);
		else if (items->type == RTE_FLOW_ITEM_TYPE_ICMP)
			is_match = match_transport(items, &c, 1);
		else if (items->type == RTE_FLOW_ITEM_TYPE_ICMP6)
			is_match = match_transport(items, &c, 58);
		if (!is_match)
			return false;
	}
	return true;
}

static bool
is_zero(const uint8_t *p, size_t begin, size_t end)
{
	for (size_t i = begin; i < end; i++)
		if (p[i])
			return false;
	return true;
}

/* Of an item, only so many first bytes of the mask are looked at. */
static const char *
refuses_item(const struct rte_flow_item *item, size_t looked_at, size_t size)
{
	if (!item->spec)
		return item->last || item->mask ? "a mask without anything to compare" : NULL;
	if (!item->mask)
		return "default masks are not known";
	return is_zero(item->mask, looked_at, size) ? NULL : "a field that is not looked at";
}

const char *
nic_refuses(const struct rte_flow_item *items)
{
	const char *why =
	    items->type == RTE_FLOW_ITEM_TYPE_ETH ? NULL : "does not begin with Ethernet";

	for (; !why && items->type != RTE_FLOW_ITEM_TYPE_END; items++)
		switch (items->type) {
		case RTE_FLOW_ITEM_TYPE_ETH:
			why = refuses_item(items, 14, sizeof(struct rte_flow_item_eth));
			break;
		case RTE_FLOW_ITEM_TYPE_IPV4:
			why = refuses_item(items, 20, sizeof(struct rte_flow_item_ipv4));
			break;
		case RTE_FLOW_ITEM_TYPE_IPV6:
			why = refuses_item(items, 40, sizeof(struct rte_flow_item_ipv6));
			break;
		case RTE_FLOW_ITEM_TYPE_TCP:
			why = refuses_item(items, 4, sizeof(struct rte_flow_item_tcp));
			break;
		case RTE_FLOW_ITEM_TYPE_UDP:
			why = refuses_item(items, 4, sizeof(struct rte_flow_item_udp));
			break;
		case RTE_FLOW_ITEM_TYPE_SCTP:
			why = refuses_item(items, 4, sizeof(struct rte_flow_item_sctp));
			break;
		case RTE_FLOW_ITEM_TYPE_ICMP:
		case RTE_FLOW_ITEM_TYPE_ICMP6:
			why = items->spec ? "a field that is not looked at" : NULL;
			break;
		default:
			why = "an unknown header";
		}
	return why;
}
