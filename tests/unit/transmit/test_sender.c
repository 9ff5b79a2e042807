/* SPDX-License-Identifier: BSD-3-Clause */
/* A port that sends to itself (net_ring), and a clock that is told. */
#include <stdlib.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <weir/measure/probe.h>
#include <weir/port/eal.h>
#include <weir/port/port.h>
#include <weir/transmit/sender.h>

#include "check.h"

#define LARGE     (UINT64_C(64) << 20)
#define START     INT64_C(1000000000000)
#define STREAM    0xabcd1234u
#define MAX_TAKEN 8192u

static struct weir_port *port;
static struct rte_mempool *pool;

struct taken {
	unsigned n;
	uint32_t len[MAX_TAKEN];
	uint8_t head[MAX_TAKEN][64];
	struct weir_probe probe[MAX_TAKEN];
	bool has_probe[MAX_TAKEN];
};

static struct weir_supply *
supply(const char *uri, bool is_repeated, bool has_signature)
{
	struct weir_supply_config c = {
		.source = { .flag = WEIR_SOURCE_URI, .value = uri },
		.memory_bytes = LARGE,
		.is_repeated = is_repeated,
		.has_signature = has_signature,
	};
	struct weir_error err = { 0 };
	struct weir_supply *s = NULL;

	if (weir_supply_open(&c, &s, &err))
		fprintf(stderr, "\n%s\n", err.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	return s;
}

static struct weir_sender *
sender(struct weir_sender_config c)
{
	struct weir_sender *s = aligned_alloc(64, (sizeof(*s) + 63) / 64 * 64);
	struct weir_error err = { 0 };

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	c.queue = port->tx[0];
	c.pool = pool;
	c.stream = STREAM;
	CU_ASSERT_EQUAL_FATAL(weir_sender_init(s, &c, &err), 0);
	weir_sender_start(s, START);
	return s;
}

static struct weir_schedule_config
pps(uint64_t n)
{
	return (struct weir_schedule_config){ .rate = { WEIR_RATE_PACKETS, n * 1000000 } };
}

/* What the port holds, in order. */
static void
take(struct taken *t)
{
	struct rte_mbuf *m[32];
	uint16_t n;

	while ((n = rte_eth_rx_burst(port->rx[0].id, port->rx[0].queue, m, 32)))
		for (uint16_t i = 0; i < n; i++) {
			const uint8_t *p = rte_pktmbuf_mtod(m[i], const uint8_t *);
			uint32_t len = rte_pktmbuf_pkt_len(m[i]);

			CU_ASSERT_FATAL(t->n < MAX_TAKEN);
			t->len[t->n] = len;
			memcpy(t->head[t->n], p, len < 64 ? len : 64);
			t->has_probe[t->n] = weir_probe_get(p, len, STREAM, &t->probe[t->n]);
			t->n++;
			rte_pktmbuf_free(m[i]);
		}
}

static enum weir_send
step_all(struct weir_sender *s, int64_t now_ns, struct taken *t)
{
	enum weir_send rc;

	do {
		rc = weir_sender_step(s, now_ns);
		if (t)
			take(t);
	} while (rc == WEIR_SEND_NOW);
	return rc;
}

static struct taken *
taken(void)
{
	struct taken *t = calloc(1, sizeof(*t));

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	return t;
}

static void
test_open_loop(void)
{
	struct weir_supply *p = supply("gen:udp?count=100&size=100", true, true);
	struct weir_sender *s = sender((struct weir_sender_config){
	    .supply = p, .pace = pps(1000000), .count = 2000, .has_signature = true });
	struct taken *t = taken();

	CU_ASSERT_EQUAL(step_all(s, START - 1, t), WEIR_SEND_LATER);
	CU_ASSERT_EQUAL(t->n, 0);
	CU_ASSERT_EQUAL(s->next_ns, START);
	CU_ASSERT_EQUAL(step_all(s, START, t), WEIR_SEND_LATER);
	CU_ASSERT_EQUAL(t->n, 1);
	CU_ASSERT_EQUAL(s->next_ns, START + 1000);
	/* a pause of a millisecond: all of it is made up for, with the times that were meant */
	CU_ASSERT_EQUAL(step_all(s, START + 1000000, t), WEIR_SEND_LATER);
	CU_ASSERT_EQUAL(t->n, 1001);
	CU_ASSERT_EQUAL(weir_histogram_max(&s->lag), 999000);
	CU_ASSERT_EQUAL(weir_histogram_min(&s->lag), 0);
	CU_ASSERT_EQUAL(step_all(s, START + 10000000, t), WEIR_SEND_END);
	CU_ASSERT_EQUAL(t->n, 2000);
	CU_ASSERT_EQUAL(s->n_sent, 2000);
	CU_ASSERT_EQUAL(s->n_bytes, 200000);
	CU_ASSERT_EQUAL(s->n_not_sent, 0);
	CU_ASSERT_EQUAL(weir_histogram_count(&s->lag), 2000);
	for (unsigned i = 0; i < t->n; i++) {
		CU_ASSERT(t->has_probe[i]);
		CU_ASSERT_EQUAL(t->probe[i].number, i);
		CU_ASSERT_EQUAL(t->probe[i].sent_ns, START + (int64_t)i * 1000);
		/* headers are the generator's, but for the UDP checksum */
		CU_ASSERT_EQUAL(memcmp(t->head[i], t->head[i % 100], 64), 0);
		CU_ASSERT(t->head[i][40] == 0 && t->head[i][41] == 0);
	}
	CU_ASSERT_EQUAL(s->first_intended_ns, START);
	CU_ASSERT_EQUAL(s->last_intended_ns, START + 1999000);
	free(t);
	free(s);
	weir_supply_close(p);
}

/* A ring that nobody empties takes so many; the rest waits, and is counted when it is given up. */
static void
test_full(void)
{
	struct weir_supply *p = supply("gen:udp?count=3000", true, false);
	struct weir_sender *s = sender((struct weir_sender_config){
	    .supply = p, .pace = { .rate = { WEIR_RATE_MAX, 0 } }, .count = 3000 });
	struct taken *t = taken();
	uint64_t n_held;

	for (unsigned i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL(weir_sender_step(s, START + i), WEIR_SEND_NOW);
	CU_ASSERT(s->n_sent > 0 && s->n_sent < 3000);
	CU_ASSERT_EQUAL(s->n_not_sent, 0);
	n_held = s->n_held;
	CU_ASSERT(n_held > 0);
	weir_sender_stop(s);
	CU_ASSERT_EQUAL(s->n_not_sent, n_held);
	CU_ASSERT_EQUAL(s->n_sent + s->n_not_sent + weir_sender_count_rest(s), 3000);
	take(t);
	CU_ASSERT_EQUAL(t->n, s->n_sent);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), pool->size);
	free(t);
	free(s);
	weir_supply_close(p);
}

