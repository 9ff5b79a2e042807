/* SPDX-License-Identifier: BSD-3-Clause */
#include "sum.h"

#include <weir/base/poison.h> /* last */

extern const struct weir_agg_function weir_agg_rate;

static int
check(const enum weir_type *args, unsigned n_args, enum weir_type *ret_type, struct weir_error *err)
{
	if (weir_agg_check_number(&weir_agg_rate, args, n_args, err))
		return -EINVAL;
	*ret_type = WEIR_FLOAT;
	return 0;
}

static struct weir_value
result(const void *state, const enum weir_type *args, const struct weir_window_span *window)
{
	long double sum;
	uint64_t length_ns;

	if (window->start_ns == WEIR_TIME_NONE || window->end_ns <= window->start_ns)
		return weir_agg_null(WEIR_FLOAT);
	/* The difference of two times always fits when it is unsigned. */
	length_ns = (uint64_t)window->end_ns - (uint64_t)window->start_ns;
	sum = args[0] == WEIR_FLOAT ? (long double)weir_sum_float_get(state)
				    : (long double)weir_sum_int_get(state);
	if (args[0] != WEIR_DURATION) /* else nanoseconds by nanoseconds */
		sum *= WEIR_NS_PER_S;
	return (struct weir_value){ .type = WEIR_FLOAT, .f = (double)(sum / length_ns) };
}

const struct weir_agg_function weir_agg_rate = {
	.name = "rate",
	.synopsis = "rate(x)",
	.doc = "sum per second of the window; null where the window has no length",
	.min_args = 1,
	.max_args = 1,
	.check = check,
	.state_size = weir_sum_state_size,
	.update = weir_sum_update,
	.merge = weir_sum_merge,
	.unmerge = weir_sum_unmerge,
	.is_sound = weir_sum_is_sound,
	.result = result,
};
