/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_WIRE_FRONT_H
#define WEIR_WIRE_FRONT_H

#include <rte_ring.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <weir/wire/wire.h>

/*
 * What the control thread and the wire thread share: buffers, the rings between them, and a few
 * numbers for each peer. All of it is made at once and bounded. Private to lib/wire.
 */

/* Frames on their way to one peer, and back: seqs from the least open one. Power of two. */
#define WEIR_WIRE_WINDOW 1024u

/* A received frame, with data behind it. */
struct weir_wire_buffer {
	uint16_t id;
	uint16_t queue;
	uint32_t len;
	uint64_t incarnation;
	uint64_t epoch;
	uint8_t data[];
};

/* control to wire */
struct weir_wire_order {
	struct weir_wire_frame *frame;
	uint16_t id;
	uint16_t queue;
	uint32_t generation; /* of the peer that it was meant for */
};

/* Of each id. Counts never begin anew. */
struct weir_wire_shared {
	alignas(64) atomic_uint_fast64_t allow; /* wire: wo, control: ro; orders for it so far */
	atomic_uint_fast64_t done;              /* wire: wo, control: ro; orders that are over */
	atomic_int_fast64_t heard_ns;           /* wire: wo, any: ro */
	atomic_uint held;               /* wire adds, control takes: buffers with frames of it */
	atomic_bool is_wanted;          /* control sets, wire clears: somebody waits for room */
	atomic_uint_fast64_t awaited;   /* the same: for done to be so much; 0: nobody waits */
	atomic_uint_fast64_t no_credit; /* control: wo, wire: ro */
	uint64_t n_orders;              /* control */
	uint64_t incarnation;           /* control */
	uint32_t generation;            /* control; odd: there is a peer */
};

struct weir_wire_front {
	uint32_t payload_most;
	unsigned n_frames;
	unsigned n_buffers;
	size_t memory_bytes;
	struct weir_wire_frame *frames;
	uint8_t *frame_data;
	uint8_t *buffers;
	struct rte_ring *free_frames;  /* any to control */
	struct rte_ring *free_buffers; /* control to wire */
	struct rte_ring *received;     /* wire to control */
	struct rte_ring *orders;       /* control to wire */
	struct weir_wire_shared *shared;
};

/* Control. memory_bytes for frames, and as much again of buffers, together. 0 or -ENOMEM. */
int weir_wire_front_init(struct weir_wire_front *f, uint64_t memory_bytes, uint32_t payload_most,
    struct weir_error *err);
void weir_wire_front_fini(struct weir_wire_front *f);

/* rte_ring_count and its like read both ends as if nobody else had one of them. By the consumer: */
static inline unsigned
weir_wire_ring_used(const struct rte_ring *r)
{
	return __atomic_load_n(&r->prod.tail, __ATOMIC_ACQUIRE) - r->cons.head;
}

/* By the producer. */
static inline unsigned
weir_wire_ring_room(const struct rte_ring *r)
{
	return r->capacity + __atomic_load_n(&r->cons.tail, __ATOMIC_ACQUIRE) - r->prod.head;
}

/* Control: the generation that orders for this peer will have. */
uint32_t weir_wire_front_generation(
    const struct weir_wire_front *f, unsigned id, uint64_t incarnation);
/* Control, as the wire thread knows the peer: orders for it may be sent. */
void weir_wire_front_set(struct weir_wire_front *f, unsigned id, uint64_t incarnation);
/* Control, before the wire thread forgets it. */
void weir_wire_front_remove(struct weir_wire_front *f, unsigned id);

/* Control: what weir_wire_* of the same names do. */
unsigned weir_wire_front_frames(const struct weir_wire_front *f, unsigned *ret_free);
unsigned weir_wire_front_buffers_free(const struct weir_wire_front *f);
struct weir_wire_frame *weir_wire_front_get(struct weir_wire_front *f);
int weir_wire_front_send(
    struct weir_wire_front *f, unsigned id, struct weir_wire_frame *frame, uint16_t queue);
unsigned weir_wire_front_room(struct weir_wire_front *f, unsigned id);
unsigned weir_wire_front_unacked(const struct weir_wire_front *f, unsigned id);
uint64_t weir_wire_front_sent(const struct weir_wire_front *f, unsigned id);
bool weir_wire_front_is_acked(struct weir_wire_front *f, unsigned id, uint64_t n_sent);
unsigned weir_wire_front_take(
    struct weir_wire_front *f, struct weir_wire_received *out, unsigned n);
void weir_wire_front_release(
    struct weir_wire_front *f, const struct weir_wire_received *r, unsigned n);

#endif
