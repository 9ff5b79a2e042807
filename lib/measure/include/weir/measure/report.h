/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_MEASURE_REPORT_H
#define WEIR_MEASURE_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>
#include <weir/base/error.h>
#include <weir/measure/search.h>
#include <weir/measure/sequence.h>
#include <weir/measure/series.h>
#include <weir/sketch/histogram.h>

/*
 * What was measured, and how it is written: a table, JSON, HdrHistogram's text, a plot. All are
 * written from the same figures. A percentile for which there are too few samples
 * (weir_histogram_has_quantile) is a dash, and in JSON null; the largest needs one.
 *
 * The caller owns everything that is pointed to. Control thread. Texts are UTF-8, but may be
 * anything: what JSON or XML cannot take is replaced.
 */

/* Percentiles that are shown everywhere: P50 P90 P99 P99.9 P99.99; the largest follows. */
#define WEIR_REPORT_QUANTILES 5
struct weir_report_quantile {
	const char *name; /* "P99.9" */
	const char *key;  /* of JSON: "p99.9" */
	double q;
};
extern const struct weir_report_quantile weir_report_quantiles[WEIR_REPORT_QUANTILES];

/* One load. */
struct weir_measurement {
	const char *label;   /* "floor", "50 %", "10k pps" */
	double share;        /* of the no-drop rate, 0 to 1; NAN: was not given as one */
	double offered_pps;  /* as asked for; 0 is a probe now and then: no load */
	double sent_pps;     /* as sent: probes by the time from the first to the last */
	int64_t duration_ns; /* of sending */
	struct weir_sequence_counts counts;
	const struct weir_histogram *delay; /* ns */
	const struct weir_histogram *ipdv;  /* ns; NULL: not measured */
	const struct weir_series *series;   /* closed; NULL: not measured */
};

struct weir_report {
	const char *path;  /* "eth0 -> eth1" */
	const char *clock; /* "TSC, calibrated against CLOCK_MONOTONIC", "NIC" */
	int64_t error_ns;  /* of one delay by that clock, besides the histogram's 1/128 */
	uint32_t frame_bytes;
	const struct weir_measurement *floor; /* what the instrument measures of itself, or NULL */
	const struct weir_measurement *loads; /* [n_loads] */
	unsigned n_loads;
	const struct weir_search_found *found; /* [n_found] NDR and its like */
	unsigned n_found;
};

/* For people: a row a load, the floor first; delays, then loss and order, then variation. */
void weir_report_table(const struct weir_report *r, FILE *out);

/* New reference. Durations are numbers of ns, in keys that say so. docs/latency.md has the keys. */
json_t *weir_report_json(const struct weir_report *r);
/* The same as a line. 0 or -EIO (described with the name of the file). */
int weir_report_json_write(
    const struct weir_report *r, FILE *out, const char *path, struct weir_error *err);

/* The percentile distribution of HdrHistogram (outputPercentileDistribution), values in us, that
 * its plotters read. */
void weir_report_hdr(const struct weir_histogram *h, FILE *out);

/* A plot as SVG that needs nothing else: the percentile curve of each load and the floor, and
 * below it latency over time of each load that has a series. Dark where the viewer is. */
void weir_report_svg(const struct weir_report *r, FILE *out);

#endif
