/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <sys/stat.h>

#include "check.h"
#include "making.h"
#include "reading.h"

#define MAGIC_US 0xa1b2c3d4u
#define START_S  1000u

/* n packets of 60 bytes, gap_us apart. */
static void
make_pcap(struct making *m, uint32_t n, uint32_t gap_us)
{
	memset(m, 0, sizeof(*m));
	put_pcap_header(m, MAGIC_US, 65535, 1);
	for (uint32_t i = 0; i < n; i++)
		put_pcap_record(
		    m, START_S + i * gap_us / 1000000, i * gap_us % 1000000, 60, 60, (uint8_t)i);
}

static void
make_pcapng(struct making *m, uint32_t n)
{
	memset(m, 0, sizeof(*m));
	put_section(m);
	put_interface(m, 1, 0, -1, 0);
	put_interface(m, 1, 0, -1, 0);
	for (uint32_t i = 0; i < n; i++)
		put_enhanced(m, i % 2, START_S * UINT64_C(1000000) + i, 60, 60, (uint8_t)i);
}

/* Value for -r: the file's path with options behind it; one buffer. */
static const char *
with(const char *path, const char *options)
{
	static char value[512];

	snprintf(value, sizeof(value), "%s%s", path, options);
	return value;
}

static void
expect_error(const char *value, enum weir_fail fail, const char *part)
{
	struct weir_source *s = NULL;
	struct weir_error err;

	CU_ASSERT(open_as(WEIR_SOURCE_FILE, value, &s, &err) < 0);
	CU_ASSERT_PTR_NULL(s);
	CU_ASSERT_EQUAL(err.fail, fail);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, part));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "-r '"));
	CU_ASSERT_PTR_NULL(strchr(err.text, '\n'));
	if (!strstr(err.text, part))
		printf("\n  '%s' lacks '%s'\n", err.text, part);
}

static void
test_option_errors(void)
{
	static struct making m;
	const char *path;

	make_pcap(&m, 1, 0);
	path = write_file("a.pcap", m.bytes, m.len);
	expect_error(with(path, "?sped=1"), WEIR_FAIL_USAGE, "unknown option 'sped' (try 'speed')");
	expect_error(with(path, "?colour=1"), WEIR_FAIL_USAGE, "speed, loop or preload");
	expect_error(with(path, "?speed=fast"), WEIR_FAIL_USAGE, "speed: 'fast' is no speed");
	expect_error(with(path, "?speed=1x"), WEIR_FAIL_USAGE, "'1x' is no speed");
	expect_error(with(path, "?speed=0"), WEIR_FAIL_USAGE, "out of range");
	expect_error(with(path, "?speed=-1"), WEIR_FAIL_USAGE, "is no speed");
	expect_error(with(path, "?speed=0pps"), WEIR_FAIL_USAGE, "is no speed");
	expect_error(with(path, "?speed=inf"), WEIR_FAIL_USAGE, "is no speed");
	expect_error(with(path, "?speed"), WEIR_FAIL_USAGE, "speed: needs a value");
	expect_error(with(path, "?loop=-1"), WEIR_FAIL_USAGE, "loop: '-1'");
	expect_error(with(path, "?preload=yes"), WEIR_FAIL_USAGE, "'yes' is neither 0 nor 1");
	expect_error(with(path, "?loop=2&"), WEIR_FAIL_USAGE, "lacks its name");
	expect_error(with(path, "?=2"), WEIR_FAIL_USAGE, "lacks its name");
	expect_error("?loop=2", WEIR_FAIL_USAGE, "file name is missing");
	expect_error("-?loop=2", WEIR_FAIL_USAGE, "add preload=1");
	expect_error("", WEIR_FAIL_USAGE, "needs a name");
}

