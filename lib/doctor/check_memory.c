/* SPDX-License-Identifier: BSD-3-Clause */
/* Hugepages: how many there are, on which NUMA node, and how many weir wants. */
#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define N_NODES    64u
#define PAGE_BYTES (UINT64_C(2) << 20)
#define MB(bytes)  ((uintmax_t)((bytes) >> 20))
/* Below this, in free pages, weir takes plain memory (lib/port decides so). */
#define LEAST_BYTES (UINT64_C(192) << 20)
/* Where nobody says what will run: room for some ports. */
#define USUAL_BYTES (UINT64_C(1) << 30)

static const char why_huge[] = "a NIC by its PCI address writes to hugepages of its own node; "
			       "other sources do without, slower";

struct pages {
	unsigned n_nodes;
	uint64_t free_bytes[N_NODES];
	uint64_t n_2mb[N_NODES]; /* of 2 MB, free or not */
	bool has_node[N_NODES];
	uint64_t all_free_bytes;
};

/* Pages of one size on one node. */
static void
add_size(
    struct weir_doctor *d, struct pages *p, unsigned node, const char *dir, const char *size_dir)
{
	uint64_t kb, total, n_free;
	char path[512];

	if (sscanf(size_dir, "hugepages-%" SCNu64 "kB", &kb) != 1)
		return;
	snprintf(path, sizeof(path), "%.200s/%.200s/nr_hugepages", dir, size_dir);
	total = weir_doctor_number(d, path);
	snprintf(path, sizeof(path), "%.200s/%.200s/free_hugepages", dir, size_dir);
	n_free = weir_doctor_number(d, path);
	if (kb << 10 == PAGE_BYTES)
		p->n_2mb[node] = total;
	p->free_bytes[node] += n_free * (kb << 10);
	p->all_free_bytes += n_free * (kb << 10);
	if (total)
		weir_doctor_add(d, WEIR_FINDING_OK, why_huge, NULL,
		    "node %u: %" PRIu64 " of %" PRIu64 " pages of %" PRIu64 " MB are free", node,
		    n_free, total, kb >> 10);
}

static void
read_pages(struct weir_doctor *d, struct pages *p)
{
	char dir[256], full[512];
	struct dirent *e;
	DIR *sizes;

	for (unsigned node = 0; node < N_NODES; node++) {
		snprintf(dir, sizeof(dir), "/sys/devices/system/node/node%u/hugepages", node);
		snprintf(full, sizeof(full), "%s%s", d->config->root, dir);
		sizes = opendir(full);
		if (!sizes)
			continue;
		p->n_nodes++;
		p->has_node[node] = true;
		while ((e = readdir(sizes)))
			add_size(d, p, node, dir, e->d_name);
		closedir(sizes);
	}
}

/* Memory that a node has free; UINT64_MAX where it does not tell. */
static uint64_t
node_free(const struct weir_doctor *d, unsigned node)
{
	char path[128], key[32], text[64];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/meminfo", node);
	snprintf(key, sizeof(key), "Node %u MemFree", node);
	if (!weir_doctor_value(d, path, key, text, sizeof(text)))
		return UINT64_MAX;
	return strtoull(text, NULL, 10) << 10;
}

/* The command that gives a node so many bytes more; where there is no room, the kernel's argument.
 */
static void
add_lack(struct weir_doctor *d, const struct pages *p, unsigned node, uint64_t lack,
    enum weir_finding_level level, const char *found)
{
	uint64_t n = p->n_2mb[node] + (lack + PAGE_BYTES - 1) / PAGE_BYTES;
	char path[128], value[32], mend[320], args[32];
	struct weir_finding *f;

	snprintf(value, sizeof(value), "%" PRIu64, n);
	snprintf(args, sizeof(args), "hugepages=%" PRIu64, n);
	snprintf(path, sizeof(path),
	    "/sys/devices/system/node/node%u/hugepages/hugepages-2048kB/nr_hugepages", node);
	if (p->n_nodes < 2)
		snprintf(path, sizeof(path), "/proc/sys/vm/nr_hugepages");
	if (p->has_node[node] && node_free(d, node) < lack)
		weir_doctor_mend_kernel_args(args, mend, sizeof(mend));
	else if (p->n_nodes < 2)
		snprintf(mend, sizeof(mend), "sudo sysctl vm.nr_hugepages=%s", value);
	else
		snprintf(mend, sizeof(mend), "echo %s | sudo tee %s", value, path);
	f = weir_doctor_add(d, level, why_huge, mend, "%s", found);
	if (!p->has_node[node] || node_free(d, node) >= lack)
		weir_doctor_fixable(f, WEIR_FIX_WRITE, path, value);
}

static unsigned
first_node(const struct pages *p)
{
	for (unsigned node = 0; node < N_NODES; node++)
		if (p->has_node[node])
			return node;
	return 0;
}

