/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that is not hugepages: how it is given, taken away, and what may be had of it. */
#include <inttypes.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define MB(bytes) ((uintmax_t)((bytes) >> 20))
/* What AF_XDP may pin for one queue; lib/port asks for as much. */
#define XDP_QUEUE_BYTES (UINT64_C(32) << 20)

void
weir_check_thp(struct weir_doctor *d)
{
	static const char why[] =
	    "while the kernel gathers pages into huge ones it may halt a worker";
	static const char path[] = "/sys/kernel/mm/transparent_hugepage/enabled";
	struct weir_finding *f;
	char mode[128];

	if (!weir_doctor_line(d, path, mode, sizeof(mode))) {
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "this kernel has none");
	} else if (strstr(mode, "[always]")) {
		f = weir_doctor_add(d, WEIR_FINDING_WARN, why,
		    "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
		    "transparent hugepages are given to everything (always)");
		weir_doctor_fixable(f, WEIR_FIX_WRITE, path, "madvise");
	} else {
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "transparent hugepages: %s",
		    strstr(mode, "[madvise]") ? "madvise" : "never");
	}
}

/* UINT64_MAX: no limit. */
static uint64_t
memlock_limit(const struct weir_doctor *d)
{
	char text[128];

	if (weir_doctor_can(d, CAP_IPC_LOCK) ||
	    !weir_doctor_value(d, "/proc/self/limits", "Max locked memory", text, sizeof(text)) ||
	    strncmp(text, "unlimited", 9) == 0)
		return UINT64_MAX;
	return strtoull(text, NULL, 10);
}

/* What the sources asked about pin, at least one queue of AF_XDP. */
static uint64_t
memlock_need(const struct weir_doctor *d)
{
	uint64_t bytes = d->need->is_huge_needed ? d->need->port_bytes : 0, queues = 0;
	const struct weir_doctor_source *s = NULL;
	struct weir_interface_facts f;

	while ((s = weir_doctor_next(d, WEIR_DOCTOR_INTERFACE, s)))
		if (weir_doctor_is_taken(d, s) &&
		    d->probe->facts(d->config->root, s->name, &f, NULL) == 0)
			queues += f.n_queues;
	if (!d->config->n_sources)
		queues = 1;
	return bytes + queues * XDP_QUEUE_BYTES;
}

void
weir_check_memlock(struct weir_doctor *d)
{
	static const char why[] = "AF_XDP and VFIO pin their buffers, 32 MB for a queue of AF_XDP, "
				  "and all memory of a NIC's port";
	uint64_t limit = memlock_limit(d), need = memlock_need(d);

	if (limit == UINT64_MAX)
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "no limit%s",
		    weir_doctor_can(d, CAP_IPC_LOCK) ? " (CAP_IPC_LOCK)" : "");
	else
		weir_doctor_add(d, limit < need ? WEIR_FINDING_WARN : WEIR_FINDING_OK, why,
		    "sudo prlimit --pid $$ --memlock=unlimited (for good: '* - memlock unlimited' "
		    "in /etc/security/limits.conf; in a container: docker run --ulimit memlock=-1)",
		    "%ju MB may be locked, %ju MB are wanted", MB(limit), MB(need));
}

void
weir_check_swap(struct weir_doctor *d)
{
	static const char why[] = "a page of a group table that was swapped out halts the worker "
				  "for milliseconds when it comes back";
	char text[64];
	uint64_t kb = 0;

	if (weir_doctor_value(d, "/proc/meminfo", "SwapTotal", text, sizeof(text)))
		kb = strtoull(text, NULL, 10);
	weir_doctor_add(d, kb ? WEIR_FINDING_WARN : WEIR_FINDING_OK, why,
	    kb ? "sudo swapoff -a (until the next start; for good: take swap out of /etc/fstab)"
	       : NULL,
	    kb ? "%ju MB of swap" : "no swap", (uintmax_t)kb >> 10);
}

void
weir_check_tables(struct weir_doctor *d)
{
	static const char why[] = "group tables grow with the keys that come, and a process beyond "
				  "the memory there is gets killed";
	uint64_t need = d->need->table_bytes, limit, available = UINT64_MAX;
	char text[64];

	if (!need)
		return;
	if (weir_doctor_value(d, "/proc/meminfo", "MemAvailable", text, sizeof(text)))
		available = strtoull(text, NULL, 10) << 10;
	limit = weir_doctor_cgroup_limit(d, "memory", "memory.max", "memory.limit_in_bytes");
	if (limit < available)
		available = limit;
	weir_doctor_add(d, need > available ? WEIR_FINDING_WARN : WEIR_FINDING_OK, why,
	    "weir ... --table-size 1M (fewer keys a window; --explain shows what they take)",
	    "tables may grow to %ju MB in one window, %ju MB are available", MB(need),
	    MB(available));
}
