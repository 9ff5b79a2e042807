/* SPDX-License-Identifier: BSD-3-Clause */
#include "ethdev.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Opening and closing, counters, and waiting for packets. Setting up is in ethdev_port.c. */

/* Does reading fd take an interrupt's count, rather than a packet? */
static bool
is_eventfd(int fd)
{
	char path[64], target[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	return strstr(target, "[eventfd]") != NULL;
}

static void
add_queues(struct weir_ethdev *e, const struct weir_ethdev_port *p)
{
	for (uint16_t i = 0; i < p->n_queues && e->base.n_queues < WEIR_ETHDEV_QUEUES; i++) {
		struct weir_ethdev_queue *q = &e->queues[e->base.n_queues++];

		q->port = p->id;
		q->queue = i;
		q->has_depth = rte_eth_rx_queue_count(p->id, i) >= 0;
		q->fd = p->has_interrupts ? rte_eth_dev_rx_intr_ctl_q_get_fd(p->id, i) : -1;
		if (q->fd <= STDERR_FILENO)
			q->fd = -1; /* a driver that never set it */
		q->is_eventfd = q->fd >= 0 && is_eventfd(q->fd);
	}
}

int
weir_ethdev_add(struct weir_ethdev *e, const struct weir_ethdev_device *d, struct weir_error *err)
{
	struct weir_ethdev_port *p = &e->ports[e->n_ports];
	uint16_t id = RTE_MAX_ETHPORTS;
	int rc;

	if (e->n_ports == WEIR_ETHDEV_PORTS)
		return weir_error_run(
		    err, -ENOSPC, "more than %u ports in one source", WEIR_ETHDEV_PORTS);
	rc = weir_ethdev_port_open(e, d, p, &id, err);
	if (id == RTE_MAX_ETHPORTS)
		return rc; /* gone again, somebody else's, or never there */
	p->id = id;
	e->n_ports++;
	if (rc)
		return rc; /* close removes it */
	if (e->n_ports == 1) {
		if (!d->is_af_xdp)
			e->base.numa_node = rte_eth_dev_socket_id(id);
		if (p->rss == WEIR_ETHDEV_RSS_VERIFIED) {
			e->base.spread = weir_ethdev_rss_fields(p->rss_hf);
			e->base.is_symmetric = p->is_symmetric;
		}
	}
	add_queues(e, p);
	return 0;
}

static void
describe_fields(const struct weir_field_set *set, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned f = 0; f < WEIR_N_FIELDS && len < size; f++)
		if (weir_field_set_has(set, f))
			len += (size_t)snprintf(
			    buf + len, size - len, "%s%s", len ? ", " : "", weir_fields[f].name);
}

void
weir_ethdev_describe(const struct weir_ethdev *e, char *buf, size_t size)
{
	static const char *const unverified[] = {
		[WEIR_ETHDEV_RSS_NO_KEY] = "RSS by the driver's own rules: its key cannot be read",
		[WEIR_ETHDEV_RSS_NO_TABLE] = "RSS by the driver's own rules: its table cannot be "
					     "read",
		[WEIR_ETHDEV_RSS_BAD_TABLE] = "RSS by a table of the driver's own",
	};
	const struct weir_ethdev_port *p = &e->ports[0];
	unsigned n = e->base.n_queues;
	char fields[128];

	buf[0] = '\0';
	if (n == 1 && e->n_workers > 1)
		snprintf(buf, size, "1 receive queue%s: workers take turns",
		    p->rss == WEIR_ETHDEV_RSS_REFUSED ? ", for the driver refused RSS"
						      : ", no RSS");
	if (n == 1)
		return;
	describe_fields(&e->base.spread, fields, sizeof(fields));
	if (p->rss == WEIR_ETHDEV_RSS_VERIFIED)
		snprintf(buf, size, "%u receive queues, RSS by %s%s", n, fields,
		    e->base.is_symmetric ? " (symmetric)" : "");
	else if (p->rss == WEIR_ETHDEV_RSS_NONE || p->rss == WEIR_ETHDEV_RSS_REFUSED)
		snprintf(buf, size, "%u receive queues", n);
	else
		snprintf(buf, size, "%u receive queues, %s", n, unverified[p->rss]);
}

static void
ethdev_stats(struct weir_source *s, struct weir_source_stats *ret)
{
	const struct weir_ethdev *e = (const struct weir_ethdev *)s;

	memset(ret, 0, sizeof(*ret));
	for (uint16_t i = 0; i < e->n_ports; i++) {
		const struct weir_ethdev_port *p = &e->ports[i];
		struct rte_eth_stats now;

		if (rte_eth_stats_get(p->id, &now) != 0)
			continue;
		ret->lost_nic += now.imissed - p->base.imissed + now.ierrors - p->base.ierrors;
		if (p->is_nombuf_lost)
			ret->lost_no_buffer += now.rx_nombuf - p->base.rx_nombuf;
	}
	for (unsigned i = 0; i < s->n_queues; i++)
		ret->lost_no_buffer += __atomic_load_n(&e->queues[i].n_cut, __ATOMIC_RELAXED);
	if (e->extra_lost)
		ret->lost_nic += e->extra_lost(e) - e->extra_lost_base;
}

