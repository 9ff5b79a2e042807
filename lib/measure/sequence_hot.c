/* SPDX-License-Identifier: BSD-3-Clause */
#include "sequence.h"

#include <weir/base/poison.h> /* last */

static inline bool
has_come(const struct weir_sequence *s, uint64_t number)
{
	uint64_t i = number & s->mask;

	return s->bits[i / 64] >> (i % 64) & 1;
}

static inline void
set_come(struct weir_sequence *s, uint64_t number, bool has)
{
	uint64_t i = number & s->mask, bit = (uint64_t)1 << (i % 64);

	s->bits[i / 64] = has ? s->bits[i / 64] | bit : s->bits[i / 64] & ~bit;
}

/* The window's first number. */
static inline uint64_t
oldest(const struct weir_sequence *s)
{
	return s->next - s->first > s->mask + 1 ? s->next - s->mask - 1 : s->first;
}

/* A number beyond all others: those between are missing from here on. At most a window of them. */
static inline void
open_gap(struct weir_sequence *s, uint64_t number)
{
	uint64_t from = number - s->next > s->mask ? number - s->mask : s->next;

	for (uint64_t n = from; n < number; n++) {
		set_come(s, n, false);
		s->slots[n & s->mask] = (int64_t)s->distinct;
	}
	s->next = number + 1;
}

static void
note_reordered(struct weir_sequence *s, uint64_t number)
{
	uint64_t extent = s->distinct - (uint64_t)s->slots[number & s->mask];
	uint64_t degree = 0, most = s->distinct < RECENT ? s->distinct : RECENT;

	while (degree < most && s->recent[(s->distinct - 1 - degree) % RECENT] > number)
		degree++;
	s->degrees[degree]++;
	s->reordered++;
	s->extent_sum += extent;
	s->extent_max = extent > s->extent_max ? extent : s->extent_max;
}

static inline void
note_variation(struct weir_sequence *s, int64_t before_ns, int64_t delay_ns)
{
	/* Delays are from a clock or from the wire: their difference may be anything. */
	int64_t x;

	if (__builtin_sub_overflow(delay_ns, before_ns, &x) || x == INT64_MIN)
		return;
	s->ipdv_sum_ns = (int64_t)((uint64_t)s->ipdv_sum_ns + (uint64_t)x);
	s->ipdv_rising += x > 0;
	s->ipdv_falling += x < 0;
	weir_histogram_add(&s->ipdv, x < 0 ? -x : x);
}

static inline void
note_delay(struct weir_sequence *s, int64_t delay_ns)
{
	weir_histogram_add(&s->delay, delay_ns);
	s->late += delay_ns > s->late_ns;
}

void
weir_sequence_add(struct weir_sequence *s, uint64_t number, int64_t delay_ns)
{
	if (number < s->first || number >= s->end) {
		s->outside++;
		return;
	}
	if (number >= s->next) {
		open_gap(s, number);
	} else if (number < oldest(s)) {
		s->older++;
		note_delay(s, delay_ns);
		return;
	} else if (has_come(s, number)) {
		s->duplicates++;
		return;
	} else {
		note_reordered(s, number);
	}
	set_come(s, number, true);
	s->slots[number & s->mask] = delay_ns;
	s->recent[s->distinct % RECENT] = number;
	s->distinct++;
	note_delay(s, delay_ns);
	if (number > oldest(s) && has_come(s, number - 1))
		note_variation(s, s->slots[(number - 1) & s->mask], delay_ns);
	if (number + 1 < s->next && has_come(s, number + 1))
		note_variation(s, delay_ns, s->slots[(number + 1) & s->mask]);
}
