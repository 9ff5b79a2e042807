/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdlib.h>

#include <weir/base/time.h>
#include <weir/measure/probe.h>

#include "receiver.h"
#include "tally.h"

#define BURST 32

struct port_receiver {
	struct receiver base;
	const struct weir_port *port;
};

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
take(struct tally *t, const struct rte_mbuf *m, int64_t now_ns)
{
	uint8_t copy[WEIR_PROBE_BYTES];
	struct weir_probe p;
	const uint8_t *end;

	end = m->pkt_len < WEIR_PROBE_BYTES
		  ? NULL
		  : rte_pktmbuf_read(m, m->pkt_len - WEIR_PROBE_BYTES, WEIR_PROBE_BYTES, copy);
	if (end && weir_probe_get(end, WEIR_PROBE_BYTES, t->stream, &p))
		tally_add(t, p.number, p.sent_ns, now_ns);
	else if (end && is_earlier(t, end))
		t->n_late++;
	else
		t->n_other++;
}

static int
port_poll(struct receiver *base, struct tally *t, struct weir_error *err)
{
	const struct weir_port *p = ((struct port_receiver *)base)->port;
	struct rte_mbuf *burst[BURST];

	for (unsigned q = 0; q < p->n_rx; q++) {
		uint16_t n = rte_eth_rx_burst(p->rx[q].id, p->rx[q].queue, burst, BURST);
		int64_t now = n ? weir_now_mono_ns() : 0;

		for (uint16_t i = 0; i < n; i++)
			take(t, burst[i], now);
		rte_pktmbuf_free_bulk(burst, n);
	}
	return 0;
}

static void
port_close(struct receiver *base)
{
	free(base);
}

int
receiver_open_port(const struct weir_port *p, struct receiver **ret, struct weir_error *err)
{
	struct port_receiver *r = calloc(1, sizeof(*r));

	if (!r)
		return weir_error_run(err, -ENOMEM, "out of memory");
	r->base = (struct receiver){ port_poll, port_close };
	r->port = p;
	*ret = &r->base;
	return 0;
}
