/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_DECODE_PACKETS_H
#define TEST_DECODE_PACKETS_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/decode/decode.h>

#include "walk.h"

/* Hand-made packets: append header after header. */
struct packet {
	const char *name;
	enum weir_link link;
	uint32_t decap;
	uint32_t len;
	uint8_t b[4096];
};

void put(struct packet *p, const char *hex); /* "45 00 00", blanks do not matter */
void put_u16(struct packet *p, unsigned v);
void put_zeros(struct packet *p, unsigned n);
void put_eth(struct packet *p, unsigned type); /* 02:..:02 to 02:..:01, link Ethernet */
/* 10.0.0.1 to 10.0.0.2, TTL 64, identification 0x1234, without options. */
void put_ip4(struct packet *p, unsigned proto, unsigned payload_len);
/* 2001:db8::1 to 2001:db8::2, hop limit 64, flow label 0xabcde, traffic class 0xb9. */
void put_ip6(struct packet *p, unsigned next, unsigned payload_len);
/* Ports 1000 to 80, sequence 0x01020304, acknowledgement 0x05060708, window 0x0a0b. */
void put_tcp(struct packet *p, unsigned flags);
void put_udp(struct packet *p, unsigned payload_len); /* ports 2000 to 53 */

/* www.Example.com is example.com, which has 192.0.2.1: 74 bytes */
void put_dns(struct packet *p);
void put_tls(struct packet *p); /* a ClientHello for example.com: 78 bytes */

/* The packets that the tests of lanes and truncation walk through: false past the last. */
bool packet_sample(unsigned i, struct packet *ret_packet);

/*
 * The layout of the first cap_len bytes, from memory of just that size. Returns the
 * reason or DECODE_OK.
 */
unsigned layout_of(
    const struct packet *p, uint32_t cap_len, uint32_t wire_len, struct layout *ret_layout);

/* A batch of one row with all fields, decoded; free with free_one(). */
struct weir_batch *decode_one(const struct packet *p, uint32_t cap_len, uint32_t wire_len);
void free_one(struct weir_batch *b);

#endif
