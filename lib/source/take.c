/* SPDX-License-Identifier: BSD-3-Clause */
#include "take.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <weir/source/eal.h>

#include "eal_log.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif

/* A packet of the kernel's usual path: 1500 bytes of payload, tags, and XDP's own headroom. */
#define USUAL_DATA_BYTES 2048u
#define XDP_HEADROOM     256u
/* Frames of the UMEM do not cross a page: what is left beside the buffer's own heads. */
#define PAGE_DATA_BYTES                                                                            \
	(4096u - RTE_CACHE_LINE_SIZE - (uint32_t)sizeof(struct rte_mbuf) - RTE_PKTMBUF_HEADROOM)
/* What one queue's buffers may come to. */
#define LOCKED_BYTES  (32u << 20)
#define LINK_OVERHEAD 22u /* Ethernet and two tags */

static bool
has_capability(unsigned cap)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &head, data) != 0)
		return false;
	return data[cap / 32].effective >> (cap % 32) & 1;
}

/* The kernel pins a queue's buffers on this process's account. */
static bool
can_lock(uint64_t bytes)
{
	struct rlimit limit;

	return has_capability(CAP_IPC_LOCK) || getrlimit(RLIMIT_MEMLOCK, &limit) != 0 ||
	       limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= bytes;
}

bool
weir_interface_blocks_xdp(const struct weir_interface_facts *f, char *buf, size_t size)
{
	int fd;

	if (f->type != ARPHRD_ETHER && !(f->flags & IFF_LOOPBACK)) {
		snprintf(buf, size, "AF_XDP is for Ethernet interfaces");
		return true;
	}
	if (f->mtu + LINK_OVERHEAD + XDP_HEADROOM > PAGE_DATA_BYTES) {
		snprintf(
		    buf, size, "AF_XDP has no packets beyond a page, and its MTU is %u", f->mtu);
		return true;
	}
	if (f->n_queues > WEIR_ETHDEV_PORTS) {
		snprintf(buf, size,
		    "it has %u receive queues, weir takes up to %u: 'sudo ethtool -L %s combined "
		    "%u'",
		    f->n_queues, WEIR_ETHDEV_PORTS, f->name, WEIR_ETHDEV_PORTS);
		return true;
	}
	/* libxdp asks the kernel for a program by its number, for which CAP_BPF is not enough */
	if (!has_capability(CAP_NET_RAW) || !has_capability(CAP_NET_ADMIN) ||
	    !has_capability(CAP_SYS_ADMIN)) {
		snprintf(buf, size,
		    "AF_XDP needs CAP_NET_RAW, CAP_NET_ADMIN and CAP_SYS_ADMIN: use sudo");
		return true;
	}
	if (!can_lock(f->n_queues * LOCKED_BYTES)) {
		snprintf(buf, size, "AF_XDP needs %u MB of locked memory: 'ulimit -l unlimited'",
		    f->n_queues * LOCKED_BYTES >> 20);
		return true;
	}
	fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		snprintf(buf, size, "this kernel has no AF_XDP: %s", strerror(errno));
		return true;
	}
	close(fd);
	return false;
}

/* A membership ends with its socket, so the interface is as it was however weir ends. */
static int
be_promiscuous(unsigned index)
{
	struct packet_mreq m = { .mr_ifindex = (int)index, .mr_type = PACKET_MR_PROMISC };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof(m)) != 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

static uint64_t
read_statistic(const char *interface, const char *name)
{
	char path[128];
	unsigned long long n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s", interface, name);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%llu", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

/* What the NIC itself lost before XDP saw it; net_af_xdp tells the socket's drops only. */
static uint64_t
nic_lost(const struct weir_ethdev *e)
{
	return read_statistic(e->interface, "rx_missed_errors") +
	       read_statistic(e->interface, "rx_fifo_errors");
}

/*
 * net_af_xdp has no receive interrupts, yet its socket can be waited for: the kernel tells of it
 * what it has put into the ring. The driver does not hand the socket out, so look for it.
 */
static void
find_sockets(fd_set *ret)
{
	FD_ZERO(ret);
	for (int fd = 0; fd < FD_SETSIZE; fd++) {
		int domain = 0;
		socklen_t len = sizeof(domain);

		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_XDP)
			FD_SET(fd, ret);
	}
}

/* The one that came between, -1 where there is none or it cannot be told. */
static int
new_socket(const fd_set *before, const fd_set *after)
{
	int found = -1;

	for (int fd = 0; fd < FD_SETSIZE; fd++) {
		if (!FD_ISSET(fd, after) || FD_ISSET(fd, before))
			continue;
		if (found >= 0)
			return -1;
		found = fd;
	}
	return found;
}

static int
add_queue(struct weir_ethdev *e, const struct weir_interface_facts *f, unsigned queue,
    struct weir_error *err)
{
	char name[64], args[128];
	struct weir_ethdev_device d = {
		.bus = "vdev",
		.name = name,
		.args = args,
		.data_bytes = f->mtu + LINK_OVERHEAD + XDP_HEADROOM > USUAL_DATA_BYTES
				  ? PAGE_DATA_BYTES
				  : USUAL_DATA_BYTES,
		.numa_node = e->base.numa_node,
		.is_af_xdp = true,
	};
	fd_set before, after;
	int rc;

	snprintf(name, sizeof(name), "net_af_xdp_%u_%u", f->index, queue);
	/*
	 * One port a queue: the driver reads the count of combined channels alone, so where receive
	 * and send channels are separate (veth) it refuses more than one queue.
	 */
	snprintf(args, sizeof(args), "iface=%s,start_queue=%u,queue_count=1", f->name, queue);
	find_sockets(&before);
	rc = weir_ethdev_add(e, &d, err);
	find_sockets(&after);
	if (!rc)
		e->queues[queue].fd = new_socket(&before, &after);
	return rc;
}

int
weir_take_open(const struct weir_interface_facts *f, const struct weir_source_config *c,
    struct weir_ethdev **ret, struct weir_error *err)
{
	struct weir_ethdev *e;
	char said[256];
	int rc = 0;

	if (!weir_eal_is_started())
		return weir_error_run(err, -ENXIO, "AF_XDP needs EAL, which is not started");
	e = weir_ethdev_create(c);
	if (!e)
		return weir_error_run(err, -ENOMEM, "no memory");
	snprintf(e->interface, sizeof(e->interface), "%s", f->name);
	e->base.numa_node = weir_interface_numa_node(f->name);
	weir_eal_log_mark();
	for (unsigned q = 0; q < f->n_queues && !rc; q++) {
		rc = add_queue(e, f, q, err);
		if (rc && weir_eal_log_first(said, sizeof(said))[0])
			rc = weir_error_run(err, rc, "AF_XDP failed on queue %u: %s", q, said);
		else if (rc)
			weir_error_wrap(err, "AF_XDP failed on queue %u", q);
	}
	if (!rc) {
		e->promiscuous_fd = be_promiscuous(f->index);
		if (e->promiscuous_fd < 0)
			rc = weir_error_run(err, e->promiscuous_fd,
			    "it cannot be made promiscuous: %s", strerror(-e->promiscuous_fd));
	}
	if (rc) {
		weir_ethdev_close(&e->base);
		return rc;
	}
	e->extra_lost = nic_lost;
	e->extra_lost_base = nic_lost(e);
	*ret = e;
	return 0;
}
