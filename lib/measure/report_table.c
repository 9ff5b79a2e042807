/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include <weir/base/number.h>
#include <weir/measure/report.h>

#define CELL    48
#define COLUMNS 14

/* Rows of cells: the heading, the floor and the loads. Written a column at a time, so that widths
 * are known: a table of a few rows is built again for each cell's row. */
struct line {
	char cells[COLUMNS][CELL];
	unsigned n;
};

typedef void make_fn(const struct weir_measurement *m, struct line *ret);

static void add(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
add(struct line *l, const char *fmt, ...)
{
	va_list ap;

	if (l->n == COLUMNS)
		return;
	va_start(ap, fmt);
	vsnprintf(l->cells[l->n++], CELL, fmt, ap);
	va_end(ap);
}

static void
add_ns(struct line *l, int64_t ns)
{
	char buf[32];

	add(l, "%s", weir_text_duration(ns, buf, sizeof(buf)));
}

static void
add_rate(struct line *l, double pps)
{
	char buf[32];

	add(l, "%s", weir_text_count(pps, buf, sizeof(buf)));
}

static void
add_quantile(struct line *l, const struct weir_histogram *h, double q, int64_t less_ns)
{
	if (h && weir_histogram_has_quantile(h, q))
		add_ns(l, weir_histogram_quantile(h, q) - less_ns);
	else
		add(l, "-");
}

static void
make_delay(const struct weir_measurement *m, struct line *l)
{
	if (!m) {
		add(l, "latency");
		for (unsigned i = 0; i < WEIR_REPORT_QUANTILES; i++)
			add(l, "%s", weir_report_quantiles[i].name);
		add(l, "max");
		add(l, "min");
		add(l, "mean");
		add(l, "samples");
		return;
	}
	add(l, "%s", m->label);
	for (unsigned i = 0; i < WEIR_REPORT_QUANTILES; i++)
		add_quantile(l, m->delay, weir_report_quantiles[i].q, 0);
	add_quantile(l, m->delay, 1, 0);
	if (m->delay->n) {
		add_ns(l, weir_histogram_min(m->delay));
		add_ns(l, (int64_t)llround(weir_histogram_mean(m->delay)));
	} else {
		add(l, "-");
		add(l, "-");
	}
	add(l, "%" PRIu64, m->delay->n);
}

static void
make_order(const struct weir_measurement *m, struct line *l)
{
	static const char *const names[] = { "packets", "offered/s", "sent/s", "sent", "received",
		"lost", "loss", "duplicates", "reordered", "extent", "older", "late" };

	if (!m) {
		for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			add(l, "%s", names[i]);
		return;
	}
	add(l, "%s", m->label);
	add_rate(l, m->offered_pps);
	add_rate(l, m->sent_pps);
	add(l, "%" PRIu64, m->counts.sent);
	add(l, "%" PRIu64, m->counts.received);
	add(l, "%" PRIu64, m->counts.lost);
	if (m->counts.lost)
		add(l, "%.3g%%", 100 * (double)m->counts.lost / (double)m->counts.sent);
	else
		add(l, "0");
	add(l, "%" PRIu64, m->counts.duplicates);
	add(l, "%" PRIu64, m->counts.reordered);
	add(l, "%" PRIu64, m->counts.extent_max);
	add(l, "%" PRIu64, m->counts.older);
	add(l, "%" PRIu64, m->counts.late);
}

static void
make_variation(const struct weir_measurement *m, struct line *l)
{
	static const char *const names[] = { "variation", "PDV P50", "P99", "P99.9", "max",
		"IPDV P50", "P99", "P99.9", "max", "pairs" };

	if (!m) {
		for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			add(l, "%s", names[i]);
		return;
	}
	add(l, "%s", m->label);
	for (unsigned i = 0; i < 2; i++) {
		const struct weir_histogram *h = i ? m->ipdv : m->delay;
		int64_t less_ns = i ? 0 : weir_histogram_min(m->delay);

		add_quantile(l, h, 0.5, less_ns);
		add_quantile(l, h, 0.99, less_ns);
		add_quantile(l, h, 0.999, less_ns);
		add_quantile(l, h, 1, less_ns);
	}
	add(l, "%" PRIu64, m->counts.ipdv_pairs);
}

/* Characters of UTF-8 text. */
static unsigned
text_width(const char *s)
{
	unsigned n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static const struct weir_measurement *
row_of(const struct weir_report *r, unsigned i)
{
	if (r->floor && i == 0)
		return r->floor;
	return &r->loads[i - (r->floor ? 1 : 0)];
}

static void
print_line(const struct line *l, const unsigned *widths, FILE *out)
{
	/* The first column is names, the others numbers. */
	for (unsigned i = 0; i < l->n; i++) {
		int fill = (int)(widths[i] - text_width(l->cells[i]));

		if (i == 0)
			fprintf(out, "%s%*s", l->cells[i], fill, "");
		else
			fprintf(out, "  %*s%s", fill, "", l->cells[i]);
	}
	fputc('\n', out);
}

static void
print_part(const struct weir_report *r, make_fn *make, FILE *out)
{
	unsigned widths[COLUMNS] = { 0 }, n = r->n_loads + (r->floor ? 1 : 0);

	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i <= n; i++) {
			struct line l = { .n = 0 };

			make(i ? row_of(r, i - 1) : NULL, &l);
			if (pass) {
				print_line(&l, widths, out);
				continue;
			}
			for (unsigned c = 0; c < l.n; c++)
				if (text_width(l.cells[c]) > widths[c])
					widths[c] = text_width(l.cells[c]);
		}
}

static void
print_found(const struct weir_search_found *f, FILE *out)
{
	char a[32], b[32], spent[32];

	if (f->goal.loss_ratio > 0)
		fprintf(out, "rate with at most %g%% loss: ", 100 * f->goal.loss_ratio);
	else
		fprintf(out, "no-drop rate: ");
	if (f->has_lower && f->has_upper)
		fprintf(out, "%spps (%.0f; not %spps)", weir_text_count(f->lower_pps, a, 32),
		    f->lower_pps, weir_text_count(f->upper_pps, b, 32));
	else if (f->has_lower)
		fprintf(out, "at least %spps (%.0f)", weir_text_count(f->lower_pps, a, 32),
		    f->lower_pps);
	else if (f->has_upper)
		fprintf(out, "less than %spps", weir_text_count(f->upper_pps, b, 32));
	else
		fprintf(out, "not found");
	fprintf(out, "; %u trials, %s", f->n_trials,
	    weir_text_duration(f->spent_ns, spent, sizeof(spent)));
	if (!f->is_complete)
		fprintf(out, ", not to the end");
	fputc('\n', out);
}

void
weir_report_table(const struct weir_report *r, FILE *out)
{
	char error[32];

	fprintf(out, "%s, %u bytes; clock: %s, within %s\n", r->path, r->frame_bytes, r->clock,
	    weir_text_duration(r->error_ns, error, sizeof(error)));
	for (unsigned i = 0; i < r->n_found; i++)
		print_found(&r->found[i], out);
	if (!r->n_loads && !r->floor)
		return;
	fputc('\n', out);
	print_part(r, make_delay, out);
	fputc('\n', out);
	print_part(r, make_order, out);
	fputc('\n', out);
	print_part(r, make_variation, out);
}
