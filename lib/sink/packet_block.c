/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/sink/sink.h>

struct weir_packet_block *
weir_packet_block_create(uint32_t cap, uint64_t cap_bytes)
{
	struct weir_packet_block *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->cap = cap ? cap : 1;
	b->cap_bytes = cap_bytes ? cap_bytes : 1;
	b->packets = malloc(b->cap * sizeof(*b->packets));
	b->bytes = malloc(b->cap_bytes);
	if (!b->packets || !b->bytes) {
		weir_packet_block_destroy(b);
		return NULL;
	}
	return b;
}

void
weir_packet_block_destroy(struct weir_packet_block *b)
{
	if (!b)
		return;
	free(b->packets);
	free(b->bytes);
	free(b);
}

static int
grow_packets(struct weir_packet_block *b)
{
	uint32_t cap = b->cap <= UINT32_MAX / 2 ? b->cap * 2 : UINT32_MAX;
	struct weir_packet_copy *packets;

	if (b->n < b->cap)
		return 0;
	if (cap == b->cap)
		return -ENOMEM;
	packets = realloc(b->packets, cap * sizeof(*packets));
	if (!packets)
		return -ENOMEM;
	b->packets = packets;
	b->cap = cap;
	return 0;
}

static int
grow_bytes(struct weir_packet_block *b, uint32_t extra)
{
	uint64_t need = b->n_bytes + extra, cap = b->cap_bytes;
	uint8_t *bytes;

	if (b->n_bytes > UINT32_MAX) /* offsets are 32 bits wide */
		return -ENOMEM;
	if (need <= cap)
		return 0;
	while (cap < need)
		cap *= 2;
	bytes = realloc(b->bytes, cap);
	if (!bytes)
		return -ENOMEM;
	b->bytes = bytes;
	b->cap_bytes = cap;
	return 0;
}

int
weir_packet_block_add(
    struct weir_packet_block *b, const uint8_t *data, const struct weir_packet_copy *meta)
{
	if (grow_packets(b) || grow_bytes(b, meta->cap_len))
		return -ENOMEM;
	b->packets[b->n] = *meta;
	b->packets[b->n].offset = (uint32_t)b->n_bytes;
	if (meta->cap_len)
		memcpy(b->bytes + b->n_bytes, data, meta->cap_len);
	b->n_bytes += meta->cap_len;
	b->n++;
	return 0;
}
