/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_lcore.h>
#include <weir/base/time.h>

#include "worker.h"

#define RING_PARCELS  256
#define SPINS         200    /* empty polls before sleeping */
#define NAP_LEAST_NS  20000  /* then between polls, twice as long each NAPS_A_STEP */
#define NAP_MOST_NS   500000 /* a receive ring of 2048 lasts so long at 4 Mpps */
#define NAPS_A_STEP   64
#define ROUNDS_A_LOOK 16 /* busy rounds between looks at the clock and the stop flag */
#define FLUSH_NS      (WEIR_NS_PER_S / 10) /* live rows wait no longer than this */
#define QUIET_GUARD_NS                                                                             \
	(WEIR_NS_PER_S / 5) /* packets may still sit in kernel buffers for so long                 \
			     */

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
create_query(
    const struct weir_plan *plan, unsigned i, struct weir_worker_query *wq, struct weir_error *err)
{
	const struct weir_plan_query *q = &plan->queries[i];
	struct weir_group_spec spec;

	wq->path = q->path;
	wq->wants_rows = q->wants_rows;
	wq->wants_packets = q->wants_packets;
	if (!q->path->has_group)
		return 0;
	weir_plan_group_spec(plan, q, &spec);
	wq->aggregator = weir_aggregator_create(&spec, err);
	return wq->aggregator ? 0 : err->code;
}

int
weir_worker_create(
    const struct weir_run_config *config, struct weir_worker **ret, struct weir_error *err)
{
	const struct weir_plan *plan = config->plan;
	struct weir_worker *w = aligned_alloc(64, sizeof(*w));
	int rc = 0;

	if (!w)
		return weir_error_run(err, -ENOMEM, "out of memory");
	memset(w, 0, sizeof(*w));
	w->config = config;
	w->is_live = plan->is_live;
	w->decode_batch = weir_decode_at(plan->command->simd);
	w->batch = weir_batch_create(&plan->needed);
	w->sources = calloc(config->n_sources, sizeof(*w->sources));
	w->queries = calloc(plan->n_queries, sizeof(*w->queries));
	w->out = create_ring("out");
	w->back = create_ring("back");
	if (!w->batch || !w->sources || !w->queries || !w->out || !w->back)
		rc = weir_error_run(err, -ENOMEM, "out of memory");
	for (unsigned i = 0; !rc && i < config->n_sources; i++) {
		w->sources[i] = (struct weir_worker_source){ config->sources[i], INT64_MIN, false };
		w->n_sources++;
	}
	for (unsigned i = 0; !rc && i < plan->n_queries; i++) {
		rc = create_query(plan, i, &w->queries[i], err);
		w->n_queries++;
		if (!rc)
			weir_path_bind(w->queries[i].path, w->batch);
	}
	if (rc) {
		weir_worker_destroy(w);
		return rc;
	}
	*ret = w;
	return 0;
}

void
weir_worker_destroy(struct weir_worker *w)
{
	struct weir_parcel parcel;

	if (!w)
		return;
	while (w->back && rte_ring_sc_dequeue_elem(w->back, &parcel, sizeof(parcel)) == 0)
		weir_pane_destroy(parcel.p);
	for (unsigned i = 0; i < w->n_queries; i++)
		weir_aggregator_destroy(w->queries[i].aggregator);
	weir_batch_destroy(w->batch);
	free(w->sources);
	free(w->queries);
	free(w->out);
	free(w->back);
	free(w);
}

/* Sleep between polls, longer the longer nothing has come. n counts the naps since something did.
 */
static void
nap(unsigned n)
{
	unsigned step = n / NAPS_A_STEP;
	long ns = step < 8 ? (long)NAP_LEAST_NS << step : NAP_MOST_NS;
	struct timespec ts = { 0, ns < NAP_MOST_NS ? ns : NAP_MOST_NS };

	nanosleep(&ts, NULL);
}

/* Has somebody or --for ended the run? What is left is then delivered, but no reader is waited for.
 */
static bool
is_told_to_stop(struct weir_worker *w)
{
	int64_t for_ns = w->config->plan->command->for_ns;

	if (!atomic_load_explicit(w->config->stop, memory_order_relaxed) &&
	    !(for_ns && weir_now_mono_ns() - w->start_ns >= for_ns))
		return false;
	atomic_store_explicit(&w->draining, true, memory_order_relaxed);
	return true;
}

static bool
is_bound_reached(struct weir_worker *w)
{
	return is_told_to_stop(w) || atomic_load_explicit(&w->give_up, memory_order_relaxed);
}

/* Has --packets been received? */
static bool
is_full(const struct weir_worker *w)
{
	uint64_t packets = w->config->plan->command->packets;

	return packets && w->packets >= packets;
}

