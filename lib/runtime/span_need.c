/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "flow_parts.h"
#include "span_parts.h"

/*
 * Who needs what, when owners change. A node that has delivered a slot's windows so far has what
 * belongs to windows to come as well: open sessions, rows of later groups' windows, packets that
 * wait to be joined. It keeps them, and is the slot's keeper. Another node that is to deliver has
 * all sent again that its windows are made of, however far back, makes everything anew, and lets
 * nothing out that was due by when the slot's windows had been delivered.
 */

struct history {
	const struct weir_plan *plan;
	int64_t delay_ns; /* that rows of the component may be due later than their windows' end */
	int64_t out_ns[WEIR_QUERIES_MOST]; /* of the rows that leave a query; -1: not known yet */
};

static int64_t
delay_of(const struct weir_plan_query *q)
{
	if (!q->path || !q->path->has_group)
		return 0;
	if (q->path->window.kind == WEIR_WINDOW_SESSION)
		return weir_flow_plus(q->path->window.gap_ns, 1);
	return q->path->window.kind == WEIR_WINDOW_COUNT ? 1 : 0;
}

static int64_t
length_of(const struct weir_window *w)
{
	return w->kind == WEIR_WINDOW_TUMBLING || w->kind == WEIR_WINDOW_SLIDING ? w->size_ns
										 : INT64_MAX;
}

/* From the window before to one. */
static int64_t
step_of(const struct weir_window *w)
{
	if (w->kind == WEIR_WINDOW_GLOBAL)
		return 0; /* there is none before it */
	return w->kind == WEIR_WINDOW_SLIDING ? w->slide_ns : w->size_ns;
}

static int64_t of_rows_out(struct history *h, unsigned query);

/* For how long rows that come into a segment of a query's chain are in use. */
static int64_t
of_rows_in(struct history *h, unsigned query, unsigned segment)
{
	const struct weir_chain *c = h->plan->queries[query].chain;
	int64_t ns = of_rows_out(h, query);

	for (; c && segment < c->n_segments; segment++) {
		const struct weir_segment *s = &c->segments[segment];

		if (s->path && s->path->has_group && s->has_window)
			ns = weir_flow_plus(
			    ns, weir_flow_plus(length_of(&s->path->window), h->delay_ns));
	}
	return ns;
}

/* For how long rows that leave a query are, by those who take or join them. */
static int64_t
of_rows_out(struct history *h, unsigned query)
{
	const struct weir_plan_query *of = &h->plan->queries[query];
	int64_t ns = 0;

	if (h->out_ns[query] >= 0)
		return h->out_ns[query];
	for (unsigned i = 0; of->is_input && i < h->plan->n_queries; i++) {
		const struct weir_plan_query *q = &h->plan->queries[i];

		for (unsigned k = 0; k < q->n_from; k++)
			if (q->from[k] == query)
				ns = weir_flow_later(
				    ns, weir_flow_plus(of_rows_in(h, i, 0), h->delay_ns));
		for (unsigned s = 0; q->chain && s < q->chain->n_segments; s++)
			for (unsigned k = 0; k < q->chain->segments[s].n_joins; k++) {
				const struct weir_chain_join *join =
				    &q->chain->segments[s].joins[k];
				int64_t back_ns = join->is_prev ? step_of(&of->chain->window) : 0;

				if (join->query == query)
					ns = weir_flow_later(
					    ns, weir_flow_plus(of_rows_in(h, i, s),
						    weir_flow_plus(back_ns, h->delay_ns)));
			}
	}
	return h->out_ns[query] = ns;
}

int64_t
weir_span_history(const struct weir_plan *plan, unsigned query)
{
	struct history h = { plan };
	bool in[WEIR_QUERIES_MOST];
	int64_t ns;

	if (weir_span_kind_of(plan, query) != WEIR_SPAN_HEAD)
		return 0;
	weir_span_component(plan, query, in);
	for (unsigned i = 0; i < plan->n_queries; i++) {
		h.out_ns[i] = -1;
		if (in[i])
			h.delay_ns = weir_flow_plus(h.delay_ns, delay_of(&plan->queries[i]));
	}
	ns = of_rows_in(&h, query, 0);
	for (unsigned i = 0; i < plan->n_queries; i++)
		if (plan->queries[i].is_shared && plan->queries[i].shared_with == query)
			ns = weir_flow_later(ns, of_rows_in(&h, i, 0));
	return weir_flow_plus(ns, h.delay_ns);
}

