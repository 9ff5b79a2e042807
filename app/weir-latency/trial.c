/* SPDX-License-Identifier: BSD-3-Clause */
#include "trial.h"

#include <errno.h>
#include <pthread.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <string.h>

#include <weir/base/time.h>
#include <weir/measure/probe.h>

#include "receiver.h"

#define BURST 32u
/* Between the decision to start and the first probe, so that the first is not late already. */
#define LEAD_NS 1000000
/* Of the time for stragglers: where all are back, who is still to come is a copy. */
#define QUIET_SHARE 10

struct sender {
	const struct path *path;
	const struct trial *c;
	const struct schedule *schedule;
	struct tally *tally;
	struct trial_sent *sent;
	uint64_t next; /* to be built */
	struct rte_mbuf *waiting[BURST];
	unsigned n_waiting; /* built, and not taken by the port yet */
	int64_t end_ns;     /* by which the port must have taken all */
	int64_t first_ns, last_ns;
};

static bool
is_stopped(const struct trial *c)
{
	return atomic_load_explicit(c->stop, memory_order_relaxed);
}

/* Make the probes that are due, as many as fit. */
static void
build(struct sender *s, int64_t now_ns)
{
	const struct trial *c = s->c;
	unsigned n = 0;

	while (n < BURST && (!c->n || s->next + n < c->n) &&
	       schedule_ns(s->schedule, s->next + n) <= now_ns)
		n++;
	if (!n || rte_pktmbuf_alloc_bulk(s->path->pool, s->waiting, n))
		return; /* all buffers are on their way: later, with the time of now */
	for (unsigned i = 0; i < n; i++) {
		uint64_t seq = s->next + i;
		uint8_t *frame = rte_pktmbuf_mtod(s->waiting[i], uint8_t *);
		uint32_t len = frame_write(c->frame, seq, frame);

		weir_probe_put(frame, len,
		    &(struct weir_probe){ .stream = c->stream,
			.number = seq,
			.sent_ns = schedule_ns(s->schedule, seq) });
		s->waiting[i]->data_len = (uint16_t)len;
		s->waiting[i]->pkt_len = len;
	}
	s->next += n;
	s->n_waiting = n;
}

/* Send what is due. False: there is nothing more to do. */
static bool
step(struct sender *s)
{
	int64_t now = weir_now_mono_ns();
	uint64_t first;
	unsigned n;

	if (!s->n_waiting)
		build(s, now);
	if (!s->n_waiting)
		return s->next < s->c->n || !s->c->n;
	/* counted before they leave: a row may be back before this goes on */
	first = s->next - s->n_waiting;
	atomic_store_explicit(&s->tally->n_sent, s->next, memory_order_release);
	n = rte_eth_tx_burst(s->path->tx.id, s->path->tx.queue, s->waiting, (uint16_t)s->n_waiting);
	now = weir_now_mono_ns();
	if (n && !s->sent->n)
		s->first_ns = now;
	if (n)
		s->last_ns = now;
	for (unsigned i = 0; i < n; i++)
		weir_histogram_add(&s->sent->lag, now - schedule_ns(s->schedule, first + i));
	s->sent->n += n;
	s->n_waiting -= n;
	memmove(s->waiting, s->waiting + n, s->n_waiting * sizeof(s->waiting[0]));
	return now < s->end_ns;
}

/* The port has not taken them in time. */
static void
give_up(struct sender *s)
{
	rte_pktmbuf_free_bulk(s->waiting, s->n_waiting);
	s->n_waiting = 0;
	if (s->c->n && !is_stopped(s->c))
		s->sent->n_unsent = s->c->n - s->sent->n;
	s->sent->duration_ns = s->last_ns - s->first_ns;
	if (s->sent->n > 1 && s->last_ns > s->first_ns)
		s->sent->pps = (double)(s->sent->n - 1) * 1e9 / (double)(s->last_ns - s->first_ns);
}

