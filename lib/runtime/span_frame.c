/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include "span_parts.h"

/* What nodes tell each other, as bytes. */

#define TABLE_SLOTS WEIR_SPAN_TABLE_SLOTS
#define STATE_BYTES (TABLE_SLOTS / 8)
#define MOST_AHEAD  (UINT64_C(1) << 22) /* parts that may come before one that was sent earlier */

static uint8_t *
put16(uint8_t *p, uint16_t x)
{
	x = rte_cpu_to_be_16(x);
	memcpy(p, &x, sizeof(x));
	return p + sizeof(x);
}

static uint8_t *
put64(uint8_t *p, uint64_t x)
{
	x = rte_cpu_to_be_64(x);
	memcpy(p, &x, sizeof(x));
	return p + sizeof(x);
}

static uint8_t *
put32(uint8_t *p, uint32_t x)
{
	x = rte_cpu_to_be_32(x);
	memcpy(p, &x, sizeof(x));
	return p + sizeof(x);
}

static uint16_t
get16(const uint8_t *p)
{
	uint16_t x;

	memcpy(&x, p, sizeof(x));
	return rte_be_to_cpu_16(x);
}

static uint32_t
get32(const uint8_t *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof(x));
	return rte_be_to_cpu_32(x);
}

static uint64_t
get64(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return rte_be_to_cpu_64(x);
}

static bool
is_part(uint8_t type)
{
	return type == WEIR_SPAN_PART || type == WEIR_SPAN_ROWS;
}

/* type, 0, query, epoch, number */
void
weir_span_put_part(
    uint8_t *p, enum weir_span_frame type, uint16_t query, uint64_t epoch, uint64_t number)
{
	*p++ = (uint8_t)type;
	*p++ = 0;
	p = put16(p, query);
	p = put64(p, epoch);
	put64(p, number);
}

bool
weir_span_get_part(
    const uint8_t *p, uint32_t len, uint16_t *query, uint64_t *epoch, uint64_t *number)
{
	if (len < WEIR_SPAN_PART_HEAD)
		return false;
	if (p[0] == WEIR_SPAN_PIECE ? !is_part(p[1]) : !is_part(p[0]) || p[1])
		return false;
	*query = get16(p + 2);
	*epoch = get64(p + 4);
	*number = get64(p + 12);
	return true;
}

/* As a part, but with the whole's type for 0; index, size, total; the piece's bytes. */
void
weir_span_put_piece(uint8_t *p, const struct weir_span_piece *piece)
{
	weir_span_put_part(p, WEIR_SPAN_PIECE, piece->query, piece->epoch, piece->number);
	p[1] = (uint8_t)piece->of;
	p = put16(p + WEIR_SPAN_PART_HEAD, piece->index);
	p = put16(p, piece->size);
	put32(p, piece->total);
}

bool
weir_span_get_piece(const uint8_t *p, uint32_t len, struct weir_span_piece *ret)
{
	uint32_t at;

	if (len < WEIR_SPAN_PIECE_HEAD || p[0] != WEIR_SPAN_PIECE ||
	    !weir_span_get_part(p, len, &ret->query, &ret->epoch, &ret->number))
		return false;
	ret->of = (enum weir_span_frame)p[1];
	ret->index = get16(p + WEIR_SPAN_PART_HEAD);
	ret->size = get16(p + WEIR_SPAN_PART_HEAD + 2);
	ret->total = get32(p + WEIR_SPAN_PART_HEAD + 4);
	at = (uint32_t)ret->index * ret->size;
	if (ret->size < WEIR_SPAN_PIECE_LEAST || ret->total > WEIR_SPAN_LONG_MOST ||
	    at >= ret->total || ret->index > ret->number)
		return false;
	ret->len = ret->total - at < ret->size ? ret->total - at : ret->size;
	return len == WEIR_SPAN_PIECE_HEAD + ret->len;
}

/* type, has_ended, 0, epoch, closed, number of parts, done */
#define STATUS_BYTES (4 + 4 * 8)

