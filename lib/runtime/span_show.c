/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/number.h>
#include <weir/base/time.h>

#include "span_parts.h"

/* The cluster as weir-ctl shows it, and what it asks of it. */

static json_t *
percentile(const struct weir_histogram *h, double q)
{
	uint64_t n = weir_histogram_count(h);

	if (!n || (double)n * (1 - q) < 1)
		return json_null();
	return json_integer((json_int_t)weir_histogram_quantile(h, q));
}

/* Counters of the wire by name; what it refused has an object of its own, by reason. */
static json_t *
wire_json(const uint64_t counters[WEIR_WIRE_N_COUNTERS])
{
	static const char refused[] = "refused_";
	json_t *o = json_object(), *reasons = json_object();

	for (unsigned i = 0; i < WEIR_WIRE_N_COUNTERS; i++) {
		const char *name = weir_wire_counter_name((enum weir_wire_counter)i);
		json_t *n = json_integer((json_int_t)counters[i]);

		if (strncmp(name, refused, sizeof(refused) - 1) == 0)
			json_object_set_new(reasons, name + sizeof(refused) - 1, n);
		else
			json_object_set_new(o, name, n);
	}
	json_object_set_new(o, "refused", reasons);
	return o;
}

/* What the wire knows of a peer, or what it knew when it went. */
static void
add_wire(struct weir_span *s, unsigned node, json_t *o)
{
	struct weir_wire_peer_stats *stats = malloc(sizeof(*stats));

	if (!stats)
		abort();
	if (s->peers[node].is_there && weir_wire_peer_stats(s->wire, node, stats)) {
		json_object_set_new(o, "heard_s",
		    stats->heard_ns ? json_real((double)(weir_now_mono_ns() - stats->heard_ns) /
						(double)WEIR_NS_PER_S)
				    : json_null());
		json_object_set_new(o, "clock_offset_ns",
		    stats->has_clock ? json_integer(stats->offset_ns) : json_null());
		json_object_set_new(o, "clock_error_ns",
		    stats->has_clock ? json_integer(stats->error_ns) : json_null());
		json_object_set_new(o, "rtt_p50_ns", percentile(&stats->rtt, 0.5));
		json_object_set_new(o, "rtt_p90_ns", percentile(&stats->rtt, 0.9));
		json_object_set_new(o, "rtt_p99_ns", percentile(&stats->rtt, 0.99));
		json_object_set_new(o, "unacknowledged", json_integer(stats->n_unacked));
		json_object_set_new(o, "credit", json_integer(stats->n_credit));
		json_object_set_new(o, "wire", wire_json(stats->counters));
	} else if (s->peers[node].last) {
		json_object_update(o, s->peers[node].last);
	}
	free(stats);
}

void
weir_span_note_peer(struct weir_span *s, unsigned node)
{
	json_t *o = json_object();

	add_wire(s, node, o);
	json_decref(s->peers[node].last);
	s->peers[node].last = o;
}

static json_t *
exchange_json(const struct weir_span *s)
{
	json_t *c = json_object();

#define X(name) json_object_set_new(c, #name, json_integer((json_int_t)s->counters.name))
	X(panes);
	X(groups_sent);
	X(groups_kept);
	X(rows_sent);
	X(rows_taken);
	X(parts_sent);
	X(parts_taken);
	X(groups_shed);
	X(frames_stale);
	X(frames_wrong);
	X(changes);
	X(rejoined);
#undef X
	json_object_set_new(c, "kept_bytes", json_integer((json_int_t)s->kept_bytes));
	return c;
}

/* A time of the stream, or null. */
static json_t *
instant(int64_t time_ns)
{
	return time_ns == INT64_MIN || time_ns == INT64_MAX ? json_null() : json_integer(time_ns);
}

static json_t *
node_json(struct weir_span *s, unsigned node)
{
	const struct weir_cluster_view *v = s->view;
	const struct weir_cluster_node *n = &v->nodes[node];
	const struct weir_span_status *status = &s->peers[node].status;
	bool is_self = node == v->self;
	json_t *o = json_object();

	json_object_set_new(o, "node", json_string(n->name));
	json_object_set_new(o, "self", json_boolean(is_self));
	json_object_set_new(o, "state",
	    json_string(
		is_self ? weir_cluster_state_name(v->state) : weir_node_state_name(n->state)));
	json_object_set_new(o, "address", json_string(n->address));
	json_object_set_new(o, "weight", json_real(n->weight));
	json_object_set_new(o, "slots",
	    json_integer(v->epoch ? weir_cluster_slots_of(v, WEIR_CLUSTER_GLOBAL - 1, node) : 0));
	json_object_set_new(o, "closed_ns", instant(is_self ? s->closed_ns : status->closed_ns));
	json_object_set_new(
	    o, "delivered_ns", instant(is_self ? s->delivered_ns : status->done_ns));
	if (!is_self)
		add_wire(s, node, o);
	return o;
}

json_t *
weir_span_nodes(struct weir_span *s)
{
	json_t *o = json_object(), *list = json_array();

	for (unsigned node = 0; node < s->view->n_nodes; node++)
		json_array_append_new(list, node_json(s, node));
	json_object_set_new(o, "epoch", json_integer((json_int_t)s->epoch));
	json_object_set_new(o, "moving", json_boolean(s->is_moving));
	json_object_set_new(
	    o, "coordinator", json_string(s->view->is_away ? "does not answer" : "answers"));
	json_object_set_new(o, "nodes", list);
	json_object_set_new(o, "exchange", exchange_json(s));
	return o;
}

