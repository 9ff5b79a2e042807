/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_WIRE_CORE_PARTS_H
#define WEIR_WIRE_CORE_PARTS_H

#include <weir/base/time.h>

#include "core.h"
#include "inner.h"

/* Inside the protocol. Private to core*.c. */

#define MASK            (WEIR_WIRE_WINDOW - 1)
#define WORDS           (WEIR_WIRE_WINDOW / 64)

#define MS              UINT64_C(1000000)

#define NEVER           INT64_MAX
#define WINDOW_FIRST    16u
#define WINDOW_LEAST    4u
#define BURST           16u /* frames at once; then the pace of a round trip counts */
#define RTO_FIRST_NS    ((int64_t)(100 * MS))
#define RTO_LEAST_NS    ((int64_t)(30 * MS)) /* other threads may have this one's CPU so long */
#define RTO_MOST_NS     ((int64_t)(1000 * MS))
#define BACKOFF_MOST    5u
#define SUSPECT_AFTER   2u /* timeouts in a row */
#define ACK_EVERY       8u /* frames */
#define ACK_WAIT_NS     ((int64_t)(MS / 5))
#define ACK_NOW_BYTES   64u /* so short are frames of which the answer is waited for */
#define REORDER_NS      ((int64_t)(MS / 2)) /* who comes so late is not asked for */
#define REORDER_FRAMES  3u
#define NAK_MOST_NS     ((int64_t)(200 * MS)) /* between questions without an answer */
#define PING_NS         ((int64_t)(100 * MS))
#define PING_WANTED_NS  ((int64_t)(10 * MS)) /* somebody waits for credit */
#define FULL_WAIT_NS    ((int64_t)(MS / 5))
#define NOWHERE_WAIT_NS ((int64_t)(5 * MS))
#define CLOCK_SAMPLES   8u
#define PINGS           8u /* under way, power of two */

enum slot_state {
	SLOT_OVER, /* acknowledged, or never used */
	SLOT_WAITS,
	SLOT_SENT,
	SLOT_LOST, /* to be sent again */
};

struct slot {
	struct weir_wire_frame *frame;
	uint64_t xmit;
	int64_t sent_ns;
	uint16_t queue;
	uint8_t state; /* enum slot_state */
	bool is_again; /* SENT: it was taken for lost before */
};

/* To the peer. base <= next_send <= next; base <= limit. */
struct outward {
	uint32_t stream;
	uint64_t base;      /* least seq that is not acknowledged */
	uint64_t next_send; /* least that was never sent */
	uint64_t next;      /* least that has no frame */
	uint64_t limit;     /* of the peer's credit */
	uint64_t xmit;
	uint64_t recover_xmit; /* what is lost below was answered by halving already */
	uint64_t lost_from;    /* nothing below is lost */
	unsigned n_flight;     /* SENT */
	unsigned n_lost;
	unsigned window;
	unsigned threshold; /* where the window's growth slows down */
	unsigned undo;      /* the window before it was halved; 0: that was right */
	unsigned grown;
	unsigned backoff;
	int64_t smoothed_ns; /* 0: no sample */
	int64_t variance_ns;
	int64_t rto_ns;
	int64_t rto_at_ns;   /* NEVER while nothing is under way */
	int64_t pace_at_ns;  /* no data before */
	int64_t block_at_ns; /* the port or the neighbour was not ready: nothing before */
	struct slot slots[WEIR_WIRE_WINDOW];
};

/* From the peer. cum <= top <= limit <= cum + window. */
struct inward {
	uint32_t stream; /* 0: none yet */
	uint64_t cum;    /* all below came */
	uint64_t top;    /* nothing from here on came */
	uint64_t accepted;
	uint64_t limit;               /* that was told */
	uint64_t echo_seq, echo_xmit; /* of the largest xmit + 1; 0: none */
	int64_t echo_ns;
	uint64_t gap_top; /* the gaps that are waited for are below */
	int64_t gap_ns;   /* since when; NEVER: there are none */
	int64_t gap_wait_ns;
	uint64_t nak_cum; /* cum when they were asked for last, + 1; 0: never */
	unsigned n_unanswered;
	int64_t ack_at_ns;
	uint64_t bits[WORDS];
};

