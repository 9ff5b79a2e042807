/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "rows.h"

static void
check_parse_refused(const char *uri, const char *expected)
{
	const struct weir_sink_ops *ops = NULL;
	const char *target = "untouched";
	struct weir_error err = { 0 };

	CU_ASSERT_TRUE(weir_sink_parse(uri, &ops, &target, &err) < 0);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
	CHECK_TEXT(err.text, expected);
	CU_ASSERT_PTR_NULL(ops);
	CHECK_TEXT(target, "untouched");
}

static void
test_parse(void)
{
	const struct weir_sink_ops *ops;
	const char *target;

	for (unsigned i = 0; weir_sink_kinds[i]; i++) {
		char uri[64];

		snprintf(uri, sizeof(uri), "%s:a:b", weir_sink_kinds[i]->scheme);
		CU_ASSERT_EQUAL_FATAL(weir_sink_parse(uri, &ops, &target, NULL), 0);
		CU_ASSERT_PTR_EQUAL(ops, weir_sink_kinds[i]);
		CHECK_TEXT(target, "a:b");
		CU_ASSERT_TRUE(strlen(ops->doc) > 0 && strlen(ops->synopsis) > 0);
		CU_ASSERT_EQUAL(ops->takes_packets && !ops->forwards, ops->packets != NULL);
		CU_ASSERT_EQUAL(ops->takes_packets, ops->rows == NULL);
	}
	CU_ASSERT_EQUAL(weir_sink_parse("json", &ops, &target, NULL), 0);
	CU_ASSERT_PTR_NULL(target);
	check_parse_refused("jsn", "unknown sink 'jsn' (try 'json')");
	check_parse_refused("JSON:x", "unknown sink 'JSON' (try 'json')");
	check_parse_refused("out.csv", "unknown sink 'out.csv' (try 'csv:out.csv')");
	check_parse_refused("/tmp/a.pcap", "unknown sink '/tmp/a.pcap' (try 'pcapng:/tmp/a.pcap')");
	check_parse_refused("quux:1",
	    "unknown sink 'quux' (one of table[:FILE], json[:FILE], csv[:FILE], pcapng:FILE, "
	    "port:NAME[,NAME...])");
	check_parse_refused("", "unknown sink '' (one of table[:FILE], json[:FILE], csv[:FILE], "
				"pcapng:FILE, port:NAME[,NAME...])");
	check_parse_refused("pcapng", "'pcapng' needs a file (try 'pcapng:FILE')");
	check_parse_refused("json:",
	    "no file is named after 'json:' (try 'json:FILE', or 'json:-' for "
	    "standard output)");
}

static void
check_open_refused(const char *uri, int code, const char *expected)
{
	struct weir_error err = { 0 };
	struct weir_sink *s = NULL;

	CU_ASSERT_EQUAL(weir_sink_open(uri, NULL, 0, &s, &err), code);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_RUN);
	CU_ASSERT_PTR_NULL(s);
	CHECK_TEXT(err.text, expected);
}

static void
test_open_failures_name_cause_place_and_cure(void)
{
	check_open_refused("json:/nonexistent/x", -ENOENT,
	    "cannot write /nonexistent/x: No such file or directory (make its directory first)");
	check_open_refused(
	    "csv:/tmp", -EISDIR, "cannot write /tmp: Is a directory (name a file in it)");
	check_open_refused("table:/proc/version/x", -ENOTDIR,
	    "cannot write /proc/version/x: Not a directory (make its directory first)");
	check_open_refused("pcapng:/dev/full", -ENOSPC,
	    "cannot write /dev/full: No space left on device (free some space, or write to another "
	    "disk; what follows is dropped)");
}

static void
test_an_input_is_not_overwritten(void)
{
	const char *path = rows_path("in.pcap");
	struct weir_error err = { 0 };
	struct weir_sink *s = NULL;
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	struct stat st;

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, "precious", 8), 8);
	CU_ASSERT_EQUAL(weir_sink_open(rows_uri("pcapng", path), NULL, 0, &s, &err), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "open already"));
	CU_ASSERT_EQUAL(fstat(fd, &st), 0);
	CU_ASSERT_EQUAL(st.st_size, 8);
	close(fd);
	/* Closed again it is an old file like any other. */
	CU_ASSERT_EQUAL_FATAL(weir_sink_open(rows_uri("json", path), NULL, 0, &s, NULL), 0);
	CU_ASSERT_EQUAL(weir_sink_close(s, NULL), 0);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_size, 0);
	rows_remove(path);
}

