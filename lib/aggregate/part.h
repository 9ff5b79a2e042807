/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_PART_INSIDE_H
#define WEIR_AGGREGATE_PART_INSIDE_H

#include <weir/aggregate/part.h>
#include <weir/base/words.h>

#include "pane.h"

/*
 * A part: its head, and for each shape a section with a column after the other.
 *
 *   | version | flags | print, 4 bytes | window | level, and what the flags say | groups a shape |
 *
 * The print is of the query's types and functions: parts of another one are told apart by it. A
 * section has the key's columns, the groups' own windows where it is a list's, and of each
 * aggregate a column for each word of its states, or one state after the other where they grow.
 */

#define WEIR_PART_VERSION 1

enum {
	WEIR_PART_LIST = 1,
	WEIR_PART_TIMES = 2,  /* least and largest time of its rows */
	WEIR_PART_TOTALS = 4, /* undercount: once a pane and host */
	WEIR_PART_LOST = 8,   /* lost, short */
	WEIR_PART_FLAGS = 15,
};

struct weir_part_head {
	uint8_t flags;
	uint32_t print;
	int64_t start_ns, end_ns;
	int64_t first_ns, last_ns;
	uint64_t level, undercount, lost, n_short;
	uint64_t n_groups[WEIR_N_SHAPES];
};

uint32_t weir_part_print(const struct weir_layout *l);
/* All but the numbers of groups. */
void weir_part_write_head(struct weir_out *out, const struct weir_part_head *h);
bool weir_part_read_head(struct weir_in *in, struct weir_part_head *ret);

static inline bool
weir_part_is_signed(enum weir_store store)
{
	return store == WEIR_I64;
}

/* Bits of the word that a key of this store has. */
static inline uint64_t
weir_part_mask(enum weir_store store)
{
	unsigned size = weir_store_size(store);

	return size < 8 ? (UINT64_C(1) << size * 8) - 1 : UINT64_MAX;
}

#endif
