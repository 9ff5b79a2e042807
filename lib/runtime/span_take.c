/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/aggregate/part.h>
#include <weir/base/log.h>

#include "span_parts.h"

/* What comes from other nodes, until its windows are complete. */

#define BURST 64

static void
fail_memory(struct weir_span *s)
{
	struct weir_error e;

	weir_error_run(&e, -ENOMEM, "no memory for what comes from other hosts");
	weir_span_fail(s, &e);
}

struct weir_pane *
weir_span_incoming_pane(struct weir_span *s, unsigned query, int64_t start_ns, int64_t end_ns)
{
	struct weir_span_query *q = &s->queries[query];
	struct weir_span_incoming *list;
	unsigned at = q->n_incoming;
	struct weir_pane *p;

	while (at && q->incoming[at - 1].start_ns > start_ns)
		at--;
	if (at && q->incoming[at - 1].start_ns == start_ns)
		return q->incoming[at - 1].pane;
	list = realloc(q->incoming, (q->n_incoming + 1) * sizeof(*list));
	p = list ? weir_aggregator_new_pane(q->aggregator) : NULL;
	if (list)
		q->incoming = list;
	if (!p)
		return NULL;
	weir_pane_set_window(p, start_ns, end_ns);
	memmove(&list[at + 1], &list[at], (q->n_incoming - at) * sizeof(*list));
	list[at] = (struct weir_span_incoming){ start_ns, p };
	q->n_incoming++;
	return p;
}

void
weir_span_give(struct weir_span *s, int64_t time_ns)
{
	for (unsigned i = 0; i < s->plan->n_queries; i++) {
		struct weir_span_query *q = &s->queries[i];
		unsigned n = 0;

		for (; n < q->n_incoming && weir_pane_end(q->incoming[n].pane) <= time_ns; n++) {
			if (weir_pane_settle(q->incoming[n].pane))
				fail_memory(s);
			weir_flow_pane(s->flow, i, WEIR_SPAN_WORKER, q->incoming[n].pane);
		}
		q->n_incoming -= n;
		if (n)
			memmove(q->incoming, q->incoming + n, q->n_incoming * sizeof(*q->incoming));
	}
}

void
weir_span_forget_incoming(struct weir_span *s)
{
	for (unsigned i = 0; i < s->plan->n_queries; i++) {
		struct weir_span_query *q = &s->queries[i];

		for (unsigned k = 0; k < q->n_incoming; k++)
			weir_pane_destroy(q->incoming[k].pane);
		q->n_incoming = 0;
	}
}

/* Whether a query has panes of this time. */
static bool
is_a_pane(const struct weir_span *s, unsigned query, const struct weir_part_window *w)
{
	int64_t pane_ns = weir_window_pane_ns(&s->plan->queries[query].path->window), end_ns;

	if (!pane_ns)
		return w->end_ns == INT64_MAX;
	return w->start_ns % pane_ns == 0 &&
	       !__builtin_add_overflow(w->start_ns, pane_ns, &end_ns) && end_ns == w->end_ns;
}

/* What is behind a part's head. False: it is none. */
static bool
take_groups(struct weir_span *s, unsigned query, const uint8_t *data, uint32_t len)
{
	struct weir_part_window window;
	struct weir_pane *p;
	struct weir_error e;
	int rc;

	if (!s->queries[query].aggregator || weir_part_window(data, len, &window, &e) ||
	    !is_a_pane(s, query, &window))
		return false;
	p = weir_span_incoming_pane(s, query, window.start_ns, window.end_ns);
	rc = p ? weir_pane_read(p, data, len, &e) : -ENOMEM;
	if (rc == -ENOMEM)
		fail_memory(s);
	s->counters.parts_taken++;
	return rc == 0 || rc == -ENOMEM;
}

static bool
take_bytes(
    struct weir_span *s, enum weir_span_frame of, unsigned query, const uint8_t *data, uint32_t len)
{
	return of == WEIR_SPAN_ROWS ? weir_span_take_rows(s, query, data, len)
				    : take_groups(s, query, data, len);
}

/* A piece of what is longer than a frame; the last one that comes completes it. */
static bool
take_piece(struct weir_span *s, unsigned node, const uint8_t *data, uint32_t len)
{
	struct weir_span_gather *g = &s->peers[node].gather;
	struct weir_span_gathered *whole;
	struct weir_span_piece piece;
	bool is_right;
	int rc;

	if (!weir_span_get_piece(data, len, &piece))
		return false;
	rc = weir_span_gather(g, &piece, data + WEIR_SPAN_PIECE_HEAD, &whole);
	if (rc == -ENOMEM)
		fail_memory(s);
	s->counters.groups_shed += g->n_shed;
	g->n_shed = 0;
	if (!whole)
		return rc != -EBADMSG;
	is_right = take_bytes(s, whole->of, s->by_number[whole->query], whole->bytes, whole->total);
	weir_span_free_gathered(whole);
	return is_right;
}

