/* SPDX-License-Identifier: BSD-3-Clause */
#include "sum.h"

#include <weir/base/poison.h> /* last */

extern const struct weir_agg_function weir_agg_sum;

static int
check(const enum weir_type *args, unsigned n_args, enum weir_type *ret_type, struct weir_error *err)
{
	if (weir_agg_check_number(&weir_agg_sum, args, n_args, err))
		return -EINVAL;
	*ret_type = args[0] == WEIR_BOOL ? WEIR_INT : args[0];
	return 0;
}

static struct weir_value
result(const void *state, const enum weir_type *args, const struct weir_window_span *window)
{
	if (args[0] == WEIR_FLOAT)
		return (struct weir_value){ .type = WEIR_FLOAT, .f = weir_sum_float_get(state) };
	return (struct weir_value){
		.type = args[0] == WEIR_BOOL ? WEIR_INT : args[0],
		.i = weir_saturate(weir_sum_int_get(state)),
	};
}

const struct weir_agg_function weir_agg_sum = {
	.name = "sum",
	.synopsis = "sum(x)",
	.doc = "sum, exact; 0 where there is nothing to add; held at the ends of 64 bits",
	.min_args = 1,
	.max_args = 1,
	.check = check,
	.state_size = weir_sum_state_size,
	.update = weir_sum_update,
	.merge = weir_sum_merge,
	.result = result,
};
