/* SPDX-License-Identifier: BSD-3-Clause */
/* What --fix does, by itself and not through a shell. */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/doctor/fix.h>

/* The list. */
static const char *const files[] = {
	"/proc/sys/vm/nr_hugepages",
	"/proc/sys/net/core/bpf_jit_enable",
	"/sys/devices/system/node/node[0-9]*/hugepages/hugepages-*kB/nr_hugepages",
	"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor",
	"/sys/kernel/mm/transparent_hugepage/enabled",
};
static const char *const modules[] = { "vfio-pci", "tun" };
static const char *const mounts[] = { "/dev/hugepages" };

#define N(a) (sizeof(a) / sizeof((a)[0]))

static bool
is_listed(const char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

bool
weir_fix_is_allowed(const struct weir_fix *f)
{
	switch (f->kind) {
	case WEIR_FIX_NONE:
		break;
	case WEIR_FIX_WRITE:
		if (strstr(f->target, ".."))
			return false;
		for (size_t i = 0; i < N(files); i++)
			/* a target may be the pattern itself */
			if (strcmp(files[i], f->target) == 0 ||
			    fnmatch(files[i], f->target, FNM_PATHNAME) == 0)
				return true;
		return false;
	case WEIR_FIX_MODPROBE:
		return is_listed(modules, N(modules), f->target);
	case WEIR_FIX_LINK_UP:
		return f->target[0] && strlen(f->target) < IFNAMSIZ && !strchr(f->target, '/');
	case WEIR_FIX_MOUNT:
		return is_listed(mounts, N(mounts), f->target);
	}
	return false;
}

/* -errno with the place and, where rights are what is missing, the cure. */
static int
failed(struct weir_error *err, int code, const char *what)
{
	if (code == -EACCES || code == -EPERM)
		return weir_error_run(
		    err, -EACCES, "%s: %s: 'sudo weir-doctor --fix'", what, strerror(-code));
	return weir_error_run(err, code, "%s: %s", what, strerror(-code));
}

static int
write_file(const char *path, const char *value, struct weir_error *err)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC), rc = 0;
	ssize_t n;

	if (fd < 0)
		return failed(err, -errno, path);
	n = write(fd, value, strlen(value));
	if (n != (ssize_t)strlen(value))
		rc = n < 0 ? -errno : -EIO;
	close(fd);
	return rc ? failed(err, rc, path) : 0;
}

static int
write_files(const struct weir_fix *f, const char *root, struct weir_error *err)
{
	glob_t all = { 0 };
	char pattern[1024];
	int rc = 0;

	snprintf(pattern, sizeof(pattern), "%s%s", root, f->target);
	if (glob(pattern, 0, NULL, &all) != 0)
		rc = failed(err, -ENOENT, pattern);
	for (size_t i = 0; i < all.gl_pathc && !rc; i++)
		rc = write_file(all.gl_pathv[i], f->value, err);
	globfree(&all);
	return rc;
}

/* modprobe knows what a module needs, and where modules lie. */
static int
load_module(const char *name, struct weir_error *err)
{
	char what[64];
	int status = 0;
	pid_t pid = fork();

	snprintf(what, sizeof(what), "modprobe %s", name);
	if (pid < 0)
		return failed(err, -errno, what);
	if (!pid) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		dup2(null, STDIN_FILENO);
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execlp("modprobe", "modprobe", "--", name, (char *)NULL);
		execl("/sbin/modprobe", "modprobe", "--", name, (char *)NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return failed(err, -errno, what);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return weir_error_run(err, -ENOENT,
		    "%s: there is no such program: 'sudo apt-get install kmod'", what);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return weir_error_run(
		    err, -EIO, "%s failed%s", what, geteuid() ? ": 'sudo weir-doctor --fix'" : "");
	return 0;
}

static int
set_up(const char *name, struct weir_error *err)
{
	struct ifreq r = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%.15s", name);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &r) != 0)
		rc = -errno;
	r.ifr_flags |= IFF_UP;
	if (!rc && ioctl(fd, SIOCSIFFLAGS, &r) != 0)
		rc = -errno;
	if (fd >= 0)
		close(fd);
	return rc ? failed(err, rc, name) : 0;
}

static int
mount_pages(const char *at, struct weir_error *err)
{
	if (mkdir(at, 0755) != 0 && errno != EEXIST)
		return failed(err, -errno, at);
	if (mount("none", at, "hugetlbfs", MS_NOSUID | MS_NODEV, NULL) != 0)
		return failed(err, -errno, at);
	return 0;
}

int
weir_fix_apply(const struct weir_fix *f, const char *root, struct weir_error *err)
{
	if (!weir_fix_is_allowed(f))
		return weir_error_run(err, -EPERM, "this is nothing that is done without you");
	if (f->kind == WEIR_FIX_WRITE)
		return write_files(f, root, err);
	if (root[0])
		return weir_error_run(
		    err, -ENOTSUP, "of another host's files, only files can be mended");
	if (f->kind == WEIR_FIX_MODPROBE)
		return load_module(f->target, err);
	return f->kind == WEIR_FIX_LINK_UP ? set_up(f->target, err) : mount_pages(f->target, err);
}
