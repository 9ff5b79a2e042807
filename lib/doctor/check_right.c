/* SPDX-License-Identifier: BSD-3-Clause */
/* Capabilities: the least that each kind of source takes. */
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

#include <weir/port/name.h>

#include <weir/port/profile.h>

#include "check.h"

#define CAP(c) (UINT64_C(1) << (c))

static const struct {
	const char *name;
	unsigned number;
} names[] = {
	{ "cap_net_raw", CAP_NET_RAW },
	{ "cap_net_admin", CAP_NET_ADMIN },
	{ "cap_sys_admin", CAP_SYS_ADMIN },
	{ "cap_sys_rawio", CAP_SYS_RAWIO },
	{ "cap_ipc_lock", CAP_IPC_LOCK },
};

#define TAP  CAP(CAP_NET_RAW)
#define TAKE (CAP(CAP_NET_RAW) | CAP(CAP_NET_ADMIN) | CAP(CAP_SYS_ADMIN))
/* DPDK's guide of such drivers names these: DMA memory is pinned, flows are steered */
#define SHARED (CAP(CAP_NET_RAW) | CAP(CAP_NET_ADMIN) | CAP(CAP_IPC_LOCK))

static const char why[] = "each kind of source takes these rights and no others; files and "
			  "generators take none";

static void
list(uint64_t caps, char *buf, size_t size)
{
	size_t at = 0;

	snprintf(buf, size, "none");
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (caps & CAP(names[i].number))
			at += (size_t)snprintf(
			    buf + at, size - at, "%s%s", at ? "," : "", names[i].name);
}

/* Does this process have what a kind of source takes? mend: NULL for rights given to the file. */
static void
judge_with(struct weir_doctor *d, unsigned scope, const char *what, uint64_t caps, const char *mend)
{
	char need[128], lack[128], setcap[256];
	uint64_t lacking = caps;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (weir_doctor_can(d, names[i].number))
			lacking &= ~CAP(names[i].number);
	list(caps, need, sizeof(need));
	list(lacking, lack, sizeof(lack));
	snprintf(setcap, sizeof(setcap), "sudo setcap %s=ep $(command -v weir)", need);
	if (lacking)
		weir_doctor_add(d, weir_doctor_level(d, scope), why, mend ? mend : setcap,
		    "%s takes %s; lacks %s", what, need, lack);
	else
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "%s takes %s%s", what, need,
		    caps ? ": there" : "");
}

static void
judge(struct weir_doctor *d, unsigned scope, const char *what, uint64_t caps)
{
	judge_with(d, scope, what, caps, NULL);
}

/*
 * AF_XDP takes most of what root can do, so nobody is told to give that to a file that others may
 * run; and an interface that is not asked to be taken can be read with less.
 */
static void
judge_taking(struct weir_doctor *d, const char *name, enum weir_take_mode take)
{
	char what[128], mend[256];

	snprintf(what, sizeof(what), "to take %s through AF_XDP", name ? name : "an interface");
	snprintf(mend, sizeof(mend), "sudo weir -i %s%s --user $USER ...%s", name ? name : "...",
	    take == WEIR_TAKE_TAKE ? " --take" : "",
	    take == WEIR_TAKE_TAKE ? ""
				   : " (or --tap, slower: sudo setcap cap_net_raw=ep "
				     "$(command -v weir) is enough)");
	/* without the rights it is read through AF_PACKET, which TAP is enough for */
	judge_with(d, name ? 0 : WEIR_DOCTOR_INTERFACE, what, TAKE, mend);
}

