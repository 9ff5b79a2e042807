/* SPDX-License-Identifier: BSD-3-Clause */
#include <pcap/dlt.h>
#include <rte_branch_prediction.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <weir/base/time.h>
#include <weir/port/copy.h>
#include <weir/port/stamp.h>

#include "ethdev.h"

#include <weir/base/poison.h> /* last */

/*
 * The bytes of a packet in several segments, gathered in a slot that is the row's until its
 * release. NULL where all slots are out.
 */
static const uint8_t *
gather(struct weir_ethdev *e, const struct rte_mbuf *m, uint32_t *ret_len)
{
	uint32_t len = RTE_MIN(rte_pktmbuf_pkt_len(m), WEIR_ETHDEV_SLOT_BYTES);
	uint8_t *to;
	void *slot;

	if (rte_ring_mc_dequeue(e->free_slots, &slot))
		return NULL;
	if (unlikely(!atomic_load_explicit(&e->has_side, memory_order_relaxed)))
		atomic_store_explicit(&e->has_side, true, memory_order_relaxed);
	to = slot;
	for (uint32_t at = 0; m && at < len; m = m->next) {
		uint32_t n = RTE_MIN((uint32_t)m->data_len, len - at);

		weir_port_copy(to + at, rte_pktmbuf_mtod(m, const uint8_t *), n);
		at += n;
		*ret_len = at;
	}
	return to;
}

/*
 * Views of rows first .. first + n - 1, whose owners are filled. Returns the rows that are left: a
 * packet that no slot is left for is dropped and counted.
 */
static uint32_t
fill_views(struct weir_ethdev *e, struct weir_ethdev_queue *q, struct weir_batch *b, uint32_t first,
    uint32_t n, int64_t now_ns)
{
	uint16_t interface = e->base.first_interface;
	uint32_t to = first;

	for (uint32_t r = first; r < first + n; r++) {
		struct rte_mbuf *m = b->owner[r];

		b->owner[to] = m;
		b->data[to] = rte_pktmbuf_mtod(m, const uint8_t *);
		rte_prefetch0(b->data[to]);
		b->cap_len[to] = rte_pktmbuf_data_len(m);
		b->wire_len[to] = rte_pktmbuf_pkt_len(m);
		if (unlikely(m->nb_segs > 1)) {
			b->data[to] = gather(e, m, &b->cap_len[to]);
			if (!b->data[to]) {
				rte_pktmbuf_free_bulk(&m, 1);
				__atomic_store_n(&q->n_cut, q->n_cut + 1, __ATOMIC_RELAXED);
				continue;
			}
		}
		to++;
	}
	/* What is the same for all goes by vectors. */
	for (uint32_t r = first; r < to; r++)
		b->time_ns[r] = now_ns;
	for (uint32_t r = first; r < to; r++)
		b->interface[r] = interface;
	for (uint32_t r = first; r < to; r++)
		b->dlt[r] = DLT_EN10MB;
	memset(b->link + first, WEIR_LINK_ETHERNET, to - first);
	return to - first;
}

/* Times by the device, of rows whose packet has one; of others they stay the burst's. */
static void
stamp_rows(const struct weir_ethdev *e, const struct weir_ethdev_queue *q, struct weir_batch *b,
    int64_t now_ns)
{
	const struct weir_port_stamp *stamp = &e->stamp;
	bool is_unix = stamp->times == WEIR_PORT_TIMES_UNIX;

	if (!is_unix && !weir_clock_is_ready(&q->clock))
		return;
	for (uint32_t r = 0; r < b->n; r++) {
		const struct rte_mbuf *m = b->owner[r];
		uint64_t ticks;

		if (!is_unix) {
			(void)weir_port_stamp_ns(stamp, &q->clock, m, now_ns, &b->time_ns[r]);
			continue;
		}
		if (!(m->ol_flags & stamp->flag))
			continue;
		ticks = *RTE_MBUF_DYNFIELD(m, stamp->offset, const rte_mbuf_timestamp_t *);
		if (ticks <= (uint64_t)INT64_MAX / stamp->unit_ns)
			b->time_ns[r] = (int64_t)(ticks * stamp->unit_ns);
	}
}

static inline __attribute__((always_inline)) enum weir_poll
poll(struct weir_source *s, unsigned queue, struct weir_batch *b, uint32_t max, int64_t now_ns,
    bool has_guest)
{
	struct weir_ethdev *e = (struct weir_ethdev *)s;
	struct weir_ethdev_queue *q = &e->queues[queue];
	uint32_t n, n_own;

	b->queue_depth = q->has_depth ? rte_eth_rx_queue_count(q->port, q->queue) : -1;
	max = RTE_MIN(max, (uint32_t)q->burst);
	/* also where the clock was set back */
	if (unlikely(e->stamp.times == WEIR_PORT_TIMES_CLOCK &&
		     (uint64_t)now_ns - (uint64_t)q->fed_ns >= WEIR_PORT_FEED_NS))
		weir_ethdev_feed(q, now_ns);
	n = rte_eth_rx_burst(q->port, q->queue, (struct rte_mbuf **)b->owner, (uint16_t)max);
	n_own = has_guest ? weir_port_guest_part(e->p->guest, (struct rte_mbuf **)b->owner, n) : n;
	b->n = fill_views(e, q, b, 0, n_own, now_ns);
	if (unlikely(e->stamp.times != WEIR_PORT_TIMES_BURST))
		stamp_rows(e, q, b, now_ns);
	if (likely(n || !e->p->interface[0] || now_ns - q->looked_ns < WEIR_NS_PER_S))
		return WEIR_POLL_OK;
	q->looked_ns = now_ns;
	return weir_ethdev_look(e);
}

enum weir_poll
weir_ethdev_poll(
    struct weir_source *s, unsigned queue, struct weir_batch *b, uint32_t max, int64_t now_ns)
{
	return poll(s, queue, b, max, now_ns, false);
}

enum weir_poll
weir_ethdev_poll_shared(
    struct weir_source *s, unsigned queue, struct weir_batch *b, uint32_t max, int64_t now_ns)
{
	return poll(s, queue, b, max, now_ns, true);
}

/* Slots go back by the views, for a packet that was passed on has no owner any more. */
static void
release_slots(struct weir_ethdev *e, struct weir_batch *b)
{
	for (uint32_t r = 0; r < b->n; r++) {
		void *slot = (void *)(uintptr_t)b->data[r];

		if ((uintptr_t)slot - (uintptr_t)e->side < e->side_bytes)
			rte_ring_mp_enqueue(e->free_slots, slot);
	}
}

void
weir_ethdev_release(struct weir_source *s, struct weir_batch *b)
{
	struct weir_ethdev *e = (struct weir_ethdev *)s;

	if (unlikely(atomic_load_explicit(&e->has_side, memory_order_relaxed)))
		release_slots(e, b);
	/* rows whose packet was passed on have no owner any more */
	rte_pktmbuf_free_bulk((struct rte_mbuf **)b->owner, b->n);
}
