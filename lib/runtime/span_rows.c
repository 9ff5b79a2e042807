/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/record/append.h>
#include <weir/record/part.h>

#include "flow_parts.h"
#include "span_parts.h"

/*
 * Rows whose order matters: folds, sessions, windows of so many rows, --emit early; and those of
 * packets that are joined. They go to the owner of their key as they are, and there, when all nodes
 * have sent theirs up to some time, into its windows in the order of their times.
 */

static void
fail_memory(struct weir_span *s)
{
	struct weir_error e;

	weir_error_run(&e, -ENOMEM, "no memory for the rows of other hosts");
	weir_span_fail(s, &e);
}

int
weir_span_rows_init(struct weir_span *s, unsigned query, struct weir_error *err)
{
	const struct weir_plan_query *pq = &s->plan->queries[query];
	struct weir_span_query *q = &s->queries[query];
	int rc = weir_plan_path(s->plan, pq, &q->path, err);

	if (rc)
		return rc;
	q->ships = true;
	q->window = q->path->hands_over ? pq->chain->held : q->path->window;
	q->n_key_columns = q->path->n_keys;
	q->key_columns = calloc(q->n_key_columns + 1, sizeof(*q->key_columns));
	if (!q->key_columns)
		return weir_error_run(err, -ENOMEM, "out of memory");
	for (unsigned k = 0; k < q->n_key_columns; k++)
		q->key_columns[k] = WEIR_PATH_LEAD + q->path->key_moved[k];
	if (q->aggregator)
		weir_aggregator_sweep_always(q->aggregator);
	if (q->path->is_early) {
		struct weir_group_watch watch;

		rc = weir_early_create(pq, s->plan->command->simd, &q->early, err);
		if (rc)
			return rc;
		watch = weir_early_watch(q->early);
		weir_aggregator_watch(q->aggregator, &watch);
	}
	return 0;
}

void
weir_span_rows_fini(struct weir_span *s, unsigned query)
{
	struct weir_span_query *q = &s->queries[query];

	weir_block_destroy(q->pending);
	weir_early_destroy(q->early);
	weir_path_destroy(q->path);
	free(q->key_columns);
}

void
weir_span_forget_shipping(struct weir_span_shipment *h)
{
	free(h->picked);
	free(h->first);
	free(h->at);
	h->picked = h->first = h->at = NULL;
	h->is_parted = false;
	h->n_nodes = 0;
}

void
weir_span_free_shipment(struct weir_span *s, struct weir_span_shipment *h)
{
	if (s->queries[h->query].last_old == h)
		s->queries[h->query].last_old = NULL;
	s->kept_bytes -= weir_block_bytes(h->rows);
	if (weir_span_needs_all(&s->queries[h->query]))
		s->all_bytes -= weir_block_bytes(h->rows);
	weir_span_forget_shipping(h);
	free(h->slots);
	weir_block_destroy(h->rows);
	free(h);
}

int64_t
weir_span_due_of(const struct weir_window *w, int64_t time_ns)
{
	int64_t into;

	switch (w->kind) {
	case WEIR_WINDOW_TUMBLING:
		into = (time_ns % w->size_ns + w->size_ns) % w->size_ns;
		return weir_flow_plus(time_ns, w->size_ns - into);
	case WEIR_WINDOW_SLIDING:
		return weir_flow_plus(time_ns, w->size_ns);
	case WEIR_WINDOW_SESSION:
		return weir_flow_plus(time_ns, w->gap_ns + 1);
	case WEIR_WINDOW_COUNT:
		return time_ns;
	case WEIR_WINDOW_GLOBAL:
		break;
	}
	return INT64_MAX;
}

