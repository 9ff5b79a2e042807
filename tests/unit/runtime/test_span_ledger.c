/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "random.h"
#include "span_parts.h"

/* Ledgers as nodes tell them, and the sums of all. */

#define N_QUERIES 5u
#define N_NODES   4u
#define N_FUZZED  100000u

/* A node with so many queries, whose numbers run the other way than their places. */
struct world {
	struct weir_span s;
	struct weir_plan plan;
	struct weir_plan_query queries[N_QUERIES];
	struct weir_query_text texts[N_QUERIES];
	char names[N_QUERIES][8];
	uint16_t by_number[N_QUERIES];
	struct weir_cluster_view view;
	struct weir_cluster_node nodes[N_NODES];
	struct weir_ledger ledger;
	struct weir_ledger_query counts[N_QUERIES];
};

static struct world *
make_world(unsigned self)
{
	static const char *const names[N_NODES] = { "a", "b", "c", "a" };
	struct world *w = calloc(1, sizeof(*w));

	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	for (unsigned i = 0; i < N_QUERIES; i++) {
		snprintf(w->names[i], sizeof(w->names[i]), "q%u", i);
		w->texts[i].name = w->names[i];
		w->queries[i].text = &w->texts[i];
		w->by_number[i] = (uint16_t)(N_QUERIES - 1 - i);
	}
	for (unsigned i = 0; i < N_NODES; i++)
		w->nodes[i] = (struct weir_cluster_node){
			.name = names[i], .incarnation = 100 + i, .state = WEIR_NODE_LIVE
		};
	w->plan.queries = w->queries;
	w->plan.n_queries = N_QUERIES;
	w->view.nodes = w->nodes;
	w->view.n_nodes = N_NODES;
	w->view.self = self;
	w->s.plan = &w->plan;
	w->s.n_queries = N_QUERIES;
	w->s.by_number = w->by_number;
	w->s.view = &w->view;
	w->s.peers = calloc(N_NODES, sizeof(*w->s.peers));
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->s.peers);
	w->s.run = 100 + self;
	w->ledger.queries = w->counts;
	w->ledger.n_queries = N_QUERIES;
	return w;
}

static void
free_world(struct world *w)
{
	for (unsigned i = 0; i < N_NODES; i++)
		free(w->s.peers[i].ledger);
	free(w->s.peers);
	free(w);
}

/* Counts that balance, other ones for each node and query. */
static void
count(struct world *w, uint64_t by)
{
	w->ledger.packets = 1000 * by;
	w->ledger.bytes = 100000 * by;
	w->ledger.lost_nic = by;
	w->ledger.lost_no_buffer = 2 * by;
	for (unsigned i = 0; i < N_QUERIES; i++)
		w->counts[i] = (struct weir_ledger_query){ .in = by * (i + 10),
			.aggregated = by * (i + 7),
			.under_way = by,
			.rows = by * i,
			.dropped = { [WEIR_DROP_WHERE] = by, [WEIR_DROP_TOP] = by } };
}

/* Tell all of it, some queries in a frame, the last ones first. */
static void
tell(struct world *from, struct world *to, unsigned node)
{
	uint8_t p[2048];

	for (unsigned first = N_QUERIES; first > 0;) {
		unsigned n = first < 2 ? first : 2;

		first -= n;
		CU_ASSERT_TRUE(weir_span_take_ledger(
		    &to->s, node, p, weir_span_put_ledger(&from->s, &from->ledger, first, n, p)));
	}
}

static json_int_t
at(const json_t *o, const char *a, const char *b, const char *c)
{
	o = json_object_get(o, a);
	o = b ? json_object_get(o, b) : o;
	o = c ? json_object_get(o, c) : o;
	CU_ASSERT_TRUE(json_is_integer(o));
	return json_integer_value(o);
}

static void
ledgers_come_back(void)
{
	struct world *a = make_world(0), *b = make_world(1);
	json_t *all, *of_b;

	count(a, 1);
	count(b, 10);
	tell(b, a, 1);
	a->nodes[2].state = WEIR_NODE_LEFT;
	a->nodes[3].state = WEIR_NODE_LEFT;
	all = weir_span_ledgers(&a->s, &a->ledger);
	of_b = json_object_get(json_object_get(all, "nodes"), "b");
	CU_ASSERT_EQUAL(at(of_b, "received", "packets", NULL), 10000);
	CU_ASSERT_EQUAL(at(of_b, "lost", "no_buffer", NULL), 20);
	CU_ASSERT_EQUAL(at(json_object_get(of_b, "queries"), "q4", "in", NULL), 140);
	CU_ASSERT_EQUAL(at(json_object_get(of_b, "queries"), "q4", "dropped", "top"), 10);
	CU_ASSERT_EQUAL(at(json_object_get(of_b, "queries"), "q0", "rows", NULL), 0);
	CU_ASSERT_EQUAL(at(all, "received", "packets", NULL), 11000);
	CU_ASSERT_EQUAL(at(json_object_get(all, "queries"), "q4", "in", NULL), 154);
	CU_ASSERT_TRUE(json_is_true(json_object_get(all, "balanced")));
	CU_ASSERT_EQUAL(json_array_size(json_object_get(all, "missing")), 0);
	json_decref(all);
	/* one packet of no account */
	b->counts[2].in++;
	b->ledger.packets++;
	tell(b, a, 1);
	a->nodes[2].state = WEIR_NODE_LIVE;
	all = weir_span_ledgers(&a->s, &a->ledger);
	CU_ASSERT_TRUE(json_is_false(json_object_get(all, "balanced")));
	CHECK_TEXT(json_string_value(json_array_get(json_object_get(all, "missing"), 0)), "c");
	json_decref(all);
	free_world(a);
	free_world(b);
}

