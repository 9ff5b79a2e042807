/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_DECODE_FLOWS_H
#define TEST_DECODE_FLOWS_H

#include <stddef.h>
#include <stdint.h>

#include <weir/base/value.h>

/* Unidirectional flows as the reference files count them, exactly. */

struct flow {
	struct weir_addr src, dst;
	uint8_t version, proto;
	uint16_t srcport, dstport;
	uint64_t packets, wire_bytes, ip_bytes;
};

struct flows {
	struct flow *flow;
	size_t n, room;
};

/* Append one packet as a flow of its own. */
void flows_add(struct flows *f, const struct flow *packet);
/* Sort by key and merge equal keys. */
void flows_merge(struct flows *f);
/* SHA-256 of the merged flows as text; hex of 65 bytes. */
void flows_sha256(const struct flows *f, char hex[65]);
void flows_free(struct flows *f);

#endif
