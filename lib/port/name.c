/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_mbuf_core.h>

#include <weir/port/interface.h>
#include <weir/port/name.h>
#include <weir/port/port.h>
#include <weir/port/profile.h>

#include "eal_args.h"

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
	char address[16]; /* longer ones are none */
	unsigned pci[4];
	size_t len;

	weir_profile_options(value, &len);
	snprintf(address, sizeof(address), "%.*s", (int)len, value);
	return strncmp(value, "vdev:", 5) == 0 ||
	       (len < sizeof(address) && parse_pci(address, pci));
}

int
weir_port_parse(const char *value, struct weir_port_name *ret, struct weir_error *err)
{
	struct weir_port_name p = { 0 };
	char plain[WEIR_PORT_NAME_BYTES], devices[512];
	const char *name = plain + 5, *comma;
	unsigned pci[4];
	size_t len;
	int rc = weir_port_split(value, plain, sizeof(plain), &comma, err);

	if (rc)
		return rc;
	if (parse_pci(plain, pci)) {
		p.is_pci = true;
		snprintf(p.device, sizeof(p.device), "%04x:%02x:%02x.%x", pci[0], pci[1], pci[2],
		    pci[3]);
		*ret = p;
		return 0;
	}
	comma = strchr(name, ',');
	len = comma ? (size_t)(comma - name) : strlen(name);
	if (!len)
		return weir_error_usage(err, "name a virtual device after 'vdev:' (one of %s)",
		    weir_profile_list_devices(devices, sizeof(devices)));
	if (len >= sizeof(p.device) || (comma && strlen(comma + 1) >= sizeof(p.args)))
		return weir_error_usage(err, "the device's name or its arguments are too long");
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("_-.", name[i]))
			return weir_error_usage(err,
			    "'%c' cannot be in a device's name (its arguments begin with a ',')",
			    name[i]);
	memcpy(p.device, name, len);
	if (comma)
		snprintf(p.args, sizeof(p.args), "%s", comma + 1);
	*ret = p;
	return 0;
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
not_usable(const char *device, const char *driver, struct weir_error *err)
{
	struct weir_interface_facts f;
	struct weir_interface_decision d = { 0 };
	char interface[64] = "";

	if (kernel_interface(device, interface, sizeof(interface)) &&
	    weir_interface_facts_read(interface, &f, NULL) == 0 &&
	    weir_interface_decide(&f, WEIR_TAKE_AUTO, &d, NULL) == 0 && !d.is_taken)
		return weir_error_run(err, -EBUSY,
		    "the NIC is %s, which its host uses (%s): name it '%s'", interface, d.why,
		    interface);
	return weir_error_run(err, -EBUSY,
	    "the NIC is bound to %s, not to a driver for user space: 'sudo modprobe vfio-pci && "
	    "sudo dpdk-devbind.py --bind vfio-pci %s'%s%s",
	    driver[0] ? driver : "no driver", device,
	    interface[0] ? ", or leave it to the kernel: " : "", interface);
}

static int
check_pci(const char *device, struct weir_error *err)
{
	/* the drivers for user space; some kernel drivers share their NIC with DPDK's */
	static const char *const usable[] = { "vfio-pci", "uio_pci_generic", "igb_uio" };
	bool is_usable = false;
	struct weir_eal_host host;
	char path[128], driver[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", device);
	if (access(path, F_OK) != 0)
		return weir_error_run(err, -ENODEV,
		    "there is no such PCI device ('dpdk-devbind.py --status-dev net' lists the "
		    "NICs)");
	if (!is_nic(device))
		return weir_error_run(err, -ENODEV,
		    "that PCI device is no NIC ('dpdk-devbind.py --status-dev net' lists the "
		    "NICs)");
	pci_link(device, "driver", driver, sizeof(driver));
	for (unsigned i = 0; i < sizeof(usable) / sizeof(usable[0]); i++)
		is_usable |= strcmp(driver, usable[i]) == 0;
	if (!is_usable && !weir_profile_is_shared(driver))
		return not_usable(device, driver, err);
	weir_eal_host_read(&host);
	if (host.huge_free_bytes < (UINT64_C(64) << 20))
		return weir_error_run(err, -ENOMEM,
		    "a NIC writes to hugepages and none are free: 'sudo sysctl "
		    "vm.nr_hugepages=512'");
	return 0;
}

int
weir_port_check(const struct weir_port_name *name, struct weir_error *err)
{
	return name->is_pci ? check_pci(name->device, err) : 0;
}

uint32_t
weir_port_data_bytes(const struct weir_port_name *p)
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
