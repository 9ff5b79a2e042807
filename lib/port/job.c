/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/port/job.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <weir/base/array.h>
#include <weir/base/privilege.h>

#define LOCK_NAME "lock"
#define ATTEMPTS                                                                                   \
	64           /* a folder may be removed, by the run that has just ended, while it is taken \
		      */
#define LOCK_TRIES 5 /* a millisecond apart: weir-ctl holds the lock of a dead run for a moment */

/* A process has one name, as it has one EAL. */
static struct {
	char name[WEIR_JOB_NAME_MAX + 1]; /* "" where none is claimed */
	int folder;
	int lock;
	pid_t owner;  /* a child that exits removes nothing */
	pid_t keeper; /* who removes it when we end, 0: we do */
	int to_keeper;
	bool has_exit;
} claimed = { .folder = -1, .lock = -1, .to_keeper = -1 };

int
weir_job_check_name(const char *name, struct weir_error *err)
{
	size_t len = strlen(name);

	if (!len || len > WEIR_JOB_NAME_MAX)
		return weir_error_usage(
		    err, "a name of 1 to %d characters is needed", WEIR_JOB_NAME_MAX);
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_-.", *p))
			return weir_error_usage(err,
			    "character '%c' at %u is not allowed in a name (letters, digits, _ - . "
			    "are)",
			    *p, (unsigned)(p - name + 1));
	return 0;
}

/* As eal_create_runtime_dir() of DPDK 22.11 chooses; NULL where it falls back to /tmp. */
static const char *
runtime_folder(void)
{
	const char *dir = getenv("RUNTIME_DIRECTORY"); /* systemd's */

	if (!dir && getuid() == 0)
		dir = "/var/run";
	return dir ? dir : getenv("XDG_RUNTIME_DIR");
}

const char *
weir_job_base(char *buf, size_t size)
{
	const char *dir = runtime_folder();

	snprintf(buf, size, "%s/dpdk", dir ? dir : "/tmp");
	return buf;
}

const char *
weir_job_socket(const char *name, char *buf, size_t size)
{
	char base[512];

	snprintf(buf, size, "%s/" WEIR_JOB_PREFIX "%s/" WEIR_JOB_SOCKET_NAME,
	    weir_job_base(base, sizeof(base)), name);
	return buf;
}

/* What a run needs of the folder that all DPDK programs of a user share. */
static int
make_base(const char *base, struct weir_error *err)
{
	struct stat st;

	if (mkdir(base, 0700) && errno != EEXIST)
		return weir_error_run(err, -errno,
		    "cannot create %s: %s: set XDG_RUNTIME_DIR to a "
		    "folder of your own",
		    base, strerror(errno));
	if (lstat(base, &st))
		return weir_error_run(err, -errno, "%s: %s", base, strerror(errno));
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return weir_error_run(err, -EPERM,
		    "%s belongs to somebody else: set "
		    "XDG_RUNTIME_DIR to a folder of your own",
		    base);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return weir_error_run(err, -EPERM,
		    "others may write into %s: mend it with "
		    "'chmod 700 %s'",
		    base, base);
	return 0;
}

