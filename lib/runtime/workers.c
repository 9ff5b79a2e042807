/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>
#include <weir/exchange/ring.h>

#include "delivery.h"
#include "sampling.h"
#include "worker.h"

#define RING_PARCELS  1024
#define FORWARD_BURST 64

/* What its packets leave by. Where all inputs are taken by turns workers send by turns as well. */
static int
make_senders(const struct weir_workers *all, unsigned index, unsigned query,
    struct weir_worker_query *wq, struct weir_error *err)
{
	const struct weir_plan *plan = all->config->plan;
	const struct weir_outlet *o = &all->delivery->outlets[query];
	int rc = 0;

	if (!plan->queries[query].forwards)
		return 0;
	wq->senders = calloc(o->n_sinks, sizeof(struct weir_forwarder *));
	if (!wq->senders)
		return weir_error_run(err, -ENOMEM, "out of memory");
	for (unsigned i = 0; !rc && i < o->n_sinks; i++) {
		struct weir_sink *s = all->delivery->sinks[o->sinks[i]];

		if (s->ops->forwards)
			rc = weir_forwarder_create(
			    s, index, all->intake->is_ordered, &wq->senders[wq->n_senders++], err);
	}
	if (wq->path->n_shares > 1)
		weir_route_start(
		    wq->path->route, weir_forward_n_partitions(wq->path->n_shares), plan->seed);
	return rc;
}

/* What a worker needs to run a query. On failure the caller destroys what is there. */
static int
make_query(const struct weir_workers *all, unsigned index, unsigned i, struct weir_worker_query *wq,
    struct weir_error *err)
{
	const struct weir_plan *plan = all->config->plan;
	const struct weir_plan_query *q = &plan->queries[i];
	int rc;

	wq->wants_rows = q->wants_rows;
	wq->wants_packets = q->wants_packets;
	if (!q->path || q->is_shared) { /* its rows come from others, on the control thread */
		wq->is_ending = wq->has_ended = true;
		return 0;
	}
	wq->path = q->path;
	if (index) {
		rc = weir_plan_path(plan, q, &wq->path, err);
		if (rc)
			return rc;
		wq->owns_path = true;
	}
	wq->is_late = q->is_late;
	rc = make_senders(all, index, i, wq, err);
	if (rc)
		return rc;
	if (q->path->hands_over) {
		weir_plan_held_spec(plan, q, &wq->spec);
		wq->ships = plan->command->cluster != NULL;
	}
	if (!q->path->has_group)
		return 0;
	weir_plan_group_spec(plan, q, &wq->spec);
	if (plan->command->cluster && weir_path_needs_order(q->path)) {
		wq->ships = true;
		return 0;
	}
	wq->aggregator = weir_aggregator_create(&wq->spec, err);
	if (!wq->aggregator)
		return err->code;
	if (q->path->is_early) {
		struct weir_group_watch watch;

		rc = weir_early_create(q, plan->command->simd, &wq->early, err);
		if (rc)
			return rc;
		watch = weir_early_watch(wq->early);
		weir_aggregator_watch(wq->aggregator, &watch);
	}
	if (!all->exchanges[i])
		return 0;
	wq->exchange = calloc(1, sizeof(*wq->exchange));
	if (!wq->exchange)
		return weir_error_run(err, -ENOMEM, "out of memory");
	wq->exchange->exchange = all->exchanges[i];
	wq->exchange->worker = index;
	wq->exchange->spec = &wq->spec;
	weir_route_start(wq->path->route, plan->n_workers, plan->seed);
	return 0;
}

static void
fini_query(struct weir_worker_query *wq)
{
	weir_aggregator_destroy(wq->aggregator);
	weir_early_destroy(wq->early);
	free(wq->exchange);
	free(wq->rows_origin);
	free(wq->packets_origin);
	free(wq->senders);
	if (wq->owns_path)
		weir_path_destroy(wq->path);
}

static void
destroy_addition(struct weir_addition *a)
{
	fini_query(&a->query);
	weir_batch_destroy(a->batch);
	free(a);
}

