/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_DECODE_LOAD_H
#define WEIR_DECODE_LOAD_H

#include <stdint.h>
#include <string.h>

/* Numbers in network order at any address. The caller has checked that the bytes are there. */

static inline uint8_t
load_u8(const uint8_t *p)
{
	return *p;
}

static inline uint16_t
load_u16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap16(v);
#endif
	return v;
}

static inline uint32_t
load_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	return v;
}

static inline uint64_t
load_u48(const uint8_t *p)
{
	return (uint64_t)load_u16(p) << 32 | load_u32(p + 2);
}

static inline uint64_t
load_u64(const uint8_t *p)
{
	return (uint64_t)load_u32(p) << 32 | load_u32(p + 4);
}

/* In the byte order of this host: pseudo headers that libpcap has put into it. */
static inline uint16_t
load_host_u16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

#endif
