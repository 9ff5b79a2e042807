/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/aggregate/part.h>
#include <weir/base/log.h>
#include <weir/base/time.h>

#include "flow_parts.h"
#include "span_parts.h"

/* Panes of this node, to the owners of their groups. */

#define STATUS_NS (WEIR_NS_PER_S / 50) /* between two that tell of nothing but time */
#define LONG_MORE 16384u               /* bytes */

unsigned
weir_span_owner(const struct weir_span *s, int64_t end_ns, unsigned slot)
{
	return weir_cluster_owner(s->map, end_ns, slot);
}

/* The ends of the first and the last window that a pane is in. */
static void
windows_of(const struct weir_window *w, struct weir_span_kept *k)
{
	k->first_due_ns = k->last_due_ns = k->end_ns;
	if (w->kind != WEIR_WINDOW_SLIDING)
		return;
	k->first_due_ns = weir_windows_first_end(w, k->start_ns);
	/* The last window that begins at or before the pane. */
	k->last_due_ns = k->start_ns - ((k->start_ns % w->slide_ns) + w->slide_ns) % w->slide_ns;
	k->last_due_ns = weir_flow_plus(k->last_due_ns, w->size_ns);
}

void
weir_span_forget_parting(struct weir_span_kept *k)
{
	free(k->groups);
	free(k->first);
	free(k->writers);
	k->groups = k->first = NULL;
	k->writers = NULL;
	k->is_parted = false;
	k->n_nodes = 0;
}

void
weir_span_free_kept(struct weir_span *s, struct weir_span_kept *k)
{
	s->kept_bytes -= weir_pane_bytes(k->pane);
	weir_span_forget_parting(k);
	free(k->slots);
	s->flow->give_back(s->flow->ctx, k->query, k->worker, k->pane);
	free(k);
}

/* Where each slot's groups go to one node at most: owner[slot]; WEIR_CLUSTER_NONE: nobody. */
static void
owners(const struct weir_span *s, const struct weir_span_kept *k, const struct weir_span_need *need,
    uint32_t *owner)
{
	uint32_t takers[WEIR_SPAN_TAKERS];

	for (unsigned slot = 0; slot < WEIR_SPAN_SLOTS; slot++)
		owner[slot] = weir_span_takers(s, &s->queries[k->query], slot, need, takers)
				  ? takers[0]
				  : WEIR_CLUSTER_NONE;
}

/* Count, or write down, who gets the groups of a pane. */
static void
spread_groups(const struct weir_span *s, struct weir_span_kept *k, const uint32_t *owner,
    uint32_t *at, uint32_t *groups)
{
	struct weir_span_need need = weir_span_need_of_pane(s, k);
	bool is_simple = weir_span_has_one_taker(s, &need);
	uint32_t n = weir_pane_n_groups(k->pane);

	for (uint32_t g = 0; g < n; g++) {
		uint32_t takers[WEIR_SPAN_TAKERS] = { owner[k->slots[g]] };
		unsigned n_takers = takers[0] != WEIR_CLUSTER_NONE;

		if (!is_simple)
			n_takers =
			    weir_span_takers(s, &s->queries[k->query], k->slots[g], &need, takers);
		for (unsigned i = 0; i < n_takers; i++) {
			if (takers[i] >= k->n_nodes)
				continue;
			if (groups)
				groups[at[takers[i]]] = g;
			at[takers[i]]++;
		}
	}
}

