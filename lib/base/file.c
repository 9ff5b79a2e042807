/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/base/file.h>

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
	case ETIME:
		return "nobody read it any more, or too slowly; what follows is dropped";
	case EMFILE:
		return "raise the limit: ulimit -n 4096";
	default:
		return "what follows is dropped";
	}
}

int
weir_file_write_error(struct weir_error *err, int code, const char *name)
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
		/* by its link: the descriptor itself may be another thread's and go any time */
		is_found = fstatat(dirfd(dir), entry->d_name, &other, 0) == 0 &&
			   other.st_dev == st->st_dev && other.st_ino == st->st_ino;
	}
	closedir(dir);
	return is_found;
}

static int
empty(int fd, const char *path, bool *ret_is_regular, struct weir_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return weir_file_write_error(err, errno, path);
	*ret_is_regular = S_ISREG(st.st_mode);
	if (!*ret_is_regular)
		return 0;
	if (is_in_use(fd, &st))
		return weir_error_run(err, -EBUSY,
		    "cannot write %s: it is open already, as a source or another output (name "
		    "another "
		    "file)",
		    path);
	if (ftruncate(fd, 0) < 0)
		return weir_file_write_error(err, errno, path);
	return 0;
}

int
weir_file_create(const char *path, int *ret_fd, bool *ret_is_regular, struct weir_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	int rc;

	if (fd < 0)
		return weir_file_write_error(err, errno, path);
	rc = empty(fd, path, ret_is_regular, err);
	if (rc)
		close(fd);
	else
		*ret_fd = fd;
	return rc;
}

int
weir_file_finish_stdout(struct weir_error *err)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return weir_file_write_error(err, errno ? errno : EIO, "standard output");
}
