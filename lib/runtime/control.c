/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/base/log.h>
#include <weir/base/time.h>

#include "progress.h"
#include "worker.h"

#define BURST_PARCELS 32
#define ROWS_PER_PART 65536
#define SLEEP_NS      1000000 /* between looks into an empty ring */

/* A query as the control thread sees it: where its rows go. */
struct outlet {
	unsigned n_sinks;
	struct weir_sink **sinks;
	uint64_t rows;

	/* Of the windows so far. */
	uint64_t lost; /* packets whose groups went when panes were merged */
	uint64_t most_keys;
	uint64_t most_bytes;
	uint64_t undercount;
	double sampling;
};

struct control {
	const struct weir_run_config *config;
	struct weir_worker *worker;
	struct outlet *outlets; /* [plan->n_queries] */
	unsigned n_sinks;
	struct weir_sink **sinks; /* each once */
	uint64_t *offered;        /* [n_sinks] rows and packets produced for it */
	bool needs_flush;
	struct weir_progress progress;
	int rc; /* first failure */
	struct weir_error *err;
};

/* Remember the first failure; what follows is reported as a warning where it is news. */
static void
fail(struct control *c, int rc, const struct weir_error *e)
{
	if (!rc)
		return;
	if (!c->rc) {
		c->rc = rc;
		*c->err = *e;
	} else {
		weir_log(WEIR_LOG_WARNING, "%s", e->text);
	}
}

static int
open_sinks(struct control *c, struct weir_error *err)
{
	const struct weir_plan *plan = c->config->plan;
	unsigned n = 0;

	for (unsigned i = 0; i < plan->n_queries; i++)
		n += plan->queries[i].n_sinks;
	c->sinks = calloc(n + 1, sizeof(*c->sinks));
	c->offered = calloc(n + 1, sizeof(*c->offered));
	c->outlets = calloc(plan->n_queries, sizeof(*c->outlets));
	if (!c->sinks || !c->offered || !c->outlets)
		return weir_error_run(err, -ENOMEM, "out of memory");
	for (unsigned i = 0; i < plan->n_queries; i++) {
		const struct weir_plan_query *q = &plan->queries[i];
		struct outlet *o = &c->outlets[i];

		o->sampling = 1;
		o->sinks = calloc(q->n_sinks + 1, sizeof(*o->sinks));
		if (!o->sinks)
			return weir_error_run(err, -ENOMEM, "out of memory");
		for (unsigned k = 0; k < q->n_sinks; k++) {
			struct weir_sink *s;
			unsigned known = 0;
			int rc = weir_sink_open(q->sinks[k], c->sinks, c->n_sinks, &s, err);

			if (rc)
				return weir_error_wrap(err, "--sink '%s'", q->sinks[k]);
			s->is_live = plan->is_live;
			o->sinks[o->n_sinks++] = s;
			while (known < c->n_sinks && c->sinks[known] != s)
				known++;
			if (known == c->n_sinks)
				c->sinks[c->n_sinks++] = s;
		}
	}
	return 0;
}

static void
count_offered(struct control *c, const struct weir_sink *s, uint64_t n)
{
	for (unsigned i = 0; i < c->n_sinks; i++)
		if (c->sinks[i] == s)
			c->offered[i] += n;
}

static void
deliver_rows(struct control *c, unsigned query, const struct weir_block *b)
{
	struct outlet *o = &c->outlets[query];
	struct weir_error e;

	o->rows += b->n_rows;
	if (!b->n_rows)
		return;
	weir_progress_wipe(&c->progress); /* rows may go to the same terminal */
	for (unsigned i = 0; i < o->n_sinks; i++) {
		if (o->sinks[i]->ops->takes_packets)
			continue;
		count_offered(c, o->sinks[i], b->n_rows);
		fail(c, weir_sink_rows(o->sinks[i], b, &e), &e);
	}
	c->needs_flush = true;
}

