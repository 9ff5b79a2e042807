/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_branch_prediction.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <weir/measure/probe.h>

#include "sender_parts.h"

#include <weir/base/poison.h> /* last */

#define LINE_BYTES 64u

/* Shown to others while it runs. */
static inline void
add(uint64_t *to, uint64_t n)
{
	__atomic_store_n(to, *to + n, __ATOMIC_RELAXED);
}

static inline int64_t
recorded(const struct weir_supply *p, const struct weir_frame *f)
{
	return f->time_ns == WEIR_TIME_NONE ? f->time_ns : f->time_ns + p->shift_ns;
}

/* Is there a packet to look at? Else OK is not what it returns. */
static inline enum weir_poll
look(struct weir_sender *s)
{
	struct weir_supply *p = s->config.supply;

	if (likely(p->at < p->n))
		return WEIR_POLL_OK;
	return weir_supply_refill(p);
}

enum weir_poll
weir_sender_pass(struct weir_sender *s, uint64_t n)
{
	struct weir_supply *p = s->config.supply;

	for (; n && !s->is_over; n--) {
		enum weir_poll rc = look(s);
		int64_t t;

		if (rc != WEIR_POLL_OK)
			return rc;
		t = weir_schedule_time(&s->schedule, recorded(p, &p->frames[p->at]));
		s->is_over = s->number == s->config.count ||
			     (s->schedule.kind != WEIR_RATE_MAX && t >= s->end_ns);
		if (s->is_over)
			break;
		weir_schedule_advance(&s->schedule, p->frames[p->at].len);
		p->at++;
		s->number++;
	}
	return WEIR_POLL_OK;
}

/* Times of those that are due, at most max of them. */
static uint32_t
plan_due(struct weir_sender *s, const struct weir_frame *f, uint32_t max, int64_t now_ns)
{
	uint32_t n = 0;

	if (s->schedule.kind == WEIR_RATE_MAX) {
		for (; n < max; n++)
			s->held_ns[n] = now_ns;
		return n;
	}
	for (; n < max; n++) {
		int64_t t = weir_schedule_time(&s->schedule, recorded(s->config.supply, &f[n]));

		if (t > now_ns || t >= s->end_ns) {
			s->next_ns = t;
			s->is_over = t >= s->end_ns;
			break;
		}
		s->held_ns[n] = t;
		weir_schedule_advance(&s->schedule, f[n].len);
	}
	return n;
}

/* What is to be sent next. False: nothing now. */
static bool
plan(struct weir_sender *s, int64_t now_ns)
{
	struct weir_supply *p = s->config.supply;
	enum weir_poll rc = WEIR_POLL_OK;
	uint64_t max = WEIR_SENDER_BURST;

	if (unlikely(!s->left)) {
		rc = weir_sender_pass(s, (s->config.n_senders - 1) * (uint64_t)WEIR_SENDER_BURST);
		s->left = WEIR_SENDER_BURST;
	}
	if (rc == WEIR_POLL_OK)
		rc = look(s);
	s->is_over |= rc != WEIR_POLL_OK || s->number == s->config.count ||
		      (s->schedule.kind == WEIR_RATE_MAX && now_ns >= s->end_ns);
	s->has_failed = rc == WEIR_POLL_ERROR;
	if (s->is_over)
		return false;
	max = RTE_MIN(max, (uint64_t)(p->n - p->at));
	max = RTE_MIN(max, s->config.count - s->number);
	max = RTE_MIN(max, s->left);
	s->n_planned = plan_due(s, p->frames + p->at, (uint32_t)max, now_ns);
	return s->n_planned > 0;
}

/* Frames in memory have room behind them, so that whole lines can be copied. */
static inline void
copy_lines(uint8_t *to, const uint8_t *from, uint32_t n)
{
	uint32_t i = 0;

	do {
		memcpy(to + i, from + i, LINE_BYTES);
		i += LINE_BYTES;
	} while (i < n);
}

static inline void
copy_frame(uint8_t *to, const struct weir_frame *f, bool is_in_memory)
{
	if (is_in_memory)
		copy_lines(to, f->data, f->cap);
	else
		memcpy(to, f->data, f->cap);
	if (unlikely(f->cap < f->len))
		memset(to + f->cap, 0, f->len - f->cap);
}

