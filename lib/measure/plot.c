/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>

#include <weir/measure/report.h>

#include "plot.h"

#define WIDTH        960
#define LEFT         76
#define RIGHT        40
#define HEAD         58 /* title and the line below it */
#define LEGEND       20 /* a row of it */
#define LEGEND_SLOTS 3
#define CURVES       330 /* height of the percentile curves */
#define BELOW        54  /* ticks and name of an axis */
#define COLUMNS      3   /* small plots in a row */
#define GAP          64  /* between them, with the axis' labels */
#define SMALL        150 /* their height */
#define SMALL_HEAD   22
#define SMALL_POINTS 400 /* most that one shows */
#define COLOURS      8
#define THIN_PX      0.4 /* steps of a curve that are smaller are not seen */

/* Colours that those who see few of them can tell apart; the floor is grey. */
static const char style[] =
    "<style>\n"
    "svg{background:#fff}text{font:12px system-ui,'DejaVu Sans',sans-serif;fill:#24292f}\n"
    ".title{font-size:16px;font-weight:600}.note,.tick{fill:#57606a}.tick{font-size:11px}\n"
    ".name{font-weight:600}path{fill:none}.grid{stroke:#c3c9d0}.minor{stroke:#e7eaee}\n"
    ".frame{stroke:#8c959f}.curve{stroke-width:2;stroke-linejoin:round}\n"
    ".p50{stroke-width:2}.p99{stroke-width:1.4}.max{stroke-width:1;stroke-opacity:.55;"
    "stroke-dasharray:2 2}\n"
    ".cf{stroke:#7d8590;stroke-dasharray:6 3}.c0{stroke:#0072b2}.c1{stroke:#d55e00}"
    ".c2{stroke:#009e73}.c3{stroke:#b8478f}\n"
    ".c4{stroke:#b07d00}.c5{stroke:#2a9fd6}.c6{stroke:#7b5cc4}.c7{stroke:#555}\n"
    "@media (prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#e6edf3}"
    ".note,.tick{fill:#9aa4af}\n"
    ".grid{stroke:#3d444d}.minor{stroke:#21262d}.frame{stroke:#6e7681}.cf{stroke:#9aa4af}"
    ".c0{stroke:#4aa8e8}.c1{stroke:#ff8c3b}\n"
    ".c2{stroke:#2fc79a}.c3{stroke:#e58ac4}.c4{stroke:#e6b23c}.c5{stroke:#7cc8f5}"
    ".c6{stroke:#b39bf0}.c7{stroke:#c0c0c0}}\n"
    "</style>\n";

/* Curve 0 is the floor, where there is one. */
static const struct weir_measurement *
curve_of(const struct weir_report *r, unsigned i)
{
	if (r->floor && i == 0)
		return r->floor;
	return &r->loads[i - (r->floor ? 1 : 0)];
}

static unsigned
n_curves(const struct weir_report *r)
{
	return r->n_loads + (r->floor ? 1 : 0);
}

static const char *
colour_of(const struct weir_report *r, unsigned i, char *buf, size_t size)
{
	if (r->floor && i == 0)
		return "cf";
	snprintf(buf, size, "c%u", (i - (r->floor ? 1 : 0)) % COLOURS);
	return buf;
}

static bool
has_series(const struct weir_measurement *m)
{
	return m->series && m->series->n_points > 0;
}

/* Percentiles by how far from 100 % they are: 90 % is one, 99 % two. The largest of n values is
 * placed where half a value is left. */
static double
nines_x(const struct plot_box *b, double nines, uint64_t n_left_twice, uint64_t n)
{
	double left = (double)(n_left_twice ? n_left_twice : 1) / (2 * (double)n);

	return b->left + (b->right - b->left) * fmin(-log10(left) / nines, 1);
}

static void
draw_curve(const struct weir_measurement *m, const char *colour, const struct plot_axis *a,
    const struct plot_box *b, double nines, FILE *out)
{
	const struct weir_histogram *h = m->delay;
	struct weir_histogram_bucket k;
	uint64_t n = 0;
	uint32_t at = 0;
	double x = b->left, y = 0;

	if (!h->n)
		return;
	fprintf(out, "<path class=\"curve %s\" d=\"", colour);
	while (weir_histogram_next(h, &at, &k)) {
		double to_x, to_y = plot_axis_y(a, b, k.to_ns);
		bool is_first = n == 0;

		n += k.n;
		to_x = nines_x(b, nines, 2 * (h->n - n), h->n);
		if (is_first)
			fprintf(out, "M%.1f %.1f", b->left, to_y);
		else if (n < h->n && to_x - x < THIN_PX && y - to_y < THIN_PX)
			continue;
		fprintf(out, "V%.1fH%.1f", to_y, to_x);
		x = to_x;
		y = to_y;
	}
	fputs("\"><title>", out);
	plot_text(m->label, out);
	fputs("</title></path>\n", out);
}

