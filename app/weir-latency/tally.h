/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_LATENCY_TALLY_H
#define WEIR_LATENCY_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

#include <weir/base/error.h>
#include <weir/measure/sequence.h>
#include <weir/measure/series.h>

#include "schedule.h"

/* What came back in a trial. The receiver's thread writes it. */
struct tally {
	uint32_t first_stream, stream; /* of the run, of the trial */
	struct schedule schedule;
	uint64_t row_first;
	_Atomic uint64_t n_sent; /* sender: wo, receiver: ro */

	struct weir_sequence *sequence;
	struct weir_series *series;
	uint64_t n_received; /* probes, with duplicates */
	uint64_t n_late;     /* of an earlier trial: lost there */
	uint64_t n_other;    /* packets or rows that are no probes of this run */
};

/*
 * Begin to count a trial of n probes whose streams and row_first are set. Its schedule begins
 * lead_ns after all memory is there.
 */
int tally_begin(struct tally *t, double pps, uint64_t n, int64_t lead_ns, struct weir_error *err);
/* Nothing more will come. */
void tally_end(struct tally *t);
void tally_fini(struct tally *t);

/* A probe of this trial has come. */
static inline void
tally_add(struct tally *t, uint64_t number, int64_t sent_ns, int64_t now_ns)
{
	t->n_received++;
	weir_sequence_add(t->sequence, number, now_ns - sent_ns);
	weir_series_add(t->series, now_ns, now_ns - sent_ns);
}

#endif
