/* SPDX-License-Identifier: BSD-3-Clause */
/* Rendezvous hashing, and records of maps: written, read, followed, and one owner whatever happens.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>

#include "check.h"
#include "map.h"
#include "random.h"
#include "view.h"

#define SLOTS WEIR_CLUSTER_SLOTS

static const char *const names[] = { "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta",
	"theta" };

static unsigned
candidates(struct weir_candidate *c, unsigned n, const double *weights)
{
	for (unsigned i = 0; i < n; i++)
		c[i] = (struct weir_candidate){ names[i], weights ? weights[i] : 4, (uint16_t)i };
	return n;
}

static void
test_share(void)
{
	double weights[] = { 1, 2, 4, 8 };
	struct weir_candidate c[4];
	uint16_t owner[SLOTS];
	unsigned n[4] = { 0 };

	weir_rendezvous(c, candidates(c, 4, weights), owner);
	for (unsigned s = 0; s < SLOTS; s++)
		n[owner[s]]++;
	/* Standard deviations are 16, 22, 27 and 32 slots. */
	for (unsigned i = 0; i < 4; i++)
		CU_ASSERT_DOUBLE_EQUAL(n[i], SLOTS * weights[i] / 15, 130);
}

static void
test_minimal_moves(void)
{
	struct weir_candidate c[8];
	uint16_t before[SLOTS], after[SLOTS];
	unsigned n_moved = 0;

	weir_rendezvous(c, candidates(c, 7, NULL), before);
	weir_rendezvous(c, candidates(c, 8, NULL), after);
	for (unsigned s = 0; s < SLOTS; s++) {
		if (before[s] == after[s])
			continue;
		n_moved++;
		CU_ASSERT_EQUAL(after[s], 7); /* only to the one that joined */
	}
	CU_ASSERT_DOUBLE_EQUAL(n_moved, SLOTS / 8, 110);
}

static void
test_order_does_not_matter(void)
{
	struct weir_candidate c[8], reversed[8];
	uint16_t one[SLOTS], other[SLOTS];

	candidates(c, 8, NULL);
	for (unsigned i = 0; i < 8; i++)
		reversed[i] = c[7 - i];
	weir_rendezvous(c, 8, one);
	weir_rendezvous(reversed, 8, other);
	CU_ASSERT_EQUAL(memcmp(one, other, sizeof(one)), 0);
	/* What other hosts, and other versions, compute. */
	CU_ASSERT_EQUAL(
	    one[0] | one[1] << 4 | one[2] << 8 | one[3] << 12 | one[4095] << 16, 0x66072);
}

/* A cluster that changes at random, kept as one node would that writes all maps. */
struct world {
	struct weir_record *r;
	uint64_t rng, epoch;
	int64_t now_ns;
	unsigned n_born;
	uint8_t members[WEIR_RECORD_NODES_MAX], is_lost[WEIR_RECORD_NODES_MAX];
};

static unsigned
roll(struct world *w, unsigned n)
{
	return (unsigned)(random_next(&w->rng) % n);
}

/* Write and read again, as the coordinator does it, and go on with what was read. */
static void
write_down(struct world *w, int64_t lead_ns, int64_t done_ns)
{
	struct weir_map_change change = { .from_ns = w->r->n_maps ? w->now_ns + lead_ns : INT64_MIN,
		.done_ns = done_ns,
		.members = w->members,
		.is_lost = w->is_lost };
	struct weir_record *read = NULL;
	struct weir_error err = { 0 };
	char *text, *again;

	CU_ASSERT_EQUAL_FATAL(weir_record_append(w->r, &change), 0);
	w->epoch += 1 + roll(w, 3);
	text = weir_record_encode(w->r);
	CU_ASSERT(strlen(text) < 1000000);
	if (weir_record_decode(text, w->epoch, &read, &err))
		CU_FAIL_FATAL("a record that was written cannot be read");
	again = weir_record_encode(read);
	CU_ASSERT_EQUAL(strlen(again) >= strlen(text), true); /* epochs that are known now */
	free(text);
	free(again);
	weir_record_free(w->r);
	w->r = read;
	CU_ASSERT_EQUAL(w->r->maps[w->r->n_maps - 1].epoch, w->epoch);
}

