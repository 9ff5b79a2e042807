/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <CUnit/Basic.h>

#include "check.h"
#include "slice.h"

/* The kernel's struct sched_attr as it first was. */
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

struct found {
	int policy;
	struct attributes before, after;
};

static void
read_attributes(struct attributes *ret)
{
	CU_ASSERT_EQUAL(syscall(SYS_sched_getattr, 0, ret, sizeof(*ret), 0), 0);
}

/* In a thread of its own: what it asks for stays with it. */
static void *
shorten(void *arg)
{
	const struct sched_param param = { 0 };
	struct found *f = arg;

	CU_ASSERT_EQUAL(pthread_setschedparam(pthread_self(), f->policy, &param), 0);
	CU_ASSERT_EQUAL(setpriority(PRIO_PROCESS, (id_t)gettid(), 3), 0);
	read_attributes(&f->before);
	weir_slice_shorten();
	read_attributes(&f->after);
	return NULL;
}

static void
run(struct found *f)
{
	pthread_t thread;

	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, shorten, f), 0);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(f->after.policy, (uint32_t)f->policy);
	CU_ASSERT_EQUAL(f->after.policy, f->before.policy);
	CU_ASSERT_EQUAL(f->after.nice, 3);
	CU_ASSERT_EQUAL(f->after.priority, 0);
	CU_ASSERT_EQUAL(f->after.flags, f->before.flags);
}

/* A kernel that has no slices of threads says 0. */
static void
test_shorter(void)
{
	struct found f = { .policy = SCHED_OTHER };

	run(&f);
	CU_ASSERT(f.after.runtime_ns == 100000 || f.after.runtime_ns == 0);
	CU_ASSERT(f.after.runtime_ns != 0 || f.before.runtime_ns == 0);
}

/* Who has been told otherwise is left alone. */
static void
test_other_policies(void)
{
	struct found f = { .policy = SCHED_BATCH };

	run(&f);
	CU_ASSERT_EQUAL(f.after.runtime_ns, f.before.runtime_ns);
}

int
main(void)
{
	const CU_TestInfo tests[] = {
		{ "a thread's slice is short, its priority as it was", test_shorter },
		{ "threads of other policies stay as they are", test_other_policies },
		CU_TEST_INFO_NULL,
	};

	return check_run("slice", tests);
}
