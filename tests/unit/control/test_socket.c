/* SPDX-License-Identifier: BSD-3-Clause */
/* Both ends of a control socket, over DPDK's telemetry; another user; telemetry's own form. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/control/client.h>
#include <weir/port/eal.h>
#include <weir/port/job.h>

#include "canned.h"
#include "check.h"
#include "folder.h"

static struct canned run;

static struct weir_client *
connected(void)
{
	struct weir_client *c = NULL;
	struct weir_error err = { 0 };

	/* the socket is there once the run has lasted a while and EAL has started */
	for (int i = 0; i < 500; i++) {
		struct timespec nap = { 0, 10000000 };

		if (weir_client_open("canned", &c, &err) == 0)
			return c;
		nanosleep(&nap, NULL);
	}
	fprintf(stderr, "%s\n", err.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	return c;
}

/* The answer as text, or what went wrong. */
static const char *
ask(enum weir_control_command command, const char *argument)
{
	static char text[4096];
	struct weir_client *c = connected();
	struct weir_error err = { 0 };
	json_t *j = NULL;
	char *dumped;

	if (weir_client_ask(c, command, argument, &j, &err))
		snprintf(text, sizeof(text), "error %d: %s", (int)err.fail, err.text);
	weir_client_close(c);
	if (!j)
		return text;
	dumped = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
	snprintf(text, sizeof(text), "%s", dumped);
	free(dumped);
	json_decref(j);
	return text;
}

static void
answers_are_exact(void)
{
	json_t *status = json_loads(canned_status, 0, NULL);
	char *text = json_dumps(status, JSON_COMPACT | JSON_REAL_PRECISION(9));

	CHECK_TEXT(ask(WEIR_CONTROL_STATUS, ""), text);
	CHECK_TEXT(ask(WEIR_CONTROL_EXPLAIN, ""),
	    "\"a \\\"quoted\\\" \\\\ text,\\n\\twith caf\xc3\xa9 and \\u0001\"");
	CHECK_TEXT(ask(WEIR_CONTROL_ADD, " --x 'a,b' \"c\"  "), "\" --x 'a,b' \\\"c\\\"  \"");
	free(text);
	json_decref(status);
}

static void
errors_are_told(void)
{
	CHECK_TEXT(ask(WEIR_CONTROL_RESULT, "mian"), "error 2: no query 'mian' (try 'main')");
	CHECK_TEXT(ask(WEIR_CONTROL_REMOVE, "x"), "error 1: no memory for the answer");
}

static void
long_requests_and_answers_pass(void)
{
	char *text = malloc(20001), *want = malloc(20100);
	struct weir_client *c = connected();
	struct weir_error err = { 0 };
	json_t *j = NULL;

	for (unsigned i = 0; i < 20000; i++)
		text[i] = "abc ,\"\\\n"[i % 8];
	text[20000] = '\0';
	CU_ASSERT_EQUAL_FATAL(weir_client_ask(c, WEIR_CONTROL_ADD, text, &j, &err), 0);
	CU_ASSERT_EQUAL(strcmp(json_string_value(j), text), 0);
	json_decref(j);
	CU_ASSERT_EQUAL_FATAL(weir_client_ask(c, WEIR_CONTROL_RESULT, "main,2000", &j, &err), 0);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(j, "lines")), 2000);
	CHECK_TEXT(json_string_value(json_array_get(json_object_get(j, "lines"), 1999)),
	    "{\"ip.src\":\"10.0.0.1999\",\"packets\":1999}");
	json_decref(j);
	text = realloc(text, 70001);
	memset(text, 'x', 70000);
	text[70000] = '\0';
	CU_ASSERT_NOT_EQUAL(weir_client_ask(c, WEIR_CONTROL_ADD, text, &j, &err), 0);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
	weir_client_close(c);
	free(text);
	free(want);
}

static int
connect_raw(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	weir_job_socket("canned", to.sun_path, sizeof(to.sun_path));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -errno;
}

