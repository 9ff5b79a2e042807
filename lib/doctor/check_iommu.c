/* SPDX-License-Identifier: BSD-3-Clause */
/* The way of a NIC into user space: IOMMU, VFIO, groups. */
#include <string.h>

#include "check.h"

static bool
has_iommu(const struct weir_doctor *d)
{
	glob_t all;
	bool is_found;

	weir_doctor_glob(d, "/sys/class/iommu/*", &all);
	is_found = all.gl_pathc > 0;
	globfree(&all);
	return is_found;
}

void
weir_check_iommu(struct weir_doctor *d)
{
	static const char why[] = "vfio-pci lets a NIC reach weir's memory alone, by the IOMMU";
	static const char why_pt[] = "with iommu=pt the devices that the kernel keeps are not "
				     "slowed down";
	char vendor[64], mend[320], args[64], value[32];
	bool is_intel, is_off, is_passed;

	weir_doctor_value(d, "/proc/cpuinfo", "vendor_id", vendor, sizeof(vendor));
	is_intel = strcmp(vendor, "GenuineIntel") == 0;
	snprintf(args, sizeof(args), "%siommu=pt", is_intel ? "intel_iommu=on " : "");
	weir_doctor_mend_kernel_args(args, mend, sizeof(mend));
	if (!has_iommu(d)) {
		is_off = (weir_doctor_kernel_arg(d, "intel_iommu", value, sizeof(value)) ||
			     weir_doctor_kernel_arg(d, "amd_iommu", value, sizeof(value))) &&
			 strcmp(value, "off") == 0;
		weir_doctor_add(d, WEIR_FINDING_WARN, why, mend, "no IOMMU is in use%s",
		    is_off ? ": the kernel's arguments turn it off"
			   : " (VT-d or AMD-Vi has to be on in the firmware, too)");
		return;
	}
	weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "the kernel has an IOMMU");
	is_passed = weir_doctor_kernel_arg(d, "iommu", value, sizeof(value)) && strstr(value, "pt");
	weir_doctor_add(d, is_passed ? WEIR_FINDING_OK : WEIR_FINDING_WARN, why_pt, mend,
	    "iommu=%s", value[0] ? value : "(not among the kernel's arguments)");
}

/* A module that the kernel has, or could load. */
static bool
is_module(const struct weir_doctor *d, const char *file)
{
	static const char *const lists[] = { "modules.dep", "modules.builtin" };
	char release[128], path[256], line[1024], full[1024];
	bool is_found = false;

	weir_doctor_line(d, "/proc/sys/kernel/osrelease", release, sizeof(release));
	for (unsigned i = 0; i < 2 && !is_found; i++) {
		FILE *f;

		snprintf(path, sizeof(path), "/lib/modules/%s/%s", release, lists[i]);
		snprintf(full, sizeof(full), "%s%s", d->config->root, path);
		f = fopen(full, "re");
		while (f && !is_found && fgets(line, sizeof(line), f))
			is_found = strstr(line, file) != NULL;
		if (f)
			fclose(f);
	}
	return is_found;
}

/* Other devices of the group that a driver of the kernel has: the group is not weir's alone. */
static void
look_at_group(struct weir_doctor *d, const char *device)
{
	static const char why[] =
	    "VFIO hands out whole IOMMU groups: each of their devices must be "
	    "bound to vfio-pci or to nothing";
	char path[160], group[32], driver[64], others[256] = "", mend[320], unsafe[8];
	size_t at = 0;
	glob_t all;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.32s/iommu_group", device);
	if (!weir_doctor_link(d, path, group, sizeof(group))) {
		weir_doctor_line(d, "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
		    unsafe, sizeof(unsafe));
		weir_doctor_add(d,
		    unsafe[0] == 'Y' ? WEIR_FINDING_WARN : weir_doctor_level(d, WEIR_DOCTOR_PCI),
		    "without an IOMMU a NIC can write to all memory, and VFIO must be told to "
		    "allow "
		    "it",
		    unsafe[0] == 'Y'
			? "find /sys/class/iommu (better: an IOMMU, see the finding of 'iommu')"
			: "echo 1 | sudo tee "
			  "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
		    "%s is in no IOMMU group%s", device,
		    unsafe[0] == 'Y' ? "; VFIO works without (noiommu)" : "");
		return;
	}
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%.16s/devices/*", group);
	weir_doctor_glob(d, path, &all);
	for (size_t i = 0; i < all.gl_pathc && at < sizeof(others); i++) {
		const char *other = weir_doctor_base(all.gl_pathv[i]);

		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.32s/driver", other);
		if (strcmp(other, device) == 0 ||
		    !weir_doctor_link(d, path, driver, sizeof(driver)) ||
		    strcmp(driver, "vfio-pci") == 0 || strcmp(driver, "pcieport") == 0)
			continue;
		at += (size_t)snprintf(
		    others + at, sizeof(others) - at, "%s%s (%s)", at ? ", " : "", other, driver);
	}
	globfree(&all);
	snprintf(mend, sizeof(mend),
	    "ls /sys/kernel/iommu_groups/%.16s/devices (put the NIC into another slot, or bind "
	    "those too)",
	    group);
	if (others[0])
		weir_doctor_add(d, weir_doctor_level(d, WEIR_DOCTOR_PCI), why, mend,
		    "%s shares IOMMU group %s with %s", device, group, others);
	else
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "%s has IOMMU group %s for itself",
		    device, group);
}

void
weir_check_vfio(struct weir_doctor *d)
{
	static const char why[] = "a NIC by its PCI address is reached through vfio-pci";
	struct weir_finding *f;

	if (weir_doctor_exists(d, "/sys/bus/pci/drivers/vfio-pci")) {
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "vfio-pci is loaded");
	} else if (is_module(d, "vfio-pci.ko")) {
		f = weir_doctor_add(d, weir_doctor_level(d, WEIR_DOCTOR_PCI), why,
		    "sudo modprobe vfio-pci", "vfio-pci is not loaded");
		weir_doctor_fixable(f, WEIR_FIX_MODPROBE, "vfio-pci", NULL);
	} else {
		weir_doctor_add(d, weir_doctor_level(d, WEIR_DOCTOR_PCI), why,
		    "sudo apt-get install linux-image-amd64 (a kernel with CONFIG_VFIO_PCI), and "
		    "reboot",
		    "vfio-pci is not loaded, and this kernel has no such module");
	}
	weir_doctor_each_nic(d, look_at_group);
}
