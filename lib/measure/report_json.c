/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <weir/base/file.h>
#include <weir/measure/report.h>

const struct weir_report_quantile weir_report_quantiles[WEIR_REPORT_QUANTILES] = {
	{ "P50", "p50", 0.5 },
	{ "P90", "p90", 0.9 },
	{ "P99", "p99", 0.99 },
	{ "P99.9", "p99.9", 0.999 },
	{ "P99.99", "p99.99", 0.9999 },
};

static json_t *
number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *
real(double x)
{
	return isfinite(x) ? json_real(x) : json_null();
}

/* Names of devices may be any bytes. */
static json_t *
text(const char *s)
{
	json_t *j = json_string(s ? s : "");

	return j ? j : json_string("?");
}

/* Percentiles less a number of ns. */
static void
add_quantiles(json_t *o, const struct weir_histogram *h, int64_t less_ns)
{
	for (unsigned i = 0; i < WEIR_REPORT_QUANTILES; i++) {
		double q = weir_report_quantiles[i].q;

		json_object_set_new(o, weir_report_quantiles[i].key,
		    weir_histogram_has_quantile(h, q)
			? json_integer(weir_histogram_quantile(h, q) - less_ns)
			: json_null());
	}
	json_object_set_new(
	    o, "max", h->n ? json_integer(weir_histogram_max(h) - less_ns) : json_null());
}

static json_t *
delay_json(const struct weir_histogram *h)
{
	json_t *o = json_object();

	json_object_set_new(o, "samples", number(h->n));
	json_object_set_new(o, "min", h->n ? json_integer(weir_histogram_min(h)) : json_null());
	json_object_set_new(o, "mean", h->n ? real(weir_histogram_mean(h)) : json_null());
	json_object_set_new(o, "stddev", h->n ? real(weir_histogram_deviation(h)) : json_null());
	add_quantiles(o, h, 0);
	if (h->n_below)
		json_object_set_new(o, "negative", number(h->n_below));
	if (h->n_above)
		json_object_set_new(o, "beyond_range", number(h->n_above));
	return o;
}

static json_t *
pdv_json(const struct weir_histogram *delay)
{
	json_t *o = json_object();

	add_quantiles(o, delay, weir_histogram_min(delay));
	return o;
}

static json_t *
ipdv_json(const struct weir_measurement *m)
{
	json_t *o = json_object();

	json_object_set_new(o, "pairs", number(m->counts.ipdv_pairs));
	json_object_set_new(
	    o, "mean", m->counts.ipdv_pairs ? real(m->counts.ipdv_mean_ns) : json_null());
	json_object_set_new(o, "rising", number(m->counts.ipdv_rising));
	json_object_set_new(o, "falling", number(m->counts.ipdv_falling));
	add_quantiles(o, m->ipdv, 0);
	return o;
}

static json_t *
reordering_json(const struct weir_sequence_counts *c)
{
	json_t *o = json_object(), *n = json_array();

	json_object_set_new(o, "packets", number(c->reordered));
	json_object_set_new(o, "ratio", real(c->reordered_ratio));
	json_object_set_new(o, "extent_max", number(c->extent_max));
	json_object_set_new(o, "extent_mean", real(c->extent_mean));
	for (unsigned i = 0; i < WEIR_SEQUENCE_DEPTH; i++)
		json_array_append_new(n, number(c->n_reordered[i]));
	json_object_set_new(o, "n_reordered", n);
	return o;
}

/* Columns, as a plot wants them. */
static json_t *
series_json(const struct weir_series *s)
{
	json_t *from = json_array(), *n = json_array(), *p50 = json_array(), *p99 = json_array(),
	       *max = json_array(), *o = json_object();

	for (uint32_t i = 0; i < s->n_points; i++) {
		const struct weir_series_point *p = &s->points[i];

		json_array_append_new(from, json_integer(p->from_ns));
		json_array_append_new(n, number(p->n));
		json_array_append_new(p50, json_integer(p->p50_ns));
		json_array_append_new(p99, json_integer(p->p99_ns));
		json_array_append_new(max, json_integer(p->max_ns));
	}
	json_object_set_new(o, "interval_ns", json_integer(s->interval_ns));
	json_object_set_new(o, "from_ns", from);
	json_object_set_new(o, "samples", n);
	json_object_set_new(o, "p50_ns", p50);
	json_object_set_new(o, "p99_ns", p99);
	json_object_set_new(o, "max_ns", max);
	if (s->n_beyond)
		json_object_set_new(o, "left_out", number(s->n_beyond));
	return o;
}