bool
weir_span_is_endless(const struct weir_plan *plan, unsigned query)
{
	bool in[WEIR_QUERIES_MOST];

	weir_span_component(plan, query, in);
	for (unsigned i = 0; i < plan->n_queries; i++) {
		const struct weir_plan_query *q = &plan->queries[i];

		if (in[i] && q->path && q->path->has_group &&
		    q->path->window.kind == WEIR_WINDOW_GLOBAL)
			return true;
		if (in[i] && q->path && q->path->hands_over && q->chain &&
		    q->chain->held.kind == WEIR_WINDOW_GLOBAL)
			return true;
	}
	return false;
}

/* Who delivers what is due then. What comes after all that has a time is the last map's. */
static unsigned
deliverer(const struct weir_span *s, const struct weir_span_query *q, int64_t due_ns, unsigned slot)
{
	if (due_ns == INT64_MAX && !q->is_endless)
		due_ns--;
	return weir_span_owner(s, due_ns, slot);
}

/* Whether what is due then had not been delivered before owners changed, and is this node's. */
static bool
leaves_here(
    const struct weir_span *s, const struct weir_span_query *q, int64_t due_ns, unsigned slot)
{
	return due_ns > s->went_over_ns[slot] && deliverer(s, q, due_ns, slot) == s->map->self;
}

struct weir_span_need
weir_span_need_of_pane(const struct weir_span *s, const struct weir_span_kept *k)
{
	return (struct weir_span_need){ k->first_due_ns,
		weir_flow_plus(k->last_due_ns, s->queries[k->query].history_ns), k->last_due_ns };
}

struct weir_span_need
weir_span_need_of_row(const struct weir_span_query *q, int64_t time_ns)
{
	int64_t due_ns = weir_span_due_of(&q->window, time_ns);
	struct weir_span_need need = { due_ns, weir_flow_plus(due_ns, q->history_ns), due_ns };

	/*
	 * What leaves early is for whoever delivers what is due at that time; packets that wait
	 * are, from that time on, part of what a keeper has.
	 */
	if (q->window.kind == WEIR_WINDOW_SLIDING || q->path->is_early || q->path->hands_over)
		need.first_ns = time_ns;
	if (q->path->hands_over)
		need.had_ns = time_ns;
	if (!weir_window_is_per_group(&q->window))
		return need;
	/* Until it is known where its window ends it may be in any that is still to come. */
	return (struct weir_span_need){ time_ns,
		q->history_ns == INT64_MAX ? INT64_MAX : INT64_MAX - 1, time_ns };
}

static unsigned
add_taker(const struct weir_span *s, unsigned slot, const struct weir_span_need *need,
    unsigned node, uint32_t *takers, unsigned n)
{
	if (node == WEIR_CLUSTER_NONE ||
	    (node == s->keeper[slot] && need->had_ns <= s->went_over_ns[slot]))
		return n;
	for (unsigned i = 0; i < n; i++)
		if (takers[i] == node)
			return n;
	takers[n] = node;
	return n + 1;
}

unsigned
weir_span_takers(const struct weir_span *s, const struct weir_span_query *q, unsigned slot,
    const struct weir_span_need *need, uint32_t ret[WEIR_SPAN_TAKERS])
{
	int64_t first_ns = need->first_ns, from_ns = INT64_MIN;
	unsigned n = 0;

	if (s->done_ns[slot] >= need->last_ns)
		return 0;
	if (first_ns <= s->done_ns[slot])
		first_ns = s->done_ns[slot] + 1;
	for (unsigned m = 0; m < s->map->n_maps && n + 1 < WEIR_SPAN_TAKERS; m++) {
		struct weir_cluster_map_info next = { .from_ns = INT64_MAX - 1 };

		/* This map's are what is due after from_ns, and not after next.from_ns. */
		if (m + 1 < s->map->n_maps)
			weir_cluster_map_info(s->map, m + 1, &next);
		if (m > 0 && from_ns >= need->last_ns)
			break;
		if (next.from_ns >= first_ns)
			n = add_taker(
			    s, slot, need, weir_span_owner(s, next.from_ns, slot), ret, n);
		from_ns = next.from_ns;
	}
	if (need->last_ns == INT64_MAX)
		n = add_taker(s, slot, need, deliverer(s, q, INT64_MAX, slot), ret, n);
	return n;
}

