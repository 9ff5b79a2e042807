/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>
#include <weir/record/append.h>

#include "flow_parts.h"
#include "span.h"

/* What is due: it becomes rows, which run through the chain. */

struct giving {
	struct weir_flow *f;
	unsigned query;
};

static void
give_to_worker(void *ctx, unsigned worker, struct weir_pane *pane)
{
	struct giving *g = ctx;

	/* What it lacks since those of several workers were put together is in no window. */
	g->f->delivery->outlets[g->query].lost += weir_pane_lost(pane);
	g->f->give_back(g->f->ctx, g->query, worker, pane);
}

/* The rows of a pane in the columns of a query that shares its groups. NULL when out of memory. */
static struct weir_block *
share_rows(const struct weir_plan_query *q, const struct weir_block *b)
{
	unsigned n_keys = q->path->n_keys, n_columns = n_keys + q->path->n_aggs;
	struct weir_block *out = weir_block_create(&q->path->schema, b->n_rows);
	struct weir_column *views = calloc(b->schema->n_columns + 1, sizeof(*views));
	const struct weir_column **columns = calloc(n_columns + 1, sizeof(*columns));

	if (!views || !columns)
		abort();
	for (unsigned i = 0; i < n_columns; i++)
		columns[i] = &views[i < n_keys ? i : n_keys + q->shared_columns[i - n_keys]];
	if (out) {
		out->window_start_ns = b->window_start_ns;
		out->window_end_ns = b->window_end_ns;
	}
	for (uint32_t at = 0; out && at < b->n_rows; at += WEIR_ROWS) {
		uint64_t sel[WEIR_MASK_WORDS];

		weir_mask_first(sel, weir_block_slice(b, at, views));
		if (weir_block_append_rows(out, b, at, columns, sel)) {
			weir_block_destroy(out);
			out = NULL;
		}
	}
	free(views);
	free(columns);
	return out;
}

/* Rows of a query's own packets, of one window: they wait for what they are joined with. */
static void
put_by(struct weir_flow *f, unsigned query, struct weir_block *b, int64_t due_ns)
{
	struct weir_flow_input input = { weir_flow_plus(due_ns, f->nodes[query].delay_ns),
		.rows = b };

	f->nodes[query].knows_next = false;
	if (b) {
		input.start_ns = b->window_start_ns;
		input.end_ns = b->window_end_ns;
	}
	weir_trail_hold(f->delivery->trail, &input.origin);
	if (b && weir_flow_insert(&f->nodes[query], &input) == 0)
		return;
	free(input.origin);
	weir_block_destroy(b);
	weir_flow_fail_memory(f);
}

/* Hand the rows of a pane to the queries that share its groups; each takes them in its turn. */
static void
share(struct weir_flow *f, unsigned query, const struct weir_pane *pane, int64_t due_ns)
{
	struct weir_block *b = weir_flow_rows_of(weir_flow_query(f, query)->path, pane);

	for (unsigned i = 0; b && i < f->plan->n_queries; i++) {
		const struct weir_plan_query *q = weir_flow_query(f, i);

		if (!q->is_shared || q->shared_with != query || !f->nodes[i].is_used)
			continue;
		weir_delivery_note_pane(f->delivery, i, pane);
		put_by(f, i, share_rows(q, b), due_ns);
	}
	if (!b)
		weir_flow_fail_memory(f);
	weir_block_destroy(b);
}

/* The rows of a whole window run through the query's chain. */
static void
put_pane(struct weir_flow *f, unsigned query, struct weir_pane *pane, int64_t due_ns)
{
	const struct weir_plan_query *q = weir_flow_query(f, query);
	struct weir_block *b;

	if (f->nodes[query].delay_ns) {
		put_by(f, query, weir_flow_rows_of(q->path, pane), due_ns);
		return;
	}
	if (q->chain->n_segments == 1 && !q->chain->segments[0].n_joins && !q->is_input) {
		if (weir_flow_delivers(f, query))
			weir_delivery_pane(f->delivery, query, pane);
		return;
	}
	b = weir_flow_rows_of(q->path, pane);
	if (b)
		weir_flow_run(f, query, 0, b, due_ns);
	else
		weir_flow_fail_memory(f);
}

static void
do_window(struct weir_flow *f, unsigned query, struct weir_pane *pane, int64_t due_ns)
{
	const struct weir_plan_query *q = weir_flow_query(f, query);

	weir_delivery_note_pane(f->delivery, query, pane);
	weir_trail_follow(f->delivery->trail, WEIR_TRAIL_PANE, weir_pane_origin(pane));
	if (q->n_sharing)
		share(f, query, pane, due_ns);
	if (q->chain && !f->nodes[query].is_silent)
		put_pane(f, query, pane, due_ns);
}

