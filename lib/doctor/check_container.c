/* SPDX-License-Identifier: BSD-3-Clause */
/* What a container or a service manager leaves of the host. */
#include <inttypes.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define MB(bytes) ((uintmax_t)((bytes) >> 20))

/* The name of the container's kind, or NULL. */
static const char *
container(const struct weir_doctor *d, char *buf, size_t size)
{
	static const char *const marks[][2] = { { "docker", "docker" }, { "libpod", "podman" },
		{ "kubepods", "Kubernetes" }, { "/lxc", "LXC" }, { "machine.slice", "nspawn" } };
	char path[1024], line[1024];
	const char *found = NULL;
	FILE *f;

	if (weir_doctor_exists(d, "/.dockerenv"))
		return "docker";
	if (weir_doctor_exists(d, "/run/.containerenv"))
		return "podman";
	if (weir_doctor_line(d, "/run/systemd/container", buf, size) && buf[0])
		return buf;
	snprintf(path, sizeof(path), "%s/proc/self/cgroup", d->config->root);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		for (unsigned i = 0; i < sizeof(marks) / sizeof(marks[0]) && !found; i++)
			if (strstr(line, marks[i][0]))
				found = marks[i][1];
	if (f)
		fclose(f);
	return found;
}

void
weir_check_container(struct weir_doctor *d)
{
	static const char why[] = "a container sees only the interfaces, files and rights that it "
				  "was given; files and generators need none";
	static const char mend[] =
	    "docker run --network host --ulimit memlock=-1 --cap-drop ALL --cap-add NET_RAW ... "
	    "(more rights by kind of source: see the findings of 'capabilities')";
	char buf[64];
	const char *kind = container(d, buf, sizeof(buf));
	bool is_small = kind && !weir_doctor_can(d, CAP_NET_RAW) &&
			(!d->config->n_sources || weir_doctor_asks(d, WEIR_DOCTOR_LIVE));

	if (kind)
		weir_doctor_add(d, is_small ? WEIR_FINDING_WARN : WEIR_FINDING_OK, why, mend,
		    "in a container (%s)%s", kind,
		    is_small ? " that may not open packet sockets" : "");
	else
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "in no container");
}

/* A quota of CPU time: "50000 100000", or two files of version 1. 0: none. */
static double
cpu_quota(const struct weir_doctor *d)
{
	unsigned long long quota = 0, period = 0;
	char line[64];

	if (weir_doctor_cgroup_line(d, "cpu", "cpu.max", line, sizeof(line)))
		return sscanf(line, "%llu %llu", &quota, &period) == 2 && period
			   ? (double)quota / (double)period
			   : 0;
	if (weir_doctor_cgroup_line(d, "cpu", "cpu.cfs_quota_us", line, sizeof(line)) &&
	    line[0] != '-')
		quota = strtoull(line, NULL, 10);
	if (weir_doctor_cgroup_line(d, "cpu", "cpu.cfs_period_us", line, sizeof(line)))
		period = strtoull(line, NULL, 10);
	return period ? (double)quota / (double)period : 0;
}

static void
check_memory(struct weir_doctor *d)
{
	static const char why[] = "a control group's memory is what weir sizes its tables by; the "
				  "kernel kills what goes beyond";
	uint64_t limit =
	    weir_doctor_cgroup_limit(d, "memory", "memory.max", "memory.limit_in_bytes");
	/* plain memory of a port that finds no hugepages, and something for the program */
	uint64_t need = d->need->port_bytes + (UINT64_C(64) << 20);

	if (limit == UINT64_MAX)
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "no limit of memory");
	else
		weir_doctor_add(d, limit < need ? WEIR_FINDING_FAIL : WEIR_FINDING_OK, why,
		    "docker run --memory 2g ... (a service: sudo systemctl set-property SERVICE "
		    "MemoryMax=2G)",
		    "%ju MB of memory for this control group, %ju MB are wanted beside tables",
		    MB(limit), MB(need));
}

void
weir_check_cgroup(struct weir_doctor *d)
{
	static const char why_cpu[] = "a worker that polls uses up a quota, and is then halted for "
				      "the rest of each period";
	static const char why_set[] = "a cpuset bounds the CPUs that --cores may name";
	double quota = cpu_quota(d);
	cpu_set_t allowed, online;
	char text[256];

	check_memory(d);
	if (quota > 0)
		weir_doctor_add(d,
		    d->config->scope & WEIR_DOCTOR_LIVE ? WEIR_FINDING_WARN : WEIR_FINDING_OK,
		    why_cpu,
		    "docker run --cpuset-cpus 2-3 ... in place of --cpus (a service: sudo "
		    "systemctl "
		    "set-property SERVICE CPUQuota=)",
		    "a quota of %.2f CPUs", quota);
	else
		weir_doctor_add(d, WEIR_FINDING_OK, why_cpu, NULL, "no quota of CPU time");
	weir_doctor_cpus_allowed(d, &allowed);
	weir_doctor_cpus_of(d, "/sys/devices/system/cpu/online", &online);
	if (CPU_COUNT(&allowed) && CPU_COUNT(&allowed) < CPU_COUNT(&online))
		weir_doctor_add(d, WEIR_FINDING_OK, why_set, NULL, "bound to CPUs %s of %d",
		    weir_doctor_cpus_text(&allowed, text, sizeof(text)), CPU_COUNT(&online));
}

void
weir_check_seccomp(struct weir_doctor *d)
{
	static const char why[] =
	    "a filter of system calls may forbid what AF_XDP and VFIO take: bpf, mbind, ioctl";
	static const char why_new[] =
	    "with no_new_privs neither sudo nor the capabilities of a file give rights";
	char mode[32], no_new[32];
	bool is_filtered, is_closed;

	weir_doctor_value(d, "/proc/self/status", "Seccomp:", mode, sizeof(mode));
	weir_doctor_value(d, "/proc/self/status", "NoNewPrivs", no_new, sizeof(no_new));
	is_filtered = atoi(mode) == 2;
	is_closed = atoi(no_new) == 1;
	weir_doctor_add(d, is_filtered ? WEIR_FINDING_WARN : WEIR_FINDING_OK, why,
	    is_filtered ? "docker run --security-opt seccomp=unconfined ... (a service: "
			  "SystemCallFilter=)"
			: NULL,
	    is_filtered ? "system calls are filtered (seccomp)" : "no filter of system calls");
	weir_doctor_add(d,
	    is_closed && !weir_doctor_can(d, CAP_NET_RAW) ? WEIR_FINDING_WARN : WEIR_FINDING_OK,
	    why_new,
	    is_closed ? "docker run --security-opt no-new-privileges=false ... (a service: "
			"NoNewPrivileges=no, or AmbientCapabilities=CAP_NET_RAW)"
		      : NULL,
	    is_closed ? "no_new_privs is set" : "rights can be gained");
}
