/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef NIC_H
#define NIC_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_flow.h>

/*
 * A NIC's rules in software, for tests: an engine for rte_flow that reads packets' bytes. It shares
 * no code with weir, and takes patterns as rte_flow.h explains them.
 */

/* How NICs differ in what they match; the strictest first. */
enum nic_match {
	NIC_STRICT, /* the headers in the pattern's order, right behind each other; no fragments of
		       which the header is in another */
	NIC_LAX, /* also behind tags and extension headers, and what stands where ports would be in
		    later fragments */
	N_NIC_MATCH,
};

/* NULL, or what of the pattern it does not know. */
const char *nic_refuses(const struct rte_flow_item *items);
bool nic_matches(
    const struct rte_flow_item *items, enum nic_match how, const uint8_t *data, uint32_t len);

#endif
