/* SPDX-License-Identifier: BSD-3-Clause */
#include "front.h"

#include <errno.h>
#include <inttypes.h>
#include <rte_common.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <stdlib.h>
#include <string.h>

#define ORDERS 8192u /* power of two */
#define LINE   RTE_CACHE_LINE_SIZE

static size_t
buffer_bytes(const struct weir_wire_front *f)
{
	return RTE_ALIGN_CEIL(sizeof(struct weir_wire_buffer) + f->payload_most, LINE);
}

static size_t
frame_bytes(const struct weir_wire_front *f)
{
	return RTE_ALIGN_CEIL((size_t)f->payload_most, LINE);
}

static struct rte_ring *
make_ring(const char *name, unsigned elem_bytes, unsigned n, unsigned flags, size_t *ret_bytes)
{
	unsigned slots = rte_align32pow2(n + 1);
	ssize_t bytes = rte_ring_get_memsize_elem(elem_bytes, slots);
	struct rte_ring *r;

	if (bytes < 0)
		return NULL;
	r = aligned_alloc(LINE, RTE_ALIGN_CEIL((size_t)bytes, LINE));
	if (r && rte_ring_init(r, name, slots, flags)) {
		free(r);
		return NULL;
	}
	*ret_bytes += (size_t)bytes;
	return r;
}

static bool
make_all(struct weir_wire_front *f)
{
	unsigned flags = RING_F_SP_ENQ | RING_F_SC_DEQ;

	f->frames = calloc(f->n_frames, sizeof(*f->frames));
	f->frame_data = aligned_alloc(LINE, f->n_frames * frame_bytes(f));
	f->buffers = aligned_alloc(LINE, f->n_buffers * buffer_bytes(f));
	f->shared = aligned_alloc(LINE, WEIR_WIRE_PEERS * sizeof(*f->shared));
	/* frames come back from any thread */
	f->free_frames =
	    make_ring("frames", sizeof(void *), f->n_frames, RING_F_SC_DEQ, &f->memory_bytes);
	f->free_buffers =
	    make_ring("buffers", sizeof(void *), f->n_buffers, flags, &f->memory_bytes);
	f->received = make_ring("received", sizeof(void *), f->n_buffers, flags, &f->memory_bytes);
	f->orders = make_ring(
	    "orders", sizeof(struct weir_wire_order), ORDERS - 1, flags, &f->memory_bytes);
	return f->frames && f->frame_data && f->buffers && f->shared && f->free_frames &&
	       f->free_buffers && f->received && f->orders;
}

int
weir_wire_front_init(
    struct weir_wire_front *f, uint64_t memory_bytes, uint32_t payload_most, struct weir_error *err)
{
	memset(f, 0, sizeof(*f));
	f->payload_most = payload_most;
	f->n_frames = (unsigned)(memory_bytes / 2 / (frame_bytes(f) + sizeof(*f->frames)));
	f->n_buffers = (unsigned)(memory_bytes / 2 / buffer_bytes(f));
	f->memory_bytes =
	    f->n_frames * (frame_bytes(f) + sizeof(*f->frames)) + f->n_buffers * buffer_bytes(f);
	if (!make_all(f)) {
		weir_wire_front_fini(f);
		return weir_error_run(err, -ENOMEM,
		    "no memory for %" PRIu64 " bytes of frames; give the wire less", memory_bytes);
	}
	memset(f->shared, 0, WEIR_WIRE_PEERS * sizeof(*f->shared));
	for (unsigned i = 0; i < f->n_frames; i++) {
		f->frames[i].data = f->frame_data + i * frame_bytes(f);
		f->frames[i].pool = f;
		rte_ring_enqueue(f->free_frames, &f->frames[i]);
	}
	for (unsigned i = 0; i < f->n_buffers; i++)
		rte_ring_enqueue(f->free_buffers, f->buffers + i * buffer_bytes(f));
	return 0;
}

void
weir_wire_front_fini(struct weir_wire_front *f)
{
	free(f->frames);
	free(f->frame_data);
	free(f->buffers);
	free(f->shared);
	free(f->free_frames);
	free(f->free_buffers);
	free(f->received);
	free(f->orders);
	memset(f, 0, sizeof(*f));
}

uint32_t
weir_wire_front_generation(const struct weir_wire_front *f, unsigned id, uint64_t incarnation)
{
	const struct weir_wire_shared *s = &f->shared[id];

	if (s->generation % 2 == 0)
		return s->generation + 1;
	return s->generation + (s->incarnation == incarnation ? 0 : 2);
}

void
weir_wire_front_set(struct weir_wire_front *f, unsigned id, uint64_t incarnation)
{
	f->shared[id].generation = weir_wire_front_generation(f, id, incarnation);
	f->shared[id].incarnation = incarnation;
}

void
weir_wire_front_remove(struct weir_wire_front *f, unsigned id)
{
	f->shared[id].generation += f->shared[id].generation % 2;
}

