/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>

#include "account.h"
#include "sampling.h"
#include "span.h"

const struct weir_worker_counts *
weir_counts_of(const struct weir_worker *w, bool is_live)
{
	return is_live ? &w->seen : &w->counts;
}

static void
add_counts(
    struct weir_ledger_query *l, const struct weir_query_counts *c, const struct weir_plan_query *q)
{
	l->offered += c->offered;
	l->in += c->in;
	l->aggregated += c->group.aggregated + c->emitted;
	l->under_way += c->sent - c->received; /* of all workers together it is not negative */
	l->rows += c->shed_rows + (q->wants_rows ? 0 : c->shed_packets);
	/* Packets that are sent alone; copies of them are counted where they are delivered. */
	l->rows += q->forwards && !q->wants_rows && !q->wants_packets ? c->emitted : 0;
	l->dropped[WEIR_DROP_FILTER] += c->filtered;
	l->dropped[WEIR_DROP_WHERE] += c->unwanted;
	l->dropped[WEIR_DROP_NULL_KEY] += c->group.null_key;
	l->dropped[WEIR_DROP_LATE] += c->group.late;
	l->dropped[WEIR_DROP_NO_TIME] += c->group.no_time;
	l->dropped[WEIR_DROP_OVERFLOW] += c->group.overflow;
	l->dropped[WEIR_DROP_IN_TIME] += c->in_time;
	l->dropped[WEIR_DROP_EXCHANGE] += c->unsent + c->too_large;
	l->dropped[WEIR_DROP_NO_MEMORY] += c->no_memory;
}

/* A query that was removed may have left its name to another, which then has it. */
static char *
name_of(const struct weir_plan *plan, unsigned query)
{
	const char *name = plan->queries[query].text->name;
	char *numbered;

	for (unsigned i = query + 1; i < plan->n_queries; i++)
		if (strcmp(plan->queries[i].text->name, name) == 0)
			return asprintf(&numbered, "%s#%u", name, query + 1) < 0 ? NULL : numbered;
	return strdup(name);
}

static uint64_t
shed_by(const struct weir_workers *all, unsigned query, bool is_live)
{
	uint64_t n = 0;

	for (unsigned w = 0; w < all->n; w++)
		n += weir_counts_of(all->worker[w], is_live)->queries[query].shed_rows;
	return n;
}

static void
add_group(struct weir_ledger_query *l, const struct weir_group_counters *c)
{
	uint64_t dropped = c->null_key + c->late + c->no_time + c->overflow;

	l->aggregated -= dropped;
	l->dropped[WEIR_DROP_NULL_KEY] += c->null_key;
	l->dropped[WEIR_DROP_LATE] += c->late;
	l->dropped[WEIR_DROP_NO_TIME] += c->no_time;
	l->dropped[WEIR_DROP_OVERFLOW] += c->overflow;
}

/*
 * Rows that run through the first segment of a query's chain one by one: those of other queries,
 * and packets that are joined.
 */
static void
add_rows(struct weir_ledger_query *l, const struct weir_flow_node *n, const struct weir_chain *c)
{
	struct weir_result_drops drops;

	weir_result_dropped(c->segments[0].result, &drops);
	l->dropped[WEIR_DROP_WHERE] += drops.where;
	l->dropped[WEIR_DROP_JOIN] += drops.join;
	l->dropped[WEIR_DROP_TOP] += drops.top;
	l->aggregated += n->n_out;
	if (c->segments[0].path && c->segments[0].path->has_group)
		add_group(l, &n->groups[0].counters);
	for (unsigned i = 0; i < n->n_inputs; i++)
		l->under_way += n->inputs[i].rows->n_rows;
}

/* A query whose rows come from others. */
static void
fill_rows_query(struct weir_ledger_query *l, const struct weir_flow *f, unsigned query,
    const struct weir_plan *plan)
{
	const struct weir_flow_node *n = &f->nodes[query];

	l->offered = weir_flow_offered(f, query);
	l->in = n->n_in;
	add_rows(l, n, plan->queries[query].chain);
}

