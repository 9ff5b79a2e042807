/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "aggregator.h"
#include "window.h"

#include <weir/base/poison.h> /* last */

#define ALWAYS_INLINE inline __attribute__((always_inline))

#define SWEEP_ROWS    1024u /* groups that are looked at in one call */

/* Strings of groups that are gone are let go of from this size on, when they are most of all. */
#define DEAD_STRINGS (UINT64_C(64) << 10)

/* A new list for closed groups. NULL when out of memory. */
static struct weir_pane *
begin_list(struct weir_aggregator *a)
{
	struct weir_pane_list *l = &a->open;
	struct weir_pane *p;

	p = weir_aggregator_open(a, &weir_pane_window_all);
	if (p && weir_pane_list_insert(l, l->n, p)) {
		weir_pane_destroy(p);
		return NULL;
	}
	return p;
}

/* Have a list take a closed group, or a new one. False where there is no memory. */
static bool
take_row(struct weir_aggregator *a, enum weir_shape_id shape, uint8_t *row)
{
	struct weir_sketch_memory *memory = a->current->memory;
	struct weir_pane_list *l = &a->open;
	struct weir_pane *list = l->n ? l->p[l->head + l->n - 1] : NULL;

	if (list && !weir_pane_is_full_list(list) && weir_pane_take_row(list, shape, row, memory))
		return true;
	list = begin_list(a);
	return list && weir_pane_take_row(list, shape, row, memory);
}

/* A group's window is over: key and states go to a list, and the states are as in a new row. */
static __attribute__((noinline)) void
close_group(struct weir_aggregator *a, enum weir_shape_id shape, uint8_t *row)
{
	const struct weir_layout *l = a->layout;
	struct weir_group_window *w = weir_row_window(row);

	if (!take_row(a, shape, row)) {
		a->own.n_lost += w->n;
		weir_row_drop(l, row, a->current->memory);
	}
	memset(row + sizeof(*w), 0, l->key_offset - sizeof(*w));
	w->n = 0;
	a->own.n_idle++;
}

static ALWAYS_INLINE bool
is_further(int64_t a, int64_t b, int64_t by)
{
	return a > b && (uint64_t)a - (uint64_t)b > (uint64_t)by;
}

static ALWAYS_INLINE bool
breaks(
    const struct weir_window *window, bool is_session, const struct weir_group_window *w, int64_t t)
{
	int64_t last = t > w->last_ns ? t : w->last_ns, first = t < w->first_ns ? t : w->first_ns;

	if (!is_session)
		return w->n >= window->count;
	return is_further(t, w->last_ns, window->gap_ns) ||
	       is_further(w->last_ns, t, window->gap_ns) ||
	       (window->max_ns && is_further(last, first, window->max_ns));
}

/* Aggregate some of the rows. */
static ALWAYS_INLINE void
end_segment(struct weir_aggregator *a, const struct weir_group_rows *rows,
    const struct weir_agg_rows *all, uint32_t first, uint32_t end)
{
	struct weir_agg_rows r = *all;

	r.n = end - first;
	r.row += first;
	r.group += first;
	weir_aggregator_take(a->layout, rows, &r);
	a->own.segment++;
}

static ALWAYS_INLINE void
take_own(struct weir_aggregator *a, enum weir_shape_id shape, const struct weir_group_rows *rows,
    const struct weir_agg_rows *r, bool is_session)
{
	const struct weir_window window = a->layout->window;
	bool has_full = false;
	uint32_t first = 0;

	for (uint32_t k = 0; k < r->n; k++) {
		struct weir_group_window *w = weir_row_window(r->group[k]);
		int64_t t = rows->time_ns[r->row[k]];

		if (w->n && breaks(&window, is_session, w, t)) {
			if (w->segment == a->own.segment) {
				end_segment(a, rows, r, first, k);
				first = k;
			}
			close_group(a, shape, r->group[k]);
		}
		if (!w->n) {
			a->own.n_idle -= w->segment && a->own.n_idle;
			w->first_ns = w->last_ns = t;
		}
		w->first_ns = t < w->first_ns ? t : w->first_ns;
		w->last_ns = t > w->last_ns ? t : w->last_ns;
		w->n++;
		w->segment = a->own.segment;
		has_full |= !is_session && w->n >= window.count;
	}
	end_segment(a, rows, r, first, r->n);
	for (uint32_t k = 0; has_full && k < r->n; k++)
		if (weir_row_window(r->group[k])->n >= window.count)
			close_group(a, shape, r->group[k]);
}

void
weir_aggregator_take_own(struct weir_aggregator *a, enum weir_shape_id shape,
    const struct weir_group_rows *rows, const struct weir_agg_rows *r)
{
	if (!r->n)
		return;
	if (a->layout->window.kind == WEIR_WINDOW_SESSION)
		take_own(a, shape, rows, r, true);
	else
		take_own(a, shape, rows, r, false);
}

uint64_t
weir_aggregator_lost_own(struct weir_aggregator *a)
{
	uint64_t n = a->own.n_lost;

	a->own.n_lost = 0;
	return n;
}