unsigned
weir_wire_front_frames(const struct weir_wire_front *f, unsigned *ret_free)
{
	*ret_free = weir_wire_ring_used(f->free_frames);
	return f->n_frames;
}

unsigned
weir_wire_front_buffers_free(const struct weir_wire_front *f)
{
	return f->free_buffers->capacity - weir_wire_ring_room(f->free_buffers);
}

struct weir_wire_frame *
weir_wire_front_get(struct weir_wire_front *f)
{
	void *p;
	struct weir_wire_frame *frame;

	if (rte_ring_dequeue(f->free_frames, &p))
		return NULL;
	frame = p;
	frame->len = 0;
	__atomic_store_n(&frame->refs, 1, __ATOMIC_RELAXED);
	return frame;
}

void
weir_wire_frame_ref(struct weir_wire_frame *f)
{
	__atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);
}

static unsigned
room(const struct weir_wire_front *f, const struct weir_wire_shared *s)
{
	uint64_t allow = atomic_load_explicit(&s->allow, memory_order_acquire);
	uint64_t done = atomic_load_explicit(&s->done, memory_order_acquire);
	uint64_t most = RTE_MIN(allow, done + WEIR_WIRE_WINDOW);
	unsigned n = s->generation % 2 && most > s->n_orders ? (unsigned)(most - s->n_orders) : 0;

	return RTE_MIN(n, weir_wire_ring_room(f->orders));
}

unsigned
weir_wire_front_room(struct weir_wire_front *f, unsigned id)
{
	struct weir_wire_shared *s;
	unsigned n;

	if (id >= WEIR_WIRE_PEERS)
		return 0;
	s = &f->shared[id];
	n = room(f, s);
	if (n)
		return n;
	/* either the wire thread sees this when it makes room, or the room is seen here */
	atomic_store(&s->is_wanted, true);
	return room(f, s);
}

unsigned
weir_wire_front_unacked(const struct weir_wire_front *f, unsigned id)
{
	if (id >= WEIR_WIRE_PEERS)
		return 0;
	return (unsigned)(f->shared[id].n_orders -
			  atomic_load_explicit(&f->shared[id].done, memory_order_acquire));
}

uint64_t
weir_wire_front_sent(const struct weir_wire_front *f, unsigned id)
{
	return id < WEIR_WIRE_PEERS ? f->shared[id].n_orders : 0;
}

bool
weir_wire_front_is_acked(struct weir_wire_front *f, unsigned id, uint64_t n_sent)
{
	struct weir_wire_shared *s;

	if (id >= WEIR_WIRE_PEERS)
		return false;
	s = &f->shared[id];
	if (atomic_load(&s->done) >= n_sent)
		return true;
	/* either the wire thread sees this when they are over, or that is seen here */
	atomic_store(&s->awaited, n_sent);
	return atomic_load(&s->done) >= n_sent;
}

int
weir_wire_front_send(
    struct weir_wire_front *f, unsigned id, struct weir_wire_frame *frame, uint16_t queue)
{
	struct weir_wire_order o = { .frame = frame, .id = (uint16_t)id, .queue = queue };
	struct weir_wire_shared *s;

	if (id >= WEIR_WIRE_PEERS || f->shared[id].generation % 2 == 0)
		return -ENOENT;
	if (!frame->len || frame->len > f->payload_most)
		return -EMSGSIZE;
	s = &f->shared[id];
	if (!weir_wire_front_room(f, id)) {
		atomic_fetch_add_explicit(&s->no_credit, 1, memory_order_relaxed);
		return -EAGAIN;
	}
	o.generation = s->generation;
	if (queue == WEIR_WIRE_ANY_QUEUE)
		o.queue = (uint16_t)s->n_orders;
	weir_wire_frame_ref(frame);
	if (rte_ring_enqueue_elem(f->orders, &o, sizeof(o))) {
		weir_wire_frame_put(frame);
		return -EAGAIN;
	}
	s->n_orders++;
	return 0;
}

unsigned
weir_wire_front_take(struct weir_wire_front *f, struct weir_wire_received *out, unsigned n)
{
	unsigned i;
	void *p;

	for (i = 0; i < n && !rte_ring_dequeue(f->received, &p); i++) {
		const struct weir_wire_buffer *b = p;

		out[i] = (struct weir_wire_received){ .data = b->data,
			.len = b->len,
			.peer = b->id,
			.queue = b->queue,
			.incarnation = b->incarnation,
			.epoch = b->epoch,
			.buffer = p };
	}
	return i;
}

void
weir_wire_front_release(struct weir_wire_front *f, const struct weir_wire_received *r, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		/* the buffer first: what is granted by the count is there then */
		rte_ring_enqueue(f->free_buffers, r[i].buffer);
		atomic_fetch_sub_explicit(&f->shared[r[i].peer].held, 1, memory_order_release);
	}
}
