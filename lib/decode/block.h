/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_DECODE_BLOCK_H
#define WEIR_DECODE_BLOCK_H

#include <weir/base/simd.h>
#include <weir/packet/batch.h>

/*
 * 64 rows of a batch, one word of its masks. Rows of the lane are common packets: TCP or UDP over
 * IPv4 or IPv6 without options, with whole headers and no fragments. What the columns need of their
 * headers is taken out of the packets once, as words that lie one beside the other, so that the
 * columns are made many rows at a time. All words are as in memory: the first byte is the lowest.
 */
#define DECODE_BLOCK 64

struct decode_block {
	/* Undefined outside of the lane. */
	_Alignas(64) uint32_t type[DECODE_BLOCK]; /* Ethernet's type, version and length of IPv4 */
	uint32_t len[DECODE_BLOCK];               /* length, identification of IPv4 */
	uint32_t frag[DECODE_BLOCK];              /* fragment of IPv4; TTL; protocol */
	uint32_t src[DECODE_BLOCK];               /* of IPv4 */
	uint32_t dst[DECODE_BLOCK];
	uint32_t ports[DECODE_BLOCK];
	uint32_t l4_4[DECODE_BLOCK];  /* UDP: length, checksum; TCP: sequence */
	uint32_t l4_12[DECODE_BLOCK]; /* TCP: offset, flags, window; UDP: undefined */
	uint8_t is_lane[DECODE_BLOCK];
	uint8_t is_tcp[DECODE_BLOCK];
	uint8_t is_ip6[DECODE_BLOCK]; /* 0 or 1, in the lane */
	uint64_t rows;                /* that the batch has */
	uint64_t lane;
	uint64_t tcp; /* of the lane; the others are UDP */
	uint64_t ip6; /* of the lane; the others are IPv4 */
};

/* The bytes from the start of a packet that the words of IPv4 are taken from. */
#define DECODE_BLOCK_BYTES 50

/* Fill the column of field in the rows of the lane; its null word is right for these. */
typedef void decode_lane_column(
    struct weir_batch *b, const struct decode_block *restrict k, unsigned lo);

/* Per level. Words and layout of the block at row lo; rows outside of the lane have no layout. */
#define decode_block_fill WEIR_SIMD_NAME(decode_block_fill)
void decode_block_fill(struct weir_batch *b, struct decode_block *k, unsigned lo);

/* Per level. Take UDP that may be one of the tunnels (enum weir_tunnel) out of the lane. */
#define decode_block_leave_tunnels WEIR_SIMD_NAME(decode_block_leave_tunnels)
void decode_block_leave_tunnels(struct decode_block *k, uint32_t tunnels);

/* Per level. Take a row into the lane whose layout decode_layout_fast() has found. */
#define decode_block_take WEIR_SIMD_NAME(decode_block_take)
void decode_block_take(struct weir_batch *b, struct decode_block *k, unsigned lo, unsigned i);

/* Per level. By field; NULL where the lane has no own way. */
#define decode_lane_columns WEIR_SIMD_NAME(decode_lane_columns)
extern decode_lane_column *const decode_lane_columns[WEIR_N_FIELDS];

#endif
