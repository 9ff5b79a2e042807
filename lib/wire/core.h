/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_WIRE_CORE_H
#define WEIR_WIRE_CORE_H

#include "front.h"

/*
 * The protocol: what is sent when, and what comes of what is received. It has no clock, no port and
 * no thread of its own: time is given, datagrams go out by a call. One thread at a time, the wire
 * thread, but for creating and destroying. Private to lib/wire.
 */

struct weir_wire_core;

struct weir_wire_now {
	int64_t mono_ns; /* CLOCK_MONOTONIC */
	int64_t wall_ns; /* CLOCK_REALTIME */
};

/* What is behind the header of a datagram, in two parts. Not kept. */
struct weir_wire_out {
	uint16_t id;    /* of the peer */
	uint16_t queue; /* of its receive queues, by the caller's word */
	uint8_t type;   /* enum weir_inner_type */
	uint32_t head_len;
	uint32_t body_len;
	const void *head;
	const void *body;
};

enum weir_wire_sent {
	WEIR_WIRE_SENT,
	WEIR_WIRE_SENT_FULL,    /* not: the port takes no more now */
	WEIR_WIRE_SENT_NOWHERE, /* not: the neighbour is not known */
};

struct weir_wire_core_config {
	struct weir_wire_front *front;
	uint64_t incarnation;
	enum weir_wire_sent (*transmit)(void *arg, const struct weir_wire_out *out);
	void (*suspect)(
	    void *arg, unsigned id); /* nothing comes back: is it still there? or NULL */
	void (*wake)(void *arg);     /* as in struct weir_wire_config; or NULL */
	void *arg;
	void *wake_arg;
};

struct weir_wire_core *weir_wire_core_create(const struct weir_wire_core_config *c);
/* What it still had to send is given up. NULL is fine. */
void weir_wire_core_destroy(struct weir_wire_core *c);

/*
 * As weir_wire_peer_set, and _remove. generation is what orders for the peer carry from now on.
 * -ENOMEM, or -EINVAL where another id has the incarnation, or it is our own.
 */
int weir_wire_core_peer_set(struct weir_wire_core *c, unsigned id, const char *name,
    uint64_t incarnation, uint32_t generation, const struct weir_wire_now *now);
void weir_wire_core_peer_remove(struct weir_wire_core *c, unsigned id);
/* Be another one. -EBUSY while peers are there. */
int weir_wire_core_renew(struct weir_wire_core *c, uint64_t incarnation);
/* The id of an incarnation, or -1. */
int weir_wire_core_find(const struct weir_wire_core *c, uint64_t incarnation);

/* What came of peer id, which is there: type, queue and epoch as in the header, and what is behind
 * it. */
struct weir_wire_in {
	uint16_t id;
	uint16_t queue;
	uint8_t type;
	uint32_t len;
	uint64_t epoch;
	const uint8_t *p;
};

void weir_wire_core_receive(
    struct weir_wire_core *c, const struct weir_wire_now *now, const struct weir_wire_in *in);
/* Send what is due. Returns when it wants to be called again at the latest, as mono_ns. */
int64_t weir_wire_core_step(struct weir_wire_core *c, const struct weir_wire_now *now);
/* Acknowledge at once what would be a little later: there is no later. */
void weir_wire_core_answer(struct weir_wire_core *c, const struct weir_wire_now *now);
/* Are there orders that the next step will take? */
bool weir_wire_core_has_orders(const struct weir_wire_core *c);

/* Count for a peer and in all; id -1: in all alone. */
void weir_wire_core_count(
    struct weir_wire_core *c, int id, enum weir_wire_counter counter, uint64_t n);
void weir_wire_core_counters(const struct weir_wire_core *c, uint64_t ret[WEIR_WIRE_N_COUNTERS]);
bool weir_wire_core_peer_stats(
    struct weir_wire_core *c, unsigned id, struct weir_wire_peer_stats *ret);

#endif
