/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes of one job, with a coordinator in memory: joining, losing, draining, moving, fencing. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <weir/base/time.h>

#include "check.h"
#include "memory.h"

#define PATIENCE_NS (60 * WEIR_NS_PER_S)
#define FAR         (INT64_MAX - 1) /* a window far ahead: the newest map's */

static struct weir_cluster_query same[] = { { "scan", "--where 'tcp' --key src --agg 'n=count()'" },
	{ "top", "--top 5" } };

static struct memory *store;

static struct weir_cluster_uri
uri_of(unsigned n_nodes)
{
	return (struct weir_cluster_uri){
		.n_nodes = n_nodes, .ttl_ns = WEIR_NS_PER_S, .lead_ns = WEIR_NS_PER_S / 5
	};
}

static int
try_open(const char *name, uint64_t incarnation, unsigned n_nodes,
    const struct weir_cluster_query *queries, unsigned n_queries, struct weir_cluster **ret,
    struct weir_error *err)
{
	struct weir_cluster_uri u = uri_of(n_nodes);
	struct weir_cluster_config config = { .uri = &u,
		.name = name,
		.incarnation = incarnation,
		.address = "192.0.2.1",
		.facts = "rss=toeplitz",
		.weight = 2,
		.queries = queries,
		.n_queries = n_queries,
		.udp_port = 4789,
		.n_queues = 2,
		.ops = &memory_ops,
		.ops_arg = store };

	return weir_cluster_open(&config, ret, err);
}

static struct weir_cluster *
open_node(const char *name, uint64_t incarnation, unsigned n_nodes)
{
	struct weir_cluster *c = NULL;
	struct weir_error err = { 0 };

	if (try_open(name, incarnation, n_nodes, same, 2, &c, &err)) {
		fprintf(stderr, "%s: %s\n", name, err.text);
		CU_FAIL_FATAL("a node cannot join");
	}
	return c;
}

static bool
is_live(const struct weir_cluster_view *v, const char *name, enum weir_node_state state)
{
	unsigned i = weir_cluster_find_name(v, name);

	return i != WEIR_CLUSTER_NONE && v->nodes[i].state == state;
}

/* Wait until the node has the state, and sees another one in its state (where that has a name). */
static bool
wait_for(struct weir_cluster *c, enum weir_cluster_state own, const char *other,
    enum weir_node_state state)
{
	int64_t end_ns = weir_now_mono_ns() + PATIENCE_NS;
	struct timespec pause = { .tv_nsec = 2000000 };
	bool is_so = false;

	while (!is_so && weir_now_mono_ns() < end_ns) {
		struct weir_cluster_view *v = weir_cluster_view_get(c);

		is_so = v->state == own && (!other || is_live(v, other, state));
		weir_cluster_view_unref(v);
		nanosleep(&pause, NULL);
	}
	return is_so;
}

static bool
has_event(struct weir_cluster *c, const char *what)
{
	int64_t end_ns = weir_now_mono_ns() + PATIENCE_NS;
	struct timespec pause = { .tv_nsec = 2000000 };
	char line[512];

	for (; weir_now_mono_ns() < end_ns; nanosleep(&pause, NULL))
		while (weir_cluster_event(c, line, sizeof(line)))
			if (strstr(line, what))
				return true;
	return false;
}

static unsigned
slots(struct weir_cluster *c, const char *name)
{
	struct weir_cluster_view *v = weir_cluster_view_get(c);
	unsigned n = weir_cluster_slots_of(v, FAR, weir_cluster_find_name(v, name));

	weir_cluster_view_unref(v);
	return n;
}

static uint64_t
epoch(struct weir_cluster *c)
{
	struct weir_cluster_view *v = weir_cluster_view_get(c);
	uint64_t e = v->epoch;

	weir_cluster_view_unref(v);
	return e;
}

