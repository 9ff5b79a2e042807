/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include <string.h>

/* UDP's echo port, as RFC 2544 (appendix C) has it; sources are of the dynamic range. */
#define PORT_ECHO   7u
#define PORT_FIRST  49152u

#define IMIX_SMALL  FRAME_LEAST
#define IMIX_MIDDLE 594u
#define IMIX_LARGE  1514u

static void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* RFC 1071, of an IPv4 header of 20 bytes whose checksum is 0. */
static uint32_t
checksum(const uint8_t *p)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < 20; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* The sizes take turns as evenly as 7 : 4 : 1 goes. */
static uint32_t
size_of(const struct frame_config *c, uint64_t seq)
{
	static const uint32_t turns[12] = { IMIX_SMALL, IMIX_MIDDLE, IMIX_SMALL, IMIX_SMALL,
		IMIX_MIDDLE, IMIX_SMALL, IMIX_LARGE, IMIX_SMALL, IMIX_MIDDLE, IMIX_SMALL,
		IMIX_SMALL, IMIX_MIDDLE };

	return c->size == FRAME_IMIX ? turns[seq % 12] : c->size;
}

uint32_t
frame_most(const struct frame_config *c)
{
	return c->size == FRAME_IMIX ? IMIX_LARGE : c->size;
}

double
frame_mean(const struct frame_config *c)
{
	return c->size == FRAME_IMIX ? (7. * IMIX_SMALL + 4. * IMIX_MIDDLE + IMIX_LARGE) / 12
				     : (double)c->size;
}

bool
frame_makes_row(const struct frame_config *c, uint64_t seq)
{
	return c->row_every && seq % c->row_every == 0;
}

uint64_t
frame_count_back(const struct frame_config *c, uint64_t n)
{
	return c->row_every ? (n + c->row_every - 1) / c->row_every : n;
}

static uint32_t
destination(const struct frame_config *c, uint64_t seq)
{
	if (!frame_makes_row(c, seq))
		return c->ip_dst;
	return FRAME_ROWS_NET | (uint32_t)((c->row_first + seq / c->row_every) & (FRAME_ROWS - 1));
}

uint32_t
frame_write(const struct frame_config *c, uint64_t seq, uint8_t *buf)
{
	uint32_t size = size_of(c, seq);
	uint8_t *ip = buf + 14, *udp = ip + 20;

	memset(buf, 0, size);
	memcpy(buf, c->eth_dst, 6);
	memcpy(buf + 6, c->eth_src, 6);
	put16(buf + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, size - 14);
	put16(ip + 6, 0x4000); /* not to be fragmented */
	ip[8] = 64;
	ip[9] = 17;
	put32(ip + 12, c->ip_src);
	put32(ip + 16, destination(c, seq));
	put16(ip + 10, checksum(ip));
	put16(udp, PORT_FIRST + (uint32_t)(seq % c->n_flows));
	put16(udp + 2, PORT_ECHO);
	put16(udp + 4, size - 34);
	return size; /* a UDP checksum of 0 is none */
}