struct ping {
	uint64_t number; /* 0: none */
	int64_t mono_ns;
	int64_t wall_ns;
};

struct clock_sample {
	int64_t rtt_ns; /* 0: none */
	int64_t offset_ns;
};

struct peer {
	uint16_t id;
	bool is_there;
	uint64_t incarnation;
	uint32_t generation;
	uint64_t n_orders; /* taken so far: of all generations */
	uint64_t n_no_credit;
	int64_t ping_at_ns;
	uint64_t pings_sent;
	struct ping pings[PINGS];
	unsigned n_samples;
	struct clock_sample samples[CLOCK_SAMPLES];
	struct outward out;
	struct inward in;
	uint64_t counters[WEIR_WIRE_N_COUNTERS];
	struct weir_histogram rtt;
	char name[WEIR_WIRE_NAME_BYTES];
};

#define FINDER (4 * WEIR_WIRE_PEERS) /* power of two */

struct weir_wire_core {
	struct weir_wire_core_config config;
	struct weir_wire_front *front;
	unsigned share; /* buffers for each peer */
	bool is_news;   /* control is to be woken: frames have come, or there is room */
	unsigned n_there;
	uint16_t there[WEIR_WIRE_PEERS]; /* ids */
	uint32_t last_stream;
	uint64_t counters[WEIR_WIRE_N_COUNTERS];
	struct peer *peers[WEIR_WIRE_PEERS];
	uint16_t finder[FINDER]; /* id + 1, by incarnation */
};

#define COUNT(c, p, counter, n)                                                                    \
	((c)->counters[WEIR_WIRE_##counter] += (n), (p)->counters[WEIR_WIRE_##counter] += (n))

static inline struct slot *
slot_of(struct outward *o, uint64_t seq)
{
	return &o->slots[seq & MASK];
}

static inline int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* core_send_hot.c */

/* All that the peer has not got is given up, and the stream begins anew. */
void weir_core_out_restart(struct weir_wire_core *c, struct peer *p, uint32_t stream);
void weir_core_order(struct weir_wire_core *c, const struct weir_wire_order *o);
void weir_core_acked(struct weir_wire_core *c, struct peer *p, const struct weir_inner_control *k,
    const uint8_t *words, unsigned n_words, const struct weir_wire_now *now);
/* Send data that is due. Returns when more may be. */
int64_t weir_core_send(struct weir_wire_core *c, struct peer *p, const struct weir_wire_now *now);
/* Tell control how much room there is. */
void weir_core_publish(struct weir_wire_core *c, struct peer *p);

/* core_receive_hot.c */
void weir_core_in_restart(struct inward *in, uint32_t stream);
/* What the sender says of its own stream; false: it is a former one. */
bool weir_core_in_stream(struct peer *p, uint32_t stream, uint64_t base);
void weir_core_data(struct weir_wire_core *c, struct peer *p, const struct weir_wire_in *in,
    const struct weir_wire_now *now);
/* The credit that the peer could be told. */
uint64_t weir_core_grant(const struct weir_wire_core *c, const struct peer *p);
/* Is an acknowledgement due? *ret_nak_to is what to ask for with it. */
bool weir_core_ack_is_due(const struct weir_wire_core *c, struct peer *p, int64_t now_ns,
    uint64_t *ret_nak_to, int64_t *ret_next_ns);

/* core_control_hot.c */
/* ACK, PING or PONG; reply: PONG's ping, else NULL. */
enum weir_wire_sent weir_core_tell(struct weir_wire_core *c, struct peer *p, uint8_t type,
    uint64_t nak_to, const struct weir_inner_control *reply, const struct weir_wire_now *now);
void weir_core_control(struct weir_wire_core *c, struct peer *p, const struct weir_wire_in *in,
    const struct weir_wire_now *now);

#endif
