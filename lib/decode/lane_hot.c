/* SPDX-License-Identifier: BSD-3-Clause */
#include "block.h"
#include "load.h"
#include "number.h"

#include <weir/base/poison.h> /* last */

/* Columns of the rows of the lane, from the block's words. */

/* Bytes 0 and 1, or 2 and 3, of a word as a number. */
#define FIRST_U16(w)  (((w)&0xff) << 8 | ((w) >> 8 & 0xff))
#define SECOND_U16(w) (((w) >> 8 & 0xff00) | (w) >> 24)

/* A column of ctype that the rows of mask have; k is the block and i the row in it. */
#define LANE(id, ctype, mask, value)                                                               \
	static void lane_##id(                                                                     \
	    struct weir_batch *b, const struct decode_block *restrict k, unsigned lo)              \
	{                                                                                          \
		ctype *restrict out = (ctype *)b->col[WEIR_FIELD_##id].data + lo;                  \
                                                                                                   \
		for (unsigned i = 0; i < DECODE_BLOCK; i++)                                        \
			out[i] = (ctype)(value);                                                   \
		b->col[WEIR_FIELD_##id].null[lo / 64] = k->rows & ~(mask);                         \
	}

/* A column whose data is the layout's array. */
#define LANE_VIEW(id)                                                                              \
	static void lane_##id(                                                                     \
	    struct weir_batch *b, const struct decode_block *restrict k, unsigned lo)              \
	{                                                                                          \
		b->col[WEIR_FIELD_##id].null[lo / 64] = k->rows & ~k->lane;                        \
	}

#define LANE_FLAG(id, bit) LANE(id, uint8_t, k->tcp, k->l4_12[i] >> (8 + (bit)) & 1)

/* clang-format off */
LANE_VIEW(IP_PROTO)
LANE_VIEW(IP_LEN)
LANE(IP_TTL,      uint8_t,  k->lane, k->frag[i] >> 16)
LANE(SRCPORT,     uint16_t, k->lane, FIRST_U16(k->ports[i]))
LANE(DSTPORT,     uint16_t, k->lane, SECOND_U16(k->ports[i]))
LANE(TCP_SRCPORT, uint16_t, k->tcp,  FIRST_U16(k->ports[i]))
LANE(TCP_DSTPORT, uint16_t, k->tcp,  SECOND_U16(k->ports[i]))
LANE(TCP_SEQ,     uint32_t, k->tcp,  __builtin_bswap32(k->l4_4[i]))
LANE(TCP_FLAGS,   uint16_t, k->tcp,  (k->l4_12[i] & 15) << 8 | (k->l4_12[i] >> 8 & 0xff))
LANE(TCP_WINDOW,  uint16_t, k->tcp,  SECOND_U16(k->l4_12[i]))
LANE_FLAG(TCP_FLAG_FIN,   0)
LANE_FLAG(TCP_FLAG_SYN,   1)
LANE_FLAG(TCP_FLAG_RESET, 2)
LANE_FLAG(TCP_FLAG_PUSH,  3)
LANE_FLAG(TCP_FLAG_ACK,   4)
LANE_FLAG(TCP_FLAG_URG,   5)
LANE_FLAG(TCP_FLAG_ECE,   6)
LANE_FLAG(TCP_FLAG_CWR,   7)
LANE(UDP_SRCPORT, uint16_t, k->lane & ~k->tcp, FIRST_U16(k->ports[i]))
LANE(UDP_DSTPORT, uint16_t, k->lane & ~k->tcp, SECOND_U16(k->ports[i]))
LANE(UDP_LENGTH,  uint16_t, k->lane & ~k->tcp, FIRST_U16(k->l4_4[i]))
/* clang-format on */

static void
versions(uint8_t *restrict version, const struct decode_block *restrict k)
{
	for (unsigned i = 0; i < DECODE_BLOCK; i++)
		version[i] = (uint8_t)(4 + 2 * k->is_ip6[i]);
}

static void
lane_IP_VERSION(struct weir_batch *b, const struct decode_block *restrict k, unsigned lo)
{
	versions((uint8_t *)b->col[WEIR_FIELD_IP_VERSION].data + lo, k);
	b->col[WEIR_FIELD_IP_VERSION].null[lo / 64] = k->rows & ~k->lane;
}

/* IPv4 addresses from words, those of IPv6 from off6 in the packet. */
static inline void
addresses(struct weir_batch *b, const struct decode_block *restrict k, unsigned lo,
    enum weir_field_id field, const uint32_t *restrict word, unsigned off6)
{
	struct weir_column *c = &b->col[field];
	uint64_t *restrict out = (uint64_t *)((struct weir_addr *)c->data + lo);

	for (unsigned i = 0; i < DECODE_BLOCK; i++) {
		out[2 * i] = 0;
		out[2 * i + 1] = __builtin_bswap32(word[i]);
	}
	for (uint64_t m = k->ip6; m; m &= m - 1) {
		unsigned i = (unsigned)__builtin_ctzll(m);
		const uint8_t *p = b->data[lo + i] + b->l3_off[lo + i] + off6;

		out[2 * i] = load_u64(p);
		out[2 * i + 1] = load_u64(p + 8);
	}
	versions(c->version + lo, k);
	c->null[lo / 64] = k->rows & ~k->lane;
}

static void
lane_IP_SRC(struct weir_batch *b, const struct decode_block *restrict k, unsigned lo)
{
	addresses(b, k, lo, WEIR_FIELD_IP_SRC, k->src, 8);
}

static void
lane_IP_DST(struct weir_batch *b, const struct decode_block *restrict k, unsigned lo)
{
	addresses(b, k, lo, WEIR_FIELD_IP_DST, k->dst, 24);
}

#define ENTRY(id) [WEIR_FIELD_##id] = lane_##id

decode_lane_column *const decode_lane_columns[WEIR_N_FIELDS] = {
	ENTRY(IP_VERSION),
	ENTRY(IP_SRC),
	ENTRY(IP_DST),
	ENTRY(IP_PROTO),
	ENTRY(IP_LEN),
	ENTRY(IP_TTL),
	ENTRY(SRCPORT),
	ENTRY(DSTPORT),
	ENTRY(TCP_SRCPORT),
	ENTRY(TCP_DSTPORT),
	ENTRY(TCP_SEQ),
	ENTRY(TCP_FLAGS),
	ENTRY(TCP_WINDOW),
	ENTRY(TCP_FLAG_FIN),
	ENTRY(TCP_FLAG_SYN),
	ENTRY(TCP_FLAG_RESET),
	ENTRY(TCP_FLAG_PUSH),
	ENTRY(TCP_FLAG_ACK),
	ENTRY(TCP_FLAG_URG),
	ENTRY(TCP_FLAG_ECE),
	ENTRY(TCP_FLAG_CWR),
	ENTRY(UDP_SRCPORT),
	ENTRY(UDP_DSTPORT),
	ENTRY(UDP_LENGTH),
};
