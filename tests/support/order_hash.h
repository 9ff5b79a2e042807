/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_TESTS_ORDER_HASH_H
#define WEIR_TESTS_ORDER_HASH_H

#include <string.h>

#include <weir/aggregate/function.h>

/*
 * order_hash(x): an aggregate for tests that changes with the order of its rows, and does not
 * merge. It is -1 where rows did not come by ascending frame number, or a group was put together
 * from parts. Programs that include this are linked with --wrap=weir_agg_function_find.
 */
struct order_hash {
	uint64_t hash;
	int64_t last; /* frame number */
	uint64_t n_wrong;
};

static int
order_hash_check(
    const enum weir_type *args, unsigned n_args, enum weir_type *ret_type, struct weir_error *err)
{
	*ret_type = WEIR_INT;
	return n_args == 1 && args[0] == WEIR_INT ? 0 : weir_error_usage(err, "order_hash(x)");
}

static uint32_t
order_hash_size(const enum weir_type *args, unsigned n_args)
{
	return sizeof(struct order_hash);
}

static void
order_hash_update(
    const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *const *args)
{
	for (uint32_t k = 0; k < rows->n; k++) {
		struct order_hash *s = (void *)(rows->group[k] + offset);
		uint32_t row = rows->row[k];
		int64_t number =
		    rows->number ? rows->number[row] : rows->first_number + (int64_t)row;
		struct weir_value v = weir_column_get(args[0], row);

		s->n_wrong += number <= s->last;
		s->last = number;
		s->hash = s->hash * 31 + (uint64_t)v.i + (uint64_t)number * 7919 + v.is_null;
	}
}

static void
order_hash_merge(
    void *dst, const void *src, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	struct order_hash *d = dst;

	if (d->last)
		d->n_wrong++;
	else
		memcpy(d, src, sizeof(*d));
}

static struct weir_value
order_hash_result(
    const void *state, const enum weir_type *args, const struct weir_window_span *window)
{
	const struct order_hash *s = state;
	int64_t good = (int64_t)(s->hash & INT64_MAX);

	return (struct weir_value){ .type = WEIR_INT, .i = s->n_wrong ? -1 : good };
}

static const struct weir_agg_function order_hash = {
	.name = "order_hash",
	.synopsis = "order_hash(x)",
	.doc = "of tests",
	.min_args = 1,
	.max_args = 1,
	.needs_order = true,
	.check = order_hash_check,
	.state_size = order_hash_size,
	.update = order_hash_update,
	.merge = order_hash_merge,
	.result = order_hash_result,
};

const struct weir_agg_function *__real_weir_agg_function_find(const char *name);
const struct weir_agg_function *__wrap_weir_agg_function_find(const char *name);

const struct weir_agg_function *
__wrap_weir_agg_function_find(const char *name)
{
	return strcmp(name, order_hash.name) == 0 ? &order_hash
						  : __real_weir_agg_function_find(name);
}

#endif
