/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>
#include <weir/base/time.h>
#include <weir/record/append.h>

#include "flow_parts.h"

/* Rows on their way through a query's chain, and to those who read them. */

void
weir_flow_fail_memory(struct weir_flow *f)
{
	struct weir_error e;

	weir_delivery_fail(
	    f->delivery, weir_error_run(&e, -ENOMEM, "no memory for the rows of a window"), &e);
}

/* Insert where it belongs, behind those of the same instant. 0 or -ENOMEM. */
int
weir_flow_insert(struct weir_flow_node *n, const struct weir_flow_input *input)
{
	unsigned at = n->n_inputs;

	if (n->n_inputs == n->cap_inputs) {
		unsigned cap = n->cap_inputs ? 2 * n->cap_inputs : 8;
		struct weir_flow_input *inputs = realloc(n->inputs, cap * sizeof(*inputs));

		if (!inputs)
			return -ENOMEM;
		n->inputs = inputs;
		n->cap_inputs = cap;
	}
	while (at && (n->inputs[at - 1].due_ns > input->due_ns ||
			 (n->inputs[at - 1].due_ns == input->due_ns &&
			     n->inputs[at - 1].start_ns > input->start_ns)))
		at--;
	memmove(&n->inputs[at + 1], &n->inputs[at], (n->n_inputs - at) * sizeof(*n->inputs));
	n->inputs[at] = *input;
	n->n_inputs++;
	return 0;
}

/* Rows of a block in columns that the other schema has by the same names. NULL when out of memory.
 */
int
weir_flow_append(struct weir_block *to, const struct weir_block *from)
{
	const struct weir_schema *s = to->schema;
	struct weir_column *views = calloc(from->schema->n_columns + 1, sizeof(*views));
	const struct weir_column **columns = calloc(s->n_columns + 1, sizeof(*columns));
	struct weir_column nothing = { 0 };
	int rc = !views || !columns ? -ENOMEM
				    : weir_column_init(&nothing, WEIR_INT, WEIR_I64, WEIR_ROWS);

	if (!rc)
		memset(nothing.null, 0xff, WEIR_MASK_WORDS * sizeof(uint64_t));
	for (unsigned c = 0; !rc && c < s->n_columns; c++) {
		int at = weir_schema_find(from->schema, s->columns[c].name);

		columns[c] = at < 0 ? &nothing : &views[at];
	}
	for (uint32_t at = 0; !rc && at < from->n_rows; at += WEIR_ROWS) {
		uint64_t sel[WEIR_MASK_WORDS];

		weir_mask_first(sel, weir_block_slice(from, at, views));
		rc = weir_block_append_rows(to, from, at, columns, sel);
	}
	if (nothing.data)
		weir_column_fini(&nothing);
	free(views);
	free(columns);
	return rc;
}

/* The window that the rows which come into a segment belong to. */
const struct weir_window *
weir_flow_window_into(const struct weir_plan_query *q, unsigned segment)
{
	while (segment-- > 0)
		if (q->chain->segments[segment].path->has_group)
			return &q->chain->segments[segment].path->window;
	if (!q->path)
		return &q->chain->window_in;
	return q->path->hands_over ? &q->chain->held : &q->path->window;
}

/* Hand the rows of a window, due then, to a query that takes them. */
static void
push(struct weir_flow *f, unsigned query, unsigned reader, const struct weir_block *b,
    int64_t due_ns)
{
	const struct weir_plan_query *q = weir_flow_query(f, reader);
	int64_t more_ns = f->nodes[reader].delay_ns - f->nodes[query].out_delay_ns;
	struct weir_flow_input input = { weir_flow_plus(due_ns, more_ns), b->window_start_ns,
		b->window_end_ns, weir_block_create(&q->chain->input, b->n_rows), 0, NULL };

	if (!input.rows)
		goto fail;
	input.rows->window_start_ns = b->window_start_ns;
	input.rows->window_end_ns = b->window_end_ns;
	weir_trail_hold(f->delivery->trail, &input.origin);
	if (weir_flow_append(input.rows, b) || weir_flow_insert(&f->nodes[reader], &input))
		goto fail;
	f->nodes[reader].n_in += b->n_rows;
	f->nodes[reader].knows_next = false;
	return;
fail:
	free(input.origin);
	weir_block_destroy(input.rows);
	weir_flow_fail_memory(f);
}

/* How far apart the windows of a query begin. */
static int64_t
step_of(const struct weir_window *w)
{
	return w->kind == WEIR_WINDOW_SLIDING ? w->slide_ns : w->size_ns;
}

/*
 * Keep the rows of a window for those who join it, and forget those that nobody can ask for: the
 * last to ask is a query that is due readers_ns after its windows, for the one before.
 */
