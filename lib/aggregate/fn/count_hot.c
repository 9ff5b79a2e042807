/* SPDX-License-Identifier: BSD-3-Clause */
#include "fn.h"

#include <weir/base/poison.h> /* last */

extern const struct weir_agg_function weir_agg_count;

static int
check(const enum weir_type *args, unsigned n_args, enum weir_type *ret_type, struct weir_error *err)
{
	if (weir_agg_check_count(&weir_agg_count, n_args, err))
		return -EINVAL;
	if (n_args && args[0] != WEIR_BOOL && args[0] != WEIR_INT)
		return weir_agg_refuse(&weir_agg_count, "a condition", args[0], err);
	*ret_type = WEIR_INT;
	return 0;
}

static uint32_t
state_size(const enum weir_type *args, unsigned n_args)
{
	return sizeof(uint64_t);
}

WEIR_AGG_INLINE void
count_true(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *c,
    enum weir_store store)
{
	const void *data = c->data;
	uint8_t *group;
	uint32_t r;

	WEIR_AGG_FOR_EACH (rows, c, r, group)
		*(uint64_t *)(void *)(group + offset) += weir_agg_int(data, r, store) != 0;
}

static void
update(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *const *args)
{
	if (!args) {
		weir_agg_count_rows(rows, offset);
		return;
	}
#define BODY(store) count_true(rows, offset, args[0], store)
	WEIR_AGG_BY_INT_STORE(args[0], BODY);
#undef BODY
}

static void
merge(void *dst, const void *src, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	*(uint64_t *)dst += *(const uint64_t *)src;
}

static bool
unmerge(void *dst, const void *src, const enum weir_type *args)
{
	*(uint64_t *)dst -= *(const uint64_t *)src;
	return true;
}

static struct weir_value
result(const void *state, const enum weir_type *args, const struct weir_window_span *window)
{
	return (struct weir_value){ .type = WEIR_INT, .i = *(const int64_t *)state };
}

const struct weir_agg_function weir_agg_count = {
	.name = "count",
	.synopsis = "count([condition])",
	.doc = "rows; with a condition, the rows for which it is true",
	.max_args = 1,
	.is_result = true,
	.check = check,
	.state_size = state_size,
	.update = update,
	.merge = merge,
	.unmerge = unmerge,
	.result = result,
};
