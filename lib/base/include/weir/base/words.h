/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_WORDS_H
#define WEIR_BASE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/base/value.h>

/*
 * Columns of words and strings as bytes, for what is sent to other hosts. Numbers of any size are
 * written with 7 bits a byte; a column in the way that takes the fewest bytes, see words.c. Bytes
 * are the same whatever the host's byte order.
 */

#define WEIR_WORDS_MAX 2048 /* in a column */

/* To write to: what goes past max is counted in len, and not written. */
struct weir_out {
	uint8_t *p;
	size_t max;
	size_t len;
};

/* To read from. What is asked for beyond the end, or is no such thing, is 0, and makes it bad. */
struct weir_in {
	const uint8_t *p;
	size_t len; /* left */
	bool is_bad;
};

static inline void
weir_out_byte(struct weir_out *o, uint8_t x)
{
	if (o->len < o->max)
		o->p[o->len] = x;
	o->len++;
}

static inline bool
weir_out_fits(const struct weir_out *o)
{
	return o->len <= o->max;
}

/* Small numbers of either sign as small numbers. */
static inline uint64_t
weir_zigzag(int64_t x)
{
	return (uint64_t)x << 1 ^ (x < 0 ? UINT64_MAX : 0);
}

static inline int64_t
weir_unzigzag(uint64_t x)
{
	return (int64_t)(x >> 1 ^ (x & 1 ? UINT64_MAX : 0));
}

void weir_out_bytes(struct weir_out *o, const void *p, size_t len);
void weir_out_number(struct weir_out *o, uint64_t x);

uint8_t weir_in_byte(struct weir_in *in);
/* len bytes where they are; NULL where there are not so many. */
const uint8_t *weir_in_bytes(struct weir_in *in, size_t len);
uint64_t weir_in_number(struct weir_in *in);
void weir_in_spoil(struct weir_in *in);

/* n up to WEIR_WORDS_MAX; nothing is written of none. */
void weir_words_write(struct weir_out *o, const uint64_t *x, uint32_t n);
bool weir_words_read(struct weir_in *in, uint64_t *ret, uint32_t n);
/* The same of strings, each of which is written once. Those that are read point into the bytes. */
void weir_strings_write(struct weir_out *o, const struct weir_bytes *s, uint32_t n);
bool weir_strings_read(struct weir_in *in, struct weir_bytes *ret, uint32_t n);

#endif