static void
take_rows(struct control *c, unsigned query, struct weir_block *b)
{
	struct weir_error e;

	b = weir_result_run(c->config->plan->queries[query].result, b);
	if (!b) {
		fail(c, weir_error_run(&e, -ENOMEM, "no memory for the rows of a window"), &e);
		return;
	}
	deliver_rows(c, query, b);
	weir_block_destroy(b);
}

static void
note_table(struct control *c, unsigned query, const struct weir_pane *pane)
{
	const struct weir_plan_query *q = &c->config->plan->queries[query];
	struct outlet *o = &c->outlets[query];
	uint64_t keys = weir_pane_n_groups(pane), bytes = weir_pane_bytes(pane);
	uint64_t undercount = weir_pane_undercount(pane);
	double sampling = weir_pane_sampling(pane);

	o->lost += weir_pane_lost(pane);
	o->most_keys = keys > o->most_keys ? keys : o->most_keys;
	o->most_bytes = bytes > o->most_bytes ? bytes : o->most_bytes;
	o->undercount = undercount > o->undercount ? undercount : o->undercount;
	if (sampling >= o->sampling)
		return;
	o->sampling = sampling;
	weir_log(WEIR_LOG_NOTICE,
	    "query %s: more than %" PRIu64 " keys in a window: its rows are a sample of 1 key in "
	    "%.0f (a larger --table-size holds more)",
	    q->text->name, q->table_size, 1 / sampling);
}

/*
 * The rows of a pane. A part at a time, so that a --top of a window of millions of groups does not
 * hold all of them twice.
 */
static struct weir_block *
rows_of_pane(const struct weir_plan_query *q, const struct weir_pane *pane)
{
	uint32_t n = weir_pane_n_groups(pane);
	uint32_t part = weir_result_narrows(q->result) && n > ROWS_PER_PART ? ROWS_PER_PART : n;
	struct weir_block *b = weir_block_create(&q->path->schema, part);

	for (uint32_t first = 0; b && first < n;) {
		if (weir_pane_rows(pane, first, part, b) || weir_result_narrow(q->result, b)) {
			weir_block_destroy(b);
			return NULL;
		}
		first += n - first < part ? n - first : part;
	}
	return b;
}

static void
take_pane(struct control *c, unsigned query, struct weir_pane *pane)
{
	const struct weir_plan_query *q = &c->config->plan->queries[query];
	struct weir_parcel back = { WEIR_PARCEL_PANE, query, pane };
	struct weir_error e;
	struct weir_block *b = NULL;

	note_table(c, query, pane);
	if (q->result) {
		b = rows_of_pane(q, pane);
		if (!b)
			fail(c, weir_error_run(&e, -ENOMEM, "no memory for the rows of a window"),
			    &e);
	}
	weir_pane_clear(pane);
	if (rte_ring_sp_enqueue_elem(c->worker->back, &back, sizeof(back)))
		weir_pane_destroy(pane);
	if (b)
		take_rows(c, query, b);
}

static void
take_packets(struct control *c, unsigned query, struct weir_packet_block *b)
{
	struct outlet *o = &c->outlets[query];
	struct weir_error e;

	for (unsigned i = 0; i < o->n_sinks; i++) {
		if (!o->sinks[i]->ops->takes_packets)
			continue;
		count_offered(c, o->sinks[i], b->n);
		fail(c, weir_sink_packets(o->sinks[i], b, &e), &e);
	}
	if (!c->config->plan->queries[query].wants_rows)
		o->rows += b->n;
	weir_packet_block_destroy(b);
	c->needs_flush = true;
}

static void
take_parcel(struct control *c, const struct weir_parcel *parcel)
{
	switch ((enum weir_parcel_kind)parcel->kind) {
	case WEIR_PARCEL_PANE:
		take_pane(c, parcel->query, parcel->p);
		return;
	case WEIR_PARCEL_ROWS:
		take_rows(c, parcel->query, parcel->p);
		return;
	case WEIR_PARCEL_PACKETS:
		take_packets(c, parcel->query, parcel->p);
		return;
	}
}

