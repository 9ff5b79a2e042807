/* SPDX-License-Identifier: BSD-3-Clause */
/* What is decided about an interface, from the kernel's messages to the sentence that weir says. */
#include <CUnit/Basic.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>

#include <weir/port/interface.h>

#include "check.h"

#define INDEX 7

/* A message of rtnetlink, built attribute by attribute. */
struct message {
	union {
		struct nlmsghdr h;
		uint8_t room[512];
	};
};

static void
begin(struct message *m, uint16_t type, const void *body, size_t len)
{
	memset(m, 0, sizeof(*m));
	m->h.nlmsg_type = type;
	m->h.nlmsg_len = (uint32_t)NLMSG_LENGTH(len);
	memcpy(NLMSG_DATA(&m->h), body, len);
}

static void
put(struct message *m, uint16_t type, const void *p, size_t len)
{
	struct rtattr *a = (struct rtattr *)(void *)(m->room + NLMSG_ALIGN(m->h.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), p, len);
	m->h.nlmsg_len = NLMSG_ALIGN(m->h.nlmsg_len) + (uint32_t)RTA_ALIGN(a->rta_len);
}

static void
put_u32(struct message *m, uint16_t type, uint32_t v)
{
	put(m, type, &v, sizeof(v));
}

static void
put_ip(struct message *m, uint16_t type, const char *text)
{
	uint8_t p[16];
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	CU_ASSERT_FATAL(inet_pton(family, text, p) == 1);
	put(m, type, p, family == AF_INET ? 4 : 16);
}

static struct weir_interface_facts
idle(void)
{
	return (struct weir_interface_facts){ .name = "eth7",
		.index = INDEX,
		.flags = IFF_UP | IFF_RUNNING,
		.type = ARPHRD_ETHER,
		.mtu = 1500,
		.n_queues = 1,
		.has_carrier = true };
}

static void
address(struct weir_interface_facts *f, unsigned index, const char *ip, uint8_t len)
{
	struct ifaddrmsg body = { .ifa_family = strchr(ip, ':') ? AF_INET6 : AF_INET,
		.ifa_prefixlen = len,
		.ifa_index = index };
	struct message m;

	begin(&m, RTM_NEWADDR, &body, sizeof(body));
	put_ip(&m, IFA_ADDRESS, ip);
	weir_interface_facts_add(f, &m.h);
}

static void
route(struct weir_interface_facts *f, uint32_t index, const char *dst, uint8_t len, uint32_t table)
{
	struct rtmsg body = { .rtm_family = dst && strchr(dst, ':') ? AF_INET6 : AF_INET,
		.rtm_dst_len = len,
		.rtm_table = (uint8_t)table };
	struct message m;

	begin(&m, RTM_NEWROUTE, &body, sizeof(body));
	if (dst)
		put_ip(&m, RTA_DST, dst);
	put_u32(&m, RTA_OIF, index);
	put_u32(&m, RTA_TABLE, table);
	weir_interface_facts_add(f, &m.h);
}

/* Some other interface, number 9, that names ours as its link. */
static void
rider(struct weir_interface_facts *f, const char *kind, bool is_foreign)
{
	struct ifinfomsg body = { .ifi_index = 9 };
	struct message m;
	union {
		struct rtattr a;
		uint8_t room[64];
	} info = { .a = { .rta_type = IFLA_INFO_KIND } };

	begin(&m, RTM_NEWLINK, &body, sizeof(body));
	put(&m, IFLA_IFNAME, "eth7.5", 7);
	put_u32(&m, IFLA_LINK, INDEX);
	if (is_foreign)
		put_u32(&m, IFLA_LINK_NETNSID, 1);
	info.a.rta_len = (uint16_t)RTA_LENGTH(strlen(kind) + 1);
	memcpy(RTA_DATA(&info.a), kind, strlen(kind) + 1);
	put(&m, IFLA_LINKINFO, &info, info.a.rta_len);
	weir_interface_facts_add(f, &m.h);
}

