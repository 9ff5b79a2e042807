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

/*
 * Narrow, unsigned integers: half of the state, and the same results. A sum that only grows and is
 * shown as INT64_MAX from there on may stay at INT64_MAX: neither the order of its terms nor
 * merging can tell.
 */
static uint32_t
small_size(const enum weir_type *args, unsigned n_args)
{
	return sizeof(uint64_t);
}

WEIR_AGG_INLINE uint64_t
held(uint64_t x)
{
	return x < INT64_MAX ? x : INT64_MAX;
}

WEIR_AGG_INLINE void
add_small(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *c,
    enum weir_store store)
{
	const void *data = c->data;
	uint8_t *group;
	uint32_t r;

	WEIR_AGG_FOR_EACH (rows, c, r, group) {
		uint64_t *s = (void *)(group + offset);
		uint64_t x = *s + (uint64_t)weir_agg_int(data, r, store);

		*s = held(x);
	}
}

static void
update_small(
    const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *const *args)
{
#define BODY(store) add_small(rows, offset, args[0], store)
	WEIR_AGG_BY_NARROW_STORE(args[0], BODY);
#undef BODY
}

/* No row is null. */
WEIR_AGG_INLINE void
add_small_and_count(const struct weir_agg_loop *l, uint32_t offset, uint32_t count_offset,
    const void *data, enum weir_store store)
{
	for (uint32_t k = 0; k < l->n; k++) {
		uint64_t *s = (void *)(l->group[k] + offset);
		uint64_t *count = (void *)(l->group[k] + count_offset);
		uint64_t x = *s + (uint64_t)weir_agg_int(data, l->row[k], store);

		*s = held(x);
		++*count;
	}
}

static void
update_small_and_count(const struct weir_agg_rows *rows, uint32_t offset, uint32_t count_offset,
    const struct weir_column *const *args)
{
	const struct weir_agg_loop l = weir_agg_loop(rows, args[0]);

	if (l.null) {
		update_small(rows, offset, args);
		weir_agg_count_rows(rows, count_offset);
		return;
	}
#define BODY(store) add_small_and_count(&l, offset, count_offset, args[0]->data, store)
	WEIR_AGG_BY_NARROW_STORE(args[0], BODY);
#undef BODY
}

static void
merge_small(
    void *dst, const void *src, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	uint64_t *d = dst;

	*d = held(*d + *(const uint64_t *)src);
}

/* Held at the end, it does not tell by how much it would be beyond. */
static bool
unmerge_small(void *dst, const void *src, const enum weir_type *args)
{
	uint64_t *d = dst;

	if (*d == INT64_MAX)
		return false;
	*d -= *(const uint64_t *)src;
	return true;
}

static bool
is_sound_small(const void *state, const enum weir_type *args)
{
	return *(const uint64_t *)state <= INT64_MAX;
}

static struct weir_value
result_small(const void *state, const enum weir_type *args, const struct weir_window_span *window)
{
	return (struct weir_value){ .type = WEIR_INT, .i = *(const int64_t *)state };
}

static const struct weir_agg_function small = {
	.name = "sum",
	.is_result = true,
	.state_size = small_size,
	.update = update_small,
	.update_and_count = update_small_and_count,
	.merge = merge_small,
	.unmerge = unmerge_small,
	.is_sound = is_sound_small,
	.result = result_small,
};

static const struct weir_agg_function *
for_stores(const enum weir_store *stores, unsigned n_args)
{
	switch (stores[0]) {
	case WEIR_U8:
	case WEIR_U16:
	case WEIR_U32:
		return &small;
	default:
		return &weir_agg_sum;
	}
}

const struct weir_agg_function weir_agg_sum = {
	.name = "sum",
	.synopsis = "sum(x)",
	.doc = "sum, exact; 0 where there is nothing to add; held at the ends of 64 bits",
	.min_args = 1,
	.max_args = 1,
	.check = check,
	.state_size = weir_sum_state_size,
	.for_stores = for_stores,
	.update = weir_sum_update,
	.merge = weir_sum_merge,
	.unmerge = weir_sum_unmerge,
	.is_sound = weir_sum_is_sound,
	.result = result,
};
