/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>

#include "inner.h"
#include "wire_parts.h"

/*
 * Greetings: how nodes whose addresses are known learn each other's incarnations, at the start and
 * after one of them began anew. A greeting can be opened by every node that has the secret, and
 * names the incarnation that its sender takes the receiver for, 0: it does not know. Only one that
 * names the receiver's own is believed: that number was drawn when the receiver started, so that no
 * greeting from before can have it. An incarnation that is heard of is never replaced.
 */

#define GREET_NS ((int64_t)200000000)
#define SILENT_NS                                                                                  \
	((int64_t)1000000000)         /* a peer of which nothing is heard for so long may be gone */
#define ANSWER_NS ((int64_t)20000000) /* between two answers to a peer */

struct wire_greeting {
	bool is_set;
	struct wire_route route; /* as a peer's, of incarnation 0 */
	int64_t due_ns;
	int64_t answered_ns;
	atomic_uint_fast64_t found; /* wire: wo, control: ro */
};

static uint64_t
known(const struct weir_wire *w, unsigned id)
{
	return w->routes[id].is_set ? w->routes[id].incarnation : 0;
}

static int64_t
heard_ns(const struct weir_wire *w, unsigned id)
{
	return atomic_load_explicit(&w->front.shared[id].heard_ns, memory_order_relaxed);
}

static void
send_greeting(struct weir_wire *w, struct wire_greeting *g, uint64_t to)
{
	struct weir_frame_head head = { .type = WEIR_INNER_GREETING,
		.epoch = rte_cpu_to_be_64(w->epoch) };
	const struct weir_neighbour *e = &w->neighbours.entries[g->route.neighbour];
	rte_be64_t body = rte_cpu_to_be_64(to);
	uint64_t anyone = 0;
	enum weir_seal_verdict verdict;
	struct rte_mbuf *m;
	char *p;

	if (!g->route.has_mac) {
		if (!e->is_known)
			return;
		memcpy(g->route.to.mac, e->mac, sizeof(g->route.to.mac));
	}
	m = w->n_ready < WIRE_READY ? rte_pktmbuf_alloc(w->pool) : NULL;
	if (!m)
		return;
	p = rte_pktmbuf_append(m, sizeof(head) + sizeof(body));
	if (p) {
		memcpy(p, &head, sizeof(head));
		memcpy(p + sizeof(head), &body, sizeof(body));
	}
	if (p && weir_seal_protect(w->seal, &anyone, &m, 1, &verdict) == 1) {
		uint32_t len = m->pkt_len;

		p = rte_pktmbuf_prepend(m, (uint16_t)weir_net_head_bytes(&w->host));
		if (p) {
			weir_net_wrap(&w->host, &g->route.to, g->route.ports[0], (uint8_t *)p, len);
			weir_wire_core_count(w->core, -1, WEIR_WIRE_GREETINGS_SENT, 1);
			w->ready[w->n_ready++] = m;
			return;
		}
	}
	rte_pktmbuf_free(m);
}

void
wire_greet(struct weir_wire *w, int64_t *ret_next_ns)
{
	for (unsigned id = 0; id < w->n_greetings; id++) {
		struct wire_greeting *g = &w->greetings[id];
		uint64_t to = known(w, id);
		int64_t at_ns = g->due_ns;

		if (!g->is_set)
			continue;
		if (to && w->now.mono_ns - heard_ns(w, id) < SILENT_NS) {
			at_ns = heard_ns(w, id) + SILENT_NS;
		} else if (w->now.mono_ns >= g->due_ns) {
			send_greeting(w, g, to);
			at_ns = g->due_ns = w->now.mono_ns + GREET_NS;
		}
		*ret_next_ns = at_ns < *ret_next_ns ? at_ns : *ret_next_ns;
	}
}

bool
wire_is_greeting(const struct weir_wire *w, const uint8_t *p, uint32_t len)
{
	struct weir_frame_head head;

	if (!w->n_greetings || len < sizeof(head))
		return false;
	memcpy(&head, p, sizeof(head));
	return head.magic == RTE_BE16(WEIR_FRAME_MAGIC) && head.version == WEIR_FRAME_VERSION &&
	       head.type == WEIR_INNER_GREETING;
}

static int
find(const struct weir_wire *w, const struct net_addr *from)
{
	for (unsigned id = 0; id < w->n_greetings; id++)
		if (w->greetings[id].is_set &&
		    weir_net_is_same(&w->greetings[id].route.addrs[0], from))
			return (int)id;
	return -1;
}

