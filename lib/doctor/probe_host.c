/* SPDX-License-Identifier: BSD-3-Clause */
/* An interface as this host's kernel tells of it: rtnetlink, ethtool's ioctls, the netdev family.
 */
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

/* linux/netdev.h came with 6.3 */
#define NETDEV_FAMILY        "netdev"
#define NETDEV_DEV_GET       1
#define NETDEV_IFINDEX       1
#define NETDEV_XDP_FEATURES  3
#define NETLINK_ANSWER_BYTES 8192

static int
host_facts(
    const char *root, const char *name, struct weir_interface_facts *ret, struct weir_error *err)
{
	(void)root;
	return weir_interface_facts_read(name, ret, err);
}

static bool
ethtool(const char *name, void *command)
{
	struct ifreq r = { .ifr_data = command };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_done;

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%.15s", name);
	is_done = fd >= 0 && ioctl(fd, SIOCETHTOOL, &r) == 0;
	if (fd >= 0)
		close(fd);
	return is_done;
}

/* A request of one attribute to a generic netlink family. */
struct request {
	struct nlmsghdr h;
	struct genlmsghdr g;
	struct nlattr a;
	char value[16];
};

/* The answer's attribute, or NULL; it points into buf. */
static const void *
ask(int fd, uint16_t family, uint8_t command, uint16_t type, const void *value, size_t len,
    uint16_t wanted, char *buf)
{
	struct request q = {
		.h = { .nlmsg_len =
			   (uint32_t)(NLMSG_LENGTH(GENL_HDRLEN) + NLA_HDRLEN + NLA_ALIGN(len)),
		    .nlmsg_type = family,
		    .nlmsg_flags = NLM_F_REQUEST },
		.g = { .cmd = command, .version = 1 },
		.a = { .nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = type },
	};
	struct nlmsghdr *h = (struct nlmsghdr *)buf;
	size_t at = NLMSG_HDRLEN + GENL_HDRLEN, end;
	ssize_t n;

	memcpy(q.value, value, len);
	if (send(fd, &q, q.h.nlmsg_len, 0) < 0)
		return NULL;
	n = recv(fd, buf, NETLINK_ANSWER_BYTES, 0);
	if (n < (ssize_t)at || h->nlmsg_type == NLMSG_ERROR)
		return NULL;
	end = h->nlmsg_len < (size_t)n ? h->nlmsg_len : (size_t)n;
	while (at + NLA_HDRLEN <= end) {
		const struct nlattr *a = (const struct nlattr *)(buf + at);

		if (a->nla_len < NLA_HDRLEN || at + a->nla_len > end)
			return NULL;
		if ((a->nla_type & NLA_TYPE_MASK) == wanted)
			return buf + at + NLA_HDRLEN;
		at += NLA_ALIGN(a->nla_len);
	}
	return NULL;
}

static bool
read_xdp_features(const char *name, uint64_t *ret)
{
	char buf[NETLINK_ANSWER_BYTES] __attribute__((aligned(8)));
	struct timeval patience = { .tv_sec = 1 };
	uint32_t index = if_nametoindex(name);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	const void *found = NULL;
	uint16_t family;

	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (index)
		found = ask(fd, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME,
		    NETDEV_FAMILY, sizeof(NETDEV_FAMILY), CTRL_ATTR_FAMILY_ID, buf);
	if (found) {
		memcpy(&family, found, sizeof(family));
		found = ask(fd, family, NETDEV_DEV_GET, NETDEV_IFINDEX, &index, sizeof(index),
		    NETDEV_XDP_FEATURES, buf);
	}
	if (found)
		memcpy(ret, found, sizeof(*ret));
	close(fd);
	return found != NULL;
}

static void
host_link(const char *root, const char *name, struct weir_doctor_link *ret)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ethtool_channels c = { .cmd = ETHTOOL_GCHANNELS };
	struct ethtool_rxfh_indir table = { .cmd = ETHTOOL_GRXFHINDIR };

	weir_doctor_probe_tree.link(root, name, ret);
	if (ethtool(name, &info))
		snprintf(ret->driver, sizeof(ret->driver), "%.31s", info.driver);
	if (ethtool(name, &c)) {
		ret->n_queues = c.combined_count + c.rx_count;
		ret->n_queues += !ret->n_queues;
		/* a driver offers the one kind or the other */
		ret->is_rx_apart = !c.max_combined;
		ret->n_queues_most = c.max_combined > c.max_rx ? c.max_combined : c.max_rx;
	}
	if (ethtool(name, &table)) /* asked with room for none, it tells the size */
		ret->n_table = table.size;
	ret->has_xdp_features = read_xdp_features(name, &ret->xdp_features);
}

const struct weir_doctor_probe weir_doctor_probe_host = { host_facts, host_link };