static int
ethdev_wait_fd(struct weir_source *s, unsigned queue)
{
	const struct weir_ethdev *e = (const struct weir_ethdev *)s;

	return e->queues[queue].fd;
}

static int
ethdev_arm(struct weir_source *s, unsigned queue, bool is_on)
{
	const struct weir_ethdev *e = (const struct weir_ethdev *)s;
	const struct weir_ethdev_queue *q = &e->queues[queue];
	uint64_t count;
	int rc;

	if (q->fd < 0)
		return -ENOTSUP;
	if (!is_on) {
		rc = rte_eth_dev_rx_intr_disable(q->port, q->queue);
		return rc == -ENOTSUP ? 0 : rc;
	}
	/* interrupts so far: what they told of is seen by the poll that follows */
	if (q->is_eventfd && read(q->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return -errno;
	rc = rte_eth_dev_rx_intr_enable(q->port, q->queue);
	/* nothing to switch: packets themselves make such a descriptor readable */
	return rc == -ENOTSUP && !q->is_eventfd ? 0 : rc;
}

void
weir_ethdev_close(struct weir_source *s)
{
	struct weir_ethdev *e = (struct weir_ethdev *)s;

	for (uint16_t i = 0; i < e->n_ports; i++) {
		weir_ethdev_port_remove(e->ports[i].id);
		rte_mempool_free(e->ports[i].pool);
	}
	if (e->promiscuous_fd >= 0)
		close(e->promiscuous_fd);
	free(e->free_slots);
	if (e->side)
		munmap(e->side, e->side_bytes);
	free(s->name);
	free(s->description);
	free(e);
}

static const struct weir_source_ops ethdev_ops = {
	.kind = "port",
	.poll = weir_ethdev_poll,
	.release = weir_ethdev_release,
	.wait_fd = ethdev_wait_fd,
	.arm = ethdev_arm,
	.stats = ethdev_stats,
	.close = weir_ethdev_close,
};

/* Two bursts for each worker. Pages that no packet in several segments touches cost nothing. */
static int
create_slots(struct weir_ethdev *e)
{
	unsigned n = 2 * WEIR_ROWS * (e->n_workers + 1);
	unsigned size = rte_align32pow2(n + 1); /* a ring holds one less */

	e->side_bytes = (size_t)n * WEIR_ETHDEV_SLOT_BYTES;
	e->side = mmap(NULL, e->side_bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (e->side == MAP_FAILED) {
		e->side = NULL;
		return -ENOMEM;
	}
	e->free_slots = aligned_alloc(RTE_CACHE_LINE_SIZE,
	    RTE_ALIGN_CEIL((size_t)rte_ring_get_memsize(size), RTE_CACHE_LINE_SIZE));
	if (!e->free_slots || rte_ring_init(e->free_slots, "slots", size, 0))
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		rte_ring_enqueue(e->free_slots, e->side + (size_t)i * WEIR_ETHDEV_SLOT_BYTES);
	return 0;
}

struct weir_ethdev *
weir_ethdev_create(const struct weir_source_config *c)
{
	struct weir_ethdev *e = aligned_alloc(_Alignof(struct weir_ethdev), sizeof(*e));

	if (!e)
		return NULL;
	memset(e, 0, sizeof(*e));
	e->base.ops = &ethdev_ops;
	e->base.is_live = true;
	e->base.needs_eal = true;
	e->base.has_lasting_views = true;
	e->base.first_interface = c->first_interface;
	e->base.n_interfaces = 1;
	e->base.numa_node = -1;
	e->n_workers = c->n_workers ? c->n_workers : 1;
	e->wants_interrupts = c->wants_interrupts;
	e->promiscuous_fd = -1;
	if (create_slots(e)) {
		weir_ethdev_close(&e->base);
		return NULL;
	}
	return e;
}

enum weir_poll
weir_ethdev_look(struct weir_ethdev *e)
{
	if (if_nametoindex(e->interface))
		return WEIR_POLL_OK;
	/* several queues may find it at the same time */
	if (!atomic_exchange(&e->has_failed, true))
		weir_error_run(
		    &e->base.error, -ENODEV, "-i '%s': the interface disappeared", e->base.name);
	return WEIR_POLL_ERROR;
}
