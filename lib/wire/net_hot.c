/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <rte_arp.h>
#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "net.h"
#include "net_parts.h"

#include <weir/base/poison.h> /* last */

#define TTL 64

/* What comes: headers taken apart, each length and checksum looked at. */

static inline bool
is_ours(const struct net_host *h, const uint8_t *mac)
{
	return memcmp(mac, h->mac, 6) == 0;
}

static inline bool
is_unicast(const uint8_t *mac)
{
	static const uint8_t zero[6];

	return !(mac[0] & 1) && memcmp(mac, zero, 6) != 0;
}

static inline struct net_addr
addr4(const void *p)
{
	struct net_addr a = { { 0 } };

	memcpy(a.b, p, 4);
	return a;
}

/* RFC 826, for Ethernet and IPv4. */
static void
see_arp(const struct net_host *h, const uint8_t *p, uint32_t len, struct net_seen *ret)
{
	const struct rte_arp_hdr *a = (const void *)(p + RTE_ETHER_HDR_LEN);
	uint8_t is_to_all = p[0] & 1;

	if (h->version != 4 || len < RTE_ETHER_HDR_LEN + sizeof(*a) ||
	    a->arp_hardware != RTE_BE16(RTE_ARP_HRD_ETHER) ||
	    a->arp_protocol != RTE_BE16(RTE_ETHER_TYPE_IPV4) || a->arp_hlen != 6 ||
	    a->arp_plen != 4 || memcmp(&a->arp_data.arp_tip, h->ip.b, 4) != 0)
		return;
	ret->addr = addr4(&a->arp_data.arp_sip);
	memcpy(ret->mac, a->arp_data.arp_sha.addr_bytes, 6);
	if (!is_unicast(ret->mac) || memcmp(ret->mac, p + 6, 6) != 0)
		return;
	if (a->arp_opcode == RTE_BE16(RTE_ARP_OP_REQUEST))
		ret->kind = NET_ARP_REQUEST;
	else if (a->arp_opcode == RTE_BE16(RTE_ARP_OP_REPLY) && !is_to_all &&
		 is_ours(h, a->arp_data.arp_tha.addr_bytes))
		ret->kind = NET_NEIGHBOUR;
}

/* The first option of this type with a link address in it. NULL: none, or they are malformed. */
static const uint8_t *
find_option(const uint8_t *p, uint32_t len, uint8_t type)
{
	const uint8_t *found = NULL;

	while (len >= 8) {
		uint32_t n = p[1] * 8u;

		if (!n || n > len)
			return NULL;
		if (p[0] == type && n == 8 && !found)
			found = p + 2;
		p += n;
		len -= n;
	}
	return len ? NULL : found;
}

/* RFC 4861, 7.1: hop limit 255 and code 0 are looked at by the caller. */
static void
see_neighbour(const struct net_host *h, const uint8_t *p, const uint8_t *icmp, uint32_t len,
    struct net_seen *ret)
{
	static const struct net_addr none;
	const uint8_t *mac;

	if (len < 24)
		return;
	if (icmp[0] == NET_ND_SOLICITATION && memcmp(icmp + 8, h->ip.b, 16) == 0) {
		ret->is_probe = weir_net_is_same(&ret->addr, &none);
		memcpy(ret->mac, p + 6, 6);
		if (is_unicast(ret->mac) && (len == 24 || len >= 32))
			ret->kind = NET_SOLICITATION;
		return;
	}
	/* answers to us alone: solicited, and sent to our address */
	if (icmp[0] != NET_ND_ADVERTISEMENT || !(icmp[4] & NET_ND_SOLICITED) || p[0] & 1)
		return;
	mac = find_option(icmp + 24, len - 24, NET_ND_TARGET_LINK);
	if (!mac || !is_unicast(mac) || icmp[8] == 0xff)
		return;
	memcpy(ret->mac, mac, 6);
	memcpy(ret->addr.b, icmp + 8, 16);
	ret->kind = NET_NEIGHBOUR;
}

static void
see_icmp6(const struct net_host *h, const uint8_t *p, uint32_t offset, uint32_t len, bool is_to_us,
    struct net_seen *ret)
{
	const struct rte_ipv6_hdr *ip = (const void *)(p + RTE_ETHER_HDR_LEN);
	const uint8_t *icmp = p + offset;