static void
flush_sinks(struct control *c)
{
	struct weir_error e;

	if (!c->needs_flush)
		return;
	c->needs_flush = false;
	for (unsigned i = 0; i < c->n_sinks; i++)
		fail(c, weir_sink_flush(c->sinks[i], &e), &e);
}

static bool
are_all_sinks_broken(const struct control *c)
{
	for (unsigned i = 0; i < c->n_sinks; i++)
		if (!c->sinks[i]->is_broken)
			return false;
	return c->n_sinks > 0;
}

/* Deliver until the worker has ended and its ring is empty. */
static void
control_loop(struct control *c, atomic_bool *give_up)
{
	struct weir_parcel parcels[BURST_PARCELS];
	struct timespec nap = { 0, SLEEP_NS };

	for (;;) {
		/* Asked first: parcels sent before the end are then seen by the dequeue. */
		bool has_ended = atomic_load_explicit(&c->worker->has_ended, memory_order_acquire);
		unsigned n = rte_ring_sc_dequeue_burst_elem(
		    c->worker->out, parcels, sizeof(parcels[0]), BURST_PARCELS, NULL);

		for (unsigned i = 0; i < n; i++)
			take_parcel(c, &parcels[i]);
		weir_progress_show(&c->progress, c->worker);
		/* Nobody is left to read the results: there is no use in going on. */
		if (are_all_sinks_broken(c))
			atomic_store_explicit(give_up, true, memory_order_relaxed);
		if (n)
			continue;
		flush_sinks(c);
		if (has_ended)
			return;
		nanosleep(&nap, NULL);
	}
}

static void
fill_query(struct weir_ledger_query *l, const struct weir_worker_query *wq,
    const struct weir_plan *plan, const struct weir_plan_query *q, const struct outlet *o)
{
	l->name = q->text->name;
	l->in = wq->in;
	l->aggregated = wq->group.aggregated - o->lost + wq->emitted;
	l->table_size = q->table_size;
	l->overflow = plan->overflow;
	l->table_keys = o->most_keys;
	l->table_bytes = o->most_bytes;
	l->sampling = o->sampling;
	l->undercount = o->undercount;
	l->rows = o->rows + wq->shed_rows + (wq->wants_rows ? 0 : wq->shed_packets);
	l->dropped[WEIR_DROP_FILTER] = weir_path_dropped(wq->path, "filter");
	l->dropped[WEIR_DROP_WHERE] = weir_path_dropped(wq->path, "where");
	l->dropped[WEIR_DROP_NULL_KEY] = wq->group.null_key;
	l->dropped[WEIR_DROP_LATE] = wq->group.late;
	l->dropped[WEIR_DROP_NO_TIME] = wq->group.no_time;
	l->dropped[WEIR_DROP_OVERFLOW] = wq->group.overflow + o->lost;
	l->dropped[WEIR_DROP_NO_MEMORY] = wq->no_memory;
}

/* Rows and packets that found the ring full were produced, and dropped for each of the query's
 * sinks. */
static uint64_t
shed_for(const struct control *c, const struct weir_sink *s)
{
	uint64_t n = 0;

	for (unsigned q = 0; q < c->config->plan->n_queries; q++)
		for (unsigned i = 0; i < c->outlets[q].n_sinks; i++)
			if (c->outlets[q].sinks[i] == s)
				n += s->ops->takes_packets ? c->worker->queries[q].shed_packets
							   : c->worker->queries[q].shed_rows;
	return n;
}