/* The first and last time of the rows are noted; returns the last. */
static int64_t
note_times(struct weir_span_query *q, const struct weir_block *b)
{
	const int64_t *time_ns = b->columns[0].data;
	int64_t last_ns = INT64_MIN;

	for (uint32_t r = 0; r < b->n_rows; r++) {
		if (time_ns[r] == WEIR_TIME_NONE)
			continue;
		last_ns = time_ns[r] > last_ns ? time_ns[r] : last_ns;
		if (!q->has_times || time_ns[r] < q->first_ns)
			q->first_ns = time_ns[r];
		if (!q->has_times || time_ns[r] > q->last_ns)
			q->last_ns = time_ns[r];
		q->has_times = true;
	}
	return last_ns;
}

/* Rows that are a node's own go to what is pending. False when out of memory. */
static bool
append(struct weir_span *s, unsigned query, const struct weir_block *from, const uint32_t *rows,
    uint32_t n)
{
	struct weir_span_query *q = &s->queries[query];
	unsigned n_columns = from->schema->n_columns;
	struct weir_column *views = calloc(n_columns, sizeof(*views));
	const struct weir_column **columns = calloc(n_columns, sizeof(*columns));
	uint32_t i = 0;
	bool is_well = views && columns;

	if (!q->pending)
		q->pending = weir_block_create(&q->path->shipped, n);
	is_well &= q->pending != NULL;
	for (unsigned c = 0; is_well && c < n_columns; c++)
		columns[c] = &views[c];
	for (uint32_t at = 0; is_well && at < from->n_rows; at += WEIR_ROWS) {
		uint32_t in_slice = weir_block_slice(from, at, views);
		uint64_t sel[WEIR_MASK_WORDS] = { 0 };

		if (!rows)
			weir_mask_first(sel, in_slice);
		for (; rows && i < n && rows[i] < at + in_slice; i++)
			weir_mask_set(sel, rows[i] - at);
		is_well = weir_block_append_columns(q->pending, columns, sel) == 0;
	}
	free(views);
	free(columns);
	return is_well;
}

/* Count, or write down, who gets which rows. */
static void
spread_rows(
    const struct weir_span *s, const struct weir_span_shipment *h, uint32_t *at, uint32_t *rows)
{
	const struct weir_span_query *q = &s->queries[h->query];
	const int64_t *times = h->rows->columns[0].data;
	uint32_t takers[WEIR_SPAN_TAKERS];

	for (uint32_t r = 0; r < h->rows->n_rows; r++) {
		struct weir_span_need need = weir_span_need_of_row(q, times[r]);
		unsigned slot = h->slots[r], n;

		if (q->has_shed && h->was_parted && times[r] <= s->went_over_ns[slot])
			continue;
		if (!h->was_parted) /* nobody has had it */
			need.had_ns = INT64_MAX;
		n = weir_span_takers(s, q, slot, &need, takers);
		for (unsigned i = 0; i < n; i++) {
			if (takers[i] >= h->n_nodes)
				continue;
			if (rows)
				rows[at[takers[i]]] = r;
			at[takers[i]]++;
		}
	}
}

/* Who owns each row, and the rows by owner. False when out of memory. */
static bool
part(struct weir_span *s, struct weir_span_shipment *h)
{
	const struct weir_span_query *q = &s->queries[h->query];
	uint32_t n = h->rows->n_rows, sum = 0;
	unsigned self = s->map->self;

	weir_span_forget_shipping(h);
	h->n_nodes = s->map->n_nodes;
	if (!h->slots) {
		h->slots = calloc(n + 1, sizeof(*h->slots));
		if (!h->slots)
			return false;
		if (q->kind == WEIR_SPAN_SLOT)
			weir_block_slots(
			    h->rows, q->key_columns, q->n_key_columns, &s->slot_key, h->slots);
		else
			for (uint32_t r = 0; r < n; r++)
				h->slots[r] = q->head_slot;
	}
	h->first = calloc(h->n_nodes + 2, sizeof(*h->first));
	h->at = calloc(h->n_nodes + 1, sizeof(*h->at));
	if (!h->first || !h->at)
		return false;
	spread_rows(s, h, h->at, NULL);
	for (unsigned node = 0; node < h->n_nodes; node++) {
		h->first[node] = sum;
		sum += h->at[node];
		h->at[node] = h->first[node];
	}
	h->first[h->n_nodes] = sum;
	h->picked = calloc(sum + 1, sizeof(*h->picked));
	if (!h->picked)
		return false;
	spread_rows(s, h, h->at, h->picked);
	memcpy(h->at, h->first, h->n_nodes * sizeof(*h->at));
	h->is_parted = h->was_parted = true;
	if (self < h->n_nodes)
		h->at[self] = h->first[self + 1];
	return true;
}

