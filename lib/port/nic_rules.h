/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PORT_NIC_RULES_H
#define WEIR_PORT_NIC_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_flow.h>
#include <weir/base/strbuf.h>
#include <weir/port/profile.h>
#include <weir/port/rules.h>

/*
 * What no query can use, dropped by the NIC: rules of rte_flow, each of which matches nothing but
 * unwanted packets. So any of them may be refused, or match less than it says, without harm; a NIC
 * that matches more than it says must not have any (profile key flow). Control thread. Private to
 * lib/port.
 */

/* What a driver's rules may match beside the IP version: bits of the profile key flow_match. */
enum weir_nic_match {
	WEIR_NIC_ETHERTYPES = 1,
	WEIR_NIC_PROTOCOLS = 2,
	WEIR_NIC_NETWORKS = 4,
	WEIR_NIC_RANGES = 8, /* of ports, from spec to last */
	WEIR_NIC_MASKS = 16, /* of ports: powers of two together */
	/* Headers before tunnels: else it may look at those in them, where it finds GRE or IP in IP
	 */
	WEIR_NIC_OUTERMOST = 32,
};

/* Unwanted packets, by nic_boxes.c: all that satisfy every member. */
struct weir_nic_box {
	uint8_t version; /* 4 or 6 */
	uint64_t protocols[4];
	struct weir_port_range ports[WEIR_PORT_ENDS];
	struct weir_port_network networks[WEIR_PORT_ENDS]; /* prefix 0: any */
};

#define WEIR_NIC_BOXES 512

/*
 * Everything but what the rules want, as far as most boxes hold it. *ret_is_all: nothing is left
 * out.
 */
unsigned weir_nic_boxes(
    const struct weir_port_rules *r, struct weir_nic_box *boxes, unsigned most, bool *ret_is_all);

/* Why none of them can be offered; or NULL. */
const char *weir_nic_obstacle(const struct weir_port_rules *r, uint64_t match);

/* A rule of one pattern. */
struct weir_nic_rule {
	uint16_t ethertype; /* not 0: and nothing else */
	uint8_t version;
	int protocol; /* -1: any */
	/* first and last differ with mask 0xffff only; mask 0: any */
	struct {
		uint16_t first, last, mask;
	} ports[WEIR_PORT_ENDS];
	struct weir_port_network networks[WEIR_PORT_ENDS];
};

/* True where the rule was taken. */
typedef bool (*weir_nic_offer)(void *arg, const struct weir_nic_rule *r);

#define WEIR_NIC_RULES 256

/*
 * Offer rules that drop what is not wanted, one after the other, until most were taken. match: of
 * enum weir_nic_match. False where some of it was not offered: beyond most, or not to be matched.
 */
bool weir_nic_each(const struct weir_port_rules *r, uint64_t match, unsigned most,
    weir_nic_offer offer, void *arg);
/* "IPv4 protocol 17 dstport 0..52" */
void weir_nic_rule_text(const struct weir_nic_rule *r, struct weir_strbuf *out);

/* A rule as rte_flow has it. Points into itself. */
struct weir_nic_pattern {
	struct rte_flow_item items[4];
	struct rte_flow_item_eth eth[2]; /* spec and mask */
	struct rte_flow_item_ipv4 ip4[2];
	struct rte_flow_item_ipv6 ip6[2];
	union {
		struct rte_flow_item_udp udp;
		struct rte_flow_item_tcp tcp;
		struct rte_flow_item_sctp sctp;
	} transport[3]; /* spec, last, mask */
};

/*
 * by_item: a protocol without ports is matched by an item of its own, not by the IP header's
 * number. False where there is none.
 */
bool weir_nic_pattern_make(
    const struct weir_nic_rule *r, bool by_item, struct weir_nic_pattern *ret);

struct weir_nic_rules;

/* Give the device what it takes; NULL without memory. name: for the log. */
struct weir_nic_rules *weir_nic_rules_install(
    uint16_t id, const struct weir_port_rules *r, uint64_t match);
unsigned weir_nic_rules_taken(const struct weir_nic_rules *n);
/* Packets dropped so far; *ret_is_known: each rule is counted. */
uint64_t weir_nic_rules_count(struct weir_nic_rules *n, bool *ret_is_known);
/* What became of them, for --explain. */
void weir_nic_rules_text(const struct weir_nic_rules *n, struct weir_strbuf *out);
/* Take all of them back; what they had dropped stays counted. 0 or -errno: some are still there. */
int weir_nic_rules_remove(struct weir_nic_rules *n);
/* Also takes them back. NULL is fine. */
void weir_nic_rules_destroy(struct weir_nic_rules *n);
/* What would be offered by this profile: "14 rules ..."; false: "nothing, ...". */
#define WEIR_PORT_PLAN_BYTES 192
bool weir_nic_plan(
    const struct weir_profile *p, const struct weir_port_rules *r, char *buf, size_t size);

#endif
