/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <pwd.h>
#include <semaphore.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/base/privilege.h>

#include "check.h"

static void
test_names(void)
{
	struct weir_error err;
	struct weir_privilege p;
	const struct passwd *e = getpwnam("nobody");

	if (!e)
		return;
	CU_ASSERT_EQUAL(weir_privilege_find("nobody", &p, &err), 0);
	CU_ASSERT_STRING_EQUAL(p.user, "nobody");
	CU_ASSERT_EQUAL(p.uid, e->pw_uid);
	CU_ASSERT_EQUAL(p.gid, e->pw_gid);
	CU_ASSERT_EQUAL(weir_privilege_find("nobody:4711", &p, &err), 0);
	CU_ASSERT_EQUAL(p.uid, e->pw_uid);
	CU_ASSERT_EQUAL(p.gid, 4711);
}

static void
test_numbers(void)
{
	struct weir_error err;
	struct weir_privilege p;

	CU_ASSERT_EQUAL(weir_privilege_find("3999999:3999998", &p, &err), 0);
	CU_ASSERT_STRING_EQUAL(p.user, "");
	CU_ASSERT_EQUAL(p.uid, 3999999);
	CU_ASSERT_EQUAL(p.gid, 3999998);
}

static void
test_refused(void)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "needed" },
		{ ":", "needed" },
		{ ":nogroup", "needed" },
		{ "nobody:", "needed" },
		{ "root", "root's" },
		{ "0", "root's" },
		{ "00:5", "root's" },
		{ "5:0", "root's" },
		{ "3999999", "3999999:3999999" },
		{ "4294967295:5", "unknown user" }, /* -1, which would change nothing */
		{ "5:4294967295", "unknown group" },
		{ "99999999999999999999:5", "unknown user" },
		{ "-5:5", "unknown user" },
		{ "rooot", "'root'" },
		{ "0123456789012345678901234567890123456789012345678901234567890123", "needed" },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct weir_error err = { 0 };
		struct weir_privilege p;

		CU_ASSERT_EQUAL(weir_privilege_find(cases[i].text, &p, &err), -EINVAL);
		CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].says));
	}
}

struct other {
	pthread_t thread;
	sem_t end;
};

static void *
wait_for_end(void *arg)
{
	struct other *o = arg;

	while (sem_wait(&o->end))
		;
	return NULL;
}

/* In a child, with a thread that was there before: 0 where all went well. */
static int
drop_in_child(bool begins)
{
	struct weir_privilege p = { .uid = 3999999, .gid = 3999998 };
	struct weir_error err;
	struct other o;
	int rc = begins ? weir_privilege_begin(&p, &err) : 0;

	if (rc || sem_init(&o.end, 0, 0) || pthread_create(&o.thread, NULL, wait_for_end, &o))
		return 2;
	rc = weir_privilege_drop(&p, &err);
	sem_post(&o.end);
	pthread_join(o.thread, NULL);
	if (rc)
		return strstr(err.text, "has kept rights") ? 3 : 4;
	return getuid() == p.uid && getgid() == p.gid && getgroups(0, NULL) == 1 && setuid(0) ? 0
											      : 5;
}

static int
child_of(bool begins)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(drop_in_child(begins));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void
test_drop(void)
{
	struct weir_privilege p = { .uid = 3999999, .gid = 3999998 };
	struct weir_error err;

	if (geteuid() != 0) {
		CU_ASSERT_EQUAL(weir_privilege_begin(&p, &err), -EPERM);
		return;
	}
	CU_ASSERT_EQUAL(child_of(true), 0);
}

/* What was not done is found by looking: no_new_privs was never set. */
static void
test_look(void)
{
	if (geteuid() != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return;
	CU_ASSERT_EQUAL(child_of(false), 3);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "names", test_names },
		{ "numbers", test_numbers },
		{ "what is refused", test_refused },
		{ "every thread drops", test_drop },
		{ "a thread that kept rights is found", test_look },
		CU_TEST_INFO_NULL,
	};

	return check_run("base/privilege", tests);
}
