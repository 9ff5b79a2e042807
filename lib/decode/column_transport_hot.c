/* SPDX-License-Identifier: BSD-3-Clause */
#include "payload.h"

#include <weir/base/poison.h> /* last */

/* Fields of the transport header, and the payload behind it. */

#define L4_BYTES(id, ctype, layer, off, need, value)                                               \
	COLUMN_BYTES(id, ctype, layer, ip_limit(b, r), b->l4_off[r] + (off), need, value)

/* A data offset that is captured and below the header's own length: nothing behind it is read. */
static inline bool
has_bad_offset(const struct weir_batch *b, unsigned r)
{
	return b->l4_off[r] + UINT32_C(13) <= ip_limit(b, r) &&
	       b->data[r][b->l4_off[r] + 12] >> 4 < 5;
}

/* Behind the sequence number. */
#define TCP_BYTES(id, ctype, off, need, value)                                                     \
	static inline ctype get_##id(const uint8_t *p)                                             \
	{                                                                                          \
		return (ctype)(value);                                                             \
	}                                                                                          \
                                                                                                   \
	COLUMN(id, ctype,                                                                          \
	    has_layer(b, r, WEIR_LAYER_TCP) &&                                                     \
		b->l4_off[r] + UINT32_C(off) + (need) <= ip_limit(b, r) && !has_bad_offset(b, r),  \
	    get_##id(b->data[r] + b->l4_off[r] + (off)))

static inline bool
has_ports(const struct weir_batch *b, unsigned r)
{
	return has_layer(b, r, WEIR_LAYER_PORTS) && b->l4_off[r] + UINT32_C(4) <= ip_limit(b, r);
}

/* clang-format off */
/* Of every packet with an IP header: 0, not null, where there is no port. */
COLUMN(SRCPORT, uint16_t, has_layer(b, r, WEIR_LAYER_IP),
    has_ports(b, r) ? load_u16(b->data[r] + b->l4_off[r]) : 0)
COLUMN(DSTPORT, uint16_t, has_layer(b, r, WEIR_LAYER_IP),
    has_ports(b, r) ? load_u16(b->data[r] + b->l4_off[r] + 2) : 0)

L4_BYTES(TCP_SRCPORT,    uint16_t, WEIR_LAYER_TCP,  0, 2, load_u16(p))
L4_BYTES(TCP_DSTPORT,    uint16_t, WEIR_LAYER_TCP,  2, 2, load_u16(p))
L4_BYTES(TCP_SEQ,        uint32_t, WEIR_LAYER_TCP,  4, 4, load_u32(p))
TCP_BYTES(TCP_ACK,        uint32_t, 8, 4, load_u32(p))
TCP_BYTES(TCP_FLAGS,      uint16_t, 12, 2, load_u16(p) & 0xfff)
TCP_BYTES(TCP_FLAG_FIN,   uint8_t,  13, 1, load_u8(p) & 1)
TCP_BYTES(TCP_FLAG_SYN,   uint8_t,  13, 1, load_u8(p) >> 1 & 1)
TCP_BYTES(TCP_FLAG_RESET, uint8_t,  13, 1, load_u8(p) >> 2 & 1)
TCP_BYTES(TCP_FLAG_PUSH,  uint8_t,  13, 1, load_u8(p) >> 3 & 1)
TCP_BYTES(TCP_FLAG_ACK,   uint8_t,  13, 1, load_u8(p) >> 4 & 1)
TCP_BYTES(TCP_FLAG_URG,   uint8_t,  13, 1, load_u8(p) >> 5 & 1)
TCP_BYTES(TCP_FLAG_ECE,   uint8_t,  13, 1, load_u8(p) >> 6 & 1)
TCP_BYTES(TCP_FLAG_CWR,   uint8_t,  13, 1, load_u8(p) >> 7)
TCP_BYTES(TCP_WINDOW,     uint16_t, 14, 2, load_u16(p))

L4_BYTES(UDP_SRCPORT,    uint16_t, WEIR_LAYER_UDP,  0, 2, load_u16(p))
L4_BYTES(UDP_DSTPORT,    uint16_t, WEIR_LAYER_UDP,  2, 2, load_u16(p))
L4_BYTES(UDP_LENGTH,     uint16_t, WEIR_LAYER_UDP,  4, 2, load_u16(p))

L4_BYTES(SCTP_SRCPORT,    uint16_t, WEIR_LAYER_SCTP,  0, 2, load_u16(p))
L4_BYTES(SCTP_DSTPORT,    uint16_t, WEIR_LAYER_SCTP,  2, 2, load_u16(p))
L4_BYTES(SCTP_TAG,        uint32_t, WEIR_LAYER_SCTP,  4, 4, load_u32(p))
L4_BYTES(SCTP_CHECKSUM,   uint32_t, WEIR_LAYER_SCTP,  8, 4, load_u32(p))
L4_BYTES(SCTP_CHUNK_TYPE, uint8_t,  WEIR_LAYER_SCTP, 12, 1, load_u8(p))

L4_BYTES(ICMP_TYPE, uint8_t, WEIR_LAYER_ICMP, 0, 1, load_u8(p))
L4_BYTES(ICMP_CODE, uint8_t, WEIR_LAYER_ICMP, 1, 1, load_u8(p))
/* clang-format on */

/*
 * The data offset is captured, possible, and inside the IP packet. A first fragment does not tell
 * the segment's length.
 */
static inline bool
has_tcp_len(const struct weir_batch *b, unsigned r)
{
	return has_layer(b, r, WEIR_LAYER_TCP) && !has_layer(b, r, WEIR_LAYER_FRAG) &&
	       b->l4_off[r] + UINT32_C(13) <= ip_limit(b, r) && !has_bad_offset(b, r) &&
	       payload_off(b, r) <= b->l4_end[r];
}

COLUMN(TCP_LEN, uint32_t, has_tcp_len(b, r), b->l4_end[r] - payload_off(b, r))
/* Of a record of text, all of it is payload. */
COLUMN(PAYLOAD_LEN, uint32_t, has_layer(b, r, WEIR_LAYER_PAYLOAD | WEIR_LAYER_TEXT),
    has_layer(b, r, WEIR_LAYER_TEXT) ? b->wire_len[r] : payload_end(b, r) - payload_off(b, r))

void
DECODE_COLUMN(PAYLOAD)(struct weir_batch *b, unsigned lo, uint64_t rows)
{
	struct weir_bytes *out = b->col[WEIR_FIELD_PAYLOAD].data;
	uint64_t null = b->col[WEIR_FIELD_PAYLOAD].null[lo / 64] & ~rows;

	for (uint64_t m = rows; m; m &= m - 1) {
		unsigned r = lo + (unsigned)__builtin_ctzll(m);
		bool is_text = has_layer(b, r, WEIR_LAYER_TEXT);
		bool is_there = is_text || has_layer(b, r, WEIR_LAYER_PAYLOAD);

		out[r] = (struct weir_bytes){ 0 };
		if (is_text) {
			out[r].p = b->data[r];
			out[r].len = b->cap_len[r];
		} else if (is_there) {
			out[r].p = b->data[r] + payload_off(b, r);
			out[r].len = payload_captured(b, r);
		}
		null |= (uint64_t)!is_there << (r - lo);
	}
	b->col[WEIR_FIELD_PAYLOAD].null[lo / 64] = null;
}
