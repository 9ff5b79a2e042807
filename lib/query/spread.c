/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <weir/base/number.h>
#include <weir/query/plan.h>

/* The fields that decide which worker gets a packet, the same for all sources; false where they are
 * not known. */
static bool
spread_of(struct weir_source *const *sources, unsigned n_sources, unsigned n_workers,
    struct weir_field_set *ret)
{
	static const struct weir_field_set none;

	for (unsigned i = 0; i < n_sources; i++) {
		const struct weir_source *s = sources[i];

		if (s->n_queues < n_workers || memcmp(&s->spread, &none, sizeof(none)) == 0)
			return false;
		if (i && memcmp(&s->spread, ret, sizeof(*ret)) != 0)
			return false;
		*ret = s->spread;
	}
	return n_sources > 0;
}

/* Whether every field of the set is a key of the query, as it is. */
static bool
is_in_key(const struct weir_path *path, const struct weir_field_set *set)
{
	for (unsigned f = 0; f < WEIR_N_FIELDS; f++) {
		bool is_key = false;

		if (!weir_field_set_has(set, f))
			continue;
		for (unsigned k = 0; k < path->n_keys; k++)
			is_key |= weir_program_is_symbol(path->keys[k]) == (int)f;
		if (!is_key)
			return false;
	}
	return true;
}

/* What ports are asked to spread by. */
static const struct weir_field_set rss_fields = { {
    [WEIR_FIELD_IP_SRC / 64] =
	UINT64_C(1) << (WEIR_FIELD_IP_SRC % 64) | UINT64_C(1) << (WEIR_FIELD_IP_DST % 64) |
	UINT64_C(1) << (WEIR_FIELD_SRCPORT % 64) | UINT64_C(1) << (WEIR_FIELD_DSTPORT % 64),
} };

static_assert(WEIR_FIELD_IP_SRC / 64 == WEIR_FIELD_DSTPORT / 64, "they lie in one word");

/* What the blocks take in which its rows move. */
static uint64_t
exchange_bytes(const struct weir_plan *p, const struct weir_plan_query *q)
{
	const struct weir_exchange_spec spec = {
		.n_workers = p->n_workers,
		.n_columns = q->path->n_moved,
		.columns = q->path->moved,
		.is_ordered = q->path->is_ordered,
	};

	return weir_exchange_bytes(&spec);
}

/* Where rows go to the workers that own them. */
static void
explain_ring(const struct weir_plan *p, struct weir_plan_query *q)
{
	const struct weir_path *path = q->path;
	char text[160], order[96] = "", bytes[32];

	if (path->is_ordered)
		snprintf(order, sizeof(order), ", in the order of their frames: %s needs it",
		    weir_path_needs_order(path));
	if (path->has_split || path->n_keys)
		weir_route_text(path->route, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "ring: there is no key, all rows go to one worker");
	snprintf(q->why, sizeof(q->why), "%s%s; %sB of blocks", text, order,
	    weir_text_count((double)exchange_bytes(p, q), bytes, sizeof(bytes)));
}

void
weir_plan_choose(const struct weir_plan *p, struct weir_plan_query *q)
{
	if (!q->path) {
		q->strategy = WEIR_STRATEGY_ROWS;
		snprintf(q->why, sizeof(q->why), "rows of other queries, on the control thread");
	} else if (q->is_shared) {
		q->strategy = p->queries[q->shared_with].strategy;
		snprintf(
		    q->why, sizeof(q->why), "with query %s", p->queries[q->shared_with].text->name);
	} else if (q->path->n_shares > 1) {
		char text[128];

		q->strategy = p->n_workers == 1 ? WEIR_STRATEGY_ONE : WEIR_STRATEGY_EMIT;
		snprintf(q->why, sizeof(q->why), "each by the port that has %s",
		    weir_route_share_text(q->path->route, text, sizeof(text)));
	} else if (p->n_workers == 1) {
		q->strategy = WEIR_STRATEGY_ONE;
		snprintf(q->why, sizeof(q->why), "one worker: nothing to split");
	} else if (!q->path->has_group) {
		q->strategy = WEIR_STRATEGY_EMIT;
		snprintf(q->why, sizeof(q->why),
		    "emit: nothing is aggregated, rows leave from the worker that has them");
	} else if (q->path->has_split || q->path->is_ordered) {
		q->strategy = WEIR_STRATEGY_RING;
		explain_ring(p, q);
	} else if (p->has_spread && is_in_key(q->path, &p->spread)) {
		q->strategy = WEIR_STRATEGY_RSS;
		snprintf(q->why, sizeof(q->why),
		    "rss: the NIC spreads by fields of the key, so each worker has keys of its "
		    "own");
	} else {
		q->strategy = WEIR_STRATEGY_COMBINE;
		snprintf(q->why, sizeof(q->why),
		    "combine: all aggregates merge; each worker aggregates what it receives, and "
		    "closed windows are merged%s",
		    p->may_spread && is_in_key(q->path, &rss_fields)
			? " (rss where the NIC can spread: known when it is opened)"
			: "");
	}
}

/* Ports spread by the outer headers, which the fields are not of where tunnels are walked. */
void
weir_plan_spread(struct weir_plan *p, struct weir_source *const *sources, unsigned n_sources)
{
	p->may_spread = false;
	p->has_spread = false;
	for (unsigned i = 0; i < n_sources; i++)
		p->may_spread |=
		    !p->command->decap && p->command->is_explain && sources[i]->needs_eal;
	if (!p->command->decap)
		p->has_spread = spread_of(sources, n_sources, p->n_workers, &p->spread);
	for (unsigned i = 0; i < p->n_queries; i++)
		weir_plan_choose(p, &p->queries[i]);
}
