/* SPDX-License-Identifier: BSD-3-Clause */
#include "trail.h"

#include <stdlib.h>

#include <weir/base/time.h>

struct weir_trail *
weir_trail_create(void)
{
	struct weir_trail *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->random = 1;
	t->set = weir_latency_set_create();
	if (t->set)
		return t;
	free(t);
	return NULL;
}

void
weir_trail_destroy(struct weir_trail *t)
{
	if (!t)
		return;
	free(t->set);
	free(t);
}

void
weir_trail_advance(struct weir_trail *t)
{
	if (t)
		t->advanced_ns = weir_now_mono_ns();
}

void
weir_trail_follow(struct weir_trail *t, enum weir_trail_wait wait, const struct weir_origin *origin)
{
	if (!t)
		return;
	t->wait = wait;
	weir_origin_forget(&t->now);
	if (origin)
		weir_origin_merge(&t->now, origin);
}

void
weir_trail_resume(struct weir_trail *t, struct weir_origin **held)
{
	if (!t)
		return;
	weir_trail_follow(t, WEIR_TRAIL_PANE, *held);
	/* Until now they were not due. */
	if (t->now.held_ns != t->advanced_ns)
		t->now.handed_ns = t->advanced_ns;
	free(*held);
	*held = NULL;
}

void
weir_trail_hold(struct weir_trail *t, struct weir_origin **held)
{
	if (!t || !t->now.n)
		return;
	if (!*held)
		*held = calloc(1, sizeof(**held));
	if (!*held)
		return;
	weir_origin_merge(*held, &t->now);
	(*held)->held_ns = t->advanced_ns;
}

static void
add(struct weir_trail *t, enum weir_latency_stage stage, int64_t ns)
{
	weir_histogram_add(&t->set->of[stage], ns);
}

/* As many rows may come between two flushes as there are: a sample of them waits. */
static void
wait_for_flush(struct weir_trail *t, const struct weir_trail_pending *p)
{
	uint64_t at = t->n_pending;

	t->seen++;
	if (t->n_pending < WEIR_TRAIL_PENDING) {
		t->n_pending++;
	} else {
		t->random ^= t->random << 13;
		t->random ^= t->random >> 7;
		t->random ^= t->random << 17;
		at = t->random % t->seen;
	}
	if (at < WEIR_TRAIL_PENDING)
		t->pending[at] = *p;
}

void
weir_trail_ready(struct weir_trail *t)
{
	int64_t now_ns;

	if (!t || !t->now.n)
		return;
	now_ns = weir_now_mono_ns();
	for (uint32_t i = 0; i < t->now.n; i++) {
		const struct weir_origin_packet *p = &t->now.packets[i];
		int64_t waited_ns = t->now.handed_ns - p->taken_ns;

		add(t,
		    t->wait == WEIR_TRAIL_PANE ? WEIR_LATENCY_PANE_WAIT : WEIR_LATENCY_BLOCK_WAIT,
		    waited_ns);
		add(t, WEIR_LATENCY_MERGE, now_ns - t->now.handed_ns);
		wait_for_flush(
		    t, &(struct weir_trail_pending){ t->wait, p->arrived_ns, waited_ns, now_ns });
	}
	weir_origin_forget(&t->now); /* a large window goes out in parts */
}

void
weir_trail_ready_early(struct weir_trail *t, int64_t arrived_ns)
{
	if (t && arrived_ns)
		wait_for_flush(t, &(struct weir_trail_pending){
				      WEIR_TRAIL_NONE, arrived_ns, 0, weir_now_mono_ns() });
}

void
weir_trail_written(struct weir_trail *t)
{
	int64_t now_ns;

	if (!t || !t->n_pending)
		return;
	now_ns = weir_now_mono_ns();
	for (unsigned i = 0; i < t->n_pending; i++) {
		const struct weir_trail_pending *p = &t->pending[i];
		int64_t ns = now_ns - p->arrived_ns;

		add(t, WEIR_LATENCY_SINK, now_ns - p->ready_ns);
		if (p->wait == WEIR_TRAIL_NONE) {
			add(t, WEIR_LATENCY_EARLY, ns);
			continue;
		}
		add(t, WEIR_LATENCY_END_TO_END, ns);
		add(t, WEIR_LATENCY_WORK, p->wait == WEIR_TRAIL_PANE ? ns - p->waited_ns : ns);
	}
	t->n_pending = 0;
	t->seen = 0;
}
