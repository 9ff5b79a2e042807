/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_ethdev.h>
#include <rte_ether.h>

#include <weir/port/copy.h>

#include "port.h"

#include <weir/base/poison.h> /* last */

#define TAG_BYTES 4
#define TYPE_AT   12 /* of an Ethernet header */

/* Counters of the worker's own: no other writes them. */
static inline void
add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(
	    counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_release);
}

static inline void
drop(struct weir_forwarder *s, enum weir_forward_reason reason)
{
	add(&s->counts.dropped[reason], 1);
}

/* Rows whose home is another port. */
static void
count_moved(struct weir_forwarder *s, const uint16_t *partition)
{
	unsigned n = s->sink->n_gates, moved = 0;

	WEIR_FOR_EACH_BIT (row, s->sel)
		moved += s->gate[row] != partition[row] % n;
	add(&s->counts.moved, moved);
}

/* What came in by one of two ports leaves by the other. */
static void
cross(struct weir_forwarder *s, const struct weir_batch *b)
{
	uint16_t interface = s->sink->interface;

	for (uint32_t row = 0; row < b->n; row++)
		s->gate[row] = b->interface[row] == interface;
}

void
weir_forwarder_keep(struct weir_forwarder *s, const struct weir_batch *b,
    const uint64_t sel[WEIR_MASK_WORDS], const uint16_t *partition)
{
	const struct weir_port_sink *p = s->sink;
	unsigned n = weir_mask_count(sel);

	if (!n)
		return;
	s->has_kept = true;
	/* Word by word, as they were written: that need not wait until memory has them. */
	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
		s->sel[w] = w * 64 < b->n ? sel[w] : 0;
	add(&s->counts.offered, n);
	if (p->n_gates == 1)
		return;
	if (p->uri.to_other) {
		cross(s, b);
		return;
	}
	WEIR_FOR_EACH_BIT (row, sel)
		s->gate[row] =
		    atomic_load_explicit(&p->share[partition[row]], memory_order_relaxed);
	if (unlikely(atomic_load_explicit(&p->n_down, memory_order_relaxed)))
		count_moved(s, partition);
}

/* A tagged frame may be longer than others by one tag, as the kernel and switches have it. */
static bool
is_too_long(const struct weir_port_gate *x, const uint8_t *p, uint32_t len)
{
	bool is_tagged = len > TYPE_AT + 2 && ((p[TYPE_AT] == 0x81 && p[TYPE_AT + 1] == 0x00) ||
						  (p[TYPE_AT] == 0x88 && p[TYPE_AT + 1] == 0xa8));

	return len > x->max_bytes + (is_tagged ? TAG_BYTES : 0);
}

/* A packet of so many bytes that are to be written, in one segment or, where the port takes that,
 * several. NULL where there is no buffer, or too many would be needed. */
static struct rte_mbuf *
allocate(struct weir_forwarder *s, const struct weir_port_gate *x, uint32_t len)
{
	struct rte_mbuf *first = rte_pktmbuf_alloc(x->pool), *last = first;

	if (!first) {
		drop(s, WEIR_FORWARD_NO_BUFFER);
		return NULL;
	}
	if (unlikely(len > rte_pktmbuf_tailroom(first) && !x->is_multi)) {
		drop(s, WEIR_FORWARD_TOO_LONG);
		rte_pktmbuf_free_bulk(&first, 1);
		return NULL;
	}
	first->pkt_len = len;
	for (;;) {
		uint32_t room = rte_pktmbuf_tailroom(last);

		last->data_len = (uint16_t)(len < room ? len : room);
		len -= last->data_len;
		if (!len)
			return first;
		last->next = rte_pktmbuf_alloc(x->pool);
		if (!last->next) {
			drop(s, WEIR_FORWARD_NO_BUFFER);
			rte_pktmbuf_free_bulk(&first, 1);
			return NULL;
		}
		first->nb_segs++;
		last = last->next;
	}
}

