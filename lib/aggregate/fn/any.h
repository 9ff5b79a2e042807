/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_ANY_H
#define WEIR_AGGREGATE_ANY_H

#include "fn.h"

/*
 * A value of any type inside a state, for the functions that keep one of those they see. A string's
 * bytes are inside too, so that states can be moved and sent; longer ones are cut.
 */
#define WEIR_ANY_STRING_MAX 256

struct weir_any {
	uint32_t is_set;
	uint32_t extra; /* version of an address, length of a string */
	union {
		int64_t i;
		double f;
		struct weir_addr addr;
		uint8_t bytes[WEIR_ANY_STRING_MAX];
	};
};

/* Bytes that a value of this type needs. */
WEIR_AGG_INLINE uint32_t
weir_any_size(enum weir_type type)
{
	switch (type) {
	case WEIR_STRING:
		return sizeof(struct weir_any);
	case WEIR_IP:
		return offsetof(struct weir_any, addr) + sizeof(struct weir_addr);
	default:
		return offsetof(struct weir_any, i) + sizeof(int64_t);
	}
}

/* Where an element of a column is; store must be a constant. */
WEIR_AGG_INLINE void
weir_any_set(struct weir_any *s, const struct weir_column *c, uint32_t row, enum weir_store store)
{
	s->is_set = 1;
	switch (store) {
	case WEIR_F64:
		s->f = ((const double *)c->data)[row] + 0.0; /* one zero */
		break;
	case WEIR_ADDR:
		s->addr = ((const struct weir_addr *)c->data)[row];
		s->extra = c->version[row];
		break;
	case WEIR_BYTES: {
		const struct weir_bytes *b = (const struct weir_bytes *)c->data + row;

		s->extra = b->len < WEIR_ANY_STRING_MAX ? b->len : WEIR_ANY_STRING_MAX;
		if (s->extra)
			memcpy(s->bytes, b->p, s->extra);
		break;
	}
	default:
		s->i = weir_agg_int(c->data, row, store);
	}
}

WEIR_AGG_INLINE int
weir_any_compare_bytes(const uint8_t *a, uint32_t a_len, const uint8_t *b, uint32_t b_len)
{
	uint32_t len = a_len < b_len ? a_len : b_len;
	int c = len ? memcmp(a, b, len) : 0;

	return c ? c : (a_len > b_len) - (a_len < b_len);
}

WEIR_AGG_INLINE int
weir_any_compare_addr(
    const struct weir_addr *a, uint32_t a_version, const struct weir_addr *b, uint32_t b_version)
{
	if (a_version != b_version)
		return a_version < b_version ? -1 : 1;
	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	return (a->lo > b->lo) - (a->lo < b->lo);
}

/* Order of a column's element and a state that is set; store must be a constant. */
WEIR_AGG_INLINE int
weir_any_compare(
    const struct weir_column *c, uint32_t row, const struct weir_any *s, enum weir_store store)
{
	switch (store) {
	case WEIR_F64: {
		double x = ((const double *)c->data)[row];

		return (x > s->f) - (x < s->f);
	}
	case WEIR_ADDR:
		return weir_any_compare_addr(
		    (const struct weir_addr *)c->data + row, c->version[row], &s->addr, s->extra);
	case WEIR_BYTES: {
		const struct weir_bytes *b = (const struct weir_bytes *)c->data + row;
		uint32_t len = b->len < WEIR_ANY_STRING_MAX ? b->len : WEIR_ANY_STRING_MAX;

		return weir_any_compare_bytes(b->p, len, s->bytes, s->extra);
	}
	default: {
		int64_t x = weir_agg_int(c->data, row, store);

		return (x > s->i) - (x < s->i);
	}
	}
}

/* Order of two states that are set. */
WEIR_AGG_INLINE int
weir_any_compare_states(const struct weir_any *a, const struct weir_any *b, enum weir_type type)
{
	switch (type) {
	case WEIR_FLOAT:
		return (a->f > b->f) - (a->f < b->f);
	case WEIR_IP:
		return weir_any_compare_addr(&a->addr, a->extra, &b->addr, b->extra);
	case WEIR_STRING:
		return weir_any_compare_bytes(a->bytes, a->extra, b->bytes, b->extra);
	default:
		return (a->i > b->i) - (a->i < b->i);
	}
}

/* Whether an element counts: NaN does not. */
WEIR_AGG_INLINE bool
weir_any_counts(const struct weir_column *c, uint32_t row, enum weir_store store)
{
	return store != WEIR_F64 ||
	       ((const double *)c->data)[row] == ((const double *)c->data)[row];
}

/* Whether words that came from elsewhere are a value, or none. */
WEIR_AGG_INLINE bool
weir_any_is_sound(const struct weir_any *s, enum weir_type type)
{
	if (s->is_set > 1)
		return false;
	switch (type) {
	case WEIR_FLOAT:
		return !s->is_set || s->f == s->f;
	case WEIR_IP:
		return !s->is_set || s->extra == 6 ||
		       (s->extra == 4 && s->addr.hi == 0 && s->addr.lo <= UINT32_MAX);
	case WEIR_STRING:
		return s->extra <= WEIR_ANY_STRING_MAX;
	default:
		return true;
	}
}

WEIR_AGG_INLINE struct weir_value
weir_any_value(const struct weir_any *s, enum weir_type type)
{
	struct weir_value v = { .type = type, .is_null = !s->is_set };

	if (v.is_null)
		return v;
	switch (type) {
	case WEIR_BOOL:
		v.b = s->i != 0;
		break;
	case WEIR_FLOAT:
		v.f = s->f;
		break;
	case WEIR_IP:
		v.addr = s->addr;
		v.version = (uint8_t)s->extra;
		break;
	case WEIR_STRING:
		v.s = (struct weir_bytes){ .p = s->bytes, .len = s->extra };
		break;
	default:
		v.i = s->i;
	}
	return v;
}

/* Run body(store) with the column's store as a constant. */
#define WEIR_ANY_BY_STORE(column, body)                                                            \
	do {                                                                                       \
		switch ((column)->store) {                                                         \
		case WEIR_F64:                                                                     \
			body(WEIR_F64);                                                            \
			break;                                                                     \
		case WEIR_ADDR:                                                                    \
			body(WEIR_ADDR);                                                           \
			break;                                                                     \
		case WEIR_BYTES:                                                                   \
			body(WEIR_BYTES);                                                          \
			break;                                                                     \
		default:                                                                           \
			WEIR_AGG_BY_INT_STORE(column, body);                                       \
			break;                                                                     \
		}                                                                                  \
	} while (0)

#endif
