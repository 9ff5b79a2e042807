/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive queues of DPDK's virtual ports: how many, what decides, and that their views last. */
#include <CUnit/Basic.h>
#include <errno.h>
#include <pcap/dlt.h>
#include <pthread.h>
#include <rte_lcore.h>
#include <rte_thash.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/base/time.h>
#include <weir/source/source.h>

#include "check.h"
#include "ethdev.h"
#include "port_parts.h"
#include "reading.h"

static struct weir_source *
open_workers(const char *value, unsigned n_workers)
{
	struct weir_source_config c = {
		.flag = WEIR_SOURCE_INTERFACE, .value = value, .n_workers = n_workers
	};

	return must_open(&c);
}

static bool
spreads_by(const struct weir_source *s, const unsigned *fields, unsigned n)
{
	struct weir_field_set want = { 0 };

	for (unsigned i = 0; i < n; i++)
		weir_field_set_add(&want, fields[i]);
	return memcmp(&want, &s->spread, sizeof(want)) == 0;
}

static const unsigned ends[] = { WEIR_FIELD_IP_SRC, WEIR_FIELD_IP_DST, WEIR_FIELD_SRCPORT,
	WEIR_FIELD_DSTPORT };

static void
key_hashes_both_directions_alike(void)
{
	uint32_t state = 7, there[9], back[9], n_same = 0;
	uint8_t key[52];

	weir_device_rss_key(key, sizeof(key));
	for (unsigned i = 0; i < 1000; i++) {
		for (unsigned k = 0; k < 9; k++)
			there[k] = state = state * 1664525u + 1013904223u;
		/* IPv4 and ports, in the order that NICs hash them */
		back[0] = there[1];
		back[1] = there[0];
		back[2] = there[2] << 16 | there[2] >> 16;
		CU_ASSERT_EQUAL(rte_softrss(there, 3, key), rte_softrss(back, 3, key));
		n_same += rte_softrss(there, 3, key) % 4 == 0;
		/* IPv6 */
		memcpy(back, there + 4, 16);
		memcpy(back + 4, there, 16);
		back[8] = there[8] << 16 | there[8] >> 16;
		CU_ASSERT_EQUAL(rte_softrss(there, 9, key), rte_softrss(back, 9, key));
	}
	/* and it does spread */
	CU_ASSERT_TRUE(n_same > 200 && n_same < 300);
}

static void
fields_follow_the_hash(void)
{
	struct weir_source s = { .spread = weir_device_rss_fields(RTE_ETH_RSS_IPV4) };

	CU_ASSERT_TRUE(spreads_by(&s, ends, 2));
	s.spread = weir_device_rss_fields(RTE_ETH_RSS_NONFRAG_IPV4_UDP);
	CU_ASSERT_TRUE(spreads_by(&s, ends, 4));
	s.spread = weir_device_rss_fields(RTE_ETH_RSS_ETH);
	CU_ASSERT_TRUE(spreads_by(&s, ends, 0));
}

/* Is the table of a port i % n_queues throughout? */
static bool
has_round_table(uint16_t port, uint16_t n, unsigned n_queues)
{
	struct rte_eth_rss_reta_entry64 table[8];

	memset(table, 0xff, sizeof(table));
	if (n > 512 || rte_eth_dev_rss_reta_query(port, table, n) != 0)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (table[i / 64].reta[i % 64] != i % n_queues)
			return false;
	return true;
}

