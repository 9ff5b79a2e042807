/* SPDX-License-Identifier: BSD-3-Clause */
#include "quantile.h"

#include <weir/base/poison.h> /* last */

extern const struct weir_agg_function weir_agg_quantile;

/* Which quantile comes with the rows, the same each time. */
struct state {
	struct weir_quantile sketch;
	double q;
};

static int
check(const enum weir_type *args, unsigned n_args, enum weir_type *ret_type, struct weir_error *err)
{
	if (weir_quantile_check(&weir_agg_quantile, args, n_args, ret_type, err))
		return -EINVAL;
	if (args[1] != WEIR_FLOAT && args[1] != WEIR_INT)
		return weir_error_usage(
		    err, "quantile(x,q): q must be a number from 0 to 1, as 0.95");
	return 0;
}

static uint32_t
state_size(const enum weir_type *args, unsigned n_args)
{
	return sizeof(struct state);
}

WEIR_AGG_INLINE double
share_of(const struct weir_column *c, uint32_t row)
{
	return c->store == WEIR_F64 ? ((const double *)c->data)[row]
				    : (double)weir_agg_int(c->data, row, c->store);
}

static void
update(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *const *args)
{
	uint8_t *group;
	uint32_t r;

	weir_quantile_update(rows, offset, args);
	WEIR_AGG_FOR_EACH (rows, args[1], r, group)
		((struct state *)(void *)(group + offset))->q = share_of(args[1], r);
}

static void
merge(void *dst, const void *src, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	const struct state *s = src;
	struct state *d = dst;

	d->q = s->q > d->q ? s->q : d->q;
	weir_quantile_merge(&d->sketch, memory, &s->sketch);
}

/* Which quantile goes with every piece: merged is the largest. */
static void
write(
    const void *state, const enum weir_type *args, uint64_t first, uint64_t n, struct weir_out *out)
{
	const struct state *s = state;
	uint64_t bits;

	memcpy(&bits, &s->q, sizeof(bits));
	weir_words_write(out, &bits, 1);
	weir_quantile_write(&s->sketch, first, n, out);
}

static bool
read(void *state, const enum weir_type *args, struct weir_sketch_memory *memory, struct weir_in *in)
{
	struct state *s = state;
	uint64_t bits;

	if (!weir_words_read(in, &bits, 1))
		return false;
	memcpy(&s->q, &bits, sizeof(bits));
	if (!(s->q >= 0 && s->q <= 1)) {
		weir_in_spoil(in);
		return false;
	}
	return weir_quantile_read(&s->sketch, memory, args[0] == WEIR_FLOAT, in);
}

static struct weir_value
result(const void *state, const enum weir_type *args, const struct weir_window_span *window)
{
	const struct state *s = state;

	return weir_quantile_value(&s->sketch, args, s->q);
}

const struct weir_agg_function weir_agg_quantile = {
	.name = "quantile",
	.synopsis = "quantile(x,q)",
	.doc = "the least value that a share q of the values (0 to 1, a constant) does not exceed; "
	       "within 0.4 % of its size (integers up to 255: exact); null where there is none",
	.min_args = 2,
	.max_args = 2,
	.is_approximate = true,
	.constant_arg = 2,
	.constant_min = 0,
	.constant_max = 1,
	.memory_guess = WEIR_QUANTILE_GUESS,
	.check = check,
	.state_size = state_size,
	.update = update,
	.merge = merge,
	.drop = weir_quantile_drop_state,
	.pieces = weir_quantile_pieces,
	.write = write,
	.read = read,
	.result = result,
};
