/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_PLACEMENT_H
#define WEIR_RUNTIME_PLACEMENT_H

#include <weir/query/command.h>

/* Which CPU runs which worker. Control thread. */

struct weir_placement {
	unsigned n;    /* workers */
	int *cpus;     /* [n] -1: wherever the kernel puts it */
	int numa_node; /* of the sources, -1: unknown or several */
	char why[128]; /* for --explain: "CPUs 0-1, a core each" */
};

/* Usage error where this process may not run on a CPU of --cores LIST. Before anything is started.
 */
int weir_place_check(const struct weir_command *command, struct weir_error *err);
/*
 * Of --cores LIST, else as many as workers on the sources' NUMA node, whole cores first; one worker
 * that nobody placed is not bound. Workers far from their NIC are warned of. Errors as above.
 */
int weir_place(const struct weir_command *command, struct weir_source *const *sources,
    struct weir_placement *ret, struct weir_error *err);
void weir_placement_fini(struct weir_placement *p);
/* Have this thread's new memory come from the node, or from wherever it runs (-1). */
void weir_prefer_node(int numa_node);

#endif
