/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/base/time.h>
#include <weir/port/job.h>

#include "account.h"
#include "sampling.h"
#include "status.h"

#define ASK_NS  (WEIR_NS_PER_S / 4)
#define ROWS_NS (5 * WEIR_NS_PER_S / 2) /* rates of rows are over so much, up to twice */

int
weir_status_init(struct weir_status *s, const struct weir_workers *all,
    const struct weir_flow *flow, const struct weir_delivery *delivery)
{
	*s = (struct weir_status){ .all = all, .flow = flow, .delivery = delivery };
	for (unsigned i = 0; i < 2; i++) {
		s->samples[i].workers = calloc(all->n, sizeof(*s->samples[i].workers));
		if (!s->samples[i].workers)
			return -ENOMEM;
	}
	for (unsigned i = 0; i < 3; i++)
		s->rows[i].at_ns = weir_now_mono_ns();
	return 0;
}

void
weir_status_fini(struct weir_status *s)
{
	for (unsigned i = 0; i < 2; i++)
		free(s->samples[i].workers);
}

/* A worker's answer, so that it may write the next one. */
static void
see(struct weir_worker *w, unsigned n_queries)
{
	struct weir_query_counts *queries = w->seen.queries;

	w->seen = w->answer;
	w->seen.queries = queries;
	memcpy(queries, w->answer.queries, n_queries * sizeof(*queries));
}

/* What the worker has measured since its last answer: the set is empty when it comes back to it. */
static void
collect(const struct weir_delivery *d, const struct weir_worker *w)
{
	struct weir_latency_set *set;

	if (!w->sampling)
		return;
	set = weir_sampling_handed(w->sampling);
	weir_latency_set_merge(d->trail->set, set);
	weir_latency_set_reset(set);
}

static void
take_sample(struct weir_status *s, int64_t mono_ns)
{
	struct weir_sample before = s->samples[0], *now = &s->samples[1];
	unsigned n_queries = s->delivery->plan->n_queries;

	s->samples[0] = s->samples[1];
	*now = before; /* its memory */
	for (unsigned i = 0; i < s->all->n; i++) {
		const struct weir_worker_counts *c = &s->all->worker[i]->seen;

		see(s->all->worker[i], n_queries);
		collect(s->delivery, s->all->worker[i]);
		now->workers[i] = (struct weir_sample_worker){ c->packets, c->bytes, c->busy_ns,
			c->pressed_ns, c->idle_ns };
	}
	if (mono_ns - s->rows[1].at_ns >= ROWS_NS) {
		s->rows[0] = s->rows[1];
		s->rows[1] = s->rows[2];
	}
	s->rows[2].at_ns = mono_ns;
	for (unsigned q = 0; q < n_queries; q++)
		s->rows[2].rows[q] = s->delivery->outlets[q].rows;
}

void
weir_status_poll(struct weir_status *s, int64_t mono_ns)
{
	if (!s->is_asked) {
		if (mono_ns - s->asked_ns < ASK_NS)
			return;
		for (unsigned i = 0; i < s->all->n; i++)
			atomic_fetch_add_explicit(
			    &s->all->worker[i]->asked, 1, memory_order_release);
		s->asked_ns = mono_ns;
		s->is_asked = true;
		return;
	}
	for (unsigned i = 0; i < s->all->n; i++) {
		struct weir_worker *w = s->all->worker[i];

		if (atomic_load_explicit(&w->answered, memory_order_acquire) !=
		    atomic_load_explicit(&w->asked, memory_order_relaxed))
			return;
	}
	take_sample(s, mono_ns);
	s->is_asked = false;
}

/* What grew in so many ns, a second. */
static double
a_second(uint64_t before, uint64_t now, int64_t ns)
{
	return ns > 0 && now >= before ? (double)(now - before) * (double)WEIR_NS_PER_S / (double)ns
				       : 0;
}