static void
keep(struct weir_flow *f, unsigned query, struct weir_block *b, int64_t due_ns, int64_t readers_ns)
{
	struct weir_flow_node *n = &f->nodes[query];
	int64_t more_ns =
	    weir_flow_plus(step_of(&weir_flow_query(f, query)->chain->window), readers_ns);
	unsigned left = 0;
	struct weir_flow_kept *kept;

	for (unsigned i = 0; i < n->n_kept; i++) {
		if (weir_flow_plus(n->kept[i].end_ns, more_ns) >= due_ns)
			n->kept[left++] = n->kept[i];
		else
			weir_block_destroy(n->kept[i].rows);
	}
	n->n_kept = left;
	kept = weir_array_add(&n->kept, &n->n_kept, sizeof(*kept));
	*kept = (struct weir_flow_kept){ b->window_start_ns, b->window_end_ns, weir_block_hold(b) };
}

/* The rows of a window that are joined, or NULL. */
static const struct weir_block *
find_kept(const struct weir_flow *f, const struct weir_chain_join *join, const struct weir_block *b)
{
	const struct weir_flow_node *n = &f->nodes[join->query];
	const struct weir_window *w = &weir_flow_query(f, join->query)->chain->window;
	bool is_global = w->kind == WEIR_WINDOW_GLOBAL;
	int64_t start_ns = b->window_start_ns;

	if (is_global)
		return n->n_kept && !join->is_prev ? n->kept[n->n_kept - 1].rows : NULL;
	if (join->is_prev)
		start_ns -= step_of(w);
	for (unsigned i = 0; i < n->n_kept; i++)
		if (n->kept[i].start_ns == start_ns)
			return n->kept[i].rows;
	return NULL;
}

static bool
takes_from(const struct weir_plan_query *q, unsigned query)
{
	for (unsigned i = 0; i < q->n_from; i++)
		if (q->from[i] == query)
			return true;
	return false;
}

static bool
joins(const struct weir_plan_query *q, unsigned query)
{
	for (unsigned s = 0; q->chain && s < q->chain->n_segments; s++)
		for (unsigned i = 0; i < q->chain->segments[s].n_joins; i++)
			if (q->chain->segments[s].joins[i].query == query)
				return true;
	return false;
}

/* The rows of a window are the query's: to those who take them, and to its sinks. b is consumed. */
static void
put_out(struct weir_flow *f, unsigned query, struct weir_block *b, int64_t due_ns)
{
	bool is_own = weir_flow_delivers(f, query);
	int64_t readers_ns = -1;

	for (unsigned i = 0; weir_flow_query(f, query)->is_input && i < f->plan->n_queries; i++) {
		const struct weir_plan_query *q = weir_flow_query(f, i);

		if (!f->nodes[i].is_used || q->is_removed)
			continue;
		if (takes_from(q, query) && b->n_rows)
			push(f, query, i, b, due_ns);
		/* They count as offered, though they do not leave here. */
		if (takes_from(q, query) && !is_own)
			f->nodes[i].n_before -= b->n_rows;
		if (joins(q, query))
			readers_ns = weir_flow_later(readers_ns, f->nodes[i].delay_ns);
	}
	if (readers_ns >= 0)
		keep(f, query, b, due_ns, readers_ns);
	if (is_own)
		weir_delivery_put(f->delivery, query, b);
	else
		weir_block_destroy(b);
}

/* The time by which a row goes into a window: the last instant of its own. */
static int64_t
time_of(const struct weir_window *w, int64_t end_ns)
{
	bool is_exclusive = w->kind == WEIR_WINDOW_TUMBLING || w->kind == WEIR_WINDOW_SLIDING;

	return is_exclusive && end_ns != WEIR_TIME_NONE ? end_ns - 1 : end_ns;
}

/* Feed rows to a group of the chain; of is the window that they come from. */
static void
feed(struct weir_flow_group *g, struct weir_path *path, const struct weir_window *of,
    const struct weir_block *b)
{
	unsigned n_columns = b->schema->n_columns;
	struct weir_column *views = calloc(n_columns + 1, sizeof(*views));
	const struct weir_column **inputs = calloc(n_columns + 1, sizeof(*inputs));
	int64_t time_ns[WEIR_ROWS], number[WEIR_ROWS];
	uint64_t sel[WEIR_MASK_WORDS];

	if (!views || !inputs)
		abort();
	for (unsigned c = 0; c < n_columns; c++)
		inputs[c] = &views[c];
	for (uint32_t at = 0; at < b->n_rows; at += WEIR_ROWS) {
		uint32_t n = weir_block_slice(b, at, views);

		weir_mask_first(sel, n);
		for (uint32_t r = 0; r < n; r++) {
			int64_t start_ns, end_ns;

			weir_block_window(b, at + r, &start_ns, &end_ns);
			time_ns[r] = time_of(of, end_ns);
			number[r] = g->number++;
			if (time_ns[r] == WEIR_TIME_NONE &&
			    g->windows.window.kind != WEIR_WINDOW_GLOBAL) {
				weir_mask_clear(sel, r);
				g->counters.no_time++;
			}
		}
		weir_path_group_rows(
		    path, inputs, n, sel, time_ns, number, g->aggregator, &g->counters);
	}
	free(views);
	free(inputs);
}

