/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_TRANSMIT_RATE_H
#define WEIR_TRANSMIT_RATE_H

#include <stddef.h>
#include <stdint.h>

#include <weir/base/error.h>

/* How fast to send, as it is typed. Any thread. */

enum weir_rate_kind {
	WEIR_RATE_MAX,      /* as fast as it goes */
	WEIR_RATE_PACKETS,  /* a second */
	WEIR_RATE_BITS,     /* a second, of frames without their check sequence */
	WEIR_RATE_LINE,     /* a second, with all that a packet takes of an Ethernet line */
	WEIR_RATE_SHARE,    /* of the line: becomes LINE as soon as its speed is known */
	WEIR_RATE_RECORDED, /* as the packets' time stamps say, so many times as fast */
};

/* Preamble and start of frame, check sequence, gap between frames (IEEE 802.3). */
#define WEIR_LINE_EXTRA_BYTES 24u

struct weir_rate {
	enum weir_rate_kind kind;
	uint64_t micro; /* of packets or bits a second, of the line, of the factor; 0 with MAX */
};

/* Of --rate, for help and errors. */
#define WEIR_RATE_FORMS "1M (packets a second), 5Gbps, 9Gline, 50%, max or recorded:2"

/*
 * "1M" and "1Mpps", "2.5Gbps", "9Gline", "50%", "max", "recorded", "recorded:0.5". Exact to a
 * millionth of each unit. Usage errors without the option's name.
 */
int weir_rate_parse(const char *text, struct weir_rate *ret, struct weir_error *err);
/* "10G", "2.5Gbps": bits a second of a line. */
int weir_line_parse(const char *text, uint64_t *ret_bps, struct weir_error *err);
/*
 * Make a share of a line of line_bps bits a second a rate; other kinds stay as they are. -ENOTSUP
 * with line_bps 0: nobody knows the speed.
 */
int weir_rate_of_line(struct weir_rate *r, uint64_t line_bps, struct weir_error *err);

/* "1000000 packets/s", "recorded timing, 2 times as fast". Returns buf. */
const char *weir_rate_text(const struct weir_rate *r, char *buf, size_t size);

#endif
