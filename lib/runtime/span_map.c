/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/log.h>
#include <weir/base/time.h>

#include "span_parts.h"

/* Who is there, and how all nodes go over to another map. */

bool
weir_span_is_live(const struct weir_cluster_view *v, unsigned node)
{
	return v->nodes[node].state == WEIR_NODE_LIVE || v->nodes[node].state == WEIR_NODE_DRAINING;
}

bool
weir_span_peer_of(const struct weir_span *s, unsigned node, struct weir_wire_peer *ret)
{
	const struct weir_cluster_node *n = &s->view->nodes[node];
	unsigned version = 0;

	*ret = (struct weir_wire_peer){ .incarnation = n->incarnation,
		.n_addrs = 1,
		.udp_port = n->udp_port,
		.rss.n_queues = n->n_queues };
	(void)weir_wire_rss_parse(n->facts, &ret->rss);
	snprintf(ret->name, sizeof(ret->name), "%s", n->name);
	if (weir_ip_parse(n->address, &ret->addrs[0].addr, &version)) {
		weir_log(WEIR_LOG_WARNING, "--cluster: node %s: '%s' is no address", n->name,
		    n->address);
		return false;
	}
	ret->addrs[0].version = (uint8_t)version;
	return true;
}

/* Have the wire know a node. */
static void
meet(struct weir_span *s, unsigned node)
{
	struct weir_wire_peer peer;
	struct weir_error e;

	if (!weir_span_peer_of(s, node, &peer))
		return;
	if (weir_wire_peer_set(s->wire, node, &peer, &e)) {
		weir_log(WEIR_LOG_WARNING, "--cluster: node %s: %s", peer.name, e.text);
		return;
	}
	s->peers[node].is_there = true;
}

static void
meet_all(struct weir_span *s)
{
	for (unsigned node = 0; node < s->view->n_nodes && node < WEIR_WIRE_PEERS; node++) {
		const struct weir_cluster_node *n = &s->view->nodes[node];
		bool is_gone = n->state == WEIR_NODE_LOST || n->state == WEIR_NODE_LEFT;

		if (node == s->view->self)
			continue;
		if (!is_gone && n->incarnation && !s->peers[node].is_there)
			meet(s, node);
	}
}

static void
leave_gone(struct weir_span *s, const struct weir_cluster_view *v)
{
	for (unsigned node = 0; node < v->n_nodes && node < WEIR_WIRE_PEERS; node++) {
		enum weir_node_state state = v->nodes[node].state;

		if (!s->peers[node].is_there ||
		    (state != WEIR_NODE_LOST && state != WEIR_NODE_LEFT))
			continue;
		weir_span_note_peer(s, node);
		weir_wire_peer_remove(s->wire, node);
		s->peers[node].is_there = false;
	}
}

static void
tell_events(struct weir_span *s)
{
	char text[512];

	while (weir_cluster_event(s->cluster, text, sizeof(text)))
		weir_log(WEIR_LOG_NOTICE, "--cluster: %s", text);
}

bool
weir_span_look(struct weir_span *s)
{
	struct weir_cluster_view *v;

	weir_span_greet(s);
	v = weir_cluster_poll(s->cluster);
	tell_events(s);
	if (!v)
		return false;
	/*
	 * Of nodes that are gone by this view nothing more is let in, and what has come is looked
	 * at before: they may have said how far they were.
	 */
	leave_gone(s, v);
	weir_span_take(s);
	weir_cluster_view_unref(s->view);
	s->view = v;
	if (v->is_lost) {
		weir_span_rejoin(s);
		return true;
	}
	meet_all(s);
	if (v->epoch > s->epoch && v->epoch != s->moving_epoch) {
		s->is_moving = true;
		weir_span_forget_states(s);
		s->moving_epoch = v->epoch;
		for (unsigned i = 0; i < WEIR_SPAN_SLOTS; i++)
			s->heard_done_ns[i] = s->heard_done_ns[i] > s->done_ns[i]
						  ? s->heard_done_ns[i]
						  : s->done_ns[i];
		weir_wire_set_epochs(s->wire, v->epoch, s->epoch ? s->epoch : v->epoch);
		weir_span_take_early(s);
	}
	return true;
}

