/* SPDX-License-Identifier: BSD-3-Clause */

#include "port.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/source/eal.h>
#include <weir/source/interface.h>

#include "eal_args.h"
#include "eal_log.h"
#include "ethdev.h"
#include "kind.h"

#define DATA_BYTES 2048u

/* [domain:]bus:device.function, all hexadecimal; the parts in ret. */
static bool
parse_pci(const char *value, unsigned ret[4])
{
	static const char *const forms[] = { "%4x:%2x:%2x.%1x%n", "%2x:%2x.%1x%n" };
	unsigned v[4];
	int end = 0;

	for (const char *p = value; *p; p++)
		if (!isxdigit((unsigned char)*p) && *p != ':' && *p != '.')
			return false;
	if (sscanf(value, forms[0], &v[0], &v[1], &v[2], &v[3], &end) == 4 && !value[end]) {
		memcpy(ret, v, sizeof(v));
		return true;
	}
	v[0] = 0;
	if (sscanf(value, forms[1], &v[1], &v[2], &v[3], &end) == 3 && !value[end]) {
		memcpy(ret, v, sizeof(v));
		return true;
	}
	return false;
}

bool
weir_port_is_named(const char *value)
{
	unsigned pci[4];

	return strncmp(value, "vdev:", 5) == 0 || parse_pci(value, pci);
}

int
weir_port_parse(const char *value, struct weir_port_name *ret, struct weir_error *err)
{
	struct weir_port_name p = { 0 };
	const char *name = value + 5, *comma;
	unsigned pci[4];
	size_t len;

	if (parse_pci(value, pci)) {
		p.is_pci = true;
		snprintf(p.device, sizeof(p.device), "%04x:%02x:%02x.%x", pci[0], pci[1], pci[2],
		    pci[3]);
		*ret = p;
		return 0;
	}
	comma = strchr(name, ',');
	len = comma ? (size_t)(comma - name) : strlen(name);
	if (!len)
		return weir_error_usage(err,
		    "-i '%s': name a virtual device after 'vdev:', such as 'vdev:net_null0'",
		    value);
	if (len >= sizeof(p.device) || (comma && strlen(comma + 1) >= sizeof(p.args)))
		return weir_error_usage(
		    err, "-i '%s': the device's name or its arguments are too long", value);
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("_-.", name[i]))
			return weir_error_usage(err,
			    "-i '%s': '%c' cannot be in a device's name (its arguments begin with "
			    "a ',')",
			    value, name[i]);
	memcpy(p.device, name, len);
	if (comma)
		snprintf(p.args, sizeof(p.args), "%s", comma + 1);
	*ret = p;
	return 0;
}

static bool
port_match(const struct weir_source_config *c)
{
	return c->flag == WEIR_SOURCE_INTERFACE && weir_port_is_named(c->value);
}

/* The last part of a symbolic link of a PCI device in sysfs, "" where there is none. */
static void
pci_link(const char *device, const char *what, char *buf, size_t size)
{
	char path[128], target[PATH_MAX];
	const char *slash;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", device, what);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	slash = strrchr(target, '/');
	snprintf(buf, size, "%.60s", slash ? slash + 1 : target);
}

/* PCI class 02: network controllers. */
static bool
is_nic(const char *device)
{
	char path[128];
	unsigned class = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/class", device);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fscanf(f, "%x", &class) != 1)
		class = 0;
	fclose(f);
	return class >> 16 == 0x02;
}

/* The kernel's interface of a PCI device: net/NAME in its folder, or in its virtio device's. */
static bool
kernel_interface(const char *device, char *buf, size_t size)
{
	char pattern[2][128];
	glob_t found = { 0 };
	bool is_found;

	snprintf(pattern[0], sizeof(pattern[0]), "/sys/bus/pci/devices/%s/net/*", device);
	snprintf(pattern[1], sizeof(pattern[1]), "/sys/bus/pci/devices/%s/virtio*/net/*", device);
	is_found = glob(pattern[0], 0, NULL, &found) == 0 || glob(pattern[1], 0, NULL, &found) == 0;
	if (is_found)
		snprintf(buf, size, "%s", strrchr(found.gl_pathv[0], '/') + 1);
	globfree(&found);
	return is_found;
}

