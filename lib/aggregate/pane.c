/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/strbuf.h>
#include <weir/base/time.h>

#include "level.h"
#include "overflow.h"

const struct weir_pane_window weir_pane_window_all = { INT64_MIN, INT64_MAX, INT64_MAX };

static int
need_memory(struct weir_pane *p)
{
	p->memory = malloc(sizeof(*p->memory));
	if (!p->memory)
		return -ENOMEM;
	weir_sketch_memory_init(p->memory, p->layout->state_seed, p->layout->max_state_bytes);
	return 0;
}

struct weir_pane *
weir_pane_create(struct weir_layout *l)
{
	struct weir_pane *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->layout = weir_layout_hold(l);
	if (l->has_drop && need_memory(p)) {
		weir_pane_destroy(p);
		return NULL;
	}
	for (unsigned s = 0; s < l->n_shapes; s++)
		if (weir_table_init(&p->tables[s], l, &l->shapes[s])) {
			weir_pane_destroy(p);
			return NULL;
		}
	p->window = weir_pane_window_all;
	p->first_ns = WEIR_TIME_NONE;
	p->last_ns = WEIR_TIME_NONE;
	return p;
}

void
weir_pane_destroy(struct weir_pane *p)
{
	if (!p)
		return;
	for (unsigned s = 0; s < p->layout->n_shapes; s++)
		weir_table_fini(&p->tables[s], p->layout);
	weir_pane_forget_order(p);
	if (p->memory)
		weir_sketch_memory_fini(p->memory);
	free(p->memory);
	weir_layout_release(p->layout);
	free(p);
}

void
weir_pane_clear(struct weir_pane *p)
{
	for (unsigned s = 0; s < p->layout->n_shapes; s++)
		weir_table_clear(&p->tables[s], p->layout);
	weir_pane_forget_order(p);
	if (p->memory)
		weir_sketch_memory_clear(p->memory);
	p->level = 0;
	p->is_list = false;
	p->step = 0;
	p->floor = 0;
	p->lost = 0;
	p->undercount = 0;
	p->window = weir_pane_window_all;
	p->first_ns = WEIR_TIME_NONE;
	p->last_ns = WEIR_TIME_NONE;
	p->batch = 0;
}

uint32_t
weir_pane_n_groups(const struct weir_pane *p)
{
	return weir_pane_n_rows(p);
}

uint64_t
weir_pane_lost(const struct weir_pane *p)
{
	return p->lost;
}

double
weir_pane_sampling(const struct weir_pane *p)
{
	return 1.0 / (double)(UINT64_C(1) << p->level);
}

uint64_t
weir_pane_undercount(const struct weir_pane *p)
{
	return p->floor + p->undercount;
}

uint64_t
weir_pane_short(const struct weir_pane *p)
{
	return p->memory ? p->memory->n_short : 0;
}

uint64_t
weir_pane_bytes(const struct weir_pane *p)
{
	uint64_t n = sizeof(*p);

	for (unsigned s = 0; s < p->layout->n_shapes; s++)
		n += weir_table_bytes(&p->tables[s], p->layout);
	if (p->memory)
		n += sizeof(*p->memory) + p->memory->bytes;
	return n + (uint64_t)p->n_ordered * sizeof(*p->order);
}

int64_t
weir_pane_start(const struct weir_pane *p)
{
	if (p->is_list)
		return p->first_ns;
	return p->layout->window.kind == WEIR_WINDOW_GLOBAL ? INT64_MIN : p->window.start_ns;
}

int64_t
weir_pane_end(const struct weir_pane *p)
{
	return p->is_list ? p->last_ns : p->window.end_ns;
}

struct weir_pane *
weir_pane_create_like(const struct weir_pane *p)
{
	return weir_pane_create(p->layout);
}

void
weir_pane_set_window(struct weir_pane *p, int64_t start_ns, int64_t end_ns)
{
	p->window.start_ns = start_ns;
	p->window.end_ns = end_ns;
	p->window.last_ns = end_ns == INT64_MAX ? INT64_MAX : end_ns - 1;
}

bool
weir_pane_is_list(const struct weir_pane *p)
{
	return p->is_list;
}

