/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "generator.h"

#include <weir/base/poison.h> /* last */

/*
 * Kind mix: what a link of an office or a hosting rack carries. A number of conversations is open
 * at a time; each packet is the next one of a conversation picked at random, so requests and
 * answers of many are interleaved. A conversation that is over is followed by another one, of a
 * kind drawn anew.
 */

#define MTU_DATA    1380u /* of a full segment: fits with IPv6 and a tag */
#define MIN_DATA    40u
#define MAX_REQUEST 700u
#define N_VLANS     4

static const struct weir_gen_end gateway = {
	.mac = { 0x02, 0x01, 0, 0, 0, 1 },
	.address = { 10, 1, 255, 254 },
};

static void
set_client(struct weir_gen_talk *t, uint32_t client)
{
	struct weir_gen_end *e = &t->end[0];

	memset(e, 0, sizeof(*e));
	e->mac[0] = 0x02;
	weir_gen_put32(e->mac + 2, client);
	if (t->is_v6) {
		weir_gen_put32(e->address, 0x20010db8);
		weir_gen_put16(e->address + 6, 1);
		weir_gen_put32(e->address + 12, 1 + client);
	} else {
		weir_gen_put32(e->address, 0x0a010001 + client);
	}
}

/* Servers are behind the gateway: its MAC, their address. */
static void
set_server(struct weir_gen_talk *t, uint32_t server)
{
	struct weir_gen_end *e = &t->end[1];

	*e = gateway;
	memset(e->address, 0, sizeof(e->address));
	if (t->is_v6) {
		weir_gen_put32(e->address, 0x20010db8);
		weir_gen_put16(e->address + 6, 0xffff);
		weir_gen_put32(e->address + 12, 1 + server);
	} else {
		weir_gen_put32(e->address, 0xc6120001 + server);
	}
}

/* Kinds by conversations; most packets are TCP's, for its conversations are the long ones. */
static enum weir_gen_talk_kind
draw_kind(uint32_t percent)
{
	if (percent < 45)
		return WEIR_GEN_TALK_TCP;
	if (percent < 80)
		return WEIR_GEN_TALK_DNS;
	if (percent < 88)
		return WEIR_GEN_TALK_UDP;
	if (percent < 95)
		return WEIR_GEN_TALK_PING;
	return WEIR_GEN_TALK_ARP;
}

static void
begin_talk(struct weir_generator *g, struct weir_gen_talk *t)
{
	static const uint16_t tcp_ports[] = { 443, 443, 443, 443, 80, 80, 22, 993 };
	uint64_t h = weir_gen_random_next(&g->random);
	uint32_t client = weir_gen_alias_pick(&g->clients, &g->random);
	uint32_t server = weir_gen_alias_pick(&g->servers, &g->random);
	uint64_t client_hash = weir_gen_hash(g->options.seed ^ client);

	memset(t, 0, sizeof(*t));
	t->kind = draw_kind((uint32_t)(h % 100));
	t->is_v6 = t->kind != WEIR_GEN_TALK_ARP && weir_gen_hash(h) >> 32 < g->options.v6;
	/* A host is in one VLAN, or in none, for the whole run. */
	if (client_hash >> 32 < g->options.vlan)
		t->vlan = (uint16_t)(100 * (1 + client_hash % N_VLANS));
	t->hash = weir_gen_random_next(&g->random);
	set_client(t, client);
	set_server(t, t->kind == WEIR_GEN_TALK_DNS ? server & 1 : server);
	t->end[0].port = (uint16_t)(32768 + t->hash % 28232);
	t->seq[0] = (uint32_t)(t->hash >> 16);
	t->seq[1] = (uint32_t)weir_gen_hash(t->hash);
	switch (t->kind) {
	case WEIR_GEN_TALK_TCP:
		t->end[1].port = tcp_ports[t->hash >> 48 & 7];
		/* Most answers are short, a few long: 1 to 8 packets, one in eight up to 128. */
		t->n_data = (uint16_t)(1 + (t->hash >> 51 & 7));
		if ((t->hash >> 54 & 7) == 0)
			t->n_data = (uint16_t)(t->n_data * 16);
		break;
	case WEIR_GEN_TALK_UDP: /* a call: media in both directions */
		t->end[1].port = (uint16_t)(16384 + 2 * (t->hash >> 48 & 1023));
		t->n_data = (uint16_t)(10 + (t->hash >> 58));
		break;
	case WEIR_GEN_TALK_DNS:
		t->end[1].port = 53;
		break;
	case WEIR_GEN_TALK_PING:
		t->n_data = (uint16_t)(2 * (1 + (t->hash >> 62)));
		break;
	case WEIR_GEN_TALK_ARP:
		t->end[1] = gateway;
		break;
	case WEIR_GEN_TALK_NONE:
		break;
	}
}

static void
end_talk(struct weir_gen_talk *t)
{
	t->kind = WEIR_GEN_TALK_NONE;
}

static void
send_from(struct weir_gen_talk *t, struct weir_gen_frame *f, unsigned from)
{
	f->src = &t->end[from];
	f->dst = &t->end[!from];
	f->ttl = from ? 57 : 64;
}

static void
tcp_segment(
    struct weir_gen_talk *t, struct weir_gen_frame *f, unsigned from, uint8_t flags, uint32_t len)
{
	send_from(t, f, from);
	f->tcp_flags = flags;
	f->seq = t->seq[from];
	f->ack = flags & WEIR_GEN_ACK ? t->seq[!from] : 0;
	f->payload_len = len;
	t->seq[from] += len + (flags & (WEIR_GEN_SYN | WEIR_GEN_FIN) ? 1 : 0);
}