/* The same; own ones are taken at once. */
static void
prepare(struct weir_span *s, struct weir_span_shipment *h)
{
	unsigned self = s->map->self;

	if (!part(s, h) ||
	    (self < h->n_nodes && !append(s, h->query, h->rows, &h->picked[h->first[self]],
				      h->first[self + 1] - h->first[self])))
		fail_memory(s);
}

void
weir_span_ship_old(struct weir_span *s)
{
	for (struct weir_span_shipment *h = s->shipments; h; h = h->next)
		if (!h->is_parted && !part(s, h))
			fail_memory(s);
}

void
weir_span_rows(struct weir_span *s, unsigned query, struct weir_block *b)
{
	struct weir_span_shipment *h = calloc(1, sizeof(*h));
	int64_t *node = b->columns[1].data;

	if (!h || !b->n_rows) {
		if (!h)
			fail_memory(s);
		free(h);
		weir_block_destroy(b);
		return;
	}
	for (uint32_t r = 0; r < b->n_rows; r++)
		node[r] = s->view->self;
	h->query = query;
	h->rows = b;
	h->last_ns = note_times(&s->queries[query], b);
	h->last_due_ns = weir_span_due_of(&s->queries[query].window, h->last_ns);
	s->kept_bytes += weir_block_bytes(b);
	if (weir_span_needs_all(&s->queries[query]))
		s->all_bytes += weir_block_bytes(b);
	*s->shipments_end = h;
	s->shipments_end = &h->next;
	if (s->epoch && !s->is_moving)
		prepare(s, h);
	weir_span_shed(s);
}

void
weir_span_end_rows(struct weir_span *s)
{
	for (unsigned i = 0; i < s->plan->n_queries; i++) {
		const struct weir_span_query *q = &s->queries[i];

		if (q->has_times && q->kind == WEIR_SPAN_SLOT &&
		    q->window.kind == WEIR_WINDOW_GLOBAL)
			weir_span_keep_times(s, i, q->first_ns, q->last_ns);
	}
}

/*
 * Sessions and windows of so many rows that are open stay where their keeper is, without those of
 * slots that are another's. Whether all that is left in them is right.
 */
static bool
keeps_windows(struct weir_span *s, unsigned query)
{
	const struct weir_span_query *q = &s->queries[query];

	if (!weir_window_is_per_group(&q->window))
		return false;
	if (q->kind == WEIR_SPAN_HEAD)
		return weir_span_keeps(s, query);
	weir_span_forget_groups(s, query);
	return true;
}

/* What a query has of windows that were not delivered comes again. */
static void
begin_anew(struct weir_span *s, unsigned query)
{
	struct weir_span_query *q = &s->queries[query];
	struct weir_group_watch watch;
	struct weir_group_spec spec;
	struct weir_error e;

	weir_block_destroy(q->pending);
	q->pending = NULL;
	if (!q->aggregator || keeps_windows(s, query))
		return;
	weir_aggregator_destroy(q->aggregator);
	weir_plan_group_spec(s->plan, &s->plan->queries[query], &spec);
	q->aggregator = weir_aggregator_create(&spec, &e);
	if (!q->aggregator) {
		weir_span_fail(s, &e);
		return;
	}
	weir_aggregator_sweep_always(q->aggregator);
	if (q->early) {
		watch = weir_early_watch(q->early);
		weir_aggregator_watch(q->aggregator, &watch);
	}
}