/* What the worker, who has ended, did not take any more. */
static void
destroy_returned(const struct weir_parcel *parcel)
{
	if (parcel->kind == WEIR_PARCEL_PANE)
		weir_pane_destroy(parcel->p);
	else if (parcel->kind == WEIR_PARCEL_ADD)
		destroy_addition(parcel->p);
}

static void
destroy_worker(struct weir_worker *w)
{
	struct weir_parcel parcel;

	if (!w)
		return;
	while (w->back && rte_ring_sc_dequeue_elem(w->back, &parcel, sizeof(parcel)) == 0)
		destroy_returned(&parcel);
	for (unsigned i = 0; i < w->n_queries; i++)
		fini_query(&w->queries[i]);
	weir_sampling_destroy(w->sampling);
	weir_batch_destroy(w->batch);
	free(w->masks);
	free(w->inputs);
	free(w->senders);
	free(w->queries);
	free(w->counts.queries);
	free(w->answer.queries);
	free(w->seen.queries);
	free(w->out);
	free(w->back);
	free(w);
}

/* Let a query's path read the worker's batch. */
static void
bind(struct weir_worker *w, struct weir_worker_query *wq)
{
	weir_path_bind(wq->path, w->batch);
	wq->path->late = w->all->config->plan->command->late_sink ? w->late : NULL;
}

static int
give_inputs(struct weir_worker *w, struct weir_intake *in)
{
	w->inputs = calloc(in->n_inputs + 1, sizeof(*w->inputs));
	if (!w->inputs)
		return -ENOMEM;
	for (unsigned i = 0; i < in->n_inputs; i++)
		if (in->inputs[i].is_own && in->inputs[i].worker == w->index)
			w->inputs[w->n_inputs++] = &in->inputs[i];
	return 0;
}

static int
create_worker(struct weir_workers *all, unsigned index, int cpu, struct weir_error *err)
{
	const struct weir_plan *plan = all->config->plan;
	struct weir_worker *w = aligned_alloc(64, sizeof(*w));
	int rc = 0;

	if (!w)
		return weir_error_run(err, -ENOMEM, "out of memory");
	memset(w, 0, sizeof(*w));
	all->worker[all->n++] = w;
	w->all = all;
	w->index = index;
	w->cpu = cpu;
	w->at_number = UINT64_MAX;
	w->at_query = WEIR_QUERIES_MOST;
	w->closed_ns = w->told_closed_ns = INT64_MIN;
	w->decode_batch = weir_decode_at(plan->command->simd);
	w->batch = weir_batch_create(&plan->needed);
	w->masks = calloc(1, sizeof(*w->masks));
	w->queries = calloc(WEIR_QUERIES_MOST, sizeof(*w->queries));
	w->counts.queries = calloc(WEIR_QUERIES_MOST, sizeof(*w->counts.queries));
	w->answer.queries = calloc(WEIR_QUERIES_MOST, sizeof(*w->answer.queries));
	w->seen.queries = calloc(WEIR_QUERIES_MOST, sizeof(*w->seen.queries));
	w->out = weir_ring_create("out", sizeof(struct weir_parcel), RING_PARCELS);
	w->back = weir_ring_create("back", sizeof(struct weir_parcel), RING_PARCELS);
	if (!w->batch || !w->masks || !w->queries || !w->counts.queries || !w->answer.queries ||
	    !w->seen.queries || !w->out || !w->back || give_inputs(w, all->intake))
		return weir_error_run(err, -ENOMEM, "out of memory");
	w->batch->decap = plan->command->decap;
	for (unsigned i = 0; !rc && i < plan->n_queries; i++) {
		w->n_queries++;
		rc = make_query(all, index, i, &w->queries[i], err);
		if (!rc && w->queries[i].path)
			bind(w, &w->queries[i]);
		w->n_exchanges += w->queries[i].exchange != NULL;
		weir_worker_add_senders(w, &w->queries[i]);
	}
	if (!rc && plan->command->has_latency && weir_sampling_create(w))
		rc = weir_error_run(err, -ENOMEM, "out of memory");
	return rc;
}

