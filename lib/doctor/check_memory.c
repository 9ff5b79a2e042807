/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>

#include "check.h"

static const char why_huge[] = "a NIC by its PCI address writes to hugepages of its own node; "
			       "other sources do without, slower";

/* Pages of one size on one node; returns the bytes that are free. */
static uint64_t
node_pages(struct weir_doctor *d, unsigned node, const char *dir, const char *size_dir)
{
	char path[512];
	uint64_t kb, total, n_free;

	if (sscanf(size_dir, "hugepages-%" SCNu64 "kB", &kb) != 1)
		return 0;
	snprintf(path, sizeof(path), "%.200s/%.200s/nr_hugepages", dir, size_dir);
	total = weir_doctor_number(d, path);
	snprintf(path, sizeof(path), "%.200s/%.200s/free_hugepages", dir, size_dir);
	n_free = weir_doctor_number(d, path);
	if (total)
		weir_doctor_add(d, n_free ? WEIR_FINDING_OK : WEIR_FINDING_WARN, why_huge,
		    n_free ? NULL : "sudo sysctl vm.nr_hugepages=512",
		    "node %u: %" PRIu64 " of %" PRIu64 " pages of %" PRIu64 " MB are free", node,
		    n_free, total, kb >> 10);
	return n_free * (kb << 10);
}

static uint64_t
node_hugepages(struct weir_doctor *d, unsigned node)
{
	char dir[256], full[512];
	struct dirent *e;
	uint64_t bytes = 0;
	DIR *sizes;

	snprintf(dir, sizeof(dir), "/sys/devices/system/node/node%u/hugepages", node);
	snprintf(full, sizeof(full), "%s%s", d->config->root, dir);
	sizes = opendir(full);
	if (!sizes)
		return 0;
	while ((e = readdir(sizes)))
		bytes += node_pages(d, node, dir, e->d_name);
	closedir(sizes);
	return bytes;
}

void
weir_check_hugepages(struct weir_doctor *d)
{
	unsigned before = d->report->n;
	uint64_t bytes = 0;
	char path[128];

	for (unsigned node = 0; node < 64; node++) {
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%u", node);
		if (weir_doctor_exists(d, path))
			bytes += node_hugepages(d, node);
	}
	if (!bytes && (weir_doctor_asks(d, WEIR_DOCTOR_PCI) || d->report->n == before))
		weir_doctor_add(d,
		    weir_doctor_asks(d, WEIR_DOCTOR_PCI) ? WEIR_FINDING_FAIL : WEIR_FINDING_WARN,
		    why_huge, "sudo sysctl vm.nr_hugepages=512", "no node has a free hugepage");
}

void
weir_check_thp(struct weir_doctor *d)
{
	static const char why[] =
	    "while the kernel gathers pages into huge ones it may halt a worker";
	char mode[128];

	if (!weir_doctor_line(d, "/sys/kernel/mm/transparent_hugepage/enabled", mode, sizeof(mode)))
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "this kernel has none");
	else if (strstr(mode, "[always]"))
		weir_doctor_add(d, WEIR_FINDING_WARN, why,
		    "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
		    "transparent hugepages are given to everything (always)");
	else
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "transparent hugepages: %s",
		    strstr(mode, "[madvise]") ? "madvise" : "never");
}

void
weir_check_memlock(struct weir_doctor *d)
{
	static const char why[] = "AF_XDP and VFIO pin their buffers, 32 MB and up a queue";
	struct rlimit limit = { 0 };

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (weir_doctor_can(CAP_IPC_LOCK))
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "no limit (CAP_IPC_LOCK)");
	else if (limit.rlim_cur == RLIM_INFINITY)
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "no limit");
	else
		weir_doctor_add(d,
		    limit.rlim_cur < (64u << 20) ? WEIR_FINDING_WARN : WEIR_FINDING_OK, why,
		    "ulimit -l unlimited (for good: '* - memlock unlimited' in "
		    "/etc/security/limits.conf)",
		    "%ju MB may be locked", (uintmax_t)limit.rlim_cur >> 20);
}