/* A queue a worker, with key and table read back. */
static void
port_with_rss_has_a_queue_a_worker(void)
{
	struct weir_source *s = open_workers("vdev:net_null0", 4);
	struct weir_batch *b = batch_for_views();
	uint16_t port;

	CU_ASSERT_EQUAL_FATAL(s->n_queues, 4);
	CU_ASSERT_TRUE(spreads_by(s, ends, 4));
	CU_ASSERT_TRUE(s->is_symmetric);
	CU_ASSERT_TRUE(s->has_lasting_views);
	CU_ASSERT_PTR_NOT_NULL(strstr(s->description,
	    "; 4 receive queues, RSS by ip.src, ip.dst, srcport, dstport (symmetric)"));
	CU_ASSERT_EQUAL_FATAL(rte_eth_dev_get_port_by_name("net_null0", &port), 0);
	CU_ASSERT_TRUE(has_round_table(port, 128, 4));
	for (unsigned q = 0; q < s->n_queues; q++) {
		CU_ASSERT_EQUAL(s->ops->poll(s, q, b, WEIR_ROWS, 0), WEIR_POLL_OK);
		CU_ASSERT_EQUAL(b->n, WEIR_ROWS);
		s->ops->release(s, b);
	}
	weir_source_close(s);
	s = open_workers("vdev:net_null0", 1);
	CU_ASSERT_EQUAL(s->n_queues, 1);
	CU_ASSERT_TRUE(spreads_by(s, ends, 0));
	CU_ASSERT_PTR_NULL(strstr(s->description, "queue"));
	weir_source_close(s);
	s = open_workers("vdev:net_null0", 100);
	CU_ASSERT_EQUAL(s->n_queues, WEIR_PORT_QUEUES);
	weir_source_close(s);
	weir_batch_destroy(b);
}

/* A driver that starts with another key and table than it was given is put right. */
static void
wrong_key_and_table_are_mended(void)
{
	struct weir_source *s = open_workers("vdev:net_null0", 3);
	struct weir_device *p =
	    &((struct weir_open_port *)((struct weir_ethdev *)s)->p)->devices[0];
	struct rte_eth_rss_reta_entry64 table[2];
	struct rte_eth_dev_info info;
	uint8_t key[40] = { 1, 2, 3 };
	struct rte_eth_rss_conf conf = {
		.rss_key = key, .rss_key_len = sizeof(key), .rss_hf = RTE_ETH_RSS_IPV4
	};

	memset(table, 0, sizeof(table));
	table[0].mask = table[1].mask = UINT64_MAX;
	CU_ASSERT_EQUAL(rte_eth_dev_info_get(p->id, &info), 0);
	CU_ASSERT_EQUAL_FATAL(rte_eth_dev_rss_reta_update(p->id, table, 128), 0);
	CU_ASSERT_EQUAL_FATAL(rte_eth_dev_rss_hash_update(p->id, &conf), 0);
	CU_ASSERT_FALSE(has_round_table(p->id, 128, 3));
	p->rss = WEIR_DEVICE_RSS_NONE;
	weir_device_rss_verify(p, &info);
	CU_ASSERT_EQUAL(p->rss, WEIR_DEVICE_RSS_VERIFIED);
	CU_ASSERT_TRUE(p->is_symmetric);
	CU_ASSERT_TRUE(p->rss_hf & RTE_ETH_RSS_NONFRAG_IPV6_TCP);
	CU_ASSERT_TRUE(has_round_table(p->id, 128, 3));
	/* a table of another size than the driver's cannot be read: nothing is claimed */
	info.reta_size = 64;
	weir_device_rss_verify(p, &info);
	CU_ASSERT_EQUAL(p->rss, WEIR_DEVICE_RSS_NO_TABLE);
	weir_source_close(s);
}

/* A capture file of n packets of len bytes, byte k of packet i being first + i + k. */
static void
write_capture(char *path, uint32_t n, uint32_t len, uint32_t first)
{
	uint32_t head[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, DLT_EN10MB };
	uint8_t *data = malloc(len);
	int fd = mkstemp(path);
	FILE *f = fd >= 0 ? fdopen(fd, "wb") : NULL;

	CU_ASSERT_FATAL(f && data);
	fwrite(head, sizeof(head), 1, f);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t packet[4] = { 1000 + i, 0, len, len };

		for (uint32_t k = 0; k < len; k++)
			data[k] = (uint8_t)(first + i + k);
		fwrite(packet, sizeof(packet), 1, f);
		fwrite(data, len, 1, f);
	}
	free(data);
	CU_ASSERT_EQUAL(fclose(f), 0);
}

/* Rows whose bytes are not those of the packets from first on. */
static unsigned
count_wrong(const struct weir_batch *b, uint32_t len, uint32_t first)
{
	unsigned n = 0;

	for (uint32_t r = 0; r < b->n; r++) {
		bool is_wrong = b->cap_len[r] != len || b->wire_len[r] != len;

		for (uint32_t k = 0; k < b->cap_len[r] && !is_wrong; k++)
			is_wrong = b->data[r][k] != (uint8_t)(first + r + k);
		n += is_wrong;
	}
	return n;
}