/*
 * What rte_pktmbuf_reset leaves, in four stores; a buffer comes from its pool with one segment and
 * no offload's fields are read where no flag asks for them.
 */
static inline void
reset(struct rte_mbuf *m, uint64_t rearm, uint32_t len)
{
	uint64_t type_and_len = (uint64_t)len << 32;

	memcpy(&m->rearm_data, &rearm, sizeof(rearm));
	m->ol_flags = 0;
	memcpy(&m->packet_type, &type_and_len, sizeof(type_and_len));
	m->data_len = (uint16_t)len;
}

static inline __attribute__((always_inline)) void
fill_frames(
    struct weir_sender *s, const struct weir_frame *f, bool is_in_memory, bool has_signature)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < s->n_planned; i++) {
		struct rte_mbuf *m = s->held[i];
		uint8_t *to = (uint8_t *)m->buf_addr + RTE_PKTMBUF_HEADROOM;

		reset(m, s->rearm, f[i].len);
		copy_frame(to, &f[i], is_in_memory);
		bytes += f[i].len;
		if (!has_signature)
			continue;
		memset(to + f[i].sum_at, 0, 2);
		weir_probe_put(to, f[i].len,
		    &(struct weir_probe){ .stream = s->config.stream,
			.number = s->number + i,
			.sent_ns = s->held_ns[i] });
	}
	s->held_bytes = bytes;
}

/* Copy what was planned into buffers. False: there are none at the moment. */
static bool
fill(struct weir_sender *s)
{
	struct weir_supply *p = s->config.supply;
	const struct weir_frame *f = p->frames + p->at;

	if (unlikely(rte_mempool_get_bulk(s->config.pool, (void **)s->held, s->n_planned) != 0)) {
		/* some drivers look at what they have sent only when they are called */
		rte_eth_tx_burst(s->config.queue.id, s->config.queue.queue, s->held, 0);
		return false;
	}
	if (s->config.has_signature)
		fill_frames(s, f, p->packets != NULL, true);
	else if (p->packets)
		fill_frames(s, f, true, false);
	else
		fill_frames(s, f, false, false);
	p->at += s->n_planned;
	s->number += s->n_planned;
	s->left -= s->config.n_senders > 1 ? s->n_planned : 0;
	s->n_held = s->n_planned;
	s->held_at = 0;
	s->n_planned = 0;
	return true;
}

/* The first n that are held were sent. */
static void
note_sent(struct weir_sender *s, uint32_t n, int64_t now_ns)
{
	const int64_t *t = s->held_ns + s->held_at;
	uint64_t bytes = s->held_bytes;

	s->held_bytes = 0;
	for (uint32_t i = n; unlikely(i < s->n_held); i++)
		s->held_bytes += s->held[s->held_at + i]->pkt_len;
	bytes -= s->held_bytes;
	if (unlikely(!s->n_sent)) {
		s->first_ns = now_ns;
		s->first_intended_ns = t[0];
	}
	s->last_ns = now_ns;
	s->last_intended_ns = t[n - 1];
	if (s->schedule.kind != WEIR_RATE_MAX)
		for (uint32_t i = 0; i < n; i++)
			weir_histogram_add(&s->lag, now_ns - t[i]);
	add(&s->n_sent, n);
	add(&s->n_bytes, bytes);
	s->held_at += n;
	s->n_held -= n;
}

enum weir_send
weir_sender_step(struct weir_sender *s, int64_t now_ns)
{
	uint32_t n;

	if (!s->n_held && !s->n_planned && !s->is_over)
		plan(s, now_ns);
	if (s->n_planned && !fill(s))
		return WEIR_SEND_NOW;
	if (!s->n_held && s->is_over)
		return s->has_failed ? WEIR_SEND_ERROR : WEIR_SEND_END;
	if (!s->n_held)
		return WEIR_SEND_LATER;
	n = rte_eth_tx_burst(
	    s->config.queue.id, s->config.queue.queue, s->held + s->held_at, (uint16_t)s->n_held);
	if (likely(n))
		note_sent(s, n, now_ns);
	if (unlikely(s->n_held) && s->config.is_dropping) {
		rte_pktmbuf_free_bulk(s->held + s->held_at, s->n_held);
		add(&s->n_not_sent, s->n_held);
		s->n_held = 0;
	}
	return WEIR_SEND_NOW;
}
