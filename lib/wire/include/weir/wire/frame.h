/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_WIRE_FRAME_H
#define WEIR_WIRE_FRAME_H

#include <assert.h>
#include <rte_byteorder.h>
#include <stdint.h>

/*
 * A frame is one UDP datagram between nodes: this header in clear, a payload, and where the frame
 * is sealed a tag. The header is authenticated, and says what is needed to find the key.
 */

#define WEIR_FRAME_MAGIC   0x5745 /* "WE" */
#define WEIR_FRAME_VERSION 1
#define WEIR_TAG_BYTES     16u /* of a sealed frame, behind the payload */

enum weir_frame_flag {
	WEIR_FRAME_SEALED = 1 << 0,
	WEIR_FRAME_COMPRESSED = 1 << 1,
	WEIR_FRAME_ANYONE = 1 << 2, /* sealed for whoever gets it, not for one receiver */
};

/* All in network order; may lie at any address. */
struct weir_frame_head {
	rte_be16_t magic;
	uint8_t version;
	uint8_t type;
	rte_be16_t flags;       /* enum weir_frame_flag */
	rte_be16_t queue;       /* receive queue of the receiver */
	rte_be64_t incarnation; /* of the sender */
	rte_be64_t epoch;       /* of the map by which it was sent */
	rte_be64_t number;      /* of the packet; never repeated in an incarnation */
} __attribute__((packed));

#define WEIR_FRAME_HEAD_BYTES 32u
static_assert(sizeof(struct weir_frame_head) == WEIR_FRAME_HEAD_BYTES, "as on the wire");

#endif