/*
 * Rows of packets come in the order of packets where there is such an order, and more than one
 * worker or query that might upset it.
 */
static bool
is_in_order(const struct weir_workers *all, unsigned n_workers)
{
	const struct weir_plan *plan = all->config->plan;
	unsigned n = 0;

	for (unsigned i = 0; i < plan->n_queries; i++) {
		const struct weir_plan_query *q = &plan->queries[i];

		n += q->path && (q->wants_packets || (q->wants_rows && !q->path->has_group));
	}
	return all->intake->is_ordered && (n_workers > 1 || n > 1);
}

/* Where the rows of a query go to the worker that owns them. */
static int
create_exchange(struct weir_workers *all, unsigned query, struct weir_error *err)
{
	const struct weir_plan_query *q = &all->config->plan->queries[query];
	struct weir_exchange_spec spec = { .n_workers = all->config->plan->n_workers };

	if (q->strategy != WEIR_STRATEGY_RING ||
	    (q->path->is_ordered && all->config->plan->command->cluster))
		return 0;
	spec.n_columns = q->path->n_moved;
	spec.columns = q->path->moved;
	spec.is_ordered = q->path->is_ordered;
	return weir_exchange_create(&spec, &all->exchanges[query], err);
}

static int
create_exchanges(struct weir_workers *all, struct weir_error *err)
{
	int rc = 0;

	all->exchanges = calloc(WEIR_QUERIES_MOST, sizeof(struct weir_exchange *));
	if (!all->exchanges)
		return weir_error_run(err, -ENOMEM, "out of memory");
	for (unsigned i = 0; !rc && i < all->config->plan->n_queries; i++)
		rc = create_exchange(all, i, err);
	return rc;
}

static struct weir_addition *
make_addition(
    const struct weir_workers *all, unsigned index, unsigned query, struct weir_error *err)
{
	struct weir_addition *a = calloc(1, sizeof(*a));

	if (!a)
		abort();
	if (make_query(all, index, query, &a->query, err) == 0) {
		a->batch = weir_batch_create(&all->config->plan->needed);
		if (a->batch) {
			a->batch->decap = all->config->plan->command->decap;
			return a;
		}
		weir_error_run(err, -ENOMEM, "out of memory");
	}
	destroy_addition(a);
	return NULL;
}

/* Control alone puts something into these rings: where there is room, there is room still. */
static int
check_orders(const struct weir_workers *all, struct weir_error *err)
{
	if (atomic_load_explicit(&all->is_over, memory_order_relaxed))
		return weir_error_run(
		    err, -ESHUTDOWN, "the run is ending: its queries stay as they are");
	for (unsigned i = 0; i < all->n; i++)
		if (weir_ring_room(all->worker[i]->back) == 0)
			return weir_error_run(err, -EAGAIN, "a worker is busy: try again");
	return 0;
}

int
weir_workers_add(struct weir_workers *all, struct weir_error *err)
{
	unsigned query = all->config->plan->n_queries - 1, n = 0;
	struct weir_addition **additions;
	int rc = check_orders(all, err);

	if (rc || !all->config->plan->queries[query].path)
		return rc; /* rows of others run on the control thread alone */
	additions = calloc(all->n, sizeof(struct weir_addition *));
	if (!additions)
		abort();
	if (!rc)
		rc = create_exchange(all, query, err);
	while (!rc && n < all->n) {
		additions[n] = make_addition(all, n, query, err);
		if (additions[n])
			n++;
		else
			rc = err->code;
	}
	for (unsigned i = 0; i < n; i++) {
		struct weir_parcel order = { WEIR_PARCEL_ADD, query, additions[i], 0, NULL };

		if (rc)
			destroy_addition(additions[i]);
		else
			rte_ring_sp_enqueue_elem(all->worker[i]->back, &order, sizeof(order));
	}
	free(additions);
	if (rc) {
		weir_exchange_destroy(all->exchanges[query]);
		all->exchanges[query] = NULL;
	}
	return rc;
}