void
weir_span_ship_again(struct weir_span *s)
{
	for (unsigned i = 0; i < s->plan->n_queries; i++)
		if (s->queries[i].ships)
			begin_anew(s, i);
	for (struct weir_span_shipment *h = s->shipments; h; h = h->next)
		prepare(s, h);
}

/* A row that no frame holds goes in pieces. False: it cannot. */
static bool
begin_long(struct weir_span *s, unsigned node, const struct weir_span_shipment *h, size_t len)
{
	uint32_t at = h->at[node];
	uint8_t *bytes = len <= WEIR_SPAN_LONG_MOST ? malloc(len) : NULL;

	if (!bytes || !weir_block_write(h->rows, h->picked, at, at + 1, bytes, len, &len)) {
		free(bytes);
		return false;
	}
	return weir_span_begin_long(
	    &s->peers[node].sending, WEIR_SPAN_ROWS, h->query, bytes, (uint32_t)len);
}

static bool
send_shipment(struct weir_span *s, unsigned node, struct weir_span_shipment *h)
{
	uint32_t most = weir_span_part_most(s);

	while (h->at[node] < h->first[node + 1]) {
		struct weir_wire_frame *f = weir_span_frame(s, node);
		size_t len = 0;
		uint32_t n;

		if (!f)
			return false;
		n = weir_block_write(h->rows, h->picked, h->at[node], h->first[node + 1],
		    f->data + WEIR_SPAN_PART_HEAD, most, &len);
		if (!n) {
			weir_wire_frame_put(f);
			if (begin_long(s, node, h, len))
				s->counters.rows_sent++;
			else
				s->counters.groups_shed++;
			h->at[node]++;
			if (!weir_span_send_long(s, node))
				return false;
			continue;
		}
		if (!weir_span_send_part(s, node, f, WEIR_SPAN_ROWS, h->query, len))
			return false;
		s->counters.rows_sent += n;
		h->at[node] += n;
	}
	return true;
}

bool
weir_span_send_rows(struct weir_span *s, unsigned node)
{
	for (struct weir_span_shipment *h = s->shipments; h; h = h->next)
		if (h->is_parted && node < h->n_nodes && !send_shipment(s, node, h))
			return false;
	return true;
}

bool
weir_span_take_rows(struct weir_span *s, unsigned query, const uint8_t *data, uint32_t len)
{
	struct weir_block *b;
	struct weir_error e;
	int rc;

	if (!s->queries[query].ships)
		return false;
	rc = weir_block_read(&s->queries[query].path->shipped, data, len, &b, &e);
	if (rc == -ENOMEM)
		fail_memory(s);
	if (rc)
		return rc == -ENOMEM;
	s->counters.rows_taken += b->n_rows;
	if (!append(s, query, b, NULL, b->n_rows))
		fail_memory(s);
	weir_block_destroy(b);
	return true;
}

/* Part what is pending: rows up to a time, and those that stay. False when out of memory. */
static bool
part_pending(
    struct weir_block *pending, int64_t time_ns, struct weir_block *due, struct weir_block *rest)
{
	unsigned n_columns = pending->schema->n_columns;
	struct weir_column *views = calloc(n_columns, sizeof(*views));
	const struct weir_column **columns = calloc(n_columns, sizeof(*columns));
	bool is_well = views && columns;

	for (unsigned c = 0; is_well && c < n_columns; c++)
		columns[c] = &views[c];
	for (uint32_t at = 0; is_well && at < pending->n_rows; at += WEIR_ROWS) {
		uint32_t n = weir_block_slice(pending, at, views);
		uint64_t now[WEIR_MASK_WORDS] = { 0 }, later[WEIR_MASK_WORDS] = { 0 };
		const int64_t *times = views[0].data;

		for (uint32_t r = 0; r < n; r++)
			weir_mask_set(times[r] <= time_ns ? now : later, r);
		is_well = weir_block_append_columns(due, columns, now) == 0 &&
			  weir_block_append_columns(rest, columns, later) == 0;
	}
	free(views);
	free(columns);
	return is_well;
}

