/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "core_parts.h"

#include <weir/base/poison.h> /* last */

/* Frames to a peer: windows, acknowledgements, what is lost and sent again. */

void
weir_core_out_restart(struct weir_wire_core *c, struct peer *p, uint32_t stream)
{
	struct outward *o = &p->out;

	for (uint64_t seq = o->base; seq < o->next; seq++) {
		struct slot *s = slot_of(o, seq);

		if (s->state == SLOT_OVER)
			continue;
		COUNT(c, p, DATA_ABANDONED, 1);
		weir_wire_frame_put(s->frame);
	}
	memset(o, 0, sizeof(*o));
	o->stream = stream;
	o->window = WINDOW_FIRST;
	o->threshold = WEIR_WIRE_WINDOW;
	o->rto_ns = RTO_FIRST_NS;
	o->rto_at_ns = NEVER;
}

void
weir_core_order(struct weir_wire_core *c, const struct weir_wire_order *order)
{
	struct peer *p = c->peers[order->id];
	struct outward *o = &p->out;
	struct slot *s = slot_of(o, o->next);

	p->n_orders++;
	/* a peer that was replaced, or has gone; control never sends beyond the window */
	if (!p->is_there || order->generation != p->generation ||
	    o->next - o->base >= WEIR_WIRE_WINDOW) {
		COUNT(c, p, DATA_ABANDONED, 1);
		weir_wire_frame_put(order->frame);
		weir_core_publish(c, p);
		return;
	}
	*s = (struct slot){ .frame = order->frame, .queue = order->queue, .state = SLOT_WAITS };
	o->next++;
}

void
weir_core_publish(struct weir_wire_core *c, struct peer *p)
{
	struct weir_wire_shared *s = &c->front->shared[p->id];
	const struct outward *o = &p->out;
	uint64_t room = o->limit > o->next ? o->limit - o->next : 0;
	uint64_t done = p->n_orders - (o->next - o->base), awaited;

	/* what is over, before what is allowed: control takes the lesser */
	atomic_store(&s->done, done);
	atomic_store(&s->allow, p->is_there ? p->n_orders + room : p->n_orders);
	awaited = atomic_load(&s->awaited);
	if (awaited && done >= awaited) {
		atomic_store(&s->awaited, 0);
		c->is_news = true;
	}
	room = RTE_MIN(room, WEIR_WIRE_WINDOW - (o->next - o->base));
	if (room && atomic_load(&s->is_wanted)) {
		atomic_store(&s->is_wanted, false);
		c->is_news = true;
	}
}

/* RFC 6298, section 2. */
static void
measure(struct outward *o, int64_t ns)
{
	int64_t off = ns > o->smoothed_ns ? ns - o->smoothed_ns : o->smoothed_ns - ns;

	if (!o->smoothed_ns) {
		o->smoothed_ns = ns;
		o->variance_ns = ns / 2;
	} else {
		o->variance_ns += (off - o->variance_ns) / 4;
		o->smoothed_ns += (ns - o->smoothed_ns) / 8;
	}
	o->smoothed_ns = RTE_MAX(o->smoothed_ns, 1);
	o->rto_ns = o->smoothed_ns + RTE_MAX(4 * o->variance_ns, (int64_t)MS);
	o->rto_ns = RTE_MIN(RTE_MAX(o->rto_ns, RTO_LEAST_NS), RTO_MOST_NS);
}

/* Once a round trip: what is lost of those that were sent before counts as one loss. */
static void
halve(struct outward *o, uint64_t xmit)
{
	if (xmit < o->recover_xmit)
		return;
	o->recover_xmit = o->xmit;
	o->undo = o->window;
	o->window = RTE_MAX(o->window / 2, WINDOW_LEAST);
	o->threshold = o->window;
	o->grown = 0;
}

static void
grow(struct outward *o, unsigned n)
{
	if (o->window < o->threshold) {
		o->window += n;
	} else {
		o->grown += n;
		if (o->grown >= o->window) {
			o->grown -= o->window;
			o->window++;
		}
	}
	o->window = RTE_MIN(o->window, WEIR_WIRE_WINDOW);
}

static void
lose(struct outward *o, struct slot *s, uint64_t seq)
{
	s->state = SLOT_LOST;
	o->n_flight--;
	o->lost_from = o->n_lost++ ? RTE_MIN(o->lost_from, seq) : seq;
	halve(o, s->xmit);
}

