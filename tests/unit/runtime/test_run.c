/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <CUnit/Basic.h>
#include <weir/base/time.h>
#include <weir/runtime/run.h>

#include "check.h"

#define MAX_ARGS 40

struct setup {
	char *argv[MAX_ARGS];
	struct weir_command_line line;
	struct weir_command command;
	struct weir_plan *plan;
	struct weir_source *sources[4];
	struct weir_ledger ledger;
	struct weir_error err;
};

static char dir[] = "/tmp/weir-run-XXXXXX";
static char rows_path[64], rows_sink[80], second_sink[80], packets_path[64], packets_sink[80];

/* Run argv (NULL-terminated). Returns weir_run's code. */
static const char *cores; /* of all runs */

static int
run(struct setup *s, const char *const *argv, const atomic_bool *stop)
{
	struct weir_run_config config = { .stop = stop };
	struct weir_placement placement;
	int argc = 1, rc;

	memset(s, 0, sizeof(*s));
	s->argv[0] = dir;
	while (argv[argc - 1]) {
		s->argv[argc] = strdup(argv[argc - 1]);
		argc++;
	}
	s->argv[argc++] = strdup("--cores");
	s->argv[argc++] = strdup(cores);
	CU_ASSERT_FATAL(weir_options_parse(weir_flags, argc, s->argv, &s->line, &s->err) == 0);
	CU_ASSERT_FATAL(weir_command_build(&s->line, &s->command, &s->err) == 0);
	CU_ASSERT_FATAL(weir_plan_build(&s->command, false, &s->plan, &s->err) == 0);
	for (unsigned i = 0; i < s->command.n_sources; i++)
		CU_ASSERT_FATAL(
		    weir_source_open(&s->command.sources[i], &s->sources[i], &s->err) == 0);
	config.plan = s->plan;
	config.sources = s->sources;
	config.n_sources = s->command.n_sources;
	CU_ASSERT_EQUAL_FATAL(weir_place(&s->command, s->sources, &placement, &s->err), 0);
	weir_plan_spread(s->plan, s->sources, s->command.n_sources);
	config.placement = &placement;
	rc = weir_run(&config, &s->ledger, &s->err);
	weir_placement_fini(&placement);
	return rc;
}

static void
drop(struct setup *s)
{
	weir_ledger_fini(&s->ledger);
	for (unsigned i = 0; i < s->command.n_sources; i++)
		weir_source_close(s->sources[i]);
	weir_plan_destroy(s->plan);
	weir_command_fini(&s->command);
	weir_command_line_free(&s->line);
	for (unsigned i = 1; i < MAX_ARGS && s->argv[i]; i++)
		free(s->argv[i]);
}

static unsigned
count_lines(const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned n = 0;
	int c;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

static const atomic_bool never;

/* Many small windows, many rows and packet copies cross the rings at once; nothing may be lost. */
static void
test_everything_that_crosses_is_delivered(void)
{
	const char *argv[] = { "--source", "gen:imix?count=60000&flows=500&rate=1M&seed=3",
		"--query", "windows", "--key", "5tuple", "--window", "1ms", "--agg",
		"n=count(),b=sum(frame.len)", "--sink", rows_sink, "--query", "rows", "--where",
		"tcp", "--select", "frame.number,ip.src", "--sink", second_sink, "--query",
		"copies", "--where", "udp", "--sink", packets_sink, NULL };
	struct setup s;

	CU_ASSERT_EQUAL(run(&s, argv, &never), 0);
	CU_ASSERT(weir_ledger_is_balanced(&s.ledger));
	CU_ASSERT_EQUAL(s.ledger.packets, 60000);
	CU_ASSERT_EQUAL_FATAL(s.ledger.n_queries, 3);
	CU_ASSERT_EQUAL(s.ledger.queries[0].aggregated, 60000);
	CU_ASSERT(s.ledger.queries[0].rows > 60);
	CU_ASSERT_EQUAL(s.ledger.queries[0].rows, count_lines(rows_path));
	CU_ASSERT(s.ledger.queries[1].aggregated > 1000);
	CU_ASSERT_EQUAL(s.ledger.queries[1].rows, s.ledger.queries[1].aggregated);
	CU_ASSERT_EQUAL(s.ledger.queries[1].aggregated + s.ledger.queries[2].aggregated, 60000);
	CU_ASSERT_EQUAL(s.ledger.sinks[2].delivered, s.ledger.queries[2].aggregated);
	drop(&s);
}

static atomic_bool stop_now;
static unsigned n_before; /* threads, without those of the run and the one that stops it */

/* How many threads this process has. */
static unsigned
n_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(tasks);
	while (readdir(tasks))
		n++;
	closedir(tasks);
	return n - 2; /* . and .. */
}

