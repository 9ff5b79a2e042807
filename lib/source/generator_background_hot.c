/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "generator_attack.h"

#include <weir/base/poison.h> /* last */

/*
 * What an attack hides in: conversations as those of kind mix, but each host has few of them and
 * each ends in the second that it began in. So no count of the background grows with rate or
 * count, a SYN has its FIN and an address that was resolved is connected to in the same window,
 * whether that is a second, some seconds or all.
 */

#define TALKS_A_CLIENT   4u
#define TALKS_A_SERVER   6u
#define TALKS_A_RESOLVER 16u
#define LONE_A_HOST      4u

/* Different for all numbers below 2^bits, and neighbours lie far apart. */
static uint32_t
spread(const struct weir_generator *g, uint64_t number, unsigned bits)
{
	return ((uint32_t)number * 0x9e3779b1u + (uint32_t)g->options.seed * 0x85ebca6bu) &
	       ((1u << bits) - 1);
}

static void
set_host(struct weir_gen_end *e, bool is_v6, uint32_t v4, uint16_t net6)
{
	memset(e, 0, sizeof(*e));
	e->mac[0] = 0x02;
	e->mac[1] = (uint8_t)net6;
	weir_gen_put32(e->mac + 2, v4);
	if (!is_v6) {
		weir_gen_put32(e->address, v4);
		return;
	}
	weir_gen_put32(e->address, 0x20010db8);
	weir_gen_put16(e->address + 6, net6);
	weir_gen_put32(e->address + 12, v4);
}

/* Packets of a TCP conversation: see tcp_frame of kind mix. */
static uint32_t
tcp_length(uint32_t n_data)
{
	return 8 + n_data + (n_data - 1) / 2;
}

/* Draws a conversation; returns its packets. */
static uint32_t
draw(struct weir_generator *g, struct weir_gen_visit *v)
{
	static const uint16_t tcp_ports[] = { 443, 443, 443, 443, 80, 80, 22, 993 };
	uint64_t h = weir_gen_random_next(&g->random);
	uint32_t percent = (uint32_t)(h % 100);
	struct weir_gen_talk *t = &v->talk;

	memset(v, 0, sizeof(*v));
	t->hash = weir_gen_random_next(&g->random);
	t->seq[0] = (uint32_t)(t->hash >> 16) & 0x7fffffff; /* numbers do not wrap */
	t->seq[1] = (uint32_t)weir_gen_hash(t->hash) & 0x7fffffff;
	t->is_v6 = (h >> 32) < g->options.v6;
	if (percent < 60) {
		t->kind = WEIR_GEN_TALK_TCP;
		t->end[1].port = tcp_ports[t->hash >> 48 & 7];
		t->n_data = (uint16_t)(1 + (t->hash >> 51 & 7));
		if ((t->hash >> 54 & 7) == 0)
			t->n_data = (uint16_t)(t->n_data * 4);
		v->n_lookup = percent < 30 ? 2 : 0;
		return v->n_lookup + tcp_length(t->n_data);
	}
	if (percent < 80) {
		t->kind = WEIR_GEN_TALK_UDP;
		t->end[1].port = (uint16_t)(16384 + 2 * (t->hash >> 48 & 1023));
		t->n_data = (uint16_t)(10 + (t->hash >> 58));
		return t->n_data;
	}
	if (percent < 95) {
		t->kind = WEIR_GEN_TALK_PING;
		t->n_data = (uint16_t)(2 * (1 + (t->hash >> 62)));
		return t->n_data;
	}
	t->kind = WEIR_GEN_TALK_ARP;
	t->is_v6 = false;
	return 2;
}

static void
set_hosts(struct weir_generator *g, struct weir_gen_visit *v)
{
	uint64_t number = g->background.n_begun++;
	uint64_t client = number / TALKS_A_CLIENT;
	uint64_t client_hash = weir_gen_hash(g->options.seed ^ client);
	struct weir_gen_talk *t = &v->talk;
	uint16_t server_port = t->end[1].port;

	v->server = spread(g, number / TALKS_A_SERVER, 23);
	set_host(&t->end[0], t->is_v6, 0x0a000000 + spread(g, client, 23), 1);
	set_host(&t->end[1], t->is_v6, 0x0a800000 + v->server, 0xffff);
	set_host(
	    &v->resolver, t->is_v6, 0x64400000 + (spread(g, number / TALKS_A_RESOLVER, 21)), 0x53);
	v->resolver.port = 53;
	t->end[0].port = (uint16_t)(1024 + 4 * (t->hash % 16000) + number % TALKS_A_CLIENT);
	t->end[1].port = server_port;
	if (client_hash >> 32 < g->options.vlan)
		t->vlan = (uint16_t)(100 * (1 + client_hash % 4));
}

