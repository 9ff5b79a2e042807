/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PORT_EAL_H
#define WEIR_PORT_EAL_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/base/error.h>

/* True between weir_eal_start and weir_eal_stop. */
bool weir_eal_is_started(void);

/*
 * Start EAL once, with what ports need and the user's arguments appended. Chooses hugepages
 * where there are free ones, else plain memory. program is argv[0].
 */
int weir_eal_start(const char *program, char **args, unsigned n_args, struct weir_error *err);
void weir_eal_stop(void);

/*
 * Start EAL for its telemetry alone, under the name that was claimed (weir/port/job.h), while
 * other threads work: standard output is left alone and what they write to standard error comes
 * late at worst. Takes about 0.15 s. The calling thread may end afterwards.
 */
int weir_eal_start_small(const char *program, struct weir_error *err);
/* True where telemetry listens in the folder of the claimed name. */
bool weir_eal_has_telemetry(void);

/* The folder with DPDK's drivers (".../dpdk/pmds-23.0"), or "" where it cannot be told. Returns
 * buf. */
const char *weir_eal_driver_dir(char *buf, size_t size);

/*
 * The driver of DPDK that is named most like name ("net_nul0" -> "net_null"), or NULL. The text is
 * the caller's to free.
 */
char *weir_eal_nearest_driver(const char *name);

#endif
