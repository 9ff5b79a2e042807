/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/base/time.h>

#include "file_input.h"
#include "lines.h"

/* The lines of a file, or of what is piped in. */

struct lines_file {
	struct weir_source base;
	struct weir_input in;
	size_t n_seen; /* bytes that the views of the last poll are in */
	/* A line longer than a record: its begin, and how much of it there was so far. */
	bool is_long;
	uint64_t long_len;
	uint8_t long_line[WEIR_LINES_RECORD_BYTES];
	uint64_t done_bytes; /* worker: wo, control: ro */
	bool is_ended;
};

/* A file says nothing of when its lines came to be; what is piped in comes as it is read. */
static int64_t
time_for(const struct lines_file *f, int64_t now_ns)
{
	return f->in.is_regular ? WEIR_TIME_NONE : now_ns;
}

static uint32_t
clamp(uint64_t len)
{
	return len < UINT32_MAX ? (uint32_t)len : UINT32_MAX;
}

/* The line of len bytes at p, or what is the end of a long one. */
static void
add_line(struct lines_file *f, struct weir_batch *b, const uint8_t *p, size_t len, int64_t now_ns)
{
	int64_t t = time_for(f, now_ns);

	if (f->is_long) {
		f->is_long = false;
		weir_lines_add(b, f->base.first_interface, f->long_line, WEIR_LINES_RECORD_BYTES,
		    clamp(f->long_len + len), t);
		return;
	}
	len = weir_lines_trim(p, clamp(len));
	weir_lines_add(b, f->base.first_interface, p, clamp(len), clamp(len), t);
}

/* Views of all whole lines in the buffer, as far as there is room. */
static void
split(struct lines_file *f, struct weir_batch *b, uint32_t max, int64_t now_ns)
{
	while (b->n < max) {
		const uint8_t *p = weir_input_at(&f->in) + f->n_seen;
		size_t have = weir_input_have(&f->in) - f->n_seen;
		const uint8_t *end = have ? memchr(p, '\n', have) : NULL;

		if (!end)
			return;
		add_line(f, b, p, (size_t)(end - p), now_ns);
		f->n_seen += (size_t)(end - p) + 1;
	}
}

/* There is no line feed in the buffer: keep the begin of a line that is too long, skip the rest. */
static void
skip_long(struct lines_file *f)
{
	size_t have = weir_input_have(&f->in);

	if (!f->is_long) {
		if (have <= WEIR_LINES_RECORD_BYTES)
			return;
		memcpy(f->long_line, weir_input_at(&f->in), WEIR_LINES_RECORD_BYTES);
		f->is_long = true;
		f->long_len = 0;
	}
	f->long_len += have;
	weir_input_consume(&f->in, have);
}

static enum weir_poll
at_end(struct lines_file *f, struct weir_batch *b, int64_t now_ns)
{
	size_t have = weir_input_have(&f->in);

	if (f->in.error) {
		weir_error_run(&f->base.error, -f->in.error, "--source '%s': cannot read: %s",
		    f->base.name, strerror(f->in.error));
		return WEIR_POLL_ERROR;
	}
	if (f->is_ended || (!have && !f->is_long))
		return WEIR_POLL_END;
	f->is_ended = true;
	add_line(f, b, weir_input_at(&f->in), have, now_ns);
	f->n_seen = have;
	return WEIR_POLL_OK;
}

static enum weir_poll
lines_poll(
    struct weir_source *s, unsigned queue, struct weir_batch *b, uint32_t max, int64_t now_ns)
{
	struct lines_file *f = (struct lines_file *)s;
	size_t have;

	(void)queue;
	b->n = 0;
	b->queue_depth = -1;
	weir_input_consume(&f->in, f->n_seen);
	f->n_seen = 0;
	__atomic_store_n(&f->done_bytes, f->in.offset, __ATOMIC_RELAXED);
	if (max > WEIR_ROWS)
		max = WEIR_ROWS;
	split(f, b, max, now_ns);
	if (b->n || !max)
		return WEIR_POLL_OK;
	skip_long(f);
	have = weir_input_have(&f->in);
	if (weir_input_need(&f->in, have + 1, false) == have)
		return f->in.is_eof ? at_end(f, b, now_ns) : WEIR_POLL_OK;
	split(f, b, max, now_ns);
	return WEIR_POLL_OK;
}

static int
lines_wait_fd(struct weir_source *s, unsigned queue)
{
	struct lines_file *f = (struct lines_file *)s;

	(void)queue;
	return f->in.is_regular ? -1 : f->in.fd;
}

static int
lines_arm(struct weir_source *s, unsigned queue, bool is_on)
{
	(void)s;
	(void)queue;
	(void)is_on;
	return 0;
}

static void
lines_stats(struct weir_source *s, struct weir_source_stats *ret)
{
	struct lines_file *f = (struct lines_file *)s;

	memset(ret, 0, sizeof(*ret));
	ret->done_bytes = __atomic_load_n(&f->done_bytes, __ATOMIC_RELAXED);
	ret->total_bytes = f->in.size;
}

static void
lines_close(struct weir_source *s)
{
	struct lines_file *f = (struct lines_file *)s;

	weir_input_fini(&f->in);
	free(f);
}

static const struct weir_source_ops lines_ops = {
	.kind = "lines",
	.poll = lines_poll,
	.wait_fd = lines_wait_fd,
	.arm = lines_arm,
	.stats = lines_stats,
	.close = lines_close,
};

static int
cannot_open(int code, struct weir_error *err)
{
	if (code == ENOENT)
		return weir_error_run(
		    err, -code, "no such file (a UDP port is 'lines:udp://ADDR:PORT')");
	return weir_error_run(err, -code, "cannot open: %s", strerror(code));
}

static int
open_input(struct lines_file *f, const char *path, struct weir_error *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return cannot_open(errno, err);
	rc = weir_input_init(&f->in, fd, !is_stdin);
	if (!rc)
		return 0;
	if (!is_stdin)
		close(fd);
	free(f->in.buf);
	memset(&f->in, 0, sizeof(f->in));
	return cannot_open(-rc, err);
}

int
weir_lines_file_open(const char *path, const struct weir_source_config *c, struct weir_source **ret,
    struct weir_error *err)
{
	struct lines_file *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return weir_error_run(err, -ENOMEM, "out of memory");
	f->base.ops = &lines_ops;
	f->base.has_clock = true;
	f->base.numa_node = -1;
	f->base.first_interface = c->first_interface;
	f->base.n_interfaces = 1;
	rc = open_input(f, path, err);
	if (rc) {
		free(f);
		return rc;
	}
	*ret = &f->base;
	return 0;
}
