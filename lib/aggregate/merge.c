/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/aggregate/part.h>
#include <weir/base/time.h>

#include "level.h"
#include "overflow.h"

/* Panes of one window become one. */

static void
merge_slot(const struct weir_agg_slot *s, uint8_t *row, const uint8_t *from,
    struct weir_sketch_memory *memory)
{
	if (s->fold)
		weir_fold_take_over(s->fold, row + s->offset, from + s->offset);
	else
		s->function->merge(row + s->offset, from + s->offset, s->arg_types, memory);
}

/* One aggregate after the other where all rows have a group. */
static void
merge_states(const struct weir_layout *l, uint8_t *const *rows, uint32_t n,
    const struct weir_found *found, struct weir_sketch_memory *memory, uint64_t *ret_lost)
{
	for (uint32_t k = 0; found->n_none && k < n; k++) {
		const uint8_t *from = rows[k];

		if (!found->group[k]) /* not in the sample, or no place */
			*ret_lost += weir_row_count(l, from);
		for (unsigned i = 0; found->group[k] && i < l->n_slots; i++)
			merge_slot(&l->slots[i], found->group[k], from, memory);
	}
	for (unsigned i = 0; !found->n_none && i < l->n_slots; i++)
		for (uint32_t k = 0; k < n; k++)
			merge_slot(&l->slots[i], found->group[k], rows[k], memory);
}

/* What is merged into one table of dst. */
struct merging {
	struct weir_pane *dst;
	struct weir_table *table;
	uint32_t max_rows;
	struct weir_keys *keys;
};

/*
 * Up to WEIR_ROWS rows of src. Under evict and sample dst may grow beyond its size, and is trimmed
 * when all has been merged.
 */
static int
merge_rows(
    const struct merging *m, const struct weir_shape *shape, uint8_t *const *rows, uint32_t n)
{
	const struct weir_layout *l = m->dst->layout;
	struct weir_found found;

	weir_keys_of_rows(l, m->table, shape, rows, n, m->keys);
	l->level->guess(m->table, m->keys, 0, n, found.row);
	if (l->level->find(m->table, l, m->keys, 0, n, m->max_rows, &found) < n)
		return -ENOMEM;
	if (found.n_none && m->table->level == 0 &&
	    (l->overflow != WEIR_OVERFLOW_DROP || l->count_offset == WEIR_NO_COUNT))
		return -ENOMEM;
	merge_states(l, rows, n, &found, m->dst->memory, &m->dst->lost);
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

/* All rows of a table, or those of some groups, of which the table's first is number first. */
static int
merge_table(const struct merging *m, const struct weir_table *src, const uint32_t *groups,
    uint32_t first, uint32_t n)
{
	uint8_t *rows[WEIR_ROWS];
	uint32_t held = 0;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < n; i++) {
		uint32_t row = groups ? groups[i] - first : i;

		if (row < src->n_rows) /* else of the other table */
			rows[held++] = src->rows + (size_t)row * src->shape->stride;
		if (held == WEIR_ROWS || (held && i + 1 == n)) {
			rc = merge_rows(m, src->shape, rows, held);
			held = 0;
		}
	}
	return rc;
}

static int
merge_groups(struct weir_pane *dst, const struct weir_pane *src, const uint32_t *groups, uint32_t n)
{
	const struct weir_layout *l = dst->layout;
	struct weir_keys keys;
	int rc = weir_keys_init(&keys, l);

	for (unsigned s = 0; !rc && s < l->n_shapes; s++) {
		const struct weir_table *from = &src->tables[s];
		const struct merging m = { dst, &dst->tables[s], most_rows(dst, s), &keys };
		uint32_t first = s ? src->tables[WEIR_SHAPE_WIDE].n_rows : 0;

		weir_table_drop_base(&dst->tables[s], l); /* no more rows will be fed */
		rc = merge_table(&m, from, groups, first, groups ? n : from->n_rows);
	}
	weir_keys_fini(&keys);
	return rc;
}

/* What a pane knows of its window, but for its groups. */
static void
merge_rest(struct weir_pane *dst, const struct weir_pane *src)
{
	dst->lost += src->lost;
	if (dst->memory)
		dst->memory->n_short += src->memory->n_short;
	dst->undercount += weir_pane_undercount(src);
	merge_span(dst, src);
	if (src->origin && weir_pane_need_origin(dst))
		weir_origin_merge(dst->origin, src->origin);
}

