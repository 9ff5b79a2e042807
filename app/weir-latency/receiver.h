/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_LATENCY_RECEIVER_H
#define WEIR_LATENCY_RECEIVER_H

#include <weir/base/error.h>
#include <weir/port/port.h>

#include "frame.h"

struct tally;

/* Where probes come back. One thread at a time polls it. */
struct receiver {
	/* Tell the tally of what has come; never waits. 0 or a run-time error. */
	int (*poll)(struct receiver *r, struct tally *t, struct weir_error *err);
	void (*close)(struct receiver *r);
	/* Of a port whose NIC stamps what it receives: how far off such a time may be, and how many
	 * probes had one. 0: times are those of the poll. */
	int64_t stamp_error_ns;
	uint64_t n_stamped;
};

/* Packets of a port's queues. Where a NIC's clock says when they came, this first takes two seconds
 * to find out how fast that runs. */
int receiver_open_port(const struct weir_port *p, struct receiver **ret, struct weir_error *err);
/* JSON lines of a FIFO or file; "-" is standard input. field: the column with the destination. */
int receiver_open_rows(const char *path, const char *field, const struct frame_config *frame,
    struct receiver **ret, struct weir_error *err);

#endif
