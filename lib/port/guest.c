/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <weir/port/guest.h>

static struct rte_ring *
make_ring(void)
{
	ssize_t bytes = rte_ring_get_memsize(WEIR_PORT_GUEST_RING);
	struct rte_ring *r =
	    aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL((size_t)bytes, RTE_CACHE_LINE_SIZE));

	if (r && rte_ring_init(r, "guest", WEIR_PORT_GUEST_RING, RING_F_SC_DEQ)) {
		free(r);
		return NULL;
	}
	return r;
}

/* RFC 4291, 2.7.1: who looks for an address asks this group. */
static void
make_group(const uint8_t ip[16], uint8_t ret[16])
{
	static const uint8_t head[13] = { 0xff, 2, [11] = 1, [12] = 0xff };

	memcpy(ret, head, sizeof(head));
	memcpy(ret + 13, ip + 13, 3);
}

struct weir_port_guest *
weir_port_guest_create(const struct weir_port_guest_spec *spec, const uint8_t mac[6], bool has_ring)
{
	struct weir_port_guest *g = aligned_alloc(64, sizeof(*g));

	if (!g)
		return NULL;
	memset(g, 0, sizeof(*g));
	g->spec = *spec;
	memcpy(g->mac, mac, sizeof(g->mac));
	make_group(spec->ip, g->group);
	if (has_ring) {
		g->ring = make_ring();
		if (!g->ring) {
			free(g);
			return NULL;
		}
	}
	return g;
}

void
weir_port_guest_destroy(struct weir_port_guest *g)
{
	void *m;

	if (!g)
		return;
	while (g->ring && rte_ring_sc_dequeue(g->ring, &m) == 0)
		rte_pktmbuf_free(m);
	free(g->ring);
	free(g);
}

void
weir_port_guest_stats(const struct weir_port_guest *g, struct weir_port_guest_stats *ret)
{
	*ret = (struct weir_port_guest_stats){
		.packets = __atomic_load_n(&g->n_packets, __ATOMIC_RELAXED),
		.full = __atomic_load_n(&g->n_full, __ATOMIC_RELAXED),
		.unattended = __atomic_load_n(&g->n_unattended, __ATOMIC_RELAXED),
	};
}

static uint64_t
word(const uint8_t *p, unsigned n)
{
	uint64_t w = 0;

	for (unsigned i = 0; i < n; i++)
		w = w << 8 | p[i];
	return w;
}

/* What is of this protocol, and to this address. */
static struct weir_port_rule *
add_rule(struct weir_port_rules *rules, uint8_t version, uint8_t protocol, const uint8_t *to)
{
	struct weir_port_rule *r = &rules->rules[rules->n++];
	struct weir_port_network *n = &r->networks[WEIR_PORT_DST][0];

	weir_port_rule_all(r);
	r->versions = version == 4 ? WEIR_PORT_IP4 : WEIR_PORT_IP6;
	memset(r->protocols, 0, sizeof(r->protocols));
	r->protocols[protocol / 64] |= UINT64_C(1) << (protocol % 64);
	r->has_networks[WEIR_PORT_DST] = true;
	r->n_networks[WEIR_PORT_DST] = 1;
	n->version = version;
	n->prefix = version == 4 ? 32 : 128;
	n->addr.hi = version == 4 ? 0 : word(to, 8);
	n->addr.lo = version == 4 ? word(to, 4) : word(to + 8, 8);
	return r;
}

bool
weir_port_guest_rules(const struct weir_port_guest_spec *spec, struct weir_port_rules *rules)
{
	struct weir_port_rule *r;
	uint8_t group[16];

	if (rules->n + 2 > WEIR_PORT_RULES)
		return false;
	r = add_rule(rules, spec->version, IPPROTO_UDP, spec->ip);
	r->has_ports[WEIR_PORT_DST] = true;
	r->n_ports[WEIR_PORT_DST] = 1;
	r->ports[WEIR_PORT_DST][0] = (struct weir_port_range){ spec->udp_port, spec->udp_port };
	if (spec->version == 4) {
		add_rule(rules, 4, IPPROTO_ICMP, spec->ip);
		rules->has_arp = true;
		memcpy(rules->arp, spec->ip, sizeof(rules->arp));
		return true;
	}
	r = add_rule(rules, 6, IPPROTO_ICMPV6, spec->ip);
	make_group(spec->ip, group);
	r->networks[WEIR_PORT_DST][1] =
	    (struct weir_port_network){ .addr = { .hi = word(group, 8), .lo = word(group + 8, 8) },
		    .version = 6,
		    .prefix = 128 };
	r->n_networks[WEIR_PORT_DST] = 2;
	return true;
}
