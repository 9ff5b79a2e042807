/* SPDX-License-Identifier: BSD-3-Clause */
#include "number.h"
#include "walk.h"

#include <weir/base/poison.h> /* last */

/*
 * Ethernet and what may stand between it and IP. The standard way to use these: see
 * decode_layout_walk(), which also bounds their number.
 */

enum header
decode_link_ethertype(uint16_t type)
{
	switch (type) {
	case ETHERTYPE_IP4:
		return HEADER_IP4;
	case ETHERTYPE_IP6:
		return HEADER_IP6;
	case ETHERTYPE_ARP:
	case ETHERTYPE_RARP:
		return HEADER_ARP;
	case ETHERTYPE_VLAN:
	case ETHERTYPE_QINQ:
	case ETHERTYPE_QINQ_OLD:
	case ETHERTYPE_QINQ_OLD2:
	case ETHERTYPE_QINQ_OLD3:
		return HEADER_VLAN;
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MCAST:
		return HEADER_MPLS;
	case ETHERTYPE_PPPOE_SESSION:
		return HEADER_PPPOE;
	case ETHERTYPE_PBB:
		return HEADER_PBB;
	case ETHERTYPE_FABRICPATH:
		return HEADER_FABRICPATH;
	default:
		return HEADER_NOT_IP;
	}
}

/*
 * What follows a type or length field that ends at the cursor. A length says how much of the frame
 * is its payload; the rest is padding.
 */
static enum header
type_or_length(struct walk *w, uint16_t type)
{
	if (type >= ETHERTYPE_MIN)
		return decode_link_ethertype(type);
	if (type == 0 || type > ETHER_LENGTH_MAX)
		return HEADER_NOT_IP;
	walk_narrow(w, type);
	return HEADER_LLC;
}

enum header
decode_link_ethernet(struct walk *w, struct layout *l)
{
	uint16_t type;

	if (!walk_has(w, ETHER_LEN))
		return HEADER_CUT;
	if (!(l->layers & WEIR_LAYER_ETH)) {
		l->layers |= WEIR_LAYER_ETH;
		l->l2_off = (uint16_t)w->off;
	}
	type = load_u16(walk_at(w) + 12);
	w->off += ETHER_LEN;
	return type_or_length(w, type);
}

/* The cursor is behind the tag's EtherType. The tag counts once its control information is there.
 */
enum header
decode_link_vlan(struct walk *w, struct layout *l)
{
	uint16_t type;

	if (walk_has(w, 2) && !(l->layers & WEIR_LAYER_VLAN)) {
		l->layers |= WEIR_LAYER_VLAN;
		l->vlan_off = (uint16_t)w->off;
	}
	if (!walk_has(w, 4))
		return HEADER_CUT;
	type = load_u16(walk_at(w) + 2);
	w->off += 4;
	return type_or_length(w, type);
}

/*
 * One label (RFC 3032). The label stack does not say what it carries: a first nibble of 4 or 6 is
 * taken for IP, as routers do for load balancing (RFC 4928); all else may be a pseudo-wire.
 */
enum header
decode_link_mpls(struct walk *w, struct layout *l)
{
	uint32_t entry;

	if (!walk_has(w, 4))
		return HEADER_CUT;
	if (!(l->layers & WEIR_LAYER_MPLS)) {
		l->layers |= WEIR_LAYER_MPLS;
		l->mpls_off = (uint16_t)w->off;
	}
	entry = load_u32(walk_at(w));
	w->off += 4;
	if (!(entry & 0x100)) /* not the bottom of the stack */
		return HEADER_MPLS;
	if (!walk_has(w, 1))
		return HEADER_CUT;
	switch (load_u8(walk_at(w)) >> 4) {
	case 4:
		return HEADER_IP4;
	case 6:
		return HEADER_IP6;
	default:
		w->is_labelled = true;
		return HEADER_NOT_IP;
	}
}

/* 802.2: SNAP with an EtherType (RFC 1042, and 802.1H), or IP's own access point. */
enum header
decode_link_llc(struct walk *w)
{
	const uint8_t *p = walk_at(w);
	uint32_t oui;
	uint16_t type;

	if (!walk_has(w, 3))
		return HEADER_CUT;
	if (p[0] == 0x06 && p[2] == 0x03) {
		w->off += 3;
		return HEADER_IP4;
	}
	if (p[0] != 0xaa || p[1] != 0xaa || p[2] != 0x03)
		return HEADER_NOT_IP;
	if (!walk_has(w, 8))
		return HEADER_CUT;
	oui = load_u32(p + 2) & 0xffffff;
	type = load_u16(p + 6);
	w->off += 8;
	if (oui == 0x000000 || oui == 0x0000f8)
		return decode_link_ethertype(type);
	return HEADER_NOT_IP;
}

/* 802.1ah: service tag, customer addresses, and the customer's EtherType. */
enum header
decode_link_pbb(struct walk *w)
{
	uint16_t type;

	if (!walk_has(w, 4 + ETHER_LEN))
		return HEADER_CUT;
	type = load_u16(walk_at(w) + 4 + 12);
	w->off += 4 + ETHER_LEN;
	return type_or_length(w, type);
}

/*
 * Cisco FabricPath: what stands before its EtherType are switch numbers, not addresses, so that the
 * Ethernet header is the one behind the tag. A frame check sequence ends the frame, as in
 * Wireshark.
 */
enum header
decode_link_fabricpath(struct walk *w, struct layout *l)
{
	l->layers &= ~(uint32_t)WEIR_LAYER_ETH;
	l->l2_off = 0;
	if (!walk_has(w, 2))
		return HEADER_CUT;
	w->off += 2;
	if (w->end >= w->off + 4)
		walk_narrow(w, w->end - w->off - 4);
	return HEADER_ETHERNET;
}
