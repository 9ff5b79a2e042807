/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of runs: claimed once, given back however a run ends, and never in others' folders. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <weir/port/job.h>

#include "check.h"
#include "folder.h"

static const char *
path_of(const char *rest)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/dpdk%s", test_folder, rest);
	return path;
}

/* A process that claims a name and tells how that went; it lives until it is ended. */
struct run {
	pid_t pid;
	struct {
		int rc;
		struct weir_error err;
	} said;
};

static struct run
start(const char *name)
{
	struct run r = { 0 };
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	r.pid = fork();
	if (r.pid == 0) {
		sigset_t term;
		int sig;

		sigemptyset(&term);
		sigaddset(&term, SIGTERM);
		sigprocmask(SIG_BLOCK, &term, NULL);
		r.said.rc = weir_job_claim(name, &r.said.err);
		if (write(fds[1], &r.said, sizeof(r.said)) == (ssize_t)sizeof(r.said))
			sigwait(&term, &sig);
		exit(0);
	}
	CU_ASSERT_EQUAL_FATAL(read(fds[0], &r.said, sizeof(r.said)), (ssize_t)sizeof(r.said));
	close(fds[0]);
	close(fds[1]);
	return r;
}

static void
end(struct run *r, int sig)
{
	kill(r->pid, sig);
	CU_ASSERT_EQUAL(waitpid(r->pid, NULL, 0), r->pid);
}

/* The names of the runs there are. */
static const char *
names(void)
{
	static char text[512];
	struct weir_job *jobs;
	struct weir_error err;
	unsigned n;

	CU_ASSERT_EQUAL_FATAL(weir_job_list(&jobs, &n, &err), 0);
	text[0] = '\0';
	for (unsigned i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "[%s]", jobs[i].name);
	free(jobs);
	return text;
}

static void
names_are_checked(void)
{
	struct weir_error err;
	char longest[WEIR_JOB_NAME_MAX + 2];

	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	CU_ASSERT_EQUAL(weir_job_check_name("border-1_a.b", &err), 0);
	CU_ASSERT_NOT_EQUAL(weir_job_check_name(longest, &err), 0);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
	longest[WEIR_JOB_NAME_MAX] = '\0';
	CU_ASSERT_EQUAL(weir_job_check_name(longest, &err), 0);
	CU_ASSERT_NOT_EQUAL(weir_job_check_name("", &err), 0);
	CU_ASSERT_NOT_EQUAL(weir_job_check_name("a/b", &err), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "character '/' at 2"));
	CU_ASSERT_NOT_EQUAL(weir_job_check_name("a b", &err), 0);
	CU_ASSERT_NOT_EQUAL(weir_job_check_name("caf\xc3\xa9", &err), 0);
}

static void
a_name_is_taken_once(void)
{
	struct run first = start("one"), second = start("one"), other = start("two");
	struct stat st;

	CU_ASSERT_EQUAL(first.said.rc, 0);
	CU_ASSERT_EQUAL(second.said.rc, -EBUSY);
	CU_ASSERT_EQUAL(second.said.err.fail, WEIR_FAIL_RUN);
	CU_ASSERT_PTR_NOT_NULL(strstr(second.said.err.text, "'one'"));
	CU_ASSERT_EQUAL(other.said.rc, 0);
	CHECK_TEXT(names(), "[one][two]");
	CU_ASSERT_EQUAL(stat(path_of("/weir.one"), &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0700);
	CU_ASSERT_EQUAL(stat(path_of("/weir.one/lock"), &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	/* the one that was refused takes nothing away when it ends */
	end(&second, SIGTERM);
	CHECK_TEXT(names(), "[one][two]");
	end(&first, SIGTERM);
	CHECK_TEXT(names(), "[two]");
	CU_ASSERT_NOT_EQUAL(access(path_of("/weir.one"), F_OK), 0);
	end(&other, SIGTERM);
	CHECK_TEXT(names(), "");
}

static void
what_a_killed_run_leaves_is_removed(void)
{
	struct run r = start("killed");

	CU_ASSERT_EQUAL(r.said.rc, 0);
	end(&r, SIGKILL);
	CU_ASSERT_EQUAL(access(path_of("/weir.killed/lock"), F_OK), 0);
	fclose(fopen(path_of("/weir.killed/dpdk_telemetry.v2"), "w"));
	CHECK_TEXT(names(), "");
	CU_ASSERT_NOT_EQUAL(access(path_of("/weir.killed"), F_OK), 0);
}

static void
the_name_of_a_killed_run_is_free(void)
{
	struct run r = start("again"), s;

	end(&r, SIGKILL);
	s = start("again");
	CU_ASSERT_EQUAL(s.said.rc, 0);
	CHECK_TEXT(names(), "[again]");
	end(&s, SIGTERM);
	CHECK_TEXT(names(), "");
}

static void
the_process_id_is_the_default(void)
{
	struct run r = start(NULL);
	char want[32];

	snprintf(want, sizeof(want), "[%ld]", (long)r.pid);
	CHECK_TEXT(names(), want);
	end(&r, SIGTERM);
}

/* Many start and end under one name while others look: at any time one has it at most. */
static void
a_name_changes_hands(void)
{
	pid_t children[4];
	int status, n_claims = 0;

	for (unsigned i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct weir_error err;
			int n = 0;

			for (unsigned k = 0; k < 40; k++) {
				struct weir_job *jobs;
				unsigned n_jobs;
				int rc = weir_job_claim("hot", &err);

				if (rc && rc != -EBUSY) {
					fprintf(stderr, "%s\n", err.text);
					_exit(255);
				}
				n += rc == 0;
				if (weir_job_list(&jobs, &n_jobs, &err))
					_exit(254);
				free(jobs);
				weir_job_release();
			}
			_exit(n);
		}
	}
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(waitpid(children[i], &status, 0), children[i]);
		CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) <= 40);
		n_claims += WEXITSTATUS(status);
	}
	CU_ASSERT_TRUE(n_claims > 0);
	CHECK_TEXT(names(), "");
}