static void
close_all(struct weir_cluster *a, struct weir_cluster *b, struct weir_cluster *c)
{
	weir_cluster_close(a);
	weir_cluster_close(b);
	weir_cluster_close(c);
	memory_free(store);
	store = NULL;
}

static void
test_first_map(void)
{
	struct weir_cluster *a, *b, *c;
	struct weir_cluster_view *v;
	struct weir_cluster_map_info info;
	unsigned other;

	store = memory_create();
	a = open_node("a", 1, 3);
	b = open_node("b", 2, 3);
	CU_ASSERT(wait_for(a, WEIR_CLUSTER_JOINING, "b", WEIR_NODE_JOINING));
	CU_ASSERT_EQUAL(epoch(a), 0);
	c = open_node("c", 3, 3);
	CU_ASSERT(wait_for(a, WEIR_CLUSTER_LIVE, "c", WEIR_NODE_LIVE));
	CU_ASSERT(wait_for(b, WEIR_CLUSTER_LIVE, "a", WEIR_NODE_LIVE));
	CU_ASSERT(wait_for(c, WEIR_CLUSTER_LIVE, "b", WEIR_NODE_LIVE));
	CU_ASSERT_EQUAL(epoch(a), epoch(b));
	CU_ASSERT_EQUAL(epoch(a), epoch(c));
	CU_ASSERT_EQUAL(slots(a, "a") + slots(a, "b") + slots(a, "c"), WEIR_CLUSTER_SLOTS);
	v = weir_cluster_view_get(a);
	weir_cluster_map_info(v, 0, &info);
	CU_ASSERT_EQUAL(v->n_maps, 1);
	CU_ASSERT_EQUAL(info.from_ns, INT64_MIN);
	other = weir_cluster_find_name(v, "b");
	CHECK_TEXT(v->nodes[other].address, "192.0.2.1");
	CHECK_TEXT(v->nodes[other].facts, "rss=toeplitz");
	CU_ASSERT_EQUAL(v->nodes[other].udp_port, 4789);
	CU_ASSERT_EQUAL(v->nodes[other].n_queues, 2);
	CU_ASSERT(weir_cluster_is_source(v, 5, other));
	weir_cluster_view_unref(v);
	close_all(a, b, c);
}

static void
test_join_is_planned(void)
{
	struct weir_cluster *a, *b;
	struct weir_cluster_view *v;
	struct weir_cluster_map_info info;
	int64_t before_ns = weir_now_wall_ns();
	unsigned self, other;

	store = memory_create();
	a = open_node("a", 1, 1);
	CU_ASSERT(wait_for(a, WEIR_CLUSTER_LIVE, NULL, 0));
	b = open_node("b", 2, 1);
	CU_ASSERT(wait_for(a, WEIR_CLUSTER_LIVE, "b", WEIR_NODE_LIVE));
	v = weir_cluster_view_get(a);
	self = v->self;
	other = weir_cluster_find_name(v, "b");
	CU_ASSERT_EQUAL_FATAL(v->n_maps, 2);
	weir_cluster_map_info(v, 1, &info);
	CU_ASSERT(info.from_ns >= before_ns + WEIR_NS_PER_S / 5);
	CU_ASSERT_EQUAL(weir_cluster_slots_of(v, info.from_ns, self), WEIR_CLUSTER_SLOTS);
	CU_ASSERT_NOT_EQUAL(weir_cluster_slots_of(v, info.from_ns + 1, other), 0);
	CU_ASSERT_FALSE(weir_cluster_is_source(v, info.from_ns, other));
	CU_ASSERT(weir_cluster_is_source(v, info.from_ns + 1, other));
	/* What has no end stays where it began. */
	CU_ASSERT_EQUAL(weir_cluster_slots_of(v, WEIR_CLUSTER_GLOBAL, self), WEIR_CLUSTER_SLOTS);
	CU_ASSERT(
	    weir_cluster_epoch_of(v, info.from_ns) < weir_cluster_epoch_of(v, info.from_ns + 1));
	weir_cluster_view_unref(v);
	close_all(a, b, NULL);
}

