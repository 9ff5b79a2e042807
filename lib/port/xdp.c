/* SPDX-License-Identifier: BSD-3-Clause */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/if_link.h>
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

/* Does a link hold the program? It is there for as long as somebody has the link open. */
static bool
is_held_by_link(unsigned interface, unsigned program)
{
	__u32 id = 0;
	bool is_held = false;

	while (!is_held && bpf_link_get_next_id(id, &id) == 0) {
		struct bpf_link_info info = { 0 };
		__u32 len = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0)
			continue;
		is_held = bpf_obj_get_info_by_fd(fd, &info, &len) == 0 &&
			  info.type == BPF_LINK_TYPE_XDP && info.xdp.ifindex == interface &&
			  info.prog_id == program;
		close(fd);
	}
	return is_held;
}

static void
program_name(unsigned program, char *buf, size_t size)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(program);

	snprintf(buf, size, "?");
	if (fd < 0)
		return;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && info.name[0])
		snprintf(buf, size, "%.*s", (int)sizeof(info.name), info.name);
	close(fd);
}

/*
 * An interface has one program. Somebody else's stays: libxdp would refuse to replace it, and
 * DPDK's driver would then take it off as if it were its own.
 */
static bool
is_occupied(const struct weir_interface_facts *f, char *buf, size_t size)
{
	char name[BPF_OBJ_NAME_LEN + 1];

	if (!f->xdp_id)
		return false;
	program_name(f->xdp_id, name, sizeof(name));
	if (is_held_by_link(f->index, f->xdp_id))
		snprintf(buf, size,
		    "AF_XDP needs an XDP program of its own, and '%s' (%u) is attached already, by "
		    "a "
		    "process that runs or a pinned link: end that ('sudo bpftool link' lists them)",
		    name, f->xdp_id);
	else
		snprintf(buf, size,
		    "AF_XDP needs an XDP program of its own, and '%s' (%u) is attached already: "
		    "'sudo ip link set dev %s %s off' takes it off",
		    name, f->xdp_id, f->name,
		    f->xdp_mode == XDP_ATTACHED_SKB  ? "xdpgeneric"
		    : f->xdp_mode == XDP_ATTACHED_HW ? "xdpoffload"
						     : "xdpdrv");
	return true;
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
	if (is_occupied(f, buf, size))
		return true;
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
