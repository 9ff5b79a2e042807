/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_ethdev.h>
#include <weir/base/array.h>
#include <weir/base/time.h>

#include "port.h"

#define YIELDS     50                   /* before sleeping, where a driver is waited for */
#define NAP_NS     20000                /* between tries then */
#define STUCK_NS   WEIR_NS_PER_S        /* a driver that takes nothing for so long is given up */
#define HURRIED_NS (WEIR_NS_PER_S / 10) /* and where the run is to end */

static bool
is_draining(const struct weir_port_sink *p)
{
	return *p->draining && atomic_load_explicit(*p->draining, memory_order_relaxed);
}

uint32_t
weir_forwarder_push(const struct weir_forwarder *s, unsigned gate, struct weir_port_queue queue,
    struct rte_mbuf **m, uint32_t n)
{
	const struct weir_port_sink *p = s->sink;
	struct timespec nap = { 0, NAP_NS };
	int64_t moved_ns = weir_now_mono_ns();
	uint32_t sent = 0;

	for (unsigned tries = 0; sent < n; tries++) {
		uint16_t taken =
		    rte_eth_tx_burst(queue.id, queue.queue, m + sent, (uint16_t)(n - sent));
		int64_t now_ns = weir_now_mono_ns();

		sent += taken;
		if (taken) {
			moved_ns = now_ns;
			continue;
		}
		if (!atomic_load_explicit(&p->gates[gate]->is_up, memory_order_relaxed) ||
		    now_ns - moved_ns > (is_draining(p) ? HURRIED_NS : STUCK_NS))
			break;
		if (tries < YIELDS)
			sched_yield();
		else
			nanosleep(&nap, NULL);
	}
	return sent;
}

int
weir_forwarder_create(struct weir_sink *sink, unsigned worker, bool in_turn,
    struct weir_forwarder **ret, struct weir_error *err)
{
	struct weir_port_sink *p = sink->state;
	struct weir_forwarder *s = aligned_alloc(_Alignof(struct weir_forwarder), sizeof(*s));

	if (!s)
		return weir_error_run(err, -ENOMEM, "out of memory");
	memset(s, 0, sizeof(*s));
	s->sink = p;
	s->worker = worker;
	s->staged = calloc(p->n_gates, sizeof(*s->staged));
	if (!s->staged) {
		free(s);
		return weir_error_run(err, -ENOMEM, "out of memory");
	}
	for (unsigned i = 0; i < p->n_gates; i++) {
		struct weir_port_gate *x = p->gates[i];
		unsigned own = in_turn ? 0 : worker;

		s->queues[i] = x->port->tx[own % x->port->n_tx];
		if (!in_turn && x->n_lanes)
			s->lanes[i] = &x->lanes[worker % x->n_lanes];
	}
	*(struct weir_forwarder **)weir_array_add(
	    &p->senders, &p->n_senders, sizeof(struct weir_forwarder *)) = s;
	*ret = s;
	return 0;
}

static uint64_t
load(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_acquire);
}

static void
add_counts(struct weir_forward_stats *to, const struct weir_forward_counts *c)
{
	for (unsigned i = 0; i < to->n_ports; i++) {
		uint64_t sent = load(&c->sent[i]);

		to->sent_by[i] += sent;
		to->sent += sent;
	}
	for (unsigned r = 0; r < WEIR_N_FORWARD_REASONS; r++)
		to->dropped[r] += load(&c->dropped[r]);
}

void
weir_forward_stats(const struct weir_sink *s, struct weir_forward_stats *ret)
{
	const struct weir_port_sink *p = s->state;

	*ret = (struct weir_forward_stats){ .n_ports = p->n_gates };
	for (unsigned i = 0; i < p->n_gates; i++) {
		ret->ports[i] = weir_port_gate_name(p->gates[i]);
		ret->is_up[i] = atomic_load_explicit(&p->gates[i]->is_up, memory_order_relaxed);
	}
	for (unsigned i = 0; i < p->n_senders; i++) {
		add_counts(ret, &p->senders[i]->lane_counts);
		add_counts(ret, &p->senders[i]->counts);
	}
	/* Read last: while it runs what was offered is not less than what has become of it. */
	for (unsigned i = 0; i < p->n_senders; i++) {
		ret->moved += load(&p->senders[i]->counts.moved);
		ret->offered += load(&p->senders[i]->counts.offered);
	}
}
