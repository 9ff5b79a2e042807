/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/log.h>
#include <weir/base/time.h>

#include "account.h"
#include "flow.h"
#include "links.h"
#include "request.h"
#include "sampling.h"
#include "slice.h"
#include "span.h"
#include "trail.h"

#define SLEEP_NS 1000000 /* between looks into empty rings */
/* The same where workers wake: each look takes a few microseconds, of a worker's CPU it may be. */
#define SLEEP_LONG_NS 5000000
#define LOOK_NS       (WEIR_NS_PER_S / 20) /* at requests, while a reader is waited for */
#define POLL_NS       (WEIR_NS_PER_S / 50) /* between looks at links */

/* What a worker has handed over. */
struct inbox {
	struct weir_parcel head; /* rows or packets that wait for those of earlier packets */
	bool has_head;
	uint64_t n_taken; /* parcels so far */
	uint64_t mark;    /* until so many have been, the mark is not reached */
};

struct control {
	struct weir_workers *all;
	struct weir_delivery delivery;
	struct weir_flow flow;
	struct weir_span *span; /* of a cluster, or NULL */
	struct weir_requests requests;
	struct weir_progress progress;
	struct weir_links links;
	struct inbox *inboxes; /* [all->n] */

	/* The mark: what all workers had closed at some moment, and whether they had ended. */
	int64_t closed_ns;
	bool is_last;
	bool is_left; /* nobody polls the sources any more, as the cluster knows */

	int64_t spanned_ns; /* windows up to then are complete on all hosts */
	int64_t looked_ns;  /* at requests, last */
	int64_t polled_ns;  /* links, last */
};

/*
 * Set the mark anew. What a worker has said to be closed it had sent before, so it is among the
 * parcels that it has sent by now.
 */
static void
set_mark(struct control *c)
{
	c->closed_ns = INT64_MAX;
	c->is_last = true;
	for (unsigned i = 0; i < c->all->n; i++) {
		struct weir_worker *w = c->all->worker[i];
		bool has_ended = atomic_load_explicit(&w->has_ended, memory_order_acquire);
		int64_t closed_ns = atomic_load_explicit(&w->closed_ns, memory_order_acquire);

		c->is_last &= has_ended;
		c->closed_ns = closed_ns < c->closed_ns ? closed_ns : c->closed_ns;
		c->inboxes[i].mark = atomic_load_explicit(&w->n_sent, memory_order_relaxed);
	}
	/* the cluster goes on without their polling */
	if (c->is_last && c->span && !c->is_left) {
		c->is_left = true;
		weir_span_share(c->span, false);
	}
}

static bool
is_mark_reached(const struct control *c)
{
	for (unsigned i = 0; i < c->all->n; i++)
		if (c->inboxes[i].n_taken < c->inboxes[i].mark)
			return false;
	return true;
}

static void
give_back(void *control, unsigned query, unsigned worker, struct weir_pane *pane)
{
	struct control *c = control;
	struct weir_parcel back = { WEIR_PARCEL_PANE, query, pane, 0, NULL };

	if (worker == WEIR_SPAN_WORKER) {
		weir_pane_destroy(pane);
		return;
	}
	weir_pane_clear(pane);
	if (rte_ring_sp_enqueue_elem(c->all->worker[worker]->back, &back, sizeof(back)))
		weir_pane_destroy(pane);
}

/* A worker has done with a query that was removed; after the last one its windows are whole. */
static void
take_end(struct control *c, unsigned query)
{
	if (!weir_requests_note_end(&c->requests, query))
		return;
	weir_flow_end_query(&c->flow, query);
	c->delivery.needs_flush = true;
}