/* Up to when a node has delivered its windows by the map in force, as far as it is known here. */
static int64_t
done_of(const struct weir_span *s, unsigned node)
{
	return node == s->map->self ? s->delivered_ns : s->peers[node].done_ns;
}

/*
 * Up to when all windows of a slot have been delivered: by the owners one after the other, each as
 * far as its map goes.
 */
static int64_t
done_of_slot(const struct weir_span *s, unsigned slot)
{
	int64_t done_ns = s->done_ns[slot];

	for (unsigned m = 0; m < s->map->n_maps; m++) {
		struct weir_cluster_map_info next = { .from_ns = INT64_MAX - 1 };
		int64_t node_ns, until_ns;
		unsigned owner;

		if (m + 1 < s->map->n_maps)
			weir_cluster_map_info(s->map, m + 1, &next);
		if (next.from_ns <= done_ns)
			continue;
		owner = weir_cluster_owner(s->map, next.from_ns, slot);
		if (owner == WEIR_CLUSTER_NONE)
			break;
		node_ns = done_of(s, owner);
		until_ns = node_ns < next.from_ns ? node_ns : next.from_ns;
		done_ns = until_ns > done_ns ? until_ns : done_ns;
		if (node_ns < next.from_ns)
			return done_ns;
	}
	/* Windows without end have an owner of their own. */
	if (done_ns == INT64_MAX - 1) {
		unsigned owner = weir_cluster_owner(s->map, WEIR_CLUSTER_GLOBAL, slot);

		if (owner != WEIR_CLUSTER_NONE && done_of(s, owner) == INT64_MAX)
			done_ns = INT64_MAX;
	}
	return done_ns;
}

static bool
send_table(struct weir_span *s, unsigned node, unsigned part)
{
	struct weir_wire_frame *f = weir_span_frame(s, node);

	return f && weir_span_send_frame(s, node, f,
			weir_span_put_table(
			    f->data, s->moving_epoch, part, s->own_done_ns, s->own_state));
}

void
weir_span_note_done(struct weir_span *s)
{
	for (unsigned slot = 0; slot < WEIR_SPAN_SLOTS; slot++) {
		int64_t own_ns = s->map ? done_of_slot(s, slot) : INT64_MIN;

		/* With what was heard on the way to a map that has been overtaken. */
		s->own_done_ns[slot] =
		    own_ns > s->heard_done_ns[slot] ? own_ns : s->heard_done_ns[slot];
	}
	weir_span_note_states(s);
}

bool
weir_span_send_tables(struct weir_span *s)
{
	bool did = false;

	if (s->own_epoch != s->moving_epoch) {
		/* From here on nothing is delivered by the old map. */
		weir_span_note_done(s);
		s->own_epoch = s->moving_epoch;
	}
	for (unsigned node = 0; node < s->view->n_nodes; node++) {
		struct weir_span_peer *peer = &s->peers[node];

		if (node == s->view->self || !peer->is_there || !weir_span_is_live(s->view, node))
			continue;
		if (peer->sent_table_epoch != s->moving_epoch) {
			peer->sent_table_epoch = s->moving_epoch;
			peer->sent_table_parts = 0;
		}
		while (peer->sent_table_parts < WEIR_SPAN_TABLE_PARTS &&
		       send_table(s, node, peer->sent_table_parts)) {
			peer->sent_table_parts++;
			did = true;
		}
	}
	return did;
}

/* Whether everyone who is in the new map has said how far it is. */
static bool
have_all_told(const struct weir_span *s)
{
	const uint32_t all = (1u << WEIR_SPAN_TABLE_PARTS) - 1;

	for (unsigned node = 0; node < s->view->n_nodes; node++) {
		const struct weir_span_peer *peer = &s->peers[node];

		if (node == s->view->self || !weir_span_is_live(s->view, node))
			continue;
		if (peer->table_epoch != s->moving_epoch || peer->table_parts != all ||
		    peer->sent_table_parts != WEIR_SPAN_TABLE_PARTS)
			return false;
	}
	return true;
}

/*
 * The flow begins again behind what has been delivered: what it has of later windows comes anew,
 * and where this node is not the keeper all that they are made of.
 */
