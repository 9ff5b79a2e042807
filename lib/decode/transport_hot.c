/* SPDX-License-Identifier: BSD-3-Clause */
#include "number.h"
#include "walk.h"

#include <weir/base/poison.h> /* last */

/*
 * The transport header of a packet that is no later fragment. Bytes count as there when they are
 * captured and inside the IP packet by its length.
 */

static unsigned
tcp(const uint8_t *p, uint32_t avail, struct layout *l)
{
	uint32_t header_len;

	if (avail < PORTS_LEN)
		return WEIR_DECODE_L4_TRUNCATED;
	l->layers |= WEIR_LAYER_TCP | WEIR_LAYER_PORTS;
	if (avail < TCP_LEN)
		return WEIR_DECODE_L4_TRUNCATED;
	header_len = (uint32_t)(p[12] >> 4) * 4;
	if (header_len < TCP_LEN)
		return WEIR_DECODE_L4_HEADER;
	if (avail < header_len)
		return WEIR_DECODE_L4_TRUNCATED;
	l->layers |= WEIR_LAYER_PAYLOAD;
	return DECODE_OK;
}

/* A length of 0 is right in a jumbogram only (RFC 2675, section 4). */
static unsigned
udp(const uint8_t *p, uint32_t avail, struct layout *l)
{
	uint16_t len;

	if (avail < PORTS_LEN)
		return WEIR_DECODE_L4_TRUNCATED;
	l->layers |= WEIR_LAYER_UDP | WEIR_LAYER_PORTS;
	if (avail < UDP_LEN)
		return WEIR_DECODE_L4_TRUNCATED;
	len = load_u16(p + 4);
	if (l->ip_proto == PROTO_UDP && len < UDP_LEN &&
	    !(len == 0 && l->l4_end - l->l4_off > 0xffff))
		return WEIR_DECODE_L4_HEADER;
	l->layers |= WEIR_LAYER_PAYLOAD;
	return DECODE_OK;
}

static unsigned
sctp(uint32_t avail, struct layout *l)
{
	if (avail < SCTP_LEN)
		return WEIR_DECODE_L4_TRUNCATED;
	l->layers |= WEIR_LAYER_SCTP | WEIR_LAYER_PORTS;
	return DECODE_OK;
}

static unsigned
dccp(uint32_t avail, struct layout *l)
{
	if (avail < PORTS_LEN)
		return WEIR_DECODE_L4_TRUNCATED;
	l->layers |= WEIR_LAYER_DCCP | WEIR_LAYER_PORTS;
	return avail < DCCP_LEN ? WEIR_DECODE_L4_TRUNCATED : DECODE_OK;
}

static unsigned
icmp(uint32_t avail, struct layout *l)
{
	if (avail < 1)
		return WEIR_DECODE_L4_TRUNCATED;
	l->layers |= WEIR_LAYER_ICMP;
	return avail < ICMP_LEN ? WEIR_DECODE_L4_TRUNCATED : DECODE_OK;
}

unsigned
decode_transport(struct walk *w, struct layout *l)
{
	uint32_t limit = w->cap < l->l4_end ? w->cap : l->l4_end;
	uint32_t avail = limit > w->off ? limit - w->off : 0;
	unsigned reason;

	w->is_carrying = true;
	l->l4_off = (uint16_t)w->off;
	switch (l->ip_proto) {
	case PROTO_TCP:
		reason = tcp(walk_at(w), avail, l);
		break;
	case PROTO_UDP:
	case PROTO_UDPLITE:
		reason = udp(walk_at(w), avail, l);
		break;
	case PROTO_SCTP:
		reason = sctp(avail, l);
		break;
	case PROTO_DCCP:
		reason = dccp(avail, l);
		break;
	case PROTO_ICMP:
	case PROTO_ICMP6:
		reason = icmp(avail, l);
		break;
	default:
		reason = DECODE_OK;
		break;
	}
	if (!(l->layers & DECODE_LAYERS_L4))
		l->l4_off = 0;
	return reason;
}