	if (len < 8)
		return;
	if (weir_net_icmp6_sum(ip, icmp, len) != 0) {
		ret->kind = NET_BAD;
		return;
	}
	if (icmp[0] == NET_ECHO6_REQUEST && is_to_us && icmp[1] == 0 && ret->addr.b[0] != 0xff) {
		ret->kind = NET_ECHO;
		ret->offset = offset;
		ret->len = len;
		memcpy(ret->mac, p + 6, 6);
	} else if (ip->hop_limits == 255 && icmp[1] == 0) {
		see_neighbour(h, p, icmp, len, ret);
	}
}

static void
see_icmp4(const uint8_t *p, uint32_t offset, uint32_t len, struct net_seen *ret)
{
	const uint8_t *icmp = p + offset;

	if (len < 8 || rte_raw_cksum(icmp, len) != 0xffff) {
		ret->kind = NET_BAD;
		return;
	}
	/* nobody at all, a group or everybody is no one to answer */
	if (icmp[0] != NET_ECHO4_REQUEST || icmp[1] != 0 || ret->addr.b[0] >= 224 ||
	    ret->addr.b[0] == 0)
		return;
	ret->kind = NET_ECHO;
	ret->offset = offset;
	ret->len = len;
	memcpy(ret->mac, p + 6, 6);
}

static void
see_udp(
    const struct net_host *h, const uint8_t *p, uint32_t offset, uint32_t len, struct net_seen *ret)
{
	const struct rte_udp_hdr *udp = (const void *)(p + offset);
	const void *ip = p + RTE_ETHER_HDR_LEN;
	uint32_t udp_len;

	if (len < sizeof(*udp)) {
		ret->kind = NET_BAD;
		return;
	}
	if (rte_be_to_cpu_16(udp->dst_port) != h->udp_port)
		return;
	udp_len = rte_be_to_cpu_16(udp->dgram_len);
	ret->kind = NET_BAD;
	if (udp_len < sizeof(*udp) || udp_len > len)
		return;
	/* RFC 768: 0 is none; RFC 8200: of IPv6 there is always one */
	if (udp->dgram_cksum ? weir_net_udp_sum(h->version, ip, udp, udp_len) != 0
			     : h->version == 6)
		return;
	ret->kind = NET_FRAME;
	ret->offset = offset + (uint32_t)sizeof(*udp);
	ret->len = udp_len - (uint32_t)sizeof(*udp);
	memcpy(ret->mac, p + 6, 6);
}

static void
see_ip4(const struct net_host *h, const uint8_t *p, uint32_t len, struct net_seen *ret)
{
	const struct rte_ipv4_hdr *ip = (const void *)(p + RTE_ETHER_HDR_LEN);
	uint32_t head, total;

	len -= RTE_ETHER_HDR_LEN;
	if (len < sizeof(*ip) || !is_ours(h, p) || memcmp(&ip->dst_addr, h->ip.b, 4) != 0 ||
	    ip->version_ihl >> 4 != 4)
		return;
	head = (ip->version_ihl & 0xfu) * 4u;
	total = rte_be_to_cpu_16(ip->total_length);
	if (head < sizeof(*ip) || total < head || total > len ||
	    rte_raw_cksum(ip, head) != 0xffff) {
		ret->kind = NET_BAD;
		return;
	}
	/* fragments: frames are never so long */
	if (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK))
		return;
	ret->addr = addr4(&ip->src_addr);
	if (ip->next_proto_id == IPPROTO_UDP)
		see_udp(h, p, RTE_ETHER_HDR_LEN + head, total - head, ret);
	else if (ip->next_proto_id == IPPROTO_ICMP)
		see_icmp4(p, RTE_ETHER_HDR_LEN + head, total - head, ret);
}

