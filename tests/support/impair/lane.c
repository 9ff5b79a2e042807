/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_byteorder.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "impair.h"

#define BURST        32
#define HELD         32768u /* power of two */
#define PARKED       64
#define MAGIC        0x57454952u
#define PROBE_BYTES  24
#define FINISH_TURNS 100000

struct held {
	struct rte_mbuf *m;
	uint64_t due_ns;
};

/* Lets so many later probes go first. */
struct parked {
	struct rte_mbuf *m;
	uint64_t n_wait;
};

struct impair_lane {
	uint16_t in, out;
	struct impair_rules rules;
	double ns_per_pkt; /* of limit_pps */
	double free_ns;    /* the server's next free moment */
	struct held held[HELD];
	uint64_t head, tail; /* of held */
	struct parked parked[PARKED];
	unsigned n_parked;
	struct impair_counts counts;
};

/* Not the TSC: what is measured by it must not be the measure. */
static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct impair_lane *
impair_lane_create(uint16_t in, uint16_t out, const struct impair_rules *r)
{
	struct impair_lane *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	l->in = in;
	l->out = out;
	l->rules = *r;
	l->ns_per_pkt = r->limit_pps ? 1e9 / (double)r->limit_pps : 0;
	return l;
}

void
impair_lane_destroy(struct impair_lane *l)
{
	free(l);
}

/* The last bytes of a probe: magic, stream, sequence number, time. */
static bool
read_seq(const struct rte_mbuf *m, uint64_t *ret)
{
	uint8_t copy[PROBE_BYTES];
	const uint8_t *p;
	rte_be32_t magic;
	rte_be64_t seq;

	if (m->pkt_len < PROBE_BYTES)
		return false;
	p = rte_pktmbuf_read(m, m->pkt_len - PROBE_BYTES, PROBE_BYTES, copy);
	memcpy(&magic, p, sizeof(magic));
	memcpy(&seq, p + 8, sizeof(seq));
	*ret = rte_be_to_cpu_64(seq);
	return rte_be_to_cpu_32(magic) == MAGIC;
}

static bool
is_last_of(uint64_t seq, uint64_t every)
{
	return every && (seq + 1) % every == 0;
}

static bool
is_dropped(const struct impair_rules *r, uint64_t seq)
{
	for (unsigned i = 0; i < r->n_drop_seq; i++)
		if (r->drop_seq[i] == seq)
			return true;
	return is_last_of(seq, r->drop_every);
}

/* False, and freed: no room. */
static bool
hold(struct impair_lane *l, struct rte_mbuf *m, uint64_t due_ns)
{
	if (l->head - l->tail == HELD) {
		rte_pktmbuf_free(m);
		l->counts.overflowed++;
		return false;
	}
	l->held[l->head++ % HELD] = (struct held){ m, due_ns };
	return true;
}

/* Those that have let enough others go first; all where nobody else will come. */
static void
unpark(struct impair_lane *l, uint64_t due_ns, bool is_all)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->n_parked; i++) {
		struct parked *p = &l->parked[i];

		if (p->n_wait && !is_all) {
			l->parked[n++] = *p;
			continue;
		}
		l->counts.not_delayed += p->n_wait != 0;
		hold(l, p->m, due_ns);
	}
	l->n_parked = n;
}

/* When the server has done it; 0 where its queue is full. */
static uint64_t
serve(struct impair_lane *l, uint64_t now)
{
	double start = l->free_ns > (double)now ? l->free_ns : (double)now;

	if (!l->rules.limit_pps)
		return now;
	if (start - (double)now > l->ns_per_pkt * (double)l->rules.queue_pkts)
		return 0;
	l->free_ns = start + l->ns_per_pkt;
	return (uint64_t)start;
}

static void
take_probe(struct impair_lane *l, struct rte_mbuf *m, uint64_t seq, uint64_t now)
{
	uint64_t served, due;

	l->counts.received++;
	if (is_dropped(&l->rules, seq)) {
		l->counts.dropped++;
		rte_pktmbuf_free(m);
		return;
	}
	served = serve(l, now);
	if (!served) {
		l->counts.limited++;
		rte_pktmbuf_free(m);
		return;
	}
	due = served + l->rules.hold_ns;
	for (unsigned i = 0; i < l->n_parked; i++)
		l->parked[i].n_wait -= l->parked[i].n_wait != 0;
	if (is_last_of(seq, l->rules.delay_every) && l->n_parked < PARKED) {
		l->parked[l->n_parked++] = (struct parked){ m, l->rules.delay_by };
		l->counts.delayed++;
		return;
	}
	if (is_last_of(seq, l->rules.dup_every)) {
		struct rte_mbuf *copy = rte_pktmbuf_copy(m, m->pool, 0, UINT32_MAX);

		if (!copy)
			l->counts.overflowed++;
		else if (hold(l, copy, due))
			l->counts.duplicated++;
	}
	hold(l, m, due);
	unpark(l, due, false);
}

static void
send_due(struct impair_lane *l, uint64_t now)
{
	struct rte_mbuf *burst[BURST];
	uint16_t n = 0;

	while (n < BURST && l->tail + n < l->head && l->held[(l->tail + n) % HELD].due_ns <= now) {
		burst[n] = l->held[(l->tail + n) % HELD].m;
		n++;
	}
	if (n)
		n = rte_eth_tx_burst(l->out, 0, burst, n);
	l->tail += n; /* those that did not go are tried again */
	l->counts.sent += n;
}

void
impair_lane_step(struct impair_lane *l)
{
	struct rte_mbuf *burst[BURST];
	uint16_t n = rte_eth_rx_burst(l->in, 0, burst, BURST);
	uint64_t now = now_ns(), seq;

	for (uint16_t i = 0; i < n; i++) {
		if (l->rules.any) {
			take_probe(l, burst[i], l->counts.received, now);
		} else if (read_seq(burst[i], &seq)) {
			take_probe(l, burst[i], seq, now);
		} else {
			l->counts.other++;
			hold(l, burst[i], now);
		}
	}
	send_due(l, now_ns());
}

void
impair_lane_finish(struct impair_lane *l)
{
	unpark(l, 0, true);
	for (unsigned i = 0; i < FINISH_TURNS && l->tail != l->head; i++)
		send_due(l, UINT64_MAX);
	while (l->tail != l->head) {
		rte_pktmbuf_free(l->held[l->tail++ % HELD].m);
		l->counts.overflowed++;
	}
}

const struct impair_counts *
impair_lane_counts(const struct impair_lane *l)
{
	return &l->counts;
}
