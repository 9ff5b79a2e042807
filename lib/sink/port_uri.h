/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SINK_PORT_URI_H
#define WEIR_SINK_PORT_URI_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/error.h>
#include <weir/sink/forward.h>

#include "port_rewrite.h"

/* What follows "port:", taken apart: NAME[,NAME...][?options]. Private to lib/sink. */
struct weir_port_uri {
	unsigned n_ports;
	char *ports[WEIR_FORWARD_PORTS]; /* as typed; the names point into text */
	char *text;
	char *options; /* of the ports' drivers, as behind the '?' of a port's name, or "" */
	bool to_other; /* of two ports: what came in by one leaves by the other */
	struct weir_port_rewrite rewrite;
};

/* Usage errors without flag and value, with places counted from the first name. */
int weir_port_uri_parse(const char *target, struct weir_port_uri *ret, struct weir_error *err);
void weir_port_uri_fini(struct weir_port_uri *u);
/* The name that a port is opened by, with its driver's options. The caller's to free; NULL: no
 * memory. */
char *weir_port_uri_open_name(const struct weir_port_uri *u, unsigned port);
/* Do both name the same port, whatever its options? Of a vdev the device's name alone may be given.
 */
bool weir_port_uri_is_same(const char *a, const char *b);

#endif
