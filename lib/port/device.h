/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PORT_DEVICE_H
#define WEIR_PORT_DEVICE_H

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include <weir/packet/field.h>
#include <weir/port/port.h>
#include <weir/port/profile.h>

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
	 * A queue of a kernel interface: it stays as promiscuous as its host has it, for the driver
	 * would not undo a change, and where it lies is known.
	 */
	bool is_interface_queue;
	const struct weir_port_config *use;
	const char *options; /* what the port's name says behind its '?', or "" */
};

struct weir_device {
	uint16_t id;           /* DPDK's */
	uint16_t n_rxq, n_txq; /* queues */
	uint16_t n_tx;         /* descriptors of a transmit queue */
	struct weir_profile profile;
	struct rte_mempool *pool;
	unsigned n_buffers;        /* in the pool; grows where the driver wants more */
	struct rte_eth_stats base; /* counters when it was opened */
	bool has_interrupts;       /* configured with them */
	bool has_multi_segs;       /* sends packets in several segments */
	uint16_t mtu;
	enum weir_device_rss rss;
	uint64_t rss_hf;   /* RTE_ETH_RSS_*, as read back */
	bool is_symmetric; /* the key is, as read back */
	struct weir_port_stamp stamp;
};

/*
 * Plug in and start. *ret_is_there is set as soon as there is a device that has to be removed, and
 * untouched where none is left. The error text lacks the place; what the drivers said is in
 * weir_eal_log_since.
 */
int weir_device_open(const struct weir_device_spec *spec, struct weir_device *d, bool *ret_is_there,
    struct weir_error *err);
void weir_device_remove(uint16_t id);
/* Add its counters since it was opened, as its profile tells them apart. */
void weir_device_stats(const struct weir_device *d, struct weir_port_stats *add_to);
/* "4 receive queues of 2048 descriptors, 19000 packet buffers": what a device is asked for. */
void weir_device_plan(const struct weir_profile *profile, unsigned n_workers, unsigned n_queues,
    char *buf, size_t size);
/* A pool of packet buffers near a NUMA node, or anywhere. 0 or -errno. */
int weir_device_pool(const char *name, unsigned n, unsigned cache, uint32_t data_bytes,
    bool is_packed, int socket, struct rte_mempool **ret);
/* Of a pool's cache: a burst stays in it. */
unsigned weir_device_cache(unsigned n_workers);

/* stamp.c: does the profile want packets stamped, by this offload where the driver has it? */
uint64_t weir_device_stamp_offload(
    const struct rte_eth_dev_info *info, const struct weir_profile *profile);
/* Where a started device's stamps are and what they mean. has_offload: it is configured with it. */
void weir_device_stamp_find(struct weir_device *d, const char *name, bool has_offload);

/* rss.c: a key with which both directions of a flow have the same hash. */
void weir_device_rss_key(uint8_t *key, size_t len);
/* The hash fields that the profile wants of those the driver offers; 0: it cannot spread. */
uint64_t weir_device_rss_wanted(
    const struct rte_eth_dev_info *info, const struct weir_profile *profile);
/* The length of its key. */
size_t weir_device_rss_key_bytes(
    const struct rte_eth_dev_info *info, const struct weir_profile *profile);
/* Read key and table of a started device back, mend what is wrong, and note what came of it. */
void weir_device_rss_verify(struct weir_device *d, const struct rte_eth_dev_info *info);
/* The packet fields behind RTE_ETH_RSS_*. */
struct weir_field_set weir_device_rss_fields(uint64_t hf);

#endif