static unsigned
pick_live(struct world *w, unsigned *ret_n)
{
	unsigned live[WEIR_RECORD_NODES_MAX], n = 0;

	for (unsigned i = 0; i < w->r->n_nodes; i++)
		if (w->members[i] == WEIR_MEMBER_LIVE)
			live[n++] = i;
	*ret_n = n;
	return n ? live[roll(w, n)] : 0;
}

enum happening { JOIN, LOSE, DRAIN, MOVE };

static void
happen(struct world *w, bool *ret_is_loss)
{
	enum happening what = (enum happening)roll(w, 4);
	const struct weir_map *m = &w->r->maps[w->r->n_maps - 1];
	unsigned n_live, one;
	char name[16];

	memset(w->members, 0, sizeof(w->members));
	memset(w->is_lost, 0, sizeof(w->is_lost));
	memcpy(w->members, m->members, w->r->n_nodes);
	one = pick_live(w, &n_live);
	*ret_is_loss = false;
	if (what == JOIN || n_live == 1) {
		snprintf(name, sizeof(name), "n%u", w->n_born++);
		one = weir_record_add_node(w->r, name, random_next(&w->rng) | 1, 1 + roll(w, 8));
		w->members[one] = WEIR_MEMBER_LIVE;
	} else if (what == LOSE) {
		while (roll(w, 2)) { /* one that drains, perhaps */
			one = roll(w, w->r->n_nodes);
			if (w->members[one])
				break;
			one = pick_live(w, &n_live);
		}
		w->members[one] = WEIR_NOT_MEMBER;
		w->is_lost[one] = true;
		*ret_is_loss = true;
	} else if (what == DRAIN) {
		w->members[one] = WEIR_MEMBER_DRAINING;
	} else {
		w->r->pins[roll(w, SLOTS)] = (uint16_t)one;
	}
}

/* The incarnation that owns a slot: numbers of nodes change from record to record. */
static uint64_t
owner_of(const struct weir_record *r, int64_t end_ns, unsigned slot)
{
	uint16_t n = weir_record_owner(r, end_ns, slot);

	return n == WEIR_NO_NODE ? 0 : r->nodes[n].incarnation;
}

static bool
is_lost_now(const struct weir_record *r, uint64_t incarnation)
{
	for (unsigned i = 0; i < r->n_nodes; i++)
		if (r->nodes[i].incarnation == incarnation)
			return r->nodes[i].lost_epoch != 0;
	return true; /* no map that is left names it */
}

static bool
is_draining_now(const struct weir_record *r, uint64_t incarnation)
{
	for (unsigned i = 0; i < r->n_nodes; i++)
		if (r->nodes[i].incarnation == incarnation)
			return r->maps[r->n_maps - 1].members[i] != WEIR_MEMBER_LIVE;
	return true;
}

/* The view says what the record says, to everybody in the same way. */
static void
check_view(const struct weir_record *r, int64_t end_ns, unsigned slot)
{
	struct weir_cluster_node nodes[256];
	struct weir_view_parts parts = { .nodes = nodes, .n_nodes = r->n_nodes + 1 };
	uint32_t number[256];
	struct weir_cluster_view *v;
	unsigned owner, n_slots = 0;

	memset(nodes, 0, sizeof(nodes));
	for (unsigned i = 0; i <= r->n_nodes; i++)
		nodes[i] = (struct weir_cluster_node){
			.name = "", .address = "", .facts = "", .version = ""
		};
	for (unsigned i = 0; i < r->n_nodes; i++) {
		number[i] = r->n_nodes - i; /* another order than the record's */
		nodes[number[i]].incarnation = r->nodes[i].incarnation;
		nodes[number[i]].lost_epoch = r->nodes[i].lost_epoch;
	}
	v = weir_view_create(&parts, r, number);
	owner = weir_cluster_owner(v, end_ns, slot);
	CU_ASSERT_FATAL(owner < v->n_nodes);
	CU_ASSERT_EQUAL(v->nodes[owner].incarnation, owner_of(r, end_ns, slot));
	for (unsigned i = 0; i < v->n_nodes; i++)
		n_slots += weir_cluster_slots_of(v, end_ns, i);
	CU_ASSERT_EQUAL(n_slots, SLOTS);
	CU_ASSERT_EQUAL(weir_cluster_find(v, v->nodes[owner].incarnation), owner);
	weir_cluster_view_unref(v);
}

