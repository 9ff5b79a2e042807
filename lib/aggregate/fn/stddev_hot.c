/* SPDX-License-Identifier: BSD-3-Clause */
#include "exact.h"

#include <weir/base/poison.h> /* last */

extern const struct weir_agg_function weir_agg_stddev;

struct stddev_int {
	uint64_t n;
	struct weir_sum_int sum;
	uint64_t squares[3]; /* sum of squares, least first */
};

struct stddev_float {
	uint64_t n;
	struct weir_sum_float sum;
	struct weir_sum_float squares;
};

static int
check(const enum weir_type *args, unsigned n_args, enum weir_type *ret_type, struct weir_error *err)
{
	if (weir_agg_check_number(&weir_agg_stddev, args, n_args, err))
		return -EINVAL;
	*ret_type = args[0] == WEIR_DURATION ? WEIR_DURATION : WEIR_FLOAT;
	return 0;
}

static uint32_t
state_size(const enum weir_type *args, unsigned n_args)
{
	return args[0] == WEIR_FLOAT ? sizeof(struct stddev_float) : sizeof(struct stddev_int);
}

WEIR_AGG_INLINE void
add_wide(uint64_t to[3], uint64_t lo, uint64_t mid, uint64_t hi)
{
	bool carry = __builtin_add_overflow(to[0], lo, &to[0]);
	bool over = __builtin_add_overflow(to[1], mid, &to[1]);

	over |= __builtin_add_overflow(to[1], (uint64_t)carry, &to[1]);
	to[2] += hi + over;
}

WEIR_AGG_INLINE void
take_ints(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *c,
    enum weir_store store)
{
	const void *data = c->data;
	uint8_t *group;
	uint32_t r;

	WEIR_AGG_FOR_EACH (rows, c, r, group) {
		struct stddev_int *s = (void *)(group + offset);
		int64_t x = weir_agg_int(data, r, store);
		unsigned __int128 square = (unsigned __int128)((__int128)x * x);

		s->n++;
		weir_sum_int_add(&s->sum, x);
		add_wide(s->squares, (uint64_t)square, (uint64_t)(square >> 64), 0);
	}
}

static void
take_floats(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *c)
{
	const double *data = c->data;
	uint8_t *group;
	uint32_t r;

	WEIR_AGG_FOR_EACH (rows, c, r, group) {
		struct stddev_float *s = (void *)(group + offset);

		if (data[r] != data[r])
			continue;
		s->n++;
		weir_sum_float_add(&s->sum, data[r]);
		weir_sum_float_add_square(&s->squares, data[r]);
	}
}

static void
update(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *const *args)
{
	const struct weir_column *c = args[0];

	if (c->store == WEIR_F64) {
		take_floats(rows, offset, c);
		return;
	}
#define BODY(store) take_ints(rows, offset, c, store)
	WEIR_AGG_BY_INT_STORE(c, BODY);
#undef BODY
}

static void
merge(void *dst, const void *src, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	if (args[0] == WEIR_FLOAT) {
		struct stddev_float *d = dst;
		const struct stddev_float *s = src;

		d->n += s->n;
		weir_sum_float_merge(&d->sum, &s->sum);
		weir_sum_float_merge(&d->squares, &s->squares);
	} else {
		struct stddev_int *d = dst;
		const struct stddev_int *s = src;

		d->n += s->n;
		weir_sum_int_merge(&d->sum, &s->sum);
		add_wide(d->squares, s->squares[0], s->squares[1], s->squares[2]);
	}
}

static double
of_floats(const struct stddev_float *s)
{
	uint64_t sum[WEIR_EXACT_LIMBS];

	if (s->sum.infinite || s->squares.infinite)
		return __builtin_inf();
	weir_sum_float_magnitude(&s->sum, sum);
	return weir_exact_stddev(s->n, sum, WEIR_EXACT_LIMBS, WEIR_EXACT_POINT, s->squares.limb,
	    WEIR_EXACT_LIMBS, WEIR_EXACT_POINT);
}

static double
of_ints(const struct stddev_int *s)
{
	__int128 x = weir_sum_int_get(&s->sum);
	unsigned __int128 m = x < 0 ? -(unsigned __int128)x : (unsigned __int128)x;
	uint64_t sum[2] = { (uint64_t)m, (uint64_t)(m >> 64) };

	return weir_exact_stddev(s->n, sum, 2, 0, s->squares, 3, 0);
}

static bool
is_sound(const void *state, const enum weir_type *args)
{
	if (args[0] == WEIR_FLOAT)
		return weir_sum_float_is_sound(&((const struct stddev_float *)state)->sum) &&
		       weir_sum_float_is_sound(&((const struct stddev_float *)state)->squares);
	return weir_sum_int_is_sound(&((const struct stddev_int *)state)->sum);
}

static struct weir_value
result(const void *state, const enum weir_type *args, const struct weir_window_span *window)
{
	double x;

	if (*(const uint64_t *)state == 0)
		return weir_agg_null(args[0] == WEIR_DURATION ? WEIR_DURATION : WEIR_FLOAT);
	x = args[0] == WEIR_FLOAT ? of_floats(state) : of_ints(state);
	if (args[0] != WEIR_DURATION)
		return (struct weir_value){ .type = WEIR_FLOAT, .f = x };
	/* At most half the range of 64 bits, so it fits; rounded to whole nanoseconds. */
	return (struct weir_value){
		.type = WEIR_DURATION,
		.i = x < 0x1p63 ? (int64_t)__builtin_floor(x + 0.5) : INT64_MAX,
	};
}

const struct weir_agg_function weir_agg_stddev = {
	.name = "stddev",
	.synopsis = "stddev(x)",
	.doc = "standard deviation of the population; null where there is no value",
	.min_args = 1,
	.max_args = 1,
	.check = check,
	.state_size = state_size,
	.update = update,
	.merge = merge,
	.is_sound = is_sound,
	.result = result,
};
