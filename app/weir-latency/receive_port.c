/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdlib.h>

#include <weir/base/time.h>
#include <weir/measure/probe.h>
#include <weir/port/stamp.h>

#include "receiver.h"
#include "tally.h"

#define BURST 32
/* Readings before the first trial: two windows of the clock, by which it knows its frequency. */
#define FIRST_FEEDS 22
/* What struct weir_clock promises beside half of what a reading takes. */
#define CLOCK_ERROR_NS 1000

/* The clock that stamps what comes by a queue. */
struct nic_clock {
	struct weir_clock clock; /* by wall-clock */
	int64_t wall_offset_ns;  /* of CLOCK_MONOTONIC */
	int64_t fed_ns;
};

struct port_receiver {
	struct receiver base;
	const struct weir_port *port;
	struct nic_clock *clocks; /* a queue each; NULL: packets are not stamped */
};

static void
feed(struct nic_clock *c, uint16_t port, int64_t now_ns)
{
	(void)weir_port_feed_clock(port, WEIR_PORT_READINGS, &c->clock);
	c->wall_offset_ns = weir_now_wall_ns() - weir_now_mono_ns();
	c->fed_ns = now_ns;
}

/* When a packet came, by the NIC where that says so. */
static int64_t
came_at(
    struct port_receiver *r, const struct nic_clock *c, const struct rte_mbuf *m, int64_t now_ns)
{
	int64_t wall_ns;

	/* settle() has seen that the clock is ready */
	if (!c || !weir_port_stamp_ns(
		      &r->port->stamp, &c->clock, m, now_ns + c->wall_offset_ns, &wall_ns))
		return now_ns;
	r->base.n_stamped++;
	return wall_ns - c->wall_offset_ns;
}

/* A probe of a trial before this one? Trials have streams one after the other. */
static bool
is_earlier(const struct tally *t, const uint8_t *end)
{
	struct weir_probe p;

	for (uint32_t stream = t->stream; stream != t->first_stream;)
		if (weir_probe_get(end, WEIR_PROBE_BYTES, --stream, &p))
			return true;
	return false;
}

static void
take(struct port_receiver *r, const struct nic_clock *c, struct tally *t, const struct rte_mbuf *m,
    int64_t now_ns)
{
	uint8_t copy[WEIR_PROBE_BYTES];
	struct weir_probe p;
	const uint8_t *end;

	end = m->pkt_len < WEIR_PROBE_BYTES
		  ? NULL
		  : rte_pktmbuf_read(m, m->pkt_len - WEIR_PROBE_BYTES, WEIR_PROBE_BYTES, copy);
	if (end && weir_probe_get(end, WEIR_PROBE_BYTES, t->stream, &p))
		tally_add(t, p.number, p.sent_ns, came_at(r, c, m, now_ns));
	else if (end && is_earlier(t, end))
		t->n_late++;
	else
		t->n_other++;
}

static int
port_poll(struct receiver *base, struct tally *t, struct weir_error *err)
{
	struct port_receiver *r = (struct port_receiver *)base;
	const struct weir_port *p = r->port;
	struct rte_mbuf *burst[BURST];

	for (unsigned q = 0; q < p->n_rx; q++) {
		struct nic_clock *c = r->clocks ? &r->clocks[q] : NULL;
		uint16_t n = rte_eth_rx_burst(p->rx[q].id, p->rx[q].queue, burst, BURST);
		int64_t now = n || c ? weir_now_mono_ns() : 0;

		for (uint16_t i = 0; i < n; i++)
			take(r, c, t, burst[i], now);
		rte_pktmbuf_free_bulk(burst, n);
		if (c && now - c->fed_ns >= WEIR_PORT_FEED_NS)
			feed(c, p->rx[q].id, now);
	}
	return 0;
}

static void
port_close(struct receiver *base)
{
	free(((struct port_receiver *)base)->clocks);
	free(base);
}

/* How long the quickest of some readings takes, as both ends of it are off by at most half. */
static int64_t
reading_ns(uint16_t port)
{
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < 8 * WEIR_PORT_READINGS; i++) {
		int64_t begin = weir_now_mono_ns(), took;
		uint64_t ticks;

		if (weir_port_read_clock(port, &ticks) != 0)
			continue;
		took = weir_now_mono_ns() - begin;
		least = took < least ? took : least;
	}
	return least;
}

/* Get to know the clocks. Where one cannot be told the time by, the poll's is taken for all. */
static void
settle(struct port_receiver *r)
{
	const struct weir_port *p = r->port;

	for (unsigned q = 0; q < p->n_rx; q++)
		weir_clock_init(&r->clocks[q].clock, 64, 0);
	for (unsigned i = 0; i < FIRST_FEEDS; i++) {
		for (unsigned q = 0; q < p->n_rx; q++)
			feed(&r->clocks[q], p->rx[q].id, weir_now_mono_ns());
		rte_delay_us_sleep(WEIR_PORT_FEED_NS / 1000);
	}
	for (unsigned q = 0; q < p->n_rx; q++) {
		int64_t took = reading_ns(p->rx[q].id);

		if (took == INT64_MAX || !weir_clock_is_ready(&r->clocks[q].clock)) {
			r->base.stamp_error_ns = 0;
			free(r->clocks);
			r->clocks = NULL;
			return;
		}
		if (took / 2 + CLOCK_ERROR_NS > r->base.stamp_error_ns)
			r->base.stamp_error_ns = took / 2 + CLOCK_ERROR_NS;
	}
}

int
receiver_open_port(const struct weir_port *p, struct receiver **ret, struct weir_error *err)
{
	struct port_receiver *r = calloc(1, sizeof(*r));

	if (!r)
		return weir_error_run(err, -ENOMEM, "out of memory");
	r->base = (struct receiver){ .poll = port_poll, .close = port_close };
	r->port = p;
	*ret = &r->base;
	if (p->stamp.times != WEIR_PORT_TIMES_CLOCK || !p->n_rx)
		return 0;
	r->clocks = calloc(p->n_rx, sizeof(*r->clocks));
	if (!r->clocks)
		return weir_error_run(err, -ENOMEM, "out of memory");
	settle(r);
	return 0;
}