/* Part a pane's groups by their owners. False when out of memory. */
static bool
part(struct weir_span *s, struct weir_span_kept *k)
{
	uint32_t owner[WEIR_SPAN_SLOTS], n = weir_pane_n_groups(k->pane), sum = 0;
	const struct weir_span_query *q = &s->queries[k->query];
	struct weir_span_need need = weir_span_need_of_pane(s, k);
	uint32_t *at;

	weir_span_forget_parting(k);
	k->n_nodes = s->map->n_nodes;
	if (!k->slots) {
		k->slots = calloc(n + 1, sizeof(*k->slots));
		if (!k->slots)
			return false;
		if (q->kind == WEIR_SPAN_SLOT)
			weir_pane_slots(k->pane, &s->slot_key, k->slots);
		else
			for (uint32_t g = 0; g < n; g++)
				k->slots[g] = q->head_slot;
	}
	k->first = calloc(k->n_nodes + 2, sizeof(*k->first));
	k->writers = calloc(k->n_nodes + 1, sizeof(*k->writers));
	at = calloc(k->n_nodes + 1, sizeof(*at));
	if (!k->first || !k->writers || !at) {
		free(at);
		return false;
	}
	owners(s, k, &need, owner);
	spread_groups(s, k, owner, at, NULL);
	for (unsigned node = 0; node < k->n_nodes; node++) {
		k->first[node] = sum;
		sum += at[node];
		at[node] = k->first[node];
	}
	k->first[k->n_nodes] = sum;
	k->groups = calloc(sum + 1, sizeof(*k->groups));
	if (k->groups)
		spread_groups(s, k, owner, at, k->groups);
	free(at);
	for (unsigned node = 0; k->groups && node < k->n_nodes; node++)
		k->writers[node] = (struct weir_pane_writer){ .pane = k->pane,
			.groups = &k->groups[k->first[node]],
			.n = k->first[node + 1] - k->first[node] };
	k->is_parted = k->groups != NULL;
	return k->is_parted;
}

/* Groups of a pane that a node has not had yet. */
static uint32_t
n_left(const struct weir_span_kept *k, unsigned node)
{
	const struct weir_pane_writer *w = &k->writers[node];

	return k->is_parted && node < k->n_nodes ? w->n - w->at : 0;
}

/* A global window is as long as the packets of all groups together, whoever has them. */
static bool
tells_times(const struct weir_span *s, const struct weir_span_kept *k)
{
	return s->queries[k->query].kind == WEIR_SPAN_SLOT &&
	       s->plan->queries[k->query].path->window.kind == WEIR_WINDOW_GLOBAL;
}

/* Whether a node has not had all of a pane. */
static bool
has_left(const struct weir_span *s, const struct weir_span_kept *k, unsigned node)
{
	return n_left(k, node) || (k->is_parted && node < k->n_nodes &&
				      !k->writers[node].is_begun && tells_times(s, k));
}

bool
weir_span_is_sent(const struct weir_span *s, const struct weir_span_kept *k)
{
	bool is = k->is_parted;

	for (unsigned node = 0; is && node < k->n_nodes; node++)
		is = node == s->map->self || !has_left(s, k, node);
	return is;
}

static void
fail_memory(struct weir_span *s)
{
	struct weir_error e;

	weir_error_run(&e, -ENOMEM, "no memory for what goes to other hosts");
	weir_span_fail(s, &e);
}

/* What this node owns of a pane itself. */
static void
take_own(struct weir_span *s, struct weir_span_kept *k)
{
	struct weir_pane_writer *w = &k->writers[s->map->self];
	struct weir_pane *to;

	if (!w->n && !tells_times(s, k))
		return;
	to = weir_span_incoming_pane(s, k->query, k->start_ns, k->end_ns);
	if (!to || weir_pane_merge_some(to, k->pane, w->groups, w->n))
		fail_memory(s);
	w->at = w->n;
	s->counters.groups_kept += w->n;
}

static void
prepare(struct weir_span *s, struct weir_span_kept *k)
{
	if (!part(s, k))
		fail_memory(s);
	else if (s->map->self < k->n_nodes)
		take_own(s, k);
}

void
weir_span_part_old(struct weir_span *s)
{
	weir_span_recall(s);
	for (struct weir_span_kept *k = s->kept; k; k = k->next)
		if (!k->is_parted && !part(s, k))
			fail_memory(s);
	weir_span_ship_old(s);
}

void
weir_span_part_again(struct weir_span *s)
{
	weir_span_recall(s);
	for (struct weir_span_kept *k = s->kept; k; k = k->next)
		prepare(s, k);
}

void
weir_span_shed(struct weir_span *s)
{
	weir_span_shed_old(s);
	/* No room for more: the oldest go, for whoever has not had them. */
	while (s->kept_bytes > s->most_kept_bytes && s->kept && s->kept->next) {
		struct weir_span_kept *k = s->kept;

		for (unsigned node = 0; node < k->n_nodes; node++)
			s->counters.groups_shed += n_left(k, node);
		s->kept = k->next;
		weir_span_free_kept(s, k);
	}
	while (s->kept_bytes > s->most_kept_bytes && s->shipments && s->shipments->next) {
		struct weir_span_shipment *h = s->shipments;

		for (unsigned node = 0; h->is_parted && node < h->n_nodes; node++)
			s->counters.groups_shed += h->first[node + 1] - h->at[node];
		s->shipments = h->next;
		weir_span_free_shipment(s, h);
	}
}

