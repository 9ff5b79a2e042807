/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/base/time.h>

#include "generator.h"

#include <weir/base/poison.h> /* last */

#define NS_PER_S ((uint64_t)WEIR_NS_PER_S)
/* DLT_EN10MB */
#define DLT_ETHERNET 1

static const uint16_t tcp_ports[] = { 443, 443, 443, 80, 80, 5201, 8080, 8443 };
static const uint16_t udp_ports[] = { 5001, 9000, 20000, 33434 };

/* What is fixed for a flow; computed from its number alone, so that no table of flows is needed. */
struct flow {
	struct weir_gen_end src;
	struct weir_gen_end dst;
	bool is_v6;
	bool is_tcp;
	uint16_t vlan;
};

static void
set_end(struct weir_gen_end *e, bool is_v6, uint32_t v4, uint16_t net6, uint8_t mac_kind)
{
	uint32_t host = v4 & 0xffffff;

	e->mac[0] = 0x02; /* locally administered */
	e->mac[1] = mac_kind;
	weir_gen_put32(e->mac + 2, host);
	if (!is_v6) {
		weir_gen_put32(e->address, v4);
		return;
	}
	memset(e->address, 0, sizeof(e->address));
	weir_gen_put32(e->address, 0x20010db8);
	weir_gen_put16(e->address + 6, net6);
	weir_gen_put32(e->address + 12, host);
}

/*
 * Sixteen flows share a client; an odd multiplier spreads neighbours, so that the heavy flows of a
 * Zipf distribution belong to different clients. Client and port are one-to-one with the number:
 * all flows differ.
 */
static void
make_flow(const struct weir_generator *g, uint32_t number, struct flow *ret)
{
	const struct weir_gen_options *o = &g->options;
	uint64_t h = weir_gen_hash(o->seed ^ weir_gen_hash(number));
	uint64_t h2 = weir_gen_hash(h);
	uint32_t place = (number * 0x9e3779b1u + (uint32_t)o->seed) & g->flow_mask;
	uint32_t client = place >> 4;
	uint32_t server = (uint32_t)(h2 % 1000);

	ret->is_v6 = (h & 0xffffffff) < o->v6;
	ret->vlan = (h >> 32) < o->vlan ? (uint16_t)(100 + 100 * (h2 >> 62)) : 0;
	ret->is_tcp = o->kind == WEIR_GEN_KIND_TCP ||
		      (o->kind == WEIR_GEN_KIND_IMIX && ((h2 >> 32) & 3) != 0);
	set_end(&ret->src, ret->is_v6, 0x0a000001 + client, 1, 0);
	set_end(&ret->dst, ret->is_v6, 0xc6120001 + server, 0xffff, 1);
	ret->src.port = (uint16_t)(1024 + 16 * (weir_gen_hash(client) % 4000) + (place & 15));
	ret->dst.port = ret->is_tcp ? tcp_ports[(h2 >> 40) & 7] : udp_ports[(h2 >> 40) & 3];
}

uint32_t
weir_gen_size(struct weir_generator *g)
{
	uint64_t twelfth;

	if (g->options.size)
		return g->options.size;
	twelfth = weir_gen_random_below(&g->random, 12);
	return twelfth < 7 ? 64 : twelfth < 11 ? 594 : 1518;
}

/* SYN, data, FIN of one connection after the other; a connection of 2 to 65 packets after its SYN.
 */
static void
step_tcp(struct weir_generator *g, uint32_t number, struct weir_gen_frame *f, uint32_t room)
{
	struct weir_gen_tcp *t = &g->tcp[number];
	uint64_t h = weir_gen_hash(g->options.seed + number + ((uint64_t)t->n_connections << 32));

	f->seq = t->seq;
	f->ack = (uint32_t)weir_gen_hash(h) + 1; /* the other end's first number, acknowledged */
	if (t->left == 0) {
		f->tcp_flags = WEIR_GEN_SYN;
		f->seq = (uint32_t)h;
		f->ack = 0;
		t->left = (uint16_t)(2 + (h >> 58));
		t->seq = f->seq + 1;
		return;
	}
	t->left--;
	if (t->left == 0) {
		f->tcp_flags = WEIR_GEN_FIN | WEIR_GEN_ACK;
		t->n_connections++;
		return;
	}
	f->tcp_flags = WEIR_GEN_PSH | WEIR_GEN_ACK;
	f->payload_len = room;
	t->seq += room;
}

