/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/log.h>

#include "delivery.h"

#define ROWS_PER_PART 65536
/* Of rows most of which go at once: so few that they stay in the cache. */
#define ROWS_PER_CHOICE 4096

void
weir_delivery_fail(struct weir_delivery *d, int rc, const struct weir_error *e)
{
	if (!rc)
		return;
	if (!d->rc) {
		d->rc = rc;
		*d->err = *e;
	} else {
		weir_log(WEIR_LOG_WARNING, "%s", e->text);
	}
}

static void
fail_memory(struct weir_delivery *d)
{
	struct weir_error e;

	weir_delivery_fail(
	    d, weir_error_run(&e, -ENOMEM, "no memory for the rows of a window"), &e);
}

static void
tell_sink(const struct weir_delivery *d, struct weir_sink *s)
{
	s->draining = d->draining;
	s->while_waiting = d->while_waiting;
	s->waiting_ctx = d->waiting_ctx;
}

void
weir_delivery_tell_sinks(struct weir_delivery *d)
{
	for (unsigned i = 0; i < d->n_sinks; i++)
		tell_sink(d, d->sinks[i]);
}

/* The sink of a URI, opened where it is not yet. */
static int
find_sink(struct weir_delivery *d, const char *uri, unsigned *ret, struct weir_error *err)
{
	struct weir_sink *s;
	unsigned at = 0;
	int rc = weir_sink_open_in(&d->run, uri, d->sinks, d->n_sinks, &s, err);

	if (rc)
		return uri == d->plan->command->late_sink
			   ? weir_error_wrap(err, "--late 'sink:%s'", uri)
			   : weir_error_wrap(err, "--sink '%s'", uri);
	while (at < d->n_sinks && d->sinks[at] != s)
		at++;
	*ret = at;
	if (at < d->n_sinks)
		return 0;
	s->is_live = d->plan->is_live;
	tell_sink(d, s);
	d->sinks = realloc(d->sinks, (d->n_sinks + 1) * sizeof(struct weir_sink *));
	d->offered = realloc(d->offered, (d->n_sinks + 1) * sizeof(*d->offered));
	if (!d->sinks || !d->offered)
		abort();
	d->sinks[d->n_sinks] = s;
	d->offered[d->n_sinks++] = 0;
	return 0;
}

static int
open_outlet(struct weir_delivery *d, const struct weir_plan_query *q, struct weir_outlet *o,
    struct weir_error *err)
{
	unsigned n_before = d->n_sinks;
	struct weir_error e;
	int rc = 0;

	o->sampling = 1;
	o->sinks = calloc(q->n_sinks + 1, sizeof(*o->sinks));
	if (!o->sinks)
		return weir_error_run(err, -ENOMEM, "out of memory");
	for (unsigned k = 0; !rc && k < q->n_sinks; k++)
		rc = find_sink(d, q->sinks[k], &o->sinks[o->n_sinks++], err);
	if (!rc)
		return 0;
	while (d->n_sinks > n_before)
		(void)weir_sink_close(d->sinks[--d->n_sinks], &e);
	free(o->sinks);
	*o = (struct weir_outlet){ 0 };
	return rc;
}

int
weir_delivery_open(struct weir_delivery *d, const struct weir_plan *plan,
    struct weir_source *const *sources, struct weir_progress *progress, struct weir_error *err)
{
	int rc = 0;

	*d = (struct weir_delivery){ .plan = plan, .progress = progress, .err = err };
	weir_plan_sink_run(plan, sources, &d->run);
	d->outlets = calloc(WEIR_QUERIES_MOST, sizeof(*d->outlets));
	if (!d->outlets)
		return weir_error_run(err, -ENOMEM, "out of memory");
	for (unsigned i = 0; !rc && i < plan->n_queries; i++)
		rc = open_outlet(d, &plan->queries[i], &d->outlets[i], err);
	return rc;
}

int
weir_delivery_add(struct weir_delivery *d, struct weir_error *err)
{
	unsigned i = d->plan->n_queries - 1;

	return open_outlet(d, &d->plan->queries[i], &d->outlets[i], err);
}

void
weir_delivery_drop_last(struct weir_delivery *d)
{
	struct weir_outlet *o = &d->outlets[d->plan->n_queries - 1];

	free(o->sinks);
	*o = (struct weir_outlet){ 0 };
}

