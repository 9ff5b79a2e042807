/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "generator_attack.h"

#include <weir/base/poison.h> /* last */

/* Attacks that give themselves away by how many: hosts, ports, connections, names. */

#define VICTIM   weir_gen_victim(p->seed)
#define ATTACKER weir_gen_attacker(p->seed)
#define from     weir_gen_plant_from
#define to       weir_gen_plant_to
#define tcp      weir_gen_plant_tcp
#define udp      weir_gen_plant_udp
#define SYN      WEIR_GEN_SYN
#define ACK      WEIR_GEN_ACK
#define PSH      WEIR_GEN_PSH
#define FIN      WEIR_GEN_FIN

static void
put_end(struct weir_gen_end *e, uint32_t address, uint16_t port)
{
	memset(e, 0, sizeof(*e));
	e->mac[0] = 0x02;
	e->mac[1] = 0x66;
	weir_gen_put32(e->mac + 2, address);
	weir_gen_put32(e->address, address);
	e->port = port;
}

void
weir_gen_plant_from(struct weir_gen_plant *p, uint32_t address, uint16_t port)
{
	put_end(&p->src, address, port);
}

void
weir_gen_plant_to(struct weir_gen_plant *p, uint32_t address, uint16_t port)
{
	put_end(&p->dst, address, port);
}

void
weir_gen_plant_tcp(struct weir_gen_plant *p, uint8_t flags, uint32_t payload_len)
{
	uint32_t isn = (uint32_t)(p->src.port * 65537u + p->dst.port) & 0x7fffffff;

	p->frame.proto = WEIR_GEN_TCP;
	p->frame.tcp_flags = flags;
	p->frame.seq = isn + (flags & SYN ? 0 : 1);
	p->frame.ack = flags & ACK ? 1 : 0;
	p->frame.payload_len = payload_len;
}

void
weir_gen_plant_udp(struct weir_gen_plant *p, uint32_t payload_len)
{
	p->frame.proto = WEIR_GEN_UDP;
	p->frame.payload_len = payload_len;
}

uint32_t
weir_gen_victim(uint64_t seed)
{
	return 0xcb007101u + (uint32_t)(weir_gen_hash(seed) % 200); /* 203.0.113.0/24 */
}

uint32_t
weir_gen_attacker(uint64_t seed)
{
	return 0xc0000201u + (uint32_t)(weir_gen_hash(~seed) % 200); /* 192.0.2.0/24 */
}

static void
answer(struct weir_gen_plant *p, const char *name, uint16_t type, uint32_t address)
{
	struct weir_gen_dns m = {
		.name = name, .id = (uint16_t)p->i, .type = type, .is_answer = true
	};

	weir_gen_put32(m.address, address);
	udp(p, weir_gen_dns_message(p->message, &m));
	p->frame.payload = p->message;
}

/* Decoy: as many SYN+ACK, as of others' scans under its address. */
void
weir_gen_plant_new_tcp(struct weir_gen_plant *p)
{
	uint32_t i = p->i % 60;

	from(p, WEIR_GEN_SOURCE(i), p->i < 60 ? (uint16_t)(30000 + i) : 443);
	to(p, p->i < 60 ? VICTIM : WEIR_GEN_DECOY(0), p->i < 60 ? 443 : (uint16_t)(30000 + i));
	tcp(p, p->i < 60 ? SYN : SYN | ACK, 0);
}

/* Decoys: too few sources; every packet of another length; another port. */
void
weir_gen_plant_ssh_brute(struct weir_gen_plant *p)
{
	uint32_t i = p->i % 60, part = p->i / 60;

	from(p, WEIR_GEN_SOURCE(part == 1 ? i % 30 : i), (uint16_t)(30000 + i));
	to(p, part == 0 ? VICTIM : WEIR_GEN_DECOY(part), part == 3 ? 2222 : 22);
	tcp(p, PSH | ACK, part == 2 ? 101 + i : 100);
}

/* Decoys: 39 hosts; one host many times. */
void
weir_gen_plant_superspreader(struct weir_gen_plant *p)
{
	uint32_t i = p->i % 60, part = p->i / 60;

	from(p, part == 0 ? ATTACKER : WEIR_GEN_DECOY(part), 50000);
	to(p, WEIR_GEN_SOURCE(part == 0 ? i : part == 1 ? i % 39 : 0), 445);
	tcp(p, SYN, 0);
}