static struct weir_source *
open_two_files(const char *device, char *a, char *z, const char *more, unsigned n_workers)
{
	char value[256];

	snprintf(value, sizeof(value), "vdev:%s,rx_pcap=%s,rx_pcap=%s%s", device, a, z, more);
	return open_workers(value, n_workers);
}

/* Packets come by each queue that the arguments name, however few workers there are. */
static void
queues_of_the_arguments_are_all_polled(void)
{
	char a[] = "/tmp/weir-test-XXXXXX", z[] = "/tmp/weir-test-XXXXXX";
	struct weir_batch *b = batch_for_views();
	struct weir_source *s;

	write_capture(a, 100, 60, 0);
	write_capture(z, 150, 70, 5);
	s = open_two_files("net_pcap0", a, z, "", 1);
	CU_ASSERT_EQUAL_FATAL(s->n_queues, 2);
	CU_ASSERT_TRUE(spreads_by(s, ends, 0));
	CU_ASSERT_PTR_NOT_NULL(strstr(s->description, "; 2 receive queues"));
	CU_ASSERT_PTR_NULL(strstr(s->description, "RSS"));
	CU_ASSERT_EQUAL(s->ops->poll(s, 1, b, WEIR_ROWS, 0), WEIR_POLL_OK);
	CU_ASSERT_EQUAL(b->n, 150);
	CU_ASSERT_EQUAL(count_wrong(b, 70, 5), 0);
	s->ops->release(s, b);
	CU_ASSERT_EQUAL(s->ops->poll(s, 1, b, WEIR_ROWS, 0), WEIR_POLL_OK);
	CU_ASSERT_EQUAL(b->n, 0);
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, 0), WEIR_POLL_OK);
	CU_ASSERT_EQUAL(b->n, 100);
	CU_ASSERT_EQUAL(count_wrong(b, 60, 0), 0);
	s->ops->release(s, b);
	weir_source_close(s);
	weir_batch_destroy(b);
	unlink(a);
	unlink(z);
}

/* Each queue keeps its whole file in the pool's buffers; some must be left to receive with. */
static void
pool_grows_for_every_queue(void)
{
	char a[] = "/tmp/weir-test-XXXXXX", z[] = "/tmp/weir-test-XXXXXX";
	struct weir_batch *b = batch_for_views();
	struct weir_source *s;
	uint64_t n[2] = { 0, 0 };

	write_capture(a, 9000, 60, 0);
	write_capture(z, 9500, 60, 0);
	s = open_two_files("net_pcap1", a, z, ",infinite_rx=1", 1);
	CU_ASSERT_EQUAL_FATAL(s->n_queues, 2);
	for (unsigned i = 0; i < 200; i++) {
		CU_ASSERT_EQUAL(s->ops->poll(s, i % 2, b, WEIR_ROWS, 0), WEIR_POLL_OK);
		n[i % 2] += b->n;
		s->ops->release(s, b);
	}
	CU_ASSERT_EQUAL(n[0], 100 * WEIR_ROWS);
	CU_ASSERT_EQUAL(n[1], 100 * WEIR_ROWS);
	weir_source_close(s);
	weir_batch_destroy(b);
	unlink(a);
	unlink(z);
}

static void
one_queue_for_several_workers_is_said(void)
{
	char a[] = "/tmp/weir-test-XXXXXX", value[128];
	struct weir_source *s;

	write_capture(a, 1, 60, 0);
	snprintf(value, sizeof(value), "vdev:net_pcap2,rx_pcap=%s", a);
	s = open_workers(value, 4);
	CU_ASSERT_EQUAL(s->n_queues, 1);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(s->description, "; 1 receive queue, no RSS: workers take turns"));
	CU_ASSERT_TRUE(spreads_by(s, ends, 0));
	weir_source_close(s);
	unlink(a);
}

