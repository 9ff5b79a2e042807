/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/aggregate/part.h>
#include <weir/base/time.h>

#include "aggregator.h"
#include "window.h"

#define SWEEPS_PER_GAP 64
#define SWEEP_LEAST_NS (WEIR_NS_PER_S / 1000)
#define SWEEP_MOST_NS  (WEIR_NS_PER_S / 4)

/* Sweeps are as far apart as hardly makes sessions last longer. */
static int64_t
sweep_every(const struct weir_window *w)
{
	int64_t ns = w->gap_ns / SWEEPS_PER_GAP;

	return ns < SWEEP_LEAST_NS ? SWEEP_LEAST_NS : ns > SWEEP_MOST_NS ? SWEEP_MOST_NS : ns;
}

static int
init_own(struct weir_aggregator *a)
{
	a->own.segment = 1;
	a->own.swept_ns = INT64_MIN;
	a->own.every_ns = sweep_every(&a->layout->window);
	a->current = weir_pane_create(a->layout);
	return a->current ? 0 : -ENOMEM;
}

struct weir_aggregator *
weir_aggregator_create(const struct weir_group_spec *spec, struct weir_error *err)
{
	struct weir_aggregator *a;

	const char *mistake = weir_window_mistake(&spec->window);

	if (mistake) {
		weir_error_usage(err, "%s", mistake);
		return NULL;
	}
	if (spec->lateness_ns < 0) {
		weir_error_usage(err, "lateness must not be negative (try '0s')");
		return NULL;
	}
	if (spec->table_size == 0) {
		weir_error_usage(err, "a table must have room for 1 key or more (try '1M')");
		return NULL;
	}
	a = calloc(1, sizeof(*a));
	if (!a)
		goto fail;
	a->layout = weir_layout_create(spec);
	if (!a->layout)
		goto fail;
	a->lateness_ns = spec->lateness_ns;
	a->closed_ns = INT64_MIN;
	a->watermark_ns = INT64_MIN;
	a->pane_ns = weir_window_pane_ns(&spec->window);
	if (a->layout->is_per_group && init_own(a))
		goto fail;
	for (uint32_t r = 0; r < WEIR_ROWS; r++)
		a->identity[r] = r;
	if (weir_keys_init(&a->keys, a->layout))
		goto fail;
	return a;
fail:
	weir_aggregator_destroy(a);
	weir_error_run(err, -ENOMEM, "out of memory for the group table");
	return NULL;
}

/* Whether there is but one pane, which is not among the open ones. */
static bool
is_alone(const struct weir_aggregator *a)
{
	return a->layout->window.kind == WEIR_WINDOW_GLOBAL || a->layout->is_per_group;
}

static void
fini_list(struct weir_pane_list *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		weir_pane_destroy(l->p[l->head + i]);
	free(l->p);
}

void
weir_aggregator_destroy(struct weir_aggregator *a)
{
	if (!a)
		return;
	if (a->layout && is_alone(a))
		weir_pane_destroy(a->current);
	fini_list(&a->open);
	fini_list(&a->spare);
	weir_layout_release(a->layout);
	weir_keys_fini(&a->keys);
	free(a);
}

void
weir_aggregator_watch(struct weir_aggregator *a, const struct weir_group_watch *watch)
{
	a->watch = *watch;
}

void
weir_aggregator_fill(const struct weir_aggregator *a, unsigned *ret_windows, uint64_t *ret_groups)
{
	bool is_one = is_alone(a);

	*ret_windows = is_one ? a->current != NULL : a->open.n;
	*ret_groups = is_one && a->current ? weir_pane_n_groups(a->current) : 0;
	if (a->layout->is_per_group)
		*ret_windows = (unsigned)*ret_groups;
	for (uint32_t i = 0; !is_one && i < a->open.n; i++)
		*ret_groups += weir_pane_n_groups(a->open.p[a->open.head + i]);
}

int
weir_pane_list_insert(struct weir_pane_list *l, uint32_t at, struct weir_pane *p)
{
	if (l->head + l->n == l->cap) {
		/* Half of it free in front: move instead of growing. */
		if (l->head > 0 && l->head >= l->cap / 2) {
			memmove(l->p, l->p + l->head, l->n * sizeof(struct weir_pane *));
		} else {
			uint32_t cap = l->cap ? l->cap * 2 : 16;
			struct weir_pane **q = calloc(cap, sizeof(struct weir_pane *));

			if (!q)
				return -ENOMEM;
			if (l->n)
				memcpy(q, l->p + l->head, l->n * sizeof(struct weir_pane *));
			free(l->p);
			l->p = q;
			l->cap = cap;
		}
		l->head = 0;
	}
	struct weir_pane **to = l->p + l->head + at;

	memmove(to + 1, to, (l->n - at) * sizeof(struct weir_pane *));
	*to = p;
	l->n++;
	return 0;
}

struct weir_pane *
weir_aggregator_open(struct weir_aggregator *a, const struct weir_pane_window *w)
{
	struct weir_pane *p;

	if (a->spare.n)
		p = a->spare.p[a->spare.head + --a->spare.n];
	else
		p = weir_pane_create(a->layout);
	if (!p)
		return NULL;
	p->is_clear = false;
	p->window = *w;
	p->is_list = a->layout->is_per_group;
	return p;
}

struct weir_pane *
weir_aggregator_new_pane(const struct weir_aggregator *a)
{
	struct weir_pane *p = weir_pane_create(a->layout);

	if (p)
		p->is_list = a->layout->is_per_group;
	return p;
}

/* The open pane of a time, or NULL. */
static struct weir_pane *
open_pane(const struct weir_aggregator *a, int64_t time_ns)
{
	const struct weir_pane_list *l = &a->open;

	if (a->current && weir_window_holds(&a->current->window, time_ns))
		return a->current;
	for (uint32_t i = l->n; i-- > 0;)
		if (weir_window_holds(&l->p[l->head + i]->window, time_ns))
			return l->p[l->head + i];
	return NULL;
}

void
weir_aggregator_note(
    struct weir_aggregator *a, int64_t time_ns, const struct weir_origin_packet *packet)
{
	bool is_global = a->layout->window.kind == WEIR_WINDOW_GLOBAL;
	struct weir_pane *p = is_global ? a->current : open_pane(a, time_ns);

	if (p && !a->layout->is_per_group && weir_pane_need_origin(p))
		weir_origin_add(p->origin, packet);
}

bool
weir_aggregator_first(const struct weir_aggregator *a, int64_t *ret_start_ns, int64_t *ret_end_ns)
{
	bool is_global = a->layout->window.kind == WEIR_WINDOW_GLOBAL;
	const struct weir_pane *p = is_global   ? a->current
				    : a->open.n ? a->open.p[a->open.head]
						: NULL;

	if (!p)
		return false;
	*ret_start_ns = p->window.start_ns;
	*ret_end_ns = p->window.end_ns;
	return true;
}

void
weir_aggregator_sweep_always(struct weir_aggregator *a)
{
	a->own.every_ns = 1;
}
