/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_MEASURE_SEQUENCE_PRIVATE_H
#define WEIR_MEASURE_SEQUENCE_PRIVATE_H

#include <weir/measure/sequence.h>

/* Degrees are counted up to this one, which stands for all above. */
#define RECENT WEIR_SEQUENCE_DEPTH

/*
 * A number that came has its delay in its slot. One that did not has the place of the packet that
 * was the first with a larger number: that opened the gap which the number is in.
 */
struct weir_sequence {
	uint64_t next; /* RFC 4737's NextExp: the largest number that came, and one */
	uint64_t first, end;
	uint64_t mask;
	int64_t late_ns;
	uint64_t *bits; /* [(mask + 1) / 64] has the number come? */
	int64_t *slots; /* [mask + 1] */

	uint64_t distinct; /* also the place of the packet that comes */
	uint64_t duplicates;
	uint64_t older;
	uint64_t outside;
	uint64_t late;
	uint64_t reordered;
	uint64_t extent_max;
	uint64_t extent_sum;
	uint64_t recent[RECENT];      /* numbers of the last packets, by place */
	uint64_t degrees[RECENT + 1]; /* reordered packets by how many larger are right before */
	int64_t ipdv_sum_ns;
	uint64_t ipdv_rising;
	uint64_t ipdv_falling;

	struct weir_histogram delay;
	struct weir_histogram ipdv;
};

#endif
