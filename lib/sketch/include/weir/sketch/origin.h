/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SKETCH_ORIGIN_H
#define WEIR_SKETCH_ORIGIN_H

#include <stdint.h>

/*
 * Where rows come from in time: of the packets that were noted a bounded sample, each as likely in
 * it as any other (Vitter's algorithm R). One thread at a time. All 0 is one without packets.
 */
#define WEIR_ORIGIN_PACKETS 32

/* Instants are monotonic. */
struct weir_origin_packet {
	int64_t arrived_ns;
	int64_t taken_ns; /* it was in its group, or its row or copy was begun */
};

struct weir_origin {
	uint32_t n;
	uint64_t seen;     /* packets that were noted */
	uint64_t random;   /* state; not forgotten */
	int64_t handed_ns; /* the last of the rows were handed over */
	int64_t held_ns;   /* the rows are held back since then, for others */
	struct weir_origin_packet packets[WEIR_ORIGIN_PACKETS];
};

void weir_origin_add(struct weir_origin *o, const struct weir_origin_packet *p);
/* The sample of both together; from stays as it is. */
void weir_origin_merge(struct weir_origin *to, const struct weir_origin *from);

static inline void
weir_origin_forget(struct weir_origin *o)
{
	o->n = 0;
	o->seen = 0;
	o->handed_ns = 0;
	o->held_ns = 0;
}

#endif
