/* SPDX-License-Identifier: BSD-3-Clause */
#include "sampling.h"

#include <errno.h>
#include <stdlib.h>

#include <weir/base/time.h>

#define COST_SHARE  200     /* a timed burst's cost is so small a part of the time between two */
#define READ_COST   100     /* ns beyond reading the clock: histograms are out of the cache */
#define STEP_MOST   1048576 /* a burst of 256 at 100 Mpps is timed each 10 ms then */
#define CLOCK_READS 64

int
weir_sampling_create(struct weir_worker *w)
{
	struct weir_sampling *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	w->sampling = s;
	s->sets[0] = weir_latency_set_create();
	s->sets[1] = weir_latency_set_create();
	if (!s->sets[0] || !s->sets[1])
		return -ENOMEM;
	s->set = s->sets[0];
	s->random = 1 + w->index;
	s->step = 1;
	s->countdown = 1;
	weir_sampling_plan(w);
	return 0;
}

void
weir_sampling_destroy(struct weir_sampling *s)
{
	if (!s)
		return;
	free(s->sets[0]);
	free(s->sets[1]);
	free(s);
}

/* Reading the clock takes tens of ns, or where the kernel has to be asked more than 1000. */
static int64_t
clock_cost_ns(void)
{
	int64_t least_ns = INT64_MAX, last_ns = weir_now_mono_ns();

	for (unsigned i = 0; i < CLOCK_READS; i++) {
		int64_t now_ns = weir_now_mono_ns(), ns = now_ns - last_ns;

		least_ns = ns > 0 && ns < least_ns ? ns : least_ns;
		last_ns = now_ns;
	}
	return least_ns == INT64_MAX ? 1 : least_ns;
}

void
weir_sampling_plan(struct weir_worker *w)
{
	struct weir_sampling *s = w->sampling;
	const struct weir_intake *in = w->all->intake;
	bool has_turns = in->has_shared && in->n_workers > 1;
	int64_t n_reads = 3;

	s->is_precise = false;
	for (unsigned q = 0; q < w->n_queries; q++) {
		const struct weir_worker_query *wq = &w->queries[q];

		if (wq->has_ended)
			continue;
		n_reads += 2;
		/* The first row of a block is followed, timed or not; a turn may be waited for. */
		s->is_precise |= wq->early || (has_turns && (wq->wants_packets || !wq->aggregator));
	}
	s->period_ns = COST_SHARE * n_reads * (clock_cost_ns() + READ_COST);
}

/* Packets to the next sample: some chance in it, lest it keeps step with something in them. */
static uint32_t
next(struct weir_sampling *s)
{
	if (s->step == 1)
		return 1;
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->step / 2 + (uint32_t)(s->random % s->step) + 1;
}

/* Which of n packets are sampled. */
static unsigned
pick(struct weir_sampling *s, uint32_t n)
{
	s->n = 0;
	while (s->countdown <= n && s->n < WEIR_SAMPLED_MOST) {
		s->row[s->n++] = (uint16_t)(s->countdown - 1);
		s->countdown += next(s);
	}
	s->countdown = s->countdown > n ? s->countdown - n : 1;
	return s->n;
}

/* More packets between samples where these come too often, fewer where they are rare. */
static void
adapt(struct weir_sampling *s, uint32_t n)
{
	int64_t ns = s->arrival.polled_ns - s->timed_ns;

	s->timed_ns = s->arrival.polled_ns;
	if (ns < s->period_ns && s->step < STEP_MOST)
		s->step *= 2;
	else if (ns > 2 * s->period_ns && s->step > 1 && s->step > n / WEIR_SAMPLED_MOST)
		s->step /= 2;
}

static void
add(struct weir_sampling *s, enum weir_latency_stage stage, int64_t ns, uint64_t n)
{
	weir_histogram_add_n(&s->set->of[stage], ns, n);
}

void
weir_sampling_begin(struct weir_worker *w, const struct weir_burst *burst, int64_t round_ns)
{
	const struct weir_source *source = burst->input->source;
	const struct weir_batch *b = w->batch;
	struct weir_sampling *s = w->sampling;

	w->is_timed = pick(s, b->n) > 0;
	s->arrival.polled_ns = w->is_timed || s->is_precise ? weir_now_mono_ns() : round_ns;
	s->arrival.wall_offset_ns = w->wall_offset_ns;
	s->arrival.is_stamped = source->is_live && source->has_clock;
	if (!w->is_timed)
		return;
	s->at_ns = s->arrival.polled_ns;
	s->n_kept = 0;
	adapt(s, b->n);
	for (unsigned i = 0; s->arrival.is_stamped && i < s->n; i++)
		add(s, WEIR_LATENCY_RECEIVE,
		    s->at_ns - weir_arrival_of(&s->arrival, b->time_ns[s->row[i]]), 1);
}