static void
deliver(struct control *c, const struct weir_parcel *parcel)
{
	weir_trail_follow(c->delivery.trail, WEIR_TRAIL_BLOCK, parcel->origin);
	if (parcel->kind == WEIR_PARCEL_ROWS && c->span &&
	    weir_span_ships(c->all->config->plan, parcel->query))
		weir_span_rows(c->span, parcel->query, parcel->p);
	else if (parcel->kind == WEIR_PARCEL_ROWS)
		weir_flow_rows(&c->flow, parcel->query, parcel->p);
	else
		weir_delivery_packets(&c->delivery, parcel->query, parcel->p);
	free(parcel->origin);
}

static bool
is_of_packets(const struct weir_parcel *parcel)
{
	return parcel->kind == WEIR_PARCEL_ROWS || parcel->kind == WEIR_PARCEL_PACKETS;
}

/* Take a worker's parcels as far as they need not wait. Returns how many. */
static unsigned
take_parcels(struct control *c, unsigned worker)
{
	struct inbox *in = &c->inboxes[worker];
	struct weir_parcel parcel;
	unsigned n = 0;

	while (!in->has_head && rte_ring_sc_dequeue_elem(
				    c->all->worker[worker]->out, &parcel, sizeof(parcel)) == 0) {
		n++;
		if (is_of_packets(&parcel) && c->all->is_in_order) {
			in->head = parcel;
			in->has_head = true;
			continue;
		}
		if (parcel.kind == WEIR_PARCEL_PANE && c->span)
			weir_span_pane(c->span, parcel.query, worker, parcel.p);
		else if (parcel.kind == WEIR_PARCEL_PANE)
			weir_flow_pane(&c->flow, parcel.query, worker, parcel.p);
		else if (parcel.kind == WEIR_PARCEL_EARLY)
			weir_flow_early(&c->flow, parcel.query, parcel.p);
		else if (parcel.kind == WEIR_PARCEL_ENDED)
			take_end(c, parcel.query);
		else
			deliver(c, &parcel);
		if (++in->n_taken == in->mark)
			break; /* the others' turn */
	}
	return n;
}

/* Number of the first packet that is still in work or may be taken. */
static uint64_t
lowest_in_work(const struct weir_workers *all)
{
	/* Asked first: of bursts that are taken after this all numbers are higher. */
	uint64_t lowest = atomic_load_explicit(&all->intake->taken, memory_order_acquire) + 1;

	for (unsigned i = 0; i < all->n; i++) {
		uint64_t at =
		    atomic_load_explicit(&all->worker[i]->at_number, memory_order_acquire);

		lowest = at < lowest ? at : lowest;
	}
	return lowest;
}

static bool
is_before(const struct weir_parcel *a, const struct weir_parcel *b)
{
	return a->number != b->number ? a->number < b->number : a->query < b->query;
}

/* Deliver rows and packets in the order of the packets they come from. Returns how many. */
static unsigned
deliver_in_order(struct control *c)
{
	uint64_t end = lowest_in_work(c->all);
	unsigned n = 0;

	for (unsigned i = 0; i < c->all->n; i++)
		n += take_parcels(c, i);
	for (;;) {
		struct inbox *first = NULL;

		for (unsigned i = 0; i < c->all->n; i++) {
			struct inbox *in = &c->inboxes[i];

			if (in->has_head && (!first || is_before(&in->head, &first->head)))
				first = in;
		}
		if (!first || first->head.number >= end)
			return n;
		deliver(c, &first->head);
		first->has_head = false;
		first->n_taken++;
		n += take_parcels(c, (unsigned)(first - c->inboxes));
	}
}

/* Event time up to which every worker has closed; false where there is none yet. */
static bool
closed_up_to(const struct control *c, int64_t *ret_ns)
{
	*ret_ns = c->closed_ns;
	return c->closed_ns == INT64_MAX ||
	       !__builtin_sub_overflow(c->closed_ns, c->all->config->plan->lateness_ns, ret_ns);
}

/* All windows that every worker has closed. */
static void
emit_windows(struct control *c)
{
	int64_t closed_ns;

	if (!closed_up_to(c, &closed_ns))
		return;
	if (c->span)
		weir_span_closed(c->span, closed_ns);
	else
		weir_flow_advance(&c->flow, closed_ns);
}

