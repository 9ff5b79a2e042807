/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "lines.h"
#include "reading.h"

/* Records as "text/wire length," one behind the other. */
struct told {
	char text[4096];
	size_t len;
	unsigned n_timed;
	enum weir_poll end;
};

static void
tell(struct told *t, const struct weir_batch *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		CU_ASSERT_EQUAL(b->link[i], WEIR_LINK_TEXT);
		t->n_timed += b->time_ns[i] != WEIR_TIME_NONE;
		t->len += (size_t)snprintf(t->text + t->len, sizeof(t->text) - t->len, "%.*s/%u,",
		    b->cap_len[i] < 40 ? (int)b->cap_len[i] : 3, (const char *)b->data[i],
		    b->wire_len[i]);
		CU_ASSERT_FATAL(t->len < sizeof(t->text));
	}
}

static void
read_file(const char *text, size_t len, uint32_t max, struct told *t)
{
	char path[] = "/tmp/weir-lines-XXXXXX", uri[64];
	struct weir_batch *b = batch_for_views();
	int fd = mkstemp(path);
	struct weir_source *s;
	struct weir_error err;

	memset(t, 0, sizeof(*t));
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(write(fd, text, len), (ssize_t)len);
	close(fd);
	snprintf(uri, sizeof(uri), "lines:%s", path);
	CU_ASSERT_EQUAL_FATAL(open_as(WEIR_SOURCE_URI, uri, &s, &err), 0);
	CU_ASSERT_FALSE(s->is_live);
	while ((t->end = s->ops->poll(s, 0, b, max, 1)) == WEIR_POLL_OK)
		tell(t, b);
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, max, 1), t->end);
	weir_source_close(s);
	weir_batch_destroy(b);
	unlink(path);
}

static void
lines_of_a_file(void)
{
	static const char text[] = "one\r\ntwo\n\n\r\nfour five\nlast";
	struct told t;

	for (uint32_t max = 1; max < 9; max += 3) {
		read_file(text, sizeof(text) - 1, max, &t);
		CHECK_TEXT(t.text, "one/3,two/3,/0,/0,four five/9,last/4,");
		CU_ASSERT_EQUAL(t.end, WEIR_POLL_END);
		CU_ASSERT_EQUAL(t.n_timed, 0);
	}
	read_file("a\n", 2, 8, &t);
	CHECK_TEXT(t.text, "a/1,");
	read_file("", 0, 8, &t);
	CHECK_TEXT(t.text, "");
	CU_ASSERT_EQUAL(t.end, WEIR_POLL_END);
}

static void
long_lines_are_cut(void)
{
	size_t len = 300000;
	char *text = malloc(2 * len + 3);
	struct told t;

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	memset(text, 'x', 2 * len + 3);
	text[len] = '\n';
	text[len + 1] = 'y';
	text[len + 2] = '\n';
	read_file(text, 2 * len + 3, 8, &t); /* the last has no line feed */
	CHECK_TEXT(t.text, "xxx/300000,y/1,xxx/300000,");
	read_file(text, WEIR_LINES_RECORD_BYTES, 8, &t);
	CHECK_TEXT(t.text, "xxx/8192,");
	read_file(text, WEIR_LINES_RECORD_BYTES + 1, 8, &t);
	CHECK_TEXT(t.text, "xxx/8193,");
	free(text);
}

/* A port that was free a moment ago. */
static unsigned
free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	CU_ASSERT_EQUAL_FATAL(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static void
send_to(unsigned port, const char *text, size_t len)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_EQUAL(sendto(fd, text, len, 0, (struct sockaddr *)&a, sizeof(a)), (ssize_t)len);
	close(fd);
}

static struct weir_source *
listen_at(unsigned port)
{
	struct weir_source *s;
	struct weir_error err;
	char uri[64];

	snprintf(uri, sizeof(uri), "lines:udp://127.0.0.1:%u", port);
	CU_ASSERT_EQUAL_FATAL(open_as(WEIR_SOURCE_URI, uri, &s, &err), 0);
	return s;
}

static void
datagrams_of_lines(void)
{
	struct weir_batch *b = batch_for_views();
	unsigned port = free_port();
	struct weir_source *s = listen_at(port);
	struct told t = { .len = 0 };

	CU_ASSERT(s->is_live);
	send_to(port, "one", 3);
	send_to(port, "a\nb\r\n\nc\n", 8);
	send_to(port, "", 0);
	/* Loopback delivers at once; three at a time cut the second datagram in two. */
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, 3, 5), WEIR_POLL_OK);
		CU_ASSERT(b->n <= 3);
		tell(&t, b);
	}
	CHECK_TEXT(t.text, "one/3,a/1,b/1,/0,c/1,/0,");
	CU_ASSERT_EQUAL(t.n_timed, 6);
	weir_source_close(s);
	weir_batch_destroy(b);
}

/* What the socket has no room for is counted, though nothing comes after it. */
static void
drops_are_counted(void)
{
	static char text[60000];
	struct weir_batch *b = batch_for_views();
	unsigned port = free_port();
	struct weir_source *s = listen_at(port);
	struct weir_source_stats stats;
	uint64_t n = 0;

	memset(text, 'x', sizeof(text));
	for (unsigned i = 0; i < 2000; i++)
		send_to(port, text, sizeof(text));
	do {
		CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, 5), WEIR_POLL_OK);
		n += b->n;
	} while (b->n);
	s->ops->stats(s, &stats);
	CU_ASSERT(stats.lost_nic > 0);
	CU_ASSERT_EQUAL(n + stats.lost_nic, 2000);
	s->ops->stats(s, &stats);
	CU_ASSERT_EQUAL(n + stats.lost_nic, 2000);
	weir_source_close(s);
	weir_batch_destroy(b);
}

static void
what_is_wrong_is_told(void)
{
	static const struct {
		const char *uri;
		enum weir_fail fail;
		const char *part;
	} wrong[] = {
		{ "lines:", WEIR_FAIL_USAGE, "lines:-" },
		{ "lines:udp://localhost:5000", WEIR_FAIL_USAGE, "0.0.0.0:5000" },
		{ "lines:udp://127.0.0.1", WEIR_FAIL_USAGE, "127.0.0.1:5000" },
		{ "lines:udp://127.0.0.1:0", WEIR_FAIL_USAGE, "65535" },
		{ "lines:udp://127.0.0.1:5x", WEIR_FAIL_USAGE, "65535" },
		{ "lines:udp://::1:5000", WEIR_FAIL_USAGE, "[::1]:5000" },
		{ "lines:tcp://127.0.0.1:5000", WEIR_FAIL_USAGE, "lines:udp://" },
		{ "lines:/nonexistent/file", WEIR_FAIL_RUN, "no such file" },
	};
	struct weir_source *s;
	struct weir_error err;

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CU_ASSERT_FATAL(open_as(WEIR_SOURCE_URI, wrong[i].uri, &s, &err) != 0);
		CU_ASSERT_EQUAL(err.fail, wrong[i].fail);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, wrong[i].part));
	}
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "lines of a file", lines_of_a_file },
		{ "long lines are cut", long_lines_are_cut },
		{ "datagrams of lines", datagrams_of_lines },
		{ "drops are counted", drops_are_counted },
		{ "what is wrong is told", what_is_wrong_is_told },
		CU_TEST_INFO_NULL,
	};

	return check_run("lines", tests);
}
