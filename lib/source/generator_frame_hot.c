/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "generator_frame.h"

#include <weir/base/poison.h> /* last */

#define put16 weir_gen_put16
#define put32 weir_gen_put32

/* Sum of the Internet checksum (RFC 1071) in host order of the words, folded by finish. */
static uint64_t
add(uint64_t sum, const uint8_t *p, uint32_t len)
{
	uint16_t word;

	for (; len >= 2; len -= 2, p += 2) {
		memcpy(&word, p, sizeof(word));
		sum += word;
	}
	if (len) {
		word = 0;
		memcpy(&word, p, 1);
		sum += word;
	}
	return sum;
}

static void
finish(uint8_t *at, uint64_t sum)
{
	uint16_t folded;

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	folded = (uint16_t)~sum;
	memcpy(at, &folded, sizeof(folded));
}

uint32_t
weir_gen_headers(bool is_v6, bool is_tagged, uint8_t proto)
{
	return 14 + (is_tagged ? 4 : 0) + (is_v6 ? 40 : 20) + (proto == WEIR_GEN_TCP ? 20 : 8);
}

static uint8_t *
put_ethernet(uint8_t *p, const uint8_t *dst, const uint8_t *src, uint16_t vlan, uint16_t type)
{
	memcpy(p, dst, 6);
	memcpy(p + 6, src, 6);
	p += 12;
	if (vlan) {
		put16(p, 0x8100);
		put16(p + 2, vlan);
		p += 4;
	}
	put16(p, type);
	return p + 2;
}

static uint8_t *
put_ipv4(uint8_t *p, const struct weir_gen_frame *f, uint32_t l4_len)
{
	p[0] = 0x45;
	p[1] = 0;
	put16(p + 2, 20 + l4_len);
	put16(p + 4, f->ip_id);
	put16(p + 6, 0x4000); /* do not fragment */
	p[8] = f->ttl;
	p[9] = f->proto;
	put16(p + 10, 0);
	memcpy(p + 12, f->src->address, 4);
	memcpy(p + 16, f->dst->address, 4);
	finish(p + 10, add(0, p, 20));
	return p + 20;
}

static uint8_t *
put_ipv6(uint8_t *p, const struct weir_gen_frame *f, uint32_t l4_len)
{
	put32(p, 0x60000000);
	put16(p + 4, l4_len);
	p[6] = f->proto == WEIR_GEN_ICMP ? 58 : f->proto;
	p[7] = f->ttl;
	memcpy(p + 8, f->src->address, 16);
	memcpy(p + 24, f->dst->address, 16);
	return p + 40;
}

/* The part of the sum that is no transport header; ICMP for IPv4 has none. */
static uint64_t
pseudo_header(const struct weir_gen_frame *f, uint32_t l4_len)
{
	uint32_t n = f->is_v6 ? 16 : 4;
	uint8_t tail[8];
	uint64_t sum;

	if (f->proto == WEIR_GEN_ICMP && !f->is_v6)
		return 0;
	put32(tail, l4_len);
	put32(tail + 4, f->proto == WEIR_GEN_ICMP ? 58 : f->proto);
	sum = add(0, f->src->address, n);
	sum = add(sum, f->dst->address, n);
	return add(sum, tail, sizeof(tail));
}

/* Header and checksum offset of the transport; the checksum itself is 0. */
static uint32_t
put_transport(uint8_t *p, const struct weir_gen_frame *f, uint32_t l4_len)
{
	switch (f->proto) {
	case WEIR_GEN_TCP:
		put16(p, f->src->port);
		put16(p + 2, f->dst->port);
		put32(p + 4, f->seq);
		put32(p + 8, f->ack);
		p[12] = 5 << 4;
		p[13] = f->tcp_flags;
		put16(p + 14, 64240);
		put32(p + 16, 0);
		return 16;
	case WEIR_GEN_UDP:
		put16(p, f->src->port);
		put16(p + 2, f->dst->port);
		put16(p + 4, l4_len);
		put16(p + 6, 0);
		return 6;
	default:
		p[0] = f->is_v6 ? (f->is_reply ? 129 : 128) : (f->is_reply ? 0 : 8);
		p[1] = 0;
		put16(p + 2, 0);
		put32(p + 4, f->seq);
		return 2;
	}
}

static uint32_t
pad(uint8_t *frame, uint8_t *end)
{
	uint32_t len = (uint32_t)(end - frame);

	if (len >= WEIR_GEN_MIN_FRAME)
		return len;
	memset(end, 0, WEIR_GEN_MIN_FRAME - len);
	return WEIR_GEN_MIN_FRAME;
}

uint32_t
weir_gen_frame_build(uint8_t *frame, const struct weir_gen_frame *f)
{
	uint32_t header = f->proto == WEIR_GEN_TCP ? 20 : 8;
	uint32_t l4_len = header + f->payload_len;
	uint32_t sum_at;
	uint8_t *p;

	p = put_ethernet(frame, f->dst->mac, f->src->mac, f->vlan, f->is_v6 ? 0x86dd : 0x0800);
	p = f->is_v6 ? put_ipv6(p, f, l4_len) : put_ipv4(p, f, l4_len);
	sum_at = put_transport(p, f, l4_len);
	if (f->payload_len)
		memcpy(p + header, f->payload, f->payload_len);
	finish(p + sum_at, add(pseudo_header(f, l4_len), p, l4_len));
	/* 0 would mean that UDP has no checksum (RFC 768). */
	if (f->proto == WEIR_GEN_UDP && !p[sum_at] && !p[sum_at + 1])
		put16(p + sum_at, 0xffff);
	return pad(frame, p + l4_len);
}

uint32_t
weir_gen_arp_build(uint8_t *frame, const struct weir_gen_end *src, const struct weir_gen_end *dst,
    uint16_t vlan, bool is_reply)
{
	static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	uint8_t *p = put_ethernet(frame, is_reply ? dst->mac : broadcast, src->mac, vlan, 0x0806);

	put16(p, 1);
	put16(p + 2, 0x0800);
	p[4] = 6;
	p[5] = 4;
	put16(p + 6, is_reply ? 2 : 1);
	memcpy(p + 8, src->mac, 6);
	memcpy(p + 14, src->address, 4);
	if (is_reply)
		memcpy(p + 18, dst->mac, 6);
	else
		memset(p + 18, 0, 6);
	memcpy(p + 24, dst->address, 4);
	return pad(frame, p + 28);
}
