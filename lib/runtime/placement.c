/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <numa.h>
#include <weir/base/log.h>

#include <weir/runtime/placement.h>

/* "0-3,8" of a set of CPUs. */
static const char *
set_text(const cpu_set_t *set, char *buf, size_t size)
{
	size_t at = 0;

	buf[0] = '\0';
	for (int cpu = 0, last; cpu < CPU_SETSIZE && at < size; cpu = last + 1) {
		for (last = cpu;
		     last + 1 < CPU_SETSIZE && CPU_ISSET(last, set) && CPU_ISSET(last + 1, set);)
			last++;
		if (!CPU_ISSET(cpu, set))
			continue;
		at += (size_t)snprintf(
		    buf + at, size - at, last > cpu ? "%s%d-%d" : "%s%d", at ? "," : "", cpu, last);
	}
	return buf;
}

static int
node_of_cpu(int cpu)
{
	return numa_available() < 0 ? -1 : numa_node_of_cpu(cpu);
}

/* The node that all sources with a known one have. */
static int
node_of_sources(const struct weir_command *c, struct weir_source *const *sources)
{
	int node = -1;

	for (unsigned i = 0; i < c->n_sources; i++) {
		if (sources[i]->numa_node < 0)
			continue;
		if (node >= 0 && node != sources[i]->numa_node)
			return -1;
		node = sources[i]->numa_node;
	}
	return numa_available() < 0 ? -1 : node;
}

/* Whether the CPU is the first of its core that is in the set. */
static bool
is_first_of_core(int cpu, const cpu_set_t *set)
{
	char path[96];
	int first = cpu, sibling;
	FILE *f;

	snprintf(
	    path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
	f = fopen(path, "re");
	if (!f)
		return true;
	while (fscanf(f, "%d", &sibling) == 1) {
		if (sibling >= 0 && sibling < first && CPU_ISSET(sibling, set))
			first = sibling;
		if (fgetc(f) == EOF) /* "0,4" or "0-1": a core has few threads */
			break;
	}
	fclose(f);
	return first == cpu;
}

/* Take CPUs of the set that pass, until there are enough. */
static void
take_cpus(struct weir_placement *p, unsigned *n, cpu_set_t *set, const cpu_set_t *all, int node,
    bool whole_cores)
{
	for (int cpu = 0; cpu < CPU_SETSIZE && *n < p->n; cpu++) {
		if (!CPU_ISSET(cpu, set) || (node >= 0 && node_of_cpu(cpu) != node) ||
		    (whole_cores && !is_first_of_core(cpu, all)))
			continue;
		p->cpus[(*n)++] = cpu;
		CPU_CLR(cpu, set);
	}
}

static void
choose(struct weir_placement *p, const cpu_set_t *allowed)
{
	cpu_set_t left = *allowed;
	unsigned n = 0;

	if (p->numa_node >= 0) {
		take_cpus(p, &n, &left, allowed, p->numa_node, true);
		take_cpus(p, &n, &left, allowed, p->numa_node, false);
	}
	take_cpus(p, &n, &left, allowed, -1, true);
	take_cpus(p, &n, &left, allowed, -1, false);
}

int
weir_place_check(const struct weir_command *c, struct weir_error *err)
{
	cpu_set_t allowed;
	char text[128];

	CPU_ZERO(&allowed);
	sched_getaffinity(0, sizeof(allowed), &allowed);
	for (unsigned i = 0; i < c->n_cpus; i++)
		if (!CPU_ISSET(c->cpus[i], &allowed))
			return weir_error_usage(err,
			    "--cores: this process may not run on CPU %u (it may on %s)",
			    c->cpus[i], set_text(&allowed, text, sizeof(text)));
	return 0;
}

static void
warn_far(const struct weir_placement *p, const cpu_set_t *allowed)
{
	cpu_set_t near;
	char text[128];
	unsigned n = 0;

	CPU_ZERO(&near);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, allowed) && node_of_cpu(cpu) == p->numa_node)
			CPU_SET(cpu, &near);
	for (unsigned i = 0; i < p->n; i++)
		n += p->cpus[i] >= 0 && !CPU_ISSET(p->cpus[i], &near);
	if (!n)
		return;
	weir_log(WEIR_LOG_WARNING,
	    "%u of %u workers run on another NUMA node than the NIC, which is on node %d: its "
	    "packets come to them slowly (%s%s)",
	    n, p->n, p->numa_node,
	    CPU_COUNT(&near) ? "nearer: --cores " : "none of its CPUs may be used",
	    CPU_COUNT(&near) ? set_text(&near, text, sizeof(text)) : "");
}

int
weir_place(const struct weir_command *c, struct weir_source *const *sources,
    struct weir_placement *ret, struct weir_error *err)
{
	struct weir_placement p = { .n = c->n_workers, .numa_node = node_of_sources(c, sources) };
	cpu_set_t allowed, used;
	char text[96];
	int rc = weir_place_check(c, err);

	if (rc)
		return rc;
	p.cpus = calloc(p.n, sizeof(*p.cpus));
	if (!p.cpus)
		return weir_error_run(err, -ENOMEM, "out of memory");
	for (unsigned i = 0; i < p.n; i++)
		p.cpus[i] = i < c->n_cpus ? (int)c->cpus[i] : -1;
	CPU_ZERO(&allowed);
	sched_getaffinity(0, sizeof(allowed), &allowed);
	if (!c->n_cpus && c->has_cores && (int)p.n <= CPU_COUNT(&allowed))
		choose(&p, &allowed);
	CPU_ZERO(&used);
	for (unsigned i = 0; i < p.n; i++)
		if (p.cpus[i] >= 0)
			CPU_SET(p.cpus[i], &used);
	if (CPU_COUNT(&used))
		snprintf(p.why, sizeof(p.why), "on CPU%s %s", CPU_COUNT(&used) > 1 ? "s" : "",
		    set_text(&used, text, sizeof(text)));
	else if ((int)p.n > CPU_COUNT(&allowed))
		snprintf(p.why, sizeof(p.why), "sharing %d CPUs", CPU_COUNT(&allowed));
	else
		snprintf(p.why, sizeof(p.why), "on any CPU (--cores binds)");
	if (p.numa_node >= 0 && CPU_COUNT(&used))
		warn_far(&p, &allowed);
	*ret = p;
	return 0;
}

void
weir_placement_fini(struct weir_placement *p)
{
	free(p->cpus);
	p->cpus = NULL;
}

void
weir_prefer_node(int numa_node)
{
	if (numa_available() < 0)
		return;
	if (numa_node >= 0)
		numa_set_preferred(numa_node);
	else
		numa_set_localalloc();
}
