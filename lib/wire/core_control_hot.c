/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "core_parts.h"

#include <weir/base/poison.h> /* last */

/* Acknowledgements, credit, pings, and the difference of the clocks. */

#define TIME_MOST (INT64_MAX / 4)

struct control_frame {
	struct weir_inner_control head;
	rte_be64_t words[WORDS];
};

static_assert(offsetof(struct control_frame, words) == sizeof(struct weir_inner_control),
    "nothing between them");

/* What has come beyond cum. Returns how many words. */
static unsigned
put_words(const struct inward *in, rte_be64_t words[WORDS])
{
	unsigned n = (unsigned)((in->top - in->cum + 63) / 64);

	for (unsigned w = 0; w < n; w++) {
		uint64_t at = in->cum + w * 64, shift = at % 64;
		uint64_t word = in->bits[(at & MASK) / 64] >> shift;

		/* the ring has whole words, so that what is behind the end is not set */
		if (shift)
			word |= in->bits[((at + 63) & MASK) / 64] << (64 - shift);
		words[w] = rte_cpu_to_be_64(word);
	}
	return n;
}

/* All that is known of the peer's stream, and what it may send. */
static unsigned
put_state(struct weir_wire_core *c, struct peer *p, struct control_frame *f, uint64_t nak_to,
    int64_t now_ns)
{
	struct inward *in = &p->in;
	unsigned n = 0;

	f->head = (struct weir_inner_control){
		.to = rte_cpu_to_be_64(p->incarnation),
		.stream = rte_cpu_to_be_32(p->out.stream),
		.base = rte_cpu_to_be_64(p->out.base),
		.acked = rte_cpu_to_be_32(in->stream),
		.nak_to = rte_cpu_to_be_64(nak_to),
	};
	if (in->stream) {
		in->limit = weir_core_grant(c, p);
		n = put_words(in, f->words);
		f->head.cum = rte_cpu_to_be_64(in->cum);
		f->head.limit = rte_cpu_to_be_64(in->limit);
		f->head.echo_seq = rte_cpu_to_be_64(in->echo_seq);
		f->head.echo_xmit = rte_cpu_to_be_64(in->echo_xmit);
		f->head.echo_ns = rte_cpu_to_be_64((uint64_t)(now_ns - in->echo_ns));
	}
	f->head.n_words = rte_cpu_to_be_16((uint16_t)n);
	return n;
}

/* The gaps have been asked for: the next time what is missing then, and not before it can come. */
static void
wait_again(struct peer *p, int64_t now_ns)
{
	struct inward *in = &p->in;
	int64_t rtt_ns = p->out.smoothed_ns;

	for (unsigned i = 0; i < RTE_MIN(p->n_samples, CLOCK_SAMPLES); i++)
		rtt_ns = RTE_MAX(rtt_ns, p->samples[i].rtt_ns);
	in->gap_ns = now_ns;
	in->gap_top = in->top;
	if (in->nak_cum == in->cum + 1)
		in->gap_wait_ns = RTE_MIN(2 * in->gap_wait_ns, NAK_MOST_NS);
	else
		in->gap_wait_ns = REORDER_NS + RTE_MIN(2 * rtt_ns, NAK_MOST_NS);
	in->nak_cum = in->cum + 1;
}

enum weir_wire_sent
weir_core_tell(struct weir_wire_core *c, struct peer *p, uint8_t type, uint64_t nak_to,
    const struct weir_inner_control *reply, const struct weir_wire_now *now)
{
	struct control_frame f;
	unsigned n = put_state(c, p, &f, nak_to, now->mono_ns);
	struct weir_wire_out out = { .id = p->id,
		.type = type,
		.head = &f,
		.head_len = (uint32_t)(sizeof(f.head) + n * sizeof(f.words[0])) };
	struct ping ping = { p->pings_sent + 1, now->mono_ns, now->wall_ns };
	enum weir_wire_sent rc;

	if (type == WEIR_INNER_PING) {
		f.head.ping = rte_cpu_to_be_64(ping.number);
		f.head.t1_ns = rte_cpu_to_be_64((uint64_t)ping.wall_ns);
	} else if (type == WEIR_INNER_PONG) {
		f.head.ping = reply->ping;
		f.head.t1_ns = reply->t1_ns;
		f.head.t2_ns = rte_cpu_to_be_64((uint64_t)now->wall_ns);
		f.head.t3_ns = f.head.t2_ns; /* one reading of the clock for both */
	}
	rc = c->config.transmit(c->config.arg, &out);
	if (rc != WEIR_WIRE_SENT)
		return rc;
	p->in.ack_at_ns = NEVER;
	p->in.n_unanswered = 0;
	if (nak_to) {
		COUNT(c, p, NAKS_SENT, 1);
		wait_again(p, now->mono_ns);
	}
	if (type == WEIR_INNER_PING)
		p->pings[p->pings_sent++ % PINGS] = ping;
	return rc;
}

/* The four times of RFC 5905, section 8; the round trip by the clock that nobody sets. */
static void
take_pong(struct peer *p, const struct weir_inner_control *k, const struct weir_wire_now *now)
{
	uint64_t number = rte_be_to_cpu_64(k->ping);
	struct ping *ping = &p->pings[(number - 1) % PINGS];
	int64_t t2 = (int64_t)rte_be_to_cpu_64(k->t2_ns), t3 = (int64_t)rte_be_to_cpu_64(k->t3_ns);
	int64_t rtt;

	if (!number || ping->number != number || t2 < 0 || t3 < t2 || t3 > TIME_MOST)
		return;
	rtt = now->mono_ns - ping->mono_ns - (t3 - t2);
	ping->number = 0; /* answered */
	if (rtt < 0)
		return;
	weir_histogram_add(&p->rtt, rtt);
	/* a clock that was set meanwhile tells nothing */
	rtt = now->wall_ns - ping->wall_ns - (t3 - t2);
	if (rtt < 0)
		return;
	p->samples[p->n_samples++ % CLOCK_SAMPLES] = (struct clock_sample){
		.rtt_ns = RTE_MAX(rtt, 1),
		.offset_ns = (t2 - ping->wall_ns) / 2 + (t3 - now->wall_ns) / 2,
	};
}

void
weir_core_control(struct weir_wire_core *c, struct peer *p, const struct weir_wire_in *in,
    const struct weir_wire_now *now)
{
	struct weir_inner_control k;
	unsigned n_words;

	if (in->len < sizeof(k)) {
		COUNT(c, p, MALFORMED, 1);
		return;
	}
	memcpy(&k, in->p, sizeof(k));
	n_words = rte_be_to_cpu_16(k.n_words);
	if (n_words > WORDS || in->len - sizeof(k) != n_words * sizeof(rte_be64_t) || !k.stream) {
		COUNT(c, p, MALFORMED, 1);
		return;
	}
	if (!weir_core_in_stream(p, rte_be_to_cpu_32(k.stream), rte_be_to_cpu_64(k.base)))
		COUNT(c, p, STALE, 1);
	weir_core_acked(c, p, &k, in->p + sizeof(k), n_words, now);
	if (in->type == WEIR_INNER_PONG)
		take_pong(p, &k, now);
	else if (in->type == WEIR_INNER_PING)
		(void)weir_core_tell(c, p, WEIR_INNER_PONG, 0, &k, now);
}