bool
weir_span_has_one_taker(const struct weir_span *s, const struct weir_span_need *need)
{
	struct weir_cluster_map_info last;

	weir_cluster_map_info(s->map, s->map->n_maps - 1, &last);
	return (s->map->n_maps == 1 || need->first_ns > last.from_ns) && need->last_ns < INT64_MAX;
}

bool
weir_span_delivers(const struct weir_span *s, unsigned query, int64_t time_ns)
{
	const struct weir_span_query *q = &s->queries[query];

	if (q->kind != WEIR_SPAN_HEAD)
		return true;
	return s->map && leaves_here(s, q, time_ns, q->head_slot);
}

bool
weir_span_is_settled(const struct weir_span *s, int64_t time_ns)
{
	return time_ns > s->mixed_until_ns;
}

/* The slots of rows that have a query's keys. NULL when out of memory. */
static uint16_t *
slots_of_rows(const struct weir_span *s, unsigned query, const struct weir_block *b)
{
	const struct weir_schema *of = &s->plan->queries[query].path->schema;
	const struct weir_span_query *q = &s->queries[query];
	unsigned n_keys = s->plan->queries[query].path->n_keys;
	uint16_t *slots = calloc(b->n_rows + 1, sizeof(*slots));
	unsigned *columns = calloc(n_keys + 1, sizeof(*columns));

	for (unsigned k = 0; columns && k < n_keys; k++)
		columns[k] = (unsigned)weir_schema_find(b->schema, of->columns[k].name);
	if (slots && columns && q->kind == WEIR_SPAN_SLOT)
		weir_block_slots(b, columns, n_keys, &s->slot_key, slots);
	for (uint32_t r = 0; slots && q->kind != WEIR_SPAN_SLOT && r < b->n_rows; r++)
		slots[r] = q->head_slot;
	if (!columns) {
		free(slots);
		slots = NULL;
	}
	free(columns);
	return slots;
}

static void
fail_memory(struct weir_span *s)
{
	struct weir_error e;

	weir_error_run(&e, -ENOMEM, "no memory for rows when owners change");
	weir_span_fail(s, &e);
}

struct weir_block *
weir_span_admit_rows(
    struct weir_span *s, unsigned query, struct weir_block *b, int64_t delay_ns, int64_t time_ns)
{
	const struct weir_span_query *q = &s->queries[query];
	struct weir_block *own = NULL;
	uint16_t *slots;
	bool *wanted;

	if (q->kind != WEIR_SPAN_SLOT || !s->map)
		return b;
	slots = slots_of_rows(s, query, b);
	wanted = calloc(b->n_rows + 1, sizeof(*wanted));
	for (uint32_t r = 0; slots && wanted && r < b->n_rows; r++) {
		int64_t due_ns = weir_flow_plus(b->row_end_ns[r], delay_ns);

		due_ns = weir_flow_later(due_ns, time_ns);
		wanted[r] = leaves_here(s, q, due_ns, slots[r]);
	}
	if (slots && wanted)
		own = weir_flow_pick(b, wanted);
	if (!own)
		fail_memory(s);
	free(slots);
	free(wanted);
	weir_block_destroy(b);
	return own;
}

/* Of rows that leave early those of other owners, and that left before owners changed, go. */
struct weir_early_rows *
weir_span_admit_early(struct weir_span *s, unsigned query, struct weir_early_rows *early)
{
	const struct weir_span_query *q = &s->queries[query];
	uint16_t *slots = slots_of_rows(s, query, early->rows);
	bool *wanted = calloc(early->rows->n_rows + 1, sizeof(*wanted));
	struct weir_block *rows = NULL;
	uint32_t n = 0;

	for (uint32_t r = 0; slots && wanted && r < early->rows->n_rows; r++) {
		wanted[r] = early->time_ns[r] == WEIR_TIME_NONE ||
			    leaves_here(s, q, early->time_ns[r], slots[r]);
		if (!wanted[r])
			continue;
		early->time_ns[n] = early->time_ns[r];
		early->number[n] = early->number[r];
		early->arrived_ns[n++] = early->arrived_ns[r];
	}
	if (slots && wanted && n < early->rows->n_rows) {
		rows = weir_flow_pick(early->rows, wanted);
		if (rows) {
			weir_block_destroy(early->rows);
			early->rows = rows;
		}
	}
	if (!slots || !wanted || early->rows->n_rows != n)
		fail_memory(s);
	free(slots);
	free(wanted);
	if (early->rows->n_rows == n)
		return early;
	weir_early_rows_destroy(early);
	return NULL;
}