/* Of packets that fit no single buffer too: several bursts are out at the same time. */
static void
views_last_until_their_release(void)
{
	static const uint32_t lens[] = { 60, 9000 };

	for (unsigned i = 0; i < 2; i++) {
		char a[] = "/tmp/weir-test-XXXXXX", value[128];
		struct weir_batch *b[3];
		struct weir_source *s;
		struct weir_source_stats stats;
		uint32_t n = 0;

		write_capture(a, 3000, lens[i], 0);
		snprintf(value, sizeof(value), "vdev:net_pcap%u,rx_pcap=%s", 3 + i, a);
		s = open_workers(value, 2);
		for (unsigned k = 0; k < 3; k++)
			b[k] = batch_for_views();
		for (unsigned round = 0; round < 9; round++) {
			uint32_t first[3];

			for (unsigned k = 0; k < 3; k++) {
				first[k] = n;
				CU_ASSERT_EQUAL(s->ops->poll(s, 0, b[k], 100, 0), WEIR_POLL_OK);
				CU_ASSERT_EQUAL(b[k]->n, 100);
				n += b[k]->n;
			}
			for (unsigned k = 0; k < 3; k++)
				CU_ASSERT_EQUAL(count_wrong(b[k], lens[i], first[k]), 0);
			/* in another order than they came */
			for (unsigned k = 3; k-- > 0;)
				s->ops->release(s, b[k]);
		}
		s->ops->stats(s, &stats);
		CU_ASSERT_EQUAL(stats.lost_no_buffer, 0);
		for (unsigned k = 0; k < 3; k++)
			weir_batch_destroy(b[k]);
		weir_source_close(s);
		unlink(a);
	}
}

/* Whoever keeps far more bursts than there are workers loses packets, and is told so. */
static void
packets_without_a_slot_are_counted(void)
{
	char a[] = "/tmp/weir-test-XXXXXX", value[128];
	struct weir_batch *b[6];
	struct weir_source *s;
	struct weir_source_stats stats;
	uint64_t n = 0;

	write_capture(a, 6 * WEIR_ROWS, 3000, 0);
	snprintf(value, sizeof(value), "vdev:net_pcap5,rx_pcap=%s", a);
	s = open_workers(value, 1);
	for (unsigned k = 0; k < 6; k++) {
		b[k] = batch_for_views();
		CU_ASSERT_EQUAL(s->ops->poll(s, 0, b[k], WEIR_ROWS, 0), WEIR_POLL_OK);
		n += b[k]->n;
	}
	s->ops->stats(s, &stats);
	CU_ASSERT_TRUE(n < 6 * WEIR_ROWS);
	CU_ASSERT_EQUAL(n + stats.lost_no_buffer, 6 * WEIR_ROWS);
	for (unsigned k = 0; k < 6; k++) {
		s->ops->release(s, b[k]);
		weir_batch_destroy(b[k]);
	}
	weir_source_close(s);
	unlink(a);
}

#define NOW_NS (INT64_C(1700000000) * WEIR_NS_PER_S)

/* Rows of a poll whose time is not first_ns + row * step_ns. */
static unsigned
count_wrong_times(struct weir_source *s, uint32_t n, int64_t first_ns, int64_t step_ns)
{
	struct weir_batch *b = batch_for_views();
	unsigned n_wrong = 0;

	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, n, NOW_NS), WEIR_POLL_OK);
	CU_ASSERT_EQUAL(b->n, n);
	for (uint32_t r = 0; r < b->n; r++)
		n_wrong += b->time_ns[r] != first_ns + r * step_ns;
	s->ops->release(s, b);
	weir_batch_destroy(b);
	return n_wrong;
}

/* net_pcap stamps packets with the seconds 1000, 1001 ... of their file. */
static void
times_of_the_driver_are_taken_where_asked(void)
{
	static const struct {
		const char *more, *said;
		int64_t first_ns, step_ns;
	} cases[] = {
		{ "", "; one reading of the clock a burst; ", NOW_NS, 0 },
		{ "?timestamps=yes", "; times by the driver; ", 1000 * WEIR_NS_PER_S,
		    WEIR_NS_PER_S },
		/* the driver has no times then, and says so by each packet's flags */
		{ ",infinite_rx=1?timestamps=yes", "; times by the driver; ", NOW_NS, 0 },
	};
	char a[] = "/tmp/weir-test-XXXXXX", value[128];

	write_capture(a, 100, 60, 0);
	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		struct weir_source *s;

		snprintf(
		    value, sizeof(value), "vdev:net_pcap%u,rx_pcap=%s%s", 20 + i, a, cases[i].more);
		s = open_workers(value, 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(s->description, cases[i].said));
		CU_ASSERT_FALSE(s->has_clock);
		CU_ASSERT_EQUAL(count_wrong_times(s, 100, cases[i].first_ns, cases[i].step_ns), 0);
		weir_source_close(s);
	}
	unlink(a);
}