static void
test_loss(void)
{
	struct weir_cluster *a, *b, *c;
	struct weir_cluster_view *v;
	unsigned lost;

	store = memory_create();
	a = open_node("a", 1, 3);
	b = open_node("b", 2, 3);
	c = open_node("c", 3, 3);
	CU_ASSERT(wait_for(a, WEIR_CLUSTER_LIVE, "c", WEIR_NODE_LIVE));
	CU_ASSERT(wait_for(c, WEIR_CLUSTER_LIVE, NULL, 0));
	memory_cut(store, "c", true);
	memory_lapse(store, "c");
	CU_ASSERT(wait_for(a, WEIR_CLUSTER_LIVE, "c", WEIR_NODE_LOST));
	CU_ASSERT(wait_for(b, WEIR_CLUSTER_LIVE, "c", WEIR_NODE_LOST));
	v = weir_cluster_view_get(a);
	lost = weir_cluster_find(v, 3);
	CU_ASSERT_NOT_EQUAL(v->nodes[lost].lost_epoch, 0);
	/* In windows of before as well, and in those without end. */
	CU_ASSERT_EQUAL(weir_cluster_slots_of(v, 5, lost), 0);
	CU_ASSERT_EQUAL(weir_cluster_slots_of(v, WEIR_CLUSTER_GLOBAL, lost), 0);
	CU_ASSERT(weir_cluster_is_source(v, 5, lost));
	CU_ASSERT_FALSE(weir_cluster_is_source(v, FAR, lost));
	weir_cluster_view_unref(v);
	/* It has not heard of it, and goes on until it does. */
	CU_ASSERT(wait_for(c, WEIR_CLUSTER_LIVE, NULL, 0));
	weir_cluster_heard_epoch(c, epoch(a));
	v = weir_cluster_poll(c);
	CU_ASSERT_PTR_NOT_NULL_FATAL(v);
	CU_ASSERT_EQUAL(v->state, WEIR_CLUSTER_FENCED);
	CU_ASSERT_FALSE(v->is_lost);
	weir_cluster_view_unref(v);
	memory_cut(store, "c", false);
	CU_ASSERT(has_event(c, "this node is fenced: others have its slots"));
	v = weir_cluster_view_get(c);
	CU_ASSERT(v->is_lost);
	CU_ASSERT_EQUAL(v->state, WEIR_CLUSTER_FENCED);
	weir_cluster_view_unref(v);
	close_all(a, b, c);
}

static void
test_away(void)
{
	struct weir_cluster *a, *b;
	uint64_t before;
	int64_t lease_ns;

	store = memory_create();
	a = open_node("a", 1, 2);
	b = open_node("b", 2, 2);
	CU_ASSERT(wait_for(a, WEIR_CLUSTER_LIVE, "b", WEIR_NODE_LIVE));
	CU_ASSERT(wait_for(b, WEIR_CLUSTER_LIVE, "a", WEIR_NODE_LIVE));
	before = epoch(a);
	memory_cut(store, "a", true);
	memory_cut(store, "b", true);
	CU_ASSERT(has_event(a, "does not answer"));
	lease_ns = weir_cluster_lease_until_ns(a);
	CU_ASSERT_NOT_EQUAL(lease_ns, 0);
	CU_ASSERT(has_event(b, "does not answer"));
	/* Both leases lapse while nobody can see it: nobody is lost by that. */
	memory_lapse(store, "a");
	memory_lapse(store, "b");
	CU_ASSERT(wait_for(a, WEIR_CLUSTER_LIVE, "b", WEIR_NODE_LIVE));
	CU_ASSERT(weir_cluster_lease_until_ns(a) == lease_ns);
	memory_cut(store, "a", false);
	memory_cut(store, "b", false);
	CU_ASSERT(has_event(a, "it has another"));
	CU_ASSERT(has_event(b, "it has another"));
	CU_ASSERT(wait_for(a, WEIR_CLUSTER_LIVE, "b", WEIR_NODE_LIVE));
	CU_ASSERT_EQUAL(epoch(a), before);
	CU_ASSERT_EQUAL(epoch(b), before);
	CU_ASSERT(weir_cluster_lease_until_ns(a) > lease_ns);
	close_all(a, b, NULL);
}

