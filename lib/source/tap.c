/* SPDX-License-Identifier: BSD-3-Clause */
#include "tap.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/packet/link.h>

/* Some tens of milliseconds at 10 Gb/s; libpcap halves it itself where memory is short. */
#define RING_BYTES (64 << 20)
/* The kernel hands a block over when it is full or this old. */
#define BLOCK_AGE_MS 10

enum weir_poll
weir_tap_failed(struct weir_tap *t)
{
	weir_error_run(&t->base.error, -EIO, "-i '%s': the capture broke off: %s", t->base.name,
	    pcap_geterr(t->pcap));
	return WEIR_POLL_ERROR;
}

static int
no_permission(const char *name, struct weir_error *err)
{
	char self[512] = "";
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	return weir_error_run(err, -EPERM,
	    "-i '%s': no permission to capture (CAP_NET_RAW is missing): use sudo, or once 'sudo "
	    "setcap "
	    "cap_net_raw=ep %s'",
	    name, n > 0 ? self : "$(command -v weir)");
}

int
weir_tap_check(const char *name, struct weir_error *err)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno == EPERM
			   ? no_permission(name, err)
			   : weir_error_run(err, -errno, "-i '%s': no AF_PACKET socket: %s", name,
				 strerror(errno));
	close(fd);
	return 0;
}

static int
explain_activate(pcap_t *p, int status, const char *name, struct weir_error *err)
{
	const char *more = pcap_geterr(p);

	switch (status) {
	case PCAP_ERROR_PERM_DENIED:
		return no_permission(name, err);
	case PCAP_ERROR_IFACE_NOT_UP:
		return weir_error_run(err, -ENETDOWN,
		    "-i '%s': the interface is down: 'sudo ip link set %s up'", name, name);
	case PCAP_ERROR_NO_SUCH_DEVICE:
		return weir_error_run(err, -ENODEV,
		    "-i '%s': no such interface ('ip -br link' shows those there are)", name);
	default:
		return weir_error_run(err, -EIO, "-i '%s': cannot capture: %s", name,
		    more && *more ? more : pcap_statustostr(status));
	}
}

static int
activate(pcap_t *p, const char *name, bool is_incoming, struct weir_error *err)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	bool is_all = strcmp(name, "any") == 0;
	int status;

	pcap_set_snaplen(p, WEIR_TAP_SNAPLEN);
	pcap_set_promisc(p, !is_all);
	pcap_set_buffer_size(p, RING_BYTES);
	/* Not immediate: that mode's ring has slots of snaplen size, few of them. */
	pcap_set_timeout(p, BLOCK_AGE_MS);
	pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO);
	status = pcap_activate(p);
	if (status < 0)
		return explain_activate(p, status, name, err);
	/* tells which interface each packet came by; where it cannot be had, version 1 stays */
	if (is_all)
		(void)pcap_set_datalink(p, DLT_LINUX_SLL2);
	if (is_incoming && pcap_setdirection(p, PCAP_D_IN) != 0)
		return weir_error_run(err, -EIO,
		    "-i '%s': cannot capture incoming packets alone: %s", name, pcap_geterr(p));
	if (pcap_setnonblock(p, 1, text) != 0)
		return weir_error_run(err, -EIO, "-i '%s': cannot capture: %s", name, text);
	return 0;
}

static void
tap_stats(struct weir_source *s, struct weir_source_stats *ret)
{
	struct weir_tap *t = (struct weir_tap *)s;
	struct weir_port_guest_stats guest;
	struct pcap_stat now;

	if (pcap_stats(t->pcap, &now) == 0) {
		t->lost += (uint32_t)(now.ps_drop - t->last_drop);
		t->lost += (uint32_t)(now.ps_ifdrop - t->last_ifdrop);
		t->last_drop = now.ps_drop;
		t->last_ifdrop = now.ps_ifdrop;
	}
	memset(ret, 0, sizeof(*ret));
	ret->lost_nic = t->lost;
	if (t->guest) {
		weir_port_guest_stats(t->guest, &guest);
		ret->has_guest = true;
		ret->guest = guest.packets;
	}
}