static void
do_pane(struct weir_flow *f, unsigned query, int64_t due_ns)
{
	struct giving giving = { f, query };
	struct weir_windows_taken taken;
	struct weir_pane *own;
	struct weir_error e;

	weir_delivery_fail(
	    f->delivery, weir_windows_take(&f->nodes[query].windows, &taken, &e), &e);
	if (taken.pane) {
		own = f->span ? weir_span_admit(f->span, query, taken.pane, due_ns) : taken.pane;
		if (own)
			do_window(f, query, own, due_ns);
		if (own && own != taken.pane)
			weir_pane_destroy(own);
	}
	weir_windows_let_go(&f->nodes[query].windows, &taken, give_to_worker, &giving);
}

/* The rows of sessions and counts that are due by a time. */
static void
do_list(struct weir_flow *f, unsigned query, int64_t until_ns)
{
	struct weir_flow_node *n = &f->nodes[query];
	struct weir_flow_list *l = &n->list;
	uint32_t end = l->n_gone;
	struct weir_block *due;

	if (!l->is_sorted && weir_block_sort_by_end(l->rows)) {
		weir_flow_fail_memory(f);
		return;
	}
	weir_trail_follow(f->delivery->trail, WEIR_TRAIL_PANE, NULL);
	l->is_sorted = true;
	while (end < l->rows->n_rows &&
	       weir_flow_plus(l->rows->row_end_ns[end], n->delay_ns) <= until_ns)
		end++;
	l->first_end_ns = end < l->rows->n_rows ? l->rows->row_end_ns[end] : INT64_MAX;
	due = weir_flow_part(l->rows, l->n_gone, end);
	l->n_gone = end;
	if (end == l->rows->n_rows)
		(void)weir_flow_shrink_list(l);
	if (due && f->span)
		due = weir_span_admit_rows(f->span, query, due, n->delay_ns, f->time_ns);
	if (due)
		weir_flow_run(f, query, 0, due, until_ns);
	else
		weir_flow_fail_memory(f);
}

/*
 * Are two inputs to be one? Those of one window; of a global one each query has rows at other
 * times, and rows with windows of their own are put in order.
 */
static bool
is_one_window(const struct weir_plan_query *q, const struct weir_flow_input *a,
    const struct weir_flow_input *b)
{
	if (a->due_ns != b->due_ns)
		return false;
	return weir_window_is_per_group(&q->chain->window_in) ||
	       q->chain->window_in.kind == WEIR_WINDOW_GLOBAL ||
	       (a->start_ns == b->start_ns && a->end_ns == b->end_ns);
}

static void
widen_window(struct weir_block *b, const struct weir_block *by)
{
	if (b->window_start_ns == WEIR_TIME_NONE ||
	    (by->window_start_ns != WEIR_TIME_NONE && by->window_start_ns < b->window_start_ns))
		b->window_start_ns = by->window_start_ns;
	b->window_end_ns = weir_flow_later(b->window_end_ns, by->window_end_ns);
}

static void
join_origins(struct weir_flow_input *to, struct weir_flow_input *from)
{
	if (to->origin && from->origin)
		weir_origin_merge(to->origin, from->origin);
	if (to->origin)
		free(from->origin);
	else
		to->origin = from->origin;
}

/* Rows of other queries, or packets, whose window is complete: those of one window together. */
static void
do_inputs(struct weir_flow *f, unsigned query)
{
	struct weir_flow_node *n = &f->nodes[query];
	struct weir_flow_input first = n->inputs[0];
	unsigned same = 1;

	f->held_bytes -= first.bytes;
	while (same < n->n_inputs &&
	       is_one_window(weir_flow_query(f, query), &first, &n->inputs[same])) {
		widen_window(first.rows, n->inputs[same].rows);
		if (weir_flow_append(first.rows, n->inputs[same].rows))
			weir_flow_fail_memory(f);
		join_origins(&first, &n->inputs[same]);
		weir_block_destroy(n->inputs[same++].rows);
	}
	if (same > 1 && first.rows->row_end_ns && weir_block_sort_by_end(first.rows))
		weir_flow_fail_memory(f);
	n->n_inputs -= same;
	memmove(n->inputs, n->inputs + same, n->n_inputs * sizeof(*n->inputs));
	weir_trail_resume(f->delivery->trail, &first.origin);
	weir_flow_run(f, query, 0, first.rows, first.due_ns);
}

static void
give_to_group(void *ctx, unsigned worker, struct weir_pane *pane)
{
	struct weir_flow_group *g = ctx;

	(void)worker;
	weir_aggregator_recycle(g->aggregator, pane);
}

