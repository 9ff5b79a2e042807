/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/sketch/memory.h>

/* A fresh pane is tiny, and most states stay without a block. */
#define CHUNK_MIN ((size_t)4 << 10)
#define CHUNK_MAX ((size_t)1 << 20)
#define MAX_CLASS 47u

struct weir_sketch_chunk {
	struct weir_sketch_chunk *next;
	struct weir_sketch_chunk *previous; /* of large ones */
	size_t used;
	size_t size;
	_Alignas(16) uint8_t bytes[];
};

void
weir_sketch_memory_init(struct weir_sketch_memory *m, uint64_t seed, uint64_t max_bytes)
{
	memset(m, 0, sizeof(*m));
	m->max_bytes = max_bytes;
	for (unsigned i = 0; i < WEIR_SKETCH_WORDS + 4; i++) {
		/* splitmix64 (Steele, Lea, Flood 2014) */
		uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		m->secrets[i] = z ^ z >> 31;
	}
}

static void
free_all(struct weir_sketch_memory *m, struct weir_sketch_chunk *c)
{
	while (c) {
		struct weir_sketch_chunk *next = c->next;

		m->bytes -= c->size;
		free(c);
		c = next;
	}
}

void
weir_sketch_memory_clear(struct weir_sketch_memory *m)
{
	memset(m->free, 0, sizeof(m->free));
	m->n_short = 0;
	free_all(m, m->large);
	m->large = NULL;
	if (m->chunks) { /* the newest one is the largest */
		free_all(m, m->chunks->next);
		m->chunks->next = NULL;
		m->chunks->used = 0;
	}
}

void
weir_sketch_memory_fini(struct weir_sketch_memory *m)
{
	weir_sketch_memory_clear(m);
	free_all(m, m->chunks);
	m->chunks = NULL;
}

static struct weir_sketch_chunk *
new_chunk(struct weir_sketch_memory *m, size_t size)
{
	struct weir_sketch_chunk *c;

	if (size > m->max_bytes || m->bytes > m->max_bytes - size)
		return NULL;
	c = malloc(sizeof(*c) + size);
	if (!c)
		return NULL;
	c->next = c->previous = NULL;
	c->used = 0;
	c->size = size;
	m->bytes += size;
	return c;
}

static void *
carve_large(struct weir_sketch_memory *m, size_t size)
{
	struct weir_sketch_chunk *c = new_chunk(m, size);

	if (!c)
		return NULL;
	c->next = m->large;
	if (c->next)
		c->next->previous = c;
	m->large = c;
	return c->bytes;
}

/* Whatever is left of a chunk becomes free blocks, largest first. */
static void
use_rest(struct weir_sketch_memory *m, struct weir_sketch_chunk *c)
{
	while (c->size - c->used >= (size_t)1 << WEIR_SKETCH_LEAST) {
		unsigned whole = 63 - (unsigned)__builtin_clzll(c->size - c->used);
		unsigned size_class = whole < WEIR_SKETCH_LARGE ? whole : WEIR_SKETCH_LARGE - 1;
		void *p = c->bytes + c->used;

		*(void **)p = m->free[size_class];
		m->free[size_class] = p;
		c->used += (size_t)1 << size_class;
	}
}

void *
weir_sketch_carve(struct weir_sketch_memory *m, unsigned size_class)
{
	struct weir_sketch_chunk *c = m->chunks;
	size_t size;

	if (size_class > MAX_CLASS)
		return NULL;
	size = (size_t)1 << size_class;
	if (size_class >= WEIR_SKETCH_LARGE)
		return carve_large(m, size);
	if (!c || c->size - c->used < size) {
		size_t want = c ? c->size * 2 : CHUNK_MIN;

		want = want < CHUNK_MAX ? want : CHUNK_MAX;
		want = want > size ? want : size;
		c = new_chunk(m, want);
		if (!c)
			return NULL;
		if (m->chunks)
			use_rest(m, m->chunks);
		c->next = m->chunks;
		m->chunks = c;
	}
	c->used += size;
	return c->bytes + c->used - size;
}

void
weir_sketch_free_large(struct weir_sketch_memory *m, void *p)
{
	struct weir_sketch_chunk *c =
	    (struct weir_sketch_chunk *)(void *)((uint8_t *)p -
						 offsetof(struct weir_sketch_chunk, bytes));

	if (c->next)
		c->next->previous = c->previous;
	if (c->previous)
		c->previous->next = c->next;
	else
		m->large = c->next;
	m->bytes -= c->size;
	free(c);
}
