/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <rte_bus_vdev.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <stdio.h>
#include <string.h>

#include <weir/base/log.h>
#include <weir/packet/batch.h>
#include <weir/port/name.h>

#include "device.h"
#include "eal_log.h"

/* Many queues get fewer descriptors each than the profile says, but not fewer than these. */
#define DESCRIPTORS_LEAST 512
/* Of the largest pool; 8 GB and more. */
#define MOST_BUFFERS (1u << 22)
/* A device without RSS gets its packets by each of the queues that its arguments name. */
#define MOST_NAMED_QUEUES 64

/* How a port is set up. */
struct setup {
	struct rte_eth_dev_info info;
	const struct weir_profile *profile;
	const struct weir_device_spec *d;
	struct weir_port_config use;
	uint16_t n_rxq, n_txq;
	uint16_t n_rx, n_tx; /* descriptors of a queue */
	uint16_t mtu;
	uint64_t rss_hf;     /* 0: no RSS */
	bool has_key;        /* with weir's own key */
	bool has_interrupts; /* of receive queues */
	bool has_stamps;     /* with the offload that stamps packets */
	bool is_set_up;      /* all that is left is to start it */
};

/* A burst stays in the cache, for the pool's ring costs more; many workers would keep too much. */
unsigned
weir_device_cache(unsigned n_workers)
{
	return n_workers <= 4 ? RTE_MEMPOOL_CACHE_MAX_SIZE : RTE_MEMPOOL_CACHE_MAX_SIZE / 2;
}

/*
 * What can be out besides the rings: what the caches of the workers and of the control thread may
 * hold (half as much again as their size), and two bursts in flight for each.
 */
static unsigned
count_in_flight(unsigned n_workers)
{
	return (n_workers + 1) * (weir_device_cache(n_workers) * 3 / 2 + 2 * WEIR_ROWS);
}

/* Buffers for all that can be out at once. */
static unsigned
count_buffers(const struct setup *u)
{
	return u->n_rxq * u->n_rx * u->profile->buffers_per_descriptor + u->n_txq * u->n_tx +
	       u->use.n_held + count_in_flight(u->use.n_workers);
}

int
weir_device_pool(const char *name, unsigned n, unsigned cache, uint32_t data_bytes, bool is_packed,
    int socket, struct rte_mempool **ret)
{
	struct rte_pktmbuf_pool_private priv = {
		.mbuf_data_room_size = (uint16_t)(RTE_PKTMBUF_HEADROOM + data_bytes),
	};
	struct rte_mempool *p;
	int rc;

	/*
	 * AF_XDP takes the pool as one run of objects without gaps, but a pool of the usual kind
	 * never lets an object cross a page: the kernel would silently drop what lands beyond the
	 * run.
	 */
	p = rte_mempool_create_empty(name, n,
	    (unsigned)sizeof(struct rte_mbuf) + priv.mbuf_data_room_size, cache, sizeof(priv),
	    socket, is_packed ? RTE_MEMPOOL_F_NO_IOVA_CONTIG | RTE_MEMPOOL_F_NO_SPREAD : 0);
	if (!p)
		return -rte_errno;
	rc = rte_mempool_set_ops_byname(p, rte_mbuf_best_mempool_ops(), NULL);
	if (!rc) {
		rte_pktmbuf_pool_init(p, &priv);
		rc = rte_mempool_populate_default(p);
		rc = rc < 0 ? rc : 0;
	}
	if (!rc && is_packed && p->nb_mem_chunks != 1)
		rc = -ENOMEM;
	if (rc) {
		rte_mempool_free(p);
		return rc;
	}
	rte_mempool_obj_iter(p, rte_pktmbuf_init, NULL);
	*ret = p;
	return 0;
}

static int
pool_create(
    const char *name, unsigned n, const struct setup *u, int socket, struct rte_mempool **ret)
{
	return weir_device_pool(name, n, weir_device_cache(u->use.n_workers), u->d->data_bytes,
	    u->profile->packed_buffers, socket, ret);
}