static void
test_open_errors(void)
{
	static struct making m;
	char near[300];
	const char *path;

	make_pcap(&m, 1, 0);
	path = write_file("monday.pcap", m.bytes, m.len);
	snprintf(near, sizeof(near), "no such file (try '%s')", path);
	expect_error(test_path("mondya.pcap"), WEIR_FAIL_RUN, near);
	expect_error(test_path("mondya.pcap?loop=2"), WEIR_FAIL_RUN, near);
	expect_error(test_path("entirely-different-name"), WEIR_FAIL_RUN, "no such file");
	expect_error("/no/such/folder/x.pcap", WEIR_FAIL_RUN, "no such file");
	expect_error(test_folder(), WEIR_FAIL_RUN, "is a directory");
	expect_error(write_file("empty", "", 0), WEIR_FAIL_RUN, "it is empty");
	expect_error(write_file("x.gz", "\x1f\x8b\x08\0\0\0\0\0\0", 9), WEIR_FAIL_RUN, "zcat '");
	expect_error(write_file("x.snoop", "snoop\0\0\0\0\0\0\2", 12), WEIR_FAIL_RUN, "editcap -F");
	expect_error(write_file("x.txt", "hello, world", 12), WEIR_FAIL_RUN,
	    "not a capture file (first bytes 68 65 6c 6c 6f 2c 20 77): pcap or pcapng needed");
	expect_error(
	    write_file("one", "x", 1), WEIR_FAIL_RUN, "not a capture file (first bytes 78)");
	expect_error(write_file("half.pcap", m.bytes, 10), WEIR_FAIL_RUN, "damaged file header");
}

static void
test_no_permission(void)
{
	static struct making m;
	bool is_root = geteuid() == 0;
	const char *path;

	make_pcap(&m, 1, 0);
	path = write_file("secret.pcap", m.bytes, m.len);
	CU_ASSERT_EQUAL_FATAL(chmod(path, 0), 0);
	if (is_root) /* who may read everything */
		CU_ASSERT_EQUAL_FATAL(seteuid(65534), 0);
	expect_error(path, WEIR_FAIL_RUN, "no permission to read it");
	if (is_root)
		CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
}

/* A '?' may be part of a name. */
static void
test_question_mark(void)
{
	static struct making m;
	const char *path;
	struct seen r;

	make_pcap(&m, 3, 10);
	path = write_file("what?loop=9", m.bytes, m.len);
	CU_ASSERT_EQUAL(read_source(WEIR_SOURCE_FILE, path, 8, &r), 0);
	CU_ASSERT_EQUAL(r.packets, 3);
	CU_ASSERT_EQUAL(read_source(WEIR_SOURCE_FILE, with(path, "?loop=2"), 8, &r), 0);
	CU_ASSERT_EQUAL(r.packets, 6);
}

/* Each pass begins one mean gap after the last packet of the one before. */
static void
check_loop(const char *path, const char *options)
{
	struct weir_source *s;
	struct weir_source_stats stats;
	struct weir_error err;
	struct seen r;

	CU_ASSERT_EQUAL_FATAL(open_as(WEIR_SOURCE_FILE, with(path, options), &s, &err), 0);
	read_all(s, 2, 0, &r);
	s->ops->stats(s, &stats);
	CU_ASSERT_EQUAL(r.end, WEIR_POLL_END);
	CU_ASSERT_EQUAL(r.packets, 15);
	CU_ASSERT_EQUAL(r.first_ns, START_S * WEIR_NS_PER_S);
	CU_ASSERT_EQUAL(r.last_ns, START_S * WEIR_NS_PER_S + 14 * INT64_C(100000000));
	CU_ASSERT_EQUAL(r.max_ns, r.last_ns);
	CU_ASSERT(stats.total_bytes > 0);
	CU_ASSERT_EQUAL(stats.total_bytes % 3, 0);
	CU_ASSERT_EQUAL(stats.done_bytes, stats.total_bytes);
	CU_ASSERT_EQUAL(stats.load_ns > 0, strstr(options, "preload=1") != NULL);
	weir_source_close(s);
}

