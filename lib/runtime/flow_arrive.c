/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include <weir/base/time.h>
#include <weir/record/append.h>

#include "flow_parts.h"

/* What workers hand over, until it is due. */

/* Rows first .. end - 1 of a block as one of their own. NULL when out of memory. */
struct weir_block *
weir_flow_part(const struct weir_block *b, uint32_t first, uint32_t end)
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

struct weir_block *
weir_flow_pick(const struct weir_block *b, const bool *wanted)
{
	struct weir_block *out = weir_block_create(b->schema, b->n_rows);
	struct weir_column *views = calloc(b->schema->n_columns + 1, sizeof(*views));
	const struct weir_column **columns = calloc(b->schema->n_columns + 1, sizeof(*columns));

	if (!views || !columns)
		abort();
	for (unsigned c = 0; c < b->schema->n_columns; c++)
		columns[c] = &views[c];
	if (out) {
		out->window_start_ns = b->window_start_ns;
		out->window_end_ns = b->window_end_ns;
	}
	for (uint32_t at = 0; out && at < b->n_rows; at += WEIR_ROWS) {
		uint64_t sel[WEIR_MASK_WORDS] = { 0 };
		uint32_t n = weir_block_slice(b, at, views);

		for (uint32_t r = 0; r < n; r++)
			if (wanted[at + r])
				weir_mask_set(sel, r);
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
bool
weir_flow_shrink_list(struct weir_flow_list *l)
{
	struct weir_block *rest;

	if (!l->rows || !l->n_gone)
		return true;
	rest = l->n_gone < l->rows->n_rows ? weir_flow_part(l->rows, l->n_gone, l->rows->n_rows)
					   : NULL;
	if (!rest && l->n_gone < l->rows->n_rows)
		return false;
	weir_block_destroy(l->rows);
	l->rows = rest;
	l->n_gone = 0;
	return true;
}

void
weir_flow_choose_rows(struct weir_flow *f, unsigned query,
    struct weir_block *(*choose)(void *ctx, unsigned query, struct weir_block *b), void *ctx)
{
	struct weir_flow_list *l = &f->nodes[query].list;

	f->nodes[query].knows_next = false;
	if (!weir_flow_shrink_list(l)) {
		weir_flow_fail_memory(f);
		return;
	}
	if (l->rows)
		l->rows = choose(ctx, query, l->rows);
	l->first_end_ns = INT64_MAX;
	for (uint32_t r = 0; l->rows && r < l->rows->n_rows; r++)
		if (l->rows->row_end_ns[r] < l->first_end_ns)
			l->first_end_ns = l->rows->row_end_ns[r];
	if (!l->rows || l->rows->n_rows)
		return;
	weir_block_destroy(l->rows);
	l->rows = NULL;
}

int64_t
weir_flow_list_since(const struct weir_flow *f, unsigned query)
{
	const struct weir_flow_list *l = &f->nodes[query].list;
	int64_t since_ns = INT64_MAX;

	for (uint32_t r = l->n_gone; l->rows && r < l->rows->n_rows; r++)
		if (l->rows->row_start_ns[r] < since_ns)
			since_ns = l->rows->row_start_ns[r];
	return since_ns;
}

/* The rows of a list pane are added to those that wait. */
static void
take_list(struct weir_flow *f, unsigned query, const struct weir_pane *pane)
{
	const struct weir_plan_query *q = weir_flow_query(f, query);
	struct weir_flow_list *l = &f->nodes[query].list;
	uint32_t first;

	weir_delivery_note_pane(f->delivery, query, pane);
	if (!q->chain || !weir_pane_n_groups(pane))
		return;
	if (!weir_flow_shrink_list(l))
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
	weir_flow_fail_memory(f);
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
	struct weir_flow_input input = { weir_flow_plus(end_ns, n->delay_ns), start_ns, end_ns,
		NULL, 0, NULL };

	for (unsigned i = n->n_inputs; i-- > 0;)
		if (n->inputs[i].end_ns == end_ns)
			return &n->inputs[i];
	input.rows = weir_block_create(&weir_flow_query(f, query)->chain->input, WEIR_ROWS);
	if (!input.rows || weir_flow_insert(n, &input)) {
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
	*ret_end_ns = weir_flow_plus(*ret_start_ns, w->size_ns);
}

/* Rows of one slice of b: each to those that wait for the same window. 0 or -ENOMEM. */
static int
hold_slice(struct weir_flow *f, unsigned query, const struct weir_block *b, uint32_t at,
    struct weir_column *views, const struct weir_column **columns)
{
	const struct weir_window *w = &weir_flow_query(f, query)->chain->held;
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
		if (weir_flow_plus(end_ns, n->delay_ns) <= f->time_ns && end_ns != INT64_MAX) {
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
		weir_trail_hold(f->delivery->trail, &input->origin);
		weir_trail_follow(f->delivery->trail, WEIR_TRAIL_PANE, NULL); /* once */
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
	if (!weir_flow_query(f, query)->chain) {
		weir_block_destroy(b);
		return;
	}
	if (!weir_flow_query(f, query)->path->hands_over) {
		weir_flow_run(f, query, 0, b, f->time_ns);
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
			weir_flow_fail_memory(f);
			break;
		}
	free(views);
	free(columns);
	weir_block_destroy(b);
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
		n->early[n->n_early++] = (struct weir_flow_early){ due_ns, r->number[i],
			r->arrived_ns[i], weir_block_hold(r->rows), i };
	}
	weir_early_rows_destroy(r);
	if (f->plan->is_live)
		weir_flow_do_early(f, query, INT64_MAX);
}
