/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_QUANTILE_H
#define WEIR_AGGREGATE_QUANTILE_H

#include <weir/sketch/quantile.h>

#include "fn.h"

/* p50, p90, p99, p999 and quantile: one body. NaN is taken for null. */

#define WEIR_QUANTILE_GUESS 256 /* bytes of a group's buckets */

WEIR_AGG_INLINE int
weir_quantile_check(const struct weir_agg_function *f, const enum weir_type *args, unsigned n_args,
    enum weir_type *ret_type, struct weir_error *err)
{
	if (weir_agg_check_number(f, args, n_args, err))
		return -EINVAL;
	*ret_type = args[0] == WEIR_BOOL ? WEIR_INT : args[0];
	return 0;
}

WEIR_AGG_INLINE uint32_t
weir_quantile_state_size(const enum weir_type *args, unsigned n_args)
{
	return sizeof(struct weir_quantile);
}

WEIR_AGG_INLINE void
weir_quantile_ints(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *c,
    enum weir_store store)
{
	const void *data = c->data;
	uint8_t *group;
	uint32_t r;

	WEIR_AGG_FOR_EACH (rows, c, r, group)
		weir_quantile_add((void *)(group + offset), rows->memory,
		    weir_quantile_key_of_int(weir_agg_int(data, r, store)), 1);
}

WEIR_AGG_INLINE void
weir_quantile_floats(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *c)
{
	const double *data = c->data;
	uint8_t *group;
	uint32_t r;

	WEIR_AGG_FOR_EACH (rows, c, r, group)
		if (data[r] == data[r])
			weir_quantile_add((void *)(group + offset), rows->memory,
			    weir_quantile_key_of_float(data[r]), 1);
}

/* Have memory fetch the buckets: they are elsewhere than the group. */
WEIR_AGG_INLINE void
weir_quantile_prefetch(const struct weir_agg_rows *rows, uint32_t offset)
{
	for (uint32_t k = 0; k < rows->n; k++) {
		const struct weir_quantile *s = (const void *)(rows->group[k] + offset);

		__builtin_prefetch(s->buckets, 1);
	}
}

WEIR_AGG_INLINE void
weir_quantile_update(
    const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *const *args)
{
	const struct weir_column *c = args[0];

	weir_quantile_prefetch(rows, offset);
	if (c->store == WEIR_F64) {
		weir_quantile_floats(rows, offset, c);
		return;
	}
#define BODY(store) weir_quantile_ints(rows, offset, c, store)
	WEIR_AGG_BY_INT_STORE(c, BODY);
#undef BODY
}

WEIR_AGG_INLINE void
weir_quantile_merge_states(
    void *dst, const void *src, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	weir_quantile_merge(dst, memory, src);
}

WEIR_AGG_INLINE void
weir_quantile_drop_state(void *state, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	weir_quantile_drop(state, memory);
}

WEIR_AGG_INLINE uint64_t
weir_quantile_pieces(const void *state, const enum weir_type *args)
{
	return weir_quantile_places(state);
}

WEIR_AGG_INLINE void
weir_quantile_write_state(
    const void *state, const enum weir_type *args, uint64_t first, uint64_t n, struct weir_out *out)
{
	weir_quantile_write(state, first, n, out);
}

WEIR_AGG_INLINE bool
weir_quantile_read_state(
    void *state, const enum weir_type *args, struct weir_sketch_memory *memory, struct weir_in *in)
{
	return weir_quantile_read(state, memory, args[0] == WEIR_FLOAT, in);
}

WEIR_AGG_INLINE struct weir_value
weir_quantile_value(const struct weir_quantile *s, const enum weir_type *args, double q)
{
	struct weir_value v = { .type = args[0] == WEIR_BOOL ? WEIR_INT : args[0] };
	int32_t key;

	v.is_null = !weir_quantile_key(s, q, &key);
	if (v.is_null)
		return v;
	if (v.type == WEIR_FLOAT)
		v.f = weir_quantile_float(key);
	else
		v.i = weir_quantile_int(key);
	return v;
}

/* A function of one argument and a share that its name says. */
#define WEIR_QUANTILE_FUNCTION(function, text, share, described)                                   \
	extern const struct weir_agg_function function;                                            \
                                                                                                   \
	static int check(const enum weir_type *args, unsigned n_args, enum weir_type *ret_type,    \
	    struct weir_error *err)                                                                \
	{                                                                                          \
		return weir_quantile_check(&function, args, n_args, ret_type, err);                \
	}                                                                                          \
                                                                                                   \
	static struct weir_value result(                                                           \
	    const void *state, const enum weir_type *args, const struct weir_window_span *window)  \
	{                                                                                          \
		return weir_quantile_value(state, args, share);                                    \
	}                                                                                          \
                                                                                                   \
	const struct weir_agg_function function = {                                                \
		.name = text,                                                                      \
		.synopsis = text "(x)",                                                            \
		.doc = described ", as quantile has it: within 0.4 %",                             \
		.min_args = 1,                                                                     \
		.max_args = 1,                                                                     \
		.is_approximate = true,                                                            \
		.memory_guess = WEIR_QUANTILE_GUESS,                                               \
		.check = check,                                                                    \
		.state_size = weir_quantile_state_size,                                            \
		.update = weir_quantile_update,                                                    \
		.merge = weir_quantile_merge_states,                                               \
		.drop = weir_quantile_drop_state,                                                  \
		.pieces = weir_quantile_pieces,                                                    \
		.write = weir_quantile_write_state,                                                \
		.read = weir_quantile_read_state,                                                  \
		.result = result,                                                                  \
	}

#endif
