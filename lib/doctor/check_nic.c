/* SPDX-License-Identifier: BSD-3-Clause */
/* NICs on PCI: who has them, how they are connected, and to which node. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/port/profile.h>

#include "check.h"

static void
nic_file(const struct weir_doctor *d, const char *device, const char *file, char *buf, size_t size)
{
	char path[160];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.32s/%s", device, file);
	weir_doctor_line(d, path, buf, size);
}

/* The kernel's interface of a NIC where its host uses it: binding that NIC would cut the host off.
 */
static bool
is_used(const struct weir_doctor *d, const char *device, char *buf, size_t size, char *why,
    size_t why_size)
{
	struct weir_interface_decision decision = { 0 };
	struct weir_interface_facts f;

	if (!weir_doctor_interface_of(d, device, buf, size) ||
	    d->probe->facts(d->config->root, buf, &f, NULL) != 0 ||
	    weir_interface_decide(&f, WEIR_TAKE_AUTO, &decision, NULL) != 0)
		return false;
	snprintf(why, why_size, "%s", decision.why);
	return !decision.is_taken;
}

/* Where the script lies: installed, or in the tree that was built. */
static const char *
bind_script(void)
{
	return access(WEIR_BIND, X_OK) == 0 ? WEIR_BIND : "drivers-config/bind";
}

static void
look_at_nic(struct weir_doctor *d, const char *device)
{
	static const char why[] = "weir polls a NIC that is bound to a driver for user space";
	static const char why_used[] = "to bind a NIC that its host uses would cut the host off";
	char path[160], driver[64], mend[512], vendor[32], id[32], used[64], use[256];
	enum weir_finding_level level =
	    weir_doctor_asks(d, WEIR_DOCTOR_PCI) ? WEIR_FINDING_FAIL : WEIR_FINDING_OK;
	const struct weir_doctor_driver *known;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.32s/driver", device);
	weir_doctor_link(d, path, driver, sizeof(driver));
	known = weir_doctor_driver(driver);
	nic_file(d, device, "vendor", vendor, sizeof(vendor));
	nic_file(d, device, "device", id, sizeof(id));
	if ((known && known->is_user) || weir_profile_is_shared(driver)) {
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "%s (%s:%s): %s, use it with -i %s",
		    device, vendor, id, driver, device);
	} else if (is_used(d, device, used, sizeof(used), use, sizeof(use))) {
		snprintf(mend, sizeof(mend), "weir -i %s (taps it)", used);
		weir_doctor_add(d, level, why_used, mend,
		    "%s (%s:%s): it is %s, which its host uses (%s)", device, vendor, id, used,
		    use);
	} else {
		snprintf(mend, sizeof(mend),
		    "sudo %s %s (its kernel interface goes away until 'sudo %s --restore %s')",
		    bind_script(), device, bind_script(), device);
		weir_doctor_add(d, level, why, mend, "%s (%s:%s): %s%s has it", device, vendor, id,
		    driver[0] ? "the kernel's " : "no driver", driver);
	}
}

void
weir_check_nics(struct weir_doctor *d)
{
	const struct weir_doctor_source *s = NULL;
	unsigned before = d->report->n;
	char device[64];

	weir_doctor_each_nic(d, look_at_nic);
	while ((s = weir_doctor_next(d, WEIR_DOCTOR_PCI, s)))
		if (!weir_doctor_nic(d, s->name, device, sizeof(device)))
			weir_doctor_add(d, WEIR_FINDING_FAIL, "there must be a NIC at the address",
			    "lspci -D -d ::0200", "no NIC at %s", s->name);
	if (d->report->n == before)
		weir_doctor_add(d, WEIR_FINDING_OK, "a NIC on PCI can be polled without the kernel",
		    NULL, "no NIC on PCI");
}

/* Gigabits a second that a PCIe link carries: its rate, less its coding. */
static double
pcie_gbps(double gigatransfers, unsigned width)
{
	return gigatransfers * width * (gigatransfers < 6 ? 0.8 : 128.0 / 130);
}

/* Megabits a second of the NIC's interface, 0 where it does not tell. */
static long
interface_mbps(const struct weir_doctor *d, const char *device)
{
	char name[64], path[128], line[32];

	if (!weir_doctor_interface_of(d, device, name, sizeof(name)))
		return 0;
	snprintf(path, sizeof(path), "/sys/class/net/%.32s/speed", name);
	weir_doctor_line(d, path, line, sizeof(line));
	return atol(line) > 0 ? atol(line) : 0;
}

