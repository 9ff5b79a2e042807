/* SPDX-License-Identifier: BSD-3-Clause */
/* Times that a device stamps received packets with. */
#include <errno.h>

#include <rte_mbuf_dyn.h>
#include <weir/base/log.h>
#include <weir/base/time.h>
#include <weir/port/clock.h>

#include "device.h"

/* Readings for a first idea of the clock's frequency: so many, twice, with a pause between. */
#define READINGS 8
#define PAUSE_MS 20

uint64_t
weir_device_stamp_offload(const struct rte_eth_dev_info *info, const struct weir_profile *profile)
{
	if (!profile->timestamps || profile->receive_timestamps == WEIR_CLOCK_NONE)
		return 0;
	return info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_TIMESTAMP;
}

/* Some have the one, some the other; both are the clock that stamps. */
int
weir_port_read_clock(uint16_t id, uint64_t *ret_ticks)
{
	struct timespec ts;
	int rc = rte_eth_read_clock(id, ret_ticks);

	if (rc != -ENOTSUP)
		return rc;
	rc = rte_eth_timesync_read_time(id, &ts);
	if (!rc)
		*ret_ticks = (uint64_t)ts.tv_sec * (uint64_t)WEIR_NS_PER_S + (uint64_t)ts.tv_nsec;
	return rc;
}

unsigned
weir_port_feed_clock(uint16_t id, unsigned n, struct weir_clock *c)
{
	unsigned n_read = 0;

	for (unsigned i = 0; i < n; i++) {
		int64_t before_ns = weir_now_wall_ns();
		uint64_t ticks;

		if (weir_port_read_clock(id, &ticks) != 0)
			continue;
		weir_clock_feed(c, ticks, before_ns, weir_now_wall_ns());
		n_read++;
	}
	return n_read;
}

/* Can the clock be read, and does it run? */
static bool
has_clock(uint16_t id)
{
	struct weir_clock c;

	weir_clock_init(&c, 64, 0);
	if (!weir_port_feed_clock(id, 1, &c))
		return false;
	rte_delay_us_sleep(PAUSE_MS * 1000);
	weir_port_feed_clock(id, READINGS, &c);
	return weir_clock_is_ready(&c);
}

void
weir_device_stamp_find(struct weir_device *d, const char *name, bool has_offload)
{
	const struct weir_profile *p = &d->profile;
	bool is_unix = p->receive_timestamps == WEIR_CLOCK_US;

	d->stamp = (struct weir_port_stamp){ .times = WEIR_PORT_TIMES_BURST, .offset = -1 };
	if (!p->timestamps)
		return;
	/* what is a time since 1970 needs no offload, where a driver stamps always */
	if (!is_unix && (!has_offload || !has_clock(d->id))) {
		bool is_asked = p->origin[WEIR_PROFILE_timestamps] == WEIR_PROFILE_COMMAND_LINE;

		weir_log(is_asked ? WEIR_LOG_WARNING : WEIR_LOG_INFO,
		    "%s: %s: one reading of the clock a burst", name,
		    has_offload ? "the clock that stamps packets cannot be read"
				: "the driver does not stamp packets");
		return;
	}
	if (rte_mbuf_dyn_rx_timestamp_register(&d->stamp.offset, &d->stamp.flag) != 0) {
		weir_log(WEIR_LOG_WARNING,
		    "%s: packet buffers have no room for times: one reading of the clock a burst",
		    name);
		d->stamp.offset = -1;
		return;
	}
	d->stamp.times = is_unix ? WEIR_PORT_TIMES_UNIX : WEIR_PORT_TIMES_CLOCK;
	d->stamp.unit_ns = is_unix ? 1000 : 0;
}
