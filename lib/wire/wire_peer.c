/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <rte_mbuf.h>
#include <string.h>

#include "wire_parts.h"

/* Peers: where they are, and what the wire thread keeps of each. */

struct setting {
	unsigned id;
	const char *name;
	uint32_t generation;
	struct wire_route route;
	struct net_addr hop; /* next, unless route.has_mac */
	struct weir_error *err;
	bool is_gone; /* it failed, and what was there before is no more */
};

void
wire_suspect(void *wire, unsigned id)
{
	struct weir_wire *w = wire;

	if (!w->routes[id].has_mac)
		weir_neighbours_suspect(&w->neighbours, w->routes[id].neighbour, w->now.mono_ns);
}

void
wire_ask(struct weir_wire *w, int64_t *ret_next_ns)
{
	uint8_t out[NET_ASK_BYTES];
	const uint8_t *mac;
	int at;

	while ((at = weir_neighbours_due(&w->neighbours, w->now.mono_ns, &mac, ret_next_ns)) >= 0) {
		uint32_t len = weir_net_ask(&w->host, &w->neighbours.entries[at].addr, mac, out);

		weir_wire_core_count(w->core, -1, WEIR_WIRE_NEIGHBOURS_ASKED, 1);
		wire_send_raw(w, out, len);
	}
}

/* What waits was made for the routes that there are: what the port does not take now is lost. */
static void
flush_all(struct weir_wire *w)
{
	wire_flush(w);
	weir_wire_core_count(w->core, -1, WEIR_WIRE_SEND_FULL, w->batch.n);
	rte_pktmbuf_free_bulk(w->batch.m, w->batch.n);
	w->batch.n = 0;
}

static void
forget(struct weir_wire *w, unsigned id)
{
	struct wire_route *r = &w->routes[id];

	if (!r->is_set)
		return;
	if (!r->has_mac)
		weir_neighbours_drop(&w->neighbours, r->neighbour);
	weir_seal_peer_remove(w->seal, r->incarnation);
	r->is_set = false;
}

/* Wire thread. */
static int
set(struct weir_wire *w, void *arg)
{
	struct setting *s = arg;
	struct wire_route *r = &w->routes[s->id];
	int rc;

	flush_all(w);
	rc = weir_wire_core_peer_set(
	    w->core, s->id, s->name, s->route.incarnation, s->generation, &w->now);
	if (rc)
		return weir_error_run(s->err, rc, "%s: %s", s->name,
		    rc == -ENOMEM ? "no memory for it" : "somebody else has its incarnation");
	if (r->is_set && r->incarnation != s->route.incarnation)
		weir_seal_peer_remove(w->seal, r->incarnation);
	rc = weir_seal_peer_add(w->seal, s->route.incarnation, s->err);
	if (!s->route.has_mac)
		s->route.neighbour = weir_neighbours_add(&w->neighbours, &s->hop, w->now.mono_ns);
	if (r->is_set && !r->has_mac)
		weir_neighbours_drop(&w->neighbours, r->neighbour);
	*r = s->route;
	if (rc) {
		s->is_gone = true;
		weir_wire_core_peer_remove(w->core, s->id);
		forget(w, s->id);
	}
	return rc;
}

int
wire_route(struct weir_wire *w, const struct weir_wire_peer *peer, struct wire_route *r,
    struct net_addr *ret_hop, struct weir_error *err)
{
	bool is_near, is_found;

	*r = (struct wire_route){
		.is_set = true, .has_mac = peer->has_mac, .incarnation = peer->incarnation
	};
	memcpy(r->to.mac, peer->mac, sizeof(r->to.mac));
	r->to.udp_port = peer->udp_port ? peer->udp_port : WEIR_WIRE_UDP_PORT;
	for (unsigned i = 0; i < peer->n_addrs && i < WEIR_WIRE_PEER_ADDRESSES; i++)
		if (peer->addrs[i].version == w->host.version)
			weir_net_addr(&peer->addrs[i], &r->addrs[r->n_addrs++]);
	if (!r->n_addrs)
		return weir_error_run(err, -EINVAL,
		    "%s: it has no address of IPv%u, as this wire has", peer->name,
		    (unsigned)w->host.version);
	r->to.ip = r->addrs[0];
	if (weir_net_is_same(&r->to.ip, &w->host.ip))
		return weir_error_run(
		    err, -EINVAL, "%s: it has the address of this wire", peer->name);
	is_near = weir_net_is_near(&w->host, &r->to.ip);
	if (!r->has_mac && !is_near && !w->host.has_gw)
		return weir_error_run(err, -EINVAL,
		    "%s: it is not on the wire's network, and --wire names no gateway (gw=…)",
		    peer->name);
	*ret_hop = is_near ? r->to.ip : w->host.gw;
	r->n_ports = weir_spread_ports(&peer->rss, w->host.version, &w->host.ip, &r->to.ip,
	    r->to.udp_port, r->ports, &is_found);
	return 0;
}

int
weir_wire_peer_set(
    struct weir_wire *w, unsigned id, const struct weir_wire_peer *peer, struct weir_error *err)
{
	struct setting s = { .id = id, .name = peer->name, .err = err };
	int rc;

	if (id >= WEIR_WIRE_PEERS || !peer->incarnation)
		return weir_error_run(
		    err, -EINVAL, "%s: no such number, or no incarnation", peer->name);
	rc = wire_route(w, peer, &s.route, &s.hop, err);
	if (rc)
		return rc;
	s.generation = weir_wire_front_generation(&w->front, id, peer->incarnation);
	rc = wire_call(w, set, &s);
	if (rc == 0)
		weir_wire_front_set(&w->front, id, peer->incarnation);
	else if (s.is_gone)
		weir_wire_front_remove(&w->front, id);
	return rc;
}

static int
drop(struct weir_wire *w, void *arg)
{
	unsigned id = *(unsigned *)arg;

	flush_all(w);
	weir_wire_core_peer_remove(w->core, id);
	forget(w, id);
	return 0;
}

void
weir_wire_peer_remove(struct weir_wire *w, unsigned id)
{
	if (id >= WEIR_WIRE_PEERS)
		return;
	weir_wire_front_remove(&w->front, id);
	(void)wire_call(w, drop, &id);
}
