/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_branch_prediction.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "wire_parts.h"

#include <weir/base/poison.h> /* last */

/* Datagrams out and in: sealed, wrapped, judged. */

#define ANSWER_BYTES 2048u

static void
count(struct weir_wire *w, int id, enum weir_wire_counter counter, uint64_t n)
{
	if (n)
		weir_wire_core_count(w->core, id, counter, n);
}

/* Hand over what is ready; the rest waits. */
static void
drain(struct weir_wire *w)
{
	uint16_t n;

	if (!w->n_ready)
		return;
	n = rte_eth_tx_burst(
	    w->port->tx[0].id, w->port->tx[0].queue, w->ready, (uint16_t)w->n_ready);
	w->n_worked += n;
	w->n_ready -= n;
	memmove(w->ready, w->ready + n, w->n_ready * sizeof(w->ready[0]));
}

static void
seal(struct weir_wire *w)
{
	enum weir_seal_verdict verdicts[WIRE_BURST];
	struct wire_batch *b = &w->batch;
	uint32_t head_bytes = weir_net_head_bytes(&w->host);

	weir_seal_protect(w->seal, b->to, b->m, b->n, verdicts);
	for (unsigned i = 0; i < b->n; i++) {
		struct rte_mbuf *m = b->m[i];
		const struct wire_route *r = &w->routes[b->ids[i]];
		uint32_t len = m->pkt_len;
		char *head = verdicts[i] == WEIR_SEAL_OK
				 ? rte_pktmbuf_prepend(m, (uint16_t)head_bytes)
				 : NULL;

		if (unlikely(!head)) {
			count(w, b->ids[i], WEIR_WIRE_SEAL_FAILED, 1);
			rte_pktmbuf_free_bulk(&m, 1);
			continue;
		}
		weir_net_wrap(&w->host, &r->to, b->from_ports[i], (uint8_t *)head, len);
		count(w, b->ids[i], WEIR_WIRE_FRAMES_SENT, 1);
		count(w, b->ids[i], WEIR_WIRE_BYTES_SENT, len);
		w->ready[w->n_ready++] = m;
	}
	b->n = 0;
}

void
wire_flush(struct weir_wire *w)
{
	drain(w);
	if (w->batch.n && w->n_ready + w->batch.n <= WIRE_READY) {
		seal(w);
		drain(w);
	}
}

static bool
find_mac(struct weir_wire *w, struct wire_route *r)
{
	const struct weir_neighbour *e;

	if (r->has_mac)
		return true;
	e = &w->neighbours.entries[r->neighbour];
	memcpy(r->to.mac, e->mac, sizeof(r->to.mac));
	return e->is_known;
}

enum weir_wire_sent
wire_transmit(void *wire, const struct weir_wire_out *out)
{
	struct weir_wire *w = wire;
	struct wire_batch *b = &w->batch;
	struct wire_route *r = &w->routes[out->id];
	uint32_t len = WEIR_FRAME_HEAD_BYTES + out->head_len + out->body_len;
	unsigned queue = out->queue % r->n_ports;
	struct weir_frame_head head = { .type = out->type,
		.queue = rte_cpu_to_be_16((uint16_t)queue),
		.epoch = rte_cpu_to_be_64(w->epoch) };
	struct rte_mbuf *m;
	char *p;

	if (unlikely(!find_mac(w, r))) {
		count(w, out->id, WEIR_WIRE_UNRESOLVED, 1);
		return WEIR_WIRE_SENT_NOWHERE;
	}
	if (b->n == WIRE_BURST)
		wire_flush(w);
	m = b->n < WIRE_BURST ? rte_pktmbuf_alloc(w->pool) : NULL;
	p = m ? rte_pktmbuf_append(m, (uint16_t)len) : NULL;
	if (unlikely(!p)) {
		count(w, out->id, WEIR_WIRE_SEND_FULL, 1);
		if (m)
			rte_pktmbuf_free_bulk(&m, 1);
		return WEIR_WIRE_SENT_FULL;
	}
	memcpy(p, &head, sizeof(head));
	memcpy(p + sizeof(head), out->head, out->head_len);
	if (out->body_len)
		memcpy(p + sizeof(head) + out->head_len, out->body, out->body_len);
	b->ids[b->n] = out->id;
	b->from_ports[b->n] = r->ports[queue];
	b->to[b->n] = r->incarnation;
	b->m[b->n++] = m;
	return WEIR_WIRE_SENT;
}

