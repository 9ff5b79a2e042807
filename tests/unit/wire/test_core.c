/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <rte_ring.h>

#include <weir/base/time.h>

#include "check.h"
#include "fake.h"

#define MS        INT64_C(1000000)
#define MEMORY    (64u * 1024)
#define SCHEDULES 200 /* WEIR_WIRE_SCHEDULES: more of them */

/* Send so many from one to the other, as there is room. False: it takes for ever. */
static bool
transfer(struct fake_world *w, unsigned from, unsigned to, uint32_t n, int64_t most_ns)
{
	int64_t until_ns = w->now_ns + most_ns;
	uint32_t end = w->nodes[from].n_sent[to] + n;

	while (w->nodes[to].n_got[from] < end && w->now_ns < until_ns) {
		while (w->nodes[from].n_sent[to] < end && fake_send(w, from, to) == 0)
			;
		fake_turn(w, until_ns);
	}
	return w->nodes[to].n_got[from] == end;
}

/* All frames and buffers are where they belong. */
static void
check_idle(struct fake_world *w)
{
	fake_run(w, 3000 * MS);
	for (unsigned i = 0; i < w->n_nodes; i++) {
		const struct fake_node *n = &w->nodes[i];

		CU_ASSERT_EQUAL(n->n_wrong, 0);
		CU_ASSERT_EQUAL(rte_ring_count(n->front.free_frames), n->front.n_frames);
		CU_ASSERT_EQUAL(
		    rte_ring_count(n->front.free_buffers), n->front.n_buffers - n->n_held);
		for (unsigned k = 0; k < w->n_nodes; k++)
			CU_ASSERT_EQUAL(weir_wire_front_unacked(&n->front, k), 0);
	}
}

static void
counters_of(const struct fake_node *n, uint64_t ret[WEIR_WIRE_N_COUNTERS])
{
	weir_wire_core_counters(n->core, ret);
}

static void
test_clean(void)
{
	struct fake_world *w = fake_create(1, 2, MEMORY);
	uint64_t counters[WEIR_WIRE_N_COUNTERS];

	CU_ASSERT_EQUAL(weir_wire_front_room(&w->nodes[0].front, 1), 0); /* nothing was granted */
	CU_ASSERT_TRUE(transfer(w, 0, 1, 5000, 5000 * MS));
	check_idle(w);
	CU_ASSERT_TRUE(w->nodes[0].n_woken > 0); /* there was room again */
	CU_ASSERT_TRUE(w->nodes[1].n_woken > 0); /* frames came */
	CU_ASSERT_TRUE(w->nodes[1].n_woken <= 5000);
	counters_of(&w->nodes[0], counters);
	CU_ASSERT_EQUAL(counters[WEIR_WIRE_DATA_SENT], 5000);
	CU_ASSERT_EQUAL(counters[WEIR_WIRE_DATA_ACKED], 5000);
	CU_ASSERT_EQUAL(counters[WEIR_WIRE_RETRANSMITTED], 0);
	CU_ASSERT_EQUAL(counters[WEIR_WIRE_TIMEOUTS], 0);
	CU_ASSERT_EQUAL(counters[WEIR_WIRE_MALFORMED], 0);
	counters_of(&w->nodes[1], counters);
	CU_ASSERT_EQUAL(counters[WEIR_WIRE_DATA_RECEIVED], 5000);
	CU_ASSERT_EQUAL(counters[WEIR_WIRE_DUPLICATES], 0);
	CU_ASSERT_EQUAL(counters[WEIR_WIRE_NO_ROOM], 0);
	CU_ASSERT_EQUAL(counters[WEIR_WIRE_NAKS_SENT], 0);
	CU_ASSERT_TRUE(w->most_in_a_step <= 32);
	fake_destroy(w);
}