static double
rows_a_second(const struct weir_status *s, unsigned query)
{
	return a_second(
	    s->rows[0].rows[query], s->rows[2].rows[query], s->rows[2].at_ns - s->rows[0].at_ns);
}

static double
share(int64_t part, int64_t all)
{
	double x = all > 0 ? (double)part / (double)all : 0;

	return x < 0 ? 0 : x > 1 ? 1 : x;
}

static json_t *
worker_json(const struct weir_status *s, unsigned i)
{
	const struct weir_sample_worker *a = &s->samples[0].workers[i];
	const struct weir_sample_worker *b = &s->samples[1].workers[i];
	int64_t busy_ns = b->busy_ns - a->busy_ns, pressed_ns = b->pressed_ns - a->pressed_ns;
	int64_t idle_ns = b->idle_ns - a->idle_ns, all_ns = busy_ns + pressed_ns + idle_ns;
	uint64_t packets = b->packets - a->packets;
	int cpu = s->all->worker[i]->cpu;
	json_t *o = json_object();

	json_object_set_new(o, "worker", json_integer(i));
	json_object_set_new(o, "cpu", cpu < 0 ? json_null() : json_integer(cpu));
	json_object_set_new(o, "packets", json_integer((json_int_t)b->packets));
	json_object_set_new(o, "bytes", json_integer((json_int_t)b->bytes));
	/* Over the worker's own time: between its answers lies another than between two looks. */
	json_object_set_new(o, "pps", json_real(a_second(a->packets, b->packets, all_ns)));
	json_object_set_new(o, "bps", json_real(8 * a_second(a->bytes, b->bytes, all_ns)));
	json_object_set_new(o, "ns_per_packet",
	    packets ? json_real((double)busy_ns / (double)packets) : json_null());
	json_object_set_new(o, "busy", json_real(share(busy_ns, all_ns)));
	json_object_set_new(o, "pressed", json_real(share(pressed_ns, all_ns)));
	json_object_set_new(o, "idle", json_real(share(idle_ns, all_ns)));
	return o;
}

static const char *const strategies[] = {
	[WEIR_STRATEGY_ONE] = "one worker",
	[WEIR_STRATEGY_EMIT] = "emit",
	[WEIR_STRATEGY_ROWS] = "rows of queries",
	[WEIR_STRATEGY_RSS] = "rss",
	[WEIR_STRATEGY_COMBINE] = "combine",
	[WEIR_STRATEGY_RING] = "ring",
};

/* The ledger has it already, but for what is going on. */
static json_t *
query_json(const struct weir_status *s, unsigned q, const json_t *ledger)
{
	const struct weir_plan_query *pq = &s->delivery->plan->queries[q];
	const json_t *l = json_object_get(json_object_get(ledger, "queries"), pq->text->name);
	uint64_t keys = 0;
	unsigned windows = 0;
	json_t *o = json_object();

	for (unsigned i = 0; i < s->all->n; i++) {
		const struct weir_query_counts *c = &s->all->worker[i]->seen.queries[q];

		keys += c->keys;
		windows = c->windows > windows ? c->windows : windows;
	}
	json_object_set_new(o, "name", json_string(pq->text->name));
	json_object_set_new(o, "strategy", json_string(strategies[pq->strategy]));
	json_object_set(o, "in", json_object_get(l, "in"));
	json_object_set(o, "aggregated", json_object_get(l, "aggregated"));
	json_object_set(o, "dropped", json_object_get(l, "dropped"));
	json_object_set(o, "rows", json_object_get(l, "rows"));
	json_object_set_new(o, "rows_per_s", json_real(rows_a_second(s, q)));
	json_object_set_new(o, "table_keys", json_integer((json_int_t)keys));
	json_object_set_new(o, "table_size",
	    json_integer((json_int_t)(pq->table_size * (pq->table_size ? s->all->n : 1))));
	json_object_set_new(o, "windows_open", json_integer(windows));
	return o;
}

