/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_ETHDEV_H
#define WEIR_SOURCE_ETHDEV_H

#include <stdatomic.h>
#include <stddef.h>

#include <rte_ethdev.h>
#include <rte_ring.h>

#include <weir/port/clock.h>
#include <weir/port/port.h>
#include <weir/source/source.h>

/* A source that polls a port of DPDK: all its receive queues. */

/* Room for one packet that came in several segments; longer than any of them. */
#define WEIR_ETHDEV_SLOT_BYTES 65536u

/* One receive queue; no two share a cache line. */
struct weir_ethdev_queue {
	/* hot: the polling worker's own */
	uint16_t port;
	uint16_t queue;
	uint16_t burst;          /* packets to ask for at once */
	bool has_depth;          /* it can count what waits */
	bool is_eventfd;         /* fd counts interrupts and has to be read */
	int fd;                  /* readable when packets may have come, or -1; the port's */
	int64_t looked_ns;       /* when the interface was last seen to be there */
	struct weir_clock clock; /* of the device, where it stamps packets */
	int64_t fed_ns;          /* when it was read last */
	uint64_t n_cut;          /* packets dropped for want of a slot. hot: wo, control: ro */
} __rte_cache_aligned;

struct weir_ethdev {
	struct weir_source base;
	struct weir_ethdev_queue queues[WEIR_PORT_QUEUES];
	struct weir_port_stamp stamp; /* what the port stamps packets with */
	/* Slots for packets in several segments; their views end with the release. Any worker. */
	uint8_t *side;
	size_t side_bytes;
	struct rte_ring *free_slots; /* any worker takes and gives back */
	atomic_bool has_side;        /* a slot was ever taken */
	/* control */
	struct weir_port *p; /* the port */
	unsigned n_workers;
	atomic_bool has_failed; /* the source's error is written, by the queue that found it */
};

/*
 * Open the port that the configuration names, as a source without name and description yet. Errors
 * are without the name. must_be_taken: through AF_XDP, or not at all.
 */
int weir_ethdev_open(const struct weir_source_config *c, bool must_be_taken,
    struct weir_ethdev **ret, struct weir_error *err);

enum weir_poll weir_ethdev_poll(
    struct weir_source *s, unsigned queue, struct weir_batch *b, uint32_t max, int64_t now_ns);
/* The same where the port has a guest. */
enum weir_poll weir_ethdev_poll_shared(
    struct weir_source *s, unsigned queue, struct weir_batch *b, uint32_t max, int64_t now_ns);
void weir_ethdev_release(struct weir_source *s, struct weir_batch *b);

/* Cold: read the queue's clock. Its worker's. */
void weir_ethdev_feed(struct weir_ethdev_queue *q, int64_t now_ns);

/* Cold: is the kernel's interface still there? OK, or ERROR with the source's error. */
enum weir_poll weir_ethdev_look(struct weir_ethdev *e);

#endif
