/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SINK_FORWARD_H
#define WEIR_SINK_FORWARD_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/error.h>
#include <weir/packet/batch.h>
#include <weir/sink/sink.h>

/*
 * Packets that leave by ports ("port:"): unlike all other sinks this one works on the workers. Each
 * has a sender for every such sink of each of its queries. A sender is told which rows of a batch
 * its query keeps; when all queries have had the batch, what they have kept is sent, before the
 * source takes the packets back.
 */

#define WEIR_FORWARD_PORTS 16 /* most in one sink */
/* Partitions of rows, each of which is one port's; --split says which partition has a row. */
#define WEIR_FORWARD_PARTITIONS 4096
/* Packets of a worker that may wait where workers share a transmit queue; beyond that they are
 * dropped.
 */
#define WEIR_FORWARD_WAITING 1024

/* Why a packet was not sent. */
#define WEIR_FORWARD_REASONS(X)                                                                    \
	X(LINK_DOWN, "link_down", "no port had a link")                                            \
	X(TX_FULL, "tx_full", "the driver did not take it")                                        \
	X(TOO_LONG, "too_long", "longer than the port takes")                                      \
	X(TOO_SHORT, "too_short", "shorter than an Ethernet header")                               \
	X(LINK_TYPE, "link_type", "no Ethernet frame")                                             \
	X(CUT_SHORT, "cut_short", "its capture does not have all of it")                           \
	X(NO_BUFFER, "no_buffer", "no buffer was free to copy it to")

enum weir_forward_reason {
#define X(id, name, doc) WEIR_FORWARD_##id,
	WEIR_FORWARD_REASONS(X)
#undef X
	    WEIR_N_FORWARD_REASONS,
};
extern const char *const weir_forward_reason_names[WEIR_N_FORWARD_REASONS];

/* What a sink has counted, of all its senders. Control. */
struct weir_forward_stats {
	uint64_t offered; /* packets that queries kept */
	uint64_t sent;    /* taken by drivers */
	uint64_t moved;   /* of those offered: to another port, for their own one had no link */
	uint64_t dropped[WEIR_N_FORWARD_REASONS];
	unsigned n_ports;
	const char *ports[WEIR_FORWARD_PORTS]; /* names, the sink's */
	bool is_up[WEIR_FORWARD_PORTS];
	uint64_t sent_by[WEIR_FORWARD_PORTS];
};

/*
 * Before anything is started. Whether URIs of a kind that forwards (its ops say so) fit the run.
 * Usage errors without flag and value.
 */
int weir_forward_check(const char *uri, const struct weir_sink_run *run, struct weir_error *err);
/* Before EAL, which opening needs. Can there be such ports, as far as can be told? Usage and
 * run-time errors as above. */
int weir_forward_look(const char *uri, const struct weir_sink_run *run, struct weir_error *err);
/* Ports among which --split shares packets; 1 where there is nothing to share. 0: not such a URI.
 */
unsigned weir_forward_n_shares(const char *uri);
/* Ports that it sends by; 0: not such a URI. */
unsigned weir_forward_n_ports(const char *uri);
/* Partitions that a split of its own making has: the same share for each port. */
unsigned weir_forward_n_partitions(unsigned n_shares);
/* Whether it sends by this source's port. */
bool weir_forward_names(const char *uri, const char *source);
/* For --explain, "net_ring0, net_ring1; a transmit queue for each of 2 workers where ...". */
void weir_forward_describe(
    const char *uri, const struct weir_sink_run *run, char *buf, size_t size);

struct weir_forwarder;
/*
 * Control. A worker's sender of a sink, for one query; it is the sink's, and goes with it. in_turn:
 * no two workers ever send at the same time. Run-time error.
 */
int weir_forwarder_create(struct weir_sink *s, unsigned worker, bool in_turn,
    struct weir_forwarder **ret, struct weir_error *err);
/* Control. What all senders of a sink have counted; it balances. */
void weir_forward_stats(const struct weir_sink *s, struct weir_forward_stats *ret);

/*
 * Hot, owning lcore. These rows of the batch are to be sent. partition: [b->n] of each row, less
 * than WEIR_FORWARD_PARTITIONS; not read where the sink shares nothing.
 */
void weir_forwarder_keep(struct weir_forwarder *s, const struct weir_batch *b,
    const uint64_t sel[WEIR_MASK_WORDS], const uint16_t *partition);
/*
 * Hot, owning lcore, after all queries have had the batch. Send what the worker's senders have
 * kept: packets whose owner is an mbuf without copying; those that are handed over lose their owner
 * in the batch.
 */
void weir_forwarders_transmit(
    struct weir_forwarder *const *senders, unsigned n, struct weir_batch *b);
/* Hot, owning lcore, every now and then and at its end: where workers share a queue, packets of
 * this one may wait still. True when none does. */
bool weir_forwarders_flush(struct weir_forwarder *const *senders, unsigned n);

#endif
