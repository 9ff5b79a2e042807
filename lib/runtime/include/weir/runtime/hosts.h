/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_HOSTS_H
#define WEIR_RUNTIME_HOSTS_H

#include <stdio.h>

#include <weir/base/error.h>
#include <weir/port/guest.h>
#include <weir/query/plan.h>
#include <weir/source/source.h>

/* A run that spans several hosts (--cluster), before it begins. Control thread. */

/*
 * What can be said of --cluster, --node, --wire and --secret-file without joining, and whether the
 * queries can span hosts. Nothing to check without --cluster. Usage errors.
 */
int weir_hosts_check(const struct weir_plan *plan, struct weir_error *err);
/*
 * Is this source's port the wire's as well? Then what it has to be opened with. Without --cluster
 * it is not. After weir_hosts_check.
 */
bool weir_hosts_guest(const struct weir_plan *plan, const struct weir_source_config *source,
    struct weir_port_guest_spec *ret);
/* Of --explain: the wire, and how each query is spread over hosts and why. */
void weir_hosts_explain(const struct weir_plan *plan, FILE *out);

#endif
