/* SPDX-License-Identifier: BSD-3-Clause */

#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/base/log.h>
#include <weir/base/nearest.h>
#include <weir/base/strbuf.h>
#include <weir/port/eal.h>
#include <weir/port/job.h>

#include "eal_args.h"
#include "eal_log.h"

/* EAL lives once in a process and cannot be started again. */
static struct {
	bool is_started;
	bool has_telemetry;
	struct weir_eal_args args; /* EAL keeps pointers into them */
} eal;

bool
weir_eal_is_started(void)
{
	return eal.is_started;
}

/*
 * EAL prints its usage to standard output and its alerts to standard error, past its own log. Both
 * go to memory while it starts. Where other threads work, standard output is theirs, and what they
 * write to standard error is passed on afterwards.
 */
struct quiet {
	int fd[2]; /* what 1 and 2 were */
	int memory[2];
};

static void
quiet_begin(struct quiet *q, bool is_alone)
{
	if (is_alone)
		fflush(stdout);
	fflush(stderr);
	*q = (struct quiet){ { -1, -1 }, { -1, -1 } };
	for (int i = is_alone ? 0 : 1; i < 2; i++) {
		q->fd[i] = fcntl(i + 1, F_DUPFD_CLOEXEC, 3);
		q->memory[i] = memfd_create("weir-eal", MFD_CLOEXEC);
		if (q->memory[i] >= 0 && q->fd[i] >= 0)
			dup2(q->memory[i], i + 1);
	}
}

static char *
read_all(int fd)
{
	struct weir_strbuf b = { 0 };
	char chunk[4096];
	ssize_t n;

	weir_strbuf_puts(&b, "");
	if (fd >= 0 && lseek(fd, 0, SEEK_SET) == 0)
		while ((n = read(fd, chunk, sizeof(chunk))) > 0)
			weir_strbuf_add(&b, chunk, (size_t)n);
	return b.p;
}

/* Put 1 and 2 back; what was written to them meanwhile is the caller's to free. */
static void
quiet_end(struct quiet *q, char **ret_out, char **ret_err)
{
	char **ret[2] = { ret_out, ret_err };

	if (q->fd[0] >= 0)
		fflush(stdout);
	fflush(stderr);
	for (int i = 0; i < 2; i++) {
		if (q->fd[i] >= 0) {
			dup2(q->fd[i], i + 1);
			close(q->fd[i]);
		}
		*ret[i] = read_all(q->memory[i]);
		if (q->memory[i] >= 0)
			close(q->memory[i]);
	}
}

/* The option of EAL's usage text that is nearest to what was typed, copied to buf; "" where none
 * is. */
static void
nearest_option(const char *usage, const char *typed, char *buf, size_t size)
{
	struct weir_nearest nearest;
	char *words = strdup(usage), *save = NULL;

	buf[0] = '\0';
	if (!words)
		return;
	weir_nearest_begin(&nearest, typed);
	for (char *w = strtok_r(words, " \t\n=,[]()<>'", &save); w;
	     w = strtok_r(NULL, " \t\n=,[]()<>'", &save))
		if (w[0] == '-' && w[1])
			weir_nearest_offer(&nearest, w);
	if (weir_nearest_get(&nearest))
		snprintf(buf, size, "%s", weir_nearest_get(&nearest));
	free(words);
}

/* getopt's complaint "weir: unrecognized option '--foo'" as a usage error; 0 where it is none. */
static int
explain_option(const char *complaint, const char *usage, struct weir_error *err)
{
	static const char *const forms[] = { "unrecognized option '", "invalid option -- '",
		"option requires an argument -- '", "ambiguous" };
	const char *at = NULL;
	char typed[128], near[128];

	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]) && !at; i++)
		at = strstr(complaint, forms[i]);
	if (!at || !strchr(at, '\''))
		return 0;
	at = strchr(at, '\'') + 1;
	snprintf(typed, sizeof(typed), "%.*s", (int)strcspn(at, "'\n"), at);
	if (typed[0] != '-') /* getopt names short options without their dash */
		return weir_error_usage(err, "-- -%s: EAL does not take it so (see %s)", typed,
		    "https://doc.dpdk.org/guides-22.11/linux_gsg/linux_eal_parameters.html");
	nearest_option(usage, typed, near, sizeof(near));
	if (near[0])
		return weir_error_usage(err, "-- %s: unknown EAL argument (try '%s')", typed, near);
	return weir_error_usage(err, "-- %s: unknown EAL argument (see %s)", typed,
	    "https://doc.dpdk.org/guides-22.11/linux_gsg/linux_eal_parameters.html");
}

static int
explain(const char *out, const char *complaint, unsigned n_user, int code, struct weir_error *err)
{
	char said[640];
	const char *cure;

	if (n_user && explain_option(complaint, out, err))
		return -EINVAL;
	weir_eal_log_since(said, sizeof(said));
	if (!said[0])
		snprintf(said, sizeof(said), "%.*s", (int)strcspn(complaint, "\n"), complaint);
	if (strcasestr(said, "huge"))
		cure = "give it pages with 'sudo sysctl vm.nr_hugepages=512', or do without: '-- "
		       "--no-huge'";
	else if (n_user)
		cure = "try without the arguments after '--'";
	else if (strcasestr(said, "memory"))
		cure = "free some memory, or ask for less with '-- --no-huge -m 256'";
	else
		cure = "'weir-doctor' looks for the reason";
	return weir_error_run(err, code, "DPDK's environment (EAL) did not start: %s: %s",
	    said[0] ? said : strerror(-code), cure);
}

