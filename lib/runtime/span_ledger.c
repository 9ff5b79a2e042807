/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include <weir/base/time.h>

#include "span_parts.h"

/*
 * Ledgers of all nodes: each tells the others its totals now and then, some queries in a frame, in
 * the order of their numbers. A frame is a state, not a difference, so that of those that come in
 * another order the one with most packets counts.
 */

#define TELL_NS    (1 * WEIR_NS_PER_S)
#define TOTALS     (4 + WEIR_N_DROP_REASONS) /* of a query */
#define RECEIVED   5
#define HEAD_BYTES (8 + RECEIVED * 8) /* type, 0, first query, queries, 0, run, received */

struct totals {
	uint64_t in, aggregated, under_way, rows;
	uint64_t dropped[WEIR_N_DROP_REASONS];
};

static_assert(sizeof(struct totals) == TOTALS * sizeof(uint64_t), "nothing between them");

/* What a node has told. */
struct weir_span_ledger {
	int64_t mono_ns; /* when it did last */
	uint64_t run;    /* the process: one that joined again goes on with its counts */
	uint64_t packets, bytes, lost_nic, lost_no_buffer;
	unsigned n_queries;
	struct totals queries[]; /* by number */
};

bool
weir_span_ledger_is_due(const struct weir_span *s)
{
	return s->epoch && weir_now_mono_ns() - s->ledger_mono_ns >= TELL_NS;
}

static void
fill(const struct weir_ledger_query *q, struct totals *t)
{
	*t = (struct totals){ q->in, q->aggregated, q->under_way, q->rows, { 0 } };
	memcpy(t->dropped, q->dropped, sizeof(t->dropped));
}

static uint8_t *
put(uint8_t *p, const uint64_t *from, unsigned n)
{
	for (unsigned i = 0; i < n; i++, p += sizeof(uint64_t)) {
		uint64_t x = rte_cpu_to_be_64(from[i]);

		memcpy(p, &x, sizeof(x));
	}
	return p;
}

static const uint8_t *
get(const uint8_t *p, uint64_t *to, unsigned n)
{
	for (unsigned i = 0; i < n; i++, p += sizeof(uint64_t)) {
		memcpy(&to[i], p, sizeof(to[i]));
		to[i] = rte_be_to_cpu_64(to[i]);
	}
	return p;
}

uint32_t
weir_span_put_ledger(const struct weir_span *s, const struct weir_ledger *own, unsigned first,
    unsigned n, uint8_t *p)
{
	const uint64_t received[RECEIVED] = { s->run, own->packets, own->bytes, own->lost_nic,
		own->lost_no_buffer };
	uint16_t words[3] = { rte_cpu_to_be_16((uint16_t)first), rte_cpu_to_be_16((uint16_t)n), 0 };
	uint8_t *at = p;
	struct totals t;

	*at++ = WEIR_SPAN_LEDGER;
	*at++ = 0;
	memcpy(at, words, sizeof(words));
	at = put(at + sizeof(words), received, RECEIVED);
	for (unsigned i = first; i < first + n; i++) {
		fill(&own->queries[s->by_number[i]], &t);
		at = put(at, (const uint64_t *)&t, TOTALS);
	}
	return (uint32_t)(at - p);
}

static void
tell(struct weir_span *s, unsigned node, const struct weir_ledger *own)
{
	unsigned most = (weir_wire_payload_most(s->wire) - HEAD_BYTES) / sizeof(struct totals), n;

	for (unsigned first = 0; first < s->n_queries; first += n) {
		struct weir_wire_frame *f = weir_span_frame(s, node);

		n = s->n_queries - first < most ? s->n_queries - first : most;
		/* What there is no room for now comes with the next. */
		if (!f || !weir_span_send_frame(
			      s, node, f, weir_span_put_ledger(s, own, first, n, f->data)))
			return;
	}
}

void
weir_span_tell_ledger(struct weir_span *s, const struct weir_ledger *own)
{
	s->ledger_mono_ns = weir_now_mono_ns();
	if (!s->run)
		s->run = s->view->nodes[s->view->self].incarnation;
	if (own->n_queries != s->n_queries)
		return;
	for (unsigned node = 0; node < s->view->n_nodes; node++)
		if (node != s->view->self && s->peers[node].is_there)
			tell(s, node, own);
}

bool
weir_span_take_ledger(struct weir_span *s, unsigned node, const uint8_t *p, uint32_t len)
{
	struct weir_span_ledger *l = s->peers[node].ledger;
	uint64_t received[RECEIVED];
	uint16_t words[3];
	unsigned first, n;

	if (len < HEAD_BYTES || p[1])
		return false;
	memcpy(words, p + 2, sizeof(words));
	first = rte_be_to_cpu_16(words[0]);
	n = rte_be_to_cpu_16(words[1]);
	if (words[2] || first + n > s->n_queries || len != HEAD_BYTES + n * sizeof(struct totals))
		return false;
	if (!l) {
		l = calloc(1, sizeof(*l) + s->n_queries * sizeof(l->queries[0]));
		if (!l)
			return true; /* it is told again */
		l->n_queries = s->n_queries;
		s->peers[node].ledger = l;
	}
	p = get(p + 2 + sizeof(words), received, RECEIVED);
	if (received[0] == l->run && received[1] < l->packets)
		return true; /* an older one */
	l->mono_ns = weir_now_mono_ns();
	l->run = received[0];
	l->packets = received[1];
	l->bytes = received[2];
	l->lost_nic = received[3];
	l->lost_no_buffer = received[4];
	for (unsigned i = first; i < first + n; i++)
		p = get(p, (uint64_t *)&l->queries[i], TOTALS);
	return true;
}

