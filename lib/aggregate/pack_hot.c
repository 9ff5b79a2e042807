/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/base/hash.h>

#include "table.h"

#include <weir/base/poison.h> /* last */

/*
 * Keys are packed column by column into words that lie column-wise themselves: so that no row asks
 * what its columns are, and the loops read and write runs of memory. The first column of a word
 * sets it, the others are put in.
 */

#define ALWAYS_INLINE inline __attribute__((always_inline))

struct packing {
	const uint32_t *numbers; /* NULL: rows 0 .. n - 1 */
	uint32_t n;
	uint64_t *words;
};

/* The body with `is_dense` as a constant: rows side by side are read by vectors. */
#define PACK_LOOP(expression)                                                                      \
	do {                                                                                       \
		if (!p->numbers) {                                                                 \
			for (uint32_t i = 0; i < p->n; i++) {                                      \
				uint32_t r = i;                                                    \
				to[i] = (shift ? to[i] : 0) | (uint64_t)(expression) << shift;     \
			}                                                                          \
		} else {                                                                           \
			for (uint32_t i = 0; i < p->n; i++) {                                      \
				uint32_t r = p->numbers[i];                                        \
				to[i] = (shift ? to[i] : 0) | (uint64_t)(expression) << shift;     \
			}                                                                          \
		}                                                                                  \
	} while (0)

#define PACK(name, ctype, expression)                                                              \
	static void name(                                                                          \
	    const struct packing *p, uint32_t word, uint32_t shift, const void *column)            \
	{                                                                                          \
		const ctype *restrict data = column;                                               \
		uint64_t *restrict to = p->words + (size_t)word * WEIR_ROWS;                       \
                                                                                                   \
		if (shift == 0)                                                                    \
			PACK_LOOP(expression);                                                     \
		else                                                                               \
			PACK_LOOP(expression);                                                     \
	}

/* Equal floats must have equal bits: one zero, one NaN. */
static ALWAYS_INLINE uint64_t
float_bits(double x)
{
	uint64_t bits;

	x += 0.0;
	if (x != x)
		x = __builtin_nan("");
	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

PACK(pack_u8, uint8_t, data[r])
PACK(pack_u16, uint16_t, data[r])
PACK(pack_u32, uint32_t, data[r])
PACK(pack_i64, int64_t, data[r])
PACK(pack_f64, double, float_bits(data[r]))
PACK(pack_ipv4, struct weir_addr, (uint32_t)data[r].lo)
PACK(pack_addr_hi, struct weir_addr, data[r].hi)
PACK(pack_addr_lo, struct weir_addr, data[r].lo)

static void
pack_strings(const struct weir_layout *l, const struct packing *p,
    const struct weir_key_place *place, const struct weir_bytes *data, const uint8_t **strings)
{
	const uint64_t *secrets = l->secrets + l->max_words;
	uint64_t *to = p->words + (size_t)place->word * WEIR_ROWS;

	strings += (size_t)place->pointer * WEIR_ROWS;
	for (uint32_t i = 0; i < p->n; i++) {
		const struct weir_bytes *s = &data[p->numbers ? p->numbers[i] : i];
		uint64_t hash = weir_hash_bytes(s->p, s->len, secrets);

		to[i] = s->len | (hash >> 32 << 32);
		strings[i] = s->p;
	}
}

static void
pack_column(const struct weir_layout *l, const struct packing *p, unsigned key,
    const struct weir_key_place *place, const struct weir_column *c, bool is_narrow,
    const uint8_t **strings)
{
	switch (l->keys[key].store) {
	case WEIR_U8:
		pack_u8(p, place->word, place->shift, c->data);
		break;
	case WEIR_U16:
		pack_u16(p, place->word, place->shift, c->data);
		break;
	case WEIR_U32:
		pack_u32(p, place->word, place->shift, c->data);
		break;
	case WEIR_I64:
		pack_i64(p, place->word, 0, c->data);
		break;
	case WEIR_F64:
		pack_f64(p, place->word, 0, c->data);
		break;
	case WEIR_ADDR:
		if (is_narrow) {
			pack_ipv4(p, place->word, place->shift, c->data);
			break;
		}
		pack_addr_hi(p, place->word, 0, c->data);
		pack_addr_lo(p, place->word + 1, 0, c->data);
		break;
	case WEIR_BYTES:
		pack_strings(l, p, place, c->data, strings);
		break;
	case WEIR_N_STORES:
		break;
	}
}

static ALWAYS_INLINE void
hash_keys(const struct weir_layout *l, const struct weir_table *t, uint32_t words, uint32_t n,
    struct weir_keys *keys)
{
	const struct weir_index_line *index = t->index;
	const uint64_t *secrets = l->secrets, *key = keys->words;
	uint32_t mask = t->line_mask;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t hash = weir_hash_words(key + i, words, WEIR_ROWS, secrets);

		keys->hash[i] = hash;
		__builtin_prefetch(&index[weir_hash_index(hash) & mask]);
	}
}

static void
hash_all(
    const struct weir_layout *l, const struct weir_table *t, uint32_t n, struct weir_keys *keys)
{
	switch (t->shape->words) {
	case 1:
		hash_keys(l, t, 1, n, keys);
		break;
	case 2:
		hash_keys(l, t, 2, n, keys);
		break;
	case 5:
		hash_keys(l, t, 5, n, keys);
		break;
	default:
		hash_keys(l, t, t->shape->words, n, keys);
	}
}

void
weir_keys_pack(const struct weir_layout *l, const struct weir_table *t,
    const struct weir_column *const *columns, const uint32_t *numbers, uint32_t n,
    struct weir_keys *keys)
{
	const struct weir_shape *s = t->shape;
	const struct packing p = { numbers, n, keys->words };
	bool is_narrow = s == &l->shapes[WEIR_SHAPE_NARROW];

	/* First the columns that begin a word: they set it. */
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned k = 0; k < l->n_keys; k++)
			if ((s->places[k].shift != 0) == pass)
				pack_column(
				    l, &p, k, &s->places[k], columns[k], is_narrow, keys->strings);
	for (unsigned k = 0; !is_narrow && k < l->n_keys; k++)
		if (l->keys[k].store == WEIR_ADDR)
			pack_u8(&p, s->places[k].version_word, s->places[k].version_shift,
			    columns[k]->version);
	hash_all(l, t, n, keys);
}

void
weir_keys_of_rows(const struct weir_layout *l, const struct weir_table *t,
    const struct weir_table *from, uint32_t first, uint32_t n, struct weir_keys *keys)
{
	const struct weir_shape *s = from->shape;

	for (uint32_t i = 0; i < n; i++) {
		uint8_t *row = from->rows + (size_t)(first + i) * s->stride;
		const uint64_t *words = weir_row_key(l, row);
		const uint8_t **strings = weir_row_strings(l, s, row);

		for (uint32_t w = 0; w < s->words; w++)
			keys->words[(size_t)w * WEIR_ROWS + i] = words[w];
		for (uint32_t k = 0; k < l->n_strings; k++)
			keys->strings[(size_t)k * WEIR_ROWS + i] = strings[k];
	}
	hash_all(l, t, n, keys);
}
