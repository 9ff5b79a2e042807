/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <math.h>

#include <weir/measure/report.h>

/*
 * The lines are those of Java's AbstractHistogram.outputPercentileDistribution with three digits:
 * levels halve their distance to 100 % every TICKS lines, and a level's line has the value up to
 * which at least that share of all values goes.
 */

#define TICKS     5
#define SCALE     1e3 /* ns of a us */
#define MAX_LEVEL 64  /* halvings: more than a 64-bit count has */

static void
put_line(FILE *out, int64_t ns, double level, uint64_t n)
{
	fprintf(out, "%12.3f %2.12f %10" PRIu64, (double)ns / SCALE, level, n);
	if (level < 1)
		fprintf(out, " %14.2f", 1 / (1 - level));
	fputc('\n', out);
}

/* The level behind one: TICKS steps to half of what is left. */
static double
next_level(double level)
{
	double halvings = floor(log2(1 / (1 - level))) + 1;

	return level + 1 / (TICKS * exp2(fmin(halvings, MAX_LEVEL)));
}

void
weir_report_hdr(const struct weir_histogram *h, FILE *out)
{
	struct weir_histogram_bucket b;
	uint64_t total = weir_histogram_count(h), n = 0;
	double level = 0;
	uint32_t at = 0;

	fprintf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
	    "1/(1-Percentile)");
	while (weir_histogram_next(h, &at, &b)) {
		n += b.n;
		while (n < total && level <= (double)n / (double)total) {
			put_line(out, b.to_ns, level, n);
			level = next_level(level);
		}
	}
	if (total)
		put_line(out, weir_histogram_max(h), 1, total);
	fprintf(out, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n",
	    weir_histogram_mean(h) / SCALE, weir_histogram_deviation(h) / SCALE);
	fprintf(out, "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n",
	    (double)weir_histogram_max(h) / SCALE, total);
	fprintf(out, "#[Buckets = %12d, SubBuckets     = %12d]\n",
	    WEIR_HISTOGRAM_OCTAVES - WEIR_HISTOGRAM_FINE, 2 << WEIR_HISTOGRAM_FINE);
}
