/* SPDX-License-Identifier: BSD-3-Clause */
#include "top.h"
#include "values.h"

#include <weir/base/poison.h> /* last */

extern const struct weir_agg_function weir_agg_topk;

/* A state: bags of the values, and behind them k, which comes with the rows, the same each time. */

static int
check(const enum weir_type *args, unsigned n_args, enum weir_type *ret_type, struct weir_error *err)
{
	if (weir_agg_check_count(&weir_agg_topk, n_args, err))
		return -EINVAL;
	if (args[0] != WEIR_INT)
		return weir_error_usage(err, "topk(k,x): k must be an integer from 1 to 100");
	*ret_type = WEIR_STRING;
	return 0;
}

WEIR_AGG_INLINE unsigned
n_bags(const enum weir_type *args)
{
	return weir_values_n_bags(args + 1, 1);
}

WEIR_AGG_INLINE uint64_t *
k_of(void *state, const enum weir_type *args)
{
	return (uint64_t *)(void *)((struct weir_bag *)state + n_bags(args));
}

static uint32_t
state_size(const enum weir_type *args, unsigned n_args)
{
	return n_bags(args) * (uint32_t)sizeof(struct weir_bag) + (uint32_t)sizeof(uint64_t);
}

static void
update(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *const *args)
{
	const enum weir_type types[] = { args[0]->type, args[1]->type };
	uint8_t *group;
	uint32_t r;

	weir_values_update(rows, offset, args + 1, 1, true);
	WEIR_AGG_FOR_EACH (rows, args[0], r, group)
		*k_of(group + offset, types) =
		    (uint64_t)weir_agg_int(args[0]->data, r, args[0]->store);
}

static void
merge(void *dst, const void *src, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	const uint64_t *k = (const void *)((const struct weir_bag *)src + n_bags(args));

	if (*k > *k_of(dst, args))
		*k_of(dst, args) = *k;
	weir_values_merge(dst, src, n_bags(args), memory, true);
}

static void
drop(void *state, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	weir_values_drop(state, n_bags(args), memory, true);
}

static uint64_t
pieces(const void *state, const enum weir_type *args)
{
	return weir_values_pieces(state, n_bags(args));
}

/* k goes with every piece: merged is the largest. */
static void
write(
    const void *state, const enum weir_type *args, uint64_t first, uint64_t n, struct weir_out *out)
{
	const uint64_t *k = (const void *)((const struct weir_bag *)state + n_bags(args));

	weir_out_number(out, *k);
	weir_values_write(state, n_bags(args), first, n, out, true);
}

static bool
read(void *state, const enum weir_type *args, struct weir_sketch_memory *memory, struct weir_in *in)
{
	uint64_t k = weir_in_number(in);

	if (k > WEIR_TOP_MAX)
		weir_in_spoil(in);
	*k_of(state, args) = k;
	return weir_values_read(state, args + 1, 1, memory, in, true);
}

static bool
text(const void *state, const enum weir_type *args, struct weir_strbuf *ret)
{
	const uint64_t *k = (const void *)((const struct weir_bag *)state + n_bags(args));

	return weir_top_text(state, n_bags(args), args[1], (unsigned)*k, ret);
}

const struct weir_agg_function weir_agg_topk = {
	.name = "topk",
	.synopsis = "topk(k,x)",
	.doc = "the k most frequent values (1 to 100, a constant), of any type, as text: "
	       "\"value=count ...\"; null where there is none",
	.min_args = 2,
	.max_args = 2,
	.constant_arg = 1,
	.constant_min = 1,
	.constant_max = WEIR_TOP_MAX,
	.memory_guess = 128,
	.check = check,
	.state_size = state_size,
	.update = update,
	.merge = merge,
	.drop = drop,
	.pieces = pieces,
	.write = write,
	.read = read,
	.text = text,
};
