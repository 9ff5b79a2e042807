/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_lcore.h>
#include <weir/base/array.h>
#include <weir/base/log.h>
#include <weir/base/time.h>

#include "idle.h"
#include "sampling.h"
#include "worker.h"

#define SPINS         200 /* looks before sleeping, where another worker is waited for */
#define ROUNDS_A_LOOK 16  /* rounds between looks at orders, windows and the stop flag */
#define PUSH_MOST_NS  (WEIR_NS_PER_S / 10) /* a live worker waits no longer for another */
#define FLUSH_NS      (WEIR_NS_PER_S / 10) /* live rows wait no longer than this */

/* Has somebody or --for ended the run? What is left is then delivered, but no reader is waited for.
 */
static bool
is_told_to_stop(struct weir_worker *w)
{
	const struct weir_run_config *config = w->all->config;
	int64_t for_ns = config->plan->command->for_ns;

	if (!atomic_load_explicit(config->stop, memory_order_relaxed) &&
	    !atomic_load_explicit(&w->all->stop, memory_order_relaxed) &&
	    !(for_ns && weir_now_mono_ns() - w->start_ns >= for_ns))
		return false;
	atomic_store_explicit(&w->all->draining, true, memory_order_relaxed);
	return true;
}

/* Waits for others are no work. */
static void
note_pressed(struct weir_worker *w, int64_t since_ns)
{
	int64_t ns = weir_now_mono_ns() - since_ns;

	w->counts.pressed_ns += ns;
	w->counts.busy_ns -= ns;
	if (w->is_timed)
		weir_sampling_leave_out(w->sampling, ns);
}

static void
note_sent(struct weir_worker *w)
{
	uint64_t n = atomic_load_explicit(&w->n_sent, memory_order_relaxed);

	/* In the order of the waker: either control sees it, or it is seen that control sleeps. */
	atomic_store(&w->n_sent, n + 1);
}

bool
weir_worker_send(struct weir_worker *w, const struct weir_parcel *parcel)
{
	struct weir_parcel copy = *parcel;
	int64_t since_ns;

	if (rte_ring_sp_enqueue_elem(w->out, &copy, sizeof(copy)) == 0) {
		note_sent(w);
		return true;
	}
	/* A file can wait for its reader; a live source cannot, so its rows are shed and counted.
	 */
	if (w->all->is_live)
		return false;
	since_ns = weir_now_mono_ns();
	do {
		is_told_to_stop(w);
		weir_worker_publish_numbers(w);
		if (!weir_worker_gather(w)) /* others may wait for this worker meanwhile */
			weir_nap(0);
	} while (rte_ring_sp_enqueue_elem(w->out, &copy, sizeof(copy)));
	note_sent(w);
	note_pressed(w, since_ns);
	return true;
}

void
weir_worker_push(struct weir_worker *w, unsigned query, const struct weir_rows *rows)
{
	struct weir_worker_query *wq = &w->queries[query];
	int64_t since_ns = weir_now_mono_ns();
	unsigned n = 0;

	/* Receiving meanwhile: who sends to this worker may be waiting too. */
	for (;;) {
		/* Asked before the last try: it may be this worker that did not run for so long. */
		bool is_over = w->all->is_live && weir_now_mono_ns() - since_ns > PUSH_MOST_NS;

		if (weir_path_scatter_again(wq->path, wq->exchange, rows))
			break;
		if (is_over || atomic_load_explicit(&w->all->is_aborted, memory_order_relaxed)) {
			w->counts.queries[query].unsent += weir_mask_count(wq->exchange->left);
			memset(wq->exchange->left, 0, sizeof(wq->exchange->left));
			break;
		}
		is_told_to_stop(w);
		weir_worker_publish_numbers(w);
		if (weir_worker_gather(w) == 0 && ++n > SPINS)
			weir_nap(0);
	}
	note_pressed(w, since_ns);
}

