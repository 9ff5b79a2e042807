/* SPDX-License-Identifier: BSD-3-Clause */
#include "edge.h"

#include <weir/base/poison.h> /* last */

extern const struct weir_agg_function weir_agg_last;

static int
check(const enum weir_type *args, unsigned n_args, enum weir_type *ret_type, struct weir_error *err)
{
	return weir_agg_check_any(&weir_agg_last, args, n_args, ret_type, err);
}

static void
update(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *const *args)
{
	weir_edge_update(rows, offset, args[0], true);
}

static void
merge(void *dst, const void *src, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	weir_edge_merge(dst, src, args, true);
}

static bool
is_sound(const void *state, const enum weir_type *args)
{
	return weir_any_is_sound(&((const struct weir_edge *)state)->value, args[0]);
}

static struct weir_value
result(const void *state, const enum weir_type *args, const struct weir_window_span *window)
{
	return weir_any_value(&((const struct weir_edge *)state)->value, args[0]);
}

const struct weir_agg_function weir_agg_last = {
	.name = "last",
	.synopsis = "last(x)",
	.doc = "last value by time and then frame number, of any type; null where there is none; "
	       "strings "
	       "are cut at 256 bytes",
	.min_args = 1,
	.max_args = 1,
	.check = check,
	.state_size = weir_edge_state_size,
	.update = update,
	.merge = merge,
	.is_sound = is_sound,
	.result = result,
};