static void
test_sinks_are_shared(void)
{
	const char *path = rows_path("rows");
	struct weir_sink *open[3] = { NULL }, *s = NULL;
	struct weir_error err = { 0 };
	char other[200], expected[400];

	CU_ASSERT_EQUAL_FATAL(weir_sink_open("json", open, 0, &open[0], NULL), 0);
	CU_ASSERT_EQUAL_FATAL(weir_sink_open(rows_uri("json", path), open, 1, &open[1], NULL), 0);
	CU_ASSERT_EQUAL(weir_sink_open("json:-", open, 2, &s, NULL), 0);
	CU_ASSERT_PTR_EQUAL(s, open[0]);
	CU_ASSERT_EQUAL(weir_sink_open(rows_uri("json", path), open, 2, &s, NULL), 0);
	CU_ASSERT_PTR_EQUAL(s, open[1]);
	/* The same file by another name. */
	snprintf(other, sizeof(other), "json:/tmp/..%s", path);
	CU_ASSERT_EQUAL(weir_sink_open(other, open, 2, &s, NULL), 0);
	CU_ASSERT_PTR_EQUAL(s, open[1]);
	/* Two formats in one file are a mistake. */
	CU_ASSERT_EQUAL(weir_sink_open("csv", open, 2, &s, &err), -EINVAL);
	CHECK_TEXT(err.text, "standard output is written by sink 'json' already (name another "
			     "file, as in 'csv:FILE')");
	CU_ASSERT_EQUAL(weir_sink_open(rows_uri("csv", path), open, 2, &s, &err), -EINVAL);
	snprintf(expected, sizeof(expected),
	    "%s is written by sink 'json:%s' already (name another file, as in 'csv:FILE')", path,
	    path);
	CHECK_TEXT(err.text, expected);
	/* Another place is another sink. */
	CU_ASSERT_EQUAL_FATAL(weir_sink_open("csv:/dev/null", open, 2, &open[2], NULL), 0);
	CU_ASSERT_PTR_NOT_EQUAL(open[2], open[0]);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(weir_sink_close(open[i], NULL), 0);
	rows_remove(path);
}

static void
test_rows_and_packets_are_not_mixed(void)
{
	struct weir_packet_block packets = { .n = 3 };
	struct weir_block *b = rows_usual(&rows_schema);
	struct weir_error err = { 0 };
	struct weir_sink *s = NULL;

	CU_ASSERT_EQUAL_FATAL(weir_sink_open("json:/dev/null", NULL, 0, &s, NULL), 0);
	CU_ASSERT_EQUAL(weir_sink_packets(s, &packets, &err), -EINVAL);
	CHECK_TEXT(err.text, "sink 'json:/dev/null' takes rows, not packets");
	CU_ASSERT_EQUAL(s->counters.dropped_error, 3);
	weir_sink_close(s, NULL);
	CU_ASSERT_EQUAL_FATAL(weir_sink_open("pcapng:/dev/null", NULL, 0, &s, NULL), 0);
	CU_ASSERT_EQUAL(weir_sink_rows(s, b, &err), -EINVAL);
	CHECK_TEXT(err.text, "sink 'pcapng:/dev/null' takes packets, not rows");
	CU_ASSERT_EQUAL(s->counters.dropped_error, 2);
	weir_sink_close(s, NULL);
	rows_free(b);
}

static const char *const row_kinds[] = { "json", "csv", "table" };

static void
test_full_disk_drops_and_counts(void)
{
	struct weir_block *b = rows_usual(&rows_schema);

	for (unsigned i = 0; i < 3; i++) {
		struct weir_error err = { 0 };
		struct weir_sink *s = NULL;

		CU_ASSERT_EQUAL_FATAL(
		    weir_sink_open(rows_uri(row_kinds[i], "/dev/full"), NULL, 0, &s, NULL), 0);
		CU_ASSERT_EQUAL(weir_sink_rows(s, b, &err), -ENOSPC);
		CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_RUN);
		CHECK_TEXT(err.text,
		    "cannot write /dev/full: No space left on device (free some space, "
		    "or write to another disk; what follows is dropped)");
		CU_ASSERT_TRUE(s->is_broken);
		/* Told once, counted always. */
		CU_ASSERT_EQUAL(weir_sink_rows(s, b, &err), 0);
		CU_ASSERT_EQUAL(weir_sink_flush(s, &err), 0);
		CU_ASSERT_EQUAL(s->counters.delivered, 0);
		CU_ASSERT_EQUAL(s->counters.dropped_error, 4);
		CU_ASSERT_EQUAL(weir_sink_close(s, &err), 0);
	}
	rows_free(b);
}

static void
test_closed_pipe_is_told_once(void)
{
	struct weir_block *b = rows_usual(&rows_schema);
	struct weir_error err = { 0 };
	struct weir_sink *s = NULL;
	char uri[64];
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	snprintf(uri, sizeof(uri), "json:/proc/self/fd/%d", fds[1]);
	CU_ASSERT_EQUAL_FATAL(weir_sink_open(uri, NULL, 0, &s, &err), 0);
	CU_ASSERT_EQUAL(weir_sink_rows(s, b, &err), 0);
	close(fds[0]);
	CU_ASSERT_EQUAL(weir_sink_rows(s, b, &err), -EPIPE);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(err.text, "Broken pipe (its reader has gone; what follows is dropped)"));
	CU_ASSERT_EQUAL(weir_sink_rows(s, b, &err), 0);
	CU_ASSERT_EQUAL(s->counters.delivered, 2);
	CU_ASSERT_EQUAL(s->counters.dropped_error, 4);
	weir_sink_close(s, NULL);
	close(fds[1]);
	rows_free(b);
}

