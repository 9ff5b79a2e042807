/* SPDX-License-Identifier: BSD-3-Clause */
#include "net.h"

#include <rte_arp.h>
#include <rte_byteorder.h>
#include <rte_ether.h>

#include "net_parts.h"

/* What is rare: answers to those who ask for us, and questions for neighbours. */

#define ETHER 14u
#define ND    24u /* solicitation or advertisement, without its option of 8 */

void
weir_net_addr(const struct weir_wire_address *a, struct net_addr *ret)
{
	rte_be64_t hi = rte_cpu_to_be_64(a->addr.hi), lo = rte_cpu_to_be_64(a->addr.lo);
	rte_be32_t v4 = rte_cpu_to_be_32((uint32_t)a->addr.lo);

	memset(ret, 0, sizeof(*ret));
	if (a->version == 4) {
		memcpy(ret->b, &v4, sizeof(v4));
	} else {
		memcpy(ret->b, &hi, sizeof(hi));
		memcpy(ret->b + 8, &lo, sizeof(lo));
	}
}

void
weir_net_address(const struct net_addr *a, uint8_t version, struct weir_wire_address *ret)
{
	rte_be64_t hi, lo;
	rte_be32_t v4;

	memcpy(&hi, a->b, sizeof(hi));
	memcpy(&lo, a->b + 8, sizeof(lo));
	memcpy(&v4, a->b, sizeof(v4));
	ret->version = version;
	ret->addr.hi = version == 4 ? 0 : rte_be_to_cpu_64(hi);
	ret->addr.lo = version == 4 ? rte_be_to_cpu_32(v4) : rte_be_to_cpu_64(lo);
}