/* Decoys: 39 ports; 60 ports of UDP. */
void
weir_gen_plant_port_scan(struct weir_gen_plant *p)
{
	uint32_t i = p->i % 60, part = p->i / 60;

	from(p, part == 0 ? ATTACKER : WEIR_GEN_DECOY(part), 50000);
	to(p, VICTIM, (uint16_t)(1000 + (part == 1 ? i % 39 : i)));
	if (part == 2)
		udp(p, 20);
	else
		tcp(p, SYN, 0);
}

/* Decoy: 44 sources. */
void
weir_gen_plant_ddos(struct weir_gen_plant *p)
{
	bool is_decoy = p->i >= 60;

	from(p, WEIR_GEN_SOURCE(is_decoy ? p->i % 44 : p->i), (uint16_t)(30000 + p->i));
	to(p, is_decoy ? WEIR_GEN_DECOY(0) : VICTIM, 9999);
	udp(p, 512);
}

/* Decoy: a server that is busy, with 20 whole handshakes and a packet acknowledged in each. */
void
weir_gen_plant_syn_flood(struct weir_gen_plant *p)
{
	static const uint8_t steps[] = { SYN, SYN | ACK, ACK, ACK };
	bool is_decoy = p->i >= 95;
	uint32_t i = is_decoy ? (p->i - 95) / 4 : p->i % 60;
	uint8_t flags = is_decoy    ? steps[(p->i - 95) % 4]
			: p->i < 60 ? SYN
			: p->i < 90 ? SYN | ACK
				    : ACK;
	uint32_t server = is_decoy ? WEIR_GEN_DECOY(0) : VICTIM;
	uint16_t port = (uint16_t)(30000 + i);

	if (flags == (SYN | ACK)) {
		from(p, server, 80);
		to(p, WEIR_GEN_SOURCE(i), port);
	} else {
		from(p, WEIR_GEN_SOURCE(i), port);
		to(p, server, 80);
	}
	tcp(p, flags, 0);
}

/* 40 begun, 10 ended. Decoy: 20 and 20. */
void
weir_gen_plant_incomplete(struct weir_gen_plant *p)
{
	bool is_decoy = p->i >= 50;
	uint32_t k = is_decoy ? p->i - 50 : p->i, n = is_decoy ? 20 : 40;
	uint32_t server = is_decoy ? WEIR_GEN_DECOY(0) : VICTIM;
	uint16_t port = (uint16_t)(30000 + k % n);

	if (k < n) {
		from(p, WEIR_GEN_SOURCE(k), port);
		to(p, server, 80);
		tcp(p, SYN, 0);
		return;
	}
	from(p, server, 80);
	to(p, WEIR_GEN_SOURCE(k - n), port);
	tcp(p, FIN | ACK, 0);
}

/*
 * New connections each second, of a SYN and a byte: 81 bytes each. Decoys: four that never change;
 * connections of some more bytes.
 */
void
weir_gen_plant_slowloris(struct weir_gen_plant *p)
{
	uint32_t i = p->i % 100, part = p->i / 100;
	uint64_t connection = part == 1 ? i % 4 : p->second * 50 + i / 2;
	bool is_syn = part != 1 && i % 2 == 0;

	from(p, WEIR_GEN_SOURCE(connection / 50000 % 0xfffff),
	    (uint16_t)(1024 + connection % 50000));
	to(p, part == 0 ? VICTIM : WEIR_GEN_DECOY(part), 80);
	tcp(p, is_syn ? SYN : PSH | ACK, is_syn ? 0 : part == 2 ? 200 : 1);
}

/* Decoy: a client that connects to what it has resolved. So does the culprit, ten times. */
void
weir_gen_plant_dns_tunnel(struct weir_gen_plant *p)
{
	bool is_tunnel = p->i < 30;
	uint32_t k = is_tunnel ? p->i : (p->i - 30) / 2;
	uint32_t client = k < 10 || is_tunnel ? ATTACKER : WEIR_GEN_DECOY(0);
	uint32_t server = WEIR_GEN_DECOY(100 + (is_tunnel ? k : 50 + k));
	char name[WEIR_GEN_NAME_BYTES];

	if (is_tunnel || (p->i - 30) % 2 == 0) {
		weir_gen_name(name, is_tunnel ? "exfiltrate" : "cdn", k);
		from(p, WEIR_GEN_RESOLVER, 53);
		to(p, client, (uint16_t)(30000 + p->i));
		answer(p, name, WEIR_GEN_DNS_A, server);
		return;
	}
	from(p, client, (uint16_t)(40000 + k));
	to(p, server, 443);
	tcp(p, SYN, 0);
}

/* Even seconds: passwords are tried. Odd ones: it is used. Decoy: 30 sources, and used all the
 * same. */