static void
fill_ledger(const struct control *c, struct weir_ledger *l, int64_t end_ns)
{
	const struct weir_plan *plan = c->config->plan;
	const struct weir_worker *w = c->worker;

	memset(l, 0, sizeof(*l));
	l->elapsed_s = (double)(end_ns - w->start_ns) / (double)WEIR_NS_PER_S;
	l->packets = w->packets;
	l->bytes = w->bytes;
	l->decode = w->decode;
	for (unsigned i = 0; i < c->config->n_sources; i++) {
		struct weir_source_stats s = { 0 };

		c->config->sources[i]->ops->stats(c->config->sources[i], &s);
		l->lost_nic += s.lost_nic;
		l->lost_no_buffer += s.lost_no_buffer;
	}
	l->queries = calloc(plan->n_queries, sizeof(*l->queries));
	l->sinks = calloc(c->n_sinks + 1, sizeof(*l->sinks));
	if (!l->queries || !l->sinks)
		return;
	l->n_queries = plan->n_queries;
	for (unsigned i = 0; i < plan->n_queries; i++)
		fill_query(&l->queries[i], &w->queries[i], plan, &plan->queries[i], &c->outlets[i]);
	l->n_sinks = c->n_sinks;
	for (unsigned i = 0; i < c->n_sinks; i++) {
		uint64_t shed = shed_for(c, c->sinks[i]);

		l->sinks[i] = (struct weir_ledger_sink){
			.uri = strdup(c->sinks[i]->uri),
			.offered = c->offered[i] + shed,
			.delivered = c->sinks[i]->counters.delivered,
			.dropped_error = c->sinks[i]->counters.dropped_error,
			.dropped_queue_full = shed,
		};
	}
}

/* A damaged file or a port that broke: what was readable has been delivered, and this is said. */
static void
report_sources(struct control *c)
{
	for (unsigned i = 0; i < c->config->n_sources; i++) {
		const struct weir_source *s = c->config->sources[i];

		if (s->error.code)
			fail(c, s->error.code, &s->error);
	}
}

static int
start_worker(struct control *c, struct weir_error *err)
{
	int rc = pthread_create(&c->worker->thread, NULL, weir_worker_main, c->worker);

	if (rc)
		return weir_error_run(err, -rc, "cannot start a worker thread: %s", strerror(rc));
	pthread_setname_np(c->worker->thread, "weir-worker-0");
	return 0;
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

/* Sinks are flushed before the ledger is filled, so that it has the last write, failed or not. */
static void
close_sinks(struct control *c, struct weir_ledger *ledger, int64_t end_ns)
{
	struct weir_error e;

	c->needs_flush = true;
	flush_sinks(c);
	if (ledger)
		fill_ledger(c, ledger, end_ns);
	for (unsigned i = 0; i < c->n_sinks; i++)
		fail(c, weir_sink_close(c->sinks[i], &e), &e);
}

int
weir_run(
    const struct weir_run_config *config, struct weir_ledger *ret_ledger, struct weir_error *err)
{
	struct control c = { .config = config, .err = err };
	int64_t end_ns;
	int rc;

	memset(ret_ledger, 0, sizeof(*ret_ledger));
	rc = open_sinks(&c, err);
	if (!rc)
		rc = weir_worker_create(config, &c.worker, err);
	if (!rc)
		rc = start_worker(&c, err);
	if (rc) {
		close_sinks(&c, NULL, 0);
		goto out;
	}
	announce_tables(config->plan);
	for (unsigned i = 0; i < c.n_sinks; i++)
		c.sinks[i]->draining = &c.worker->draining;
	weir_progress_begin(&c.progress, config);
	control_loop(&c, &c.worker->give_up);
	pthread_join(c.worker->thread, NULL);
	weir_progress_wipe(&c.progress);
	end_ns = weir_now_mono_ns();
	report_sources(&c);
	close_sinks(&c, ret_ledger, end_ns);
	rc = c.rc;
out:
	weir_worker_destroy(c.worker);
	for (unsigned i = 0; c.outlets && i < config->plan->n_queries; i++)
		free(c.outlets[i].sinks);
	free(c.outlets);
	free(c.sinks);
	free(c.offered);
	return rc;
}