/* Is there a burst in work that was taken before this worker's? */
static bool
has_earlier(const struct weir_worker *w, uint64_t number)
{
	for (unsigned i = 0; i < w->all->n; i++)
		if (i != w->index && atomic_load_explicit(&w->all->worker[i]->at_number,
					 memory_order_acquire) < number)
			return true;
	return false;
}

void
weir_worker_await_turn(struct weir_worker *w)
{
	uint64_t number = atomic_load_explicit(&w->at_number, memory_order_relaxed);
	int64_t since_ns;
	unsigned n = 0;

	/* Of an input that is its own all packets pass here. */
	if (number == UINT64_MAX || !has_earlier(w, number))
		return;
	since_ns = weir_now_mono_ns();
	while (has_earlier(w, number) &&
	       !atomic_load_explicit(&w->all->is_aborted, memory_order_relaxed)) {
		weir_worker_publish_numbers(w);
		if (weir_worker_gather(w) == 0 && ++n > SPINS)
			weir_nap(0);
	}
	note_pressed(w, since_ns);
}

void
weir_worker_add_senders(struct weir_worker *w, const struct weir_worker_query *wq)
{
	for (unsigned i = 0; i < wq->n_senders; i++)
		*(struct weir_forwarder **)weir_array_add(
		    &w->senders, &w->n_senders, sizeof(struct weir_forwarder *)) = wq->senders[i];
	w->needs_decode |= wq->path && weir_path_needs_decode(wq->path);
}

/* now_ns is wall-clock, as the poll had it. */
static uint32_t
run_burst(struct weir_worker *w, uint32_t n, const struct weir_burst *burst, int64_t now_ns)
{
	if (!n)
		return 0;
	if (w->sampling)
		weir_sampling_begin(w, burst, now_ns - w->wall_offset_ns);
	weir_worker_batch(w, burst);
	weir_intake_release(w->all->intake, burst, w->batch);
	return n;
}

/* Each of its own inputs once, and a turn at what is shared. Returns the packets. */
static uint32_t
poll_round(struct weir_worker *w, int64_t now_ns)
{
	struct weir_intake *in = w->all->intake;
	struct weir_burst burst;
	uint32_t n = 0;

	for (unsigned i = 0; i < w->n_inputs; i++)
		n += run_burst(w, weir_intake_poll(in, w->inputs[i], w->batch, now_ns, &burst),
		    &burst, now_ns);
	if (!in->has_shared)
		return n;
	n += run_burst(
	    w, weir_intake_turn(in, w->batch, now_ns, &w->at_number, &burst), &burst, now_ns);
	/* What the burst gave has been handed over. */
	atomic_store_explicit(&w->at_number, UINT64_MAX, memory_order_release);
	return n;
}

void
weir_worker_count(struct weir_worker *w)
{
	for (unsigned q = 0; q < w->n_queries; q++) {
		const struct weir_worker_query *wq = &w->queries[q];
		struct weir_query_counts *counts = &w->counts.queries[q];

		if (wq->has_ended)
			continue;
		if (!wq->is_ending)
			counts->offered = w->counts.packets - counts->joined;
		if (wq->aggregator)
			weir_aggregator_fill(wq->aggregator, &counts->windows, &counts->keys);
		counts->filtered = weir_path_dropped(wq->path, "filter");
		counts->unwanted = weir_path_dropped(wq->path, "where");
		if (!wq->exchange)
			continue;
		counts->sent = wq->exchange->counters.rows;
		counts->too_large = wq->exchange->counters.too_large;
	}
}

