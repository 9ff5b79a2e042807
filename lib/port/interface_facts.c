/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/base/nearest.h>

#include <weir/port/interface.h>

/* Walk the attributes of a message that has a header of type. */
#define FOR_EACH_ATTR(a, len, first, h, type)                                                      \
	for (int len = (int)NLMSG_PAYLOAD(h, sizeof(type)), len##_1 = 1; len##_1; len##_1 = 0)     \
		for (struct rtattr *a = (first); RTA_OK(a, len); a = RTA_NEXT(a, len))

static uint32_t
attr_u32(struct rtattr *a)
{
	uint32_t v = 0;

	if (RTA_PAYLOAD(a) >= sizeof(v))
		memcpy(&v, RTA_DATA(a), sizeof(v));
	return v;
}

static void
attr_text(struct rtattr *a, char *buf, size_t size)
{
	snprintf(buf, size, "%.*s", (int)RTA_PAYLOAD(a), (const char *)RTA_DATA(a));
}

/* Interfaces of these kinds send and receive through the one that they name as their link. */
static bool
rides_on_link(const char *kind)
{
	static const char *const kinds[] = { "vlan", "macvlan", "macvtap", "ipvlan", "ipvtap",
		"macsec" };

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kind, kinds[i]) == 0)
			return true;
	return false;
}

static void
kind_of(struct rtattr *info, char *buf, size_t size)
{
	int len = (int)RTA_PAYLOAD(info);

	for (struct rtattr *a = RTA_DATA(info); RTA_OK(a, len); a = RTA_NEXT(a, len))
		if (a->rta_type == IFLA_INFO_KIND)
			attr_text(a, buf, size);
}

/* Of several programs (one in the driver, one behind it) the first that packets meet. */
static void
add_xdp(struct weir_interface_facts *f, struct rtattr *xdp)
{
	static const struct {
		unsigned short type;
		unsigned mode;
	} modes[] = { { IFLA_XDP_HW_PROG_ID, XDP_ATTACHED_HW },
		{ IFLA_XDP_DRV_PROG_ID, XDP_ATTACHED_DRV },
		{ IFLA_XDP_SKB_PROG_ID, XDP_ATTACHED_SKB } };
	int len = (int)RTA_PAYLOAD(xdp), left;

	for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]) && !f->xdp_id; i++) {
		left = len;
		for (struct rtattr *a = RTA_DATA(xdp); RTA_OK(a, left); a = RTA_NEXT(a, left))
			if (a->rta_type == modes[i].type) {
				f->xdp_id = attr_u32(a);
				f->xdp_mode = modes[i].mode;
			}
	}
}

static void
add_link(struct weir_interface_facts *f, struct nlmsghdr *h)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(h);
	char name[IFNAMSIZ] = "", kind[32] = "";
	uint32_t link = 0, master = 0, mtu = 0;
	bool is_foreign = false;
	struct rtattr *xdp = NULL;

	FOR_EACH_ATTR(a, len, IFLA_RTA(NLMSG_DATA(h)), h, struct ifinfomsg)
	{
		switch (a->rta_type) {
		case IFLA_IFNAME:
			attr_text(a, name, sizeof(name));
			break;
		case IFLA_LINK:
			link = attr_u32(a);
			break;
		case IFLA_LINK_NETNSID:
			is_foreign = true; /* the index counts in another namespace */
			break;
		case IFLA_MASTER:
			master = attr_u32(a);
			break;
		case IFLA_MTU:
			mtu = attr_u32(a);
			break;
		case IFLA_LINKINFO:
			kind_of(a, kind, sizeof(kind));
			break;
		case IFLA_XDP | NLA_F_NESTED:
		case IFLA_XDP:
			xdp = a;
			break;
		default:
			break;
		}
	}
	if ((unsigned)ifi->ifi_index == f->index) {
		f->flags = ifi->ifi_flags;
		f->type = ifi->ifi_type;
		f->mtu = mtu;
		f->has_carrier = ifi->ifi_flags & IFF_RUNNING;
		if (xdp)
			add_xdp(f, xdp);
		if (master && !if_indextoname(master, f->master))
			snprintf(f->master, sizeof(f->master), "interface %u", master % 1000);
	} else if (link == f->index && !is_foreign && rides_on_link(kind)) {
		snprintf(f->upper, sizeof(f->upper), "%s", name);
	}
}

