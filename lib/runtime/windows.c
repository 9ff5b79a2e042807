/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "windows.h"

static int
insert(struct weir_windows *w, unsigned at, const struct weir_windows_pane *pane)
{
	if (w->n == w->cap) {
		unsigned cap = w->cap ? 2 * w->cap : 16;
		struct weir_windows_pane *panes = realloc(w->panes, cap * sizeof(*w->panes));

		if (!panes)
			return -ENOMEM;
		w->panes = panes;
		w->cap = cap;
	}
	memmove(&w->panes[at + 1], &w->panes[at], (w->n - at) * sizeof(*w->panes));
	w->panes[at] = *pane;
	w->n++;
	return 0;
}

int
weir_windows_add(struct weir_windows *w, unsigned worker, struct weir_pane *pane,
    struct weir_pane **ret_spare, unsigned *ret_worker, struct weir_error *err)
{
	const struct weir_windows_pane entry = { pane, worker };
	int64_t start_ns = weir_pane_start(pane);
	struct weir_windows_pane *p;
	unsigned at = w->n;
	int rc;

	/* It is one of the latest. */
	while (at && weir_pane_start(w->panes[at - 1].pane) > start_ns)
		at--;
	*ret_spare = NULL;
	*ret_worker = worker;
	p = at ? &w->panes[at - 1] : NULL;
	if (!p || weir_pane_start(p->pane) != start_ns) {
		rc = insert(w, at, &entry);
		*ret_spare = rc ? pane : NULL;
	} else if (weir_pane_n_groups(p->pane) >= weir_pane_n_groups(pane)) {
		rc = weir_pane_merge(p->pane, pane);
		*ret_spare = pane;
	} else {
		rc = weir_pane_merge(pane, p->pane); /* the smaller into the larger */
		*ret_spare = p->pane;
		*ret_worker = p->worker;
		*p = entry;
	}
	return rc ? weir_error_run(err, rc, "no memory to merge the windows of the workers") : 0;
}

int64_t
weir_windows_first_end(const struct weir_window *window, int64_t start_ns)
{
	int64_t pane_ns, end_ns, into;

	if (window->kind != WEIR_WINDOW_SLIDING)
		return INT64_MAX;
	/* The least k * slide + size that is not before the pane's end. */
	pane_ns = weir_window_pane_ns(window);
	if (__builtin_add_overflow(start_ns, pane_ns, &end_ns))
		return INT64_MAX;
	into = (end_ns % window->slide_ns - window->size_ns % window->slide_ns) % window->slide_ns;
	if (into < 0)
		into += window->slide_ns;
	if (into && __builtin_add_overflow(end_ns, window->slide_ns - into, &end_ns))
		return INT64_MAX;
	return end_ns;
}

bool
weir_windows_next(const struct weir_windows *w, int64_t *ret_end_ns)
{
	int64_t next_ns;

	if (!w->n)
		return false;
	if (w->window.kind != WEIR_WINDOW_SLIDING) {
		*ret_end_ns = weir_pane_end(w->panes[0].pane);
		return true;
	}
	*ret_end_ns = weir_windows_first_end(&w->window, weir_pane_start(w->panes[0].pane));
	if (w->last_end_ns != INT64_MIN) {
		if (__builtin_add_overflow(w->last_end_ns, w->window.slide_ns, &next_ns))
			next_ns = INT64_MAX;
		*ret_end_ns = *ret_end_ns < next_ns ? next_ns : *ret_end_ns;
	}
	return true;
}

/* Panes that start before this are in no window that is still to come. */
static void
drop_before(struct weir_windows *w, int64_t start_ns,
    void (*give_back)(void *ctx, unsigned worker, struct weir_pane *pane), void *ctx)
{
	unsigned n = 0;

	while (n < w->n && weir_pane_start(w->panes[n].pane) < start_ns) {
		give_back(ctx, w->panes[n].worker, w->panes[n].pane);
		n++;
	}
	w->n -= n;
	memmove(w->panes, w->panes + n, w->n * sizeof(*w->panes));
}

/* All panes up to the window's end, as one: the largest first, so that it is copied and the others
 * are put to it. */
static struct weir_pane *
combine(const struct weir_windows *w, int64_t start_ns, int64_t end_ns)
{
	struct weir_pane *sum = weir_pane_create_like(w->panes[0].pane);

	if (!sum)
		return NULL;
	for (unsigned i = 0; i < w->n && weir_pane_start(w->panes[i].pane) < end_ns; i++) {
		if (weir_pane_start(w->panes[i].pane) < start_ns)
			continue;
		if (weir_pane_merge(sum, w->panes[i].pane)) {
			weir_pane_destroy(sum);
			return NULL;
		}
	}
	weir_pane_set_window(sum, start_ns, end_ns);
	return sum;
}

int
weir_windows_take(struct weir_windows *w, struct weir_windows_taken *ret,
    void (*give_back)(void *ctx, unsigned worker, struct weir_pane *pane), void *ctx,
    struct weir_error *err)
{
	int64_t end_ns;

	*ret = (struct weir_windows_taken){ 0 };
	if (!weir_windows_next(w, &end_ns))
		return 0;
	if (w->window.kind != WEIR_WINDOW_SLIDING) {
		*ret = (struct weir_windows_taken){ w->panes[0].pane, false, w->panes[0].worker };
		w->n--;
		memmove(w->panes, w->panes + 1, w->n * sizeof(*w->panes));
		return 0;
	}
	*ret =
	    (struct weir_windows_taken){ combine(w, end_ns - w->window.size_ns, end_ns), true, 0 };
	w->last_end_ns = end_ns;
	/* Behind the end of time there is no other window. */
	drop_before(w,
	    end_ns == INT64_MAX ? INT64_MAX : end_ns - w->window.size_ns + w->window.slide_ns,
	    give_back, ctx);
	return ret->pane ? 0 : weir_error_run(err, -ENOMEM, "no memory for a sliding window");
}

void
weir_windows_fini(struct weir_windows *w)
{
	for (unsigned i = 0; i < w->n; i++)
		weir_pane_destroy(w->panes[i].pane);
	free(w->panes);
}