/* A pipe that somebody made non-blocking is waited for, not given up. */
static void
test_nonblocking_pipe_is_waited_for(void)
{
	struct weir_block *b = rows_usual(&rows_schema);
	struct weir_sink *s = NULL;
	int fds[2], status = 0;
	char uri[64];
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	pid = fork();
	CU_ASSERT_TRUE_FATAL(pid >= 0);
	if (pid == 0) {
		char buf[4096];
		ssize_t n;
		unsigned lines = 0;

		close(fds[1]);
		usleep(50000); /* let the writer fill the pipe */
		while ((n = read(fds[0], buf, sizeof(buf))) > 0)
			for (ssize_t i = 0; i < n; i++)
				lines += buf[i] == '\n';
		_exit(lines == 4000 ? 0 : 1);
	}
	close(fds[0]);
	snprintf(uri, sizeof(uri), "json:/proc/self/fd/%d", fds[1]);
	CU_ASSERT_EQUAL_FATAL(weir_sink_open(uri, NULL, 0, &s, NULL), 0);
	/* The sink has a description of its own, at the lowest number that was free. */
	CU_ASSERT_EQUAL(fcntl(fds[0], F_SETFL, O_WRONLY | O_NONBLOCK), 0);
	for (unsigned i = 0; i < 2000; i++)
		CU_ASSERT_EQUAL_FATAL(weir_sink_rows(s, b, NULL), 0);
	CU_ASSERT_EQUAL(s->counters.delivered, 4000);
	weir_sink_close(s, NULL);
	close(fds[1]);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	rows_free(b);
}

/* Where the disk fills up in the middle of a block: whole rows stay, and are what is counted. */
static void
test_partial_write_keeps_whole_rows(void)
{
	const char *path = rows_path("rows.json");
	struct weir_block *b = rows_create(&rows_schema_unwindowed, ROWS_MAX);
	struct rlimit old, small = { .rlim_cur = 1000 };
	struct weir_error err = { 0 };
	struct weir_sink *s = NULL;
	unsigned n_lines = 0;
	size_t len;
	char *text;

	for (unsigned i = 0; i < ROWS_MAX; i++)
		rows_set_int(b, 2, i, i);
	signal(SIGXFSZ, SIG_IGN);
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &old), 0);
	CU_ASSERT_EQUAL_FATAL(weir_sink_open(rows_uri("json", path), NULL, 0, &s, NULL), 0);
	small.rlim_max = old.rlim_max;
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &small), 0);
	CU_ASSERT_EQUAL(weir_sink_rows(s, b, &err), -EFBIG);
	CU_ASSERT_EQUAL(weir_sink_rows(s, b, &err), 0);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &old), 0);
	CU_ASSERT_TRUE(s->counters.delivered > 0 && s->counters.delivered < ROWS_MAX);
	CU_ASSERT_EQUAL(s->counters.delivered + s->counters.dropped_error, 2 * ROWS_MAX);
	text = rows_read(path, &len);
	for (size_t i = 0; i < len; i++)
		n_lines += text[i] == '\n';
	CU_ASSERT_EQUAL(n_lines, s->counters.delivered);
	CU_ASSERT_TRUE(len <= 1000 && text[len - 1] == '\n');
	free(text);
	weir_sink_close(s, NULL);
	rows_remove(path);
	rows_free(b);
}

static void
test_packet_blocks_grow(void)
{
	struct weir_packet_block *b = weir_packet_block_create(0, 0);
	uint8_t data[100];

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	for (unsigned i = 0; i < 1000; i++) {
		struct weir_packet_copy meta = {
			.time_ns = i, .cap_len = i % 100, .wire_len = 1500
		};

		memset(data, (int)(i & 255), sizeof(data));
		CU_ASSERT_EQUAL_FATAL(weir_packet_block_add(b, data, &meta), 0);
	}
	CU_ASSERT_EQUAL(b->n, 1000);
	CU_ASSERT_EQUAL(b->n_bytes, 10 * 99 * 100 / 2);
	for (unsigned i = 0; i < 1000; i++) {
		CU_ASSERT_EQUAL(b->packets[i].time_ns, i);
		if (i % 100)
			CU_ASSERT_EQUAL(
			    b->bytes[b->packets[i].offset + b->packets[i].cap_len - 1], i & 255);
	}
	weir_packet_block_destroy(b);
	weir_packet_block_destroy(NULL);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "URIs", test_parse },
		{ "open failures", test_open_failures_name_cause_place_and_cure },
		{ "an input is not overwritten", test_an_input_is_not_overwritten },
		{ "sinks are shared", test_sinks_are_shared },
		{ "rows and packets are not mixed", test_rows_and_packets_are_not_mixed },
		{ "full disk", test_full_disk_drops_and_counts },
		{ "closed pipe", test_closed_pipe_is_told_once },
		{ "non-blocking pipe", test_nonblocking_pipe_is_waited_for },
		{ "partial write", test_partial_write_keeps_whole_rows },
		{ "packet blocks grow", test_packet_blocks_grow },
		CU_TEST_INFO_NULL,
	};

	return check_run("sink/sink", tests);
}