/*
 * Was it there although it was taken for lost, and what was sent again instead is not yet? Then
 * there was no loss: whoever should have answered was busy.
 */
static void
look_back(struct outward *o, const struct slot *s, uint64_t echo)
{
	if (likely(!o->undo || (s->state == SLOT_SENT && (!s->is_again || s->xmit < echo))))
		return;
	o->window = RTE_MAX(o->window, o->undo);
	o->threshold = RTE_MAX(o->threshold, o->undo);
	o->undo = 0;
}

static unsigned
settle(struct outward *o, struct slot *s, uint64_t echo)
{
	if (s->state == SLOT_OVER)
		return 0;
	look_back(o, s, echo);
	if (s->state == SLOT_SENT)
		o->n_flight--;
	else
		o->n_lost--;
	weir_wire_frame_put(s->frame);
	s->frame = NULL;
	s->state = SLOT_OVER;
	return 1;
}

/* Those that the peer says it has. */
static unsigned
settle_all(struct outward *o, uint64_t cum, const uint8_t *words, unsigned n_words, uint64_t echo)
{
	uint64_t seq, word, base = o->base;
	unsigned n = 0;

	for (seq = o->base; seq < cum; seq++)
		n += settle(o, slot_of(o, seq), echo);
	for (unsigned w = 0; w < n_words; w++) {
		memcpy(&word, words + (size_t)w * sizeof(word), sizeof(word));
		for (word = rte_be_to_cpu_64(word); word; word &= word - 1) {
			seq = cum + w * 64 + (unsigned)__builtin_ctzll(word);
			if (seq >= base && seq < o->next_send)
				n += settle(o, slot_of(o, seq), echo);
		}
	}
	while (o->base < o->next_send && slot_of(o, o->base)->state == SLOT_OVER)
		o->base++;
	return n;
}

/* What the peer asks for, unless it may still be under way. */
static void
ask_again(struct outward *o, uint64_t nak_to, uint64_t echo_xmit, int64_t now_ns)
{
	for (uint64_t seq = o->base; seq < nak_to && seq < o->next_send; seq++) {
		struct slot *s = slot_of(o, seq);

		if (s->state == SLOT_SENT && s->xmit < echo_xmit &&
		    now_ns - s->sent_ns >= o->smoothed_ns)
			lose(o, s, seq);
	}
}

void
weir_core_acked(struct weir_wire_core *c, struct peer *p, const struct weir_inner_control *k,
    const uint8_t *words, unsigned n_words, const struct weir_wire_now *now)
{
	struct outward *o = &p->out;
	uint64_t cum = rte_be_to_cpu_64(k->cum), limit = rte_be_to_cpu_64(k->limit);
	uint64_t echo = rte_be_to_cpu_64(k->echo_xmit), seq = rte_be_to_cpu_64(k->echo_seq);
	uint64_t nak_to = rte_be_to_cpu_64(k->nak_to);
	int64_t held_ns = (int64_t)rte_be_to_cpu_64(k->echo_ns);
	bool was_full = (o->n_flight + o->n_lost) * 2 >= o->window;
	struct slot *s = slot_of(o, seq);
	unsigned n;

	if (rte_be_to_cpu_32(k->acked) != o->stream)
		return;
	if (cum > o->next_send || limit < cum || limit - cum > WEIR_WIRE_WINDOW) {
		COUNT(c, p, MALFORMED, 1);
		return;
	}
	if (echo && seq >= o->base && seq < o->next_send && s->state != SLOT_OVER &&
	    s->xmit + 1 == echo && held_ns >= 0 && held_ns <= now->mono_ns - s->sent_ns)
		measure(o, now->mono_ns - s->sent_ns - held_ns);
	n = settle_all(o, cum, words, n_words, echo);
	COUNT(c, p, DATA_ACKED, n);
	o->limit = RTE_MAX(o->limit, limit);
	if (n && was_full)
		grow(o, n);
	if (n) {
		o->backoff = 0;
		o->rto_at_ns = o->n_flight ? now->mono_ns + o->rto_ns : NEVER;
	}
	if (nak_to) {
		COUNT(c, p, NAKS_RECEIVED, 1);
		if (echo)
			ask_again(o, nak_to, echo - 1, now->mono_ns);
	}
}

