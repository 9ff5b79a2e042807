/* SPDX-License-Identifier: BSD-3-Clause */
#include <pcap/dlt.h>
#include <rte_branch_prediction.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <weir/base/time.h>

#include "ethdev.h"

#include <weir/base/poison.h> /* last */

/* The bytes of a packet in several segments, gathered in the row's slot. */
static const uint8_t *
gather(const struct weir_ethdev *e, const struct rte_mbuf *m, uint32_t row, uint32_t *ret_len)
{
	uint8_t *slot = e->side + (size_t)row * WEIR_ETHDEV_SLOT_BYTES;
	uint32_t len = RTE_MIN(rte_pktmbuf_pkt_len(m), WEIR_ETHDEV_SLOT_BYTES);
	const uint8_t *p = rte_pktmbuf_read(m, 0, len, slot);

	*ret_len = p ? len : rte_pktmbuf_data_len(m);
	return p ? p : rte_pktmbuf_mtod(m, const uint8_t *);
}

/* Views of rows first .. first + n - 1, whose owners are filled. */
static void
fill_views(
    const struct weir_ethdev *e, struct weir_batch *b, uint32_t first, uint32_t n, int64_t now_ns)
{
	for (uint32_t r = first; r < first + n; r++) {
		const struct rte_mbuf *m = b->owner[r];

		b->data[r] = rte_pktmbuf_mtod(m, const uint8_t *);
		rte_prefetch0(b->data[r]);
		b->cap_len[r] = rte_pktmbuf_data_len(m);
		b->wire_len[r] = rte_pktmbuf_pkt_len(m);
		b->time_ns[r] = now_ns;
		b->interface[r] = e->base.first_interface;
		b->link[r] = WEIR_LINK_ETHERNET;
		b->dlt[r] = DLT_EN10MB;
		if (unlikely(m->nb_segs > 1))
			b->data[r] = gather(e, m, r, &b->cap_len[r]);
	}
}

enum weir_poll
weir_ethdev_poll(
    struct weir_source *s, unsigned queue, struct weir_batch *b, uint32_t max, int64_t now_ns)
{
	struct weir_ethdev *e = (struct weir_ethdev *)s;
	uint32_t n = 0;
	int32_t depth = e->has_depth ? 0 : -1;

	(void)queue;

	for (uint16_t i = 0; i < e->n_ports && n < max; i++) {
		uint16_t port = e->port_ids[e->next];

		e->next = (uint16_t)(e->next + 1 == e->n_ports ? 0 : e->next + 1);
		if (e->has_depth)
			depth += rte_eth_rx_queue_count(port, 0);
		n += rte_eth_rx_burst(
		    port, 0, (struct rte_mbuf **)&b->owner[n], (uint16_t)(max - n));
	}
	fill_views(e, b, 0, n, now_ns);
	b->n = n;
	b->queue_depth = depth;
	if (likely(n || !e->interface[0] || now_ns - e->looked_ns < WEIR_NS_PER_S))
		return WEIR_POLL_OK;
	e->looked_ns = now_ns;
	return weir_ethdev_look(e);
}

void
weir_ethdev_release(struct weir_source *s, struct weir_batch *b)
{
	(void)s;
	/* rows whose packet was passed on have no owner any more */
	rte_pktmbuf_free_bulk((struct rte_mbuf **)b->owner, b->n);
}