/* Lines of standard error that are not EAL's. */
static void
pass_on(const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		len += text[len] == '\n';
		if (strncmp(text, "EAL: ", 5) != 0)
			fwrite(text, 1, len, stderr);
		text += len;
	}
}

/* The folder is ours alone already; this says so of the socket in it, too. */
static void
close_to_others(void)
{
	char path[1024];

	eal.has_telemetry = weir_job_name() &&
			    chmod(weir_job_socket(weir_job_name(), path, sizeof(path)), 0600) == 0;
}

/* With the arguments in eal.args, of which n_user are the user's. */
static int
start(unsigned n_user, bool is_alone, struct weir_error *err)
{
	/* EAL permutes the vector it is given */
	char **argv = calloc((size_t)eal.args.argc + 1, sizeof(*argv));
	char *out, *complaint;
	struct quiet quiet;
	int rc;

	if (!argv || weir_eal_log_start() != 0) {
		free(argv);
		return weir_error_run(err, -ENOMEM, "no memory to start EAL");
	}
	memcpy(argv, eal.args.argv, (size_t)eal.args.argc * sizeof(*argv));
	for (int i = 1; i < eal.args.argc; i++)
		weir_log(WEIR_LOG_DEBUG, "EAL argument: %s", argv[i]);
	weir_eal_log_mark();
	quiet_begin(&quiet, is_alone);
	rc = rte_eal_init(eal.args.argc, argv);
	if (rc < 0)
		rc = rte_errno ? -rte_errno : -EIO;
	quiet_end(&quiet, &out, &complaint);
	free(argv);
	if (!is_alone)
		pass_on(complaint);
	if (rc < 0) {
		rc = explain(out, complaint, n_user, rc, err);
	} else {
		eal.is_started = true;
		close_to_others();
	}
	free(out);
	free(complaint);
	return rc < 0 ? rc : 0;
}

int
weir_eal_start(const char *program, char **args, unsigned n_args, struct weir_error *err)
{
	struct weir_eal_host host;

	if (eal.is_started)
		return 0;
	weir_eal_host_read(&host);
	if (weir_eal_args_build(program, &host, weir_job_name(), args, n_args, &eal.args))
		return weir_error_run(err, -ENOMEM, "no memory to start EAL");
	return start(n_args, true, err);
}

int
weir_eal_start_small(const char *program, struct weir_error *err)
{
	struct weir_eal_host host;

	if (eal.is_started)
		return 0;
	weir_eal_host_read(&host);
	if (weir_eal_args_build_small(program, &host, weir_job_name(), &eal.args))
		return weir_error_run(err, -ENOMEM, "no memory to start EAL");
	return start(0, false, err);
}

bool
weir_eal_has_telemetry(void)
{
	return eal.has_telemetry;
}

void
weir_eal_stop(void)
{
	if (!eal.is_started)
		return;
	rte_eal_cleanup();
	eal.is_started = false;
	eal.has_telemetry = false;
	weir_eal_args_free(&eal.args);
}

const char *
weir_eal_driver_dir(char *buf, size_t size)
{
	/* the drivers lie beside the library, in a folder that carries its ABI version */
	Dl_info info;
	char *real, *slash, *abi;

	buf[0] = '\0';
	if (!dladdr(dlsym(RTLD_DEFAULT, "rte_eal_init"), &info) || !info.dli_fname)
		return buf;
	real = realpath(info.dli_fname, NULL);
	slash = real ? strrchr(real, '/') : NULL;
	abi = slash ? strstr(slash, ".so.") : NULL;
	if (abi)
		snprintf(buf, size, "%.*s/dpdk/pmds-%s", (int)(slash - real), real, abi + 4);
	free(real);
	return buf;
}

/* "librte_net_null.so" -> "net_null", in place; NULL for any other file. */
static char *
driver_of_file(char *file)
{
	static const char prefix[] = "librte_net_";
	size_t len = strlen(file);

	if (strncmp(file, prefix, sizeof(prefix) - 1) != 0 || len < sizeof(prefix) + 3)
		return NULL;
	if (strcmp(file + len - 3, ".so") != 0)
		return NULL;
	file[len - 3] = '\0';
	return file + sizeof("librte_") - 1;
}

char *
weir_eal_nearest_driver(const char *name)
{
	struct weir_nearest nearest;
	struct dirent **files = NULL;
	char dir[512], typed[64];
	char *found = NULL;
	size_t len;
	int n;

	snprintf(typed, sizeof(typed), "%s", name);
	for (len = strlen(typed); len && isdigit((unsigned char)typed[len - 1]); len--)
		typed[len - 1] = '\0'; /* net_null0 is a device of net_null */
	weir_nearest_begin(&nearest, typed);
	n = scandir(weir_eal_driver_dir(dir, sizeof(dir)), &files, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		char *driver = driver_of_file(files[i]->d_name);

		if (driver)
			weir_nearest_offer(&nearest, driver);
	}
	if (weir_nearest_get(&nearest))
		found = strdup(weir_nearest_get(&nearest));
	for (int i = 0; i < n; i++)
		free(files[i]);
	free(files);
	return found;
}
