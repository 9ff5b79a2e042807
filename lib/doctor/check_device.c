/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/port/interface.h>
#include <weir/port/profile.h>

#include "check.h"

/* Entries of a folder under root that are no dots. */
static unsigned
count_entries(const struct weir_doctor *d, const char *path)
{
	char full[1024];
	struct dirent *e;
	unsigned n = 0;
	DIR *dir;

	snprintf(full, sizeof(full), "%s%s", d->config->root, path);
	dir = opendir(full);
	if (!dir)
		return 0;
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

void
weir_check_iommu(struct weir_doctor *d)
{
	static const char why_iommu[] =
	    "vfio-pci lets a NIC reach weir's memory alone, by the IOMMU";
	static const char why_vfio[] = "a NIC by its PCI address is reached through vfio-pci";
	bool is_asked = weir_doctor_asks(d, WEIR_DOCTOR_PCI);

	if (count_entries(d, "/sys/class/iommu"))
		weir_doctor_add(d, WEIR_FINDING_OK, why_iommu, NULL, "the kernel has an IOMMU");
	else
		weir_doctor_add(d, WEIR_FINDING_WARN, why_iommu,
		    "add 'intel_iommu=on iommu=pt' to GRUB_CMDLINE_LINUX in /etc/default/grub, "
		    "then "
		    "'sudo update-grub' and reboot (a virtual machine without one: 'echo 1 | sudo "
		    "tee "
		    "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode')",
		    "no IOMMU is in use");
	if (weir_doctor_exists(d, "/sys/bus/pci/drivers/vfio-pci"))
		weir_doctor_add(d, WEIR_FINDING_OK, why_vfio, NULL, "vfio-pci is loaded");
	else
		weir_doctor_add(d, is_asked ? WEIR_FINDING_FAIL : WEIR_FINDING_WARN, why_vfio,
		    "sudo modprobe vfio-pci", "vfio-pci is not loaded");
}

/* The kernel's interface of a NIC where its host uses it: binding that NIC would cut the host off.
 */
static bool
is_used(const struct weir_doctor *d, const char *device, char *buf, size_t size)
{
	static const char *const forms[] = { "%s/sys/bus/pci/devices/%s/net/*",
		"%s/sys/bus/pci/devices/%s/virtio*/net/*" };
	struct weir_interface_facts f;
	struct weir_interface_decision decision = { 0 };
	char pattern[1024];
	glob_t found = { 0 };
	bool used = false;

	for (unsigned i = 0; i < 2 && !used; i++) {
		snprintf(pattern, sizeof(pattern), forms[i], d->config->root, device);
		if (glob(pattern, 0, NULL, &found) == 0) {
			snprintf(buf, size, "%s", strrchr(found.gl_pathv[0], '/') + 1);
			used = weir_interface_facts_read(buf, &f, NULL) == 0 &&
			       weir_interface_decide(&f, WEIR_TAKE_AUTO, &decision, NULL) == 0 &&
			       !decision.is_taken;
		}
		globfree(&found);
	}
	return used;
}

/* One PCI device of class network. */
static void
look_at_nic(struct weir_doctor *d, const char *device)
{
	static const char why[] = "weir polls a NIC that is bound to a driver for user space";
	char path[1024], target[PATH_MAX], mend[256], vendor[32], id[32], used[64];
	const char *driver;
	bool is_asked = weir_doctor_asks(d, WEIR_DOCTOR_PCI);
	ssize_t n;

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/driver", d->config->root, device);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	driver = strrchr(target, '/') ? strrchr(target, '/') + 1 : "no driver";
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vendor", device);
	weir_doctor_line(d, path, vendor, sizeof(vendor));
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/device", device);
	weir_doctor_line(d, path, id, sizeof(id));
	snprintf(mend, sizeof(mend),
	    "sudo dpdk-devbind.py --bind vfio-pci %s (its kernel interface goes away)", device);
	if (strcmp(driver, "vfio-pci") == 0 || strcmp(driver, "uio_pci_generic") == 0 ||
	    weir_profile_is_shared(driver))
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "%s (%s:%s): %s, use it with -i %s",
		    device, vendor, id, driver, device);
	else if (is_used(d, device, used, sizeof(used)) &&
		 snprintf(mend, sizeof(mend), "weir -i %s (taps it)", used) > 0)
		weir_doctor_add(d, is_asked ? WEIR_FINDING_FAIL : WEIR_FINDING_OK,
		    "to bind a NIC that its host uses would cut the host off", mend,
		    "%s (%s:%s): it is %s, which its host uses", device, vendor, id, used);
	else
		weir_doctor_add(d, is_asked ? WEIR_FINDING_FAIL : WEIR_FINDING_OK, why, mend,
		    "%s (%s:%s): the kernel's %s has it", device, vendor, id, driver);
}