/* The seal's judgement of a frame whose sender it may not know. */
static enum weir_seal_verdict
judge(struct weir_wire *w, struct rte_mbuf *m, uint64_t incarnation, bool is_new)
{
	enum weir_seal_verdict verdict = WEIR_SEAL_FAILED;
	struct weir_error e;

	if (is_new && weir_seal_peer_add(w->seal, incarnation, &e))
		return WEIR_SEAL_FAILED;
	weir_seal_accept(w->seal, &m, 1, &verdict);
	if (is_new)
		weir_seal_peer_remove(w->seal, incarnation); /* what it has sent stays known */
	return verdict;
}

/* It names us as `to`. Whether that is worth an answer. */
static bool
take(struct weir_wire *w, struct wire_greeting *g, uint64_t incarnation, uint64_t to, bool is_new)
{
	bool is_ours = to == weir_seal_incarnation(w->seal);

	if (is_new && is_ours) {
		atomic_store(&g->found, incarnation);
		if (w->wake)
			w->wake(w->wake_arg);
	}
	return is_new || !is_ours;
}

void
wire_greeted(struct weir_wire *w, struct rte_mbuf *m, const struct net_seen *seen)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *) + seen->offset;
	int id = find(w, &seen->addr);
	struct weir_frame_head head;
	struct wire_greeting *g;
	enum weir_seal_verdict verdict;
	uint64_t incarnation;
	rte_be64_t to;
	bool is_new;

	memcpy(&head, p, sizeof(head));
	incarnation = rte_be_to_cpu_64(head.incarnation);
	if (id < 0 || !incarnation || incarnation == weir_seal_incarnation(w->seal)) {
		weir_wire_core_count(w->core, -1, WEIR_WIRE_UNKNOWN_PEER, 1);
		return;
	}
	g = &w->greetings[id];
	is_new = incarnation != known(w, (unsigned)id);
	if (is_new && (weir_wire_core_find(w->core, incarnation) >= 0 ||
			  (known(w, (unsigned)id) &&
			      w->now.mono_ns - heard_ns(w, (unsigned)id) < SILENT_NS))) {
		weir_wire_core_count(w->core, -1, WEIR_WIRE_STALE, 1);
		return;
	}
	rte_pktmbuf_adj(m, (uint16_t)seen->offset);
	rte_pktmbuf_trim(m, (uint16_t)(m->data_len - seen->len));
	verdict = judge(w, m, incarnation, is_new);
	if (verdict != WEIR_SEAL_OK || m->data_len != sizeof(head) + sizeof(to)) {
		weir_wire_core_count(w->core, -1,
		    verdict == WEIR_SEAL_OK ? WEIR_WIRE_MALFORMED : wire_refusal(verdict), 1);
		return;
	}
	weir_wire_core_count(w->core, -1, WEIR_WIRE_GREETINGS_RECEIVED, 1);
	memcpy(&to, rte_pktmbuf_mtod(m, const uint8_t *) + sizeof(head), sizeof(to));
	if (take(w, g, incarnation, rte_be_to_cpu_64(to), is_new) &&
	    w->now.mono_ns - g->answered_ns >= ANSWER_NS) {
		g->answered_ns = w->now.mono_ns;
		send_greeting(w, g, incarnation);
	}
}

struct setting {
	unsigned id;
	struct wire_route route;
	struct net_addr hop;
};

/* Wire thread. */
static int
set(struct weir_wire *w, void *arg)
{
	struct setting *s = arg;
	struct wire_greeting *g = &w->greetings[s->id];

	if (!s->route.has_mac)
		s->route.neighbour = weir_neighbours_add(&w->neighbours, &s->hop, w->now.mono_ns);
	if (g->is_set && !g->route.has_mac)
		weir_neighbours_drop(&w->neighbours, g->route.neighbour);
	g->route = s->route;
	g->is_set = true;
	g->due_ns = w->now.mono_ns;
	if (s->id >= w->n_greetings)
		w->n_greetings = s->id + 1;
	return 0;
}

int
weir_wire_greet(
    struct weir_wire *w, unsigned id, const struct weir_wire_peer *peer, struct weir_error *err)
{
	struct setting s = { .id = id };
	int rc;

	if (id >= WEIR_WIRE_PEERS)
		return weir_error_run(err, -EINVAL, "%s: no such number", peer->name);
	if (!w->greetings)
		w->greetings = calloc(WEIR_WIRE_PEERS, sizeof(*w->greetings));
	if (!w->greetings)
		return weir_error_run(err, -ENOMEM, "no memory for the wire's peers");
	rc = wire_route(w, peer, &s.route, &s.hop, err);
	return rc ? rc : wire_call(w, set, &s);
}

uint64_t
weir_wire_greeted(const struct weir_wire *w, unsigned id)
{
	return w->greetings && id < WEIR_WIRE_PEERS ? atomic_load(&w->greetings[id].found) : 0;
}
