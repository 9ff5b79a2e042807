/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_MEASURE_PLOT_H
#define WEIR_MEASURE_PLOT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A rectangle of the plot, in pixels; y grows downwards. */
struct plot_box {
	double left, top, right, bottom;
};

/* Latency, logarithmic: from low_ns at the bottom of a box to high_ns at its top. */
struct plot_axis {
	double low_ns, high_ns;
};

/* The axis that has both values, ending at 1, 2 or 5 times a power of ten. */
struct plot_axis plot_axis_fit(int64_t min_ns, int64_t max_ns);
double plot_axis_y(const struct plot_axis *a, const struct plot_box *b, int64_t ns);
/* Lines across the box, and what they stand for to the left of it. */
void plot_axis_draw(const struct plot_axis *a, const struct plot_box *b, FILE *out);
/* Lines and labels of a linear axis of time below a box. */
void plot_time_draw(const struct plot_box *b, int64_t duration_ns, FILE *out);
double plot_time_x(const struct plot_box *b, int64_t duration_ns, int64_t ns);

/* "1.5 ms" */
const char *plot_duration(double ns, char *buf, size_t size);
/* Text that may be anything, as text of XML. */
void plot_text(const char *s, FILE *out);

#endif
