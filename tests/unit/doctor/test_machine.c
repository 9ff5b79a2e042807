/* SPDX-License-Identifier: BSD-3-Clause */
/* CPUs, clocks, memory, limits: each finding where all is well, and where it is not. */
#include "tree.h"

#include "check.h"

#define CPU  "/sys/devices/system/cpu/"
#define NODE "/sys/devices/system/node/"

static struct weir_doctor_config
with_cpus(const unsigned *cpus, unsigned n)
{
	static const struct weir_doctor_source s = { WEIR_DOCTOR_VDEV, "vdev:net_null0",
		WEIR_TAKE_AUTO };

	return (struct weir_doctor_config){ .scope = WEIR_DOCTOR_VDEV,
		.sources = &s,
		.n_sources = 1,
		.has_command = true,
		.n_workers = n,
		.cpus = cpus,
		.n_cpus = cpus ? n : 0 };
}

static void
cpu_has_a_level(void)
{
	clear();
	see(HOST, "cpu", "names no flags", WARN, "lscpu");
	put("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu sse sse2\n");
	see(HOST, "cpu", "older than x86-64-v2", FAIL, "lscpu");
	put("/proc/cpuinfo", "flags\t\t: ssse3 sse4_2 popcnt\n");
	see(HOST, "cpu", "x86-64-v2", OK, NULL);
	put("/proc/cpuinfo", "flags\t\t: ssse3 sse4_2 popcnt avx2 bmi1 bmi2 fma\n");
	see(HOST, "cpu", "x86-64-v3", OK, NULL);
	put("/proc/cpuinfo", "flags\t\t: ssse3 sse4_2 popcnt avx2 bmi1 bmi2 fma avx512f avx512bw "
			     "avx512cd avx512dq avx512vl\n");
	see(HOST, "cpu", "x86-64-v4", OK, NULL);
}

static void
cores_are_counted(void)
{
	static const unsigned far[] = { 2, 9 };

	clear();
	be(ALL_CAPS, "0-7");
	see_with(with_cpus(NULL, 7), "cores", "7 workers and the control thread have 8 CPUs: 0-7",
	    OK, NULL);
	see_with(with_cpus(NULL, 8), "cores", "8 workers", WARN, "--cores 7");
	be(ALL_CAPS, "3");
	see(HOST, "cores", "1 CPU: 3", WARN, "taskset -pc 0-7");
	be(ALL_CAPS, "0-7");
	see_with(with_cpus(far, 2), "cores", "--cores names CPU 9", FAIL, "--cores 0-7");
}

static void
isolation_fits_the_workers(void)
{
	static const unsigned two[] = { 2, 3 };

	clear();
	be(ALL_CAPS, "0-7");
	see(HOST, "isolation", "no CPU is isolated", WARN, "isolcpus=7 nohz_full=7 rcu_nocbs=7");
	see_with(with_cpus(two, 2), "isolation", "workers on CPUs 2-3; isolated: none", WARN,
	    "isolcpus=2-3");
	put(CPU "isolated", "2-3\n");
	see_with(with_cpus(two, 2), "isolation", "isolated: 2-3", OK, NULL);
	see_with(with_cpus(NULL, 2), "isolation", "no worker is put on them", WARN, "--cores 2-3");
	see(HOST, "isolation", "CPUs 2-3 are isolated", OK, NULL);
	see(HOST, "isolation", "without tick (nohz_full): none", WARN, "nohz_full=2-3");
	put(CPU "nohz_full", "2-3\n");
	see(HOST, "isolation", "without tick (nohz_full): 2-3", OK, NULL);
	put(CPU "isolated", "4-5\n");
	see_with(with_cpus(two, 2), "isolation", "isolated: 4-5", WARN, "--cores 4-5");
	put(CPU "isolated", "\n");
	put(CPU "online", "0-1\n");
	see(HOST, "isolation", "too few", OK, NULL);
}

static void
threads_of_a_core_are_told_apart(void)
{
	static const unsigned shared[] = { 1, 3 }, own[] = { 0, 1 };

	clear();
	be(ALL_CAPS, "0-3");
	see(HOST, "smt", "each CPU is a core of its own", OK, NULL);
	put(CPU "cpu0/topology/thread_siblings_list", "0,2\n");
	put(CPU "cpu2/topology/thread_siblings_list", "0,2\n");
	put(CPU "cpu1/topology/thread_siblings_list", "1,3\n");
	put(CPU "cpu3/topology/thread_siblings_list", "1,3\n");
	see(HOST, "smt", "4 CPUs are 2 cores", OK, NULL);
	see_with(with_cpus(NULL, 3), "smt", "4 CPUs are 2 cores", WARN, "--cores 0-1");
	see_with(with_cpus(shared, 2), "smt", "2 workers share 1 cores", WARN, "--cores 0-1");
	see_with(with_cpus(own, 2), "smt", "each worker has a core", OK, NULL);
}

