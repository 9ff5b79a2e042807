/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SKETCH_DISTINCT_H
#define WEIR_SKETCH_DISTINCT_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/sketch/bag.h>

/*
 * How many different values, by their hashes of 64 bits (HyperLogLog; Flajolet, Fusy, Gandouet,
 * Meunier 2007). Up to WEIR_DISTINCT_EXACT hashes are kept as they are, and counted; more become
 * 4096 registers. What it is depends on the set of hashes alone, so merging is exact. The estimate
 * is Ertl's (New cardinality estimation algorithms for HyperLogLog sketches, 2017), which needs no
 * correction by tables: its standard error is 1.04 / sqrt(4096) = 1.6 %.
 */

#define WEIR_DISTINCT_LOG2      12
#define WEIR_DISTINCT_REGISTERS ((uint32_t)1 << WEIR_DISTINCT_LOG2)
#define WEIR_DISTINCT_EXACT     384 /* elements of a table of as many bytes as the registers */

struct weir_distinct {
	struct weir_bag hashes;
	uint8_t *registers; /* [WEIR_DISTINCT_REGISTERS], NULL while the hashes are kept */
};

/* Cold, owner. Have registers instead of hashes. False where there is no memory. */
bool weir_distinct_spread(struct weir_distinct *d, struct weir_sketch_memory *m);
/* Cold, owner of m. dst takes src in. */
void weir_distinct_merge(
    struct weir_distinct *dst, struct weir_sketch_memory *m, const struct weir_distinct *src);
/* Cold, owner. */
void weir_distinct_drop(struct weir_distinct *d, struct weir_sketch_memory *m);
/* Cold. As bytes, in pieces: n of its places from `first` on. What is read is taken in; false where
 * the bytes are bad. */
uint64_t weir_distinct_places(const struct weir_distinct *d);
void weir_distinct_write(
    const struct weir_distinct *d, uint64_t first, uint64_t n, struct weir_out *out);
bool weir_distinct_read(struct weir_distinct *d, struct weir_sketch_memory *m, struct weir_in *in);
/* Cold. The estimate. */
int64_t weir_distinct_get(const struct weir_distinct *d);

static inline __attribute__((always_inline)) void
weir_distinct_note(struct weir_distinct *d, uint64_t hash)
{
	uint8_t *r = &d->registers[hash >> (64 - WEIR_DISTINCT_LOG2)];
	uint64_t rest = hash << WEIR_DISTINCT_LOG2 | UINT64_C(1) << (WEIR_DISTINCT_LOG2 - 1);
	uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);

	*r = rank > *r ? rank : *r;
}

/* Hot, owner. Take in a value by its hash; slot is the hash by which the hash is found. */
static inline __attribute__((always_inline)) void
weir_distinct_add(
    struct weir_distinct *d, struct weir_sketch_memory *m, uint64_t hash, uint64_t slot)
{
	if (d->registers) {
		weir_distinct_note(d, hash);
		return;
	}
	weir_bag_add_word(&d->hashes, m, hash, slot, false);
	if (weir_bag_count(&d->hashes) > WEIR_DISTINCT_EXACT)
		(void)weir_distinct_spread(d, m);
}

#endif
