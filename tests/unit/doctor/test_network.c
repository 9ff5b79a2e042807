/* SPDX-License-Identifier: BSD-3-Clause */
/* NICs, interfaces, rights, kernel and libraries: each finding in both states. */
#include "tree.h"

#include <weir/port/eal.h>

#include "check.h"

#define DEV "/sys/bus/pci/devices/0000:03:00.0/"
#define NET "/sys/class/net/eth1/"

static void
make_nic(const char *driver)
{
	put(DEV "class", "0x020000\n");
	put(DEV "vendor", "0x8086\n");
	put(DEV "device", "0x1572\n");
	put("/sys/bus/pci/devices/0000:04:00.0/class", "0x010802\n"); /* a disk */
	link_to(DEV "driver", driver);
}

static void
make_interface(const char *driver)
{
	put("/proc/sys/kernel/osrelease", "6.1.0-13-amd64\n");
	put(NET "ifindex", "3\n");
	put(NET "flags", "0x1003\n");
	put(NET "type", "1\n");
	put(NET "mtu", "1500\n");
	put(NET "carrier", "1\n");
	put(NET "queues/rx-0/x", "");
	link_to(NET "device/driver", driver);
}

static void
nics_tell_their_driver(void)
{
	struct weir_report r;

	clear();
	see(HOST, "nic", "no NIC on PCI", OK, NULL);
	make_nic("../../drivers/i40e");
	r = examine(HOST);
	expect(&r, "nic", "0000:03:00.0 (0x8086:0x1572): the kernel's i40e", OK, "bind 0000:03");
	CU_ASSERT_PTR_NULL(find(&r, "nic", "0000:04:00.0"));
	weir_report_free(&r);
	r = examine(NIC);
	expect(&r, "nic", "i40e", FAIL, "bind 0000:03:00.0");
	CU_ASSERT_FALSE(weir_report_is_usable(&r));
	weir_report_free(&r);
	link_to(DEV "driver", "../../drivers/vfio-pci");
	see(NIC, "nic", "vfio-pci, use it with -i", OK, NULL);
	link_to(DEV "driver", "../../drivers/mlx5_core");
	see(NIC, "nic", "mlx5_core, use it with -i", OK, NULL);
	see(WEIR_DOCTOR_PCI, "0000:09:00.0", "nic", "no NIC at 0000:09:00.0", FAIL, "lspci");
	/* what its host uses is not to be bound */
	link_to(DEV "driver", "../../drivers/i40e");
	put(DEV "net/eth1/x", "");
	make_interface("../../i40e");
	put("/proc/net/route", "Iface Destination\neth1\t00000000\t0100000A\t0003\t0\t0\t0\t"
			       "00000000\t0\t0\t0\n");
	see(NIC, "nic", "eth1, which its host uses (it carries the route default)", FAIL,
	    "weir -i eth1");
}

static void
pcie_is_as_wide_as_it_can_be(void)
{
	clear();
	make_nic("../../drivers/i40e");
	see(NIC, "pcie", "no PCIe link is told", OK, NULL);
	put(DEV "current_link_speed", "8.0 GT/s PCIe\n");
	put(DEV "max_link_speed", "8.0 GT/s PCIe\n");
	put(DEV "current_link_width", "4\n");
	put(DEV "max_link_width", "8\n");
	see(NIC, "pcie", "x4 at 8.0 GT/s PCIe, of x8", WARN, "lspci -vv -s 0000:03:00.0");
	put(DEV "current_link_width", "8\n");
	see(NIC, "pcie", "x8 at 8.0 GT/s PCIe, of x8", OK, NULL);
	/* as wide as it gets, and yet less than the link brings */
	put(DEV "net/eth1/x", "");
	make_interface("../../i40e");
	put(NET "speed", "100000\n");
	see(NIC, "pcie", "PCIe carries 63 Gb/s", WARN, "slot");
	see(ETH1, "pcie", "PCIe carries 63 Gb/s", WARN, "slot");
}

static void
nodes_of_nics_and_workers_meet(void)
{
	static const struct weir_doctor_source s = { WEIR_DOCTOR_PCI, "03:00.0", WEIR_TAKE_AUTO };
	static const unsigned far[] = { 1 }, near[] = { 5 };
	struct weir_doctor_config c = { .scope = WEIR_DOCTOR_PCI,
		.sources = &s,
		.n_sources = 1,
		.cpus = far,
		.n_cpus = 1,
		.n_workers = 1 };

	clear();
	be(ALL_CAPS, "0-7");
	make_nic("../../drivers/vfio-pci");
	put(DEV "numa_node", "-1\n");
	see(NIC, "numa", "one NUMA node, or none", OK, NULL);
	put(DEV "numa_node", "1\n");
	put("/sys/devices/system/node/node1/cpulist", "4-7\n");
	see(NIC, "numa", "node 1, with CPUs 4-7", OK, NULL);
	see_with(c, "numa", "not all workers are there", WARN, "--cores 4-7");
	c.cpus = near;
	see_with(c, "numa", "node 1", OK, NULL);
	be(ALL_CAPS, "0-3");
	see(NIC, "numa", "too few of them", WARN, NULL);
}

