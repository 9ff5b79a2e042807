/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>

#include "account.h"

const struct weir_worker_counts *
weir_counts_of(const struct weir_worker *w, bool is_live)
{
	return is_live ? &w->seen : &w->counts;
}

static void
add_counts(struct weir_ledger_query *l, const struct weir_query_counts *c, bool wants_rows)
{
	l->offered += c->offered;
	l->in += c->in;
	l->aggregated += c->group.aggregated + c->emitted;
	l->under_way += c->sent - c->received; /* of all workers together it is not negative */
	l->rows += c->shed_rows + (wants_rows ? 0 : c->shed_packets);
	l->dropped[WEIR_DROP_FILTER] += c->filtered;
	l->dropped[WEIR_DROP_WHERE] += c->unwanted;
	l->dropped[WEIR_DROP_NULL_KEY] += c->group.null_key;
	l->dropped[WEIR_DROP_LATE] += c->group.late;
	l->dropped[WEIR_DROP_NO_TIME] += c->group.no_time;
	l->dropped[WEIR_DROP_OVERFLOW] += c->group.overflow;
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

static void
fill_query(struct weir_ledger_query *l, const struct weir_workers *all, bool is_live,
    unsigned query, const struct weir_plan *plan, const struct weir_outlet *o)
{
	const struct weir_plan_query *q = &plan->queries[query];

	l->name = name_of(plan, query);
	l->table_size = q->table_size;
	l->overflow = plan->overflow;
	l->table_keys = o->most_keys;
	l->table_bytes = o->most_bytes;
	l->sampling = o->sampling;
	l->undercount = o->undercount;
	l->left_out = o->left_out;
	l->rows = o->rows;
	for (unsigned w = 0; w < all->n; w++)
		add_counts(
		    l, &weir_counts_of(all->worker[w], is_live)->queries[query], q->wants_rows);
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

	for (unsigned i = 0; i < o->n_sinks; i++)
		for (unsigned w = 0; w < all->n; w++) {
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

void
weir_account(const struct weir_workers *all, const struct weir_delivery *d, bool is_live,
    int64_t end_ns, struct weir_ledger *l)
{
	const struct weir_plan *plan = d->plan;
	const struct weir_run_config *config = all->config;

	memset(l, 0, sizeof(*l));
	add_workers(l, all, is_live, end_ns);
	for (unsigned i = 0; i < config->n_sources; i++) {
		struct weir_source_stats s = { 0 };

		config->sources[i]->ops->stats(config->sources[i], &s);
		l->lost_nic += s.lost_nic;
		l->lost_no_buffer += s.lost_no_buffer;
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
	}
	for (unsigned i = 0; i < plan->n_queries; i++) {
		fill_query(&l->queries[i], all, is_live, i, plan, &d->outlets[i]);
		add_shed(l, all, is_live, d, i);
	}
}