void
weir_delivery_put(struct weir_delivery *d, unsigned query, struct weir_block *b)
{
	struct weir_outlet *o = &d->outlets[query];
	struct weir_error e;

	if (!b) {
		fail_memory(d);
		return;
	}
	b->gaps = d->gaps;
	o->rows += b->n_rows;
	if (b->n_rows)
		weir_progress_wipe(d->progress); /* rows may go to the same terminal */
	if (b->n_rows && o->n_sinks)
		weir_trail_ready(d->trail);
	for (unsigned i = 0; b->n_rows && i < o->n_sinks; i++) {
		struct weir_sink *s = d->sinks[o->sinks[i]];

		if (s->ops->takes_packets)
			continue;
		d->offered[o->sinks[i]] += b->n_rows;
		weir_delivery_fail(d, weir_sink_rows(s, b, &e), &e);
		d->needs_flush = true;
	}
	if (!d->keeps_last || !b->n_rows) {
		weir_block_destroy(b);
		return;
	}
	weir_block_destroy(o->last);
	o->last = b;
}

void
weir_delivery_note_rows_pane(
    struct weir_delivery *d, unsigned query, const struct weir_pane *pane, bool is_sliding)
{
	const struct weir_plan_query *q = &d->plan->queries[query];
	struct weir_outlet *o = &d->outlets[query];
	uint64_t undercount = weir_pane_undercount(pane), left_out = weir_pane_short(pane);
	double sampling = weir_pane_sampling(pane);

	if (left_out && !o->left_out)
		weir_log(WEIR_LOG_NOTICE,
		    "query %s: values of aggregates that grow (distinct, topk ...) found no "
		    "memory: "
		    "they count too little",
		    q->text->name);
	o->left_out += left_out;
	/* What finds no place in a sliding window may have one in the others. */
	o->crowded += is_sliding ? weir_pane_lost(pane) : 0;
	o->undercount = undercount > o->undercount ? undercount : o->undercount;
	if (sampling >= o->sampling)
		return;
	o->sampling = sampling;
	weir_log(WEIR_LOG_NOTICE,
	    "query %s: more keys in a window than --table-size: its rows are a sample of 1 key in "
	    "%.0f (a larger --table-size holds more)",
	    q->text->name, 1 / sampling);
}

void
weir_delivery_note_pane(struct weir_delivery *d, unsigned query, const struct weir_pane *pane)
{
	bool is_sliding = d->plan->queries[query].path->window.kind == WEIR_WINDOW_SLIDING;
	struct weir_outlet *o = &d->outlets[query];
	uint64_t keys = weir_pane_n_groups(pane), bytes = weir_pane_bytes(pane);

	weir_delivery_note_rows_pane(d, query, pane, is_sliding);
	o->lost += is_sliding ? 0 : weir_pane_lost(pane);
	o->most_keys = keys > o->most_keys ? keys : o->most_keys;
	o->most_bytes = bytes > o->most_bytes ? bytes : o->most_bytes;
}

/* Of a query that has one segment. */
static struct weir_result *
result_of(const struct weir_plan_query *q)
{
	return q->chain->segments[0].result;
}

/*
 * The rows of a pane. A part at a time, so that a --top of a window of millions of groups does not
 * hold all of them twice, and most are gone before they have left the cache.
 */
static struct weir_block *
rows_of_pane(const struct weir_plan_query *q, const struct weir_pane *pane)
{
	uint32_t n = weir_pane_n_groups(pane);
	uint32_t part =
	    weir_result_narrows(result_of(q)) && n > ROWS_PER_CHOICE ? ROWS_PER_CHOICE : n;
	struct weir_block *b = weir_block_create(&q->path->schema, part);
	unsigned column;
	uint32_t limit;

	if (b && weir_result_wants_largest(result_of(q), &column, &limit) &&
	    weir_pane_largest(pane, column, limit, b) == 0) {
		weir_result_cut(result_of(q), n - b->n_rows);
		return b;
	}
	for (uint32_t first = 0; b && first < n;) {
		if (weir_pane_rows(pane, first, part, b) || weir_result_narrow(result_of(q), b)) {
			weir_block_destroy(b);
			return NULL;
		}
		first += n - first < part ? n - first : part;
	}
	return b;
}

