/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "arena.h"

/* Pages are only taken when they are written, so a small capture does not pay for a large chunk. */
#define CHUNK_BYTES (UINT64_C(64) << 20)

struct weir_arena *
weir_arena_create(void)
{
	return calloc(1, sizeof(struct weir_arena));
}

void
weir_arena_destroy(struct weir_arena *a)
{
	struct weir_arena_chunk *next_chunk;
	struct weir_arena_leaf *next_leaf;

	if (!a)
		return;
	for (struct weir_arena_chunk *k = a->chunks; k; k = next_chunk) {
		next_chunk = k->next;
		munmap(k, k->cap);
	}
	for (struct weir_arena_leaf *l = a->first; l; l = next_leaf) {
		next_leaf = l->next;
		free(l);
	}
	free(a);
}

static uint64_t
padded(uint64_t bytes)
{
	return (bytes + WEIR_ARENA_ALIGN - 1) & ~(uint64_t)(WEIR_ARENA_ALIGN - 1);
}

static struct weir_arena_chunk *
add_chunk(struct weir_arena *a, uint64_t need)
{
	uint64_t cap = CHUNK_BYTES;
	struct weir_arena_chunk *k;

	while (cap < need + padded(sizeof(*k)))
		cap *= 2;
	k = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (k == MAP_FAILED)
		return NULL;
	madvise(k, cap, MADV_HUGEPAGE); /* fewer TLB misses where the kernel grants it */
	k->cap = cap;
	k->used = padded(sizeof(*k));
	k->next = a->chunks;
	a->chunks = k;
	return k;
}

/* The leaf that takes a packet of so many bytes: the last one, while it and its chunk have room. */
static struct weir_arena_leaf *
leaf_for(struct weir_arena *a, uint64_t need)
{
	struct weir_arena_chunk *k = a->chunks;
	struct weir_arena_leaf *l = a->last;

	if (!k || k->cap - k->used < need) {
		k = add_chunk(a, need);
		if (!k)
			return NULL;
		l = NULL;
	}
	if (l && l->n < WEIR_ARENA_LEAF)
		return l;
	l = malloc(sizeof(*l));
	if (!l)
		return NULL;
	l->next = NULL;
	l->chunk = k;
	l->n = 0;
	l->is_uniform = true;
	if (a->last)
		a->last->next = l;
	else
		a->first = l;
	a->last = l;
	return l;
}

int
weir_arena_add(struct weir_arena *a, const struct weir_batch *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		uint64_t need = padded(b->cap_len[i]);
		struct weir_arena_leaf *l = leaf_for(a, need);
		uint32_t row;

		if (!l)
			return -ENOMEM;
		row = l->n++;
		l->time_ns[row] = b->time_ns[i];
		l->cap_len[row] = b->cap_len[i];
		l->wire_len[row] = b->wire_len[i];
		l->interface[row] = b->interface[i];
		l->dlt[row] = b->dlt[i];
		l->link[row] = b->link[i];
		l->is_uniform &= l->interface[row] == l->interface[0] && l->dlt[row] == l->dlt[0] &&
				 l->link[row] == l->link[0];
		l->offset[row] = (uint32_t)(a->chunks->used / WEIR_ARENA_ALIGN);
		memcpy((uint8_t *)a->chunks + a->chunks->used, b->data[i], b->cap_len[i]);
		a->chunks->used += need;
		a->n_packets++;
	}
	return 0;
}