static json_t *
source_json(const struct weir_source *source)
{
	struct weir_source_stats stats = { 0 };
	json_t *o = json_object();
	uint64_t passed = 0;

	source->ops->stats((struct weir_source *)(uintptr_t)source, &stats);
	json_object_set_new(o, "name", json_string(source->name));
	json_object_set_new(o, "description", json_string(source->description));
	json_object_set_new(o, "queues", json_integer(source->n_queues));
	json_object_set_new(o, "lost_nic", json_integer((json_int_t)stats.lost_nic));
	json_object_set_new(o, "lost_no_buffer", json_integer((json_int_t)stats.lost_no_buffer));
	for (unsigned i = 0; i < WEIR_PORT_N_PASSED; i++)
		passed += stats.passed[i];
	json_object_set_new(
	    o, "passed", stats.has_unknown ? json_null() : json_integer((json_int_t)passed));
	return o;
}

/* How far the windows are behind the clock; null where the packets have another time. */
static json_t *
delay_json(const struct weir_status *s)
{
	int64_t watermark_ns = weir_intake_watermark(s->all->intake);

	if (!s->all->is_live || watermark_ns == INT64_MIN || watermark_ns == INT64_MAX)
		return json_null();
	return json_real((double)(weir_now_wall_ns() - watermark_ns) / (double)WEIR_NS_PER_S);
}

static json_t *
sinks_json(const json_t *ledger)
{
	json_t *list = json_array(), *sink;
	const char *uri;

	json_object_foreach(json_object_get(ledger, "sinks"), uri, sink)
	{
		json_t *o = json_object();

		json_object_set_new(o, "uri", json_string(uri));
		json_object_update(o, sink);
		json_array_append_new(list, o);
	}
	return list;
}

json_t *
weir_status_json(const struct weir_status *s)
{
	const struct weir_run_config *config = s->all->config;
	json_t *o = json_object(), *rate = json_object(), *sources = json_array();
	json_t *workers = json_array(), *queries = json_array(), *ledger;
	double pps = 0, bps = 0, rows = 0;
	struct weir_ledger l;

	weir_account(s->all, s->flow, s->delivery, true, weir_now_mono_ns(), &l);
	ledger = weir_ledger_json(&l);
	for (unsigned i = 0; i < config->n_sources; i++)
		json_array_append_new(sources, source_json(config->sources[i]));
	for (unsigned i = 0; i < s->all->n; i++) {
		json_t *w = worker_json(s, i);

		pps += json_real_value(json_object_get(w, "pps"));
		bps += json_real_value(json_object_get(w, "bps"));
		json_array_append_new(workers, w);
	}
	for (unsigned q = 0; q < config->plan->n_queries; q++) {
		if (config->plan->queries[q].is_removed)
			continue;
		rows += rows_a_second(s, q);
		json_array_append_new(queries, query_json(s, q, ledger));
	}
	json_object_set_new(rate, "pps", json_real(pps));
	json_object_set_new(rate, "bps", json_real(bps));
	json_object_set_new(o, "name", json_string(weir_job_name() ? weir_job_name() : ""));
	json_object_set_new(o, "pid", json_integer(getpid()));
	json_object_set_new(o, "uptime_s", json_real(l.elapsed_s));
	json_object_set_new(o, "sources", sources);
	json_object_set_new(o, "rate", rate);
	json_object_set_new(o, "delay_s", delay_json(s));
	json_object_set_new(o, "rows_per_s", json_real(rows));
	json_object_set_new(o, "workers", workers);
	json_object_set_new(o, "queries", queries);
	json_object_set_new(o, "sinks", sinks_json(ledger));
	if (json_object_get(ledger, "cluster"))
		json_object_set(o, "cluster", json_object_get(ledger, "cluster"));
	if (json_object_get(ledger, "latency"))
		json_object_set(o, "latency", json_object_get(ledger, "latency"));
	json_decref(ledger);
	weir_ledger_fini(&l);
	return o;
}