/* Packets that were handed over: what became of them. */
static void
fill_handed_over(struct weir_ledger_query *l, const struct weir_flow *f, unsigned query,
    const struct weir_plan *plan, uint64_t shed, bool is_live)
{
	const struct weir_flow_node *n = &f->nodes[query];
	uint64_t handed = l->aggregated - shed;

	/* The workers' last answers may be older than what they have handed over since. */
	if (is_live && n->n_handed > handed) {
		l->in += n->n_handed - handed;
		l->offered += n->n_handed - handed;
	}
	l->rows -= shed;
	l->dropped[WEIR_DROP_EXCHANGE] += shed;
	l->aggregated = 0;
	l->dropped[WEIR_DROP_LATE] += n->n_late;
	l->dropped[WEIR_DROP_OVERFLOW] += n->n_overflow;
	add_rows(l, n, plan->queries[query].chain);
	/* Those that are in the workers' hands, or in a ring, are under way too. */
	if (is_live)
		l->under_way = l->in - l->aggregated - weir_ledger_dropped(l);
}

static void
fill_query(struct weir_ledger_query *l, const struct weir_workers *all, const struct weir_flow *f,
    bool is_live, unsigned query, const struct weir_delivery *d)
{
	const struct weir_plan *plan = d->plan;
	const struct weir_outlet *o = &d->outlets[query];
	const struct weir_plan_query *q = &plan->queries[query];

	unsigned counted = q->is_shared ? q->shared_with : query;

	l->name = name_of(plan, query);
	l->table_size = q->table_size;
	l->overflow = plan->overflow;
	l->table_keys = o->most_keys;
	l->table_bytes = o->most_bytes;
	l->sampling = o->sampling;
	l->undercount = o->undercount;
	l->left_out = o->left_out;
	l->crowded = o->crowded;
	l->rows = o->rows;
	if (!q->path) {
		fill_rows_query(l, f, query, plan);
		return;
	}
	for (unsigned w = 0; w < all->n; w++)
		add_counts(l, &weir_counts_of(all->worker[w], is_live)->queries[counted], q);
	/* Of a cluster they are another host's, or this one has those of all. */
	if (q->path->hands_over && !plan->command->cluster)
		fill_handed_over(l, f, query, plan, shed_by(all, query, is_live), is_live);
	l->aggregated -= o->lost;
	l->dropped[WEIR_DROP_OVERFLOW] += o->lost;
}

/* Rows and packets that found the ring full were produced, and dropped for each of the query's
 * sinks. */
static void
add_shed(struct weir_ledger *l, const struct weir_workers *all, bool is_live,
    const struct weir_delivery *d, unsigned query)
{
	const struct weir_outlet *o = &d->outlets[query];

	const struct weir_plan_query *q = &d->plan->queries[query];

	if (!q->path || q->path->hands_over)
		return;
	for (unsigned i = 0; i < o->n_sinks; i++)
		for (unsigned w = 0; w < all->n && !d->sinks[o->sinks[i]]->ops->forwards; w++) {
			const struct weir_query_counts *counts =
			    &weir_counts_of(all->worker[w], is_live)->queries[query];
			uint64_t n = d->sinks[o->sinks[i]]->ops->takes_packets
					 ? counts->shed_packets
					 : counts->shed_rows;

			l->sinks[o->sinks[i]].offered += n;
			l->sinks[o->sinks[i]].dropped_queue_full += n;
		}
}

static void
add_workers(struct weir_ledger *l, const struct weir_workers *all, bool is_live, int64_t end_ns)
{
	int64_t start_ns = INT64_MAX;

	for (unsigned i = 0; i < all->n; i++) {
		const struct weir_worker *w = all->worker[i];
		const struct weir_worker_counts *counts = weir_counts_of(w, is_live);

		start_ns = w->start_ns < start_ns ? w->start_ns : start_ns;
		l->packets += counts->packets;
		l->bytes += counts->bytes;
		for (unsigned r = 0; r < WEIR_N_DECODE_REASONS; r++)
			l->decode.reason[r] += counts->decode.reason[r];
	}
	l->elapsed_s = (double)(end_ns - start_ns) / (double)WEIR_NS_PER_S;
}

