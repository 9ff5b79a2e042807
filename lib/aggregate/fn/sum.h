/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_SUM_H
#define WEIR_AGGREGATE_SUM_H

#include "exact.h"

/* The state of sum and rate. NaN is taken for null. */

WEIR_AGG_INLINE uint32_t
weir_sum_state_size(const enum weir_type *args, unsigned n_args)
{
	return args[0] == WEIR_FLOAT ? sizeof(struct weir_sum_float) : sizeof(struct weir_sum_int);
}

WEIR_AGG_INLINE void
weir_sum_ints(uint8_t *base, uint32_t stride, const uint32_t *group, const uint64_t *take,
    const void *data, enum weir_store store)
{
	WEIR_FOR_EACH_BIT (r, take)
		weir_sum_int_add(
		    weir_agg_state(base, stride, group, r), weir_agg_int(data, r, store));
}

WEIR_AGG_INLINE void
weir_sum_update(uint8_t *base, uint32_t stride, const uint32_t *group, const uint64_t *sel,
    uint32_t n, const struct weir_column *const *args, const int64_t *time_ns, int64_t first_number)
{
	const struct weir_column *c = args[0];
	uint64_t take[WEIR_MASK_WORDS];

	weir_agg_take(take, sel, n, c);
	if (c->store == WEIR_F64) {
		const double *data = c->data;

		WEIR_FOR_EACH_BIT (r, take)
			if (data[r] == data[r])
				weir_sum_float_add(weir_agg_state(base, stride, group, r), data[r]);
		return;
	}
#define BODY(store) weir_sum_ints(base, stride, group, take, c->data, store)
	WEIR_AGG_BY_INT_STORE(c, BODY);
#undef BODY
}

WEIR_AGG_INLINE void
weir_sum_merge(void *dst, const void *src, const enum weir_type *args)
{
	if (args[0] == WEIR_FLOAT)
		weir_sum_float_merge(dst, src);
	else
		weir_sum_int_merge(dst, src);
}

#endif
