/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/transmit/schedule.h>

#include <weir/base/poison.h> /* last */

#define MICRO UINT64_C(1000000)

void
weir_schedule_set_gap(struct weir_schedule *s, uint32_t frame_bytes)
{
	unsigned __int128 bits = ((unsigned __int128)frame_bytes + s->extra_bytes) * 8;
	unsigned __int128 all = bits * WEIR_NS_PER_S * MICRO;

	s->gap_bytes = frame_bytes;
	s->gap_ns = (uint64_t)(all / s->per);
	s->gap_rest = (uint64_t)(all % s->per);
}

/* A time stamp that goes back, or is none, means at once: the time of the packet before. */
int64_t
weir_schedule_recorded(struct weir_schedule *s, int64_t recorded_ns)
{
	uint64_t factor = s->config.rate.micro;
	uint64_t since;
	int64_t t;

	if (recorded_ns == WEIR_TIME_NONE)
		return s->at_ns;
	if (!s->has_first) {
		s->has_first = true;
		s->first_ns = recorded_ns;
	}
	if (recorded_ns <= s->first_ns)
		return s->at_ns;
	since = (uint64_t)recorded_ns - (uint64_t)s->first_ns;
	if (factor != MICRO) {
		unsigned __int128 scaled = (unsigned __int128)since * MICRO / factor;

		since = scaled > INT64_MAX ? INT64_MAX : (uint64_t)scaled;
	}
	if (__builtin_add_overflow(s->start_ns, since, &t))
		t = INT64_MAX;
	if (t > s->at_ns)
		s->at_ns = t;
	return s->at_ns;
}