static void
look_at_pcie(struct weir_doctor *d, const char *device)
{
	static const char why[] = "a link to the CPU with fewer lanes or a lower rate than the NIC "
				  "can do drops packets under load";
	char speed[64], most[64], width[16], most_width[16], mend[320];
	double now, can;
	long mbps = interface_mbps(d, device);

	nic_file(d, device, "current_link_speed", speed, sizeof(speed));
	nic_file(d, device, "max_link_speed", most, sizeof(most));
	nic_file(d, device, "current_link_width", width, sizeof(width));
	nic_file(d, device, "max_link_width", most_width, sizeof(most_width));
	now = pcie_gbps(atof(speed), (unsigned)atoi(width));
	can = pcie_gbps(atof(most), (unsigned)atoi(most_width));
	snprintf(mend, sizeof(mend),
	    "sudo lspci -vv -s %s | grep -E 'LnkCap|LnkSta' (then: a slot that is wired for x%s, a "
	    "firmly seated card, no PCIe power saving in the firmware)",
	    device, most_width);
	if (now <= 0 || can <= 0)
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL,
		    "%s: no PCIe link is told (a virtual device)", device);
	else if (mbps && now * 1000 < (double)mbps)
		weir_doctor_add(d, WEIR_FINDING_WARN, why, mend,
		    "%s: PCIe carries %.0f Gb/s (x%s at %s), its link %ld", device, now, width,
		    speed, mbps / 1000);
	else
		weir_doctor_add(d, now < can ? WEIR_FINDING_WARN : WEIR_FINDING_OK, why, mend,
		    "%s: PCIe x%s at %s, of x%s at %s", device, width, speed, most_width, most);
}

static void
look_at_pcie_of(struct weir_doctor *d, const char *name)
{
	char device[64];

	if (weir_doctor_nic_of(d, name, device, sizeof(device)))
		look_at_pcie(d, device);
}

void
weir_check_pcie(struct weir_doctor *d)
{
	weir_doctor_each_nic(d, look_at_pcie);
	if (d->config->n_sources)
		weir_doctor_each_interface(d, look_at_pcie_of);
}

/* Where a device is, and the CPUs. */
static void
judge_node(struct weir_doctor *d, const char *what, int node)
{
	static const char why[] =
	    "a worker on another NUMA node than its NIC waits for each packet "
	    "to cross";
	char path[128], text[256], mend[320];
	cpu_set_t near, mine, both;
	bool is_pinned = weir_doctor_cpus_pinned(d, &mine), is_near;

	if (!is_pinned)
		weir_doctor_cpus_allowed(d, &mine);
	if (node < 0 || !weir_doctor_exists(d, "/sys/devices/system/node/node1")) {
		weir_doctor_add(
		    d, WEIR_FINDING_OK, why, NULL, "%s: there is one NUMA node, or none", what);
		return;
	}
	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", node);
	weir_doctor_cpus_of(d, path, &near);
	CPU_AND(&both, &near, &mine);
	is_near =
	    is_pinned ? CPU_EQUAL(&both, &mine) : CPU_COUNT(&both) >= (int)weir_doctor_workers(d);
	weir_doctor_cpus_text(&near, text, sizeof(text));
	snprintf(mend, sizeof(mend), "weir ... --cores %s", text);
	weir_doctor_add(d, is_near ? WEIR_FINDING_OK : WEIR_FINDING_WARN, why, mend,
	    "%s: node %d, with CPUs %s%s", what, node, text,
	    is_near     ? ""
	    : is_pinned ? "; not all workers are there"
			: "; this process has too few of them");
}

static void
look_at_node(struct weir_doctor *d, const char *device)
{
	judge_node(d, device, weir_doctor_node_of_nic(d, device));
}

static void
look_at_node_of(struct weir_doctor *d, const char *name)
{
	judge_node(d, name, weir_doctor_node_of_interface(d, name));
}

void
weir_check_numa(struct weir_doctor *d)
{
	weir_doctor_each_nic(d, look_at_node);
	if (d->config->n_sources)
		weir_doctor_each_interface(d, look_at_node_of);
}
