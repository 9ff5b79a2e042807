/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_DOCTOR_FIX_H
#define WEIR_DOCTOR_FIX_H

#include <stdbool.h>

#include <weir/base/error.h>

/*
 * What --fix does: a closed list of actions that take nothing away from the host, and that a
 * reboot undoes. Nothing is bound, unbound, unmounted, stopped or turned off.
 */
enum weir_fix_kind {
	WEIR_FIX_NONE,
	WEIR_FIX_WRITE,    /* value to the files that target, a pattern, names */
	WEIR_FIX_MODPROBE, /* load the kernel module target */
	WEIR_FIX_LINK_UP,  /* set the interface target up */
	WEIR_FIX_MOUNT,    /* mount hugetlbfs at target */
};

struct weir_fix {
	enum weir_fix_kind kind;
	char target[128];
	char value[32];
};

/* What became of one that was tried. */
struct weir_fix_result {
	char *mend;  /* the command that it stands for */
	char *error; /* NULL: done */
};

/* Is it on the list? Pure. */
bool weir_fix_is_allowed(const struct weir_fix *f);
/*
 * Do it. root as in weir_doctor_config: where it is not "", only files can be written.
 * -EPERM: not on the list; -EACCES: with the cure "use sudo"; errors name what was tried.
 */
int weir_fix_apply(const struct weir_fix *f, const char *root, struct weir_error *err);

#endif
