/* SPDX-License-Identifier: BSD-3-Clause */
#include "number.h"
#include "walk.h"

#include <weir/base/poison.h> /* last */

/* An IP header. One that is cut short or impossible is none: no layer is set. */

static inline uint32_t
min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* RFC 791. */
unsigned
decode_ip4(struct walk *w, struct layout *l)
{
	const uint8_t *p = walk_at(w);
	uint32_t header_len, total, frag;

	if (!walk_has(w, 1))
		return WEIR_DECODE_IP_TRUNCATED;
	if (p[0] >> 4 != 4)
		return WEIR_DECODE_IP_VERSION;
	header_len = (uint32_t)(p[0] & 15) * 4;
	if (header_len < IP4_LEN)
		return WEIR_DECODE_IP_HEADER;
	if (!walk_has(w, header_len))
		return WEIR_DECODE_IP_TRUNCATED;
	total = load_u16(p + 2);
	if (total == 0) /* left to the network card (segmentation offload) */
		total = w->end > w->off ? w->end - w->off : 0;
	if (total < header_len)
		return WEIR_DECODE_IP_HEADER;
	frag = load_u16(p + 6);
	l->layers |= WEIR_LAYER_IP4;
	if (frag & 0x3fff)
		l->layers |= WEIR_LAYER_FRAG;
	l->l3_off = (uint16_t)w->off;
	l->ip_proto = p[9];
	l->ip_len = total;
	l->l4_end = min_u32(w->off + total, w->end);
	if (frag & 0x1fff)
		return DECODE_OK;
	w->off += header_len;
	return decode_transport(w, l);
}

/*
 * The jumbo payload length (RFC 2675, section 2) in the options of the hop-by-hop header at p,
 * whose len bytes are there; 0 without such an option.
 */
static uint32_t
jumbo_length(const uint8_t *p, uint32_t len)
{
	uint32_t off = 2;

	for (unsigned i = 0; i < DECODE_IPV6_OPTS && off < len; i++) {
		if (p[off] == 0) { /* Pad1 */
			off++;
			continue;
		}
		if (off + 2 > len)
			return 0;
		if (p[off] == 0xc2 && p[off + 1] == 4 && off + 6 <= len)
			return load_u32(p + off + 2);
		off += 2 + p[off + 1];
	}
	return 0;
}

/*
 * A payload length of 0 with more behind it: a jumbogram, or a packet of the sending host that its
 * network card will cut (more than a length field can say).
 */
static uint32_t
long_payload_end(const struct walk *w)
{
	uint32_t header = w->off + IP6_LEN;
	uint32_t held = w->end > header ? w->end - header : 0;
	bool has_options = w->p[w->off + 6] == PROTO_HOPOPTS;
	uint32_t jumbo, len;

	if (held > 0xffff && !has_options)
		return w->end;
	if (!has_options || !walk_has(w, IP6_LEN + 8))
		return min_u32(header, w->end);
	len = ((uint32_t)w->p[header + 1] + 1) * 8;
	jumbo = jumbo_length(w->p + header, min_u32(len, w->cap - header));
	return min_u32(header + (jumbo > 0xffff ? min_u32(jumbo, held) : 0), w->end);
}

static bool
is_extension(uint8_t proto)
{
	return proto == PROTO_HOPOPTS || proto == PROTO_ROUTING || proto == PROTO_FRAGMENT ||
	       proto == PROTO_DSTOPTS;
}

/* RFC 8200, section 4: from the first extension header to the transport header. */
static unsigned
extensions(struct walk *w, struct layout *l)
{
	uint32_t limit = min_u32(w->cap, l->l4_end);

	for (unsigned i = 0; is_extension(l->ip_proto); i++) {
		const uint8_t *p = walk_at(w);
		uint8_t proto = l->ip_proto;
		uint32_t len = 8;

		if (i == DECODE_IPV6_EXTS)
			return WEIR_DECODE_IPV6_EXT_DEPTH;
		if (w->off + len > limit)
			return WEIR_DECODE_IP_TRUNCATED;
		if (proto != PROTO_FRAGMENT)
			len += (uint32_t)p[1] * 8;
		if (w->off + len > limit)
			return WEIR_DECODE_IP_TRUNCATED;
		if (w->off + len >= DECODE_HEADER_BYTES)
			return WEIR_DECODE_IPV6_EXT_DEPTH;
		l->ip_proto = p[0];
		if (proto == PROTO_FRAGMENT) {
			uint16_t frag = load_u16(p + 2);

			if (!l->frag_off)
				l->frag_off = (uint16_t)w->off;
			if (frag & 0xfff9)
				l->layers |= WEIR_LAYER_FRAG;
			if (frag & 0xfff8) /* the rest is in the first fragment */
				return DECODE_OK;
		}
		w->off += len;
	}
	return decode_transport(w, l);
}

/* RFC 8200, section 3. */
unsigned
decode_ip6(struct walk *w, struct layout *l)
{
	const uint8_t *p = walk_at(w);
	uint32_t payload;

	if (!walk_has(w, 1))
		return WEIR_DECODE_IP_TRUNCATED;
	if (p[0] >> 4 != 6)
		return WEIR_DECODE_IP_VERSION;
	if (!walk_has(w, IP6_LEN))
		return WEIR_DECODE_IP_TRUNCATED;
	payload = load_u16(p + 4);
	l->layers |= WEIR_LAYER_IP6;
	l->l3_off = (uint16_t)w->off;
	l->ip_proto = p[6];
	l->ip_len = IP6_LEN + payload;
	l->l4_end = payload ? min_u32(w->off + l->ip_len, w->end) : long_payload_end(w);
	w->off += IP6_LEN;
	return extensions(w, l);
}
