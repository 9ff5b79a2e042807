/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PORT_NAME_H
#define WEIR_PORT_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/error.h>

/* A device as DPDK names it. */
struct weir_port_name {
	bool is_pci;
	char device[64]; /* "net_null0", or the address in full: "0000:03:00.0" */
	char args[1024]; /* "size=128", or "" */
};

/* True for a PCI address (the domain may be left out) and for what begins with "vdev:". */
bool weir_port_is_named(const char *name);
/* Take such a name apart. Pure; usage errors, without the name. */
int weir_port_parse(const char *name, struct weir_port_name *ret, struct weir_error *err);
/*
 * What stands in the way of a NIC, found without EAL; each with the command that mends it. Errors
 * are without the name. Virtual devices pass.
 */
int weir_port_check(const struct weir_port_name *name, struct weir_error *err);
/*
 * Room for packet bytes in a buffer: a device that makes packets of a size= of its own (net_null)
 * may copy them into buffers without a look at their room, so the room follows the argument. 0
 * where that is more than a buffer can have.
 */
uint32_t weir_port_data_bytes(const struct weir_port_name *name);

#endif
