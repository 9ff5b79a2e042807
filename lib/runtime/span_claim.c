/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/base/log.h>
#include <weir/base/time.h>
#include <weir/base/value.h>

#include "flow_parts.h"
#include "span_parts.h"

/*
 * Up to when windows are complete, and may be delivered. A node claims windows before it delivers
 * them, and delivers when all others have acknowledged that. So when it is taken out of the map
 * they know what it may have delivered: what all who are left know to be claimed counts as
 * delivered, and the rest comes from others. A node that was cut off or stopped in between and
 * comes back is told which of both it was, and delivers what counts. Only one that dies between the
 * last of these acknowledgements and the writing takes rows with it.
 */

/*
 * Whether this node's place is surely its own. One that was stopped for longer than its lease finds
 * all that others sent before, and need not claim what has gone to another owner meanwhile.
 */
static bool
may_claim(const struct weir_span *s)
{
	if (s->view->state == WEIR_CLUSTER_FENCED)
		return false;
	return s->view->is_away || weir_now_mono_ns() < weir_cluster_lease_until_ns(s->cluster);
}

/* All nodes have closed up to then, and what they sent of it is here. */
static int64_t
closed_by_all(struct weir_span *s)
{
	int64_t time_ns = s->closed_ns;

	for (unsigned node = 0; node < s->map->n_nodes; node++) {
		struct weir_span_peer *peer = &s->peers[node];

		if (node == s->map->self || !weir_span_is_live(s->map, node))
			continue;
		if (peer->status.epoch == s->epoch && peer->arrived.n >= peer->status.n_parts &&
		    peer->status.closed_ns > peer->complete_ns)
			peer->complete_ns = peer->status.closed_ns;
		time_ns = peer->complete_ns < time_ns ? peer->complete_ns : time_ns;
	}
	return time_ns;
}

/* Whether all others know what this node has claimed. */
static bool
do_all_know(struct weir_span *s)
{
	bool do_all = true;

	for (unsigned node = 0; node < s->map->n_nodes; node++) {
		const struct weir_span_peer *peer = &s->peers[node];

		if (node != s->map->self && weir_span_is_live(s->map, node))
			do_all &= peer->told.epoch == s->epoch &&
				  peer->told.claim_ns >= s->claim_ns &&
				  weir_wire_is_acked(s->wire, node, peer->claim_mark);
	}
	return do_all;
}

/* Rows that are shipped may be due at any time. */
static bool
has_ships(const struct weir_span *s)
{
	for (unsigned i = 0; i < s->plan->n_queries; i++)
		if (s->queries[i].ships)
			return true;
	return false;
}

/*
 * A slot is delivered by one owner after the other: what is due later than a change of owners has
 * to wait for all that is due before, whoever delivers it. Else one time would not say how far a
 * slot has come when owners change again.
 */
static int64_t
up_to_change(const struct weir_span *s, int64_t time_ns)
{
	struct weir_cluster_map_info info;
	int64_t done_ns = INT64_MAX; /* by all others */

	for (unsigned node = 0; node < s->map->n_nodes; node++)
		if (node != s->map->self && weir_span_is_live(s->map, node) &&
		    s->peers[node].done_ns < done_ns)
			done_ns = s->peers[node].done_ns;
	for (unsigned m = 1; m < s->map->n_maps; m++) {
		weir_cluster_map_info(s->map, m, &info);
		if (info.from_ns > done_ns)
			return info.from_ns < time_ns ? info.from_ns : time_ns;
	}
	return time_ns;
}

/* Claim what is complete. False: nothing is to be delivered of it. */
static bool
claim(struct weir_span *s)
{
	int64_t time_ns = up_to_change(s, closed_by_all(s));

	/* What was delivered before owners changed is gone through on its own: what comes late
	 * afterwards was not. */
	if (s->complete_ns <= s->mixed_until_ns && s->mixed_until_ns < INT64_MAX &&
	    time_ns > s->mixed_until_ns + 1)
		time_ns = s->mixed_until_ns + 1;
	if (time_ns <= s->complete_ns || !may_claim(s))
		return false;
	weir_span_give(s, time_ns);
	if (weir_flow_next_due(s->flow) > time_ns && !has_ships(s)) {
		s->complete_ns = time_ns;
		return false;
	}
	s->claim_ns = time_ns;
	weir_span_send(s);
	return true;
}

static bool
has_claimed(const struct weir_span *s)
{
	return s->epoch && s->claim_ns > s->complete_ns;
}

int64_t
weir_span_complete(struct weir_span *s)
{
	if (!s->epoch || s->is_moving || s->has_failed || (!has_claimed(s) && !claim(s)) ||
	    !do_all_know(s))
		return s->complete_ns;
	s->complete_ns = s->claim_ns;
	weir_span_give_rows(s, s->complete_ns);
	return s->complete_ns;
}

void
weir_span_note_claims(struct weir_span *s)
{
	for (unsigned slot = 0; slot < WEIR_SPAN_SLOTS; slot++) {
		int64_t claim_ns = s->map ? weir_span_done_of_slot(s, slot, true) : INT64_MIN;

		s->own_claim_ns[slot] =
		    claim_ns > s->own_done_ns[slot] ? claim_ns : s->own_done_ns[slot];
	}
}

void
weir_span_take_verdict(struct weir_span *s, const struct weir_span_verdict *v)
{
	for (unsigned i = 0; i < s->n_verdicts; i++)
		if (s->verdicts[i].incarnation == v->incarnation)
			return;
	if (s->n_verdicts == WEIR_SPAN_VERDICTS)
		memmove(s->verdicts, s->verdicts + 1, --s->n_verdicts * sizeof(s->verdicts[0]));
	s->verdicts[s->n_verdicts++] = *v;
}