/* A packet of the bytes at p. */
static struct rte_mbuf *
copy_bytes(struct weir_forwarder *s, const struct weir_port_gate *x, const uint8_t *p, uint32_t len)
{
	struct rte_mbuf *first = allocate(s, x, len);

	for (struct rte_mbuf *m = first; m; m = m->next) {
		weir_port_copy(rte_pktmbuf_mtod(m, void *), p, m->data_len);
		p += m->data_len;
	}
	return first;
}

/* A packet of a port, in buffers that are this sender's alone. */
static struct rte_mbuf *
copy_packet(struct weir_forwarder *s, const struct weir_port_gate *x, const struct rte_mbuf *from)
{
	struct rte_mbuf *first = allocate(s, x, from->pkt_len);
	uint32_t at = 0;

	for (struct rte_mbuf *m = first; m; m = m->next) {
		const void *p =
		    rte_pktmbuf_read(from, at, m->data_len, rte_pktmbuf_mtod(m, void *));

		if (p != rte_pktmbuf_mtod(m, void *))
			weir_port_copy(rte_pktmbuf_mtod(m, void *), p, m->data_len);
		at += m->data_len;
	}
	return first;
}

/* What a source without buffers has is copied. */
static struct rte_mbuf *
take_view(struct weir_forwarder *s, const struct weir_batch *b, uint32_t row,
    const struct weir_port_gate *x)
{
	uint32_t len = b->wire_len[row];

	if (b->link[row] != WEIR_LINK_ETHERNET)
		drop(s, WEIR_FORWARD_LINK_TYPE);
	else if (b->cap_len[row] < len)
		drop(s, WEIR_FORWARD_CUT_SHORT);
	else if (len < RTE_ETHER_HDR_LEN)
		drop(s, WEIR_FORWARD_TOO_SHORT);
	else if (is_too_long(x, b->data[row], len))
		drop(s, WEIR_FORWARD_TOO_LONG);
	else
		return copy_bytes(s, x, b->data[row], len);
	return NULL;
}

/* May this packet's first bytes be changed where they are? */
static inline bool
is_writable(const struct rte_mbuf *m)
{
	return RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1 &&
	       (m->nb_segs == 1 || m->data_len >= WEIR_PORT_REWRITE_BYTES);
}

/* The packet of a row, to be sent: itself where nobody else needs it, else one more reference. */
static struct rte_mbuf *
take_packet(struct weir_forwarder *s, struct weir_batch *b, uint32_t row,
    const struct weir_port_gate *x, bool is_needed)
{
	struct rte_mbuf *m = b->owner[row];
	uint32_t len = rte_pktmbuf_pkt_len(m);

	if (unlikely(len < RTE_ETHER_HDR_LEN)) {
		drop(s, WEIR_FORWARD_TOO_SHORT);
		return NULL;
	}
	if (unlikely(len > x->max_bytes && is_too_long(x, b->data[row], len))) {
		drop(s, WEIR_FORWARD_TOO_LONG);
		return NULL;
	}
	if (unlikely(m->nb_segs > 1 && !x->is_multi))
		return copy_packet(s, x, m);
	if (weir_port_rewrites(&s->sink->uri.rewrite) && (is_needed || !is_writable(m)))
		return copy_packet(s, x, m);
	if (is_needed)
		rte_pktmbuf_refcnt_update(m, 1);
	else
		b->owner[row] = NULL;
	return m;
}

static struct rte_mbuf *
take(struct weir_forwarder *s, struct weir_batch *b, uint32_t row, const struct weir_port_gate *x,
    bool is_needed)
{
	const struct weir_port_rewrite *r = &s->sink->uri.rewrite;
	struct rte_mbuf *m =
	    b->owner[row] ? take_packet(s, b, row, x, is_needed) : take_view(s, b, row, x);

	if (!m || !weir_port_rewrites(r))
		return m;
	if (likely(weir_port_rewrite(r, m)))
		return m;
	drop(s, WEIR_FORWARD_NO_BUFFER); /* no room in front of it */
	rte_pktmbuf_free_bulk(&m, 1);
	return NULL;
}