static void
irqbalance_is_to_spare_workers(void)
{
	static const unsigned two[] = { 2, 3 };

	clear();
	be(ALL_CAPS, "0-7");
	put("/proc/17/comm", "cron\n");
	see(HOST, "irqbalance", "does not run", OK, NULL);
	put("/proc/18/comm", "irqbalance\n");
	see_with(with_cpus(two, 2), "irqbalance", "does not spare the workers' CPUs 2-3", WARN,
	    "IRQBALANCE_BANNED_CPULIST=2-3");
	put("/etc/default/irqbalance", "#a\nIRQBALANCE_BANNED_CPULIST=\"2-3\"\n");
	see_with(with_cpus(two, 2), "irqbalance", "spares the workers' CPUs 2-3", OK, NULL);
	drop("/etc/default/irqbalance");
	put(CPU "isolated", "2-5\n");
	see_with(with_cpus(two, 2), "irqbalance", "spares the workers", OK, NULL);
	see(HOST, "irqbalance", "spares CPUs: 2-5", OK, NULL);
}

static void
governor_and_clock_are_judged(void)
{
	clear();
	see(HOST, "governor", "not this system's to govern", OK, NULL);
	put(CPU "cpu0/cpufreq/scaling_governor", "performance\n");
	put(CPU "cpu1/cpufreq/scaling_governor", "powersave\n");
	see(HOST, "governor", "powersave on 1 of 2", WARN, "echo performance | sudo tee");
	put(CPU "cpu0/cpufreq/scaling_available_governors", "powersave schedutil\n");
	see(HOST, "governor", "no other than: powersave schedutil", WARN, "modprobe");
	put(CPU "cpu1/cpufreq/scaling_governor", "performance\n");
	see(HOST, "governor", "performance on 2", OK, NULL);
#define CLOCK "/sys/devices/system/clocksource/clocksource0/"
	see(HOST, "clock", "names no clock", OK, NULL);
	put(CLOCK "current_clocksource", "hpet\n");
	put(CLOCK "available_clocksource", "tsc hpet acpi_pm\n");
	see(HOST, "clock", "clock is hpet", WARN, "echo tsc | sudo tee");
	put(CLOCK "available_clocksource", "hpet acpi_pm\n");
	see(HOST, "clock", "clock is hpet", WARN, "clocksource=tsc tsc=reliable");
	put(CLOCK "current_clocksource", "tsc\n");
	see(HOST, "clock", "clock is tsc", OK, NULL);
	put("/proc/cpuinfo", "flags\t\t: sse4_2 constant_tsc nonstop_tsc\n");
	see(HOST, "clock", "the TSC is steady", OK, NULL);
	put("/proc/cpuinfo", "flags\t\t: sse4_2 tsc\n");
	see(HOST, "clock", "not said to be steady", WARN, "--idle spin");
	put("/proc/cpuinfo", "flags\t\t: sse4_2 tsc hypervisor\n");
	see(HOST, "clock", "not said to be steady", WARN, "+invtsc");
}

