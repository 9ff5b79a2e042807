/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/base/time.h>

#include "generator_attack.h"

/* What the query of an attack must say, worked out from what is planted, not from the packets. */

#define MAX_SECONDS  1000000u
#define SLIDING_S    10
#define EWMA_SECONDS 20u /* what is before them no longer counts in a double */

static uint64_t
n_seconds(const struct weir_gen_options *o)
{
	return (o->count + o->rate_pps - 1) / o->rate_pps;
}

static uint32_t
planted_in(const struct weir_gen_options *o, uint64_t second)
{
	uint64_t left = o->count - second * o->rate_pps;

	return weir_gen_planted(o->attack, o, second, left < o->rate_pps ? left : o->rate_pps);
}

static double
frame_len(const struct weir_gen_options *o, uint64_t second, uint32_t i)
{
	struct weir_gen_plant t = { .seed = o->seed, .second = second, .i = i };

	o->attack->plant(&t);
	return weir_gen_headers(false, false, t.frame.proto) + t.frame.payload_len;
}

/* s = a s + (1 - a) x. */
static double
ewma(const struct weir_gen_options *o, double a)
{
	uint64_t n = n_seconds(o);
	bool has_any = false;
	double s = 0;

	for (uint64_t e = n > EWMA_SECONDS ? n - EWMA_SECONDS : 0; e < n; e++) {
		for (uint32_t i = 0; i < planted_in(o, e); i++) {
			double x = frame_len(o, e, i);

			s = has_any ? a * s + (1 - a) * x : x;
			has_any = true;
		}
	}
	return s;
}

static double
value_of(const struct weir_gen_options *o, const struct weir_gen_value *v, uint64_t n_planted,
    uint64_t n_packets)
{
	switch (v->kind) {
	case WEIR_GEN_VALUE_SAME:
		return v->number;
	case WEIR_GEN_VALUE_SUM:
		return v->number * (double)n_planted;
	case WEIR_GEN_VALUE_RATE:
		return v->number * (double)n_packets / SLIDING_S;
	case WEIR_GEN_VALUE_EWMA:
		return ewma(o, v->number);
	}
	return 0;
}

struct walk {
	const struct weir_gen_options *o;
	enum weir_gen_window window;
	void (*item)(void *ctx, const struct weir_gen_expected *row);
	void *ctx;
};

/* The row of the window from second begin on, end excluded, if it has one. */
static void
one_window(const struct walk *w, int64_t begin, int64_t end)
{
	const struct weir_gen_attack *a = w->o->attack;
	uint64_t n_planted = 0, n_packets = 0;
	int64_t last = (int64_t)n_seconds(w->o);
	struct weir_gen_expected row = {
		.has_times = w->window != WEIR_GEN_WINDOW_ANY &&
			     w->window != WEIR_GEN_WINDOW_GLOBAL &&
			     w->window != WEIR_GEN_WINDOW_SESSION,
		.start_ns = WEIR_GEN_START_NS + begin * WEIR_NS_PER_S,
		.end_ns = WEIR_GEN_START_NS + end * WEIR_NS_PER_S,
	};

	for (int64_t e = begin < 0 ? 0 : begin; e < end && e < last; e++) {
		uint32_t n = planted_in(w->o, (uint64_t)e);

		n_planted += n != 0;
		n_packets += n;
	}
	if (!n_planted || (a->is_odd && begin % 2 == 0))
		return;
	if (w->window == WEIR_GEN_WINDOW_BURST) {
		uint64_t left = w->o->count - (uint64_t)begin * w->o->rate_pps;

		row.start_ns = weir_gen_burst_ns(
		    a, w->o, (uint64_t)begin, left < w->o->rate_pps ? left : w->o->rate_pps);
		row.end_ns = row.start_ns + a->window_ns;
	}
	for (unsigned i = 0; i < WEIR_GEN_MAX_VALUES && a->values[i].column; i++)
		row.values[i] = value_of(w->o, &a->values[i], n_planted, n_packets);
	w->item(w->ctx, &row);
}

bool
weir_gen_expect(const struct weir_gen_options *o, enum weir_gen_window window,
    void (*item)(void *ctx, const struct weir_gen_expected *row), void *ctx)
{
	struct walk w = { .o = o, .window = window, .item = item, .ctx = ctx };
	int64_t size = 1, slide, begin = 0, end;

	if (!o->count || n_seconds(o) > MAX_SECONDS)
		return false;
	end = (int64_t)n_seconds(o);
	switch (window) {
	case WEIR_GEN_WINDOW_ANY:
	case WEIR_GEN_WINDOW_GLOBAL:
		size = end;
		break;
	case WEIR_GEN_WINDOW_10S:
	case WEIR_GEN_WINDOW_SLIDING:
		size = SLIDING_S;
		break;
	case WEIR_GEN_WINDOW_SESSION:
		size = WEIR_GEN_CYCLE;
		break;
	case WEIR_GEN_WINDOW_1S:
	case WEIR_GEN_WINDOW_BURST:
		break;
	}
	slide = window == WEIR_GEN_WINDOW_SLIDING ? 1 : size;
	if (slide < size)
		begin = 1 - size;
	for (; begin < end; begin += slide)
		one_window(&w, begin, begin + size);
	return true;
}
