/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_CONTROL_QUEUE_H
#define WEIR_CONTROL_QUEUE_H

#include <weir/control/control.h>

/*
 * Requests on their way from telemetry's threads to the control thread. A process has one queue, as
 * it has one telemetry.
 */

/* Ask, and wait for the answer: {"result": ...} or {"error": text, "fail": 1 or 2}. Any thread. */
json_t *weir_queue_ask(enum weir_control_command command, const char *argument);

/* Control thread. */
void weir_queue_open(void);
void weir_queue_close(void); /* those who wait are told that the run has ended */
void weir_queue_answer(weir_control_handler handler, void *ctx);

/* Register the commands with telemetry, once. 0 or a negative errno. */
int weir_telemetry_register(void);

#endif
