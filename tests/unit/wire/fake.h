/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_TEST_WIRE_FAKE_H
#define WEIR_TEST_WIRE_FAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "inner.h"
#include "random.h"

/*
 * Nodes whose wires are joined by a network in memory that loses, repeats and delays datagrams
 * as told, with a clock that jumps from one event to the next. Ids of peers are numbers
 * of nodes.
 */

#define FAKE_NODES    4
#define FAKE_PAYLOAD  64u
#define FAKE_DATAGRAM 512u
#define FAKE_FLYING   8192u
#define FAKE_FRAMES   8192u /* that each node may send to each other */
#define FAKE_HELD     512u

struct fake_datagram {
	int64_t at_ns;
	uint8_t from, to, type;
	uint16_t queue;
	uint64_t incarnation;
	uint32_t len;
	uint8_t p[FAKE_DATAGRAM];
};

struct fake_rules {
	unsigned loss, dup; /* of 1000 */
	int64_t delay_ns, jitter_ns;
	bool is_cut[FAKE_NODES]; /* neither hears nor is heard */
};

struct fake_world;

struct fake_node {
	struct fake_world *world;
	unsigned number;
	uint64_t incarnation;
	int64_t clock_off_ns;
	struct weir_wire_front front;
	struct weir_wire_core *core;
	int64_t step_at_ns;
	unsigned n_woken;
	unsigned n_suspected;
	bool is_full;    /* its port takes nothing */
	bool is_nowhere; /* its neighbours are silent */
	/* what it has handed out, and what has come from each */
	uint32_t n_sent[FAKE_NODES];
	uint8_t times[FAKE_NODES][FAKE_FRAMES];
	uint32_t n_got[FAKE_NODES];
	uint32_t n_wrong;
	/* received frames that it has not released */
	bool is_holding;
	unsigned n_held;
	struct weir_wire_received held[FAKE_HELD];
};

struct fake_world {
	uint64_t seed;
	int64_t now_ns;
	struct fake_rules rules;
	unsigned n_nodes;
	struct fake_node nodes[FAKE_NODES];
	unsigned n_flying;
	struct fake_datagram flying[FAKE_FLYING];
	uint64_t n_datagrams;
	unsigned most_in_a_step;
};

static inline unsigned
fake_below(struct fake_world *w, uint64_t n)
{
	return n ? (unsigned)(random_next(&w->seed) % n) : 0;
}

static inline struct weir_wire_now
fake_now(const struct fake_node *n)
{
	return (struct weir_wire_now){ n->world->now_ns,
		n->world->now_ns + INT64_C(1700000000000000000) + n->clock_off_ns };
}

static inline void
fake_fly(struct fake_node *n, const struct weir_wire_out *out)
{
	struct fake_world *w = n->world;
	struct fake_datagram *d;

	if (w->n_flying == FAKE_FLYING)
		return; /* a full queue in between */
	d = &w->flying[w->n_flying++];
	d->at_ns = w->now_ns + w->rules.delay_ns + fake_below(w, (uint64_t)w->rules.jitter_ns);
	d->from = (uint8_t)n->number;
	d->to = (uint8_t)out->id;
	d->type = out->type;
	d->queue = out->queue;
	d->incarnation = n->incarnation;
	d->len = out->head_len + out->body_len;
	memcpy(d->p, out->head, out->head_len);
	if (out->body_len)
		memcpy(d->p + out->head_len, out->body, out->body_len);
	w->n_datagrams++;
}

static inline enum weir_wire_sent
fake_transmit(void *arg, const struct weir_wire_out *out)
{
	struct fake_node *n = arg;
	struct fake_world *w = n->world;

	if (n->is_full)
		return WEIR_WIRE_SENT_FULL;
	if (n->is_nowhere)
		return WEIR_WIRE_SENT_NOWHERE;
	if (w->rules.is_cut[n->number] || w->rules.is_cut[out->id] ||
	    fake_below(w, 1000) < w->rules.loss)
		return WEIR_WIRE_SENT;
	fake_fly(n, out);
	if (fake_below(w, 1000) < w->rules.dup)
		fake_fly(n, out);
	return WEIR_WIRE_SENT;
}

