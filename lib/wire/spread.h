/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_WIRE_SPREAD_H
#define WEIR_WIRE_SPREAD_H

#include "net.h"

/* Which UDP source port makes the receiver's NIC put a frame into a queue. Private to lib/wire. */

#define WEIR_SPREAD_QUEUES 64u
#define WEIR_SPREAD_FIRST  49152u /* RFC 6335: ports for whoever wants one */
#define WEIR_SPREAD_LAST   65535u

/*
 * By Toeplitz over addresses and ports. Where the receiver announced no key, or no port of the
 * range leads to a queue, a port of its own for each queue: the header's word is all there is then.
 * Fills ports[min(n_queues, WEIR_SPREAD_QUEUES)], at least 1; returns how many. *ret_is_found is
 * true where each leads to its queue.
 */
unsigned weir_spread_ports(const struct weir_wire_rss *rss, unsigned version,
    const struct net_addr *from, const struct net_addr *to, uint16_t to_port,
    uint16_t ports[WEIR_SPREAD_QUEUES], bool *ret_is_found);
/* The queue that such a NIC chooses; 0 without a key. */
unsigned weir_spread_queue(const struct weir_wire_rss *rss, unsigned version,
    const struct net_addr *from, const struct net_addr *to, uint16_t from_port, uint16_t to_port);

/* How a device spreads what it receives; key_len 0 where that cannot be told. */
void weir_spread_announce(
    uint16_t device, unsigned version, unsigned n_queues, struct weir_wire_rss *ret);

#endif