/* The axis that has all delays. */
static struct plot_axis
delay_axis(const struct weir_report *r, uint64_t *ret_n)
{
	int64_t min = INT64_MAX, max = 0;
	uint64_t n = 0;

	for (unsigned i = 0; i < n_curves(r); i++) {
		const struct weir_histogram *h = curve_of(r, i)->delay;

		if (!h->n)
			continue;
		min = weir_histogram_min(h) < min ? weir_histogram_min(h) : min;
		max = weir_histogram_max(h) > max ? weir_histogram_max(h) : max;
		n = h->n > n ? h->n : n;
	}
	*ret_n = n;
	return plot_axis_fit(n ? min : 1, max);
}

static void
draw_nines(const struct plot_box *b, unsigned nines, FILE *out)
{
	fprintf(out, "<path class=\"minor\" d=\"M%.1f %.1fV%.1f\"/>\n", nines_x(b, nines, 1, 1),
	    b->top, b->bottom);
	for (unsigned i = 0; i <= nines; i++) {
		double x = b->left + (b->right - b->left) * i / nines;

		fprintf(
		    out, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>\n", x, b->top, b->bottom);
		fprintf(out, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">",
		    x, b->bottom + 16);
		if (i < 3)
			fprintf(out, "%s%%</text>\n", i == 0 ? "0" : i == 1 ? "90" : "99");
		else
			fprintf(
			    out, "%.*f%%</text>\n", (int)i - 2, 100 - 100 * pow(10, -(double)i));
	}
	fprintf(out,
	    "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">50%%</text>\n",
	    nines_x(b, nines, 1, 1), b->bottom + 16);
	fprintf(out,
	    "<text class=\"note\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">"
	    "percentile of probes</text>\n",
	    (b->left + b->right) / 2, b->bottom + 36);
}

static void
draw_frame(const struct plot_box *b, FILE *out)
{
	fprintf(out, "<path class=\"frame\" d=\"M%.1f %.1fV%.1fH%.1f\"/>\n", b->left, b->top,
	    b->bottom, b->right);
}

static void
draw_curves(const struct weir_report *r, double top, FILE *out)
{
	struct plot_box b = { LEFT, top, WIDTH - RIGHT, top + CURVES };
	uint64_t n;
	struct plot_axis a = delay_axis(r, &n);
	unsigned nines = n > 100 ? (unsigned)ceil(log10((double)n)) : 2;
	char buf[8];

	plot_axis_draw(&a, &b, out);
	draw_nines(&b, nines, out);
	draw_frame(&b, out);
	for (unsigned i = 0; i < n_curves(r); i++)
		draw_curve(curve_of(r, i), colour_of(r, i, buf, sizeof(buf)), &a, &b, nines, out);
}

static void
put_quantile(const struct weir_histogram *h, unsigned i, FILE *out)
{
	const struct weir_report_quantile *q = &weir_report_quantiles[i];
	char buf[32];

	if (weir_histogram_has_quantile(h, q->q))
		fprintf(out, "<tspan class=\"note\" dx=\"9\">%s %s</tspan>", q->name,
		    plot_duration((double)weir_histogram_quantile(h, q->q), buf, sizeof(buf)));
}

static void
draw_legend(const struct weir_report *r, double top, FILE *out)
{
	for (unsigned i = 0; i < n_curves(r); i++) {
		const struct weir_measurement *m = curve_of(r, i);
		double x =
		    LEFT + (double)(i % LEGEND_SLOTS) * (WIDTH - LEFT - RIGHT) / LEGEND_SLOTS;
		double y = top + (double)(i / LEGEND_SLOTS) * LEGEND;
		char buf[32];

		fprintf(out, "<path class=\"curve %s\" d=\"M%.1f %.1fh26\"/>\n",
		    colour_of(r, i, buf, sizeof(buf)), x, y - 4);
		fprintf(out, "<text x=\"%.1f\" y=\"%.1f\"><tspan class=\"name\">", x + 34, y);
		plot_text(m->label, out);
		fputs("</tspan>", out);
		put_quantile(m->delay, 0, out);
		put_quantile(m->delay, 2, out);
		fputs("</text>\n", out);
	}
}

enum line {
	MAX,
	P99,
	P50,
	N_LINES,
};

static int64_t
point_value(const struct weir_series_point *p, enum line line)
{
	return line == MAX ? p->max_ns : line == P99 ? p->p99_ns : p->p50_ns;
}

/* Points that would lie on one another become one: the largest. */
static void
draw_series(const struct weir_series *s, int64_t duration_ns, enum line line, const char *colour,
    const struct plot_axis *a, const struct plot_box *b, FILE *out)
{
	static const char *const classes[N_LINES] = { "max", "p99", "p50" };
	uint32_t each = (s->n_points + SMALL_POINTS - 1) / SMALL_POINTS;
	int64_t before_ns = INT64_MIN / 2;

	fprintf(out, "<path class=\"%s %s\" d=\"", classes[line], colour);
	for (uint32_t i = 0; i < s->n_points; i += each) {
		const struct weir_series_point *p = &s->points[i];
		int64_t largest = 0;
		double x, y;

		for (uint32_t k = i; k < i + each && k < s->n_points; k++) {
			int64_t v = point_value(&s->points[k], line);

			largest = v > largest ? v : largest;
		}
		x = plot_time_x(b, duration_ns, p->from_ns);
		y = plot_axis_y(a, b, largest);
		/* Where nothing came, there is no line. A point without neighbours is a dash. */
		fprintf(out, "%s%.1f %.1fh.8",
		    p->from_ns - before_ns > 2 * each * s->interval_ns ? "M" : "L", x, y);
		before_ns = p->from_ns;
	}
	fputs("\"/>\n", out);
}

static struct plot_axis
series_axis(const struct weir_report *r)
{
	int64_t min = INT64_MAX, max = 0;

	for (unsigned i = 0; i < n_curves(r); i++) {
		const struct weir_measurement *m = curve_of(r, i);

		for (uint32_t k = 0; has_series(m) && k < m->series->n_points; k++) {
			const struct weir_series_point *p = &m->series->points[k];

			min = p->p50_ns < min ? p->p50_ns : min;
			max = p->max_ns > max ? p->max_ns : max;
		}
	}
	return plot_axis_fit(min < max ? min : max, max);
}

static void
draw_small(const struct weir_report *r, unsigned i, const struct plot_axis *a,
    const struct plot_box *b, FILE *out)
{
	const struct weir_measurement *m = curve_of(r, i);
	const struct weir_series *s = m->series;
	int64_t end_ns = s->points[s->n_points - 1].from_ns + s->interval_ns;
	char buf[8];

	fprintf(out, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\">", b->left, b->top - 8);
	plot_text(m->label, out);
	fputs("</text>\n", out);
	plot_axis_draw(a, b, out);
	plot_time_draw(b, end_ns, out);
	draw_frame(b, out);
	for (unsigned line = 0; line < N_LINES; line++)
		draw_series(s, end_ns, line, colour_of(r, i, buf, sizeof(buf)), a, b, out);
}

static unsigned
n_small(const struct weir_report *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_curves(r); i++)
		n += has_series(curve_of(r, i));
	return n;
}

