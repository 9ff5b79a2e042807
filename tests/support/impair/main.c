/* SPDX-License-Identifier: BSD-3-Clause */
#include <getopt.h>
#include <inttypes.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "impair.h"

/*
 * usage: impair --in DEVICE --out DEVICE [rules]
 *
 * DEVICE is a virtual device of DPDK with its arguments; --in may be --out's again, and there may
 * be two of both: two directions, or two devices behind each other. Prints {"ready":true} when it
 * forwards, and its counts as one line of JSON for each direction when it is told to end.
 */

#define DESCRIPTORS 1024
#define BUFFERS     65535
#define ROOM        (RTE_PKTMBUF_HEADROOM + 2048)

static volatile sig_atomic_t is_stopped;

static void
stop(int signal_number)
{
	is_stopped = 1;
}

static void
fail(const char *what, const char *which)
{
	fprintf(stderr, "impair: %s '%s': %s\n", what, which, rte_strerror(rte_errno));
	exit(1);
}

/* Open the device unless it is open. */
static uint16_t
open_device(const char *text, struct rte_mempool *pool)
{
	struct rte_eth_conf conf = { 0 };
	char name[64];
	const char *comma = strchr(text, ',');
	uint16_t port;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, ","), text);
	if (rte_eth_dev_get_port_by_name(name, &port) == 0)
		return port;
	if (rte_eal_hotplug_add("vdev", name, comma ? comma + 1 : "") ||
	    rte_eth_dev_get_port_by_name(name, &port))
		fail("cannot open", text);
	if (rte_eth_dev_configure(port, 1, 1, &conf) ||
	    rte_eth_rx_queue_setup(port, 0, DESCRIPTORS, SOCKET_ID_ANY, NULL, pool) ||
	    rte_eth_tx_queue_setup(port, 0, DESCRIPTORS, SOCKET_ID_ANY, NULL) ||
	    rte_eth_dev_start(port))
		fail("cannot start", text);
	return port;
}

static uint64_t
number(const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (!*text || *end) {
		fprintf(stderr, "impair: '%s' is no number\n", text);
		exit(2);
	}
	return n;
}

static void
list(char *text, struct impair_rules *r)
{
	char *save = NULL;

	for (char *w = strtok_r(text, ",", &save); w && r->n_drop_seq < IMPAIR_LISTED;
	     w = strtok_r(NULL, ",", &save))
		r->drop_seq[r->n_drop_seq++] = number(w);
}

static void
parse(int argc, char **argv, struct impair_options *o)
{
	enum { IN = 1, OUT, HOLD, DROP_EVERY, DROP_SEQ, DUP, DELAY, DELAY_BY, LIMIT, QUEUE, ANY };
	static const struct option options[] = {
		{ "in", 1, NULL, IN },
		{ "out", 1, NULL, OUT },
		{ "hold-ns", 1, NULL, HOLD },
		{ "drop-every", 1, NULL, DROP_EVERY },
		{ "drop-seq", 1, NULL, DROP_SEQ },
		{ "dup-every", 1, NULL, DUP },
		{ "delay-every", 1, NULL, DELAY },
		{ "delay-by", 1, NULL, DELAY_BY },
		{ "limit-pps", 1, NULL, LIMIT },
		{ "queue", 1, NULL, QUEUE },
		{ "any", 1, NULL, ANY },
		{ 0 },
	};
	struct impair_rules *r = &o->rules;
	uint64_t *const numbers[] = { [HOLD] = &r->hold_ns,
		[DROP_EVERY] = &r->drop_every,
		[DUP] = &r->dup_every,
		[DELAY] = &r->delay_every,
		[DELAY_BY] = &r->delay_by,
		[LIMIT] = &r->limit_pps,
		[QUEUE] = &r->queue_pkts,
		[ANY] = &r->any };
	int c;

	*o = (struct impair_options){ .rules = { .delay_by = 1, .queue_pkts = 256 } };
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == '?')
			exit(2);
		if (c == IN && o->n_in < IMPAIR_LANES)
			o->in[o->n_in++] = optarg;
		else if (c == OUT && o->n_out < IMPAIR_LANES)
			o->out[o->n_out++] = optarg;
		else if (c == DROP_SEQ)
			list(optarg, r);
		else if (c >= HOLD)
			*numbers[c] = number(optarg);
	}
	if (!o->n_in || o->n_in != o->n_out || optind != argc) {
		fprintf(stderr, "impair: as many --in as --out, one or two\n");
		exit(2);
	}
}

static void
print(const struct impair_counts *c)
{
	printf("{\"received\":%" PRIu64 ",\"other\":%" PRIu64 ",\"sent\":%" PRIu64
	       ",\"dropped\":%" PRIu64 ",\"limited\":%" PRIu64 ",\"duplicated\":%" PRIu64
	       ",\"delayed\":%" PRIu64 ",\"not_delayed\":%" PRIu64 ",\"overflowed\":%" PRIu64 "}\n",
	    c->received, c->other, c->sent, c->dropped, c->limited, c->duplicated, c->delayed,
	    c->not_delayed, c->overflowed);
}

/* One lcore that floats over the CPUs that we have. */
static void
cpus(char *buf, size_t size)
{
	size_t len = (size_t)snprintf(buf, size, "0@(");
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	for (int i = 0; i < CPU_SETSIZE && len < size; i++)
		if (CPU_ISSET(i, &set))
			len += (size_t)snprintf(
			    buf + len, size - len, "%s%d", buf[len - 1] == '(' ? "" : ",", i);
	if (len < size)
		snprintf(buf + len, size - len, ")");
}

static void
start_eal(char *program)
{
	static char lcores[4096];
	static char words[][16] = { "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m",
		"512", "--log-level=3", "--lcores" };
	char *argv[sizeof(words) / sizeof(words[0]) + 3] = { program };
	int n = 1;

	cpus(lcores, sizeof(lcores));
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		argv[n++] = words[i];
	argv[n++] = lcores;
	if (rte_eal_init(n, argv) < 0)
		fail("cannot start", "EAL");
}

int
main(int argc, char **argv)
{
	struct impair_lane *lanes[IMPAIR_LANES];
	struct sigaction action = { .sa_handler = stop };
	struct impair_options o;
	struct rte_mempool *pool;
	unsigned n;

	parse(argc, argv, &o);
	n = o.n_in;
	start_eal(argv[0]);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	pool = rte_pktmbuf_pool_create("impair", BUFFERS, 256, 0, ROOM, SOCKET_ID_ANY);
	if (!pool)
		fail("no memory for", "packets");
	for (unsigned i = 0; i < n; i++)
		lanes[i] = impair_lane_create(
		    open_device(o.in[i], pool), open_device(o.out[i], pool), &o.rules);
	printf("{\"ready\":true}\n");
	fflush(stdout);
	while (!is_stopped)
		for (unsigned i = 0; i < n; i++)
			impair_lane_step(lanes[i]);
	for (unsigned i = 0; i < n; i++) {
		impair_lane_finish(lanes[i]);
		print(impair_lane_counts(lanes[i]));
		impair_lane_destroy(lanes[i]);
	}
	return 0;
}