static json_t *
measurement_json(const struct weir_measurement *m)
{
	const struct weir_sequence_counts *c = &m->counts;
	json_t *o = json_object();

	json_object_set_new(o, "load", text(m->label));
	json_object_set_new(o, "share", real(m->share));
	json_object_set_new(o, "offered_pps", real(m->offered_pps));
	json_object_set_new(o, "sent_pps", real(m->sent_pps));
	json_object_set_new(o, "duration_s", real((double)m->duration_ns / 1e9));
	json_object_set_new(o, "sent", number(c->sent));
	json_object_set_new(o, "received", number(c->received));
	json_object_set_new(o, "lost", number(c->lost));
	json_object_set_new(o, "duplicates", number(c->duplicates));
	json_object_set_new(o, "older", number(c->older));
	json_object_set_new(o, "outside", number(c->outside));
	json_object_set_new(o, "late", number(c->late));
	json_object_set_new(o, "reordering", reordering_json(c));
	json_object_set_new(o, "latency_ns", delay_json(m->delay));
	json_object_set_new(o, "pdv_ns", pdv_json(m->delay));
	if (m->ipdv)
		json_object_set_new(o, "ipdv_ns", ipdv_json(m));
	if (m->series)
		json_object_set_new(o, "over_time", series_json(m->series));
	return o;
}

static json_t *
found_json(const struct weir_search_found *f)
{
	json_t *o = json_object();

	json_object_set_new(o, "loss_ratio", real(f->goal.loss_ratio));
	json_object_set_new(o, "exceed_ratio", real(f->goal.exceed_ratio));
	json_object_set_new(o, "width", real(f->goal.width));
	json_object_set_new(o, "trial_s", real((double)f->goal.final_ns / 1e9));
	json_object_set_new(o, "complete", json_boolean(f->is_complete));
	json_object_set_new(o, "lower_pps", f->has_lower ? real(f->lower_pps) : json_null());
	json_object_set_new(o, "upper_pps", f->has_upper ? real(f->upper_pps) : json_null());
	json_object_set_new(
	    o, "conditional_pps", f->has_lower ? real(f->conditional_pps) : json_null());
	json_object_set_new(o, "trials", number(f->n_trials));
	json_object_set_new(o, "spent_s", real((double)f->spent_ns / 1e9));
	return o;
}

json_t *
weir_report_json(const struct weir_report *r)
{
	json_t *root = json_object(), *loads = json_array(), *found = json_array();

	json_object_set_new(root, "path", text(r->path));
	json_object_set_new(root, "frame_bytes", number(r->frame_bytes));
	json_object_set_new(root, "clock", text(r->clock));
	json_object_set_new(root, "clock_error_ns", json_integer(r->error_ns));
	json_object_set_new(root, "relative_error", json_real(1.0 / (1 << WEIR_HISTOGRAM_FINE)));
	json_object_set_new(root, "floor", r->floor ? measurement_json(r->floor) : json_null());
	for (unsigned i = 0; i < r->n_loads; i++)
		json_array_append_new(loads, measurement_json(&r->loads[i]));
	json_object_set_new(root, "loads", loads);
	for (unsigned i = 0; i < r->n_found; i++)
		json_array_append_new(found, found_json(&r->found[i]));
	json_object_set_new(root, "rates", found);
	return root;
}

int
weir_report_json_write(
    const struct weir_report *r, FILE *out, const char *path, struct weir_error *err)
{
	json_t *root = weir_report_json(r);
	int is_bad = json_dumpf(root, out, JSON_COMPACT | JSON_REAL_PRECISION(9)) ||
		     fputc('\n', out) == EOF || fflush(out);

	json_decref(root);
	if (!is_bad)
		return 0;
	weir_file_write_error(err, errno, path);
	return -EIO;
}
