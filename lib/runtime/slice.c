/* SPDX-License-Identifier: BSD-3-Clause */
#include "slice.h"

#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The least that Linux takes. */
#define SLICE_NS 100000

/* The kernel's struct sched_attr as it first was; the C library has none. */
struct attributes {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns;
	uint64_t deadline_ns;
	uint64_t period_ns;
};

/*
 * Whoever wakes beside a thread that does not sleep waits until that one's slice is over, a few
 * milliseconds, unless its own is shorter (Linux 6.12; others do not look at it).
 */
void
weir_slice_shorten(void)
{
	struct attributes a = { .size = sizeof(a) };

	if (syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) || a.policy != SCHED_OTHER)
		return;
	if (a.runtime_ns && a.runtime_ns <= SLICE_NS)
		return;
	a.runtime_ns = SLICE_NS;
	(void)syscall(SYS_sched_setattr, 0, &a, 0);
}
