/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "sequence.h"

#define LOG2_MIN 6 /* one word of bits */
#define LOG2_MAX 30

/* Memory that is there: a page that comes with its first probe would be that probe's delay, and of
 * those that wait behind it. */
static void *
touched(size_t size)
{
	void *p = aligned_alloc(64, (size + 63) / 64 * 64);

	if (p)
		memset(p, 0, size);
	return p;
}

int
weir_sequence_create(const struct weir_sequence_config *c, struct weir_sequence **ret)
{
	unsigned log2 = c->log2_window ? c->log2_window : WEIR_SEQUENCE_LOG2_WINDOW;
	struct weir_sequence *s;

	if (log2 < LOG2_MIN || log2 > LOG2_MAX || (c->end && c->end <= c->first))
		return -EINVAL;
	s = aligned_alloc(_Alignof(struct weir_sequence), sizeof(*s));
	if (!s)
		return -ENOMEM;
	memset(s, 0, sizeof(*s));
	s->bits = touched(((size_t)1 << log2) / 8);
	s->slots = touched(sizeof(*s->slots) << log2);
	if (!s->bits || !s->slots) {
		weir_sequence_destroy(s);
		return -ENOMEM;
	}
	s->mask = ((uint64_t)1 << log2) - 1;
	s->first = s->next = c->first;
	s->end = c->end ? c->end : UINT64_MAX;
	s->late_ns = c->late_ns ? c->late_ns : INT64_MAX;
	*ret = s;
	return 0;
}

void
weir_sequence_destroy(struct weir_sequence *s)
{
	if (!s)
		return;
	free(s->bits);
	free(s->slots);
	free(s);
}

static uint64_t
lost_of(const struct weir_sequence *s, uint64_t sent)
{
	uint64_t came = s->distinct + s->older;

	return sent > came ? sent - came : 0;
}

void
weir_sequence_get(const struct weir_sequence *s, uint64_t sent, struct weir_sequence_counts *ret)
{
	uint64_t pairs = weir_histogram_count(&s->ipdv), n = 0;

	*ret = (struct weir_sequence_counts){
		.sent = sent,
		.received = s->distinct + s->duplicates + s->older,
		.distinct = s->distinct,
		.duplicates = s->duplicates,
		.older = s->older,
		.lost = lost_of(s, sent),
		.outside = s->outside,
		.late = s->late,
		.reordered = s->reordered,
		.extent_max = s->extent_max,
		.ipdv_pairs = pairs,
		.ipdv_rising = s->ipdv_rising,
		.ipdv_falling = s->ipdv_falling,
	};
	if (s->distinct)
		ret->reordered_ratio = (double)s->reordered / (double)s->distinct;
	if (s->reordered)
		ret->extent_mean = (double)s->extent_sum / (double)s->reordered;
	if (pairs)
		ret->ipdv_mean_ns = (double)s->ipdv_sum_ns / (double)pairs;
	for (unsigned i = RECENT; i > 0; i--) {
		n += s->degrees[i];
		ret->n_reordered[i - 1] = n;
	}
}

const struct weir_histogram *
weir_sequence_delay(const struct weir_sequence *s)
{
	return &s->delay;
}

const struct weir_histogram *
weir_sequence_ipdv(const struct weir_sequence *s)
{
	return &s->ipdv;
}

int64_t
weir_sequence_pdv(const struct weir_histogram *delay, double q)
{
	return weir_histogram_quantile(delay, q) - weir_histogram_min(delay);
}
