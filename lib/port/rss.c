/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

/* What hashes by addresses alone, and what by ports too. */
#define HF_ADDRESSES   RTE_ETH_RSS_IP
#define HF_PORTS       (RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_SCTP)

#define KEY_BYTES_MOST 256
#define TABLE_MOST     4096

void
weir_device_rss_key(uint8_t *key, size_t len)
{
	/* a period of 16 bits: swapping addresses, or ports, leaves the hash as it is (Woo, Park:
	 * Scalable TCP session monitoring with symmetric receive-side scaling) */
	for (size_t i = 0; i < len; i++)
		key[i] = i % 2 ? 0x5a : 0x6d;
}

uint64_t
weir_device_rss_wanted(const struct rte_eth_dev_info *info, const struct weir_profile *profile)
{
	uint64_t hf = 0;

	if (profile->rss_fields & WEIR_RSS_IP)
		hf |= HF_ADDRESSES;
	if (profile->rss_fields & WEIR_RSS_TCP)
		hf |= RTE_ETH_RSS_TCP;
	if (profile->rss_fields & WEIR_RSS_UDP)
		hf |= RTE_ETH_RSS_UDP;
	if (profile->rss_fields & WEIR_RSS_SCTP)
		hf |= RTE_ETH_RSS_SCTP;
	return info->max_rx_queues > 1 ? info->flow_type_rss_offloads & hf : 0;
}

size_t
weir_device_rss_key_bytes(const struct rte_eth_dev_info *info, const struct weir_profile *profile)
{
	return info->hash_key_size ? info->hash_key_size : profile->rss_key_bytes;
}

struct weir_field_set
weir_device_rss_fields(uint64_t hf)
{
	struct weir_field_set set = { 0 };

	if (hf & (HF_ADDRESSES | HF_PORTS)) {
		weir_field_set_add(&set, WEIR_FIELD_IP_SRC);
		weir_field_set_add(&set, WEIR_FIELD_IP_DST);
	}
	if (hf & HF_PORTS) {
		weir_field_set_add(&set, WEIR_FIELD_SRCPORT);
		weir_field_set_add(&set, WEIR_FIELD_DSTPORT);
	}
	return set;
}

/* Is the port's key the symmetric one? -errno where it cannot be read; *ret_hf is what it hashes.
 */
static int
read_key(uint16_t port, size_t len, bool *ret_is_ours, uint64_t *ret_hf)
{
	uint8_t key[KEY_BYTES_MOST] = { 0 }, ours[KEY_BYTES_MOST];
	struct rte_eth_rss_conf conf = { .rss_key = key, .rss_key_len = (uint8_t)len };
	int rc = rte_eth_dev_rss_hash_conf_get(port, &conf);

	if (rc)
		return rc;
	weir_device_rss_key(ours, len);
	*ret_is_ours = memcmp(key, ours, len) == 0;
	*ret_hf = conf.rss_hf;
	return 0;
}

static int
verify_key(struct weir_device *p, size_t len, uint64_t wanted)
{
	uint8_t key[KEY_BYTES_MOST];
	struct rte_eth_rss_conf conf = {
		.rss_key = key, .rss_key_len = (uint8_t)len, .rss_hf = wanted
	};
	int rc = read_key(p->id, len, &p->is_symmetric, &p->rss_hf);

	if (rc || (p->is_symmetric && p->rss_hf))
		return rc;
	/* not all drivers take the key with the configuration */
	weir_device_rss_key(key, len);
	if (rte_eth_dev_rss_hash_update(p->id, &conf) != 0)
		return 0;
	return read_key(p->id, len, &p->is_symmetric, &p->rss_hf);
}

/* Does every queue get its share, in turn? */
static bool
is_round(const struct rte_eth_rss_reta_entry64 *table, unsigned n, uint16_t n_queues)
{
	for (unsigned i = 0; i < n; i++)
		if (table[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] !=
		    i % n_queues)
			return false;
	return true;
}

static void
make_round(struct rte_eth_rss_reta_entry64 *table, unsigned n, uint16_t n_queues)
{
	for (unsigned i = 0; i < n; i++) {
		struct rte_eth_rss_reta_entry64 *group = &table[i / RTE_ETH_RETA_GROUP_SIZE];

		group->mask |= UINT64_C(1) << (i % RTE_ETH_RETA_GROUP_SIZE);
		group->reta[i % RTE_ETH_RETA_GROUP_SIZE] = (uint16_t)(i % n_queues);
	}
}

static enum weir_device_rss
verify_table(uint16_t port, uint16_t n, uint16_t n_queues)
{
	unsigned n_groups = (n + RTE_ETH_RETA_GROUP_SIZE - 1u) / (unsigned)RTE_ETH_RETA_GROUP_SIZE;
	struct rte_eth_rss_reta_entry64 *table;
	enum weir_device_rss result = WEIR_DEVICE_RSS_NO_TABLE;

	if (!n || n > TABLE_MOST)
		return result;
	table = calloc(n_groups, sizeof(*table));
	if (!table)
		return result;
	make_round(table, n, n_queues); /* sets the masks: all entries are asked for */
	for (unsigned i = 0; i < n_groups; i++)
		memset(table[i].reta, 0xff, sizeof(table[i].reta));
	if (rte_eth_dev_rss_reta_query(port, table, n) == 0) {
		result = is_round(table, n, n_queues) ? WEIR_DEVICE_RSS_VERIFIED
						      : WEIR_DEVICE_RSS_BAD_TABLE;
	}
	if (result == WEIR_DEVICE_RSS_BAD_TABLE) {
		make_round(table, n, n_queues);
		if (rte_eth_dev_rss_reta_update(port, table, n) == 0) {
			for (unsigned i = 0; i < n_groups; i++)
				memset(table[i].reta, 0xff, sizeof(table[i].reta));
			if (rte_eth_dev_rss_reta_query(port, table, n) == 0 &&
			    is_round(table, n, n_queues))
				result = WEIR_DEVICE_RSS_VERIFIED;
		}
	}
	free(table);
	return result;
}

void
weir_device_rss_verify(struct weir_device *p, const struct rte_eth_dev_info *info)
{
	size_t len = weir_device_rss_key_bytes(info, &p->profile);

	p->is_symmetric = false;
	p->rss_hf = 0;
	/* what hashes by anything else besides is no spreading by these fields */
	if (verify_key(p, len, weir_device_rss_wanted(info, &p->profile)) != 0 || !p->rss_hf ||
	    p->rss_hf & ~(HF_ADDRESSES | HF_PORTS)) {
		p->rss = WEIR_DEVICE_RSS_NO_KEY;
		return;
	}
	p->rss = verify_table(p->id, info->reta_size, p->n_rxq);
}
