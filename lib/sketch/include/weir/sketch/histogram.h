/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SKETCH_HISTOGRAM_H
#define WEIR_SKETCH_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * A histogram of durations, log-linear after HdrHistogram: numbers of nanoseconds below 256 have a
 * bucket each, and every power of two from there to 2^40 ns (18 minutes) has 128 buckets of the
 * same width. A value that is reported is the upper edge of the bucket of the exact one, so it is
 * at most 1/128 (0.8 %) above and never below. How many values each bucket has, how many there are,
 * their least, largest and mean are exact; what is merged is what would have been filled at once.
 *
 * Plain memory (34 KB), all of it inside. All-zero bytes are an empty histogram. One owner at a
 * time writes; a copy taken by another thread meanwhile needs that thread's own care.
 */

#define WEIR_HISTOGRAM_FINE    7  /* logarithm of a power of two's buckets */
#define WEIR_HISTOGRAM_OCTAVES 40 /* powers of two */
#define WEIR_HISTOGRAM_MAX_NS  ((INT64_C(1) << WEIR_HISTOGRAM_OCTAVES) - 1)
#define WEIR_HISTOGRAM_BUCKETS                                                                     \
	((WEIR_HISTOGRAM_OCTAVES - WEIR_HISTOGRAM_FINE + 1) << WEIR_HISTOGRAM_FINE)

struct weir_histogram {
	uint64_t n;
	uint64_t n_below;     /* negative: in the bucket of 0, and taken for 0 */
	uint64_t n_above;     /* larger than WEIR_HISTOGRAM_MAX_NS: in the last bucket */
	int64_t max_ns;       /* 0 where there are none; exact beyond the last bucket, too */
	int64_t above_min_ns; /* INT64_MAX - min, so that 0 is that of none: weir_histogram_min */
	unsigned __int128 sum_ns;
	uint64_t buckets[WEIR_HISTOGRAM_BUCKETS];
};

/* A bucket in use: how many values from from_ns to to_ns (both included) there are. The last one
 * ends at the largest value. */
struct weir_histogram_bucket {
	int64_t from_ns;
	int64_t to_ns;
	uint64_t n;
};

/* Cold, owner. Empty it. */
void weir_histogram_reset(struct weir_histogram *h);
/* Cold, owner of both. to has what both had; from stays. */
void weir_histogram_merge(struct weir_histogram *to, const struct weir_histogram *from);
/* Cold, reader. The least number of ns that a share q (0 to 1) of all values does not exceed: the
 * upper edge of its bucket, but never above the largest value. 0 where there are none. Whether
 * there are enough of them for q to mean anything: weir_histogram_has_quantile. */
int64_t weir_histogram_quantile(const struct weir_histogram *h, double q);
/* Cold, reader. Are there at least 1/(1-q) values? q = 1, the largest, needs one. */
bool weir_histogram_has_quantile(const struct weir_histogram *h, double q);
/* Cold, reader. Mean of all values in ns, 0 where there are none: exact. */
double weir_histogram_mean(const struct weir_histogram *h);
/* Cold, reader. Standard deviation in ns, 0 where there are none: each value is taken for the
 * middle of its bucket. */
double weir_histogram_deviation(const struct weir_histogram *h);
/* Cold, reader. Walk the buckets in use by rising values: begin with *at = 0; false at the end,
 * with *ret untouched. */
bool weir_histogram_next(
    const struct weir_histogram *h, uint32_t *at, struct weir_histogram_bucket *ret);

static inline uint64_t
weir_histogram_count(const struct weir_histogram *h)
{
	return h->n;
}

/* In ns, exact; 0 where there are none, and for negative values. */
static inline int64_t
weir_histogram_max(const struct weir_histogram *h)
{
	return h->max_ns;
}

static inline int64_t
weir_histogram_min(const struct weir_histogram *h)
{
	return h->n ? INT64_MAX - h->above_min_ns : 0;
}

/* Which bucket a number from 0 to WEIR_HISTOGRAM_MAX_NS is in. */
static inline __attribute__((always_inline)) uint32_t
weir_histogram_slot(uint64_t ns)
{
	uint64_t above = ns | UINT64_C(1) << WEIR_HISTOGRAM_FINE;
	uint32_t octave = 63 - (uint32_t)__builtin_clzll(above) - WEIR_HISTOGRAM_FINE;

	return (octave << WEIR_HISTOGRAM_FINE) + (uint32_t)(ns >> octave);
}

/* Hot, owner. Take the same value in, so many times. */
static inline __attribute__((always_inline)) void
weir_histogram_add_n(struct weir_histogram *h, int64_t ns, uint64_t n)
{
	int64_t x = ns < 0 ? 0 : ns;
	int64_t clamped = x > WEIR_HISTOGRAM_MAX_NS ? WEIR_HISTOGRAM_MAX_NS : x;
	int64_t above_min = n ? INT64_MAX - x : 0;

	h->n_below += ns < 0 ? n : 0;
	h->n_above += x != clamped ? n : 0;
	h->n += n;
	h->max_ns = n && x > h->max_ns ? x : h->max_ns;
	h->above_min_ns = above_min > h->above_min_ns ? above_min : h->above_min_ns;
	h->sum_ns += (unsigned __int128)(uint64_t)x * n;
	h->buckets[weir_histogram_slot((uint64_t)clamped)] += n;
}

/* Hot, owner. Take a value in. */
static inline __attribute__((always_inline)) void
weir_histogram_add(struct weir_histogram *h, int64_t ns)
{
	weir_histogram_add_n(h, ns, 1);
}

#endif