void
wire_send_raw(struct weir_wire *w, const uint8_t *bytes, uint32_t len)
{
	struct rte_mbuf *m = w->n_ready < WIRE_READY ? rte_pktmbuf_alloc(w->pool) : NULL;
	char *p = m ? rte_pktmbuf_append(m, (uint16_t)len) : NULL;

	if (!p) {
		count(w, -1, WEIR_WIRE_SEND_FULL, 1);
		if (m)
			rte_pktmbuf_free_bulk(&m, 1);
		return;
	}
	memcpy(p, bytes, len);
	w->ready[w->n_ready++] = m;
}

static void
answer(struct weir_wire *w, const uint8_t *p, const struct net_seen *seen)
{
	uint8_t out[ANSWER_BYTES];
	uint32_t len = weir_net_answer(&w->host, p, seen, out, sizeof(out));

	if (!len || len > (uint32_t)RTE_ETHER_HDR_LEN + w->mtu) {
		count(w, -1, WEIR_WIRE_IGNORED, 1);
		return;
	}
	count(w, -1, seen->kind == NET_ECHO ? WEIR_WIRE_ECHOES : WEIR_WIRE_NEIGHBOURS_ANSWERED, 1);
	wire_send_raw(w, out, len);
}

/* Whose frame is it? -1: nobody's, and counted. */
static int
find_sender(struct weir_wire *w, const uint8_t *p, uint32_t len, const struct net_addr *from)
{
	struct weir_frame_head head;
	const struct wire_route *r;
	int id;

	memcpy(&head, p, len < sizeof(head) ? 0 : sizeof(head));
	if (len < sizeof(head) || head.magic != RTE_BE16(WEIR_FRAME_MAGIC) ||
	    head.version != WEIR_FRAME_VERSION) {
		count(w, -1, WEIR_WIRE_MALFORMED, 1);
		return -1;
	}
	id = weir_wire_core_find(w->core, rte_be_to_cpu_64(head.incarnation));
	if (id < 0) {
		count(w, -1, WEIR_WIRE_UNKNOWN_PEER, 1);
		return -1;
	}
	r = &w->routes[id];
	for (unsigned i = 0; i < r->n_addrs; i++)
		if (weir_net_is_same(&r->addrs[i], from))
			return id;
	count(w, id, WEIR_WIRE_WRONG_ADDRESS, 1);
	return -1;
}

/* Keep what is a frame of a peer, cut to it; answer what is to be answered. Returns its id, or -1.
 */
static int
sort_out(struct weir_wire *w, struct rte_mbuf *m)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	struct net_seen seen;
	int id = -1;

	if (unlikely(m->nb_segs > 1 && rte_pktmbuf_linearize(m))) {
		count(w, -1, WEIR_WIRE_IGNORED, 1);
		return -1;
	}
	weir_net_see(&w->host, p, m->data_len, &seen);
	switch (seen.kind) {
	case NET_FRAME:
		if (unlikely(wire_is_greeting(w, p + seen.offset, seen.len))) {
			wire_greeted(w, m, &seen);
			return -1;
		}
		id = find_sender(w, p + seen.offset, seen.len, &seen.addr);
		break;
	case NET_ARP_REQUEST:
	case NET_SOLICITATION:
	case NET_ECHO:
		answer(w, p, &seen);
		break;
	case NET_NEIGHBOUR:
		if (!weir_neighbours_learn(&w->neighbours, &seen.addr, seen.mac, w->now.mono_ns))
			count(w, -1, WEIR_WIRE_IGNORED, 1);
		break;
	case NET_BAD:
		count(w, -1, WEIR_WIRE_BAD_CHECKSUM, 1);
		break;
	case NET_IGNORED:
		count(w, -1, WEIR_WIRE_IGNORED, 1);
		break;
	}
	if (id >= 0) {
		rte_pktmbuf_adj(m, (uint16_t)seen.offset);
		rte_pktmbuf_trim(m, (uint16_t)(m->data_len - seen.len));
	}
	return id;
}

