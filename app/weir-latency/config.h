/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_LATENCY_CONFIG_H
#define WEIR_LATENCY_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <weir/base/error.h>
#include <weir/base/option.h>
#include <weir/transmit/rate.h>

#include "frame.h"

#define CONFIG_LOADS 16

/* What the command line asks for. Texts point into argv. */
struct config {
	const char *tx, *rx;    /* rx may be tx */
	const char *rows;       /* NULL: probes come back as packets */
	const char *rows_field; /* the column with a probe's destination */
	const char *floor_tx, *floor_rx;
	bool is_floor_wanted;
	unsigned n_threads; /* 0: as CPUs allow */

	bool has_rate, has_max;
	struct weir_rate rate; /* else loads */
	struct weir_rate max_rate;
	double loads[CONFIG_LOADS]; /* shares, 0: isolated probes */
	unsigned n_loads;
	bool is_ndr;
	double loss_goal; /* a share */
	int64_t trial_ns;

	int64_t for_ns, warmup_ns, drain_ns, wait_ns;
	struct frame_config frame;

	const char *json, *hdr, *plot;
	char **eal_args;
	unsigned n_eal_args;
};

extern const struct weir_program_help config_help;

/*
 * Read the command line. *ret_is_done: a page was printed. Usage errors. What is in *line must
 * outlive *ret.
 */
int config_read(const struct weir_command_line *line, struct config *ret, bool *ret_is_done,
    struct weir_error *err);

#endif