bool
weir_net_is_same(const struct net_addr *a, const struct net_addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool
weir_net_is_near(const struct net_host *h, const struct net_addr *a)
{
	unsigned bytes = h->prefix_len / 8, bits = h->prefix_len % 8;

	if (h->version == 6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80)
		return true; /* fe80::/10 */
	return memcmp(h->ip.b, a->b, bytes) == 0 &&
	       (!bits || (h->ip.b[bytes] ^ a->b[bytes]) >> (8 - bits) == 0);
}

static uint32_t
put_arp(const struct net_host *h, uint16_t opcode, const uint8_t *ether_to, const uint8_t *mac,
    const struct net_addr *ip, uint8_t *out)
{
	struct rte_arp_hdr a = { .arp_hardware = RTE_BE16(RTE_ARP_HRD_ETHER),
		.arp_protocol = RTE_BE16(RTE_ETHER_TYPE_IPV4),
		.arp_hlen = 6,
		.arp_plen = 4,
		.arp_opcode = rte_cpu_to_be_16(opcode) };

	memcpy(a.arp_data.arp_sha.addr_bytes, h->mac, 6);
	memcpy(&a.arp_data.arp_sip, h->ip.b, 4);
	memcpy(a.arp_data.arp_tha.addr_bytes, mac, 6);
	memcpy(&a.arp_data.arp_tip, ip->b, 4);
	weir_net_put_ether(out, ether_to, h->mac, RTE_ETHER_TYPE_ARP);
	memcpy(out + ETHER, &a, sizeof(a));
	return ETHER + (uint32_t)sizeof(a);
}

/* IPv6 and the checksum of the ICMP message that stands behind already. */
static void
put_icmp6(const struct net_host *h, const struct net_addr *to, uint8_t hop_limit, uint32_t len,
    uint8_t *out)
{
	struct rte_ipv6_hdr ip = { .vtc_flow = RTE_BE32(0x60000000),
		.payload_len = rte_cpu_to_be_16((uint16_t)len),
		.proto = IPPROTO_ICMPV6,
		.hop_limits = hop_limit };
	uint8_t *icmp = out + ETHER + sizeof(ip);
	uint16_t sum;

	memcpy(ip.src_addr, h->ip.b, 16);
	memcpy(ip.dst_addr, to->b, 16);
	memset(icmp + 2, 0, 2);
	sum = weir_net_icmp6_sum(&ip, icmp, len);
	memcpy(icmp + 2, &sum, 2);
	memcpy(out + ETHER, &ip, sizeof(ip));
}

static uint32_t
put_nd(const struct net_host *h, uint8_t type, uint8_t flags, const uint8_t *mac,
    const struct net_addr *to, const struct net_addr *target, uint8_t *out)
{
	uint8_t *icmp = out + ETHER + sizeof(struct rte_ipv6_hdr);

	weir_net_put_ether(out, mac, h->mac, RTE_ETHER_TYPE_IPV6);
	memset(icmp, 0, ND + 8);
	icmp[0] = type;
	icmp[4] = flags;
	memcpy(icmp + 8, target->b, 16);
	icmp[ND] = type == NET_ND_SOLICITATION ? NET_ND_SOURCE_LINK : NET_ND_TARGET_LINK;
	icmp[ND + 1] = 1;
	memcpy(icmp + ND + 2, h->mac, 6);
	put_icmp6(h, to, 255, ND + 8, out);
	return ETHER + (uint32_t)sizeof(struct rte_ipv6_hdr) + ND + 8;
}

static uint32_t
answer_echo(const struct net_host *h, const uint8_t *p, const struct net_seen *seen, uint8_t *out)
{
	uint32_t ip_bytes = h->version == 4 ? 20 : 40;
	uint8_t *icmp = out + ETHER + ip_bytes;
	uint16_t sum;

	memcpy(icmp, p + seen->offset, seen->len);
	if (h->version == 6) {
		weir_net_put_ether(out, seen->mac, h->mac, RTE_ETHER_TYPE_IPV6);
		icmp[0] = NET_ECHO6_REPLY;
		put_icmp6(h, &seen->addr, 64, seen->len, out);
	} else {
		struct rte_ipv4_hdr ip = { .version_ihl = RTE_IPV4_VHL_DEF,
			.total_length = rte_cpu_to_be_16((uint16_t)(20 + seen->len)),
			.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
			.time_to_live = 64,
			.next_proto_id = IPPROTO_ICMP };

		memcpy(&ip.src_addr, h->ip.b, 4);
		memcpy(&ip.dst_addr, seen->addr.b, 4);
		ip.hdr_checksum = rte_ipv4_cksum(&ip);
		weir_net_put_ether(out, seen->mac, h->mac, RTE_ETHER_TYPE_IPV4);
		memcpy(out + ETHER, &ip, sizeof(ip));
		icmp[0] = NET_ECHO4_REPLY;
		memset(icmp + 2, 0, 2);
		sum = (uint16_t)~rte_raw_cksum(icmp, seen->len);
		memcpy(icmp + 2, &sum, 2);
	}
	return ETHER + ip_bytes + seen->len;
}

uint32_t
weir_net_answer(const struct net_host *h, const uint8_t *p, const struct net_seen *seen,
    uint8_t *out, uint32_t size)
{
	/* RFC 4861, 7.2.4: who has no address yet is told with all others */
	static const struct net_addr all = { { 0xff, 2, [15] = 1 } };
	static const uint8_t all_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };

	if (size < NET_ASK_BYTES)
		return 0;
	switch (seen->kind) {
	case NET_ARP_REQUEST:
		return put_arp(h, RTE_ARP_OP_REPLY, seen->mac, seen->mac, &seen->addr, out);
	case NET_SOLICITATION:
		return put_nd(h, NET_ND_ADVERTISEMENT,
		    seen->is_probe ? NET_ND_OVERRIDE : NET_ND_SOLICITED | NET_ND_OVERRIDE,
		    seen->is_probe ? all_mac : seen->mac, seen->is_probe ? &all : &seen->addr,
		    &h->ip, out);
	case NET_ECHO:
		return size < ETHER + 40 + seen->len ? 0 : answer_echo(h, p, seen, out);
	default:
		return 0;
	}
}

uint32_t
weir_net_ask(const struct net_host *h, const struct net_addr *who, const uint8_t *mac, uint8_t *out)
{
	static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, none[6];
	uint8_t group_mac[6] = { 0x33, 0x33, 0xff };
	struct net_addr group;

	if (h->version == 4)
		return put_arp(
		    h, RTE_ARP_OP_REQUEST, mac ? mac : broadcast, mac ? mac : none, who, out);
	weir_net_group(who, &group);
	memcpy(group_mac + 3, who->b + 13, 3);
	return put_nd(
	    h, NET_ND_SOLICITATION, 0, mac ? mac : group_mac, mac ? who : &group, who, out);
}