static void
test_drain(void)
{
	struct weir_cluster *a, *b;
	struct weir_cluster_view *v;
	struct weir_cluster_map_info info;

	store = memory_create();
	a = open_node("a", 1, 2);
	CU_ASSERT_EQUAL(weir_cluster_drain(a, NULL), -EBUSY);
	b = open_node("b", 2, 2);
	CU_ASSERT(wait_for(b, WEIR_CLUSTER_LIVE, "a", WEIR_NODE_LIVE));
	CU_ASSERT_FALSE(weir_cluster_pending(b));
	CU_ASSERT_EQUAL(weir_cluster_drain(b, NULL), 0);
	CU_ASSERT(weir_cluster_pending(b));
	CU_ASSERT(wait_for(b, WEIR_CLUSTER_DRAINING, NULL, 0));
	CU_ASSERT(weir_cluster_pending(b));
	v = weir_cluster_view_get(b);
	weir_cluster_map_info(v, v->n_maps - 1, &info);
	CU_ASSERT_NOT_EQUAL(weir_cluster_slots_of(v, info.from_ns, v->self), 0);
	CU_ASSERT_EQUAL(weir_cluster_slots_of(v, info.from_ns + 1, v->self), 0);
	CU_ASSERT_EQUAL(weir_cluster_slots_of(v, WEIR_CLUSTER_GLOBAL, v->self), 0);
	CU_ASSERT_FALSE(weir_cluster_is_source(v, info.from_ns + 1, v->self));
	weir_cluster_view_unref(v);
	weir_cluster_done(b, info.from_ns - 1);
	CU_ASSERT(weir_cluster_pending(b));
	weir_cluster_done(b, info.from_ns);
	CU_ASSERT_FALSE(weir_cluster_pending(b));
	CU_ASSERT_EQUAL(weir_cluster_leave(b, PATIENCE_NS, NULL), 0);
	CU_ASSERT(wait_for(a, WEIR_CLUSTER_LIVE, "b", WEIR_NODE_LEFT));
	v = weir_cluster_view_get(a);
	/* It left in good order: nothing that it had ended is anybody else's now. */
	CU_ASSERT_EQUAL(v->nodes[weir_cluster_find(v, 2)].lost_epoch, 0);
	CU_ASSERT_NOT_EQUAL(weir_cluster_slots_of(v, info.from_ns, weir_cluster_find(v, 2)), 0);
	weir_cluster_view_unref(v);
	CU_ASSERT_EQUAL(weir_cluster_leave(a, PATIENCE_NS, NULL), 0);
	CU_ASSERT_PTR_NULL(memory_get(store, "map"));
	CU_ASSERT_PTR_NULL(memory_get(store, "nodes/a"));
	close_all(a, b, NULL);
}

static void
test_leave_at_once(void)
{
	struct weir_cluster *a, *b;
	struct weir_cluster_view *v;

	store = memory_create();
	a = open_node("a", 1, 2);
	b = open_node("b", 2, 2);
	CU_ASSERT(wait_for(b, WEIR_CLUSTER_LIVE, "a", WEIR_NODE_LIVE));
	CU_ASSERT(wait_for(a, WEIR_CLUSTER_LIVE, "b", WEIR_NODE_LIVE));
	CU_ASSERT_EQUAL(weir_cluster_leave(b, PATIENCE_NS, NULL), 0);
	CU_ASSERT(wait_for(a, WEIR_CLUSTER_LIVE, "b", WEIR_NODE_LEFT));
	v = weir_cluster_view_get(a);
	CU_ASSERT_EQUAL(weir_cluster_slots_of(v, 5, v->self), WEIR_CLUSTER_SLOTS);
	weir_cluster_view_unref(v);
	close_all(a, b, NULL);
}