static void
folders_of_others_are_not_used(void)
{
	struct run r;

	CU_ASSERT_EQUAL(mkdir(path_of(""), 0700) == 0 || errno == EEXIST, 1);
	CU_ASSERT_EQUAL_FATAL(chmod(path_of(""), 0777), 0);
	r = start("open");
	CU_ASSERT_EQUAL(r.said.rc, -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.said.err.text, "chmod 700"));
	end(&r, SIGTERM);
	CU_ASSERT_EQUAL_FATAL(chmod(path_of(""), 0700), 0);
	if (getuid() != 0) {
		check_skip("giving a folder away needs root");
		return;
	}
	CU_ASSERT_EQUAL_FATAL(chown(path_of(""), 65534, 65534), 0);
	r = start("foreign");
	CU_ASSERT_EQUAL(r.said.rc, -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.said.err.text, "belongs to somebody else"));
	end(&r, SIGTERM);
	CU_ASSERT_EQUAL_FATAL(chown(path_of(""), 0, 0), 0);
	/* nor one that lies where ours should */
	CU_ASSERT_EQUAL_FATAL(symlink("/tmp", path_of("/weir.link")), 0);
	r = start("link");
	CU_ASSERT_NOT_EQUAL(r.said.rc, 0);
	end(&r, SIGTERM);
	CHECK_TEXT(names(), "");
	CU_ASSERT_EQUAL(unlink(path_of("/weir.link")), 0);
}

static void
paths_of_sockets_are_bounded(void)
{
	char deep[200], before[100];
	struct run r;

	snprintf(before, sizeof(before), "%s", getenv("RUNTIME_DIRECTORY"));
	memset(deep, 'x', sizeof(deep));
	deep[0] = '/';
	deep[sizeof(deep) - 1] = '\0';
	setenv("RUNTIME_DIRECTORY", deep, 1);
	r = start("deep");
	CU_ASSERT_EQUAL(r.said.rc, -ENAMETOOLONG);
	end(&r, SIGTERM);
	setenv("RUNTIME_DIRECTORY", "/nonexistent/folder", 1);
	r = start("nowhere");
	CU_ASSERT_EQUAL(r.said.rc, -ENOENT);
	end(&r, SIGTERM);
	CHECK_TEXT(names(), "");
	setenv("RUNTIME_DIRECTORY", before, 1);
}

/* Where all users would share a folder, none is left that keeps the others out. */
static void
no_folder_is_left_in_tmp(void)
{
	char before[100];
	struct run r;
	int status = -1;
	pid_t child;

	if (getuid() != 0) {
		check_skip("being another user needs root");
		return;
	}
	if (access("/tmp/dpdk", F_OK) == 0) {
		check_skip("/tmp/dpdk is there");
		return;
	}
	snprintf(before, sizeof(before), "%s", getenv("RUNTIME_DIRECTORY"));
	unsetenv("RUNTIME_DIRECTORY");
	unsetenv("XDG_RUNTIME_DIR");
	child = fork();
	if (child == 0) {
		if (setgid(65534) || setuid(65534))
			_exit(2);
		r = start("tmp");
		if (r.said.rc || access("/tmp/dpdk/weir.tmp/lock", F_OK))
			_exit(3);
		end(&r, SIGTERM);
		_exit(access("/tmp/dpdk", F_OK) == 0);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
	setenv("RUNTIME_DIRECTORY", before, 1);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "names are checked", names_are_checked },
		{ "a name is taken once", a_name_is_taken_once },
		{ "what a killed run leaves is removed", what_a_killed_run_leaves_is_removed },
		{ "the name of a killed run is free", the_name_of_a_killed_run_is_free },
		{ "the process id is the default", the_process_id_is_the_default },
		{ "a name changes hands", a_name_changes_hands },
		{ "folders of others are not used", folders_of_others_are_not_used },
		{ "paths of sockets are bounded", paths_of_sockets_are_bounded },
		{ "no folder is left in tmp", no_folder_is_left_in_tmp },
		CU_TEST_INFO_NULL,
	};
	int status;

	if (folder_make())
		return 1;
	status = check_run("names of runs", tests);
	if (folder_remove()) {
		fprintf(stderr, "something was left behind in %s\n", test_folder);
		return 1;
	}
	return status;
}