#define PROBES 64

/*
 * After each change: every window and slot that is not done has an owner, which is not lost; it is
 * the one of before unless that one is lost (or the window is beyond the change, or has no end and
 * the owner drains).
 */
static void
check_change(struct world *w, const struct weir_record *before, bool is_loss)
{
	int64_t from_ns = w->r->maps[w->r->n_maps - 1].from_ns;

	for (unsigned i = 0; i < PROBES; i++) {
		int64_t end_ns =
		    i % 8 ? w->now_ns - 5000 + (int64_t)roll(w, 10000) : WEIR_CLUSTER_GLOBAL;
		unsigned slot = roll(w, SLOTS);
		uint64_t was = owner_of(before, end_ns, slot), is = owner_of(w->r, end_ns, slot);
		bool is_global = end_ns == WEIR_CLUSTER_GLOBAL;

		CU_ASSERT_FATAL(is != 0);
		CU_ASSERT_FALSE(is_lost_now(w->r, is));
		if (is_lost_now(w->r, was))
			continue;
		if (is_global ? !is_draining_now(w->r, was) : is_loss || end_ns <= from_ns)
			CU_ASSERT_EQUAL(is, was);
		if (is_global && !is_draining_now(w->r, was))
			continue;
		if (i == 1)
			check_view(w->r, end_ns, slot);
	}
}

static void
run_history(uint64_t seed)
{
	struct world w = { .r = weir_record_create(), .rng = seed, .now_ns = 1000000, .n_born = 1 };
	bool is_loss;

	weir_record_add_node(w.r, "n0", 1, 1);
	w.members[0] = WEIR_MEMBER_LIVE;
	write_down(&w, 0, INT64_MIN);
	CU_ASSERT_EQUAL(w.r->maps[0].from_ns, INT64_MIN);
	for (unsigned i = 0; i < 40; i++) {
		struct weir_record *before = weir_record_copy(w.r);

		w.now_ns += roll(&w, 1500);
		happen(&w, &is_loss);
		/* Nobody asks for windows that are done; here, older than what check_change() asks
		 * for. */
		write_down(&w, 1000, w.now_ns - 6000);
		check_change(&w, before, is_loss);
		weir_record_free(before);
	}
	weir_record_free(w.r);
}

static void
test_one_owner(void)
{
	for (uint64_t seed = 1; seed <= 8; seed++)
		run_history(seed);
}

static struct weir_record *
two_nodes(void)
{
	struct weir_record *r = weir_record_create();
	uint8_t members[] = { WEIR_MEMBER_LIVE, WEIR_MEMBER_LIVE }, is_lost[] = { 0, 0 };
	struct weir_map_change change = {
		.from_ns = INT64_MIN, .done_ns = INT64_MIN, .members = members, .is_lost = is_lost
	};

	weir_record_add_node(r, "a", 1, 1);
	weir_record_add_node(r, "b", 2, 1);
	CU_ASSERT_EQUAL_FATAL(weir_record_append(r, &change), 0);
	return r;
}

