/* SPDX-License-Identifier: BSD-3-Clause */
#include "any.h"

#include <weir/base/poison.h> /* last */

extern const struct weir_agg_function weir_agg_changes;

/* How often a value differs from the one before it, with the first and the last one to merge by. */
struct changes {
	uint64_t n;
	struct weir_any ends[]; /* two, each as long as its type needs */
};

/* The same of strings, which are kept whole in the memory of the pane. */
struct text {
	uint8_t *p;
	uint32_t len;
	uint32_t is_set;
};

struct text_changes {
	uint64_t n;
	struct text first, last;
};

static int
check(const enum weir_type *args, unsigned n_args, enum weir_type *ret_type, struct weir_error *err)
{
	if (weir_agg_check_count(&weir_agg_changes, n_args, err))
		return -EINVAL;
	*ret_type = WEIR_INT;
	return 0;
}

static uint32_t
text_state_size(const enum weir_type *args, unsigned n_args)
{
	return sizeof(struct text_changes);
}

static uint32_t
state_size(const enum weir_type *args, unsigned n_args)
{
	return (uint32_t)sizeof(struct changes) + 2 * weir_any_size(args[0]);
}

WEIR_AGG_INLINE struct weir_any *
first_of(struct changes *s)
{
	return s->ends;
}

WEIR_AGG_INLINE struct weir_any *
last_of(struct changes *s, uint32_t any_size)
{
	return (void *)((uint8_t *)s->ends + any_size);
}

WEIR_AGG_INLINE void
take(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *c,
    enum weir_store store)
{
	const uint32_t any_size = weir_any_size(store == WEIR_ADDR ? WEIR_IP : WEIR_INT);
	uint8_t *group;
	uint32_t r;

	WEIR_AGG_FOR_EACH (rows, c, r, group) {
		struct changes *s = (void *)(group + offset);
		struct weir_any *last = last_of(s, any_size);

		if (!weir_any_counts(c, r, store))
			continue;
		if (!last->is_set)
			weir_any_set(first_of(s), c, r, store);
		else if (weir_any_compare(c, r, last, store) == 0)
			continue;
		else
			s->n++;
		weir_any_set(last, c, r, store);
	}
}

static void
update(const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *const *args)
{
	const struct weir_column *c = args[0];

	if (c->store == WEIR_F64) {
		take(rows, offset, c, WEIR_F64);
		return;
	}
	if (c->store == WEIR_ADDR) {
		take(rows, offset, c, WEIR_ADDR);
		return;
	}
#define BODY(store) take(rows, offset, c, store)
	WEIR_AGG_BY_INT_STORE(c, BODY);
#undef BODY
}

static void
merge(void *dst, const void *src, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	const uint32_t any_size = weir_any_size(args[0]);
	struct changes *d = dst;
	const struct changes *s = src;
	struct weir_any *last = last_of(d, any_size);

	if (!s->ends[0].is_set)
		return;
	if (!last->is_set) {
		memcpy(d, s, state_size(args, 1));
		return;
	}
	d->n += s->n + (weir_any_compare_states(last, s->ends, args[0]) != 0);
	memcpy(last, (const uint8_t *)s->ends + any_size, any_size);
}

/* Keep a string in place of the one that is there. False where there is no memory. */
static bool
keep(struct text *t, const uint8_t *p, uint32_t len, struct weir_sketch_memory *memory)
{
	bool fits = t->p && len && weir_sketch_class(t->len) == weir_sketch_class(len);
	uint8_t *to = fits ? t->p : NULL;

	if (!fits && len) {
		to = weir_sketch_get(memory, len);
		if (!to) {
			memory->n_short++;
			return false;
		}
	}
	if (!fits && t->p)
		weir_sketch_put(memory, t->p, t->len);
	if (len)
		memcpy(to, p, len);
	*t = (struct text){ to, len, 1 };
	return true;
}

WEIR_AGG_INLINE bool
is_same(const struct text *t, const uint8_t *p, uint32_t len)
{
	return t->len == len && (len == 0 || memcmp(t->p, p, len) == 0);
}

