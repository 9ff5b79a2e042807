/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <weir/aggregate/part.h>
#include <weir/base/log.h>
#include <weir/base/time.h>
#include <weir/wire/secret.h>

#include "flow_parts.h"
#include "span_parts.h"

#define KEPT_SHARE 8 /* of the memory, in panes that are kept */
#define LEAVE_NS   (5 * WEIR_NS_PER_S)
#define LINGER_NS  (30 * WEIR_NS_PER_S)
#define GONE_NS    (3 * WEIR_NS_PER_S)
#define ALONE_NS   (1 * WEIR_NS_PER_S) /* without packets for so long while others have some */

void
weir_span_fail(struct weir_span *s, const struct weir_error *e)
{
	if (s->has_failed)
		return;
	s->has_failed = true;
	s->failure = *e;
}

int
weir_span_failure(struct weir_span *s, struct weir_error *err)
{
	if (!s->has_failed || s->failure_told)
		return 0;
	s->failure_told = true;
	*err = s->failure;
	return err->code;
}

static void
wake(void *arg)
{
	weir_waker_wake(arg);
}

/* Numbers of the queries that all nodes agree on, though they may have them in another order. */
static void
number_queries(struct weir_span *s)
{
	for (unsigned i = 0; i < s->plan->n_queries; i++) {
		unsigned number = 0;

		for (unsigned k = 0; k < s->plan->n_queries; k++)
			number += strcmp(s->plan->queries[k].text->name,
				      s->plan->queries[i].text->name) < 0;
		s->queries[i].number = (uint16_t)number;
		s->by_number[number] = (uint16_t)i;
	}
}

static int
init_query(struct weir_span *s, unsigned query, struct weir_error *err)
{
	const struct weir_plan_query *pq = &s->plan->queries[query];
	struct weir_span_query *q = &s->queries[query];
	struct weir_group_spec spec;
	int64_t pane_ns;

	q->kind = weir_span_kind_of(s->plan, query);
	q->head_slot = weir_span_head_slot(s->plan, query, &s->slot_key);
	q->history_ns = weir_span_history(s->plan, query);
	q->is_endless = weir_span_is_endless(s->plan, query);
	q->hold_ns = INT64_MIN;
	if (pq->path && pq->path->hands_over)
		return weir_span_rows_init(s, query, err);
	if (!pq->path || !pq->path->has_group || pq->is_shared)
		return 0;
	pane_ns = weir_window_pane_ns(&pq->path->window);
	q->own.window.kind = pane_ns ? WEIR_WINDOW_TUMBLING : WEIR_WINDOW_GLOBAL;
	q->own.window.size_ns = pane_ns;
	q->own.last_end_ns = INT64_MIN;
	weir_plan_group_spec(s->plan, pq, &spec);
	q->aggregator = weir_aggregator_create(&spec, err);
	if (!q->aggregator)
		return err->code;
	return weir_span_ships(s->plan, query) ? weir_span_rows_init(s, query, err) : 0;
}

/* What decides the rows of a query, for the others to compare. */
static char *
text_of(const struct weir_plan *plan, unsigned query, const char *secret)
{
	const struct weir_query_text *text = plan->queries[query].text;
	char *out = NULL;
	size_t n;
	FILE *f = open_memstream(&out, &n);

	if (!f)
		abort();
	for (unsigned i = 0; i < text->n_stages; i++)
		fprintf(f, "%s%s '%s'", i ? " " : "", weir_flag_name(text->stages[i].flag),
		    text->stages[i].text);
	if (plan->queries[query].path) {
		char window[64];

		fprintf(f, "%s--default-window '%s'", text->n_stages ? " " : "",
		    weir_window_text(&plan->queries[query].path->window, window, sizeof(window)));
	}
	fprintf(f, "%s--secret-file '%s'", ftell(f) > 0 ? " " : "", secret);
	fclose(f);
	return out;
}