/* The pool on the port's NUMA node, or where there is no memory, on any. */
static int
create_pool_near(
    uint16_t port, const struct setup *u, struct weir_device *p, struct weir_error *err)
{
	int socket = u->d->numa_node >= 0 ? u->d->numa_node : rte_eth_dev_socket_id(port);
	char name[RTE_MEMPOOL_NAMESIZE];
	int rc;

	/* the pool of a device that had this number may be there still */
	for (unsigned i = 0; i == 0 || rte_mempool_lookup(name); i++)
		snprintf(name, sizeof(name), "weir_port%u_%u", port, i);
	rc = pool_create(name, p->n_buffers, u, socket, &p->pool);
	if (rc && socket >= 0 && pool_create(name, p->n_buffers, u, SOCKET_ID_ANY, &p->pool) == 0) {
		weir_log(WEIR_LOG_WARNING,
		    "%s: its packet buffers are not on its NUMA node %d, where no hugepages are "
		    "free: 'echo 512 | sudo tee "
		    "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB/nr_hugepages'",
		    u->d->name, socket, socket);
		return 0;
	}
	return rc ? weir_error_run(err, rc,
			"no memory for %u packet buffers of %u bytes (more hugepages: 'sudo sysctl "
			"vm.nr_hugepages=512', or more plain memory: '-- --no-huge -m 4096')",
			p->n_buffers, u->d->data_bytes)
		  : 0;
}

/* The offloads of a side that are used: what the profile asks for and the driver has. */
static uint64_t
choose_offloads(const struct weir_profile *p, enum weir_profile_key key, uint64_t asked,
    uint64_t avoid, uint64_t capa)
{
	bool is_asked = p->origin[key] == WEIR_PROFILE_COMMAND_LINE;

	return asked & capa & (is_asked ? UINT64_MAX : ~avoid);
}

static uint64_t
rx_offloads(const struct setup *u)
{
	return choose_offloads(u->profile, WEIR_PROFILE_receive_offloads,
	    u->profile->receive_offloads, u->profile->receive_avoid, u->info.rx_offload_capa);
}

static uint64_t
tx_offloads(const struct setup *u)
{
	return choose_offloads(u->profile, WEIR_PROFILE_send_offloads, u->profile->send_offloads,
	    u->profile->send_avoid, u->info.tx_offload_capa);
}

/*
 * As much of the frame as the port, and without scattering one buffer, can take. Few drivers take
 * less than Ethernet's own.
 */
static uint16_t
choose_mtu(const struct setup *u)
{
	uint32_t mtu = RTE_MIN((uint32_t)u->info.max_mtu, u->profile->mtu);
	uint32_t usual = RTE_MIN(mtu, (uint32_t)RTE_ETHER_MTU);
	uint32_t room = u->d->data_bytes - RTE_ETHER_HDR_LEN - RTE_ETHER_CRC_LEN - 8;

	if (!(rx_offloads(u) & RTE_ETH_RX_OFFLOAD_SCATTER))
		mtu = RTE_MIN(mtu, room);
	return (uint16_t)RTE_MAX(mtu, usual);
}

/*
 * One queue a worker where the driver can spread over them, and one where nobody wants that. Where
 * it cannot, a few queues were asked for by the device's arguments (rx_pcap= twice ...) and all of
 * them have to be polled; of many one will do.
 */
static uint16_t
choose_queues(const struct setup *u)
{
	unsigned most = RTE_MIN((unsigned)u->info.max_rx_queues, u->profile->queues);

	if (u->info.flow_type_rss_offloads && !u->profile->rss_fields)
		return 1;
	if (weir_device_rss_wanted(&u->info, u->profile))
		return (uint16_t)(u->use.n_workers < most ? u->use.n_workers : most);
	return (uint16_t)(u->info.max_rx_queues <= MOST_NAMED_QUEUES && most ? most : 1);
}

static uint16_t
choose_descriptors(const struct weir_profile *p, uint16_t n_queues)
{
	unsigned n = p->descriptors;

	/* who asks for so many of a queue gets them */
	if (p->origin[WEIR_PROFILE_descriptors] == WEIR_PROFILE_COMMAND_LINE)
		return (uint16_t)n;
	while (n > DESCRIPTORS_LEAST && n * n_queues > p->port_descriptors)
		n = RTE_MAX(n / 2, (unsigned)DESCRIPTORS_LEAST);
	return (uint16_t)n;
}