static void
test_drop(void)
{
	struct weir_supply *p = supply("gen:udp?count=100", true, false);
	struct weir_sender *s = sender((struct weir_sender_config){
	    .supply = p, .pace = pps(1000000), .count = 5000, .is_dropping = true });
	struct taken *t = taken();

	CU_ASSERT_EQUAL(step_all(s, START + 5000000, NULL), WEIR_SEND_END);
	CU_ASSERT(s->n_not_sent > 0);
	CU_ASSERT_EQUAL(s->n_sent + s->n_not_sent, 5000);
	take(t);
	CU_ASSERT_EQUAL(t->n, s->n_sent);
	free(t);
	free(s);
	weir_supply_close(p);
}

/* A burst goes when it is due, and not a packet of it before. */
static void
test_bursts(void)
{
	struct weir_schedule_config pace = { .burst = 40, .burst_every_ns = 1000000 };
	struct weir_supply *p = supply("gen:udp?count=3", true, false);
	struct weir_sender *s =
	    sender((struct weir_sender_config){ .supply = p, .pace = pace, .count = 100 });
	struct taken *t = taken();

	CU_ASSERT_EQUAL(step_all(s, START + 999999, t), WEIR_SEND_LATER);
	CU_ASSERT_EQUAL(t->n, 40);
	CU_ASSERT_EQUAL(step_all(s, START + 1000000, t), WEIR_SEND_LATER);
	CU_ASSERT_EQUAL(t->n, 80);
	CU_ASSERT_EQUAL(step_all(s, START + 2000000, t), WEIR_SEND_END);
	CU_ASSERT_EQUAL(t->n, 100);
	free(t);
	free(s);
	weir_supply_close(p);
}

