/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "windows.h"

/* A sum that had more groups than this is emptied when an eighth of them is left. */
#define MANY_GROUPS 65536

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
	if (start_ns < w->sum_end_ns)
		w->is_summed = false; /* it has missed this one */
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

int64_t
weir_windows_last_end(const struct weir_window *window, int64_t time_ns)
{
	int64_t into =
	    (time_ns % window->slide_ns - window->size_ns % window->slide_ns) % window->slide_ns;

	if (into < 0)
		into += window->slide_ns;
	return __builtin_sub_overflow(time_ns, into, &time_ns) ? INT64_MIN : time_ns;
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

/*
 * Put all panes that start before end_ns into the sum. What a window has is in the order of panes,
 * whether it is made again or goes on.
 */
static int
sum_up(struct weir_windows *w, int64_t start_ns, int64_t end_ns)
{
	if (!w->sum) {
		w->sum = weir_pane_create_like(w->panes[0].pane);
		if (!w->sum)
			return -ENOMEM;
		weir_pane_keep_index(w->sum);
	}
	for (unsigned i = 0; i < w->n && weir_pane_start(w->panes[i].pane) < end_ns; i++) {
		int64_t pane_ns = weir_pane_start(w->panes[i].pane);

		if (pane_ns < start_ns || (w->is_summed && pane_ns < w->sum_end_ns))
			continue;
		if (weir_pane_merge(w->sum, w->panes[i].pane))
			return -ENOMEM;
		/* The first window that a packet is in tells of it. */
		weir_pane_forget_origin(w->panes[i].pane);
	}
	weir_pane_set_window(w->sum, start_ns, end_ns);
	w->sum_end_ns = end_ns;
	w->is_summed = weir_pane_may_subtract(w->sum);
	return 0;
}

int
weir_windows_take(struct weir_windows *w, struct weir_windows_taken *ret, struct weir_error *err)
{
	int64_t end_ns;

	*ret = (struct weir_windows_taken){ 0 };
	if (!weir_windows_next(w, &end_ns))
		return 0;
	if (w->window.kind != WEIR_WINDOW_SLIDING) {
		*ret = (struct weir_windows_taken){ w->panes[0].pane, w->panes[0].worker };
		w->n--;
		memmove(w->panes, w->panes + 1, w->n * sizeof(*w->panes));
		return 0;
	}
	w->last_end_ns = end_ns;
	if (sum_up(w, end_ns - w->window.size_ns, end_ns)) {
		w->is_summed = false;
		return weir_error_run(err, -ENOMEM, "no memory for a sliding window");
	}
	ret->pane = w->sum;
	return 0;
}

/* Empty the sum where it cannot go on, or where most of its memory has no use any more. */
static void
end_sum(struct weir_windows *w)
{
	uint32_t n = weir_pane_n_groups(w->sum);

	w->most_groups = n > w->most_groups ? n : w->most_groups;
	if (w->most_groups > MANY_GROUPS && n < w->most_groups / 8)
		w->is_summed = false;
	if (w->is_summed)
		return;
	weir_pane_clear(w->sum);
	w->most_groups = 0;
}

void
weir_windows_let_go(struct weir_windows *w, const struct weir_windows_taken *taken,
    void (*give_back)(void *ctx, unsigned worker, struct weir_pane *pane), void *ctx)
{
	int64_t start_ns;
	unsigned n = 0;

	if (w->window.kind != WEIR_WINDOW_SLIDING) {
		if (taken->pane)
			give_back(ctx, taken->worker, taken->pane);
		return;
	}
	if (taken->pane)
		weir_pane_forget_origin(taken->pane);
	if (!w->n)
		return;
	/*
	 * Panes that start before this are in no window that is still to come. Behind the end of
	 * time there is none.
	 */
	start_ns = w->last_end_ns == INT64_MAX
		       ? INT64_MAX
		       : w->last_end_ns - w->window.size_ns + w->window.slide_ns;
	for (; n < w->n && weir_pane_start(w->panes[n].pane) < start_ns; n++) {
		struct weir_pane *pane = w->panes[n].pane;

		if (w->is_summed && weir_pane_subtract(w->sum, pane))
			w->is_summed = false;
		give_back(ctx, w->panes[n].worker, pane);
	}
	w->n -= n;
	memmove(w->panes, w->panes + n, w->n * sizeof(*w->panes));
	if (w->sum)
		end_sum(w);
}

void
weir_windows_fini(struct weir_windows *w)
{
	for (unsigned i = 0; i < w->n; i++)
		weir_pane_destroy(w->panes[i].pane);
	weir_pane_destroy(w->sum);
	free(w->panes);
}
