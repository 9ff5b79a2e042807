/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SKETCH_MEMORY_H
#define WEIR_SKETCH_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/*
 * Memory of states that grow. One owner at a time: whoever may write the states. Blocks are powers
 * of two, carved from chunks that double; what is given back is used again for blocks of its size.
 * The whole is bounded, and let go of at once. A state without memory is incomplete, which is
 * counted.
 */

#define WEIR_SKETCH_WORDS 8 /* most words that are hashed */

/* Logarithms of the least block, and of the least that has a chunk of its own. */
#define WEIR_SKETCH_LEAST 4
#define WEIR_SKETCH_LARGE 18

struct weir_sketch_chunk;

struct weir_sketch_memory {
	uint64_t secrets[WEIR_SKETCH_WORDS + 4]; /* of the hashes by which values are found */
	void *free[WEIR_SKETCH_LARGE];           /* blocks by the logarithm of their size */
	struct weir_sketch_chunk *chunks;        /* newest first */
	struct weir_sketch_chunk *large;         /* blocks with a chunk of their own */
	uint64_t bytes;                          /* in all chunks */
	uint64_t max_bytes;
	uint64_t n_short; /* values that found no memory */
};

/* Cold, owner. All zero but for the hashes' secrets, which follow from the seed, and the bound. */
void weir_sketch_memory_init(struct weir_sketch_memory *m, uint64_t seed, uint64_t max_bytes);
/* Cold, owner. Forget all blocks; one chunk is kept. */
void weir_sketch_memory_clear(struct weir_sketch_memory *m);
/* Cold, owner. Give everything back. */
void weir_sketch_memory_fini(struct weir_sketch_memory *m);

/* Owner. The logarithm of the block that holds so many bytes. */
static inline unsigned
weir_sketch_class(size_t size)
{
	return size <= 16 ? WEIR_SKETCH_LEAST : 64 - (unsigned)__builtin_clzll(size - 1);
}

/* Cold, owner. A new block of 2^size_class bytes, or NULL. */
void *weir_sketch_carve(struct weir_sketch_memory *m, unsigned size_class);
/* Cold, owner. Give a block with a chunk of its own back. */
void weir_sketch_free_large(struct weir_sketch_memory *m, void *p);

/* Owner. At least so many bytes, with any content. NULL where the bound is reached. */
static inline void *
weir_sketch_get(struct weir_sketch_memory *m, size_t size)
{
	unsigned c = weir_sketch_class(size);
	void **p = c < WEIR_SKETCH_LARGE ? m->free[c] : NULL;

	if (!p)
		return weir_sketch_carve(m, c);
	m->free[c] = *p;
	return p;
}

/* Owner. Give back what get(size) gave. */
static inline void
weir_sketch_put(struct weir_sketch_memory *m, void *p, size_t size)
{
	unsigned c = weir_sketch_class(size);

	if (c >= WEIR_SKETCH_LARGE) {
		weir_sketch_free_large(m, p);
		return;
	}
	*(void **)p = m->free[c];
	m->free[c] = p;
}

#endif
