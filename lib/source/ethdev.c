/* SPDX-License-Identifier: BSD-3-Clause */
#include "ethdev.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weir/port/stamp.h>

/* Opening and closing, counters, and waiting for packets. */

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
add_queues(struct weir_ethdev *e)
{
	const struct weir_port *p = e->p;

	for (unsigned i = 0; i < p->n_rx; i++) {
		struct weir_ethdev_queue *q = &e->queues[i];

		q->port = p->rx[i].id;
		q->queue = p->rx[i].queue;
		q->burst = p->burst;
		q->has_depth = rte_eth_rx_queue_count(q->port, q->queue) >= 0;
		q->fd = p->rx_fd[i];
		q->is_eventfd = q->fd >= 0 && is_eventfd(q->fd);
		weir_clock_init(&q->clock, 64, 0);
	}
	e->stamp = p->stamp;
	e->base.has_clock = p->stamp.times == WEIR_PORT_TIMES_CLOCK;
	e->base.n_queues = p->n_rx;
	e->base.numa_node = p->numa_node;
	e->base.spread = p->spread;
	e->base.is_symmetric = p->is_symmetric;
	e->base.has_rules = p->has_rules;
	e->base.offered = p->offered ? strdup(p->offered) : NULL;
}

static void
ethdev_stats(struct weir_source *s, struct weir_source_stats *ret)
{
	const struct weir_ethdev *e = (const struct weir_ethdev *)s;
	struct weir_port_guest_stats guest;
	struct weir_port_stats port;

	memset(ret, 0, sizeof(*ret));
	weir_port_stats(e->p, &port);
	ret->lost_nic = port.lost_nic;
	ret->lost_no_buffer = port.lost_no_buffer;
	memcpy(ret->passed, port.passed, sizeof(ret->passed));
	ret->has_unknown = port.has_unknown;
	if (e->p->guest) {
		weir_port_guest_stats(e->p->guest, &guest);
		ret->has_guest = true;
		ret->guest = guest.packets;
		ret->lost_nic += guest.unattended; /* as in a queue that nobody polled */
	}
	for (unsigned i = 0; i < s->n_queues; i++)
		ret->lost_no_buffer += __atomic_load_n(&e->queues[i].n_cut, __ATOMIC_RELAXED);
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

static int
ethdev_take_all(struct weir_source *s)
{
	int rc = weir_port_take_all(((struct weir_ethdev *)s)->p);

	if (!rc)
		s->has_rules = false;
	return rc;
}

static bool
ethdev_is_up(const struct weir_source *s)
{
	return weir_port_is_up(((const struct weir_ethdev *)s)->p);
}

static void
ethdev_close(struct weir_source *s)
{
	struct weir_ethdev *e = (struct weir_ethdev *)s;

	weir_port_close(e->p);
	free(e->free_slots);
	if (e->side)
		munmap(e->side, e->side_bytes);
	free(s->name);
	free(s->description);
	free(s->offered);
	free(e);
}

static const struct weir_source_ops ethdev_ops = {
	.kind = "port",
	.poll = weir_ethdev_poll,
	.release = weir_ethdev_release,
	.wait_fd = ethdev_wait_fd,
	.arm = ethdev_arm,
	.stats = ethdev_stats,
	.take_all = ethdev_take_all,
	.is_up = ethdev_is_up,
	.close = ethdev_close,
};

/* Of a port that is somebody else's as well. */
static const struct weir_source_ops shared_ops = {
	.kind = "port",
	.poll = weir_ethdev_poll_shared,
	.release = weir_ethdev_release,
	.wait_fd = ethdev_wait_fd,
	.arm = ethdev_arm,
	.stats = ethdev_stats,
	.take_all = ethdev_take_all,
	.is_up = ethdev_is_up,
	.close = ethdev_close,
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

static struct weir_ethdev *
create(const struct weir_source_config *c)
{
	struct weir_ethdev *e = aligned_alloc(_Alignof(struct weir_ethdev), sizeof(*e));

	if (!e)
		return NULL;
	memset(e, 0, sizeof(*e));
	e->base.ops = c->guest ? &shared_ops : &ethdev_ops;
	e->base.is_live = true;
	e->base.needs_eal = true;
	e->base.has_lasting_views = true;
	e->base.first_interface = c->first_interface;
	e->base.n_interfaces = 1;
	e->base.numa_node = -1;
	e->n_workers = c->n_workers ? c->n_workers : 1;
	if (create_slots(e)) {
		ethdev_close(&e->base);
		return NULL;
	}
	return e;
}

int
weir_ethdev_open(const struct weir_source_config *c, bool must_be_taken, struct weir_ethdev **ret,
    struct weir_error *err)
{
	struct weir_port_config port = {
		.name = c->value,
		.n_workers = c->n_workers,
		.n_senders = c->n_senders,
		.n_held = c->n_held,
		.wants_interrupts = c->wants_interrupts,
		.must_be_taken = must_be_taken,
		.rules = c->rules,
		.guest = c->guest,
	};
	struct weir_ethdev *e;
	int rc;

	if (weir_port_find(c->value))
		return weir_error_run(err, -EEXIST, "the device is open already");
	e = create(c);
	if (!e)
		return weir_error_run(err, -ENOMEM, "no memory");
	rc = weir_port_open(&port, &e->p, err);
	if (rc) {
		ethdev_close(&e->base);
		return rc;
	}
	add_queues(e);
	*ret = e;
	return 0;
}

void
weir_ethdev_feed(struct weir_ethdev_queue *q, int64_t now_ns)
{
	/* a reading that fails leaves the clock as it was */
	weir_port_feed_clock(q->port, WEIR_PORT_READINGS, &q->clock);
	q->fed_ns = now_ns;
}

enum weir_poll
weir_ethdev_look(struct weir_ethdev *e)
{
	if (if_nametoindex(e->p->interface))
		return WEIR_POLL_OK;
	/* several queues may find it at the same time */
	if (!atomic_exchange(&e->has_failed, true))
		weir_error_run(
		    &e->base.error, -ENODEV, "-i '%s': the interface disappeared", e->base.name);
	return WEIR_POLL_ERROR;
}
