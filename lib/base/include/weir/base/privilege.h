/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_PRIVILEGE_H
#define WEIR_BASE_PRIVILEGE_H

#include <sys/types.h>

#include <weir/base/error.h>

/* Giving up root's rights once everything is open. Control thread. */

#define WEIR_PRIVILEGE_NAME_MAX 63

/* Who to become. */
struct weir_privilege {
	char user[WEIR_PRIVILEGE_NAME_MAX + 1]; /* "" where the number has no name */
	uid_t uid;
	gid_t gid;
};

/*
 * USER[:GROUP], names or numbers; without GROUP it is the user's own. Usage errors: unknown names
 * (with the nearest one), and root, which would give up nothing.
 */
int weir_privilege_find(const char *text, struct weir_privilege *ret, struct weir_error *err);
/*
 * Before the first thread is started: whatever this process runs gains no rights any more
 * (no_new_privs, which threads inherit). Run-time error where it is not root's.
 */
int weir_privilege_begin(const struct weir_privilege *p, struct weir_error *err);
/*
 * Groups, user and capabilities of all threads, for good; then looks whether that holds for every
 * one of them. Run-time error, after which the process must end.
 */
int weir_privilege_drop(const struct weir_privilege *p, struct weir_error *err);
/* All capabilities of the calling thread; 0 or -errno. */
int weir_privilege_clear(void);

#endif
