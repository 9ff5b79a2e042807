/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "merge.h"

static int
compare(const struct weir_window_panes *w, unsigned query, const struct weir_pane *pane)
{
	int64_t end[2] = { weir_pane_end(w->pane), weir_pane_end(pane) };
	int64_t start[2] = { weir_pane_start(w->pane), weir_pane_start(pane) };

	if (end[0] != end[1])
		return end[0] < end[1] ? -1 : 1;
	if (w->query != query)
		return w->query < query ? -1 : 1;
	return (start[0] > start[1]) - (start[0] < start[1]);
}

static int
insert(struct weir_merge *m, unsigned at, const struct weir_window_panes *window)
{
	if (m->n == m->cap) {
		unsigned cap = m->cap ? 2 * m->cap : 16;
		struct weir_window_panes *windows = realloc(m->windows, cap * sizeof(*m->windows));

		if (!windows)
			return -ENOMEM;
		m->windows = windows;
		m->cap = cap;
	}
	memmove(&m->windows[at + 1], &m->windows[at], (m->n - at) * sizeof(*m->windows));
	m->windows[at] = *window;
	m->n++;
	return 0;
}

int
weir_merge_add(struct weir_merge *m, unsigned query, unsigned worker, struct weir_pane *pane,
    struct weir_pane **ret_spare, unsigned *ret_worker, struct weir_error *err)
{
	const struct weir_window_panes window = { query, pane, worker };
	struct weir_window_panes *w;
	unsigned at = m->n;
	int rc;

	/* It is one of the latest. */
	while (at && compare(&m->windows[at - 1], query, pane) > 0)
		at--;
	*ret_spare = NULL;
	*ret_worker = worker;
	w = at ? &m->windows[at - 1] : NULL;
	if (!w || compare(w, query, pane) != 0) {
		rc = insert(m, at, &window);
		*ret_spare = rc ? pane : NULL;
	} else if (weir_pane_n_groups(w->pane) >= weir_pane_n_groups(pane)) {
		rc = weir_pane_merge(w->pane, pane);
		*ret_spare = pane;
	} else {
		rc = weir_pane_merge(pane, w->pane); /* the smaller into the larger */
		*ret_spare = w->pane;
		*ret_worker = w->worker;
		w->pane = pane;
		w->worker = worker;
	}
	return rc ? weir_error_run(err, rc, "no memory to merge the windows of the workers") : 0;
}

static void
take(struct weir_merge *m, unsigned at, struct weir_window_panes *ret)
{
	*ret = m->windows[at];
	m->n--;
	memmove(&m->windows[at], &m->windows[at + 1], (m->n - at) * sizeof(*m->windows));
}

bool
weir_merge_take(struct weir_merge *m, int64_t closed_ns, struct weir_window_panes *ret)
{
	if (!m->n || (closed_ns != INT64_MAX && weir_pane_end(m->windows[0].pane) > closed_ns))
		return false;
	take(m, 0, ret);
	return true;
}

bool
weir_merge_take_query(struct weir_merge *m, unsigned query, struct weir_window_panes *ret)
{
	for (unsigned i = 0; i < m->n; i++) {
		if (m->windows[i].query != query)
			continue;
		take(m, i, ret);
		return true;
	}
	return false;
}

void
weir_merge_fini(struct weir_merge *m)
{
	for (unsigned i = 0; i < m->n; i++)
		weir_pane_destroy(m->windows[i].pane);
	free(m->windows);
}
