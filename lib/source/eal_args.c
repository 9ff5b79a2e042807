/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal_args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fewer bytes in free hugepages than this do not hold the buffers of one port. */
#define HUGE_ENOUGH_BYTES (UINT64_C(192) << 20)
/* Plain memory is mapped whole at start, but only pages that are touched cost anything. */
#define PLAIN_MEMORY_MB 1024
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

int
weir_eal_args_build(const char *program, const struct weir_eal_host *host, char **user,
    unsigned n_user, struct weir_eal_args *ret)
{
	struct weir_eal_args a = { 0 };
	char text[sizeof(host->cpus) + 8];
	int rc;

	a.argv = calloc(MAX_OWN_ARGS + (size_t)n_user + 1, sizeof(*a.argv));
	if (!a.argv)
		return -ENOMEM;
	rc = add(&a, program);
	/*
	 * One lcore that floats over all our CPUs: EAL must not pin the thread that starts it,
	 * because every thread that is created later would inherit that CPU.
	 */
	if (!rc && !user_gave(user, n_user, "-l -c -s -S --lcores --main-lcore")) {
		snprintf(text, sizeof(text), "0@(%s)", host->cpus);
		rc = add(&a, "--lcores");
		rc = rc ? rc : add(&a, text);
	}
	rc = rc ? rc : add_memory(&a, host, user, n_user);
	if (!rc && !user_gave(user, n_user, "--telemetry --no-telemetry"))
		rc = add(&a, "--no-telemetry");
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
