/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_DECODE_TUNNELS_H
#define TEST_DECODE_TUNNELS_H

#include "packets.h"

/* What a packet ends with: IPv4 and UDP, 2000 to 53, without payload. */
#define INNER_LEN 28

struct tunnel_sample {
	const char *name;
	uint32_t decap; /* all that it takes to come to the inner packet */
	const char *headers;
	/* Where the inner link headers begin, as bytes before the packet's end; 0: none. */
	unsigned eth, vlan, mpls;
};

/*
 * Headers from the outside in, with lengths that are right, and INNER_LEN bytes behind them:
 * Etttt Ethernet of a type, 4pp and 6pp IPv4 and IPv6 of a protocol, Fpp and Lpp a first and a
 * later fragment, Upppp UDP to a port, others as hexadecimal digits after x.
 */
void put_headers(struct packet *p, const char *headers);

extern const struct tunnel_sample tunnel_samples[]; /* a row without name ends */
void put_sample(struct packet *p, const struct tunnel_sample *s);

#endif
