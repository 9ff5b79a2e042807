/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_GENERATOR_H
#define WEIR_SOURCE_GENERATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "generator_frame.h"
#include "generator_random.h"
#include "kind.h"

/* Between the generator*.c of --source gen:. */

enum weir_gen_kind {
	WEIR_GEN_KIND_UDP,
	WEIR_GEN_KIND_TCP,
	WEIR_GEN_KIND_IMIX,
	WEIR_GEN_KIND_MIX,
	WEIR_GEN_KIND_ATTACK,
	WEIR_GEN_KIND_TEXT,
	WEIR_GEN_N_KINDS,
};

struct weir_gen_attack;

struct weir_gen_options {
	enum weir_gen_kind kind;
	const struct weir_gen_attack *attack; /* kind attack */
	uint64_t rate_pps;
	uint64_t count; /* packets, 0: for ever */
	uint32_t n_flows;
	double zipf; /* exponent, 0: uniform */
	uint32_t
	    size;     /* frame bytes, 0: the IMIX sizes; of text the record's, 0: those sizes too */
	bool is_word; /* kind text: a record is one word, whatever its length */
	uint64_t v6;  /* shares in 2^32nds */
	uint64_t vlan;
	uint64_t seed;
	bool is_paced;
	bool has_rate, has_count, has_pace; /* they were given */
};

#define WEIR_GEN_MAX_FLOWS 10000000u
#define WEIR_GEN_MAX_SIZE  9216u
#define WEIR_GEN_MIX_FRAME 1518u
/* Event time of the first packet: 2026-01-01T00:00:00Z, so that every run has the same times. */
#define WEIR_GEN_START_NS INT64_C(1767225600000000000)

/* One direction of a TCP connection of kinds tcp and imix. */
struct weir_gen_tcp {
	uint32_t seq;  /* of the next packet */
	uint16_t left; /* packets of this connection, 0: a new one begins */
	uint16_t n_connections;
};

enum weir_gen_talk_kind {
	WEIR_GEN_TALK_NONE,
	WEIR_GEN_TALK_TCP,
	WEIR_GEN_TALK_UDP,
	WEIR_GEN_TALK_DNS,
	WEIR_GEN_TALK_PING,
	WEIR_GEN_TALK_ARP,
};

/* One conversation of kind mix, between a client (0) and a server (1). */
struct weir_gen_talk {
	enum weir_gen_talk_kind kind;
	bool is_v6;
	uint16_t vlan;
	uint16_t step;
	uint16_t n_data; /* packets that the server, or both in turn, will send */
	uint16_t n_sent; /* of them */
	uint64_t hash;   /* what else is random about it */
	uint32_t seq[2];
	struct weir_gen_end end[2];
};

/* A conversation of an attack's background: TCP may have its name resolved first. */
struct weir_gen_visit {
	struct weir_gen_talk talk;
	uint32_t server;
	uint8_t n_lookup; /* packets of the lookup to come */
	struct weir_gen_end resolver;
};

struct weir_gen_background {
	uint32_t n_visits;             /* open at a time, at most */
	struct weir_gen_visit *visits; /* [n_visits] */
	uint32_t cursor;
	bool is_random; /* the next is picked at random, else in turn */
	uint64_t n_begun;
	uint64_t n_lone; /* datagrams without a conversation */
	uint64_t n_owed; /* packets that open conversations still have */
};

/* Where an attack is in its second. */
struct weir_gen_plot {
	uint64_t second; /* since the start */
	uint64_t length; /* packets in it */
	uint64_t at;     /* of them behind us */
	uint32_t n;      /* planted ones in it */
	uint32_t next;   /* of these */
	int32_t depth;   /* queue.depth of the background, -1: none */
	int64_t last_ns; /* time of the packet before */
	int64_t burst_ns;
	bool has_copy; /* the same packet comes once more, at the other interface */
	uint32_t copy_len;
	uint8_t *copy;
	bool has_held; /* a packet that waits for the next poll, for it saw another queue */
	uint32_t held_len;
	uint8_t *held;
	int64_t held_ns;
	uint16_t held_interface;
	int32_t held_depth;
};

struct weir_generator {
	struct weir_source base;
	struct weir_gen_options options;
	struct weir_gen_random random;
	struct weir_gen_alias pick;    /* flow, or conversation of kind mix */
	struct weir_gen_alias clients; /* kind mix */
	struct weir_gen_alias servers;
	struct weir_gen_tcp *tcp;              /* a flow; kinds tcp and imix */
	struct weir_gen_talk *talks;           /* kind mix */
	struct weir_gen_background background; /* kind attack */
	struct weir_gen_plot plot;
	uint64_t n_sent;
	int64_t time_ns; /* of the next packet, with time_part / rate nanoseconds more */
	uint64_t time_part;
	uint64_t gap_ns; /* between packets, with gap_part / rate more */
	uint64_t gap_part;
	uint32_t flow_mask; /* power of two that holds all flows, minus 1 */
	bool has_start;     /* pace */
	int64_t start_ns;
	uint32_t stride;  /* bytes a row of frames */
	uint8_t *frames;  /* WEIR_ROWS of them */
	uint8_t *payload; /* random bytes, as many as the largest frame */
};

/* generator_options.c: the text behind "gen:". */
int weir_gen_options_parse(const char *text, struct weir_gen_options *ret, struct weir_error *err);
const char *weir_gen_kind_name(enum weir_gen_kind kind);

/* generator_hot.c */
enum weir_poll weir_gen_poll(
    struct weir_source *s, unsigned queue, struct weir_batch *b, uint32_t max, int64_t now_ns);
/* Packets that the schedule has let go by now; without pace as many as are wanted. */
uint32_t weir_gen_due(struct weir_generator *g, uint32_t max, int64_t now_ns);
/* Time of the next packet: start + n / rate, rounded down. */
int64_t weir_gen_tick(struct weir_generator *g);
/* One of 64, 594, 1518 as 7 : 4 : 1, or the size that was asked for. */
uint32_t weir_gen_size(struct weir_generator *g);

/* generator_mix_hot.c: the next frame of kind mix at p; returns its length. */
uint32_t weir_gen_mix_frame(struct weir_generator *g, uint8_t *p);
/* The next frame of a conversation, whose kind becomes NONE with its last one. */
uint32_t weir_gen_talk_frame(struct weir_generator *g, struct weir_gen_talk *t, uint8_t *p);

/*
 * generator_background_hot.c: the next frame of an attack's background at p; returns its length.
 * room: packets that the background still has in this second, this one included. All conversations
 * begun are over when it is used up. Each host takes part in a few conversations only, however long
 * it lasts.
 */
uint32_t weir_gen_background_frame(struct weir_generator *g, uint8_t *p, uint64_t room);
/* An ARP request alone: the one packet that has no flow. */
uint32_t weir_gen_background_arp(struct weir_generator *g, uint8_t *p);

/* generator_attack_hot.c: as weir_gen_poll, of kind attack. */
enum weir_poll weir_gen_attack_poll(
    struct weir_generator *g, struct weir_batch *b, uint32_t max, int64_t now_ns);

/* generator_text_hot.c: the next record of kind text at p; returns its length. */
uint32_t weir_gen_text_record(struct weir_generator *g, uint8_t *p);

/* generator_dns_hot.c: a query or an answer (RFC 1035) for name number n; returns its length. */
#define WEIR_GEN_MAX_DNS 256u
uint32_t weir_gen_dns_build(uint8_t *p, uint64_t n, uint16_t id, bool is_answer);

#define WEIR_GEN_MIX_CLIENTS 250u
#define WEIR_GEN_MIX_SERVERS 500u

#endif