/* Loss is mended by asking, long before a timeout; and the window has shrunk. */
static void
test_loss_is_asked_for(void)
{
	struct fake_world *w = fake_create(2, 2, MEMORY * 16);
	uint64_t sent[WEIR_WIRE_N_COUNTERS], got[WEIR_WIRE_N_COUNTERS];

	fake_run(w, 10 * MS);
	w->rules.loss = 20;
	CU_ASSERT_TRUE(transfer(w, 0, 1, 8000, 20000 * MS));
	w->rules.loss = 0;
	check_idle(w);
	counters_of(&w->nodes[0], sent);
	counters_of(&w->nodes[1], got);
	CU_ASSERT_TRUE(sent[WEIR_WIRE_RETRANSMITTED] >= 100);
	CU_ASSERT_TRUE(sent[WEIR_WIRE_RETRANSMITTED] < 400);
	CU_ASSERT_TRUE(got[WEIR_WIRE_NAKS_SENT] > 0);
	CU_ASSERT_TRUE(sent[WEIR_WIRE_NAKS_RECEIVED] > 0);
	CU_ASSERT_TRUE(sent[WEIR_WIRE_TIMEOUTS] * 10 < sent[WEIR_WIRE_RETRANSMITTED]);
	fake_destroy(w);
}

/* A little reordering costs nothing. */
static void
test_reordering_is_tolerated(void)
{
	struct fake_world *w = fake_create(3, 2, MEMORY * 4);
	uint64_t sent[WEIR_WIRE_N_COUNTERS];

	w->rules.jitter_ns = 200000;
	CU_ASSERT_TRUE(transfer(w, 0, 1, 8000, 20000 * MS));
	check_idle(w);
	counters_of(&w->nodes[0], sent);
	CU_ASSERT_EQUAL(sent[WEIR_WIRE_RETRANSMITTED], 0);
	fake_destroy(w);
}

/* Who does not release grants no more; the sender keeps what it has, and goes on afterwards. */
static void
test_credit(void)
{
	struct fake_world *w = fake_create(4, 2, MEMORY);
	struct fake_node *to = &w->nodes[1];
	struct weir_wire_peer_stats s;
	uint64_t got[WEIR_WIRE_N_COUNTERS];
	unsigned n_most = to->front.n_buffers;

	to->is_holding = true;
	CU_ASSERT_FALSE(transfer(w, 0, 1, 4000, 1000 * MS));
	CU_ASSERT_EQUAL(w->nodes[0].n_sent[1], n_most);
	CU_ASSERT_EQUAL(to->n_got[0], n_most);
	CU_ASSERT_EQUAL(fake_send(w, 0, 1), -EAGAIN);
	CU_ASSERT_EQUAL(weir_wire_front_room(&w->nodes[0].front, 1), 0);
	fake_run(w, 10 * MS);
	CU_ASSERT_TRUE(weir_wire_core_peer_stats(w->nodes[0].core, 1, &s));
	CU_ASSERT_TRUE(s.counters[WEIR_WIRE_NO_CREDIT] > 0);
	CU_ASSERT_EQUAL(s.n_credit, 0);
	/* what tells of room again may be lost, all of it for a while */
	w->rules.loss = 900;
	to->is_holding = false;
	w->nodes[0].n_woken = 0;
	fake_run(w, 500 * MS);
	w->rules.loss = 0;
	CU_ASSERT_TRUE(transfer(w, 0, 1, 4000 - w->nodes[0].n_sent[1], 5000 * MS));
	CU_ASSERT_TRUE(w->nodes[0].n_woken > 0);
	check_idle(w);
	counters_of(to, got);
	CU_ASSERT_EQUAL(got[WEIR_WIRE_NO_ROOM], 0);
	fake_destroy(w);
}