void
weir_worker_obey(struct weir_worker *w, const struct weir_parcel *order)
{
	struct weir_worker_query *wq = &w->queries[order->query];
	struct weir_addition *addition = order->p;

	if (order->kind == WEIR_PARCEL_PANE) { /* of a query that has ended */
		weir_pane_destroy(order->p);
		return;
	}
	if (order->kind == WEIR_PARCEL_REMOVE) {
		weir_worker_count(w);
		wq->is_ending = true;
		return;
	}
	/* Of those in between nothing runs here. */
	for (unsigned q = w->n_queries; q < order->query; q++)
		w->queries[q].is_ending = w->queries[q].has_ended = true;
	*wq = addition->query;
	if (wq->exchange)
		wq->exchange->spec = &wq->spec;
	w->n_queries = order->query + 1;
	if (w->sampling)
		weir_sampling_plan(w);
	w->n_exchanges += wq->exchange != NULL;
	w->counts.queries[order->query].joined = w->counts.packets;
	weir_worker_add_senders(w, wq);
	if (addition->batch) {
		weir_batch_destroy(w->batch);
		w->batch = addition->batch;
	}
	for (unsigned q = 0; q < w->n_queries; q++)
		if (!w->queries[q].has_ended)
			weir_path_bind(w->queries[q].path, w->batch);
	wq->path->late = w->all->config->plan->command->late_sink ? w->late : NULL;
	free(addition);
}

void
weir_worker_end_query(struct weir_worker *w, unsigned query)
{
	struct weir_worker_query *wq = &w->queries[query];
	struct weir_parcel parcel = { WEIR_PARCEL_ENDED, query, NULL, 0, NULL };

	weir_worker_flush(w);
	weir_worker_count(w);
	/* Control has to hear of it, so this waits also where live sources otherwise do not. */
	while (!weir_worker_send(w, &parcel)) {
		weir_worker_publish_numbers(w);
		weir_nap(0);
	}
	weir_aggregator_destroy(wq->aggregator);
	wq->aggregator = NULL;
	w->n_exchanges -= wq->exchange != NULL;
	wq->has_ended = true;
	w->counts.queries[query].windows = 0;
	w->counts.queries[query].keys = 0;
}

void
weir_worker_answer(struct weir_worker *w)
{
	unsigned asked = atomic_load_explicit(&w->asked, memory_order_acquire);
	struct weir_query_counts *queries = w->answer.queries;

	if (asked == atomic_load_explicit(&w->answered, memory_order_relaxed))
		return;
	weir_worker_count(w);
	w->answer = w->counts;
	w->answer.queries = queries;
	memcpy(queries, w->counts.queries, w->n_queries * sizeof(*queries));
	if (w->sampling)
		weir_sampling_swap(w->sampling);
	atomic_store_explicit(&w->answered, asked, memory_order_release);
}

/*
 * What need not be done each round: look at the clock, let rows of a live source wait no longer,
 * close windows. False where the run is to end.
 */
static bool
look_around(struct weir_worker *w, int64_t mono_ns)
{
	int64_t watermark_ns = weir_intake_watermark(w->all->intake);

	weir_worker_take_back(w);
	w->wall_offset_ns = weir_now_wall_ns() - weir_now_mono_ns();
	if (mono_ns - w->last_flush_ns > FLUSH_NS) {
		w->last_flush_ns = mono_ns;
		weir_worker_flush(w);
	}
	weir_forwarders_flush(w->senders, w->n_senders);
	weir_worker_publish(w, watermark_ns);
	weir_worker_close(w, watermark_ns);
	weir_worker_answer(w);
	return !is_told_to_stop(w) && !atomic_load_explicit(&w->all->give_up, memory_order_relaxed);
}

/* Tell control of what has been handed over, or closed, since it was told last. */
static void
wake_control(struct weir_worker *w)
{
	struct weir_waker *waker = &w->all->waker;
	uint64_t n_sent = atomic_load_explicit(&w->n_sent, memory_order_relaxed);
	int64_t closed_ns = atomic_load_explicit(&w->closed_ns, memory_order_relaxed);
	int64_t wanted_ns = atomic_load_explicit(&waker->closed_ns, memory_order_relaxed);
	bool is_due = closed_ns >= wanted_ns && w->told_closed_ns < wanted_ns;

	w->told_closed_ns = closed_ns;
	if (n_sent == w->told_sent && !is_due)
		return;
	w->told_sent = n_sent;
	weir_waker_wake(waker);
}

