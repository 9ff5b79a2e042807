/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>

#include <weir/measure/search.h>

/* Bad time of short trials counts as far as good time of short trials, weighed by the exceed ratio,
 * does not balance it. What time is missing to the sum may turn out good, or bad: a load is decided
 * where that does not matter. */
enum weir_search_class
weir_search_classify(const struct weir_search_goal *g, const struct weir_search_result *results,
    unsigned n, double rate_pps)
{
	double good_long = 0, bad_long = 0, good_short = 0, bad_short = 0, bad, whole, allowed;

	for (unsigned i = 0; i < n; i++) {
		const struct weir_search_result *x = &results[i];
		bool is_bad = x->loss_ratio > g->loss_ratio;
		double d = (double)x->duration_ns;

		if (x->rate_pps != rate_pps)
			continue;
		if (x->duration_ns >= g->final_ns)
			*(is_bad ? &bad_long : &good_long) += d;
		else
			*(is_bad ? &bad_short : &good_short) += d;
	}
	bad = bad_long + fmax(0, bad_short - good_short * g->exceed_ratio / (1 - g->exceed_ratio));
	whole = fmax(good_long + bad, (double)g->sum_ns);
	allowed = whole * g->exceed_ratio;
	if (bad > allowed)
		return WEIR_SEARCH_UPPER;
	return whole - good_long <= allowed ? WEIR_SEARCH_LOWER : WEIR_SEARCH_UNDECIDED;
}

static int
compare_loss(const void *a, const void *b)
{
	const struct weir_search_result *x = a, *y = b;

	return (x->loss_ratio > y->loss_ratio) - (x->loss_ratio < y->loss_ratio);
}

/* Of trials of full length, from the best on, the loss of the one with which all time but what may
 * be bad is full. Nothing where they are too few for that, which a lower bound's are not. */
double
weir_search_conditional(const struct weir_search_goal *g, const struct weir_search_result *results,
    unsigned n, double rate_pps)
{
	struct weir_search_result *sorted = calloc(n, sizeof(*sorted));
	double whole = 0, left, loss = 1;
	unsigned n_long = 0;

	if (!sorted)
		return rate_pps * (1 - g->loss_ratio);
	for (unsigned i = 0; i < n; i++)
		if (results[i].rate_pps == rate_pps && results[i].duration_ns >= g->final_ns) {
			sorted[n_long++] = results[i];
			whole += (double)results[i].duration_ns;
		}
	qsort(sorted, n_long, sizeof(*sorted), compare_loss);
	left = fmax(whole, (double)g->sum_ns) * (1 - g->exceed_ratio);
	for (unsigned i = 0; i < n_long && left > 0; i++) {
		loss = sorted[i].loss_ratio;
		left -= (double)sorted[i].duration_ns;
	}
	free(sorted);
	return left > 0 ? 0 : rate_pps * (1 - loss);
}