/* When the workers have run for a moment; making what they need may take longer than that. */
static void *
stop_soon(void *unused)
{
	for (unsigned i = 0; n_threads() <= n_before + 1 && i < 6000; i++)
		usleep(10000);
	usleep(100000);
	atomic_store(&stop_now, true);
	return unused;
}

/* An endless source and a stop from outside: open windows are flushed and all is accounted for. */
static void
test_stop_flushes(void)
{
	const char *argv[] = { "--source", "gen:udp?count=0&flows=10", "--key", "ip.src", "--agg",
		"n=count()", "--sink", rows_sink, NULL };
	struct setup s;
	pthread_t t;

	atomic_store(&stop_now, false);
	n_before = n_threads();
	CU_ASSERT_FATAL(pthread_create(&t, NULL, stop_soon, NULL) == 0);
	CU_ASSERT_EQUAL(run(&s, argv, &stop_now), 0);
	pthread_join(t, NULL);
	CU_ASSERT(s.ledger.packets > 0);
	CU_ASSERT(weir_ledger_is_balanced(&s.ledger));
	CU_ASSERT(s.ledger.queries[0].rows > 0);
	CU_ASSERT_EQUAL(s.ledger.queries[0].rows, count_lines(rows_path));
	drop(&s);
}

/* Rows that go to the workers who own them: all arrive, also where the run is stopped meanwhile. */
static void
test_rows_that_are_sent_arrive(void)
{
	const char *argv[] = { "--source", "gen:imix?count=200000&flows=5000&rate=1M&seed=3",
		"--query", "key", "--key", "5tuple", "--window", "5ms", "--agg",
		"n=count(),b=sum(frame.len),f=first(frame.len)", "--split", "key", "--sink",
		rows_sink, "--query", "rr", "--key", "ip.dst", "--agg", "n=count()", "--split",
		"rr", "--sink", second_sink, NULL };
	struct setup s;
	pthread_t t;

	CU_ASSERT_EQUAL(run(&s, argv, &never), 0);
	CU_ASSERT(weir_ledger_is_balanced(&s.ledger));
	CU_ASSERT_EQUAL(s.ledger.packets, 200000);
	for (unsigned q = 0; q < 2; q++) {
		CU_ASSERT_EQUAL(s.ledger.queries[q].aggregated, 200000);
		CU_ASSERT_EQUAL(s.ledger.queries[q].under_way, 0);
	}
	CU_ASSERT_EQUAL(s.ledger.queries[0].rows, count_lines(rows_path));
	drop(&s);
	argv[1] = "gen:imix?count=0&flows=5000&rate=1M&seed=3";
	atomic_store(&stop_now, false);
	n_before = n_threads();
	CU_ASSERT_FATAL(pthread_create(&t, NULL, stop_soon, NULL) == 0);
	CU_ASSERT_EQUAL(run(&s, argv, &stop_now), 0);
	pthread_join(t, NULL);
	CU_ASSERT(s.ledger.packets > 0);
	CU_ASSERT(weir_ledger_is_balanced(&s.ledger));
	CU_ASSERT_EQUAL(s.ledger.queries[1].aggregated, s.ledger.packets);
	drop(&s);
}

static void
test_packets_bound_is_exact(void)
{
	const char *argv[] = { "--source", "gen:udp?count=0", "--packets", "1000", "--agg",
		"n=count()", "--sink", rows_sink, NULL };
	struct setup s;

	CU_ASSERT_EQUAL(run(&s, argv, &never), 0);
	CU_ASSERT_EQUAL(s.ledger.packets, 1000);
	CU_ASSERT_EQUAL(count_lines(rows_path), 1);
	drop(&s);
}

/* A full disk: the run ends by itself, says why, and the rows are counted as dropped. */
static void
test_sink_that_fails_is_accounted_for(void)
{
	const char *argv[] = { "--source", "gen:udp?count=0", "--select", "frame.number", "--sink",
		"json:/dev/full", NULL };
	struct setup s;

	CU_ASSERT(run(&s, argv, &never) < 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.err.text, "/dev/full"));
	CU_ASSERT_EQUAL(s.err.fail, WEIR_FAIL_RUN);
	CU_ASSERT(weir_ledger_is_balanced(&s.ledger));
	CU_ASSERT(s.ledger.sinks[0].dropped_error > 0);
	drop(&s);
}

