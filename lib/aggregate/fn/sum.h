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
weir_sum_ints(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *c,
    enum weir_store store)
{
	const void *data = c->data;
	uint8_t *group;
	uint32_t r;

	WEIR_AGG_FOR_EACH (rows, c, r, group)
		weir_sum_int_add((void *)(group + offset), weir_agg_int(data, r, store));
}

WEIR_AGG_INLINE void
weir_sum_floats(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *c)
{
	const double *data = c->data;
	uint8_t *group;
	uint32_t r;

	WEIR_AGG_FOR_EACH (rows, c, r, group)
		if (data[r] == data[r])
			weir_sum_float_add((void *)(group + offset), data[r]);
}

WEIR_AGG_INLINE void
weir_sum_update(
    const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *const *args)
{
	const struct weir_column *c = args[0];

	if (c->store == WEIR_F64) {
		weir_sum_floats(rows, offset, c);
		return;
	}
#define BODY(store) weir_sum_ints(rows, offset, c, store)
	WEIR_AGG_BY_INT_STORE(c, BODY);
#undef BODY
}

WEIR_AGG_INLINE void
weir_sum_merge(
    void *dst, const void *src, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	if (args[0] == WEIR_FLOAT)
		weir_sum_float_merge(dst, src);
	else
		weir_sum_int_merge(dst, src);
}

WEIR_AGG_INLINE bool
weir_sum_is_sound(const void *state, const enum weir_type *args)
{
	return args[0] == WEIR_FLOAT ? weir_sum_float_is_sound(state)
				     : weir_sum_int_is_sound(state);
}

/* What is too large for a float's sum leaves no trace of how often it came. */
WEIR_AGG_INLINE bool
weir_sum_unmerge(void *dst, const void *src, const enum weir_type *args)
{
	if (args[0] == WEIR_FLOAT)
		return false;
	weir_sum_int_unmerge(dst, src);
	return true;
}

#endif