/* What control has of the workers, and when they have ended what they still had. */
static void
add_latency(struct weir_ledger *l, const struct weir_workers *all, bool is_live,
    const struct weir_delivery *d)
{
	l->latency = d->trail ? weir_latency_set_create() : NULL;
	if (!l->latency)
		return;
	weir_latency_set_merge(l->latency, d->trail->set);
	for (unsigned i = 0; !is_live && i < all->n; i++)
		for (unsigned k = 0; k < 2; k++)
			weir_latency_set_merge(l->latency, all->worker[i]->sampling->sets[k]);
}

/* What left by ports. What is between its query and a driver is as good as queued. */
static void
fill_forward(struct weir_ledger_sink *l, const struct weir_sink *s, bool is_live)
{
	struct weir_forward_stats f;

	weir_forward_stats(s, &f);
	l->forwards = true;
	l->offered = f.offered;
	l->delivered = f.sent;
	l->queued = is_live ? f.offered - f.sent : 0;
	for (unsigned r = 0; r < WEIR_N_FORWARD_REASONS; r++) {
		l->unsent[r] = f.dropped[r];
		l->queued -= is_live ? f.dropped[r] : 0;
	}
	l->moved = f.moved;
	l->n_ports = f.n_ports;
	for (unsigned i = 0; i < f.n_ports; i++) {
		l->ports[i] = strdup(f.ports[i]);
		l->sent_by[i] = f.sent_by[i];
	}
}

void
weir_account(const struct weir_workers *all, const struct weir_flow *f,
    const struct weir_delivery *d, bool is_live, int64_t end_ns, struct weir_ledger *l)
{
	const struct weir_plan *plan = d->plan;
	const struct weir_run_config *config = all->config;

	memset(l, 0, sizeof(*l));
	add_workers(l, all, is_live, end_ns);
	add_latency(l, all, is_live, d);
	l->cluster = f->span ? weir_span_json(f->span) : NULL;
	for (unsigned i = 0; i < config->n_sources; i++) {
		struct weir_source_stats s = { 0 };

		config->sources[i]->ops->stats(config->sources[i], &s);
		l->lost_nic += s.lost_nic;
		l->lost_no_buffer += s.lost_no_buffer;
		l->has_guest |= s.has_guest;
		l->guest += s.guest;
		for (unsigned r = 0; r < WEIR_PORT_N_PASSED; r++)
			l->passed[r] += s.passed[r];
		l->has_unknown |= s.has_unknown;
	}
	l->queries = calloc(plan->n_queries, sizeof(*l->queries));
	l->sinks = calloc(d->n_sinks + 1, sizeof(*l->sinks));
	if (!l->queries || !l->sinks)
		return;
	l->n_queries = plan->n_queries;
	l->n_sinks = d->n_sinks;
	for (unsigned i = 0; i < d->n_sinks; i++) {
		const struct weir_sink_counters *c = &d->sinks[i]->counters;

		l->sinks[i] = (struct weir_ledger_sink){
			.uri = strdup(d->sinks[i]->uri),
			.offered = d->offered[i],
			.delivered = c->delivered,
			.queued = is_live ? d->offered[i] - c->delivered - c->dropped_error : 0,
			.dropped_error = c->dropped_error,
		};
		if (d->sinks[i]->ops->forwards)
			fill_forward(&l->sinks[i], d->sinks[i], is_live);
	}
	for (unsigned i = 0; i < plan->n_queries; i++) {
		fill_query(&l->queries[i], all, f, is_live, i, d);
		add_shed(l, all, is_live, d, i);
	}
}
