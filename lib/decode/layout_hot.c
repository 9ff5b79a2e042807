/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/packet/tunnel.h>

#include "number.h"
#include "walk.h"

#include <weir/base/poison.h> /* last */

/* From the first byte of a packet to its layout: the general walk and the lane for common packets.
 */

static enum header
first_header(enum weir_link link)
{
	switch (link) {
	case WEIR_LINK_ETHERNET:
		return HEADER_ETHERNET;
	case WEIR_LINK_RAW_IP:
		return HEADER_IP_ANY;
	case WEIR_LINK_SLL:
		return HEADER_SLL;
	case WEIR_LINK_SLL2:
		return HEADER_SLL2;
	case WEIR_LINK_NULL:
		return HEADER_NULL;
	case WEIR_LINK_LOOP:
		return HEADER_LOOP;
	case WEIR_LINK_PPP:
		return HEADER_PPP_HDLC;
	case WEIR_LINK_CHDLC:
		return HEADER_CHDLC;
	case WEIR_LINK_NFLOG:
		return HEADER_NFLOG;
	default:
		return HEADER_NOT_IP;
	}
}

/* Past one link header, to what follows it. */
static enum header
step(enum header h, struct walk *w, struct layout *l)
{
	switch (h) {
	case HEADER_ETHERNET:
		return decode_link_ethernet(w, l);
	case HEADER_VLAN:
		return decode_link_vlan(w, l);
	case HEADER_MPLS:
		return decode_link_mpls(w, l);
	case HEADER_LLC:
		return decode_link_llc(w);
	case HEADER_PBB:
		return decode_link_pbb(w);
	case HEADER_FABRICPATH:
		return decode_link_fabricpath(w, l);
	case HEADER_PPPOE:
		return decode_link_pppoe(w);
	case HEADER_PPP:
		return decode_link_ppp(w);
	case HEADER_PPP_HDLC:
		return decode_link_ppp_hdlc(w);
	case HEADER_CHDLC:
		return decode_link_chdlc(w);
	case HEADER_SLL:
		return decode_link_sll(w);
	case HEADER_SLL2:
		return decode_link_sll2(w);
	case HEADER_NULL:
		return decode_link_null(w);
	case HEADER_LOOP:
		return decode_link_loop(w);
	case HEADER_NFLOG:
		return decode_link_nflog(w);
	default:
		return HEADER_NOT_IP;
	}
}

static unsigned
ip_any(struct walk *w, struct layout *l)
{
	if (!walk_has(w, 1))
		return WEIR_DECODE_IP_TRUNCATED;
	switch (load_u8(walk_at(w)) >> 4) {
	case 4:
		return decode_ip4(w, l);
	case 6:
		return decode_ip6(w, l);
	default:
		return WEIR_DECODE_IP_VERSION;
	}
}

unsigned
decode_walk(enum header h, struct walk *w, struct layout *l)
{
	for (unsigned i = 0; i <= DECODE_LINK_DEPTH && w->off < DECODE_LINK_BYTES; i++) {
		switch (h) {
		case HEADER_IP_ANY:
			return ip_any(w, l);
		case HEADER_IP4:
			return decode_ip4(w, l);
		case HEADER_IP6:
			return decode_ip6(w, l);
		case HEADER_ARP:
			l->layers |= WEIR_LAYER_ARP;
			l->l3_off = (uint16_t)w->off;
			return WEIR_DECODE_NOT_IP;
		case HEADER_NOT_IP:
			return WEIR_DECODE_NOT_IP;
		case HEADER_CUT:
			return WEIR_DECODE_LINK_TRUNCATED;
		default:
			h = step(h, w, l);
			break;
		}
	}
	return WEIR_DECODE_LINK_DEPTH;
}

