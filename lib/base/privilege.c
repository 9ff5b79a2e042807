/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/base/privilege.h>

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <weir/base/nearest.h>

/* Next name of the host's users or groups; NULL past the last. */
static const char *
next_user(void)
{
	const struct passwd *e = getpwent();

	return e ? e->pw_name : NULL;
}

static const char *
next_group(void)
{
	const struct group *e = getgrent();

	return e ? e->gr_name : NULL;
}

/* The name that is nearest to what was typed, the caller's to free; NULL where none is near. */
static char *
nearest_name(const char *typed, const char *(*next)(void))
{
	struct weir_nearest nearest;
	char *best = NULL;
	const char *name;

	setpwent();
	setgrent();
	weir_nearest_begin(&nearest, typed);
	while ((name = next())) {
		char *copy = strdup(name);

		if (!copy)
			break;
		weir_nearest_offer(&nearest, copy);
		if (nearest.best == copy) {
			free(best);
			best = copy;
		} else {
			free(copy);
		}
	}
	endpwent();
	endgrent();
	if (!weir_nearest_get(&nearest)) {
		free(best);
		best = NULL;
	}
	return best;
}

static int
unknown(const char *text, const char *typed, const char *what, const char *(*next)(void),
    struct weir_error *err)
{
	char *near = nearest_name(typed, next);
	int rc;

	if (near)
		rc = weir_error_usage(
		    err, "--user '%s': unknown %s '%s' (try '%s')", text, what, typed, near);
	else
		rc = weir_error_usage(err, "--user '%s': unknown %s '%s' (see 'getent %s')", text,
		    what, typed, next == next_user ? "passwd" : "group");
	free(near);
	return rc;
}

/* All digits, and below the number that stands for "none". */
static bool
read_number(const char *text, uint32_t *ret)
{
	char *end;
	unsigned long n;

	if (!*text || strspn(text, "0123456789") != strlen(text))
		return false;
	errno = 0;
	n = strtoul(text, &end, 10);
	*ret = (uint32_t)n;
	return !errno && n < UINT32_MAX;
}

static int
find_user(const char *text, const char *typed, bool has_group, struct weir_privilege *ret,
    struct weir_error *err)
{
	const struct passwd *e = getpwnam(typed);
	uint32_t number = 0;
	bool is_number = !e && read_number(typed, &number);

	if (is_number)
		e = getpwuid(number);
	if (e) {
		snprintf(ret->user, sizeof(ret->user), "%s", e->pw_name);
		ret->uid = e->pw_uid;
		ret->gid = e->pw_gid;
		return 0;
	}
	if (!is_number)
		return unknown(text, typed, "user", next_user, err);
	if (!has_group)
		return weir_error_usage(err,
		    "--user '%s': user %s has no name and so no group: name one (try '%s:%s')",
		    text, typed, typed, typed);
	ret->uid = number;
	return 0;
}

static int
find_group(const char *text, const char *typed, struct weir_privilege *ret, struct weir_error *err)
{
	const struct group *e = getgrnam(typed);
	uint32_t number;

	if (!e && !read_number(typed, &number))
		return unknown(text, typed, "group", next_group, err);
	ret->gid = e ? e->gr_gid : number;
	return 0;
}

int
weir_privilege_find(const char *text, struct weir_privilege *ret, struct weir_error *err)
{
	const char *colon = strchr(text, ':');
	char typed[WEIR_PRIVILEGE_NAME_MAX + 1];
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	int rc;

	memset(ret, 0, sizeof(*ret));
	if (!len || len > WEIR_PRIVILEGE_NAME_MAX || (colon && !colon[1]))
		return weir_error_usage(
		    err, "--user '%s': USER or USER:GROUP is needed (try 'nobody')", text);
	snprintf(typed, sizeof(typed), "%.*s", (int)len, text);
	rc = find_user(text, typed, colon != NULL, ret, err);
	if (!rc && colon)
		rc = find_group(text, colon + 1, ret, err);
	if (!rc && (ret->uid == 0 || ret->gid == 0))
		rc = weir_error_usage(err,
		    "--user '%s': %s 0 is root's, which gives up nothing (try 'nobody')", text,
		    ret->uid == 0 ? "user" : "group");
	return rc;
}

