/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>

#include "aggregator.h"

struct weir_aggregator *
weir_aggregator_create(const struct weir_group_spec *spec, struct weir_error *err)
{
	struct weir_aggregator *a;

	if (spec->window.kind == WEIR_WINDOW_TUMBLING && spec->window.size_ns <= 0) {
		weir_error_usage(err, "a window's size must be more than 0 (try '1s')");
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
	if (a->layout && a->layout->window.kind == WEIR_WINDOW_GLOBAL)
		weir_pane_destroy(a->current);
	fini_list(&a->open);
	fini_list(&a->spare);
	weir_layout_release(a->layout);
	weir_keys_fini(&a->keys);
	free(a);
}

void
weir_aggregator_fill(const struct weir_aggregator *a, unsigned *ret_windows, uint64_t *ret_groups)
{
	bool is_global = a->layout->window.kind == WEIR_WINDOW_GLOBAL;

	*ret_windows = is_global ? a->current != NULL : a->open.n;
	*ret_groups = is_global && a->current ? weir_pane_n_groups(a->current) : 0;
	for (uint32_t i = 0; i < a->open.n; i++)
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
	p->window = *w;
	return p;
}