json_t *
weir_span_json(struct weir_span *s)
{
	const struct weir_cluster_view *v = s->view;
	json_t *o = json_object(), *peers = json_object();
	struct weir_wire_stats stats = { 0 };

	if (s->wire)
		weir_wire_stats(s->wire, &stats);
	json_object_set_new(o, "node", json_string(v->nodes[v->self].name));
	json_object_set_new(o, "state", json_string(weir_cluster_state_name(v->state)));
	json_object_set_new(o, "epoch", json_integer((json_int_t)s->epoch));
	json_object_set_new(o, "exchange", exchange_json(s));
	json_object_set_new(o, "wire", wire_json(stats.counters));
	for (unsigned node = 0; node < v->n_nodes; node++)
		if (node != v->self)
			json_object_set_new(peers, v->nodes[node].name, node_json(s, node));
	json_object_set_new(o, "peers", peers);
	return o;
}

static json_int_t
count_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* Named reasons that are not 0, behind a heading. */
static void
print_reasons(const json_t *o, const char *const names[], const char *heading, FILE *out)
{
	unsigned n = 0;

	for (unsigned i = 0; names[i]; i++)
		if (count_of(o, names[i]))
			fprintf(out, "%s %s %" JSON_INTEGER_FORMAT, n++ ? "," : heading, names[i],
			    count_of(o, names[i]));
	if (n)
		fprintf(out, "\n");
}

void
weir_span_print(const json_t *cluster, FILE *out)
{
	static const char *const shed[] = { "groups_shed", "frames_stale", "frames_wrong", NULL };
	const json_t *x = json_object_get(cluster, "exchange");
	const json_t *wire = json_object_get(cluster, "wire"), *refused, *n;
	const char *name;
	unsigned n_refused = 0;

	fprintf(out,
	    "weir: cluster: node %s, %s, epoch %" JSON_INTEGER_FORMAT
	    "; groups kept %" JSON_INTEGER_FORMAT ", sent %" JSON_INTEGER_FORMAT
	    " in %" JSON_INTEGER_FORMAT " frames, taken in %" JSON_INTEGER_FORMAT "; rows sent "
	    "%" JSON_INTEGER_FORMAT ", taken %" JSON_INTEGER_FORMAT "; %" JSON_INTEGER_FORMAT
	    " frames sent again\n",
	    json_string_value(json_object_get(cluster, "node")),
	    json_string_value(json_object_get(cluster, "state")), count_of(cluster, "epoch"),
	    count_of(x, "groups_kept"), count_of(x, "groups_sent"), count_of(x, "parts_sent"),
	    count_of(x, "parts_taken"), count_of(x, "rows_sent"), count_of(x, "rows_taken"),
	    count_of(wire, "retransmitted"));
	print_reasons(x, shed, "weir: cluster: not handed over:", out);
	refused = json_object_get(wire, "refused");
	json_object_foreach((json_t *)(uintptr_t)refused, name, n)
	{
		if (json_integer_value(n))
			fprintf(out, "%s %s %" JSON_INTEGER_FORMAT,
			    n_refused++ ? "," : "weir: wire: refused frames:", name,
			    json_integer_value(n));
	}
	if (n_refused)
		fprintf(out, "\n");
}

/* Ranges of slots that have one owner. */
json_t *
weir_span_slots(const struct weir_span *s)
{
	const struct weir_cluster_view *v = s->view;
	json_t *o = json_object(), *list = json_array();
	unsigned first = 0;

	for (unsigned slot = 0; v->epoch && slot < WEIR_SPAN_SLOTS; slot++) {
		unsigned owner = weir_cluster_owner(v, WEIR_CLUSTER_GLOBAL - 1, slot);

		if (slot + 1 < WEIR_SPAN_SLOTS &&
		    weir_cluster_owner(v, WEIR_CLUSTER_GLOBAL - 1, slot + 1) == owner)
			continue;
		json_array_append_new(
		    list, json_pack("{s:i, s:i, s:s}", "first", (int)first, "last", (int)slot,
			      "node", owner == WEIR_CLUSTER_NONE ? "" : v->nodes[owner].name));
		first = slot + 1;
	}
	json_object_set_new(o, "epoch", json_integer((json_int_t)v->epoch));
	json_object_set_new(o, "slots", list);
	return o;
}

/* "FIRST[-LAST] NODE" */
int
weir_span_move(struct weir_span *s, const char *text, struct weir_error *err)
{
	unsigned first, last;
	int at = 0;

	if (sscanf(text, "%u-%u %n", &first, &last, &at) != 2 || !at) {
		at = 0;
		if (sscanf(text, "%u %n", &first, &at) != 1 || !at)
			return weir_error_usage(err,
			    "'%s': slots and a node are needed (try '0-1023 %s')", text,
			    s->view->nodes[s->view->self].name);
		last = first;
	}
	if (s->has_failed)
		return weir_error_run(err, -ESTALE, "this node has lost its place, and ends");
	return weir_cluster_move(s->cluster, first, last, text + at, err);
}

int
weir_span_drain(struct weir_span *s, struct weir_error *err)
{
	int rc;

	if (s->has_failed)
		return weir_error_run(err, -ESTALE, "this node has lost its place, and ends");
	rc = weir_cluster_drain(s->cluster, err);

	if (!rc)
		s->is_draining = true;
	return rc;
}