static void
test_loop(void)
{
	static struct making m;
	const char *path;
	struct weir_source *s;
	struct weir_error err;
	struct seen r;

	make_pcap(&m, 5, 100000);
	path = write_file("loop.pcap", m.bytes, m.len);
	check_loop(path, "?loop=3");
	check_loop(path, "?loop=3&preload=1");
	CU_ASSERT_EQUAL_FATAL(open_as(WEIR_SOURCE_FILE, with(path, "?loop=0"), &s, &err), 0);
	read_all(s, 2, 1000, &r);
	CU_ASSERT_EQUAL(r.end, WEIR_POLL_OK);
	CU_ASSERT_EQUAL(r.packets >= 1000, 1);
	CU_ASSERT_EQUAL(r.last_ns, r.max_ns);
	weir_source_close(s);
	/* One packet has no gap, none no end: both must not hang. */
	make_pcap(&m, 1, 0);
	path = write_file("loop.pcap", m.bytes, m.len);
	CU_ASSERT_EQUAL(read_source(WEIR_SOURCE_FILE, with(path, "?loop=3"), 2, &r), 0);
	CU_ASSERT_EQUAL(r.packets, 3);
	CU_ASSERT(r.last_ns > r.first_ns);
	make_pcap(&m, 0, 0);
	path = write_file("loop.pcap", m.bytes, m.len);
	CU_ASSERT_EQUAL(read_source(WEIR_SOURCE_FILE, with(path, "?loop=0"), 2, &r), 0);
	CU_ASSERT_EQUAL(r.end, WEIR_POLL_END);
}

/* Packets from memory are those from the file, at any size of burst. */
static void
test_preload(void)
{
	static struct making m;
	const char *path;
	struct seen plain, held;

	make_pcapng(&m, 300);
	path = write_file("held.pcapng", m.bytes, m.len);
	CU_ASSERT_EQUAL(read_source(WEIR_SOURCE_FILE, path, WEIR_ROWS, &plain), 0);
	CU_ASSERT_EQUAL(read_source(WEIR_SOURCE_FILE, with(path, "?preload=1"), 7, &held), 0);
	CU_ASSERT_EQUAL(plain.packets, 300);
	CU_ASSERT_EQUAL(held.packets, 300);
	CU_ASSERT_EQUAL(plain.sum, held.sum);
	CU_ASSERT_EQUAL(held.end, WEIR_POLL_END);
	/* Damage is found while loading, and told after the packets before it. */
	path = write_file("held.pcapng", m.bytes, m.len - 5);
	CU_ASSERT_EQUAL(
	    read_source(WEIR_SOURCE_FILE, with(path, "?preload=1&loop=5"), 7, &held), 0);
	CU_ASSERT_EQUAL(held.packets, 299);
	CU_ASSERT_EQUAL(held.end, WEIR_POLL_ERROR);
	CU_ASSERT_PTR_NOT_NULL(strstr(held.error.text, "299 packets before it were read"));
}

static uint32_t
polled(struct weir_source *s, struct weir_batch *b, int64_t now_ns)
{
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, now_ns), WEIR_POLL_OK);
	return b->n;
}

#define MS INT64_C(1000000)

