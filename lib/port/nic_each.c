/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <rte_common.h>

#include "nic_rules.h"

/* Boxes as rules that a NIC may take, and those as text. */

enum { TCP = 6, UDP = 17, SCTP = 132 };

/* What is never IP, nor has IP behind it, as the XDP program has it: ARP, RARP, LLDP, 802.1X, LACP,
 * loopback tests. */
static const uint16_t ethertypes[] = { 0x0806, 0x8035, 0x88cc, 0x888e, 0x8809, 0x9000 };

/*
 * Protocols that there may be much of. Extension headers of IPv6 are none of them, of either
 * version: a NIC may take them for the protocol, where decode goes on to the next.
 */
static const uint8_t protocols[] = { TCP, UDP, 1, 58, SCTP, 47, 50, 2, 4, 41, 89, 103, 112 };

static const uint8_t extensions[] = { 0, 43, 44, 51, 60, 135, 139, 140 };

/* What a NIC may have looked into when it says what a packet is. */
static const uint8_t tunnels[] = { 4, 41, 47 };

struct offers {
	weir_nic_offer offer;
	void *arg;
	uint64_t match;
	unsigned n, most; /* taken */
	bool is_all;
	bool wants_extensions;
};

static bool
is_any(const struct weir_port_range *r)
{
	return r->first == 0 && r->last == 65535;
}

static bool
take(struct offers *o, const struct weir_nic_rule *r)
{
	bool is_taken;

	if (o->n == o->most) {
		o->is_all = false;
		return true; /* nor would any other way be */
	}
	is_taken = o->offer(o->arg, r);
	o->n += is_taken;
	return is_taken;
}

/* The widest power of two of ports that begins at first and does not go beyond last. */
static uint16_t
mask_of(unsigned first, unsigned last, unsigned *ret_next)
{
	unsigned size = 1;

	while (size < 65536 && !(first & (2 * size - 1)) && first + 2 * size - 1 <= last)
		size *= 2;
	*ret_next = first + size;
	return (uint16_t) ~(size - 1);
}

/* One rule for each pair of masks that the ranges fall into. */
static void
take_masks(struct offers *o, const struct weir_nic_box *box, struct weir_nic_rule *r)
{
	const struct weir_port_range *src = &box->ports[WEIR_PORT_SRC],
				     *dst = &box->ports[WEIR_PORT_DST];

	for (unsigned s = src->first, next_s; s <= src->last; s = next_s) {
		r->ports[WEIR_PORT_SRC].mask = mask_of(s, src->last, &next_s);
		r->ports[WEIR_PORT_SRC].first = r->ports[WEIR_PORT_SRC].last = (uint16_t)s;
		for (unsigned d = dst->first, next_d; d <= dst->last; d = next_d) {
			r->ports[WEIR_PORT_DST].mask = mask_of(d, dst->last, &next_d);
			r->ports[WEIR_PORT_DST].first = r->ports[WEIR_PORT_DST].last = (uint16_t)d;
			take(o, r);
		}
	}
}

static void
take_ports(struct offers *o, const struct weir_nic_box *box, struct weir_nic_rule *r)
{
	for (unsigned end = 0; end < WEIR_PORT_ENDS; end++) {
		r->ports[end].first = box->ports[end].first;
		r->ports[end].last = box->ports[end].last;
		r->ports[end].mask = is_any(&box->ports[end]) ? 0 : 0xffff;
	}
	if (o->match & WEIR_NIC_RANGES && take(o, r))
		return;
	if (o->match & WEIR_NIC_MASKS)
		take_masks(o, box, r);
	else if (!(o->match & WEIR_NIC_RANGES))
		o->is_all = false;
}

static bool
has_ports(const struct weir_nic_box *box)
{
	return !is_any(&box->ports[WEIR_PORT_SRC]) || !is_any(&box->ports[WEIR_PORT_DST]);
}

static bool
has_protocol(const uint64_t set[4], unsigned protocol)
{
	return set[protocol / 64] >> (protocol % 64) & 1;
}

static void
take_protocol(struct offers *o, const struct weir_nic_box *box, int protocol)
{
	struct weir_nic_rule r = { .version = box->version, .protocol = protocol };

	memcpy(r.networks, box->networks, sizeof(r.networks));
	if (!has_ports(box))
		take(o, &r);
	else if (protocol == TCP || protocol == UDP || protocol == SCTP)
		take_ports(o, box, &r);
}

