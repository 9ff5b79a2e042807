/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel was built with, has loaded, and allows. */
#include <errno.h>
#include <string.h>

#include <weir/port/name.h>
#include <weir/port/port.h>

#include "check.h"

void
weir_check_af_xdp(struct weir_doctor *d)
{
	static const char why[] =
	    "without AF_XDP a mirror port is read through AF_PACKET, several times slower";
	char line[128];

	/* the kernel lists the protocols of its sockets, whoever asks */
	if (weir_doctor_value(d, "/proc/net/protocols", "XDP ", line, sizeof(line)))
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "the kernel has AF_XDP sockets");
	else
		weir_doctor_add(d, WEIR_FINDING_WARN, why,
		    "sudo apt-get install linux-image-amd64 (a kernel with CONFIG_XDP_SOCKETS=y), "
		    "and reboot",
		    "the kernel has no AF_XDP sockets");
}

static void
check_jit(struct weir_doctor *d)
{
	static const char path[] = "/proc/sys/net/core/bpf_jit_enable";
	static const char why[] =
	    "the program in front of each AF_XDP socket runs for every packet";
	struct weir_finding *f;
	char line[8];

	if (!weir_doctor_line(d, path, line, sizeof(line))) {
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL,
		    "whether BPF programs are compiled is not told here");
	} else if (line[0] == '0') {
		f = weir_doctor_add(d, WEIR_FINDING_WARN, why,
		    "sudo sysctl net.core.bpf_jit_enable=1",
		    "the kernel's BPF compiler is off: programs are interpreted");
		weir_doctor_fixable(f, WEIR_FIX_WRITE, path, "1");
	} else {
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "BPF programs are compiled");
	}
}

void
weir_check_bpf(struct weir_doctor *d)
{
	static const char why_btf[] = "BTF lets programs fit themselves to the kernel; without it "
				      "one XDP program at a time can be on an interface";
	static const char why_own[] =
	    "with it packets that no query can use stay with the kernel, and a killed weir leaves "
	    "no program behind";
	static const char why_open[] =
	    "weir needs no programs of unprivileged users, and such have "
	    "been a way around the kernel's protection";
	static const char path[] = "/proc/sys/kernel/unprivileged_bpf_disabled";
	char line[8];

	check_jit(d);
	if (weir_port_can_push())
		weir_doctor_add(d, WEIR_FINDING_OK, why_own, NULL, "weir has its own XDP program");
	else
		weir_doctor_add(d, WEIR_FINDING_WARN, why_own,
		    "sudo apt-get install clang bpftool && meson setup --wipe build && ninja -C "
		    "build",
		    "this weir was built without its XDP program");
	if (weir_doctor_exists(d, "/sys/kernel/btf/vmlinux"))
		weir_doctor_add(d, WEIR_FINDING_OK, why_btf, NULL, "the kernel has BTF");
	else
		weir_doctor_add(d, WEIR_FINDING_WARN, why_btf,
		    "sudo apt-get install linux-image-amd64 (a kernel with "
		    "CONFIG_DEBUG_INFO_BTF=y), and reboot",
		    "the kernel has no BTF");
	if (!weir_doctor_line(d, path, line, sizeof(line)))
		weir_doctor_add(d, WEIR_FINDING_WARN, why_btf,
		    "sudo apt-get install linux-image-amd64 (a kernel with CONFIG_BPF_SYSCALL=y), "
		    "and reboot",
		    "the kernel has no bpf system call");
	else
		weir_doctor_add(d, line[0] == '0' ? WEIR_FINDING_WARN : WEIR_FINDING_OK, why_open,
		    "sudo sysctl kernel.unprivileged_bpf_disabled=2",
		    line[0] == '0' ? "every user may load BPF programs"
				   : "loading BPF programs takes a capability");
}

/* The configuration of the running kernel, where its package has left it. */
void
weir_check_kernel(struct weir_doctor *d)
{
	static const char why[] = "AF_XDP, VFIO and hugepages are parts that a kernel may be built "
				  "without";
	static const char *const options[] = { "CONFIG_HUGETLBFS", "CONFIG_BPF_SYSCALL",
		"CONFIG_XDP_SOCKETS", "CONFIG_BPF_JIT", "CONFIG_VFIO_PCI" };
	char release[128], path[256], value[32], lacks[256] = "";
	size_t at = 0;

	weir_doctor_line(d, "/proc/sys/kernel/osrelease", release, sizeof(release));
	snprintf(path, sizeof(path), "/boot/config-%s", release);
	if (!weir_doctor_exists(d, path)) {
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "%s; its configuration is not at %s",
		    release, path);
		return;
	}
	for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (!weir_doctor_value(d, path, options[i], value, sizeof(value)) ||
		    (value[1] != 'y' && value[1] != 'm'))
			at += (size_t)snprintf(
			    lacks + at, sizeof(lacks) - at, "%s%s", at ? ", " : "", options[i]);
	if (lacks[0])
		weir_doctor_add(d, WEIR_FINDING_WARN, why,
		    "sudo apt-get install linux-image-amd64, and reboot", "%s is without %s",
		    release, lacks);
	else
		weir_doctor_add(
		    d, WEIR_FINDING_OK, why, NULL, "%s has all that weir uses", release);
}

/* Files that virtual devices open, and the modules that make them. */
void
weir_check_modules(struct weir_doctor *d)
{
	static const char why[] = "a virtual device works through a file of the kernel's";
	const struct weir_doctor_source *s = NULL;
	const struct weir_doctor_vdev *known;
	struct weir_port_name port;
	struct weir_finding *f;
	char mend[64];
	bool is_there;

	if (!d->config->n_sources) {
		is_there = weir_doctor_exists(d, "/dev/net/tun");
		f = weir_doctor_add(d, is_there ? WEIR_FINDING_OK : WEIR_FINDING_WARN, why,
		    "sudo modprobe tun", "/dev/net/tun is %sthere (for TAP devices)",
		    is_there ? "" : "not ");
		weir_doctor_fixable(f, WEIR_FIX_MODPROBE, "tun", NULL);
	}
	while ((s = weir_doctor_next(d, WEIR_DOCTOR_VDEV, s))) {
		if (weir_port_parse(s->name, &port, NULL) != 0)
			continue;
		known = weir_doctor_vdev(port.device);
		if (!known || !known->device)
			continue;
		is_there = weir_doctor_exists(d, known->device);
		snprintf(mend, sizeof(mend), "sudo modprobe %s", known->module);
		f = weir_doctor_add(d, is_there ? WEIR_FINDING_OK : WEIR_FINDING_FAIL, why, mend,
		    "%s: %s is %sthere", port.device, known->device, is_there ? "" : "not ");
		weir_doctor_fixable(f, WEIR_FIX_MODPROBE, known->module, NULL);
	}
}