static void
describe(const struct setup *u, unsigned n_buffers, char *buf, size_t size)
{
	snprintf(buf, size, "%u receive queue%s of %u descriptors, %u packet buffers", u->n_rxq,
	    u->n_rxq == 1 ? "" : "s", u->n_rx, n_buffers);
}

void
weir_device_plan(const struct weir_profile *profile, unsigned n_workers, unsigned n_queues,
    char *buf, size_t size)
{
	struct setup u = { .profile = profile,
		.use = { .n_workers = n_workers ? n_workers : 1 },
		.n_rxq = (uint16_t)RTE_MIN(RTE_MAX(n_queues, 1u), profile->queues),
		.n_txq = 1,
		.n_tx = (uint16_t)profile->send_descriptors };

	u.n_rx = choose_descriptors(profile, u.n_rxq);
	describe(&u, count_buffers(&u), buf, size);
}

/* May the device want more buffers than its descriptors tell? No NIC does. */
static bool
wants_pool(const struct setup *u)
{
	/* of a device that nothing is known of, anything can be */
	return u->profile->hidden_buffers ||
	       (!u->profile->name[0] && strcmp(u->d->bus, "vdev") == 0);
}

/*
 * The receive queues and the pool they take from. -ENOBUFS where the driver refuses a queue: some
 * want more buffers than descriptors tell (net_pcap with infinite_rx keeps a whole file of each
 * queue in them, and leaves none to receive with).
 */
static int
set_up_receive(uint16_t port, const struct setup *u, struct weir_device *p, struct weir_error *err)
{
	unsigned socket = (unsigned)rte_eth_dev_socket_id(port);
	int rc;

	if (p->n_buffers < count_buffers(u))
		p->n_buffers = count_buffers(u);
	rc = p->pool ? 0 : create_pool_near(port, u, p, err);
	if (rc)
		return rc;
	for (uint16_t q = 0; q < u->n_rxq && !rc; q++)
		rc = rte_eth_rx_queue_setup(port, q, u->n_rx, socket, NULL, p->pool);
	if (rc)
		return weir_error_run(err, rc == -EINVAL && wants_pool(u) ? -ENOBUFS : rc,
		    "its receive queue cannot be set up with %u packet buffers", p->n_buffers);
	if (wants_pool(u) && rte_mempool_avail_count(p->pool) < count_in_flight(u->use.n_workers))
		return weir_error_run(err, -ENOBUFS,
		    "its receive queues leave too few of %u packet buffers", p->n_buffers);
	return 0;
}

static int
configure(uint16_t port, const struct setup *u)
{
	struct rte_eth_conf conf = { .rxmode = { .mtu = u->mtu } };
	size_t len = weir_device_rss_key_bytes(&u->info, u->profile);
	uint8_t key[UINT8_MAX];

	conf.rxmode.offloads = rx_offloads(u);
	if (u->mtu <= RTE_ETHER_MTU)
		conf.rxmode.offloads &= ~(uint64_t)RTE_ETH_RX_OFFLOAD_SCATTER;
	conf.rxmode.offloads &= ~(uint64_t)RTE_ETH_RX_OFFLOAD_TIMESTAMP;
	if (u->has_stamps)
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_TIMESTAMP;
	if (u->use.n_senders)
		conf.txmode.offloads = tx_offloads(u);
	conf.intr_conf.rxq = u->has_interrupts;
	if (u->rss_hf) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = u->rss_hf;
	}
	if (u->rss_hf && u->has_key) {
		weir_device_rss_key(key, len);
		conf.rx_adv_conf.rss_conf.rss_key = key;
		conf.rx_adv_conf.rss_conf.rss_key_len = (uint8_t)len;
	}
	return rte_eth_dev_configure(port, u->n_rxq, u->n_txq, &conf);
}

