/* SPDX-License-Identifier: BSD-3-Clause */
/* An interface by files alone: those of a root that is not this host. */
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/base/nearest.h>

#include "check.h"

/* A number of any base in a file of the interface. */
static uint64_t
number(const char *root, const char *name, const char *file)
{
	char path[1024], line[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/sys/class/net/%s/%s", root, name, file);
	f = fopen(path, "re");
	if (f && !fgets(line, sizeof(line), f))
		line[0] = '\0';
	if (f)
		fclose(f);
	return strtoull(line, NULL, 0);
}

static unsigned
count(const char *root, const char *name, const char *pattern, char *ret_first, size_t size)
{
	char path[1024];
	glob_t found = { 0 };
	unsigned n = 0;

	snprintf(path, sizeof(path), "%s/sys/class/net/%s/%s", root, name, pattern);
	if (glob(path, 0, NULL, &found) == 0) {
		n = (unsigned)found.gl_pathc;
		if (ret_first)
			snprintf(ret_first, size, "%s", weir_doctor_base(found.gl_pathv[0]));
	}
	globfree(&found);
	return n;
}

static void
last_of_link(const char *root, const char *name, const char *file, char *buf, size_t size)
{
	char path[1024], target[1024];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/sys/class/net/%s/%s", root, name, file);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	snprintf(buf, size, "%s", weir_doctor_base(target));
}

/* IPv4's addresses are in no file by interface, but each brings a route. */
static void
add_routes(const char *root, struct weir_interface_facts *f)
{
	char path[1024], line[512], device[IFNAMSIZ];
	unsigned to, mask;
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/net/route", root);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%15s %x %*x %*x %*d %*d %*d %x", device, &to, &mask) != 3 ||
		    strcmp(device, f->name) != 0)
			continue;
		if (f->n_routes++ && to)
			continue;
		if (!to)
			snprintf(f->route, sizeof(f->route), "default");
		else
			snprintf(f->route, sizeof(f->route), "%u.%u.%u.%u/%d", to & 255,
			    to >> 8 & 255, to >> 16 & 255, to >> 24, __builtin_popcount(mask));
	}
	if (file)
		fclose(file);
}

static void
add_addresses(const char *root, struct weir_interface_facts *f)
{
	char path[1024], line[512], address[40], device[IFNAMSIZ];
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/net/if_inet6", root);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%39s %*x %*x %*x %*x %15s", address, device) != 2 ||
		    strcmp(device, f->name) != 0 || strncmp(address, "fe80", 4) == 0)
			continue;
		if (!f->n_addresses++)
			snprintf(f->address, sizeof(f->address), "%s", address);
	}
	if (file)
		fclose(file);
}

static int
no_such(const char *root, const char *name, struct weir_error *err)
{
	struct weir_nearest nearest;
	char pattern[1024];
	glob_t all = { 0 };

	snprintf(pattern, sizeof(pattern), "%s/sys/class/net/*", root);
	weir_nearest_begin(&nearest, name);
	if (glob(pattern, 0, NULL, &all) == 0)
		for (size_t i = 0; i < all.gl_pathc; i++)
			weir_nearest_offer(&nearest, weir_doctor_base(all.gl_pathv[i]));
	if (weir_nearest_get(&nearest))
		weir_error_run(
		    err, -ENODEV, "no such interface (try '%s')", weir_nearest_get(&nearest));
	else
		weir_error_run(err, -ENODEV, "no such interface");
	globfree(&all);
	return -ENODEV;
}

static int
tree_facts(
    const char *root, const char *name, struct weir_interface_facts *ret, struct weir_error *err)
{
	struct weir_interface_facts f = { 0 };

	if (strlen(name) >= sizeof(f.name) || !count(root, name, "ifindex", NULL, 0))
		return no_such(root, name, err);
	snprintf(f.name, sizeof(f.name), "%s", name);
	f.index = (unsigned)number(root, name, "ifindex");
	f.flags = (unsigned)number(root, name, "flags");
	f.type = (unsigned)number(root, name, "type");
	f.mtu = (unsigned)number(root, name, "mtu");
	f.has_carrier = number(root, name, "carrier") == 1;
	f.n_queues = count(root, name, "queues/rx-*", NULL, 0);
	f.n_queues += !f.n_queues;
	last_of_link(root, name, "master", f.master, sizeof(f.master));
	if (count(root, name, "upper_*", f.upper, sizeof(f.upper)))
		memmove(
		    f.upper, f.upper + strlen("upper_"), strlen(f.upper + strlen("upper_")) + 1);
	add_addresses(root, &f);
	add_routes(root, &f);
	*ret = f;
	return 0;
}

static void
tree_link(const char *root, const char *name, struct weir_doctor_link *ret)
{
	memset(ret, 0, sizeof(*ret));
	last_of_link(root, name, "device/driver", ret->driver, sizeof(ret->driver));
	ret->n_queues = count(root, name, "queues/rx-*", NULL, 0);
	ret->n_queues += !ret->n_queues;
}

const struct weir_doctor_probe weir_doctor_probe_tree = { tree_facts, tree_link };