/* Steps of a connection; the server's data with the client's acknowledgements is one step that
 * repeats. */
enum {
	TCP_SYN,
	TCP_SYN_ACK,
	TCP_ACK,
	TCP_REQUEST,
	TCP_DATA,
	TCP_DATA_ACK,
	TCP_SERVER_FIN,
	TCP_CLIENT_FIN,
	TCP_LAST_ACK,
};

static void
tcp_frame(struct weir_gen_talk *t, struct weir_gen_frame *f)
{
	uint32_t last_len = MIN_DATA + (uint32_t)(t->hash >> 20) % (MTU_DATA - MIN_DATA);

	f->proto = WEIR_GEN_TCP;
	switch (t->step++) {
	case TCP_SYN:
		tcp_segment(t, f, 0, WEIR_GEN_SYN, 0);
		break;
	case TCP_SYN_ACK:
		tcp_segment(t, f, 1, WEIR_GEN_SYN | WEIR_GEN_ACK, 0);
		break;
	case TCP_ACK:
		tcp_segment(t, f, 0, WEIR_GEN_ACK, 0);
		break;
	case TCP_REQUEST:
		tcp_segment(t, f, 0, WEIR_GEN_PSH | WEIR_GEN_ACK,
		    MIN_DATA + (uint32_t)(t->hash >> 8) % MAX_REQUEST);
		break;
	case TCP_DATA:
		t->n_sent++;
		if (t->n_sent == t->n_data) {
			tcp_segment(t, f, 1, WEIR_GEN_PSH | WEIR_GEN_ACK, last_len);
			break; /* on to TCP_DATA_ACK, and from there to the end */
		}
		tcp_segment(t, f, 1, WEIR_GEN_ACK, MTU_DATA);
		if (t->n_sent % 2)
			t->step = TCP_DATA; /* every second segment is acknowledged */
		break;
	case TCP_DATA_ACK:
		tcp_segment(t, f, 0, WEIR_GEN_ACK, 0);
		if (t->n_sent < t->n_data)
			t->step = TCP_DATA;
		break;
	case TCP_SERVER_FIN:
		tcp_segment(t, f, 1, WEIR_GEN_FIN | WEIR_GEN_ACK, 0);
		break;
	case TCP_CLIENT_FIN:
		tcp_segment(t, f, 0, WEIR_GEN_FIN | WEIR_GEN_ACK, 0);
		break;
	default:
		tcp_segment(t, f, 1, WEIR_GEN_ACK, 0);
		end_talk(t);
	}
}

static void
udp_frame(struct weir_gen_talk *t, struct weir_gen_frame *f)
{
	f->proto = WEIR_GEN_UDP;
	send_from(t, f, t->n_sent & 1);
	f->payload_len = 172; /* 20 ms of G.711 in RTP */
	if (++t->n_sent == t->n_data)
		end_talk(t);
}

static void
dns_frame(struct weir_gen_talk *t, struct weir_gen_frame *f, uint8_t *message)
{
	bool is_answer = t->step++ == 1;

	f->proto = WEIR_GEN_UDP;
	send_from(t, f, is_answer);
	f->payload = message;
	f->payload_len =
	    weir_gen_dns_build(message, t->hash >> 8, (uint16_t)(t->hash >> 40), is_answer);
	if (is_answer)
		end_talk(t);
}

static void
ping_frame(struct weir_gen_talk *t, struct weir_gen_frame *f)
{
	f->proto = WEIR_GEN_ICMP;
	f->is_reply = t->n_sent & 1;
	send_from(t, f, f->is_reply);
	f->seq = (uint32_t)(t->hash >> 32 & 0xffff) << 16 | (1u + t->n_sent / 2u);
	f->payload_len = 56;
	if (++t->n_sent == t->n_data)
		end_talk(t);
}

static uint32_t
arp_frame(struct weir_gen_talk *t, uint8_t *p)
{
	unsigned is_reply = t->step++;
	uint32_t len =
	    weir_gen_arp_build(p, &t->end[is_reply], &t->end[!is_reply], t->vlan, is_reply);

	if (is_reply)
		end_talk(t);
	return len;
}

uint32_t
weir_gen_talk_frame(struct weir_generator *g, struct weir_gen_talk *t, uint8_t *p)
{
	uint8_t message[WEIR_GEN_MAX_DNS];
	struct weir_gen_frame f = { 0 };

	f.is_v6 = t->is_v6;
	f.vlan = t->vlan;
	f.ip_id = (uint16_t)g->n_sent;
	f.payload = g->payload;
	switch (t->kind) {
	case WEIR_GEN_TALK_TCP:
		tcp_frame(t, &f);
		break;
	case WEIR_GEN_TALK_UDP:
		udp_frame(t, &f);
		break;
	case WEIR_GEN_TALK_DNS:
		dns_frame(t, &f, message);
		break;
	case WEIR_GEN_TALK_PING:
		ping_frame(t, &f);
		break;
	case WEIR_GEN_TALK_NONE:
	case WEIR_GEN_TALK_ARP:
		return arp_frame(t, p);
	}
	return weir_gen_frame_build(p, &f);
}

uint32_t
weir_gen_mix_frame(struct weir_generator *g, uint8_t *p)
{
	struct weir_gen_talk *t = &g->talks[weir_gen_alias_pick(&g->pick, &g->random)];

	if (t->kind == WEIR_GEN_TALK_NONE)
		begin_talk(g, t);
	return weir_gen_talk_frame(g, t, p);
}
