/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SINK_PORT_REWRITE_H
#define WEIR_SINK_PORT_REWRITE_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;

/* What is changed in the Ethernet headers of packets before they are sent. Private to lib/sink. */
struct weir_port_rewrite {
	bool swaps; /* the two addresses; src and dst are set after that */
	bool has_src, has_dst;
	uint8_t src[6], dst[6];
	bool pops;    /* the outermost tag, where there is one */
	bool pushes;  /* a tag; after that */
	uint16_t tci; /* its priority and VLAN */
};

/* Bytes of the header that are looked at: they have to lie in the packet's first segment. */
#define WEIR_PORT_REWRITE_BYTES 18

static inline bool
weir_port_rewrites(const struct weir_port_rewrite *r)
{
	return r->swaps || r->has_src || r->has_dst || r->pops || r->pushes;
}

/*
 * Hot. Change a packet that nobody else has, in place. Its first segment holds
 * WEIR_PORT_REWRITE_BYTES, or all of a packet that has no more than 14 of them. False where it has
 * no room for a tag in front.
 */
bool weir_port_rewrite(const struct weir_port_rewrite *r, struct rte_mbuf *m);

#endif
