/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "eal_args.h"

#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

/* A number in a file of sysfs, 0 where there is none. */
static uint64_t
read_u64(const char *path)
{
	FILE *f = fopen(path, "re");
	uint64_t n = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%" SCNu64, &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

/* A container may see the host's hugepages without being allowed to map any. */
static bool
can_map_huge(uint64_t page_bytes)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;
	void *p;

	flags |= (int)((unsigned)__builtin_ctzll(page_bytes) << MAP_HUGE_SHIFT);
	p = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (p == MAP_FAILED)
		return false;
	munmap(p, page_bytes);
	return true;
}

static uint64_t
huge_free_bytes(void)
{
	static const char dir[] = "/sys/kernel/mm/hugepages";
	DIR *d = opendir(dir);
	struct dirent *e;
	uint64_t total = 0;

	if (!d)
		return 0;
	while ((e = readdir(d))) {
		char path[512];
		uint64_t kb, n;

		if (sscanf(e->d_name, "hugepages-%" SCNu64 "kB", &kb) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/%s/free_hugepages", dir, e->d_name);
		n = read_u64(path);
		if (n && can_map_huge(kb << 10))
			total += n * (kb << 10);
	}
	closedir(d);
	return total;
}

static uint64_t
available_bytes(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	char line[128];
	uint64_t kb = 0;

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %" SCNu64, &kb) == 1)
			break;
	fclose(f);
	return kb << 10;
}

/* The CPUs of this process as ranges. */
static void
own_cpus(char *buf, size_t size)
{
	cpu_set_t set;
	size_t len = 0;

	snprintf(buf, size, "0");
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return;
	for (int c = 0; c < CPU_SETSIZE && len + 16 < size; c++) {
		int first = c;

		if (!CPU_ISSET(c, &set))
			continue;
		while (c + 1 < CPU_SETSIZE && CPU_ISSET(c + 1, &set))
			c++;
		len += (size_t)snprintf(buf + len, size - len, first == c ? "%s%d" : "%s%d-%d",
		    len ? "," : "", first, c);
	}
}

void
weir_eal_host_read(struct weir_eal_host *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->huge_free_bytes = huge_free_bytes();
	ret->available_bytes = available_bytes();
	ret->has_pci_bus = access("/sys/bus/pci/devices", F_OK) == 0;
	own_cpus(ret->cpus, sizeof(ret->cpus));
}
