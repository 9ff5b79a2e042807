/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/base/arith.h>

#include "fn.h"

#include <weir/base/poison.h> /* last */

extern const struct weir_agg_function weir_agg_ewma;

/*
 * s = a * s + (1 - a) * x, from s = the first x on. Had a part begun with the s of the part before
 * it, a^n (s - first) would have been added to its own: that is how they merge.
 */
struct ewma {
	uint64_t n;
	double a;
	double s;
	double first;
};

static int
check(const enum weir_type *args, unsigned n_args, enum weir_type *ret_type, struct weir_error *err)
{
	if (weir_agg_check_count(&weir_agg_ewma, n_args, err))
		return -EINVAL;
	if (args[0] != WEIR_FLOAT && args[0] != WEIR_INT)
		return weir_error_usage(err, "ewma(a, x): a must be a number, not %s %s",
		    args[0] == WEIR_IP ? "an" : "a", weir_type_name(args[0]));
	if (weir_agg_check_number(&weir_agg_ewma, args + 1, 2, err))
		return -EINVAL;
	*ret_type = args[1] == WEIR_DURATION ? WEIR_DURATION : WEIR_FLOAT;
	return 0;
}

static uint32_t
state_size(const enum weir_type *args, unsigned n_args)
{
	return sizeof(struct ewma);
}

WEIR_AGG_INLINE void
take(struct ewma *s, double a, double x)
{
	s->a = a;
	if (s->n++ == 0)
		s->s = s->first = x;
	else
		s->s = a * s->s + (1 - a) * x;
}

WEIR_AGG_INLINE void
take_ints(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *c, double a,
    enum weir_store store)
{
	const void *data = c->data;
	uint8_t *group;
	uint32_t r;

	WEIR_AGG_FOR_EACH (rows, c, r, group)
		take((void *)(group + offset), a, (double)weir_agg_int(data, r, store));
}

static void
take_floats(
    const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *c, double a)
{
	const double *data = c->data;
	uint8_t *group;
	uint32_t r;

	WEIR_AGG_FOR_EACH (rows, c, r, group)
		if (data[r] == data[r])
			take((void *)(group + offset), a, data[r]);
}

/* The constant, from the first row: it is the same in all. */
static double
constant(const struct weir_column *c, uint32_t row)
{
	switch (c->store) {
	case WEIR_F64:
		return ((const double *)c->data)[row];
	default:
		return (double)((const int64_t *)c->data)[row];
	}
}

static void
update(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *const *args)
{
	const struct weir_column *c = args[1];
	double a;

	if (rows->n == 0)
		return;
	a = constant(args[0], rows->row[0]);
	if (c->store == WEIR_F64) {
		take_floats(rows, offset, c, a);
		return;
	}
#define BODY(store) take_ints(rows, offset, c, a, store)
	WEIR_AGG_BY_INT_STORE(c, BODY);
#undef BODY
}

static double
power(double a, uint64_t n)
{
	double p = 1;

	for (; n; n >>= 1, a *= a)
		p = n & 1 ? p * a : p;
	return p;
}

static void
merge(void *dst, const void *src, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	struct ewma *d = dst;
	const struct ewma *s = src;

	if (s->n == 0)
		return;
	if (d->n == 0) {
		*d = *s;
		return;
	}
	d->s = s->s + power(s->a, s->n) * (d->s - s->first);
	d->n += s->n;
}

static struct weir_value
result(const void *state, const enum weir_type *args, const struct weir_window_span *window)
{
	const struct ewma *s = state;

	if (s->n == 0)
		return weir_agg_null(args[1] == WEIR_DURATION ? WEIR_DURATION : WEIR_FLOAT);
	if (args[1] == WEIR_DURATION)
		return (struct weir_value){ .type = WEIR_DURATION, .i = weir_round_i64(s->s) };
	return (struct weir_value){ .type = WEIR_FLOAT, .f = s->s };
}

const struct weir_agg_function weir_agg_ewma = {
	.name = "ewma",
	.synopsis = "ewma(a, x)",
	.doc = "exponentially weighted moving average, s = a*s + (1-a)*x in the order of packets, "
	       "from the first x on; a is a constant from 0 to 1; null where there is no value",
	.min_args = 2,
	.max_args = 2,
	.needs_order = true,
	.constant_arg = 1,
	.constant_min = 0,
	.constant_max = 1,
	.check = check,
	.state_size = state_size,
	.update = update,
	.merge = merge,
	.result = result,
};
