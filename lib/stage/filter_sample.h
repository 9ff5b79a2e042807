/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_STAGE_FILTER_SAMPLE_H
#define WEIR_STAGE_FILTER_SAMPLE_H

#include "filter_tree.h"

/*
 * Made-up Ethernet frames of all shapes, to see whether two ways to run a filter decide alike: IPv4
 * and IPv6 with options, extensions and fragments, behind tags and labels, cut short, with
 * impossible lengths; with the values that the filter asks for, and their neighbours. Private to
 * lib/stage.
 */

#define WEIR_FILTER_SAMPLE_BYTES 256
#define WEIR_FILTER_HINTS        64

struct weir_filter_hints {
	unsigned n_ports, n_protocols, n_addresses, n_lengths;
	uint32_t ports[WEIR_FILTER_HINTS];
	uint32_t protocols[WEIR_FILTER_HINTS];
	uint32_t lengths[WEIR_FILTER_HINTS];
	struct weir_filter_member addresses[WEIR_FILTER_HINTS];
};

struct weir_filter_sample {
	uint8_t bytes[WEIR_FILTER_SAMPLE_BYTES];
	uint32_t cap_len, wire_len;
};

/* Add the values of the tree, which may be NULL. */
void weir_filter_hints_add(struct weir_filter_hints *h, const struct weir_filter_node *tree);
/* The next frame; the same state gives the same one. */
void weir_filter_sample_make(
    uint64_t *state, const struct weir_filter_hints *hints, struct weir_filter_sample *ret);

#endif
