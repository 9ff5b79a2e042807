/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_PORT_H
#define WEIR_SOURCE_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/base/error.h>
#include <weir/source/source.h>

#define WEIR_SOURCE_PORT_NAME "-i 0000:03:00.0|vdev:net_x0,args"
#define WEIR_SOURCE_PORT_DOC  "a NIC by its PCI address, or any virtual device of DPDK"

/* A DPDK port as -i names it. */
struct weir_port_name {
	bool is_pci;
	char device[64]; /* "net_null0", or the address in full: "0000:03:00.0" */
	char args[1024]; /* "size=128", or "" */
};

/* True for a PCI address (the domain may be left out) and for what begins with "vdev:". */
bool weir_port_is_named(const char *value);
/* Take -i's value apart. Pure; usage errors. */
int weir_port_parse(const char *value, struct weir_port_name *ret, struct weir_error *err);

/* A source that opened nothing, for --dry-run; without name and description yet. NULL: no memory.
 */
struct weir_source *weir_source_dry(const struct weir_source_config *c, bool needs_eal);

#endif