/* Rows up to a time, in order; what is later stays. NULL where there are none. */
static struct weir_block *
due_rows(struct weir_span *s, struct weir_span_query *q, int64_t time_ns)
{
	struct weir_block *all = q->pending, *due, *rest;
	const int64_t *times;
	uint32_t n = 0;

	if (!all)
		return NULL;
	times = all->columns[0].data;
	for (uint32_t r = 0; r < all->n_rows; r++)
		n += times[r] <= time_ns;
	if (!n)
		return NULL;
	q->pending = NULL;
	if (n == all->n_rows) {
		due = all;
	} else {
		due = weir_block_create(all->schema, n);
		rest = weir_block_create(all->schema, all->n_rows - n);
		if (!due || !rest || !part_pending(all, time_ns, due, rest))
			fail_memory(s);
		weir_block_destroy(all);
		q->pending = rest;
	}
	if (due && weir_block_sort(due, -1, 0))
		fail_memory(s);
	return due;
}

/* Rows of packets that are joined, as their worker would have handed them over. */
static void
give_handed_over(struct weir_span *s, unsigned query, const struct weir_block *due)
{
	const struct weir_schema *schema = &s->queries[query].path->schema;
	struct weir_block *rows = weir_block_create(schema, due->n_rows);
	struct weir_column *views = calloc(due->schema->n_columns, sizeof(*views));
	const struct weir_column **columns = calloc(schema->n_columns + 1, sizeof(*columns));
	bool is_well = rows && views && columns;

	for (unsigned c = 0; is_well && c < schema->n_columns; c++)
		columns[c] = &views[WEIR_PATH_LEAD + c];
	for (uint32_t at = 0; is_well && at < due->n_rows; at += WEIR_ROWS) {
		uint64_t sel[WEIR_MASK_WORDS];

		weir_mask_first(sel, weir_block_slice(due, at, views));
		is_well = weir_block_append_columns(rows, columns, sel) == 0;
	}
	free(views);
	free(columns);
	if (is_well) {
		weir_flow_rows(s->flow, query, rows);
		return;
	}
	weir_block_destroy(rows);
	fail_memory(s);
}

/* Rows in order go into windows, and those that are closed to the flow. */
static void
give_to_windows(struct weir_span *s, unsigned query, const struct weir_block *due, int64_t time_ns)
{
	int64_t until_ns = weir_flow_plus(time_ns, s->plan->lateness_ns);
	struct weir_span_query *q = &s->queries[query];
	struct weir_early_rows *early;
	struct weir_pane *pane;

	if (due)
		weir_path_unship(q->path, due, q->aggregator, &q->row_number, &q->group);
	early = q->early ? weir_early_take(q->early) : NULL;
	if (early)
		early = weir_span_admit_early(s, query, early);
	if (early)
		weir_flow_early(s->flow, query, early);
	if (until_ns == INT64_MIN)
		return;
	do { /* of a sweep each call does a part */
		while ((pane = weir_aggregator_close(q->aggregator, until_ns)))
			weir_flow_pane(s->flow, query, WEIR_SPAN_WORKER, pane);
	} while (weir_window_is_per_group(&q->window) &&
		 weir_aggregator_closed(q->aggregator) < until_ns);
}

void
weir_span_give_rows(struct weir_span *s, int64_t time_ns)
{
	for (unsigned i = 0; i < s->plan->n_queries; i++) {
		struct weir_span_query *q = &s->queries[i];
		struct weir_block *due = q->ships ? due_rows(s, q, time_ns) : NULL;

		if (q->ships && !q->path->hands_over)
			give_to_windows(s, i, due, time_ns);
		else if (due)
			give_handed_over(s, i, due);
		weir_block_destroy(due);
	}
}
