/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_DECODE_WALK_H
#define WEIR_DECODE_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/decode/decode.h>

#include "load.h"

/*
 * Inside of decode: the layout of one packet, and the cursor that finds it. The public bounds are
 * in docs/decode.md.
 */

/* Tags, labels and nested link headers of one packet. */
#define DECODE_LINK_DEPTH 32
/* The IP header must begin before this byte, so that all offsets fit 16 bits. */
#define DECODE_LINK_BYTES 16384
/* IPv6 extension headers of one packet; a capture with 101 of them is known. */
#define DECODE_IPV6_EXTS 128
/* The transport header must begin before this byte, so that its offset fits 16 bits. */
#define DECODE_HEADER_BYTES 65536
/* Options of a hop-by-hop header that are looked at for the jumbo payload length. */
#define DECODE_IPV6_OPTS 32
/* Tunnels in each other. */
#define DECODE_TUNNEL_DEPTH 8
/* Extension headers of one GTP-U header. */
#define DECODE_GTPU_EXTS 16

/* Layers with which l4_off is set. */
#define DECODE_LAYERS_L4                                                                           \
	(WEIR_LAYER_TCP | WEIR_LAYER_UDP | WEIR_LAYER_SCTP | WEIR_LAYER_DCCP | WEIR_LAYER_ICMP)

/* Not a reason: the packet is decoded fully. */
#define DECODE_OK WEIR_N_DECODE_REASONS

/* One packet as a source hands it over. */
struct packet_view {
	const uint8_t *data;
	uint32_t cap_len;
	uint32_t wire_len;
	enum weir_link link;
	uint32_t decap; /* enum weir_tunnel */
};

/* What the arrays of struct weir_batch hold for one packet; offsets of absent layers are 0. */
struct layout {
	uint32_t layers;
	uint32_t ip_len;
	uint32_t l4_end;
	uint16_t l2_off;
	uint16_t vlan_off;
	uint16_t mpls_off;
	uint16_t l3_off;
	uint16_t frag_off;
	uint16_t l4_off;
	uint8_t ip_proto;
};

/* What the cursor stands before. */
enum header {
	HEADER_ETHERNET,
	HEADER_ETHERTYPE, /* payload of walk.type */
	HEADER_VLAN,
	HEADER_MPLS,
	HEADER_PPPOE,
	HEADER_PPP,      /* protocol number, perhaps compressed to one byte */
	HEADER_PPP_HDLC, /* address and control bytes, which PPP may leave out */
	HEADER_CHDLC,
	HEADER_LLC,
	HEADER_PBB,
	HEADER_FABRICPATH,
	HEADER_SLL,
	HEADER_SLL2,
	HEADER_NULL,
	HEADER_LOOP,
	HEADER_NFLOG,
	HEADER_IP_ANY, /* version by the first nibble */
	HEADER_IP4,
	HEADER_IP6,
	HEADER_ARP,
	HEADER_NOT_IP,
	HEADER_CUT,  /* captured bytes end in a link header */
	HEADER_NONE, /* no tunnel, or none that is asked for */
};

/* A bounded cursor: off never passes cap, and nothing at or past cap is read. */
struct walk {
	const uint8_t *p; /* first byte of the packet */
	uint32_t cap;     /* captured bytes */
	uint32_t off;     /* where the next header begins */
	uint32_t end;     /* first byte past the frame's payload on the wire */
	uint16_t type;    /* of HEADER_ETHERTYPE */
	bool is_carrying; /* off is where what rides on IP begins */
	bool is_labelled; /* off is behind the last label, and no IP begins there */
};

static inline bool
walk_has(const struct walk *w, uint32_t n)
{
	return w->cap - w->off >= n;
}

static inline const uint8_t *
walk_at(const struct walk *w)
{
	return w->p + w->off;
}

/* The next n bytes are all that the headers so far leave; what is behind them is padding. */
static inline void
walk_narrow(struct walk *w, uint32_t n)
{
	if (w->end > w->off && w->end - w->off > n)
		w->end = w->off + n;
	if (w->cap - w->off > n)
		w->cap = w->off + n;
}

/* Each reads the header before the cursor, moves past it and tells what follows. */
enum header decode_link_ethernet(struct walk *w, struct layout *l);
enum header decode_link_ethertype(uint16_t type);
enum header decode_link_vlan(struct walk *w, struct layout *l);
enum header decode_link_mpls(struct walk *w, struct layout *l);
enum header decode_link_llc(struct walk *w);
enum header decode_link_pbb(struct walk *w);
enum header decode_link_fabricpath(struct walk *w, struct layout *l);
enum header decode_link_pppoe(struct walk *w);
enum header decode_link_ppp(struct walk *w);
enum header decode_link_ppp_hdlc(struct walk *w);
enum header decode_link_chdlc(struct walk *w);
enum header decode_link_sll(struct walk *w);
enum header decode_link_sll2(struct walk *w);
enum header decode_link_null(struct walk *w);
enum header decode_link_loop(struct walk *w);
enum header decode_link_nflog(struct walk *w);

/* The rest of the packet from its IP header on: a reason or DECODE_OK. */
unsigned decode_ip4(struct walk *w, struct layout *l);
unsigned decode_ip6(struct walk *w, struct layout *l);
unsigned decode_transport(struct walk *w, struct layout *l);

/* From one header to the end: a reason or DECODE_OK. */
unsigned decode_walk(enum header h, struct walk *w, struct layout *l);

/* Tunnels that UDP to this port may be: enum weir_tunnel. */
uint32_t decode_tunnel_of_port(uint16_t port);
/*
 * On from where decode_walk() ended with reason, into the tunnels of decap: the layout of the
 * innermost packet that is reached, and its reason.
 */
unsigned decode_tunnels(struct walk *w, uint32_t decap, unsigned reason, struct layout *l);

/* The general way, for any packet: a reason or DECODE_OK. */
unsigned decode_layout_walk(const struct packet_view *v, struct layout *ret_layout);
/* The same for the common packets alone; false, and nothing of use in ret_layout, for the others.
 */
bool decode_layout_fast(const struct packet_view *v, struct layout *ret_layout);

#endif