/* The clock is an argument: nothing sleeps here. 10 packets, 100 ms apart. */
static void
test_speed(void)
{
	static struct making m;
	struct weir_batch *b = batch_for_views();
	struct weir_source *s;
	struct weir_error err;
	const char *path;
	int64_t t = 5000 * WEIR_NS_PER_S;

	make_pcap(&m, 10, 100000);
	path = write_file("speed.pcap", m.bytes, m.len);
	CU_ASSERT_EQUAL_FATAL(open_as(WEIR_SOURCE_FILE, with(path, "?speed=1"), &s, &err), 0);
	CU_ASSERT_EQUAL(polled(s, b, t), 1);
	CU_ASSERT_EQUAL(polled(s, b, t + 99 * MS), 0);
	CU_ASSERT_EQUAL(polled(s, b, t + 100 * MS), 1);
	CU_ASSERT_EQUAL(b->time_ns[0], START_S * WEIR_NS_PER_S + 100 * MS);
	CU_ASSERT_EQUAL(b->data[0][0], 1);
	CU_ASSERT_EQUAL(polled(s, b, t - 100 * MS), 0); /* a clock that was set back */
	CU_ASSERT_EQUAL(polled(s, b, t + 550 * MS), 4);
	CU_ASSERT_EQUAL(polled(s, b, t + 900 * MS), 4);
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, t), WEIR_POLL_END);
	weir_source_close(s);

	CU_ASSERT_EQUAL_FATAL(open_as(WEIR_SOURCE_FILE, with(path, "?speed=0.5"), &s, &err), 0);
	CU_ASSERT_EQUAL(polled(s, b, t), 1);
	CU_ASSERT_EQUAL(polled(s, b, t + 199 * MS), 0);
	CU_ASSERT_EQUAL(polled(s, b, t + 200 * MS), 1);
	weir_source_close(s);

	CU_ASSERT_EQUAL_FATAL(
	    open_as(WEIR_SOURCE_FILE, with(path, "?speed=500pps&loop=2"), &s, &err), 0);
	CU_ASSERT_EQUAL(polled(s, b, t), 1);
	CU_ASSERT_EQUAL(polled(s, b, t + 2 * MS), 1);
	CU_ASSERT_EQUAL(polled(s, b, t + 3 * MS), 0);
	CU_ASSERT_EQUAL(polled(s, b, t + 1000 * MS), 8);
	CU_ASSERT_EQUAL(polled(s, b, t + 1000 * MS), 10);
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, t), WEIR_POLL_END);
	weir_source_close(s);

	CU_ASSERT_EQUAL_FATAL(
	    open_as(WEIR_SOURCE_FILE, with(path, "?speed=1k&preload=1"), &s, &err), 0);
	CU_ASSERT_EQUAL(polled(s, b, t), 1);
	CU_ASSERT_EQUAL(polled(s, b, t + 3 * MS), 3);
	weir_source_close(s);
	weir_batch_destroy(b);
}

/* Standard input is a pipe whose writer is slow: poll does not wait for it, and nothing is lost. */
static void
check_pipe(const struct making *m, size_t header, uint32_t n)
{
	struct weir_batch *b = batch_for_views();
	int old = dup(STDIN_FILENO), ends[2];
	uint32_t got = 0, polls_without = 0;
	struct weir_source *s;
	struct weir_error err;
	size_t at = header;

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	dup2(ends[0], STDIN_FILENO);
	CU_ASSERT_EQUAL(write(ends[1], m->bytes, header), (ssize_t)header);
	CU_ASSERT_EQUAL_FATAL(open_as(WEIR_SOURCE_FILE, "-", &s, &err), 0);
	CU_ASSERT_EQUAL(polled(s, b, 0), 0);
	while (at < m->len) {
		size_t piece = m->len - at < 7 ? m->len - at : 7;

		CU_ASSERT_EQUAL(write(ends[1], m->bytes + at, piece), (ssize_t)piece);
		at += piece;
		if (polled(s, b, 0) == 0)
			polls_without++;
		for (uint32_t i = 0; i < b->n; i++)
			CU_ASSERT_EQUAL(b->data[i][59], (uint8_t)(got + i + 59));
		got += b->n;
	}
	close(ends[1]);
	CU_ASSERT_EQUAL(got, n);
	CU_ASSERT(polls_without > n);
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, 0), WEIR_POLL_END);
	weir_source_close(s);
	dup2(old, STDIN_FILENO);
	close(old);
	close(ends[0]);
	weir_batch_destroy(b);
}

static void
test_pipe(void)
{
	static struct making m;

	make_pcap(&m, 20, 10);
	check_pipe(&m, 24, 20);
	make_pcapng(&m, 20);
	check_pipe(&m, 28, 20);
}