static void
prefix_text(int family, const void *address, unsigned prefix_len, char *buf, size_t size)
{
	char text[INET6_ADDRSTRLEN] = "?";

	inet_ntop(family, address, text, sizeof(text));
	snprintf(buf, size, "%s/%u", text, prefix_len);
}

static bool
is_address_len(int family, size_t len)
{
	return (family == AF_INET && len >= 4) || (family == AF_INET6 && len >= 16);
}

/* fe80::/10, and ff00::/8: what every IPv6 interface has without being in use */
static bool
is_automatic(int family, const uint8_t *address)
{
	return family == AF_INET6 &&
	       (address[0] == 0xff || (address[0] == 0xfe && (address[1] & 0xc0) == 0x80));
}

static void
add_address(struct weir_interface_facts *f, struct nlmsghdr *h)
{
	const struct ifaddrmsg *ifa = NLMSG_DATA(h);
	struct rtattr *address = NULL;

	if (ifa->ifa_index != f->index)
		return;
	FOR_EACH_ATTR(a, len, IFA_RTA(NLMSG_DATA(h)), h, struct ifaddrmsg)
	{
		/* of a point-to-point interface IFA_ADDRESS is the peer's */
		if (a->rta_type == IFA_LOCAL || (a->rta_type == IFA_ADDRESS && !address))
			address = a;
	}
	if (!address || !is_address_len(ifa->ifa_family, RTA_PAYLOAD(address)) ||
	    is_automatic(ifa->ifa_family, RTA_DATA(address)))
		return;
	if (!f->n_addresses++)
		prefix_text(ifa->ifa_family, RTA_DATA(address), ifa->ifa_prefixlen, f->address,
		    sizeof(f->address));
}

static bool
has_next_hop(struct rtattr *multipath, unsigned index)
{
	struct rtnexthop *nh = RTA_DATA(multipath);
	int len = (int)RTA_PAYLOAD(multipath);

	for (; RTNH_OK(nh, len); len -= RTNH_ALIGN(nh->rtnh_len), nh = RTNH_NEXT(nh))
		if ((unsigned)nh->rtnh_ifindex == index)
			return true;
	return false;
}

static void
add_route(struct weir_interface_facts *f, struct nlmsghdr *h)
{
	const struct rtmsg *rtm = NLMSG_DATA(h);
	struct rtattr *dst = NULL;
	uint32_t table = rtm->rtm_table;
	bool is_ours = false;

	FOR_EACH_ATTR(a, len, RTM_RTA(NLMSG_DATA(h)), h, struct rtmsg)
	{
		if (a->rta_type == RTA_OIF && attr_u32(a) == f->index)
			is_ours = true;
		else if (a->rta_type == RTA_MULTIPATH && has_next_hop(a, f->index))
			is_ours = true;
		else if (a->rta_type == RTA_DST)
			dst = a;
		else if (a->rta_type == RTA_TABLE)
			table = attr_u32(a);
	}
	/* cloned entries are the cache, the local table mirrors the addresses */
	if (!is_ours || table == RT_TABLE_LOCAL || rtm->rtm_flags & RTM_F_CLONED)
		return;
	if (dst && (!is_address_len(rtm->rtm_family, RTA_PAYLOAD(dst)) ||
		       is_automatic(rtm->rtm_family, RTA_DATA(dst))))
		return;
	if (f->n_routes++)
		return;
	if (dst)
		prefix_text(
		    rtm->rtm_family, RTA_DATA(dst), rtm->rtm_dst_len, f->route, sizeof(f->route));
	else
		snprintf(f->route, sizeof(f->route), "default");
}

void
weir_interface_facts_add(struct weir_interface_facts *f, struct nlmsghdr *h)
{
	if (h->nlmsg_type == RTM_NEWLINK && h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifinfomsg)))
		add_link(f, h);
	else if (h->nlmsg_type == RTM_NEWADDR &&
		 h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifaddrmsg)))
		add_address(f, h);
	else if (h->nlmsg_type == RTM_NEWROUTE &&
		 h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct rtmsg)))
		add_route(f, h);
}

