/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "hash.h"
#include "table.h"

#include <weir/base/poison.h> /* last */

/* One loop a column, so that no row asks what its columns are. */
#define PACK(ctype)                                                                                \
	do {                                                                                       \
		const ctype *data = c->data;                                                       \
		for (uint32_t i = 0; i < n; i++)                                                   \
			memcpy(to + (size_t)i * size, &data[numbers[i]], sizeof(ctype));           \
	} while (0)

/* Equal floats must have equal bits: one zero, one NaN. */
static void
pack_floats(const double *data, const uint32_t *numbers, uint32_t n, uint8_t *to, uint32_t size)
{
	for (uint32_t i = 0; i < n; i++) {
		double x = data[numbers[i]] + 0.0;

		if (x != x)
			x = __builtin_nan("");
		memcpy(to + (size_t)i * size, &x, sizeof(x));
	}
}

static void
pack_strings(const struct weir_layout *l, const struct weir_key_field *f,
    const struct weir_bytes *data, const uint32_t *numbers, uint32_t n, uint8_t *keys)
{
	const uint64_t *secrets = l->secrets + l->words;

	for (uint32_t i = 0; i < n; i++) {
		const struct weir_bytes *s = &data[numbers[i]];
		uint8_t *key = keys + (size_t)i * l->key_size;
		uint64_t hash = weir_hash_bytes(s->p, s->len, secrets);
		uint64_t word = s->len | (hash >> 32 << 32);

		memcpy(key + f->offset, &word, sizeof(word));
		memcpy(key + f->pointer, &s->p, sizeof(s->p));
	}
}

void
weir_keys_pack(const struct weir_layout *l, const struct weir_column *const *columns,
    const uint32_t *numbers, uint32_t n, uint8_t *keys)
{
	uint32_t size = l->key_size;

	for (unsigned k = 0; k < l->n_keys; k++) {
		const struct weir_key_field *f = &l->keys[k];
		const struct weir_column *c = columns[k];
		uint8_t *to = keys + f->offset;

		switch (f->store) {
		case WEIR_U8:
			PACK(uint8_t);
			break;
		case WEIR_U16:
			PACK(uint16_t);
			break;
		case WEIR_U32:
			PACK(uint32_t);
			break;
		case WEIR_I64:
			PACK(int64_t);
			break;
		case WEIR_F64:
			pack_floats(c->data, numbers, n, to, size);
			break;
		case WEIR_ADDR:
			PACK(struct weir_addr);
			for (uint32_t i = 0; i < n; i++)
				keys[(size_t)i * size + f->version] = c->version[numbers[i]];
			break;
		case WEIR_BYTES:
			pack_strings(l, f, c->data, numbers, n, keys);
			break;
		case WEIR_N_STORES:
			break;
		}
	}
}