static void
test_pipe_cut(void)
{
	static struct making m;
	int old = dup(STDIN_FILENO), ends[2];
	struct seen r;

	make_pcap(&m, 20, 10);
	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	dup2(ends[0], STDIN_FILENO);
	CU_ASSERT_EQUAL(write(ends[1], m.bytes, m.len - 1), (ssize_t)m.len - 1);
	close(ends[1]);
	CU_ASSERT_EQUAL(read_source(WEIR_SOURCE_FILE, "-?preload=1", 8, &r), 0);
	CU_ASSERT_EQUAL(r.packets, 19);
	CU_ASSERT_EQUAL(r.end, WEIR_POLL_ERROR);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.error.text, "'-': damaged at byte 1468:"));
	dup2(old, STDIN_FILENO);
	close(old);
	close(ends[0]);
}

static void
test_dry_run(void)
{
	struct weir_source_config c = {
		.flag = WEIR_SOURCE_FILE, .is_dry_run = true, .value = "-"
	};
	struct weir_source *s;
	struct weir_error err;

	CU_ASSERT_EQUAL(
	    weir_source_open(&c, &s, &err), 0); /* nothing is taken from standard input */
	weir_source_close(s);
	c.value = test_path("missing.pcap");
	CU_ASSERT(weir_source_open(&c, &s, &err) < 0);
	c.value = test_path("fifo"); /* opening it would wait for a writer */
	CU_ASSERT_EQUAL_FATAL(mkfifo(c.value, 0600), 0);
	CU_ASSERT_EQUAL(weir_source_open(&c, &s, &err), 0);
	weir_source_close(s);
}

/* A named pipe cannot be read twice. */
static void
test_fifo(void)
{
	static struct making m;
	char value[300];
	struct seen r;
	int fd;

	make_pcap(&m, 5, 10);
	snprintf(value, sizeof(value), "%s?loop=2", test_path("pipe"));
	CU_ASSERT_EQUAL_FATAL(mkfifo(test_path("pipe"), 0600), 0);
	fd = open(test_path("pipe"), O_RDWR); /* a writer, so that open does not wait */
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, m.bytes, m.len), (ssize_t)m.len);
	CU_ASSERT(read_source(WEIR_SOURCE_FILE, value, 8, &r) < 0);
	CU_ASSERT_EQUAL(r.error.fail, WEIR_FAIL_USAGE);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.error.text, "a pipe can be read only once"));
	close(fd);
}

static void
test_head(void)
{
	static struct making m;
	struct weir_source_config c = { .flag = WEIR_SOURCE_FILE };
	struct weir_source *s;
	struct weir_error err;
	bool needs_eal = true;

	make_pcap(&m, 1, 0);
	c.value = write_file("head.pcap", m.bytes, m.len);
	CU_ASSERT_EQUAL(weir_source_needs_eal(&c, &needs_eal, &err), 0);
	CU_ASSERT_FALSE(needs_eal);
	CU_ASSERT_EQUAL_FATAL(weir_source_open(&c, &s, &err), 0);
	CU_ASSERT_STRING_EQUAL(s->ops->kind, "file");
	CU_ASSERT_STRING_EQUAL(s->name, c.value);
	CU_ASSERT_PTR_NOT_NULL(strstr(s->description, "capture file"));
	CU_ASSERT_TRUE(s->has_clock);
	CU_ASSERT_FALSE(s->is_live);
	CU_ASSERT_FALSE(s->needs_eal);
	CU_ASSERT_EQUAL(s->n_interfaces, 1);
	weir_source_close(s);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "wrong options", test_option_errors },
		{ "files that cannot be opened", test_open_errors },
		{ "files that may not be read", test_no_permission },
		{ "a question mark in a name", test_question_mark },
		{ "loop", test_loop },
		{ "preload", test_preload },
		{ "speed", test_speed },
		{ "a slow pipe", test_pipe },
		{ "a pipe that is cut", test_pipe_cut },
		{ "dry run", test_dry_run },
		{ "a named pipe", test_fifo },
		{ "what a source says of itself", test_head },
		CU_TEST_INFO_NULL,
	};

	return check_run("source: file", tests);
}
