/* SPDX-License-Identifier: BSD-3-Clause */
#include "number.h"
#include "walk.h"

#include <weir/base/poison.h> /* last */

/* PPP, Cisco HDLC, and the headers that a host's own capture puts in front: cooked, loopback,
 * NFLOG. */

/* RFC 2516, section 4: version and type, code, session, length. The code is not looked at. */
enum header
decode_link_pppoe(struct walk *w)
{
	uint16_t len;

	if (!walk_has(w, 6))
		return HEADER_CUT;
	len = load_u16(walk_at(w) + 4);
	w->off += 6;
	walk_narrow(w, len);
	return HEADER_PPP;
}

/* RFC 1661: the protocol number's first byte is even and its last odd, so 1 byte may stand for 2.
 */
enum header
decode_link_ppp(struct walk *w)
{
	uint16_t proto;

	if (!walk_has(w, 1))
		return HEADER_CUT;
	proto = load_u8(walk_at(w));
	w->off++;
	if (!(proto & 1)) {
		if (!walk_has(w, 1))
			return HEADER_CUT;
		proto = (uint16_t)(proto << 8 | load_u8(walk_at(w)));
		w->off++;
	}
	switch (proto) {
	case PPP_IP4:
		return HEADER_IP4;
	case PPP_IP6:
		return HEADER_IP6;
	case PPP_MPLS:
	case PPP_MPLS_MCAST:
		return HEADER_MPLS;
	default:
		return HEADER_NOT_IP;
	}
}

/* The address byte tells PPP (RFC 1662) from Cisco HDLC (RFC 1547, 4.3.1), or was left out. */
enum header
decode_link_ppp_hdlc(struct walk *w)
{
	if (!walk_has(w, 1))
		return HEADER_CUT;
	switch (load_u8(walk_at(w))) {
	case 0x0f: /* unicast */
	case 0x8f: /* broadcast */
		return HEADER_CHDLC;
	case 0xff:
		if (!walk_has(w, 2))
			return HEADER_CUT;
		w->off += 2;
		return HEADER_PPP;
	case 0x11: /* version and type of PPPoE (LINKTYPE_PPP_ETHER); no PPP protocol begins so */
		return HEADER_PPPOE;
	default:
		return HEADER_PPP;
	}
}

enum header
decode_link_chdlc(struct walk *w)
{
	uint16_t type;

	if (!walk_has(w, 4))
		return HEADER_CUT;
	type = load_u16(walk_at(w) + 2);
	w->off += 4;
	/* 0x8035 is Cisco's SLARP here, not RARP */
	return type == ETHERTYPE_RARP ? HEADER_NOT_IP : decode_link_ethertype(type);
}

/* Cooked captures: the protocol field is an EtherType only for device types that have such. */
static enum header
cooked(uint16_t arphrd, uint16_t protocol)
{
	enum {
		ARPHRD_NETLINK_ = 824,
		PROTOCOL_LLC = 4,
	};

	if (arphrd == ARPHRD_NETLINK_)
		return HEADER_NOT_IP;
	return protocol == PROTOCOL_LLC ? HEADER_LLC : decode_link_ethertype(protocol);
}

/* LINKTYPE_LINUX_SLL: packet type, device type, address length, address, protocol. */
enum header
decode_link_sll(struct walk *w)
{
	const uint8_t *p = walk_at(w);

	if (!walk_has(w, 16))
		return HEADER_CUT;
	w->off += 16;
	return cooked(load_u16(p + 2), load_u16(p + 14));
}

/* LINKTYPE_LINUX_SLL2: protocol, 0, interface, device type, packet type, address length, address.
 */
enum header
decode_link_sll2(struct walk *w)
{
	const uint8_t *p = walk_at(w);

	if (!walk_has(w, 20))
		return HEADER_CUT;
	w->off += 20;
	return cooked(load_u16(p + 8), load_u16(p));
}

/*
 * An address family. AF_INET is 2 everywhere, AF_INET6 is each system's own: 24 NetBSD and OpenBSD,
 * 28 FreeBSD, 30 macOS, 10 Linux.
 */
static enum header
family(uint32_t number)
{
	switch (number) {
	case 2:
		return HEADER_IP4;
	case 10:
	case 24:
	case 28:
	case 30:
		return HEADER_IP6;
	default:
		return HEADER_NOT_IP;
	}
}

/* LINKTYPE_LOOP: a family in network order. */
enum header
decode_link_loop(struct walk *w)
{
	uint32_t number;

	if (!walk_has(w, 4))
		return HEADER_CUT;
	number = load_u32(walk_at(w));
	w->off += 4;
	return family(number);
}

/*
 * LINKTYPE_NULL: a family in the capturing host's order, which may hold it in the first two bytes
 * alone; some writers put an EtherType there. The same guesses as Wireshark's.
 */
enum header
decode_link_null(struct walk *w)
{
	uint32_t be, le, number;

	if (!walk_has(w, 4))
		return HEADER_CUT;
	be = load_u32(walk_at(w));
	le = __builtin_bswap32(be);
	w->off += 4;
	if (le >> 16 == 0)
		number = le & 0xff || le >= 0x600 ? le : le >> 8;
	else
		number = le < 0x60000 ? le >> 16 : be;
	return number > ETHER_LENGTH_MAX ? decode_link_ethertype((uint16_t)number) : family(number);
}

/* What an NFLOG payload is: by the EtherType that the packet came with, else by the family. */
static enum header
nflog_payload(uint8_t netfilter_family, uint16_t ethertype)
{
	if (ethertype)
		return decode_link_ethertype(ethertype);
	return netfilter_family == 2    ? HEADER_IP4
	       : netfilter_family == 10 ? HEADER_IP6
					: HEADER_NOT_IP;
}

/*
 * LINKTYPE_NFLOG: family, version, resource, then records of length, type, value, padded to 4
 * bytes. Lengths and types are in host order: libpcap swaps them where the file is of another.
 */
enum header
decode_link_nflog(struct walk *w)
{
	enum {
		RECORD_PACKET_HDR = 1,
		RECORD_PAYLOAD = 9,
	};
	uint16_t ethertype = 0;
	uint8_t netfilter_family;

	if (!walk_has(w, 4))
		return HEADER_CUT;
	netfilter_family = load_u8(walk_at(w));
	w->off += 4;
	for (unsigned i = 0; i < DECODE_LINK_DEPTH; i++) {
		uint32_t len, padded;
		uint16_t type;

		if (!walk_has(w, 4))
			return HEADER_CUT;
		len = load_host_u16(walk_at(w));
		type = load_host_u16(walk_at(w) + 2) & 0x7fff;
		if (len < 4)
			return HEADER_NOT_IP;
		if (type == RECORD_PAYLOAD) {
			w->off += 4;
			walk_narrow(w, len - 4);
			return nflog_payload(netfilter_family, ethertype);
		}
		padded = (len + 3) & ~UINT32_C(3);
		if (!walk_has(w, padded))
			return HEADER_CUT;
		if (type == RECORD_PACKET_HDR && len >= 6)
			ethertype = load_u16(walk_at(w) + 4);
		w->off += padded;
	}
	return HEADER_NOT_IP;
}
