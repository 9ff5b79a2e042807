/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <string.h>

#include "plot.h"

#define MIN_LABEL_PX 16 /* between the middles of two labels */
#define TIME_TICKS   5

/* The largest of 1, 2, 5 times a power of ten that is not above x. */
static double
round_down(double x)
{
	double unit = pow(10, floor(log10(x) + 1e-9));

	return x >= 5 * unit * (1 - 1e-9) ? 5 * unit : x >= 2 * unit * (1 - 1e-9) ? 2 * unit : unit;
}

static double
next_up(double tick)
{
	double lead = tick / pow(10, floor(log10(tick) + 1e-9));

	return lead > 1.5 && lead < 3 ? tick * 2.5 : tick * 2;
}

struct plot_axis
plot_axis_fit(int64_t min_ns, int64_t max_ns)
{
	double low = min_ns > 1 ? (double)min_ns : 1;
	double high = (double)max_ns > low ? (double)max_ns : low;
	struct plot_axis a = { .low_ns = round_down(low) };

	a.high_ns = next_up(a.low_ns);
	while (a.high_ns < high)
		a.high_ns = next_up(a.high_ns);
	return a;
}

double
plot_axis_y(const struct plot_axis *a, const struct plot_box *b, int64_t ns)
{
	double x = fmin(fmax((double)ns, a->low_ns), a->high_ns);

	return b->bottom - (b->bottom - b->top) * log(x / a->low_ns) / log(a->high_ns / a->low_ns);
}

const char *
plot_duration(double ns, char *buf, size_t size)
{
	static const struct {
		double ns;
		const char *name;
	} units[] = { { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "µs" }, { 1, "ns" } };
	unsigned i = 0;

	while (i < 3 && ns < units[i].ns * (1 - 5e-4))
		i++;
	snprintf(buf, size, "%.3g %s", ns / units[i].ns, units[i].name);
	return buf;
}

void
plot_axis_draw(const struct plot_axis *a, const struct plot_box *b, FILE *out)
{
	double decade_px = (b->bottom - b->top) / log10(a->high_ns / a->low_ns);
	bool has_minor = decade_px * log10(2) >= MIN_LABEL_PX;
	unsigned every = has_minor ? 1 : (unsigned)ceil(MIN_LABEL_PX / decade_px);
	char buf[32];

	for (double t = a->low_ns; t <= a->high_ns * 1.001; t = next_up(t)) {
		double y = plot_axis_y(a, b, (int64_t)llround(t));
		double decade = log10(t);
		bool is_decade = fabs(decade - round(decade)) < 1e-6;

		fprintf(out, "<path class=\"%s\" d=\"M%.1f %.1fH%.1f\"/>\n",
		    is_decade ? "grid" : "minor", b->left, y, b->right);
		if (!has_minor && (!is_decade || (unsigned)llround(decade) % every))
			continue;
		fprintf(out,
		    "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
		    b->left - 8, y + 4, plot_duration(t, buf, sizeof(buf)));
	}
}

double
plot_time_x(const struct plot_box *b, int64_t duration_ns, int64_t ns)
{
	double share = duration_ns > 0 ? (double)ns / (double)duration_ns : 0;

	return b->left + (b->right - b->left) * fmin(fmax(share, 0), 1);
}

void
plot_time_draw(const struct plot_box *b, int64_t duration_ns, FILE *out)
{
	double end = duration_ns > 0 ? (double)duration_ns : 1, step = round_down(end / TIME_TICKS);
	char buf[32];

	while (end / step > TIME_TICKS + 1e-6)
		step = next_up(step);
	for (double t = 0; t <= end * 1.001; t += step) {
		double x = plot_time_x(b, duration_ns, (int64_t)llround(t));

		fprintf(
		    out, "<path class=\"minor\" d=\"M%.1f %.1fV%.1f\"/>\n", x, b->top, b->bottom);
		fprintf(out,
		    "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n",
		    x, b->bottom + 16, t > 0 ? plot_duration(t, buf, sizeof(buf)) : "0");
	}
}

/* Bytes of the character that s begins with; 0 where it is none of UTF-8's that XML takes. */
static unsigned
character(const unsigned char *s)
{
	unsigned n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if (n == 0 || s[0] > 0xf4 || s[0] < 0x20 || s[0] == 0x7f)
		return 0;
	for (unsigned i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, what is beyond Unicode, U+FFFE and U+FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f) ||
	    (s[0] == 0xef && s[1] == 0xbf && s[2] >= 0xbe))
		return 0;
	return n;
}

void
plot_text(const char *s, FILE *out)
{
	while (*s) {
		unsigned n = character((const unsigned char *)s);
		const char *name = *s == '&'   ? "&amp;"
				   : *s == '<' ? "&lt;"
				   : *s == '>' ? "&gt;"
					       : NULL;

		if (name)
			fputs(name, out);
		else if (n)
			fwrite(s, 1, n, out);
		else
			fputc('?', out);
		s += n ? n : 1;
	}
}