/* Up to when a node of the map that is over has delivered, as it counts from now on. */
static void
note_verdict(struct weir_span *s, unsigned node)
{
	struct weir_span_verdict v = { s->map->nodes[node].incarnation, INT64_MIN };

	for (unsigned slot = 0; slot < WEIR_SPAN_SLOTS; slot++) {
		int64_t done_ns = s->own_done_ns[slot];

		if (done_ns > v.done_ns && weir_cluster_owner(s->map, done_ns, slot) == node)
			v.done_ns = done_ns;
	}
	weir_span_take_verdict(s, &v);
}

/* A node that is lost had claimed windows, all know that, and nobody has heard it write them. */
static void
tell_unconfirmed(const struct weir_span *s, unsigned node, int64_t claim_ns)
{
	char until[64] = "the end";

	if (claim_ns == INT64_MIN || s->view->nodes[node].state != WEIR_NODE_LOST)
		return;
	if (claim_ns < INT64_MAX - 1)
		weir_time_text(claim_ns, until, sizeof(until));
	weir_log(WEIR_LOG_WARNING,
	    "--cluster: '%s' was lost as it delivered the windows up to %s: if its process has "
	    "ended, "
	    "rows of them that it had not written are lost",
	    s->view->nodes[node].name, until);
}

void
weir_span_settle_claims(struct weir_span *s)
{
	int64_t
	    unconfirmed_ns[WEIR_WIRE_PEERS]; /* by node: claimed up to then, not known as done */

	for (unsigned node = 0; node < WEIR_WIRE_PEERS; node++)
		unconfirmed_ns[node] = INT64_MIN;
	for (unsigned slot = 0; slot < WEIR_SPAN_SLOTS; slot++) {
		int64_t done_ns = s->own_done_ns[slot], claim_ns = s->heard_claim_ns[slot];
		bool is_claim = s->epoch || s->has_heard_claims;
		unsigned owner;

		if (s->epoch && s->own_claim_ns[slot] < claim_ns)
			claim_ns = s->own_claim_ns[slot];
		done_ns = s->heard_done_ns[slot] > done_ns ? s->heard_done_ns[slot] : done_ns;
		s->own_done_ns[slot] = is_claim && claim_ns > done_ns ? claim_ns : done_ns;
		if (!s->map || s->own_done_ns[slot] == done_ns)
			continue;
		owner = weir_cluster_owner(s->map, claim_ns, slot);
		if (owner != WEIR_CLUSTER_NONE && unconfirmed_ns[owner] < claim_ns)
			unconfirmed_ns[owner] = claim_ns;
	}
	for (unsigned node = 0; s->map && node < s->map->n_nodes; node++)
		if (weir_span_is_live(s->map, node) && !weir_span_is_live(s->view, node)) {
			note_verdict(s, node);
			tell_unconfirmed(s, node, unconfirmed_ns[node]);
		}
}

static void
deliver_claimed(struct weir_span *s, int64_t claim_ns)
{
	weir_log(WEIR_LOG_NOTICE,
	    "--cluster: a window that this node had claimed before is its own to deliver: it comes "
	    "now");
	weir_span_give_rows(s, claim_ns);
	weir_flow_advance(s->flow, claim_ns);
}

void
weir_span_hold(struct weir_span *s)
{
	struct weir_span_held *h = &s->held;

	if (!has_claimed(s) || s->has_failed || h->map)
		return;
	/* On the way to another map it has told that it does not deliver. */
	if (!s->is_moving && do_all_know(s)) {
		deliver_claimed(s, s->claim_ns);
		return;
	}
	h->map = weir_cluster_view_ref(s->map);
	h->incarnation = s->map->nodes[s->map->self].incarnation;
	h->claim_ns = s->claim_ns;
	h->mixed_until_ns = s->mixed_until_ns;
	memcpy(h->done_ns, s->done_ns, sizeof(h->done_ns));
	memcpy(h->went_over_ns, s->went_over_ns, sizeof(h->went_over_ns));
}

/* Whether it counts as delivered by this node's former incarnation. */
static bool
counts(const struct weir_span *s, const struct weir_span_held *h)
{
	for (unsigned i = 0; i < s->n_verdicts; i++)
		if (s->verdicts[i].incarnation == h->incarnation)
			return s->verdicts[i].done_ns >= h->claim_ns;
	/* Nobody has gone over to a map without it: it is decided here as by all others. */
	for (unsigned slot = 0; slot < WEIR_SPAN_SLOTS; slot++)
		if (weir_cluster_owner(h->map, h->claim_ns, slot) == h->map->self &&
		    s->own_done_ns[slot] >= h->claim_ns)
			return true;
	return false;
}

void
weir_span_settle_held(struct weir_span *s)
{
	struct weir_span_held *h = &s->held;

	if (!h->map)
		return;
	if (counts(s, h)) {
		weir_cluster_view_unref(s->map);
		s->map = weir_cluster_view_ref(h->map);
		s->mixed_until_ns = h->mixed_until_ns;
		memcpy(s->done_ns, h->done_ns, sizeof(s->done_ns));
		memcpy(s->went_over_ns, h->went_over_ns, sizeof(s->went_over_ns));
		deliver_claimed(s, h->claim_ns);
	} else {
		weir_log(WEIR_LOG_NOTICE,
		    "--cluster: a window that this node had claimed before is others' to deliver");
	}
	weir_cluster_view_unref(h->map);
	h->map = NULL;
}