static void
merge_states(const struct weir_layout *l, const struct weir_table *src, uint32_t first, uint32_t n,
    const struct weir_found *found, struct weir_sketch_memory *memory, uint64_t *ret_lost)
{
	for (uint32_t k = 0; k < n; k++) {
		const uint8_t *from = src->rows + (size_t)(first + k) * src->shape->stride;

		if (!found->group[k]) { /* not in the sample, or no place */
			*ret_lost += weir_row_count(l, from);
			continue;
		}
		for (unsigned i = 0; i < l->n_slots; i++) {
			const struct weir_agg_slot *s = &l->slots[i];
			uint8_t *to = found->group[k] + s->offset;

			if (s->fold)
				weir_fold_take_over(s->fold, to, from + s->offset);
			else
				s->function->merge(to, from + s->offset, s->arg_types, memory);
		}
	}
}

/* Under evict and sample dst may grow beyond its size, and is trimmed when all has been merged. */
static int
merge_table(const struct weir_layout *l, struct weir_table *dst, const struct weir_table *src,
    uint32_t max_rows, struct weir_keys *keys, struct weir_sketch_memory *memory,
    uint64_t *ret_lost)
{
	struct weir_found found;

	for (uint32_t first = 0; first < src->n_rows; first += WEIR_ROWS) {
		uint32_t left = src->n_rows - first;
		uint32_t n = left < WEIR_ROWS ? left : WEIR_ROWS;

		weir_keys_of_rows(l, dst, src, first, n, keys);
		l->level->guess(dst, keys, 0, n, found.row);
		if (l->level->find(dst, l, keys, 0, n, max_rows, &found) < n)
			return -ENOMEM;
		if (found.n_none && dst->level == 0 && l->overflow != WEIR_OVERFLOW_DROP)
			return -ENOMEM;
		merge_states(l, src, first, n, &found, memory, ret_lost);
	}
	return 0;
}

/* How many rows one of its tables may have while another pane is merged into it. */
static uint32_t
most_rows(const struct weir_pane *p, unsigned shape)
{
	if (p->layout->overflow != WEIR_OVERFLOW_DROP)
		return WEIR_TABLE_MAX_ROWS;
	return p->layout->max_rows - (weir_pane_n_rows(p) - p->tables[shape].n_rows);
}

static void
merge_span(struct weir_pane *dst, const struct weir_pane *src)
{
	if (src->first_ns != WEIR_TIME_NONE &&
	    (dst->first_ns == WEIR_TIME_NONE || src->first_ns < dst->first_ns))
		dst->first_ns = src->first_ns;
	if (src->last_ns > dst->last_ns)
		dst->last_ns = src->last_ns;
}

int
weir_pane_merge(struct weir_pane *dst, const struct weir_pane *src)
{
	const struct weir_layout *l = dst->layout;
	struct weir_keys keys;
	int rc = weir_keys_init(&keys, l);

	weir_pane_halve_to(dst, src->level, &dst->lost);
	for (unsigned s = 0; !rc && s < l->n_shapes; s++) {
		weir_table_drop_base(&dst->tables[s], l); /* no more rows will be fed */
		rc = merge_table(l, &dst->tables[s], &src->tables[s], most_rows(dst, s), &keys,
		    dst->memory, &dst->lost);
	}
	weir_keys_fini(&keys);
	if (rc)
		return rc;
	dst->lost += src->lost;
	if (dst->memory)
		dst->memory->n_short += src->memory->n_short;
	dst->undercount += weir_pane_undercount(src);
	merge_span(dst, src);
	return weir_pane_trim(dst, &dst->lost);
}

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

static int
unpack_key(const struct unpacking *u, unsigned key)
{
	const struct weir_key_place *place = &u->table->shape->places[key];
	struct weir_column *c = &u->block->columns[key];

	for (uint32_t i = 0; i < u->n; i++)
		weir_mask_clear(c->null, u->at + i);
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

	for (uint32_t i = 0; i < u->n; i++) {
		memcpy(&data[i], row_at(u, i) + offset, sizeof(*data));
		weir_mask_clear(c->null, u->at + i);
	}
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
