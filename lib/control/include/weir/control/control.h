/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_CONTROL_CONTROL_H
#define WEIR_CONTROL_CONTROL_H

#include <stdbool.h>

#include <jansson.h>

#include <weir/base/error.h>
#include <weir/control/command.h>

/*
 * The control socket of a run: DPDK's telemetry, in the folder of the run's name
 * (weir/port/job.h). Requests come in telemetry's threads and are answered by the control
 * thread, one at a time, in weir_control_poll.
 */

struct weir_control_config {
	const char *program; /* argv[0] */
	const char *name;    /* of the run, NULL for the process's id */
	bool has_eal;        /* EAL is going to be started by weir_eal_start, right after this */
	bool leaves_user;    /* weir_control_settle is going to be called */
};

struct weir_control_socket;

/*
 * Answer one request: a new reference that is given away, or NULL with err. argument is never NULL;
 * it is "" where there is none. Control thread.
 */
typedef json_t *(*weir_control_handler)(
    void *ctx, enum weir_control_command command, const char *argument, struct weir_error *err);

/*
 * Before EAL and the sources are started. Claims the name where it was given or EAL is about to
 * start; other runs claim theirs, and start EAL for the socket, when they have lasted a while.
 * -EBUSY: a run of that name is going on. Whatever else stands in the way is logged as a notice
 * once, and the run goes on without a socket. Control thread.
 */
int weir_control_start(const struct weir_control_config *config, struct weir_control_socket **ret,
    struct weir_error *err);

/*
 * Before this process becomes another user: have the socket now, for it could not be made later
 * where this user is looked for. What stands in the way is logged as a notice. s may be NULL.
 * Control thread.
 */
void weir_control_settle(struct weir_control_socket *s);

/*
 * Call it in each round of the control loop: takes next to no time where nobody has asked anything.
 * s may be NULL. Control thread.
 */
void weir_control_poll(struct weir_control_socket *s, weir_control_handler handler, void *ctx);

/*
 * No more answers: those who wait are told that the run has ended. Ends EAL where this started it.
 * s may be NULL. Control thread.
 */
void weir_control_stop(struct weir_control_socket *s);

/*
 * Words of a text, as a shell takes it apart: blanks, '...', "..." and backslash. *ret_words ends
 * with NULL; free it as one block. Usage error where a quote is not closed.
 */
int weir_control_words(
    const char *text, char ***ret_words, unsigned *ret_n, struct weir_error *err);

#endif
