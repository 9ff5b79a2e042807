/* SPDX-License-Identifier: BSD-3-Clause */
/* A kernel interface as a port: through AF_XDP, a device for each queue, or through AF_PACKET. */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/base/log.h>

#include "eal_log.h"
#include "port_parts.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif

/* Of AF_PACKET's frames: the kernel's heads beside the packet, and the frames of a ring. */
#define PACKET_HEAD_BYTES  128u
#define PACKET_FRAME_LEAST 2048u
#define PACKET_FRAME_MOST  32768u /* what a buffer holds */
#define PACKET_BLOCK_LEAST 4096u  /* a page */
#define LINK_OVERHEAD      22u    /* Ethernet and two tags */

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

/* What the NIC itself lost before XDP saw it; the device tells the socket's drops only. */
uint64_t
weir_kernel_nic_lost(const char *interface)
{
	return read_statistic(interface, "rx_missed_errors") +
	       read_statistic(interface, "rx_fifo_errors");
}

/*
 * net_af_xdp has no receive interrupts, yet its socket can be waited for: the kernel tells of it
 * what it has put into the ring. The driver does not hand the socket out, so look for it.
 */
static void
find_sockets(int of_domain, fd_set *ret)
{
	FD_ZERO(ret);
	for (int fd = 0; fd < FD_SETSIZE; fd++) {
		int domain = 0;
		socklen_t len = sizeof(domain);

		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
		    domain == of_domain)
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
add_xdp_queue(struct weir_open_port *p, const struct weir_port_config *c,
    const struct weir_profile *profile, const struct weir_interface_facts *f, unsigned queue,
    struct weir_error *err)
{
	char driver[48], name[64], args[512], number[16];
	const struct weir_profile_place places[] = { { "interface", f->name },
		{ "queue", number } };
	struct weir_device_spec spec = {
		.bus = "vdev",
		.name = name,
		.args = args,
		.data_bytes = weir_xdp_data_bytes(f),
		.numa_node = p->base.numa_node,
		.is_interface_queue = true,
		.use = c,
		.options = p->options,
	};
	unsigned first = p->base.n_rx;
	fd_set before, after;
	int rc;

	/*
	 * One device a queue: the driver reads the count of combined channels alone, so where
	 * receive and send channels are separate (veth) it refuses more than one queue.
	 */
	weir_profile_driver(profile, driver, sizeof(driver));
	snprintf(name, sizeof(name), "%s_%u_%u", driver, f->index, queue);
	snprintf(number, sizeof(number), "%u", queue);
	weir_profile_arguments(profile, places, RTE_DIM(places), args, sizeof(args));
	find_sockets(AF_XDP, &before);
	rc = weir_port_add_device(p, &spec, err);
	find_sockets(AF_XDP, &after);
	if (!rc && p->base.n_rx > first)
		p->base.rx_fd[first] = new_socket(&before, &after);
	return rc;
}

static int
open_xdp(struct weir_open_port *p, const struct weir_port_config *c,
    const struct weir_interface_facts *f, struct weir_error *err)
{
	struct weir_profile profile;
	char said[256];
	int rc = weir_profile_for_way(WEIR_WAY_XDP_SOCKET, &profile, err);

	if (!rc)
		rc = weir_profile_override(&profile, p->options, err);
	if (rc)
		return rc;
	rc = weir_kernel_attach(p, f->index, err);
	if (rc)
		return rc;
	weir_eal_log_mark();
	for (unsigned q = 0; q < f->n_queues; q++) {
		rc = add_xdp_queue(p, c, &profile, f, q, err);
		if (rc && weir_eal_log_first(said, sizeof(said))[0])
			return weir_error_run(err, rc, "AF_XDP failed on queue %u: %s", q, said);
		if (rc)
			return weir_error_wrap(err, "AF_XDP failed on queue %u", q);
	}
	rc = c->is_send_only ? 0 : weir_kernel_take(p, c, err);
	if (rc || c->is_send_only || !profile.promiscuous)
		return rc;
	p->promiscuous_fd = be_promiscuous(f->index);
	if (p->promiscuous_fd < 0)
		return weir_error_run(err, p->promiscuous_fd, "it cannot be made promiscuous: %s",
		    strerror(-p->promiscuous_fd));
	return 0;
}

static void
packet_arguments(const struct weir_profile *profile, const struct weir_port_config *c,
    const struct weir_interface_facts *f, uint32_t frame, char *buf, size_t size)
{
	unsigned n = RTE_MIN(RTE_MAX(c->n_senders, c->n_workers), profile->queues);
	char queues[16], block[16], framed[16];
	const struct weir_profile_place places[] = {
		{ "interface", f->name },
		{ "queues", queues },
		{ "block", block },
		{ "frame", framed },
	};

	snprintf(queues, sizeof(queues), "%u", RTE_MAX(n, 1u));
	snprintf(block, sizeof(block), "%u", RTE_MAX(frame, PACKET_BLOCK_LEAST));
	snprintf(framed, sizeof(framed), "%u", frame);
	weir_profile_arguments(profile, places, RTE_DIM(places), buf, size);
}

/* Of the sockets that came between. Without it all goes on, at a higher price. */
static void
filter(const char *name, const fd_set *before, const fd_set *after,
    const struct weir_port_guest_spec *guest)
{
	for (int fd = 0; fd < FD_SETSIZE; fd++)
		if (FD_ISSET(fd, after) && !FD_ISSET(fd, before) && weir_kernel_filter(fd, guest))
			weir_log(WEIR_LOG_WARNING,
			    "%s: the kernel copies all its packets to the wire: %s", name,
			    strerror(errno));
}

/* A ring of frames that hold the interface's packets whole; the host keeps its traffic. */
static int
open_packet(struct weir_open_port *p, const struct weir_port_config *c,
    const struct weir_interface_facts *f, struct weir_error *err)
{
	uint32_t frame = PACKET_FRAME_LEAST;
	fd_set before, after;
	char driver[48], name[64], args[512], said[256];
	struct weir_device_spec spec = { .bus = "vdev",
		.name = name,
		.args = args,
		.numa_node = p->base.numa_node,
		.use = c,
		.options = p->options };
	struct weir_profile profile;
	int rc = weir_profile_for_way(WEIR_WAY_PACKET_SOCKET, &profile, err);

	if (!rc)
		rc = weir_profile_override(&profile, p->options, err);
	if (rc)
		return rc;
	if (f->is_all)
		return weir_error_usage(err, "'any' stands for every interface: name one");
	while (frame < f->mtu + LINK_OVERHEAD + PACKET_HEAD_BYTES && frame < PACKET_FRAME_MOST)
		frame *= 2;
	if (!c->is_send_only && frame < f->mtu + LINK_OVERHEAD + PACKET_HEAD_BYTES)
		weir_log(WEIR_LOG_WARNING,
		    "%s: packets beyond %u bytes are cut, its MTU is %u: 'sudo ip link set %s mtu "
		    "9000'",
		    f->name, frame - PACKET_HEAD_BYTES, f->mtu, f->name);
	spec.data_bytes = frame;
	weir_profile_driver(&profile, driver, sizeof(driver));
	snprintf(name, sizeof(name), "%s_%u", driver, f->index);
	packet_arguments(&profile, c, f, frame, args, sizeof(args));
	weir_eal_log_mark();
	find_sockets(AF_PACKET, &before);
	rc = weir_port_add_device(p, &spec, err);
	find_sockets(AF_PACKET, &after);
	if (!rc && c->copied_for)
		filter(f->name, &before, &after, c->copied_for);
	if (rc && weir_eal_log_first(said, sizeof(said))[0])
		return weir_error_run(err, rc, "AF_PACKET failed: %s", said);
	return rc ? weir_error_wrap(err, "AF_PACKET failed") : 0;
}

int
weir_kernel_look(const char *name, struct weir_interface_facts *f, struct weir_error *err)
{
	int rc = weir_interface_facts_read(name, f, err);

	if (!rc && !(f->flags & IFF_UP))
		return weir_error_run(
		    err, -ENETDOWN, "the interface is down: 'sudo ip link set %s up'", name);
	return rc;
}

int
weir_kernel_open(struct weir_open_port *p, const struct weir_port_config *c, struct weir_error *err)
{
	struct weir_interface_decision d = { 0 };
	struct weir_interface_facts f;
	char reason[256] = "";
	bool is_xdp;
	int rc = weir_kernel_look(c->name, &f, err);

	if (!rc)
		rc = weir_interface_decide(&f, WEIR_TAKE_AUTO, &d, err);
	if (rc)
		return rc;
	snprintf(p->base.interface, sizeof(p->base.interface), "%s", f.name);
	p->base.numa_node = weir_interface_numa_node(f.name);
	is_xdp = c->must_be_taken || (d.is_taken && !c->copied_for &&
					 !weir_interface_blocks_xdp(&f, reason, sizeof(reason)));
	rc = is_xdp ? open_xdp(p, c, &f, err) : open_packet(p, c, &f, err);
	if (!rc && !is_xdp)
		weir_log(WEIR_LOG_NOTICE, "%s: opened through AF_PACKET (%s)", f.name,
		    c->copied_for ? "it is tapped"
		    : d.is_taken  ? reason
				  : d.why);
	p->nic_lost_base = weir_kernel_nic_lost(f.name);
	return rc;
}
