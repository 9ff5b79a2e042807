/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <CUnit/Basic.h>
#include <weir/base/time.h>
#include <weir/runtime/run.h>

#include "check.h"
#include "order_hash.h"
#include "random.h"

/*
 * Queries that need the rows of a key in order give what one worker gives, whoever received them:
 * sources that are taken by turns, and sources with a queue for each worker.
 */

#define MAX_ARGS 48

struct setup {
	char *argv[MAX_ARGS];
	struct weir_command_line line;
	struct weir_command command;
	struct weir_plan *plan;
	struct weir_source *source;
	struct weir_ledger ledger;
	struct weir_error err;
};

static char dir[] = "/tmp/weir-order-XXXXXX";
static char rows_path[64], rows_sink[80], other_sink[80], copies_sink[80];
static const atomic_bool never;

/* A source of many queues, who go to sleep now and then. */

#define QUEUE_PACKETS 40000
#define FRAME_BYTES   64

struct queue {
	uint64_t rng;
	uint64_t n;
	uint8_t frames[WEIR_ROWS][FRAME_BYTES];
};

struct queues {
	struct weir_source base;
	struct queue *queue; /* [n_queues] */
};

static void
make_frame(uint8_t *f, uint64_t flow)
{
	static const uint8_t head[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 50, 0,
		0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 0, 10, 1, 0, 1, 0x10, 0, 0, 53, 0, 30, 0, 0 };

	memcpy(f, head, sizeof(head));
	f[29] = (uint8_t)flow;
	f[35] = (uint8_t)flow;
}

static enum weir_poll
queues_poll(
    struct weir_source *s, unsigned number, struct weir_batch *b, uint32_t max, int64_t now_ns)
{
	struct queue *q = &((struct queues *)s)->queue[number];
	uint32_t n = (uint32_t)(random_next(&q->rng) % max) + 1;

	if (q->n == QUEUE_PACKETS)
		return WEIR_POLL_END;
	if (random_next(&q->rng) % 8 == 0)
		return WEIR_POLL_OK; /* none now */
	if (random_next(&q->rng) % 32 == 0)
		usleep((useconds_t)(random_next(&q->rng) % 2000));
	n = n < QUEUE_PACKETS - q->n ? n : (uint32_t)(QUEUE_PACKETS - q->n);
	for (uint32_t r = 0; r < n; r++) {
		uint64_t x = random_next(&q->rng);

		make_frame(q->frames[r], x % 4 ? 1 : x % 97);
		b->data[r] = q->frames[r];
		b->cap_len[r] = b->wire_len[r] = FRAME_BYTES;
		b->time_ns[r] = (int64_t)(q->n + r + 1) * 1000;
		b->interface[r] = 0;
		b->link[r] = WEIR_LINK_ETHERNET;
		b->dlt[r] = 1;
		b->owner[r] = NULL;
	}
	q->n += n;
	b->n = n;
	return WEIR_POLL_OK;
}

static void
queues_stats(struct weir_source *s, struct weir_source_stats *ret)
{
	memset(ret, 0, sizeof(*ret));
}

static void
queues_close(struct weir_source *s)
{
	free(((struct queues *)s)->queue);
	free(s);
}

static const struct weir_source_ops queues_ops = {
	.kind = "queues",
	.poll = queues_poll,
	.stats = queues_stats,
	.close = queues_close,
};

static struct weir_source *
open_queues(unsigned n)
{
	struct queues *s = calloc(1, sizeof(*s));

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	s->queue = calloc(n, sizeof(*s->queue));
	CU_ASSERT_PTR_NOT_NULL_FATAL(s->queue);
	for (unsigned i = 0; i < n; i++)
		s->queue[i].rng = i + 1;
	s->base.ops = &queues_ops;
	s->base.name = strdup("queues");
	s->base.description = strdup("queues");
	s->base.has_clock = true;
	s->base.n_queues = n;
	s->base.numa_node = -1;
	s->base.n_interfaces = 1;
	return &s->base;
}

