/* SPDX-License-Identifier: BSD-3-Clause */
#include <sched.h>
#include <stdlib.h>

#include "check.h"
#include "inner.h"
#include "seal_world.h"
#include "wire_parts.h"

/* Greetings, as node A takes them: what is believed, and what is not. Node B is number 3 of its
 * file. */

#define B_ID    3u
#define PAYLOAD 256u
#define SECOND  INT64_C(1000000000)
#define BODY    8u

static const struct weir_wire_address address_b = { { 0, 0xc0000202 }, 4 };

static enum weir_wire_sent
transmit(void *arg, const struct weir_wire_out *out)
{
	(void)arg;
	(void)out;
	return WEIR_WIRE_SENT;
}

/* What the wire thread does for control, once. */
static void *
serve(void *arg)
{
	struct weir_wire *w = arg;
	struct wire_request *r;

	while (!(r = atomic_exchange(&w->request, NULL)))
		sched_yield();
	r->rc = r->run(w, r->arg);
	sem_post(&r->is_done);
	return NULL;
}

static struct weir_wire *
make_wire(const char *secret)
{
	struct weir_wire *w = calloc(1, sizeof(*w));
	struct weir_wire_core_config config = { .incarnation = NODE_A, .transmit = transmit };
	struct weir_wire_peer peer = { .name = "b", .has_mac = true, .n_addrs = 1 };
	struct weir_error err = { 0 };
	pthread_t thread;

	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	peer.addrs[0] = address_b;
	w->host = (struct net_host){ .version = 4, .prefix_len = 24, .udp_port = 5748 };
	weir_net_addr(&(struct weir_wire_address){ { 0, 0xc0000201 }, 4 }, &w->host.ip);
	w->epoch = EPOCH;
	w->now.mono_ns = 10 * SECOND;
	w->seal = make_node(secret, NODE_A, NULL);
	w->pool = rte_pktmbuf_pool_create("greet", 63, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, -1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->pool);
	CU_ASSERT_EQUAL_FATAL(weir_wire_front_init(&w->front, 16384, PAYLOAD, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(weir_neighbours_init(&w->neighbours), 0);
	config.front = &w->front;
	w->core = weir_wire_core_create(&config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->core);
	CU_ASSERT_EQUAL(weir_wire_greeted(w, B_ID), 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, serve, w), 0);
	CU_ASSERT_EQUAL(weir_wire_greet(w, B_ID, &peer, &err), 0);
	pthread_join(thread, NULL);
	return w;
}

static void
free_wire(struct weir_wire *w)
{
	for (unsigned i = 0; i < w->n_ready; i++)
		rte_pktmbuf_free(w->ready[i]);
	weir_wire_core_destroy(w->core);
	weir_wire_front_fini(&w->front);
	weir_neighbours_fini(&w->neighbours);
	weir_seal_close(w->seal);
	rte_mempool_free(w->pool);
	free(w->greetings);
	free(w);
}

static uint64_t
counted(const struct weir_wire *w, enum weir_wire_counter counter)
{
	uint64_t counters[WEIR_WIRE_N_COUNTERS];

	weir_wire_core_counters(w->core, counters);
	return counters[counter];
}

/* A greeting of a node, that takes its receiver for `to`; of another length it is none. */
static struct rte_mbuf *
make_greeting(struct weir_seal *from, uint64_t to, unsigned n_payload)
{
	struct rte_mbuf *m = make_frame(EPOCH, n_payload);

	head_of(m)->type = WEIR_INNER_GREETING;
	to = rte_cpu_to_be_64(to);
	if (n_payload >= sizeof(to))
		memcpy(rte_pktmbuf_mtod_offset(m, void *, WEIR_FRAME_HEAD_BYTES), &to, sizeof(to));
	CHECK_VERDICT(protect_one(from, 0, m), WEIR_SEAL_OK);
	return m;
}

/* It comes from an address; behind Ethernet, IP and UDP. The greeting is consumed. */
static void
come(struct weir_wire *w, struct rte_mbuf *m, const struct weir_wire_address *from)
{
	struct net_seen seen = { .kind = NET_FRAME, .offset = 42, .len = m->data_len };

	weir_net_addr(from, &seen.addr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(rte_pktmbuf_prepend(m, 42));
	CU_ASSERT_TRUE(wire_is_greeting(
	    w, rte_pktmbuf_mtod_offset(m, const uint8_t *, seen.offset), seen.len));
	wire_greeted(w, m, &seen);
	rte_pktmbuf_free(m);
}

/* One that does not know us is answered with a greeting that names it, and not believed. */
static void
strangers_are_answered(void)
{
	struct weir_wire *w = make_wire(SECRET);
	struct weir_seal *b = make_node(SECRET, NODE_B, NULL);
	struct rte_mbuf *answer;
	rte_be64_t named;

	come(w, make_greeting(b, 0, BODY), &address_b);
	CU_ASSERT_EQUAL(weir_wire_greeted(w, B_ID), 0);
	CU_ASSERT_EQUAL(counted(w, WEIR_WIRE_GREETINGS_RECEIVED), 1);
	CU_ASSERT_EQUAL(counted(w, WEIR_WIRE_GREETINGS_SENT), 1);
	CU_ASSERT_EQUAL_FATAL(w->n_ready, 1);
	answer = w->ready[0];
	rte_pktmbuf_adj(answer, (uint16_t)weir_net_head_bytes(&w->host));
	CU_ASSERT_EQUAL(weir_seal_peer_add(b, NODE_A, NULL), 0);
	CHECK_VERDICT(accept_one(b, answer), WEIR_SEAL_OK);
	CU_ASSERT_EQUAL_FATAL(answer->data_len, WEIR_FRAME_HEAD_BYTES + BODY);
	memcpy(&named, rte_pktmbuf_mtod_offset(answer, void *, WEIR_FRAME_HEAD_BYTES), BODY);
	CU_ASSERT_EQUAL(rte_be_to_cpu_64(named), NODE_B);
	/* not twice at once, however often it asks */
	come(w, make_greeting(b, 0, BODY), &address_b);
	CU_ASSERT_EQUAL(counted(w, WEIR_WIRE_GREETINGS_SENT), 1);
	w->now.mono_ns += SECOND;
	come(w, make_greeting(b, 4711, BODY), &address_b);
	CU_ASSERT_EQUAL(counted(w, WEIR_WIRE_GREETINGS_SENT), 2);
	CU_ASSERT_EQUAL(weir_wire_greeted(w, B_ID), 0);
	weir_seal_close(b);
	free_wire(w);
}

static void
who_names_us_is_believed(void)
{
	struct weir_wire *w = make_wire(SECRET);
	struct weir_seal *b = make_node(SECRET, NODE_B, NULL);

	come(w, make_greeting(b, NODE_A, BODY), &address_b);
	CU_ASSERT_EQUAL(weir_wire_greeted(w, B_ID), NODE_B);
	CU_ASSERT_EQUAL(weir_wire_greeted(w, B_ID + 1), 0);
	weir_seal_close(b);
	free_wire(w);
}

static void
what_is_not_believed(void)
{
	static const struct weir_wire_address elsewhere = { { 0, 0xc0000209 }, 4 };
	struct weir_wire *w = make_wire(SECRET);
	struct weir_seal *b = make_node(SECRET, NODE_B, NULL), *self, *thief;
	struct rte_mbuf *m;

	/* from an address that nobody has named */
	come(w, make_greeting(b, NODE_A, BODY), &elsewhere);
	CU_ASSERT_EQUAL(counted(w, WEIR_WIRE_UNKNOWN_PEER), 1);
	/* of our own incarnation */
	self = make_node(SECRET, NODE_A, NULL);
	come(w, make_greeting(self, NODE_A, BODY), &address_b);
	CU_ASSERT_EQUAL(counted(w, WEIR_WIRE_UNKNOWN_PEER), 2);
	weir_seal_close(self);
	/* with another secret, and with a byte changed */
	thief = make_node("another secret, another job", NODE_C, NULL);
	come(w, make_greeting(thief, NODE_A, BODY), &address_b);
	weir_seal_close(thief);
	m = make_greeting(b, NODE_A, BODY);
	rte_pktmbuf_mtod(m, uint8_t *)[WEIR_FRAME_HEAD_BYTES] ^= 1;
	come(w, m, &address_b);
	CU_ASSERT_EQUAL(counted(w, WEIR_WIRE_REFUSED_FORGED), 2);
	/* longer, and shorter */
	come(w, make_greeting(b, NODE_A, BODY + 1), &address_b);
	come(w, make_greeting(b, NODE_A, BODY - 1), &address_b);
	CU_ASSERT_EQUAL(counted(w, WEIR_WIRE_MALFORMED), 2);
	CU_ASSERT_EQUAL(weir_wire_greeted(w, B_ID), 0);
	CU_ASSERT_EQUAL(counted(w, WEIR_WIRE_GREETINGS_RECEIVED), 0);
	CU_ASSERT_EQUAL(counted(w, WEIR_WIRE_GREETINGS_SENT), 0);
	/* the same once more */
	m = make_greeting(b, NODE_A, BODY);
	come(w, copy_frame(m), &address_b);
	CU_ASSERT_EQUAL(weir_wire_greeted(w, B_ID), NODE_B);
	come(w, m, &address_b);
	CU_ASSERT_EQUAL(counted(w, WEIR_WIRE_REFUSED_REPLAYED), 1);
	weir_seal_close(b);
	free_wire(w);
}

/* One that is heard of is not replaced; when it has been silent for a second it is. */
static void
who_is_there_stays(void)
{
	struct weir_wire *w = make_wire(SECRET);
	struct weir_seal *b = make_node(SECRET, NODE_B, NULL), *c = make_node(SECRET, NODE_C, NULL);

	w->routes[B_ID] = (struct wire_route){ .is_set = true, .incarnation = NODE_B };
	CU_ASSERT_EQUAL(weir_seal_peer_add(w->seal, NODE_B, NULL), 0);
	atomic_store(&w->front.shared[B_ID].heard_ns, w->now.mono_ns);
	come(w, make_greeting(c, NODE_A, BODY), &address_b);
	CU_ASSERT_EQUAL(counted(w, WEIR_WIRE_STALE), 1);
	CU_ASSERT_EQUAL(weir_wire_greeted(w, B_ID), 0);
	/* the one that is there is answered where it takes us for another */
	come(w, make_greeting(b, NODE_A, BODY), &address_b);
	CU_ASSERT_EQUAL(counted(w, WEIR_WIRE_GREETINGS_SENT), 0);
	come(w, make_greeting(b, NODE_A + 1, BODY), &address_b);
	CU_ASSERT_EQUAL(counted(w, WEIR_WIRE_GREETINGS_SENT), 1);
	CU_ASSERT_EQUAL(weir_wire_greeted(w, B_ID), 0);
	w->now.mono_ns += SECOND;
	come(w, make_greeting(c, NODE_A, BODY), &address_b);
	CU_ASSERT_EQUAL(weir_wire_greeted(w, B_ID), NODE_C);
	weir_seal_close(b);
	weir_seal_close(c);
	free_wire(w);
}

/* Whom nobody has heard of is greeted again and again; whom one hears of is left alone. */
static void
greetings_go_out_until_an_answer_comes(void)
{
	struct weir_wire *w = make_wire(SECRET);
	int64_t next_ns = INT64_MAX;

	for (unsigned i = 1; i <= 3; i++) {
		next_ns = INT64_MAX;
		wire_greet(w, &next_ns);
		CU_ASSERT_EQUAL(counted(w, WEIR_WIRE_GREETINGS_SENT), i);
		CU_ASSERT(next_ns > w->now.mono_ns && next_ns <= w->now.mono_ns + SECOND / 5);
		wire_greet(w, &next_ns);
		CU_ASSERT_EQUAL(counted(w, WEIR_WIRE_GREETINGS_SENT), i);
		w->now.mono_ns = next_ns;
	}
	w->routes[B_ID] = (struct wire_route){ .is_set = true, .incarnation = NODE_B };
	atomic_store(&w->front.shared[B_ID].heard_ns, w->now.mono_ns);
	next_ns = INT64_MAX;
	wire_greet(w, &next_ns);
	CU_ASSERT_EQUAL(counted(w, WEIR_WIRE_GREETINGS_SENT), 3);
	CU_ASSERT_EQUAL(next_ns, w->now.mono_ns + SECOND);
	free_wire(w);
}

static void
what_is_a_greeting(void)
{
	struct weir_wire *w = make_wire(NULL), *none = calloc(1, sizeof(*none));
	struct weir_frame_head head = { .magic = RTE_BE16(WEIR_FRAME_MAGIC),
		.version = WEIR_FRAME_VERSION,
		.type = WEIR_INNER_GREETING };
	uint8_t p[sizeof(head)];

	CU_ASSERT_PTR_NOT_NULL_FATAL(none);
	memcpy(p, &head, sizeof(p));
	for (uint32_t len = 0; len <= sizeof(p); len++)
		CU_ASSERT_EQUAL(wire_is_greeting(w, p, len), len == sizeof(p));
	CU_ASSERT_FALSE(wire_is_greeting(none, p, sizeof(p)));
	for (unsigned i = 0; i < 4; i++) { /* magic, version, type */
		p[i] ^= 0x80;
		CU_ASSERT_FALSE(wire_is_greeting(w, p, sizeof(p)));
		p[i] ^= 0x80;
	}
	free(none);
	free_wire(w);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "strangers are answered", strangers_are_answered },
		{ "who names us is believed", who_names_us_is_believed },
		{ "what is not believed", what_is_not_believed },
		{ "who is there stays", who_is_there_stays },
		{ "greetings go out until an answer comes",
		    greetings_go_out_until_an_answer_comes },
		{ "what is a greeting", what_is_a_greeting },
		CU_TEST_INFO_NULL,
	};

	return world_run("greetings", tests);
}
