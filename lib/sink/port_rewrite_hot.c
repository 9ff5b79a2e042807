/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include "port_rewrite.h"

#include <weir/base/poison.h> /* last */

#define ADDRESSES (2 * RTE_ETHER_ADDR_LEN)

/* Is there a tag behind the addresses? 802.1Q, 802.1ad, and what came before that. */
static bool
is_tag(const uint8_t *type)
{
	uint16_t t = (uint16_t)(type[0] << 8 | type[1]);

	return t == RTE_ETHER_TYPE_VLAN || t == RTE_ETHER_TYPE_QINQ || t == RTE_ETHER_TYPE_QINQ1;
}

static void
set_addresses(const struct weir_port_rewrite *r, uint8_t *p)
{
	uint8_t dst[RTE_ETHER_ADDR_LEN];

	if (r->swaps) {
		memcpy(dst, p, sizeof(dst));
		memcpy(p, p + sizeof(dst), sizeof(dst));
		memcpy(p + sizeof(dst), dst, sizeof(dst));
	}
	if (r->has_dst)
		memcpy(p, r->dst, sizeof(r->dst));
	if (r->has_src)
		memcpy(p + sizeof(r->dst), r->src, sizeof(r->src));
}

/* The addresses go over the tag, and the packet begins 4 bytes later. */
static void
pop(struct rte_mbuf *m)
{
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);

	if (m->data_len < ADDRESSES + 6 || !is_tag(p + ADDRESSES))
		return;
	memmove(p + 4, p, ADDRESSES);
	rte_pktmbuf_adj(m, 4);
}

static bool
push(uint16_t tci, struct rte_mbuf *m)
{
	uint8_t *p;

	if (rte_pktmbuf_headroom(m) < 4)
		return false;
	p = (uint8_t *)rte_pktmbuf_prepend(m, 4);
	memmove(p, p + 4, ADDRESSES);
	p[ADDRESSES] = RTE_ETHER_TYPE_VLAN >> 8;
	p[ADDRESSES + 1] = RTE_ETHER_TYPE_VLAN & 0xff;
	p[ADDRESSES + 2] = (uint8_t)(tci >> 8);
	p[ADDRESSES + 3] = (uint8_t)tci;
	return true;
}

bool
weir_port_rewrite(const struct weir_port_rewrite *r, struct rte_mbuf *m)
{
	set_addresses(r, rte_pktmbuf_mtod(m, uint8_t *));
	if (r->pops)
		pop(m);
	return !r->pushes || push(r->tci, m);
}
