/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_STAGE_FILTER_TREE_H
#define WEIR_STAGE_FILTER_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/strbuf.h>
#include <weir/base/value.h>

/*
 * A filter of tcpdump's language as a tree, as far as it only asks for what decoded columns hold.
 * Private to lib/stage. The grammar and its inheritance of qualifiers ("port 80 or 443") are those
 * of pcap-filter(7); text that libpcap refuses never gets here, so that the parser may take more.
 */

enum weir_filter_kind {
	WEIR_FILTER_AND,
	WEIR_FILTER_OR,
	WEIR_FILTER_NOT,
	WEIR_FILTER_VERSION,  /* ip, ip6 */
	WEIR_FILTER_PROTOCOL, /* members: numbers */
	WEIR_FILTER_PORT,     /* members: ranges of ports */
	WEIR_FILTER_ADDRESS,  /* members: networks */
	WEIR_FILTER_LENGTH,   /* of the frame, on the wire */
	WEIR_FILTER_FLAGS,    /* tcp[tcpflags] & mask, compared */
	WEIR_FILTER_NO_IP,    /* arp, rarp: never a packet with an IP header */
};

enum weir_filter_dir {
	WEIR_FILTER_ANY, /* source or destination */
	WEIR_FILTER_SRC,
	WEIR_FILTER_DST,
	WEIR_FILTER_BOTH, /* source and destination */
};

enum weir_filter_version { WEIR_FILTER_IP4 = 1, WEIR_FILTER_IP6 = 2, WEIR_FILTER_IP = 3 };

struct weir_filter_member {
	uint32_t first, last; /* numbers */
	struct weir_addr addr;
	uint8_t version, prefix; /* networks */
};

struct weir_filter_node {
	enum weir_filter_kind kind;
	struct weir_filter_node *a, *b; /* AND, OR; NOT: a */
	enum weir_filter_version versions;
	enum weir_filter_dir dir;
	uint8_t protocol; /* PORT: of one, or 0 for TCP, UDP and SCTP */
	const char *op;   /* LENGTH, FLAGS: "==", "<=", ... */
	uint32_t mask, number;
	unsigned n_members;
	struct weir_filter_member *members;
};

/* NULL where the text asks for more than columns hold, or is not understood. */
struct weir_filter_node *weir_filter_parse(const char *text);
void weir_filter_node_free(struct weir_filter_node *n);

/* The tree in the language of expressions. */
void weir_filter_print(const struct weir_filter_node *n, struct weir_strbuf *out);
/* Is there a node of this kind? */
bool weir_filter_has(const struct weir_filter_node *n, enum weir_filter_kind kind);
/* What it says of a frame that is neither IP nor ARP by its EtherType; false: that depends. */
bool weir_filter_is_fixed(const struct weir_filter_node *n, bool *ret_match);

#endif
