/* SPDX-License-Identifier: BSD-3-Clause */
#include <time.h>

#include <weir/base/time.h>

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * WEIR_NS_PER_S + ts.tv_nsec;
}

int64_t
weir_now_wall_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t
weir_now_mono_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}
