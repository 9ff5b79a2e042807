/* SPDX-License-Identifier: BSD-3-Clause */
/* Which profile a driver, a device or a way of taking an interface has. */
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/port/profile.h>

#include "profile_paths.h"

static const char between[] = ", \t";

/* The folder for a program in its build folder, one that was installed and moved, and any other. */
static const char *
dir_of_program(const char *program, char *buf, size_t size)
{
	static const char build[] = WEIR_PROFILE_BUILD_DIR "/";
	const char *bin = strstr(program, "/bin/");

	if (strncmp(program, build, sizeof(build) - 1) == 0)
		return WEIR_PROFILE_SOURCE_DIR;
	for (const char *next = bin; next; next = strstr(next + 1, "/bin/"))
		bin = next;
	if (!bin || strchr(bin + 5, '/'))
		return WEIR_PROFILE_INSTALLED_DIR;
	snprintf(buf, size, "%.*s/" WEIR_PROFILE_BELOW_PREFIX, (int)(bin - program), program);
	return access(buf, R_OK) == 0 ? buf : WEIR_PROFILE_INSTALLED_DIR;
}

const char *
weir_profile_dir(char *buf, size_t size)
{
	const char *dir = secure_getenv("WEIR_DRIVERS_DIR");
	char program[PATH_MAX], moved[2 * PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	program[n > 0 ? n : 0] = '\0';
	if (!dir || !*dir)
		dir = dir_of_program(program, moved, sizeof(moved));
	snprintf(buf, size, "%s", dir);
	return buf;
}

int
weir_profiles_read(struct weir_profile **ret, unsigned *ret_n, struct weir_error *err)
{
	char dir[PATH_MAX - 8], pattern[PATH_MAX];
	struct weir_profile *all = NULL;
	glob_t found = { 0 };
	unsigned n = 0;
	int rc = 0;

	snprintf(pattern, sizeof(pattern), "%s/*.ini", weir_profile_dir(dir, sizeof(dir)));
	if (glob(pattern, 0, NULL, &found) == 0)
		all = calloc(found.gl_pathc, sizeof(*all));
	for (; all && !rc && n < found.gl_pathc; n++)
		rc = weir_profile_read(found.gl_pathv[n], &all[n], err);
	globfree(&found);
	if (rc) {
		free(all);
		return rc;
	}
	*ret = all;
	*ret_n = n;
	return 0;
}

/* The next word of a list, from *at on; false where there is none. */
static bool
next_word(const char **at, char *word, size_t size)
{
	size_t len;

	*at += strspn(*at, between);
	len = strcspn(*at, between);
	snprintf(word, size, "%.*s", (int)len, *at);
	*at += len;
	return len > 0;
}

bool
weir_profile_has_driver(const struct weir_profile *p, const char *driver)
{
	char word[WEIR_PROFILE_TEXT_BYTES];

	for (const char *at = p->match; next_word(&at, word, sizeof(word));)
		if (fnmatch(word, driver, 0) == 0)
			return true;
	return false;
}

bool
weir_profile_has_pci(const struct weir_profile *p, uint16_t vendor, uint16_t device)
{
	char word[WEIR_PROFILE_TEXT_BYTES];
	unsigned long of_vendor = 0;
	char id[8];

	snprintf(id, sizeof(id), "%04x", device);
	for (const char *at = p->pci; next_word(&at, word, sizeof(word));) {
		const char *colon = strchr(word, ':');

		if (colon)
			of_vendor = strtoul(word, NULL, 16);
		if (of_vendor == vendor && fnmatch(colon ? colon + 1 : word, id, 0) == 0)
			return true;
	}
	return false;
}

/* How well a profile fits; 0: not at all. */
typedef unsigned (*score_fn)(const struct weir_profile *p, const void *ctx);

static unsigned
score_driver(const struct weir_profile *p, const void *driver)
{
	return weir_profile_has_driver(p, driver);
}

/* A device that DPDK makes has the name of its driver in front: net_virtio_user0. */
static unsigned
score_device(const struct weir_profile *p, const void *device)
{
	char word[WEIR_PROFILE_TEXT_BYTES];
	unsigned best = 0;

	if (p->bus != WEIR_BUS_VDEV)
		return 0;
	for (const char *at = p->match; next_word(&at, word, sizeof(word));) {
		size_t len = strlen(word);

		if (strncmp(word, device, len) == 0 && len > best)
			best = (unsigned)len;
	}
	return best;
}

static unsigned
score_pci(const struct weir_profile *p, const void *id)
{
	const uint16_t *of = id;

	return weir_profile_has_pci(p, of[0], of[1]);
}

static unsigned
score_way(const struct weir_profile *p, const void *way)
{
	return p->takes == *(const enum weir_profile_way *)way;
}

static unsigned
score_kernel(const struct weir_profile *p, const void *driver)
{
	char word[WEIR_PROFILE_TEXT_BYTES];

	for (const char *at = p->kernel; next_word(&at, word, sizeof(word));)
		if (strcmp(word, driver) == 0)
			return 1;
	return 0;
}

/* The profile that fits best; weir's own values, and -ENOENT, where none does. */
static int
find(score_fn score, const void *ctx, struct weir_profile *ret, struct weir_error *err)
{
	struct weir_profile *all = NULL;
	unsigned n, best = 0, which = 0;
	int rc = weir_profiles_read(&all, &n, err);

	if (rc)
		return rc;
	for (unsigned i = 0; i < n; i++) {
		unsigned s = score(&all[i], ctx);

		if (s > best) {
			best = s;
			which = i;
		}
	}
	if (best)
		*ret = all[which];
	else
		weir_profile_init(ret);
	free(all);
	return best ? 0 : -ENOENT;
}

int
weir_profile_for_driver(const char *driver, struct weir_profile *ret, struct weir_error *err)
{
	int rc = find(score_driver, driver, ret, err);

	return rc == -ENOENT ? 0 : rc;
}

static uint16_t
read_id(const char *device, const char *what)
{
	char path[PATH_MAX];
	unsigned id = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", device, what);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%x", &id) != 1)
		id = 0;
	fclose(f);
	return (uint16_t)id;
}