void
weir_sampling_step(struct weir_sampling *s, enum weir_latency_stage stage)
{
	int64_t now_ns = weir_now_mono_ns();

	add(s, stage, now_ns - s->at_ns, s->n);
	s->at_ns = now_ns;
}

void
weir_sampling_leave_out(struct weir_sampling *s, int64_t ns)
{
	s->at_ns += ns;
}

/* A row that is left: the first sampled one, or the next. -1 where none is. */
static int
row_left(const struct weir_sampling *s, const struct weir_rows *rows)
{
	int first = -1;

	WEIR_FOR_EACH_BIT (r, rows->sel) {
		if (s->n == 0 || r >= s->row[0])
			return (int)r;
		if (first < 0)
			first = (int)r;
	}
	return first;
}

void
weir_sampling_note_group(struct weir_worker *w, unsigned query, const struct weir_rows *rows)
{
	const struct weir_sampling *s = w->sampling;
	int row = row_left(s, rows);

	if (row >= 0)
		weir_aggregator_note(w->queries[query].aggregator, rows->batch->time_ns[row],
		    &(struct weir_origin_packet){
			weir_arrival_of(&s->arrival, rows->batch->time_ns[row]), s->at_ns });
}

void
weir_sampling_note_rows(
    struct weir_worker *w, struct weir_origin **origin, const struct weir_rows *rows)
{
	const struct weir_sampling *s = w->sampling;
	int row;

	if (*origin && !w->is_timed)
		return;
	row = row_left(s, rows);
	if (row < 0)
		return;
	if (!*origin)
		*origin = calloc(1, sizeof(**origin));
	if (*origin)
		weir_origin_add(
		    *origin, &(struct weir_origin_packet){
				 weir_arrival_of(&s->arrival, rows->batch->time_ns[row]),
				 w->is_timed ? s->at_ns : weir_now_mono_ns() });
}

void
weir_sampling_keep(struct weir_sampling *s, const struct weir_rows *rows)
{
	int row = row_left(s, rows);
	unsigned n = 0;

	if (row < 0)
		return;
	for (unsigned i = 0; i < s->n; i++)
		n += weir_mask_test(rows->sel, s->row[i]);
	s->n_kept += n ? n : 1;
	s->kept_ns = weir_arrival_of(&s->arrival, rows->batch->time_ns[row]);
}

void
weir_sampling_sent(struct weir_sampling *s)
{
	weir_sampling_step(s, WEIR_LATENCY_FORWARD);
	add(s, WEIR_LATENCY_END_TO_END, s->at_ns - s->kept_ns, s->n_kept);
	add(s, WEIR_LATENCY_WORK, s->at_ns - s->kept_ns, s->n_kept);
}

void
weir_sampling_note_early(struct weir_worker *w, unsigned query)
{
	weir_early_note(w->queries[query].early, &w->sampling->arrival);
}

void
weir_sampling_put(struct weir_worker *w, struct weir_path_exchange *x)
{
	x->arrival = &w->sampling->arrival;
	x->put_ns = w->is_timed ? w->sampling->at_ns : 0;
}

void
weir_sampling_take(struct weir_worker *w, unsigned query, const struct weir_exchange_block *block)
{
	struct weir_sampling *s = w->sampling;

	if (w->queries[query].early)
		weir_early_note(w->queries[query].early, &block->arrival);
	if (block->put_ns)
		s->gathered_ns = weir_now_mono_ns();
}

void
weir_sampling_taken(struct weir_worker *w, unsigned query, const struct weir_exchange_block *block)
{
	struct weir_sampling *s = w->sampling;
	uint32_t row = block->put_row;
	int64_t now_ns;

	/* Of an ordered exchange a block is taken in parts. */
	if (!block->put_ns || row < block->first || row >= block->end)
		return;
	now_ns = weir_now_mono_ns();
	add(s, WEIR_LATENCY_EXCHANGE, s->gathered_ns - block->put_ns, 1);
	add(s, WEIR_LATENCY_AGGREGATE, now_ns - s->gathered_ns, 1);
	weir_aggregator_note(w->queries[query].aggregator, block->time_ns[row],
	    &(struct weir_origin_packet){
		weir_arrival_of(&block->arrival, block->time_ns[row]), now_ns });
}

void
weir_sampling_close(struct weir_pane *pane)
{
	struct weir_origin *o = weir_pane_need_origin(pane);

	if (o)
		o->handed_ns = weir_now_mono_ns();
}

struct weir_origin *
weir_sampling_hand_over(struct weir_origin **origin)
{
	struct weir_origin *o = *origin;

	*origin = NULL;
	if (o)
		o->handed_ns = weir_now_mono_ns();
	return o;
}

void
weir_sampling_drop(struct weir_origin *origin)
{
	free(origin);
}

void
weir_sampling_swap(struct weir_sampling *s)
{
	s->set = weir_sampling_handed(s);
}

struct weir_latency_set *
weir_sampling_handed(const struct weir_sampling *s)
{
	return s->sets[s->set == s->sets[0]];
}
