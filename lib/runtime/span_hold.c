/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>
#include <weir/base/time.h>

#include "flow_parts.h"
#include "span_parts.h"

/*
 * How long rows of sessions are kept that have been shipped: a session may go on for any time, and
 * whoever takes it over needs all of its rows. So owners tell now and then when the first of those
 * began that they may still need. Of windows of so many rows, and of sessions of a greatest length,
 * nobody can begin in the middle, for each begins where the one before is full: theirs are kept
 * from the first on, as long as there is memory.
 */

#define TELL_NS      (WEIR_NS_PER_S / 5)
#define MOST_SAMPLES 256u

bool
weir_span_needs_all(const struct weir_span_query *q)
{
	return q->window.kind == WEIR_WINDOW_COUNT ||
	       (q->window.kind == WEIR_WINDOW_SESSION && q->window.max_ns);
}

static bool
tells(const struct weir_span_query *q)
{
	return q->ships && weir_window_is_per_group(&q->window) && !weir_span_needs_all(q);
}

/* Every other one of those that are not the first is dropped. */
static void
thin(struct weir_span_query *q)
{
	unsigned n = 1;

	for (unsigned i = 2; i < q->n_samples; i += 2)
		q->samples[n++] = q->samples[i];
	q->n_samples = n;
}

/* Sessions that were not over at this node, which has delivered up to now. */
static void
sample(struct weir_span *s, unsigned query)
{
	struct weir_span_query *q = &s->queries[query];
	struct weir_span_sample *add, now = { s->delivered_ns, s->delivered_ns };
	int64_t since_ns, needed_ns;
	unsigned gone = 0;

	if (weir_aggregator_open_since(q->aggregator, &since_ns) && since_ns < now.since_ns)
		now.since_ns = since_ns;
	since_ns = weir_flow_list_since(s->flow, query);
	if (since_ns < now.since_ns)
		now.since_ns = since_ns;
	if (q->n_samples == MOST_SAMPLES)
		thin(q);
	add = weir_array_add(&q->samples, &q->n_samples, sizeof(*add));
	*add = now;
	/* What later windows are made of is needed for longer: the newest that is old enough. */
	if (__builtin_sub_overflow(s->delivered_ns, q->history_ns, &needed_ns))
		return;
	while (gone < q->n_samples && q->samples[gone].time_ns <= needed_ns)
		q->hold_ns = q->samples[gone++].since_ns;
	q->n_samples -= gone;
	memmove(q->samples, q->samples + gone, q->n_samples * sizeof(*q->samples));
}

static void
send_holds(struct weir_span *s, unsigned node)
{
	uint32_t most = weir_wire_payload_most(s->wire), len;
	struct weir_wire_frame *f;
	unsigned i = 0;

	while (i < s->n_queries && (f = weir_span_frame(s, node))) {
		len = weir_span_begin_holds(f->data, s->epoch, s->delivered_ns);
		for (; i < s->n_queries; i++) {
			const struct weir_span_query *q = &s->queries[i];

			if (!tells(q))
				continue;
			if (len + WEIR_SPAN_HOLD_BYTES > most)
				break;
			len = weir_span_add_hold(f->data, len, q->number, q->hold_ns);
		}
		/* One that is lost for want of room is followed by another. */
		(void)weir_span_send_frame(s, node, f, len);
	}
}

void
weir_span_tell_holds(struct weir_span *s)
{
	int64_t now_ns = weir_now_mono_ns();
	bool has = false;

	for (unsigned i = 0; i < s->n_queries; i++)
		has |= tells(&s->queries[i]);
	if (!has || now_ns - s->held_mono_ns < TELL_NS || s->delivered_ns == s->held_ns ||
	    s->complete_ns == INT64_MIN)
		return;
	s->held_mono_ns = now_ns;
	s->held_ns = s->delivered_ns;
	for (unsigned i = 0; i < s->n_queries; i++)
		if (tells(&s->queries[i]))
			sample(s, i);
	for (unsigned node = 0; node < s->map->n_nodes; node++)
		if (node != s->map->self && s->peers[node].is_there &&
		    weir_span_is_live(s->map, node))
			send_holds(s, node);
}

static int64_t *
holds_of(struct weir_span *s, struct weir_span_peer *peer)
{
	if (!peer->holds)
		peer->holds = calloc(s->n_queries + 1, sizeof(*peer->holds));
	if (peer->holds && peer->holds_epoch != s->epoch) {
		for (unsigned i = 0; i < s->n_queries; i++)
			peer->holds[i] = INT64_MIN;
		peer->holds_epoch = s->epoch;
	}
	return peer->holds;
}

bool
weir_span_take_holds(struct weir_span *s, unsigned node, const uint8_t *p, uint32_t len)
{
	struct weir_span_peer *peer = &s->peers[node];
	int64_t done_ns, hold_ns, *holds;
	unsigned n, query;
	uint64_t epoch;
	uint16_t number;

	if (!weir_span_get_holds(p, len, &epoch, &done_ns, &n))
		return false;
	for (unsigned i = 0; i < n; i++) {
		weir_span_get_hold(p, i, &number, &hold_ns);
		if (number >= s->n_queries || !tells(&s->queries[s->by_number[number]]))
			return false;
	}
	if (epoch != s->epoch)
		return true;
	/* Who frees rows by it knows that their windows have been delivered. */
	peer->done_ns = weir_flow_later(peer->done_ns, done_ns);
	holds = holds_of(s, peer);
	for (unsigned i = 0; holds && i < n; i++) {
		weir_span_get_hold(p, i, &number, &hold_ns);
		query = s->by_number[number];
		holds[query] = weir_flow_later(holds[query], hold_ns);
	}
	return true;
}

void
weir_span_forget_holds(struct weir_span *s)
{
	s->held_ns = INT64_MIN;
	for (unsigned i = 0; i < s->n_queries; i++) {
		s->queries[i].n_samples = 0;
		s->queries[i].hold_ns = INT64_MIN;
	}
}

int64_t
weir_span_held_since(const struct weir_span *s, unsigned query)
{
	int64_t least_ns = tells(&s->queries[query]) ? s->queries[query].hold_ns : INT64_MIN;

	for (unsigned node = 0; least_ns != INT64_MIN && node < s->map->n_nodes; node++) {
		const struct weir_span_peer *peer = &s->peers[node];

		if (node == s->map->self || !weir_span_is_live(s->map, node))
			continue;
		if (!peer->holds || peer->holds_epoch != s->epoch)
			return INT64_MIN;
		if (peer->holds[query] < least_ns)
			least_ns = peer->holds[query];
	}
	return least_ns;
}
