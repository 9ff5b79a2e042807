/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_LATENCY_FLOOR_H
#define WEIR_LATENCY_FLOOR_H

#include <weir/base/error.h>

#include "config.h"

/*
 * The path of the instrument alone: ports of the kind of those that are measured, and nothing
 * between them. It is given by the user, or made where a virtual device can be made without asking
 * anybody: net_ring sends to itself, and two net_memif connect to each other. A cable between NICs,
 * or interfaces of the kernel, are not ours to make.
 */
struct floor_path {
	char *tx, *rx;   /* names of ports; NULL: there is none */
	char folder[64]; /* of the socket of our own, or "" */
	const char *why; /* what it is, or why there is none */
};

int floor_find(const struct config *c, struct floor_path *ret, struct weir_error *err);
void floor_fini(struct floor_path *f);

#endif
