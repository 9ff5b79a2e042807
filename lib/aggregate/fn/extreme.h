/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_EXTREME_H
#define WEIR_AGGREGATE_EXTREME_H

#include "any.h"

/* min and max: one body, with which of the two as a constant. */

WEIR_AGG_INLINE uint32_t
weir_extreme_state_size(const enum weir_type *args, unsigned n_args)
{
	return weir_any_size(args[0]);
}

WEIR_AGG_INLINE void
weir_extreme_rows(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *c,
    enum weir_store store, bool is_max)
{
	uint8_t *group;
	uint32_t r;

	WEIR_AGG_FOR_EACH (rows, c, r, group) {
		struct weir_any *s = (void *)(group + offset);
		int order;

		if (!weir_any_counts(c, r, store))
			continue;
		order = s->is_set ? weir_any_compare(c, r, s, store) : 0;
		if (!s->is_set || (is_max ? order > 0 : order < 0))
			weir_any_set(s, c, r, store);
	}
}

WEIR_AGG_INLINE void
weir_extreme_update(
    const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *c, bool is_max)
{
#define WEIR_EXTREME_BODY(store) weir_extreme_rows(rows, offset, c, store, is_max)
	WEIR_ANY_BY_STORE(c, WEIR_EXTREME_BODY);
#undef WEIR_EXTREME_BODY
}

WEIR_AGG_INLINE void
weir_extreme_merge(
    struct weir_any *dst, const struct weir_any *src, enum weir_type type, bool is_max)
{
	int order;

	if (!src->is_set)
		return;
	order = dst->is_set ? weir_any_compare_states(src, dst, type) : 0;
	if (!dst->is_set || (is_max ? order > 0 : order < 0))
		memcpy(dst, src, weir_any_size(type));
}

#endif
