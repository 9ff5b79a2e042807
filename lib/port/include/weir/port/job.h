/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PORT_JOB_H
#define WEIR_PORT_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <weir/base/error.h>

/*
 * The name of a run, and the folder in which it is met: DPDK's runtime folder, as EAL chooses it,
 * and in it weir.NAME with the telemetry socket. A file "lock" in it is locked for as long as the
 * run lives, however it ends. Folders are the owner's alone. Nothing here needs EAL.
 */

#define WEIR_JOB_NAME_MAX    64
#define WEIR_JOB_PREFIX      "weir."
#define WEIR_JOB_SOCKET_NAME "dpdk_telemetry.v2"

/* Usage error where this is no name: 1 to 64 letters, digits, _ - and dots. */
int weir_job_check_name(const char *name, struct weir_error *err);

/* ".../dpdk". Returns buf. */
const char *weir_job_base(char *buf, size_t size);
/* The socket of a run. Returns buf. */
const char *weir_job_socket(const char *name, char *buf, size_t size);

/*
 * Take a name (NULL: the process's id) for this process until it exits, with its folder. -EBUSY: a
 * run of that name goes on; any other: the folder cannot be had. Run-time errors name the cure.
 */
int weir_job_claim(const char *name, struct weir_error *err);
/*
 * For a process that will not be allowed to remove the folder at its end, as it becomes another
 * user: a process that waits for that end, however it comes, removes it. It keeps nothing open but
 * the folder, and has no capabilities. After the claim, before any thread. Run-time error.
 */
int weir_job_keep(struct weir_error *err);
/* The name that was claimed, or NULL. */
const char *weir_job_name(void);
/* Remove the folder and give the name back; done at exit anyway. */
void weir_job_release(void);

struct weir_job {
	char name[WEIR_JOB_NAME_MAX + 1];
	pid_t pid; /* 0 where it is not known */
};

/*
 * The runs of this user by name; what runs that died have left behind is removed. The array is the
 * caller's to free. 0 where there is no folder at all.
 */
int weir_job_list(struct weir_job **ret, unsigned *ret_n, struct weir_error *err);

#endif
