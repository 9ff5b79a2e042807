/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

#define RING_PARCELS 1024

static struct rte_ring *
create_ring(const char *name)
{
	ssize_t size = rte_ring_get_memsize_elem(sizeof(struct weir_parcel), RING_PARCELS);
	struct rte_ring *r = aligned_alloc(64, ((size_t)size + 63) & ~(size_t)63);

	/* One producer, one consumer: plain memory will do, so that no EAL is needed. */
	if (r && rte_ring_init(r, name, RING_PARCELS, RING_F_SP_ENQ | RING_F_SC_DEQ)) {
		free(r);
		return NULL;
	}
	return r;
}

static int
create_query(struct weir_worker *w, const struct weir_plan *plan, unsigned i,
    struct weir_worker_query *wq, struct weir_error *err)
{
	const struct weir_plan_query *q = &plan->queries[i];
	struct weir_group_spec spec;
	int rc;

	wq->wants_rows = q->wants_rows;
	wq->wants_packets = q->wants_packets;
	wq->path = q->path;
	if (w->index) {
		rc = weir_plan_path(plan, q, &wq->path, err);
		if (rc)
			return rc;
		wq->owns_path = true;
	}
	weir_path_bind(wq->path, w->batch);
	if (!q->path->has_group)
		return 0;
	weir_plan_group_spec(plan, q, &spec);
	wq->aggregator = weir_aggregator_create(&spec, err);
	return wq->aggregator ? 0 : err->code;
}

static void
destroy_worker(struct weir_worker *w)
{
	struct weir_parcel parcel;

	if (!w)
		return;
	while (w->back && rte_ring_sc_dequeue_elem(w->back, &parcel, sizeof(parcel)) == 0)
		weir_pane_destroy(parcel.p);
	for (unsigned i = 0; i < w->n_queries; i++) {
		weir_aggregator_destroy(w->queries[i].aggregator);
		if (w->queries[i].owns_path)
			weir_path_destroy(w->queries[i].path);
	}
	weir_batch_destroy(w->batch);
	free(w->inputs);
	free(w->queries);
	free(w->out);
	free(w->back);
	free(w);
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
create_worker(struct weir_workers *all, unsigned index, struct weir_error *err)
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
	w->at_number = UINT64_MAX;
	w->closed_ns = INT64_MIN;
	w->decode_batch = weir_decode_at(plan->command->simd);
	w->batch = weir_batch_create(&plan->needed);
	w->queries = calloc(plan->n_queries, sizeof(*w->queries));
	w->out = create_ring("out");
	w->back = create_ring("back");
	if (!w->batch || !w->queries || !w->out || !w->back || give_inputs(w, all->intake))
		return weir_error_run(err, -ENOMEM, "out of memory");
	for (unsigned i = 0; !rc && i < plan->n_queries; i++) {
		w->n_queries++;
		rc = create_query(w, plan, i, &w->queries[i], err);
	}
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

	for (unsigned i = 0; i < plan->n_queries; i++)
		n += plan->queries[i].wants_packets || !plan->queries[i].path->has_group;
	return all->intake->is_ordered && n && (n_workers > 1 || n > 1);
}

int
weir_workers_create(
    const struct weir_run_config *config, struct weir_workers **ret, struct weir_error *err)
{
	unsigned n_workers = config->plan->n_workers;
	uint64_t most = config->plan->command->packets;
	struct weir_workers *all = calloc(1, sizeof(*all));
	int rc;

	if (!all)
		return weir_error_run(err, -ENOMEM, "out of memory");
	all->config = config;
	all->is_live = config->plan->is_live;
	all->worker = calloc(n_workers, sizeof(struct weir_worker *));
	rc = all->worker ? 0 : weir_error_run(err, -ENOMEM, "out of memory");
	if (!rc)
		rc = weir_intake_create(config->sources, config->n_sources, n_workers,
		    most ? most : UINT64_MAX, &all->intake, err);
	if (!rc)
		all->is_in_order = is_in_order(all, n_workers);
	for (unsigned i = 0; !rc && i < n_workers; i++)
		rc = create_worker(all, i, err);
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
	weir_intake_destroy(all->intake);
	free(all->worker);
	free(all);
}

int
weir_workers_start(struct weir_workers *all, struct weir_error *err)
{
	for (unsigned i = 0; i < all->n; i++) {
		struct weir_worker *w = all->worker[i];
		char name[16];
		int rc = pthread_create(&w->thread, NULL, weir_worker_main, w);

		if (rc) {
			atomic_store_explicit(&all->give_up, true, memory_order_relaxed);
			while (i--)
				pthread_join(all->worker[i]->thread, NULL);
			return weir_error_run(
			    err, -rc, "cannot start a worker thread: %s", strerror(rc));
		}
		snprintf(name, sizeof(name), "weir-worker-%u", i);
		pthread_setname_np(w->thread, name);
	}
	return 0;
}

void
weir_workers_join(struct weir_workers *all)
{
	for (unsigned i = 0; i < all->n; i++)
		pthread_join(all->worker[i]->thread, NULL);
}
