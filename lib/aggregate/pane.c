/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
	free(p->origin);
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
	weir_pane_forget_origin(p);
	p->is_clear = true;
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
	n += p->origin ? sizeof(*p->origin) : 0;
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

const struct weir_origin *
weir_pane_origin(const struct weir_pane *p)
{
	return p->origin;
}

struct weir_origin *
weir_pane_need_origin(struct weir_pane *p)
{
	if (!p->origin)
		p->origin = calloc(1, sizeof(*p->origin));
	return p->origin;
}

void
weir_pane_forget_origin(struct weir_pane *p)
{
	if (p->origin)
		weir_origin_forget(p->origin);
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
merge_slot(const struct weir_agg_slot *s, uint8_t *row, const uint8_t *from,
    struct weir_sketch_memory *memory)
{
	if (s->fold)
		weir_fold_take_over(s->fold, row + s->offset, from + s->offset);
	else
		s->function->merge(row + s->offset, from + s->offset, s->arg_types, memory);
}

/* Rows of src, first to first + n. One aggregate after the other where all have a group. */
static void
merge_states(const struct weir_layout *l, const struct weir_table *src, uint32_t first, uint32_t n,
    const struct weir_found *found, struct weir_sketch_memory *memory, uint64_t *ret_lost)
{
	const uint8_t *rows = src->rows + (size_t)first * src->shape->stride;
	size_t stride = src->shape->stride;

	for (uint32_t k = 0; found->n_none && k < n; k++) {
		const uint8_t *from = rows + k * stride;

		if (!found->group[k]) /* not in the sample, or no place */
			*ret_lost += weir_row_count(l, from);
		for (unsigned i = 0; found->group[k] && i < l->n_slots; i++)
			merge_slot(&l->slots[i], found->group[k], from, memory);
	}
	for (unsigned i = 0; !found->n_none && i < l->n_slots; i++)
		for (uint32_t k = 0; k < n; k++)
			merge_slot(&l->slots[i], found->group[k], rows + k * stride, memory);
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
		if (found.n_none && dst->level == 0 &&
		    (l->overflow != WEIR_OVERFLOW_DROP || l->count_offset == WEIR_NO_COUNT))
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

	weir_pane_forget_order(dst);
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
	if (src->origin && weir_pane_need_origin(dst))
		weir_origin_merge(dst->origin, src->origin);
	return weir_pane_trim(dst, &dst->lost);
}
