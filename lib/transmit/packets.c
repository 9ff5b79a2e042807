/* SPDX-License-Identifier: BSD-3-Clause */
#include "packets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <weir/base/time.h>

#define CHUNK_BYTES (UINT64_C(4) << 20)
#define HUGE_BYTES  (UINT64_C(2) << 20)
#define LINE_BYTES  64u
#define FEWEST      1024u

struct weir_packets_chunk {
	struct weir_packets_chunk *next;
	uint64_t used;
	uint8_t pad[LINE_BYTES - 16];
	uint8_t bytes[];
};

struct weir_packets *
weir_packets_create(void)
{
	return calloc(1, sizeof(struct weir_packets));
}

void
weir_packets_destroy(struct weir_packets *p)
{
	if (!p)
		return;
	while (p->chunks) {
		struct weir_packets_chunk *next = p->chunks->next;

		free(p->chunks);
		p->chunks = next;
	}
	free(p->frames);
	free(p);
}

static int
add_chunk(struct weir_packets *p)
{
	struct weir_packets_chunk *c = aligned_alloc(HUGE_BYTES, CHUNK_BYTES);

	if (!c)
		return -ENOMEM;
	/* as large pages where there are any; it works without */
	(void)madvise(c, CHUNK_BYTES, MADV_HUGEPAGE);
	c->next = p->chunks;
	c->used = sizeof(*c);
	p->chunks = c;
	return 0;
}

static int
grow(struct weir_packets *p)
{
	uint32_t room = p->room ? 2 * p->room : FEWEST;
	struct weir_frame *frames = reallocarray(p->frames, room, sizeof(*frames));

	if (!frames)
		return -ENOMEM;
	p->n_bytes += (room - p->room) * sizeof(*frames);
	p->frames = frames;
	p->room = room;
	return 0;
}

int
weir_packets_add(struct weir_packets *p, const struct weir_frame *f)
{
	uint64_t bytes = ((uint64_t)f->cap + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
	uint8_t *to;

	if (p->n == p->room && grow(p))
		return -ENOMEM;
	if ((!p->chunks || p->chunks->used + bytes > CHUNK_BYTES) && add_chunk(p))
		return -ENOMEM;
	to = (uint8_t *)p->chunks + p->chunks->used;
	memcpy(to, f->data, f->cap);
	p->chunks->used += bytes;
	p->n_bytes += bytes;
	p->frames[p->n] = *f;
	p->frames[p->n].data = to;
	p->n++;
	return 0;
}

int
weir_packets_repeat(struct weir_packets *p, uint32_t n, int64_t later_ns)
{
	uint32_t first = p->n - n;

	for (uint32_t i = first; i < first + n; i++) {
		struct weir_frame f;

		if (p->n == p->room && grow(p))
			return -ENOMEM;
		f = p->frames[i];
		if (f.time_ns != WEIR_TIME_NONE &&
		    __builtin_add_overflow(f.time_ns, later_ns, &f.time_ns))
			f.time_ns = INT64_MAX;
		p->frames[p->n++] = f;
	}
	return 0;
}
