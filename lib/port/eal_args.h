/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PORT_EAL_ARGS_H
#define WEIR_PORT_EAL_ARGS_H

#include <stdbool.h>
#include <stdint.h>

/* What of the host decides EAL's arguments. */
struct weir_eal_host {
	uint64_t huge_free_bytes; /* in hugepages that this process can map */
	uint64_t available_bytes; /* of plain memory */
	bool has_pci_bus;
	char cpus[1024]; /* those this process may run on: "0-3,8" */
};

/* An argument vector and the memory that it points into. */
struct weir_eal_args {
	char **argv; /* NULL ends */
	int argc;
};

/* Look at this host. */
void weir_eal_host_read(struct weir_eal_host *ret);

/*
 * The arguments for rte_eal_init: the program, what weir chooses for this host, the user's. Where
 * the user chose something, weir's own choice of the same is left out. job is the name under which
 * telemetry is found, or NULL for none. 0 or -ENOMEM.
 */
int weir_eal_args_build(const char *program, const struct weir_eal_host *host, const char *job,
    char **user, unsigned n_user, struct weir_eal_args *ret);
/* Those for telemetry alone: no device, next to no memory. */
int weir_eal_args_build_small(const char *program, const struct weir_eal_host *host,
    const char *job, struct weir_eal_args *ret);
void weir_eal_args_free(struct weir_eal_args *a);

#endif