/* A window of a group of the chain. */
static void
do_group(struct weir_flow *f, unsigned query, unsigned group, int64_t due_ns)
{
	const struct weir_segment *s = &weir_flow_query(f, query)->chain->segments[group];
	struct weir_flow_group *g = &f->nodes[query].groups[group];
	struct weir_windows_taken taken;
	struct weir_pane *pane, *spare;
	struct weir_block *b = NULL;
	struct weir_error e;
	int64_t end_ns;
	unsigned worker;

	if (!weir_flow_next_of_group(g, &end_ns))
		return;
	while ((pane = weir_aggregator_close(g->aggregator, end_ns))) {
		weir_delivery_fail(
		    f->delivery, weir_windows_add(&g->windows, 0, pane, &spare, &worker, &e), &e);
		if (spare)
			weir_aggregator_recycle(g->aggregator, spare);
	}
	weir_delivery_fail(f->delivery, weir_windows_take(&g->windows, &taken, &e), &e);
	if (taken.pane) {
		b = weir_flow_rows_of(s->path, taken.pane);
		weir_delivery_note_rows_pane(
		    f->delivery, query, taken.pane, g->windows.window.kind == WEIR_WINDOW_SLIDING);
	}
	weir_windows_let_go(&g->windows, &taken, give_to_group, g);
	if (!taken.pane)
		return;
	weir_trail_resume(f->delivery->trail, &g->origin);
	if (b)
		weir_flow_run(f, query, group + 1, b, due_ns);
	else
		weir_flow_fail_memory(f);
}

static int
compare_early(const void *a, const void *b)
{
	const struct weir_flow_early *x = a, *y = b;

	if (x->due_ns != y->due_ns)
		return x->due_ns < y->due_ns ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* Rows that are due by a time, in the order of the packets that they come from. */
void
weir_flow_do_early(struct weir_flow *f, unsigned query, int64_t until_ns)
{
	const struct weir_schema *s = weir_chain_schema(weir_flow_query(f, query)->chain);
	struct weir_flow_node *n = &f->nodes[query];
	struct weir_block *out = weir_block_create(s, WEIR_ROWS);
	struct weir_column *views = calloc(s->n_columns + 1, sizeof(*views));
	const struct weir_column **columns = calloc(s->n_columns + 1, sizeof(*columns));
	int64_t end_ns;
	unsigned i;

	if (!views || !columns)
		abort();
	if (weir_windows_next(&n->windows, &end_ns) && end_ns < until_ns)
		until_ns = end_ns;
	for (unsigned c = 0; c < s->n_columns; c++)
		columns[c] = &views[c];
	qsort(n->early, n->n_early, sizeof(*n->early), compare_early);
	for (i = 0; i < n->n_early && n->early[i].due_ns <= until_ns; i++) {
		uint32_t row = n->early[i].row, first = row / WEIR_ROWS * WEIR_ROWS;
		uint64_t sel[WEIR_MASK_WORDS] = { 0 };

		weir_mask_set(sel, row - first);
		(void)weir_block_slice(n->early[i].rows, first, views);
		if (!out || weir_block_append_rows(out, n->early[i].rows, first, columns, sel))
			weir_flow_fail_memory(f);
		weir_trail_ready_early(f->delivery->trail, n->early[i].arrived_ns);
		weir_block_destroy(n->early[i].rows);
	}
	n->n_early -= i;
	memmove(n->early, n->early + i, n->n_early * sizeof(*n->early));
	n->early_due_ns = n->n_early ? n->early[0].due_ns : INT64_MAX;
	free(views);
	free(columns);
	weir_trail_follow(f->delivery->trail, WEIR_TRAIL_NONE, NULL);
	if (out)
		weir_delivery_put(f->delivery, query, out);
	f->delivery->is_urgent |= f->plan->is_live;
}

void
weir_flow_do(struct weir_flow *f, const struct weir_flow_work *w, int64_t list_until_ns)
{
	/* Rows of a list go together as long as nobody has to do with each of them. */
	bool is_one = weir_flow_query(f, w->query)->is_input || list_until_ns < w->due_ns ||
		      (f->span && !weir_span_is_settled(f->span, w->due_ns));

	f->nodes[w->query].knows_next = false;
	switch (w->kind) {
	case WEIR_WORK_EARLY:
		weir_flow_do_early(
		    f, w->query, list_until_ns > w->due_ns ? list_until_ns : w->due_ns);
		break;
	case WEIR_WORK_PANE:
		do_pane(f, w->query, w->due_ns);
		break;
	case WEIR_WORK_LIST:
		do_list(f, w->query, is_one ? w->due_ns : list_until_ns);
		break;
	case WEIR_WORK_INPUT:
		do_inputs(f, w->query);
		break;
	case WEIR_WORK_GROUP:
		do_group(f, w->query, w->group, w->due_ns);
		break;
	}
}