static uint64_t
dropped_of(const struct totals *t)
{
	uint64_t n = 0;

	for (unsigned r = 0; r < WEIR_N_DROP_REASONS; r++)
		n += t->dropped[r];
	return n;
}

static json_t *
query_json(const struct totals *t)
{
	json_t *o = json_object(), *dropped = json_object();

	for (unsigned r = 0; r < WEIR_N_DROP_REASONS; r++)
		json_object_set_new(dropped, weir_drop_reason_name((enum weir_drop_reason)r),
		    json_integer((json_int_t)t->dropped[r]));
	json_object_set_new(o, "in", json_integer((json_int_t)t->in));
	/* An owner's is below 0 where it dropped groups of which others had the packets. */
	json_object_set_new(o, "aggregated", json_integer((json_int_t)t->aggregated));
	json_object_set_new(o, "under_way", json_integer((json_int_t)t->under_way));
	json_object_set_new(o, "dropped", dropped);
	json_object_set_new(o, "rows", json_integer((json_int_t)t->rows));
	return o;
}

static json_t *
ledger_json(const struct weir_span *s, const struct weir_span_ledger *l, bool *is_balanced)
{
	json_t *o = json_object(), *queries = json_object();

	json_object_set_new(o, "received",
	    json_pack(
		"{s:I, s:I}", "packets", (json_int_t)l->packets, "bytes", (json_int_t)l->bytes));
	json_object_set_new(o, "lost",
	    json_pack("{s:I, s:I}", "nic", (json_int_t)l->lost_nic, "no_buffer",
		(json_int_t)l->lost_no_buffer));
	for (unsigned i = 0; i < l->n_queries; i++) {
		const struct totals *t = &l->queries[i];

		*is_balanced &= t->in == t->aggregated + t->under_way + dropped_of(t);
		json_object_set_new(
		    queries, s->plan->queries[s->by_number[i]].text->name, query_json(t));
	}
	json_object_set_new(o, "queries", queries);
	return o;
}

static void
add(struct weir_span_ledger *sum, const struct weir_span_ledger *l)
{
	uint64_t *to = (uint64_t *)sum->queries;
	const uint64_t *from = (const uint64_t *)l->queries;

	sum->packets += l->packets;
	sum->bytes += l->bytes;
	sum->lost_nic += l->lost_nic;
	sum->lost_no_buffer += l->lost_no_buffer;
	for (unsigned i = 0; i < l->n_queries * TOTALS; i++)
		to[i] += from[i];
}

static void
take_own(const struct weir_span *s, const struct weir_ledger *own, struct weir_span_ledger *to)
{
	to->packets = own->packets;
	to->bytes = own->bytes;
	to->lost_nic = own->lost_nic;
	to->lost_no_buffer = own->lost_no_buffer;
	for (unsigned i = 0; i < s->n_queries && own->n_queries == s->n_queries; i++)
		fill(&own->queries[s->by_number[i]], &to->queries[i]);
}

static json_t *
node_json(
    const struct weir_span *s, const struct weir_span_ledger *l, bool is_self, bool *is_balanced)
{
	json_t *o = ledger_json(s, l, is_balanced);

	json_object_set_new(o, "age_s",
	    json_real(
		is_self ? 0 : (double)(weir_now_mono_ns() - l->mono_ns) / (double)WEIR_NS_PER_S));
	return o;
}

/* A process that has joined again goes on with its counts: what it told before is in them. */
static bool
is_told_again(const struct weir_span *s, unsigned node)
{
	const struct weir_span_ledger *l = s->peers[node].ledger;

	for (unsigned other = 0; other < s->view->n_nodes; other++) {
		const struct weir_span_ledger *o = s->peers[other].ledger;

		if (o && other != node && o->run == l->run &&
		    (o->mono_ns > l->mono_ns || (o->mono_ns == l->mono_ns && other > node)))
			return true;
	}
	return l->run == s->run;
}

/* A name for each ledger: nodes that began anew have the name of those before. */
static void
set_node(json_t *nodes, const char *name, unsigned node, json_t *ledger)
{
	char numbered[WEIR_WIRE_NAME_BYTES + 16];

	snprintf(numbered, sizeof(numbered), "%s#%u", name, node + 1);
	json_object_set_new(nodes, json_object_get(nodes, name) ? numbered : name, ledger);
}

json_t *
weir_span_ledgers(struct weir_span *s, const struct weir_ledger *own)
{
	size_t size = sizeof(struct weir_span_ledger) + s->n_queries * sizeof(struct totals);
	struct weir_span_ledger *sum = calloc(1, size), *self = calloc(1, size);
	json_t *nodes = json_object(), *missing = json_array(), *o;
	bool is_balanced = true;

	if (!sum || !self)
		abort();
	sum->n_queries = self->n_queries = s->n_queries;
	take_own(s, own, self);
	for (unsigned node = 0; node < s->view->n_nodes; node++) {
		const char *name = s->view->nodes[node].name;
		bool is_self = node == s->view->self;
		const struct weir_span_ledger *l = is_self ? self : s->peers[node].ledger;

		if (!l && weir_span_is_live(s->view, node))
			json_array_append_new(missing, json_string(name));
		if (!l || (!is_self && is_told_again(s, node)))
			continue;
		add(sum, l);
		set_node(nodes, name, node, node_json(s, l, is_self, &is_balanced));
	}
	o = ledger_json(s, sum, &is_balanced);
	json_object_set_new(o, "nodes", nodes);
	json_object_set_new(o, "missing", missing);
	json_object_set_new(o, "balanced", json_boolean(is_balanced));
	free(sum);
	free(self);
	return o;
}
