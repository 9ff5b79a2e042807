/* SPDX-License-Identifier: BSD-3-Clause */
#include "waker.h"

#include <errno.h>
#include <time.h>

#include <weir/base/time.h>

void
weir_waker_init(struct weir_waker *w)
{
	sem_init(&w->sem, 0, 0);
	atomic_init(&w->is_asleep, false);
	atomic_init(&w->closed_ns, INT64_MAX);
}

void
weir_waker_fini(struct weir_waker *w)
{
	sem_destroy(&w->sem);
}

void
weir_waker_announce(struct weir_waker *w)
{
	atomic_store(&w->is_asleep, true);
}

void
weir_waker_stay_awake(struct weir_waker *w)
{
	atomic_store_explicit(&w->is_asleep, false, memory_order_relaxed);
}

void
weir_waker_sleep(struct weir_waker *w, int64_t most_ns)
{
	int64_t until_ns = weir_now_mono_ns() + most_ns;
	struct timespec until = { until_ns / WEIR_NS_PER_S, until_ns % WEIR_NS_PER_S };

	/* Woken just after it has woken by itself it will sleep one time less: no harm. */
	(void)sem_clockwait(&w->sem, CLOCK_MONOTONIC, &until);
	weir_waker_stay_awake(w);
}

void
weir_waker_wake(struct weir_waker *w)
{
	if (atomic_load(&w->is_asleep) && atomic_exchange(&w->is_asleep, false))
		sem_post(&w->sem);
}
