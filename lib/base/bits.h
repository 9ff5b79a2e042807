/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_BITS_H
#define WEIR_BASE_BITS_H

#include <string.h>

#include <weir/base/words.h>

/* Bits one behind the other, the lowest first; they end at a whole byte. Private to words.c. */

struct weir_bits_out {
	struct weir_out *out;
	uint64_t held; /* n of them, not written yet: fewer than 32 */
	unsigned n;
};

struct weir_bits_in {
	struct weir_in *in;
	uint64_t held; /* n of them, read ahead; 0 above */
	unsigned n;
};

static inline void
weir_bits_put_some(struct weir_bits_out *b, uint64_t x, unsigned n)
{
	b->held |= x << b->n;
	b->n += n;
	if (b->n >= 32) {
		uint8_t bytes[] = { (uint8_t)b->held, (uint8_t)(b->held >> 8),
			(uint8_t)(b->held >> 16), (uint8_t)(b->held >> 24) };

		if (b->out->len + 4 <= b->out->max)
			memcpy(b->out->p + b->out->len, bytes, 4);
		b->out->len += 4;
		b->held >>= 32;
		b->n -= 32;
	}
}

/* n up to 64; x has no bits above them. */
static inline void
weir_bits_put(struct weir_bits_out *b, uint64_t x, unsigned n)
{
	if (n > 32) {
		weir_bits_put_some(b, x & UINT32_MAX, 32);
		x >>= 32;
		n -= 32;
	}
	weir_bits_put_some(b, x, n);
}

static inline void
weir_bits_end(struct weir_bits_out *b)
{
	for (; b->n; b->n = b->n > 8 ? b->n - 8 : 0, b->held >>= 8)
		weir_out_byte(b->out, (uint8_t)b->held);
}

static inline void
weir_bits_fill(struct weir_bits_in *b)
{
	for (; b->n <= 56 && b->in->len; b->n += 8, b->in->len--)
		b->held |= (uint64_t)*b->in->p++ << b->n;
}

static inline uint64_t
weir_bits_get_some(struct weir_bits_in *b, unsigned n)
{
	uint64_t x;

	if (b->n < n)
		weir_bits_fill(b);
	if (b->n < n) {
		weir_in_spoil(b->in);
		b->n = 0;
		b->held = 0;
		return 0;
	}
	x = b->held & ((UINT64_C(1) << n) - 1);
	b->held >>= n;
	b->n -= n;
	return x;
}

/* n up to 64. */
static inline uint64_t
weir_bits_get(struct weir_bits_in *b, unsigned n)
{
	uint64_t low = 0;

	if (n <= 32)
		return weir_bits_get_some(b, n);
	low = weir_bits_get_some(b, 32);
	return low | weir_bits_get_some(b, n - 32) << 32;
}

/* How many zeros there are before a one, which is read, too: up to 63. */
static inline unsigned
weir_bits_zeros(struct weir_bits_in *b)
{
	unsigned n = 0, more;

	for (;;) {
		weir_bits_fill(b);
		if (b->held)
			break;
		n += b->n;
		b->n = 0;
		if (n > 63 || !b->in->len) {
			weir_in_spoil(b->in);
			return 0;
		}
	}
	more = (unsigned)__builtin_ctzll(b->held);
	if (n + more > 63) {
		weir_in_spoil(b->in);
		return 0;
	}
	b->held >>= more;
	b->held >>= 1;
	b->n -= more + 1;
	return n + more;
}

/* Whole bytes that were read ahead go back. */
static inline void
weir_bits_leave(struct weir_bits_in *b)
{
	if (b->in->is_bad)
		return;
	b->in->p -= b->n / 8;
	b->in->len += b->n / 8;
}

#endif