/* Two sources of different rates: their times run apart, yet no row may be late in its window. */
static void
test_sources_pass_side_by_side(void)
{
	const char *argv[] = { "--source", "gen:udp?count=20000&rate=10k&seed=1", "--source",
		"gen:udp?count=20000&rate=1M&seed=2", "--lateness", "0s", "--window", "100ms",
		"--agg", "n=count()", "--sink", rows_sink, NULL };
	struct setup s;

	CU_ASSERT_EQUAL(run(&s, argv, &never), 0);
	CU_ASSERT_EQUAL(s.ledger.packets, 40000);
	CU_ASSERT_EQUAL(s.ledger.queries[0].aggregated, 40000);
	CU_ASSERT_EQUAL(s.ledger.queries[0].dropped[WEIR_DROP_LATE], 0);
	CU_ASSERT_EQUAL(count_lines(rows_path), 20);
	drop(&s);
}

/* The lines of the first file must be the first lines of the second. Returns how many there are. */
static unsigned
count_same_lines(const char *first, const char *second)
{
	char a[400], b[400];
	FILE *f = fopen(first, "r"), *g = fopen(second, "r");
	unsigned n = 0;

	CU_ASSERT_FATAL(f && g);
	while (fgets(a, sizeof(a), f) && fgets(b, sizeof(b), g)) {
		CU_ASSERT_STRING_EQUAL_FATAL(a, b);
		n++;
	}
	fclose(f);
	fclose(g);
	return n;
}

/* More groups than the control thread takes at once: --top of the parts is --top of the whole. */
static void
test_top_of_parts_is_top_of_all(void)
{
	const char *argv[] = { "--source", "gen:udp?count=300k&flows=200k&seed=4", "--seed", "1",
		"--key", "5tuple", "--agg", "n=count(),b=sum(frame.len)", "--top", "1000:n",
		"--sink", rows_sink, NULL };
	char whole_path[80], whole_sink[96];
	struct setup s;

	CU_ASSERT_EQUAL(run(&s, argv, &never), 0);
	CU_ASSERT(s.ledger.queries[0].table_keys > 2 * 65536);
	CU_ASSERT_EQUAL(s.ledger.queries[0].rows, 1000);
	CU_ASSERT(weir_ledger_is_balanced(&s.ledger));
	drop(&s);
	snprintf(whole_path, sizeof(whole_path), "%s/whole.json", dir);
	snprintf(whole_sink, sizeof(whole_sink), "json:%s", whole_path);
	argv[9] = "1000000:n"; /* never cut */
	argv[11] = whole_sink;
	CU_ASSERT_EQUAL(run(&s, argv, &never), 0);
	CU_ASSERT_EQUAL(s.ledger.queries[0].rows, s.ledger.queries[0].table_keys);
	CU_ASSERT_EQUAL(count_same_lines(rows_path, whole_path), 1000);
	unlink(whole_path);
	drop(&s);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "everything that crosses is delivered",
		    test_everything_that_crosses_is_delivered },
		{ "top of parts is top of all", test_top_of_parts_is_top_of_all },
		{ "stop flushes", test_stop_flushes },
		{ "rows that are sent arrive", test_rows_that_are_sent_arrive },
		{ "packets bound is exact", test_packets_bound_is_exact },
		{ "sink that fails is accounted for", test_sink_that_fails_is_accounted_for },
		{ "sources pass side by side", test_sources_pass_side_by_side },
		CU_TEST_INFO_NULL,
	};
	static const char *const workers[] = { "1", "2", "5" };
	int status = 0;

	if (!mkdtemp(dir))
		return 1;
	snprintf(rows_path, sizeof(rows_path), "%s/rows.json", dir);
	snprintf(rows_sink, sizeof(rows_sink), "json:%s", rows_path);
	snprintf(second_sink, sizeof(second_sink), "csv:%s/second.csv", dir);
	snprintf(packets_path, sizeof(packets_path), "%s/packets.pcapng", dir);
	snprintf(packets_sink, sizeof(packets_sink), "pcapng:%s", packets_path);
	for (unsigned i = 0; i < sizeof(workers) / sizeof(workers[0]); i++) {
		cores = workers[i];
		printf("--cores %s\n", cores);
		status |= check_run("run", tests);
	}
	unlink(rows_path);
	unlink(second_sink + 4);
	unlink(packets_path);
	rmdir(dir);
	return status;
}
