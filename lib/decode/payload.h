/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_DECODE_PAYLOAD_H
#define WEIR_DECODE_PAYLOAD_H

#include "column_loop.h"
#include "number.h"

/* Where the payload of a row with WEIR_LAYER_PAYLOAD lies. */

/* First byte behind the TCP or UDP header; the byte at 12 of a TCP header must be there. */
static inline uint32_t
payload_off(const struct weir_batch *b, unsigned r)
{
	if (has_layer(b, r, WEIR_LAYER_TCP))
		return b->l4_off[r] + (uint32_t)(b->data[r][b->l4_off[r] + 12] >> 4) * 4;
	return b->l4_off[r] + UDP_LEN;
}

/*
 * First byte past the payload by the headers' lengths: the UDP length may end before the IP packet
 * does. UDP-Lite's field is not a length, and 0 stands for a jumbogram's.
 */
static inline uint32_t
payload_end(const struct weir_batch *b, unsigned r)
{
	uint32_t len;

	if (has_layer(b, r, WEIR_LAYER_TCP) || b->ip_proto[r] != PROTO_UDP)
		return b->l4_end[r];
	len = load_u16(b->data[r] + b->l4_off[r] + 4);
	return len >= UDP_LEN && len < b->l4_end[r] - b->l4_off[r] ? b->l4_off[r] + len
								   : b->l4_end[r];
}

static inline uint32_t
payload_captured(const struct weir_batch *b, unsigned r)
{
	uint32_t end = payload_end(b, r);

	return (end < b->cap_len[r] ? end : b->cap_len[r]) - payload_off(b, r);
}

#endif
