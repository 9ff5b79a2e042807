/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PORT_DEVICE_H
#define WEIR_PORT_DEVICE_H

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include <weir/packet/field.h>
#include <weir/port/port.h>

/*
 * One device of DPDK: plugged in, set up with as much as its driver takes, and started. Private to
 * lib/port.
 */

/* What the driver said of its spreading, after reading it back. */
enum weir_device_rss {
	WEIR_DEVICE_RSS_NONE,     /* the driver has none, or one queue needs none */
	WEIR_DEVICE_RSS_REFUSED,  /* it promises some and refuses to be configured so */
	WEIR_DEVICE_RSS_NO_KEY,   /* set, but the key cannot be read */
	WEIR_DEVICE_RSS_NO_TABLE, /* set, but the redirection table cannot be read */
	WEIR_DEVICE_RSS_BAD_TABLE,
	WEIR_DEVICE_RSS_VERIFIED, /* key and table are as they should be */
};

/* What is plugged in, and what for. */
struct weir_device_spec {
	const char *bus;     /* "vdev", "pci" */
	const char *name;    /* "net_null0", "0000:03:00.0" */
	const char *args;    /* "" where there are none */
	uint32_t data_bytes; /* room for packet bytes in a buffer */
	int numa_node;       /* of the device behind it, -1: the device's */
	/*
	 * Buffers must lie packed in one piece (they become the kernel's UMEM), and the interface
	 * stays as promiscuous as its host has it: the driver would not undo a change.
	 */
	bool is_af_xdp;
	const struct weir_port_config *use;
};

struct weir_device {
	uint16_t id;           /* DPDK's */
	uint16_t n_rxq, n_txq; /* queues */
	struct rte_mempool *pool;
	unsigned n_buffers;        /* in the pool; grows where the driver wants more */
	struct rte_eth_stats base; /* counters when it was opened */
	bool is_nombuf_lost;       /* false: the driver keeps the packet for the next poll */
	bool has_interrupts;       /* configured with them */
	bool has_multi_segs;       /* sends packets in several segments */
	uint16_t mtu;
	enum weir_device_rss rss;
	uint64_t rss_hf;   /* RTE_ETH_RSS_*, as read back */
	bool is_symmetric; /* the key is, as read back */
};

/*
 * Plug in and start. *ret_is_there is set as soon as there is a device that has to be removed, and
 * untouched where none is left. The error text lacks the place; what the drivers said is in
 * weir_eal_log_since.
 */
int weir_device_open(const struct weir_device_spec *spec, struct weir_device *d, bool *ret_is_there,
    struct weir_error *err);
void weir_device_remove(uint16_t id);
/* "4 receive queues of 2048 descriptors, 19000 packet buffers": what a device is asked for. */
void weir_device_plan(
    unsigned n_workers, unsigned n_queues, bool is_af_xdp, char *buf, size_t size);
/* A pool of packet buffers near a NUMA node, or anywhere. 0 or -errno. */
int weir_device_pool(const char *name, unsigned n, unsigned cache, uint32_t data_bytes,
    bool is_packed, int socket, struct rte_mempool **ret);
/* Of a pool's cache: a burst stays in it. */
unsigned weir_device_cache(unsigned n_workers);

/* rss.c: a key with which both directions of a flow have the same hash. */
void weir_device_rss_key(uint8_t *key, size_t len);
/* The hash fields that weir wants of those the driver offers; 0: it cannot spread. */
uint64_t weir_device_rss_wanted(const struct rte_eth_dev_info *info);
/* Read key and table of a started device back, mend what is wrong, and note what came of it. */
void weir_device_rss_verify(struct weir_device *d, const struct rte_eth_dev_info *info);
/* The packet fields behind RTE_ETH_RSS_*. */
struct weir_field_set weir_device_rss_fields(uint64_t hf);

#endif
