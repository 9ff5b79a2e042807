/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_PROGRESS_H
#define WEIR_RUNTIME_PROGRESS_H

#include "worker.h"

/* One line on a terminal, rewritten twice a second: share done, rate, time left. Control thread. */
struct weir_progress {
	const struct weir_run_config *config;
	int64_t begin_ns;
	int64_t last_ns;
	uint64_t last_packets;
	uint64_t last_bytes;
	bool is_shown; /* a line stands on the terminal */
};

void weir_progress_begin(struct weir_progress *p, const struct weir_run_config *config);
void weir_progress_show(struct weir_progress *p, const struct weir_workers *all);
/* Wipe the line, so that others may write; the next show puts it back. */
void weir_progress_wipe(struct weir_progress *p);

#endif
