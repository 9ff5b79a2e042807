/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/base/log.h>

#include "span_parts.h"

/*
 * Nodes of a static cluster: the file says where they are, and greetings on the wire which
 * incarnation is there. One that has begun anew gets again what it has not delivered.
 */

/* What a node was sent by this map goes to its new incarnation from the beginning. */
static void
send_again(struct weir_span *s, unsigned node)
{
	if (s->epoch && !s->is_moving)
		weir_span_part_old(s);
	for (struct weir_span_kept *k = s->kept; k; k = k->next)
		if (k->is_parted && node < k->n_nodes)
			k->writers[node] = (struct weir_pane_writer){ .pane = k->pane,
				.groups = &k->groups[k->first[node]],
				.n = k->first[node + 1] - k->first[node] };
	for (struct weir_span_shipment *h = s->shipments; h; h = h->next)
		if (h->is_parted && node < h->n_nodes)
			h->at[node] = h->first[node];
}

/* Nothing that was known of the former incarnation holds. */
static void
begin_anew(struct weir_span *s, unsigned node)
{
	struct weir_span_peer *peer = &s->peers[node];

	if (peer->is_there)
		weir_log(WEIR_LOG_NOTICE,
		    "--cluster: node %s has begun anew: it gets again what it has not delivered",
		    s->view->nodes[node].name);
	peer->is_there = false;
	peer->n_parts = 0;
	free(peer->arrived.bits);
	memset(&peer->arrived, 0, sizeof(peer->arrived));
	weir_span_end_long(&peer->sending);
	weir_span_forget_gathered(&peer->gather);
	memset(&peer->told, 0, sizeof(peer->told));
	peer->status = (struct weir_span_status){ .closed_ns = INT64_MIN, .done_ns = INT64_MIN };
	peer->complete_ns = peer->done_ns = INT64_MIN;
	peer->holds_epoch = 0;
	peer->table_epoch = 0;
	peer->table_parts = 0;
	peer->sent_table_epoch = 0;
	peer->sent_table_parts = 0;
	free(peer->ledger); /* what it had received is not its own any more */
	peer->ledger = NULL;
	send_again(s, node);
}

/* Who comes when this node works by the map already waits for its table as well. */
static void
send_table_late(struct weir_span *s, unsigned node)
{
	const struct weir_span_peer *peer = &s->peers[node];

	if (!s->epoch || s->is_moving || !peer->is_there ||
	    (peer->sent_table_epoch == s->epoch && peer->sent_table_parts == WEIR_SPAN_TABLE_PARTS))
		return;
	weir_span_note_done(s);
	weir_span_send_tables(s);
}

static void
greet(struct weir_span *s, unsigned node)
{
	struct weir_wire_peer peer;
	struct weir_error e;

	s->peers[node].is_greeted = true;
	if (weir_span_peer_of(s, node, &peer) && weir_wire_greet(s->wire, node, &peer, &e))
		weir_log(WEIR_LOG_WARNING, "--cluster: node %s: %s", peer.name, e.text);
}

void
weir_span_greet(struct weir_span *s)
{
	for (unsigned node = 0; node < s->view->n_nodes && node < WEIR_WIRE_PEERS; node++) {
		struct weir_span_peer *peer = &s->peers[node];
		uint64_t found;

		if (node == s->view->self)
			continue;
		if (!peer->is_greeted && !s->view->nodes[node].incarnation)
			greet(s, node);
		if (!peer->is_greeted)
			continue;
		found = weir_wire_greeted(s->wire, node);
		if (found && found != s->view->nodes[node].incarnation) {
			begin_anew(s, node);
			weir_cluster_met(s->cluster, node, found);
		}
		send_table_late(s, node);
	}
}
