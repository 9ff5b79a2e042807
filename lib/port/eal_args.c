/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal_args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/port/job.h>

/* Fewer bytes in free hugepages than this do not hold the buffers of one port. */
#define HUGE_ENOUGH_BYTES (UINT64_C(192) << 20)
/* Plain memory is mapped whole at start, but only pages that are touched cost anything. */
#define PLAIN_MEMORY_MB 1024
#define SMALL_MEMORY_MB "8"
#define MAX_OWN_ARGS    16

/* True where the user gave one of these options (separated by spaces), in any of getopt's forms. */
static bool
user_gave(char **user, unsigned n_user, const char *options)
{
	char word[64];

	for (const char *o = options; *o;) {
		size_t len = strcspn(o, " ");

		snprintf(word, sizeof(word), "%.*s", (int)len, o);
		for (unsigned i = 0; i < n_user; i++) {
			const char *u = user[i];

			if (strncmp(u, word, len) != 0)
				continue;
			/* -l0 is -l; --lcoresX is not --lcores */
			if (word[1] != '-' || !u[len] || u[len] == '=')
				return true;
		}
		o += len;
		o += strspn(o, " ");
	}
	return false;
}

static int
add(struct weir_eal_args *a, const char *arg)
{
	a->argv[a->argc] = strdup(arg);
	if (!a->argv[a->argc])
		return -ENOMEM;
	a->argc++;
	return 0;
}

static int
add_memory(struct weir_eal_args *a, const struct weir_eal_host *host, char **user, unsigned n_user)
{
	bool is_plain = user_gave(user, n_user, "--no-huge");
	bool is_sized = user_gave(user, n_user, "-m --socket-mem");
	uint64_t mb = PLAIN_MEMORY_MB;
	char text[32];
	int rc;

	if (!is_plain &&
	    user_gave(user, n_user,
		"--in-memory --huge-dir --huge-unlink --file-prefix --proc-type --legacy-mem "
		"--single-file-segments --socket-limit --match-allocations"))
		return 0; /* the user has hugepages of his own arrangement */
	if (!is_plain && host->huge_free_bytes >= HUGE_ENOUGH_BYTES)
		return add(a, "--in-memory");
	rc = is_plain ? 0 : add(a, "--no-huge");
	/* --no-huge and --in-memory exclude each other: without this, files would stay behind */
	if (!rc && !user_gave(user, n_user, "--no-shconf --file-prefix --proc-type"))
		rc = add(a, "--no-shconf");
	if (rc || is_sized)
		return rc;
	if (host->available_bytes && host->available_bytes >> 21 < mb)
		mb = host->available_bytes >> 21;
	snprintf(text, sizeof(text), "%u", (unsigned)(mb < 64 ? 64 : mb));
	rc = add(a, "-m");
	return rc ? rc : add(a, text);
}

/*
 * Begin with room for n_user more. One lcore that floats over all our CPUs: EAL must not pin the
 * thread that starts it, because every thread that is created later would inherit that CPU.
 */
static int
begin(struct weir_eal_args *a, const char *program, const struct weir_eal_host *host, char **user,
    unsigned n_user)
{
	char text[sizeof(host->cpus) + 8];
	int rc;

	a->argv = calloc(MAX_OWN_ARGS + (size_t)n_user + 1, sizeof(*a->argv));
	if (!a->argv)
		return -ENOMEM;
	rc = add(a, program);
	if (rc || user_gave(user, n_user, "-l -c -s -S --lcores --main-lcore"))
		return rc;
	snprintf(text, sizeof(text), "0@(%s)", host->cpus);
	rc = add(a, "--lcores");
	return rc ? rc : add(a, text);
}

static int
add_prefix(struct weir_eal_args *a, const char *job)
{
	char text[sizeof(WEIR_JOB_PREFIX) + WEIR_JOB_NAME_MAX];
	int rc = add(a, "--file-prefix");

	snprintf(text, sizeof(text), WEIR_JOB_PREFIX "%s", job);
	return rc ? rc : add(a, text);
}

/* The user's arguments leave no room for telemetry under a name of ours. */
static bool
excludes_job(char **user, unsigned n_user)
{
	return user_gave(
	    user, n_user, "--no-telemetry --file-prefix --proc-type --single-file-segments");
}

/* Telemetry lies in the folder that is named by the prefix of files. */
static int
add_telemetry(struct weir_eal_args *a, const char *job, char **user, unsigned n_user)
{
	int rc;

	if (!job || excludes_job(user, n_user))
		return user_gave(user, n_user, "--telemetry --no-telemetry")
			   ? 0
			   : add(a, "--no-telemetry");
	rc = add_prefix(a, job);
	/*
	 * Pages in the user's own folder are found again, and freed, by the next run of the same
	 * prefix only, and there will be none.
	 */
	if (!rc && user_gave(user, n_user, "--huge-dir --legacy-mem") &&
	    !user_gave(user, n_user, "--huge-unlink --in-memory --no-huge"))
		rc = add(a, "--huge-unlink");
	return rc;
}

int
weir_eal_args_build_small(const char *program, const struct weir_eal_host *host, const char *job,
    struct weir_eal_args *ret)
{
	static const char *const rest[] = { "--no-huge", "--no-shconf", "-m", SMALL_MEMORY_MB,
		"--no-pci" };
	struct weir_eal_args a = { 0 };
	int rc = begin(&a, program, host, NULL, 0);

	for (unsigned i = 0; i < sizeof(rest) / sizeof(rest[0]) && !rc; i++)
		rc = add(&a, rest[i]);
	rc = rc ? rc : add_prefix(&a, job);
	if (rc) {
		weir_eal_args_free(&a);
		return rc;
	}
	*ret = a;
	return 0;
}

int
weir_eal_args_build(const char *program, const struct weir_eal_host *host, const char *job,
    char **user, unsigned n_user, struct weir_eal_args *ret)
{
	struct weir_eal_args a = { 0 };
	int rc = begin(&a, program, host, user, n_user);

	rc = rc ? rc : add_memory(&a, host, user, n_user);
	rc = rc ? rc : add_telemetry(&a, job, user, n_user);
	/*
	 * No device is taken at start: sources plug in their own. --no-pci would forbid that, so
	 * allow one that cannot exist.
	 */
	if (!rc && !user_gave(user, n_user, "-a -b --allow --block --no-pci")) {
		rc = add(&a, host->has_pci_bus ? "-a" : "--no-pci");
		if (!rc && host->has_pci_bus)
			rc = add(&a, "ffff:ff:1f.7");
	}
	for (unsigned i = 0; i < n_user && !rc; i++)
		rc = add(&a, user[i]);
	if (rc) {
		weir_eal_args_free(&a);
		return rc;
	}
	*ret = a;
	return 0;
}

void
weir_eal_args_free(struct weir_eal_args *a)
{
	for (int i = 0; i < a->argc; i++)
		free(a->argv[i]);
	free(a->argv);
	memset(a, 0, sizeof(*a));
}