uint32_t
weir_span_put_status(uint8_t *p, const struct weir_span_status *status)
{
	*p++ = WEIR_SPAN_STATUS;
	*p++ = status->has_ended;
	p = put16(p, 0);
	p = put64(p, status->epoch);
	p = put64(p, (uint64_t)status->closed_ns);
	p = put64(p, status->n_parts);
	put64(p, (uint64_t)status->done_ns);
	return STATUS_BYTES;
}

bool
weir_span_get_status(const uint8_t *p, uint32_t len, struct weir_span_status *ret)
{
	if (len != STATUS_BYTES || p[0] != WEIR_SPAN_STATUS || p[1] > 1 || get16(p + 2))
		return false;
	ret->has_ended = p[1];
	ret->epoch = get64(p + 4);
	ret->closed_ns = (int64_t)get64(p + 12);
	ret->n_parts = get64(p + 20);
	ret->done_ns = (int64_t)get64(p + 28);
	return true;
}

/*
 * type, part, number of values, 0, epoch, the values, for each slot of the part which of them it
 * has, and for each a bit: whether the sender has its state. There are as many values as nodes that
 * slots were owned by, so that few bytes do.
 */
uint32_t
weir_span_put_table(uint8_t *p, uint64_t epoch, unsigned part,
    const int64_t done_ns[WEIR_SPAN_SLOTS], const bool has_state[WEIR_SPAN_SLOTS])
{
	const int64_t *of = &done_ns[part * TABLE_SLOTS];
	int64_t values[64];
	uint8_t which[TABLE_SLOTS], states[STATE_BYTES] = { 0 }, *at = p;
	unsigned n = 1;

	/* The least is there in any case, for those that there is no room for. */
	values[0] = of[0];
	for (unsigned i = 1; i < TABLE_SLOTS; i++)
		values[0] = of[i] < values[0] ? of[i] : values[0];
	for (unsigned i = 0; i < TABLE_SLOTS; i++) {
		unsigned v = 0;

		while (v < n && values[v] != of[i])
			v++;
		if (v == n && n == sizeof(values) / sizeof(values[0]))
			/* More than there are: less is told, and more is sent again. */
			for (unsigned k = v = 0; k < n; k++)
				v = values[k] < of[i] && values[k] > values[v] ? k : v;
		else if (v == n)
			values[n++] = of[i];
		which[i] = (uint8_t)v;
		if (has_state[part * TABLE_SLOTS + i] && values[v] == of[i])
			states[i / 8] |= (uint8_t)(1u << i % 8);
	}
	*at++ = WEIR_SPAN_TABLE;
	*at++ = (uint8_t)part;
	*at++ = (uint8_t)n;
	*at++ = 0;
	at = put64(at, epoch);
	for (unsigned v = 0; v < n; v++)
		at = put64(at, (uint64_t)values[v]);
	memcpy(at, which, sizeof(which));
	memcpy(at + sizeof(which), states, sizeof(states));
	return (uint32_t)(at - p) + sizeof(which) + sizeof(states);
}

bool
weir_span_get_table(const uint8_t *p, uint32_t len, uint64_t *ret_epoch, unsigned *ret_part,
    int64_t done_ns[WEIR_SPAN_SLOTS], bool is_wanted)
{
	unsigned n = len < 12 ? 0 : p[2];
	const uint8_t *which = p + 12 + 8 * (size_t)n;

	if (!n || n > 64 || p[0] != WEIR_SPAN_TABLE || p[1] >= WEIR_SPAN_TABLE_PARTS || p[3] ||
	    len != 12 + 8 * n + TABLE_SLOTS + STATE_BYTES)
		return false;
	for (unsigned i = 0; i < TABLE_SLOTS; i++)
		if (which[i] >= n)
			return false;
	*ret_epoch = get64(p + 4);
	*ret_part = p[1];
	for (unsigned i = 0; is_wanted && i < TABLE_SLOTS; i++) {
		int64_t value = (int64_t)get64(p + 12 + 8 * which[i]);
		int64_t *of = &done_ns[p[1] * TABLE_SLOTS + i];

		*of = value > *of ? value : *of;
	}
	return true;
}