bool
weir_worker_send(struct weir_worker *w, const struct weir_parcel *parcel)
{
	struct weir_parcel copy = *parcel;

	/* A file can wait for its reader; a live source cannot, so its rows are shed and counted.
	 */
	while (rte_ring_sp_enqueue_elem(w->out, &copy, sizeof(copy))) {
		if (w->is_live)
			return false;
		is_told_to_stop(w);
		nap(0);
	}
	return true;
}

/* The least event time that every source has reached. */
static int64_t
watermark(const struct weir_worker *w)
{
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < w->n_sources; i++)
		if (!w->sources[i].has_ended && w->sources[i].high_ns < least)
			least = w->sources[i].high_ns;
	return least;
}

/* Take one burst from a source and run it. Returns its packets. */
static uint32_t
poll_source(struct weir_worker *w, struct weir_worker_source *s, int64_t now_ns)
{
	const struct weir_command *c = w->config->plan->command;
	uint64_t max = WEIR_ROWS;
	struct weir_batch *b = w->batch;
	uint32_t n;

	if (c->packets && c->packets - w->packets < max)
		max = c->packets - w->packets;
	if (!max || s->has_ended)
		return 0;
	b->n = 0;
	b->queue_depth = -1;
	if (s->source->ops->poll(s->source, 0, b, (uint32_t)max, now_ns) != WEIR_POLL_OK) {
		s->has_ended = true;
		return 0;
	}
	n = b->n;
	if (!n) {
		/* A quiet live source must not hold windows back: its time goes on with the clock.
		 */
		if (s->source->is_live && s->high_ns < now_ns - QUIET_GUARD_NS)
			s->high_ns = now_ns - QUIET_GUARD_NS;
		return 0;
	}
	weir_worker_batch(w, s);
	if (s->source->ops->release)
		s->source->ops->release(s->source, b);
	return n;
}

/* The file source that is furthest behind in event time, so that several files pass side by side.
 */
static struct weir_worker_source *
furthest_behind(struct weir_worker *w)
{
	struct weir_worker_source *pick = NULL;

	for (unsigned i = 0; i < w->n_sources; i++) {
		struct weir_worker_source *s = &w->sources[i];

		if (!s->has_ended && !s->source->is_live && (!pick || s->high_ns < pick->high_ns))
			pick = s;
	}
	return pick;
}

static uint32_t
poll_round(struct weir_worker *w, int64_t now_ns)
{
	struct weir_worker_source *first = furthest_behind(w);
	uint32_t n = first ? poll_source(w, first, now_ns) : 0;
	bool is_waiting = first && !n && !first->has_ended; /* it is paced: let the others go on */

	for (unsigned i = 0; i < w->n_sources; i++) {
		struct weir_worker_source *s = &w->sources[i];

		if (s != first && (s->source->is_live || is_waiting))
			n += poll_source(w, s, now_ns);
	}
	return n;
}

static bool
have_all_ended(const struct weir_worker *w)
{
	for (unsigned i = 0; i < w->n_sources; i++)
		if (!w->sources[i].has_ended)
			return false;
	return true;
}

/* What need not be done each round: look at the clock, and let rows of a live source wait no
 * longer. */
static bool
look_around(struct weir_worker *w)
{
	int64_t mono_ns = weir_now_mono_ns();

	if (mono_ns - w->last_flush_ns > FLUSH_NS) {
		w->last_flush_ns = mono_ns;
		weir_worker_flush(w);
	}
	return !is_bound_reached(w);
}

static void
loop(struct weir_worker *w)
{
	unsigned idle = 0, round = 0;

	w->start_ns = weir_now_mono_ns();
	while (!have_all_ended(w)) {
		/* The clock costs as much as a few packets, and a quiet source has time for it. */
		if ((idle || round++ % ROUNDS_A_LOOK == 0) && !look_around(w))
			break;
		if (is_full(w))
			break;
		if (poll_round(w, weir_now_wall_ns()) == 0) {
			if (++idle > SPINS)
				nap(idle - SPINS);
		} else {
			idle = 0;
		}
		weir_worker_close(w, watermark(w));
	}
	weir_worker_close(w, INT64_MAX);
	weir_worker_flush(w);
	w->end_ns = weir_now_mono_ns();
}

void *
weir_worker_main(void *worker)
{
	struct weir_worker *w = worker;

	if (w->config->is_eal_running)
		rte_thread_register();
	loop(w);
	if (w->config->is_eal_running)
		rte_thread_unregister();
	atomic_store_explicit(&w->has_ended, true, memory_order_release);
	return NULL;
}