/* Nothing was heard of what is under way for too long. */
static void
time_out(struct weir_wire_core *c, struct peer *p, int64_t now_ns)
{
	struct outward *o = &p->out;
	int64_t oldest_ns = NEVER;
	unsigned n = 0;

	for (uint64_t seq = o->base; seq < o->next_send; seq++) {
		struct slot *s = slot_of(o, seq);

		if (s->state != SLOT_SENT)
			continue;
		if (now_ns - s->sent_ns >= o->rto_ns) {
			lose(o, s, seq);
			n++;
		} else {
			oldest_ns = least(oldest_ns, s->sent_ns);
		}
	}
	o->rto_at_ns = oldest_ns == NEVER ? NEVER : oldest_ns + o->rto_ns;
	if (!n)
		return;
	COUNT(c, p, TIMEOUTS, 1);
	o->backoff = RTE_MIN(o->backoff + 1, BACKOFF_MOST);
	if (o->backoff >= SUSPECT_AFTER && c->config.suspect)
		c->config.suspect(c->config.arg, p->id);
}

/* What to send next. False: nothing that is allowed. */
static bool
pick(struct outward *o, uint64_t *ret_seq)
{
	uint64_t seq;

	if (unlikely(o->n_lost)) {
		for (seq = RTE_MAX(o->lost_from, o->base); seq < o->next_send; seq++)
			if (slot_of(o, seq)->state == SLOT_LOST)
				break;
		o->lost_from = seq;
		*ret_seq = seq;
		return seq < o->next_send;
	}
	*ret_seq = o->next_send;
	return o->next_send < o->next && o->next_send < o->limit;
}

static enum weir_wire_sent
send_one(struct weir_wire_core *c, struct peer *p, uint64_t seq, int64_t now_ns)
{
	struct outward *o = &p->out;
	struct slot *s = slot_of(o, seq);
	struct weir_inner_data head = { .to = rte_cpu_to_be_64(p->incarnation),
		.stream = rte_cpu_to_be_32(o->stream),
		.behind = rte_cpu_to_be_32((uint32_t)(seq - o->base)),
		.seq = rte_cpu_to_be_64(seq),
		.xmit = rte_cpu_to_be_64(o->xmit) };
	struct weir_wire_out out = { .id = p->id,
		.queue = s->queue,
		.type = WEIR_INNER_DATA,
		.head = &head,
		.head_len = sizeof(head),
		.body = s->frame->data,
		.body_len = s->frame->len };
	enum weir_wire_sent rc = c->config.transmit(c->config.arg, &out);

	if (rc != WEIR_WIRE_SENT)
		return rc;
	s->is_again = s->state == SLOT_LOST;
	if (s->is_again) {
		o->n_lost--;
		COUNT(c, p, RETRANSMITTED, 1);
	} else {
		o->next_send++;
		COUNT(c, p, DATA_SENT, 1);
	}
	s->state = SLOT_SENT;
	s->xmit = o->xmit++;
	s->sent_ns = now_ns;
	o->n_flight++;
	if (o->rto_at_ns == NEVER)
		o->rto_at_ns = now_ns + (o->rto_ns << o->backoff);
	return rc;
}

int64_t
weir_core_send(struct weir_wire_core *c, struct peer *p, const struct weir_wire_now *now)
{
	struct outward *o = &p->out;
	int64_t now_ns = now->mono_ns, at_ns = RTE_MAX(o->pace_at_ns, o->block_at_ns);
	enum weir_wire_sent rc = WEIR_WIRE_SENT;
	uint64_t seq = 0;
	unsigned n = 0;

	if (now_ns >= o->rto_at_ns)
		time_out(c, p, now_ns);
	if (now_ns >= at_ns) {
		while (n < BURST && o->n_flight < o->window && pick(o, &seq)) {
			rc = send_one(c, p, seq, now_ns);
			if (rc != WEIR_WIRE_SENT)
				break;
			n++;
		}
		if (rc != WEIR_WIRE_SENT)
			o->block_at_ns =
			    now_ns + (rc == WEIR_WIRE_SENT_FULL ? FULL_WAIT_NS : NOWHERE_WAIT_NS);
		/* a window takes half a round trip */
		if (n)
			o->pace_at_ns = now_ns + o->smoothed_ns * n / (2 * o->window);
		at_ns = RTE_MAX(o->pace_at_ns, o->block_at_ns);
	}
	if (o->n_flight >= o->window || !pick(o, &seq))
		return o->rto_at_ns;
	return least(RTE_MAX(at_ns, now_ns), o->rto_at_ns);
}