static int
join(struct weir_span *s, uint64_t incarnation, struct weir_error *err)
{
	const struct weir_command *c = s->plan->command;
	struct weir_cluster_uri uri;
	struct weir_cluster_query *queries = calloc(s->plan->n_queries + 1, sizeof(*queries));
	struct weir_wire_self self;
	char address[64], rss[WEIR_WIRE_RSS_TEXT_BYTES];
	int rc = weir_cluster_uri_parse(c->cluster, &uri, err);

	if (rc || !queries) {
		free(queries);
		return rc ? weir_error_wrap(err, "--cluster '%s'", c->cluster)
			  : weir_error_run(err, -ENOMEM, "out of memory");
	}
	weir_wire_self(s->wire, &self);
	weir_ip_text(&self.ip.addr, self.ip.version, address, sizeof(address));
	for (unsigned i = 0; i < s->plan->n_queries; i++) {
		queries[i].name = s->plan->queries[i].text->name;
		queries[i].text = text_of(s->plan, i, s->secret_mark);
	}
	rc = weir_cluster_open(
	    &(struct weir_cluster_config){
		.uri = &uri,
		.name = c->node,
		.incarnation = incarnation,
		.address = address,
		.udp_port = self.udp_port,
		.n_queues = self.rss.n_queues ? self.rss.n_queues : 1,
		.facts = weir_wire_rss_text(&self.rss, rss, sizeof(rss)),
		.queries = queries,
		.n_queries = s->plan->n_queries,
	    },
	    &s->cluster, err);
	for (unsigned i = 0; i < s->plan->n_queries; i++)
		free((void *)(uintptr_t)queries[i].text);
	free(queries);
	weir_cluster_uri_free(&uri);
	if (rc)
		return weir_error_wrap(err, "--cluster '%s'", c->cluster);
	s->view = weir_cluster_view_get(s->cluster);
	return 0;
}

/* By which nodes see whether they have the same secret, before they wait for each other. */
static int
mark_secret(
    struct weir_span *s, const struct weir_secret *secret, const char *job, struct weir_error *err)
{
	uint8_t bytes[16];
	int rc;

	snprintf(s->secret_mark, sizeof(s->secret_mark), "none");
	if (!secret)
		return 0;
	rc = weir_secret_derive(secret, job, "weir mark v1", bytes, sizeof(bytes), err);
	for (unsigned i = 0; !rc && i < 4; i++)
		snprintf(s->secret_mark + 2 * i, 3, "%02x", bytes[i]);
	return rc;
}

static int
open_wire(struct weir_span *s, uint64_t incarnation, struct weir_error *err)
{
	const struct weir_command *c = s->plan->command;
	struct weir_wire_spec spec;
	struct weir_wire_config config;
	struct weir_secret *secret = NULL;
	struct weir_cluster_uri uri;
	int rc = weir_wire_parse(c->wire, &spec, err);

	if (rc)
		return weir_error_wrap(err, "--wire '%s'", c->wire);
	rc = weir_cluster_uri_parse(c->cluster, &uri, err);
	if (rc)
		return weir_error_wrap(err, "--cluster '%s'", c->cluster);
	if (c->secret_file)
		rc = weir_secret_read(c->secret_file, &secret, err);
	if (rc) {
		weir_cluster_uri_free(&uri);
		return weir_error_wrap(err, "--secret-file '%s'", c->secret_file);
	}
	config = (struct weir_wire_config){ .spec = &spec,
		.job = uri.job,
		.secret = secret,
		.is_insecure = c->is_insecure_wire,
		.is_tapped = s->is_tapped,
		.incarnation = incarnation,
		.wake = wake,
		.wake_arg = s->waker };
	rc = s->wire ? weir_wire_renew(s->wire, &config, err)
		     : weir_wire_open(&config, &s->wire, err);
	if (!rc)
		rc = weir_secret_derive(secret, uri.job, "weir slots v1", s->slot_key.bytes,
		    sizeof(s->slot_key.bytes), err);
	if (!rc)
		rc = mark_secret(s, secret, uri.job, err);
	weir_secret_free(secret);
	weir_cluster_uri_free(&uri);
	return rc ? weir_error_wrap(err, "--wire '%s'", c->wire) : 0;
}

static uint64_t
new_incarnation(void)
{
	uint64_t incarnation = 0;

	while (!incarnation)
		if (getrandom(&incarnation, sizeof(incarnation), 0) != sizeof(incarnation))
			incarnation = (uint64_t)weir_now_wall_ns();
	return incarnation;
}

static void
free_peer(struct weir_span_peer *peer)
{
	free(peer->arrived.bits);
	weir_span_end_long(&peer->sending);
	weir_span_forget_gathered(&peer->gather);
	free(peer->ledger);
	free(peer->holds);
	json_decref(peer->last);
}

