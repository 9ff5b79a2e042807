/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/packet/tunnel.h>

#include "number.h"
#include "walk.h"

#include <weir/base/poison.h> /* last */

/*
 * Into tunnels. Each open_*() reads the tunnel's header at the cursor, moves past it and tells what
 * follows: HEADER_NOT_IP where it carries no packet, HEADER_CUT where its bytes are not there, and
 * HEADER_NONE where UDP to its port is something else.
 */

uint32_t
decode_tunnel_of_port(uint16_t port)
{
	switch (port) {
	case PORT_VXLAN:
	case PORT_VXLAN_OLD:
		return WEIR_TUNNEL_VXLAN;
	case PORT_GENEVE:
		return WEIR_TUNNEL_GENEVE;
	case PORT_GTPU:
		return WEIR_TUNNEL_GTPU;
	case PORT_MPLS:
		return WEIR_TUNNEL_MPLS;
	default:
		return 0;
	}
}

static enum header
payload_of_type(uint16_t type)
{
	return type == ETHERTYPE_BRIDGING ? HEADER_ETHERNET : decode_link_ethertype(type);
}

/* Where less than n bytes are there: cut short by the capture, or too little for such a header. */
static enum header
cut_or_none(const struct walk *w, uint32_t n)
{
	return w->end > w->off && w->end - w->off >= n ? HEADER_CUT : HEADER_NONE;
}

/* RFC 7348, section 5: the flag that says that there is a network identifier must be set. */
static enum header
open_vxlan(struct walk *w)
{
	if (!walk_has(w, VXLAN_LEN))
		return cut_or_none(w, VXLAN_LEN);
	if (!(load_u8(walk_at(w)) & 0x08))
		return HEADER_NONE;
	w->off += VXLAN_LEN;
	return HEADER_ETHERNET;
}

/* RFC 8926, section 3.4. */
static enum header
open_geneve(struct walk *w)
{
	const uint8_t *p = walk_at(w);
	uint32_t len;

	if (!walk_has(w, GENEVE_LEN))
		return cut_or_none(w, GENEVE_LEN);
	if (p[0] >> 6 != 0) /* version */
		return HEADER_NONE;
	len = GENEVE_LEN + (uint32_t)(p[0] & 63) * 4;
	if (!walk_has(w, len))
		return HEADER_CUT;
	w->off += len;
	return payload_of_type(load_u16(p + 2));
}

/* 3GPP TS 29.281, section 5: user data (G-PDU) of version 1. The rest are GTP-U's own messages. */
static enum header
open_gtpu(struct walk *w)
{
	const uint8_t *p = walk_at(w);
	uint8_t next;

	if (!walk_has(w, GTPU_LEN))
		return cut_or_none(w, GTPU_LEN);
	if ((p[0] & 0xf0) != 0x30 || p[1] != 0xff)
		return HEADER_NONE;
	w->off += GTPU_LEN;
	walk_narrow(w, load_u16(p + 2));
	if (!(p[0] & 7))
		return HEADER_IP_ANY;
	if (!walk_has(w, 4))
		return HEADER_CUT;
	next = p[0] & 4 ? p[11] : 0;
	w->off += 4;
	for (unsigned i = 0; next; i++) {
		uint32_t len;

		if (!walk_has(w, 4))
			return HEADER_CUT;
		len = (uint32_t)load_u8(walk_at(w)) * 4;
		if (len == 0 || i == DECODE_GTPU_EXTS)
			return HEADER_NOT_IP;
		if (!walk_has(w, len))
			return HEADER_CUT;
		next = load_u8(walk_at(w) + len - 1);
		w->off += len;
	}
	return HEADER_IP_ANY;
}

/* draft-foschiano-erspan-03: of type I there is no header, II has 8 bytes. */
static enum header
open_erspan(struct walk *w, bool has_sequence)
{
	if (!has_sequence)
		return HEADER_ETHERNET;
	if (!walk_has(w, 8))
		return HEADER_CUT;
	if (load_u8(walk_at(w)) >> 4 != 1)
		return HEADER_NOT_IP;
	w->off += 8;
	return HEADER_ETHERNET;
}