/* Four are two rows of two. */
static unsigned
small_columns(unsigned n)
{
	return n == 4 ? 2 : n < COLUMNS ? n : COLUMNS;
}

static void
draw_smalls(const struct weir_report *r, double top, FILE *out)
{
	unsigned n = n_small(r), columns = small_columns(n), at = 0;
	double width = columns ? (WIDTH - LEFT - RIGHT - (columns - 1.0) * GAP) / columns : 0;
	struct plot_axis a = series_axis(r);

	if (!n)
		return;
	fprintf(out,
	    "<text class=\"note\" x=\"%d\" y=\"%.1f\">latency over time: P50 (thick), P99 "
	    "(thin), largest (dotted) of each interval</text>\n",
	    LEFT, top);
	for (unsigned i = 0; i < n_curves(r); i++) {
		struct plot_box b;

		if (!has_series(curve_of(r, i)))
			continue;
		b.left = LEFT + at % columns * (width + GAP);
		b.right = b.left + width;
		b.top = top + 2 * SMALL_HEAD + at / columns * (SMALL + SMALL_HEAD + 32.0);
		b.bottom = b.top + SMALL;
		draw_small(r, i, &a, &b, out);
		at++;
	}
}

void
weir_report_svg(const struct weir_report *r, FILE *out)
{
	unsigned legend_rows = (n_curves(r) + LEGEND_SLOTS - 1) / LEGEND_SLOTS;
	unsigned n = n_small(r), small_rows = n ? (n - 1) / small_columns(n) + 1 : 0;
	double curves_top = HEAD + 20 + legend_rows * LEGEND;
	double smalls_top = curves_top + CURVES + BELOW + 10;
	double height =
	    smalls_top + (small_rows ? SMALL_HEAD + small_rows * (SMALL + SMALL_HEAD + 32.0) : 0);
	char error[32];

	fprintf(out,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" "
	    "viewBox=\"0 0 %d %.0f\" role=\"img\">\n<title>Latency of ",
	    WIDTH, height, WIDTH, height);
	plot_text(r->path, out);
	fprintf(out, "</title>\n%s", style);
	fprintf(out, "<text class=\"title\" x=\"%d\" y=\"28\">Latency of ", LEFT);
	plot_text(r->path, out);
	fprintf(out, "</text>\n<text class=\"note\" x=\"%d\" y=\"48\">%u bytes; clock: ", LEFT,
	    r->frame_bytes);
	plot_text(r->clock, out);
	fprintf(
	    out, ", within %s</text>\n", plot_duration((double)r->error_ns, error, sizeof(error)));
	draw_legend(r, HEAD + 18, out);
	draw_curves(r, curves_top, out);
	draw_smalls(r, smalls_top, out);
	fputs("</svg>\n", out);
}