static void
see_ip6(const struct net_host *h, const uint8_t *p, uint32_t len, struct net_seen *ret)
{
	const struct rte_ipv6_hdr *ip = (const void *)(p + RTE_ETHER_HDR_LEN);
	uint32_t offset = RTE_ETHER_HDR_LEN + sizeof(*ip), payload;
	struct net_addr group;
	bool is_to_us;

	if (len < offset || p[RTE_ETHER_HDR_LEN] >> 4 != 6)
		return;
	weir_net_group(&h->ip, &group);
	is_to_us = is_ours(h, p) && memcmp(ip->dst_addr, h->ip.b, 16) == 0;
	if (!is_to_us && memcmp(ip->dst_addr, group.b, 16) != 0)
		return;
	payload = rte_be_to_cpu_16(ip->payload_len);
	if (payload > len - offset) {
		ret->kind = NET_BAD;
		return;
	}
	memcpy(ret->addr.b, ip->src_addr, 16);
	if (ip->proto == IPPROTO_UDP && is_to_us)
		see_udp(h, p, offset, payload, ret);
	else if (ip->proto == IPPROTO_ICMPV6)
		see_icmp6(h, p, offset, payload, is_to_us, ret);
}

void
weir_net_see(const struct net_host *h, const uint8_t *p, uint32_t len, struct net_seen *ret)
{
	const struct rte_ether_hdr *eth = (const void *)p;

	memset(ret, 0, sizeof(*ret));
	/* our own, which some ports hear */
	if (unlikely(len < sizeof(*eth) || memcmp(eth->src_addr.addr_bytes, h->mac, 6) == 0))
		return;
	if (h->version == 4 && eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4))
		see_ip4(h, p, len, ret);
	else if (h->version == 6 && eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV6))
		see_ip6(h, p, len, ret);
	else if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_ARP))
		see_arp(h, p, len, ret);
}

uint32_t
weir_net_head_bytes(const struct net_host *h)
{
	return RTE_ETHER_HDR_LEN + (uint32_t)sizeof(struct rte_udp_hdr) +
	       (uint32_t)(h->version == 4 ? sizeof(struct rte_ipv4_hdr)
					  : sizeof(struct rte_ipv6_hdr));
}

static void
put_ip4(const struct net_host *h, const struct net_addr *to, uint32_t len, uint8_t *p)
{
	struct rte_ipv4_hdr ip = { .version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(ip) + len)),
		/* never cut into pieces, so that it needs no number (RFC 6864) */
		.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = TTL,
		.next_proto_id = IPPROTO_UDP };

	memcpy(&ip.src_addr, h->ip.b, 4);
	memcpy(&ip.dst_addr, to->b, 4);
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(p, &ip, sizeof(ip));
}

static void
put_ip6(const struct net_host *h, const struct net_addr *to, uint32_t len, uint8_t *p)
{
	struct rte_ipv6_hdr ip = { .vtc_flow = RTE_BE32(0x60000000),
		.payload_len = rte_cpu_to_be_16((uint16_t)len),
		.proto = IPPROTO_UDP,
		.hop_limits = TTL };

	memcpy(ip.src_addr, h->ip.b, 16);
	memcpy(ip.dst_addr, to->b, 16);
	memcpy(p, &ip, sizeof(ip));
}

void
weir_net_wrap(const struct net_host *h, const struct net_route *r, uint16_t from_port,
    uint8_t *head, uint32_t payload_len)
{
	uint32_t ip_bytes = weir_net_head_bytes(h) - RTE_ETHER_HDR_LEN - 8,
		 udp_len = payload_len + 8;
	uint8_t *ip = head + RTE_ETHER_HDR_LEN, *udp = ip + ip_bytes;
	struct rte_udp_hdr u = { .src_port = rte_cpu_to_be_16(from_port),
		.dst_port = rte_cpu_to_be_16(r->udp_port),
		.dgram_len = rte_cpu_to_be_16((uint16_t)udp_len) };

	weir_net_put_ether(
	    head, r->mac, h->mac, h->version == 4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	if (h->version == 4)
		put_ip4(h, &r->ip, udp_len, ip);
	else
		put_ip6(h, &r->ip, udp_len, ip);
	memcpy(udp, &u, sizeof(u));
	u.dgram_cksum = weir_net_udp_sum(h->version, ip, udp, udp_len);
	if (!u.dgram_cksum)
		u.dgram_cksum = 0xffff;
	memcpy(udp, &u, sizeof(u));
}
