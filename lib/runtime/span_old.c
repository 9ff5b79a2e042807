/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/log.h>
#include <weir/base/time.h>
#include <weir/record/append.h>

#include "flow_parts.h"
#include "span_parts.h"

/*
 * What has been delivered, and is kept for nodes that take over alone: it is in nobody's way. It
 * goes when nobody can need it any more, and before anything else when there is no room.
 */

#define LOOK_NS   (WEIR_NS_PER_S / 5)
#define MANY_ROWS 4096u /* rows are put together up to so many */

/* Whether rows are of no use, when all that is due by a time has been delivered. */
static bool
is_needless(const struct weir_span *s, const struct weir_span_shipment *h, int64_t done_ns,
    const int64_t *held_ns)
{
	const struct weir_span_query *q = &s->queries[h->query];

	if (done_ns == INT64_MAX)
		return true;
	if (weir_window_is_per_group(&q->window))
		return q->has_shed ? h->last_ns <= done_ns : h->last_ns < held_ns[h->query];
	return weir_flow_plus(h->last_due_ns, q->history_ns) <= done_ns;
}

static void
free_old(struct weir_span *s, int64_t done_ns)
{
	struct weir_span_kept **k = &s->old_kept;
	struct weir_span_shipment **h = &s->old_shipments;
	int64_t held_ns[WEIR_QUERIES_MOST];

	for (unsigned i = 0; i < s->n_queries; i++)
		held_ns[i] = weir_span_held_since(s, i);
	while (*k) {
		struct weir_span_kept *old = *k;

		if (weir_flow_plus(old->last_due_ns, s->queries[old->query].history_ns) > done_ns) {
			k = &old->next;
			continue;
		}
		*k = old->next;
		weir_span_free_kept(s, old);
	}
	s->old_kept_end = k;
	while (*h) {
		struct weir_span_shipment *old = *h;

		if (!is_needless(s, old, done_ns, held_ns)) {
			h = &old->next;
			continue;
		}
		*h = old->next;
		weir_span_free_shipment(s, old);
	}
	s->old_shipments_end = h;
}

static void
set_aside_kept(struct weir_span *s, int64_t done_ns)
{
	struct weir_span_kept **at = &s->kept;

	while (*at) {
		struct weir_span_kept *k = *at;

		bool is_needless =
		    weir_flow_plus(k->last_due_ns, s->queries[k->query].history_ns) <= done_ns;

		/* Who takes over may not have had all of it yet. */
		if (k->last_due_ns > done_ns || (!is_needless && !weir_span_is_sent(s, k))) {
			at = &k->next;
			continue;
		}
		*at = k->next;
		if (is_needless) {
			weir_span_free_kept(s, k);
			continue;
		}
		weir_span_forget_parting(k);
		k->next = NULL;
		*s->old_kept_end = k;
		s->old_kept_end = &k->next;
	}
	s->kept_end = at;
}

/* Few rows take as much memory as many: they are put with those before. Whether they are. */
static bool
add_rows(struct weir_span *s, struct weir_span_shipment *to, const struct weir_span_shipment *from)
{
	unsigned n_columns = from->rows->schema->n_columns;
	uint64_t before = weir_block_bytes(to->rows), more;
	struct weir_column *views = calloc(n_columns, sizeof(*views));
	const struct weir_column **columns = calloc(n_columns, sizeof(*columns));
	bool is_well = views && columns;

	for (unsigned c = 0; is_well && c < n_columns; c++)
		columns[c] = &views[c];
	for (uint32_t at = 0; is_well && at < from->rows->n_rows; at += WEIR_ROWS) {
		uint64_t sel[WEIR_MASK_WORDS];

		weir_mask_first(sel, weir_block_slice(from->rows, at, views));
		is_well = weir_block_append_columns(to->rows, columns, sel) == 0;
	}
	free(views);
	free(columns);
	more = weir_block_bytes(to->rows) - before;
	s->kept_bytes += more;
	if (weir_span_needs_all(&s->queries[to->query]))
		s->all_bytes += more;
	free(to->slots);
	to->slots = NULL;
	to->last_ns = weir_flow_later(to->last_ns, from->last_ns);
	to->last_due_ns = weir_flow_later(to->last_due_ns, from->last_due_ns);
	return is_well;
}