void
weir_gen_plant_zorro(struct weir_gen_plant *p)
{
	static const char used[] = "wget zorro; sh zorro\r\n", other[] = "uptime; last; logout\r\n";
	bool is_decoy = p->i >= 60;
	uint32_t i = p->i % 60;

	to(p, is_decoy ? WEIR_GEN_DECOY(0) : VICTIM, 23);
	if (p->second % 2 == 0) {
		from(p, WEIR_GEN_SOURCE(i), (uint16_t)(30000 + i));
		tcp(p, PSH | ACK, 60);
		return;
	}
	from(p, ATTACKER, (uint16_t)(30000 + is_decoy));
	tcp(p, PSH | ACK, sizeof(used) - 1);
	p->frame.payload = (const uint8_t *)(i < 5 ? used : other);
}

/* Decoys: 30 resolvers; answers of another type. */
void
weir_gen_plant_dns_reflect(struct weir_gen_plant *p)
{
	uint32_t i = p->i % 60, part = p->i / 60;

	from(p, WEIR_GEN_SOURCE(part == 1 ? i % 30 : i), 53);
	to(p, part == 0 ? VICTIM : WEIR_GEN_DECOY(part), (uint16_t)(30000 + i));
	answer(p, "large.weir.example", part == 2 ? WEIR_GEN_DNS_A : WEIR_GEN_DNS_RRSIG,
	    WEIR_GEN_DECOY(9));
}

/* Decoys: one name many times; 20 names. */
void
weir_gen_plant_malicious_domain(struct weir_gen_plant *p)
{
	uint32_t i = p->i % 60, part = p->i / 60;
	char name[WEIR_GEN_NAME_BYTES];

	weir_gen_name(name, part == 0 ? "flux" : "site", part == 0 ? i : part == 1 ? 0 : i % 20);
	from(p, WEIR_GEN_RESOLVER, 53);
	to(p, WEIR_GEN_SOURCE(i), (uint16_t)(30000 + i));
	answer(p, name, WEIR_GEN_DNS_A, part == 0 ? VICTIM : WEIR_GEN_DECOY(part));
}

/* 200 out, 50 in. Decoy: 60 out, 60 in. */
void
weir_gen_plant_udp_asymmetry(struct weir_gen_plant *p)
{
	bool is_decoy = p->i >= 250;
	uint32_t k = is_decoy ? p->i - 250 : p->i, n = is_decoy ? 60 : 200;
	uint32_t host = is_decoy ? WEIR_GEN_DECOY(0) : ATTACKER;
	uint32_t peer = WEIR_GEN_SOURCE((is_decoy ? 200 : 0) + k % n);

	from(p, k < n ? host : peer, 7000);
	to(p, k < n ? peer : host, 7000);
	udp(p, 200);
}

/* A name that many ask for. Decoy: one that is answered as often. */
void
weir_gen_plant_top_dns(struct weir_gen_plant *p)
{
	bool is_decoy = p->i >= 60;
	uint32_t i = p->i % 60;
	char name[WEIR_GEN_NAME_BYTES];
	struct weir_gen_dns m = { .name = name, .id = (uint16_t)i, .type = WEIR_GEN_DNS_A };

	if (is_decoy) {
		from(p, WEIR_GEN_RESOLVER, 53);
		to(p, WEIR_GEN_SOURCE(i), (uint16_t)(30000 + i));
		weir_gen_name(name, "echo", p->seed);
		answer(p, name, WEIR_GEN_DNS_A, WEIR_GEN_DECOY(0));
		return;
	}
	from(p, WEIR_GEN_SOURCE(i), (uint16_t)(30000 + i));
	to(p, WEIR_GEN_RESOLVER, 53);
	weir_gen_name(name, "beacon", p->seed);
	udp(p, weir_gen_dns_message(p->message, &m));
	p->frame.payload = p->message;
}

/* A name that many ask for. Decoy: one that five ask for as often. */
void
weir_gen_plant_tls_names(struct weir_gen_plant *p)
{
	bool is_decoy = p->i >= 60;
	uint32_t i = p->i % 60;
	char name[WEIR_GEN_NAME_BYTES];

	from(p, WEIR_GEN_SOURCE(is_decoy ? i % 5 : i), (uint16_t)(30000 + p->i));
	to(p, is_decoy ? WEIR_GEN_DECOY(0) : VICTIM, 443);
	weir_gen_name(name, is_decoy ? "intranet" : "beacon", p->seed);
	tcp(p, PSH | ACK, weir_gen_tls_hello(p->message, name));
	p->frame.payload = p->message;
}