/* Run argv (NULL-terminated); n_queues: instead of its source one of so many queues. */
static void
run(struct setup *s, const char *const *argv, unsigned n_workers, unsigned n_queues)
{
	struct weir_run_config config = { .stop = &never };
	struct weir_placement placement;
	char cores[16];
	int argc = 1;

	snprintf(cores, sizeof(cores), "%u", n_workers);
	memset(s, 0, sizeof(*s));
	s->argv[0] = dir;
	while (argv[argc - 1]) {
		s->argv[argc] = strdup(argv[argc - 1]);
		argc++;
	}
	s->argv[argc++] = strdup("--cores");
	s->argv[argc++] = strdup(cores);
	CU_ASSERT_EQUAL_FATAL(weir_options_parse(weir_flags, argc, s->argv, &s->line, &s->err), 0);
	CU_ASSERT_EQUAL_FATAL(weir_command_build(&s->line, &s->command, &s->err), 0);
	CU_ASSERT_EQUAL(weir_plan_build(&s->command, false, &s->plan, &s->err), 0);
	CHECK_TEXT(s->err.text, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(s->plan);
	if (n_queues)
		s->source = open_queues(n_queues);
	else
		CU_ASSERT_EQUAL_FATAL(
		    weir_source_open(&s->command.sources[0], &s->source, &s->err), 0);
	config.plan = s->plan;
	config.sources = &s->source;
	config.n_sources = 1;
	CU_ASSERT_EQUAL_FATAL(weir_place(&s->command, &s->source, &placement, &s->err), 0);
	weir_plan_spread(s->plan, &s->source, 1);
	config.placement = &placement;
	CU_ASSERT_EQUAL(weir_run(&config, &s->ledger, &s->err), 0);
	CHECK_TEXT(s->err.text, "");
	weir_placement_fini(&placement);
	CU_ASSERT(weir_ledger_is_balanced(&s->ledger));
}

static void
drop(struct setup *s)
{
	weir_ledger_fini(&s->ledger);
	weir_source_close(s->source);
	weir_plan_destroy(s->plan);
	weir_command_fini(&s->command);
	weir_command_line_free(&s->line);
	for (unsigned i = 1; i < MAX_ARGS && s->argv[i]; i++)
		free(s->argv[i]);
}

static char *
contents(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT(getdelim(&text, &size, 0, f) > 0);
	fclose(f);
	return text;
}

/* The rows of 2, 3, 5 and 8 workers are those of one. */
static void
check_workers(const char *const *argv, uint64_t n)
{
	static const unsigned workers[] = { 1, 2, 3, 5, 8 };
	char *want = NULL;

	for (unsigned i = 0; i < sizeof(workers) / sizeof(workers[0]); i++) {
		struct setup s;
		char *got;

		run(&s, argv, workers[i], 0);
		CU_ASSERT_EQUAL(s.plan->queries[0].strategy,
		    workers[i] == 1 ? WEIR_STRATEGY_ONE : WEIR_STRATEGY_RING);
		CU_ASSERT_EQUAL(s.ledger.queries[0].aggregated, n);
		CU_ASSERT_EQUAL(s.ledger.queries[0].under_way, 0);
		drop(&s);
		got = contents(rows_path);
		if (!want) {
			want = got;
			CU_ASSERT_PTR_NULL(strstr(want, "-1"));
			continue;
		}
		if (strcmp(want, got) != 0)
			fprintf(stderr, "%u workers: other rows\n", workers[i]);
		CU_ASSERT(strcmp(want, got) == 0);
		free(got);
	}
	free(want);
}

static void
keys_have_one_owner(void)
{
	const char *argv[] = { "--source", "gen:imix?count=200000&flows=3000&rate=1M&seed=3",
		"--query", "q", "--key", "5tuple", "--window", "5ms", "--agg",
		"n=count(),h=order_hash(frame.len)", "--sink", rows_sink, NULL };

	check_workers(argv, 200000);
}

static void
few_keys_make_one_owner_slow(void)
{
	const char *argv[] = { "--source", "gen:udp?count=200000&flows=2&rate=1M&seed=3", "--query",
		"q", "--key", "ip.src", "--window", "1ms", "--agg",
		"n=count(),h=order_hash(frame.len),p=order_hash(srcport)", "--sink", rows_sink,
		NULL };

	check_workers(argv, 200000);
}

static void
without_a_key_there_is_one_owner(void)
{
	const char *argv[] = { "--source", "gen:imix?count=100000&flows=3000&rate=1M&seed=3",
		"--query", "q", "--agg", "n=count(),h=order_hash(frame.len)", "--sink", rows_sink,
		NULL };

	check_workers(argv, 100000);
}

static void
windows_of_a_key_are_those_of_one_worker(void)
{
	static const char *const windows[] = { "session:20us", "count:7" };

	for (unsigned i = 0; i < 2; i++) {
		const char *argv[] = { "--source", "gen:imix?count=50000&flows=500&rate=1M&seed=3",
			"--query", "q", "--key", "ip.src", "--window", windows[i], "--agg",
			"n=count(),b=sum(frame.len),h=order_hash(frame.len)", "--sink", rows_sink,
			NULL };

		check_workers(argv, 50000);
	}
}

/* Several that wait for each other: ordered, not ordered, and packets by turns with them. */
static void
queries_stand_side_by_side(void)
{
	const char *argv[] = { "--source", "gen:imix?count=100000&flows=3000&rate=1M&seed=3",
		"--query", "q", "--key", "ip.src", "--agg", "h=order_hash(frame.len)", "--split",
		"key", "--sink", rows_sink, "--query", "rr", "--key", "ip.dst", "--agg",
		"n=count()", "--split", "rr", "--sink", other_sink, "--query", "copies", "--where",
		"frame.len < 100", "--sink", copies_sink, "--query", "one", "--agg",
		"h=order_hash(srcport)", "--sink", other_sink, NULL };

	check_workers(argv, 100000);
}

static void
a_queue_for_each_worker_is_in_order(void)
{
	const char *argv[] = { "--source", "gen:udp?count=1", "--query", "q", "--key", "ip.src",
		"--window", "2ms", "--lateness", "1s", "--agg",
		"n=count(),h=order_hash(frame.number)", "--sink", rows_sink, "--query", "one",
		"--agg", "n=count(),h=order_hash(frame.number)", "--sink", other_sink, NULL };

	for (unsigned n = 2; n <= 5; n++) {
		struct setup s;
		char *got, *other;

		run(&s, argv, n, n);
		CU_ASSERT_EQUAL(s.plan->queries[0].strategy, WEIR_STRATEGY_RING);
		CU_ASSERT_EQUAL(s.ledger.queries[0].aggregated, n * QUEUE_PACKETS);
		CU_ASSERT_EQUAL(s.ledger.queries[1].aggregated, n * QUEUE_PACKETS);
		drop(&s);
		got = contents(rows_path);
		other = contents(other_sink + strlen("json:"));
		CU_ASSERT_PTR_NULL(strstr(got, "-1"));
		CU_ASSERT_PTR_NULL(strstr(other, "-1"));
		free(got);
		free(other);
	}
}

static void
splits_that_part_a_key_are_refused(void)
{
	static const struct {
		const char *key, *split, *want; /* part of the error; NULL: accepted */
	} cases[] = {
		{ "ip.src", "rr", "order_hash(x) needs them at one, in their order (try 'key')" },
		{ "ip.src", "rr:1", NULL },
		{ "ip.src", "hash", "(try 'key')" },
		{ "5tuple", "hash", NULL },
		{ "biflow", "hash:8", NULL },
		{ "ip.src,ip.dst,srcport,dstport,ip.proto", "hash", NULL },
		{ "ip.src,ip.dst,srcport,dstport", "hash", "(try 'key')" },
		{ "ip.src", "range:ip.src:10.0.0.0", NULL },
		{ "ip.src", "range:ip.dst:10.0.0.0", "(try 'key')" },
		{ "x=ip.src", "range:ip.src:10.0.0.0", NULL },
		{ "ip.src", "key", NULL },
		{ "ip.src", "auto", NULL },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *words[] = { dir, "--source", "gen:udp?count=1", "--key", cases[i].key,
			"--agg", "order_hash(frame.len)", "--split", cases[i].split };
		char *argv[9];
		struct weir_command_line line;
		struct weir_command command;
		struct weir_plan *plan = NULL;
		struct weir_error err = { 0 };
		int rc;

		for (unsigned k = 0; k < 9; k++)
			argv[k] = strdup(words[k]);
		CU_ASSERT_EQUAL_FATAL(weir_options_parse(weir_flags, 9, argv, &line, &err), 0);
		CU_ASSERT_EQUAL_FATAL(weir_command_build(&line, &command, &err), 0);
		rc = weir_plan_build(&command, false, &plan, &err);
		if (!cases[i].want) {
			CHECK_TEXT(err.text, "");
		} else {
			CU_ASSERT(rc < 0 && err.fail == WEIR_FAIL_USAGE);
			CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].want));
		}
		weir_plan_destroy(plan);
		weir_command_fini(&command);
		weir_command_line_free(&line);
		for (unsigned k = 0; k < 9; k++)
			free(argv[k]);
	}
}

