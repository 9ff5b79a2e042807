/* SPDX-License-Identifier: BSD-3-Clause */
#include "generator_attack.h"

#include <weir/base/poison.h> /* last */

/* Attacks that give themselves away within a flow, by order and time; and by volume. */

#define US            1000
#define SEGMENT_BYTES 100u
#define LARGE_BYTES   1480u /* of payload and transport header: an IP packet of 1500 */

static void
flow(struct weir_gen_plant *p, uint32_t client, uint32_t server)
{
	weir_gen_plant_from(p, client, WEIR_GEN_FLOW_PORT);
	weir_gen_plant_to(p, server, WEIR_GEN_FLOW_SERVER);
}

static void
flow_of(struct weir_gen_plant *p, bool is_decoy)
{
	if (is_decoy)
		flow(p, WEIR_GEN_DECOY(0), WEIR_GEN_DECOY(1));
	else
		flow(p, weir_gen_attacker(p->seed), weir_gen_victim(p->seed));
}

/* Segment number n of the flow. */
static void
segment(struct weir_gen_plant *p, uint64_t n)
{
	weir_gen_plant_tcp(p, WEIR_GEN_PSH | WEIR_GEN_ACK, SEGMENT_BYTES);
	p->frame.seq = (uint32_t)(1000 + n * SEGMENT_BYTES);
}

/* Five times a second a segment overtakes another: three that are not the next. Decoy: none does.
 */
void
weir_gen_plant_out_of_sequence(struct weir_gen_plant *p)
{
	bool is_decoy = p->i >= 40;
	uint32_t i = p->i % 40;

	flow_of(p, is_decoy);
	if (!is_decoy && i % 8 == 5)
		i++;
	else if (!is_decoy && i % 8 == 6)
		i--;
	segment(p, p->second * 40 + i);
}

/* Four times a second a segment is sent again. Decoy: segments are missing and numbers wrap, yet
 * none goes back. */
void
weir_gen_plant_non_monotonic(struct weir_gen_plant *p)
{
	bool is_decoy = p->i >= 44;
	uint32_t i = is_decoy ? p->i - 44 : p->i;
	uint32_t at = i % 11;

	flow_of(p, is_decoy);
	if (is_decoy)
		segment(p, 42949600 + p->second * 60 + i + i / 10);
	else
		segment(p, p->second * 40 + i / 11 * 10 + (at < 10 ? at : 5));
}

void
weir_gen_plant_length_ewma(struct weir_gen_plant *p)
{
	flow_of(p, false);
	weir_gen_plant_udp(p, p->i % 2 ? 1200 : 400);
}

/* Two flowlets of 150 packets a microsecond apart; 20 us between them. */
void
weir_gen_plant_flowlets(struct weir_gen_plant *p)
{
	flow_of(p, false);
	weir_gen_plant_udp(p, 64);
	p->at_ns = (int64_t)p->i * US + (p->i < 150 ? 0 : 20 * US);
}

/* See generator_attack.c for when: the culprit's have odd hundredths. */
void
weir_gen_plant_timeouts(struct weir_gen_plant *p)
{
	static const uint8_t is_decoy[] = { 1, 0, 1, 0, 0, 1, 0, 1, 0, 1 };
	static const uint8_t number[] = { 0, 0, 1, 1, 2, 2, 3, 3, 4, 4 };

	flow_of(p, is_decoy[p->i]);
	segment(p, p->second * 5 + number[p->i]);
}

/* 64 senders in 64 us before a long queue. Decoys, in windows of their own: 45; a short queue. */
void
weir_gen_plant_incast(struct weir_gen_plant *p)
{
	uint32_t part = p->i < 64 ? 0 : p->i < 109 ? 1 : 2;
	uint32_t i = p->i - (part == 0 ? 0 : part == 1 ? 64 : 109);

	weir_gen_plant_from(p, WEIR_GEN_SOURCE(i), (uint16_t)(30000 + i));
	weir_gen_plant_to(p, part == 0 ? weir_gen_victim(p->seed) : WEIR_GEN_DECOY(part), 8443);
	weir_gen_plant_tcp(p, WEIR_GEN_PSH | WEIR_GEN_ACK, 1000);
	p->at_ns = (int64_t)part * 128 * US + (int64_t)i * US;
	p->depth = part == 2 ? 80 : 150;
}

/* Ten of 200 lost. Decoy: one of 100. */
void
weir_gen_plant_loss(struct weir_gen_plant *p)
{
	bool is_decoy = p->i >= 200;

	flow_of(p, is_decoy);
	weir_gen_plant_udp(p, 200);
	p->is_lost = is_decoy ? p->i == 250 : p->i % 20 == 10;
}

/* There and back again each second. Decoy: two flows of two hosts, each on a path of its own. */
void
weir_gen_plant_reroute(struct weir_gen_plant *p)
{
	bool is_decoy = p->i >= 30;

	flow_of(p, is_decoy);
	weir_gen_plant_udp(p, 200);
	if (!is_decoy) {
		p->frame.ttl = p->i / 10 == 1 ? 55 : 57;
		return;
	}
	p->src.port = (uint16_t)(50000 + p->i % 2);
	p->frame.ttl = (uint8_t)(55 + p->i % 2);
}

void
weir_gen_plant_heavy(struct weir_gen_plant *p)
{
	flow_of(p, false);
	weir_gen_plant_udp(p, LARGE_BYTES - 8);
}

void
weir_gen_plant_netflow(struct weir_gen_plant *p)
{
	flow_of(p, false);
	weir_gen_plant_udp(p, 200);
}

void
weir_gen_plant_microburst(struct weir_gen_plant *p)
{
	flow_of(p, false);
	weir_gen_plant_udp(p, LARGE_BYTES - 8);
	p->at_ns = (int64_t)p->i * 5 * US;
}

void
weir_gen_plant_subnets(struct weir_gen_plant *p)
{
	weir_gen_plant_from(p, (weir_gen_victim(0) & 0xffffff00) + 1 + p->i % 200, 4000);
	weir_gen_plant_to(p, WEIR_GEN_SOURCE(p->i % 500), 4000);
	weir_gen_plant_udp(p, LARGE_BYTES - 8);
}

/* Of 57, 55 of 333 bytes and two of 9000. */
void
weir_gen_plant_sizes(struct weir_gen_plant *p)
{
	flow_of(p, false);
	weir_gen_plant_udp(p, (p->i % 57 < 55 ? 333u : 9000u) - 42);
}