/* Frames come in no order: one with fewer packets is older. A process of its own begins anew. */
static void
older_ones_change_nothing(void)
{
	struct world *a = make_world(0), *b = make_world(1);
	uint8_t p[2048];
	uint32_t len;
	json_t *all;

	count(b, 5);
	len = weir_span_put_ledger(&b->s, &b->ledger, 0, N_QUERIES, p);
	count(b, 6);
	tell(b, a, 1);
	CU_ASSERT_TRUE(weir_span_take_ledger(&a->s, 1, p, len));
	all = weir_span_ledgers(&a->s, &a->ledger);
	CU_ASSERT_EQUAL(at(all, "received", "packets", NULL), 6000);
	json_decref(all);
	b->s.run = 555;
	count(b, 1);
	tell(b, a, 1);
	all = weir_span_ledgers(&a->s, &a->ledger);
	CU_ASSERT_EQUAL(at(all, "received", "packets", NULL), 1000);
	json_decref(all);
	free_world(a);
	free_world(b);
}

/* What joined again goes on with its counts: it counts once, under the name it has. */
static void
who_joined_again_counts_once(void)
{
	struct world *a = make_world(1), *b = make_world(0);
	json_t *all;

	count(b, 3);
	tell(b, a, 0);
	count(b, 4);
	tell(b, a, 3);
	all = weir_span_ledgers(&a->s, &a->ledger);
	CU_ASSERT_EQUAL(at(all, "received", "packets", NULL), 4000);
	json_decref(all);
	b->s.run = 42; /* another process of that name */
	tell(b, a, 3);
	all = weir_span_ledgers(&a->s, &a->ledger);
	CU_ASSERT_EQUAL(at(all, "received", "packets", NULL), 7000);
	CU_ASSERT_PTR_NOT_NULL(json_object_get(json_object_get(all, "nodes"), "a"));
	CU_ASSERT_PTR_NOT_NULL(json_object_get(json_object_get(all, "nodes"), "a#4"));
	json_decref(all);
	free_world(a);
	free_world(b);
}

/* Any bytes are taken or refused; what is taken is of queries that there are. */
static void
any_bytes(void)
{
	struct world *a = make_world(0);
	uint8_t good[2048];
	uint32_t len;
	uint64_t state = 9, taken = 0;

	count(a, 7);
	len = weir_span_put_ledger(&a->s, &a->ledger, 1, 3, good);
	for (uint32_t n = 0; n < len; n++)
		CU_ASSERT_FALSE(weir_span_take_ledger(&a->s, 1, good, n));
	for (unsigned i = 0; i < N_FUZZED; i++) {
		uint32_t first = (uint32_t)(random_next(&state) % 7),
			 n = (uint32_t)(random_next(&state) % 7), size;
		uint8_t *exact;
		bool is_taken;

		size = weir_span_put_ledger(&a->s, &a->ledger, 0, n < N_QUERIES ? n : 0, good);
		good[3] = (uint8_t)first;
		good[5] = (uint8_t)n;
		good[random_next(&state) % 8] ^= (uint8_t)(random_next(&state) % 8 == 0);
		exact = malloc(size);
		CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
		memcpy(exact, good, size);
		is_taken = weir_span_take_ledger(&a->s, 1 + i % 3, exact, size);
		CU_ASSERT(!is_taken || (good[3] + good[5] <= (int)N_QUERIES && !good[1]));
		taken += is_taken;
		free(exact);
	}
	CU_ASSERT(taken > N_FUZZED / 10 && taken < N_FUZZED);
	free_world(a);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "ledgers come back", ledgers_come_back },
		{ "older ones change nothing", older_ones_change_nothing },
		{ "who joined again counts once", who_joined_again_counts_once },
		{ "any bytes", any_bytes },
		CU_TEST_INFO_NULL,
	};

	return check_run("ledgers of nodes", tests);
}