int
weir_privilege_begin(const struct weir_privilege *p, struct weir_error *err)
{
	if (geteuid() != 0)
		return weir_error_run(err, -EPERM,
		    "--user '%s': only root can become another user; this is user %u: leave "
		    "--user away, or use sudo",
		    p->user, (unsigned)geteuid());
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return weir_error_run(
		    err, -errno, "--user '%s': no_new_privs: %s", p->user, strerror(errno));
	return 0;
}

int
weir_privilege_clear(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) && errno != EINVAL)
		return -errno;
	return syscall(SYS_capset, &head, none) ? -errno : 0;
}

/* What the kernel says of a thread: nothing of root's, of any kind, and no way to more. */
static bool
is_bare(const char *task, const struct weir_privilege *p)
{
	char path[300], line[256];
	unsigned n_good = 0, id[4], nnp;
	uint64_t caps;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", task);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT || errno == ESRCH; /* it has just ended */
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Uid: %u %u %u %u", &id[0], &id[1], &id[2], &id[3]) == 4)
			n_good += id[0] == p->uid && id[1] == p->uid && id[2] == p->uid &&
				  id[3] == p->uid;
		else if (sscanf(line, "Gid: %u %u %u %u", &id[0], &id[1], &id[2], &id[3]) == 4)
			n_good += id[0] == p->gid && id[1] == p->gid && id[2] == p->gid &&
				  id[3] == p->gid;
		else if (sscanf(line, "CapPrm: %" SCNx64, &caps) == 1 ||
			 sscanf(line, "CapEff: %" SCNx64, &caps) == 1 ||
			 sscanf(line, "CapAmb: %" SCNx64, &caps) == 1)
			n_good += caps == 0;
		else if (sscanf(line, "NoNewPrivs: %u", &nnp) == 1)
			n_good += nnp == 1;
	}
	fclose(f);
	return n_good == 6;
}

/* The C library changes users in all threads; what the kernel made of it is looked at. */
static int
look_at_threads(const struct weir_privilege *p, struct weir_error *err)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int rc = 0;

	if (!d)
		return weir_error_run(err, -errno,
		    "--user '%s': cannot look whether it holds: "
		    "/proc: %s",
		    p->user, strerror(errno));
	while (!rc && (e = readdir(d)))
		if (e->d_name[0] != '.' && !is_bare(e->d_name, p))
			rc = weir_error_run(err, -EPERM,
			    "--user '%s': thread %s has kept rights (secure bits that forbid to "
			    "give them up?)",
			    p->user, e->d_name);
	closedir(d);
	return rc;
}

static int
failed(const struct weir_privilege *p, const char *what, int code, struct weir_error *err)
{
	return weir_error_run(err, -code, "--user '%s': cannot set the %s: %s%s", p->user, what,
	    strerror(code),
	    code == EPERM    ? ": root without CAP_SETUID and CAP_SETGID cannot become another user"
	    : code == EINVAL ? ": this user namespace does not have it"
			     : "");
}

int
weir_privilege_drop(const struct weir_privilege *p, struct weir_error *err)
{
	int rc = p->user[0] ? initgroups(p->user, p->gid) : setgroups(1, &p->gid);

	if (rc)
		return failed(p, "groups", errno, err);
	if (setresgid(p->gid, p->gid, p->gid))
		return failed(p, "group", errno, err);
	if (setresuid(p->uid, p->uid, p->uid))
		return failed(p, "user", errno, err);
	rc = weir_privilege_clear();
	if (rc)
		return failed(p, "capabilities", -rc, err);
	return look_at_threads(p, err);
}
