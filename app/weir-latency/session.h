/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_LATENCY_SESSION_H
#define WEIR_LATENCY_SESSION_H

#include <stdatomic.h>

#include <weir/base/error.h>
#include <weir/measure/search.h>
#include <weir/port/port.h>

#include "config.h"
#include "floor.h"
#include "trial.h"

/* One measurement at one rate, over the device or over the instrument's own loopback. */
struct outcome {
	char name[48]; /* "load 50 %", "rate 10k/s"; of the floor "floor of ..." */
	double share;  /* of the no-drop rate; -1 where it is none */
	double pps;    /* asked for */
	bool is_floor;
	uint64_t n_warmup; /* probes before it */
	struct trial_sent sent;
	struct tally tally;
};

/* What --ndr found. */
struct ndr {
	double pps;      /* or what --max-rate says in its place; 0: not known */
	double most_pps; /* that was to be tried */
	struct weir_search_found found;
	double limit_pps;       /* the lowest rate that was too much, 0: none was */
	bool is_sender_limited; /* at that rate the sender fell behind, not the device */
};

struct session {
	const struct config *config;
	const atomic_bool *stop;
	unsigned n_threads;
	unsigned n_cpus;
	struct floor_path floor;
	struct weir_port *tx, *rx, *floor_tx, *floor_rx;
	struct path path, floor_way;
	struct ndr ndr;
	struct trial_sent scratch; /* of trials that are only looked at */
	struct outcome *outcomes[2 * CONFIG_LOADS];
	unsigned n_outcomes;
	uint32_t first_stream, n_streams;
	uint64_t n_rows;             /* probes with a row so far */
	uint64_t n_sent, n_received; /* through the device, in all trials */
	bool is_interrupted;
	bool is_watched; /* standard error is a terminal */
};

/* Open all that is measured. EAL has been started. */
int session_open(
    const struct config *c, const atomic_bool *stop, struct session **ret, struct weir_error *err);
/* Measure. */
int session_run(struct session *s, struct weir_error *err);
void session_close(struct session *s);

/* A line on standard error for who waits at a terminal. */
void session_say(const struct session *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* ndr.c: find the no-drop rate. */
int session_find_ndr(struct session *s, struct weir_error *err);
/* One trial through the device (or the loopback), with streams and rows of its own. */
int session_trial(struct session *s, bool is_floor, double pps, int64_t for_ns, struct tally *t,
    struct trial_sent *sent, struct weir_error *err);

#endif