/*
 * Where extension headers are cut short, decode takes the number of one for the protocol, and a NIC
 * may take what stands behind it. Is such a packet unwanted, too?
 */
static bool
is_safe(const struct offers *o, const struct weir_nic_box *box)
{
	bool has_all = !has_ports(box);

	for (unsigned i = 0; i < RTE_DIM(extensions); i++)
		has_all &= has_protocol(box->protocols, extensions[i]);
	return box->version == 4 || has_all || !o->wants_extensions;
}

static void
take_box(struct offers *o, const struct weir_nic_box *box)
{
	bool has_networks =
	    box->networks[WEIR_PORT_SRC].prefix || box->networks[WEIR_PORT_DST].prefix;
	bool is_any_protocol = !has_ports(box);

	for (unsigned w = 0; w < 4; w++)
		is_any_protocol &= box->protocols[w] == ~UINT64_C(0);
	if ((has_networks && !(o->match & WEIR_NIC_NETWORKS)) ||
	    (!is_any_protocol && (!(o->match & WEIR_NIC_PROTOCOLS) || !is_safe(o, box)))) {
		o->is_all = false;
		return;
	}
	if (is_any_protocol) {
		take_protocol(o, box, -1);
		return;
	}
	for (unsigned i = 0; i < RTE_DIM(protocols); i++)
		if (has_protocol(box->protocols, protocols[i]))
			take_protocol(o, box, protocols[i]);
}

/* Is any of these protocols wanted, of one of the versions? */
static bool
wants_any(const struct weir_port_rules *r, unsigned versions, const uint8_t *list, unsigned n)
{
	for (unsigned i = 0; i < r->n; i++)
		for (unsigned k = 0; k < n; k++)
			if (r->rules[i].versions & versions &&
			    weir_port_rule_has_protocol(&r->rules[i], list[k]))
				return true;
	return false;
}

const char *
weir_nic_obstacle(const struct weir_port_rules *r, uint64_t match)
{
	if (r->wants_unusual)
		return "--filter may want what is not plain IP, which no rule tells apart";
	if (!(match & WEIR_NIC_OUTERMOST) && wants_any(r, WEIR_PORT_IP, tunnels, RTE_DIM(tunnels)))
		return "tunnels are wanted, and its rules may look into them";
	return NULL;
}

bool
weir_nic_each(
    const struct weir_port_rules *r, uint64_t match, unsigned most, weir_nic_offer offer, void *arg)
{
	struct offers o = { offer, arg, match, 0, most, true };
	struct weir_nic_box boxes[WEIR_NIC_BOXES];
	bool is_all;
	unsigned n = weir_nic_boxes(r, boxes, WEIR_NIC_BOXES, &is_all);

	if (weir_nic_obstacle(r, match))
		return false;
	o.wants_extensions = wants_any(r, WEIR_PORT_IP6, extensions, RTE_DIM(extensions));
	for (unsigned i = 0; i < n; i++)
		take_box(&o, &boxes[i]);
	for (unsigned i = 0; i < RTE_DIM(ethertypes) && match & WEIR_NIC_ETHERTYPES; i++)
		take(&o, &(struct weir_nic_rule){ .ethertype = ethertypes[i], .protocol = -1 });
	return is_all && o.is_all;
}

void
weir_nic_rule_text(const struct weir_nic_rule *r, struct weir_strbuf *out)
{
	static const char *const port[] = { "srcport", "dstport" };
	static const char *const address[] = { "ip.src", "ip.dst" };
	char text[64];

	if (r->ethertype) {
		weir_strbuf_printf(out, "EtherType 0x%04x", r->ethertype);
		return;
	}
	weir_strbuf_printf(out, "IPv%u", r->version);
	if (r->protocol >= 0)
		weir_strbuf_printf(out, " protocol %d", r->protocol);
	for (unsigned end = 0; end < WEIR_PORT_ENDS; end++) {
		const struct weir_port_network *n = &r->networks[end];
		unsigned last = r->ports[end].last | (uint16_t)~r->ports[end].mask;

		if (n->prefix) {
			weir_ip_text(&n->addr, n->version, text, sizeof(text));
			weir_strbuf_printf(out, " %s %s/%u", address[end], text, n->prefix);
		}
		if (r->ports[end].mask && r->ports[end].first == last)
			weir_strbuf_printf(out, " %s %u", port[end], last);
		else if (r->ports[end].mask)
			weir_strbuf_printf(out, " %s %u..%u", port[end], r->ports[end].first, last);
	}
}