/* More peers than before: what was granted to one is more than there is now; nobody starves. */
static void
test_share_shrinks(void)
{
	struct fake_world *w = fake_create(5, 4, MEMORY / 2);
	struct fake_node *to = &w->nodes[0];

	fake_forget(w, 0, 2);
	fake_forget(w, 0, 3);
	fake_run(w, 300 * MS);
	to->is_holding = true;
	CU_ASSERT_FALSE(transfer(w, 1, 0, 1000, 500 * MS));
	CU_ASSERT_EQUAL(to->n_got[1], to->front.n_buffers);
	fake_meet(w, 0, 2);
	fake_meet(w, 0, 3);
	CU_ASSERT_FALSE(transfer(w, 2, 0, 50, 500 * MS));
	to->is_holding = false;
	CU_ASSERT_TRUE(transfer(w, 2, 0, 500, 5000 * MS));
	CU_ASSERT_TRUE(transfer(w, 3, 0, 500, 5000 * MS));
	CU_ASSERT_TRUE(transfer(w, 1, 0, 500, 5000 * MS));
	check_idle(w);
	fake_destroy(w);
}

/* A peer that begins anew gets nothing of what was for its former self. */
static void
test_restart(void)
{
	struct fake_world *w = fake_create(6, 2, MEMORY);
	uint64_t sent[WEIR_WIRE_N_COUNTERS];

	CU_ASSERT_TRUE(transfer(w, 0, 1, 300, 1000 * MS));
	w->rules.is_cut[1] = true;
	for (unsigned i = 0; i < 20; i++)
		CU_ASSERT_EQUAL(fake_send(w, 0, 1), 0);
	fake_run(w, 400 * MS);
	CU_ASSERT_EQUAL(weir_wire_front_unacked(&w->nodes[0].front, 1), 20);
	CU_ASSERT_TRUE(w->nodes[0].n_suspected > 0);
	fake_start(w, 1, MEMORY);
	w->rules.is_cut[1] = false;
	CU_ASSERT_EQUAL(fake_meet(w, 1, 0), 0);
	fake_run(w, 1500 * MS); /* node 0 does not know yet: it sends to who was there */
	CU_ASSERT_EQUAL(w->nodes[1].n_got[0], 0);
	counters_of(&w->nodes[1], sent);
	CU_ASSERT_TRUE(sent[WEIR_WIRE_STALE] > 0);
	CU_ASSERT_EQUAL(fake_meet(w, 0, 1), 0);
	CU_ASSERT_EQUAL(weir_wire_front_unacked(&w->nodes[0].front, 1), 0);
	counters_of(&w->nodes[0], sent);
	CU_ASSERT_EQUAL(sent[WEIR_WIRE_DATA_ABANDONED], 20);
	w->nodes[0].n_sent[1] = 0;
	CU_ASSERT_TRUE(transfer(w, 0, 1, 300, 1000 * MS));
	w->nodes[0].n_got[1] = 0;
	memset(w->nodes[0].times[1], 0, FAKE_FRAMES);
	CU_ASSERT_TRUE(transfer(w, 1, 0, 300, 1000 * MS));
	check_idle(w);
	fake_destroy(w);
}

