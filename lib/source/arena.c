/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <weir/base/time.h>

#include "arena.h"

/* Pages are only taken when they are written, so a small capture does not pay for a large chunk. */
#define CHUNK_BYTES (UINT64_C(64) << 20)
#define HUGE_PAGE   (UINT64_C(2) << 20)
#define PAGE        UINT64_C(4096)
#define LINE        UINT64_C(64) /* of the caches */

struct weir_arena *
weir_arena_create(void)
{
	return calloc(1, sizeof(struct weir_arena));
}

static void
unmap(struct weir_arena_chunk *chunks)
{
	struct weir_arena_chunk *next;

	for (struct weir_arena_chunk *k = chunks; k; k = next) {
		next = k->next;
		munmap(k, k->cap);
	}
}

void
weir_arena_destroy(struct weir_arena *a)
{
	if (!a)
		return;
	unmap(a->chunks);
	unmap(a->leaves);
	free(a);
}

static uint64_t
aligned(uint64_t bytes, uint64_t to)
{
	return (bytes + to - 1) & ~(to - 1);
}

/* A mapping that begins at a huge page. MAP_FAILED where there is no memory. */
static void *
map_aligned(uint64_t size)
{
	uint64_t before, spare = HUGE_PAGE - PAGE;
	uint8_t *p =
	    mmap(NULL, size + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return p;
	before = aligned((uintptr_t)p, HUGE_PAGE) - (uintptr_t)p;
	if (before)
		munmap(p, before);
	if (spare - before)
		munmap(p + before + size, spare - before);
	return p + before;
}

/* The newest chunk of the list, with room for so many bytes at a line's start. */
static struct weir_arena_chunk *
chunk_for(struct weir_arena_chunk **list, uint64_t need)
{
	uint64_t cap = CHUNK_BYTES;
	struct weir_arena_chunk *k = *list;

	if (k && k->cap - k->used >= need)
		return k;
	while (cap < need + LINE)
		cap *= 2;
	k = map_aligned(cap);
	if (k == MAP_FAILED)
		return NULL;
	madvise(k, cap, MADV_HUGEPAGE); /* fewer TLB misses where the kernel grants it */
	k->cap = cap;
	k->used = LINE;
	k->next = *list;
	*list = k;
	return k;
}

/* The leaf that takes a packet of so many bytes: the last one, while it and its chunk have room. */
static struct weir_arena_leaf *
leaf_for(struct weir_arena *a, uint64_t need)
{
	struct weir_arena_chunk *k = chunk_for(&a->chunks, need), *leaves;
	struct weir_arena_leaf *l = a->last;

	if (!k)
		return NULL;
	if (l && l->chunk == k && l->n < WEIR_ARENA_LEAF)
		return l;
	leaves = chunk_for(&a->leaves, aligned(sizeof(*l), LINE));
	if (!leaves)
		return NULL;
	l = (struct weir_arena_leaf *)((uint8_t *)leaves + leaves->used);
	leaves->used += aligned(sizeof(*l), LINE);
	l->chunk = k;
	l->is_uniform = true;
	if (a->last)
		a->last->next = l;
	else
		a->first = l;
	a->last = l;
	return l;
}

static void
note_time(struct weir_arena *a, int64_t t)
{
	if (t == WEIR_TIME_NONE)
		return;
	if (!a->n_timed || t < a->min_ns)
		a->min_ns = t;
	if (!a->n_timed || t > a->max_ns)
		a->max_ns = t;
	a->n_timed++;
}

int
weir_arena_add(struct weir_arena *a, const struct weir_batch *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		uint64_t need = aligned(b->cap_len[i], WEIR_ARENA_ALIGN);
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
		note_time(a, b->time_ns[i]);
	}
	return 0;
}
