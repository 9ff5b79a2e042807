/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <weir/base/strbuf.h>
#include <weir/base/time.h>

#include "pane.h"

/* The groups of a pane as rows of a block. */

/* Where one table's rows go in a block. */
struct unpacking {
	const struct weir_pane *pane;
	const struct weir_table *table;
	struct weir_block *block;
	const uint32_t *order; /* [n] numbers of groups, the table's first being `first`, or NULL */
	uint32_t first, n;     /* rows of the table */
	uint32_t at;           /* row of the block */
};

/* The i-th of the rows. */
static uint8_t *
row_at(const struct unpacking *u, uint32_t i)
{
	uint32_t row = u->order ? u->order[i] - u->first : u->first + i;

	return u->table->rows + (size_t)row * u->table->shape->stride;
}

static uint64_t
key_word(const struct unpacking *u, uint32_t row, uint32_t word, uint32_t shift)
{
	return weir_row_key(u->pane->layout, row_at(u, row))[word] >> shift;
}

/* Unpack one key of all rows to the block's column, whose store is as wide as its type. */
#define UNPACK(to_type, expression)                                                                \
	do {                                                                                       \
		to_type *data = (to_type *)c->data + u->at;                                        \
		for (uint32_t i = 0; i < u->n; i++) {                                              \
			uint64_t x = key_word(u, i, place->word, place->shift);                    \
			data[i] = (to_type)(expression);                                           \
		}                                                                                  \
	} while (0)