static void
test_history_is_bounded(void)
{
	struct weir_record *r = two_nodes();
	uint8_t members[2] = { WEIR_MEMBER_LIVE, WEIR_MEMBER_LIVE }, is_lost[2] = { 0 };

	for (int i = 0; i < 2 * WEIR_MAPS_MAX; i++) {
		struct weir_map_change change = { i, INT64_MIN, members, is_lost };

		r->maps[r->n_maps - 1].epoch = (uint64_t)i + 1;
		CU_ASSERT_EQUAL(weir_record_append(r, &change), 0);
	}
	CU_ASSERT_EQUAL(r->n_maps, WEIR_MAPS_MAX);
	weir_record_free(r);
}

static void
test_nobody_left(void)
{
	struct weir_record *r = two_nodes();
	uint8_t members[2] = { 0 }, is_lost[2] = { 1, 1 };
	struct weir_map_change change = { 0, INT64_MIN, members, is_lost };

	CU_ASSERT_EQUAL(weir_record_append(r, &change), -ENOSPC);
	weir_record_free(r);
}

/* Replace the first `from` in text. */
static char *
changed(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *out;

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	CU_ASSERT_FATAL(
	    asprintf(&out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) >= 0);
	return out;
}

static const struct {
	const char *from, *to, *why;
} damages[] = {
	{ "\"version\":1", "\"version\":2", "it is of another version of weir" },
	{ "\"name\":\"a\"", "\"name\":\"a/b\"", "a node has no name" },
	{ "0000000000000001", "0000000000000000",
	    "a node's incarnation is not 16 hexadecimal digits" },
	{ "\"weight\":1.0", "\"weight\":-1", "a node's weight is not a number above 0" },
	{ "\"live\":[0,1]", "\"live\":[0,2]",
	    "a map's member is no node of the record, or there twice" },
	{ "\"live\":[0,1]", "\"live\":[0,0]",
	    "a map's member is no node of the record, or there twice" },
	{ "\"live\":[0,1]", "\"live\":[0]", "a slot's owner is no live member of its map" },
	{ "\"owners\":\"A", "\"owners\":\"!", "a table of slots is not 4096 numbers in base64" },
	{ "\"owners\":\"", "\"owners\":\"AAAA", "a table of slots is not 4096 numbers in base64" },
	{ "\"global\":\"A", "\"global\":\"/", "a slot's owner is no node of the record" },
	{ "\"live\":[0,1]", "\"epoch\":9,\"live\":[0,1]",
	    "a map's epoch is not between those around it" },
	{ "\"live\":[0,1]", "\"epoch\":3,\"live\":[0,1]",
	    "the newest map has another epoch than the key's revision" },
	{ "\"pins\":[]", "\"pins\":[[4096,0]]", "a moved slot is not [slot, node]" },
	{ "\"weight\":1.0", "\"weight\":1.0,\"lost\":0",
	    "a lost node is a member of the newest map" },
};

static void
test_damaged(void)
{
	struct weir_record *r = two_nodes(), *read = NULL;
	char *text = weir_record_encode(r), expected[256];

	for (unsigned i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		char *bad = changed(text, damages[i].from, damages[i].to);
		struct weir_error err = { 0 };

		CU_ASSERT_EQUAL(weir_record_decode(bad, 5, &read, &err), -EINVAL);
		CU_ASSERT_PTR_NULL(read);
		snprintf(expected, sizeof(expected), "the map of slots cannot be read: %s",
		    damages[i].why);
		CHECK_TEXT(err.text, expected);
		free(bad);
	}
	free(text);
	weir_record_free(r);
}

static const CU_TestInfo tests[] = {
	{ "slots are shared by weight", test_share },
	{ "a node that joins takes slots, and nothing else moves", test_minimal_moves },
	{ "the result depends on the nodes, not on their order", test_order_does_not_matter },
	{ "random histories: one owner for each window and slot", test_one_owner },
	{ "the history is bounded", test_history_is_bounded },
	{ "no map without a live node", test_nobody_left },
	{ "damaged records are refused, with the reason", test_damaged },
	CU_TEST_INFO_NULL,
};

int
main(void)
{
	return check_run("cluster-map", tests);
}