/* A NIC that its kernel driver has: how to get it, but not away from a host that uses it. */
static int
not_usable(const char *value, const char *device, const char *driver, struct weir_error *err)
{
	struct weir_interface_facts f;
	struct weir_interface_decision d = { 0 };
	char interface[64] = "";

	if (kernel_interface(device, interface, sizeof(interface)) &&
	    weir_interface_facts_read(interface, &f, NULL) == 0 &&
	    weir_interface_decide(&f, WEIR_TAKE_AUTO, &d, NULL) == 0 && !d.is_taken)
		return weir_error_run(err, -EBUSY,
		    "-i '%s': the NIC is %s, which its host uses (%s): tap it with '-i %s'", value,
		    interface, d.why, interface);
	return weir_error_run(err, -EBUSY,
	    "-i '%s': the NIC is bound to %s, not to a driver for user space: 'sudo modprobe "
	    "vfio-pci && "
	    "sudo dpdk-devbind.py --bind vfio-pci %s'%s%s",
	    value, driver[0] ? driver : "no driver", device,
	    interface[0] ? ", or leave it to the kernel: -i " : "", interface);
}

/* What stands in the way of a NIC, found without EAL; each with the command that mends it. */
static int
check_pci(const char *value, const char *device, struct weir_error *err)
{
	/* the drivers for user space, and those kernel drivers that share their NIC with DPDK's */
	static const char *const usable[] = { "vfio-pci", "uio_pci_generic", "igb_uio", "mlx4_core",
		"mlx5_core", "mana" };
	bool is_usable = false;
	struct weir_eal_host host;
	char path[128], driver[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", device);
	if (access(path, F_OK) != 0)
		return weir_error_run(err, -ENODEV,
		    "-i '%s': there is no such PCI device ('dpdk-devbind.py --status-dev net' "
		    "lists the "
		    "NICs)",
		    value);
	if (!is_nic(device))
		return weir_error_run(err, -ENODEV,
		    "-i '%s': that PCI device is no NIC ('dpdk-devbind.py --status-dev net' lists "
		    "the NICs)",
		    value);
	pci_link(device, "driver", driver, sizeof(driver));
	for (unsigned i = 0; i < sizeof(usable) / sizeof(usable[0]); i++)
		is_usable |= strcmp(driver, usable[i]) == 0;
	if (!is_usable)
		return not_usable(value, device, driver, err);
	weir_eal_host_read(&host);
	if (host.huge_free_bytes < (UINT64_C(64) << 20))
		return weir_error_run(err, -ENOMEM,
		    "-i '%s': a NIC writes to hugepages and none are free: 'sudo sysctl "
		    "vm.nr_hugepages=512'",
		    value);
	return 0;
}

static int
look(const struct weir_source_config *c, struct weir_port_name *p, struct weir_error *err)
{
	int rc = weir_port_parse(c->value, p, err);

	if (!rc && c->take != WEIR_TAKE_AUTO)
		return weir_error_usage(err,
		    "%s: '%s' is a port of DPDK; only a kernel interface (-i eth0) is tapped or "
		    "taken",
		    c->take == WEIR_TAKE_TAP ? "--tap" : "--take", c->value);
	if (!rc && p->is_pci)
		rc = check_pci(c->value, p->device, err);
	return rc;
}

static int
port_needs_eal(const struct weir_source_config *c, bool *ret, struct weir_error *err)
{
	struct weir_port_name p;
	int rc = look(c, &p, err);

	if (!rc)
		*ret = true;
	return rc;
}

/*
 * A device that makes packets of a size= of its own (net_null) may copy them into buffers without a
 * look at their room, so the room follows the argument.
 */
static uint32_t
data_bytes(const struct weir_port_name *p)
{
	unsigned long n = 0;

	for (const char *arg = p->args; arg; arg = strchr(arg, ',')) {
		arg += *arg == ',';
		if (strncmp(arg, "size=", 5) == 0)
			n = strtoul(arg + 5, NULL, 0);
	}
	if (n <= DATA_BYTES)
		return DATA_BYTES;
	return n < UINT16_MAX - RTE_PKTMBUF_HEADROOM ? (uint32_t)n : 0;
}

/* Why a device could not be opened, with the nearest driver's name where that may be it. */
static int
explain(const char *value, const struct weir_port_name *p, int code, struct weir_error *err)
{
	char said[256];
	char *near = p->is_pci ? NULL : weir_eal_nearest_driver(p->device);
	bool is_known = near && strncmp(p->device, near, strlen(near)) == 0;

	weir_eal_log_first(said, sizeof(said));
	if (near && !is_known)
		weir_error_run(err, code, "-i '%s': DPDK has no driver for '%s' (try 'vdev:%s0')",
		    value, p->device, near);
	else if (!near && !p->is_pci)
		weir_error_run(err, code,
		    "-i '%s': DPDK has no driver for '%s' (net_pcap, net_null, net_ring, net_tap "
		    "and "
		    "net_memif are the usual ones)",
		    value, p->device);
	else if (said[0])
		weir_error_run(err, code, "-i '%s': the device cannot be opened: %s", value, said);
	else
		weir_error_wrap(err, "-i '%s'", value);
	free(near);
	return code;
}

static int
open_port(const struct weir_source_config *c, const struct weir_port_name *p,
    struct weir_source **ret, struct weir_error *err)
{
	struct weir_ethdev_device d = {
		.bus = p->is_pci ? "pci" : "vdev",
		.name = p->device,
		.args = p->args,
		.data_bytes = data_bytes(p),
		.numa_node = -1,
	};
	struct weir_ethdev *e;
	int rc;

	if (!d.data_bytes)
		return weir_error_usage(
		    err, "-i '%s': a packet has no more than 65407 bytes here", c->value);
	if (!weir_eal_is_started())
		return weir_error_run(err, -ENXIO, "-i '%s': EAL is not started", c->value);
	e = weir_ethdev_create(c);
	if (!e)
		return weir_error_run(err, -ENOMEM, "-i '%s': no memory", c->value);
	weir_eal_log_mark();
	rc = weir_ethdev_add(e, &d, err);
	if (rc) {
		rc = e->n_ports || rc == -EEXIST ? weir_error_wrap(err, "-i '%s'", c->value)
						 : explain(c->value, p, rc, err);
		weir_ethdev_close(&e->base);
		return rc;
	}
	*ret = &e->base;
	return 0;
}

/* What is known of a port without opening it. */
static void
plan_port(const struct weir_source_config *c, const struct weir_port_name *p, struct weir_source *s,
    char *buf, size_t size)
{
	char path[128], sizes[128];
	int node;
	FILE *f;

	weir_ethdev_port_plan(c->n_workers, c->n_workers, false, sizes, sizeof(sizes));
	snprintf(buf, size, "; %s%s", sizes,
	    c->n_workers > 1 ? ", where its driver can spread (RSS)" : "");
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/numa_node", p->device);
	f = p->is_pci ? fopen(path, "re") : NULL;
	if (!f)
		return;
	if (fscanf(f, "%d", &node) == 1 && node >= 0)
		s->numa_node = node;
	fclose(f);
}

/* By which driver, and how its queues are. */
static void
describe_port(const struct weir_ethdev *e, char *buf, size_t size)
{
	struct rte_eth_dev_info info = { .driver_name = NULL };
	char queues[192];

	weir_ethdev_describe(e, queues, sizeof(queues));
	rte_eth_dev_info_get(e->ports[0].id, &info);
	snprintf(buf, size, "%s%s%s%s", info.driver_name ? " by " : "",
	    info.driver_name ? info.driver_name : "", queues[0] ? "; " : "", queues);
}

static int
port_open(const struct weir_source_config *c, struct weir_source **ret, struct weir_error *err)
{
	struct weir_port_name p;
	struct weir_source *s = NULL;
	char more[256] = "";
	int rc = look(c, &p, err);

	if (!rc && c->is_dry_run) {
		s = weir_source_dry(c, true);
		if (s)
			plan_port(c, &p, s, more, sizeof(more));
	} else if (!rc) {
		rc = open_port(c, &p, &s, err);
		if (!rc)
			describe_port((const struct weir_ethdev *)s, more, sizeof(more));
	}
	if (rc)
		return rc;
	if (s) {
		s->name = strdup(c->value);
		if (asprintf(&s->description, "%s: polled as a port of DPDK%s", p.device, more) < 0)
			s->description = NULL;
	}
	if (!s || !s->name || !s->description) {
		if (s)
			s->ops->close(s);
		return weir_error_run(err, -ENOMEM, "-i '%s': no memory", c->value);
	}
	*ret = s;
	return 0;
}

const struct weir_source_kind weir_source_kind_port = {
	.name = WEIR_SOURCE_PORT_NAME,
	.doc = WEIR_SOURCE_PORT_DOC,
	.match = port_match,
	.needs_eal = port_needs_eal,
	.open = port_open,
};
