/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/expr/program.h>

#include "span_parts.h"

/* How queries are spread over hosts. */

/* Something looks at rows of several keys: the largest, groups of groups, rows of other queries. */
static bool
looks_at_all(const struct weir_plan_query *q)
{
	const struct weir_chain *c = q->chain;

	return q->is_input || q->n_sharing || q->is_shared || !q->path || !q->path->n_keys ||
	       (c && (c->n_segments > 1 || c->segments[0].n_joins ||
			 !weir_result_is_by_row(c->segments[0].result)));
}

enum weir_span_kind
weir_span_kind_of(const struct weir_plan *plan, unsigned query)
{
	const struct weir_plan_query *q = &plan->queries[query];

	if (q->path && !q->path->has_group && !q->path->hands_over && !q->is_input &&
	    (!q->chain || q->chain->n_segments == 1))
		return WEIR_SPAN_LOCAL;
	return looks_at_all(q) ? WEIR_SPAN_HEAD : WEIR_SPAN_SLOT;
}

bool
weir_span_ships(const struct weir_plan *plan, unsigned query)
{
	const struct weir_plan_query *q = &plan->queries[query];

	if (!q->path || q->is_shared)
		return false;
	return q->path->hands_over || (q->path->has_group && weir_path_needs_order(q->path));
}

int
weir_span_check(const struct weir_plan *plan, struct weir_error *err)
{
	if (!plan->command->cluster || !weir_expr_anon_is_random())
		return 0;
	return weir_error_usage(err,
	    "--cluster: anon() needs a key that all hosts share, else each makes other addresses "
	    "(try --anon-key FILE, the same on all)");
}

static bool
is_linked(const struct weir_plan_query *q, unsigned other)
{
	for (unsigned i = 0; i < q->n_from; i++)
		if (q->from[i] == other)
			return true;
	for (unsigned s = 0; q->chain && s < q->chain->n_segments; s++)
		for (unsigned i = 0; i < q->chain->segments[s].n_joins; i++)
			if (q->chain->segments[s].joins[i].query == other)
				return true;
	return q->is_shared && q->shared_with == other;
}

void
weir_span_component(const struct weir_plan *plan, unsigned query, bool in[WEIR_QUERIES_MOST])
{
	bool grew = true;

	memset(in, 0, WEIR_QUERIES_MOST * sizeof(*in));
	in[query] = true;
	while (grew) {
		grew = false;
		for (unsigned a = 0; a < plan->n_queries; a++)
			for (unsigned b = 0; b < plan->n_queries; b++)
				if (in[a] != in[b] && (is_linked(&plan->queries[a], b) ||
							  is_linked(&plan->queries[b], a)))
					in[a] = in[b] = grew = true;
	}
}

uint16_t
weir_span_head_slot(const struct weir_plan *plan, unsigned query, const struct weir_slot_key *key)
{
	bool in[WEIR_QUERIES_MOST];
	const char *least = plan->queries[query].text->name;

	weir_span_component(plan, query, in);
	for (unsigned i = 0; i < plan->n_queries; i++)
		if (in[i] && strcmp(plan->queries[i].text->name, least) < 0)
			least = plan->queries[i].text->name;
	return weir_slot_of_name(key, least);
}