static uint32_t
lookup_frame(struct weir_generator *g, struct weir_gen_visit *v, uint8_t *p)
{
	bool is_answer = v->n_lookup == 1;
	struct weir_gen_talk *t = &v->talk;
	uint8_t message[WEIR_GEN_MAX_DNS];
	char name[WEIR_GEN_NAME_BYTES];
	struct weir_gen_dns m = {
		.name = name,
		.id = (uint16_t)t->hash,
		.type = t->is_v6 ? WEIR_GEN_DNS_AAAA : WEIR_GEN_DNS_A,
		.is_answer = is_answer,
	};
	struct weir_gen_frame f = {
		.src = is_answer ? &v->resolver : &t->end[0],
		.dst = is_answer ? &t->end[0] : &v->resolver,
		.is_v6 = t->is_v6,
		.vlan = t->vlan,
		.proto = WEIR_GEN_UDP,
		.ttl = is_answer ? 57 : 64,
		.ip_id = (uint16_t)g->n_sent,
		.payload = message,
	};

	weir_gen_name(name, "www", v->server);
	memcpy(m.address, t->end[1].address, sizeof(m.address));
	f.payload_len = weir_gen_dns_message(message, &m);
	v->n_lookup--;
	return weir_gen_frame_build(p, &f);
}

/* A datagram of a log or a sensor: nothing precedes or follows it. */
static uint32_t
lone_frame(struct weir_generator *g, uint8_t *p)
{
	uint64_t h = weir_gen_random_next(&g->random);
	uint64_t number = g->background.n_lone++;
	bool is_v6 = (h >> 32) < g->options.v6;
	uint32_t size = weir_gen_size(g), headers = weir_gen_headers(is_v6, false, WEIR_GEN_UDP);
	struct weir_gen_end src, dst;
	struct weir_gen_frame f = {
		.src = &src,
		.dst = &dst,
		.is_v6 = is_v6,
		.proto = WEIR_GEN_UDP,
		.ttl = 64,
		.ip_id = (uint16_t)g->n_sent,
		.payload = g->payload,
		.payload_len = size > headers ? size - headers : 0,
	};

	/* The sensors' half of the resolvers' network, and one log host for a few of them. */
	set_host(&src, is_v6, 0x64600000 + (spread(g, number / LONE_A_HOST, 20)), 2);
	set_host(&dst, is_v6, 0x64700000 + (spread(g, number / (2 * LONE_A_HOST), 19)), 3);
	src.port = (uint16_t)(1024 + 4 * (h % 16000) + number % LONE_A_HOST);
	dst.port = 514;
	return weir_gen_frame_build(p, &f);
}

uint32_t
weir_gen_background_arp(struct weir_generator *g, uint8_t *p)
{
	struct weir_gen_end src, dst;

	set_host(&src, false, 0x64600000 + spread(g, g->background.n_lone, 20), 2);
	set_host(&dst, false, 0x647ffffe, 3);
	return weir_gen_arp_build(p, &src, &dst, 0, false);
}

/* In turn and at random: no conversation waits for long, and none is like clockwork. */
static struct weir_gen_visit *
pick(struct weir_generator *g)
{
	struct weir_gen_background *b = &g->background;

	b->is_random = !b->is_random;
	if (b->is_random)
		return &b->visits[weir_gen_alias_pick(&g->pick, &g->random)];
	b->cursor = b->cursor + 1 == b->n_visits ? 0 : b->cursor + 1;
	return &b->visits[b->cursor];
}

/* One that is open; there is one. */
static struct weir_gen_visit *
find_open(struct weir_gen_background *b)
{
	while (b->visits[b->cursor].talk.kind == WEIR_GEN_TALK_NONE)
		b->cursor = b->cursor + 1 == b->n_visits ? 0 : b->cursor + 1;
	return &b->visits[b->cursor];
}

uint32_t
weir_gen_background_frame(struct weir_generator *g, uint8_t *p, uint64_t room)
{
	struct weir_gen_background *b = &g->background;
	struct weir_gen_visit *v = pick(g), fresh;
	uint32_t n;

	if (v->talk.kind == WEIR_GEN_TALK_NONE) {
		n = draw(g, &fresh);
		if (n <= room - b->n_owed && b->n_lone * 4 >= b->n_begun) {
			*v = fresh;
			set_hosts(g, v);
			b->n_owed += n;
		} else if (b->n_owed < room) {
			return lone_frame(g, p);
		} else {
			v = find_open(b);
		}
	}
	b->n_owed--;
	return v->n_lookup ? lookup_frame(g, v, p) : weir_gen_talk_frame(g, &v->talk, p);
}
