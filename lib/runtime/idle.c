/* SPDX-License-Identifier: BSD-3-Clause */
#include <poll.h>
#include <time.h>

#include <rte_pause.h>
#include <weir/base/time.h>

#include "idle.h"

#define SPINS        200    /* empty polls before sleeping */
#define NAP_LEAST_NS 20000  /* then between polls, twice as long each NAPS_A_STEP */
#define NAP_MOST_NS  500000 /* a receive ring of 2048 lasts so long at 4 Mpps */
#define NAP_EVER_NS  10000000
#define NAPS_A_STEP  64
#define NAPS         (5 * NAPS_A_STEP) /* until they are at their longest */
#define WAIT_MS      100               /* an interface that goes away wakes nobody */
#define WAIT_LESS_MS 10                /* where nobody asked for interrupts: what if one fails? */
#define MOST_INPUTS  64
#define SPINS_SPARSE 16     /* where they bring nothing */
#define LONG_NS      100000 /* slept: what came after that was not worth spinning for */
#define LONG_GAPS    4      /* one after the other: packets are few and far between */

static int64_t
nap(unsigned n, long most_ns)
{
	unsigned step = n / NAPS_A_STEP;
	long ns = step < 10 ? (long)NAP_LEAST_NS << step : NAP_EVER_NS;
	struct timespec ts = { 0, ns < most_ns ? ns : most_ns };

	nanosleep(&ts, NULL);
	return ts.tv_nsec;
}

void
weir_nap(unsigned n)
{
	(void)nap(n, NAP_MOST_NS);
}

/* Workers who take the same inputs by turns look at them as often together as one would alone. */
static long
longest_nap(const struct weir_worker *w)
{
	long ns = w->n_inputs || w->n_exchanges ? NAP_MOST_NS : (long)w->all->n * NAP_MOST_NS;

	return ns < NAP_EVER_NS ? ns : NAP_EVER_NS;
}

/* The descriptors of all that the worker takes packets from; 0 where one of them has none. */
static unsigned
descriptors(const struct weir_worker *w, struct pollfd fds[MOST_INPUTS])
{
	const struct weir_intake *in = w->all->intake;
	unsigned n = 0;

	for (unsigned i = 0; i < in->n_inputs; i++) {
		const struct weir_input *input = &in->inputs[i];
		struct weir_source *s = input->source;

		if (input->is_own && input->worker != w->index)
			continue;
		if (atomic_load_explicit(&input->has_ended, memory_order_relaxed))
			continue;
		if (!s->ops->wait_fd || n == MOST_INPUTS)
			return 0;
		fds[n] =
		    (struct pollfd){ .fd = s->ops->wait_fd(s, input->queue), .events = POLLIN };
		if (fds[n++].fd < 0)
			return 0;
	}
	return n;
}

static bool
arm(const struct weir_worker *w, bool is_on)
{
	const struct weir_intake *in = w->all->intake;
	bool is_armed = true;

	for (unsigned i = 0; i < in->n_inputs; i++) {
		const struct weir_input *input = &in->inputs[i];
		struct weir_source *s = input->source;

		if ((input->is_own && input->worker != w->index) || !s->ops->arm)
			continue;
		is_armed &= s->ops->arm(s, input->queue, is_on) == 0;
	}
	return is_armed;
}

/*
 * The first call arms, and the next one, when a poll has brought nothing after that, waits. An
 * input that several workers take by turns cannot be waited for: whoever disarms it would leave the
 * others waiting.
 */
static void
wait(struct weir_worker *w, unsigned n, int most_ms)
{
	bool is_shared = w->all->intake->has_shared && w->all->n > 1;
	struct pollfd fds[MOST_INPUTS];
	unsigned n_fds = is_shared || w->n_exchanges ? 0 : descriptors(w, fds);

	if (n_fds && w->is_armed) {
		int64_t since_ns = weir_now_mono_ns();

		(void)poll(fds, n_fds, most_ms);
		w->slept_ns += weir_now_mono_ns() - since_ns;
		weir_idle_end(w);
	} else if (n_fds && arm(w, true)) {
		w->is_armed = true;
	} else {
		w->slept_ns += nap(n, longest_nap(w));
	}
}

void
weir_idle_end(struct weir_worker *w)
{
	if (w->is_armed)
		(void)arm(w, false);
	w->is_armed = false;
}

/*
 * A new gap begins. Where packets come one by one, each after a sleep, spinning before it and naps
 * in it take more CPU than the packets: a wake-up for each is cheaper, and sooner.
 */
static void
begin_gap(struct weir_worker *w)
{
	if (w->slept_ns < LONG_NS)
		w->n_long_gaps = 0;
	else if (w->n_long_gaps < LONG_GAPS)
		w->n_long_gaps++;
	w->slept_ns = 0;
}

void
weir_idle(enum weir_idle how, struct weir_worker *w, unsigned n)
{
	bool is_sparse;

	if (n == 1)
		begin_gap(w);
	is_sparse = how != WEIR_IDLE_SPIN && w->n_long_gaps == LONG_GAPS;
	if (is_sparse)
		n += SPINS - SPINS_SPARSE;
	/* Nobody waits for more rows to go with those that are there: none come. */
	if (n == SPINS)
		weir_worker_flush(w);
	if (how == WEIR_IDLE_SPIN || n <= SPINS)
		rte_pause();
	else if (how == WEIR_IDLE_INTERRUPT)
		wait(w, n - SPINS, WAIT_MS);
	else if (is_sparse || n > SPINS + NAPS)
		wait(w, n - SPINS, WAIT_LESS_MS);
	else
		w->slept_ns += nap(n - SPINS, longest_nap(w));
}
