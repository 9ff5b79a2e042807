/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/base/hash.h>

#include "level.h"

#include <weir/base/poison.h> /* last */

/*
 * Keys are packed column by column into words that lie column-wise themselves: so that no row asks
 * what its columns are, and the loops read and write runs of memory. The first column of a word
 * sets it, the others are put in.
 */

struct packing {
	const uint32_t *numbers; /* NULL: rows 0 .. n - 1 */
	uint32_t n;
	uint64_t *words;
};

/*
 * One column into one word. What the loop needs is in its own variables and the pointers are told
 * apart as parameters: else nothing is done by vectors.
 */
#define PACK_BODY(at, expression)                                                                  \
	do {                                                                                       \
		if (shift == 0)                                                                    \
			for (uint32_t i = 0; i < n; i++) {                                         \
				uint32_t r = at;                                                   \
				to[i] = (uint64_t)(expression);                                    \
			}                                                                          \
		else                                                                               \
			for (uint32_t i = 0; i < n; i++) {                                         \
				uint32_t r = at;                                                   \
				to[i] |= (uint64_t)(expression) << shift;                          \
			}                                                                          \
	} while (0)

#define PACK(name, ctype, expression)                                                              \
	static __attribute__((noinline)) void name##_dense(                                        \
	    uint64_t *restrict to, const ctype *restrict data, uint32_t n, uint32_t shift)         \
	{                                                                                          \
		PACK_BODY(i, expression);                                                          \
	}                                                                                          \
	static __attribute__((noinline)) void name##_picked(uint64_t *restrict to,                 \
	    const ctype *restrict data, const uint32_t *restrict numbers, uint32_t n,              \
	    uint32_t shift)                                                                        \
	{                                                                                          \
		PACK_BODY(numbers[i], expression);                                                 \
	}                                                                                          \
	static void name(const struct packing *p, uint32_t word, uint32_t shift, const void *data) \
	{                                                                                          \
		uint64_t *to = p->words + (size_t)word * WEIR_ROWS;                                \
                                                                                                   \
		if (p->numbers)                                                                    \
			name##_picked(to, data, p->numbers, p->n, shift);                          \
		else                                                                               \
			name##_dense(to, data, p->n, shift);                                       \
	}

PACK(pack_u8, uint8_t, data[r])
PACK(pack_u16, uint16_t, data[r])
PACK(pack_u32, uint32_t, data[r])
PACK(pack_i64, int64_t, data[r])
PACK(pack_f64, double, weir_float_bits(data[r]))
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
    const struct weir_key_place *place, const struct weir_column *c, bool is_narrow)
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
	case WEIR_BYTES: /* apart: what a row that is not taken holds must not be looked at */
	case WEIR_N_STORES:
		break;
	}
}

/* Words of all columns but strings, column-wise. */
static void
pack_numbers(const struct weir_layout *l, const struct weir_shape *s, const struct packing *p,
    const struct weir_column *const *columns)
{
	bool is_narrow = s == &l->shapes[WEIR_SHAPE_NARROW];

	/* First the columns that begin a word: they set it. */
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned k = 0; k < l->n_keys; k++)
			if ((s->places[k].shift != 0) == pass)
				pack_column(l, p, k, &s->places[k], columns[k], is_narrow);
	for (unsigned k = 0; !is_narrow && k < l->n_keys; k++)
		if (l->keys[k].store == WEIR_ADDR)
			pack_u8(p, s->places[k].version_word, s->places[k].version_shift,
			    columns[k]->version);
}

/* With AVX-512 eight rows at once are looked at, which pays where half of them are meant. */
#ifdef __AVX512F__
#define COMPRESS_FROM 2
#else
#define COMPRESS_FROM 1
#endif

/* Leave the words of the rows. */
static void
move_up(const struct weir_pick *rows, uint64_t *words)
{
	const uint32_t *numbers = rows->numbers;

	if (rows->n > rows->n_all / COMPRESS_FROM) {
		weir_agg_compress(rows->mask, words);
		return;
	}
	for (uint32_t i = 0, n = rows->n; i < n; i++)
		words[i] = words[numbers[i]];
}

/*
 * Rows of a mask are packed among all others, side by side, and the words are moved together then:
 * loading each element by the number of its row takes longer, unless they are few.
 */
void
weir_agg_pack(const struct weir_layout *l, const struct weir_shape *s,
    const struct weir_column *const *columns, const struct weir_pick *rows, struct weir_keys *keys)
{
	struct packing p = { rows->numbers, rows->n, keys->words };

	if (rows->mask && rows->n >= rows->n_all / 4) {
		const struct packing all = { NULL, rows->n_all, keys->words };

		pack_numbers(l, s, &all, columns);
		for (uint32_t w = 0; w < s->words; w++)
			move_up(rows, keys->words + (size_t)w * WEIR_ROWS);
	} else {
		pack_numbers(l, s, &p, columns);
	}
	for (unsigned k = 0; l->n_strings && k < l->n_keys; k++)
		if (l->keys[k].store == WEIR_BYTES)
			pack_strings(l, &p, &s->places[k], columns[k]->data, keys->strings);
}