/* Type III: 12 bytes, and 8 more where the last bit says so. The frame type is 0 for Ethernet. */
static enum header
open_erspan3(struct walk *w)
{
	const uint8_t *p = walk_at(w);
	uint32_t len;
	uint16_t frame;

	if (!walk_has(w, 12))
		return HEADER_CUT;
	frame = load_u16(p + 10);
	len = frame & 1 ? 20 : 12;
	if (!walk_has(w, len))
		return HEADER_CUT;
	w->off += len;
	switch (frame >> 10 & 31) {
	case 0:
		return HEADER_ETHERNET;
	case 2:
		return HEADER_IP_ANY;
	default:
		return HEADER_NOT_IP;
	}
}

/*
 * RFC 2784 with the key and sequence of RFC 2890, and version 1 of PPTP (RFC 2637), whose key
 * begins with the length of what it carries. Source routes (RFC 1701) are not walked.
 */
static enum header
open_gre(struct walk *w)
{
	enum {
		HAS_CHECKSUM = 0x8000,
		HAS_ROUTE = 0x4000,
		HAS_KEY = 0x2000,
		HAS_SEQUENCE = 0x1000,
		HAS_ACK = 0x0080, /* of version 1 */
	};
	const uint8_t *p = walk_at(w);
	uint32_t len = 4;
	uint16_t flags, type;

	if (!walk_has(w, len))
		return HEADER_CUT;
	flags = load_u16(p);
	type = load_u16(p + 2);
	if ((flags & 7) > 1 || flags & HAS_ROUTE)
		return HEADER_NOT_IP;
	if (flags & 1 && ((flags & (HAS_CHECKSUM | HAS_KEY)) != HAS_KEY || type != ETHERTYPE_PPP))
		return HEADER_NOT_IP;
	len += flags & HAS_CHECKSUM ? 4 : 0;
	len += flags & HAS_KEY ? 4 : 0;
	len += flags & HAS_SEQUENCE ? 4 : 0;
	len += flags & 1 && flags & HAS_ACK ? 4 : 0;
	if (!walk_has(w, len))
		return HEADER_CUT;
	w->off += len;
	if (flags & 1) {
		if (!(flags & HAS_SEQUENCE)) /* an acknowledgement alone */
			return HEADER_NOT_IP;
		walk_narrow(w, load_u16(p + 4));
	}
	switch (type) {
	case ETHERTYPE_PPP:
		return HEADER_PPP_HDLC;
	case ETHERTYPE_ERSPAN:
		return open_erspan(w, flags & HAS_SEQUENCE);
	case ETHERTYPE_ERSPAN3:
		return open_erspan3(w);
	default:
		return payload_of_type(type);
	}
}

static bool
is_known_type(const uint8_t *p)
{
	return decode_link_ethertype(load_u16(p)) != HEADER_NOT_IP;
}

/*
 * An Ethernet frame below labels (RFC 4448). Nothing says that it is one, nor whether a control
 * word stands in front. A control word begins with two bytes of 0, so that such is taken for one
 * unless a known EtherType stands where the frame without it has its own, and none where it would
 * have it with. Without two bytes of 0 that EtherType must be known.
 */
static enum header
open_pseudowire(struct walk *w)
{
	const uint8_t *p = walk_at(w);
	bool is_plain, has_word;

	if (!walk_has(w, ETHER_LEN))
		return HEADER_CUT;
	is_plain = is_known_type(p + 12);
	has_word = load_u16(p) == 0;
	if (has_word && is_plain)
		has_word = walk_has(w, 4 + ETHER_LEN) && is_known_type(p + 4 + 12);
	if (!has_word && !is_plain)
		return HEADER_NOT_IP;
	w->off += has_word ? 4 : 0;
	return HEADER_ETHERNET;
}