/* All windows of this host that every host has closed. Whether anything was done. */
static bool
turn_span(struct control *c)
{
	struct weir_ledger ledger;
	struct weir_error e;
	int64_t time_ns;
	bool did;

	if (!c->span)
		return false;
	did = weir_span_turn(c->span);
	time_ns = weir_span_complete(c->span);
	if (time_ns != c->spanned_ns || did) {
		weir_flow_advance(&c->flow, time_ns);
		weir_delivery_flush(&c->delivery);
		weir_span_delivered(c->span, time_ns);
		did |= time_ns != c->spanned_ns;
		c->spanned_ns = time_ns;
	}
	weir_delivery_fail(&c->delivery, weir_span_failure(c->span, &e), &e);
	if (weir_span_ledger_is_due(c->span)) {
		weir_account(c->all, &c->flow, &c->delivery, true, weir_now_mono_ns(), &ledger);
		weir_span_tell_ledger(c->span, &ledger);
		weir_ledger_fini(&ledger);
	}
	return did;
}

static unsigned
take_all(struct control *c)
{
	unsigned n = 0;

	if (c->all->is_in_order)
		return deliver_in_order(c);
	for (unsigned i = 0; i < c->all->n; i++)
		n += take_parcels(c, i);
	return n;
}

/* Once no worker takes packets there is nothing to order: they may go when they have done what was
 * ordered before. */
static void
note_over(struct control *c)
{
	struct weir_workers *all = c->all;

	if (atomic_load_explicit(&all->n_draining, memory_order_acquire) == all->n)
		atomic_store_explicit(&all->is_over, true, memory_order_release);
}

/* Who has gone still counts: a sink may wait for its reader long after that. */
static void
answer_for_ended(const struct weir_workers *all)
{
	for (unsigned i = 0; i < all->n; i++)
		if (atomic_load_explicit(&all->worker[i]->has_ended, memory_order_acquire))
			weir_worker_answer(all->worker[i]);
}

static void
answer_requests(struct control *c)
{
	struct weir_control_socket *socket = c->all->config->socket;

	if (!socket)
		return;
	c->looked_ns = weir_now_mono_ns();
	answer_for_ended(c->all);
	weir_status_poll(&c->requests.status, c->looked_ns);
	weir_control_poll(socket, weir_requests_answer, &c->requests);
	if (c->requests.wants_stop)
		atomic_store_explicit(&c->all->stop, true, memory_order_relaxed);
}

static void
poll_links(struct control *c)
{
	int64_t now_ns = weir_now_mono_ns();

	if (now_ns - c->polled_ns < POLL_NS)
		return;
	c->polled_ns = now_ns;
	weir_delivery_poll(&c->delivery);
	weir_links_look(&c->links, now_ns);
}

/* Look after those who watch the run. */
static void
attend(struct control *c)
{
	weir_progress_show(&c->progress, c->all);
	poll_links(c);
	answer_requests(c);
}

/* A sink waits for its reader: whoever asks, for the end above all, need not wait with it. */
static void
attend_while_waiting(void *control)
{
	struct control *c = control;

	if (weir_now_mono_ns() - c->looked_ns < LOOK_NS)
		return;
	poll_links(c);
	c->requests.is_delivering = true;
	answer_requests(c);
	c->requests.is_delivering = false;
}

/* Parcels that all workers have handed over so far. */
static uint64_t
n_sent(const struct control *c)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < c->all->n; i++)
		n += atomic_load(&c->all->worker[i]->n_sent);
	return n;
}

/* Do workers wake for all that is to be done? Not when rows may go because others are further. */
static bool
may_sleep_long(const struct weir_workers *all)
{
	return all->is_live && !all->is_in_order;
}

