/* SPDX-License-Identifier: BSD-3-Clause */
#include "values.h"

#include <weir/base/poison.h> /* last */

extern const struct weir_agg_function weir_agg_entropy;

static int
check(const enum weir_type *args, unsigned n_args, enum weir_type *ret_type, struct weir_error *err)
{
	if (weir_agg_check_count(&weir_agg_entropy, n_args, err))
		return -EINVAL;
	*ret_type = WEIR_FLOAT;
	return 0;
}

static uint32_t
state_size(const enum weir_type *args, unsigned n_args)
{
	return weir_values_n_bags(args, 1) * (uint32_t)sizeof(struct weir_bag);
}

static void
update(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *const *args)
{
	weir_values_update(rows, offset, args, 1, true);
}

static void
merge(void *dst, const void *src, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	weir_values_merge(dst, src, weir_values_n_bags(args, 1), memory, true);
}

static void
drop(void *state, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	weir_values_drop(state, weir_values_n_bags(args, 1), memory, true);
}

static uint64_t
pieces(const void *state, const enum weir_type *args)
{
	return weir_values_pieces(state, weir_values_n_bags(args, 1));
}

static void
write(
    const void *state, const enum weir_type *args, uint64_t first, uint64_t n, struct weir_out *out)
{
	weir_values_write(state, weir_values_n_bags(args, 1), first, n, out, true);
}

static bool
read(void *state, const enum weir_type *args, struct weir_sketch_memory *memory, struct weir_in *in)
{
	return weir_values_read(state, args, 1, memory, in, true);
}

static struct weir_value
result(const void *state, const enum weir_type *args, const struct weir_window_span *window)
{
	double bits = weir_bag_entropy(state, weir_values_n_bags(args, 1));

	if (bits != bits)
		return weir_agg_null(WEIR_FLOAT);
	return (struct weir_value){ .type = WEIR_FLOAT, .f = bits };
}

const struct weir_agg_function weir_agg_entropy = {
	.name = "entropy",
	.synopsis = "entropy(x)",
	.doc = "Shannon entropy in bits of the values, of any type: 0 where all are one, log2(n) "
	       "where "
	       "n are as frequent; null where there is none",
	.min_args = 1,
	.max_args = 1,
	.memory_guess = 128,
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
