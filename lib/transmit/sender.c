/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <rte_mbuf.h>

#include "sender_parts.h"

int
weir_sender_init(struct weir_sender *s, const struct weir_sender_config *c, struct weir_error *err)
{
	struct rte_mbuf fresh = { .data_off = RTE_PKTMBUF_HEADROOM,
		.refcnt = 1,
		.nb_segs = 1,
		.port = RTE_MBUF_PORT_INVALID };

	memset(s, 0, sizeof(*s));
	s->config = *c;
	s->config.n_senders = c->n_senders ? c->n_senders : 1;
	s->config.count = c->count ? c->count : UINT64_MAX;
	memcpy(&s->rearm, &fresh.rearm_data, sizeof(s->rearm));
	return weir_schedule_init(&s->schedule, &c->pace, err);
}

void
weir_sender_start(struct weir_sender *s, int64_t start_ns)
{
	enum weir_poll rc;

	weir_schedule_restart(&s->schedule, start_ns);
	if (!s->config.for_ns || __builtin_add_overflow(start_ns, s->config.for_ns, &s->end_ns))
		s->end_ns = INT64_MAX;
	s->left = WEIR_SENDER_BURST;
	rc = weir_sender_pass(s, (uint64_t)s->config.index * WEIR_SENDER_BURST);
	s->is_over |= rc != WEIR_POLL_OK;
	s->has_failed = rc == WEIR_POLL_ERROR;
}

void
weir_sender_stop(struct weir_sender *s)
{
	s->is_over = true;
	rte_pktmbuf_free_bulk(s->held + s->held_at, s->n_held);
	__atomic_store_n(
	    &s->n_not_sent, s->n_not_sent + s->n_held + s->n_planned, __ATOMIC_RELAXED);
	if (s->n_planned) {
		/* they are still the supply's next ones */
		s->config.supply->at += s->n_planned;
		s->number += s->n_planned;
		s->left -= s->config.n_senders > 1 ? s->n_planned : 0;
	}
	s->n_held = 0;
	s->n_planned = 0;
}

/* Without looking at the packets: what a bound tells at once. UINT64_MAX where it does not. */
static uint64_t
count_at_once(const struct weir_sender *s)
{
	uint64_t by_time =
	    s->end_ns == INT64_MAX ? UINT64_MAX : weir_schedule_before(&s->schedule, s->end_ns);
	uint64_t by_count =
	    s->config.count == UINT64_MAX ? UINT64_MAX : s->config.count - s->number;

	if (s->config.n_senders > 1 || !s->config.supply->config.is_repeated)
		return UINT64_MAX;
	if (s->end_ns != INT64_MAX && by_time == UINT64_MAX)
		return UINT64_MAX;
	return by_time < by_count ? by_time : by_count;
}

uint64_t
weir_sender_count_rest(struct weir_sender *s)
{
	bool is_max = s->schedule.kind == WEIR_RATE_MAX;
	uint64_t n = is_max && s->end_ns != INT64_MAX ? 0 : count_at_once(s);
	uint64_t before, others = s->config.n_senders - 1;

	if (s->has_failed)
		return 0;
	if (n != UINT64_MAX)
		return n;
	/* without a bound there may be no end of them */
	if (s->end_ns == INT64_MAX && s->config.count == UINT64_MAX &&
	    (s->config.supply->config.is_repeated || !s->config.supply->packets))
		return 0;
	/* walk, as if all were sent */
	s->is_over = false;
	for (n = 0;;) {
		before = s->number;
		if (weir_sender_pass(s, s->left) != WEIR_POLL_OK)
			s->is_over = true;
		n += s->number - before;
		if (s->is_over)
			return n;
		if (weir_sender_pass(s, others * WEIR_SENDER_BURST) != WEIR_POLL_OK)
			return n;
		s->left = WEIR_SENDER_BURST;
	}
}
