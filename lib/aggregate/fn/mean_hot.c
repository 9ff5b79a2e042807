/* SPDX-License-Identifier: BSD-3-Clause */
#include "exact.h"

#include <weir/base/poison.h> /* last */

extern const struct weir_agg_function weir_agg_mean;

struct mean_int {
	uint64_t n;
	struct weir_sum_int sum;
};

struct mean_float {
	uint64_t n;
	struct weir_sum_float sum;
};

static int
check(const enum weir_type *args, unsigned n_args, enum weir_type *ret_type, struct weir_error *err)
{
	if (weir_agg_check_number(&weir_agg_mean, args, n_args, err))
		return -EINVAL;
	*ret_type = args[0] == WEIR_DURATION ? WEIR_DURATION : WEIR_FLOAT;
	return 0;
}

static uint32_t
state_size(const enum weir_type *args, unsigned n_args)
{
	return args[0] == WEIR_FLOAT ? sizeof(struct mean_float) : sizeof(struct mean_int);
}

WEIR_AGG_INLINE void
take_ints(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *c,
    enum weir_store store)
{
	const void *data = c->data;
	uint8_t *group;
	uint32_t r;

	WEIR_AGG_FOR_EACH (rows, c, r, group) {
		struct mean_int *s = (void *)(group + offset);
		int64_t x = weir_agg_int(data, r, store);

		s->n++;
		weir_sum_int_add(&s->sum, x);
	}
}

static void
take_floats(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *c)
{
	const double *data = c->data;
	uint8_t *group;
	uint32_t r;

	WEIR_AGG_FOR_EACH (rows, c, r, group) {
		struct mean_float *s = (void *)(group + offset);

		if (data[r] != data[r])
			continue;
		s->n++;
		weir_sum_float_add(&s->sum, data[r]);
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
		struct mean_float *d = dst;
		const struct mean_float *s = src;

		d->n += s->n;
		weir_sum_float_merge(&d->sum, &s->sum);
	} else {
		struct mean_int *d = dst;
		const struct mean_int *s = src;

		d->n += s->n;
		weir_sum_int_merge(&d->sum, &s->sum);
	}
}

static bool
unmerge(void *dst, const void *src, const enum weir_type *args)
{
	struct mean_int *d = dst;
	const struct mean_int *s = src;

	if (args[0] == WEIR_FLOAT)
		return false;
	d->n -= s->n;
	weir_sum_int_unmerge(&d->sum, &s->sum);
	return true;
}

static bool
is_sound(const void *state, const enum weir_type *args)
{
	if (args[0] == WEIR_FLOAT)
		return weir_sum_float_is_sound(&((const struct mean_float *)state)->sum);
	return weir_sum_int_is_sound(&((const struct mean_int *)state)->sum);
}

static struct weir_value
result(const void *state, const enum weir_type *args, const struct weir_window_span *window)
{
	const struct mean_float *f = state;
	const struct mean_int *i = state;

	if (*(const uint64_t *)state == 0)
		return weir_agg_null(args[0] == WEIR_DURATION ? WEIR_DURATION : WEIR_FLOAT);
	if (args[0] == WEIR_DURATION)
		return (struct weir_value){
			.type = WEIR_DURATION,
			.i = weir_divide_round(weir_sum_int_get(&i->sum), i->n),
		};
	return (struct weir_value){
		.type = WEIR_FLOAT,
		.f = args[0] == WEIR_FLOAT
			 ? weir_sum_float_get(&f->sum) / (double)f->n
			 : (double)((long double)weir_sum_int_get(&i->sum) / (long double)i->n),
	};
}

const struct weir_agg_function weir_agg_mean = {
	.name = "mean",
	.synopsis = "mean(x)",
	.doc = "arithmetic mean; null where there is no value",
	.min_args = 1,
	.max_args = 1,
	.check = check,
	.state_size = state_size,
	.update = update,
	.merge = merge,
	.unmerge = unmerge,
	.is_sound = is_sound,
	.result = result,
};