static double
float_of(uint64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static int
unpack_strings(const struct unpacking *u, const struct weir_key_place *place, struct weir_column *c)
{
	const struct weir_layout *l = u->pane->layout;
	const struct weir_table *t = u->table;
	struct weir_bytes *data = (struct weir_bytes *)c->data + u->at;

	for (uint32_t i = 0; i < u->n; i++) {
		uint8_t *row = row_at(u, i);
		uint32_t len = (uint32_t)key_word(u, i, place->word, 0);
		const uint8_t *bytes = weir_block_keep(
		    u->block, weir_row_strings(l, t->shape, row)[place->pointer], len);

		if (!bytes)
			return -ENOMEM;
		data[i] = (struct weir_bytes){ .p = bytes, .len = len };
	}
	return 0;
}

static void
unpack_addresses(
    const struct unpacking *u, const struct weir_key_place *place, struct weir_column *c)
{
	bool is_narrow = u->table->shape == &u->pane->layout->shapes[WEIR_SHAPE_NARROW];
	struct weir_addr *data = (struct weir_addr *)c->data + u->at;

	for (uint32_t i = 0; i < u->n; i++) {
		uint64_t x = key_word(u, i, place->word, place->shift);

		if (is_narrow) {
			data[i] = (struct weir_addr){ 0, (uint32_t)x };
			c->version[u->at + i] = 4;
			continue;
		}
		data[i] = (struct weir_addr){ x, key_word(u, i, place->word + 1, 0) };
		c->version[u->at + i] =
		    (uint8_t)key_word(u, i, place->version_word, place->version_shift);
	}
}

/* None of the rows is null. */
static void
clear_nulls(const struct unpacking *u, struct weir_column *c)
{
	uint32_t row = u->at, end = u->at + u->n;

	for (; row < end && row % 64; row++)
		weir_mask_clear(c->null, row);
	for (; end - row >= 64; row += 64)
		c->null[row / 64] = 0;
	for (; row < end; row++)
		weir_mask_clear(c->null, row);
}

static int
unpack_key(const struct unpacking *u, unsigned key)
{
	const struct weir_key_place *place = &u->table->shape->places[key];
	struct weir_column *c = &u->block->columns[key];

	clear_nulls(u, c);
	switch (u->pane->layout->keys[key].store) {
	case WEIR_U8:
		if (c->store == WEIR_U8)
			UNPACK(uint8_t, x);
		else
			UNPACK(int64_t, (uint8_t)x);
		break;
	case WEIR_U16:
		UNPACK(int64_t, (uint16_t)x);
		break;
	case WEIR_U32:
		UNPACK(int64_t, (uint32_t)x);
		break;
	case WEIR_I64:
		UNPACK(int64_t, x);
		break;
	case WEIR_F64:
		UNPACK(double, float_of(x));
		break;
	case WEIR_ADDR:
		unpack_addresses(u, place, c);
		break;
	case WEIR_BYTES:
		return unpack_strings(u, place, c);
	case WEIR_N_STORES:
		break;
	}
	return 0;
}

/* The results of a state that is its result. */
static void
unpack_integers(const struct unpacking *u, uint32_t offset, struct weir_column *c)
{
	int64_t *data = (int64_t *)c->data + u->at;

	for (uint32_t i = 0; i < u->n; i++)
		memcpy(&data[i], row_at(u, i) + offset, sizeof(*data));
	clear_nulls(u, c);
}

/* The results of a state that is shown as text. */
static int
unpack_texts(const struct unpacking *u, const struct weir_agg_slot *s, unsigned column)
{
	struct weir_strbuf text = { 0 };
	int rc = 0;

	for (uint32_t r = 0; !rc && r < u->n; r++) {
		struct weir_value v = { .type = WEIR_STRING };

		text.len = 0;
		v.is_null = !s->function->text(row_at(u, r) + s->offset, s->arg_types, &text);
		v.s = (struct weir_bytes){ (const uint8_t *)text.p, (uint32_t)text.len };
		rc = weir_block_set(u->block, u->at + r, column, &v);
	}
	weir_strbuf_free(&text);
	return rc;
}

/* The variables of a fold: a column each. */
static int
unpack_variables(const struct unpacking *u, const struct weir_agg_slot *s, unsigned column)
{
	for (unsigned v = 0; v < s->n_results; v++)
		for (uint32_t r = 0; r < u->n; r++) {
			struct weir_value x = weir_fold_value(s->fold, row_at(u, r) + s->offset, v);

			if (weir_block_set(u->block, u->at + r, column + v, &x))
				return -ENOMEM;
		}
	return 0;
}

static struct weir_window_span
own_span(const struct unpacking *u, uint32_t i)
{
	const struct weir_group_window *w = weir_row_window(row_at(u, i));

	return (struct weir_window_span){ w->first_ns, w->last_ns };
}

/* The windows of a list's groups. */
static void
unpack_windows(const struct unpacking *u)
{
	for (uint32_t i = 0; i < u->n; i++) {
		struct weir_window_span span = own_span(u, i);

		u->block->row_start_ns[u->at + i] = span.start_ns;
		u->block->row_end_ns[u->at + i] = span.end_ns;
	}
}

static int
unpack_values(const struct unpacking *u, const struct weir_agg_slot *s, unsigned column,
    const struct weir_window_span *span)
{
	for (uint32_t r = 0; r < u->n; r++) {
		struct weir_window_span own = u->pane->is_list ? own_span(u, r) : *span;
		struct weir_value v =
		    s->function->result(row_at(u, r) + s->offset, s->arg_types, &own);

		if (weir_block_set(u->block, u->at + r, column, &v))
			return -ENOMEM;
	}
	return 0;
}

static int
unpack_results(const struct unpacking *u, const struct weir_window_span *span)
{
	const struct weir_layout *l = u->pane->layout;
	unsigned column = l->n_keys;
	int rc = 0;

	for (unsigned i = 0; !rc && i < l->n_aggs; i++) {
		const struct weir_agg_slot *s = &l->slots[i];

		if (s->fold)
			rc = unpack_variables(u, s, column);
		else if (s->function->is_result)
			unpack_integers(u, s->offset, &u->block->columns[column]);
		else if (s->function->text)
			rc = unpack_texts(u, s, column);
		else
			rc = unpack_values(u, s, column, span);
		column += s->n_results;
	}
	return rc;
}

/* Few at a time, so that they stay in the cache from column to column. */
static int
unpack(const struct unpacking *all, const struct weir_window_span *span)
{
	struct unpacking u = *all;

	for (uint32_t done = 0; done < all->n; done += u.n) {
		u.n = all->n - done < WEIR_ROWS ? all->n - done : WEIR_ROWS;
		u.at = all->at + done;
		if (all->order)
			u.order = all->order + done;
		else
			u.first = all->first + done;
		if (u.pane->is_list)
			unpack_windows(&u);
		for (unsigned k = 0; k < u.pane->layout->n_keys; k++)
			if (unpack_key(&u, k))
				return -ENOMEM;
		if (unpack_results(&u, span))
			return -ENOMEM;
	}
	return 0;
}

/* Groups in order of their keys: as many as lie in one table at a time. */
static int
unpack_ordered(struct unpacking *u, uint32_t first, uint32_t n, const struct weir_window_span *span)
{
	const uint32_t *order = u->pane->order;
	uint32_t n_wide = u->pane->tables[WEIR_SHAPE_WIDE].n_rows;

	for (uint32_t end = first + n; first < end; first += u->n, u->at += u->n) {
		bool is_wide = order[first] < n_wide;

		u->table = &u->pane->tables[is_wide ? WEIR_SHAPE_WIDE : WEIR_SHAPE_NARROW];
		u->order = order + first;
		u->first = is_wide ? 0 : n_wide;
		u->n = 1;
		while (u->n < end - first && (order[first + u->n] < n_wide) == is_wide)
			u->n++;
		if (unpack(u, span))
			return -ENOMEM;
	}
	return 0;
}

static int
unpack_as_they_lie(
    struct unpacking *u, uint32_t first, uint32_t n, const struct weir_window_span *span)
{
	for (unsigned s = 0; s < u->pane->layout->n_shapes; s++) {
		u->table = &u->pane->tables[s];
		u->first = first < u->table->n_rows ? first : u->table->n_rows;
		u->n = n < u->table->n_rows - u->first ? n : u->table->n_rows - u->first;
		if (unpack(u, span))
			return -ENOMEM;
		u->at += u->n;
		n -= u->n;
		first -= u->first;
	}
	return 0;
}

int
weir_pane_some(const struct weir_pane *p, unsigned shape, uint8_t *const *group, uint32_t n,
    bool wants_keys, bool wants_results, struct weir_block *b)
{
	const struct weir_table *t = &p->tables[shape];
	struct weir_window_span span = { p->window.start_ns, p->window.end_ns };
	uint32_t order[WEIR_ROWS];
	struct unpacking u = { .pane = p, .table = t, .block = b, .order = order, .n = n };

	for (uint32_t i = 0; i < n; i++)
		order[i] = (uint32_t)((size_t)(group[i] - t->rows) / t->shape->stride);
	for (unsigned k = 0; wants_keys && k < p->layout->n_keys; k++)
		if (unpack_key(&u, k))
			return -ENOMEM;
	if (wants_results && unpack_results(&u, &span))
		return -ENOMEM;
	b->n_rows = n;
	return 0;
}

int
weir_pane_rows(const struct weir_pane *p, uint32_t first, uint32_t n, struct weir_block *b)
{
	const struct weir_layout *l = p->layout;
	struct weir_window_span span = { p->window.start_ns, p->window.end_ns };
	struct unpacking u = { .pane = p, .block = b, .at = b->n_rows };
	uint32_t all = weir_pane_n_rows(p);

	if (l->window.kind == WEIR_WINDOW_GLOBAL)
		span = (struct weir_window_span){ p->first_ns, p->last_ns };
	first = first < all ? first : all;
	n = n < all - first ? n : all - first;
	if (weir_block_reserve(b, n) || (p->is_list && weir_block_own_windows(b)))
		return -ENOMEM;
	if (p->order ? unpack_ordered(&u, first, n, &span)
		     : unpack_as_they_lie(&u, first, n, &span))
		return -ENOMEM;
	for (uint32_t r = b->n_rows; !p->is_list && b->row_start_ns && r < u.at; r++) {
		b->row_start_ns[r] = span.start_ns;
		b->row_end_ns[r] = span.end_ns;
	}
	b->n_rows = u.at;
	if (p->is_list)
		return 0;
	b->window_start_ns = span.start_ns;
	b->window_end_ns = span.end_ns;
	return 0;
}
