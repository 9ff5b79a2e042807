/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/control/client.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <weir/base/strbuf.h>
#include <weir/port/job.h>

#include "pages.h"

/* Longer than the run takes to say that it cannot answer. */
#define WAIT_S 10
/* Telemetry's, and one byte to see where an answer is longer. */
#define MESSAGE_BYTES (16 * 1024 + 1)

struct weir_client {
	int fd;
	pid_t pid;
	char name[WEIR_JOB_NAME_MAX + 1];
	char message[MESSAGE_BYTES + 1];
};

static int
refuse_connect(struct weir_error *err, int code, const char *name, const char *path)
{
	switch (code) {
	case ENOENT:
	case ECONNREFUSED:
		return weir_error_run(err, -code,
		    "no run named '%s' listens: 'weir-ctl list' shows those that do", name);
	case EACCES:
	case EPERM:
		return weir_error_run(err, -code,
		    "'%s' belongs to another user: only its owner may control it", name);
	case EAGAIN:
		return weir_error_run(err, -code, "'%s' does not answer within %d s", name, WAIT_S);
	default:
		return weir_error_run(err, -code, "%s: %s", path, strerror(code));
	}
}

/* One message: its length, 0 where the other end is gone, or a negative errno. */
static ssize_t
receive(struct weir_client *c)
{
	ssize_t n;

	do {
		n = recv(c->fd, c->message, MESSAGE_BYTES, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	c->message[n] = '\0';
	return n;
}

static int
refuse_receive(struct weir_client *c, ssize_t n, struct weir_error *err)
{
	if (n == 0)
		return weir_error_run(err, -ECONNRESET, "the run '%s' has ended", c->name);
	if (n == -EAGAIN)
		return weir_error_run(
		    err, -EAGAIN, "'%s' does not answer within %d s", c->name, WAIT_S);
	return weir_error_run(err, (int)n, "'%s': %s", c->name, strerror((int)-n));
}

/* What the other end says first: who it is. */
static int
greet(struct weir_client *c, struct weir_error *err)
{
	ssize_t n = receive(c);
	json_t *hello;

	if (n == 0)
		return weir_error_run(err, -EBUSY,
		    "'%s' hung up: it has ten connections already, or is ending", c->name);
	if (n < 0)
		return refuse_receive(c, n, err);
	hello = json_loads(c->message, 0, NULL);
	c->pid = (pid_t)json_integer_value(json_object_get(hello, "pid"));
	json_decref(hello);
	if (c->pid <= 0)
		return weir_error_run(err, -EPROTO, "'%s' does not speak as a weir", c->name);
	return 0;
}

int
weir_client_open(const char *name, struct weir_client **ret, struct weir_error *err)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct timeval wait = { WAIT_S, 0 };
	struct weir_client *c;
	char path[1024];
	int rc;

	weir_job_socket(name, path, sizeof(path));
	if (strlen(path) >= sizeof(to.sun_path))
		return weir_error_run(err, -ENAMETOOLONG, "%s is too long for a socket", path);
	c = calloc(1, sizeof(*c));
	if (!c)
		return weir_error_run(err, -ENOMEM, "no memory");
	snprintf(c->name, sizeof(c->name), "%s", name);
	memcpy(to.sun_path, path, strlen(path));
	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	rc = c->fd < 0 ? weir_error_run(err, -errno, "socket: %s", strerror(errno)) : 0;
	if (!rc) {
		setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
		setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
		if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)))
			rc = refuse_connect(err, errno, name, path);
	}
	rc = rc ? rc : greet(c, err);
	if (rc) {
		weir_client_close(c);
		return rc;
	}
	*ret = c;
	return 0;
}