static void
iommu_and_vfio_are_looked_for(void)
{
	clear();
	make_nic("../../drivers/vfio-pci");
	put("/proc/cpuinfo", "vendor_id\t: GenuineIntel\n");
	see(NIC, "iommu", "no IOMMU is in use (VT-d", WARN, "intel_iommu=on iommu=pt");
	put("/proc/cmdline", "quiet intel_iommu=off -- iommu=pt\n");
	see(NIC, "iommu", "arguments turn it off", WARN, NULL);
	see(NIC, "vfio", "no such module", FAIL, "CONFIG_VFIO_PCI");
	put("/proc/sys/kernel/osrelease", "6.1.0\n");
	put("/lib/modules/6.1.0/modules.dep", "kernel/drivers/vfio/pci/vfio-pci.ko: x.ko\n");
	see(NIC, "vfio", "vfio-pci is not loaded", FAIL, "sudo modprobe vfio-pci");
	see(NIC, "vfio", "in no IOMMU group", FAIL, "enable_unsafe_noiommu_mode");
	put("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
	see(NIC, "vfio", "VFIO works without (noiommu)", WARN, NULL);
	put("/sys/class/iommu/dmar0/x", "");
	put("/sys/bus/pci/drivers/vfio-pci/bind", "");
	see(NIC, "iommu", "has an IOMMU", OK, NULL);
	see(NIC, "iommu", "not among the kernel's arguments", WARN, "iommu=pt");
	put("/proc/cmdline", "quiet intel_iommu=on iommu=pt\n");
	see(NIC, "iommu", "iommu=pt", OK, NULL);
	see(NIC, "vfio", "vfio-pci is loaded", OK, NULL);
	link_to(DEV "iommu_group", "../../../kernel/iommu_groups/12");
	put("/sys/kernel/iommu_groups/12/devices/0000:03:00.0", "");
	see(NIC, "vfio", "IOMMU group 12 for itself", OK, NULL);
	put("/sys/kernel/iommu_groups/12/devices/0000:04:00.0", "");
	link_to("/sys/bus/pci/devices/0000:04:00.0/driver", "../../drivers/nvme");
	see(NIC, "vfio", "shares IOMMU group 12 with 0000:04:00.0 (nvme)", FAIL, "slot");
}

static void
interfaces_are_up_and_linked(void)
{
	clear();
	make_interface("../../i40e");
	see(WEIR_DOCTOR_INTERFACE, "eth2", "interface", "(try 'eth1')", FAIL, "ip -br link");
	see(ETH1, "interface", "would be taken through AF_XDP", OK, NULL);
	link_to(NET "master", "../bond0");
	see(ETH1, "interface", "would be tapped (it is part of bond0)", OK, NULL);
	drop(NET "master");
	put("/proc/net/if_inet6", "20010db8000000000000000000000001 03 40 00 80 eth1\n");
	see(ETH1, "interface", "would be tapped (it carries 2001", OK, NULL);
	see(ETH1, "link", "carrier, no speed told", OK, NULL);
	put(NET "speed", "10000\n");
	put(NET "duplex", "full\n");
	see(ETH1, "link", "carrier, 10000 Mb/s", OK, NULL);
	put(NET "duplex", "half\n");
	see(ETH1, "link", "half duplex", WARN, "autoneg on");
	put(NET "carrier", "0\n");
	see(ETH1, "link", "up without carrier", WARN, "ethtool eth1");
	put(NET "flags", "0x1002\n");
	see(ETH1, "interface", "eth1 is down", FAIL, "sudo ip link set eth1 up");
	see(HOST, "interface", "eth1 is down", OK, NULL);
}

/* What ethtool and netlink would tell. */
static struct weir_doctor_link told;

static void
tell(const char *where, const char *name, struct weir_doctor_link *ret)
{
	weir_doctor_probe_tree.link(where, name, ret);
	told.n_queues = ret->n_queues;
	*ret = told;
}

static void
queues_and_xdp_are_judged(void)
{
	static const struct weir_doctor_source s = { WEIR_DOCTOR_INTERFACE, "eth1",
		WEIR_TAKE_AUTO };
	struct weir_doctor_probe probe = weir_doctor_probe_tree;
	struct weir_doctor_config c = {
		.scope = WEIR_DOCTOR_INTERFACE, .sources = &s, .n_sources = 1, .n_workers = 4
	};

	clear();
	make_interface("../../i40e");
	see(ETH1, "rss", "eth1: 1 of 1 queue", OK, NULL);
	see(ETH1, "xdp", "native XDP (i40e, as its driver is known)", OK, NULL);
	see_with(c, "rss", "no more than 1 queue, for 4 workers", WARN, "--split rr");
	link_to(NET "device/driver", "../../e1000e");
	see(ETH1, "xdp", "generic XDP only (e1000e)", WARN, "--tap");
	link_to(NET "device/driver", "../../gve"); /* native since 6.4 */
	see(ETH1, "xdp", "generic XDP only (gve)", WARN, NULL);
	put("/proc/sys/kernel/osrelease", "6.12.1\n");
	see(ETH1, "xdp", "native XDP (gve", OK, NULL);
	link_to(NET "device/driver", "../../newnic");
	see(ETH1, "xdp", "does not tell of newnic", OK, NULL);
	probe.link = tell;
	c.probe = &probe;
	told = (struct weir_doctor_link){ .driver = "newnic",
		.n_queues_most = 8,
		.n_table = 128,
		.has_xdp_features = true,
		.xdp_features = 1 | 2 | 8 };
	see_with(c, "xdp", "native XDP, zero-copy (newnic, as the kernel tells)", OK, NULL);
	see_with(c, "rss", "1 of 8 queues in use, for 4 workers, RSS by a table of 128", WARN,
	    "sudo ethtool -L eth1 combined 4");
	told.is_rx_apart = true;
	told.xdp_features = 0;
	see_with(c, "rss", "1 of 8", WARN, "sudo ethtool -L eth1 rx 4");
	see_with(c, "xdp", "generic XDP only (newnic)", WARN, NULL);
	for (unsigned i = 1; i < 4; i++) {
		char path[64];

		snprintf(path, sizeof(path), NET "queues/rx-%u/x", i);
		put(path, "");
	}
	see_with(c, "rss", "4 of 8 queues", OK, NULL);
}

static void
rights_are_those_of_the_source(void)
{
	clear();
	be(NO_CAPS, "0-7");
	make_interface("../../i40e");
	see(WEIR_DOCTOR_FILE, "/dev/null", "capabilities", "takes none", OK, NULL);
	see(WEIR_DOCTOR_OTHER, "gen:udp", "capabilities", "takes none", OK, NULL);
	see(ETH1, "capabilities", "to tap eth1 takes cap_net_raw; lacks cap_net_raw", FAIL,
	    "sudo setcap cap_net_raw=ep");
	see(HOST, "capabilities", "to tap an interface takes cap_net_raw; lacks", WARN, NULL);
	be("0000000000002000", "0-7"); /* CAP_NET_RAW */
	see(ETH1, "capabilities", "to tap eth1 takes cap_net_raw: there", OK, NULL);
	see(ETH1, "capabilities",
	    "through AF_XDP takes cap_net_raw,cap_net_admin,cap_sys_admin; lacks "
	    "cap_net_admin,cap_sys_admin",
	    WARN,
	    "sudo weir -i eth1 --user $USER ... (or --tap, slower: sudo setcap cap_net_raw=ep ");
	see(WEIR_DOCTOR_VDEV, "vdev:net_tap0", "capabilities", "lacks cap_net_admin", FAIL, NULL);
	see(WEIR_DOCTOR_VDEV, "vdev:net_null0", "capabilities", "takes none", OK, NULL);
	see(WEIR_DOCTOR_VDEV, "vdev:net_pcap0,iface=eth1", "capabilities", "cap_net_raw: there", OK,
	    NULL);
	put(NET "queues/rx-1/x", "");
	see(ETH1, "capabilities", "to take 2 queues of eth1: /run/xdp cannot", WARN,
	    "sudo install -d -m 755 /run/xdp");
	put("/run/xdp/x", "");
	see(ETH1, "capabilities", "to take 2 queues of eth1: /run/xdp can be", OK, NULL);
	be(ALL_CAPS, "0-7");
	see(ETH1, "capabilities", "to take eth1 through AF_XDP", OK, NULL);
	/* a NIC: who may open the file of its group */
	make_nic("../../drivers/vfio-pci");
	link_to(DEV "iommu_group", "../../../kernel/iommu_groups/12");
	see(NIC, "capabilities", "/dev/vfio/12 cannot be opened", FAIL, "chown $USER /dev/vfio/12");
	put("/dev/vfio/12", "");
	see(NIC, "capabilities", "/dev/vfio/12 can be opened", OK, NULL);
	be(NO_CAPS, "0-7");
	link_to(DEV "driver", "../../drivers/mlx5_core");
	see(NIC, "capabilities", "lacks cap_net_raw,cap_net_admin,cap_ipc_lock", FAIL, NULL);
}

static void
kernels_are_built_for_it_or_not(void)
{
	clear();
	make_interface("../../i40e");
	see(ETH1, "af_xdp", "has no AF_XDP", WARN, "CONFIG_XDP_SOCKETS");
	put("/proc/net/protocols", "protocol  size\nXDP       1088      0\n");
	see(ETH1, "af_xdp", "has AF_XDP", OK, NULL);
	see(ETH1, "bpf", "has no BTF", WARN, "CONFIG_DEBUG_INFO_BTF");
	see(ETH1, "bpf", "no bpf system call", WARN, "CONFIG_BPF_SYSCALL");
	see(ETH1, "bpf", "not told here", OK, NULL);
	put("/proc/sys/net/core/bpf_jit_enable", "0\n");
	see(ETH1, "bpf", "compiler is off", WARN, "bpf_jit_enable=1");
	put("/proc/sys/net/core/bpf_jit_enable", "1\n");
	see(ETH1, "bpf", "are compiled", OK, NULL);
	put("/sys/kernel/btf/vmlinux", "");
	see(ETH1, "bpf", "has BTF", OK, NULL);
	put("/proc/sys/kernel/unprivileged_bpf_disabled", "0\n");
	see(ETH1, "bpf", "every user may", WARN, "unprivileged_bpf_disabled=2");
	put("/proc/sys/kernel/unprivileged_bpf_disabled", "2\n");
	see(ETH1, "bpf", "takes a capability", OK, NULL);
	see(ETH1, "kernel", "is not at /boot/config-6.1.0-13-amd64", OK, NULL);
	put("/boot/config-6.1.0-13-amd64", "CONFIG_HUGETLBFS=y\nCONFIG_BPF_SYSCALL=y\n"
					   "CONFIG_XDP_SOCKETS=y\nCONFIG_BPF_JIT=y\n");
	see(ETH1, "kernel", "is without CONFIG_VFIO_PCI", WARN, "linux-image");
	put("/boot/config-6.1.0-13-amd64",
	    "CONFIG_HUGETLBFS=y\nCONFIG_BPF_SYSCALL=y\nCONFIG_XDP_SOCKETS=y\nCONFIG_BPF_JIT=y\n"
	    "CONFIG_VFIO_PCI=m\n");
	see(ETH1, "kernel", "has all that weir uses", OK, NULL);
	see(WEIR_DOCTOR_VDEV, "vdev:net_tap0", "modules", "/dev/net/tun is not there", FAIL,
	    "sudo modprobe tun");
	put("/dev/net/tun", "");
	see(WEIR_DOCTOR_VDEV, "vdev:net_tap0", "modules", "/dev/net/tun is there", OK, NULL);
}

static void
drivers_are_of_the_library_s_abi(void)
{
	char dir[512], path[700], other[700];

	clear();
	weir_eal_driver_dir(dir, sizeof(dir));
	CU_ASSERT_TRUE_FATAL(dir[0] == '/');
	see(HOST, "libraries", "no network driver in", WARN, "libdpdk-dev");
	see(WEIR_DOCTOR_VDEV, "vdev:net_null0", "libraries", "no network driver", FAIL, NULL);
	see(WEIR_DOCTOR_VDEV, "vdev:net_null0", "drivers", "there is no", FAIL, "libdpdk-dev");
	snprintf(path, sizeof(path), "%s/librte_net_null.so", dir);
	put(path, "");
	see(HOST, "libraries", "1 network drivers in", OK, NULL);
	see(WEIR_DOCTOR_VDEV, "vdev:net_null0", "drivers", "net_null0 has", OK, NULL);
	see(HOST, "drivers", "are of its ABI", OK, NULL);
	*strrchr(dir, '/') = '\0';
	snprintf(other, sizeof(other), "%s/pmds-21.0/librte_net_null.so", dir);
	put(other, "");
	see(HOST, "drivers", "there are drivers of pmds-21.0, too", WARN, "dpkg -S");
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "nics tell their driver", nics_tell_their_driver },
		{ "pcie is as wide as it can be", pcie_is_as_wide_as_it_can_be },
		{ "nodes of nics and workers meet", nodes_of_nics_and_workers_meet },
		{ "iommu and vfio are looked for", iommu_and_vfio_are_looked_for },
		{ "interfaces are up and linked", interfaces_are_up_and_linked },
		{ "queues and xdp are judged", queues_and_xdp_are_judged },
		{ "rights are those of the source", rights_are_those_of_the_source },
		{ "kernels are built for it or not", kernels_are_built_for_it_or_not },
		{ "drivers are of the library's abi", drivers_are_of_the_library_s_abi },
		CU_TEST_INFO_NULL,
	};

	return tree_begin() ? 1 : tree_end(check_run("doctor_network", tests));
}