/* A string that finds no memory is left out. */
static void
text_update(
    const struct weir_agg_rows *rows, uint32_t offset, const struct weir_column *const *args)
{
	const struct weir_bytes *data = args[0]->data;
	uint8_t *group;
	uint32_t r;

	WEIR_AGG_FOR_EACH (rows, args[0], r, group) {
		struct text_changes *s = (void *)(group + offset);
		bool is_first = !s->last.is_set;

		if (!is_first && is_same(&s->last, data[r].p, data[r].len))
			continue;
		if (is_first && !keep(&s->first, data[r].p, data[r].len, rows->memory))
			continue;
		if (keep(&s->last, data[r].p, data[r].len, rows->memory))
			s->n += !is_first;
	}
}

static void
text_merge(
    void *dst, const void *src, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	struct text_changes *d = dst;
	const struct text_changes *s = src;

	if (!s->last.is_set)
		return;
	if (!d->last.is_set) {
		if (!keep(&d->first, s->first.p, s->first.len, memory))
			return;
	} else {
		d->n += !is_same(&d->last, s->first.p, s->first.len);
	}
	d->n += s->n;
	(void)keep(&d->last, s->last.p, s->last.len, memory);
}

static void
drop_text(struct text *t, struct weir_sketch_memory *memory)
{
	if (t->p)
		weir_sketch_put(memory, t->p, t->len);
	*t = (struct text){ 0 };
}

static void
text_drop(void *state, const enum weir_type *args, struct weir_sketch_memory *memory)
{
	struct text_changes *s = state;

	drop_text(&s->first, memory);
	drop_text(&s->last, memory);
}

/* Whole alone: the first and the last belong together. */
static uint64_t
text_pieces(const void *state, const enum weir_type *args)
{
	return 1;
}

static void
text_write(
    const void *state, const enum weir_type *args, uint64_t first, uint64_t n, struct weir_out *out)
{
	const struct text_changes *s = state;
	const struct weir_bytes ends[] = { { s->first.p, s->first.len },
		{ s->last.p, s->last.len } };

	weir_out_byte(out, n && s->last.is_set);
	if (!n || !s->last.is_set)
		return;
	weir_out_number(out, s->n);
	weir_strings_write(out, ends, 2);
}

static bool
text_read(
    void *state, const enum weir_type *args, struct weir_sketch_memory *memory, struct weir_in *in)
{
	struct text_changes *s = state;
	struct weir_bytes ends[2];
	uint8_t is_set = weir_in_byte(in);

	if (is_set > 1)
		weir_in_spoil(in);
	if (in->is_bad || !is_set)
		return !in->is_bad;
	s->n = weir_in_number(in);
	if (!weir_strings_read(in, ends, 2))
		return false;
	/* One without the other is left out, as where rows come. */
	if (!keep(&s->first, ends[0].p, ends[0].len, memory) ||
	    !keep(&s->last, ends[1].p, ends[1].len, memory))
		text_drop(s, args, memory);
	return true;
}

static bool
is_sound(const void *state, const enum weir_type *args)
{
	const struct weir_any *first = ((const struct changes *)state)->ends;
	const struct weir_any *last =
	    (const void *)((const uint8_t *)first + weir_any_size(args[0]));

	return first->is_set == last->is_set && weir_any_is_sound(first, args[0]) &&
	       weir_any_is_sound(last, args[0]);
}

static struct weir_value
result(const void *state, const enum weir_type *args, const struct weir_window_span *window)
{
	return (struct weir_value){ .type = WEIR_INT, .i = (int64_t) * (const uint64_t *)state };
}

static const struct weir_agg_function changes_fixed = {
	.name = "changes",
	.needs_order = true,
	.check = check,
	.state_size = state_size,
	.update = update,
	.merge = merge,
	.is_sound = is_sound,
	.result = result,
};

static const struct weir_agg_function *
for_stores(const enum weir_store *stores, unsigned n_args)
{
	return stores[0] == WEIR_BYTES ? &weir_agg_changes : &changes_fixed;
}

const struct weir_agg_function weir_agg_changes = {
	.name = "changes",
	.synopsis = "changes(x)",
	.doc = "how often x differs from the x before it in the order of packets; of any type",
	.min_args = 1,
	.max_args = 1,
	.needs_order = true,
	.memory_guess = 64,
	.check = check,
	.state_size = text_state_size,
	.for_stores = for_stores,
	.update = text_update,
	.merge = text_merge,
	.drop = text_drop,
	.pieces = text_pieces,
	.write = text_write,
	.read = text_read,
	.result = result,
};
