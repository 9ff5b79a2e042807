/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RECORD_SLOT_H
#define WEIR_RECORD_SLOT_H

#include <weir/record/block.h>

/*
 * The slot of a key: which of 4096 parts of all keys it is in. It is the same on every host that
 * has the secret, and follows from the values alone: not from where they stand, nor how wide.
 * Integers, booleans, durations, times and MACs count as integers; equal floats, and all NaNs, are
 * one; an IPv4 address is another value than any of IPv6; null is a value of its own.
 */

#define WEIR_SLOTS 4096

struct weir_slot_key {
	uint8_t bytes[16]; /* secret: else keys could be chosen that all have one owner */
};

/* SipHash-2-4 (Aumasson, Bernstein 2012). */
uint64_t weir_siphash(const struct weir_slot_key *key, const void *p, size_t len);

/* The hash of values one after the other: begin, each value, end. */
struct weir_slot_hash {
	uint64_t v[4];
	uint64_t n; /* words so far */
};

void weir_slot_begin(struct weir_slot_hash *h, const struct weir_slot_key *key);
void weir_slot_add(struct weir_slot_hash *h, const struct weir_value *v);
uint16_t weir_slot_end(struct weir_slot_hash *h);

/* Of a name, such as a query's. */
uint16_t weir_slot_of_name(const struct weir_slot_key *key, const char *name);
/* Of the rows of a block, by some of its columns, in this order: ret[b->n_rows]. */
void weir_block_slots(const struct weir_block *b, const unsigned *columns, unsigned n_columns,
    const struct weir_slot_key *key, uint16_t *ret);

#endif