int
weir_profile_for_device(
    const char *bus, const char *device, struct weir_profile *ret, struct weir_error *err)
{
	bool is_pci = strcmp(bus, "pci") == 0;
	uint16_t id[2] = { 0 };
	int rc;

	if (is_pci) {
		id[0] = read_id(device, "vendor");
		id[1] = read_id(device, "device");
	}
	rc = is_pci ? find(score_pci, id, ret, err) : find(score_device, device, ret, err);
	return rc == -ENOENT ? 0 : rc;
}

int
weir_profile_for_way(enum weir_profile_way way, struct weir_profile *ret, struct weir_error *err)
{
	char dir[PATH_MAX];
	int rc = find(score_way, &way, ret, err);

	if (rc == -ENOENT)
		return weir_error_run(err, rc,
		    "no profile of %s says 'takes = %s' (is weir installed whole? WEIR_DRIVERS_DIR "
		    "names another folder)",
		    weir_profile_dir(dir, sizeof(dir)), weir_profile_ways(way));
	return rc;
}

bool
weir_profile_is_shared(const char *kernel_driver)
{
	struct weir_profile p;

	return find(score_kernel, kernel_driver, &p, NULL) == 0;
}

const char *
weir_profile_driver(const struct weir_profile *p, char *buf, size_t size)
{
	const char *at = p->match;

	next_word(&at, buf, size);
	return buf;
}

const char *
weir_profile_list_devices(char *buf, size_t size)
{
	struct weir_profile *all = NULL;
	char driver[WEIR_PROFILE_TEXT_BYTES];
	unsigned n = 0;
	size_t len = 0;

	buf[0] = '\0';
	if (weir_profiles_read(&all, &n, NULL))
		return buf;
	for (unsigned i = 0; i < n && len < size; i++)
		if (all[i].bus == WEIR_BUS_VDEV)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? ", " : "",
			    weir_profile_driver(&all[i], driver, sizeof(driver)));
	free(all);
	return buf;
}
