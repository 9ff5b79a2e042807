/* SPDX-License-Identifier: BSD-3-Clause */
#include "ethdev.h"

#include <errno.h>
#include <net/if.h>
#include <rte_bus_vdev.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DESCRIPTORS 2048
#define CACHE       RTE_MEMPOOL_CACHE_MAX_SIZE /* a burst stays in it: the pool's ring costs more */
/* Jumbo frames where the port can; beyond this they are somebody's segmentation offload. */
#define WANTED_MTU 9216
/* Of the largest pool; 8 GB and more. */
#define MOST_BUFFERS (1u << 22)

/*
 * Buffers for all that can be out at once: both rings, AF_XDP's fill ring on top, what the caches
 * of two threads may hold (half as much again), and four bursts in flight.
 */
static unsigned
count_buffers(uint16_t n_rx, uint16_t n_tx)
{
	unsigned n = 2u * n_rx + n_tx + 2 * CACHE * 3 / 2 + 4 * WEIR_ROWS;
	unsigned pow2 = 1;

	while (pow2 <= n)
		pow2 <<= 1;
	return pow2 - 1; /* the ring of a pool holds one less than a power of two */
}

static int
pool_create(const char *name, unsigned n, const struct weir_ethdev_device *d, int socket,
    struct rte_mempool **ret)
{
	struct rte_pktmbuf_pool_private priv = {
		.mbuf_data_room_size = (uint16_t)(RTE_PKTMBUF_HEADROOM + d->data_bytes),
	};
	struct rte_mempool *p;
	int rc;

	/*
	 * AF_XDP takes the pool as one run of objects without gaps, but a pool of the usual kind
	 * never lets an object cross a page: the kernel would silently drop what lands beyond the
	 * run.
	 */
	p = rte_mempool_create_empty(name, n,
	    (unsigned)sizeof(struct rte_mbuf) + priv.mbuf_data_room_size, CACHE, sizeof(priv),
	    socket, d->is_af_xdp ? RTE_MEMPOOL_F_NO_IOVA_CONTIG | RTE_MEMPOOL_F_NO_SPREAD : 0);
	if (!p)
		return -rte_errno;
	rc = rte_mempool_set_ops_byname(p, rte_mbuf_best_mempool_ops(), NULL);
	if (!rc) {
		rte_pktmbuf_pool_init(p, &priv);
		rc = rte_mempool_populate_default(p);
		rc = rc < 0 ? rc : 0;
	}
	if (!rc && d->is_af_xdp && p->nb_mem_chunks != 1)
		rc = -ENOMEM;
	if (rc) {
		rte_mempool_free(p);
		return rc;
	}
	rte_mempool_obj_iter(p, rte_pktmbuf_init, NULL);
	*ret = p;
	return 0;
}

/* As much of the frame as the port, and without scattering one buffer, can take. */
static uint16_t
choose_mtu(const struct rte_eth_dev_info *info, const struct weir_ethdev_device *d, bool is_scatter)
{
	uint32_t mtu = info->max_mtu < WANTED_MTU ? info->max_mtu : WANTED_MTU;

	if (!is_scatter && mtu + RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN + 8 > d->data_bytes)
		mtu = d->data_bytes - RTE_ETHER_HDR_LEN - RTE_ETHER_CRC_LEN - 8;
	return (uint16_t)(mtu < RTE_ETHER_MTU ? RTE_ETHER_MTU : mtu);
}

/*
 * The receive queue and the pool of p->n_buffers it takes from. -ENOBUFS where the driver refuses
 * the queue: some want more buffers than descriptors tell (net_pcap with infinite_rx keeps a whole
 * file in them).
 */
static int
set_up_receive(uint16_t port, const struct weir_ethdev_device *d, uint16_t n_rx, unsigned least,
    struct weir_ethdev_port *p, struct weir_error *err)
{
	unsigned socket = (unsigned)rte_eth_dev_socket_id(port);
	char name[RTE_MEMPOOL_NAMESIZE];
	int rc;