static unsigned
owner_of(struct weir_cluster *c, unsigned slot)
{
	struct weir_cluster_view *v = weir_cluster_view_get(c);
	unsigned n = weir_cluster_owner(v, FAR, slot);
	unsigned is_self = n == v->self;

	weir_cluster_view_unref(v);
	return is_self;
}

static bool
wait_for_map(struct weir_cluster *c, uint64_t after)
{
	int64_t end_ns = weir_now_mono_ns() + PATIENCE_NS;
	struct timespec pause = { .tv_nsec = 2000000 };

	while (epoch(c) <= after && weir_now_mono_ns() < end_ns)
		nanosleep(&pause, NULL);
	return epoch(c) > after;
}

static void
test_move(void)
{
	uint64_t before;
	struct weir_error err = { 0 };
	struct weir_cluster *a, *b;
	unsigned mine = 0;

	store = memory_create();
	a = open_node("alpha", 1, 2);
	b = open_node("beta", 2, 2);
	CU_ASSERT(wait_for(a, WEIR_CLUSTER_LIVE, "beta", WEIR_NODE_LIVE));
	CU_ASSERT_NOT_EQUAL(weir_cluster_move(a, 1, 0, "beta", &err), 0);
	CHECK_TEXT(err.text, "slots 1-0 are none: they go from 0 to 4095");
	CU_ASSERT_NOT_EQUAL(weir_cluster_move(a, 0, 1, "betta", &err), 0);
	CHECK_TEXT(err.text, "there is no live node 'betta', did you mean 'beta'?");
	before = epoch(a);
	CU_ASSERT_EQUAL(weir_cluster_move(a, 100, 299, "beta", NULL), 0);
	CU_ASSERT(has_event(a, "slots 100-299 move to node beta"));
	CU_ASSERT(wait_for_map(a, before));
	for (unsigned s = 100; s < 300; s++)
		mine += owner_of(a, s);
	CU_ASSERT_EQUAL(mine, 0);
	before = epoch(a);
	CU_ASSERT(wait_for_map(b, before - 1));
	CU_ASSERT_EQUAL(weir_cluster_unpin(b, 100, 299, NULL), 0);
	CU_ASSERT(has_event(b, "slots 100-299 move back"));
	CU_ASSERT(wait_for_map(b, before));
	for (unsigned s = 100; s < 300; s++)
		mine += !owner_of(b, s);
	CU_ASSERT(mine > 50); /* half of them, about */
	close_all(a, b, NULL);
}

static void
check_refused(const struct weir_cluster_query *q, unsigned n, const char *why)
{
	struct weir_cluster *c = NULL;
	struct weir_error err = { 0 };
	char expected[600];

	CU_ASSERT_NOT_EQUAL_FATAL(try_open("here", 9, 1, q, n, &c, &err), 0);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
	snprintf(expected, sizeof(expected),
	    "--cluster: %s (all nodes of a job run the same queries)", why);
	CHECK_TEXT(err.text, expected);
}