int
weir_workers_remove(struct weir_workers *all, unsigned query, struct weir_error *err)
{
	struct weir_parcel order = { WEIR_PARCEL_REMOVE, query, NULL, 0, NULL };
	int rc = check_orders(all, err);

	for (unsigned i = 0; !rc && i < all->n; i++)
		rte_ring_sp_enqueue_elem(all->worker[i]->back, &order, sizeof(order));
	return rc;
}

/*
 * Packets that leave again are still in the cache when they do where bursts are small; and the
 * first of them waits for fewer others. Aggregation likes them large.
 */
static uint32_t
port_burst(const struct weir_plan *plan)
{
	for (unsigned i = 0; i < plan->n_queries; i++)
		if (plan->queries[i].forwards)
			return FORWARD_BURST;
	return WEIR_ROWS;
}

int
weir_workers_create(const struct weir_run_config *config, const struct weir_delivery *delivery,
    struct weir_workers **ret, struct weir_error *err)
{
	unsigned n_workers = config->plan->n_workers;
	uint64_t most = config->plan->command->packets;
	struct weir_workers *all = aligned_alloc(64, sizeof(*all));
	int rc;

	if (!all)
		return weir_error_run(err, -ENOMEM, "out of memory");
	memset(all, 0, sizeof(*all));
	all->config = config;
	weir_waker_init(&all->waker);
	all->delivery = delivery;
	all->is_live = config->plan->is_live;
	all->is_over = !config->socket; /* nobody gives orders: no worker waits for one */
	all->worker = calloc(n_workers, sizeof(struct weir_worker *));
	rc = all->worker ? 0 : weir_error_run(err, -ENOMEM, "out of memory");
	if (!rc)
		rc = weir_intake_create(config->sources, config->n_sources, n_workers,
		    most ? most : UINT64_MAX, port_burst(config->plan), &all->intake, err);
	if (!rc)
		all->is_in_order = is_in_order(all, n_workers);
	if (!rc)
		rc = create_exchanges(all, err);
	weir_prefer_node(config->placement->numa_node);
	for (unsigned i = 0; !rc && i < n_workers; i++)
		rc = create_worker(all, i, config->placement->cpus[i], err);
	weir_prefer_node(-1);
	if (rc) {
		weir_workers_destroy(all);
		return rc;
	}
	*ret = all;
	return 0;
}

void
weir_workers_destroy(struct weir_workers *all)
{
	if (!all)
		return;
	for (unsigned i = 0; i < all->n; i++)
		destroy_worker(all->worker[i]);
	for (unsigned i = 0; all->exchanges && i < WEIR_QUERIES_MOST; i++)
		weir_exchange_destroy(all->exchanges[i]);
	weir_intake_destroy(all->intake);
	weir_waker_fini(&all->waker);
	free(all->exchanges);
	free(all->worker);
	free(all);
}

static int
start(struct weir_worker *w)
{
	pthread_attr_t attr;
	cpu_set_t cpus;
	int rc;

	pthread_attr_init(&attr);
	if (w->cpu >= 0) {
		CPU_ZERO(&cpus);
		CPU_SET(w->cpu, &cpus);
		pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	}
	w->start_ns = weir_now_mono_ns();
	rc = pthread_create(&w->thread, &attr, weir_worker_main, w);
	pthread_attr_destroy(&attr);
	return rc;
}

int
weir_workers_start(struct weir_workers *all, struct weir_error *err)
{
	for (unsigned i = 0; i < all->n; i++) {
		int rc = start(all->worker[i]);

		if (!rc)
			continue;
		atomic_store_explicit(&all->is_aborted, true, memory_order_relaxed);
		atomic_store_explicit(&all->give_up, true, memory_order_relaxed);
		while (i--)
			pthread_join(all->worker[i]->thread, NULL);
		return weir_error_run(err, -rc, "cannot start a worker thread: %s", strerror(rc));
	}
	return 0;
}

void
weir_workers_join(struct weir_workers *all)
{
	for (unsigned i = 0; i < all->n; i++)
		pthread_join(all->worker[i]->thread, NULL);
}
