/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PORT_RULES_H
#define WEIR_PORT_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/strbuf.h>
#include <weir/base/value.h>

/*
 * Which packets somebody has a use for, in terms that a program in front of a socket can judge
 * without the queries: any of some rules, each a conjunction about the outermost IP header and the
 * ports behind it. A packet that cannot be judged is wanted. Control thread.
 */

#define WEIR_PORT_RULES    64
#define WEIR_PORT_RANGES   32 /* of ports, in one rule and direction */
#define WEIR_PORT_NETWORKS 32

enum weir_port_end { WEIR_PORT_SRC, WEIR_PORT_DST, WEIR_PORT_ENDS };

enum { WEIR_PORT_IP4 = 1, WEIR_PORT_IP6 = 2, WEIR_PORT_IP = 3 };

struct weir_port_range {
	uint16_t first, last;
};

struct weir_port_network {
	struct weir_addr addr; /* masked */
	uint8_t version, prefix;
};

struct weir_port_rule {
	uint8_t versions;      /* WEIR_PORT_IP4 and WEIR_PORT_IP6 */
	uint64_t protocols[4]; /* a bit each; ports are 0 where a protocol has none */
	bool has_ports[WEIR_PORT_ENDS];
	unsigned n_ports[WEIR_PORT_ENDS];
	struct weir_port_range ports[WEIR_PORT_ENDS][WEIR_PORT_RANGES];
	bool has_networks[WEIR_PORT_ENDS];
	unsigned n_networks[WEIR_PORT_ENDS];
	struct weir_port_network networks[WEIR_PORT_ENDS][WEIR_PORT_NETWORKS];
};

struct weir_port_rules {
	/*
	 * Tags, IP options and extension headers, fragments and what is not IP are wanted, whatever
	 * the rules say.
	 */
	bool wants_unusual;
	/* ARP about this IPv4 address is wanted: who asks for it, or answers to it. */
	bool has_arp;
	uint8_t arp[4]; /* network order */
	unsigned n;     /* 0: nothing else is wanted */
	struct weir_port_rule rules[WEIR_PORT_RULES];
};

/* What of a packet rules are about. */
struct weir_port_packet {
	uint8_t version; /* 4 or 6 */
	uint8_t protocol;
	bool has_ports; /* they are known: else they are any */
	uint16_t ports[WEIR_PORT_ENDS];
	struct weir_addr addr[WEIR_PORT_ENDS];
};

/* Every IP packet. */
void weir_port_rule_all(struct weir_port_rule *r);
bool weir_port_rule_has_protocol(const struct weir_port_rule *r, unsigned protocol);
/*
 * What both a and b want, in a. False where that is nothing. Where one rule has no room for it, a
 * stays wider than it need be.
 */
bool weir_port_rule_and(struct weir_port_rule *a, const struct weir_port_rule *b);
/* Without regard to wants_unusual. */
bool weir_port_rules_want(const struct weir_port_rules *r, const struct weir_port_packet *p);
/* "protocol 17, dstport 53; ip, protocol 6": one rule after the other. */
void weir_port_rules_text(const struct weir_port_rules *r, struct weir_strbuf *out);

#endif