/* The cursor is before a whole UDP header. */
static enum header
open_udp(struct walk *w, uint32_t decap)
{
	const uint8_t *p = walk_at(w);
	uint16_t len = load_u16(p + 4);

	w->off += UDP_LEN;
	if (len >= UDP_LEN)
		walk_narrow(w, len - (uint32_t)UDP_LEN);
	switch (decode_tunnel_of_port(load_u16(p + 2)) & decap) {
	case WEIR_TUNNEL_VXLAN:
		return open_vxlan(w);
	case WEIR_TUNNEL_GENEVE:
		return open_geneve(w);
	case WEIR_TUNNEL_GTPU:
		return open_gtpu(w);
	case WEIR_TUNNEL_MPLS:
		return walk_has(w, 4) ? HEADER_MPLS : cut_or_none(w, 4);
	default:
		return HEADER_NONE;
	}
}

static enum header
open_tunnel(struct walk *w, uint32_t decap, unsigned reason, const struct layout *l)
{
	if (w->is_labelled)
		return decap & WEIR_TUNNEL_EOMPLS ? open_pseudowire(w) : HEADER_NONE;
	if (!w->is_carrying || reason != DECODE_OK)
		return HEADER_NONE;
	walk_narrow(w, l->l4_end > w->off ? l->l4_end - w->off : 0);
	switch (l->ip_proto) {
	case PROTO_IPIP:
		return decap & WEIR_TUNNEL_IPIP ? HEADER_IP_ANY : HEADER_NONE;
	case PROTO_IP6:
		return decap & WEIR_TUNNEL_6IN4 ? HEADER_IP6 : HEADER_NONE;
	case PROTO_GRE:
		return decap & WEIR_TUNNEL_GRE ? open_gre(w) : HEADER_NONE;
	case PROTO_MPLS:
		return decap & WEIR_TUNNEL_MPLS ? HEADER_MPLS : HEADER_NONE;
	case PROTO_UDP:
		return open_udp(w, decap);
	default:
		return HEADER_NONE;
	}
}

/*
 * What the inner packet takes over: link headers that it has not itself, and that it is not all
 * there where it rides in a first fragment.
 */
static void
inherit(struct layout *inner, const struct layout *outer)
{
	uint32_t missing =
	    outer->layers & ~inner->layers & (WEIR_LAYER_ETH | WEIR_LAYER_VLAN | WEIR_LAYER_MPLS);

	if (missing & WEIR_LAYER_ETH)
		inner->l2_off = outer->l2_off;
	if (missing & WEIR_LAYER_VLAN)
		inner->vlan_off = outer->vlan_off;
	if (missing & WEIR_LAYER_MPLS)
		inner->mpls_off = outer->mpls_off;
	inner->layers |= missing | (outer->layers & WEIR_LAYER_FRAG);
}

/* An IP header, or an ARP header as far as it has a field. */
static bool
has_arrived(const struct walk *w, const struct layout *l)
{
	return l->layers & WEIR_LAYER_IP || (l->layers & WEIR_LAYER_ARP && walk_has(w, 8));
}

/* Why a tunnel led to no network header. */
static unsigned
tunnel_reason(unsigned reason, const struct layout *l)
{
	if (l->layers & WEIR_LAYER_ARP)
		return WEIR_DECODE_TUNNEL_TRUNCATED;
	switch (reason) {
	case WEIR_DECODE_LINK_TRUNCATED:
	case WEIR_DECODE_IP_TRUNCATED:
		return WEIR_DECODE_TUNNEL_TRUNCATED;
	case WEIR_DECODE_LINK_DEPTH:
		return WEIR_DECODE_TUNNEL_DEPTH;
	default:
		return WEIR_DECODE_TUNNEL_NOT_IP;
	}
}

unsigned
decode_tunnels(struct walk *w, uint32_t decap, unsigned reason, struct layout *l)
{
	struct layout at = *l;
	unsigned why = reason;

	for (unsigned i = 0;; i++) {
		enum header h = open_tunnel(w, decap, why, &at);
		struct layout inner = { 0 };

		if (h == HEADER_NONE)
			return reason;
		if (i == DECODE_TUNNEL_DEPTH)
			return WEIR_DECODE_TUNNEL_DEPTH;
		w->is_carrying = w->is_labelled = false;
		why = decode_walk(h, w, &inner);
		inherit(&inner, &at);
		at = inner;
		if (has_arrived(w, &at)) {
			*l = at;
			reason = why;
		} else {
			reason = tunnel_reason(why, &at);
		}
	}
}