/* Of what the command line takes, what each node lacks. */
static bool
check_nodes(struct weir_doctor *d, const struct pages *p)
{
	enum weir_finding_level level =
	    d->need->is_huge_needed ? WEIR_FINDING_FAIL : WEIR_FINDING_WARN;
	bool is_lacking = false;
	char found[200];

	for (unsigned node = 0; node < N_NODES; node++) {
		uint64_t need = d->need->node_bytes[node], has = p->free_bytes[node];

		if (!need || has >= need)
			continue;
		snprintf(found, sizeof(found),
		    "node %u: its ports take %ju MB, %ju MB are free in hugepages", node, MB(need),
		    MB(has));
		add_lack(d, p, node, need - has, level, found);
		is_lacking = true;
	}
	return is_lacking;
}

/* Of one node in need, or else the first. */
static unsigned
wanted_node(const struct weir_doctor *d, const struct pages *p)
{
	for (unsigned node = 0; node < N_NODES; node++)
		if (d->need->node_bytes[node])
			return node;
	return first_node(p);
}

static void
check_total(struct weir_doctor *d, const struct pages *p)
{
	uint64_t need = d->need->port_bytes, has = p->all_free_bytes;
	bool is_enough = has >= need && has >= LEAST_BYTES;
	char found[256];

	snprintf(found, sizeof(found),
	    "%u port%s: %u packet buffers, %ju MB; %ju MB are free in hugepages%s",
	    d->need->n_ports, d->need->n_ports == 1 ? "" : "s", d->need->n_buffers, MB(need),
	    MB(has), is_enough ? "" : ", and below 192 MB weir takes plain memory");
	if (d->need->has_no_huge || is_enough)
		weir_doctor_add(d, WEIR_FINDING_OK, why_huge, NULL, "%s", found);
	else
		add_lack(d, p, wanted_node(d, p), (need > LEAST_BYTES ? need : LEAST_BYTES) - has,
		    d->need->is_huge_needed && has < need ? WEIR_FINDING_FAIL : WEIR_FINDING_WARN,
		    found);
}

static void
check_group(struct weir_doctor *d)
{
	static const char why[] = "a control group may bound the hugepages of what runs in it, "
				  "whatever the host has";
	uint64_t limit =
	    weir_doctor_cgroup_limit(d, "hugetlb", "hugetlb.2MB.max", "hugetlb.2MB.limit_in_bytes");
	uint64_t need = d->need->port_bytes > LEAST_BYTES ? d->need->port_bytes : LEAST_BYTES;

	if (limit == UINT64_MAX)
		return;
	weir_doctor_add(d,
	    limit >= need             ? WEIR_FINDING_OK
	    : d->need->is_huge_needed ? WEIR_FINDING_FAIL
				      : WEIR_FINDING_WARN,
	    why,
	    "echo max | sudo tee /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup | "
	    "tail -1)/hugetlb.2MB.max (in Kubernetes: resources.limits.hugepages-2Mi)",
	    "this control group may have %ju MB in pages of 2 MB, %ju MB are wanted", MB(limit),
	    MB(need));
}

void
weir_check_hugepages(struct weir_doctor *d)
{
	struct pages p = { 0 };

	read_pages(d, &p);
	if (d->need->n_ports) {
		if (d->need->has_no_huge || !check_nodes(d, &p))
			check_total(d, &p);
	} else if (!p.all_free_bytes &&
		   (!d->config->n_sources || weir_doctor_asks(d, WEIR_DOCTOR_PCI))) {
		/* a NIC that is not there takes nothing, and yet that may not be all */
		add_lack(d, &p, first_node(&p), USUAL_BYTES, weir_doctor_level(d, WEIR_DOCTOR_PCI),
		    "no node has a free hugepage");
	} else {
		weir_doctor_add(
		    d, WEIR_FINDING_OK, why_huge, NULL, "%ju MB are free", MB(p.all_free_bytes));
	}
	check_group(d);
}

void
weir_check_hugetlbfs(struct weir_doctor *d)
{
	static const char why[] = "weir maps hugepages without files; EAL arguments such as "
				  "--huge-dir, testpmd and vhost-user want hugetlbfs";
	char path[1024], line[1024], at[256], type[64];
	struct weir_finding *f;
	bool is_found = false;
	FILE *mounts;

	snprintf(path, sizeof(path), "%s/proc/mounts", d->config->root);
	mounts = fopen(path, "re");
	while (mounts && !is_found && fgets(line, sizeof(line), mounts))
		is_found =
		    sscanf(line, "%*s %255s %63s", at, type) == 2 && strcmp(type, "hugetlbfs") == 0;
	if (mounts)
		fclose(mounts);
	if (is_found) {
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "hugetlbfs at %s", at);
		return;
	}
	f = weir_doctor_add(d, d->need->has_own_pages ? WEIR_FINDING_WARN : WEIR_FINDING_OK, why,
	    "sudo mkdir -p /dev/hugepages && sudo mount -t hugetlbfs none /dev/hugepages",
	    "hugetlbfs is not mounted");
	weir_doctor_fixable(f, WEIR_FIX_MOUNT, "/dev/hugepages", NULL);
}