/* Hand packets to the driver, those that it does not take at once again. Returns how many. */
static uint32_t
burst(const struct weir_forwarder *s, unsigned gate, struct weir_port_queue queue,
    struct rte_mbuf **m, uint32_t n)
{
	uint32_t sent = rte_eth_tx_burst(queue.id, queue.queue, m, (uint16_t)n);

	if (likely(sent == n))
		return n;
	sent += rte_eth_tx_burst(queue.id, queue.queue, m + sent, (uint16_t)(n - sent));
	if (sent < n && s->sink->can_wait)
		sent += weir_forwarder_push(s, gate, queue, m + sent, n - sent);
	return sent;
}

#define LANE_BURST  64
#define LANE_PASSES 4

/* Of packets that the driver was handed: count them with whose they were. */
static void
settle(const struct weir_port_parcel *parcels, uint32_t n, uint32_t sent)
{
	for (uint32_t i = 0; i < n; i++) {
		struct weir_forward_counts *c = &parcels[i].sender->lane_counts;

		atomic_fetch_add_explicit(
		    i < sent ? &c->sent[parcels[i].gate] : &c->dropped[WEIR_FORWARD_TX_FULL], 1,
		    memory_order_release);
	}
}

/* Send what is in a worker's ring; the flag is this worker's. */
static void
empty_ring(struct weir_port_lane *lane, struct rte_ring *ring)
{
	struct weir_port_parcel parcels[LANE_BURST];
	struct rte_mbuf *m[LANE_BURST];
	uint32_t n;

	while ((n = rte_ring_sc_dequeue_burst_elem(
		    ring, parcels, sizeof(parcels[0]), LANE_BURST, NULL))) {
		uint32_t sent;

		for (uint32_t i = 0; i < n; i++)
			m[i] = parcels[i].m;
		sent = burst(parcels[0].sender, (unsigned)parcels[0].gate, lane->queue, m, n);
		rte_pktmbuf_free_bulk(m + sent, n - sent);
		settle(parcels, n, sent);
		if (n < LANE_BURST)
			break;
	}
}

/* Asked by others than who fills or empties it. */
static inline bool
is_empty(const struct rte_ring *r)
{
	return __atomic_load_n(&r->prod.tail, __ATOMIC_ACQUIRE) ==
	       __atomic_load_n(&r->cons.tail, __ATOMIC_ACQUIRE);
}

static bool
has_packets(const struct weir_port_lane *lane)
{
	for (unsigned i = 0; i < lane->n_rings; i++)
		if (!is_empty(lane->rings[i]))
			return true;
	return false;
}

/*
 * What is in the lane to the driver, unless somebody else is at it: who looks again after it has
 * given the flag back. Not for ever, as it has packets of its own to receive; what is left then
 * goes with the next packets, or when workers look around.
 */
static void
empty(struct weir_port_lane *lane)
{
	for (unsigned pass = 0; pass < LANE_PASSES; pass++) {
		if (atomic_exchange_explicit(&lane->is_taken, true, memory_order_seq_cst))
			return;
		for (unsigned i = 0; i < lane->n_rings; i++)
			empty_ring(lane, lane->rings[i]);
		atomic_store_explicit(&lane->is_taken, false, memory_order_seq_cst);
		if (!has_packets(lane))
			return;
	}
}

static void
send_by_lane(struct weir_forwarder *s, unsigned gate, struct weir_port_lane *lane,
    struct rte_mbuf **m, uint32_t n)
{
	struct weir_port_parcel parcels[WEIR_ROWS];
	uint32_t put;