static void
rewind_flow(struct weir_span *s, int64_t least_ns)
{
	struct weir_error e;

	weir_span_forget_incoming(s);
	s->flow->time_ns = INT64_MIN;
	for (unsigned i = 0; i < s->plan->n_queries; i++) {
		const struct weir_span_query *q = &s->queries[i];
		int64_t until_ns = q->kind == WEIR_SPAN_HEAD ? s->done_ns[q->head_slot] : least_ns;

		if (q->kind == WEIR_SPAN_HEAD && !weir_span_keeps(s, i)) {
			if (weir_flow_restart(s->flow, i, &e))
				weir_span_fail(s, &e);
			if (__builtin_sub_overflow(until_ns, q->history_ns, &until_ns))
				until_ns = INT64_MIN;
		}
		if (q->aggregator)
			weir_flow_rewind(s->flow, i, until_ns);
	}
}

/* Of what another owner needs some has gone for want of room. */
static void
note_shed(struct weir_span *s)
{
	bool has_gone = false;

	for (unsigned slot = 0; slot < WEIR_SPAN_SLOTS; slot++)
		has_gone |= s->keeper[slot] == WEIR_CLUSTER_NONE;
	for (unsigned i = 0; has_gone && i < s->n_queries; i++) {
		s->counters.groups_shed += s->queries[i].n_shed;
		s->queries[i].n_shed = 0;
	}
}

/* Windows of which a node's packets are missing, as it died: those of maps that it was in. */
static void
note_gaps(struct weir_span *s)
{
	for (unsigned m = 0; m + 1 < s->map->n_maps; m++) {
		struct weir_cluster_map_info info, next;
		bool is_missed = false;
		struct weir_error e;

		weir_cluster_map_info(s->map, m, &info);
		weir_cluster_map_info(s->map, m + 1, &next);
		for (unsigned node = 0; node < s->map->n_nodes; node++)
			is_missed |= s->map->nodes[node].state == WEIR_NODE_LOST &&
				     weir_cluster_is_source(s->map, next.from_ns, node);
		if (is_missed && weir_gaps_add(&s->gaps, info.from_ns, next.from_ns)) {
			weir_error_run(&e, -ENOMEM, "out of memory");
			weir_span_fail(s, &e);
		}
	}
}

void
weir_span_go_over(struct weir_span *s)
{
	int64_t least_ns = INT64_MAX, most_ns = INT64_MIN;
	struct weir_cluster_map_info info = { 0 };

	if (!s->is_moving || s->view->epoch != s->moving_epoch || s->view->is_lost ||
	    !weir_span_is_live(s->view, s->view->self) || s->own_epoch != s->moving_epoch ||
	    !have_all_told(s))
		return;
	weir_cluster_view_unref(s->map);
	s->map = weir_cluster_view_ref(s->view);
	for (unsigned slot = 0; slot < WEIR_SPAN_SLOTS; slot++) {
		int64_t heard_ns = s->heard_done_ns[slot], own_ns = s->own_done_ns[slot];

		s->done_ns[slot] = heard_ns > own_ns ? heard_ns : own_ns;
		least_ns = s->done_ns[slot] < least_ns ? s->done_ns[slot] : least_ns;
		most_ns = s->done_ns[slot] > most_ns ? s->done_ns[slot] : most_ns;
	}
	weir_span_choose_keepers(s);
	note_shed(s);
	weir_cluster_map_info(s->map, s->map->n_maps - 1, &info);
	s->mixed_until_ns = most_ns > info.from_ns ? most_ns : info.from_ns;
	s->epoch = s->moving_epoch;
	s->is_moving = false;
	s->complete_ns = s->doubt_ns = INT64_MIN;
	s->delivered_ns = least_ns;
	s->freed_ns = INT64_MIN;
	for (unsigned node = 0; node < WEIR_WIRE_PEERS; node++) {
		struct weir_span_peer *peer = &s->peers[node];

		peer->n_parts = 0;
		peer->complete_ns = INT64_MIN;
		peer->done_ns = peer->status.epoch == s->epoch ? peer->status.done_ns : INT64_MIN;
		free(peer->arrived.bits);
		memset(&peer->arrived, 0, sizeof(peer->arrived));
		weir_span_end_long(&peer->sending);
		weir_span_forget_gathered(&peer->gather);
	}
	weir_span_forget_holds(s);
	note_gaps(s);
	rewind_flow(s, least_ns);
	weir_span_part_again(s);
	weir_span_ship_again(s);
	s->counters.changes++;
	weir_span_take_early(s);
}
