/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_WIRE_NET_PARTS_H
#define WEIR_WIRE_NET_PARTS_H

#include <netinet/in.h>
#include <rte_ip.h>
#include <string.h>

#include "net.h"

/* Of net*.c alone. */

#define NET_ECHO4_REQUEST    8
#define NET_ECHO4_REPLY      0
#define NET_ECHO6_REQUEST    128
#define NET_ECHO6_REPLY      129
#define NET_ND_SOLICITATION  135
#define NET_ND_ADVERTISEMENT 136
#define NET_ND_SOURCE_LINK   1 /* options: a link address */
#define NET_ND_TARGET_LINK   2
#define NET_ND_SOLICITED     0x40 /* flags of an advertisement */
#define NET_ND_OVERRIDE      0x20

/* Sum over a pseudo-header and what follows: 0 where the checksum within is right. */
static inline uint16_t
weir_net_sum6(const struct rte_ipv6_hdr *ip, uint8_t proto, const void *p, uint32_t len)
{
	struct rte_ipv6_hdr pseudo = *ip;
	uint32_t sum;

	pseudo.proto = proto;
	pseudo.payload_len = rte_cpu_to_be_16((uint16_t)len);
	sum = (uint32_t)rte_ipv6_phdr_cksum(&pseudo, 0) + rte_raw_cksum(p, len);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static inline uint16_t
weir_net_icmp6_sum(const struct rte_ipv6_hdr *ip, const void *p, uint32_t len)
{
	return weir_net_sum6(ip, IPPROTO_ICMPV6, p, len);
}

static inline uint16_t
weir_net_udp_sum(unsigned version, const void *ip, const void *udp, uint32_t len)
{
	struct {
		uint8_t from_to[8];
		uint8_t zero, proto;
		rte_be16_t len;
	} pseudo = { .proto = IPPROTO_UDP, .len = rte_cpu_to_be_16((uint16_t)len) };
	uint32_t sum;

	if (version == 6)
		return weir_net_sum6(ip, IPPROTO_UDP, udp, len);
	/* rte_ipv4_phdr_cksum takes the length from the header, which may be longer */
	memcpy(pseudo.from_to, (const uint8_t *)ip + 12, 8);
	sum = (uint32_t)rte_raw_cksum(&pseudo, sizeof(pseudo)) + rte_raw_cksum(udp, len);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* RFC 4291, 2.7.1: the solicited-node multicast address. */
static inline void
weir_net_group(const struct net_addr *of, struct net_addr *ret)
{
	static const uint8_t head[13] = { 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff };

	memcpy(ret->b, head, sizeof(head));
	memcpy(ret->b + 13, of->b + 13, 3);
}

static inline void
weir_net_put_ether(uint8_t *p, const uint8_t *to, const uint8_t *from, uint16_t type)
{
	memcpy(p, to, 6);
	memcpy(p + 6, from, 6);
	p[12] = (uint8_t)(type >> 8);
	p[13] = (uint8_t)type;
}

#endif
