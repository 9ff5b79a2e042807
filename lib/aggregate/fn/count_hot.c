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
count_true(uint8_t *base, uint32_t stride, const uint32_t *group, const uint64_t *take,
    const void *data, enum weir_store store)
{
	WEIR_FOR_EACH_BIT (r, take)
		*(uint64_t *)weir_agg_state(base, stride, group, r) +=
		    weir_agg_int(data, r, store) != 0;
}

static void
update(uint8_t *base, uint32_t stride, const uint32_t *group, const uint64_t *sel, uint32_t n,
    const struct weir_column *const *args, const int64_t *time_ns, int64_t first_number)
{
	uint64_t take[WEIR_MASK_WORDS];

	if (!args) {
		WEIR_FOR_EACH_BIT (r, sel)
			++*(uint64_t *)weir_agg_state(base, stride, group, r);
		return;
	}
	weir_agg_take(take, sel, n, args[0]);
#define BODY(store) count_true(base, stride, group, take, args[0]->data, store)
	WEIR_AGG_BY_INT_STORE(args[0], BODY);
#undef BODY
}

static void
merge(void *dst, const void *src, const enum weir_type *args)
{
	*(uint64_t *)dst += *(const uint64_t *)src;
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
	.check = check,
	.state_size = state_size,
	.update = update,
	.merge = merge,
	.result = result,
};
