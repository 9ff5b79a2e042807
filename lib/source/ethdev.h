/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_ETHDEV_H
#define WEIR_SOURCE_ETHDEV_H

#include <stdatomic.h>
#include <stddef.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include <weir/source/source.h>

/*
 * A source that polls DPDK ports: one with all its receive queues, or one for each queue of an
 * interface taken through AF_XDP. Its queues are pairs of port and receive queue.
 */

#define WEIR_ETHDEV_PORTS  16
#define WEIR_ETHDEV_QUEUES 64
/* Room for one packet that came in several segments; longer than any of them. */
#define WEIR_ETHDEV_SLOT_BYTES 65536u

/* What the driver said of its spreading, after reading it back. */
enum weir_ethdev_rss {
	WEIR_ETHDEV_RSS_NONE,     /* the driver has none, or one queue needs none */
	WEIR_ETHDEV_RSS_REFUSED,  /* it promises some and refuses to be configured so */
	WEIR_ETHDEV_RSS_NO_KEY,   /* set, but the key cannot be read */
	WEIR_ETHDEV_RSS_NO_TABLE, /* set, but the redirection table cannot be read */
	WEIR_ETHDEV_RSS_BAD_TABLE,
	WEIR_ETHDEV_RSS_VERIFIED, /* key and table are as they should be */
};

struct weir_ethdev_port {
	uint16_t id;
	uint16_t n_queues; /* receive queues */
	struct rte_mempool *pool;
	unsigned n_buffers;        /* in the pool; grows where the driver wants more */
	struct rte_eth_stats base; /* counters when the source was opened */
	bool is_nombuf_lost;       /* false: the driver keeps the packet for the next poll */
	bool has_interrupts;       /* configured with them */
	enum weir_ethdev_rss rss;
	uint64_t rss_hf;   /* RTE_ETH_RSS_*, as read back */
	bool is_symmetric; /* the key is, as read back */
};

/* One receive queue; no two share a cache line. */
struct weir_ethdev_queue {
	/* hot: the polling worker's own */
	uint16_t port;
	uint16_t queue;
	bool has_depth;    /* it can count what waits */
	bool is_eventfd;   /* fd counts interrupts and has to be read */
	int fd;            /* readable when packets may have come, or -1 */
	int64_t looked_ns; /* when the interface was last seen to be there */
	uint64_t n_cut;    /* packets dropped for want of a slot. hot: wo, control: ro */
} __rte_cache_aligned;

struct weir_ethdev {
	struct weir_source base;
	struct weir_ethdev_queue queues[WEIR_ETHDEV_QUEUES];
	/* Slots for packets in several segments; their views end with the release. Any worker. */
	uint8_t *side;
	size_t side_bytes;
	struct rte_ring *free_slots; /* any worker takes and gives back */
	atomic_bool has_side;        /* a slot was ever taken */
	/* control */
	uint16_t n_ports;
	unsigned n_workers;
	bool wants_interrupts;
	struct weir_ethdev_port ports[WEIR_ETHDEV_PORTS];
	uint64_t (*extra_lost)(const struct weir_ethdev *e); /* counted outside of DPDK, or NULL */
	char interface[32];                                  /* of the kernel, where there is one */
	uint64_t extra_lost_base;
	int promiscuous_fd;     /* keeps the kernel's interface promiscuous, or -1 */
	atomic_bool has_failed; /* the source's error is written, by the queue that found it */
};

struct weir_ethdev_device {
	const char *bus;     /* "vdev", "pci" */
	const char *name;    /* "net_null0", "0000:03:00.0" */
	const char *args;    /* "" where there are none */
	uint32_t data_bytes; /* room for packet bytes in a buffer */
	int numa_node;       /* of the device behind it, -1: the port's */
	/*
	 * Buffers must lie packed in one piece (they become the kernel's UMEM), and the interface
	 * stays as promiscuous as its host has it: the driver would not undo a change.
	 */
	bool is_af_xdp;
};

/* A source without ports yet. NULL when out of memory. */
struct weir_ethdev *weir_ethdev_create(const struct weir_source_config *c);
/*
 * Plug a device in, set its port up and start it; its queues become the source's next ones. The
 * error text lacks the place: the caller wraps it. What the drivers said is in weir_eal_log_since.
 */
int weir_ethdev_add(
    struct weir_ethdev *e, const struct weir_ethdev_device *d, struct weir_error *err);
/* Stop and unplug all ports and free. Any state of setting up. */
void weir_ethdev_close(struct weir_source *s);
/* "4 receive queues, RSS by ip.src, ip.dst (symmetric)"; "" where there is nothing to say. */
void weir_ethdev_describe(const struct weir_ethdev *e, char *buf, size_t size);

/*
 * ethdev_port.c: plug the device in, choose its number of queues, set it up and start it. *ret_id
 * is set as soon as there is a port that has to be removed, and untouched where none is left.
 */
int weir_ethdev_port_open(const struct weir_ethdev *e, const struct weir_ethdev_device *d,
    struct weir_ethdev_port *p, uint16_t *ret_id, struct weir_error *err);
void weir_ethdev_port_remove(uint16_t port);
/* "4 receive queues of 2048 descriptors, 19000 packet buffers": what a port is asked for. */
void weir_ethdev_port_plan(
    unsigned n_workers, unsigned n_queues, bool is_af_xdp, char *buf, size_t size);

/* ethdev_rss.c: a key with which both directions of a flow have the same hash. */
void weir_ethdev_rss_key(uint8_t *key, size_t len);
/* The hash fields that weir wants of those the driver offers; 0: it cannot spread. */
uint64_t weir_ethdev_rss_wanted(const struct rte_eth_dev_info *info);
/* Read key and table of a started port back, mend what is wrong, and note what came of it. */
void weir_ethdev_rss_verify(struct weir_ethdev_port *p, const struct rte_eth_dev_info *info);
/* The packet fields behind RTE_ETH_RSS_*. */
struct weir_field_set weir_ethdev_rss_fields(uint64_t hf);

enum weir_poll weir_ethdev_poll(
    struct weir_source *s, unsigned queue, struct weir_batch *b, uint32_t max, int64_t now_ns);
void weir_ethdev_release(struct weir_source *s, struct weir_batch *b);

/* Cold: is the kernel's interface still there? OK, or ERROR with the source's error. */
enum weir_poll weir_ethdev_look(struct weir_ethdev *e);

#endif