static void
clear_peers(struct weir_span *s)
{
	for (unsigned i = 0; i < WEIR_WIRE_PEERS; i++) {
		struct weir_span_peer *peer = &s->peers[i];

		free_peer(peer);
		*peer = (struct weir_span_peer){
			.complete_ns = INT64_MIN, .done_ns = INT64_MIN, .claim_ns = INT64_MIN
		};
		peer->status.done_ns = peer->status.closed_ns = peer->status.claim_ns = INT64_MIN;
	}
}

static void
free_early(struct weir_span *s)
{
	while (s->early) {
		struct weir_span_early *e = s->early;

		s->early = e->next;
		free(e);
	}
	s->early_end = &s->early;
}

/* Out of the cluster: views, what came from others, and how far anybody was. */
static void
end_membership(struct weir_span *s)
{
	weir_cluster_view_unref(s->map);
	weir_cluster_view_unref(s->view);
	if (s->cluster)
		weir_cluster_close(s->cluster);
	s->map = s->view = NULL;
	s->cluster = NULL;
	weir_span_forget_incoming(s);
	free_early(s);
}

/* Nothing is known of what anybody has delivered. */
static void
begin_slots(struct weir_span *s)
{
	for (unsigned i = 0; i < WEIR_SPAN_SLOTS; i++) {
		s->done_ns[i] = s->heard_done_ns[i] = s->own_done_ns[i] = INT64_MIN;
		s->went_over_ns[i] = INT64_MIN;
		s->keeper[i] = WEIR_CLUSTER_NONE;
		s->own_state[i] = false;
	}
	s->history_ns = s->held_ns = INT64_MIN;
	weir_span_forget_states(s);
}

/*
 * As a node that is new, with the packets that this one has kept: the tables of the others say
 * which windows are still to come. Nothing is delivered before.
 */
void
weir_span_rejoin(struct weir_span *s)
{
	struct weir_cluster_view *before = weir_cluster_view_ref(s->view);
	uint64_t incarnation = new_incarnation();
	struct weir_error e = { 0 };
	int rc = 0;

	if (s->is_draining)
		rc = weir_error_run(&e, -ESTALE, "it was about to leave");
	weir_log(WEIR_LOG_WARNING,
	    "--cluster: others have taken this node's place while it was not heard of: %s",
	    rc ? "it ends" : "it joins again");
	weir_span_hold(s);
	s->epoch = s->moving_epoch = s->own_epoch = 0;
	s->is_moving = false;
	s->complete_ns = s->delivered_ns = s->freed_ns = s->mixed_until_ns = s->claim_ns =
	    INT64_MIN;
	begin_slots(s);
	if (!rc) {
		end_membership(s);
		for (unsigned i = 0; i < WEIR_WIRE_PEERS; i++)
			if (s->peers[i].is_there)
				weir_wire_peer_remove(s->wire, i);
		clear_peers(s);
		rc = open_wire(s, incarnation, &e);
	}
	if (!rc)
		rc = join(s, incarnation, &e);
	if (rc) {
		weir_error_wrap(&e, "--cluster: others have taken this node's place");
		weir_span_fail(s, &e);
	}
	if (!s->view)
		s->view = weir_cluster_view_ref(before);
	weir_cluster_view_unref(before);
	s->counters.rejoined += !rc;
}

/* Is the wire's interface a source's as well, which has a copy of its packets? */
static bool
is_tapped(const struct weir_span_config *config)
{
	const struct weir_command *c = config->plan->command;

	for (unsigned i = 0; i < c->n_sources; i++)
		if (c->sources[i].guest && !config->sources[i]->needs_eal)
			return true;
	return false;
}

