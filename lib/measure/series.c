/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/measure/series.h>

int
weir_series_create(int64_t start_ns, int64_t duration_ns, struct weir_series **ret)
{
	struct weir_series *s = aligned_alloc(_Alignof(struct weir_series), sizeof(*s));
	int64_t least = duration_ns > 0 ? duration_ns / WEIR_SERIES_POINTS + 1 : 1;

	if (!s)
		return -ENOMEM;
	memset(s, 0, sizeof(*s));
	s->points = aligned_alloc(64, WEIR_SERIES_POINTS * sizeof(*s->points));
	if (!s->points) {
		free(s);
		return -ENOMEM;
	}
	/* Now, and not page by page while it is measured. */
	memset(s->points, 0, WEIR_SERIES_POINTS * sizeof(*s->points));
	s->start_ns = s->open_ns = start_ns;
	s->interval_ns = least > WEIR_SERIES_INTERVAL_NS ? least : WEIR_SERIES_INTERVAL_NS;
	s->close_ns = start_ns + s->interval_ns;
	*ret = s;
	return 0;
}

void
weir_series_destroy(struct weir_series *s)
{
	if (!s)
		return;
	free(s->points);
	free(s);
}

void
weir_series_close(struct weir_series *s, int64_t now_ns)
{
	struct weir_histogram *h = &s->open;

	if (h->n && s->n_points == WEIR_SERIES_POINTS)
		s->n_beyond += h->n;
	else if (h->n)
		s->points[s->n_points++] = (struct weir_series_point){
			.from_ns = s->open_ns - s->start_ns,
			.n = h->n,
			.p50_ns = weir_histogram_quantile(h, 0.5),
			.p99_ns = weir_histogram_quantile(h, 0.99),
			.max_ns = weir_histogram_max(h),
		};
	if (h->n)
		weir_histogram_reset(h);
	if (now_ns < s->close_ns)
		return;
	s->open_ns += (now_ns - s->open_ns) / s->interval_ns * s->interval_ns;
	s->close_ns = s->open_ns + s->interval_ns;
}
