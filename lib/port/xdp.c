/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rte_mbuf_core.h>
#include <weir/port/interface.h>

#include "port_parts.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif

/* A packet of the kernel's usual path: 1500 bytes of payload, tags, and XDP's own headroom. */
#define USUAL_DATA_BYTES 2048u
#define XDP_HEADROOM     256u
/* Frames of the UMEM do not cross a page: what is left beside the buffer's own heads. */
#define PAGE_DATA_BYTES                                                                            \
	(4096u - RTE_CACHE_LINE_SIZE - (uint32_t)sizeof(struct rte_mbuf) - RTE_PKTMBUF_HEADROOM)
#define LINK_OVERHEAD 22u /* Ethernet and two tags */
/* What one queue's buffers may come to. */
#define LOCKED_BYTES (32u << 20)

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

uint32_t
weir_xdp_data_bytes(const struct weir_interface_facts *f)
{
	uint32_t want = f->mtu + LINK_OVERHEAD + XDP_HEADROOM;

	if (want <= USUAL_DATA_BYTES)
		return USUAL_DATA_BYTES;
	return want <= PAGE_DATA_BYTES ? PAGE_DATA_BYTES : 0;
}

bool
weir_interface_blocks_xdp(const struct weir_interface_facts *f, char *buf, size_t size)
{
	int fd;

	if (f->type != ARPHRD_ETHER && !(f->flags & IFF_LOOPBACK)) {
		snprintf(buf, size, "AF_XDP is for Ethernet interfaces");
		return true;
	}
	if (!weir_xdp_data_bytes(f)) {
		snprintf(
		    buf, size, "AF_XDP has no packets beyond a page, and its MTU is %u", f->mtu);
		return true;
	}
	if (f->n_queues > WEIR_PORT_DEVICES) {
		snprintf(buf, size,
		    "it has %u receive queues, weir takes up to %u: 'sudo ethtool -L %s combined "
		    "%u'",
		    f->n_queues, WEIR_PORT_DEVICES, f->name, WEIR_PORT_DEVICES);
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
