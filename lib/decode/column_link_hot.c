/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/base/time.h>

#include "column_loop.h"
#include "number.h"

#include <weir/base/poison.h> /* last */

/* Fields of the frame itself and of the link layer, and the protocol words. */

/* clang-format off */
COLUMN_VIEW(FRAME_TIME,       b->time_ns[r] != WEIR_TIME_NONE)
COLUMN_VIEW(FRAME_TIME_EPOCH, b->time_ns[r] != WEIR_TIME_NONE)
COLUMN_VIEW_ALL(FRAME_LEN)
COLUMN_VIEW_ALL(FRAME_CAP_LEN)
COLUMN_VIEW_ALL(FRAME_INTERFACE)
COLUMN(FRAME_NUMBER,     int64_t,  true, b->first_number + (int64_t)r)
COLUMN(QUEUE_DEPTH,      uint32_t, b->queue_depth >= 0, b->queue_depth)

#define LINK_BYTES(id, ctype, layer, off, need, value)                                             \
	COLUMN_BYTES(id, ctype, layer, b->cap_len[r], off, need, value)

LINK_BYTES(ETH_DST,       int64_t,  WEIR_LAYER_ETH,  b->l2_off[r],     6, load_u48(p))
LINK_BYTES(ETH_SRC,       int64_t,  WEIR_LAYER_ETH,  b->l2_off[r] + 6, 6, load_u48(p))
LINK_BYTES(VLAN_ID,       uint16_t, WEIR_LAYER_VLAN, b->vlan_off[r],   2, load_u16(p) & 0xfff)
LINK_BYTES(VLAN_PRIORITY, uint8_t,  WEIR_LAYER_VLAN, b->vlan_off[r],   2, load_u8(p) >> 5)
LINK_BYTES(MPLS_LABEL,    uint32_t, WEIR_LAYER_MPLS, b->mpls_off[r],   4, load_u32(p) >> 12)
LINK_BYTES(ARP_OPCODE,    uint16_t, WEIR_LAYER_ARP,  b->l3_off[r] + 6, 2, load_u16(p))

/* Null for the length of an 802.3 frame, and for the numbers that are neither length nor type. */
static inline bool
has_ethertype(const struct weir_batch *b, unsigned r)
{
	uint32_t off = b->l2_off[r] + UINT32_C(12);
	uint16_t type;

	if (!has_layer(b, r, WEIR_LAYER_ETH) || off + 2 > b->cap_len[r])
		return false;
	type = load_u16(b->data[r] + off);
	return type >= ETHERTYPE_MIN || type == 0;
}

COLUMN(ETH_TYPE, uint16_t, has_ethertype(b, r), load_u16(b->data[r] + b->l2_off[r] + 12))

#define WORD(id, layer) COLUMN_ALL(id, uint8_t, uint32_t, b->layers, (x[i] & (layer)) != 0)

WORD(IS_ETH,  WEIR_LAYER_ETH)
WORD(IS_VLAN, WEIR_LAYER_VLAN)
WORD(IS_ARP,  WEIR_LAYER_ARP)
WORD(IS_IP,   WEIR_LAYER_IP4)
WORD(IS_IPV6, WEIR_LAYER_IP6)
WORD(IS_ICMP, WEIR_LAYER_ICMP)
WORD(IS_TCP,  WEIR_LAYER_TCP)
WORD(IS_UDP,  WEIR_LAYER_UDP)
WORD(IS_SCTP, WEIR_LAYER_SCTP)
/* clang-format on */