/* The same stamps, taken as ticks of a clock: a million of them a packet, at 1 GHz. */
static void
ticks_are_converted_by_the_clock(void)
{
	char a[] = "/tmp/weir-test-XXXXXX", value[128];
	struct weir_ethdev_queue *q;
	struct weir_ethdev *e;
	struct weir_source *s;

	write_capture(a, 60, 60, 0);
	snprintf(value, sizeof(value), "vdev:net_pcap23,rx_pcap=%s?timestamps=yes", a);
	s = open_workers(value, 1);
	e = (struct weir_ethdev *)s;
	q = &e->queues[0];
	e->stamp.times = WEIR_PORT_TIMES_CLOCK;
	/* not ready: nothing fed it, and this driver's clock cannot be read */
	CU_ASSERT_EQUAL(count_wrong_times(s, 20, NOW_NS, 0), 0);
	CU_ASSERT_EQUAL(q->fed_ns, NOW_NS);
	weir_clock_init(&q->clock, 64, 1000000000);
	weir_clock_feed(&q->clock, 1022000000, NOW_NS - 10, NOW_NS + 10);
	CU_ASSERT_EQUAL(count_wrong_times(s, 20, NOW_NS - 2000000, 1000000), 0);
	/* wall-clock was set since, and now is far from what the clock says: the burst's */
	weir_clock_feed(
	    &q->clock, 1040000000, NOW_NS + 5 * WEIR_NS_PER_S, NOW_NS + 5 * WEIR_NS_PER_S);
	CU_ASSERT_EQUAL(q->clock.n_steps, 1);
	CU_ASSERT_EQUAL(count_wrong_times(s, 20, NOW_NS, 0), 0);
	weir_source_close(s);
	unlink(a);
}

/* Two workers, a queue each; every burst is released by the other one. */
struct pair {
	struct weir_source *s;
	unsigned n_rounds;
	bool is_counting; /* the bytes of each packet count up */
	struct weir_batch *b[2];
	pthread_barrier_t barrier;
};

struct worker {
	struct pair *pair;
	unsigned id;
	uint64_t n, n_torn;
	int rc;
};

static unsigned
count_torn(const struct pair *p, const struct weir_batch *b)
{
	unsigned n = 0;

	for (uint32_t r = 0; p->is_counting && r < b->n; r++) {
		bool is_torn = b->cap_len[r] != b->wire_len[r];

		for (uint32_t k = 0; k < b->cap_len[r] && !is_torn; k++)
			is_torn = b->data[r][k] != (uint8_t)(b->data[r][0] + k);
		n += is_torn;
	}
	return n;
}

static void *
poll_and_release_other(void *arg)
{
	struct worker *w = arg;
	struct pair *p = w->pair;
	struct weir_batch *own = p->b[w->id];
	struct weir_batch *spare = batch_for_views();

	w->rc = rte_thread_register();
	for (unsigned i = 0; i < p->n_rounds; i++) {
		if (p->s->ops->poll(p->s, w->id, own, WEIR_ROWS, 0) != WEIR_POLL_OK)
			w->rc = -1;
		w->n += own->n;
		pthread_barrier_wait(&p->barrier);
		w->n_torn += count_torn(p, p->b[!w->id]);
		p->s->ops->release(p->s, p->b[!w->id]);
		/* meanwhile the other one may still be at it */
		p->s->ops->poll(p->s, w->id, spare, WEIR_ROWS, 0);
		w->n += spare->n;
		w->n_torn += count_torn(p, spare);
		p->s->ops->release(p->s, spare);
		pthread_barrier_wait(&p->barrier);
	}
	if (!w->rc)
		rte_thread_unregister();
	weir_batch_destroy(spare);
	return NULL;
}