static int
set_up(uint16_t port, struct setup *u, struct weir_device *p, struct weir_error *err)
{
	int socket = rte_eth_dev_socket_id(port);
	char said[256];
	int rc;

	weir_eal_log_mark();
	rc = configure(port, u);
	if (!rc)
		rc = rte_eth_dev_adjust_nb_rx_tx_desc(port, &u->n_rx, &u->n_tx);
	if (rc) {
		weir_eal_log_first(said, sizeof(said));
		return weir_error_run(
		    err, rc, "the port cannot be configured%s%s", said[0] ? ": " : "", said);
	}
	rc = set_up_receive(port, u, p, err);
	for (uint16_t q = 0; q < u->n_txq && !rc; q++) {
		rc = rte_eth_tx_queue_setup(port, q, u->n_tx, (unsigned)socket, NULL);
		if (rc)
			weir_error_run(err, rc, "its transmit queue cannot be set up");
	}
	if (rc)
		return rc;
	u->is_set_up = true;
	weir_eal_log_mark();
	rc = rte_eth_dev_start(port);
	if (!rc)
		return 0;
	weir_eal_log_first(said, sizeof(said));
	return weir_error_run(err, rc, "the port cannot be started%s%s", said[0] ? ": " : "", said);
}

/* What can be given up where a driver refuses: each its own bit, the least loss first. */
enum {
	GIVE_STAMPS = 1,
	GIVE_TX_QUEUES = 2, /* as many of both kinds: some want it so */
	GIVE_SENDERS = 4,   /* one transmit queue, by which senders take turns */
	GIVE_INTERRUPTS = 8,
	GIVE_JUMBO = 16, /* not every driver that promises jumbo frames keeps it */
	GIVE_KEY = 32,
	GIVE_RSS = 64,
	GIVE_ALL = 127,
};

/* The setup without what bits name. False where that is not in it. */
static bool
give_up(struct setup *u, unsigned bits)
{
	uint16_t n_txq = bits & GIVE_TX_QUEUES ? u->n_rxq : u->n_txq;

	if ((bits & GIVE_STAMPS && !u->has_stamps) ||
	    (bits & GIVE_TX_QUEUES && (n_txq == u->n_txq || n_txq > u->info.max_tx_queues)) ||
	    (bits & GIVE_SENDERS && (bits & GIVE_TX_QUEUES || u->n_txq < 2)) ||
	    (bits & GIVE_INTERRUPTS && !u->has_interrupts) ||
	    /* packed buffers were made for the interface's packets */
	    (bits & GIVE_JUMBO && (u->mtu <= RTE_ETHER_MTU || u->profile->packed_buffers)) ||
	    (bits & (GIVE_KEY | GIVE_RSS) && !u->rss_hf) ||
	    (bits & GIVE_RSS && bits & (GIVE_KEY | GIVE_TX_QUEUES)))
		return false;
	u->n_txq = bits & GIVE_SENDERS ? 1 : n_txq;
	if (bits & GIVE_STAMPS)
		u->has_stamps = false;
	if (bits & GIVE_INTERRUPTS)
		u->has_interrupts = false;
	if (bits & GIVE_JUMBO)
		u->mtu = RTE_ETHER_MTU;
	if (bits & GIVE_KEY)
		u->has_key = false;
	if (bits & GIVE_RSS) {
		u->rss_hf = 0;
		u->n_rxq = 1;
	}
	return true;
}

/* Set up with as much of *u as the driver takes; *u is then what it took. */
static int
set_up_most(uint16_t port, struct setup *u, struct weir_device *p, struct weir_error *err)
{
	const struct setup full = *u;
	struct weir_error later;
	bool was_set_up = false;
	int rc = -EINVAL;

	for (unsigned bits = 0; bits <= GIVE_ALL; bits++) {
		*u = full;
		if (!give_up(u, bits))
			continue;
		u->n_rx = choose_descriptors(u->profile, u->n_rxq);
		/* the first refusal says most, unless another attempt gets further */
		rc = set_up(port, u, p, bits ? &later : err);
		if (bits && (rc == -ENOBUFS || rc == -ENOMEM || (u->is_set_up && !was_set_up)))
			*err = later;
		was_set_up |= u->is_set_up;
		if (!rc || rc == -ENOBUFS || rc == -ENOMEM)
			break;
	}
	return rc;
}

