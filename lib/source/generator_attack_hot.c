/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/base/time.h>

#include "generator_attack.h"

#include <weir/base/poison.h> /* last */

#define NS_PER_S     ((uint64_t)WEIR_NS_PER_S)
#define DLT_ETHERNET 1 /* DLT_EN10MB */

/* One packet on its way into the batch. */
struct packet {
	uint32_t len;
	int64_t time_ns;
	uint16_t interface; /* of this source */
	int32_t depth;
};

uint32_t
weir_gen_planted(const struct weir_gen_attack *a, const struct weir_gen_options *o, uint64_t second,
    uint64_t length)
{
	uint64_t least = a->is_whole ? o->rate_pps : WEIR_GEN_ATTACK_LEAST;

	if (length < least || (a->active && second % WEIR_GEN_CYCLE >= a->active))
		return 0;
	return a->percent ? (uint32_t)(length * a->percent / 100) : a->n;
}

uint64_t
weir_gen_place(const struct weir_gen_attack *a, uint32_t i, uint32_t n, uint64_t length)
{
	if (a->is_burst)
		return length / 4;
	if (a->at_ms)
		return a->at_ms[i] * length / 1000;
	return (2 * (uint64_t)i + 1) * length / (2 * (uint64_t)n);
}

int64_t
weir_gen_burst_ns(const struct weir_gen_attack *a, const struct weir_gen_options *o,
    uint64_t second, uint64_t length)
{
	uint64_t place = weir_gen_place(a, 0, 1, length);
	uint64_t t =
	    (uint64_t)WEIR_GEN_START_NS + second * NS_PER_S + place * NS_PER_S / o->rate_pps;
	uint64_t step = a->window_ns ? a->window_ns : 1;

	return (int64_t)((t + step - 1) / step * step);
}

static uint64_t
length_of(const struct weir_gen_options *o, uint64_t second)
{
	uint64_t left = o->count - second * o->rate_pps;

	return o->count && left < o->rate_pps ? left : o->rate_pps;
}

static void
begin_second(struct weir_generator *g)
{
	const struct weir_gen_attack *a = g->options.attack;
	struct weir_gen_plot *s = &g->plot;

	if (s->length)
		s->second++;
	s->length = length_of(&g->options, s->second);
	s->at = 0;
	s->next = 0;
	s->depth = a->depth ? a->depth : -1;
	s->n = weir_gen_planted(a, &g->options, s->second, s->length);
	if (a->is_burst)
		s->burst_ns = weir_gen_burst_ns(a, &g->options, s->second, s->length);
}

/* The next planted packet at p. */
static void
plant_frame(struct weir_generator *g, uint8_t *p, struct packet *ret, bool *ret_is_lost)
{
	const struct weir_gen_attack *a = g->options.attack;
	struct weir_gen_plot *s = &g->plot;
	struct weir_gen_plant t;

	memset(&t.frame, 0, sizeof(t.frame));
	t.seed = g->options.seed;
	t.second = s->second;
	t.i = s->next++;
	t.at_ns = 0;
	t.depth = s->depth;
	t.is_lost = false;
	t.frame.src = &t.src;
	t.frame.dst = &t.dst;
	t.frame.ttl = 57;
	t.frame.ip_id = (uint16_t)g->n_sent;
	t.frame.payload = g->payload;
	a->plant(&t);
	ret->len = weir_gen_frame_build(p, &t.frame);
	ret->depth = t.depth;
	if (a->is_burst)
		ret->time_ns = s->burst_ns + t.at_ns;
	*ret_is_lost = t.is_lost;
}

/* What comes next, planted or not; its second has room for it. */
static void
next_frame(struct weir_generator *g, uint8_t *p, struct packet *ret)
{
	const struct weir_gen_attack *a = g->options.attack;
	struct weir_gen_plot *s = &g->plot;
	uint64_t left = s->length - s->at, each = a->has_copies ? 2 : 1;
	uint64_t room = left / each - (s->n - s->next);
	bool is_lost = false;

	/* Without room for background what is planted comes early. */
	if (s->next < s->n && (!room || s->at >= weir_gen_place(a, s->next, s->n, s->length))) {
		plant_frame(g, p, ret, &is_lost);
	} else if (left < each) {
		ret->len = weir_gen_background_arp(g, p);
		is_lost = true;
	} else {
		ret->len = weir_gen_background_frame(g, p, room);
	}
	if (a->has_copies && !is_lost) {
		memcpy(s->copy, p, ret->len);
		s->copy_len = ret->len;
		s->has_copy = true;
	}
}

static void
next_packet(struct weir_generator *g, uint8_t *p, struct packet *ret)
{
	struct weir_gen_plot *s = &g->plot;

	if (s->at == s->length)
		begin_second(g);
	ret->time_ns = weir_gen_tick(g);
	ret->interface = s->has_copy;
	ret->depth = s->depth;
	if (s->has_copy) {
		memcpy(p, s->copy, s->copy_len);
		ret->len = s->copy_len;
		s->has_copy = false;
	} else {
		next_frame(g, p, ret);
	}
	/* Bursts are faster than the schedule, or slower: time does not go back behind them. */
	if (ret->time_ns < s->last_ns)
		ret->time_ns = s->last_ns;
	s->last_ns = ret->time_ns;
	s->at++;
	g->n_sent++;
}

static void
hold(struct weir_gen_plot *s, const uint8_t *p, const struct packet *k)
{
	memcpy(s->held, p, k->len);
	s->held_len = k->len;
	s->held_ns = k->time_ns;
	s->held_interface = k->interface;
	s->held_depth = k->depth;
	s->has_held = true;
}

static void
take_held(struct weir_gen_plot *s, uint8_t *p, struct packet *ret)
{
	memcpy(p, s->held, s->held_len);
	ret->len = s->held_len;
	ret->time_ns = s->held_ns;
	ret->interface = s->held_interface;
	ret->depth = s->held_depth;
	s->has_held = false;
}

/* One depth of the queue holds for all packets of a burst, so a burst ends where it changes. */
enum weir_poll
weir_gen_attack_poll(struct weir_generator *g, struct weir_batch *b, uint32_t max, int64_t now_ns)
{
	struct weir_gen_plot *s = &g->plot;
	bool has_held = s->has_held;
	uint32_t n;

	if (max > WEIR_ROWS)
		max = WEIR_ROWS;
	if (!max)
		return WEIR_POLL_OK;
	n = has_held + weir_gen_due(g, max - has_held, now_ns);
	for (uint32_t i = 0; i < n; i++) {
		uint8_t *p = g->frames + (uint64_t)i * g->stride;
		struct packet k;

		if (i == 0 && has_held)
			take_held(s, p, &k);
		else
			next_packet(g, p, &k);
		if (i == 0)
			b->queue_depth = k.depth;
		if (k.depth != b->queue_depth) {
			hold(s, p, &k);
			break;
		}
		b->data[i] = p;
		b->cap_len[i] = k.len;
		b->wire_len[i] = k.len;
		b->time_ns[i] = k.time_ns;
		b->interface[i] = (uint16_t)(g->base.first_interface + k.interface);
		b->link[i] = WEIR_LINK_ETHERNET;
		b->dlt[i] = DLT_ETHERNET;
		b->owner[i] = NULL;
		b->n = i + 1;
	}
	return WEIR_POLL_OK;
}
