/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_MEASURE_SERIES_H
#define WEIR_MEASURE_SERIES_H

#include <stdint.h>

#include <weir/sketch/histogram.h>

/*
 * Latency over time: P50, P99 and largest of each interval, by time of arrival. Only the interval
 * that is open has a histogram; closing it takes some microseconds of the thread that adds. One
 * owner at a time.
 */

#define WEIR_SERIES_POINTS      4096
#define WEIR_SERIES_INTERVAL_NS INT64_C(100000000)

struct weir_series_point {
	int64_t from_ns; /* since the start */
	uint64_t n;      /* values; intervals without any have no point */
	int64_t p50_ns;
	int64_t p99_ns; /* of fewer than 100 values it is the largest */
	int64_t max_ns;
};

struct weir_series {
	int64_t start_ns;    /* on the clock of who adds */
	int64_t interval_ns; /* length of each */
	int64_t open_ns;     /* start of the open interval */
	int64_t close_ns;    /* and its end */
	uint32_t n_points;
	uint64_t n_beyond; /* values of intervals for which there was no point left */
	struct weir_series_point *points; /* [WEIR_SERIES_POINTS] */
	struct weir_histogram open;
};

/* Cold. An interval is 100 ms, or where duration_ns (of the whole measurement, as expected) would
 * need more points than there are, longer. 0 or -ENOMEM. */
int weir_series_create(int64_t start_ns, int64_t duration_ns, struct weir_series **ret);
void weir_series_destroy(struct weir_series *s);
/* Owner. Close the open interval, and begin the one in which now_ns is. Also at the end, with the
 * time of the end. */
void weir_series_close(struct weir_series *s, int64_t now_ns);

/* Owner. A value came; now_ns does not fall from one call to the next. */
static inline __attribute__((always_inline)) void
weir_series_add(struct weir_series *s, int64_t now_ns, int64_t delay_ns)
{
	if (__builtin_expect(now_ns >= s->close_ns, 0))
		weir_series_close(s, now_ns);
	weir_histogram_add(&s->open, delay_ns);
}

#endif
