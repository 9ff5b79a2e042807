/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include <weir/base/number.h>
#include <weir/base/time.h>

#include "gen.h"

/* So far behind at the end, and by so much: the rate was not reached. */
#define SLOW_NS  (WEIR_NS_PER_S / 100)
#define SLOW_PPM (-50000.0)

static const struct {
	const char *name;
	double q;
} percentiles[] = {
	{ "P50", 0.5 },
	{ "P90", 0.9 },
	{ "P99", 0.99 },
	{ "P99.9", 0.999 },
	{ "P99.99", 0.9999 },
	{ "max", 1 },
};
#define N_PERCENTILES (sizeof(percentiles) / sizeof(percentiles[0]))

struct rates {
	double s;        /* from the first packet's time to the last packet */
	double pps;      /* NAN where there is no time between them */
	double bps;      /* of frames */
	double line_bps; /* with what they take of an Ethernet line besides */
	double ppm;      /* off what was asked for, NAN where nothing was */
};

static struct rates
work_out(const struct gen_result *r)
{
	struct rates x = { .pps = NAN, .bps = NAN, .line_bps = NAN, .ppm = NAN };
	double n = (double)r->n_sent, bits = (double)r->n_bytes * 8;
	/* the first packet's time is by the schedule, too: a late start is no higher rate */
	int64_t span = r->last_ns - r->first_intended_ns;
	int64_t intended = r->last_intended_ns - r->first_intended_ns;

	x.s = (double)span / 1e9;
	if (span <= 0 || r->n_sent < 2)
		return x;
	/* n packets have n - 1 gaps between them */
	x.pps = (n - 1) / x.s;
	x.bps = bits / n * x.pps;
	x.line_bps = (bits / n + 8 * WEIR_LINE_EXTRA_BYTES) * x.pps;
	if (r->rate.kind != WEIR_RATE_MAX && intended > 0)
		x.ppm = ((double)intended / (double)span - 1) * 1e6;
	return x;
}

static bool
has(const struct weir_histogram *h, double q)
{
	return weir_histogram_has_quantile(h, q);
}

static void
print_lag(const struct weir_histogram *h, FILE *out)
{
	char text[32];

	if (!weir_histogram_count(h))
		return;
	fprintf(out, "  lag       ");
	for (unsigned i = 0; i < N_PERCENTILES; i++)
		fprintf(out, "%s %s  ", percentiles[i].name,
		    has(h, percentiles[i].q)
			? weir_text_duration(
			      weir_histogram_quantile(h, percentiles[i].q), text, sizeof(text))
			: "-");
	fprintf(out, "of %" PRIu64 "\n", weir_histogram_count(h));
}

void
gen_report_text(const struct gen_send *g, const struct gen_result *r, FILE *out)
{
	struct rates x = work_out(r);
	char a[32], b[32], c[32], asked[96];

	fprintf(out, "sent %" PRIu64 " packets, %" PRIu64 " bytes out of %s (%s) in %.6f s%s\n",
	    r->n_sent, r->n_bytes, g->port, r->device, x.s,
	    r->is_interrupted ? ", until it was stopped" : "");
	if (!isnan(x.pps))
		fprintf(out, "  rate      %spps  %sbit/s of frames  %sbit/s of line\n",
		    weir_text_count(x.pps, a, sizeof(a)), weir_text_count(x.bps, b, sizeof(b)),
		    weir_text_count(x.line_bps, c, sizeof(c)));
	fprintf(out, "  asked for %s", weir_rate_text(&r->rate, asked, sizeof(asked)));
	if (!isnan(x.ppm))
		fprintf(out, ": %+.1f ppm", fabs(x.ppm) < 0.05 ? 0.0 : x.ppm);
	fprintf(out, "\n");
	print_lag(&r->lag, out);
	fprintf(out, "  not sent  %" PRIu64, r->n_refused + r->n_failed);
	if (r->n_failed)
		fprintf(out, " (%" PRIu64 " of them lost by the driver)", r->n_failed);
	fprintf(out, "\n");
	if (r->n_cut)
		fprintf(out, "  cut       %" PRIu64 " packets of the capture: sent with zeros\n",
		    r->n_cut);
}

static json_t *
number(double x)
{
	return isnan(x) ? json_null() : json_real(x);
}

static json_t *
lag(const struct weir_histogram *h)
{
	json_t *o = json_object();

	json_object_set_new(o, "samples", json_integer((json_int_t)weir_histogram_count(h)));
	for (unsigned i = 0; i < N_PERCENTILES; i++) {
		json_t *v = json_null();

		if (has(h, percentiles[i].q))
			v = json_integer(weir_histogram_quantile(h, percentiles[i].q));
		json_object_set_new(o, percentiles[i].name, v);
	}
	return o;
}

int
gen_report_json(
    const struct gen_send *g, const struct gen_result *r, FILE *out, struct weir_error *err)
{
	struct rates x = work_out(r);
	char asked[96], stream[16];
	json_t *o = json_object();
	int rc = -1;

	snprintf(stream, sizeof(stream), "%08x", r->stream);
	json_object_set_new(o, "source", json_string(g->source.value));
	json_object_set_new(o, "port", json_string(g->port));
	json_object_set_new(o, "device", json_string(r->device));
	json_object_set_new(o, "packets", json_integer((json_int_t)r->n_sent));
	json_object_set_new(o, "bytes", json_integer((json_int_t)r->n_bytes));
	json_object_set_new(o, "seconds", json_real(x.s));
	json_object_set_new(
	    o, "asked", json_string(weir_rate_text(&r->rate, asked, sizeof(asked))));
	json_object_set_new(o, "pps", number(x.pps));
	json_object_set_new(o, "bps", number(x.bps));
	json_object_set_new(o, "line_bps", number(x.line_bps));
	json_object_set_new(o, "error_ppm", number(x.ppm));
	json_object_set_new(o, "lag_ns", lag(&r->lag));
	json_object_set_new(o, "not_sent",
	    json_pack("{s:I, s:I}", "refused", (json_int_t)r->n_refused, "driver",
		(json_int_t)r->n_failed));
	json_object_set_new(o, "cut", json_integer((json_int_t)r->n_cut));
	json_object_set_new(o, "stream", g->has_signature ? json_string(stream) : json_null());
	json_object_set_new(o, "interrupted", json_boolean(r->is_interrupted));
	if (o)
		rc = json_dumpf(o, out, JSON_COMPACT | JSON_REAL_PRECISION(12));
	json_decref(o);
	fprintf(out, "\n");
	return rc ? weir_error_run(err, -ENOMEM, "no memory for the report") : 0;
}

int
gen_report_judge(const struct gen_send *g, const struct gen_result *r, struct weir_error *err)
{
	int64_t behind = r->last_ns - r->last_intended_ns;
	struct rates x = work_out(r);
	char pps[32];

	if (r->is_interrupted)
		return 0;
	if (r->n_refused + r->n_failed)
		return weir_error_run(err, -EIO, "-o '%s': %" PRIu64 " packets could not be sent%s",
		    g->port, r->n_refused + r->n_failed,
		    r->n_sent ? "" : ": is the other end there, and does it take them?");
	if (x.ppm < SLOW_PPM && behind > SLOW_NS)
		return weir_error_run(err, -EIO,
		    "--rate '%s': not reached: %spps, %.1f %% less than asked for", g->rate_text,
		    weir_text_count(x.pps, pps, sizeof(pps)), x.ppm / -1e4);
	return 0;
}
