/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PORT_GUEST_H
#define WEIR_PORT_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/port/rules.h>

/*
 * A port's guest: a small host with an address of its own on a port that somebody else polls, as
 * the wire between hosts is where packets come by the same port. Whoever polls puts the guest's
 * packets aside, into a ring that the guest's thread empties; all others are the poller's. What is
 * the guest's: ARP and neighbour discovery about its address, ICMP echo requests to it, and UDP to
 * its port, in plain Ethernet without tags, not in fragments; and what it has sent itself.
 */

struct rte_mbuf;
struct rte_ring;

#define WEIR_PORT_GUEST_RING 1024u /* packets and one; those beyond are dropped and counted */
/* Packets that a guest may have in hand, beside its ring: its thread's cache, and some bursts. */
#define WEIR_PORT_GUEST_HELD (WEIR_PORT_GUEST_RING + 1024u)

struct weir_port_guest_spec {
	uint8_t version; /* 4 or 6 */
	uint8_t ip[16];  /* in network order; IPv4 in the first four */
	uint16_t udp_port;
};

/* Counted since the port was opened. */
struct weir_port_guest_stats {
	uint64_t packets;    /* that were put aside */
	uint64_t full;       /* of them, dropped: the ring was full */
	uint64_t unattended; /* others', that came while the guest alone polled the port */
};

struct weir_port_guest {
	struct weir_port_guest_spec spec;
	uint8_t mac[6];
	uint8_t group[16]; /* IPv6: the solicited-node address */
	struct rte_ring
	    *ring; /* any poller to the guest; NULL: it has another way to its packets */
	/* Cold: there is something in the ring. Set by the guest before anybody polls. */
	void (*wake)(void *arg);
	void *wake_arg;
	_Alignas(64) uint64_t n_packets; /* pollers add, control reads: atomic */
	uint64_t n_full;
	uint64_t n_unattended; /* guest: wo, control: ro */
};

/* Control. NULL when out of memory. has_ring: its packets come by it alone. */
struct weir_port_guest *weir_port_guest_create(
    const struct weir_port_guest_spec *spec, const uint8_t mac[6], bool has_ring);
/* Nobody polls any more. NULL is fine. */
void weir_port_guest_destroy(struct weir_port_guest *g);
void weir_port_guest_stats(const struct weir_port_guest *g, struct weir_port_guest_stats *ret);
/*
 * Have rules want the guest's packets, too: somewhat more than those, as rules are. False where
 * there is no room for that.
 */
bool weir_port_guest_rules(const struct weir_port_guest_spec *spec, struct weir_port_rules *rules);

/* Is this packet, of which len bytes are there, the guest's? */
bool weir_port_guest_wants(const struct weir_port_guest *g, const uint8_t *p, uint32_t len);
/* A poller's: put the guest's packets aside. Returns how many others are left, in their order. */
uint32_t weir_port_guest_part(struct weir_port_guest *g, struct rte_mbuf **m, uint32_t n);
/* The guest's, while nobody else polls: keep its packets, drop and count the others. */
uint32_t weir_port_guest_keep(struct weir_port_guest *g, struct rte_mbuf **m, uint32_t n);
/* A poller's, where the guest gets its packets by another way: one that is left out. */
void weir_port_guest_count(struct weir_port_guest *g);

#endif