void
weir_span_get_states(const uint8_t *p, struct weir_span_states *ret)
{
	const uint8_t *which = p + 12 + 8 * (size_t)p[2];

	ret->first = p[1] * TABLE_SLOTS;
	for (unsigned i = 0; i < TABLE_SLOTS; i++) {
		ret->has[i] = which[TABLE_SLOTS + i / 8] >> i % 8 & 1;
		ret->at_ns[i] = (int64_t)get64(p + 12 + 8 * which[i]);
	}
}

/* type, 0, number of holds, epoch, done; then of each: query, since when */
#define HOLDS_HEAD (4 + 2 * 8)

uint32_t
weir_span_begin_holds(uint8_t *p, uint64_t epoch, int64_t done_ns)
{
	*p++ = WEIR_SPAN_HOLDS;
	*p++ = 0;
	p = put16(p, 0);
	p = put64(p, epoch);
	put64(p, (uint64_t)done_ns);
	return HOLDS_HEAD;
}

uint32_t
weir_span_add_hold(uint8_t *p, uint32_t len, uint16_t query, int64_t hold_ns)
{
	uint8_t *at = put16(p + len, query);

	put64(at, (uint64_t)hold_ns);
	put16(p + 2, (uint16_t)(get16(p + 2) + 1));
	return len + WEIR_SPAN_HOLD_BYTES;
}

bool
weir_span_get_holds(
    const uint8_t *p, uint32_t len, uint64_t *ret_epoch, int64_t *ret_done_ns, unsigned *ret_n)
{
	if (len < HOLDS_HEAD || p[0] != WEIR_SPAN_HOLDS || p[1] ||
	    len != HOLDS_HEAD + get16(p + 2) * WEIR_SPAN_HOLD_BYTES)
		return false;
	*ret_n = get16(p + 2);
	*ret_epoch = get64(p + 4);
	*ret_done_ns = (int64_t)get64(p + 12);
	return true;
}

void
weir_span_get_hold(const uint8_t *p, unsigned i, uint16_t *ret_query, int64_t *ret_hold_ns)
{
	const uint8_t *at = p + HOLDS_HEAD + i * (size_t)WEIR_SPAN_HOLD_BYTES;

	*ret_query = get16(at);
	*ret_hold_ns = (int64_t)get64(at + 2);
}

/* Have room for numbers up to this one. False where it is too far ahead, or there is no memory. */
static bool
make_room(struct weir_span_arrived *a, uint64_t number)
{
	uint64_t cap = a->cap ? a->cap : 1024;
	uint64_t *bits;

	if (number - a->n < a->cap)
		return true;
	if (number - a->n >= MOST_AHEAD)
		return false;
	while (cap <= number - a->n)
		cap *= 2;
	bits = calloc(cap / 64, sizeof(*bits));
	if (!bits)
		return false;
	for (uint64_t i = a->n; i < a->n + a->cap; i++)
		if (a->bits[i % a->cap / 64] >> (i % 64) & 1)
			bits[i % cap / 64] |= UINT64_C(1) << (i % 64);
	free(a->bits);
	a->bits = bits;
	a->cap = cap;
	return true;
}

bool
weir_span_arrive(struct weir_span_arrived *a, uint64_t number)
{
	uint64_t *word, bit = UINT64_C(1) << (number % 64);

	if (number < a->n || !make_room(a, number))
		return false;
	word = &a->bits[number % a->cap / 64];
	if (*word & bit)
		return false;
	*word |= bit;
	for (;;) {
		word = &a->bits[a->n % a->cap / 64];
		bit = UINT64_C(1) << (a->n % 64);
		if (!(*word & bit))
			return true;
		*word &= ~bit;
		a->n++;
	}
}
