/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_lcore.h>
#include <weir/base/log.h>
#include <weir/base/time.h>

#include "worker.h"

#define SPINS         200    /* empty polls before sleeping */
#define NAP_LEAST_NS  20000  /* then between polls, twice as long each NAPS_A_STEP */
#define NAP_MOST_NS   500000 /* a receive ring of 2048 lasts so long at 4 Mpps */
#define NAPS_A_STEP   64
#define ROUNDS_A_LOOK 16 /* busy rounds between looks at the clock and the stop flag */
#define FLUSH_NS      (WEIR_NS_PER_S / 10) /* live rows wait no longer than this */

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
	const struct weir_run_config *config = w->all->config;
	int64_t for_ns = config->plan->command->for_ns;

	if (!atomic_load_explicit(config->stop, memory_order_relaxed) &&
	    !(for_ns && weir_now_mono_ns() - w->start_ns >= for_ns))
		return false;
	atomic_store_explicit(&w->all->draining, true, memory_order_relaxed);
	return true;
}

bool
weir_worker_send(struct weir_worker *w, const struct weir_parcel *parcel)
{
	struct weir_parcel copy = *parcel;

	/* A file can wait for its reader; a live source cannot, so its rows are shed and counted.
	 */
	while (rte_ring_sp_enqueue_elem(w->out, &copy, sizeof(copy))) {
		if (w->all->is_live)
			return false;
		is_told_to_stop(w);
		nap(0);
	}
	return true;
}

static uint32_t
run_burst(struct weir_worker *w, uint32_t n, const struct weir_burst *burst)
{
	if (!n)
		return 0;
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
		n += run_burst(
		    w, weir_intake_poll(in, w->inputs[i], w->batch, now_ns, &burst), &burst);
	if (!in->has_shared)
		return n;
	n += run_burst(w, weir_intake_turn(in, w->batch, now_ns, &w->at_number, &burst), &burst);
	/* What the burst gave has been handed over. */
	atomic_store_explicit(&w->at_number, UINT64_MAX, memory_order_release);
	return n;
}

/* What need not be done each round: look at the clock, and let rows of a live source wait no
 * longer. False where the run is to end. */
static bool
look_around(struct weir_worker *w)
{
	int64_t mono_ns = weir_now_mono_ns();

	if (mono_ns - w->last_flush_ns > FLUSH_NS) {
		w->last_flush_ns = mono_ns;
		weir_worker_flush(w);
	}
	weir_worker_close(w, weir_intake_watermark(w->all->intake));
	return !is_told_to_stop(w) && !atomic_load_explicit(&w->all->give_up, memory_order_relaxed);
}

static void
loop(struct weir_worker *w)
{
	unsigned idle = 0, round = 0;

	w->start_ns = weir_now_mono_ns();
	while (!weir_intake_has_ended(w->all->intake, w->index)) {
		/* The clock costs as much as a few packets, and a quiet source has time for it. */
		if ((idle || round++ % ROUNDS_A_LOOK == 0) && !look_around(w))
			break;
		if (poll_round(w, weir_now_wall_ns())) {
			idle = 0;
			continue;
		}
		if (++idle > SPINS)
			nap(idle - SPINS);
	}
	weir_worker_flush(w);
	weir_worker_close(w, INT64_MAX);
	w->end_ns = weir_now_mono_ns();
}

void *
weir_worker_main(void *worker)
{
	struct weir_worker *w = worker;
	bool is_eal_running = w->all->config->is_eal_running;

	if (is_eal_running)
		rte_thread_register();
	loop(w);
	if (is_eal_running)
		rte_thread_unregister();
	atomic_store_explicit(&w->has_ended, true, memory_order_release);
	return NULL;
}
