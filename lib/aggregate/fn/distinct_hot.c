/* SPDX-License-Identifier: BSD-3-Clause */
#include "values.h"

#include <weir/base/poison.h> /* last */

extern const struct weir_agg_function weir_agg_distinct;

/*
 * With one argument the second type says nothing; a state is as long as the types say, so there are
 * two functions, of one argument and of two, with one name.
 */
static int
check(const enum weir_type *args, unsigned n_args, enum weir_type *ret_type, struct weir_error *err)
{
	if (weir_agg_check_count(&weir_agg_distinct, n_args, err))
		return -EINVAL;
	*ret_type = WEIR_INT;
	return 0;
}

static uint32_t
state_size(const enum weir_type *args, unsigned n_args)
{
	return weir_values_n_bags(args, n_args) * (uint32_t)sizeof(struct weir_bag);
}

static void
update_one(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *const *args)
{
	weir_values_update(rows, offset, args, 1, false);
}

static void
update_two(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *const *args)
{
	weir_values_update(rows, offset, args, 2, false);
}

static void
merge_one(void *dst, const void *src, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	weir_values_merge(dst, src, weir_values_n_bags(args, 1), memory, false);
}

static void
merge_two(void *dst, const void *src, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	weir_values_merge(dst, src, weir_values_n_bags(args, 2), memory, false);
}

static void
drop_one(void *state, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	weir_values_drop(state, weir_values_n_bags(args, 1), memory, false);
}

static void
drop_two(void *state, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	weir_values_drop(state, weir_values_n_bags(args, 2), memory, false);
}

static struct weir_value
count(const struct weir_bag *bags, unsigned n_bags)
{
	struct weir_value v = { .type = WEIR_INT };

	for (unsigned i = 0; i < n_bags; i++)
		v.i += (int64_t)weir_bag_count(&bags[i]);
	return v;
}

static struct weir_value
result_one(const void *state, const enum weir_type *args, const struct weir_window_span *window)
{
	return count(state, weir_values_n_bags(args, 1));
}

static struct weir_value
result_two(const void *state, const enum weir_type *args, const struct weir_window_span *window)
{
	return count(state, weir_values_n_bags(args, 2));
}

static uint64_t
pieces_one(const void *state, const enum weir_type *args)
{
	return weir_values_pieces(state, weir_values_n_bags(args, 1));
}

static void
write_one(
    const void *state, const enum weir_type *args, uint64_t first, uint64_t n, struct weir_out *out)
{
	weir_values_write(state, weir_values_n_bags(args, 1), first, n, out, false);
}

static bool
read_one(
    void *state, const enum weir_type *args, struct weir_sketch_memory *memory, struct weir_in *in)
{
	return weir_values_read(state, args, 1, memory, in, false);
}

static uint64_t
pieces_two(const void *state, const enum weir_type *args)
{
	return weir_values_pieces(state, weir_values_n_bags(args, 2));
}

static void
write_two(
    const void *state, const enum weir_type *args, uint64_t first, uint64_t n, struct weir_out *out)
{
	weir_values_write(state, weir_values_n_bags(args, 2), first, n, out, false);
}

static bool
read_two(
    void *state, const enum weir_type *args, struct weir_sketch_memory *memory, struct weir_in *in)
{
	return weir_values_read(state, args, 2, memory, in, false);
}

#define MEMORY_GUESS 64 /* of a group that has met a few values */

static const struct weir_agg_function two = {
	.name = "distinct",
	.state_size = state_size,
	.memory_guess = MEMORY_GUESS,
	.update = update_two,
	.merge = merge_two,
	.drop = drop_two,
	.pieces = pieces_two,
	.write = write_two,
	.read = read_two,
	.result = result_two,
};

static const struct weir_agg_function *
for_stores(const enum weir_store *stores, unsigned n_args)
{
	return n_args == 2 ? &two : &weir_agg_distinct;
}

const struct weir_agg_function weir_agg_distinct = {
	.name = "distinct",
	.synopsis = "distinct(f[,g])",
	.doc = "how many different values, or pairs of values, of any type; 0 of none",
	.min_args = 1,
	.max_args = 2,
	.memory_guess = MEMORY_GUESS,
	.check = check,
	.state_size = state_size,
	.for_stores = for_stores,
	.update = update_one,
	.merge = merge_one,
	.drop = drop_one,
	.pieces = pieces_one,
	.write = write_one,
	.read = read_one,
	.result = result_one,
};
