/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_ARENA_H
#define WEIR_SOURCE_ARENA_H

#include <stdint.h>

#include <weir/packet/batch.h>

/*
 * Packets in memory, one behind the other in the order of reading, so that a run over them touches
 * memory once and in order. Filled by the control thread, then only read.
 */

struct weir_arena_packet {
	int64_t time_ns;
	uint32_t cap_len; /* bytes behind this head, padded to 8 */
	uint32_t wire_len;
	uint16_t interface;
	uint16_t dlt;
	uint8_t link;
};

struct weir_arena_chunk {
	struct weir_arena_chunk *next;
	uint64_t cap;  /* bytes of the mapping */
	uint64_t used; /* bytes, this head included */
};

struct weir_arena {
	struct weir_arena_chunk *first;
	struct weir_arena_chunk *last;
	uint64_t n_packets;
};

/* Where a run over the arena is. Zero: at its start. */
struct weir_arena_cursor {
	const struct weir_arena_chunk *chunk;
	uint64_t at;        /* bytes into the chunk; 0: before its first packet */
	uint64_t n_packets; /* that were handed out */
};

struct weir_arena *weir_arena_create(void);
void weir_arena_destroy(struct weir_arena *a);
/* Append the packets of a burst. Returns 0 or -ENOMEM. */
int weir_arena_add(struct weir_arena *a, const struct weir_batch *b);

/* Hot. The next packets, at most max, as views in place; n is 0 at the end. */
void weir_arena_fill(
    const struct weir_arena *a, struct weir_arena_cursor *c, struct weir_batch *b, uint32_t max);

static inline uint64_t
weir_arena_bytes(uint32_t cap_len)
{
	return sizeof(struct weir_arena_packet) + (((uint64_t)cap_len + 7) & ~UINT64_C(7));
}

#endif
