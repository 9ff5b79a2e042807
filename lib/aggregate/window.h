/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_WINDOW_H
#define WEIR_AGGREGATE_WINDOW_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include <weir/base/time.h>

#include "pane.h"

/* Which window holds a time, and which are closed: for those who aggregate and those who admit. */

static_assert(WEIR_TIME_NONE == INT64_MIN, "no time is the least there is");

/* INT64_MIN stays what it is: no watermark yet. */
static inline int64_t
weir_minus_lateness(int64_t watermark_ns, int64_t lateness_ns)
{
	int64_t x;

	return __builtin_sub_overflow(watermark_ns, lateness_ns, &x) ? INT64_MIN : x;
}

/* The tumbling window that holds t: floor division, at both ends of time cut off. */
static inline struct weir_pane_window
weir_window_of(int64_t t, int64_t size_ns)
{
	int64_t into = t % size_ns;
	struct weir_pane_window w;

	if (into < 0)
		into += size_ns;
	/* INT64_MIN is no start: it stands for the global window. */
	if (__builtin_sub_overflow(t, into, &w.start_ns) || w.start_ns == INT64_MIN)
		w.start_ns = INT64_MIN + 1;
	if (__builtin_add_overflow(t, size_ns - into - 1, &w.last_ns))
		w.last_ns = INT64_MAX;
	w.end_ns = w.last_ns == INT64_MAX ? INT64_MAX : w.last_ns + 1;
	return w;
}

/* What is wrong with a window's numbers, or NULL. */
const char *weir_window_mistake(const struct weir_window *w);

static inline bool
weir_window_holds(const struct weir_pane_window *w, int64_t t)
{
	return t >= w->start_ns && t <= w->last_ns;
}

/*
 * Hot, admit_hot.c. Where groups have windows of their own: take out of sel the rows without time,
 * and those older than closed_ns or than the lateness allows, each by the largest time that arrived
 * before it.
 */
void weir_window_judge_times(const struct weir_group_rows *rows, int64_t lateness_ns,
    int64_t closed_ns, uint64_t *sel, struct weir_group_counters *counters);

#endif