static inline void
fake_suspect(void *arg, unsigned id)
{
	((struct fake_node *)arg)->n_suspected++;
}

static inline void
fake_wake(void *arg)
{
	((struct fake_node *)arg)->n_woken++;
}

/* A node begins, or begins anew: it knows nobody. */
static inline void
fake_start(struct fake_world *w, unsigned number, uint64_t memory_bytes)
{
	struct fake_node *n = &w->nodes[number];
	struct weir_wire_core_config c = { .transmit = fake_transmit,
		.suspect = fake_suspect,
		.wake = fake_wake,
		.arg = n,
		.wake_arg = n };

	weir_wire_core_destroy(n->core);
	if (n->front.frames)
		weir_wire_front_fini(&n->front);
	memset(n, 0, sizeof(*n));
	n->world = w;
	n->number = number;
	n->incarnation = random_next(&w->seed) | 1;
	if (weir_wire_front_init(&n->front, memory_bytes, FAKE_PAYLOAD, NULL))
		abort();
	c.front = &n->front;
	c.incarnation = n->incarnation;
	n->core = weir_wire_core_create(&c);
	if (!n->core)
		abort();
}

/* `at` learns of `of`, as it is now. */
static inline int
fake_meet(struct fake_world *w, unsigned at, unsigned of)
{
	struct fake_node *n = &w->nodes[at];
	uint64_t incarnation = w->nodes[of].incarnation;
	struct weir_wire_now now = fake_now(n);
	int rc = weir_wire_core_peer_set(n->core, of, "peer", incarnation,
	    weir_wire_front_generation(&n->front, of, incarnation), &now);

	if (!rc)
		weir_wire_front_set(&n->front, of, incarnation);
	n->step_at_ns = w->now_ns;
	return rc;
}

static inline void
fake_forget(struct fake_world *w, unsigned at, unsigned of)
{
	weir_wire_front_remove(&w->nodes[at].front, of);
	weir_wire_core_peer_remove(w->nodes[at].core, of);
}

static inline struct fake_world *
fake_create(uint64_t seed, unsigned n_nodes, uint64_t memory_bytes)
{
	struct fake_world *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	w->seed = seed;
	w->n_nodes = n_nodes;
	w->now_ns = 1000;
	w->rules.delay_ns = 50000;
	for (unsigned i = 0; i < n_nodes; i++)
		fake_start(w, i, memory_bytes);
	for (unsigned i = 0; i < n_nodes; i++)
		for (unsigned k = 0; k < n_nodes; k++)
			if (i != k && fake_meet(w, i, k))
				abort();
	return w;
}

static inline void
fake_destroy(struct fake_world *w)
{
	for (unsigned i = 0; i < w->n_nodes; i++) {
		weir_wire_core_destroy(w->nodes[i].core);
		weir_wire_front_fini(&w->nodes[i].front);
	}
	free(w);
}

/* The next number to a peer. Returns what weir_wire_send does, -ENOMEM without a frame. */
static inline int
fake_send(struct fake_world *w, unsigned from, unsigned to)
{
	struct fake_node *n = &w->nodes[from];
	struct weir_wire_frame *f;
	uint32_t number = n->n_sent[to];
	int rc;

	f = weir_wire_front_get(&n->front);
	if (!f)
		return -12;
	f->len = 16 + number % (FAKE_PAYLOAD - 16 + 1);
	memset(f->data, (int)number & 0xff, f->len);
	memcpy(f->data, &n->incarnation, 8);
	memcpy(f->data + 8, &number, 4);
	memcpy(f->data + 12, &to, 4);
	rc = weir_wire_front_send(&n->front, to, f, (uint16_t)(number & 0xffff));
	if (rc == 0) {
		n->n_sent[to]++;
		n->step_at_ns = w->now_ns;
	}
	weir_wire_frame_put(f);
	return rc;
}

