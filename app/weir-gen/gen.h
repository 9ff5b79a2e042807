/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_GEN_GEN_H
#define WEIR_GEN_GEN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include <weir/base/error.h>
#include <weir/source/source.h>
#include <weir/transmit/sender.h>

/*
 * write.c: all packets of a generator ("gen:...") to a pcapng file, "-" is standard output.
 * *ret_n: how many. Errors are whole lines without the program's name.
 */
int gen_write(const char *uri, const char *path, unsigned long long *ret_n, struct weir_error *err);

#define GEN_MAX_SENDERS 32u

/* What to send, out of which port, and how. */
struct gen_send {
	struct weir_source_config source;
	const char *port;
	struct weir_rate rate;
	const char *rate_text; /* as typed */
	uint64_t line_bps;     /* 0: ask the driver */
	uint64_t burst;
	int64_t burst_every_ns;
	uint64_t count;
	int64_t for_ns;
	unsigned n_senders;
	bool has_signature;
	bool is_dropping;
	bool is_forced;
	bool has_progress;
	char **eal_args;
	unsigned n_eal_args;
};

/* What came of it. */
struct gen_result {
	uint64_t n_sent;
	uint64_t n_bytes;
	uint64_t n_refused; /* not taken by the port, or not in time */
	uint64_t n_failed;  /* taken by the driver, which then could not send them */
	uint64_t n_cut;     /* packets of the capture that are not whole */
	uint32_t stream;    /* of the signatures */
	int64_t last_ns;
	int64_t first_intended_ns, last_intended_ns;
	struct weir_rate rate; /* no share any more */
	bool is_interrupted;
	char device[160];
	struct weir_histogram lag;
};

/* send.c: send. *ret is filled where 0 is returned, or where it is said to be in the error. */
int gen_send(
    const struct gen_send *g, char *program, struct gen_result *ret, struct weir_error *err);

/* report.c */
void gen_report_text(const struct gen_send *g, const struct gen_result *r, FILE *out);
int gen_report_json(
    const struct gen_send *g, const struct gen_result *r, FILE *out, struct weir_error *err);
/* -EIO where what was asked for could not be sent. */
int gen_report_judge(const struct gen_send *g, const struct gen_result *r, struct weir_error *err);

#endif
