/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "core_parts.h"

#include <weir/base/poison.h> /* last */

#define ORDERS_A_STEP 64u

void
weir_wire_core_count(struct weir_wire_core *c, int id, enum weir_wire_counter counter, uint64_t n)
{
	c->counters[counter] += n;
	if (id >= 0 && c->peers[id])
		c->peers[id]->counters[counter] += n;
}

int
weir_wire_core_find(const struct weir_wire_core *c, uint64_t incarnation)
{
	uint32_t at = (uint32_t)incarnation & (FINDER - 1);

	for (; c->finder[at]; at = (at + 1) & (FINDER - 1)) {
		unsigned id = c->finder[at] - 1u;

		if (c->peers[id]->incarnation == incarnation)
			return (int)id;
	}
	return -1;
}

void
weir_wire_core_receive(
    struct weir_wire_core *c, const struct weir_wire_now *now, const struct weir_wire_in *in)
{
	struct peer *p = c->peers[in->id];
	rte_be64_t to;

	if (unlikely(in->len < sizeof(to) || !in->type || in->type >= WEIR_INNER_N_TYPES)) {
		COUNT(c, p, MALFORMED, 1);
		return;
	}
	memcpy(&to, in->p, sizeof(to));
	if (unlikely(rte_be_to_cpu_64(to) != c->config.incarnation)) {
		COUNT(c, p, STALE, 1);
		return;
	}
	atomic_store_explicit(
	    &c->front->shared[in->id].heard_ns, now->mono_ns, memory_order_relaxed);
	if (in->type == WEIR_INNER_DATA)
		weir_core_data(c, p, in, now);
	else
		weir_core_control(c, p, in, now);
}

bool
weir_wire_core_has_orders(const struct weir_wire_core *c)
{
	return weir_wire_ring_used(c->front->orders) != 0;
}

static void
take_orders(struct weir_wire_core *c)
{
	struct weir_wire_order orders[ORDERS_A_STEP];
	unsigned n = rte_ring_dequeue_burst_elem(
	    c->front->orders, orders, sizeof(orders[0]), ORDERS_A_STEP, NULL);

	for (unsigned i = 0; i < n; i++)
		weir_core_order(c, &orders[i]);
}

/* Pings go on for ever, so that what was lost of acknowledgements and credit is said again. */
static int64_t
ping(struct weir_wire_core *c, struct peer *p, const struct weir_wire_now *now)
{
	struct weir_wire_shared *s = &c->front->shared[p->id];
	const struct outward *o = &p->out;
	bool is_wanted =
	    o->limit <= o->next &&
	    (o->next_send < o->next || atomic_load_explicit(&s->is_wanted, memory_order_relaxed));

	if (is_wanted)
		p->ping_at_ns = least(p->ping_at_ns, now->mono_ns + PING_WANTED_NS);
	if (now->mono_ns < p->ping_at_ns)
		return p->ping_at_ns;
	switch (weir_core_tell(c, p, WEIR_INNER_PING, 0, NULL, now)) {
	case WEIR_WIRE_SENT:
		p->ping_at_ns = now->mono_ns + (is_wanted ? PING_WANTED_NS : PING_NS);
		break;
	case WEIR_WIRE_SENT_FULL:
		p->ping_at_ns = now->mono_ns + FULL_WAIT_NS;
		break;
	case WEIR_WIRE_SENT_NOWHERE:
		p->ping_at_ns = now->mono_ns + NOWHERE_WAIT_NS;
		break;
	}
	return p->ping_at_ns;
}

static int64_t
answer(struct weir_wire_core *c, struct peer *p, const struct weir_wire_now *now)
{
	uint64_t nak_to;
	int64_t next_ns;

	if (!weir_core_ack_is_due(c, p, now->mono_ns, &nak_to, &next_ns))
		return next_ns;
	if (weir_core_tell(c, p, WEIR_INNER_ACK, nak_to, NULL, now) != WEIR_WIRE_SENT)
		return now->mono_ns + FULL_WAIT_NS;
	return p->in.gap_ns == NEVER ? NEVER : p->in.gap_ns + p->in.gap_wait_ns;
}

static void
count_no_credit(struct weir_wire_core *c, struct peer *p)
{
	uint64_t n = atomic_load_explicit(&c->front->shared[p->id].no_credit, memory_order_relaxed);

	COUNT(c, p, NO_CREDIT, n - p->n_no_credit);
	p->n_no_credit = n;
}

void
weir_wire_core_answer(struct weir_wire_core *c, const struct weir_wire_now *now)
{
	for (unsigned i = 0; i < c->n_there; i++) {
		struct peer *p = c->peers[c->there[i]];

		if (p->in.ack_at_ns != NEVER)
			p->in.ack_at_ns = now->mono_ns;
		(void)answer(c, p, now);
	}
}

int64_t
weir_wire_core_step(struct weir_wire_core *c, const struct weir_wire_now *now)
{
	int64_t next_ns = NEVER;

	take_orders(c);
	for (unsigned i = 0; i < c->n_there; i++) {
		struct peer *p = c->peers[c->there[i]];

		next_ns = least(next_ns, answer(c, p, now));
		next_ns = least(next_ns, weir_core_send(c, p, now));
		next_ns = least(next_ns, ping(c, p, now));
		count_no_credit(c, p);
		weir_core_publish(c, p);
	}
	if (c->is_news && c->config.wake)
		c->config.wake(c->config.wake_arg);
	c->is_news = false;
	return weir_wire_core_has_orders(c) ? now->mono_ns : next_ns;
}
