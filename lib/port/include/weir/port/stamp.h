/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PORT_STAMP_H
#define WEIR_PORT_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

#include <weir/base/time.h>
#include <weir/port/clock.h>
#include <weir/port/port.h>

/* Packets that a device's clock has stamped (WEIR_PORT_TIMES_CLOCK). */

/* Between readings of such a clock, and how many at once, for one may be delayed. */
#define WEIR_PORT_FEED_NS  (WEIR_NS_PER_S / 10)
#define WEIR_PORT_READINGS 2
/* A time by the device that is further from now is none. */
#define WEIR_PORT_OFF_NS WEIR_NS_PER_S

/*
 * When the packet came, as wall-clock, by a clock that is ready. False, and nothing is written,
 * where the packet has no stamp or one that is nowhere near now_ns, as after wall-clock was set and
 * before the device's clock was read again.
 */
static inline bool
weir_port_stamp_ns(const struct weir_port_stamp *stamp, const struct weir_clock *c,
    const struct rte_mbuf *m, int64_t now_ns, int64_t *ret_ns)
{
	int64_t ns;

	if (!(m->ol_flags & stamp->flag))
		return false;
	ns = weir_clock_ns(c, *RTE_MBUF_DYNFIELD(m, stamp->offset, const rte_mbuf_timestamp_t *));
	if (ns <= now_ns - WEIR_PORT_OFF_NS || ns >= now_ns + WEIR_PORT_OFF_NS)
		return false;
	*ret_ns = ns;
	return true;
}

#endif
