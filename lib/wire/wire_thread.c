/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <weir/base/time.h>

#include "wire_parts.h"

/* The wire thread's round, and how it sleeps. */

#define SPINS         100u   /* rounds without work before it sleeps */
#define NAP_LEAST_NS  20000  /* where nothing tells of packets; then twice as long each time */
#define NAP_MOST_NS   500000 /* a receive ring lasts so long */
#define NAPS_A_STEP   8u
#define SLEEP_MOST_NS (100 * INT64_C(1000000)) /* an interrupt may be lost */

void
wire_wake(struct weir_wire *w)
{
	uint64_t one = 1;

	atomic_fetch_add(&w->n_calls, 1);
	if (atomic_load(&w->is_asleep) && atomic_exchange(&w->is_asleep, false) &&
	    write(w->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		return; /* it wakes by itself after a while */
}

int
wire_call(struct weir_wire *w, int (*run)(struct weir_wire *w, void *arg), void *arg)
{
	struct wire_request r = { .run = run, .arg = arg };

	sem_init(&r.is_done, 0, 0);
	atomic_store(&w->request, &r);
	wire_wake(w);
	while (sem_wait(&r.is_done) && errno == EINTR)
		;
	sem_destroy(&r.is_done);
	return r.rc;
}

static void
serve(struct weir_wire *w)
{
	struct wire_request *r = atomic_exchange(&w->request, NULL);

	if (!r)
		return;
	r->rc = r->run(w, r->arg);
	sem_post(&r->is_done);
}

void
wire_read_clocks(struct weir_wire *w)
{
	w->now.mono_ns = weir_now_mono_ns();
	w->now.wall_ns = weir_now_wall_ns();
}

/*
 * Have packets make the descriptors readable. How many there are; 0 where one queue cannot, which
 * is not tried again.
 */
static unsigned
arm(struct weir_wire *w, struct pollfd *fds)
{
	const struct weir_port *p = w->port;
	uint64_t n;

	for (unsigned i = 0; i < p->n_rx && w->has_interrupts; i++) {
		int rc;

		w->has_interrupts = p->rx_fd[i] >= 0;
		if (!w->has_interrupts)
			break;
		/* what it told of is seen by the poll that follows */
		if (w->is_eventfd[i] && read(p->rx_fd[i], &n, sizeof(n)) < 0 && errno != EAGAIN)
			w->has_interrupts = false;
		rc = rte_eth_dev_rx_intr_enable(p->rx[i].id, p->rx[i].queue);
		if (rc && (rc != -ENOTSUP || w->is_eventfd[i]))
			w->has_interrupts = false;
		fds[i] = (struct pollfd){ .fd = p->rx_fd[i], .events = POLLIN };
	}
	return w->has_interrupts ? p->n_rx : 0;
}

static void
disarm(struct weir_wire *w)
{
	for (unsigned i = 0; i < w->port->n_rx; i++)
		(void)rte_eth_dev_rx_intr_disable(w->port->rx[i].id, w->port->rx[i].queue);
}

static unsigned
receive_all(struct weir_wire *w)
{
	unsigned n = 0;

	for (unsigned i = 0; w->polls && i < w->port->n_rx; i++)
		n += wire_receive(w, i);
	return w->guest ? n + wire_receive_aside(w) : n;
}

/* Until something happens, or until_ns. n_calls: what control had called for before this round. */
static void
sleep_until(struct weir_wire *w, int64_t until_ns, uint64_t n_calls, unsigned n_naps)
{
	struct pollfd fds[WEIR_PORT_QUEUES + 1];
	/* who polls a port that is shared calls; its interrupts are theirs */
	unsigned n = w->polls ? arm(w, fds) : 0, step = n_naps / NAPS_A_STEP;
	int64_t now_ns = weir_now_mono_ns(), most_ns = SLEEP_MOST_NS, ns;
	struct timespec t;
	uint64_t count;

	if (!n && w->polls)
		most_ns = step < 5 ? NAP_LEAST_NS << step : NAP_MOST_NS;
	ns = until_ns - now_ns < most_ns ? until_ns - now_ns : most_ns;
	atomic_store(&w->is_asleep, true);
	/* either this sees the call, or the caller sees that it sleeps */
	if (ns > 0 && atomic_load(&w->n_calls) == n_calls && (!n || !receive_all(w))) {
		t = (struct timespec){ ns / WEIR_NS_PER_S, ns % WEIR_NS_PER_S };
		fds[n] = (struct pollfd){ .fd = w->wake_fd, .events = POLLIN };
		if (ppoll(fds, n + 1, &t, NULL) > 0 && fds[n].revents &&
		    read(w->wake_fd, &count, sizeof(count)) < 0)
			atomic_store(&w->is_asleep, false); /* nothing to read: as good */
	}
	atomic_store(&w->is_asleep, false);
	if (n)
		disarm(w);
}

static void
look_at_fds(struct weir_wire *w)
{
	char path[64], target[64];

	for (unsigned i = 0; i < w->port->n_rx; i++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", w->port->rx_fd[i]);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		/* reading it takes an interrupt's count, rather than a packet */
		w->is_eventfd[i] = strstr(target, "[eventfd]") != NULL;
	}
}

static void
loop(struct weir_wire *w)
{
	unsigned n_idle = 0;

	while (!atomic_load_explicit(&w->is_stopped, memory_order_relaxed)) {
		uint64_t n_calls = atomic_load(&w->n_calls), worked = w->n_worked;
		int64_t next_ns, ask_ns, greet_ns = INT64_MAX;

		wire_read_clocks(w);
		receive_all(w);
		serve(w);
		wire_ask(w, &ask_ns);
		wire_greet(w, &greet_ns);
		next_ns = weir_wire_core_step(w->core, &w->now);
		wire_flush(w);
		next_ns = ask_ns < next_ns ? ask_ns : next_ns;
		next_ns = greet_ns < next_ns ? greet_ns : next_ns;
		n_idle = w->n_worked == worked ? n_idle + 1 : 0;
		/* what the port did not take */
		if (w->n_ready || w->batch.n)
			next_ns = next_ns < w->now.mono_ns + NAP_LEAST_NS
				      ? next_ns
				      : w->now.mono_ns + NAP_LEAST_NS;
		if (n_idle <= SPINS)
			rte_pause();
		else
			sleep_until(w, next_ns, n_calls, n_idle - SPINS);
	}
}

/* Who waits for nothing but that its last frames are acknowledged need not wait on. */
static void
leave(struct weir_wire *w)
{
	wire_read_clocks(w);
	receive_all(w);
	weir_wire_core_answer(w->core, &w->now);
	wire_flush(w);
}

void *
wire_main(void *wire)
{
	struct weir_wire *w = wire;
	bool is_registered;

	pthread_setname_np(pthread_self(), "weir-wire");
	/* caches of pools want a number; without one all works, but slower */
	is_registered = rte_thread_register() == 0;
	w->has_interrupts = true;
	look_at_fds(w);
	loop(w);
	serve(w);
	leave(w);
	if (is_registered)
		rte_thread_unregister();
	return NULL;
}
