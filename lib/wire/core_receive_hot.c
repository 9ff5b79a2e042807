/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_ring.h>

#include "core_parts.h"

#include <weir/base/poison.h> /* last */

/* Frames from a peer: each once, and into buffers that it was granted. */

void
weir_core_in_restart(struct inward *in, uint32_t stream)
{
	memset(in, 0, sizeof(*in));
	in->stream = stream;
	in->gap_ns = NEVER;
	in->ack_at_ns = NEVER;
}

bool
weir_core_in_stream(struct peer *p, uint32_t stream, uint64_t base)
{
	struct inward *in = &p->in;

	if (unlikely(stream > in->stream))
		weir_core_in_restart(in, stream);
	/* we have forgotten what the peer knows that we had */
	if (unlikely(!in->accepted && base > in->cum && base < UINT64_MAX / 2)) {
		in->accepted = in->cum = in->top = base;
		in->limit = RTE_MAX(in->limit, base);
	}
	return stream == in->stream;
}

uint64_t
weir_core_grant(const struct weir_wire_core *c, const struct peer *p)
{
	const struct inward *in = &p->in;
	uint64_t held = atomic_load_explicit(&c->front->shared[p->id].held, memory_order_acquire);
	uint64_t grant = in->accepted + c->share;

	grant = grant > held ? grant - held : 0;
	grant = RTE_MIN(grant, in->cum + WEIR_WIRE_WINDOW);
	return RTE_MAX(grant, RTE_MAX(in->limit, in->cum));
}

static inline bool
has(const struct inward *in, uint64_t seq)
{
	return in->bits[(seq & MASK) / 64] >> (seq % 64) & 1;
}

static void
take_in(struct inward *in, uint64_t seq, int64_t now_ns)
{
	in->bits[(seq & MASK) / 64] |= UINT64_C(1) << (seq % 64);
	in->accepted++;
	in->top = RTE_MAX(in->top, seq + 1);
	for (; in->cum < in->top && has(in, in->cum); in->cum++)
		in->bits[(in->cum & MASK) / 64] &= ~(UINT64_C(1) << (in->cum % 64));
	if (in->cum == in->top) {
		in->gap_ns = NEVER;
	} else if (in->gap_ns == NEVER || in->cum >= in->gap_top) {
		in->gap_ns = now_ns;
		in->gap_top = in->top;
		in->gap_wait_ns = REORDER_NS;
	}
}

static bool
deliver(struct weir_wire_core *c, struct peer *p, const struct weir_wire_in *in)
{
	struct weir_wire_shared *s = &c->front->shared[p->id];
	uint32_t len = in->len - WEIR_INNER_DATA_BYTES;
	struct weir_wire_buffer *b;
	void *free_one;

	if (unlikely(rte_ring_dequeue(c->front->free_buffers, &free_one)))
		return false;
	b = free_one;
	b->id = p->id;
	b->queue = in->queue;
	b->len = len;
	b->incarnation = p->incarnation;
	b->epoch = in->epoch;
	memcpy(b->data, in->p + WEIR_INNER_DATA_BYTES, len);
	atomic_fetch_add_explicit(&s->held, 1, memory_order_relaxed);
	/* as many places as buffers */
	rte_ring_enqueue(c->front->received, b);
	c->is_news = true;
	return true;
}

void
weir_core_data(struct weir_wire_core *c, struct peer *p, const struct weir_wire_in *frame,
    const struct weir_wire_now *now)
{
	struct inward *in = &p->in;
	struct weir_inner_data head;
	uint64_t seq, xmit;

	if (frame->len <= sizeof(head) || frame->len - sizeof(head) > c->front->payload_most) {
		COUNT(c, p, MALFORMED, 1);
		return;
	}
	memcpy(&head, frame->p, sizeof(head));
	seq = rte_be_to_cpu_64(head.seq);
	xmit = rte_be_to_cpu_64(head.xmit);
	if (!head.stream || rte_be_to_cpu_32(head.behind) > seq || xmit == UINT64_MAX) {
		COUNT(c, p, MALFORMED, 1);
		return;
	}
	if (!weir_core_in_stream(
		p, rte_be_to_cpu_32(head.stream), seq - rte_be_to_cpu_32(head.behind))) {
		COUNT(c, p, STALE, 1);
		return;
	}
	if (xmit + 1 > in->echo_xmit && seq < in->limit) {
		in->echo_xmit = xmit + 1;
		in->echo_seq = seq;
		in->echo_ns = now->mono_ns;
	}
	if (seq < in->cum || (seq < in->top && has(in, seq))) {
		COUNT(c, p, DUPLICATES, 1);
		in->ack_at_ns = now->mono_ns; /* it does not know */
		return;
	}
	if (seq >= in->limit || !deliver(c, p, frame)) {
		COUNT(c, p, NO_ROOM, 1);
		in->ack_at_ns = least(in->ack_at_ns, now->mono_ns + ACK_WAIT_NS);
		return;
	}
	COUNT(c, p, DATA_RECEIVED, 1);
	take_in(in, seq, now->mono_ns);
	in->n_unanswered++;
	in->ack_at_ns = least(in->ack_at_ns,
	    in->n_unanswered >= ACK_EVERY || frame->len - sizeof(head) <= ACK_NOW_BYTES
		? now->mono_ns
		: now->mono_ns + ACK_WAIT_NS);
}

bool
weir_core_ack_is_due(const struct weir_wire_core *c, struct peer *p, int64_t now_ns,
    uint64_t *ret_nak_to, int64_t *ret_next_ns)
{
	struct inward *in = &p->in;
	uint64_t grant = weir_core_grant(c, p);
	bool is_due = now_ns >= in->ack_at_ns;

	/* a quarter of it is worth saying, and any where there was none */
	is_due |= in->stream && grant > in->limit &&
		  (grant - in->limit >= RTE_MAX(c->share / 4, 1u) || in->limit == in->accepted);
	*ret_nak_to = 0;
	if (in->gap_ns != NEVER && now_ns - in->gap_ns >= in->gap_wait_ns) {
		/* the last few may come yet */
		bool is_old = now_ns - in->gap_ns >= 4 * in->gap_wait_ns;

		if (is_old || in->top - in->cum > REORDER_FRAMES) {
			*ret_nak_to = in->gap_top;
			is_due = true;
		}
	}
	*ret_next_ns = in->ack_at_ns;
	if (in->gap_ns != NEVER)
		*ret_next_ns = least(*ret_next_ns, now_ns - in->gap_ns >= in->gap_wait_ns
						       ? in->gap_ns + 4 * in->gap_wait_ns
						       : in->gap_ns + in->gap_wait_ns);
	return is_due;
}
