/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
#ifndef WEIR_XDP_H
#define WEIR_XDP_H

#include <linux/types.h>

/*
 * What weir and its XDP program share: the tables that say which packets weir takes, and the
 * counters. A bit of every mask is a rule; a packet is taken where some rule's bit is set in the
 * masks of all its properties (Lakshman and Stiliadis, "High-Speed Policy-based Packet Forwarding",
 * SIGCOMM 1998, section 3). So the cost of a packet does not depend on how many rules there are.
 */

#define WEIR_XDP_RULES  64
#define WEIR_XDP_PORTS  65536
#define WEIR_XDP_QUEUES 64

enum weir_xdp_mode {
	WEIR_XDP_OFF, /* nothing is taken and nothing counted: before all queues are there */
	WEIR_XDP_ALL, /* everything is taken */
	WEIR_XDP_RULES_ONLY,
};

struct weir_xdp_config {
	__u32 mode;          /* enum weir_xdp_mode */
	__u32 wants_unusual; /* what is not plain IP in plain Ethernet is taken whatever it is */
	__u32 has_ports;     /* some rule looks at ports */
	__u32 has_addresses; /* some rule looks at addresses */
	__u32 has_arp;       /* ARP about this IPv4 address is taken */
	__u32 arp;           /* network order */
};

/* Entries of the table of protocols: those of IPv4, then those of IPv6. */
#define WEIR_XDP_PROTOCOLS 512
#define WEIR_XDP_IP6       256

/* Rules for a number as source and as destination port. */
struct weir_xdp_port {
	__u64 src, dst;
};

/* The longest prefix of an address says which rules it satisfies. IPv4 has its 4 bytes first. */
struct weir_xdp_prefix {
	__u32 bits; /* WEIR_XDP_PREFIX_BITS and those of the address */
	__u8 version;
	__u8 is_dst;
	__u8 zero[2];
	__u8 address[16];
};
#define WEIR_XDP_PREFIX_BITS 32
#define WEIR_XDP_PREFIXES    8192

/* What became of packets: each has one. */
enum weir_xdp_count {
	WEIR_XDP_TAKEN,
	WEIR_XDP_PASSED_RULES,     /* no query can use it */
	WEIR_XDP_PASSED_NOT_IP,    /* nor what is no IP: ARP, LLDP and the like */
	WEIR_XDP_PASSED_NO_SOCKET, /* it came by a queue that weir does not poll */
	WEIR_XDP_N_COUNTS,
};

#endif
