/* SPDX-License-Identifier: BSD-3-Clause */
#include "window.h"

#include <weir/base/poison.h> /* last */

/* Take the rows with a null key out of sel. */
static void
drop_null_keys(
    unsigned n_keys, const struct weir_group_rows *rows, struct weir_group_counters *counters)
{
	uint64_t first[WEIR_MASK_WORDS];
	unsigned before;

	weir_mask_first(first, rows->n);
	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
		rows->sel[w] &= first[w];
	before = weir_mask_count(rows->sel);
	for (unsigned k = 0; k < n_keys; k++)
		for (unsigned w = 0; w * 64 < rows->n; w++)
			rows->sel[w] &= ~rows->keys[k]->null[w];
	counters->null_key += before - weir_mask_count(rows->sel);
}

void
weir_window_judge_times(const struct weir_group_rows *rows, int64_t lateness_ns, int64_t closed_ns,
    uint64_t *sel, struct weir_group_counters *counters)
{
	int64_t watermark = rows->watermark_ns;

	for (uint32_t r = 0; r < rows->n; r++) {
		int64_t t = rows->time_ns[r], least_ns = closed_ns, by_lateness;

		if (!rows->is_admitted) {
			by_lateness = weir_minus_lateness(watermark, lateness_ns);
			least_ns = by_lateness > closed_ns ? by_lateness : closed_ns;
		}
		watermark = t > watermark ? t : watermark;
		if ((t != WEIR_TIME_NONE && t >= least_ns) || !weir_mask_test(sel, r))
			continue;
		if (t == WEIR_TIME_NONE) {
			counters->no_time++;
		} else {
			counters->late++;
			if (rows->late)
				weir_mask_set(rows->late, r);
		}
		weir_mask_clear(sel, r);
	}
}

/* Whether even the earliest row would be in time behind the latest: then all are. */
static bool
are_all_in_time(
    const struct weir_group_spec *spec, const struct weir_group_rows *rows, int64_t size_ns)
{
	int64_t watermark = rows->watermark_ns, earliest = INT64_MAX;

	for (uint32_t r = 0; r < rows->n; r++) {
		int64_t t = rows->time_ns[r];

		watermark = t > watermark ? t : watermark;
		earliest = t < earliest ? t : earliest;
	}
	return earliest != WEIR_TIME_NONE && weir_window_of(earliest, size_ns).end_ns >
						 weir_minus_lateness(watermark, spec->lateness_ns);
}

/* Each row by the largest time that arrived before it, as the aggregator does. */
static void
judge(const struct weir_group_spec *spec, const struct weir_group_rows *rows, int64_t size_ns,
    struct weir_group_counters *counters)
{
	struct weir_pane_window window = { 0 };
	int64_t watermark = rows->watermark_ns;
	bool has_window = false;

	for (uint32_t r = 0; r < rows->n; r++) {
		int64_t t = rows->time_ns[r], before = watermark;

		watermark = t > watermark ? t : watermark;
		if (!weir_mask_test(rows->sel, r))
			continue;
		if (t == WEIR_TIME_NONE) {
			counters->no_time++;
			weir_mask_clear(rows->sel, r);
			continue;
		}
		if (!has_window || !weir_window_holds(&window, t))
			window = weir_window_of(t, size_ns);
		has_window = true;
		if (window.end_ns <= weir_minus_lateness(before, spec->lateness_ns)) {
			counters->late++;
			if (rows->late)
				weir_mask_set(rows->late, r);
			weir_mask_clear(rows->sel, r);
		}
	}
}

void
weir_group_admit(const struct weir_group_spec *spec, const struct weir_group_rows *rows,
    struct weir_group_counters *counters)
{
	int64_t size_ns = weir_window_pane_ns(&spec->window);

	drop_null_keys(spec->n_keys, rows, counters);
	if (weir_window_is_per_group(&spec->window))
		weir_window_judge_times(rows, spec->lateness_ns, INT64_MIN, rows->sel, counters);
	else if (spec->window.kind != WEIR_WINDOW_GLOBAL && !are_all_in_time(spec, rows, size_ns))
		judge(spec, rows, size_ns, counters);
}
