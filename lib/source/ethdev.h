/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_ETHDEV_H
#define WEIR_SOURCE_ETHDEV_H

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include <weir/source/source.h>

/* A source that polls DPDK ports: one, or one for each queue of an interface taken through AF_XDP.
 */

#define WEIR_ETHDEV_PORTS 16
/* Room for one packet that came in several segments; longer than any of them. */
#define WEIR_ETHDEV_SLOT_BYTES 65536u

struct weir_ethdev_port {
	struct rte_mempool *pool;
	unsigned n_buffers;        /* in the pool; grows where the driver wants more */
	struct rte_eth_stats base; /* counters when the source was opened */
	bool is_nombuf_lost;       /* false: the driver keeps the packet for the next poll */
};

struct weir_ethdev {
	struct weir_source base;
	/* hot: the polling worker's own */
	uint16_t n_ports;
	uint16_t next;  /* where the next poll begins, so that no port starves */
	bool has_depth; /* every port can count what waits */
	uint16_t port_ids[WEIR_ETHDEV_PORTS];
	int64_t looked_ns; /* when the interface was last seen to be there */
	uint8_t *side;     /* [WEIR_ROWS][WEIR_ETHDEV_SLOT_BYTES] */
	/* control */
	struct weir_ethdev_port ports[WEIR_ETHDEV_PORTS];
	uint64_t (*extra_lost)(const struct weir_ethdev *e); /* counted outside of DPDK, or NULL */
	char interface[32];                                  /* of the kernel, where there is one */
	uint64_t extra_lost_base;
	int promiscuous_fd; /* keeps the kernel's interface promiscuous, or -1 */
};

struct weir_ethdev_device {
	const char *bus;     /* "vdev", "pci" */
	const char *name;    /* "net_null0", "0000:03:00.0" */
	const char *args;    /* "" where there are none */
	uint32_t data_bytes; /* room for packet bytes in a buffer */
	/*
	 * Buffers must lie packed in one piece (they become the kernel's UMEM), and the interface
	 * stays as promiscuous as its host has it: the driver would not undo a change.
	 */
	bool is_af_xdp;
};

/* A source without ports yet. NULL when out of memory. */
struct weir_ethdev *weir_ethdev_create(uint16_t interface);
/*
 * Plug a device in, set its port up and start it. The error text lacks the place: the caller wraps
 * it. What the drivers said is in weir_eal_log_since.
 */
int weir_ethdev_add(
    struct weir_ethdev *e, const struct weir_ethdev_device *d, struct weir_error *err);
/* Stop and unplug all ports and free. Any state of setting up. */
void weir_ethdev_close(struct weir_source *s);

enum weir_poll weir_ethdev_poll(
    struct weir_source *s, unsigned queue, struct weir_batch *b, uint32_t max, int64_t now_ns);
void weir_ethdev_release(struct weir_source *s, struct weir_batch *b);

/* Cold: is the kernel's interface still there? OK, or ERROR with the source's error. */
enum weir_poll weir_ethdev_look(struct weir_ethdev *e);

#endif