static uint32_t
flow_frame(struct weir_generator *g, uint8_t *p)
{
	uint32_t number = weir_gen_alias_pick(&g->pick, &g->random);
	uint32_t size = weir_gen_size(g), headers;
	struct weir_gen_frame f = { 0 };
	struct flow flow;

	make_flow(g, number, &flow);
	f.src = &flow.src;
	f.dst = &flow.dst;
	f.is_v6 = flow.is_v6;
	f.vlan = flow.vlan;
	f.proto = flow.is_tcp ? WEIR_GEN_TCP : WEIR_GEN_UDP;
	f.ttl = 64;
	f.ip_id = (uint16_t)g->n_sent;
	f.payload = g->payload;
	headers = weir_gen_headers(f.is_v6, f.vlan != 0, f.proto);
	/* A TCP packet between SYN and FIN carries a byte at least, else it would be a bare ACK. */
	if (flow.is_tcp)
		step_tcp(g, number, &f, size > headers ? size - headers : 1);
	else
		f.payload_len = size > headers ? size - headers : 0;
	return weir_gen_frame_build(p, &f);
}

uint32_t
weir_gen_due(struct weir_generator *g, uint32_t max, int64_t now_ns)
{
	const struct weir_gen_options *o = &g->options;
	uint64_t n = max, elapsed_ns;

	if (o->is_paced) {
		if (!g->has_start) {
			g->has_start = true;
			g->start_ns = now_ns;
		}
		if (now_ns < g->start_ns)
			return 0;
		elapsed_ns = (uint64_t)(now_ns - g->start_ns);
		/* Seconds and the rest apart: the product of all would not fit. */
		n = elapsed_ns / NS_PER_S * o->rate_pps +
		    elapsed_ns % NS_PER_S * o->rate_pps / NS_PER_S + 1;
		n = n > g->n_sent ? n - g->n_sent : 0;
	}
	if (o->count && n > o->count - g->n_sent)
		n = o->count - g->n_sent;
	return n > max ? max : (uint32_t)n;
}

/* Without a division a packet. */
int64_t
weir_gen_tick(struct weir_generator *g)
{
	int64_t t = g->time_ns;

	g->time_ns += (int64_t)g->gap_ns;
	g->time_part += g->gap_part;
	if (g->time_part >= g->options.rate_pps) {
		g->time_part -= g->options.rate_pps;
		g->time_ns++;
	}
	return t;
}

static uint32_t
next_frame(struct weir_generator *g, uint8_t *p)
{
	switch (g->options.kind) {
	case WEIR_GEN_KIND_MIX:
		return weir_gen_mix_frame(g, p);
	case WEIR_GEN_KIND_TEXT:
		return weir_gen_text_record(g, p);
	default:
		return flow_frame(g, p);
	}
}

enum weir_poll
weir_gen_poll(
    struct weir_source *s, unsigned queue, struct weir_batch *b, uint32_t max, int64_t now_ns)
{
	struct weir_generator *g = (struct weir_generator *)s;
	bool is_text = g->options.kind == WEIR_GEN_KIND_TEXT;
	uint32_t n;

	(void)queue;
	b->n = 0;
	b->queue_depth = -1;
	if (g->options.count && g->n_sent == g->options.count && !g->plot.has_held)
		return WEIR_POLL_END;
	if (g->options.kind == WEIR_GEN_KIND_ATTACK)
		return weir_gen_attack_poll(g, b, max, now_ns);
	n = weir_gen_due(g, max > WEIR_ROWS ? WEIR_ROWS : max, now_ns);
	for (uint32_t i = 0; i < n; i++) {
		uint8_t *p = g->frames + (uint64_t)i * g->stride;
		uint32_t len = next_frame(g, p);

		b->data[i] = p;
		b->cap_len[i] = len;
		b->wire_len[i] = len;
		b->time_ns[i] = weir_gen_tick(g);
		b->interface[i] = s->first_interface;
		b->link[i] = is_text ? WEIR_LINK_TEXT : WEIR_LINK_ETHERNET;
		b->dlt[i] = is_text ? WEIR_DLT_TEXT : DLT_ETHERNET;
		b->owner[i] = NULL;
		g->n_sent++;
	}
	b->n = n;
	return WEIR_POLL_OK;
}
