/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_WIRE_WIRE_PARTS_H
#define WEIR_WIRE_WIRE_PARTS_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <weir/port/port.h>
#include <weir/wire/seal.h>

#include "core.h"
#include "neighbour.h"
#include "net.h"
#include "spread.h"

/* The wire thread, its port, and how control calls it. Private to wire*.c. */

#define WIRE_BURST    32u
#define WIRE_READY    64u

#define WIRE_NO_QUEUE UINT32_MAX

/* How to reach a peer. */
struct wire_route {
	bool is_set;
	bool has_mac;
	uint64_t incarnation;
	unsigned neighbour; /* unless has_mac */
	struct net_route to;
	unsigned n_addrs;
	struct net_addr addrs[WEIR_WIRE_PEER_ADDRESSES]; /* frames may come from */
	unsigned n_ports;                                /* queues of its */
	uint16_t ports[WEIR_SPREAD_QUEUES];              /* source port by queue */
};

struct wire_greeting;

/* Frames that are yet to be sealed. */
struct wire_batch {
	unsigned n;
	uint16_t ids[WIRE_BURST];
	uint16_t from_ports[WIRE_BURST];
	uint64_t to[WIRE_BURST]; /* incarnations */
	struct rte_mbuf *m[WIRE_BURST];
};

/* Run by the wire thread; control waits meanwhile. */
struct wire_request {
	int (*run)(struct weir_wire *w, void *arg);
	void *arg;
	int rc;
	sem_t is_done;
};

struct weir_wire {
	struct weir_wire_front front;
	struct weir_wire_core *core;
	struct weir_seal *seal;
	struct weir_port *port;
	struct weir_port_guest *guest; /* of a port that is shared; NULL: it is the wire's alone */
	bool polls;                    /* wire: the port's receive queues are this thread's */
	struct rte_mempool *pool;      /* of what is sent */
	struct net_host host;
	struct weir_wire_rss rss;
	uint16_t mtu;
	uint64_t epoch;                      /* wire */
	struct weir_wire_now now;            /* wire */
	struct weir_neighbours neighbours;   /* wire */
	struct wire_batch batch;             /* wire */
	unsigned n_ready;                    /* wire */
	struct rte_mbuf *ready[WIRE_READY];  /* wire: sealed and whole */
	uint64_t n_worked;                   /* wire: datagrams in and out */
	unsigned at_queue;                   /* wire: that packets came by, or WIRE_NO_QUEUE */
	uint64_t by_queue[WEIR_WIRE_QUEUES]; /* wire: packets */
	bool has_interrupts;                 /* as far as is known */
	bool is_eventfd[WEIR_PORT_QUEUES];
	pthread_t thread;
	bool has_thread;
	int wake_fd;
	atomic_bool is_stopped;
	atomic_bool is_asleep;
	atomic_uint_fast64_t n_calls; /* control: something is to be looked at */
	_Atomic(struct wire_request *) request;
	void (*wake)(void *arg); /* control */
	void *wake_arg;
	unsigned n_greetings;            /* wire: ids are below */
	struct wire_greeting *greetings; /* [WEIR_WIRE_PEERS], or NULL: nobody is greeted */
	struct wire_route routes[WEIR_WIRE_PEERS]; /* wire */
};

/* wire_io_hot.c, wire thread. */

/* struct weir_wire_core_config's */
enum weir_wire_sent wire_transmit(void *wire, const struct weir_wire_out *out);
/* Seal and send what waits. */
void wire_flush(struct weir_wire *w);
/* Whatever has come at a receive queue of the port. Returns how many packets. */
unsigned wire_receive(struct weir_wire *w, unsigned queue);
/* What those who poll a shared port have put aside. */
unsigned wire_receive_aside(struct weir_wire *w);
/* Cold: what time it is in this round. */
void wire_read_clocks(struct weir_wire *w);
/* The counter of what a verdict refuses. */
enum weir_wire_counter wire_refusal(enum weir_seal_verdict verdict);
/* Send a packet that needs no seal: len bytes that fill() has written. */
void wire_send_raw(struct weir_wire *w, const uint8_t *p, uint32_t len);

/* wire_thread.c */
void *wire_main(void *wire);
/* Control: so that the thread looks at what there is for it. */
void wire_wake(struct weir_wire *w);
/* Control: have it run by the wire thread, and wait. */
int wire_call(struct weir_wire *w, int (*run)(struct weir_wire *w, void *arg), void *arg);

/* wire_peer.c, wire thread. */
void wire_suspect(void *wire, unsigned id);
void wire_ask(struct weir_wire *w, int64_t *ret_next_ns);
/* Control: how to reach a peer; and whose link address is to be asked for, where it names none. */
int wire_route(struct weir_wire *w, const struct weir_wire_peer *peer, struct wire_route *ret,
    struct net_addr *ret_hop, struct weir_error *err);

/* wire_greet.c, wire thread. Greet whom it is time to; an earlier time is put in place. */
void wire_greet(struct weir_wire *w, int64_t *ret_next_ns);
bool wire_is_greeting(const struct weir_wire *w, const uint8_t *p, uint32_t len);
/* A packet that holds one. */
void wire_greeted(struct weir_wire *w, struct rte_mbuf *m, const struct net_seen *seen);

#endif
