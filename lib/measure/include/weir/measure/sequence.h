/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_MEASURE_SEQUENCE_H
#define WEIR_MEASURE_SEQUENCE_H

#include <stdint.h>

#include <weir/sketch/histogram.h>

/*
 * What the sequence numbers and delays of a stream's received probes say of the way they came:
 * loss, duplicates, reordering by RFC 4737, delay and its variation by RFC 5481.
 *
 * Memory is bounded: the last 2^log2_window numbers are known one by one (8 bytes and a bit each).
 * A probe that comes when its number has left that window can be the first or a copy. It is counted
 * as older, and is neither lost nor a duplicate nor reordered; its delay counts.
 *
 * One owner at a time.
 */

#define WEIR_SEQUENCE_LOG2_WINDOW 20 /* a million numbers: 8 MB */
#define WEIR_SEQUENCE_DEPTH       16 /* degrees of n-reordering that are told apart */

struct weir_sequence_config {
	unsigned log2_window; /* 6 to 30; 0: WEIR_SEQUENCE_LOG2_WINDOW */
	uint64_t first;       /* number of the first probe that counts */
	uint64_t end;         /* first number that is never sent; 0: there is none */
	int64_t late_ns;      /* a larger delay is late; 0: none is */
};

/* Packets are probes of the stream with a number from first to end. */
struct weir_sequence_counts {
	uint64_t sent;       /* as told */
	uint64_t received;   /* packets: distinct + duplicates + older */
	uint64_t distinct;   /* numbers received, of those in the window */
	uint64_t duplicates; /* packets whose number had come before */
	uint64_t older;      /* packets that came when their number had left the window */
	uint64_t lost;       /* sent - distinct - older; 0 where that is negative */
	uint64_t outside;    /* packets with other numbers; nowhere else */
	uint64_t late;       /* of distinct and older: delay larger than late_ns */

	/* RFC 4737 3, 4.1, 4.2: a packet is reordered where a larger number came before it. Its
	 * extent is how many packets before it the first of those came. Duplicates do not count as
	 * packets. */
	uint64_t reordered;
	double reordered_ratio; /* of distinct; 0 where there are none */
	uint64_t extent_max;
	double extent_mean; /* of those reordered; 0 where there are none */
	/* RFC 4737 5: packets that are n-reordered: larger numbers in at least the n places
	 * before. [2] is those that are 3-reordered, for which a TCP sends again what was not lost.
	 */
	uint64_t n_reordered[WEIR_SEQUENCE_DEPTH];

	/* RFC 5481 4.1 (RFC 3393): delay of a number less that of the number before, where both
	 * came. */
	uint64_t ipdv_pairs;
	double ipdv_mean_ns;
	uint64_t ipdv_rising;  /* pairs above 0 */
	uint64_t ipdv_falling; /* pairs below 0 */
};

struct weir_sequence;

/* Cold. 0, -EINVAL (log2_window, or end not behind first) or -ENOMEM. All memory is touched here.
 */
int weir_sequence_create(const struct weir_sequence_config *c, struct weir_sequence **ret);
void weir_sequence_destroy(struct weir_sequence *s);

/* Hot, owner. A probe came, in the order of arrival; delay_ns is from when it was meant to be sent
 * to when it was received. */
void weir_sequence_add(struct weir_sequence *s, uint64_t number, int64_t delay_ns);

/* Cold, owner. What there is so far, if so many numbers from first on were sent. */
void weir_sequence_get(
    const struct weir_sequence *s, uint64_t sent, struct weir_sequence_counts *ret);
/* Delays of all packets but duplicates. */
const struct weir_histogram *weir_sequence_delay(const struct weir_sequence *s);
/* IPDV without its sign. */
const struct weir_histogram *weir_sequence_ipdv(const struct weir_sequence *s);

/* Cold, any thread. Quantile of PDV (RFC 5481 4.2: delay less the least delay) in ns, from delays;
 * 0 where there are none. Off by what the delay's is: at most 1/128 of the delay too large. */
int64_t weir_sequence_pdv(const struct weir_histogram *delay, double q);

#endif
