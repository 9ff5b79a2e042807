/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_TRANSMIT_PACKETS_H
#define WEIR_TRANSMIT_PACKETS_H

#include <weir/transmit/supply.h>

/* Frames in memory, one behind the other. Bytes do not move once they are there. */

struct weir_packets_chunk;

struct weir_packets {
	struct weir_frame *frames; /* [n] */
	uint32_t n;
	uint32_t room;
	uint64_t n_bytes; /* all that is taken */
	struct weir_packets_chunk *chunks;
};

struct weir_packets *weir_packets_create(void);
void weir_packets_destroy(struct weir_packets *p);
/* Append a copy of a frame. 0 or -ENOMEM. */
int weir_packets_add(struct weir_packets *p, const struct weir_frame *f);
/* Append the last n frames once more, so much later; their bytes are shared. 0 or -ENOMEM. */
int weir_packets_repeat(struct weir_packets *p, uint32_t n, int64_t later_ns);

#endif
