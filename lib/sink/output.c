/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"

/* What mends a file that cannot be created or written. */
static const char *
cure_of(int code)
{
	switch (code) {
	case ENOENT:
	case ENOTDIR:
		return "make its directory first";
	case EACCES:
	case EPERM:
	case EROFS:
		return "name a place that you may write to";
	case EISDIR:
		return "name a file in it";
	case ENOSPC:
	case EDQUOT:
		return "free some space, or write to another disk; what follows is dropped";
	case EPIPE:
		return "its reader has gone; what follows is dropped";
	case EFBIG:
		return "raise the limit: ulimit -f unlimited; what follows is dropped";
	case EMFILE:
		return "raise the limit: ulimit -n 4096";
	default:
		return "what follows is dropped";
	}
}

static int
refuse(struct weir_error *err, int code, const char *name)
{
	return weir_error_run(
	    err, -code, "cannot write %s: %s (%s)", name, strerror(code), cure_of(code));
}

/*
 * True where this process has that file open through another descriptor: a capture that is being
 * read, or another sink. Truncating it would destroy what the user wants kept.
 */
static bool
is_in_use(int fd, const struct stat *st)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	bool is_found = false;
	struct stat other;

	if (!dir)
		return false;
	while (!is_found && (entry = readdir(dir))) {
		int n = atoi(entry->d_name);

		if (entry->d_name[0] == '.' || n == fd || n == dirfd(dir))
			continue;
		is_found = fstat(n, &other) == 0 && other.st_dev == st->st_dev &&
			   other.st_ino == st->st_ino;
	}
	closedir(dir);
	return is_found;
}

static int
create(struct weir_output *o, const char *path, struct weir_error *err)
{
	struct stat st;

	o->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	if (o->fd < 0)
		return refuse(err, errno, path);
	o->is_own = true;
	if (fstat(o->fd, &st) < 0)
		return refuse(err, errno, path);
	o->is_regular = S_ISREG(st.st_mode);
	if (!o->is_regular)
		return 0;
	if (is_in_use(o->fd, &st))
		return weir_error_run(err, -EBUSY,
		    "cannot write %s: it is open already, as a source or another sink (name "
		    "another "
		    "file)",
		    path);
	if (ftruncate(o->fd, 0) < 0)
		return refuse(err, errno, path);
	return 0;
}

int
weir_output_open(const char *target, struct weir_output **ret, struct weir_error *err)
{
	bool is_stdout = !target || strcmp(target, "-") == 0;
	struct weir_output *o = calloc(1, sizeof(*o));
	int rc = 0;

	if (o)
		o->name = strdup(is_stdout ? "standard output" : target);
	if (!o || !o->name) {
		free(o);
		return weir_error_run(err, -ENOMEM, "out of memory");
	}
	o->fd = STDOUT_FILENO;
	if (!is_stdout)
		rc = create(o, target, err);
	else if (fcntl(o->fd, F_GETFD) < 0)
		rc = weir_error_run(err, -EBADF,
		    "cannot write standard output: it is closed (name a file, as in json:FILE)");
	if (rc) {
		weir_output_close(o, NULL);
		return rc;
	}
	o->is_terminal = isatty(o->fd);
	*ret = o;
	return 0;
}

int
weir_output_close(struct weir_output *o, struct weir_error *err)
{
	int rc = 0;

	/* Some file systems tell only now that they could not keep the data. */
	if (o->is_own && close(o->fd) < 0 && errno != EINTR)
		rc = refuse(err, errno, o->name);
	weir_strbuf_free(&o->buf);
	free(o->name);
	free(o);
	return rc;
}

/* Write n bytes. Returns those that got out; fewer than n: errno says why. */
static size_t
write_all(int fd, const char *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t k = write(fd, p + done, n - done);

		if (k >= 0) {
			done += (size_t)k;
		} else if (errno == EAGAIN) {
			/* A pipe that somebody else made non-blocking. */
			struct pollfd pfd = { .fd = fd, .events = POLLOUT };

			if (poll(&pfd, 1, -1) < 0 && errno != EINTR)
				break;
		} else if (errno != EINTR) {
			break;
		}
	}
	return done;
}

int
weir_output_write(struct weir_output *o, struct weir_sink_counters *c, struct weir_error *err)
{
	size_t size = o->buf.len;
	size_t done = write_all(o->fd, o->buf.p, size);
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
	return refuse(err, code, o->name);
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
