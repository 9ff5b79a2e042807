/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_RUN_H
#define WEIR_RUNTIME_RUN_H

#include <stdatomic.h>
#include <stdbool.h>

#include <weir/query/plan.h>
#include <weir/runtime/ledger.h>
#include <weir/runtime/placement.h>
#include <weir/source/source.h>

struct weir_control_socket;

/* One run: a worker polls the sources, the control thread (the caller) delivers the results. */
struct weir_run_config {
	struct weir_plan *plan; /* queries are added and removed while it runs */
	const struct weir_placement *placement;
	struct weir_source **sources;
	unsigned n_sources;
	bool is_eal_running;                /* the worker registers with EAL */
	bool has_progress;                  /* to standard error */
	struct weir_control_socket *socket; /* to be asked through, or NULL */
	const atomic_bool *stop;            /* set by a signal: drain, flush and end */
	/*
	 * NULL, or called when sources and sinks are open and no worker runs yet; what it fails
	 * with ends the run.
	 */
	int (*before_work)(const struct weir_run_config *config, struct weir_error *err);
};

/*
 * Runs until the sources end, a bound is reached or *stop is set. Fills the ledger in any case
 * where it has begun. Returns 0, or the first run-time error (a sink that cannot be written, a
 * source that broke); what was read before it is delivered all the same.
 */
int weir_run(
    const struct weir_run_config *config, struct weir_ledger *ret_ledger, struct weir_error *err);

#endif