unsigned
decode_layout_walk(const struct packet_view *v, struct layout *ret_layout)
{
	struct walk w = { .p = v->data, .cap = v->cap_len, .end = v->wire_len };
	struct layout *l = ret_layout;
	unsigned reason;

	*l = (struct layout){ 0 };
	if (v->link == WEIR_LINK_UNKNOWN || v->link >= WEIR_N_LINKS)
		return WEIR_DECODE_LINK_TYPE;
	if (v->link == WEIR_LINK_TEXT) {
		l->layers = WEIR_LAYER_TEXT;
		return DECODE_OK;
	}
	reason = decode_walk(first_header(v->link), &w, l);
	return v->decap ? decode_tunnels(&w, v->decap, reason, l) : reason;
}

/* IP header without options or extensions, no fragment: its length, or 0 for all others. */
static inline uint32_t
fast_ip(const uint8_t *p, uint32_t cap, uint16_t type, struct layout *l)
{
	if (type == ETHERTYPE_IP4 && cap >= IP4_LEN && p[0] == 0x45 &&
	    !(load_u16(p + 6) & 0x3fff)) {
		l->layers |= WEIR_LAYER_IP4;
		l->ip_proto = p[9];
		l->ip_len = load_u16(p + 2);
		return IP4_LEN;
	}
	if (type == ETHERTYPE_IP6 && cap >= IP6_LEN && p[0] >> 4 == 6 && load_u16(p + 4)) {
		l->layers |= WEIR_LAYER_IP6;
		l->ip_proto = p[6];
		l->ip_len = IP6_LEN + load_u16(p + 4);
		return IP6_LEN;
	}
	return 0;
}

/* The whole TCP or UDP header in avail bytes, with a length that can be. */
static inline bool
fast_transport(const uint8_t *p, uint32_t avail, struct layout *l)
{
	if (l->ip_proto == PROTO_TCP && avail >= TCP_LEN) {
		uint32_t len = (uint32_t)(p[12] >> 4) * 4;

		l->layers |= WEIR_LAYER_TCP | WEIR_LAYER_PORTS | WEIR_LAYER_PAYLOAD;
		return len >= TCP_LEN && len <= avail;
	}
	if (l->ip_proto == PROTO_UDP && avail >= UDP_LEN) {
		l->layers |= WEIR_LAYER_UDP | WEIR_LAYER_PORTS | WEIR_LAYER_PAYLOAD;
		return load_u16(p + 4) >= UDP_LEN;
	}
	return false;
}

/* Whether the payload of a packet that is laid out may be a tunnel that is to be walked into. */
static inline bool
is_tunnel(const struct packet_view *v, const struct layout *l)
{
	return (v->decap & WEIR_TUNNELS_UDP) && (l->layers & WEIR_LAYER_UDP) &&
	       (decode_tunnel_of_port(load_u16(v->data + l->l4_off + 2)) & v->decap);
}

bool
decode_layout_fast(const struct packet_view *v, struct layout *ret_layout)
{
	struct layout *l = ret_layout;
	const uint8_t *p = v->data;
	uint32_t off = ETHER_LEN, ip_header, limit;
	uint16_t type;

	*l = (struct layout){ 0 };
	if (v->link != WEIR_LINK_ETHERNET || v->cap_len < ETHER_LEN + 4)
		return false;
	l->layers = WEIR_LAYER_ETH;
	type = load_u16(p + 12);
	if (type == ETHERTYPE_VLAN) {
		l->layers |= WEIR_LAYER_VLAN;
		l->vlan_off = ETHER_LEN;
		type = load_u16(p + ETHER_LEN + 2);
		off += 4;
	}
	ip_header = fast_ip(p + off, v->cap_len - off, type, l);
	if (!ip_header)
		return false;
	l->l3_off = (uint16_t)off;
	l->l4_end = off + l->ip_len < v->wire_len ? off + l->ip_len : v->wire_len;
	off += ip_header;
	l->l4_off = (uint16_t)off;
	limit = v->cap_len < l->l4_end ? v->cap_len : l->l4_end;
	return limit >= off && fast_transport(p + off, limit - off, l) && !is_tunnel(v, l);
}