/* The decision without --tap and --take must be this, for this reason. */
static void
expect(const struct weir_interface_facts *f, bool is_taken, const char *why)
{
	struct weir_interface_decision d = { 0 };
	struct weir_error err;

	CU_ASSERT_EQUAL_FATAL(weir_interface_decide(f, WEIR_TAKE_AUTO, &d, &err), 0);
	CU_ASSERT_EQUAL(d.is_taken, is_taken);
	CU_ASSERT_STRING_EQUAL(d.why, why);
}

static void
idle_interface_is_taken(void)
{
	struct weir_interface_facts f = idle();

	expect(&f, true, "it carries no address and no route");
}

static void
address_means_tap(void)
{
	struct weir_interface_facts f = idle();

	address(&f, INDEX, "10.0.0.1", 24);
	expect(&f, false, "it carries 10.0.0.1/24");
	address(&f, INDEX, "fd00::1", 64);
	expect(&f, false, "it carries 10.0.0.1/24 and other addresses");
	CU_ASSERT_EQUAL(f.n_addresses, 2);
}

static void
automatic_addresses_do_not_count(void)
{
	struct weir_interface_facts f = idle();

	address(&f, INDEX, "fe80::1", 64);
	address(&f, INDEX + 1, "10.0.0.1", 24); /* another interface's */
	expect(&f, true, "it carries no address and no route");
}

static void
point_to_point_shows_its_own_end(void)
{
	struct ifaddrmsg body = { .ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = INDEX };
	struct weir_interface_facts f = idle();
	struct message m;

	begin(&m, RTM_NEWADDR, &body, sizeof(body));
	put_ip(&m, IFA_ADDRESS, "10.0.0.2");
	put_ip(&m, IFA_LOCAL, "10.0.0.1");
	weir_interface_facts_add(&f, &m.h);
	expect(&f, false, "it carries 10.0.0.1/32");
}

static void
route_means_tap(void)
{
	struct weir_interface_facts f = idle();

	route(&f, INDEX, "10.1.0.0", 16, RT_TABLE_MAIN);
	expect(&f, false, "it carries the route 10.1.0.0/16");
	f = idle();
	route(&f, INDEX, NULL, 0, RT_TABLE_MAIN);
	expect(&f, false, "it carries the route default");
	f = idle();
	route(&f, INDEX, "10.2.0.0", 16, 1000); /* a table beyond 8 bits */
	expect(&f, false, "it carries the route 10.2.0.0/16");
}

static void
automatic_routes_do_not_count(void)
{
	struct weir_interface_facts f = idle();

	route(&f, INDEX, "fe80::", 64, RT_TABLE_MAIN);
	route(&f, INDEX, "ff00::", 8, RT_TABLE_LOCAL);
	route(&f, INDEX, "ff00::", 8, RT_TABLE_MAIN);
	route(&f, INDEX, "10.0.0.1", 32, RT_TABLE_LOCAL);
	route(&f, INDEX + 1, "10.1.0.0", 16, RT_TABLE_MAIN);
	expect(&f, true, "it carries no address and no route");
}

static void
one_of_several_next_hops_means_tap(void)
{
	struct rtmsg body = { .rtm_family = AF_INET, .rtm_dst_len = 0, .rtm_table = RT_TABLE_MAIN };
	struct rtnexthop hops[2] = {
		{ .rtnh_len = sizeof(hops[0]), .rtnh_ifindex = INDEX + 1 },
		{ .rtnh_len = sizeof(hops[0]), .rtnh_ifindex = INDEX },
	};
	struct weir_interface_facts f = idle();
	struct message m;

	begin(&m, RTM_NEWROUTE, &body, sizeof(body));
	put(&m, RTA_MULTIPATH, hops, sizeof(hops));
	weir_interface_facts_add(&f, &m.h);
	expect(&f, false, "it carries the route default");
}

