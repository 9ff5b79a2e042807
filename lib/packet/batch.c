/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/packet/batch.h>

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
	for (unsigned f = 0; f < WEIR_N_FIELDS; f++) {
		if (!weir_field_set_has(needed, f))
			continue;
		if (weir_column_init(
			&b->col[f], weir_fields[f].type, weir_fields[f].store, WEIR_ROWS)) {
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
	for (unsigned f = 0; f < WEIR_N_FIELDS; f++)
		if (b->col[f].data)
			weir_column_fini(&b->col[f]);
	free(b);
}