static void
test_queries(void)
{
	struct weir_cluster_query q[3] = { same[0], same[1], { "more", "--key dst" } };
	struct weir_cluster *a, *b;

	store = memory_create();
	a = open_node("there", 1, 1);
	q[0].text = "--where 'udp' --key src --agg 'n=count()'";
	check_refused(q, 2, "query 'scan': --where is 'udp' here and 'tcp' at node there");
	q[0].text = "--where 'tcp' --key src";
	check_refused(q, 2, "query 'scan': '--agg 'n=count()'' is there only at node there");
	q[0] = same[0];
	check_refused(q, 3, "there is no query 'more' at node there");
	check_refused(q, 1, "query 'top' of node there is not there here");
	/* Once nobody is there, others may begin with theirs. */
	CU_ASSERT_EQUAL(weir_cluster_leave(a, PATIENCE_NS, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(try_open("here", 9, 1, q, 3, &b, NULL), 0);
	CU_ASSERT(wait_for(b, WEIR_CLUSTER_LIVE, NULL, 0));
	close_all(a, b, NULL);
}

static void
test_same_name(void)
{
	struct weir_cluster *a, *b = NULL;
	struct weir_error err = { 0 };

	store = memory_create();
	a = open_node("a", 1, 1);
	CU_ASSERT_NOT_EQUAL_FATAL(try_open("a", 2, 1, same, 2, &b, &err), 0);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(err.text, "--node: there is a node a in the cluster already"));
	close_all(a, NULL, NULL);
}

static void
test_damaged_map(void)
{
	struct weir_cluster *a;
	uint64_t before;

	store = memory_create();
	a = open_node("a", 1, 1);
	CU_ASSERT(wait_for(a, WEIR_CLUSTER_LIVE, NULL, 0));
	before = epoch(a);
	memory_put(store, "map", "{\"version\":1}");
	memory_put(store, "nodes/x", "[]");
	CU_ASSERT(has_event(a, "going on with the map of before"));
	CU_ASSERT(wait_for(a, WEIR_CLUSTER_LIVE, NULL, 0));
	CU_ASSERT_EQUAL(epoch(a), before);
	close_all(a, NULL, NULL);
}

static void
test_lie(void)
{
	struct weir_cluster *a;

	store = memory_create();
	a = open_node("a", 1, 1);
	CU_ASSERT(wait_for(a, WEIR_CLUSTER_LIVE, NULL, 0));
	memory_put(store, "other", "x");
	weir_cluster_heard_epoch(a, epoch(a) + 1);
	CU_ASSERT(has_event(a, "which is no map's"));
	CU_ASSERT(wait_for(a, WEIR_CLUSTER_LIVE, NULL, 0));
	close_all(a, NULL, NULL);
}

#define N_RACERS 12

/* All want to be in the map at once, and each may write it. */
static void
test_race(void)
{
	struct weir_cluster *c[N_RACERS];
	char names[N_RACERS][8];
	unsigned n = 0;

	store = memory_create();
	for (unsigned i = 0; i < N_RACERS; i++) {
		snprintf(names[i], sizeof(names[i]), "n%u", i);
		c[i] = open_node(names[i], 100 + i, 1);
	}
	for (unsigned i = 0; i < N_RACERS; i++)
		for (unsigned k = 0; k < N_RACERS; k++)
			CU_ASSERT(wait_for(c[i], WEIR_CLUSTER_LIVE, names[k], WEIR_NODE_LIVE));
	for (unsigned i = 0; i < N_RACERS; i++) {
		CU_ASSERT_EQUAL(epoch(c[i]), epoch(c[0]));
		n += slots(c[0], names[i]);
	}
	CU_ASSERT_EQUAL(n, WEIR_CLUSTER_SLOTS);
	for (unsigned i = 0; i < N_RACERS; i++)
		weir_cluster_close(c[i]);
	memory_free(store);
}

static const CU_TestInfo tests[] = {
	{ "no map before nodes=N are there; then one for all", test_first_map },
	{ "who joins owns windows that end later", test_join_is_planned },
	{ "a lost node's slots pass on at once; it is fenced", test_loss },
	{ "a coordinator that is away loses nobody", test_away },
	{ "draining ends what is owned, and then leaves", test_drain },
	{ "who leaves without draining gives up what it owns", test_leave_at_once },
	{ "slots are moved by hand, and back", test_move },
	{ "other queries are refused, and the difference is named", test_queries },
	{ "a name that is taken is refused", test_same_name },
	{ "a damaged map changes nothing", test_damaged_map },
	{ "an epoch that never was fences for a moment only", test_lie },
	{ "twelve nodes at once agree", test_race },
	CU_TEST_INFO_NULL,
};

int
main(void)
{
	return check_run("cluster-member", tests);
}
