/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_LATENCY_FRAME_H
#define WEIR_LATENCY_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Probes: UDP over IPv4 with the signature (weir/measure/probe.h) as the last bytes of the payload.
 * With rows, every n-th probe has a destination of its own, which names it; all others have one
 * that no row is made of.
 */

#define FRAME_HEADERS 42u                   /* Ethernet, IPv4, UDP */
#define FRAME_LEAST   (FRAME_HEADERS + 24u) /* with the signature */
#define FRAME_MOST    9014u
#define FRAME_IMIX    UINT32_MAX /* as size: 66, 594 and 1514 as 7 : 4 : 1 */

/* RFC 2544 has 198.18.0.0/15 for measurements. */
#define FRAME_ROWS_NET  UINT32_C(0xc6120000)
#define FRAME_ROWS_BITS 17
#define FRAME_ROWS      (UINT64_C(1) << FRAME_ROWS_BITS)

struct frame_config {
	uint32_t size;      /* of a frame without its check sequence, or FRAME_IMIX */
	uint32_t n_flows;   /* UDP source ports that take turns */
	uint64_t row_every; /* 0: no rows are waited for */
	uint64_t row_first; /* destinations go on from those of earlier trials */
	uint8_t eth_src[6], eth_dst[6];
	uint32_t ip_src, ip_dst; /* host order */
};

/* The largest frame that frame_write may write. */
uint32_t frame_most(const struct frame_config *c);
/* What a frame has on the average. */
double frame_mean(const struct frame_config *c);
/* Frame of the probe, without its signature; its length. buf has room for frame_most. */
uint32_t frame_write(const struct frame_config *c, uint64_t seq, uint8_t *buf);
/* Of the first n probes, how many should come back: with rows, those that make one. */
uint64_t frame_count_back(const struct frame_config *c, uint64_t n);
/* Does the probe make a row? */
bool frame_makes_row(const struct frame_config *c, uint64_t seq);

#endif