	if (p->n_buffers < least)
		p->n_buffers = least;
	snprintf(name, sizeof(name), "weir_port%u", port);
	rc = p->pool ? 0 : pool_create(name, p->n_buffers, d, (int)socket, &p->pool);
	if (rc)
		return weir_error_run(err, rc,
		    "no memory for %u packet buffers of %u bytes (more hugepages: 'sudo sysctl "
		    "vm.nr_hugepages=512', or more plain memory: '-- --no-huge -m 4096')",
		    p->n_buffers, d->data_bytes);
	rc = rte_eth_rx_queue_setup(port, 0, n_rx, socket, NULL, p->pool);
	return rc ? weir_error_run(err, rc == -EINVAL && !d->is_af_xdp ? -ENOBUFS : rc,
			"its receive queue cannot be set up with %u packet buffers", p->n_buffers)
		  : 0;
}

static int
set_up_queues(uint16_t port, const struct weir_ethdev_device *d, uint16_t mtu,
    const struct rte_eth_dev_info *info, struct weir_ethdev_port *p, struct weir_error *err)
{
	bool is_scatter = info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	struct rte_eth_conf conf = { .rxmode = { .mtu = mtu } };
	uint16_t n_rx = DESCRIPTORS, n_tx = 512;
	/* some drivers insist on a transmit queue beside the receive queue */
	uint16_t n_txq = info->max_tx_queues ? 1 : 0;
	int socket = rte_eth_dev_socket_id(port);
	int rc;

	if (is_scatter && mtu > RTE_ETHER_MTU)
		conf.rxmode.offloads = RTE_ETH_RX_OFFLOAD_SCATTER;
	rc = rte_eth_dev_configure(port, 1, n_txq, &conf);
	if (!rc)
		rc = rte_eth_dev_adjust_nb_rx_tx_desc(port, &n_rx, &n_tx);
	if (rc)
		return weir_error_run(err, rc, "the port cannot be configured");
	rc = set_up_receive(port, d, n_rx, count_buffers(n_rx, n_tx), p, err);
	if (rc)
		return rc;
	if (n_txq)
		rc = rte_eth_tx_queue_setup(port, 0, n_tx, (unsigned)socket, NULL);
	return rc ? weir_error_run(err, rc, "its transmit queue cannot be set up") : 0;
}

static int
start_port(uint16_t port, struct weir_error *err)
{
	int rc = rte_eth_dev_start(port);

	return rc ? weir_error_run(err, rc, "the port cannot be started") : 0;
}

static int
start(uint16_t port, const struct weir_ethdev_device *d, struct weir_ethdev_port *p,
    struct weir_error *err)
{
	struct rte_eth_dev_info info;
	uint16_t mtu;
	int rc = rte_eth_dev_info_get(port, &info);

	if (rc)
		return weir_error_run(err, rc, "the port does not tell what it can do");
	mtu = choose_mtu(&info, d, info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER);
	rc = set_up_queues(port, d, mtu, &info, p, err);
	rc = rc ? rc : start_port(port, err);
	if (rc && rc != -ENOBUFS && mtu > RTE_ETHER_MTU && p->pool && !d->is_af_xdp) {
		/* not every driver that promises jumbo frames keeps it */
		rc = set_up_queues(port, d, RTE_ETHER_MTU, &info, p, err);
		rc = rc ? rc : start_port(port, err);
	}
	if (rc)
		return rc;
	/* a virtual port that knows no promiscuous mode receives all there is anyway */
	rc = d->is_af_xdp ? 0 : rte_eth_promiscuous_enable(port);
	if (rc && rc != -ENOTSUP)
		return weir_error_run(err, rc, "the port cannot be made promiscuous");
	return 0;
}

/* Mark a port as polled by a source; fails where it is one's already. */
static int
own(uint16_t port)
{
	struct rte_eth_dev_owner owner = { .name = "weir" };
	int rc = rte_eth_dev_owner_new(&owner.id);

	return rc ? rc : rte_eth_dev_owner_set(port, &owner);
}

static void
remove_port(uint16_t port)
{
	struct rte_eth_dev_info info;
	struct rte_device *device = NULL;

	if (rte_eth_dev_info_get(port, &info) == 0)
		device = info.device;
	rte_eth_dev_stop(port);
	rte_eth_dev_close(port);
	if (device)
		rte_dev_remove(device);
}

static int
plug_in(const struct weir_ethdev_device *d, struct weir_ethdev_port *p, uint16_t *ret_port,
    struct weir_error *err)
{
	int rc = rte_eal_hotplug_add(d->bus, d->name, d->args);

