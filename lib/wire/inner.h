/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_WIRE_INNER_H
#define WEIR_WIRE_INNER_H

#include <assert.h>
#include <rte_byteorder.h>
#include <stdint.h>

/* What is in a frame behind its header, sealed where frames are. Private to lib/wire. */

/* Type in the header. */
enum weir_inner_type {
	WEIR_INNER_DATA = 1,
	WEIR_INNER_ACK,
	WEIR_INNER_PING,
	WEIR_INNER_PONG,
	WEIR_INNER_N_TYPES, /* of those that a known peer sends */
	WEIR_INNER_GREETING =
	    WEIR_INNER_N_TYPES, /* see wire_greet.c: an incarnation, and no more */
};

/* In front of the caller's bytes. */
struct weir_inner_data {
	rte_be64_t to;     /* incarnation of the receiver */
	rte_be32_t stream; /* of the sender, to this receiver: a larger one begins anew */
	rte_be32_t behind; /* seq less the least one that is not known to have come */
	rte_be64_t seq;    /* in the stream, from 0, without gaps */
	rte_be64_t xmit;   /* transmissions in the stream before this one, repeated ones too */
} __attribute__((packed));

/* All others. Behind it n_words of 64 bits: bit i of word w is seq cum + 64 w + i. */
struct weir_inner_control {
	rte_be64_t to;
	rte_be32_t stream;   /* of the sender of this: what follows up to base */
	rte_be32_t acked;    /* the receiver's stream, of which all the rest is said; 0: none yet */
	rte_be64_t base;     /* least seq that is not known to have come */
	rte_be64_t cum;      /* all below have come */
	rte_be64_t limit;    /* seqs below may be sent: the credit */
	rte_be64_t nak_to;   /* what is below and has not come is asked for; 0: nothing is */
	rte_be64_t echo_seq; /* of the transmission with the largest xmit */
	rte_be64_t echo_xmit; /* that one + 1; 0: none */
	rte_be64_t echo_ns;   /* how long ago it came */
	rte_be64_t ping;      /* PING, PONG: its number */
	rte_be64_t t1_ns;     /* CLOCK_REALTIME at the asking side as it sent the ping */
	rte_be64_t t2_ns;     /* PONG: at the other side, when the ping came */
	rte_be64_t t3_ns;     /* PONG: and when this went */
	rte_be16_t n_words;
	rte_be16_t unused[3];
} __attribute__((packed));

#define WEIR_INNER_DATA_BYTES    32u
#define WEIR_INNER_CONTROL_BYTES 112u
static_assert(sizeof(struct weir_inner_data) == WEIR_INNER_DATA_BYTES, "as on the wire");
static_assert(sizeof(struct weir_inner_control) == WEIR_INNER_CONTROL_BYTES, "as on the wire");

#endif
