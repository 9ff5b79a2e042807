/* SPDX-License-Identifier: BSD-3-Clause */
#include <float.h>
#include <math.h>

#include <weir/sketch/histogram.h>

#define FINE WEIR_HISTOGRAM_FINE
#define LAST (WEIR_HISTOGRAM_BUCKETS - 1)

void
weir_histogram_reset(struct weir_histogram *h)
{
	memset(h, 0, sizeof(*h));
}

void
weir_histogram_merge(struct weir_histogram *to, const struct weir_histogram *from)
{
	to->n += from->n;
	to->n_below += from->n_below;
	to->n_above += from->n_above;
	to->sum_ns += from->sum_ns;
	if (from->max_ns > to->max_ns)
		to->max_ns = from->max_ns;
	if (from->above_min_ns > to->above_min_ns)
		to->above_min_ns = from->above_min_ns;
	for (uint32_t i = 0; i < WEIR_HISTOGRAM_BUCKETS; i++)
		to->buckets[i] += from->buckets[i];
}

static uint32_t
slot_of(int64_t ns)
{
	return ns > WEIR_HISTOGRAM_MAX_NS ? LAST : weir_histogram_slot((uint64_t)ns);
}

static int64_t
first_of(uint32_t slot)
{
	uint32_t octave = slot >> FINE ? (slot >> FINE) - 1 : 0;

	return (int64_t)(slot - (octave << FINE)) << octave;
}

/* What the last bucket holds may be larger than its edge. */
static int64_t
last_of(const struct weir_histogram *h, uint32_t slot)
{
	int64_t edge = slot == LAST ? INT64_MAX : first_of(slot + 1) - 1;

	return edge < h->max_ns ? edge : h->max_ns;
}

int64_t
weir_histogram_quantile(const struct weir_histogram *h, double q)
{
	uint64_t rank, n = 0;
	double r;

	if (!h->n)
		return 0;
	/* 0.07 * 100 is 7.000000000000001, and the seventh of hundred is meant. */
	r = ceil(q * (double)h->n * (1 - 4 * DBL_EPSILON));
	rank = !(r > 1) ? 1 : r >= (double)h->n ? h->n : (uint64_t)r;
	for (uint32_t i = slot_of(weir_histogram_min(h)); i < LAST; i++) {
		n += h->buckets[i];
		if (n >= rank)
			return last_of(h, i);
	}
	return last_of(h, LAST);
}

bool
weir_histogram_has_quantile(const struct weir_histogram *h, double q)
{
	if (!(q < 1))
		return h->n > 0;
	return (double)h->n * (1 - q) >= 1 - 1e-9;
}

double
weir_histogram_mean(const struct weir_histogram *h)
{
	return h->n ? (double)h->sum_ns / (double)h->n : 0;
}

double
weir_histogram_deviation(const struct weir_histogram *h)
{
	struct weir_histogram_bucket b;
	double mean = weir_histogram_mean(h), sum = 0;
	uint32_t at = 0;

	while (weir_histogram_next(h, &at, &b)) {
		double d = ((double)b.from_ns + (double)b.to_ns) / 2 - mean;

		sum += d * d * (double)b.n;
	}
	return h->n ? sqrt(sum / (double)h->n) : 0;
}

bool
weir_histogram_next(const struct weir_histogram *h, uint32_t *at, struct weir_histogram_bucket *ret)
{
	uint32_t i = *at;

	while (i < WEIR_HISTOGRAM_BUCKETS && !h->buckets[i])
		i++;
	*at = i + 1;
	if (i >= WEIR_HISTOGRAM_BUCKETS)
		return false;
	*ret = (struct weir_histogram_bucket){ first_of(i), last_of(h, i), h->buckets[i] };
	return true;
}