/* Removed and set again, at one end alone or at both: streams go on. */
static void
test_remove_and_set(void)
{
	struct fake_world *w = fake_create(7, 2, MEMORY);
	struct weir_wire_peer_stats s;

	CU_ASSERT_TRUE(transfer(w, 0, 1, 100, 1000 * MS));
	fake_forget(w, 1, 0);
	CU_ASSERT_EQUAL(weir_wire_front_room(&w->nodes[1].front, 0), 0);
	CU_ASSERT_EQUAL(fake_send(w, 1, 0), -ENOENT);
	for (unsigned i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(fake_send(w, 0, 1), 0);
	fake_run(w, 300 * MS);
	CU_ASSERT_EQUAL(w->nodes[1].n_got[0], 100);
	CU_ASSERT_FALSE(weir_wire_core_peer_stats(w->nodes[1].core, 0, &s));
	CU_ASSERT_EQUAL(fake_meet(w, 1, 0), 0);
	fake_run(w, 1500 * MS);
	CU_ASSERT_EQUAL(w->nodes[1].n_got[0], 105);
	fake_forget(w, 0, 1);
	CU_ASSERT_EQUAL(fake_meet(w, 0, 1), 0);
	CU_ASSERT_TRUE(transfer(w, 0, 1, 200, 1000 * MS));
	CU_ASSERT_TRUE(transfer(w, 1, 0, 200, 1000 * MS));
	check_idle(w);
	/* the same incarnation twice, or our own */
	CU_ASSERT_EQUAL(weir_wire_core_peer_set(w->nodes[0].core, 3, "x", w->nodes[1].incarnation,
			    1, &(struct weir_wire_now){ w->now_ns, w->now_ns }),
	    -EINVAL);
	CU_ASSERT_EQUAL(fake_meet(w, 0, 0), -EINVAL);
	fake_destroy(w);
}

/* A frame stays its owner's, and may go to somebody else later. */
static void
test_sent_again_to_another(void)
{
	struct fake_world *w = fake_create(8, 3, MEMORY);
	struct weir_wire_frame *f = weir_wire_front_get(&w->nodes[0].front);
	uint64_t before = rte_ring_count(w->nodes[0].front.free_frames);

	fake_run(w, 10 * MS);
	f->len = 16;
	memset(f->data, 0, 16);
	memcpy(f->data, &w->nodes[0].incarnation, 8);
	f->data[12] = 1;
	CU_ASSERT_EQUAL(weir_wire_front_send(&w->nodes[0].front, 1, f, 0), 0);
	w->nodes[0].step_at_ns = w->now_ns;
	fake_run(w, 10 * MS);
	CU_ASSERT_EQUAL(weir_wire_front_unacked(&w->nodes[0].front, 1), 0);
	CU_ASSERT_EQUAL(f->refs, 1);
	f->data[12] = 2;
	CU_ASSERT_EQUAL(weir_wire_front_send(&w->nodes[0].front, 2, f, 0), 0);
	CU_ASSERT_EQUAL(f->refs, 2);
	weir_wire_frame_put(f);
	w->nodes[0].step_at_ns = w->now_ns;
	fake_run(w, 10 * MS);
	CU_ASSERT_EQUAL(w->nodes[1].n_got[0], 1);
	CU_ASSERT_EQUAL(w->nodes[2].n_got[0], 1);
	CU_ASSERT_EQUAL(rte_ring_count(w->nodes[0].front.free_frames), before + 1);
	f = weir_wire_front_get(&w->nodes[0].front);
	CU_ASSERT_EQUAL(weir_wire_front_send(&w->nodes[0].front, 1, f, 0), -EMSGSIZE);
	f->len = FAKE_PAYLOAD + 1;
	CU_ASSERT_EQUAL(weir_wire_front_send(&w->nodes[0].front, 1, f, 0), -EMSGSIZE);
	weir_wire_frame_put(f);
	check_idle(w);
	fake_destroy(w);
}

/* The other clock is known to half a round trip, and better than by a ping that waited. */
static void
test_clock(void)
{
	struct fake_world *w = fake_create(9, 2, MEMORY);
	struct weir_wire_peer_stats s;
	int64_t off;

	w->nodes[1].clock_off_ns = 123456789;
	w->rules.jitter_ns = 3 * MS;
	fake_run(w, 2000 * MS);
	CU_ASSERT_TRUE_FATAL(weir_wire_core_peer_stats(w->nodes[0].core, 1, &s));
	CU_ASSERT_TRUE(s.has_clock);
	off = s.offset_ns - 123456789;
	CU_ASSERT_TRUE(off <= s.error_ns && -off <= s.error_ns);
	CU_ASSERT_TRUE(s.error_ns < 3 * MS); /* of eight, the best */
	CU_ASSERT_TRUE(s.rtt.n >= 19 && s.rtt.n <= 22);
	CU_ASSERT_TRUE(weir_histogram_min(&s.rtt) >= 100000);
	CU_ASSERT_TRUE(weir_histogram_max(&s.rtt) <= 7 * MS);
	CU_ASSERT_TRUE(w->now_ns - s.heard_ns < 200 * MS);
	CU_ASSERT_TRUE(weir_wire_core_peer_stats(w->nodes[1].core, 0, &s));
	off = s.offset_ns + 123456789;
	CU_ASSERT_TRUE(off <= s.error_ns && -off <= s.error_ns);
	fake_destroy(w);
}

/* A port that takes nothing for a while, and a neighbour that is not found. */
static void
test_not_sent(void)
{
	struct fake_world *w = fake_create(10, 2, MEMORY);
	uint64_t sent[WEIR_WIRE_N_COUNTERS];

	fake_run(w, 10 * MS);
	w->nodes[0].is_full = true;
	CU_ASSERT_FALSE(transfer(w, 0, 1, 50, 100 * MS));
	w->nodes[0].is_full = false;
	w->nodes[0].is_nowhere = true;
	fake_run(w, 100 * MS);
	w->nodes[0].is_nowhere = false;
	fake_run(w, 100 * MS);
	CU_ASSERT_EQUAL(w->nodes[1].n_got[0], 50);
	counters_of(&w->nodes[0], sent);
	CU_ASSERT_EQUAL(sent[WEIR_WIRE_DATA_SENT], 50);
	check_idle(w);
	fake_destroy(w);
}

/* Nothing that comes is trusted: garbled frames are none of ours, and nothing breaks. */
static void
test_garbage(void)
{
	struct fake_world *w = fake_create(11, 2, MEMORY);
	uint64_t got[WEIR_WIRE_N_COUNTERS];
	uint64_t seed = 5;

	fake_run(w, 10 * MS);
	for (unsigned i = 0; i < 200000; i++) {
		uint8_t bytes[300];
		struct weir_wire_now now = fake_now(&w->nodes[0]);
		struct weir_wire_in in = { .id = 1,
			.type = (uint8_t)(random_next(&seed) % 6),
			.len = (uint32_t)(random_next(&seed) % sizeof(bytes)),
			.p = bytes };
		rte_be64_t to = rte_cpu_to_be_64(w->nodes[0].incarnation);

		for (unsigned k = 0; k < sizeof(bytes); k += 8) {
			uint64_t word = random_next(&seed);

			/* small numbers, which mean something, as often as not */
			if (random_next(&seed) & 1)
				word = rte_cpu_to_be_64(word % 2000);
			memcpy(bytes + k, &word, RTE_MIN(sizeof(word), sizeof(bytes) - k));
		}
		if (random_next(&seed) % 8)
			memcpy(bytes, &to, sizeof(to));
		weir_wire_core_receive(w->nodes[0].core, &now, &in);
		if (i % 16 == 0) {
			struct weir_wire_received r[8];
			unsigned n;

			(void)weir_wire_core_step(w->nodes[0].core, &now);
			n = weir_wire_front_take(&w->nodes[0].front, r, 8);
			weir_wire_front_release(&w->nodes[0].front, r, n);
			w->now_ns += 1000;
			w->n_flying = 0;
		}
	}
	counters_of(&w->nodes[0], got);
	CU_ASSERT_TRUE(got[WEIR_WIRE_MALFORMED] > 1000);
	CU_ASSERT_TRUE(got[WEIR_WIRE_STALE] > 1000);
	/* who sent it all is taken for a new one, when it is one */
	fake_start(w, 1, MEMORY);
	CU_ASSERT_EQUAL(fake_meet(w, 1, 0), 0);
	CU_ASSERT_EQUAL(fake_meet(w, 0, 1), 0);
	fake_take(&w->nodes[0]);
	w->nodes[0].n_wrong = 0;
	w->nodes[0].n_got[1] = 0;
	memset(w->nodes[0].times, 0, sizeof(w->nodes[0].times));
	CU_ASSERT_TRUE(transfer(w, 1, 0, 100, 1000 * MS));
	CU_ASSERT_TRUE(transfer(w, 0, 1, 100, 1000 * MS));
	check_idle(w);
	fake_destroy(w);
}

/* One schedule of everything that can happen, but for what nobody is told. */
static bool
schedule(uint64_t seed)
{
	struct fake_world *w =
	    fake_create(seed * 7919, 2 + (unsigned)(seed % 3), 16384 + seed % 5 * 16384);
	uint32_t n = 40 + fake_below(w, 300), left = 0;
	int64_t until_ns = 60000 * MS;
	bool is_right = true;

	w->rules.loss = fake_below(w, 4) ? fake_below(w, 200) : 0;
	w->rules.dup = fake_below(w, 100);
	w->rules.delay_ns = 1000 + fake_below(w, 1000000);
	w->rules.jitter_ns = fake_below(w, 3) ? fake_below(w, 5000000) : 0;
	do {
		unsigned from = fake_below(w, w->n_nodes), to = fake_below(w, w->n_nodes);

		if (from != to && w->nodes[from].n_sent[to] < n)
			(void)fake_send(w, from, to);
		switch (fake_below(w, 400)) {
		case 0:
			w->nodes[from].is_holding = !w->nodes[from].is_holding;
			break;
		case 1:
			w->rules.is_cut[from] = !w->rules.is_cut[from];
			break;
		case 2:
			w->nodes[from].is_full = !w->nodes[from].is_full;
			break;
		default:
			break;
		}
		fake_turn(w, w->now_ns + (int64_t)fake_below(w, 200000));
		/* in the end all is well, else nothing could be asked of it */
		if (w->now_ns > until_ns / 10) {
			memset(w->rules.is_cut, 0, sizeof(w->rules.is_cut));
			for (unsigned i = 0; i < w->n_nodes; i++)
				w->nodes[i].is_full = w->nodes[i].is_holding = false;
		}
		left = 0;
		for (unsigned i = 0; i < w->n_nodes; i++)
			for (unsigned k = 0; k < w->n_nodes; k++)
				left += i != k && w->nodes[k].n_got[i] < n;
	} while (left && w->now_ns < until_ns);
	for (unsigned i = 0; i < w->n_nodes; i++) {
		is_right &= !w->nodes[i].n_wrong;
		w->nodes[i].is_holding = w->nodes[i].is_full = false;
	}
	memset(&w->rules, 0, sizeof(w->rules));
	fake_run(w, 3000 * MS);
	for (unsigned i = 0; i < w->n_nodes; i++) {
		const struct weir_wire_front *f = &w->nodes[i].front;

		is_right &= rte_ring_count(f->free_frames) == f->n_frames;
		is_right &= rte_ring_count(f->free_buffers) == f->n_buffers;
	}
	if (left || !is_right)
		fprintf(stderr, "schedule %u: %u pairs not done\n", (unsigned)seed, left);
	fake_destroy(w);
	return !left && is_right;
}

static void
test_schedules(void)
{
	const char *n = getenv("WEIR_WIRE_SCHEDULES");
	unsigned n_schedules = n ? (unsigned)atoi(n) : SCHEDULES, n_wrong = 0;

	for (uint64_t seed = 1; seed <= n_schedules; seed++)
		n_wrong += !schedule(seed);
	CU_ASSERT_EQUAL(n_wrong, 0);
}

int
main(void)
{
	const CU_TestInfo tests[] = {
		{ "a clean network", test_clean },
		{ "what is lost is asked for", test_loss_is_asked_for },
		{ "reordering is tolerated", test_reordering_is_tolerated },
		{ "credit runs out and comes back", test_credit },
		{ "shares shrink", test_share_shrinks },
		{ "a peer begins anew", test_restart },
		{ "a peer is removed and set again", test_remove_and_set },
		{ "a frame goes to another peer later", test_sent_again_to_another },
		{ "clocks", test_clock },
		{ "what cannot be sent waits", test_not_sent },
		{ "garbage", test_garbage },
		{ "random schedules", test_schedules },
		CU_TEST_INFO_NULL,
	};

	return check_run("wire core", tests);
}