/* The rows of a pane, of the window that it has. */
struct weir_block *
weir_flow_rows_of(const struct weir_path *path, const struct weir_pane *pane)
{
	uint32_t n = weir_pane_n_groups(pane);
	struct weir_block *b = weir_block_create(&path->schema, n);

	if (b && weir_pane_rows(pane, 0, n, b)) {
		weir_block_destroy(b);
		return NULL;
	}
	return b;
}

/* Group the rows of one window. b is consumed. */
static struct weir_block *
group_within(struct weir_flow *f, unsigned query, unsigned segment, const struct weir_window *of,
    struct weir_block *b)
{
	struct weir_path *path = weir_flow_query(f, query)->chain->segments[segment].path;
	struct weir_flow_group *g = &f->nodes[query].groups[segment];
	struct weir_block *out;
	struct weir_pane *pane;

	feed(g, path, of, b);
	pane = weir_aggregator_close(g->aggregator, INT64_MAX);
	if (!pane) {
		out = weir_block_create(&path->schema, 0);
	} else {
		weir_pane_set_window(pane, b->window_start_ns, b->window_end_ns);
		weir_delivery_note_rows_pane(f->delivery, query, pane, false);
		out = weir_flow_rows_of(path, pane);
		weir_aggregator_recycle(g->aggregator, pane);
	}
	if (out) {
		out->window_start_ns = b->window_start_ns;
		out->window_end_ns = b->window_end_ns;
	}
	weir_block_destroy(b);
	return out;
}

/* The selected columns of rows. b is consumed. */
static struct weir_block *
select_rows(struct weir_path *path, struct weir_block *b)
{
	unsigned n_columns = b->schema->n_columns;
	struct weir_block *out = weir_block_create(&path->schema, b->n_rows);
	struct weir_column *views = calloc(n_columns + 1, sizeof(*views));
	const struct weir_column **inputs = calloc(n_columns + 1, sizeof(*inputs));

	if (!views || !inputs)
		abort();
	for (unsigned c = 0; c < n_columns; c++)
		inputs[c] = &views[c];
	if (out) {
		out->window_start_ns = b->window_start_ns;
		out->window_end_ns = b->window_end_ns;
	}
	for (uint32_t at = 0; out && at < b->n_rows; at += WEIR_ROWS) {
		struct weir_rows rows = { .inputs = inputs };

		rows.n = weir_block_slice(b, at, views);
		weir_mask_first(rows.sel, rows.n);
		if (weir_path_select_rows(path, &rows, b, at, out)) {
			weir_block_destroy(out);
			out = NULL;
		}
	}
	free(views);
	free(inputs);
	weir_block_destroy(b);
	return out;
}

/* Run rows through the chain from a segment on, as far as they go now. b is consumed. */
void
weir_flow_run(
    struct weir_flow *f, unsigned query, unsigned segment, struct weir_block *b, int64_t due_ns)
{
	const struct weir_plan_query *q = weir_flow_query(f, query);
	struct weir_flow_node *n = &f->nodes[query];

	for (; b; segment++) {
		struct weir_segment *s = &q->chain->segments[segment];
		const struct weir_window *of = weir_flow_window_into(q, segment);

		for (unsigned i = 0; i < s->n_joins; i++)
			weir_result_join_to(s->result, i, find_kept(f, &s->joins[i], b));
		b = weir_result_run(s->result, b);
		if (!b)
			break;
		if (segment == 0)
			n->n_out += b->n_rows;
		if (!s->path) {
			put_out(f, query, b, due_ns);
			return;
		}
		if (!s->path->has_group) {
			b = select_rows(s->path, b);
		} else if (!s->has_window) {
			b = group_within(f, query, segment, of, b);
		} else {
			feed(&n->groups[segment], s->path, of, b);
			weir_trail_hold(f->delivery->trail, &n->groups[segment].origin);
			weir_block_destroy(b);
			return;
		}
	}
	weir_flow_fail_memory(f);
}
