/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/base/array.h>
#include <weir/base/time.h>
#include <weir/record/append.h>

#include "flow.h"

static void
fail_memory(struct weir_flow *f)
{
	struct weir_error e;

	weir_delivery_fail(
	    f->delivery, weir_error_run(&e, -ENOMEM, "no memory for the rows of a window"), &e);
}

static const struct weir_plan_query *
query_of(const struct weir_flow *f, unsigned query)
{
	return &f->plan->queries[query];
}

static int64_t
plus(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/* How much after its end a session, or a window of so many rows, is known to be over. */
static int64_t
delay_of_path(const struct weir_path *path)
{
	if (!path || !path->has_group)
		return 0;
	if (path->window.kind == WEIR_WINDOW_SESSION)
		return plus(path->window.gap_ns, 1);
	return path->window.kind == WEIR_WINDOW_COUNT ? 1 : 0;
}

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* How much after their window has ended a query takes up rows: not before those that it is made of.
 */
static int64_t
delay_of_query(const struct weir_flow *f, const struct weir_plan_query *q)
{
	int64_t delay_ns = delay_of_path(q->path);

	for (unsigned i = 0; i < q->n_from; i++)
		delay_ns = larger(delay_ns, f->nodes[q->from[i]].out_delay_ns);
	for (unsigned s = 0; q->chain && s < q->chain->n_segments; s++)
		for (unsigned i = 0; i < q->chain->segments[s].n_joins; i++)
			delay_ns = larger(
			    delay_ns, f->nodes[q->chain->segments[s].joins[i].query].out_delay_ns);
	return delay_ns;
}

/* The window that the rows which come into a segment belong to. */
static const struct weir_window *
window_into(const struct weir_plan_query *q, unsigned segment)
{
	while (segment-- > 0)
		if (q->chain->segments[segment].path->has_group)
			return &q->chain->segments[segment].path->window;
	if (!q->path)
		return &q->chain->window_in;
	return q->path->hands_over ? &q->chain->held : &q->path->window;
}

static int
init_node(struct weir_flow *f, unsigned query, struct weir_error *err)
{
	const struct weir_plan_query *q = query_of(f, query);
	struct weir_flow_node *n = &f->nodes[query];

	*n = (struct weir_flow_node){ .is_used = true, .windows.last_end_ns = INT64_MIN };
	n->delay_ns = n->out_delay_ns = delay_of_query(f, q);
	if (q->path && q->path->has_group)
		n->windows.window = q->path->window;
	for (unsigned i = 0; i < q->n_from; i++)
		n->n_before += f->delivery->outlets[q->from[i]].rows;
	if (!q->chain)
		return 0;
	n->n_groups = q->chain->n_segments;
	n->groups = calloc(n->n_groups, sizeof(*n->groups));
	if (!n->groups)
		return weir_error_run(err, -ENOMEM, "out of memory");
	for (unsigned i = 0; i < n->n_groups; i++) {
		struct weir_group_spec spec;

		if (!q->chain->segments[i].path || !q->chain->segments[i].path->has_group)
			continue;
		weir_plan_segment_spec(f->plan, q, i, &spec);
		/* What a global window becomes is known when everything is. */
		if (q->chain->segments[i].has_window &&
		    window_into(q, i)->kind == WEIR_WINDOW_GLOBAL)
			n->out_delay_ns = INT64_MAX;
		n->groups[i].delay_ns = n->out_delay_ns;
		n->groups[i].windows.window = spec.window;
		n->groups[i].windows.last_end_ns = INT64_MIN;
		n->groups[i].aggregator = weir_aggregator_create(&spec, err);
		if (!n->groups[i].aggregator)
			return err->code;
	}
	return 0;
}

static void
fini_node(struct weir_flow_node *n)
{
	weir_windows_fini(&n->windows);
	weir_block_destroy(n->list.rows);
	for (unsigned i = 0; i < n->n_inputs; i++)
		weir_block_destroy(n->inputs[i].rows);
	free(n->inputs);
	for (unsigned i = 0; i < n->n_early; i++)
		weir_block_destroy(n->early[i].rows);
	free(n->early);
	for (unsigned i = 0; i < n->n_groups; i++) {
		weir_windows_fini(&n->groups[i].windows);
		weir_aggregator_destroy(n->groups[i].aggregator);
	}
	free(n->groups);
	for (unsigned i = 0; i < n->n_kept; i++)
		weir_block_destroy(n->kept[i].rows);
	free(n->kept);
	*n = (struct weir_flow_node){ 0 };
}

int
weir_flow_init(struct weir_flow *f, const struct weir_plan *plan, struct weir_delivery *delivery,
    struct weir_error *err)
{
	int rc = 0;

	f->plan = plan;
	f->delivery = delivery;
	f->time_ns = INT64_MIN;
	f->most_held_bytes =
	    (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 8;
	f->nodes = calloc(WEIR_QUERIES_MOST, sizeof(*f->nodes));
	if (!f->nodes)
		return weir_error_run(err, -ENOMEM, "out of memory");
	/* Those whose rows a query takes are there before it. */
	for (unsigned level = 0, n = 0; !rc && n < plan->n_queries; level++)
		for (unsigned i = 0; !rc && i < plan->n_queries; i++)
			if (plan->queries[i].level == level) {
				rc = init_node(f, i, err);
				n++;
			}
	return rc;
}

int
weir_flow_add(struct weir_flow *f, struct weir_error *err)
{
	unsigned last = f->plan->n_queries - 1;
	int rc = init_node(f, last, err);

	if (rc)
		fini_node(&f->nodes[last]);
	return rc;
}

void
weir_flow_drop_last(struct weir_flow *f)
{
	fini_node(&f->nodes[f->plan->n_queries - 1]);
}

void
weir_flow_fini(struct weir_flow *f)
{
	for (unsigned i = 0; f->nodes && i < WEIR_QUERIES_MOST; i++)
		fini_node(&f->nodes[i]);
	free(f->nodes);
}

/* Insert where it belongs, behind those of the same instant. 0 or -ENOMEM. */
static int
insert_input(struct weir_flow_node *n, const struct weir_flow_input *input)
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
static int
append_by_name(struct weir_block *to, const struct weir_block *from)
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

/* Hand the rows of a window, due then, to a query that takes them. */
static void
push(struct weir_flow *f, unsigned query, unsigned reader, const struct weir_block *b,
    int64_t due_ns)
{
	const struct weir_plan_query *q = query_of(f, reader);
	int64_t more_ns = f->nodes[reader].delay_ns - f->nodes[query].out_delay_ns;
	struct weir_flow_input input = { plus(due_ns, more_ns), b->window_start_ns,
		b->window_end_ns, weir_block_create(&q->chain->input, b->n_rows), 0 };

	if (!input.rows)
		goto fail;
	input.rows->window_start_ns = b->window_start_ns;
	input.rows->window_end_ns = b->window_end_ns;
	if (append_by_name(input.rows, b) || insert_input(&f->nodes[reader], &input))
		goto fail;
	f->nodes[reader].n_in += b->n_rows;
	f->nodes[reader].knows_next = false;
	return;
fail:
	weir_block_destroy(input.rows);
	fail_memory(f);
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
	int64_t more_ns = plus(step_of(&query_of(f, query)->chain->window), readers_ns);
	unsigned left = 0;
	struct weir_flow_kept *kept;

	for (unsigned i = 0; i < n->n_kept; i++) {
		if (plus(n->kept[i].end_ns, more_ns) >= due_ns)
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
	const struct weir_window *w = &query_of(f, join->query)->chain->window;
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
	int64_t readers_ns = -1;

	for (unsigned i = 0; query_of(f, query)->is_input && i < f->plan->n_queries; i++) {
		const struct weir_plan_query *q = query_of(f, i);

		if (!f->nodes[i].is_used || q->is_removed)
			continue;
		if (takes_from(q, query) && b->n_rows)
			push(f, query, i, b, due_ns);
		if (joins(q, query))
			readers_ns = larger(readers_ns, f->nodes[i].delay_ns);
	}
	if (readers_ns >= 0)
		keep(f, query, b, due_ns, readers_ns);
	weir_delivery_put(f->delivery, query, b);
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
static struct weir_block *
rows_of(const struct weir_path *path, const struct weir_pane *pane)
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
	struct weir_path *path = query_of(f, query)->chain->segments[segment].path;
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
		out = rows_of(path, pane);
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
static void
run_from(
    struct weir_flow *f, unsigned query, unsigned segment, struct weir_block *b, int64_t due_ns)
{
	const struct weir_plan_query *q = query_of(f, query);
	struct weir_flow_node *n = &f->nodes[query];

	for (; b; segment++) {
		struct weir_segment *s = &q->chain->segments[segment];
		const struct weir_window *of = window_into(q, segment);

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
			weir_block_destroy(b);
			return;
		}
	}
	fail_memory(f);
}

/* Rows first .. end - 1 of a block as one of their own. NULL when out of memory. */
static struct weir_block *
part_of(const struct weir_block *b, uint32_t first, uint32_t end)
{
	struct weir_block *out = weir_block_create(b->schema, end - first);
	struct weir_column *views = calloc(b->schema->n_columns + 1, sizeof(*views));
	const struct weir_column **columns = calloc(b->schema->n_columns + 1, sizeof(*columns));

	if (!views || !columns)
		abort();
	for (unsigned c = 0; c < b->schema->n_columns; c++)
		columns[c] = &views[c];
	for (uint32_t at = first / WEIR_ROWS * WEIR_ROWS; out && at < end; at += WEIR_ROWS) {
		uint64_t sel[WEIR_MASK_WORDS], before[WEIR_MASK_WORDS];
		uint32_t n = weir_block_slice(b, at, views);

		weir_mask_first(sel, at + n > end ? end - at : n);
		weir_mask_first(before, first > at ? first - at : 0);
		for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
			sel[w] &= ~before[w];
		if (weir_block_append_rows(out, b, at, columns, sel)) {
			weir_block_destroy(out);
			out = NULL;
		}
	}
	free(views);
	free(columns);
	return out;
}

/* Forget the rows of a list that have gone. False when out of memory. */
static bool
shrink_list(struct weir_flow_list *l)
{
	struct weir_block *rest;

	if (!l->rows || !l->n_gone)
		return true;
	rest = l->n_gone < l->rows->n_rows ? part_of(l->rows, l->n_gone, l->rows->n_rows) : NULL;
	if (!rest && l->n_gone < l->rows->n_rows)
		return false;
	weir_block_destroy(l->rows);
	l->rows = rest;
	l->n_gone = 0;
	return true;
}

/* The rows of a list pane are added to those that wait. */
static void
take_list(struct weir_flow *f, unsigned query, const struct weir_pane *pane)
{
	const struct weir_plan_query *q = query_of(f, query);
	struct weir_flow_list *l = &f->nodes[query].list;
	uint32_t first;

	weir_delivery_note_pane(f->delivery, query, pane);
	if (!q->chain || !weir_pane_n_groups(pane))
		return;
	if (!shrink_list(l))
		goto fail;
	if (!l->rows) {
		l->rows = weir_block_create(&q->path->schema, weir_pane_n_groups(pane));
		l->first_end_ns = INT64_MAX;
	}
	first = l->rows ? l->rows->n_rows : 0;
	if (!l->rows || weir_pane_rows(pane, 0, weir_pane_n_groups(pane), l->rows))
		goto fail;
	l->is_sorted = false;
	for (uint32_t r = first; r < l->rows->n_rows; r++)
		if (l->rows->row_end_ns[r] < l->first_end_ns)
			l->first_end_ns = l->rows->row_end_ns[r];
	return;
fail:
	fail_memory(f);
}

void
weir_flow_pane(struct weir_flow *f, unsigned query, unsigned worker, struct weir_pane *pane)
{
	struct weir_pane *spare = pane;
	struct weir_error e;

	f->nodes[query].knows_next = false;

	if (weir_pane_is_list(pane))
		take_list(f, query, pane);
	else
		weir_delivery_fail(f->delivery,
		    weir_windows_add(&f->nodes[query].windows, worker, pane, &spare, &worker, &e),
		    &e);
	if (spare)
		f->give_back(f->ctx, query, worker, spare);
}

/* The rows that wait for a window, made where there are none. NULL when out of memory. */
static struct weir_flow_input *
input_of(struct weir_flow *f, unsigned query, int64_t start_ns, int64_t end_ns)
{
	struct weir_flow_node *n = &f->nodes[query];
	struct weir_flow_input input = { plus(end_ns, n->delay_ns), start_ns, end_ns, NULL, 0 };

	for (unsigned i = n->n_inputs; i-- > 0;)
		if (n->inputs[i].end_ns == end_ns)
			return &n->inputs[i];
	input.rows = weir_block_create(&query_of(f, query)->chain->input, WEIR_ROWS);
	if (!input.rows || insert_input(n, &input)) {
		weir_block_destroy(input.rows);
		return NULL;
	}
	n->knows_next = false;
	input.rows->window_start_ns = start_ns;
	input.rows->window_end_ns = end_ns;
	for (unsigned i = n->n_inputs; i-- > 0;)
		if (n->inputs[i].rows == input.rows)
			return &n->inputs[i];
	return NULL;
}

/* The tumbling window that holds a time; of a global one all. */
static void
window_at(const struct weir_window *w, int64_t t, int64_t *ret_start_ns, int64_t *ret_end_ns)
{
	int64_t into;

	*ret_start_ns = INT64_MIN;
	*ret_end_ns = INT64_MAX;
	if (w->kind == WEIR_WINDOW_GLOBAL || t == WEIR_TIME_NONE)
		return;
	into = t % w->size_ns;
	if (into < 0)
		into += w->size_ns;
	if (__builtin_sub_overflow(t, into, ret_start_ns))
		*ret_start_ns = INT64_MIN + 1;
	*ret_end_ns = plus(*ret_start_ns, w->size_ns);
}

/* Rows of one slice of b: each to those that wait for the same window. 0 or -ENOMEM. */
static int
hold_slice(struct weir_flow *f, unsigned query, const struct weir_block *b, uint32_t at,
    struct weir_column *views, const struct weir_column **columns)
{
	const struct weir_window *w = &query_of(f, query)->chain->held;
	int time_column = weir_schema_find(b->schema, "frame.time");
	struct weir_flow_node *n = &f->nodes[query];
	uint32_t n_rows = weir_block_slice(b, at, views), next;

	for (uint32_t r = 0; r < n_rows; r = next) {
		int64_t start_ns, end_ns, start2_ns, end2_ns;
		uint64_t sel[WEIR_MASK_WORDS] = { 0 };
		struct weir_flow_input *input;
		uint64_t bytes;
		int rc;

		window_at(w, weir_column_get(&views[time_column], r).i, &start_ns, &end_ns);
		for (next = r; next < n_rows; next++) {
			window_at(
			    w, weir_column_get(&views[time_column], next).i, &start2_ns, &end2_ns);
			if (end2_ns != end_ns)
				break;
			weir_mask_set(sel, next);
		}
		if (plus(end_ns, n->delay_ns) <= f->time_ns && end_ns != INT64_MAX) {
			n->n_late += next - r;
			continue;
		}
		if (f->held_bytes > f->most_held_bytes) {
			n->n_overflow += next - r;
			continue;
		}
		input = input_of(f, query, start_ns, end_ns);
		if (!input)
			return -ENOMEM;
		rc = weir_block_append_columns(input->rows, columns, sel);
		if (rc)
			return rc;
		bytes = weir_block_bytes(input->rows);
		f->held_bytes += bytes - input->bytes;
		input->bytes = bytes;
	}
	return 0;
}

void
weir_flow_rows(struct weir_flow *f, unsigned query, struct weir_block *b)
{
	unsigned n_columns = b->schema->n_columns;
	struct weir_column *views;
	const struct weir_column **columns;

	f->nodes[query].knows_next = false;
	if (!query_of(f, query)->chain) {
		weir_block_destroy(b);
		return;
	}
	if (!query_of(f, query)->path->hands_over) {
		run_from(f, query, 0, b, f->time_ns);
		return;
	}
	f->nodes[query].n_handed += b->n_rows;
	views = calloc(n_columns + 1, sizeof(*views));
	columns = calloc(n_columns + 1, sizeof(*columns));
	if (!views || !columns)
		abort();
	for (unsigned c = 0; c < n_columns; c++)
		columns[c] = &views[c];
	for (uint32_t at = 0; at < b->n_rows; at += WEIR_ROWS)
		if (hold_slice(f, query, b, at, views, columns)) {
			fail_memory(f);
			break;
		}
	free(views);
	free(columns);
	weir_block_destroy(b);
}

static bool
is_before(const struct weir_flow_work *a, const struct weir_flow_work *b)
{
	if (a->due_ns != b->due_ns)
		return a->due_ns < b->due_ns;
	if (a->level != b->level)
		return a->level < b->level;
	if (a->query != b->query)
		return a->query < b->query;
	return a->kind != b->kind ? a->kind < b->kind : a->group < b->group;
}

static void
offer(struct weir_flow_work *first, bool *has, const struct weir_flow_work *w)
{
	if (!*has || is_before(w, first))
		*first = *w;
	*has = true;
}

/* The end of the first window of a group of the chain that has rows; false where there is none. */
static bool
next_of_group(const struct weir_flow_group *g, int64_t *ret_end_ns)
{
	int64_t open_ns = INT64_MAX, start_ns;
	bool has = weir_windows_next(&g->windows, ret_end_ns);

	if (!weir_aggregator_first(g->aggregator, &start_ns, &open_ns))
		return has;
	if (g->windows.window.kind == WEIR_WINDOW_SLIDING)
		open_ns = weir_windows_first_end(&g->windows.window, start_ns);
	if (!has || open_ns < *ret_end_ns)
		*ret_end_ns = open_ns;
	return true;
}

/* What a query has to do first; false where there is nothing. */
static bool
next_of_query(const struct weir_flow *f, unsigned query, struct weir_flow_work *ret)
{
	const struct weir_plan_query *q = query_of(f, query);
	const struct weir_flow_node *n = &f->nodes[query];
	struct weir_flow_work w = { .level = q->level, .query = query };
	bool has = false;

	if (weir_windows_next(&n->windows, &w.due_ns)) {
		w.kind = WEIR_WORK_PANE;
		offer(ret, &has, &w);
	}
	if (n->n_early) {
		w.kind = WEIR_WORK_EARLY;
		w.due_ns = n->early_due_ns;
		offer(ret, &has, &w);
	}
	if (n->list.rows) {
		w.kind = WEIR_WORK_LIST;
		w.due_ns = plus(n->list.first_end_ns, n->delay_ns);
		offer(ret, &has, &w);
	}
	if (n->n_inputs) {
		w.kind = WEIR_WORK_INPUT;
		w.due_ns = n->inputs[0].due_ns;
		offer(ret, &has, &w);
	}
	for (unsigned i = 0; i < n->n_groups; i++) {
		if (!n->groups[i].aggregator || !q->chain->segments[i].has_window ||
		    !next_of_group(&n->groups[i], &w.due_ns))
			continue;
		w.kind = WEIR_WORK_GROUP;
		w.group = i;
		w.due_ns = plus(w.due_ns, n->groups[i].delay_ns);
		offer(ret, &has, &w);
	}
	return has;
}

/* The same, remembered until something changes it. */
static bool
known_next(const struct weir_flow *f, unsigned query, struct weir_flow_work *ret)
{
	struct weir_flow_node *n = &f->nodes[query];

	if (!n->knows_next) {
		n->has_next = next_of_query(f, query, &n->next);
		n->knows_next = true;
	}
	*ret = n->next;
	return n->has_next;
}

/* The first work of all queries, and when the next one of another is due. */
static bool
next_of_all(const struct weir_flow *f, struct weir_flow_work *ret, int64_t *ret_other_ns)
{
	bool has = false;

	*ret_other_ns = INT64_MAX;
	for (unsigned i = 0; i < f->plan->n_queries; i++) {
		struct weir_flow_work w;

		if (!f->nodes[i].is_used || !known_next(f, i, &w))
			continue;
		if (!has) {
			*ret = w;
		} else if (is_before(&w, ret)) {
			*ret_other_ns = ret->due_ns;
			*ret = w;
		} else if (w.due_ns < *ret_other_ns) {
			*ret_other_ns = w.due_ns;
		}
		has = true;
	}
	return has;
}

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
	struct weir_flow_input input = { plus(due_ns, f->nodes[query].delay_ns), .rows = b };

	f->nodes[query].knows_next = false;
	if (b) {
		input.start_ns = b->window_start_ns;
		input.end_ns = b->window_end_ns;
	}
	if (b && insert_input(&f->nodes[query], &input) == 0)
		return;
	weir_block_destroy(b);
	fail_memory(f);
}

/* Hand the rows of a pane to the queries that share its groups; each takes them in its turn. */
static void
share(struct weir_flow *f, unsigned query, const struct weir_pane *pane, int64_t due_ns)
{
	struct weir_block *b = rows_of(query_of(f, query)->path, pane);

	for (unsigned i = 0; b && i < f->plan->n_queries; i++) {
		const struct weir_plan_query *q = query_of(f, i);

		if (!q->is_shared || q->shared_with != query || !f->nodes[i].is_used)
			continue;
		weir_delivery_note_pane(f->delivery, i, pane);
		put_by(f, i, share_rows(q, b), due_ns);
	}
	if (!b)
		fail_memory(f);
	weir_block_destroy(b);
}

/* The rows of a whole window run through the query's chain. */
static void
put_pane(struct weir_flow *f, unsigned query, struct weir_pane *pane, int64_t due_ns)
{
	const struct weir_plan_query *q = query_of(f, query);
	struct weir_block *b;

	if (f->nodes[query].delay_ns) {
		put_by(f, query, rows_of(q->path, pane), due_ns);
		return;
	}
	if (q->chain->n_segments == 1 && !q->chain->segments[0].n_joins && !q->is_input) {
		weir_delivery_pane(f->delivery, query, pane);
		return;
	}
	b = rows_of(q->path, pane);
	if (b)
		run_from(f, query, 0, b, due_ns);
	else
		fail_memory(f);
}

static void
do_pane(struct weir_flow *f, unsigned query, int64_t due_ns)
{
	const struct weir_plan_query *q = query_of(f, query);
	struct giving giving = { f, query };
	struct weir_windows_taken taken;
	struct weir_error e;

	weir_delivery_fail(f->delivery,
	    weir_windows_take(&f->nodes[query].windows, &taken, give_to_worker, &giving, &e), &e);
	if (!taken.pane)
		return;
	weir_delivery_note_pane(f->delivery, query, taken.pane);
	if (q->n_sharing)
		share(f, query, taken.pane, due_ns);
	if (q->chain && !f->nodes[query].is_silent)
		put_pane(f, query, taken.pane, due_ns);
	if (taken.is_copy)
		weir_pane_destroy(taken.pane);
	else
		f->give_back(f->ctx, query, taken.worker, taken.pane);
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
		fail_memory(f);
		return;
	}
	l->is_sorted = true;
	while (end < l->rows->n_rows && plus(l->rows->row_end_ns[end], n->delay_ns) <= until_ns)
		end++;
	l->first_end_ns = end < l->rows->n_rows ? l->rows->row_end_ns[end] : INT64_MAX;
	due = part_of(l->rows, l->n_gone, end);
	l->n_gone = end;
	if (end == l->rows->n_rows)
		(void)shrink_list(l);
	if (due)
		run_from(f, query, 0, due, until_ns);
	else
		fail_memory(f);
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
	b->window_end_ns = larger(b->window_end_ns, by->window_end_ns);
}

/* Rows of other queries, or packets, whose window is complete: those of one window together. */
static void
do_inputs(struct weir_flow *f, unsigned query)
{
	struct weir_flow_node *n = &f->nodes[query];
	struct weir_flow_input first = n->inputs[0];
	unsigned same = 1;

	f->held_bytes -= first.bytes;
	while (same < n->n_inputs && is_one_window(query_of(f, query), &first, &n->inputs[same])) {
		widen_window(first.rows, n->inputs[same].rows);
		if (append_by_name(first.rows, n->inputs[same].rows))
			fail_memory(f);
		weir_block_destroy(n->inputs[same++].rows);
	}
	if (same > 1 && first.rows->row_end_ns && weir_block_sort_by_end(first.rows))
		fail_memory(f);
	n->n_inputs -= same;
	memmove(n->inputs, n->inputs + same, n->n_inputs * sizeof(*n->inputs));
	run_from(f, query, 0, first.rows, first.due_ns);
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
	const struct weir_segment *s = &query_of(f, query)->chain->segments[group];
	struct weir_flow_group *g = &f->nodes[query].groups[group];
	struct weir_windows_taken taken;
	struct weir_pane *pane, *spare;
	struct weir_block *b;
	struct weir_error e;
	int64_t end_ns;
	unsigned worker;

	if (!next_of_group(g, &end_ns))
		return;
	while ((pane = weir_aggregator_close(g->aggregator, end_ns))) {
		weir_delivery_fail(
		    f->delivery, weir_windows_add(&g->windows, 0, pane, &spare, &worker, &e), &e);
		if (spare)
			weir_aggregator_recycle(g->aggregator, spare);
	}
	weir_delivery_fail(
	    f->delivery, weir_windows_take(&g->windows, &taken, give_to_group, g, &e), &e);
	if (!taken.pane)
		return;
	b = rows_of(s->path, taken.pane);
	weir_delivery_note_rows_pane(
	    f->delivery, query, taken.pane, g->windows.window.kind == WEIR_WINDOW_SLIDING);
	if (taken.is_copy)
		weir_pane_destroy(taken.pane);
	else
		weir_aggregator_recycle(g->aggregator, taken.pane);
	if (b)
		run_from(f, query, group + 1, b, due_ns);
	else
		fail_memory(f);
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
static void
do_early(struct weir_flow *f, unsigned query, int64_t until_ns)
{
	const struct weir_schema *s = weir_chain_schema(query_of(f, query)->chain);
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
			fail_memory(f);
		weir_block_destroy(n->early[i].rows);
	}
	n->n_early -= i;
	memmove(n->early, n->early + i, n->n_early * sizeof(*n->early));
	n->early_due_ns = n->n_early ? n->early[0].due_ns : INT64_MAX;
	free(views);
	free(columns);
	if (out)
		weir_delivery_put(f->delivery, query, out);
}

void
weir_flow_early(struct weir_flow *f, unsigned query, struct weir_early_rows *r)
{
	struct weir_flow_node *n = &f->nodes[query];
	unsigned need = n->n_early + r->rows->n_rows;

	n->knows_next = false;
	if (need > n->cap_early) {
		n->early = realloc(n->early, 2 * (size_t)need * sizeof(*n->early));
		if (!n->early)
			abort();
		n->cap_early = 2 * need;
	}
	for (uint32_t i = 0; i < r->rows->n_rows; i++) {
		int64_t due_ns;

		/* Time is as far as this packet, and by so much ahead of what is closed. */
		if (f->plan->is_live || r->time_ns[i] == WEIR_TIME_NONE ||
		    __builtin_sub_overflow(r->time_ns[i], f->plan->lateness_ns, &due_ns))
			due_ns = INT64_MIN;
		if (!n->n_early || due_ns < n->early_due_ns)
			n->early_due_ns = due_ns;
		n->early[n->n_early++] =
		    (struct weir_flow_early){ due_ns, r->number[i], weir_block_hold(r->rows), i };
	}
	weir_early_rows_destroy(r);
	if (f->plan->is_live)
		do_early(f, query, INT64_MAX);
}

static void
do_work(struct weir_flow *f, const struct weir_flow_work *w, int64_t list_until_ns)
{
	/* Rows of a list go together as long as nobody has to do with each of them. */
	bool is_one = query_of(f, w->query)->is_input || list_until_ns < w->due_ns;

	f->nodes[w->query].knows_next = false;
	switch (w->kind) {
	case WEIR_WORK_EARLY:
		do_early(f, w->query, list_until_ns > w->due_ns ? list_until_ns : w->due_ns);
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

void
weir_flow_advance(struct weir_flow *f, int64_t time_ns)
{
	int64_t other_ns;
	struct weir_flow_work w;

	while (next_of_all(f, &w, &other_ns) && w.due_ns <= time_ns) {
		/* Rows of a list go together as long as nothing else is due between them. */
		int64_t until_ns =
		    other_ns == INT64_MIN || other_ns == INT64_MAX ? other_ns : other_ns - 1;

		f->time_ns = w.due_ns > f->time_ns ? w.due_ns : f->time_ns;
		do_work(f, &w, until_ns < time_ns ? until_ns : time_ns);
	}
	f->time_ns = time_ns > f->time_ns ? time_ns : f->time_ns;
}

uint64_t
weir_flow_offered(const struct weir_flow *f, unsigned query)
{
	const struct weir_plan_query *q = query_of(f, query);
	const struct weir_flow_node *n = &f->nodes[query];
	uint64_t rows = 0;

	if (!n->is_used)
		return n->n_offered;
	for (unsigned i = 0; i < q->n_from; i++)
		rows += f->delivery->outlets[q->from[i]].rows;
	return rows - n->n_before;
}

void
weir_flow_end_query(struct weir_flow *f, unsigned query)
{
	struct weir_flow_work w;

	while (next_of_query(f, query, &w))
		do_work(f, &w, INT64_MAX);
	f->nodes[query].n_offered = weir_flow_offered(f, query);
	f->nodes[query].is_used = false;
}