	for (uint32_t i = 0; i < n; i++)
		parcels[i] = (struct weir_port_parcel){ m[i], s, gate };
	put = rte_ring_sp_enqueue_burst_elem(
	    lane->rings[s->worker], parcels, sizeof(parcels[0]), n, NULL);
	if (put < n) {
		add(&s->counts.dropped[WEIR_FORWARD_TX_FULL], n - put);
		rte_pktmbuf_free_bulk(m + put, n - put);
	}
	empty(lane);
}

bool
weir_forwarders_flush(struct weir_forwarder *const *senders, unsigned n)
{
	bool is_all = true;

	for (unsigned i = 0; i < n; i++)
		for (unsigned gate = 0; gate < senders[i]->sink->n_gates; gate++) {
			struct weir_port_lane *lane = senders[i]->lanes[gate];

			if (!lane || is_empty(lane->rings[senders[i]->worker]))
				continue;
			empty(lane);
			is_all &= is_empty(lane->rings[senders[i]->worker]);
		}
	return is_all;
}

static void
send_staged(struct weir_forwarder *s, unsigned gate)
{
	struct rte_mbuf **m = s->staged[gate];
	uint32_t n = s->n_staged[gate], sent;

	s->n_staged[gate] = 0;
	if (unlikely(!atomic_load_explicit(&s->sink->gates[gate]->is_up, memory_order_relaxed))) {
		rte_pktmbuf_free_bulk(m, n);
		add(&s->counts.dropped[WEIR_FORWARD_LINK_DOWN], n);
		return;
	}
	if (s->lanes[gate]) {
		send_by_lane(s, gate, s->lanes[gate], m, n);
		return;
	}
	sent = burst(s, gate, s->queues[gate], m, n);
	add(&s->counts.sent[gate], sent);
	if (likely(sent == n))
		return;
	rte_pktmbuf_free_bulk(m + sent, n - sent);
	add(&s->counts.dropped[WEIR_FORWARD_TX_FULL], n - sent);
}

/* May a port's packet be sent as it is, without a further look? */
static inline bool
is_ready(const struct weir_batch *b, uint32_t row, const struct weir_port_gate *x)
{
	const struct rte_mbuf *m = b->owner[row];

	return m && b->wire_len[row] - RTE_ETHER_HDR_LEN <= x->max_bytes - RTE_ETHER_HDR_LEN &&
	       (m->nb_segs == 1 || x->is_multi);
}

/* Send what a sender has kept; needed: rows that later ones have kept too, or NULL. */
static void
transmit(struct weir_forwarder *s, struct weir_batch *b, const uint64_t *needed)
{
	bool is_plain = !needed && !weir_port_rewrites(&s->sink->uri.rewrite);
	unsigned n_gates = s->sink->n_gates;

	WEIR_FOR_EACH_BIT (row, s->sel) {
		unsigned gate = n_gates > 1 ? s->gate[row] : 0;
		const struct weir_port_gate *x = s->sink->gates[gate];
		struct rte_mbuf *m = b->owner[row];

		if (likely(is_plain && is_ready(b, (uint32_t)row, x)))
			b->owner[row] = NULL;
		else
			m = take(s, b, (uint32_t)row, x,
			    needed && weir_mask_test(needed, (unsigned)row));
		if (likely(m))
			s->staged[gate][s->n_staged[gate]++] = m;
	}
	for (unsigned gate = 0; gate < n_gates; gate++)
		if (s->n_staged[gate])
			send_staged(s, gate);
	s->has_kept = false;
}

void
weir_forwarders_transmit(struct weir_forwarder *const *senders, unsigned n, struct weir_batch *b)
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t needed[WEIR_MASK_WORDS] = { 0 };
		bool is_last = true;

		if (!senders[i]->has_kept)
			continue;
		for (unsigned k = i + 1; k < n; k++) {
			for (unsigned w = 0; w < WEIR_MASK_WORDS && senders[k]->has_kept; w++)
				needed[w] |= senders[k]->sel[w];
			is_last &= !senders[k]->has_kept;
		}
		transmit(senders[i], b, is_last ? NULL : needed);
	}
}
