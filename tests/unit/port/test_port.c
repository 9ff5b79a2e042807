/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports that are opened, shared, sent out of and closed. */
#include <CUnit/Basic.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <weir/port/eal.h>
#include <weir/port/port.h>

#include "check.h"

static struct weir_port *
must_open(const char *name, unsigned n_workers, unsigned n_senders)
{
	struct weir_port_config c = {
		.name = name, .n_workers = n_workers, .n_senders = n_senders
	};
	struct weir_error err = { 0 };
	struct weir_port *p = NULL;

	CU_ASSERT_EQUAL(weir_port_open(&c, &p, &err), 0);
	if (err.text[0])
		fprintf(stderr, "%s: %s\n", name, err.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

static void
port_has_queues_for_all(void)
{
	struct weir_port *p = must_open("vdev:net_null0,size=100", 3, 2);
	char text[128];

	CU_ASSERT_EQUAL(p->n_rx, 3);
	CU_ASSERT_EQUAL(p->n_tx, 2);
	CU_ASSERT_TRUE(weir_port_has_own_queues(p, 2));
	CU_ASSERT_FALSE(weir_port_has_own_queues(p, 3));
	CU_ASSERT_STRING_EQUAL(weir_port_driver(p, text, sizeof(text)), "net_null");
	CU_ASSERT_TRUE(weir_port_is_up(p));
	CU_ASSERT_EQUAL(weir_port_speed_bps(p), UINT64_C(10000000000));
	weir_port_close(p);
	/* nobody sends: no queue for it */
	p = must_open("vdev:net_null0", 1, 0);
	CU_ASSERT_EQUAL(p->n_tx, 0);
	weir_port_close(p);
}

static void
port_is_shared_by_its_name(void)
{
	struct weir_port_config other = { .name = "vdev:net_null1,size=65", .n_senders = 1 };
	struct weir_port *p = must_open("vdev:net_null1,size=64", 1, 1), *same;
	struct weir_error err;

	CU_ASSERT_PTR_EQUAL(weir_port_find("net_null1"), p);
	CU_ASSERT_PTR_EQUAL(weir_port_find("vdev:net_null1"), p);
	CU_ASSERT_PTR_NULL(weir_port_find("net_null2"));
	same = must_open("net_null1", 1, 1);
	CU_ASSERT_PTR_EQUAL(same, p);
	CU_ASSERT_NOT_EQUAL(weir_port_open(&other, &same, &err), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "it is open as 'vdev:net_null1,size=64' already"));
	weir_port_close(p);
	/* one user is left */
	CU_ASSERT_PTR_EQUAL(weir_port_find("net_null1"), p);
	weir_port_close(p);
	CU_ASSERT_PTR_NULL(weir_port_find("net_null1"));
}

static void
port_that_cannot_send_says_so(void)
{
	struct weir_port_config c = { .name = "net_null2", .n_senders = 1 };
	struct weir_port *p = must_open("vdev:net_null2", 1, 0), *same;
	struct weir_error err;

	CU_ASSERT_EQUAL(weir_port_open(&c, &same, &err), -ENOTSUP);
	CU_ASSERT_STRING_EQUAL(err.text, "nothing can be sent out of it");
	weir_port_close(p);
}

static void
what_is_no_port_is_said(void)
{
	struct weir_port_config c = { .name = "vdev:net_nul0", .n_senders = 1 };
	struct weir_port *p;
	struct weir_error err;

	CU_ASSERT_NOT_EQUAL(weir_port_open(&c, &p, &err), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "(try 'vdev:net_null0')"));
	CU_ASSERT_EQUAL(weir_port_look("vdev:net_null0,size=1", &err), 0);
	CU_ASSERT_EQUAL(weir_port_look("net_null0", &err), 0);
	CU_ASSERT_NOT_EQUAL(weir_port_look("", &err), 0);
	CU_ASSERT_NOT_EQUAL(weir_port_look("loo", &err), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "(try 'lo')"));
	CU_ASSERT_NOT_EQUAL(weir_port_look("0000:ff:1f.7", &err), 0);
}