/* Sleep until there is more to do than when so many parcels had been sent, or for a while. */
static void
sleep_until_called(struct control *c, uint64_t n_before)
{
	struct weir_waker *waker = &c->all->waker;
	int64_t due_ns = weir_flow_next_due(&c->flow), closed_ns, wanted_ns;

	/* In a cluster windows wait for other hosts, which wake. */
	if (!c->span && is_mark_reached(c) && closed_up_to(c, &closed_ns) && due_ns <= closed_ns &&
	    due_ns != INT64_MAX)
		return;
	if (__builtin_add_overflow(due_ns, c->all->config->plan->lateness_ns, &wanted_ns))
		wanted_ns = INT64_MAX;
	atomic_store_explicit(&waker->closed_ns, wanted_ns, memory_order_relaxed);
	weir_waker_announce(waker);
	if (n_sent(c) != n_before)
		weir_waker_stay_awake(waker);
	else
		weir_waker_sleep(waker, may_sleep_long(c->all) ? SLEEP_LONG_NS : SLEEP_NS);
}

/* Deliver until the workers have ended and their rings are empty. */
static void
control_loop(struct control *c)
{
	set_mark(c);
	for (;;) {
		uint64_t n_before = n_sent(c);
		unsigned n = take_all(c);

		note_over(c);
		if (is_mark_reached(c)) {
			emit_windows(c);
			if (c->is_last && (!c->span || weir_span_is_over(c->span)))
				return;
			set_mark(c);
		}
		n += turn_span(c);
		/* Rows that could not wait for their window wait for nothing here. */
		if (!n || c->delivery.is_urgent)
			weir_delivery_flush(&c->delivery);
		attend(c);
		if (weir_delivery_is_broken(&c->delivery))
			atomic_store_explicit(&c->all->give_up, true, memory_order_relaxed);
		if (!n && (!c->is_last || c->span))
			sleep_until_called(c, n_before);
	}
}

/* A damaged file or a port that broke: what was readable has been delivered, and this is said. */
static void
report_sources(struct control *c)
{
	const struct weir_run_config *config = c->all->config;

	for (unsigned i = 0; i < config->n_sources; i++) {
		const struct weir_source *s = config->sources[i];

		if (s->error.code)
			weir_delivery_fail(&c->delivery, s->error.code, &s->error);
	}
}

/* How much memory the tables of live sources may come to: their traffic is not known before. */
static void
announce_tables(const struct weir_plan *plan)
{
	char text[160];

	for (unsigned i = 0; plan->is_live && i < plan->n_queries; i++)
		if (plan->queries[i].table_size)
			weir_log(WEIR_LOG_INFO, "query %s: table of %s (--table-size, --overflow)",
			    plan->queries[i].text->name,
			    weir_plan_table_text(plan, &plan->queries[i], text, sizeof(text)));
}

/* A --join with the window before is in vain where there is only one window. */
static void
announce_joins(const struct weir_plan *plan)
{
	for (unsigned i = 0; i < plan->n_queries; i++) {
		const struct weir_chain *chain = plan->queries[i].chain;

		for (unsigned s = 0; chain && s < chain->n_segments; s++) {
			const struct weir_segment *segment = &chain->segments[s];

			for (unsigned j = 0; j < segment->n_joins; j++) {
				const struct weir_chain_join *join = &segment->joins[j];
				const struct weir_plan_query *other = &plan->queries[join->query];

				if (join->is_prev && other->chain &&
				    other->chain->window.kind == WEIR_WINDOW_GLOBAL)
					weir_log(WEIR_LOG_WARNING,
					    "query %s: --join with %s@prev finds nothing: a global "
					    "window has none before it (try --default-window 10s)",
					    plan->queries[i].text->name, other->text->name);
			}
		}
	}
}

/*
 * Join the cluster, and wait until its nodes have agreed on a first map: what comes before would be
 * in no window of it.
 */