/* Whether the rows of a window may be handed out part by part: nobody wants to see them all. */
static bool
comes_in_parts(const struct weir_delivery *d, unsigned query, const struct weir_pane *pane)
{
	const struct weir_outlet *o = &d->outlets[query];

	for (unsigned i = 0; i < o->n_sinks; i++)
		if (!d->sinks[o->sinks[i]]->ops->is_streaming)
			return false;
	return weir_pane_n_groups(pane) > ROWS_PER_PART &&
	       weir_result_is_by_row(result_of(&d->plan->queries[query]));
}

/* In the order of their keys, without ever having more than a part as rows. */
static void
hand_out_parts(struct weir_delivery *d, unsigned query, struct weir_pane *pane)
{
	const struct weir_plan_query *q = &d->plan->queries[query];
	uint32_t n = weir_pane_n_groups(pane);

	if (weir_pane_order(pane)) {
		fail_memory(d);
		return;
	}
	for (uint32_t first = 0; first < n; first += ROWS_PER_PART) {
		uint32_t part = n - first < ROWS_PER_PART ? n - first : ROWS_PER_PART;
		struct weir_block *b = weir_block_create(&q->path->schema, part);

		if (!b || weir_pane_rows(pane, first, part, b)) {
			weir_block_destroy(b);
			fail_memory(d);
			return;
		}
		weir_delivery_put(d, query, weir_result_run_part(result_of(q), b));
	}
}

void
weir_delivery_pane(struct weir_delivery *d, unsigned query, struct weir_pane *pane)
{
	const struct weir_plan_query *q = &d->plan->queries[query];
	struct weir_block *b;

	if (comes_in_parts(d, query, pane)) {
		hand_out_parts(d, query, pane);
		return;
	}
	b = rows_of_pane(q, pane);
	if (b)
		weir_delivery_put(d, query, weir_result_run(result_of(q), b));
	else
		fail_memory(d);
}

void
weir_delivery_packets(struct weir_delivery *d, unsigned query, struct weir_packet_block *b)
{
	struct weir_outlet *o = &d->outlets[query];
	struct weir_error e;

	weir_trail_ready(d->trail);
	for (unsigned i = 0; i < o->n_sinks; i++) {
		struct weir_sink *s = d->sinks[o->sinks[i]];

		if (!s->ops->takes_packets || s->ops->forwards)
			continue;
		d->offered[o->sinks[i]] += b->n;
		weir_delivery_fail(d, weir_sink_packets(s, b, &e), &e);
		d->needs_flush = true;
	}
	if (!d->plan->queries[query].wants_rows)
		o->rows += b->n;
	weir_packet_block_destroy(b);
}

void
weir_delivery_flush(struct weir_delivery *d)
{
	struct weir_error e;

	if (!d->needs_flush)
		return;
	d->needs_flush = d->is_urgent = false;
	for (unsigned i = 0; i < d->n_sinks; i++)
		weir_delivery_fail(d, weir_sink_flush(d->sinks[i], &e), &e);
	weir_trail_written(d->trail);
}

void
weir_delivery_poll(struct weir_delivery *d)
{
	for (unsigned i = 0; i < d->n_sinks; i++)
		if (d->sinks[i]->ops->poll)
			d->sinks[i]->ops->poll(d->sinks[i]);
}

bool
weir_delivery_is_broken(const struct weir_delivery *d)
{
	for (unsigned i = 0; i < d->n_sinks; i++)
		if (!d->sinks[i]->is_broken)
			return false;
	return d->n_sinks > 0;
}

void
weir_delivery_close(struct weir_delivery *d)
{
	struct weir_error e;

	for (unsigned i = 0; i < d->n_sinks; i++)
		weir_delivery_fail(d, weir_sink_close(d->sinks[i], &e), &e);
	for (unsigned i = 0; d->outlets && i < d->plan->n_queries; i++) {
		weir_block_destroy(d->outlets[i].last);
		free(d->outlets[i].sinks);
	}
	free(d->outlets);
	free(d->sinks);
	free(d->offered);
	free(d->run.sources);
}