/* A part by the map in force, or a piece of one. False: it is none. */
static bool
take_part(struct weir_span *s, unsigned node, const uint8_t *data, uint32_t len)
{
	enum weir_span_frame type = (enum weir_span_frame)data[0];
	uint64_t epoch, at;
	uint16_t number;

	if (!weir_span_get_part(data, len, &number, &epoch, &at) || number >= s->n_queries)
		return false;
	if (!weir_span_arrive(&s->peers[node].arrived, at))
		return true;
	if (type == WEIR_SPAN_PIECE)
		return take_piece(s, node, data, len);
	return take_bytes(
	    s, type, s->by_number[number], data + WEIR_SPAN_PART_HEAD, len - WEIR_SPAN_PART_HEAD);
}

static bool
take_status(struct weir_span *s, unsigned node, const uint8_t *data, uint32_t len)
{
	struct weir_span_peer *peer = &s->peers[node];
	struct weir_span_status status;

	if (!weir_span_get_status(data, len, &status))
		return false;
	/* They come in no order; time does not go back. */
	if (status.epoch > peer->status.epoch ||
	    (status.epoch == peer->status.epoch && (status.closed_ns > peer->status.closed_ns ||
						       status.done_ns > peer->status.done_ns)))
		peer->status = status;
	if (status.epoch == s->epoch && status.done_ns > peer->done_ns)
		peer->done_ns = status.done_ns;
	if (status.epoch > s->epoch)
		weir_cluster_heard_epoch(s->cluster, status.epoch);
	return true;
}

static bool
take_table(struct weir_span *s, unsigned node, const uint8_t *data, uint32_t len)
{
	struct weir_span_peer *peer = &s->peers[node];
	uint64_t epoch;
	unsigned part;

	if (!weir_span_get_table(data, len, &epoch, &part, s->heard_done_ns, false))
		return false;
	/* All nodes must end up with the same table: only those of the map that is on its way
	 * count. */
	if (!s->is_moving || epoch != s->moving_epoch)
		return true;
	if (epoch != peer->table_epoch)
		peer->table_parts = 0;
	peer->table_epoch = epoch;
	peer->table_parts |= 1u << part;
	(void)weir_span_get_table(data, len, &epoch, &part, s->heard_done_ns, true);
	weir_span_take_states(s, node, data);
	return true;
}

/* Of a map that this node does not know yet. */
static bool
is_early_table(const struct weir_span *s, const uint8_t *data, uint32_t len)
{
	uint64_t epoch;
	unsigned part;

	return weir_span_get_table(data, len, &epoch, &part, NULL, false) && epoch > s->epoch &&
	       (!s->is_moving || epoch > s->moving_epoch);
}

/* Keep a frame until this node has gone over to its map. */
static void
put_off(struct weir_span *s, unsigned node, const uint8_t *data, uint32_t len)
{
	struct weir_span_early *e = malloc(sizeof(*e) + len);

	if (!e) {
		fail_memory(s);
		return;
	}
	*e = (struct weir_span_early){ NULL, node, len };
	memcpy(e->data, data, len);
	*s->early_end = e;
	s->early_end = &e->next;
}

static void
take_frame(struct weir_span *s, unsigned node, const uint8_t *data, uint32_t len)
{
	uint64_t epoch, at;
	uint16_t query;
	bool is_right = false;

	if (!len)
		goto wrong;
	switch ((enum weir_span_frame)data[0]) {
	case WEIR_SPAN_PART:
	case WEIR_SPAN_ROWS:
	case WEIR_SPAN_PIECE:
		if (!weir_span_get_part(data, len, &query, &epoch, &at))
			break;
		is_right = true;
		if (epoch > s->epoch)
			put_off(s, node, data, len);
		else if (epoch < s->epoch)
			s->counters.frames_stale++;
		else
			is_right = take_part(s, node, data, len);
		break;
	case WEIR_SPAN_STATUS:
		is_right = take_status(s, node, data, len);
		break;
	case WEIR_SPAN_LEDGER:
		is_right = weir_span_take_ledger(s, node, data, len);
		break;
	case WEIR_SPAN_HOLDS:
		is_right = weir_span_take_holds(s, node, data, len);
		break;
	case WEIR_SPAN_TABLE:
		if (is_early_table(s, data, len)) {
			is_right = true;
			put_off(s, node, data, len);
		} else {
			is_right = take_table(s, node, data, len);
		}
		break;
	}
	if (is_right)
		return;
wrong:
	s->counters.frames_wrong++;
}

bool
weir_span_take(struct weir_span *s)
{
	struct weir_wire_received in[BURST];
	unsigned n, total = 0;

	do {
		n = weir_wire_take(s->wire, in, BURST);
		for (unsigned i = 0; i < n; i++)
			if (in[i].peer < s->view->n_nodes &&
			    in[i].incarnation == s->view->nodes[in[i].peer].incarnation)
				take_frame(s, in[i].peer, in[i].data, in[i].len);
		weir_wire_release(s->wire, in, n);
		total += n;
	} while (n == BURST && total < 16 * BURST);
	return total > 0;
}

void
weir_span_take_early(struct weir_span *s)
{
	struct weir_span_early *e = s->early, *next;

	s->early = NULL;
	s->early_end = &s->early;
	for (; e; e = next) {
		next = e->next;
		take_frame(s, e->peer, e->data, e->len);
		free(e);
	}
}
