/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_input.h"

#define INPUT_BYTES (256u << 10)

int
weir_input_init(struct weir_input *in, int fd, bool is_owned)
{
	struct stat st;

	memset(in, 0, sizeof(*in));
	if (fstat(fd, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	in->fd = fd;
	in->is_owned = is_owned;
	in->is_regular = S_ISREG(st.st_mode);
	if (in->is_regular) {
		in->start = lseek(fd, 0, SEEK_CUR);
		if (in->start < 0)
			in->start = 0;
		in->size = st.st_size > in->start ? (uint64_t)(st.st_size - in->start) : 0;
	}
	in->cap = INPUT_BYTES;
	in->buf = malloc(in->cap);
	return in->buf ? 0 : -ENOMEM;
}

void
weir_input_fini(struct weir_input *in)
{
	free(in->buf);
	if (in->is_owned)
		close(in->fd);
	in->buf = NULL;
	in->is_owned = false;
}

/* Room for n bytes from begin on. */
static int
make_room(struct weir_input *in, size_t n)
{
	size_t cap = in->cap;
	uint8_t *p;

	if (in->begin) {
		memmove(in->buf, in->buf + in->begin, in->end - in->begin);
		in->end -= in->begin;
		in->begin = 0;
	}
	while (cap < n)
		cap *= 2;
	if (cap == in->cap)
		return 0;
	p = realloc(in->buf, cap);
	if (!p)
		return -ENOMEM;
	in->buf = p;
	in->cap = cap;
	return 0;
}

static bool
is_readable(const struct weir_input *in)
{
	struct pollfd p = { .fd = in->fd, .events = POLLIN };

	return in->is_regular || poll(&p, 1, 0) > 0;
}

size_t
weir_input_need(struct weir_input *in, size_t n, bool may_wait)
{
	struct pollfd wait = { .fd = in->fd, .events = POLLIN };
	ssize_t got;

	if (weir_input_have(in) >= n || in->is_eof)
		return weir_input_have(in);
	if (in->cap - in->begin < n || in->end == in->cap) {
		int rc = make_room(in, n);

		if (rc) {
			in->error = -rc;
			in->is_eof = true;
			return weir_input_have(in);
		}
	}
	while (weir_input_have(in) < n && (may_wait || is_readable(in))) {
		got = read(in->fd, in->buf + in->end, in->cap - in->end);
		if (got < 0 && errno == EAGAIN && may_wait && poll(&wait, 1, -1) > 0)
			continue; /* the other end of standard input made it non-blocking */
		if (got < 0 && (errno == EAGAIN || errno == EINTR) && !may_wait)
			break;
		if (got <= 0) {
			in->error = got < 0 ? errno : 0;
			in->is_eof = true;
			break;
		}
		in->end += (size_t)got;
	}
	return weir_input_have(in);
}

int
weir_input_rewind(struct weir_input *in)
{
	if (lseek(in->fd, in->start, SEEK_SET) < 0)
		return -errno;
	in->begin = 0;
	in->end = 0;
	in->offset = 0;
	in->is_eof = false;
	in->error = 0;
	return 0;
}
