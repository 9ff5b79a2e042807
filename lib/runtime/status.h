/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_STATUS_H
#define WEIR_RUNTIME_STATUS_H

#include <jansson.h>

#include "delivery.h"
#include "flow.h"
#include "worker.h"

/*
 * How a run is doing: the workers are asked for their counts now and then, and rates are what lies
 * between two answers. Control thread. Private to lib/runtime.
 */

/* Of one worker; of the run: of all of them. */
struct weir_sample_worker {
	uint64_t packets, bytes;
	int64_t busy_ns, pressed_ns, idle_ns;
};

struct weir_sample {
	struct weir_sample_worker *workers; /* [n_workers] */
};

/* Rows come window by window, so their rate is taken over a longer time. */
struct weir_rows_sample {
	int64_t at_ns;
	uint64_t rows[WEIR_QUERIES_MOST];
};

struct weir_status {
	const struct weir_workers *all;
	const struct weir_flow *flow;
	const struct weir_delivery *delivery;
	struct weir_sample samples[2];   /* the last but one, and the last */
	struct weir_rows_sample rows[3]; /* the oldest, a later one, and the last */
	int64_t asked_ns;
	bool is_asked; /* and not all have answered */
};

/* 0 or -ENOMEM. */
int weir_status_init(struct weir_status *s, const struct weir_workers *all,
    const struct weir_flow *flow, const struct weir_delivery *delivery);
void weir_status_fini(struct weir_status *s);
/* Ask, or look whether all have answered. */
void weir_status_poll(struct weir_status *s, int64_t mono_ns);
/* A document; a new reference. */
json_t *weir_status_json(const struct weir_status *s);

#endif