/* VFIO is a matter of who owns a file. */
static void
look_at_nic(struct weir_doctor *d, const char *device)
{
	static const char why_file[] =
	    "whoever may open the file of a NIC's IOMMU group may use the NIC, without any "
	    "capability (memory has to be lockable: see memlock)";
	char path[160], group[32], driver[64], file[64], mend[192], what[128];
	const struct weir_doctor_driver *known;
	bool is_noiommu, can_open;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.32s/driver", device);
	weir_doctor_link(d, path, driver, sizeof(driver));
	known = weir_doctor_driver(driver);
	snprintf(what, sizeof(what), "%.32s through %s", device, driver[0] ? driver : "no driver");
	if (weir_profile_is_shared(driver))
		judge(d, WEIR_DOCTOR_PCI, what, SHARED);
	if (!known || !known->is_user)
		return;
	if (strcmp(driver, "vfio-pci") != 0) {
		judge(d, WEIR_DOCTOR_PCI, what, CAP(CAP_SYS_RAWIO) | CAP(CAP_SYS_ADMIN));
		return;
	}
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.32s/iommu_group", device);
	if (!weir_doctor_link(d, path, group, sizeof(group)))
		return; /* vfio says so */
	snprintf(file, sizeof(file), "/dev/vfio/noiommu-%.16s", group);
	is_noiommu = weir_doctor_exists(d, file);
	if (is_noiommu)
		judge(d, WEIR_DOCTOR_PCI, what, CAP(CAP_SYS_RAWIO) | CAP(CAP_SYS_ADMIN));
	else
		snprintf(file, sizeof(file), "/dev/vfio/%.16s", group);
	snprintf(path, sizeof(path), "%s%s", d->config->root[0] ? d->config->root : "", file);
	can_open = access(path, R_OK | W_OK) == 0;
	snprintf(mend, sizeof(mend), "sudo chown $USER %s", file);
	weir_doctor_add(d, can_open ? WEIR_FINDING_OK : weir_doctor_level(d, WEIR_DOCTOR_PCI),
	    why_file, mend, "%s: %s %s be opened", what, file, can_open ? "can" : "cannot");
}

static void
look_at_vdev(struct weir_doctor *d, const struct weir_doctor_source *s)
{
	const struct weir_doctor_vdev *known;
	struct weir_port_name port;
	uint64_t caps = 0;

	if (weir_port_parse(s->name, &port, NULL) != 0)
		return;
	known = weir_doctor_vdev(port.device);
	if (known)
		caps = known->caps;
	else if (strstr(port.args, "iface="))
		caps = TAP; /* a device that reads an interface by its name */
	judge(d, WEIR_DOCTOR_VDEV, s->name, caps);
}

/* libxdp looks at what is attached already under a lock, from the second queue on. */
static void
look_at_lock(struct weir_doctor *d, const char *name)
{
	static const char why_lock[] =
	    "several queues share one XDP program, under a lock in a folder that is root's alone "
	    "unless it was made otherwise";
	struct weir_interface_facts f;
	char path[1024];
	bool can_lock;

	if (d->probe->facts(d->config->root, name, &f, NULL) != 0 || f.n_queues < 2)
		return;
	snprintf(path, sizeof(path), "%s/run/xdp", d->config->root);
	can_lock = faccessat(AT_FDCWD, path, R_OK | X_OK, AT_EACCESS) == 0 ||
		   weir_doctor_can(d, CAP_DAC_OVERRIDE);
	weir_doctor_add(d, can_lock ? WEIR_FINDING_OK : WEIR_FINDING_WARN, why_lock,
	    "sudo install -d -m 755 /run/xdp", "to take %u queues of %s: /run/xdp can%s be opened",
	    f.n_queues, name, can_lock ? "" : "not");
}

void
weir_check_capabilities(struct weir_doctor *d)
{
	const struct weir_doctor_source *s = NULL;
	char what[128];

	if (!d->config->n_sources) {
		judge(d, WEIR_DOCTOR_INTERFACE, "to tap an interface", TAP);
		judge_taking(d, NULL, WEIR_TAKE_AUTO);
		weir_doctor_each_nic(d, look_at_nic);
		return;
	}
	while ((s = weir_doctor_next(d, WEIR_DOCTOR_INTERFACE, s))) {
		snprintf(what, sizeof(what), "to tap %s", s->name);
		judge(d, WEIR_DOCTOR_INTERFACE, what, TAP);
		if (!weir_doctor_is_taken(d, s))
			continue;
		judge_taking(d, s->name, s->take);
		look_at_lock(d, s->name);
	}
	while ((s = weir_doctor_next(d, WEIR_DOCTOR_VDEV, s)))
		look_at_vdev(d, s);
	weir_doctor_each_nic(d, look_at_nic);
	if (!weir_doctor_asks(d, WEIR_DOCTOR_LIVE))
		judge(d, WEIR_DOCTOR_ALL, "to read a file, or to generate,", 0);
}
