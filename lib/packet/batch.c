/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/packet/batch.h>

/* The array of the batch that holds the field as it is, or NULL. */
static void *
array_of(struct weir_batch *b, unsigned field)
{
	switch (field) {
	case WEIR_FIELD_FRAME_TIME:
	case WEIR_FIELD_FRAME_TIME_EPOCH:
		return b->time_ns;
	case WEIR_FIELD_FRAME_LEN:
		return b->wire_len;
	case WEIR_FIELD_FRAME_CAP_LEN:
		return b->cap_len;
	case WEIR_FIELD_FRAME_INTERFACE:
		return b->interface;
	case WEIR_FIELD_IP_PROTO:
		return b->ip_proto;
	case WEIR_FIELD_IP_LEN:
		return b->ip_len;
	default:
		return NULL;
	}
}

static int
init_column(struct weir_batch *b, unsigned f)
{
	void *array = array_of(b, f);
	int rc = weir_column_init(&b->col[f], weir_fields[f].type, weir_fields[f].store, WEIR_ROWS);

	if (rc || !array)
		return rc;
	free(b->col[f].data);
	b->col[f].data = array;
	return 0;
}

struct weir_batch *
weir_batch_create(const struct weir_field_set *needed)
{
	size_t size = (sizeof(struct weir_batch) + 63) & ~(size_t)63;
	struct weir_batch *b = aligned_alloc(64, size);

	if (!b)
		return NULL;
	memset(b, 0, size);
	b->queue_depth = -1;
	b->needed = *needed;
	if (weir_field_set_has(needed, WEIR_FIELD_DNS_QRY_NAME)) {
		b->names = malloc((size_t)WEIR_ROWS * WEIR_NAME_BYTES);
		if (!b->names) {
			weir_batch_destroy(b);
			return NULL;
		}
	}
	for (unsigned f = 0; f < WEIR_N_FIELDS; f++) {
		if (!weir_field_set_has(needed, f))
			continue;
		if (init_column(b, f)) {
			weir_batch_destroy(b);
			return NULL;
		}
	}
	return b;
}

void
weir_batch_destroy(struct weir_batch *b)
{
	if (!b)
		return;
	for (unsigned f = 0; f < WEIR_N_FIELDS; f++) {
		if (b->col[f].data && array_of(b, f))
			b->col[f].data = NULL; /* a part of the batch */
		weir_column_fini(&b->col[f]);
	}
	free(b->names);
	free(b->kept);
	free(b);
}

int
weir_batch_keep(struct weir_batch *b)
{
	uint64_t size = 0, at = 0;

	for (uint32_t r = 0; r < b->n; r++)
		size += (b->cap_len[r] + 63u) & ~UINT64_C(63);
	if (size > b->kept_size) {
		uint8_t *kept = aligned_alloc(64, 2 * size);

		if (!kept)
			return -ENOMEM;
		free(b->kept);
		b->kept = kept;
		b->kept_size = 2 * size;
	}
	for (uint32_t r = 0; r < b->n; r++) {
		if (b->cap_len[r])
			memcpy(b->kept + at, b->data[r], b->cap_len[r]);
		b->data[r] = b->kept + at;
		at += (b->cap_len[r] + 63u) & ~UINT64_C(63);
	}
	return 0;
}