static void
set_aside_rows(struct weir_span *s, struct weir_span_shipment *h)
{
	struct weir_span_query *q = &s->queries[h->query];
	struct weir_error e;

	if (q->last_old && q->last_old->rows->n_rows + h->rows->n_rows <= MANY_ROWS) {
		if (!add_rows(s, q->last_old, h)) {
			weir_error_run(&e, -ENOMEM, "no memory for rows that are kept");
			weir_span_fail(s, &e);
		}
		weir_span_free_shipment(s, h);
		return;
	}
	weir_span_forget_shipping(h);
	h->next = NULL;
	*s->old_shipments_end = h;
	s->old_shipments_end = &h->next;
	q->last_old = h;
}

static bool
is_shipped(const struct weir_span_shipment *h)
{
	bool is = h->is_parted;

	for (unsigned node = 0; is && node < h->n_nodes; node++)
		is = h->at[node] == h->first[node + 1];
	return is;
}

static void
set_aside_shipments(struct weir_span *s, int64_t done_ns)
{
	struct weir_span_shipment **at = &s->shipments;
	int64_t held_ns[WEIR_QUERIES_MOST];

	for (unsigned i = 0; i < s->n_queries; i++)
		held_ns[i] = weir_span_held_since(s, i);
	while (*at) {
		struct weir_span_shipment *h = *at;

		bool has_use = !is_needless(s, h, done_ns, held_ns);

		if (has_use && (h->last_due_ns > done_ns || !is_shipped(h))) {
			at = &h->next;
			continue;
		}
		*at = h->next;
		if (!has_use)
			weir_span_free_shipment(s, h);
		else
			set_aside_rows(s, h);
	}
	s->shipments_end = at;
}

void
weir_span_set_aside(struct weir_span *s, int64_t done_ns)
{
	int64_t now_ns = weir_now_mono_ns();

	set_aside_kept(s, done_ns);
	set_aside_shipments(s, done_ns);
	if (now_ns - s->old_mono_ns < LOOK_NS && done_ns != INT64_MAX)
		return;
	s->old_mono_ns = now_ns;
	free_old(s, done_ns);
}

void
weir_span_recall(struct weir_span *s)
{
	if (s->old_kept) {
		*s->old_kept_end = s->kept;
		if (!s->kept)
			s->kept_end = s->old_kept_end;
		s->kept = s->old_kept;
	}
	if (s->old_shipments) {
		*s->old_shipments_end = s->shipments;
		if (!s->shipments)
			s->shipments_end = s->old_shipments_end;
		s->shipments = s->old_shipments;
	}
	weir_span_no_old(s);
}

void
weir_span_no_old(struct weir_span *s)
{
	s->old_kept = NULL;
	s->old_kept_end = &s->old_kept;
	s->old_shipments = NULL;
	s->old_shipments_end = &s->old_shipments;
	for (unsigned i = 0; s->queries && i < s->n_queries; i++)
		s->queries[i].last_old = NULL;
}

bool
weir_span_has_old(const struct weir_span *s)
{
	for (const struct weir_span_kept *k = s->old_kept; k; k = k->next)
		if (s->queries[k->query].history_ns != INT64_MAX)
			return true;
	for (const struct weir_span_shipment *h = s->old_shipments; h; h = h->next)
		if (s->queries[h->query].history_ns != INT64_MAX &&
		    !weir_span_needs_all(&s->queries[h->query]))
			return true;
	return false;
}

static void
shed_rows(struct weir_span *s, struct weir_span_shipment **at)
{
	struct weir_span_shipment *h = *at;
	struct weir_span_query *q = &s->queries[h->query];

	if (weir_span_needs_all(q) && !q->has_shed) {
		q->has_shed = true;
		weir_log(WEIR_LOG_NOTICE,
		    "query %s: no room for all rows since its windows began: a node that takes "
		    "keys over begins them anew",
		    s->plan->queries[h->query].text->name);
	}
	q->n_shed += h->rows->n_rows;
	*at = h->next;
	if (!*at)
		s->old_shipments_end = at;
	weir_span_free_shipment(s, h);
}

void
weir_span_shed_old(struct weir_span *s)
{
	struct weir_span_shipment **at = &s->old_shipments;

	while (*at && s->all_bytes > s->most_kept_bytes / 2)
		if (weir_span_needs_all(&s->queries[(*at)->query]))
			shed_rows(s, at);
		else
			at = &(*at)->next;
	while (s->old_shipments && s->kept_bytes > s->most_kept_bytes)
		shed_rows(s, &s->old_shipments);
	while (s->old_kept && s->kept_bytes > s->most_kept_bytes) {
		struct weir_span_kept *k = s->old_kept;

		s->queries[k->query].n_shed += weir_pane_n_groups(k->pane);
		s->old_kept = k->next;
		if (!s->old_kept)
			s->old_kept_end = &s->old_kept;
		weir_span_free_kept(s, k);
	}
}