/* Run a pair; returns the packets of each queue, which must be as many. */
static uint64_t
run_pair(struct pair *p)
{
	struct worker w[2] = { { .pair = p, .id = 0 }, { .pair = p, .id = 1 } };
	pthread_t threads[2];

	CU_ASSERT_EQUAL_FATAL(p->s->n_queues, 2);
	pthread_barrier_init(&p->barrier, NULL, 2);
	for (unsigned i = 0; i < 2; i++)
		p->b[i] = batch_for_views();
	for (unsigned i = 0; i < 2; i++)
		CU_ASSERT_EQUAL_FATAL(
		    pthread_create(&threads[i], NULL, poll_and_release_other, &w[i]), 0);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		CU_ASSERT_EQUAL(w[i].rc, 0);
		CU_ASSERT_EQUAL(w[i].n_torn, 0);
		weir_batch_destroy(p->b[i]);
	}
	CU_ASSERT_EQUAL(w[0].n, w[1].n);
	pthread_barrier_destroy(&p->barrier);
	weir_source_close(p->s);
	return w[0].n;
}

static void
bursts_may_be_released_by_another_worker(void)
{
	struct pair p = { .s = open_workers("vdev:net_null0", 2), .n_rounds = 300 };

	CU_ASSERT_EQUAL(run_pair(&p), 600 * WEIR_ROWS);
}

/* Packets in several segments too, many times as many as there are slots. */
static void
slots_may_be_released_by_another_worker(void)
{
	char a[] = "/tmp/weir-test-XXXXXX", z[] = "/tmp/weir-test-XXXXXX";
	struct pair p = { .n_rounds = 20, .is_counting = true };

	write_capture(a, 8000, 3000, 0);
	write_capture(z, 8000, 3000, 100);
	p.s = open_two_files("net_pcap6", a, z, "", 2);
	/* none is lost */
	CU_ASSERT_EQUAL(run_pair(&p), 8000);
	unlink(a);
	unlink(z);
}

/* A driver without interrupts is set up nonetheless, and says that it cannot wait. */
static void
port_without_interrupts_cannot_wait(void)
{
	struct weir_source_config c = { .flag = WEIR_SOURCE_INTERFACE,
		.value = "vdev:net_null0",
		.n_workers = 2,
		.wants_interrupts = true };
	struct weir_source *s = must_open(&c);

	CU_ASSERT_EQUAL(s->n_queues, 2);
	for (unsigned q = 0; q < 2; q++) {
		CU_ASSERT_EQUAL(s->ops->wait_fd(s, q), -1);
		CU_ASSERT_EQUAL(s->ops->arm(s, q, true), -ENOTSUP);
	}
	weir_source_close(s);
}

int
main(void)
{
	static const CU_TestInfo without_eal[] = {
		{ "key hashes both directions alike", key_hashes_both_directions_alike },
		{ "fields follow the hash", fields_follow_the_hash },
		CU_TEST_INFO_NULL,
	};
	static const CU_TestInfo with_eal[] = {
		{ "port with rss has a queue a worker", port_with_rss_has_a_queue_a_worker },
		{ "wrong key and table are mended", wrong_key_and_table_are_mended },
		{ "queues of the arguments are all polled",
		    queues_of_the_arguments_are_all_polled },
		{ "pool grows for every queue", pool_grows_for_every_queue },
		{ "one queue for several workers is said", one_queue_for_several_workers_is_said },
		{ "views last until their release", views_last_until_their_release },
		{ "packets without a slot are counted", packets_without_a_slot_are_counted },
		{ "times of the driver are taken where asked",
		    times_of_the_driver_are_taken_where_asked },
		{ "ticks are converted by the clock", ticks_are_converted_by_the_clock },
		{ "bursts may be released by another worker",
		    bursts_may_be_released_by_another_worker },
		{ "slots may be released by another worker",
		    slots_may_be_released_by_another_worker },
		{ "port without interrupts cannot wait", port_without_interrupts_cannot_wait },
		CU_TEST_INFO_NULL,
	};
	int status = check_run("spreading", without_eal);

	return status ? status : run_with_eal("receive queues", with_eal, 768);
}