void
weir_check_nics(struct weir_doctor *d)
{
	const char *name = weir_doctor_asks(d, WEIR_DOCTOR_PCI) ? d->config->name : NULL;
	char pattern[1024], path[1024], class[32];
	glob_t all = { 0 };
	unsigned n = 0;

	snprintf(pattern, sizeof(pattern), "%s/sys/bus/pci/devices/*", d->config->root);
	glob(pattern, 0, NULL, &all);
	for (size_t i = 0; i < all.gl_pathc; i++) {
		const char *device = strrchr(all.gl_pathv[i], '/') + 1;
		size_t len = strlen(device), tail = name ? strlen(name) : 0;

		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/class", device);
		if (!weir_doctor_line(d, path, class, sizeof(class)) ||
		    strncmp(class, "0x02", 4) != 0)
			continue;
		/* the domain may be left out */
		if (name && (tail > len || strcasecmp(device + len - tail, name) != 0))
			continue;
		look_at_nic(d, device);
		n++;
	}
	globfree(&all);
	if (!n && name)
		weir_doctor_add(d, WEIR_FINDING_FAIL, "there must be a NIC at the address",
		    "dpdk-devbind.py --status-dev net", "no NIC at %s", name);
	else if (!n)
		weir_doctor_add(d, WEIR_FINDING_OK, "a NIC on PCI can be polled without the kernel",
		    NULL, "no NIC on PCI");
}

static void
look_at_interface(struct weir_doctor *d, const char *name)
{
	static const char why[] = "an interface that its host uses is tapped, an idle one is taken";
	bool is_asked = weir_doctor_asks(d, WEIR_DOCTOR_INTERFACE);
	struct weir_interface_facts f;
	struct weir_interface_decision decision;
	struct weir_error err;
	char blocker[256] = "", mend[128], look[128];

	if (weir_interface_facts_read(name, &f, &err) != 0 ||
	    weir_interface_decide(&f, WEIR_TAKE_AUTO, &decision, &err) != 0) {
		weir_doctor_add(d, WEIR_FINDING_FAIL, why, "ip -br link", "%s: %s", name, err.text);
		return;
	}
	snprintf(mend, sizeof(mend), "sudo ip link set %s up", name);
	snprintf(look, sizeof(look), "ethtool %s | grep Link", name);
	if (!(f.flags & IFF_UP)) {
		weir_doctor_add(d, is_asked ? WEIR_FINDING_FAIL : WEIR_FINDING_OK,
		    "an interface that is down receives nothing", mend, "%s is down", name);
		return;
	}
	if (decision.is_taken)
		weir_interface_blocks_xdp(&f, blocker, sizeof(blocker));
	weir_doctor_add(d, f.has_carrier ? WEIR_FINDING_OK : WEIR_FINDING_WARN,
	    f.has_carrier
		? why
		: "without a carrier nothing arrives: look at the cable and the other end",
	    f.has_carrier ? NULL : look, "%s: %s, %u queue%s, MTU %u; would be %s (%s%s%s)", name,
	    f.has_carrier ? "up" : "up without carrier", f.n_queues, f.n_queues == 1 ? "" : "s",
	    f.mtu,
	    !decision.is_taken ? "tapped"
	    : blocker[0]       ? "taken through AF_PACKET"
			       : "taken through AF_XDP",
	    decision.why, blocker[0] ? "; " : "", blocker);
}

void
weir_check_interfaces(struct weir_doctor *d)
{
	struct if_nameindex *all;

	if (weir_doctor_asks(d, WEIR_DOCTOR_INTERFACE)) {
		look_at_interface(d, d->config->name);
		return;
	}
	all = if_nameindex();
	for (struct if_nameindex *i = all; i && i->if_index; i++)
		look_at_interface(d, i->if_name);
	if (all)
		if_freenameindex(all);
}