/* Read answers until the dump is done. */
static int
receive_dump(int fd, struct weir_interface_facts *f)
{
	static const size_t size = 1 << 16;
	struct nlmsghdr *buf = malloc(size);
	int rc = buf ? 1 : -ENOMEM;

	while (rc > 0) {
		ssize_t n = recv(fd, buf, size, 0);
		unsigned len = n > 0 ? (unsigned)n : 0;

		if (n <= 0)
			rc = n < 0 ? -errno : -EIO;
		for (struct nlmsghdr *h = buf; rc > 0 && NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
			if (h->nlmsg_type == NLMSG_DONE)
				rc = 0;
			else if (h->nlmsg_type == NLMSG_ERROR)
				rc = h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr))
					 ? ((struct nlmsgerr *)NLMSG_DATA(h))->error
					 : -EIO;
			else
				weir_interface_facts_add(f, h);
		}
	}
	free(buf);
	return rc;
}

static int
dump(int fd, uint16_t type, struct weir_interface_facts *f)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg
		    body; /* the largest of the three bodies; all begin with the family */
	} request = {
		.h = { .nlmsg_len = sizeof(request),
		    .nlmsg_type = type,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		    .nlmsg_seq = type },
	};

	if (send(fd, &request, sizeof(request), 0) < 0)
		return -errno;
	return receive_dump(fd, f);
}

/* Receive channels, alone or combined with send ones. */
static unsigned
count_queues(const char *name)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	struct ifreq ifr = { .ifr_data = (void *)&channels };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned n = 0;

	if (fd < 0)
		return 1;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, SIOCETHTOOL, &ifr) == 0)
		n = channels.combined_count + channels.rx_count;
	close(fd);
	return n ? n : 1;
}

int
weir_interface_numa_node(const char *name)
{
	char path[128];
	int node = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/net/%.15s/device/numa_node", name);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%d", &node) != 1 || node < 0)
		node = -1;
	fclose(f);
	return node;
}

static int
no_such(const char *name, struct weir_error *err)
{
	struct if_nameindex *all = if_nameindex();
	struct weir_nearest nearest;
	int rc;

	weir_nearest_begin(&nearest, name);
	for (struct if_nameindex *i = all; i && i->if_index; i++)
		weir_nearest_offer(&nearest, i->if_name);
	if (strncmp(name, "net_", 4) == 0)
		rc = weir_error_run(err, -ENODEV,
		    "no such interface (try 'vdev:%s' for DPDK's virtual device)", name);
	else if (weir_nearest_get(&nearest))
		rc = weir_error_run(
		    err, -ENODEV, "no such interface (try '%s')", weir_nearest_get(&nearest));
	else
		rc = weir_error_run(
		    err, -ENODEV, "no such interface ('ip -br link' shows those there are)");
	if (all)
		if_freenameindex(all);
	return rc;
}

int
weir_interface_facts_read(
    const char *name, struct weir_interface_facts *ret, struct weir_error *err)
{
	static const uint16_t types[] = { RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE };
	struct weir_interface_facts f = { .n_queues = 1 };
	int fd, rc = 0;

	snprintf(f.name, sizeof(f.name), "%s", name);
	if (strcmp(name, "any") == 0) {
		f.is_all = true;
		f.flags = IFF_UP;
		f.has_carrier = true;
		*ret = f;
		return 0;
	}
	f.index = strlen(name) < IFNAMSIZ ? if_nametoindex(name) : 0;
	if (!f.index)
		return no_such(name, err);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		rc = -errno;
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]) && !rc; i++)
		rc = dump(fd, types[i], &f);
	if (fd >= 0)
		close(fd);
	if (rc)
		return weir_error_run(
		    err, rc, "cannot ask the kernel about it (rtnetlink): %s", strerror(-rc));
	f.n_queues = count_queues(name);
	*ret = f;
	return 0;
}

bool
weir_interface_is_up(const char *name)
{
	struct ifreq r = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_up;

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%.15s", name);
	is_up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &r) == 0 && r.ifr_flags & IFF_UP &&
		r.ifr_flags & IFF_RUNNING;
	if (fd >= 0)
		close(fd);
	return is_up;
}