/* A round of a worker that takes no more packets. True when it has nothing left to do. */
static bool
drain_round(struct weir_worker *w)
{
	/* Asked before the orders are taken: then they are the last. */
	bool is_over = atomic_load_explicit(&w->all->is_over, memory_order_acquire);

	weir_worker_take_back(w);
	weir_worker_publish(w, INT64_MAX);
	weir_worker_close(w, INT64_MAX);
	weir_worker_answer(w);
	if (atomic_load_explicit(&w->all->is_aborted, memory_order_relaxed))
		return true;
	return is_over && atomic_load_explicit(&w->closed_ns, memory_order_relaxed) == INT64_MAX;
}

/*
 * Take what others still send, and orders, until no worker takes packets and no order can come: the
 * others wait for what this worker says of each query, also of one that is added meanwhile.
 */
static void
drain(struct weir_worker *w)
{
	unsigned idle = 0;

	weir_worker_flush(w);
	while (!weir_forwarders_flush(w->senders, w->n_senders))
		weir_nap(0); /* another worker is at it */
	weir_worker_publish(w, INT64_MAX);
	atomic_fetch_add_explicit(&w->all->n_draining, 1, memory_order_release);
	weir_waker_wake(&w->all->waker);
	while (!drain_round(w)) {
		int64_t since_ns;

		idle = weir_worker_gather(w) ? 0 : idle + 1;
		if (idle <= SPINS)
			continue;
		since_ns = weir_now_mono_ns();
		weir_nap(idle - SPINS);
		w->counts.idle_ns += weir_now_mono_ns() - since_ns;
	}
}

/*
 * Is it time to look around? That costs as much as a few packets, and those that come while it is
 * done wait for it. Before a sleep it is; and where others wait for what they hear of this worker's
 * time it is when nothing has come for the first time.
 */
static bool
is_time_to_look(const struct weir_worker *w, enum weir_idle how, unsigned idle, unsigned round)
{
	return round % ROUNDS_A_LOOK == 0 || (idle == 1 && w->n_exchanges) ||
	       weir_idle_sleeps(how, w, idle + 1);
}

static void
loop(struct weir_worker *w)
{
	enum weir_idle how = w->all->config->plan->command->idle;
	unsigned idle = 0, round = 0;
	int64_t last_ns = w->start_ns;
	uint32_t n;

	while (!weir_intake_has_ended(w->all->intake, w->index)) {
		int64_t mono_ns = weir_now_mono_ns(), poll_ns = mono_ns;

		*(idle ? &w->counts.idle_ns : &w->counts.busy_ns) += mono_ns - last_ns;
		last_ns = mono_ns;
		if (is_time_to_look(w, how, idle, round++)) {
			if (!look_around(w, mono_ns))
				break;
			poll_ns = weir_now_mono_ns();
		}
		n = poll_round(w, poll_ns + w->wall_offset_ns) + weir_worker_gather(w);
		if (w->all->is_live)
			wake_control(w);
		if (n) {
			idle = 0;
			if (w->is_armed)
				weir_idle_end(w);
		} else {
			weir_idle(how, w, ++idle);
		}
	}
	drain(w);
	w->end_ns = weir_now_mono_ns();
	weir_worker_count(w);
}

void *
weir_worker_main(void *worker)
{
	struct weir_worker *w = worker;
	bool is_eal_running = w->all->config->is_eal_running;
	char name[16];

	/* Not by who starts it: a process that has changed its user may not write into /proc. */
	snprintf(name, sizeof(name), "weir-worker-%u", w->index);
	pthread_setname_np(pthread_self(), name);
	if (is_eal_running)
		rte_thread_register();
	loop(w);
	if (is_eal_running)
		rte_thread_unregister();
	atomic_store_explicit(&w->has_ended, true, memory_order_release);
	weir_waker_wake(&w->all->waker);
	return NULL;
}
