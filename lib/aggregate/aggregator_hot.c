/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/base/time.h>

#include "aggregator.h"
#include "level.h"
#include "overflow.h"
#include "window.h"

#include <weir/base/poison.h> /* last */

/* Index among the open panes of the first that starts at or after start. */
static uint32_t
lower_bound(const struct weir_pane_list *l, int64_t start_ns)
{
	uint32_t lo = 0, hi = l->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (l->p[l->head + mid]->window.start_ns < start_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The open pane of a window, opened where need be. NULL when out of memory. */
static struct weir_pane *
pane_of(struct weir_aggregator *a, const struct weir_pane_window *w)
{
	struct weir_pane_list *l = &a->open;
	uint32_t at = l->n;
	struct weir_pane *p;

	if (l->n && w->start_ns <= l->p[l->head + l->n - 1]->window.start_ns) {
		at = lower_bound(l, w->start_ns);
		p = l->p[l->head + at];
		if (p->window.start_ns == w->start_ns)
			return p;
	}
	p = weir_aggregator_open(a, w);
	if (p && weir_pane_list_insert(l, at, p)) {
		weir_pane_destroy(p);
		return NULL;
	}
	return p;
}

/* Of some of n rows. */
static struct weir_agg_span
span_of(const struct weir_layout *l, const uint64_t *sel, const int64_t *time_ns, uint32_t n,
    uint32_t n_sel)
{
	struct weir_agg_span s = { INT64_MAX, INT64_MAX, INT64_MIN };

	if (n_sel == n)
		return l->level->times(time_ns, n);
	WEIR_FOR_EACH_BIT (r, sel) {
		int64_t t = time_ns[r], known = t == WEIR_TIME_NONE ? INT64_MAX : t;

		s.least = t < s.least ? t : s.least;
		s.least_known = known < s.least_known ? known : s.least_known;
		s.largest = t > s.largest ? t : s.largest;
	}
	return s;
}

/* Widen the pane's span by the rows that it is given. */
static void
note_times(struct weir_pane *p, const struct weir_agg_span *s)
{
	if (s->largest == WEIR_TIME_NONE)
		return;
	if (p->first_ns == WEIR_TIME_NONE || s->least_known < p->first_ns)
		p->first_ns = s->least_known;
	if (s->largest > p->last_ns)
		p->last_ns = s->largest;
}

/* Rows to take, and their numbers: all of the batch, or a list. */
struct feed {
	struct weir_pane *pane;
	const struct weir_group_rows *rows;
	uint64_t *sel; /* loses the rows for which there is no place */
	struct weir_group_counters *counters;
};

/* Leave out the rows without a group. */
static __attribute__((noinline)) void
leave_out(struct weir_aggregator *a, const struct feed *f, const uint32_t *numbers, uint32_t first,
    uint32_t end, struct weir_agg_rows *r)
{
	uint32_t n = 0;

	for (uint32_t k = first; k < end; k++) {
		if (!a->found.group[k]) {
			weir_mask_clear(f->sel, numbers[k]);
			continue;
		}
		a->row[n] = numbers[k];
		a->group[n++] = a->found.group[k];
	}
	f->counters->overflow += r->n - n;
	r->n = n;
	r->row = a->row;
	r->group = a->group;
}

void
weir_aggregator_take(
    const struct weir_layout *l, const struct weir_group_rows *rows, const struct weir_agg_rows *r)
{
	for (unsigned i = 0; i < l->n_slots; i++) {
		const struct weir_agg_slot *s = &l->slots[i];
		const struct weir_column *const *args = s->n_args ? rows->args[i] : NULL;

		if (s->fold)
			weir_fold_run(s->fold,
			    &(struct weir_fold_rows){ r->n, r->row, r->group, s->offset, args });
		else if (i == l->counting)
			s->function->update_and_count(r, s->offset, l->count_offset, args);
		else if (i != l->counted)
			s->function->update(r, s->offset, args);
	}
}

/* Aggregate rows first .. end - 1, which have been looked up. */
static void
take_rows(struct weir_aggregator *a, const struct feed *f, enum weir_shape_id shape,
    const uint32_t *numbers, uint32_t first, uint32_t end)
{
	const struct weir_layout *l = a->layout;
	struct weir_agg_rows r = {
		.n = end - first,
		.row = numbers + first,
		.group = a->found.group + first,
		.time_ns = f->rows->time_ns,
		.number = f->rows->number,
		.first_number = f->rows->first_number,
		.memory = f->pane->memory,
	};

	if (a->found.n_none)
		leave_out(a, f, numbers, first, end, &r);
	f->counters->aggregated += r.n;
	if (l->watch_offset != WEIR_NO_COUNT)
		weir_aggregator_take_watched(a, f->pane, shape, f->rows, &r);
	else if (l->is_per_group)
		weir_aggregator_take_own(a, shape, f->rows, &r);
	else
		weir_aggregator_take(l, f->rows, &r);
}

/* Make a place for the key of a row. Rows of groups that go for it become overflow. */
static __attribute__((noinline)) enum weir_room
make_room(struct weir_pane *p, enum weir_shape_id shape, struct weir_group_counters *counters)
{
	uint64_t lost = 0;
	enum weir_room room = p->layout->overflow == WEIR_OVERFLOW_EVICT
				  ? weir_pane_evict(p, shape, &lost)
				  : weir_pane_halve(p, &lost);

	counters->aggregated -= lost;
	counters->overflow += lost;
	return room;
}

/*
 * Take rows whose keys have one shape. Where the table is full, all rows before the one that needs
 * a place are aggregated first: so what is thrown out does not depend on where batches end.
 */
static void
feed_shape(struct weir_aggregator *a, const struct feed *f, enum weir_shape_id shape,
    const struct weir_pick *rows)
{
	const struct weir_layout *l = a->layout;
	struct weir_table *t = &f->pane->tables[shape];
	const uint32_t *numbers = rows->numbers ? rows->numbers : a->identity;
	uint32_t first = 0, n = rows->n;

	weir_keys_pack(l, t, f->rows->keys, rows, &a->keys);
	l->level->guess(t, &a->keys, 0, n, a->found.row);
	while (first < n) {
		uint32_t others = weir_pane_n_rows(f->pane) - t->n_rows;
		uint32_t end =
		    l->level->find(t, l, &a->keys, first, n, l->max_rows - others, &a->found);

		if (t->hole != WEIR_TABLE_ROW_NONE) { /* the new key found no memory */
			weir_table_close_gap(t, l, t->hole);
			t->hole = WEIR_TABLE_ROW_NONE;
		}
		take_rows(a, f, shape, numbers, first, end);
		first = end;
		if (first == n)
			return;
		if (make_room(f->pane, shape, f->counters) == WEIR_ROOM_REFUSED) {
			weir_mask_clear(f->sel, numbers[first++]);
			f->counters->overflow++;
		} else if (l->overflow == WEIR_OVERFLOW_SAMPLE) {
			l->level->guess(t, &a->keys, first, n, a->found.row); /* rows have moved */
		}
	}
}

/* Rows whose keys have either shape: those of one first, and then those of the other. */
static void
feed_split(
    struct weir_aggregator *a, const struct feed *f, uint64_t masks[WEIR_N_SHAPES][WEIR_MASK_WORDS])
{
	for (unsigned s = 0; s < WEIR_N_SHAPES; s++) {
		struct weir_pick pick = { a->numbers, masks[s], 0, f->rows->n };

		pick.n = a->layout->level->numbers(masks[s], a->numbers);
		if (pick.n)
			feed_shape(a, f, (enum weir_shape_id)s, &pick);
	}
}

/*
 * The same where the table may become full: in their order, run by run, so that who finds a place
 * does not depend on where batches end.
 */
static void
feed_runs(struct weir_aggregator *a, const struct feed *f, const uint64_t wide[WEIR_MASK_WORDS])
{
	uint32_t n = a->layout->level->numbers(f->sel, a->numbers);

	for (uint32_t i = 0, end; i < n; i = end) {
		int is_wide = weir_mask_test(wide, a->numbers[i]);

		end = i + 1;
		while (end < n && weir_mask_test(wide, a->numbers[end]) == is_wide)
			end++;

		const struct weir_pick pick = { .numbers = a->numbers + i, .n = end - i };

		feed_shape(a, f, is_wide ? WEIR_SHAPE_WIDE : WEIR_SHAPE_NARROW, &pick);
	}
}

/* Take rows whose keys have addresses. */
static void
feed_addresses(struct weir_aggregator *a, const struct feed *f, uint32_t n)
{
	const struct weir_layout *l = a->layout;
	uint64_t masks[WEIR_N_SHAPES][WEIR_MASK_WORDS];
	uint64_t wide[WEIR_MASK_WORDS] = { 0 };
	uint32_t n_wide;

	l->level->wide(l, f->rows->keys, f->rows->n, wide);
	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++) {
		masks[WEIR_SHAPE_WIDE][w] = f->sel[w] & wide[w];
		masks[WEIR_SHAPE_NARROW][w] = f->sel[w] & ~wide[w];
	}
	n_wide = weir_mask_count(masks[WEIR_SHAPE_WIDE]);
	if (n == f->rows->n && (n_wide == 0 || n_wide == n)) {
		const struct weir_pick pick = { .n = n };

		feed_shape(a, f, n_wide ? WEIR_SHAPE_WIDE : WEIR_SHAPE_NARROW, &pick);
	} else if (weir_pane_n_rows(f->pane) + n <= l->max_rows) {
		feed_split(a, f, masks);
	} else {
		feed_runs(a, f, wide);
	}
}

/* Take rows into one pane; sel loses those for which the table has no room. */
static void
update_pane(struct weir_aggregator *a, struct weir_pane *p, const struct weir_group_rows *rows,
    uint64_t sel[WEIR_MASK_WORDS], struct weir_group_counters *counters)
{
	const struct weir_layout *l = a->layout;
	const struct feed f = { p, rows, sel, counters };
	uint32_t n = weir_mask_count(sel);
	struct weir_pick pick = { .n = n };
	uint64_t mask[WEIR_MASK_WORDS];

	/* Also those that find no place: which do depends on the number of workers. */
	if (l->window.kind == WEIR_WINDOW_GLOBAL) {
		struct weir_agg_span span = span_of(l, sel, rows->time_ns, rows->n, n);

		note_times(p, &span);
	}
	if (l->n_shapes > 1) {
		feed_addresses(a, &f, n);
	} else {
		if (n != rows->n) {
			memcpy(mask, sel, sizeof(mask)); /* sel changes */
			pick = (struct weir_pick){ a->numbers, mask, n, rows->n };
			l->level->numbers(mask, a->numbers);
		}
		feed_shape(a, &f, WEIR_SHAPE_WIDE, &pick);
	}
}

/* Rows that have all their keys. */
static void
drop_null_keys(const struct weir_aggregator *a, const struct weir_group_rows *rows,
    uint64_t sel[WEIR_MASK_WORDS], struct weir_group_counters *counters)
{
	uint64_t first[WEIR_MASK_WORDS];
	unsigned before;

	weir_mask_first(first, rows->n);
	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
		sel[w] = rows->sel[w] & first[w];
	before = weir_mask_count(sel);
	for (unsigned k = 0; k < a->layout->n_keys; k++)
		for (unsigned w = 0; w * 64 < rows->n; w++)
			sel[w] &= ~rows->keys[k]->null[w];
	counters->null_key += before - weir_mask_count(sel);
}

/* Whether all selected rows belong to the current pane, and none of them is late. */
static bool
is_one_pane(const struct weir_aggregator *a, const struct weir_group_rows *rows,
    const uint64_t sel[WEIR_MASK_WORDS])
{
	const struct weir_pane *p = a->current;
	int64_t watermark = INT64_MIN;
	struct weir_agg_span span;

	if (!p)
		return false;
	if (!rows->is_admitted) {
		watermark = a->layout->level->times(rows->time_ns, rows->n).largest;
		watermark = rows->watermark_ns > watermark ? rows->watermark_ns : watermark;
	}
	if (p->window.end_ns <= weir_minus_lateness(watermark, a->lateness_ns) ||
	    p->window.end_ns <= a->closed_ns)
		return false;
	span = span_of(a->layout, sel, rows->time_ns, rows->n, weir_mask_count(sel));
	return weir_window_holds(&p->window, span.least) &&
	       weir_window_holds(&p->window, span.largest);
}

/* Put a row down for a pane. Returns the number of panes that have rows of this batch. */
static uint32_t
note_row(struct weir_aggregator *a, struct weir_pane *p, unsigned row, uint32_t n_touched)
{
	if (p->batch != a->batch) {
		p->batch = a->batch;
		memset(p->sel, 0, sizeof(p->sel));
		a->touched[n_touched++] = p;
	}
	weir_mask_set(p->sel, row);
	return n_touched;
}

/*
 * Spread rows over the panes of their windows. Each row is judged by the largest time that arrived
 * before it, row by row, so that the verdict does not depend on where a batch ends. Returns the
 * panes, in a->touched.
 */
static uint32_t
spread(struct weir_aggregator *a, const struct weir_group_rows *rows,
    const uint64_t sel[WEIR_MASK_WORDS], struct weir_group_counters *counters)
{
	int64_t watermark = rows->watermark_ns, size_ns = a->pane_ns;
	uint32_t n_touched = 0;

	a->batch++;
	for (uint32_t r = 0; r < rows->n; r++) {
		int64_t t = rows->time_ns[r], closed_ns;
		struct weir_pane *p = a->current;
		struct weir_pane_window window;

		if (!weir_mask_test(sel, r)) {
			watermark = t > watermark ? t : watermark;
			continue;
		}
		if (t == WEIR_TIME_NONE) {
			counters->no_time++;
			continue;
		}
		closed_ns =
		    rows->is_admitted ? INT64_MIN : weir_minus_lateness(watermark, a->lateness_ns);
		closed_ns = closed_ns > a->closed_ns ? closed_ns : a->closed_ns;
		watermark = t > watermark ? t : watermark;
		if (p && weir_window_holds(&p->window, t)) {
			window = p->window;
		} else {
			window = weir_window_of(t, size_ns);
			p = NULL;
		}
		if (window.end_ns <= closed_ns) {
			counters->late++;
			if (rows->late)
				weir_mask_set(rows->late, r);
			continue;
		}
		if (!p)
			p = pane_of(a, &window);
		if (!p) {
			counters->overflow++;
			continue;
		}
		a->current = p;
		n_touched = note_row(a, p, r, n_touched);
	}
	return n_touched;
}

/* Groups have windows of their own. */
static void
update_own(struct weir_aggregator *a, const struct weir_group_rows *rows,
    uint64_t sel[WEIR_MASK_WORDS], struct weir_group_counters *counters)
{
	uint64_t lost;

	weir_window_judge_times(rows, a->lateness_ns, a->closed_ns, sel, counters);
	if (sel[0] | sel[1] | sel[2] | sel[3])
		update_pane(a, a->current, rows, sel, counters);
	memcpy(rows->sel, sel, WEIR_MASK_WORDS * sizeof(*sel));
	lost = weir_aggregator_lost_own(a);
	counters->aggregated -= lost;
	counters->overflow += lost;
}

void
weir_aggregator_update(struct weir_aggregator *a, const struct weir_group_rows *rows,
    struct weir_group_counters *counters)
{
	uint64_t sel[WEIR_MASK_WORDS];
	bool is_global = a->layout->window.kind == WEIR_WINDOW_GLOBAL;

	drop_null_keys(a, rows, sel, counters);
	memset(rows->sel, 0, sizeof(sel));
	if (!(sel[0] | sel[1] | sel[2] | sel[3]))
		return;
	if (a->layout->is_per_group) {
		update_own(a, rows, sel, counters);
		return;
	}
	if (is_global && !a->current) {
		a->current = weir_aggregator_open(a, &weir_pane_window_all);
		if (!a->current) {
			counters->overflow += weir_mask_count(sel);
			return;
		}
	}
	if (is_global || is_one_pane(a, rows, sel)) {
		update_pane(a, a->current, rows, sel, counters);
		memcpy(rows->sel, sel, sizeof(sel));
		return;
	}
	uint32_t n_touched = spread(a, rows, sel, counters);

	for (uint32_t i = 0; i < n_touched; i++) {
		struct weir_pane *p = a->touched[i];

		update_pane(a, p, rows, p->sel, counters);
		for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
			rows->sel[w] |= p->sel[w];
	}
}

static struct weir_pane *
close_global(struct weir_aggregator *a, int64_t watermark_ns)
{
	struct weir_pane *p = a->current;

	if (!p || watermark_ns != INT64_MAX)
		return NULL;
	a->current = NULL;
	if (weir_pane_n_groups(p))
		return p;
	weir_pane_destroy(p);
	return NULL;
}

struct weir_pane *
weir_aggregator_close(struct weir_aggregator *a, int64_t watermark_ns)
{
	int64_t closed_ns = weir_minus_lateness(watermark_ns, a->lateness_ns);
	struct weir_pane_list *l = &a->open;

	if (watermark_ns > a->watermark_ns)
		a->watermark_ns = watermark_ns;
	if (a->layout->is_per_group)
		return weir_aggregator_close_own(a, watermark_ns);
	if (a->layout->window.kind == WEIR_WINDOW_GLOBAL)
		return close_global(a, watermark_ns);
	if (watermark_ns != INT64_MAX && closed_ns > a->closed_ns)
		a->closed_ns = closed_ns;
	while (l->n) {
		struct weir_pane *p = l->p[l->head];

		if (watermark_ns != INT64_MAX && p->window.end_ns > closed_ns)
			return NULL;
		l->head++;
		l->n--;
		if (p->window.end_ns > a->closed_ns)
			a->closed_ns = p->window.end_ns;
		if (a->current == p)
			a->current = NULL;
		if (weir_pane_n_groups(p))
			return p;
		weir_aggregator_recycle(a, p); /* it was opened, and no row found memory */
	}
	return NULL;
}

int64_t
weir_aggregator_closed(const struct weir_aggregator *a)
{
	return a->layout->is_per_group ? a->own.swept_ns : a->watermark_ns;
}

void
weir_aggregator_recycle(struct weir_aggregator *a, struct weir_pane *p)
{
	/* Emptied twice it would seem to have had no use for its memory. */
	if (!p->is_clear)
		weir_pane_clear(p);
	if (weir_pane_list_insert(&a->spare, a->spare.n, p))
		weir_pane_destroy(p);
}
