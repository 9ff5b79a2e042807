/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/base/hash.h>
#include <weir/sketch/distinct.h>

#include "any.h"

#include <weir/base/poison.h> /* last */

extern const struct weir_agg_function weir_agg_approx_distinct;

/*
 * The hash of the values is the same in every run and on every host: so are the estimates, and
 * states of several hosts merge.
 */
static const uint64_t secrets[] = {
	UINT64_C(0x9e3779b97f4a7c15),
	UINT64_C(0xbf58476d1ce4e5b9),
	UINT64_C(0x94d049bb133111eb),
	UINT64_C(0xd6e8feb86659fd93),
	UINT64_C(0xa0761d6478bd642f),
	UINT64_C(0xe7037ed1a0b428db),
	UINT64_C(0x8ebc6af09c88c6e3),
};

static int
check(const enum weir_type *args, unsigned n_args, enum weir_type *ret_type, struct weir_error *err)
{
	if (weir_agg_check_count(&weir_agg_approx_distinct, n_args, err))
		return -EINVAL;
	*ret_type = WEIR_INT;
	return 0;
}

static uint32_t
state_size(const enum weir_type *args, unsigned n_args)
{
	return sizeof(struct weir_distinct);
}

WEIR_AGG_INLINE uint64_t
hash_of(const struct weir_column *c, uint32_t row, enum weir_store store)
{
	uint64_t w[3] = { 0 };

	if (store == WEIR_BYTES) {
		const struct weir_bytes *s = (const struct weir_bytes *)c->data + row;

		return weir_hash_bytes(s->p, s->len, secrets);
	}
	if (store == WEIR_ADDR) {
		const struct weir_addr *a = (const struct weir_addr *)c->data + row;

		w[0] = a->hi;
		w[1] = a->lo;
		w[2] = c->version[row];
		return weir_hash_words(w, 3, 1, secrets);
	}
	w[0] = store == WEIR_F64 ? weir_number_bits(((const double *)c->data)[row])
				 : (uint64_t)weir_agg_int(c->data, row, store);
	return weir_hash_words(w, 1, 1, secrets);
}

WEIR_AGG_INLINE void
prefetch(const struct weir_distinct *d, uint64_t hash, uint64_t slot)
{
	if (d->registers)
		__builtin_prefetch(&d->registers[hash >> (64 - WEIR_DISTINCT_LOG2)], 1);
	else
		weir_bag_prefetch_word(&d->hashes, slot, false);
}

WEIR_AGG_INLINE void
update_store(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *c,
    enum weir_store store)
{
	uint64_t hash[WEIR_ROWS], slot[WEIR_ROWS];
	uint8_t is_out[WEIR_ROWS];

	for (uint32_t k = 0; k < rows->n; k++) {
		uint32_t r = rows->row[k];

		is_out[k] = weir_mask_test(c->null, r) || !weir_any_counts(c, r, store);
		if (is_out[k])
			continue;
		hash[k] = hash_of(c, r, store);
		slot[k] = weir_bag_hash_word(rows->memory, hash[k]);
		prefetch((const void *)(rows->group[k] + offset), hash[k], slot[k]);
	}
	for (uint32_t k = 0; k < rows->n; k++)
		if (!is_out[k])
			weir_distinct_add(
			    (void *)(rows->group[k] + offset), rows->memory, hash[k], slot[k]);
}

static void
update(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *const *args)
{
#define BODY(store) update_store(rows, offset, args[0], store)
	WEIR_ANY_BY_STORE(args[0], BODY);
#undef BODY
}

static void
merge(void *dst, const void *src, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	weir_distinct_merge(dst, memory, src);
}

static void
drop(void *state, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	weir_distinct_drop(state, memory);
}

static uint64_t
pieces(const void *state, const enum weir_type *args)
{
	return weir_distinct_places(state);
}

static void
write(
    const void *state, const enum weir_type *args, uint64_t first, uint64_t n, struct weir_out *out)
{
	weir_distinct_write(state, first, n, out);
}

static bool
read(void *state, const enum weir_type *args, struct weir_sketch_memory *memory, struct weir_in *in)
{
	return weir_distinct_read(state, memory, in);
}

static struct weir_value
result(const void *state, const enum weir_type *args, const struct weir_window_span *window)
{
	return (struct weir_value){ .type = WEIR_INT, .i = weir_distinct_get(state) };
}

const struct weir_agg_function weir_agg_approx_distinct = {
	.name = "approx_distinct",
	.synopsis = "approx_distinct(f)",
	.doc = "how many different values, of any type, in 4 KiB a group at most; exact up to 384, "
	       "then "
	       "with a standard error of 1.6 %, and within 5 % but for one in a thousand",
	.min_args = 1,
	.max_args = 1,
	.is_approximate = true,
	.memory_guess = 64,
	.check = check,
	.state_size = state_size,
	.update = update,
	.merge = merge,
	.drop = drop,
	.pieces = pieces,
	.write = write,
	.read = read,
	.result = result,
};