	if (rc || rte_eth_dev_get_port_by_name(d->name, ret_port) != 0)
		return weir_error_run(err, rc ? rc : -ENODEV, "the device cannot be opened");
	/* EAL says nothing where the device was there before: a second source would poll the same
	 * port */
	if (own(*ret_port))
		return weir_error_run(err, -EEXIST, "the device is open already");
	rc = start(*ret_port, d, p, err);
	if (rc == -ENOBUFS) {
		remove_port(*ret_port);
		rte_mempool_free(p->pool);
		p->pool = NULL;
	}
	return rc;
}

int
weir_ethdev_add(struct weir_ethdev *e, const struct weir_ethdev_device *d, struct weir_error *err)
{
	struct weir_ethdev_port *p = &e->ports[e->n_ports];
	uint16_t port;
	int rc;

	if (e->n_ports == WEIR_ETHDEV_PORTS)
		return weir_error_run(
		    err, -ENOSPC, "more than %u ports in one source", WEIR_ETHDEV_PORTS);
	/* A device that wants more buffers is opened anew: the refusal may have used up its file.
	 */
	for (;;) {
		port = RTE_MAX_ETHPORTS;
		rc = plug_in(d, p, &port, err);
		if (rc != -ENOBUFS || p->n_buffers >= MOST_BUFFERS)
			break;
		p->n_buffers = 2 * p->n_buffers + 1;
	}
	if (rc == -ENOBUFS || rc == -EEXIST || port == RTE_MAX_ETHPORTS)
		return rc; /* gone again, somebody else's, or never there */
	e->port_ids[e->n_ports++] = port;
	if (rc)
		return rc; /* close removes it */
	p->is_nombuf_lost = !d->is_af_xdp;
	e->has_depth = (e->n_ports == 1 || e->has_depth) && rte_eth_rx_queue_count(port, 0) >= 0;
	rte_eth_stats_get(port, &p->base);
	return 0;
}

static void
ethdev_stats(struct weir_source *s, struct weir_source_stats *ret)
{
	const struct weir_ethdev *e = (const struct weir_ethdev *)s;

	memset(ret, 0, sizeof(*ret));
	for (uint16_t i = 0; i < e->n_ports; i++) {
		const struct weir_ethdev_port *p = &e->ports[i];
		struct rte_eth_stats now;

		if (rte_eth_stats_get(e->port_ids[i], &now) != 0)
			continue;
		ret->lost_nic += now.imissed - p->base.imissed + now.ierrors - p->base.ierrors;
		if (p->is_nombuf_lost)
			ret->lost_no_buffer += now.rx_nombuf - p->base.rx_nombuf;
	}
	if (e->extra_lost)
		ret->lost_nic += e->extra_lost(e) - e->extra_lost_base;
}

void
weir_ethdev_close(struct weir_source *s)
{
	struct weir_ethdev *e = (struct weir_ethdev *)s;

	for (uint16_t i = 0; i < e->n_ports; i++) {
		remove_port(e->port_ids[i]);
		rte_mempool_free(e->ports[i].pool);
	}
	if (e->promiscuous_fd >= 0)
		close(e->promiscuous_fd);
	free(e->side);
	free(s->name);
	free(s->description);
	free(e);
}

static const struct weir_source_ops ethdev_ops = {
	.kind = "port",
	.poll = weir_ethdev_poll,
	.release = weir_ethdev_release,
	.stats = ethdev_stats,
	.close = weir_ethdev_close,
};

struct weir_ethdev *
weir_ethdev_create(uint16_t interface)
{
	struct weir_ethdev *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	/* pages that no packet in several segments touches cost nothing */
	e->side = malloc((size_t)WEIR_ROWS * WEIR_ETHDEV_SLOT_BYTES);
	if (!e->side) {
		free(e);
		return NULL;
	}
	e->base.ops = &ethdev_ops;
	e->base.is_live = true;
	e->base.needs_eal = true;
	e->base.first_interface = interface;
	e->base.n_interfaces = 1;
	e->promiscuous_fd = -1;
	return e;
}

enum weir_poll
weir_ethdev_look(struct weir_ethdev *e)
{
	if (if_nametoindex(e->interface))
		return WEIR_POLL_OK;
	weir_error_run(&e->base.error, -ENODEV, "-i '%s': the interface disappeared", e->base.name);
	return WEIR_POLL_ERROR;
}
