/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <rte_common.h>
#include <rte_ring_elem.h>
#include <stdio.h>
#include <stdlib.h>

#include "core_parts.h"

/* Peers come and go; what is told of them. */

struct weir_wire_core *
weir_wire_core_create(const struct weir_wire_core_config *config)
{
	struct weir_wire_core *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->config = *config;
	c->front = config->front;
	c->share = WEIR_WIRE_WINDOW;
	return c;
}

void
weir_wire_core_destroy(struct weir_wire_core *c)
{
	struct weir_wire_order o;

	if (!c)
		return;
	while (!rte_ring_dequeue_elem(c->front->orders, &o, sizeof(o)))
		weir_wire_frame_put(o.frame);
	for (unsigned i = 0; i < WEIR_WIRE_PEERS; i++) {
		if (c->peers[i])
			weir_core_out_restart(c, c->peers[i], 1);
		free(c->peers[i]);
	}
	free(c);
}

/* Who is there, by incarnation, and how many buffers each may fill. */
static void
index_all(struct weir_wire_core *c)
{
	memset(c->finder, 0, sizeof(c->finder));
	c->n_there = 0;
	for (unsigned id = 0; id < WEIR_WIRE_PEERS; id++) {
		const struct peer *p = c->peers[id];
		uint32_t at;

		if (!p || !p->is_there)
			continue;
		c->there[c->n_there++] = (uint16_t)id;
		for (at = (uint32_t)p->incarnation & (FINDER - 1); c->finder[at];)
			at = (at + 1) & (FINDER - 1);
		c->finder[at] = (uint16_t)(id + 1);
	}
	if (c->n_there)
		c->share = c->front->n_buffers / c->n_there;
	c->share = RTE_MAX(RTE_MIN(c->share, WEIR_WIRE_WINDOW), 1u);
}

static void
begin_anew(struct weir_wire_core *c, struct peer *p, uint64_t incarnation)
{
	p->incarnation = incarnation;
	weir_core_in_restart(&p->in, 0);
	memset(p->pings, 0, sizeof(p->pings));
	memset(p->samples, 0, sizeof(p->samples));
	p->n_samples = 0;
	memset(p->counters, 0, sizeof(p->counters));
	weir_histogram_reset(&p->rtt);
	atomic_store_explicit(&c->front->shared[p->id].heard_ns, 0, memory_order_relaxed);
}

int
weir_wire_core_peer_set(struct weir_wire_core *c, unsigned id, const char *name,
    uint64_t incarnation, uint32_t generation, const struct weir_wire_now *now)
{
	struct peer *p = c->peers[id];
	int other = weir_wire_core_find(c, incarnation);
	bool is_new;

	if (!incarnation || incarnation == c->config.incarnation ||
	    (other >= 0 && (unsigned)other != id))
		return -EINVAL;
	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return -ENOMEM;
		p->id = (uint16_t)id;
		c->peers[id] = p;
	}
	is_new = p->incarnation != incarnation;
	/* a stream that was given up, as the peer was removed, is not to be gone on with */
	if (is_new || !p->is_there)
		weir_core_out_restart(c, p, ++c->last_stream);
	if (is_new)
		begin_anew(c, p, incarnation);
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->is_there = true;
	p->generation = generation;
	p->ping_at_ns = now->mono_ns;
	index_all(c);
	weir_core_publish(c, p);
	return 0;
}

void
weir_wire_core_peer_remove(struct weir_wire_core *c, unsigned id)
{
	struct peer *p = c->peers[id];

	if (!p || !p->is_there)
		return;
	weir_core_out_restart(c, p, ++c->last_stream);
	p->is_there = false;
	index_all(c);
	weir_core_publish(c, p);
}

int
weir_wire_core_renew(struct weir_wire_core *c, uint64_t incarnation)
{
	if (c->n_there)
		return -EBUSY;
	c->config.incarnation = incarnation;
	return 0;
}

void
weir_wire_core_counters(const struct weir_wire_core *c, uint64_t ret[WEIR_WIRE_N_COUNTERS])
{
	memcpy(ret, c->counters, sizeof(c->counters));
}

bool
weir_wire_core_peer_stats(struct weir_wire_core *c, unsigned id, struct weir_wire_peer_stats *ret)
{
	const struct peer *p = c->peers[id];
	const struct clock_sample *best = NULL;

	if (!p || !p->is_there)
		return false;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->name, p->name, sizeof(ret->name));
	ret->incarnation = p->incarnation;
	/* the shortest round trip tells best */
	for (unsigned i = 0; i < RTE_MIN(p->n_samples, CLOCK_SAMPLES); i++)
		if (!best || p->samples[i].rtt_ns < best->rtt_ns)
			best = &p->samples[i];
	ret->has_clock = best != NULL;
	ret->offset_ns = best ? best->offset_ns : 0;
	ret->error_ns = best ? (best->rtt_ns + 1) / 2 : 0;
	ret->heard_ns = atomic_load_explicit(&c->front->shared[id].heard_ns, memory_order_relaxed);
	ret->smoothed_ns = p->out.smoothed_ns;
	ret->n_unacked = (unsigned)(p->out.next - p->out.base);
	ret->n_credit = p->out.limit > p->out.next ? (unsigned)(p->out.limit - p->out.next) : 0;
	ret->window = p->out.window;
	memcpy(ret->counters, p->counters, sizeof(ret->counters));
	ret->rtt = p->rtt;
	return true;
}
