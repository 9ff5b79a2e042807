/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_TRANSMIT_SENDER_H
#define WEIR_TRANSMIT_SENDER_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/port/port.h>
#include <weir/sketch/histogram.h>
#include <weir/transmit/schedule.h>
#include <weir/transmit/supply.h>

/*
 * Sends a supply's packets out of one queue of a port by a schedule, open loop: each packet has its
 * intended time whatever happened before, and what is late goes at once. Packets are copied into
 * buffers, so what is in flight is the driver's and nobody else's. Each packet of the schedule ends
 * in exactly one of n_sent and n_not_sent. Belongs to the thread that steps it, which has to have
 * an lcore's number (rte_thread_register) for its buffers to come from a cache.
 */

#define WEIR_SENDER_BURST 32u

struct rte_mbuf;
struct rte_mempool;

struct weir_sender_config {
	struct weir_port_queue queue;
	/* Its buffers have room for the longest frame, rounded up to 64 bytes. */
	struct rte_mempool *pool;
	struct weir_supply *supply;       /* its own */
	struct weir_schedule_config pace; /* times are of CLOCK_MONOTONIC */
	uint64_t count;                   /* packets of the schedule, 0: all that the supply has */
	int64_t for_ns;                   /* those intended so long from the start, 0: all */
	/*
	 * Several senders share a schedule: each walks all of it, and sends every n_senders-th run
	 * of WEIR_SENDER_BURST packets.
	 */
	unsigned index;
	unsigned n_senders; /* 0 is 1 */
	bool has_signature; /* the supply must have been opened with it */
	uint32_t stream;    /* of the signature */
	bool is_dropping;   /* what the port refuses is not sent, rather than late */
};

enum weir_send {
	WEIR_SEND_NOW,   /* more is due, or waits for the port */
	WEIR_SEND_LATER, /* nothing before next_ns */
	WEIR_SEND_END,   /* all was handed to the port, or dropped */
	WEIR_SEND_ERROR, /* the supply broke: its error says how */
};

struct weir_sender {
	/* hot: wo, others: ro, relaxed */
	uint64_t n_sent;
	uint64_t n_bytes; /* of frames */
	uint64_t n_not_sent;
	/* hot: own */
	struct weir_sender_config config;
	struct weir_schedule schedule;
	uint64_t number;    /* of the next packet of the schedule, from 0 */
	uint64_t left;      /* of this sender's run */
	int64_t end_ns;     /* of intended times */
	int64_t next_ns;    /* with LATER */
	uint32_t n_planned; /* due, but without buffers yet: the next ones of the supply */
	uint32_t n_held;    /* in buffers that the port has not taken yet */
	uint32_t held_at;   /* the first of them */
	struct rte_mbuf *held[WEIR_SENDER_BURST];
	int64_t held_ns[WEIR_SENDER_BURST]; /* intended times of either */
	uint64_t held_bytes;                /* of all that are held */
	uint64_t rearm;                     /* what a fresh buffer has in its fields */
	bool is_over;                       /* nothing more is due, ever */
	bool has_failed;
	/* of what was sent: first and last, by the clock and as intended */
	int64_t first_ns, last_ns;
	int64_t first_intended_ns, last_intended_ns;
	struct weir_histogram lag; /* sent less intended; empty with WEIR_RATE_MAX */
};

/* Usage errors of the schedule. Nothing is sent before weir_sender_start. */
int weir_sender_init(
    struct weir_sender *s, const struct weir_sender_config *c, struct weir_error *err);
/* The schedule begins at start_ns. */
void weir_sender_start(struct weir_sender *s, int64_t start_ns);

/*
 * Send what is due, one burst at most; now_ns is read just before. Never waits. With MAX what is
 * sent is intended now.
 */
enum weir_send weir_sender_step(struct weir_sender *s, int64_t now_ns);

/* Give up: what the port has not taken is freed and counted as not sent. Cold. */
void weir_sender_stop(struct weir_sender *s);
/*
 * How many packets of this sender's schedule nobody has taken from the supply yet: to be counted
 * where a bounded run ends early. After weir_sender_stop; 0 where the run has no bound. Cold, and
 * may take a while.
 */
uint64_t weir_sender_count_rest(struct weir_sender *s);

/*
 * Before the port is closed: wait until the driver has given all buffers of the pool back, at most
 * wait_ns, and do what its driver needs besides. Then all that was sent has left the host, as far
 * as the driver tells. Cold.
 */
void weir_sender_drain(
    const struct weir_sender *s, const struct rte_mempool *pool, int64_t wait_ns);

#endif