void
weir_client_close(struct weir_client *c)
{
	if (!c)
		return;
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

pid_t
weir_client_pid(const struct weir_client *c)
{
	return c->pid;
}

/* Send one request of telemetry: its answer, a new reference; NULL with err. */
static json_t *
request(struct weir_client *c, const char *text, struct weir_error *err)
{
	json_t *answer, *value;
	ssize_t n;

	do {
		n = send(c->fd, text, strlen(text), MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		refuse_receive(c, errno == EPIPE ? 0 : -errno, err);
		return NULL;
	}
	n = receive(c);
	if (n <= 0) {
		refuse_receive(c, n, err);
		return NULL;
	}
	answer = json_loadb(c->message, (size_t)n, 0, NULL);
	/* one member, the name of the command */
	value = json_incref(json_object_iter_value(json_object_iter(answer)));
	json_decref(answer);
	if (!value)
		weir_error_run(err, -EPROTO, "'%s' does not speak as a weir", c->name);
	return value;
}

/* Ask, where the answer is a text; to be freed. */
static char *
request_text(struct weir_client *c, const char *text, struct weir_error *err)
{
	json_t *value = request(c, text, err);
	char *copy = json_is_string(value) ? strdup(json_string_value(value)) : NULL;

	if (value && !copy)
		weir_error_run(err, -EPROTO,
		    "'%s' is not ready to answer (it is starting, or another version of weir)",
		    c->name);
	json_decref(value);
	return copy;
}

/* Send a long request in pieces; ask becomes the request for all of them. */
static int
send_pieces(
    struct weir_client *c, const char *text, char *ask, size_t ask_size, struct weir_error *err)
{
	char key[32], piece[WEIR_PIECE_BYTES + 64];
	struct timespec now;

	if (strlen(text) > WEIR_REQUEST_BYTES)
		return weir_error_usage(
		    err, "a request may have %u bytes at most", WEIR_REQUEST_BYTES);
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(key, sizeof(key), "%lx%lx", (long)getpid(), (long)now.tv_nsec);
	for (size_t at = 0, len = strlen(text); at < len; at += WEIR_PIECE_BYTES) {
		char *ok;

		snprintf(
		    piece, sizeof(piece), "/weir/part,%s,%.*s", key, WEIR_PIECE_BYTES, text + at);
		ok = request_text(c, piece, err);
		if (!ok)
			return err->code;
		free(ok);
	}
	snprintf(ask, ask_size, "/weir/text,@%s", key);
	return 0;
}

/* All pages of an answer, of which page is the first: "ID TOTAL TEXT". */
static int
collect(struct weir_client *c, char *page, struct weir_strbuf *b, struct weir_error *err)
{
	uint32_t id;
	size_t total;

	for (;;) {
		size_t before = b->len;
		char more[64];
		const char *blank = strchr(page, ' ');

		blank = blank ? strchr(blank + 1, ' ') : NULL;
		if (blank && sscanf(page, "%" SCNu32 " %zu", &id, &total) == 2)
			weir_strbuf_puts(b, blank + 1);
		free(page);
		if (b->len == before || b->len > total)
			return weir_error_run(
			    err, -EPROTO, "'%s' does not speak as a weir", c->name);
		if (b->len == total)
			return 0;
		snprintf(more, sizeof(more), "/weir/more,%" PRIu32 ",%zu", id, b->len);
		page = request_text(c, more, err);
		if (!page)
			return err->code;
	}
}

static int
take_answer(const char *name, const char *text, json_t **ret, struct weir_error *err)
{
	json_t *answer = json_loads(text, 0, NULL);
	json_t *result = json_object_get(answer, "result");
	const char *error = json_string_value(json_object_get(answer, "error"));
	json_int_t fail = json_integer_value(json_object_get(answer, "fail"));
	int rc = 0;

	if (result)
		*ret = json_incref(result);
	else if (json_is_true(json_object_get(answer, "ended")))
		rc = weir_error_run(err, -ECONNRESET, "the run '%s' has ended", name);
	else if (error && fail == WEIR_FAIL_USAGE)
		rc = weir_error_usage(err, "%s", error);
	else if (error)
		rc = weir_error_run(err, -EREMOTEIO, "%s", error);
	else
		rc = weir_error_run(err, -EPROTO, "'%s' does not speak as a weir", name);
	json_decref(answer);
	return rc;
}

int
weir_client_ask(struct weir_client *c, enum weir_control_command command, const char *argument,
    json_t **ret, struct weir_error *err)
{
	struct weir_strbuf ask = { 0 }, answer = { 0 };
	const char *name = weir_control_command_name(command);
	char pieces[64];
	char *page = NULL;
	int rc = 0;

	weir_strbuf_printf(&ask, "%s%s%s", name, argument[0] ? " " : "", argument);
	if (ask.len > WEIR_PIECE_BYTES) {
		rc = send_pieces(c, ask.p, pieces, sizeof(pieces), err);
		if (!rc)
			page = request_text(c, pieces, err);
	} else {
		struct weir_strbuf whole = { 0 };

		weir_strbuf_printf(&whole, "/weir/text,%s", ask.p);
		page = request_text(c, whole.p, err);
		weir_strbuf_free(&whole);
	}
	if (!page)
		rc = rc ? rc : err->code;
	rc = rc ? rc : collect(c, page, &answer, err);
	rc = rc ? rc : take_answer(c->name, answer.p, ret, err);
	weir_strbuf_free(&ask);
	weir_strbuf_free(&answer);
	return rc;
}

/* What becomes readable when the process at the other end ends, or -1. */
static int
open_process(const struct weir_client *c)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);

	/* as this process sees it: what it says of itself may be of another container */
	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) || peer.pid <= 0)
		return -1;
	return (int)syscall(SYS_pidfd_open, peer.pid, 0);
}

int
weir_client_wait_end(struct weir_client *c, int timeout_ms)
{
	int fd = open_process(c), n, code;
	/* Else its hanging up, which is a little earlier: it never speaks unasked. */
	struct pollfd p = { fd < 0 ? c->fd : fd, POLLIN, 0 };

	if (fd < 0 && errno == ESRCH)
		return 0;
	n = poll(&p, 1, timeout_ms);
	code = errno;
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return -code;
	return n ? 0 : -ETIMEDOUT;
}
