/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_WIRE_NEIGHBOUR_H
#define WEIR_WIRE_NEIGHBOUR_H

#include "net.h"

/*
 * The link addresses of next hops: one entry for each that a peer needs, and none for anybody else,
 * so that nothing that comes can fill it. An address is learnt only in answer to a question that is
 * open. One thread. Private to lib/wire.
 */

struct weir_neighbour {
	struct net_addr addr;
	unsigned n_users; /* 0: free */
	bool is_known;
	uint8_t mac[6];
	unsigned n_asked;  /* since it was known last */
	int64_t known_ns;  /* when it was said last */
	int64_t asked_ns;  /* last */
	int64_t ask_at_ns; /* next */
};

struct weir_neighbours {
	unsigned n;
	struct weir_neighbour *entries; /* [WEIR_WIRE_PEERS] */
};

int weir_neighbours_init(struct weir_neighbours *t);
void weir_neighbours_fini(struct weir_neighbours *t);
/* One more, or less, needs it. The entry stays where it is. */
unsigned weir_neighbours_add(
    struct weir_neighbours *t, const struct net_addr *addr, int64_t now_ns);
void weir_neighbours_drop(struct weir_neighbours *t, unsigned at);
/* Nothing comes back from there: ask soon, but not more often than once a second. */
void weir_neighbours_suspect(struct weir_neighbours *t, unsigned at, int64_t now_ns);
/* An answer. False: nobody asked. */
bool weir_neighbours_learn(
    struct weir_neighbours *t, const struct net_addr *addr, const uint8_t *mac, int64_t now_ns);
/*
 * One that is to be asked now: its number, and *ret_mac where to, NULL: everybody. It is taken for
 * asked. -1: none; *ret_next_ns is when there may be one.
 */
int weir_neighbours_due(
    struct weir_neighbours *t, int64_t now_ns, const uint8_t **ret_mac, int64_t *ret_next_ns);

#endif