static void
limits_are_compared_with_what_is_wanted(void)
{
	struct weir_doctor_config c = with_cpus(NULL, 1);

	clear();
	be(NO_CAPS, "0-7");
	put("/proc/self/limits",
	    "Limit  Soft  Hard\nMax locked memory         8388608  8388608  bytes\n");
	see(HOST, "memlock", "8 MB may be locked, 32 MB are wanted", WARN, "prlimit");
	put("/proc/self/limits", "Max locked memory         unlimited unlimited bytes\n");
	see(HOST, "memlock", "no limit", OK, NULL);
	put("/proc/self/limits", "Max locked memory         67108864  67108864  bytes\n");
	see(HOST, "memlock", "64 MB may be locked", OK, NULL);
	be(ALL_CAPS, "0-7");
	see(HOST, "memlock", "CAP_IPC_LOCK", OK, NULL);
	put("/proc/meminfo", "MemTotal: 99 kB\nMemAvailable:  1048576 kB\nSwapTotal: 2048 kB\n");
	see(HOST, "swap", "2 MB of swap", WARN, "swapoff -a");
	c.table_bytes = UINT64_C(2) << 30;
	see_with(c, "tables", "2048 MB in one window, 1024 MB", WARN, "--table-size");
	c.table_bytes = UINT64_C(1) << 29;
	see_with(c, "tables", "512 MB in one window", OK, NULL);
	put("/proc/self/cgroup", "0::/a/b\n");
	put("/sys/fs/cgroup/a/memory.max", "268435456\n");
	put("/sys/fs/cgroup/a/b/memory.max", "max\n");
	see_with(c, "tables", "256 MB are available", WARN, NULL);
	put("/proc/meminfo", "MemAvailable:  1048576 kB\nSwapTotal: 0 kB\n");
	see(HOST, "swap", "no swap", OK, NULL);
	put("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
	see(HOST, "thp", "always", WARN, "echo madvise");
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	see(HOST, "thp", "madvise", OK, NULL);
	drop("/sys/kernel/mm/transparent_hugepage/enabled");
	see(HOST, "thp", "has none", OK, NULL);
}

static void
groups_bound_memory_and_time(void)
{
	clear();
	be(ALL_CAPS, "0-3");
	see(HOST, "cgroup", "no limit of memory", OK, NULL);
	see(HOST, "cgroup", "no quota", OK, NULL);
	see(HOST, "cgroup", "bound to CPUs 0-3 of 8", OK, NULL);
	put("/proc/self/cgroup", "5:memory:/x\n4:cpu,cpuacct:/x\n0::/\n");
	put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "16777216\n");
	put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "150000\n");
	put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
	see(HOST, "cgroup", "16 MB of memory", FAIL, "--memory 2g");
	see(HOST, "cgroup", "a quota of 1.50 CPUs", WARN, "--cpuset-cpus");
	put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
	see(HOST, "cgroup", "no limit of memory", OK, NULL);
	see(HOST, "cgroup", "no quota", OK, NULL);
	put("/proc/self/cgroup", "0::/y\n");
	put("/sys/fs/cgroup/y/cpu.max", "50000 100000\n");
	put("/sys/fs/cgroup/y/memory.max", "1073741824\n");
	see(HOST, "cgroup", "a quota of 0.50 CPUs", WARN, NULL);
	see(HOST, "cgroup", "1024 MB of memory", OK, NULL);
}

static void
containers_and_filters_are_seen(void)
{
	clear();
	be(NO_CAPS, "0-3");
	see(HOST, "container", "in no container", OK, NULL);
	put("/proc/self/cgroup", "0::/kubepods/pod1\n");
	see(HOST, "container", "(Kubernetes) that may not open packet sockets", WARN,
	    "--cap-add NET_RAW");
	put("/run/systemd/container", "lxc\n");
	see(WEIR_DOCTOR_FILE, "/dev/null", "container", "in a container (lxc)", OK, NULL);
	put("/.dockerenv", "");
	be(ALL_CAPS, "0-3");
	see(HOST, "container", "in a container (docker)", OK, NULL);
	see(HOST, "seccomp", "no filter", OK, NULL);
	see(HOST, "seccomp", "rights can be gained", OK, NULL);
	put("/proc/self/status", "CapEff:\t" NO_CAPS "\nNoNewPrivs:\t1\nSeccomp:\t2\n"
				 "Seccomp_filters:\t1\n");
	see(HOST, "seccomp", "are filtered", WARN, "seccomp=unconfined");
	see(HOST, "seccomp", "no_new_privs is set", WARN, "no-new-privileges=false");
}

#define PAGES0 NODE "node0/hugepages/hugepages-2048kB/"
#define PAGES1 NODE "node1/hugepages/hugepages-2048kB/"

