/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include <weir/base/time.h>
#include <weir/base/value.h>

#include "receiver.h"
#include "tally.h"

/* A row that is longer is none of ours. */
#define LINE_MOST 65536

struct rows {
	struct receiver base;
	const char *path, *field;
	const struct frame_config *frame;
	int fd;
	bool is_regular;  /* grows: its end is not the end */
	bool has_some;    /* there was a writer */
	bool is_skipping; /* the rest of a line that is too long */
	size_t len;
	char text[LINE_MOST];
};

/* Number of the probe among those that make a row. False: it is none of this trial. */
static bool
find_probe(const struct rows *r, const struct tally *t, uint32_t address, uint64_t *ret)
{
	uint64_t n_sent = atomic_load_explicit(&t->n_sent, memory_order_acquire);
	uint64_t n_rows = frame_count_back(r->frame, n_sent);
	uint64_t k = ((address & (FRAME_ROWS - 1)) - t->row_first) & (FRAME_ROWS - 1);

	if (k >= n_rows)
		return false;
	/* destinations come again: the last that had this one */
	*ret = k + (n_rows - 1 - k) / FRAME_ROWS * FRAME_ROWS;
	return true;
}

/* The address that a row's column holds. False: none, or not one of probes. */
static bool
read_address(const struct rows *r, const char *line, size_t len, uint32_t *ret)
{
	json_t *row = json_loadb(line, len, JSON_DISABLE_EOF_CHECK, NULL);
	const char *text = json_string_value(json_object_get(row, r->field));
	struct weir_addr a = { 0 };
	unsigned version = 0;
	bool is_probe = text && weir_ip_parse(text, &a, &version) == 0 && version == 4 &&
			(a.lo & ~(FRAME_ROWS - 1)) == FRAME_ROWS_NET;

	json_decref(row);
	*ret = (uint32_t)a.lo;
	return is_probe;
}

static void
take_line(struct rows *r, const char *line, size_t len, struct tally *t, int64_t now_ns)
{
	uint32_t address;
	uint64_t probe;

	if (!read_address(r, line, len, &address)) {
		t->n_other++;
		return;
	}
	if (find_probe(r, t, address, &probe))
		tally_add(t, probe, schedule_ns(&t->schedule, probe * r->frame->row_every), now_ns);
	else
		t->n_late++;
}

static void
take_lines(struct rows *r, struct tally *t, int64_t now_ns)
{
	char *line = r->text, *end = r->text + r->len, *newline;

	while ((newline = memchr(line, '\n', (size_t)(end - line)))) {
		if (r->is_skipping)
			t->n_other++;
		else
			take_line(r, line, (size_t)(newline - line), t, now_ns);
		r->is_skipping = false;
		line = newline + 1;
	}
	r->len = (size_t)(end - line);
	memmove(r->text, line, r->len);
	if (r->len == LINE_MOST) {
		r->is_skipping = true;
		r->len = 0;
	}
}

static int
rows_poll(struct receiver *base, struct tally *t, struct weir_error *err)
{
	struct rows *r = (struct rows *)base;
	ssize_t n = read(r->fd, r->text + r->len, LINE_MOST - r->len);
	int64_t now = weir_now_mono_ns();

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return weir_error_run(err, -errno, "--rows '%s': %s", r->path, strerror(errno));
	if (n == 0 && r->has_some && !r->is_regular)
		return weir_error_run(
		    err, -EPIPE, "--rows '%s': who wrote the rows has gone", r->path);
	r->has_some |= n > 0;
	r->len += (size_t)n;
	if (n)
		take_lines(r, t, now);
	return 0;
}

static void
rows_close(struct receiver *base)
{
	struct rows *r = (struct rows *)base;

	if (r->fd > STDERR_FILENO)
		close(r->fd);
	else if (r->fd == STDIN_FILENO) /* it is others', too */
		fcntl(r->fd, F_SETFL, fcntl(r->fd, F_GETFL) & ~O_NONBLOCK);
	free(r);
}

int
receiver_open_rows(const char *path, const char *field, const struct frame_config *frame,
    struct receiver **ret, struct weir_error *err)
{
	struct rows *r = calloc(1, sizeof(*r));
	bool is_stdin = strcmp(path, "-") == 0;
	struct stat st;

	if (!r)
		return weir_error_run(err, -ENOMEM, "out of memory");
	r->base = (struct receiver){ rows_poll, rows_close };
	r->path = path;
	r->field = field;
	r->frame = frame;
	/* a FIFO's writer may come later */
	r->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (r->fd < 0 || fstat(r->fd, &st) ||
	    (is_stdin && fcntl(r->fd, F_SETFL, fcntl(r->fd, F_GETFL) | O_NONBLOCK))) {
		int code = errno;

		rows_close(&r->base);
		return weir_error_run(err, -code,
		    "--rows '%s': %s (make a FIFO: mkfifo '%s', and let a weir write to it: "
		    "--sink 'json:%s')",
		    path, strerror(code), path, path);
	}
	r->is_regular = S_ISREG(st.st_mode);
	*ret = &r->base;
	return 0;
}
