/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <sched.h>

#include <CUnit/Basic.h>
#include <weir/base/time.h>

#include "check.h"
#include "waker.h"

#define ROUNDS 20000
#define LONG   (600 * WEIR_NS_PER_S) /* a test that loses a call hangs */

static struct weir_waker waker;
static atomic_uint n_sent, n_taken;

/* Send one at a time, as a worker does. */
static void *
send_all(void *arg)
{
	(void)arg;
	for (unsigned i = 1; i <= ROUNDS; i++) {
		atomic_store(&n_sent, i);
		weir_waker_wake(&waker);
		while (atomic_load(&n_taken) < i)
			sched_yield();
	}
	return NULL;
}

static void
test_none_is_lost(void)
{
	unsigned taken = 0;
	pthread_t thread;

	weir_waker_init(&waker);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, send_all, NULL), 0);
	while (taken < ROUNDS) {
		if (atomic_load(&n_sent) > taken) {
			atomic_store(&n_taken, ++taken);
			continue;
		}
		weir_waker_announce(&waker);
		if (atomic_load(&n_sent) > taken)
			weir_waker_stay_awake(&waker);
		else
			weir_waker_sleep(&waker, LONG);
	}
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(taken, ROUNDS);
	weir_waker_fini(&waker);
}

static void
test_alone(void)
{
	int64_t start_ns = weir_now_mono_ns();
	int value = -1;

	weir_waker_init(&waker);
	weir_waker_wake(&waker); /* nobody sleeps */
	sem_getvalue(&waker.sem, &value);
	CU_ASSERT_EQUAL(value, 0);
	weir_waker_announce(&waker);
	weir_waker_sleep(&waker, 5000000);
	CU_ASSERT(weir_now_mono_ns() - start_ns >= 5000000);
	CU_ASSERT(!atomic_load(&waker.is_asleep));
	weir_waker_fini(&waker);
}

int
main(void)
{
	const CU_TestInfo tests[] = {
		{ "no call is lost", test_none_is_lost },
		{ "nobody calls: it wakes by itself", test_alone },
		CU_TEST_INFO_NULL,
	};

	return check_run("waker", tests);
}