/* Open a folder of ours below base, -1 where it is none; errno tells why. */
static int
open_folder(int base, const char *folder)
{
	int fd = openat(base, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || st.st_uid != geteuid()) {
		close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

/* Lock the file of a folder: its descriptor; -EAGAIN where the folder is being removed, -EBUSY
 * where another holds it. */
static int
lock_folder(int folder, int flags)
{
	int fd = openat(folder, LOCK_NAME, flags | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct timespec nap = { 0, 1000000 };
	struct stat st;
	int rc = -EBUSY;

	if (fd < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	for (int i = 0; i < LOCK_TRIES && rc == -EBUSY; i++) {
		if (i)
			nanosleep(&nap, NULL);
		rc = flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno == EWOULDBLOCK ? -EBUSY : -errno;
	}
	if (!rc && (fstat(fd, &st) || st.st_nlink == 0))
		rc = -EAGAIN;
	if (rc)
		close(fd);
	return rc ? rc : fd;
}

/* Remove a locked folder and the files in it, the lock last, and give up the lock. */
static void
remove_folder(int base, const char *name, int folder, int lock)
{
	int fd = dup(folder);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (d)
		rewinddir(d);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && strcmp(e->d_name, LOCK_NAME) != 0)
			unlinkat(folder, e->d_name, 0);
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	unlinkat(folder, LOCK_NAME, 0);
	unlinkat(base, name, AT_REMOVEDIR);
	close(lock);
	close(folder);
}

static int
open_base(void)
{
	char base[512];

	return open(weir_job_base(base, sizeof(base)), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The lock is shared with the keeper, which gives it up last. */
static void
end_keeper(void)
{
	close(claimed.to_keeper);
	close(claimed.lock);
	close(claimed.folder);
	while (waitpid(claimed.keeper, NULL, 0) < 0 && errno == EINTR)
		;
	claimed.keeper = 0;
	claimed.to_keeper = -1;
	claimed.name[0] = '\0';
}

/* Keep four descriptors, at 0 to 3, and no other. */
static void
keep_only(const int fd[4])
{
	int high[4];

	for (int i = 0; i < 4; i++)
		high[i] = fcntl(fd[i], F_DUPFD, 4);
	for (int i = 0; i < 4; i++)
		dup2(high[i], i);
	syscall(SYS_close_range, 4, ~0U, 0);
}

/* The keeper: waits until nobody holds the pipe's other end. */
static void __attribute__((noreturn)) keeper_main(int pipe_end, int base, const char *name)
{
	enum { PIPE, BASE, FOLDER, LOCK };
	int fd[4] = { pipe_end, base, claimed.folder, claimed.lock };
	char c;

	keep_only(fd);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	prctl(PR_SET_NAME, "weir-keeper");
	weir_privilege_clear();
	while (read(PIPE, &c, 1) < 0 && errno == EINTR)
		;
	remove_folder(BASE, name, FOLDER, LOCK);
	_exit(0);
}

int
weir_job_keep(struct weir_error *err)
{
	char folder[sizeof(WEIR_JOB_PREFIX) + WEIR_JOB_NAME_MAX];
	int ends[2], base;
	pid_t pid;

	if (!claimed.name[0] || claimed.keeper)
		return 0;
	snprintf(folder, sizeof(folder), WEIR_JOB_PREFIX "%s", claimed.name);
	if (pipe2(ends, O_CLOEXEC))
		return weir_error_run(err, -errno, "no pipe: %s", strerror(errno));
	base = open_base();
	pid = base < 0 ? -1 : fork();
	if (pid == 0) {
		close(ends[1]);
		keeper_main(ends[0], base, folder);
	}
	close(ends[0]);
	if (base >= 0)
		close(base);
	if (pid < 0) {
		close(ends[1]);
		return weir_error_run(err, -errno,
		    "cannot start a process that removes %s at the end: %s", folder,
		    strerror(errno));
	}
	claimed.keeper = pid;
	claimed.to_keeper = ends[1];
	return 0;
}

void
weir_job_release(void)
{
	char folder[sizeof(WEIR_JOB_PREFIX) + WEIR_JOB_NAME_MAX], path[512];
	int base;

	if (!claimed.name[0] || claimed.owner != getpid())
		return;
	if (claimed.keeper) {
		end_keeper();
		return;
	}
	snprintf(folder, sizeof(folder), WEIR_JOB_PREFIX "%s", claimed.name);
	claimed.name[0] = '\0';
	base = open_base();
	remove_folder(base, folder, claimed.folder, claimed.lock);
	if (base >= 0)
		close(base);
	/* in a folder of all users it would stand in their way */
	if (!runtime_folder())
		rmdir(weir_job_base(path, sizeof(path)));
}

/* Once; a folder that is removed at this moment is made anew by the next attempt (-EAGAIN). */
static int
claim_folder(int base, const char *name)
{
	char text[32];
	int folder, lock;

	if (mkdirat(base, name, 0700) && errno != EEXIST)
		return errno == ENOENT ? -EAGAIN : -errno; /* base itself is removed */
	folder = open_folder(base, name);
	if (folder < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	lock = fchmod(folder, 0700) ? -errno : lock_folder(folder, O_CREAT);
	if (lock < 0) {
		close(folder);
		return lock;
	}
	/* for weir-ctl, before there is a socket */
	snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(lock, 0) || pwrite(lock, text, strlen(text), 0) < 0) {
		int rc = -errno;

		remove_folder(base, name, folder, lock);
		return rc;
	}
	claimed.folder = folder;
	claimed.lock = lock;
	return 0;
}

static int
refuse(const char *name, int rc, const char *base, struct weir_error *err)
{
	/* -EAGAIN: others took and left it, again and again */
	if (rc == -EBUSY || rc == -EAGAIN)
		return weir_error_run(err, -EBUSY,
		    "a run named '%s' is going on already: choose another name, or end it with "
		    "'weir-ctl -n %s stop'",
		    name, name);
	return weir_error_run(
	    err, rc, "cannot create %s/" WEIR_JOB_PREFIX "%s: %s", base, name, strerror(-rc));
}

int
weir_job_claim(const char *name, struct weir_error *err)
{
	char base[512], socket[1024], own[16], folder[sizeof(WEIR_JOB_PREFIX) + WEIR_JOB_NAME_MAX];
	int fd, rc = -EAGAIN;

	snprintf(own, sizeof(own), "%ld", (long)getpid());
	name = name ? name : own;
	if (claimed.name[0])
		return weir_error_run(err, -EALREADY, "this run is named '%s'", claimed.name);
	weir_job_base(base, sizeof(base));
	weir_job_socket(name, socket, sizeof(socket));
	if (strlen(socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return weir_error_run(err, -ENAMETOOLONG,
		    "the path %s is too long for a socket: choose a shorter name", socket);
	snprintf(folder, sizeof(folder), WEIR_JOB_PREFIX "%s", name);
	for (int i = 0; i < ATTEMPTS && rc == -EAGAIN; i++) {
		rc = make_base(base, err);
		if (rc)
			return rc;
		fd = open_base();
		rc = fd < 0 ? -EAGAIN : claim_folder(fd, folder);
		if (fd >= 0)
			close(fd);
	}
	if (rc)
		return refuse(name, rc, base, err);
	snprintf(claimed.name, sizeof(claimed.name), "%s", name);
	claimed.owner = getpid();
	/*
	 * Before EAL starts: functions are called last to first, so that EAL's, which removes its
	 * socket, still finds the name ours.
	 */
	if (!claimed.has_exit)
		claimed.has_exit = atexit(weir_job_release) == 0;
	return 0;
}

const char *
weir_job_name(void)
{
	return claimed.name[0] ? claimed.name : NULL;
}

/* The process id in a lock file, 0 where there is none. */
static pid_t
read_pid(int folder)
{
	int fd = openat(folder, LOCK_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char text[32];
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return (pid_t)strtol(text, NULL, 10);
}

/* Is the run of this folder alive? The folder of one that is not is removed. */
static bool
examine(int base, const char *name, struct weir_job *ret)
{
	int folder = open_folder(base, name), lock;

	if (folder < 0)
		return false;
	lock = lock_folder(folder, O_CREAT);
	if (lock >= 0) {
		remove_folder(base, name, folder, lock);
		return false;
	}
	if (lock == -EBUSY) {
		snprintf(ret->name, sizeof(ret->name), "%s", name + strlen(WEIR_JOB_PREFIX));
		ret->pid = read_pid(folder);
	}
	close(folder);
	return lock == -EBUSY;
}

static int
is_job(const struct dirent *e)
{
	size_t len = strlen(WEIR_JOB_PREFIX);

	return strncmp(e->d_name, WEIR_JOB_PREFIX, len) == 0 &&
	       weir_job_check_name(e->d_name + len, NULL) == 0;
}

int
weir_job_list(struct weir_job **ret, unsigned *ret_n, struct weir_error *err)
{
	struct dirent **names = NULL;
	struct weir_job *jobs = NULL;
	unsigned n_jobs = 0;
	char base[512];
	int fd = open_base(), n;

	*ret = NULL;
	*ret_n = 0;
	if (fd < 0 && errno == ENOENT)
		return 0;
	n = fd < 0 ? -1 : scandirat(fd, ".", &names, is_job, alphasort);
	if (n < 0) {
		int code = -errno;

		if (fd >= 0)
			close(fd);
		return weir_error_run(err, code, "cannot read %s: %s",
		    weir_job_base(base, sizeof(base)), strerror(-code));
	}
	for (int i = 0; i < n; i++) {
		struct weir_job job = { 0 };

		if (examine(fd, names[i]->d_name, &job))
			*(struct weir_job *)weir_array_add(&jobs, &n_jobs, sizeof(job)) = job;
		free(names[i]);
	}
	free(names);
	close(fd);
	*ret = jobs;
	*ret_n = n_jobs;
	return 0;
}