static void
what_rides_on_it_means_tap(void)
{
	struct weir_interface_facts f = idle();

	rider(&f, "vlan", false);
	expect(&f, false, "eth7.5 rides on it");
	f = idle();
	rider(&f, "veth", false); /* the other end of a cable */
	rider(&f, "vlan", true);  /* the number counts in another namespace */
	expect(&f, true, "it carries no address and no route");
}

static void
member_of_a_bridge_is_tapped(void)
{
	struct weir_interface_facts f = idle();

	strcpy(f.master, "br0");
	expect(&f, false, "it is part of br0");
}

static void
loopback_and_any_are_tapped(void)
{
	struct weir_interface_facts f = idle();
	struct weir_interface_decision d;
	struct weir_error err;

	f.flags |= IFF_LOOPBACK;
	expect(&f, false, "it is the loopback interface");
	f.is_all = true;
	expect(&f, false, "it stands for every interface");
	CU_ASSERT_NOT_EQUAL(weir_interface_decide(&f, WEIR_TAKE_TAKE, &d, &err), 0);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
}

static void
flags_override(void)
{
	struct weir_interface_facts f = idle();
	struct weir_interface_decision d;
	struct weir_error err;

	CU_ASSERT_EQUAL(weir_interface_decide(&f, WEIR_TAKE_TAP, &d, &err), 0);
	CU_ASSERT_FALSE(d.is_taken);
	CU_ASSERT_STRING_EQUAL(d.why, "asked for by --tap");
	address(&f, INDEX, "10.0.0.1", 24);
	CU_ASSERT_EQUAL(weir_interface_decide(&f, WEIR_TAKE_TAKE, &d, &err), 0);
	CU_ASSERT_TRUE(d.is_taken);
	CU_ASSERT_PTR_NOT_NULL(strstr(d.why, "10.0.0.1/24"));
}

static void
own_link_is_read(void)
{
	struct ifinfomsg body = {
		.ifi_index = INDEX, .ifi_type = ARPHRD_ETHER, .ifi_flags = IFF_UP
	};
	struct weir_interface_facts f = { .index = INDEX };
	struct message m;

	begin(&m, RTM_NEWLINK, &body, sizeof(body));
	put_u32(&m, IFLA_MTU, 9000);
	put_u32(&m, IFLA_MASTER, 0x7ffffff0); /* has no name */
	weir_interface_facts_add(&f, &m.h);
	CU_ASSERT_EQUAL(f.mtu, 9000);
	CU_ASSERT_EQUAL(f.flags, IFF_UP);
	CU_ASSERT_FALSE(f.has_carrier);
	CU_ASSERT_NOT_EQUAL(f.master[0], '\0');
}

/* Facts of an interface that has these XDP programs; 0: not that one. */
static struct weir_interface_facts
with_xdp(uint32_t in_driver, uint32_t behind, bool is_marked)
{
	struct ifinfomsg body = { .ifi_index = INDEX, .ifi_type = ARPHRD_ETHER };
	struct weir_interface_facts f = { .index = INDEX };
	struct message m, nested;

	begin(&nested, 0, "", 0);
	if (behind)
		put_u32(&nested, IFLA_XDP_SKB_PROG_ID, behind);
	if (in_driver)
		put_u32(&nested, IFLA_XDP_DRV_PROG_ID, in_driver);
	begin(&m, RTM_NEWLINK, &body, sizeof(body));
	put(&m, IFLA_XDP | (is_marked ? NLA_F_NESTED : 0), NLMSG_DATA(&nested.h),
	    nested.h.nlmsg_len - NLMSG_LENGTH(0));
	weir_interface_facts_add(&f, &m.h);
	return f;
}

static void
xdp_programs_are_read(void)
{
	struct weir_interface_facts f = with_xdp(0, 0, false);

	CU_ASSERT_EQUAL(f.xdp_id, 0);
	f = with_xdp(0, 7, false);
	CU_ASSERT_TRUE(f.xdp_id == 7 && f.xdp_mode == XDP_ATTACHED_SKB);
	f = with_xdp(8, 0, true);
	CU_ASSERT_TRUE(f.xdp_id == 8 && f.xdp_mode == XDP_ATTACHED_DRV);
	f = with_xdp(8, 7, true); /* packets meet that of the driver first */
	CU_ASSERT_TRUE(f.xdp_id == 8 && f.xdp_mode == XDP_ATTACHED_DRV);
}

