/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SINK_PORT_H
#define WEIR_SINK_PORT_H

#include <stdatomic.h>

#include <rte_mbuf.h>
#include <rte_ring.h>
#include <weir/port/port.h>
#include <weir/sink/forward.h>

#include "port_uri.h"

/*
 * Between the port*.c: port_uri.c takes a URI apart, port.c opens ports and looks at their links,
 * port_share.c says which port has a partition, port_sender.c makes senders and waits for drivers
 * where the sources can wait, port_hot.c sends. Private to lib/sink.
 */

/*
 * A transmit queue that several workers send by: each puts packets into a ring of its own, and
 * whoever gets the flag hands to the driver what is in all of them. Nobody waits.
 */
struct weir_port_lane {
	struct weir_port_queue queue;
	unsigned n_rings;
	struct rte_ring **rings; /* [n_rings] by worker, of struct weir_port_parcel; who has the
				    flag takes */
	_Alignas(64) atomic_bool is_taken;
};

struct weir_port_parcel {
	struct rte_mbuf *m;
	struct weir_forwarder *sender; /* whose it is, and counts it */
	uint64_t gate;                 /* of the sender's */
};

/* A port that packets leave by; sinks of a run that name the same port share it. */
struct weir_port_gate {
	/* workers: ro, control: wo */
	atomic_bool is_up;
	uint32_t max_bytes;       /* of an untagged frame */
	bool is_multi;            /* it takes packets of several segments */
	struct rte_mempool *pool; /* for copies */
	/* control */
	struct weir_port *port;
	char *name; /* that it was opened by, with its driver's options */
	unsigned n_lanes;
	struct weir_port_lane *lanes; /* [n_lanes] or none: each worker has a queue of its own */
	unsigned n_users;             /* sinks */
	struct weir_port_gate *next;
};

/* As ledgers and notices name it: the interface, or the device. */
static inline const char *
weir_port_gate_name(const struct weir_port_gate *x)
{
	return x->port->interface[0] ? x->port->interface : x->port->device;
}

/* State of a sink. */
struct weir_port_sink {
	struct weir_port_uri uri;
	/* to=other: number of the interface that the first port is as a source. */
	uint16_t interface;
	unsigned n_gates;
	struct weir_port_gate *gates[WEIR_FORWARD_PORTS];
	bool can_wait; /* so can the sources: a driver that is busy is waited for */
	const atomic_bool *const *draining;
	/* Which gate has a partition. workers: ro, control: wo */
	atomic_uint n_down;
	_Atomic uint8_t share[WEIR_FORWARD_PARTITIONS];
	/* control */
	bool was_up[WEIR_FORWARD_PORTS]; /* the shares are for this */
	struct weir_sink_run *run;
	unsigned n_senders;
	struct weir_forwarder **senders; /* [n_senders] */
};

struct weir_forward_counts {
	_Atomic uint64_t offered, moved;
	_Atomic uint64_t sent[WEIR_FORWARD_PORTS];
	_Atomic uint64_t dropped[WEIR_N_FORWARD_REASONS];
};

struct weir_forwarder {
	/* hot: worker rw */
	const struct weir_port_sink *sink;
	unsigned worker;
	bool has_kept; /* rows of the batch */
	uint64_t sel[WEIR_MASK_WORDS];
	uint8_t gate[WEIR_ROWS];                           /* of each row of sel */
	struct weir_port_queue queues[WEIR_FORWARD_PORTS]; /* by gate */
	struct weir_port_lane *lanes[WEIR_FORWARD_PORTS];  /* by gate; NULL: the queue is its own */
	uint32_t n_staged[WEIR_FORWARD_PORTS];             /* by gate */
	struct rte_mbuf *(*staged)[WEIR_ROWS];             /* by gate */
	/* hot: worker wo, control: ro */
	_Alignas(64) struct weir_forward_counts counts;
	/* hot: any worker that empties a lane, control: ro */
	_Alignas(64) struct weir_forward_counts lane_counts;
};

/* port_share.c: note which links are up; true where that is news. is_up: [sink's n_gates]. */
void weir_port_share_set(struct weir_port_sink *p, const bool *is_up);

/* port_sender.c, cold: a driver did not take these. Those that it takes while the sources can wait:
 * how many. */
uint32_t weir_forwarder_push(const struct weir_forwarder *s, unsigned gate,
    struct weir_port_queue queue, struct rte_mbuf **m, uint32_t n);

#endif
