/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/base/file.h>
#include <weir/base/time.h>

#include "output.h"

#define LOOK_MS    100  /* between looks at whether the run is draining */
#define GIVE_UP_MS 1000 /* a reader that takes nothing for so long then */
/* Or has not taken all after 10 s, and a second for each megabyte that it did take. */
#define DRAIN_NS        (10 * WEIR_NS_PER_S)
#define DRAIN_NS_A_BYTE 1000

int
weir_output_open(const char *target, const struct weir_sink *sink, struct weir_output **ret,
    struct weir_error *err)
{
	bool is_stdout = !target || strcmp(target, "-") == 0;
	struct weir_output *o = calloc(1, sizeof(*o));
	struct stat st;
	int rc = 0;

	if (o)
		o->name = strdup(is_stdout ? "standard output" : target);
	if (!o || !o->name) {
		free(o);
		return weir_error_run(err, -ENOMEM, "out of memory");
	}
	o->fd = STDOUT_FILENO;
	o->sink = sink;
	if (!is_stdout) {
		rc = weir_file_create(target, &o->fd, &o->is_regular, err);
		o->is_own = rc == 0;
	} else if (fcntl(o->fd, F_GETFD) < 0) {
		rc = weir_error_run(err, -EBADF,
		    "cannot write standard output: it is closed (name a file, as in json:FILE)");
	}
	if (rc) {
		weir_output_close(o, NULL);
		return rc;
	}
	o->is_terminal = isatty(o->fd);
	if (!o->is_own)
		o->is_regular = fstat(o->fd, &st) == 0 && S_ISREG(st.st_mode);
	*ret = o;
	return 0;
}

int
weir_output_close(struct weir_output *o, struct weir_error *err)
{
	int rc = 0;

	/* Some file systems tell only now that they could not keep the data. */
	if (o->is_own && close(o->fd) < 0 && errno != EINTR)
		rc = weir_file_write_error(err, errno, o->name);
	weir_strbuf_free(&o->buf);
	free(o->name);
	free(o);
	return rc;
}

static bool
is_draining(const struct weir_output *o)
{
	return o->sink->draining && atomic_load_explicit(o->sink->draining, memory_order_relaxed);
}

/* Whether all that the run still has would take this reader too long. */
static bool
is_too_slow(struct weir_output *o)
{
	int64_t now_ns;

	if (!is_draining(o))
		return false;
	now_ns = weir_now_mono_ns();
	if (!o->draining_ns) {
		o->draining_ns = now_ns;
		o->draining_bytes = o->bytes;
	}
	return now_ns - o->draining_ns >
	       DRAIN_NS + (int64_t)(o->bytes - o->draining_bytes) * DRAIN_NS_A_BYTE;
}

/*
 * Wait until a pipe, terminal or socket takes PIPE_BUF bytes, so that the write cannot block. A
 * slow reader is waited for; but once the run is draining, one that takes nothing for a second, or
 * far too little, is given up: 0 or -1 with errno.
 */
static int
wait_writable(struct weir_output *o)
{
	struct pollfd pfd = { .fd = o->fd, .events = POLLOUT };
	unsigned waited_ms = 0;

	while (waited_ms < GIVE_UP_MS && !is_too_slow(o)) {
		int n = poll(&pfd, 1, LOOK_MS);

		if (o->sink->while_waiting)
			o->sink->while_waiting(o->sink->waiting_ctx);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -1;
		if (is_draining(o))
			waited_ms += LOOK_MS;
	}
	errno = ETIME;
	return -1;
}

/*
 * How much a pipe, of which PIPE_BUF bytes are free, is given at once: whole rows, where one fits,
 * so that its reader finds none cut in half when this process is killed. *end goes on to the first
 * row that ends behind what is done.
 */
static size_t
piece(const struct weir_output *o, size_t done, size_t n, unsigned *end)
{
	size_t most = n - done < PIPE_BUF ? n - done : PIPE_BUF, whole = 0;

	while (*end < o->n_ends && o->ends[*end] <= done)
		(*end)++;
	for (unsigned i = *end; i < o->n_ends && o->ends[i] <= done + most; i++)
		whole = o->ends[i] - done;
	return whole ? whole : most;
}

/* Write n bytes. Returns those that got out; fewer than n: errno says why. */
static size_t
write_all(struct weir_output *o, const char *p, size_t n)
{
	unsigned end = 0;
	size_t done = 0;

	while (done < n) {
		size_t most = o->is_regular ? n - done : piece(o, done, n, &end);
		ssize_t k;

		if (!o->is_regular && wait_writable(o))
			break;
		k = write(o->fd, p + done, most);
		if (k >= 0)
			done += (size_t)k;
		else if (errno != EINTR && errno != EAGAIN)
			break;
	}
	return done;
}

int
weir_output_write(struct weir_output *o, struct weir_sink_counters *c, struct weir_error *err)
{
	size_t size = o->buf.len;
	size_t done = write_all(o, o->buf.p, size);
	int code = done < size ? errno : 0;
	unsigned n = 0;

	while (n < o->n_ends && o->ends[n] <= done)
		n++;
	c->delivered += n;
	if (n)
		o->whole_bytes = o->bytes + o->ends[n - 1];
	o->bytes += done;
	o->n_ends = 0;
	o->buf.len = 0;
	if (!code)
		return 0;
	/* Half a row would spoil the file for whoever reads it. A failure to cut it is the same
	 * failure. */
	if (o->is_own && o->is_regular && ftruncate(o->fd, (off_t)o->whole_bytes) == 0)
		o->bytes = o->whole_bytes;
	return weir_file_write_error(err, code, o->name);
}

void
weir_output_terminal_size(const struct weir_output *o, unsigned *ret_columns, unsigned *ret_rows)
{
	struct winsize ws;

	*ret_columns = *ret_rows = 0;
	if (!o->is_terminal || ioctl(o->fd, TIOCGWINSZ, &ws) < 0)
		return;
	*ret_columns = ws.ws_col;
	*ret_rows = ws.ws_row;
}
