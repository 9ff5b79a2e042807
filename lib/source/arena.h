/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_ARENA_H
#define WEIR_SOURCE_ARENA_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/packet/batch.h>

/*
 * Packets in memory, in the order of reading. What a batch holds of a packet lies in columns, so
 * that a burst is copied column by column; the bytes lie one packet behind the other and are used
 * in place. Filled by the control thread, then only read.
 */

#define WEIR_ARENA_LEAF  4096u /* packets in one set of columns */
#define WEIR_ARENA_ALIGN 8u    /* bytes; offsets count in these */
/* Rows are copied so many at a time: columns have room for as many behind their end. */
#define WEIR_ARENA_STEP 16u

struct weir_arena_chunk {
	struct weir_arena_chunk *next;
	uint64_t cap;  /* bytes of the mapping */
	uint64_t used; /* bytes, this head included */
};

struct weir_arena_leaf {
	struct weir_arena_leaf *next;
	const struct weir_arena_chunk *chunk; /* that holds its bytes */
	uint32_t n;
	bool is_uniform; /* interface, dlt and link are those of the first packet throughout */
	int64_t time_ns[WEIR_ARENA_LEAF + WEIR_ARENA_STEP];
	uint32_t offset[WEIR_ARENA_LEAF + WEIR_ARENA_STEP]; /* from the chunk */
	uint32_t cap_len[WEIR_ARENA_LEAF + WEIR_ARENA_STEP];
	uint32_t wire_len[WEIR_ARENA_LEAF + WEIR_ARENA_STEP];
	uint16_t interface[WEIR_ARENA_LEAF + WEIR_ARENA_STEP];
	uint16_t dlt[WEIR_ARENA_LEAF + WEIR_ARENA_STEP];
	uint8_t link[WEIR_ARENA_LEAF + WEIR_ARENA_STEP];
};

struct weir_arena {
	struct weir_arena_chunk *chunks; /* of bytes, the newest first */
	struct weir_arena_chunk *leaves; /* of leaves, the same */
	struct weir_arena_leaf *first;
	struct weir_arena_leaf *last;
	uint64_t n_packets;
	uint64_t n_timed; /* of them with a time */
	int64_t min_ns;   /* of these */
	int64_t max_ns;
};

/* Where a run over the arena is. Zero: at its start. */
struct weir_arena_cursor {
	const struct weir_arena_leaf *leaf;
	uint32_t at; /* in the leaf */
	bool is_begun;
	uint64_t n_packets; /* that were handed out */
};

struct weir_arena *weir_arena_create(void);
void weir_arena_destroy(struct weir_arena *a);
/* Append the packets of a burst. Returns 0 or -ENOMEM. */
int weir_arena_add(struct weir_arena *a, const struct weir_batch *b);

/* Hot. The next packets, at most max and of one leaf, as views in place; n is 0 at the end. */
void weir_arena_fill(
    const struct weir_arena *a, struct weir_arena_cursor *c, struct weir_batch *b, uint32_t max);

#endif