/* What the command line asked for in vain. */
static void
warn_of_refused(const struct setup *u)
{
	const struct {
		enum weir_profile_key key;
		unsigned asked, got;
	} numbers[] = {
		{ WEIR_PROFILE_descriptors, u->profile->descriptors, u->n_rx },
		{ WEIR_PROFILE_send_descriptors, u->profile->send_descriptors, u->n_tx },
		{ WEIR_PROFILE_mtu, u->profile->mtu, u->mtu },
	};
	uint64_t rx = u->profile->receive_offloads & ~u->info.rx_offload_capa;
	uint64_t tx = u->profile->send_offloads & ~u->info.tx_offload_capa;

	for (unsigned i = 0; i < RTE_DIM(numbers); i++)
		if (u->profile->origin[numbers[i].key] == WEIR_PROFILE_COMMAND_LINE &&
		    numbers[i].asked != numbers[i].got)
			weir_log(WEIR_LOG_WARNING, "%s: %s=%u as asked is not to be had: %u",
			    u->d->name, weir_profile_keys[numbers[i].key].name, numbers[i].asked,
			    numbers[i].got);
	if ((rx &&
		u->profile->origin[WEIR_PROFILE_receive_offloads] == WEIR_PROFILE_COMMAND_LINE) ||
	    (tx && u->profile->origin[WEIR_PROFILE_send_offloads] == WEIR_PROFILE_COMMAND_LINE))
		weir_log(WEIR_LOG_WARNING, "%s: the driver has not all of the offloads asked for",
		    u->d->name);
}

static void
note(uint16_t port, const struct setup *u, struct weir_device *p)
{
	char sizes[128];

	warn_of_refused(u);
	describe(u, p->n_buffers, sizes, sizeof(sizes));
	weir_log(WEIR_LOG_INFO, "%s: %s, MTU %u%s", u->d->name, sizes, u->mtu,
	    u->has_interrupts ? ", receive interrupts" : "");
	p->id = port;
	p->n_rxq = u->n_rxq;
	p->n_txq = u->n_txq;
	p->n_tx = u->n_tx;
	p->mtu = u->mtu;
	p->has_multi_segs = tx_offloads(u) & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	p->has_interrupts = u->has_interrupts;
	p->rss = u->use.n_workers > 1 && weir_device_rss_wanted(&u->info, u->profile)
		     ? WEIR_DEVICE_RSS_REFUSED
		     : WEIR_DEVICE_RSS_NONE;
	if (u->rss_hf)
		weir_device_rss_verify(p, &u->info);
	if (!u->use.is_send_only)
		weir_device_stamp_find(p, u->d->name, u->has_stamps);
	rte_eth_stats_get(port, &p->base);
}

/* The profile of the driver that it turned out to have, and what the command line says. */
static int
choose_profile(const struct rte_eth_dev_info *info, const struct weir_device_spec *d,
    struct weir_device *p, struct weir_error *err)
{
	const char *driver = info->driver_name ? info->driver_name : "";
	int rc = weir_profile_for_driver(driver, &p->profile, err);
	unsigned most;

	if (rc)
		return rc;
	most = p->profile.queues;
	rc = weir_profile_override(&p->profile, d->options ? d->options : "", err);
	if (!rc && p->profile.queues > most)
		rc = weir_error_usage(err, "queues=%u: the driver has no more than %u (%s.ini)",
		    p->profile.queues, most, p->profile.name);
	if (!rc)
		weir_profile_log(&p->profile, d->name, driver);
	return rc;
}