static void
keep(struct weir_span *s, unsigned query, const struct weir_windows_taken *taken)
{
	struct weir_span_kept *k = calloc(1, sizeof(*k));

	if (!k) {
		fail_memory(s);
		s->flow->give_back(s->flow->ctx, query, taken->worker, taken->pane);
		return;
	}
	k->query = query;
	k->pane = taken->pane;
	k->worker = taken->worker;
	k->start_ns = weir_pane_start(k->pane);
	k->end_ns = weir_pane_end(k->pane);
	windows_of(&s->plan->queries[query].path->window, k);
	s->counters.panes++;
	s->kept_bytes += weir_pane_bytes(k->pane);
	*s->kept_end = k;
	s->kept_end = &k->next;
	if (s->epoch && !s->is_moving)
		prepare(s, k);
	weir_span_shed(s);
}

void
weir_span_keep_times(struct weir_span *s, unsigned query, int64_t first_ns, int64_t last_ns)
{
	struct weir_windows_taken times = { weir_aggregator_new_pane(s->queries[query].aggregator),
		WEIR_SPAN_WORKER };

	if (!times.pane) {
		fail_memory(s);
		return;
	}
	weir_pane_note_times(times.pane, first_ns, last_ns);
	keep(s, query, &times);
}

void
weir_span_keep(struct weir_span *s)
{
	for (unsigned i = 0; i < s->plan->n_queries; i++) {
		struct weir_span_query *q = &s->queries[i];
		struct weir_windows_taken taken;
		struct weir_error e;
		int64_t end_ns;

		while (weir_windows_next(&q->own, &end_ns) && end_ns <= s->closed_ns) {
			if (weir_windows_take(&q->own, &taken, &e) || !taken.pane)
				break;
			keep(s, i, &taken);
		}
	}
}

/* The next group's value is too long for a frame: it goes in pieces. False: it cannot. */
static bool
begin_long(struct weir_span *s, unsigned node, struct weir_span_kept *k, size_t len)
{
	struct weir_pane_writer *w = &k->writers[node], one = *w;
	/* What else there is of the group comes along. */
	size_t room = len + LONG_MORE < WEIR_SPAN_LONG_MOST ? len + LONG_MORE : WEIR_SPAN_LONG_MOST;
	uint8_t *bytes = len <= room ? malloc(room) : NULL;

	one.n = one.at + 1;
	len = bytes ? weir_pane_write(&one, bytes, room) : 0;
	if (!len || len > room) {
		free(bytes);
		return false;
	}
	one.n = w->n;
	one.guess = w->guess;
	*w = one;
	return weir_span_begin_long(
	    &s->peers[node].sending, WEIR_SPAN_PART, k->query, bytes, (uint32_t)len);
}

/* One that nothing carries is left out. */
static void
leave_out(struct weir_span *s, struct weir_pane_writer *w)
{
	s->counters.groups_shed++;
	w->at++;
	w->is_divided = false;
	w->stage = 0;
	w->piece = 0;
}

/* Send a peer groups of one pane. False where there is no room for more. */
static bool
send_groups(struct weir_span *s, unsigned node, struct weir_span_kept *k)
{
	struct weir_pane_writer *w = &k->writers[node], before;
	uint32_t most = weir_span_part_most(s);

	while (has_left(s, k, node)) {
		struct weir_wire_frame *f = weir_span_frame(s, node);
		size_t len;

		if (!f)
			return false;
		before = *w;
		len = weir_pane_write(w, f->data + WEIR_SPAN_PART_HEAD, most);
		if (len == 0 || len > most) {
			weir_wire_frame_put(f);
			if (len && begin_long(s, node, k, len)) {
				s->counters.parts_sent++;
				s->counters.groups_sent += w->at - before.at;
			} else if (len) {
				leave_out(s, w);
			}
			if (!weir_span_send_long(s, node))
				return false;
			continue;
		}
		if (!weir_span_send_part(s, node, f, WEIR_SPAN_PART, k->query, len)) {
			*w = before;
			return false;
		}
		s->counters.parts_sent++;
		s->counters.groups_sent += w->at - before.at;
	}
	return true;
}