static void
hugepages_are_counted_by_node(void)
{
	static const struct weir_doctor_source s = { WEIR_DOCTOR_PCI, "0000:03:00.0",
		WEIR_TAKE_AUTO };
	struct weir_doctor_config c = { .scope = WEIR_DOCTOR_PCI,
		.sources = &s,
		.n_sources = 1,
		.has_command = true,
		.n_workers = 2 };
	char *eal[] = { (char[]){ "--no-huge" } };
	const struct weir_finding *f;
	struct weir_report r;

	clear();
	see(HOST, "hugepages", "no node has a free hugepage", WARN, "sysctl vm.nr_hugepages=512");
	put(PAGES0 "nr_hugepages", "512\n");
	put(PAGES0 "free_hugepages", "100\n");
	put(PAGES1 "nr_hugepages", "64\n");
	put(PAGES1 "free_hugepages", "0\n");
	see(HOST, "hugepages", "node 0: 100 of 512 pages of 2 MB", OK, NULL);
	see(HOST, "hugepages", "node 1: 0 of 64", OK, NULL);
	see(HOST, "hugepages", "200 MB are free", OK, NULL);
	put("/sys/bus/pci/devices/0000:03:00.0/class", "0x020000\n");
	put("/sys/bus/pci/devices/0000:03:00.0/numa_node", "1\n");
	r = examine_with(c);
	CU_ASSERT_TRUE(r.need.is_huge_needed);
	CU_ASSERT_EQUAL(r.need.n_ports, 1);
	/* 2 queues of 2048, 512 to send, and what 3 threads hold: 3 * (512 * 3/2 + 512) */
	CU_ASSERT_EQUAL(r.need.n_buffers, 2 * 2048 + 512 + 3 * (512 * 3 / 2 + 2 * 256));
	CU_ASSERT_TRUE(r.need.node_bytes[1] >= r.need.n_buffers * UINT64_C(2304));
	CU_ASSERT_TRUE(r.need.node_bytes[1] <= r.need.n_buffers * UINT64_C(2304) * 3 / 2);
	CU_ASSERT_EQUAL(r.need.node_bytes[0], 0);
	/* the pages of the other node are of no use to it */
	f = expect(&r, "hugepages", "node 1: its ports take", FAIL,
	    "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages");
	CU_ASSERT_TRUE(f && f->fix.kind == WEIR_FIX_WRITE);
	weir_report_free(&r);
	/* there is no room for them on that node: only a restart helps */
	put(NODE "node1/meminfo", "Node 1 MemTotal: 900 kB\nNode 1 MemFree:    100 kB\n");
	r = examine_with(c);
	f = expect(&r, "hugepages", "node 1: its ports take", FAIL, "hugepages=");
	CU_ASSERT_TRUE(f && f->fix.kind == WEIR_FIX_NONE && strstr(f->mend, "update-grub"));
	weir_report_free(&r);
	put(PAGES1 "free_hugepages", "64\n");
	see_with(c, "hugepages", "1 port: ", OK, NULL);
	put(PAGES0 "free_hugepages", "0\n");
	see_with(c, "hugepages", "below 192 MB weir takes plain memory", WARN, NULL);
	c.eal_args = eal;
	c.n_eal_args = 1;
	see_with(c, "hugepages", "1 port: ", OK, NULL);
}

static void
pages_of_a_group_and_files_of_pages(void)
{
	char *eal[] = { (char[]){ "--huge-dir=/x" } };
	struct weir_doctor_config c = with_cpus(NULL, 1);

	clear();
	put(PAGES0 "nr_hugepages", "512\n");
	put(PAGES0 "free_hugepages", "512\n");
	put("/proc/self/cgroup", "0::/\n");
	put("/sys/fs/cgroup/hugetlb.2MB.max", "0\n");
	see(HOST, "hugepages", "this control group may have 0 MB", WARN, "hugetlb.2MB.max");
	put("/sys/fs/cgroup/hugetlb.2MB.max", "1073741824\n");
	see(HOST, "hugepages", "this control group may have 1024 MB", OK, NULL);
	see(HOST, "hugetlbfs", "not mounted", OK, NULL);
	c.eal_args = eal;
	c.n_eal_args = 1;
	see_with(c, "hugetlbfs", "not mounted", WARN, "mount -t hugetlbfs none /dev/hugepages");
	put("/proc/mounts", "proc /proc proc rw 0 0\nnone /dev/hugepages hugetlbfs rw 0 0\n");
	see_with(c, "hugetlbfs", "hugetlbfs at /dev/hugepages", OK, NULL);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "cpu has a level", cpu_has_a_level },
		{ "cores are counted", cores_are_counted },
		{ "isolation fits the workers", isolation_fits_the_workers },
		{ "threads of a core are told apart", threads_of_a_core_are_told_apart },
		{ "irqbalance is to spare workers", irqbalance_is_to_spare_workers },
		{ "governor and clock are judged", governor_and_clock_are_judged },
		{ "limits are compared with what is wanted",
		    limits_are_compared_with_what_is_wanted },
		{ "groups bound memory and time", groups_bound_memory_and_time },
		{ "containers and filters are seen", containers_and_filters_are_seen },
		{ "hugepages are counted by node", hugepages_are_counted_by_node },
		{ "pages of a group, and files of pages", pages_of_a_group_and_files_of_pages },
		CU_TEST_INFO_NULL,
	};

	return tree_begin() ? 1 : tree_end(check_run("doctor_machine", tests));
}