/* Three walk one schedule: each packet of it is sent by one of them, in its time. */
static void
test_several(void)
{
	struct weir_supply *p[3] = { supply("gen:udp?count=1000&size=90", true, true) };
	struct taken *t = taken();
	unsigned *seen = calloc(5000, sizeof(*seen)), n_wrong = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(seen);
	for (unsigned i = 0; i < 3; i++) {
		struct weir_sender_config c = { .pace = pps(1000000),
			.for_ns = 4321000,
			.index = i,
			.n_senders = 3,
			.has_signature = true };
		struct weir_sender *s;

		if (i)
			p[i] = weir_supply_share(p[0]);
		c.supply = p[i];
		/* the first one was stepped: its supply is somewhere */
		if (i)
			CU_ASSERT_EQUAL(p[i]->at, 0);
		s = sender(c);
		CU_ASSERT_EQUAL(step_all(s, START + 5000000, t), WEIR_SEND_END);
		free(s);
	}
	for (unsigned i = 0; i < t->n; i++) {
		CU_ASSERT_FATAL(t->has_probe[i] && t->probe[i].number < 5000);
		seen[t->probe[i].number]++;
		n_wrong += t->probe[i].sent_ns != START + (int64_t)t->probe[i].number * 1000;
	}
	CU_ASSERT_EQUAL(t->n, 4321);
	for (unsigned k = 0; k < 5000; k++)
		n_wrong += seen[k] != (k < 4321);
	CU_ASSERT_EQUAL(n_wrong, 0);
	free(seen);
	free(t);
	for (unsigned i = 3; i > 0; i--)
		weir_supply_close(p[i - 1]);
}

/* What is left of a schedule is counted the same by arithmetic and by walking. */
static void
test_rest(void)
{
	for (unsigned n_senders = 1; n_senders < 4; n_senders++) {
		uint64_t n = 0;

		for (unsigned i = 0; i < n_senders; i++) {
			struct weir_supply *p = supply("gen:udp?count=1000", true, false);
			struct taken *t = taken();
			struct weir_sender *s = sender((struct weir_sender_config){ .supply = p,
			    .pace = pps(1000000),
			    .for_ns = 20000000,
			    .index = i,
			    .n_senders = n_senders });

			step_all(s, START + 1234567, t);
			CU_ASSERT(s->n_sent > 0);
			weir_sender_stop(s);
			n += s->n_sent + s->n_not_sent + weir_sender_count_rest(s);
			free(t);
			free(s);
			weir_supply_close(p);
		}
		CU_ASSERT_EQUAL(n, 20000);
	}
}

/* As they are made, cut ones with zeros, to the end of the source and no further. */
static void
test_stream(void)
{
	struct weir_supply_config c = {
		.source = { .flag = WEIR_SOURCE_URI, .value = "gen:imix?count=2000&rate=1M" },
		.memory_bytes = 1,
	};
	struct weir_schedule_config pace = { .rate = { WEIR_RATE_RECORDED, 1000000 } };
	struct weir_supply *p = NULL;
	struct weir_error err;
	struct taken *t = taken();
	struct weir_sender *s;
	uint64_t bytes = 0;

	CU_ASSERT_EQUAL_FATAL(weir_supply_open(&c, &p, &err), 0);
	s = sender((struct weir_sender_config){ .supply = p, .pace = pace });
	CU_ASSERT_EQUAL(step_all(s, START + 999000, t), WEIR_SEND_LATER);
	CU_ASSERT_EQUAL(t->n, 1000);
	CU_ASSERT_EQUAL(step_all(s, START + 99999999, t), WEIR_SEND_END);
	CU_ASSERT_EQUAL(t->n, 2000);
	for (unsigned i = 0; i < t->n; i++)
		bytes += t->len[i];
	CU_ASSERT_EQUAL(bytes, s->n_bytes);
	free(t);
	free(s);
	weir_supply_close(p);
}

static bool
open_port(void)
{
	static char no_huge[] = "--no-huge", m[] = "-m", mb[] = "256", no_pci[] = "--no-pci";
	char *args[] = { no_huge, m, mb, no_pci };
	struct weir_port_config c = { .name = "vdev:net_ring0", .n_senders = 1 };
	struct weir_error err = { 0 };

	if (weir_eal_start("test", args, 4, &err) || weir_port_open(&c, &port, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return false;
	}
	pool = weir_port_make_pool(port, 4096, 2048, &err);
	return pool != NULL;
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "by schedule, whatever happened before", test_open_loop },
		{ "a port that is full", test_full },
		{ "what is refused is dropped", test_drop },
		{ "bursts", test_bursts },
		{ "several senders of one schedule", test_several },
		{ "what is left of a schedule", test_rest },
		{ "packets that come as they are made", test_stream },
		CU_TEST_INFO_NULL,
	};
	int rc;

	if (!open_port())
		return 1;
	rc = check_run("sender", tests);
	weir_port_close(port);
	rte_mempool_free(pool);
	weir_eal_stop();
	return rc;
}