/* Whether some pane begins or ends between two times, so that windows wait for it. */
static bool
has_boundary(const struct weir_span *s, int64_t before_ns, int64_t now_ns)
{
	for (unsigned i = 0; i < s->plan->n_queries; i++) {
		const struct weir_path *path = s->plan->queries[i].path;
		int64_t pane_ns = path && path->has_group ? weir_window_pane_ns(&path->window) : 0;

		if (pane_ns && before_ns / pane_ns != now_ns / pane_ns)
			return true;
	}
	return before_ns != now_ns && (before_ns == INT64_MIN || now_ns == INT64_MAX);
}

/* What somebody may wait for is told at once, time that just goes on now and then. */
static bool
is_news(const struct weir_span *s, const struct weir_span_status *told,
    const struct weir_span_status *status, int64_t ago_ns)
{
	if (told->epoch != status->epoch || told->has_ended != status->has_ended ||
	    told->n_parts != status->n_parts ||
	    has_boundary(s, told->closed_ns, status->closed_ns) ||
	    has_boundary(s, told->done_ns, status->done_ns))
		return true;
	return ago_ns >= STATUS_NS &&
	       (told->closed_ns != status->closed_ns || told->done_ns != status->done_ns);
}

/* Tell a peer how far this node is, where it is news. */
static bool
send_status(struct weir_span *s, unsigned node, int64_t closed_ns, int64_t now_ns)
{
	struct weir_span_peer *peer = &s->peers[node];
	struct weir_span_status status = { s->epoch, closed_ns, peer->n_parts, s->delivered_ns,
		s->closed_ns == INT64_MAX };
	struct weir_wire_frame *f;

	if (!is_news(s, &peer->told, &status, now_ns - peer->told_mono_ns))
		return false;
	f = weir_span_frame(s, node);
	if (!f || !weir_span_send_frame(s, node, f, weir_span_put_status(f->data, &status)))
		return false;
	peer->told = status;
	peer->told_mono_ns = now_ns;
	return true;
}

bool
weir_span_send(struct weir_span *s)
{
	int64_t now_ns = weir_now_mono_ns();
	bool did = false;

	for (unsigned node = 0; node < s->map->n_nodes; node++) {
		int64_t closed_ns = s->closed_ns;
		uint64_t before = s->peers[node].n_parts;

		if (node == s->map->self || !s->peers[node].is_there)
			continue;
		for (struct weir_span_kept *k = weir_span_send_long(s, node) ? s->kept : NULL; k;
		     k = k->next) {
			if (!has_left(s, k, node) || send_groups(s, node, k))
				continue;
			/* Panes are in the order of their ends, about. */
			for (; k; k = k->next)
				if (has_left(s, k, node) && k->end_ns - 1 < closed_ns)
					closed_ns = k->end_ns - 1;
			break;
		}
		/* What goes in pieces, and of rows that have not all been sent some, may be from
		 * just before the time. */
		if (s->peers[node].sending.bytes || !weir_span_send_rows(s, node))
			closed_ns = s->peers[node].told.epoch == s->epoch
					? s->peers[node].told.closed_ns
					: INT64_MIN;
		did |= s->peers[node].n_parts != before;
		did |= send_status(s, node, closed_ns, now_ns);
	}
	return did;
}

void
weir_span_free(struct weir_span *s)
{
	int64_t done_ns = s->delivered_ns;

	for (unsigned node = 0; node < s->map->n_nodes; node++) {
		const struct weir_span_status *status = &s->peers[node].status;

		if (node == s->map->self || !weir_span_is_live(s->map, node))
			continue;
		if (status->epoch != s->epoch)
			return;
		done_ns = status->done_ns < done_ns ? status->done_ns : done_ns;
	}
	if (done_ns <= s->freed_ns)
		return;
	s->freed_ns = done_ns;
	s->history_ns = weir_flow_later(s->history_ns, done_ns);
	weir_span_set_aside(s, done_ns);
	for (unsigned slot = 0; slot < WEIR_SPAN_SLOTS; slot++)
		if (s->done_ns[slot] < done_ns)
			s->done_ns[slot] = done_ns;
}
