/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "nic.h"

/*
 * The entry points of rte_flow for a port whose driver has none that works here: rules are kept in
 * this process, and what they match is dropped behind the driver's own burst, before anybody else
 * sees it. A program that is linked with it has a NIC that drops packets; all else about the port
 * is the driver's.
 *
 * WEIR_TEST_NIC has words that make it a lesser one: "lax" (see nic.h), "ranges" (refuses those of
 * ports), "fields" (protocols that are no item of their own), "networks", "types" (EtherTypes),
 * "count" (counting), "query" (takes counting, but does not tell), "dump" (lists no rules), "few"
 * (room for 3 rules), "create" (refuses what it validated).
 */

#define RULES 256
#define FEW   3

struct rte_flow {
	bool is_there; /* atomic: looked at by workers */
	bool is_counted;
	uint16_t port;
	uint64_t hits; /* atomic */
	struct rte_flow_item *items;
	_Alignas(16) uint8_t conv[2048];
};

static struct {
	struct rte_flow rules[RULES];
	unsigned n;
	bool has_callback[RTE_MAX_ETHPORTS];
} nic;

static bool
has_word(const char *word)
{
	const char *words = getenv("WEIR_TEST_NIC");

	return words && strstr(words, word);
}

static bool
is_dropped(uint16_t port, enum nic_match how, const struct rte_mbuf *m)
{
	unsigned n = __atomic_load_n(&nic.n, __ATOMIC_ACQUIRE);

	for (unsigned i = 0; i < n; i++) {
		struct rte_flow *f = &nic.rules[i];

		if (!__atomic_load_n(&f->is_there, __ATOMIC_ACQUIRE) || f->port != port ||
		    !nic_matches(f->items, how, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len))
			continue;
		__atomic_fetch_add(&f->hits, 1, __ATOMIC_RELAXED);
		return true;
	}
	return false;
}

static uint16_t
drop(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, uint16_t most, void *arg)
{
	enum nic_match how = has_word("lax") ? NIC_LAX : NIC_STRICT;
	uint16_t left = 0;

	(void)queue;
	(void)most;
	(void)arg;
	for (uint16_t i = 0; i < n; i++)
		if (is_dropped(port, how, pkts[i]))
			rte_pktmbuf_free(pkts[i]);
		else
			pkts[left++] = pkts[i];
	return left;
}

static int
refuse(struct rte_flow_error *error, int code, const char *why)
{
	return rte_flow_error_set(error, code, RTE_FLOW_ERROR_TYPE_ITEM, NULL, why);
}

static const char *
refuses_by_word(const struct rte_flow_item *items)
{
	for (const struct rte_flow_item *i = items; i->type != RTE_FLOW_ITEM_TYPE_END; i++) {
		const struct rte_flow_item_ipv4 *ip4 = i->mask;
		const struct rte_flow_item_ipv6 *ip6 = i->mask;

		if (i->last && has_word("ranges"))
			return "ranges are not supported";
		if (i->type == RTE_FLOW_ITEM_TYPE_ETH && i->spec && has_word("types"))
			return "EtherTypes are not supported";
		if (i->type == RTE_FLOW_ITEM_TYPE_IPV4 && ip4) {
			if (ip4->hdr.next_proto_id && has_word("fields"))
				return "a protocol is an item of its own";
			if ((ip4->hdr.src_addr || ip4->hdr.dst_addr) && has_word("networks"))
				return "addresses are not supported";
		}
		if (i->type == RTE_FLOW_ITEM_TYPE_IPV6 && ip6 && ip6->hdr.proto &&
		    has_word("fields"))
			return "a protocol is an item of its own";
	}
	return NULL;
}

/* Port's rules that are there. */
static unsigned
count_rules(uint16_t port)
{
	unsigned n = 0;

	for (unsigned i = 0; i < nic.n; i++)
		n += nic.rules[i].is_there && nic.rules[i].port == port;
	return n;
}

