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
	struct weir_arena_chunk *next;

	if (!a)
		return;
	for (struct weir_arena_chunk *k = a->first; k; k = next) {
		next = k->next;
		munmap(k, k->cap);
	}
	free(a);
}

static struct weir_arena_chunk *
add_chunk(struct weir_arena *a, uint64_t need)
{
	uint64_t cap = CHUNK_BYTES;
	struct weir_arena_chunk *k;

	while (cap < need + sizeof(*k))
		cap *= 2;
	k = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (k == MAP_FAILED)
		return NULL;
	madvise(k, cap, MADV_HUGEPAGE); /* fewer TLB misses where the kernel grants it */
	k->cap = cap;
	k->used = sizeof(*k);
	if (a->last)
		a->last->next = k;
	else
		a->first = k;
	a->last = k;
	return k;
}

int
weir_arena_add(struct weir_arena *a, const struct weir_batch *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		uint64_t need = weir_arena_bytes(b->cap_len[i]);
		struct weir_arena_chunk *k = a->last;
		struct weir_arena_packet *p;

		if (!k || k->cap - k->used < need)
			k = add_chunk(a, need);
		if (!k)
			return -ENOMEM;
		p = (struct weir_arena_packet *)((uint8_t *)k + k->used);
		p->time_ns = b->time_ns[i];
		p->cap_len = b->cap_len[i];
		p->wire_len = b->wire_len[i];
		p->interface = b->interface[i];
		p->dlt = b->dlt[i];
		p->link = b->link[i];
		memcpy(p + 1, b->data[i], b->cap_len[i]);
		k->used += need;
		a->n_packets++;
	}
	return 0;
}