enum weir_wire_counter
wire_refusal(enum weir_seal_verdict verdict)
{
	switch (verdict) {
	case WEIR_SEAL_FORGED:
		return WEIR_WIRE_REFUSED_FORGED;
	case WEIR_SEAL_REPLAYED:
		return WEIR_WIRE_REFUSED_REPLAYED;
	case WEIR_SEAL_STALE_EPOCH:
		return WEIR_WIRE_REFUSED_STALE_EPOCH;
	case WEIR_SEAL_FUTURE_EPOCH:
		return WEIR_WIRE_REFUSED_FUTURE_EPOCH;
	case WEIR_SEAL_UNKNOWN_SENDER:
		return WEIR_WIRE_UNKNOWN_PEER;
	case WEIR_SEAL_UNSEALED:
		return WEIR_WIRE_REFUSED_UNSEALED;
	case WEIR_SEAL_SEALED:
		return WEIR_WIRE_REFUSED_SEALED;
	case WEIR_SEAL_MALFORMED:
		return WEIR_WIRE_MALFORMED;
	default:
		return WEIR_WIRE_SEAL_FAILED;
	}
}

static void
accept_all(struct weir_wire *w, struct rte_mbuf **m, const uint16_t *ids, unsigned n)
{
	enum weir_seal_verdict verdicts[WIRE_BURST];

	if (!n)
		return;
	for (unsigned i = 0; i < n; i++) {
		count(w, ids[i], WEIR_WIRE_FRAMES_RECEIVED, 1);
		count(w, ids[i], WEIR_WIRE_BYTES_RECEIVED, m[i]->pkt_len);
	}
	weir_seal_accept(w->seal, m, n, verdicts);
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *p = rte_pktmbuf_mtod(m[i], const uint8_t *);
		struct weir_frame_head head;
		struct weir_wire_in in;

		if (verdicts[i] != WEIR_SEAL_OK) {
			count(w, ids[i], wire_refusal(verdicts[i]), 1);
			continue;
		}
		memcpy(&head, p, sizeof(head));
		in = (struct weir_wire_in){ .id = ids[i],
			.queue = rte_be_to_cpu_16(head.queue),
			.type = head.type,
			.epoch = rte_be_to_cpu_64(head.epoch),
			.p = p + sizeof(head),
			.len = m[i]->data_len - (uint32_t)sizeof(head) };
		if (in.queue != w->at_queue && w->at_queue != WIRE_NO_QUEUE)
			count(w, ids[i], WEIR_WIRE_OTHER_QUEUE, 1);
		weir_wire_core_receive(w->core, &w->now, &in);
	}
}

static void
take(struct weir_wire *w, struct rte_mbuf **m, unsigned n)
{
	struct rte_mbuf *frames[WIRE_BURST];
	uint16_t ids[WIRE_BURST];
	unsigned n_frames = 0;

	/* Not before they came: else clocks would seem to differ by as much as the round took. */
	if (n)
		wire_read_clocks(w);
	for (unsigned i = 0; i < n; i++) {
		int id = sort_out(w, m[i]);

		if (id < 0)
			continue;
		frames[n_frames] = m[i];
		ids[n_frames++] = (uint16_t)id;
	}
	accept_all(w, frames, ids, n_frames);
	if (n)
		rte_pktmbuf_free_bulk(m, n);
	w->n_worked += n;
}

unsigned
wire_receive(struct weir_wire *w, unsigned queue)
{
	const struct weir_port_queue *q = &w->port->rx[queue];
	struct rte_mbuf *m[WIRE_BURST];
	unsigned n = rte_eth_rx_burst(q->id, q->queue, m, WIRE_BURST);

	w->at_queue = queue;
	w->by_queue[queue] += n;
	take(w, m, w->guest ? weir_port_guest_keep(w->guest, m, n) : n);
	return n;
}

unsigned
wire_receive_aside(struct weir_wire *w)
{
	struct rte_mbuf *m[WIRE_BURST];
	unsigned n = rte_ring_sc_dequeue_burst(w->guest->ring, (void **)m, WIRE_BURST, NULL);

	w->at_queue = WIRE_NO_QUEUE;
	take(w, m, n);
	return n;
}
