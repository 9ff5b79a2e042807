/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <string.h>

#include <rte_arp.h>
#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>
#include <rte_ring.h>

#include <weir/base/column.h>
#include <weir/port/guest.h>

#include <weir/base/poison.h> /* last */

/*
 * Whose is a packet? Addresses come first: hardly a packet has the guest's, and all that is looked
 * at lies in the first 64 bytes. Nothing is believed but that len bytes are there.
 */

#define L2           14u
#define ECHO4        8
#define ECHO6        128
#define SOLICITATION 135
#define ADVERTISED   136

static inline bool
is_to_mac(const struct weir_port_guest *g, const uint8_t *p)
{
	return memcmp(p, g->mac, 6) == 0;
}

static inline bool
is_from_mac(const struct weir_port_guest *g, const uint8_t *p)
{
	return memcmp(p + 6, g->mac, 6) == 0;
}

static inline bool
is_to_port(const struct weir_port_guest *g, const uint8_t *udp)
{
	return (udp[2] << 8 | udp[3]) == g->spec.udp_port;
}

static bool
wants_ip4(const struct weir_port_guest *g, const uint8_t *p, uint32_t len)
{
	const uint8_t *ip = p + L2, *at;
	uint32_t head;

	if (len < L2 + sizeof(struct rte_ipv4_hdr))
		return false;
	if (unlikely(memcmp(ip + 12, g->spec.ip, 4) == 0))
		return is_from_mac(g, p);
	if (likely(memcmp(ip + 16, g->spec.ip, 4) != 0) || !is_to_mac(g, p))
		return false;
	head = (ip[0] & 0xfu) * 4u;
	/* more fragments, or not the first one: frames are never so long */
	if (ip[0] >> 4 != 4 || head < sizeof(struct rte_ipv4_hdr) || len < L2 + head + 8 ||
	    ((ip[6] << 8 | ip[7]) & (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)))
		return false;
	at = ip + head;
	return (ip[9] == IPPROTO_UDP && is_to_port(g, at)) ||
	       (ip[9] == IPPROTO_ICMP && at[0] == ECHO4 && at[1] == 0);
}

/* RFC 826, for Ethernet and IPv4: who asks for the address, or tells it something. */
static bool
wants_arp(const struct weir_port_guest *g, const uint8_t *p, uint32_t len)
{
	static const uint8_t kind[6] = { 0, 1, 8, 0, 6, 4 };

	if (len < L2 + sizeof(struct rte_arp_hdr) || memcmp(p + L2, kind, sizeof(kind)) != 0)
		return false;
	return memcmp(p + L2 + 24, g->spec.ip, 4) == 0 ||
	       (memcmp(p + L2 + 14, g->spec.ip, 4) == 0 && is_from_mac(g, p));
}

static bool
wants_ip6(const struct weir_port_guest *g, const uint8_t *p, uint32_t len)
{
	const uint8_t *ip = p + L2, *at = ip + sizeof(struct rte_ipv6_hdr);
	bool is_to_us, is_solicited;
	uint32_t left;

	if (len < L2 + sizeof(struct rte_ipv6_hdr))
		return false;
	if (unlikely(memcmp(ip + 8, g->spec.ip, 16) == 0))
		return is_from_mac(g, p);
	is_to_us = memcmp(ip + 24, g->spec.ip, 16) == 0 && is_to_mac(g, p);
	if (likely(!is_to_us) && memcmp(ip + 24, g->group, 16) != 0)
		return false;
	left = len - L2 - (uint32_t)sizeof(struct rte_ipv6_hdr);
	if (ip[0] >> 4 != 6 || left < 8)
		return false;
	if (ip[6] == IPPROTO_UDP)
		return is_to_us && is_to_port(g, at);
	is_solicited = at[0] == SOLICITATION && left >= 24 && memcmp(at + 8, g->spec.ip, 16) == 0;
	return ip[6] == IPPROTO_ICMPV6 && at[1] == 0 &&
	       (is_solicited || (is_to_us && (at[0] == ECHO6 || at[0] == ADVERTISED)));
}

bool
weir_port_guest_wants(const struct weir_port_guest *g, const uint8_t *p, uint32_t len)
{
	unsigned type;

	if (unlikely(len < L2))
		return false;
	type = (unsigned)(p[12] << 8 | p[13]);
	if (g->spec.version == 6)
		return type == RTE_ETHER_TYPE_IPV6 && wants_ip6(g, p, len);
	if (likely(type == RTE_ETHER_TYPE_IPV4))
		return wants_ip4(g, p, len);
	return type == RTE_ETHER_TYPE_ARP && wants_arp(g, p, len);
}

static inline bool
is_guests(const struct weir_port_guest *g, const struct rte_mbuf *m)
{
	return weir_port_guest_wants(
	    g, rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m));
}

/* Cold: some packets have the guest's address. */
static __attribute__((noinline)) void
hand_over(struct weir_port_guest *g, struct rte_mbuf **m, uint32_t n)
{
	uint32_t taken = rte_ring_mp_enqueue_burst(g->ring, (void **)m, n, NULL);

	__atomic_fetch_add(&g->n_packets, n, __ATOMIC_RELAXED);
	if (unlikely(taken < n)) {
		rte_pktmbuf_free_bulk(m + taken, n - taken);
		__atomic_fetch_add(&g->n_full, n - taken, __ATOMIC_RELAXED);
	}
	if (g->wake)
		g->wake(g->wake_arg);
}

uint32_t
weir_port_guest_part(struct weir_port_guest *g, struct rte_mbuf **m, uint32_t n)
{
	struct rte_mbuf *guests[WEIR_ROWS];
	uint32_t left = 0, n_guests = 0;

	for (uint32_t i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(m[i], const void *));
	for (uint32_t i = 0; i < n; i++) {
		if (unlikely(is_guests(g, m[i])))
			guests[n_guests++] = m[i];
		else
			m[left++] = m[i];
	}
	if (unlikely(n_guests))
		hand_over(g, guests, n_guests);
	return left;
}

uint32_t
weir_port_guest_keep(struct weir_port_guest *g, struct rte_mbuf **m, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (is_guests(g, m[i]))
			m[kept++] = m[i];
		else
			rte_pktmbuf_free_bulk(&m[i], 1);
	}
	__atomic_fetch_add(&g->n_packets, kept, __ATOMIC_RELAXED);
	__atomic_fetch_add(&g->n_unattended, n - kept, __ATOMIC_RELAXED);
	return kept;
}

void
weir_port_guest_count(struct weir_port_guest *g)
{
	__atomic_fetch_add(&g->n_packets, 1, __ATOMIC_RELAXED);
}