/* Close a group whose window has begun, and take its row out of the table. */
static void
remove_group(struct weir_aggregator *a, enum weir_shape_id shape, uint32_t row)
{
	const struct weir_layout *l = a->layout;
	struct weir_table *t = &a->current->tables[shape];
	uint8_t *group = t->rows + (size_t)row * t->shape->stride;

	if (weir_row_window(group)->n)
		close_group(a, shape, group);
	if (a->own.n_idle)
		a->own.n_idle--;
	t->dead_string_bytes += weir_row_string_bytes(l, t->shape, group);
	weir_table_unlink(t, l, row);
	weir_table_close_gap(t, l, row);
}

/* Windows whose rows come no more: none in time can be near enough. */
static bool
is_over(const struct weir_window *window, const struct weir_group_window *w, int64_t closed_ns)
{
	if (!w->n)
		return true;
	if (window->kind != WEIR_WINDOW_SESSION)
		return false;
	return is_further(closed_ns, w->last_ns, window->gap_ns) ||
	       (window->max_ns && is_further(closed_ns, w->first_ns, window->max_ns));
}

static void
begin_sweep(struct weir_aggregator *a, int64_t watermark_ns)
{
	struct weir_own_windows *o = &a->own;
	struct weir_pane *p = a->current;
	int64_t closed_ns = weir_minus_lateness(watermark_ns, a->lateness_ns);

	if (o->is_sweeping || o->is_handing || watermark_ns == INT64_MIN)
		return;
	if (o->swept_ns != INT64_MIN && !is_further(watermark_ns, o->swept_ns, o->every_ns - 1))
		return;
	o->sweep_ns = watermark_ns;
	if (closed_ns > a->closed_ns)
		a->closed_ns = closed_ns;
	/* Time has no say in windows of so many rows: it is for idle groups. */
	if (a->layout->window.kind == WEIR_WINDOW_COUNT && o->n_idle <= weir_pane_n_rows(p) / 4) {
		o->is_handing = true;
		return;
	}
	o->is_sweeping = true;
	o->shape = 0;
	o->hand = p->tables[0].n_rows;
}

static void
end_sweep(struct weir_aggregator *a)
{
	const struct weir_layout *l = a->layout;

	a->own.is_sweeping = false;
	a->own.is_handing = true;
	a->own.n_idle = 0;
	for (unsigned s = 0; l->n_strings && s < l->n_shapes; s++) {
		struct weir_table *t = &a->current->tables[s];

		if (t->dead_string_bytes >= DEAD_STRINGS &&
		    t->dead_string_bytes >= t->string_bytes / 2)
			(void)weir_table_pack_strings(t, l);
	}
}

/* Look at some groups. */
static void
sweep(struct weir_aggregator *a)
{
	const struct weir_layout *l = a->layout;
	struct weir_own_windows *o = &a->own;
	int64_t closed_ns = weir_minus_lateness(o->sweep_ns, a->lateness_ns);
	uint32_t left = SWEEP_ROWS;

	while (o->is_sweeping) {
		struct weir_table *t = &a->current->tables[o->shape];
		uint32_t end;

		o->hand = o->hand < t->n_rows ? o->hand : t->n_rows;
		end = o->hand > left ? o->hand - left : 0;
		left -= o->hand - end;
		for (; o->hand > end; o->hand--) {
			uint8_t *row = t->rows + (size_t)(o->hand - 1) * t->shape->stride;

			if (is_over(&l->window, weir_row_window(row), closed_ns))
				remove_group(a, (enum weir_shape_id)o->shape, o->hand - 1);
		}
		if (o->hand)
			return;
		if (++o->shape == l->n_shapes)
			end_sweep(a);
		else
			o->hand = a->current->tables[o->shape].n_rows;
	}
}

/* A list that is full or, where all are handed over, any. */
static struct weir_pane *
hand_over(struct weir_aggregator *a)
{
	struct weir_pane_list *l = &a->open;
	struct weir_sketch_memory *memory = a->current->memory;
	struct weir_pane *p = NULL;

	if (l->n && (l->n > 1 || a->own.is_handing || weir_pane_is_full_list(l->p[l->head]))) {
		p = l->p[l->head++];
		l->n--;
	}
	if (!l->n && a->own.is_handing) {
		a->own.is_handing = false;
		a->own.swept_ns = a->own.sweep_ns;
	}
	if (!p)
		return NULL;
	p->level = a->current->level;
	p->undercount = a->current->floor;
	p->lost = weir_aggregator_lost_own(a);
	if (memory) { /* what groups left out while they were open */
		p->memory->n_short += memory->n_short;
		memory->n_short = 0;
	}
	return p;
}

/* Everything goes: a list's worth a call. */
static void
close_some(struct weir_aggregator *a)
{
	a->own.is_sweeping = false;
	a->own.is_handing = false;
	for (unsigned s = 0; s < a->layout->n_shapes; s++) {
		struct weir_table *t = &a->current->tables[s];

		while (t->n_rows) {
			if (a->open.n > 1)
				return;
			remove_group(a, (enum weir_shape_id)s, t->n_rows - 1);
		}
	}
	a->own.sweep_ns = INT64_MAX;
	a->own.is_handing = true;
}

struct weir_pane *
weir_aggregator_close_own(struct weir_aggregator *a, int64_t watermark_ns)
{
	if (watermark_ns == INT64_MAX) {
		close_some(a);
		return hand_over(a);
	}
	begin_sweep(a, watermark_ns);
	if (a->own.is_sweeping)
		sweep(a);
	return hand_over(a);
}
