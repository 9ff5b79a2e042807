/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What sealing costs: frames of 1350 bytes with their headers, one thread, by device and in clear.
 * Each round fills a burst of buffers anew, which is not counted, protects it at one node and
 * accepts it at another.
 *
 * usage: seal_cost [FRAMES [BYTES]]
 */
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/port/eal.h>
#include <weir/wire/seal.h>

#define BURST 64

static struct rte_mbuf *frame[BURST];
static uint8_t payload[9000];
static unsigned n_bytes = 1350;

/* Of this thread: others may want the CPU. */
static int64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void
fill(uint64_t round)
{
	for (unsigned i = 0; i < BURST; i++) {
		uint8_t *p;

		rte_pktmbuf_reset(frame[i]);
		p = (uint8_t *)rte_pktmbuf_append(frame[i], (uint16_t)n_bytes);
		memcpy(p, payload, n_bytes);
		memcpy(p + WEIR_FRAME_HEAD_BYTES, &round, sizeof(round));
		((struct weir_frame_head *)p)->epoch = rte_cpu_to_be_64(1);
	}
}

static struct weir_seal *
node(const struct weir_secret *secret, const char *device, uint64_t self, uint64_t other)
{
	struct weir_seal_spec spec = {
		.secret = secret, .job = "cost", .incarnation = self, .device = device
	};
	struct weir_error err = { 0 };
	struct weir_seal *s = NULL;

	if (weir_seal_open(&spec, &s, &err) || weir_seal_peer_add(s, other, &err)) {
		fprintf(stderr, "seal_cost: %s\n", err.text);
		return NULL;
	}
	weir_seal_epochs(s, 1, 1);
	return s;
}

static void
report(const char *what, const char *way, int64_t ns, uint64_t n)
{
	double each_ns = (double)ns / (double)n;

	printf("%-18s %-8s %8.1f ns/frame %8.2f Gb/s\n", what, way, each_ns, n_bytes * 8 / each_ns);
}

static int
measure(const struct weir_secret *secret, const char *device, uint64_t n_rounds)
{
	struct weir_seal *a = node(secret, device, 1, 2),
			 *b = a ? node(secret, device, 2, 1) : NULL;
	enum weir_seal_verdict verdict[BURST];
	uint64_t to[BURST], n_bad = 0;
	int64_t protect_ns = 0, accept_ns = 0;

	for (unsigned i = 0; i < BURST; i++)
		to[i] = 2;
	for (uint64_t r = 0; b && r < n_rounds; r++) {
		int64_t start_ns, middle_ns;

		fill(r);
		start_ns = cpu_ns();
		n_bad += BURST - weir_seal_protect(a, to, frame, BURST, verdict);
		middle_ns = cpu_ns();
		n_bad += BURST - weir_seal_accept(b, frame, BURST, verdict);
		accept_ns += cpu_ns() - middle_ns;
		protect_ns += middle_ns - start_ns;
	}
	if (b) {
		report(device ? device : "in clear", "protect", protect_ns, n_rounds * BURST);
		report(device ? device : "in clear", "accept", accept_ns, n_rounds * BURST);
	}
	if (n_bad)
		fprintf(stderr, "seal_cost: %llu frames were refused\n", (unsigned long long)n_bad);
	weir_seal_close(a);
	weir_seal_close(b);
	return n_bad ? 1 : 0;
}

int
main(int argc, char **argv)
{
	static const char *const devices[] = { "crypto_aesni_gcm", "crypto_openssl" };
	uint64_t n_rounds = (argc > 1 ? strtoull(argv[1], NULL, 10) : 2000000) / BURST;
	char *args[] = { (char[]){ "--no-huge" }, (char[]){ "-m" }, (char[]){ "256" } };
	struct weir_secret *secret = NULL;
	struct weir_error err = { 0 };
	struct rte_mempool *pool;
	int status;

	n_bytes = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : n_bytes;
	if (n_bytes < WEIR_FRAME_HEAD_BYTES + 8 || n_bytes > sizeof(payload)) {
		fprintf(stderr, "seal_cost: %u bytes: 40 to %zu are possible\n", n_bytes,
		    sizeof(payload));
		return 2;
	}
	if (weir_eal_start(argv[0], args, 3, &err) ||
	    weir_secret_make("0123456789abcdef0123456789abcdef", 32, &secret, &err)) {
		fprintf(stderr, "seal_cost: %s\n", err.text);
		return 1;
	}
	pool = rte_pktmbuf_pool_create("cost", BURST, 0, 0, 9500, SOCKET_ID_ANY);
	if (!pool || rte_pktmbuf_alloc_bulk(pool, frame, BURST) != 0)
		return 1;
	status = measure(NULL, NULL, n_rounds);
	for (unsigned i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		status |= measure(secret, devices[i], n_rounds);
	weir_secret_free(secret);
	weir_eal_stop();
	return status;
}
