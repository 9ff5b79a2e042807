/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_WAKER_H
#define WEIR_RUNTIME_WAKER_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * How workers wake the control thread when they have something for it. Only one that sleeps is
 * woken, so that a busy run has no system calls for it. Private to lib/runtime.
 */
struct weir_waker {
	sem_t sem;
	_Alignas(64) atomic_bool is_asleep;
	/* Event time that control waits for; a worker that has closed windows up to it wakes it. */
	_Atomic int64_t closed_ns;
};

void weir_waker_init(struct weir_waker *w);
void weir_waker_fini(struct weir_waker *w);
/*
 * Control. Announce that it will sleep; look then whether anything has come meanwhile, and call one
 * of the others: either this sees what has come, or who brings it sees that it sleeps.
 */
void weir_waker_announce(struct weir_waker *w);
void weir_waker_stay_awake(struct weir_waker *w);
/* Until it is woken, or most_ns are over. */
void weir_waker_sleep(struct weir_waker *w, int64_t most_ns);
/* Any thread, after a sequentially consistent write of what control looks at. */
void weir_waker_wake(struct weir_waker *w);

#endif