int
rte_flow_validate(uint16_t port, const struct rte_flow_attr *attr,
    const struct rte_flow_item pattern[], const struct rte_flow_action actions[],
    struct rte_flow_error *error)
{
	const char *why = nic_refuses(pattern);
	bool drops = false;

	(void)port;
	if (!why)
		why = refuses_by_word(pattern);
	if (!attr->ingress || attr->egress || attr->transfer || attr->group || attr->priority)
		why = "rules are for what is received, in one group";
	for (; !why && actions->type != RTE_FLOW_ACTION_TYPE_END; actions++) {
		drops |= actions->type == RTE_FLOW_ACTION_TYPE_DROP;
		if (actions->type == RTE_FLOW_ACTION_TYPE_COUNT && has_word("count"))
			why = "counting is not supported";
		else if (actions->type != RTE_FLOW_ACTION_TYPE_COUNT &&
			 actions->type != RTE_FLOW_ACTION_TYPE_DROP)
			why = "an unknown action";
	}
	if (!why && !drops)
		why = "rules are for dropping";
	return why ? refuse(error, ENOTSUP, why) : 0;
}

static int
add_callbacks(uint16_t port)
{
	struct rte_eth_dev_info info;

	if (nic.has_callback[port])
		return 0;
	if (rte_eth_dev_info_get(port, &info) != 0)
		return -ENODEV;
	for (uint16_t q = 0; q < info.nb_rx_queues; q++)
		if (!rte_eth_add_rx_callback(port, q, drop, NULL))
			return -ENOTSUP;
	nic.has_callback[port] = true;
	return 0;
}

struct rte_flow *
rte_flow_create(uint16_t port, const struct rte_flow_attr *attr,
    const struct rte_flow_item pattern[], const struct rte_flow_action actions[],
    struct rte_flow_error *error)
{
	struct rte_flow *f = &nic.rules[nic.n];

	if (rte_flow_validate(port, attr, pattern, actions, error))
		return NULL;
	if (has_word("create") || nic.n == RULES || (has_word("few") && count_rules(port) == FEW)) {
		refuse(error, ENOSPC, "no room for another rule");
		return NULL;
	}
	if (add_callbacks(port) ||
	    rte_flow_conv(RTE_FLOW_CONV_OP_PATTERN, f->conv, sizeof(f->conv), pattern, error) < 0)
		return NULL;
	f->items = (struct rte_flow_item *)(void *)f->conv;
	f->port = port;
	for (; actions->type != RTE_FLOW_ACTION_TYPE_END; actions++)
		f->is_counted |= actions->type == RTE_FLOW_ACTION_TYPE_COUNT;
	__atomic_store_n(&f->is_there, true, __ATOMIC_RELEASE);
	__atomic_store_n(&nic.n, nic.n + 1, __ATOMIC_RELEASE);
	return f;
}

int
rte_flow_destroy(uint16_t port, struct rte_flow *f, struct rte_flow_error *error)
{
	if (!f->is_there || f->port != port)
		return refuse(error, ENOENT, "no such rule");
	__atomic_store_n(&f->is_there, false, __ATOMIC_RELEASE);
	return 0;
}

int
rte_flow_query(uint16_t port, struct rte_flow *f, const struct rte_flow_action *action, void *data,
    struct rte_flow_error *error)
{
	struct rte_flow_query_count *c = data;

	if (!f->is_there || f->port != port || !f->is_counted ||
	    action->type != RTE_FLOW_ACTION_TYPE_COUNT || has_word("query"))
		return refuse(error, ENOTSUP, "no counter");
	c->hits = __atomic_load_n(&f->hits, __ATOMIC_RELAXED);
	c->hits_set = 1;
	return 0;
}

int
rte_flow_dev_dump(uint16_t port, struct rte_flow *f, FILE *file, struct rte_flow_error *error)
{
	if (!f || !f->is_there || f->port != port || has_word("dump"))
		return refuse(error, ENOTSUP, "no dump");
	fprintf(file, "a rule\n");
	return 0;
}