/* The attempt that gets furthest is told, with what the driver said of it. */
static void
refusal_is_told_with_its_cause(void)
{
	struct weir_port_config c = {
		.name =
		    "vdev:net_memif7,role=client,socket=/tmp/weir-nobody.sock,socket-abstract=no"
	};
	struct weir_port *p;
	struct weir_error err;

	CU_ASSERT_NOT_EQUAL(weir_port_open(&c, &p, &err), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the port cannot be started: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/tmp/weir-nobody.sock"));
	CU_ASSERT_PTR_NULL(weir_port_find("net_memif7"));
}

/* What is sent out of one port stands in the file behind it; its buffers outlive the port. */
static void
packets_are_sent(void)
{
	char path[] = "/tmp/weir-test-XXXXXX", name[128];
	int fd = mkstemp(path);
	struct weir_port_stats stats;
	struct weir_error err;
	struct rte_mbuf *m[8];
	struct rte_mempool *pool;
	struct weir_port *p;
	unsigned n;

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	snprintf(name, sizeof(name), "vdev:net_pcap0,tx_pcap=%s,rx_iface=lo", path);
	p = must_open(name, 1, 1);
	pool = weir_port_make_pool(p, 64, 2048, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_alloc_bulk(pool, m, 8), 0);
	for (unsigned i = 0; i < 8; i++)
		memset(rte_pktmbuf_append(m[i], 100), (int)i, 100);
	n = rte_eth_tx_burst(p->tx[0].id, p->tx[0].queue, m, 8);
	CU_ASSERT_EQUAL(n, 8);
	weir_port_stats(p, &stats);
	CU_ASSERT_EQUAL(stats.sent, 8);
	CU_ASSERT_EQUAL(stats.send_errors, 0);
	weir_port_close(p);
	/* the file's head, and 16 + 100 bytes a packet */
	CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_END), 24 + 8 * 116);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), pool->size);
	rte_mempool_free(pool);
	close(fd);
	unlink(path);
}

/* Packets of a closed port may still be in the ring of another. */
static void
buffers_outlive_their_port(void)
{
	struct weir_port *from = must_open("vdev:net_null3", 1, 0);
	struct weir_port *to = must_open("vdev:net_ring0", 1, 1);
	struct rte_mbuf *m[8];

	CU_ASSERT_EQUAL_FATAL(rte_eth_rx_burst(from->rx[0].id, from->rx[0].queue, m, 8), 8);
	CU_ASSERT_EQUAL(rte_eth_tx_burst(to->tx[0].id, to->tx[0].queue, m, 8), 8);
	weir_port_close(from);
	CU_ASSERT_EQUAL(rte_eth_rx_burst(to->rx[0].id, to->rx[0].queue, m, 8), 8);
	CU_ASSERT_EQUAL(rte_pktmbuf_data_len(m[7]), 64);
	rte_pktmbuf_free_bulk(m, 8);
	weir_port_close(to);
}

/* A kernel interface that its host uses stays its host's. */
static void
interface_in_use_is_opened_beside_its_host(void)
{
	struct weir_port_config c = { .name = "lo", .n_senders = 1, .is_send_only = true };
	struct weir_port *p;
	struct weir_error err;
	char text[64];

	if (geteuid() != 0) {
		fprintf(stderr, "an interface is opened by root alone: not tested\n");
		return;
	}
	if (weir_port_open(&c, &p, &err)) {
		fprintf(stderr, "%s\n", err.text);
		CU_FAIL_FATAL("lo is not opened");
	}
	CU_ASSERT_STRING_EQUAL(weir_port_driver(p, text, sizeof(text)), "net_af_packet");
	CU_ASSERT_STRING_EQUAL(p->interface, "lo");
	CU_ASSERT_EQUAL(p->n_tx, 1);
	CU_ASSERT_TRUE(p->data_bytes > 4096);
	CU_ASSERT_PTR_EQUAL(weir_port_find("lo"), p);
	weir_port_close(p);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "port has queues for all", port_has_queues_for_all },
		{ "port is shared by its name", port_is_shared_by_its_name },
		{ "port that cannot send says so", port_that_cannot_send_says_so },
		{ "what is no port is said", what_is_no_port_is_said },
		{ "refusal is told with its cause", refusal_is_told_with_its_cause },
		{ "packets are sent", packets_are_sent },
		{ "buffers outlive their port", buffers_outlive_their_port },
		{ "interface in use is opened beside its host",
		    interface_in_use_is_opened_beside_its_host },
		CU_TEST_INFO_NULL,
	};
	char *args[] = { (char[]){ "--no-huge" }, (char[]){ "-m" }, (char[]){ "512" } };
	struct weir_error err = { 0 };
	int status;

	if (weir_eal_start("weir", args, 3, &err) != 0) {
		fprintf(stderr, "ports: skipped: %s\n", err.text);
		return CHECK_SKIPPED;
	}
	status = check_run("ports", tests);
	weir_eal_stop();
	return status;
}
