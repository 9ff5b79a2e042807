/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_GENERATOR_ATTACK_H
#define WEIR_SOURCE_GENERATOR_ATTACK_H

#include "generator.h"

/*
 * Attacks: --source gen:attack:NAME. In each second of event time an attack plants the same number
 * of packets between those of the background, the culprit's and those of decoys, which the query
 * must not accuse. generator_attack.c has the list.
 */

/* One planted packet; filled by the attack's function. */
struct weir_gen_plant {
	uint64_t seed;
	uint64_t second;             /* since the start */
	uint32_t i;                  /* which one in it */
	struct weir_gen_frame frame; /* from src to dst, IPv4 */
	struct weir_gen_end src;
	struct weir_gen_end dst;
	int64_t at_ns; /* of a burst: behind its begin */
	int32_t depth; /* queue.depth, -1: none */
	bool is_lost;  /* is seen at interface 0 only */
	uint8_t message[320];
};

/* Whom a packet, and the description, may be about: one host each, by the seed. */
uint32_t weir_gen_victim(uint64_t seed);
uint32_t weir_gen_attacker(uint64_t seed);

/* For the functions that fill plants. */
void weir_gen_plant_from(struct weir_gen_plant *p, uint32_t address, uint16_t port);
void weir_gen_plant_to(struct weir_gen_plant *p, uint32_t address, uint16_t port);
void weir_gen_plant_tcp(struct weir_gen_plant *p, uint8_t flags, uint32_t payload_len);
void weir_gen_plant_udp(struct weir_gen_plant *p, uint32_t payload_len);
#define WEIR_GEN_DECOY(k)  (0xc6336401u + (k)) /* 198.51.100.0/24 (RFC 5737) */
#define WEIR_GEN_SOURCE(i) (0xac100001u + (i)) /* 172.16.0.0/12 */
#define WEIR_GEN_RESOLVER  0x647f0035u         /* 100.127.0.53 */

/* The culprit's one flow, of those attacks that are about a flow. */
#define WEIR_GEN_FLOW_PORT   40000u
#define WEIR_GEN_FLOW_SERVER 8443u

/* generator_message_hot.c: what is in a payload; each returns its length. */
#define WEIR_GEN_DNS_A     1
#define WEIR_GEN_DNS_AAAA  28
#define WEIR_GEN_DNS_RRSIG 46
struct weir_gen_dns {
	const char *name; /* dotted */
	uint16_t id;
	uint16_t type;
	bool is_answer;
	uint8_t address[16]; /* of an answer of type A or AAAA */
};
uint32_t weir_gen_dns_message(uint8_t *p, const struct weir_gen_dns *m);
uint32_t weir_gen_tls_hello(uint8_t *p, const char *name);
/* "PREFIX-NUMBER.weir.example", the number in hexadecimal. */
#define WEIR_GEN_NAME_BYTES 48u
void weir_gen_name(char *buf, const char *prefix, uint64_t number);

/* The window that the query has, or which ones the culprit can be found with. */
enum weir_gen_window {
	WEIR_GEN_WINDOW_ANY, /* the query names none: global or 1s, or more seconds */
	WEIR_GEN_WINDOW_1S,
	WEIR_GEN_WINDOW_10S,
	WEIR_GEN_WINDOW_SLIDING, /* 10s/1s */
	WEIR_GEN_WINDOW_GLOBAL,
	WEIR_GEN_WINDOW_SESSION, /* one in each WEIR_GEN_CYCLE seconds */
	WEIR_GEN_WINDOW_BURST,   /* that of the burst */
};
#define WEIR_GEN_CYCLE 60u

enum weir_gen_key_kind {
	WEIR_GEN_KEY_VICTIM = 1,
	WEIR_GEN_KEY_ATTACKER,
	WEIR_GEN_KEY_ADDRESS, /* the number */
	WEIR_GEN_KEY_NUMBER,
	WEIR_GEN_KEY_NAME, /* weir_gen_name(text, seed) */
};

struct weir_gen_key {
	const char *column;
	enum weir_gen_key_kind kind;
	uint32_t number;
	const char *text;
};

enum weir_gen_value_kind {
	WEIR_GEN_VALUE_SAME = 1, /* in every window */
	WEIR_GEN_VALUE_SUM,      /* that many a planted second */
	WEIR_GEN_VALUE_RATE, /* that many times the planted packets, over the window's seconds */
	WEIR_GEN_VALUE_EWMA, /* of the frame lengths, number is 1 - the weight of the newest */
};

struct weir_gen_value {
	const char *column;
	enum weir_gen_value_kind kind;
	double number;
	double within; /* of it, where the aggregate is no exact one */
};