/* What telemetry says to a request of any of its clients. */
static const char *
ask_raw(const char *request)
{
	static char text[20000];
	int fd = connect_raw();
	ssize_t n;

	CU_ASSERT_FATAL(fd >= 0);
	n = recv(fd, text, sizeof(text) - 1, 0);
	CU_ASSERT(n > 0);
	CU_ASSERT(send(fd, request, strlen(request), 0) > 0);
	n = recv(fd, text, sizeof(text) - 1, 0);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
other_clients_see_the_same(void)
{
	json_error_t e;
	json_t *j;

	weir_client_close(connected()); /* wait for it */
	CHECK_TEXT(ask_raw("/weir/stats"),
	    "{\"/weir/stats\":{\"a_b\":{\"name\":\"a.b\",\"x\":1},\"a_b_2\":2,\"real\":\"0.5\","
	    "\"on\":1,\"negative\":-5,\"mixed\":{\"0\":1,\"1\":\"x\"},\"counts\":[1,2],"
	    "\"text\":\"caf? \\\"\\\\\"}}");
	CHECK_TEXT(ask_raw("/weir/result,main,2"),
	    "{\"/weir/result\":{\"query\":\"main\",\"lines\":{\"0\":{\"ip_src\":\"10.0.0.0\","
	    "\"packets\":0},\"1\":{\"ip_src\":\"10.0.0.1\",\"packets\":1}}}}");
	CHECK_TEXT(ask_raw("/weir/explain"),
	    "{\"/weir/explain\":\"a \\\"quoted\\\" \\\\ text,\\n\\twith caf? and ?\"}");
	CHECK_TEXT(ask_raw("/weir/result,mian"),
	    "{\"/weir/result\":{\"error\":\"no query 'mian' (try 'main')\",\"fail\":2}}");
	j = json_loads(ask_raw("/weir/result,main,5000"), 0, &e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	CU_ASSERT_EQUAL(
	    json_integer_value(json_object_get(json_object_get(j, "/weir/result"), "cut")), 1);
	json_decref(j);
}

static void
nonsense_is_survived(void)
{
	static const char *const requests[] = { "/weir/text", "/weir/text,", "/weir/text,@",
		"/weir/text,@nokey", "/weir/text,nosuch thing", "/weir/more", "/weir/more,1",
		"/weir/more,-1,x", "/weir/more,4000000000,99999999999999999999", "/weir/part",
		"/weir/part,", "/weir/part,x", "/weir/nosuch", ",", "/weir/status,,,," };

	for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		json_t *j = json_loads(ask_raw(requests[i]), JSON_ALLOW_NUL, NULL);

		CU_ASSERT_PTR_NOT_NULL(j);
		json_decref(j);
	}
	CHECK_TEXT(ask(WEIR_CONTROL_STOP, ""), "null");
}

static void
a_stuck_run_does_not_hold_its_asker(void)
{
	unsigned before;

	weir_client_close(connected());
	before = atomic_load(&run.n_handled);
	atomic_store(&run.is_stuck, true);
	CHECK_TEXT(ask(WEIR_CONTROL_STATUS, ""),
	    "error 1: the run did not answer in time, and nothing was done: does something that "
	    "reads its rows hold it up?");
	atomic_store(&run.is_stuck, false);
	CHECK_TEXT(ask(WEIR_CONTROL_STOP, ""), "null");
	/* that which was given up is not done later */
	CU_ASSERT_EQUAL(atomic_load(&run.n_handled), before + 1);
}

static void
the_socket_is_its_owners_alone(void)
{
	char path[1024];
	struct stat st;
	int status = -1;
	pid_t child;

	weir_client_close(connected());
	CU_ASSERT_EQUAL_FATAL(stat(weir_job_socket("canned", path, sizeof(path)), &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	*strrchr(path, '/') = '\0';
	CU_ASSERT_EQUAL_FATAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0700);
	if (getuid() != 0) {
		check_skip("being another user needs root");
		return;
	}
	/* let everybody through to the run's folder: it still keeps them out, and so does the
	 * socket in it */
	chmod(test_folder, 0755);
	*strrchr(path, '/') = '\0';
	chmod(path, 0755);
	for (int is_open = 0; is_open < 2; is_open++) {
		char folder[1024];

		snprintf(folder, sizeof(folder), "%s/weir.canned", path);
		chmod(folder, is_open ? 0755 : 0700);
		child = fork();
		if (child == 0) {
			struct weir_client *c;
			struct weir_error err;

			if (setgid(65534) || setuid(65534))
				_exit(2);
			if (connect_raw() != -EACCES)
				_exit(3);
			_exit(weir_client_open("canned", &c, &err) == -EACCES ? 0 : 1);
		}
		CU_ASSERT_FATAL(child > 0);
		CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
		CU_ASSERT_EQUAL(status, 0);
		chmod(folder, 0700);
	}
}

static void
many_ask_at_a_time(void)
{
	struct weir_client *c[8];
	struct weir_error err;
	json_t *j;

	for (unsigned i = 0; i < 8; i++)
		c[i] = connected();
	for (unsigned round = 0; round < 20; round++)
		for (unsigned i = 0; i < 8; i++) {
			CU_ASSERT_EQUAL_FATAL(
			    weir_client_ask(c[i], WEIR_CONTROL_STATUS, "", &j, &err), 0);
			json_decref(j);
		}
	CU_ASSERT_EQUAL(weir_client_pid(c[0]), getpid());
	CU_ASSERT_EQUAL(weir_client_wait_end(c[0], 10), -ETIMEDOUT);
	for (unsigned i = 0; i < 8; i++)
		weir_client_close(c[i]);
}

/* The last test: afterwards nobody answers. */
static void
the_end_is_told(void)
{
	struct weir_client *c = connected();
	struct weir_error err;
	json_t *j;

	canned_stop(&run);
	CU_ASSERT_EQUAL(weir_client_ask(c, WEIR_CONTROL_STATUS, "", &j, &err), -ECONNRESET);
	CHECK_TEXT(err.text, "the run 'canned' has ended");
	CU_ASSERT_FALSE(weir_eal_is_started());
	weir_client_close(c);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "answers are exact", answers_are_exact },
		{ "errors are told", errors_are_told },
		{ "long requests and answers pass", long_requests_and_answers_pass },
		{ "other clients see the same", other_clients_see_the_same },
		{ "nonsense is survived", nonsense_is_survived },
		{ "a stuck run does not hold its asker", a_stuck_run_does_not_hold_its_asker },
		{ "the socket is its owners alone", the_socket_is_its_owners_alone },
		{ "many ask at a time", many_ask_at_a_time },
		{ "the end is told", the_end_is_told },
		CU_TEST_INFO_NULL,
	};
	struct weir_error err = { 0 };
	int status = -1;
	pid_t child;

	if (folder_make())
		return 1;
	/* in a process of its own, as the folder is removed when it exits */
	child = fork();
	if (child == 0) {
		if (canned_start(&run, "canned", &err)) {
			fprintf(stderr, "%s\n", err.text);
			return 1;
		}
		return check_run("control socket", tests);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return 1;
	if (folder_remove()) {
		fprintf(stderr, "something was left behind in %s\n", test_folder);
		return 1;
	}
	return WEXITSTATUS(status);
}
