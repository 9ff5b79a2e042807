/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_DECODE_DECODE_H
#define WEIR_DECODE_DECODE_H

#include <stdint.h>

#include <weir/base/simd.h>
#include <weir/packet/batch.h>

/*
 * Packet bytes to columns. Every packet ends in exactly one of: decoded fully, or one reason below.
 * A packet with a reason still has the fields of the layers before the trouble; with a tunnel's,
 * those of the packet that the tunnel is in.
 */
#define WEIR_DECODE_REASONS(X)                                                                     \
	X(LINK_TYPE, "link_type", "link type that weir does not decode")                           \
	X(LINK_TRUNCATED, "link_truncated", "captured bytes end in a link header, tag or label")   \
	X(LINK_DEPTH, "link_depth", "more tags, labels or nested link headers than are walked")    \
	X(NOT_IP, "not_ip", "no IP header: ARP, LLC and other link payloads")                      \
	X(IP_VERSION, "ip_version", "version field that does not match")                           \
	X(IP_HEADER, "ip_header", "IP header length or total length that is impossible")           \
	X(IP_TRUNCATED, "ip_truncated", "captured bytes end in the IP header or its extensions")   \
	X(IPV6_EXT_DEPTH, "ipv6_ext_depth", "more IPv6 extension headers than are walked")         \
	X(L4_TRUNCATED, "l4_truncated", "captured bytes or IP length end in the transport header") \
	X(L4_HEADER, "l4_header", "transport header length that is impossible")                    \
	X(TUNNEL_TRUNCATED, "tunnel_truncated", "capture or length ends in a tunnel's headers")    \
	X(TUNNEL_NOT_IP, "tunnel_not_ip", "a tunnel of --decap carries neither IP nor ARP")        \
	X(TUNNEL_DEPTH, "tunnel_depth", "more tunnels in each other than are walked")

enum weir_decode_reason {
#define X(id, name, doc) WEIR_DECODE_##id,
	WEIR_DECODE_REASONS(X)
#undef X
	    WEIR_N_DECODE_REASONS,
};

struct weir_decode_reason_doc {
	const char *name;
	const char *doc;
};
extern const struct weir_decode_reason_doc weir_decode_reasons[WEIR_N_DECODE_REASONS];

struct weir_decode_counters {
	uint64_t reason[WEIR_N_DECODE_REASONS]; /* packets; owner writes, control reads */
};

/* Hot, owning lcore. Fill layout and needed columns of all b->n rows. */
typedef void weir_decode_batch_fn(struct weir_batch *b, struct weir_decode_counters *counters);
/* The same results at every level, which must be usable. Any thread. */
weir_decode_batch_fn *weir_decode_at(enum weir_simd level);
/* At the best level, for those who decode a few batches: the choice is made anew each time. */
weir_decode_batch_fn weir_decode_batch;

#endif
