/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_REQUEST_H
#define WEIR_RUNTIME_REQUEST_H

#include <weir/control/control.h>

#include "flow.h"
#include "status.h"

/*
 * What is asked of a run through its control socket, and queries that come and go while it lasts.
 * Control thread. Private to lib/runtime.
 */

/* Flags of queries that were added: plan and sinks point into them. */
struct weir_added_text {
	char **words;
	struct weir_command command;
	struct weir_added_text *next;
};

struct weir_requests {
	struct weir_workers *all;
	struct weir_flow *flow;
	struct weir_delivery *delivery;
	struct weir_status status;
	struct weir_added_text *added;
	unsigned *n_ended; /* [WEIR_QUERIES_MOST] workers that have done with a removed query */
	bool wants_stop;
	bool is_delivering; /* asked in the midst of a delivery: the plan has to stay as it is */
};

/* 0 or a run-time error. */
int weir_requests_init(struct weir_requests *r, struct weir_workers *all, struct weir_flow *flow,
    struct weir_delivery *delivery, struct weir_error *err);
void weir_requests_fini(struct weir_requests *r);
/* A weir_control_handler; ctx is the requests. */
json_t *weir_requests_answer(
    void *ctx, enum weir_control_command command, const char *argument, struct weir_error *err);
/* A worker has ended a removed query: true when it was the last one. */
bool weir_requests_note_end(struct weir_requests *r, unsigned query);

#endif