struct listener {
	const struct path *path;
	const struct trial *c;
	struct tally *tally;
	/* sender: wo, listener: ro */
	_Atomic uint64_t n_expected; /* 0: it still sends */
	/* both */
	atomic_bool is_over;
	/* listener: wo, sender: ro */
	atomic_bool has_some;
	/* listener */
	uint64_t n_seen;
	int64_t quiet_ns; /* since when nothing has come */
	int rc;
	struct weir_error err;
};

/* Have all come back, and nothing more for a tenth of the time that stragglers have? */
static bool
is_complete(struct listener *l)
{
	uint64_t n = atomic_load_explicit(&l->n_expected, memory_order_acquire);
	struct weir_sequence_counts counts;
	int64_t now;

	if (!n || l->tally->n_received < n)
		return false;
	now = weir_now_mono_ns();
	if (l->n_seen != l->tally->n_received) {
		l->n_seen = l->tally->n_received;
		l->quiet_ns = now;
	}
	if (now - l->quiet_ns < l->c->drain_ns / QUIET_SHARE)
		return false;
	weir_sequence_get(l->tally->sequence, n, &counts);
	l->quiet_ns = now; /* until it is looked at again */
	return !counts.lost;
}

/* False: it is over, for all or as an error. */
static bool
listen_once(struct listener *l)
{
	if (!l->rc)
		l->rc = l->path->receiver->poll(l->path->receiver, l->tally, &l->err);
	if (l->tally->n_received)
		atomic_store_explicit(&l->has_some, true, memory_order_relaxed);
	return !l->rc && !is_complete(l);
}

static void *
listen_thread(void *p)
{
	struct listener *l = p;
	/* an lcore's number: packets go back to their pool by a cache; without one it just takes
	 * longer */
	bool has_number = rte_thread_register() == 0;

	while (!atomic_load_explicit(&l->is_over, memory_order_acquire) && listen_once(l))
		rte_pause();
	atomic_store_explicit(&l->is_over, true, memory_order_release);
	if (has_number)
		rte_thread_unregister();
	return NULL;
}

static bool
goes_on(const struct sender *s, struct listener *l)
{
	if (is_stopped(s->c) || atomic_load_explicit(&l->is_over, memory_order_acquire))
		return false;
	return s->c->n || !atomic_load_explicit(&l->has_some, memory_order_relaxed);
}

/* In turns: a look at what has come between two at what is due. */
static void
run(struct sender *s, struct listener *l, bool is_alone)
{
	int64_t until;

	while (goes_on(s, l) && step(s))
		if (is_alone && !listen_once(l))
			break;
	give_up(s);
	if (s->c->n)
		atomic_store_explicit(&l->n_expected, frame_count_back(s->c->frame, s->sent->n),
		    memory_order_release);
	until = weir_now_mono_ns() + (s->c->n ? s->c->drain_ns : 0);
	while (
	    !atomic_load_explicit(&l->is_over, memory_order_acquire) && weir_now_mono_ns() < until)
		if (!is_alone)
			rte_pause();
		else if (!listen_once(l))
			break;
}

int
trial_run(const struct path *p, const struct trial *c, struct tally *t, struct trial_sent *ret,
    struct weir_error *err)
{
	struct listener l = { .path = p, .c = c, .tally = t };
	struct sender s = { .path = p, .c = c, .schedule = &t->schedule, .tally = t, .sent = ret };
	pthread_t thread;
	bool is_alone = c->n_threads == 1;

	memset(ret, 0, sizeof(*ret));
	t->stream = c->stream;
	if (tally_begin(t, c->pps, c->n, LEAD_NS, err))
		return err->code;
	/* a host that stalled may catch up; a sender that needs twice the time never will */
	s.end_ns = schedule_ns(&t->schedule, 2 * c->n) + c->drain_ns;
	if (!is_alone && pthread_create(&thread, NULL, listen_thread, &l))
		return weir_error_run(err, -EAGAIN, "no thread to receive on (try --threads 1)");
	run(&s, &l, is_alone);
	if (!is_alone) {
		atomic_store_explicit(&l.is_over, true, memory_order_release);
		pthread_join(thread, NULL);
	}
	tally_end(t);
	if (l.rc)
		*err = l.err;
	return l.rc;
}