static inline void
fake_check(struct fake_node *n, const struct weir_wire_received *r)
{
	uint32_t number, to;
	uint64_t incarnation;

	memcpy(&incarnation, r->data, 8);
	memcpy(&number, r->data + 8, 4);
	memcpy(&to, r->data + 12, 4);
	if (to != n->number || number >= FAKE_FRAMES || r->incarnation != incarnation ||
	    r->queue != number || r->len != 16 + number % (FAKE_PAYLOAD - 16 + 1)) {
		n->n_wrong++;
		return;
	}
	for (uint32_t i = 16; i < r->len; i++)
		n->n_wrong += r->data[i] != (number & 0xff);
	n->n_wrong += n->times[r->peer][number]++ != 0;
	n->n_got[r->peer]++;
}

/* Take what has come, and release what is held unless the node holds it. */
static inline void
fake_take(struct fake_node *n)
{
	struct weir_wire_received r;

	while (n->n_held < FAKE_HELD && weir_wire_front_take(&n->front, &r, 1)) {
		fake_check(n, &r);
		n->held[n->n_held++] = r;
	}
	if (!n->is_holding && n->n_held) {
		weir_wire_front_release(&n->front, n->held, n->n_held);
		n->n_held = 0;
		n->step_at_ns = n->world->now_ns;
	}
}

static inline void
fake_arrive(struct fake_world *w, struct fake_node *n, const struct fake_datagram *d)
{
	struct weir_wire_now now = fake_now(n);
	int id = weir_wire_core_find(n->core, d->incarnation);
	struct weir_wire_in in = { .type = d->type, .queue = d->queue, .p = d->p, .len = d->len };

	if (id < 0 || w->rules.is_cut[n->number])
		return;
	in.id = (uint16_t)id;
	weir_wire_core_receive(n->core, &now, &in);
	n->step_at_ns = w->now_ns;
}

/* The next event. False where it is after until_ns; the clock is there then. */
static inline bool
fake_turn(struct fake_world *w, int64_t until_ns)
{
	int64_t next_ns = INT64_MAX;

	for (unsigned i = 0; i < w->n_flying; i++)
		next_ns = w->flying[i].at_ns < next_ns ? w->flying[i].at_ns : next_ns;
	for (unsigned i = 0; i < w->n_nodes; i++)
		next_ns = w->nodes[i].step_at_ns < next_ns ? w->nodes[i].step_at_ns : next_ns;
	if (next_ns > until_ns) {
		w->now_ns = until_ns;
		return false;
	}
	w->now_ns = next_ns > w->now_ns ? next_ns : w->now_ns;
	for (unsigned i = 0; i < w->n_flying;) {
		struct fake_datagram d;

		if (w->flying[i].at_ns > w->now_ns) {
			i++;
			continue;
		}
		d = w->flying[i];
		w->flying[i] = w->flying[--w->n_flying];
		fake_arrive(w, &w->nodes[d.to], &d);
	}
	for (unsigned i = 0; i < w->n_nodes; i++) {
		struct fake_node *n = &w->nodes[i];
		struct weir_wire_now now = fake_now(n);
		uint64_t before = w->n_datagrams;

		if (n->step_at_ns <= w->now_ns) {
			n->step_at_ns = weir_wire_core_step(n->core, &now);
			if (w->n_datagrams - before > w->most_in_a_step)
				w->most_in_a_step = (unsigned)(w->n_datagrams - before);
			/* a thread takes a moment */
			if (n->step_at_ns < w->now_ns + 1000)
				n->step_at_ns = w->now_ns + 1000;
		}
		fake_take(n);
	}
	return true;
}

static inline void
fake_run(struct fake_world *w, int64_t ns)
{
	int64_t until_ns = w->now_ns + ns;

	while (fake_turn(w, until_ns))
		;
}

#endif
