/* SPDX-License-Identifier: BSD-3-Clause */
#include "spread.h"

#include <rte_byteorder.h>
#include <rte_ethdev.h>
#include <rte_thash.h>
#include <string.h>

#define KEY_LEAST_V4 16u /* 12 bytes of tuple, and 4 more that the last of them reach */
#define KEY_LEAST_V6 40u

static uint32_t
word(const uint8_t *p)
{
	rte_be32_t w;

	memcpy(&w, p, sizeof(w));
	return rte_be_to_cpu_32(w);
}

/* What the NIC hashes, in words of host order. Returns how many. */
static uint32_t
make_tuple(unsigned version, const struct net_addr *from, const struct net_addr *to,
    uint16_t from_port, uint16_t to_port, uint32_t tuple[9])
{
	unsigned n = version == 4 ? 1 : 4;

	for (unsigned i = 0; i < n; i++) {
		tuple[i] = word(from->b + i * sizeof(*tuple));
		tuple[n + i] = word(to->b + i * sizeof(*tuple));
	}
	tuple[2 * n] = (uint32_t)from_port << 16 | to_port;
	return 2 * n + 1;
}

static bool
has_key(const struct weir_wire_rss *rss, unsigned version)
{
	return rss->n_queues > 1 && rss->key_len >= (version == 4 ? KEY_LEAST_V4 : KEY_LEAST_V6) &&
	       rss->key_len <= WEIR_WIRE_RSS_KEY_BYTES && rss->n_table &&
	       rss->n_table <= WEIR_WIRE_RSS_TABLE && (rss->n_table & (rss->n_table - 1)) == 0;
}

unsigned
weir_spread_queue(const struct weir_wire_rss *rss, unsigned version, const struct net_addr *from,
    const struct net_addr *to, uint16_t from_port, uint16_t to_port)
{
	uint32_t tuple[9], n, hash;

	if (!has_key(rss, version))
		return 0;
	n = make_tuple(version, from, to, from_port, to_port, tuple);
	hash = rte_softrss(tuple, n, rss->key);
	return rss->table[hash & (rss->n_table - 1u)];
}

unsigned
weir_spread_ports(const struct weir_wire_rss *rss, unsigned version, const struct net_addr *from,
    const struct net_addr *to, uint16_t to_port, uint16_t ports[WEIR_SPREAD_QUEUES],
    bool *ret_is_found)
{
	unsigned n = rss->n_queues ? rss->n_queues : 1, n_found = 0;
	bool is_found[WEIR_SPREAD_QUEUES] = { false };

	n = n < WEIR_SPREAD_QUEUES ? n : WEIR_SPREAD_QUEUES;
	for (unsigned q = 0; q < n; q++)
		ports[q] = (uint16_t)(WEIR_SPREAD_FIRST + q);
	if (has_key(rss, version)) {
		for (uint32_t port = WEIR_SPREAD_FIRST; port <= WEIR_SPREAD_LAST && n_found < n;
		     port++) {
			unsigned q =
			    weir_spread_queue(rss, version, from, to, (uint16_t)port, to_port);

			if (q >= n || is_found[q])
				continue;
			is_found[q] = true;
			ports[q] = (uint16_t)port;
			n_found++;
		}
	}
	*ret_is_found = n == 1 || n_found == n;
	return n;
}

static bool
read_table(uint16_t device, uint16_t n, struct weir_wire_rss *ret)
{
	struct rte_eth_rss_reta_entry64 table[WEIR_WIRE_RSS_TABLE / RTE_ETH_RETA_GROUP_SIZE];

	if (!n || n > WEIR_WIRE_RSS_TABLE || (n & (n - 1)))
		return false;
	memset(table, 0, sizeof(table));
	for (unsigned i = 0; i < n; i++)
		table[i / RTE_ETH_RETA_GROUP_SIZE].mask |= UINT64_C(1)
							   << (i % RTE_ETH_RETA_GROUP_SIZE);
	if (rte_eth_dev_rss_reta_query(device, table, n))
		return false;
	for (unsigned i = 0; i < n; i++)
		ret->table[i] =
		    (uint8_t)table[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE];
	ret->n_table = n;
	return true;
}

void
weir_spread_announce(
    uint16_t device, unsigned version, unsigned n_queues, struct weir_wire_rss *ret)
{
	uint64_t udp = version == 4 ? RTE_ETH_RSS_NONFRAG_IPV4_UDP : RTE_ETH_RSS_NONFRAG_IPV6_UDP;
	struct rte_eth_dev_info info;
	struct rte_eth_rss_conf conf = { .rss_key = ret->key };
	uint8_t any = 0;

	memset(ret, 0, sizeof(*ret));
	ret->n_queues = (uint16_t)n_queues;
	if (n_queues < 2 || rte_eth_dev_info_get(device, &info) ||
	    info.hash_key_size > WEIR_WIRE_RSS_KEY_BYTES)
		return;
	/* not every driver says how long its key is; it is as long as IPv6 needs then */
	conf.rss_key_len = info.hash_key_size ? info.hash_key_size : KEY_LEAST_V6;
	if (rte_eth_dev_rss_hash_conf_get(device, &conf) || !(conf.rss_hf & udp) ||
	    !read_table(device, info.reta_size, ret))
		return;
	for (unsigned i = 0; i < conf.rss_key_len && i < WEIR_WIRE_RSS_KEY_BYTES; i++)
		any |= ret->key[i];
	if (any)
		ret->key_len = info.hash_key_size ? info.hash_key_size : KEY_LEAST_V6;
}
