/* SPDX-License-Identifier: BSD-3-Clause */
#include "extreme.h"

#include <weir/base/poison.h> /* last */

extern const struct weir_agg_function weir_agg_max;

static int
check(const enum weir_type *args, unsigned n_args, enum weir_type *ret_type, struct weir_error *err)
{
	return weir_agg_check_any(&weir_agg_max, args, n_args, ret_type, err);
}

static void
update(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *const *args)
{
	weir_extreme_update(rows, offset, args[0], true);
}

static void
merge(void *dst, const void *src, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	weir_extreme_merge(dst, src, args[0], true);
}

static bool
is_sound(const void *state, const enum weir_type *args)
{
	return weir_any_is_sound(state, args[0]);
}

static struct weir_value
result(const void *state, const enum weir_type *args, const struct weir_window_span *window)
{
	return weir_any_value(state, args[0]);
}

const struct weir_agg_function weir_agg_max = {
	.name = "max",
	.synopsis = "max(x)",
	.doc = "largest value, of any type; null where there is none; strings are cut at 256 bytes",
	.min_args = 1,
	.max_args = 1,
	.check = check,
	.state_size = weir_extreme_state_size,
	.update = update,
	.merge = merge,
	.is_sound = is_sound,
	.result = result,
};
