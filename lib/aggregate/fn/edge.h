/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_EDGE_H
#define WEIR_AGGREGATE_EDGE_H

#include "any.h"

/*
 * first and last: one body, with which of the two as a constant. Order is event time and then the
 * number of the frame, not the order in which rows happen to come by: so merging gives the same
 * answer. A row without a time is before all others. Packets of several hosts may have one time and
 * one number: then it is the values that are compared, as bytes.
 */

struct weir_edge {
	int64_t time_ns;
	int64_t number;
	struct weir_any value; /* last: as long as its type needs */
};

WEIR_AGG_INLINE uint32_t
weir_edge_state_size(const enum weir_type *args, unsigned n_args)
{
	return (uint32_t)offsetof(struct weir_edge, value) + weir_any_size(args[0]);
}

WEIR_AGG_INLINE bool
weir_edge_is_nearer(int64_t time_ns, int64_t number, const struct weir_edge *than, bool is_last)
{
	if (time_ns != than->time_ns)
		return (time_ns > than->time_ns) == is_last;
	return number != than->number && (number > than->number) == is_last;
}

WEIR_AGG_INLINE void
weir_edge_rows(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *c,
    enum weir_store store, bool is_last)
{
	uint8_t *group;
	uint32_t r;

	WEIR_AGG_FOR_EACH (rows, c, r, group) {
		struct weir_edge *s = (void *)(group + offset);
		int64_t number = rows->number ? rows->number[r] : rows->first_number + (int64_t)r;
		int64_t time_ns = rows->time_ns[r];

		if (!weir_any_counts(c, r, store))
			continue;
		if (s->value.is_set && !weir_edge_is_nearer(time_ns, number, s, is_last))
			continue;
		s->time_ns = time_ns;
		s->number = number;
		weir_any_set(&s->value, c, r, store);
	}
}

WEIR_AGG_INLINE void
weir_edge_update(
    const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *c, bool is_last)
{
#define WEIR_EDGE_BODY(store) weir_edge_rows(rows, offset, c, store, is_last)
	WEIR_ANY_BY_STORE(c, WEIR_EDGE_BODY);
#undef WEIR_EDGE_BODY
}

WEIR_AGG_INLINE void
weir_edge_merge(
    struct weir_edge *dst, const struct weir_edge *src, const enum weir_type *args, bool is_last)
{
	bool is_tie = src->time_ns == dst->time_ns && src->number == dst->number;

	if (!src->value.is_set)
		return;
	if (dst->value.is_set && is_tie) {
		int order = memcmp(&src->value, &dst->value, weir_any_size(args[0]));

		if (order && (order > 0) == is_last)
			memcpy(dst, src, weir_edge_state_size(args, 1));
		return;
	}
	if (!dst->value.is_set || weir_edge_is_nearer(src->time_ns, src->number, dst, is_last))
		memcpy(dst, src, weir_edge_state_size(args, 1));
}

#endif
