/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_WIRE_NET_H
#define WEIR_WIRE_NET_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/wire/wire.h>

/*
 * A host of its own on the port: Ethernet, ARP (RFC 826), IPv4 or IPv6 with neighbour discovery
 * (RFC 4861), ICMP echo, UDP. Functions of bytes alone, which trust none. Private to lib/wire.
 */

#define NET_HEAD_MOST (14u + 40u + 8u) /* in front of what UDP carries */
#define NET_ASK_BYTES 86u              /* the longest of what weir_net_ask writes */

/* In network order; IPv4 in the first four bytes, and 0 behind. */
struct net_addr {
	uint8_t b[16];
};

struct net_host {
	uint8_t version; /* 4 or 6 */
	uint8_t prefix_len;
	bool has_gw;
	uint8_t mac[6];
	uint16_t udp_port; /* host order */
	struct net_addr ip;
	struct net_addr gw;
};

/* Where a frame goes. */
struct net_route {
	struct net_addr ip;
	uint8_t mac[6]; /* of the next hop */
	uint16_t udp_port;
};

enum net_kind {
	NET_IGNORED,      /* not for us, or nothing that we speak */
	NET_BAD,          /* for us, and damaged */
	NET_FRAME,        /* UDP to our port: data and len are what it carries */
	NET_ARP_REQUEST,  /* for our address */
	NET_SOLICITATION, /* the same by ND; is_probe: of whoever wants to have our address */
	NET_NEIGHBOUR,    /* addr is at mac, said in answer to us */
	NET_ECHO,         /* data and len are the ICMP message */
};

struct net_seen {
	enum net_kind kind;
	bool is_probe;
	uint8_t mac[6];       /* of the sender of the Ethernet frame; of the neighbour */
	struct net_addr addr; /* the sender's; the neighbour's */
	uint32_t offset;      /* of data in the Ethernet frame */
	uint32_t len;
};

void weir_net_addr(const struct weir_wire_address *a, struct net_addr *ret);
/* Back again. */
void weir_net_address(const struct net_addr *a, uint8_t version, struct weir_wire_address *ret);
bool weir_net_is_same(const struct net_addr *a, const struct net_addr *b);
/* Is it on the link? */
bool weir_net_is_near(const struct net_host *h, const struct net_addr *a);

/* Look at an Ethernet frame that came, in one piece. */
void weir_net_see(const struct net_host *h, const uint8_t *p, uint32_t len, struct net_seen *ret);
/*
 * Answer a request, solicitation or echo. Returns the answer's length, 0 where it does not fit into
 * size bytes or nothing is to be said.
 */
uint32_t weir_net_answer(const struct net_host *h, const uint8_t *p, const struct net_seen *seen,
    uint8_t *out, uint32_t size);
/* Ask who has an address; the one at mac alone unless that is NULL. out: [NET_ASK_BYTES]. */
uint32_t weir_net_ask(
    const struct net_host *h, const struct net_addr *who, const uint8_t *mac, uint8_t *out);

/* Bytes of what stands in front. */
uint32_t weir_net_head_bytes(const struct net_host *h);
/* Write Ethernet, IP and UDP in front of a payload, which stands already behind head. */
void weir_net_wrap(const struct net_host *h, const struct net_route *r, uint16_t from_port,
    uint8_t *head, uint32_t payload_len);

#endif