static int
start(
    uint16_t port, const struct weir_device_spec *d, struct weir_device *p, struct weir_error *err)
{
	struct setup u = { .d = d, .profile = &p->profile, .use = *d->use, .has_key = true };
	int rc = rte_eth_dev_info_get(port, &u.info);

	if (rc)
		return weir_error_run(err, rc, "the port does not tell what it can do");
	rc = choose_profile(&u.info, d, p, err);
	if (rc)
		return rc;
	u.n_tx = (uint16_t)p->profile.send_descriptors;
	u.has_interrupts = d->use->wants_interrupts && p->profile.interrupts;
	u.has_stamps = !d->use->is_send_only && weir_device_stamp_offload(&u.info, &p->profile);
	u.mtu = choose_mtu(&u);
	u.n_rxq = choose_queues(&u);
	if (u.n_rxq > 1)
		u.rss_hf = weir_device_rss_wanted(&u.info, u.profile);
	/* some drivers insist on a transmit queue beside the receive queue */
	u.n_txq = (uint16_t)RTE_MIN(RTE_MAX(u.use.n_senders, 1u), u.info.max_tx_queues);
	u.n_txq = RTE_MIN(u.n_txq, (uint16_t)p->profile.queues);
	rc = set_up_most(port, &u, p, err);
	if (rc)
		return rc;
	note(port, &u, p);
	/* a virtual port that knows no promiscuous mode receives all there is anyway */
	rc = d->is_interface_queue || u.use.is_send_only || !u.profile->promiscuous
		 ? 0
		 : rte_eth_promiscuous_enable(port);
	if (rc && rc != -ENOTSUP)
		return weir_error_run(err, rc, "the port cannot be made promiscuous");
	return 0;
}

void
weir_device_stats(const struct weir_device *d, struct weir_port_stats *to)
{
	const struct weir_profile *p = &d->profile;
	struct rte_eth_stats now;

	if (rte_eth_stats_get(d->id, &now) != 0)
		return;
	if (p->lost_nic & WEIR_LOST_IMISSED)
		to->lost_nic += now.imissed - d->base.imissed;
	if (p->lost_nic & WEIR_LOST_IERRORS)
		to->lost_nic += now.ierrors - d->base.ierrors;
	if (p->lost_no_buffer)
		to->lost_no_buffer += now.rx_nombuf - d->base.rx_nombuf;
	to->sent += now.opackets - d->base.opackets;
	to->send_errors += now.oerrors - d->base.oerrors;
}

/* Mark a device as weir's; fails where it is already. */
static int
own(uint16_t port)
{
	struct rte_eth_dev_owner owner = { .name = "weir" };
	int rc = rte_eth_dev_owner_new(&owner.id);

	return rc ? rc : rte_eth_dev_owner_set(port, &owner);
}

void
weir_device_remove(uint16_t port)
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
plug_in(const struct weir_device_spec *spec, struct weir_device *d, bool *ret_is_there,
    struct weir_error *err)
{
	struct weir_profile profile;
	char args[2 * WEIR_PROFILE_TEXT_BYTES + sizeof(((struct weir_port_name *)0)->args)];
	int rc = weir_profile_for_device(spec->bus, spec->name, &profile, err);

	if (rc)
		return rc;
	rc = rte_eal_hotplug_add(
	    spec->bus, spec->name, weir_profile_devargs(&profile, spec->args, args, sizeof(args)));
	if (rc || rte_eth_dev_get_port_by_name(spec->name, &d->id) != 0)
		return weir_error_run(err, rc ? rc : -ENODEV, "the device cannot be opened");
	/* EAL says nothing where the device was there before */
	if (own(d->id))
		return weir_error_run(err, -EEXIST, "the device is open already");
	rc = start(d->id, spec, d, err);
	if (rc == -ENOBUFS) {
		weir_device_remove(d->id);
		rte_mempool_free(d->pool);
		d->pool = NULL;
		return rc;
	}
	*ret_is_there = true;
	return rc;
}

int
weir_device_open(const struct weir_device_spec *spec, struct weir_device *d, bool *ret_is_there,
    struct weir_error *err)
{
	int rc;

	/* A device that wants more buffers is opened anew: the refusal may have used up its file.
	 */
	for (;;) {
		rc = plug_in(spec, d, ret_is_there, err);
		if (rc != -ENOBUFS || d->n_buffers >= MOST_BUFFERS)
			return rc;
		d->n_buffers = 2 * d->n_buffers + 1;
	}
}