static void
explain_says_why(void)
{
	const char *argv[] = { "--source", "gen:udp?count=10", "--query", "q", "--key", "ip.src",
		"--agg", "h=order_hash(frame.len)", "--sink", rows_sink, "--query", "one", "--agg",
		"h=order_hash(frame.len)", "--sink", other_sink, NULL };
	struct setup s;

	run(&s, argv, 3, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.plan->queries[0].why,
	    "ring: rows go to the worker that owns the key's hash, in the order of their frames: "
	    "order_hash(x) needs it; "));
	CU_ASSERT_PTR_NOT_NULL(strstr(s.plan->queries[1].why,
	    "ring: there is no key, all rows go to one worker, in the order of their frames: "
	    "order_hash(x) needs it; "));
	drop(&s);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "keys have one owner", keys_have_one_owner },
		{ "few keys make one owner slow", few_keys_make_one_owner_slow },
		{ "without a key there is one owner", without_a_key_there_is_one_owner },
		{ "windows of a key are those of one worker",
		    windows_of_a_key_are_those_of_one_worker },
		{ "queries stand side by side", queries_stand_side_by_side },
		{ "a queue for each worker is in order", a_queue_for_each_worker_is_in_order },
		{ "splits that part a key are refused", splits_that_part_a_key_are_refused },
		{ "explain says why", explain_says_why },
		CU_TEST_INFO_NULL,
	};
	int status;

	if (!mkdtemp(dir))
		return 1;
	snprintf(rows_path, sizeof(rows_path), "%s/rows.json", dir);
	snprintf(rows_sink, sizeof(rows_sink), "json:%s", rows_path);
	snprintf(other_sink, sizeof(other_sink), "json:%s/other.json", dir);
	snprintf(copies_sink, sizeof(copies_sink), "pcapng:%s/copies.pcapng", dir);
	status = check_run("runtime: order", tests);
	unlink(rows_path);
	unlink(other_sink + strlen("json:"));
	unlink(copies_sink + strlen("pcapng:"));
	rmdir(dir);
	return status;
}