static void
tap_close(struct weir_source *s)
{
	struct weir_tap *t = (struct weir_tap *)s;

	if (t->pcap)
		pcap_close(t->pcap);
	free(t->buf);
	weir_port_guest_destroy(t->guest);
	free(s->name);
	free(s->description);
	free(t);
}

static int
tap_wait_fd(struct weir_source *s, unsigned queue)
{
	const struct weir_tap *t = (const struct weir_tap *)s;

	(void)queue;
	return pcap_get_selectable_fd(t->pcap);
}

/* Nothing to switch: a block that the kernel handed over makes the socket readable. */
static int
tap_arm(struct weir_source *s, unsigned queue, bool is_on)
{
	(void)s;
	(void)queue;
	(void)is_on;
	return 0;
}

static bool
tap_is_up(const struct weir_source *s)
{
	const struct weir_tap *t = (const struct weir_tap *)s;

	return t->interface[0] == '\0' || weir_interface_is_up(t->interface);
}

static const struct weir_source_ops tap_ops = {
	.kind = "tap",
	.poll = weir_tap_poll,
	.wait_fd = tap_wait_fd,
	.arm = tap_arm,
	.stats = tap_stats,
	.is_up = tap_is_up,
	.close = tap_close,
};

int
weir_tap_open(const char *name, bool is_incoming, uint16_t interface, struct weir_tap **ret,
    struct weir_error *err)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	struct weir_tap *t = calloc(1, sizeof(*t));
	int rc;

	if (t)
		t->buf = malloc(WEIR_TAP_BUF_BYTES);
	if (!t || !t->buf) {
		free(t);
		return weir_error_run(err, -ENOMEM, "-i '%s': no memory to capture", name);
	}
	t->base.ops = &tap_ops;
	t->take = weir_tap_take;
	t->base.is_live = true;
	t->base.has_clock = true;
	t->base.numa_node = -1;
	t->base.first_interface = interface;
	t->base.n_interfaces = 1;
	t->pcap = pcap_create(name, text);
	rc = t->pcap ? activate(t->pcap, name, is_incoming, err)
		     : weir_error_run(err, -EIO, "-i '%s': cannot capture: %s", name, text);
	if (rc) {
		tap_close(&t->base);
		return rc;
	}
	if (strcmp(name, "any") != 0)
		snprintf(t->interface, sizeof(t->interface), "%s", name);
	t->dlt = (uint16_t)pcap_datalink(t->pcap);
	t->link = weir_link_of_dlt(t->dlt);
	t->ns_per_unit =
	    pcap_get_tstamp_precision(t->pcap) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
	*ret = t;
	return 0;
}

static int
read_mac(const char *name, uint8_t mac[6])
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;
	struct ifreq r = { 0 };

	if (fd < 0)
		return -errno;
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	rc = ioctl(fd, SIOCGIFHWADDR, &r) ? -errno : 0;
	close(fd);
	memcpy(mac, r.ifr_hwaddr.sa_data, 6);
	return rc;
}

int
weir_tap_leave_out(
    struct weir_tap *t, const struct weir_port_guest_spec *guest, struct weir_error *err)
{
	uint8_t mac[6];
	int rc = t->dlt == DLT_EN10MB ? read_mac(t->interface, mac) : -EAFNOSUPPORT;

	if (rc)
		return weir_error_run(err, rc,
		    "-i '%s': its link address cannot be told, without which the wire's frames "
		    "cannot be left out: %s",
		    t->interface, strerror(-rc));
	t->guest = weir_port_guest_create(guest, mac, false);
	if (!t->guest)
		return weir_error_run(err, -ENOMEM, "-i '%s': no memory", t->interface);
	t->take = weir_tap_take_shared;
	return 0;
}
