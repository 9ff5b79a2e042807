/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_CONTROL_CLIENT_H
#define WEIR_CONTROL_CLIENT_H

#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include <weir/base/error.h>
#include <weir/control/command.h>

/* The other end of a control socket. Any one thread. */

struct weir_client;

/* Connect to the run of this name. Run-time error with cause and cure. */
int weir_client_open(const char *name, struct weir_client **ret, struct weir_error *err);
void weir_client_close(struct weir_client *c);

/* The process at the other end. */
pid_t weir_client_pid(const struct weir_client *c);

/*
 * Ask: *ret is the answer, a new reference. A run-time error is what the run said, or how it could
 * not be asked: -ECONNRESET where it has ended.
 */
int weir_client_ask(struct weir_client *c, enum weir_control_command command, const char *argument,
    json_t **ret, struct weir_error *err);

/* Wait until the run has ended: 0, or -EINTR where a signal came, or -ETIMEDOUT (timeout_ms >= 0).
 */
int weir_client_wait_end(struct weir_client *c, int timeout_ms);

#endif
