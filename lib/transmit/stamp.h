/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_TRANSMIT_STAMP_H
#define WEIR_TRANSMIT_STAMP_H

#include <stdint.h>
#include <string.h>

#define WEIR_STAMP_BYTES 24u

static inline void
weir_stamp_put(uint8_t *end, uint32_t stream, uint64_t seq, int64_t intended_ns)
{
	uint32_t words[2] = { __builtin_bswap32(0x57454952u), __builtin_bswap32(stream) };
	uint64_t longs[2] = { __builtin_bswap64(seq), __builtin_bswap64((uint64_t)intended_ns) };

	memcpy(end - WEIR_STAMP_BYTES, words, sizeof(words));
	memcpy(end - WEIR_STAMP_BYTES + sizeof(words), longs, sizeof(longs));
}

#endif
