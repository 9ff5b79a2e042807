/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_GENERATOR_FRAME_H
#define WEIR_SOURCE_GENERATOR_FRAME_H

#include <stdbool.h>
#include <stdint.h>

/* Builds frames with valid lengths and checksums. Hot. */

#define WEIR_GEN_MIN_FRAME   60u /* what Ethernet pads to, without frame check sequence */
#define WEIR_GEN_MAX_HEADERS 78u /* Ethernet, one tag, IPv6, TCP */

#define WEIR_GEN_ICMP        1
#define WEIR_GEN_TCP         6
#define WEIR_GEN_UDP         17

#define WEIR_GEN_FIN         0x01
#define WEIR_GEN_SYN         0x02
#define WEIR_GEN_PSH         0x08
#define WEIR_GEN_ACK         0x10

struct weir_gen_end {
	uint8_t mac[6];
	uint8_t address[16]; /* network order; 4 bytes for IPv4 */
	uint16_t port;
};

struct weir_gen_frame {
	const struct weir_gen_end *src;
	const struct weir_gen_end *dst;
	bool is_v6;
	uint8_t proto; /* WEIR_GEN_ICMP stands for ICMPv6 with is_v6 */
	uint8_t ttl;
	uint8_t tcp_flags;
	uint16_t vlan; /* tag control information, 0 = untagged */
	uint16_t ip_id;
	uint32_t seq;  /* TCP; ICMP echo: identifier << 16 | sequence number */
	uint32_t ack;  /* TCP */
	bool is_reply; /* ICMP echo */
	const uint8_t *payload;
	uint32_t payload_len;
};

/* Bytes before the payload. */
uint32_t weir_gen_headers(bool is_v6, bool is_tagged, uint8_t proto);

/* Write the frame at p, padded to WEIR_GEN_MIN_FRAME; returns its length. */
uint32_t weir_gen_frame_build(uint8_t *p, const struct weir_gen_frame *f);

/* ARP for IPv4: who has dst's address (request), or src is at its MAC (reply). */
uint32_t weir_gen_arp_build(uint8_t *p, const struct weir_gen_end *src,
    const struct weir_gen_end *dst, uint16_t vlan, bool is_reply);

static inline void
weir_gen_put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
weir_gen_put32(uint8_t *p, uint32_t v)
{
	weir_gen_put16(p, v >> 16);
	weir_gen_put16(p + 2, v & 0xffff);
}

#endif
