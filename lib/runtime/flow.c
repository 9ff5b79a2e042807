/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "flow_parts.h"
#include "span.h"

/* How much after its end a session, or a window of so many rows, is known to be over. */
static int64_t
delay_of_path(const struct weir_path *path)
{
	if (!path || !path->has_group)
		return 0;
	if (path->window.kind == WEIR_WINDOW_SESSION)
		return weir_flow_plus(path->window.gap_ns, 1);
	return path->window.kind == WEIR_WINDOW_COUNT ? 1 : 0;
}

/* How much after their window has ended a query takes up rows: not before those that it is made of.
 */
static int64_t
delay_of_query(const struct weir_flow *f, const struct weir_plan_query *q)
{
	int64_t delay_ns = delay_of_path(q->path);

	for (unsigned i = 0; i < q->n_from; i++)
		delay_ns = weir_flow_later(delay_ns, f->nodes[q->from[i]].out_delay_ns);
	for (unsigned s = 0; q->chain && s < q->chain->n_segments; s++)
		for (unsigned i = 0; i < q->chain->segments[s].n_joins; i++)
			delay_ns = weir_flow_later(
			    delay_ns, f->nodes[q->chain->segments[s].joins[i].query].out_delay_ns);
	return delay_ns;
}

static int
init_node(struct weir_flow *f, unsigned query, struct weir_error *err)
{
	const struct weir_plan_query *q = weir_flow_query(f, query);
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
		    weir_flow_window_into(q, i)->kind == WEIR_WINDOW_GLOBAL)
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
	for (unsigned i = 0; i < n->n_inputs; i++) {
		weir_block_destroy(n->inputs[i].rows);
		free(n->inputs[i].origin);
	}
	free(n->inputs);
	for (unsigned i = 0; i < n->n_early; i++)
		weir_block_destroy(n->early[i].rows);
	free(n->early);
	for (unsigned i = 0; i < n->n_groups; i++) {
		weir_windows_fini(&n->groups[i].windows);
		weir_aggregator_destroy(n->groups[i].aggregator);
		free(n->groups[i].origin);
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
bool
weir_flow_next_of_group(const struct weir_flow_group *g, int64_t *ret_end_ns)
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
	const struct weir_plan_query *q = weir_flow_query(f, query);
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
		w.due_ns = weir_flow_plus(n->list.first_end_ns, n->delay_ns);
		offer(ret, &has, &w);
	}
	if (n->n_inputs) {
		w.kind = WEIR_WORK_INPUT;
		w.due_ns = n->inputs[0].due_ns;
		offer(ret, &has, &w);
	}
	for (unsigned i = 0; i < n->n_groups; i++) {
		if (!n->groups[i].aggregator || !q->chain->segments[i].has_window ||
		    !weir_flow_next_of_group(&n->groups[i], &w.due_ns))
			continue;
		w.kind = WEIR_WORK_GROUP;
		w.group = i;
		w.due_ns = weir_flow_plus(w.due_ns, n->groups[i].delay_ns);
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

int64_t
weir_flow_next_due(const struct weir_flow *f)
{
	int64_t other_ns;
	struct weir_flow_work w;

	return next_of_all(f, &w, &other_ns) ? w.due_ns : INT64_MAX;
}

void
weir_flow_advance(struct weir_flow *f, int64_t time_ns)
{
	int64_t other_ns;
	struct weir_flow_work w;

	weir_trail_advance(f->delivery->trail);
	while (next_of_all(f, &w, &other_ns) && w.due_ns <= time_ns) {
		/* Rows of a list go together as long as nothing else is due between them. */
		int64_t until_ns =
		    other_ns == INT64_MIN || other_ns == INT64_MAX ? other_ns : other_ns - 1;

		f->time_ns = w.due_ns > f->time_ns ? w.due_ns : f->time_ns;
		weir_flow_do(f, &w, until_ns < time_ns ? until_ns : time_ns);
	}
	f->time_ns = time_ns > f->time_ns ? time_ns : f->time_ns;
}

bool
weir_flow_delivers(const struct weir_flow *f, unsigned query)
{
	return !f->span || weir_span_delivers(f->span, query, f->time_ns);
}

void
weir_flow_rewind(struct weir_flow *f, unsigned query, int64_t until_ns)
{
	struct weir_flow_node *n = &f->nodes[query];
	const struct weir_window window = n->windows.window;

	weir_windows_fini(&n->windows);
	n->windows = (struct weir_windows){ .window = window, .last_end_ns = INT64_MIN };
	if (window.kind == WEIR_WINDOW_SLIDING && until_ns != INT64_MIN)
		n->windows.last_end_ns = weir_windows_last_end(&window, until_ns);
	n->knows_next = false;
}

int
weir_flow_restart(struct weir_flow *f, unsigned query, struct weir_error *err)
{
	const struct weir_plan_query *q = weir_flow_query(f, query);
	struct weir_flow_node *n = &f->nodes[query], before = *n;
	struct weir_group_counters *counters = calloc(n->n_groups + 1, sizeof(*counters));
	uint64_t n_gone = 0;
	int rc;

	if (!counters)
		return weir_error_run(err, -ENOMEM, "out of memory");
	for (unsigned i = 0; i < n->n_groups; i++)
		counters[i] = n->groups[i].counters;
	for (unsigned i = 0; i < n->n_inputs; i++) {
		f->held_bytes -= n->inputs[i].bytes;
		n_gone += n->inputs[i].rows->n_rows;
	}
	fini_node(n);
	rc = init_node(f, query, err);
	for (unsigned i = 0; !rc && i < n->n_groups; i++)
		n->groups[i].counters = counters[i];
	free(counters);
	n->is_silent = before.is_silent;
	n->n_offered = before.n_offered;
	n->n_out = before.n_out;
	n->n_overflow = before.n_overflow;
	n->n_late = before.n_late;
	/* Rows that waited come again. */
	n->n_handed = before.n_handed - (q->path && q->path->hands_over ? n_gone : 0);
	n->n_in = before.n_in - (q->n_from ? n_gone : 0);
	n->n_before = before.n_before + (q->n_from ? n_gone : 0);
	return rc;
}

uint64_t
weir_flow_offered(const struct weir_flow *f, unsigned query)
{
	const struct weir_plan_query *q = weir_flow_query(f, query);
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

	weir_trail_advance(f->delivery->trail);
	while (next_of_query(f, query, &w))
		weir_flow_do(f, &w, INT64_MAX);
	f->nodes[query].n_offered = weir_flow_offered(f, query);
	f->nodes[query].is_used = false;
}