int
weir_span_open(
    const struct weir_span_config *config, struct weir_span **ret, struct weir_error *err)
{
	struct weir_span *s = calloc(1, sizeof(*s));
	uint64_t incarnation = 0;
	int rc = 0;

	*ret = s;
	if (!s)
		return weir_error_run(err, -ENOMEM, "out of memory");
	s->plan = config->plan;
	s->flow = config->flow;
	s->waker = config->waker;
	s->is_tapped = is_tapped(config);
	s->n_queries = s->plan->n_queries;
	s->kept_end = &s->kept;
	s->shipments_end = &s->shipments;
	s->old_kept_end = &s->old_kept;
	s->old_shipments_end = &s->old_shipments;
	s->early_end = &s->early;
	s->closed_ns = s->complete_ns = s->delivered_ns = s->freed_ns = s->claim_ns = INT64_MIN;
	s->most_kept_bytes =
	    (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / KEPT_SHARE;
	begin_slots(s);
	s->queries = calloc(WEIR_QUERIES_MOST, sizeof(*s->queries));
	s->by_number = calloc(WEIR_QUERIES_MOST, sizeof(*s->by_number));
	s->peers = calloc(WEIR_WIRE_PEERS, sizeof(*s->peers));
	if (!s->queries || !s->by_number || !s->peers)
		return weir_error_run(err, -ENOMEM, "out of memory");
	incarnation = new_incarnation();
	clear_peers(s);
	rc = open_wire(s, incarnation, err);
	number_queries(s);
	for (unsigned i = 0; !rc && i < s->plan->n_queries; i++)
		rc = init_query(s, i, err);
	return rc ? rc : join(s, incarnation, err);
}

void
weir_span_close(struct weir_span *s)
{
	struct weir_error e;

	if (!s)
		return;
	if (s->cluster && weir_span_is_over(s) && (!s->has_failed || !s->epoch) &&
	    weir_cluster_leave(s->cluster, LEAVE_NS, &e))
		weir_log(WEIR_LOG_WARNING, "--cluster: %s", e.text);
	end_membership(s);
	weir_cluster_view_unref(s->held.map);
	weir_wire_close(s->wire);
	weir_span_recall(s);
	while (s->kept) {
		struct weir_span_kept *k = s->kept;

		s->kept = k->next;
		weir_span_free_kept(s, k);
	}
	while (s->shipments) {
		struct weir_span_shipment *h = s->shipments;

		s->shipments = h->next;
		weir_span_free_shipment(s, h);
	}
	for (unsigned i = 0; s->queries && i < s->plan->n_queries; i++) {
		weir_windows_fini(&s->queries[i].own);
		weir_span_rows_fini(s, i);
		weir_aggregator_destroy(s->queries[i].aggregator);
		free(s->queries[i].incoming);
		free(s->queries[i].samples);
	}
	for (unsigned i = 0; s->peers && i < WEIR_WIRE_PEERS; i++)
		free_peer(&s->peers[i]);
	free(s->queries);
	free(s->by_number);
	free(s->peers);
	weir_gaps_fini(&s->gaps);
	free(s);
}

void
weir_span_share(struct weir_span *s, bool is_polled)
{
	weir_wire_share(s->wire, is_polled);
}

bool
weir_span_is_ready(const struct weir_span *s)
{
	return s->epoch != 0;
}

void
weir_span_give_up(struct weir_span *s)
{
	s->has_failed = s->failure_told = true;
}

void
weir_span_pane(struct weir_span *s, unsigned query, unsigned worker, struct weir_pane *pane)
{
	struct weir_pane *spare = pane;
	struct weir_error e;

	if (weir_windows_add(&s->queries[query].own, worker, pane, &spare, &worker, &e))
		weir_span_fail(s, &e);
	if (spare)
		s->flow->give_back(s->flow->ctx, query, worker, spare);
}

void
weir_span_closed(struct weir_span *s, int64_t time_ns)
{
	if (time_ns <= s->closed_ns)
		return;
	s->closed_ns = time_ns;
	if (time_ns == INT64_MAX)
		s->ended_mono_ns = weir_now_mono_ns();
	weir_span_keep(s);
	if (time_ns == INT64_MAX)
		weir_span_end_rows(s);
}

/* This node has no packets any more, but others have: they take over what it owns. */
static void
drain_alone(struct weir_span *s)
{
	struct weir_error e;

	if (s->is_draining || !s->plan->is_live || !s->ended_mono_ns || !s->epoch || s->is_moving ||
	    weir_now_mono_ns() - s->ended_mono_ns < ALONE_NS || weir_span_is_over(s))
		return;
	if (weir_cluster_drain(s->cluster, &e) == 0)
		s->is_draining = true;
}

bool
weir_span_turn(struct weir_span *s)
{
	bool did = !s->has_failed && weir_span_look(s);

	if (s->has_failed)
		return did;
	did |= weir_span_take(s, false);
	if (s->is_moving) {
		did |= weir_span_send_tables(s);
		weir_span_go_over(s);
	}
	if (s->epoch && !s->is_moving) {
		did |= weir_span_send(s);
		weir_span_tell_holds(s);
		weir_span_free(s);
	}
	drain_alone(s);
	if (s->is_draining && !s->linger_mono_ns && s->closed_ns == INT64_MAX && !s->is_moving &&
	    !s->kept && !s->shipments)
		s->linger_mono_ns = weir_now_mono_ns();
	return did;
}

const struct weir_gaps *
weir_span_gaps(const struct weir_span *s)
{
	return &s->gaps;
}

void
weir_span_delivered(struct weir_span *s, int64_t time_ns)
{
	if (time_ns <= s->delivered_ns || s->is_moving)
		return;
	s->delivered_ns = time_ns;
	weir_cluster_done(s->cluster, time_ns);
}

/* A node that leaves stays for a while with what others need of it if owners change again. */
static bool
may_leave(const struct weir_span *s)
{
	if (s->kept || s->shipments || weir_cluster_pending(s->cluster))
		return false;
	return !weir_span_has_old(s) ||
	       (s->linger_mono_ns && weir_now_mono_ns() - s->linger_mono_ns > LINGER_NS);
}

/* A node that has all may end before it can say that it knows so of this one. */
static bool
has_gone(const struct weir_span *s, unsigned node)
{
	return s->peers[node].status.done_ns == INT64_MAX &&
	       weir_now_mono_ns() - weir_wire_heard_ns(s->wire, node) > GONE_NS;
}

bool
weir_span_is_over(const struct weir_span *s)
{
	if (s->has_failed)
		return true;
	if (s->closed_ns != INT64_MAX || !s->epoch || s->is_moving)
		return false;
	if (s->is_draining)
		return may_leave(s);
	if (s->kept || s->shipments || s->old_kept || s->old_shipments)
		return false;
	for (unsigned node = 0; node < s->map->n_nodes; node++) {
		if (node == s->map->self || !weir_span_is_live(s->map, node))
			continue;
		if (s->peers[node].status.done_ns != INT64_MAX)
			return false;
		if ((s->peers[node].told.done_ns != INT64_MAX ||
			weir_wire_unacked(s->wire, node)) &&
		    !has_gone(s, node))
			return false;
	}
	return s->delivered_ns == INT64_MAX;
}

/* Windows of a query up to then may have groups here that are not this node's to deliver. */
static int64_t
mixed_until(const struct weir_span *s, unsigned query)
{
	const struct weir_window *window = &s->plan->queries[query].path->window;

	/* Panes come for the sake of a window, and are in later sliding ones, too; rows for the
	 * sake of what leaves early, and are in a window that ends later. */
	if (s->mixed_until_ns == INT64_MIN ||
	    (window->kind != WEIR_WINDOW_SLIDING && !s->queries[query].early))
		return s->mixed_until_ns;
	return window->kind == WEIR_WINDOW_GLOBAL
		   ? INT64_MAX
		   : weir_flow_plus(s->mixed_until_ns, window->size_ns);
}

struct weir_pane *
weir_span_admit(struct weir_span *s, unsigned query, struct weir_pane *pane, int64_t end_ns)
{
	const struct weir_span_query *q = &s->queries[query];
	uint32_t n = weir_pane_n_groups(pane), n_own = 0;
	struct weir_pane *own;
	uint16_t *slots;
	uint32_t *groups;
	struct weir_error e;

	if (end_ns > mixed_until(s, query))
		return pane;
	/* Later windows may be made of it, whoever has delivered it. */
	if (q->kind == WEIR_SPAN_HEAD)
		return q->history_ns || weir_span_delivers(s, query, end_ns) ? pane : NULL;
	slots = calloc(n + 1, sizeof(*slots));
	groups = calloc(n + 1, sizeof(*groups));
	own = weir_pane_create_like(pane);
	if (slots && groups && own) {
		weir_pane_slots(pane, &s->slot_key, slots);
		for (uint32_t g = 0; g < n; g++)
			if (end_ns > s->done_ns[slots[g]] &&
			    weir_span_owner(s, end_ns, slots[g]) == s->map->self)
				groups[n_own++] = g;
	}
	if (!slots || !groups || !own || weir_pane_merge_some(own, pane, groups, n_own)) {
		weir_error_run(&e, -ENOMEM, "no memory for a window");
		weir_span_fail(s, &e);
	} else {
		weir_pane_set_window(own, weir_pane_start(pane), weir_pane_end(pane));
	}
	free(slots);
	free(groups);
	return own;
}

void
weir_span_count(const struct weir_span *s, struct weir_span_counters *ret)
{
	*ret = s->counters;
}