/* What the culprit's row is among those of its window. */
enum weir_gen_rank {
	WEIR_GEN_RANK_ONLY,    /* the only one */
	WEIR_GEN_RANK_FIRST,   /* by --top */
	WEIR_GEN_RANK_LARGEST, /* by the first value, in no order */
	WEIR_GEN_RANK_ONE,     /* one of many */
};

#define WEIR_GEN_MAX_KEYS   5u
#define WEIR_GEN_MAX_VALUES 3u

struct weir_gen_attack {
	const char *name;
	const char *doc;   /* what is planted */
	const char *query; /* the flags that find it */
	void (*plant)(struct weir_gen_plant *p);
	enum weir_gen_window window;
	enum weir_gen_rank rank;
	uint32_t n;            /* packets a second, or */
	uint32_t percent;      /* of all of them */
	bool is_burst;         /* one behind the other, from a quarter of the second on */
	bool has_copies;       /* each packet comes by interface 0, then by interface 1 */
	bool is_whole;         /* a second cut short by count has none */
	bool is_odd;           /* rows in odd seconds only */
	int32_t depth;         /* queue.depth of the background, 0: none */
	uint32_t window_ns;    /* of WINDOW_BURST; a burst begins at such a boundary */
	uint32_t max_rate_pps; /* 0: any */
	uint32_t active;       /* seconds in each cycle that it is active, 0: all */
	const uint16_t *at_ms; /* [n] when in the second, NULL: evenly */
	struct weir_gen_key keys[WEIR_GEN_MAX_KEYS];
	struct weir_gen_value values[WEIR_GEN_MAX_VALUES];
};

/* A row without name ends. */
extern const struct weir_gen_attack weir_gen_attacks[];

#define WEIR_GEN_ATTACK_LEAST 1000u /* packets a second, and in all */

/* Packets that the attack plants into a second of so many. */
uint32_t weir_gen_planted(const struct weir_gen_attack *a, const struct weir_gen_options *o,
    uint64_t second, uint64_t length);
/* When its burst begins. */
int64_t weir_gen_burst_ns(const struct weir_gen_attack *a, const struct weir_gen_options *o,
    uint64_t second, uint64_t length);
/* Of the packets of a second, that before which planted packet i comes. */
uint64_t weir_gen_place(const struct weir_gen_attack *a, uint32_t i, uint32_t n, uint64_t length);

/* generator_scan_hot.c, generator_flow_hot.c, generator_load_hot.c */
#define WEIR_GEN_PLANT(name) void weir_gen_plant_##name(struct weir_gen_plant *p);
WEIR_GEN_PLANT(new_tcp)
WEIR_GEN_PLANT(ssh_brute)
WEIR_GEN_PLANT(superspreader)
WEIR_GEN_PLANT(port_scan)
WEIR_GEN_PLANT(ddos)
WEIR_GEN_PLANT(syn_flood)
WEIR_GEN_PLANT(incomplete)
WEIR_GEN_PLANT(slowloris)
WEIR_GEN_PLANT(dns_tunnel)
WEIR_GEN_PLANT(zorro)
WEIR_GEN_PLANT(dns_reflect)
WEIR_GEN_PLANT(heavy)
WEIR_GEN_PLANT(malicious_domain)
WEIR_GEN_PLANT(udp_asymmetry)
WEIR_GEN_PLANT(out_of_sequence)
WEIR_GEN_PLANT(non_monotonic)
WEIR_GEN_PLANT(length_ewma)
WEIR_GEN_PLANT(flowlets)
WEIR_GEN_PLANT(timeouts)
WEIR_GEN_PLANT(incast)
WEIR_GEN_PLANT(loss)
WEIR_GEN_PLANT(reroute)
WEIR_GEN_PLANT(netflow)
WEIR_GEN_PLANT(microburst)
WEIR_GEN_PLANT(subnets)
WEIR_GEN_PLANT(sizes)
WEIR_GEN_PLANT(top_dns)
WEIR_GEN_PLANT(tls_names)
#undef WEIR_GEN_PLANT

/* A row that the attack's query must give, as generator_expect.c works it out. */
struct weir_gen_expected {
	bool has_times; /* of the window, else they are those of packets */
	int64_t start_ns;
	int64_t end_ns;
	double values[WEIR_GEN_MAX_VALUES];
};

/*
 * Call item for each row of the attack's query in windows of this kind, in the order of time.
 * Returns false, with nothing called, where that is no end of rows. Cold.
 */
bool weir_gen_expect(const struct weir_gen_options *o, enum weir_gen_window window,
    void (*item)(void *ctx, const struct weir_gen_expected *row), void *ctx);

#endif