/* Rows of sessions and counts that are not due: those of slots that this node does not keep go. */
static struct weir_block *
of_kept_slots(void *span, unsigned query, struct weir_block *b)
{
	struct weir_span *s = span;
	uint16_t *slots = slots_of_rows(s, query, b);
	bool *wanted = calloc(b->n_rows + 1, sizeof(*wanted));
	struct weir_block *kept = NULL;

	for (uint32_t r = 0; slots && wanted && r < b->n_rows; r++)
		wanted[r] = s->keeper[slots[r]] == s->map->self;
	if (slots && wanted)
		kept = weir_flow_pick(b, wanted);
	if (!kept)
		fail_memory(s);
	free(slots);
	free(wanted);
	weir_block_destroy(b);
	return kept;
}

void
weir_span_forget_groups(struct weir_span *s, unsigned query)
{
	struct weir_span_query *q = &s->queries[query];
	bool is_gone[WEIR_SPAN_SLOTS];

	for (unsigned slot = 0; slot < WEIR_SPAN_SLOTS; slot++)
		is_gone[slot] = s->keeper[slot] != s->map->self;
	if (weir_aggregator_forget_slots(q->aggregator, &s->slot_key, is_gone))
		fail_memory(s);
	weir_flow_choose_rows(s->flow, query, of_kept_slots, s);
}

bool
weir_span_keeps(const struct weir_span *s, unsigned query)
{
	const struct weir_span_query *q = &s->queries[query];

	return q->kind == WEIR_SPAN_HEAD && s->keeper[q->head_slot] == s->map->self;
}

/* Whether this node has all of a slot that was due by then, and of windows to come what was. */
static bool
has_state(const struct weir_span *s, unsigned slot)
{
	int64_t at_ns = weir_flow_later(s->went_over_ns[slot], s->delivered_ns);

	if (!s->map || at_ns == INT64_MIN || at_ns == INT64_MAX || s->own_done_ns[slot] != at_ns ||
	    weir_span_owner(s, at_ns + 1, slot) != s->map->self)
		return false;
	return s->keeper[slot] == s->map->self || s->complete_ns >= s->went_over_ns[slot];
}

/* Between two that claim a slot: all nodes must choose the same one. */
static bool
is_before(const struct weir_span *s, uint32_t a, uint32_t b)
{
	return b == WEIR_CLUSTER_NONE ||
	       s->view->nodes[a].incarnation < s->view->nodes[b].incarnation;
}

static void
claim(struct weir_span *s, unsigned slot, uint32_t node, int64_t at_ns)
{
	if (at_ns < s->state_ns[slot] ||
	    (at_ns == s->state_ns[slot] && !is_before(s, node, s->state_node[slot])))
		return;
	s->state_ns[slot] = at_ns;
	s->state_node[slot] = node;
}

void
weir_span_note_states(struct weir_span *s)
{
	for (unsigned slot = 0; slot < WEIR_SPAN_SLOTS; slot++) {
		s->own_state[slot] = has_state(s, slot);
		/* here, as claims of lost nodes count as well when all have told */
		if (s->own_state[slot])
			claim(s, slot, s->view->self, s->own_done_ns[slot]);
	}
}

void
weir_span_take_states(struct weir_span *s, unsigned node, const uint8_t *p)
{
	struct weir_span_states states;

	weir_span_get_states(p, &states);
	for (unsigned i = 0; i < WEIR_SPAN_TABLE_SLOTS; i++)
		if (states.has[i])
			claim(s, states.first + i, node, states.at_ns[i]);
}

void
weir_span_forget_states(struct weir_span *s)
{
	for (unsigned slot = 0; slot < WEIR_SPAN_SLOTS; slot++) {
		s->state_ns[slot] = INT64_MIN;
		s->state_node[slot] = WEIR_CLUSTER_NONE;
	}
}

void
weir_span_choose_keepers(struct weir_span *s)
{
	for (unsigned slot = 0; slot < WEIR_SPAN_SLOTS; slot++) {
		s->keeper[slot] = s->state_node[slot] != WEIR_CLUSTER_NONE &&
					  s->state_ns[slot] == s->done_ns[slot]
				      ? s->state_node[slot]
				      : WEIR_CLUSTER_NONE;
		s->went_over_ns[slot] = s->done_ns[slot];
	}
}
