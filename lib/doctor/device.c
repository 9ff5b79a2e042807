/* SPDX-License-Identifier: BSD-3-Clause */
/* NICs and interfaces of the host that is examined. */
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* PCI class 02: network controllers. */
static bool
is_nic(const struct weir_doctor *d, const char *device)
{
	char path[128], class[32];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.32s/class", device);
	return weir_doctor_line(d, path, class, sizeof(class)) && strncmp(class, "0x02", 4) == 0;
}

bool
weir_doctor_nic(const struct weir_doctor *d, const char *name, char *buf, size_t size)
{
	glob_t all;
	bool is_found = false;

	weir_doctor_glob(d, "/sys/bus/pci/devices/*", &all);
	for (size_t i = 0; i < all.gl_pathc && !is_found; i++) {
		const char *device = weir_doctor_base(all.gl_pathv[i]);
		size_t len = strlen(device), tail = strlen(name);

		/* the domain may be left out */
		is_found = tail <= len && strcasecmp(device + len - tail, name) == 0 &&
			   (tail == len || device[len - tail - 1] == ':') && is_nic(d, device);
		if (is_found)
			snprintf(buf, size, "%s", device);
	}
	globfree(&all);
	return is_found;
}

void
weir_doctor_each_nic(struct weir_doctor *d, void (*look)(struct weir_doctor *d, const char *device))
{
	const struct weir_doctor_source *s = NULL;
	char device[64];
	glob_t all;

	if (d->config->n_sources) {
		while ((s = weir_doctor_next(d, WEIR_DOCTOR_PCI, s)))
			if (weir_doctor_nic(d, s->name, device, sizeof(device)))
				look(d, device);
		return;
	}
	weir_doctor_glob(d, "/sys/bus/pci/devices/*", &all);
	for (size_t i = 0; i < all.gl_pathc; i++)
		if (is_nic(d, weir_doctor_base(all.gl_pathv[i])))
			look(d, weir_doctor_base(all.gl_pathv[i]));
	globfree(&all);
}

bool
weir_doctor_interface_of(const struct weir_doctor *d, const char *device, char *buf, size_t size)
{
	static const char *const forms[] = { "/sys/bus/pci/devices/%.32s/net/*",
		"/sys/bus/pci/devices/%.32s/virtio*/net/*" };
	char pattern[128];
	glob_t found;
	bool is_found = false;

	for (unsigned i = 0; i < 2 && !is_found; i++) {
		snprintf(pattern, sizeof(pattern), forms[i], device);
		weir_doctor_glob(d, pattern, &found);
		is_found = found.gl_pathc > 0;
		if (is_found)
			snprintf(buf, size, "%s", weir_doctor_base(found.gl_pathv[0]));
		globfree(&found);
	}
	return is_found;
}

bool
weir_doctor_nic_of(const struct weir_doctor *d, const char *interface, char *buf, size_t size)
{
	char name[64];
	glob_t all;
	bool is_found = false;

	weir_doctor_glob(d, "/sys/bus/pci/devices/*", &all);
	for (size_t i = 0; i < all.gl_pathc && !is_found; i++) {
		const char *device = weir_doctor_base(all.gl_pathv[i]);

		is_found = is_nic(d, device) &&
			   weir_doctor_interface_of(d, device, name, sizeof(name)) &&
			   strcmp(name, interface) == 0;
		if (is_found)
			snprintf(buf, size, "%s", device);
	}
	globfree(&all);
	return is_found;
}

static int
read_node(const struct weir_doctor *d, const char *path)
{
	char line[32];
	int node;

	if (!weir_doctor_line(d, path, line, sizeof(line)) || sscanf(line, "%d", &node) != 1)
		return -1;
	return node < 64 ? node : -1;
}

int
weir_doctor_node_of_nic(const struct weir_doctor *d, const char *device)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.32s/numa_node", device);
	return read_node(d, path);
}

int
weir_doctor_node_of_interface(const struct weir_doctor *d, const char *interface)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/net/%.32s/device/numa_node", interface);
	return read_node(d, path);
}

void
weir_doctor_each_interface(
    struct weir_doctor *d, void (*look)(struct weir_doctor *d, const char *name))
{
	const struct weir_doctor_source *s = NULL;
	struct if_nameindex *here;
	glob_t all;

	if (d->config->n_sources) {
		while ((s = weir_doctor_next(d, WEIR_DOCTOR_INTERFACE, s)))
			look(d, s->name);
	} else if (d->config->root[0]) {
		weir_doctor_glob(d, "/sys/class/net/*/ifindex", &all);
		for (size_t i = 0; i < all.gl_pathc; i++) {
			*strrchr(all.gl_pathv[i], '/') = '\0';
			look(d, weir_doctor_base(all.gl_pathv[i]));
		}
		globfree(&all);
	} else {
		/* sysfs may have been mounted for another network namespace */
		here = if_nameindex();
		for (struct if_nameindex *i = here; i && i->if_index; i++)
			look(d, i->if_name);
		if (here)
			if_freenameindex(here);
	}
}

bool
weir_doctor_is_taken(const struct weir_doctor *d, const struct weir_doctor_source *s)
{
	struct weir_interface_decision decision = { 0 };
	struct weir_interface_facts f;

	return d->probe->facts(d->config->root, s->name, &f, NULL) == 0 &&
	       weir_interface_decide(&f, s->take, &decision, NULL) == 0 && decision.is_taken;
}
