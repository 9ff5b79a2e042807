/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/transmit/schedule.h>

#include <string.h>

/* A rate in millionths a second: so many nanoseconds, times a million, are one second. */
#define MICRO_NS (WEIR_NS_PER_S * INT64_C(1000000))

int
weir_schedule_init(
    struct weir_schedule *s, const struct weir_schedule_config *c, struct weir_error *err)
{
	bool is_timed = c->burst_every_ns > 0;

	if (c->burst > 1 && c->rate.kind == WEIR_RATE_RECORDED && !is_timed)
		return weir_error_usage(
		    err, "recorded timing has its own bursts (try --rate 1M, or an interval)");
	if (c->burst > 1 && c->rate.kind == WEIR_RATE_MAX && !is_timed)
		return weir_error_usage(
		    err, "without a pause there are no bursts (try an interval: %s)", "32:1ms");
	memset(s, 0, sizeof(*s));
	s->config = *c;
	weir_schedule_restart(s, c->start_ns);
	return 0;
}

void
weir_schedule_restart(struct weir_schedule *s, int64_t start_ns)
{
	struct weir_schedule_config c = s->config;

	c.start_ns = start_ns;
	*s = (struct weir_schedule){
		.kind = c.burst_every_ns ? WEIR_RATE_PACKETS : c.rate.kind,
		.at_ns = start_ns,
		.per = 1,
		.burst = c.burst > 1        ? c.burst
			 : c.burst_every_ns ? 1
					    : 0,
		.start_ns = start_ns,
		.config = c,
	};
	if (c.burst_every_ns) {
		s->gap_ns = (uint64_t)c.burst_every_ns;
	} else if (c.rate.kind == WEIR_RATE_PACKETS) {
		s->per = c.rate.micro;
		s->gap_ns = (uint64_t)MICRO_NS / c.rate.micro;
		s->gap_rest = (uint64_t)MICRO_NS % c.rate.micro;
	} else if (c.rate.kind == WEIR_RATE_BITS || c.rate.kind == WEIR_RATE_LINE) {
		s->per = c.rate.micro;
		s->extra_bytes = c.rate.kind == WEIR_RATE_LINE ? WEIR_LINE_EXTRA_BYTES : 0;
		weir_schedule_set_gap(s, 1);
	}
}

void
weir_schedule_skip(struct weir_schedule *s, uint64_t n)
{
	unsigned __int128 rest;

	if (s->config.burst_every_ns)
		n /= s->burst;
	rest = (unsigned __int128)s->gap_rest * n + s->rest;
	s->at_ns += (int64_t)(s->gap_ns * n + (uint64_t)(rest / s->per));
	s->rest = (uint64_t)(rest % s->per);
}

/* How many times at, at + gap, at + 2 gap ... are before end, in 1 / per nanoseconds. */
static uint64_t
count_before(unsigned __int128 gap, const struct weir_schedule *s, int64_t at_ns, int64_t end_ns)
{
	unsigned __int128 all;

	if (at_ns >= end_ns)
		return 0;
	all = (unsigned __int128)(uint64_t)(end_ns - at_ns) * s->per - s->rest;
	return (uint64_t)((all + gap - 1) / gap);
}

uint64_t
weir_schedule_before(const struct weir_schedule *s, int64_t end_ns)
{
	unsigned __int128 gap = (unsigned __int128)s->gap_ns * s->per + s->gap_rest;
	struct weir_schedule next = *s;
	uint64_t n = 0;

	if (s->kind != WEIR_RATE_PACKETS)
		return UINT64_MAX;
	if (!s->burst)
		return count_before(gap, s, s->at_ns, end_ns);
	while (next.left) {
		n += next.burst_ns < end_ns;
		weir_schedule_advance(&next, 0);
	}
	if (!s->config.burst_every_ns)
		gap *= s->burst;
	return n + s->burst * count_before(gap, &next, next.at_ns, end_ns);
}