static int
merge(struct weir_pane *dst, const struct weir_pane *src, const uint32_t *groups, uint32_t n)
{
	int rc;

	weir_pane_forget_order(dst);
	weir_pane_halve_to(dst, src->level, &dst->lost);
	rc = merge_groups(dst, src, groups, n);
	if (!rc)
		merge_rest(dst, src);
	return rc;
}

int
weir_pane_merge(struct weir_pane *dst, const struct weir_pane *src)
{
	int rc = merge(dst, src, NULL, 0);

	return rc ? rc : weir_pane_trim(dst, &dst->lost);
}

/* Trimming costs, and each time groups may go that the next part has more of: it is put off. */
static int
trim_some(struct weir_pane *dst)
{
	if (weir_pane_n_rows(dst) / 2 <= dst->layout->max_rows)
		return 0;
	return weir_pane_trim(dst, &dst->lost);
}

int
weir_pane_settle(struct weir_pane *p)
{
	return weir_pane_trim(p, &p->lost);
}

/* The numbers of groups as rows, those of the wide table first. */
static uint32_t *
rows_of(const struct weir_pane *p, const uint32_t *groups, uint32_t n)
{
	uint32_t *rows = malloc(((size_t)n + 1) * sizeof(*rows));

	for (uint32_t i = 0; rows && i < n; i++)
		rows[i] = p->order ? p->order[groups[i]] : groups[i];
	return rows;
}

static int
copy_rows(struct weir_pane *dst, const struct weir_pane *src, const uint32_t *rows, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t row = rows[i];
		const struct weir_table *t = weir_pane_table_of(src, &row);
		unsigned shape =
		    t == &src->tables[WEIR_SHAPE_WIDE] ? WEIR_SHAPE_WIDE : WEIR_SHAPE_NARROW;

		if (!weir_pane_take_row(dst, shape, t->rows + (size_t)row * t->shape->stride, NULL))
			return -ENOMEM;
	}
	return 0;
}

void
weir_pane_take_window(struct weir_pane *dst, int64_t start_ns, int64_t end_ns)
{
	const struct weir_pane_window *w = &dst->window;
	const struct weir_layout *l = dst->layout;

	if (w->start_ns == weir_pane_window_all.start_ns &&
	    w->end_ns == weir_pane_window_all.end_ns && l->window.kind != WEIR_WINDOW_GLOBAL &&
	    !l->is_per_group)
		weir_pane_set_window(dst, start_ns, end_ns);
}

int
weir_pane_merge_some(
    struct weir_pane *dst, const struct weir_pane *src, const uint32_t *groups, uint32_t n)
{
	uint32_t *rows = rows_of(src, groups, n);
	int rc = rows ? 0 : -ENOMEM;

	dst->is_clear = false;
	weir_pane_take_window(dst, src->window.start_ns, src->window.end_ns);
	if (!rc && src->is_list) {
		weir_pane_forget_order(dst);
		dst->is_list = true;
		rc = copy_rows(dst, src, rows, n);
		if (!rc)
			merge_rest(dst, src);
	} else if (!rc) {
		rc = merge(dst, src, rows, n);
		rc = rc ? rc : trim_some(dst);
	}
	free(rows);
	return rc;
}

/* What a part has; of a list its rows are moved. */
int
weir_pane_take_part(struct weir_pane *dst, struct weir_pane *part)
{
	int rc;

	dst->is_clear = false;
	if (!part->is_list) {
		rc = merge(dst, part, NULL, 0);
		return rc ? rc : trim_some(dst);
	}
	weir_pane_forget_order(dst);
	dst->is_list = true;
	for (unsigned s = 0; s < dst->layout->n_shapes; s++)
		for (uint32_t r = 0; r < part->tables[s].n_rows; r++)
			if (!weir_pane_take_row(dst, s,
				part->tables[s].rows + (size_t)r * part->tables[s].shape->stride,
				part->memory))
				return -ENOMEM;
	merge_rest(dst, part);
	return 0;
}