static int
start_span(struct control *c, const struct weir_run_config *config, struct weir_error *err)
{
	const struct weir_span_config span = { config->plan, &c->flow, &c->all->waker,
		config->sources };
	int rc;

	if (!config->plan->command->cluster)
		return 0;
	rc = weir_span_open(&span, &c->span, err);
	if (rc)
		return rc;
	c->spanned_ns = INT64_MIN;
	c->flow.span = c->span;
	c->delivery.gaps = weir_span_gaps(c->span);
	while (!weir_span_is_ready(c->span) &&
	       !atomic_load_explicit(config->stop, memory_order_relaxed)) {
		if (!weir_span_turn(c->span))
			weir_waker_sleep(&c->all->waker, SLEEP_NS);
		rc = weir_span_failure(c->span, err);
		if (rc)
			return rc;
		attend(c);
		if (c->requests.wants_stop)
			break;
	}
	if (!weir_span_is_ready(c->span))
		weir_span_give_up(c->span);
	return 0;
}

static int
start(struct control *c, const struct weir_run_config *config, struct weir_error *err)
{
	int rc = weir_workers_create(config, &c->delivery, &c->all, err);

	if (rc)
		return rc;
	c->inboxes = calloc(c->all->n, sizeof(*c->inboxes));
	if (!c->inboxes)
		return weir_error_run(err, -ENOMEM, "out of memory");
	c->delivery.keeps_last = config->socket != NULL;
	if (config->plan->command->has_latency) {
		c->delivery.trail = weir_trail_create();
		if (!c->delivery.trail)
			return weir_error_run(err, -ENOMEM, "out of memory");
	}
	rc = weir_flow_init(&c->flow, config->plan, &c->delivery, err);
	if (rc)
		return rc;
	c->flow.give_back = give_back;
	c->flow.ctx = c;
	rc = weir_requests_init(&c->requests, c->all, &c->flow, &c->delivery, err);
	if (rc)
		return rc;
	c->delivery.draining = &c->all->draining;
	c->delivery.while_waiting = attend_while_waiting;
	c->delivery.waiting_ctx = c;
	weir_delivery_tell_sinks(&c->delivery);
	weir_progress_begin(&c->progress, config);
	rc = start_span(c, config, err);
	if (rc)
		return rc;
	if (config->before_work)
		rc = config->before_work(config, err);
	if (!rc && weir_links_init(&c->links, config))
		rc = weir_error_run(err, -ENOMEM, "out of memory");
	if (rc)
		return rc;
	if (c->span)
		weir_span_share(c->span, true);
	return weir_workers_start(c->all, err);
}

int
weir_run(
    const struct weir_run_config *config, struct weir_ledger *ret_ledger, struct weir_error *err)
{
	struct control c = { 0 };
	struct weir_delivery *d = &c.delivery;
	int64_t end_ns;
	int rc;

	memset(ret_ledger, 0, sizeof(*ret_ledger));
	rc = weir_delivery_open(d, config->plan, config->sources, &c.progress, err);
	if (!rc)
		rc = start(&c, config, err);
	if (!rc) {
		announce_tables(config->plan);
		announce_joins(config->plan);
		if (config->plan->is_live)
			weir_slice_shorten();
		control_loop(&c);
		weir_workers_join(c.all);
		weir_progress_wipe(&c.progress);
		end_ns = weir_now_mono_ns();
		report_sources(&c);
		/* Flushed before the ledger is filled, so that it has the last write, failed or
		 * not. */
		d->needs_flush = true;
		weir_delivery_flush(d);
		weir_account(c.all, &c.flow, d, false, end_ns, ret_ledger);
		d->while_waiting = NULL;
		weir_delivery_tell_sinks(d);
	} else {
		d->rc = rc; /* err is taken */
	}
	weir_delivery_close(d);
	rc = d->rc;
	weir_requests_fini(&c.requests);
	weir_span_close(c.span);
	weir_flow_fini(&c.flow);
	weir_links_fini(&c.links);
	weir_workers_destroy(c.all);
	weir_trail_destroy(d->trail);
	free(c.inboxes);
	return rc;
}
