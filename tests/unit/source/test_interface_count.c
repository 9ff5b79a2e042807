/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Count what a live source delivers, for trying it by hand and from scripts:
 *
 *     test_interface_count [--tap|--take] [--dry] [--debug] [--workers] NAME PACKETS SECONDS [--
 * EAL ARGUMENTS]
 *
 * opens the source, with --workers as for 4 workers, and polls all of its queues until PACKETS
 * packets have come and half a second more, or SECONDS have passed, and prints one line
 * "packets=... bytes=... captured=... sum=... nic=... no_buffer=...", where sum adds up all
 * captured bytes. Exit status 0 when exactly PACKETS came (any number where PACKETS is 0). Without
 * arguments there is nothing to count: status 77 (skipped).
 */
#include <pthread.h>
#include <rte_lcore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/base/log.h>
#include <weir/base/time.h>
#include <weir/port/eal.h>
#include <weir/source/source.h>

struct count {
	struct weir_source *source;
	uint64_t wanted;
	int64_t limit_ns;
	bool needs_eal;
	uint64_t packets, bytes, captured, sum, badly_timed;
	enum weir_poll last;
};

static void
add_up(struct count *c, const struct weir_batch *b, int64_t now_ns)
{
	for (uint32_t r = 0; r < b->n; r++) {
		c->packets++;
		c->bytes += b->wire_len[r];
		c->captured += b->cap_len[r];
		for (uint32_t i = 0; i < b->cap_len[r]; i++)
			c->sum += b->data[r][i];
		if (llabs(b->time_ns[r] - now_ns) > 60 * WEIR_NS_PER_S)
			c->badly_timed++;
	}
}

/* The worker: a plain thread that EAL is told of, as the runtime's are. */
static void *
work(void *arg)
{
	struct count *c = arg;
	struct weir_field_set none = { 0 };
	struct weir_batch *b = weir_batch_create(&none);
	int64_t end = weir_now_mono_ns() + c->limit_ns;
	bool is_last = false;

	if (c->needs_eal && rte_thread_register() != 0)
		exit(1);
	for (unsigned q = 0; b && weir_now_mono_ns() < end; q++) {
		int64_t now = weir_now_wall_ns();

		q %= c->source->n_queues;
		c->last = c->source->ops->poll(c->source, q, b, WEIR_ROWS, now);
		if (c->last != WEIR_POLL_OK)
			break;
		add_up(c, b, now);
		if (c->source->ops->release)
			c->source->ops->release(c->source, b);
		if (c->wanted && c->packets >= c->wanted && !is_last) {
			is_last = true;
			end = weir_now_mono_ns() + WEIR_NS_PER_S / 2;
		}
	}
	weir_batch_destroy(b);
	if (c->needs_eal)
		rte_thread_unregister();
	return NULL;
}

static int
fail(const struct weir_error *err)
{
	fprintf(stderr, "test_interface_count: %s\n", err->text);
	return (int)err->fail;
}

static int
count(struct count *c)
{
	struct weir_source_stats stats;
	pthread_t worker;

	printf("%s\n", c->source->description);
	fflush(stdout);
	if (pthread_create(&worker, NULL, work, c) != 0)
		return 1;
	pthread_join(worker, NULL);
	c->source->ops->stats(c->source, &stats);
	printf("packets=%lu bytes=%lu captured=%lu sum=%lu badly_timed=%lu nic=%lu no_buffer=%lu\n",
	    c->packets, c->bytes, c->captured, c->sum, c->badly_timed, stats.lost_nic,
	    stats.lost_no_buffer);
	if (c->last == WEIR_POLL_ERROR)
		return fail(&c->source->error);
	return c->badly_timed || (c->wanted && c->packets != c->wanted);
}

int
main(int argc, char **argv)
{
	struct weir_source_config config = { .flag = WEIR_SOURCE_INTERFACE };
	struct count c = { 0 };
	struct weir_error err = { 0 };
	char **rest;
	int i = 1, rc;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		if (strcmp(argv[i], "--tap") == 0)
			config.take = WEIR_TAKE_TAP;
		else if (strcmp(argv[i], "--take") == 0)
			config.take = WEIR_TAKE_TAKE;
		else if (strcmp(argv[i], "--dry") == 0)
			config.is_dry_run = true;
		else if (strcmp(argv[i], "--debug") == 0)
			weir_log_set_level(WEIR_LOG_DEBUG);
		else if (strcmp(argv[i], "--workers") == 0)
			config.n_workers = 4;
	}
	if (argc - i < 3) {
		fprintf(
		    stderr, "usage: %s [--tap|--take] NAME PACKETS SECONDS [-- EAL]\n", argv[0]);
		return 77;
	}
	config.value = argv[i];
	c.wanted = strtoull(argv[i + 1], NULL, 10);
	c.limit_ns = (int64_t)(strtod(argv[i + 2], NULL) * (double)WEIR_NS_PER_S);
	rest = argc > i + 4 ? argv + i + 4 : NULL;
	if (weir_source_needs_eal(&config, &c.needs_eal, &err) != 0)
		return fail(&err);
	if (c.needs_eal && !config.is_dry_run &&
	    weir_eal_start(argv[0], rest, rest ? (unsigned)(argc - i - 4) : 0, &err) != 0)
		return fail(&err);
	if (weir_source_open(&config, &c.source, &err) != 0) {
		weir_eal_stop();
		return fail(&err);
	}
	c.needs_eal = c.source->needs_eal && !config.is_dry_run;
	rc = count(&c);
	weir_source_close(c.source);
	weir_eal_stop();
	return rc;
}
