/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_ARRIVAL_H
#define WEIR_BASE_ARRIVAL_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/time.h>

/* When the packets of a burst came in, for those who measure how long they take from there on. */
struct weir_arrival {
	int64_t polled_ns;      /* monotonic: the burst was taken; 0: nobody measures */
	int64_t wall_offset_ns; /* wall-clock less monotonic */
	bool is_stamped;        /* packets carry the wall-clock time at which they arrived */
};

/* Of a packet, monotonic. A stamp that lies ahead, as clocks are set, is not believed. */
static inline int64_t
weir_arrival_of(const struct weir_arrival *a, int64_t time_ns)
{
	int64_t ns;

	if (!a->is_stamped || time_ns == WEIR_TIME_NONE ||
	    __builtin_sub_overflow(time_ns, a->wall_offset_ns, &ns) || ns > a->polled_ns || ns < 0)
		return a->polled_ns;
	return ns;
}

#endif