static void
links_are_up_or_not(void)
{
	struct weir_interface_facts f;

	CU_ASSERT_EQUAL_FATAL(weir_interface_facts_read("lo", &f, NULL), 0);
	CU_ASSERT_EQUAL(weir_interface_is_up("lo"), f.flags & IFF_UP && f.has_carrier);
	CU_ASSERT_FALSE(weir_interface_is_up("no-such-one"));
	CU_ASSERT_FALSE(weir_interface_is_up(""));
}

static void
short_messages_are_passed_over(void)
{
	struct weir_interface_facts f = idle();
	struct message m;
	uint8_t byte = 1;

	for (uint16_t type = RTM_NEWLINK; type <= RTM_NEWROUTE; type++) {
		begin(&m, type, &byte, 1);
		weir_interface_facts_add(&f, &m.h);
	}
	expect(&f, true, "it carries no address and no route");
}

static void
jumbo_blocks_xdp(void)
{
	struct weir_interface_facts f = idle();
	char why[256];

	f.mtu = 9000;
	CU_ASSERT_TRUE(weir_interface_blocks_xdp(&f, why, sizeof(why)));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "9000"));
	f.mtu = 1500;
	f.n_queues = 64;
	CU_ASSERT_TRUE(weir_interface_blocks_xdp(&f, why, sizeof(why)));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "ethtool -L eth7 combined"));
}

static void
missing_interface_names_the_nearest(void)
{
	struct weir_interface_facts f;
	struct weir_error err;

	CU_ASSERT_EQUAL(weir_interface_facts_read("loo", &f, &err), -ENODEV);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_RUN);
	CU_ASSERT_STRING_EQUAL(err.text, "no such interface (try 'lo')");
	CU_ASSERT_EQUAL(weir_interface_facts_read("net_null0", &f, &err), -ENODEV);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "vdev:net_null0"));
	CU_ASSERT_EQUAL(weir_interface_facts_read("a-name-longer-than-any", &f, &err), -ENODEV);
}

static void
loopback_is_found(void)
{
	struct weir_interface_facts f;
	struct weir_error err;

	CU_ASSERT_EQUAL_FATAL(weir_interface_facts_read("lo", &f, &err), 0);
	CU_ASSERT_TRUE(f.flags & IFF_LOOPBACK);
	CU_ASSERT_EQUAL(f.type, ARPHRD_LOOPBACK);
	CU_ASSERT_EQUAL(weir_interface_facts_read("any", &f, &err), 0);
	CU_ASSERT_TRUE(f.is_all);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "idle interface is taken", idle_interface_is_taken },
		{ "address means tap", address_means_tap },
		{ "automatic addresses do not count", automatic_addresses_do_not_count },
		{ "point to point shows its own end", point_to_point_shows_its_own_end },
		{ "route means tap", route_means_tap },
		{ "automatic routes do not count", automatic_routes_do_not_count },
		{ "one of several next hops means tap", one_of_several_next_hops_means_tap },
		{ "what rides on it means tap", what_rides_on_it_means_tap },
		{ "member of a bridge is tapped", member_of_a_bridge_is_tapped },
		{ "loopback and any are tapped", loopback_and_any_are_tapped },
		{ "flags override", flags_override },
		{ "own link is read", own_link_is_read },
		{ "XDP programs are read", xdp_programs_are_read },
		{ "links are up or not", links_are_up_or_not },
		{ "short messages are passed over", short_messages_are_passed_over },
		{ "jumbo blocks xdp", jumbo_blocks_xdp },
		{ "missing interface names the nearest", missing_interface_names_the_nearest },
		{ "loopback is found", loopback_is_found },
		CU_TEST_INFO_NULL,
	};

	return check_run("interface", tests);
}
