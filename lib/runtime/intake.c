/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/base/time.h>

#include "intake.h"

/* Packets may still sit in kernel buffers for so long. */
#define QUIET_GUARD_NS (WEIR_NS_PER_S / 5)
/* Whoever has the turn may wait for a disk or a pipe; the others look around meanwhile. */
#define TURN_WAIT_NS (WEIR_NS_PER_S / 50)

int
weir_intake_create(struct weir_source *const *sources, unsigned n_sources, unsigned n_workers,
    uint64_t most, uint32_t port_burst, struct weir_intake **ret, struct weir_error *err)
{
	struct weir_intake *in = aligned_alloc(64, sizeof(*in));
	unsigned n = 0;

	if (!in)
		return weir_error_run(err, -ENOMEM, "out of memory");
	memset(in, 0, sizeof(*in));
	for (unsigned i = 0; i < n_sources; i++)
		n += sources[i]->n_queues;
	in->n_workers = n_workers;
	in->most = most;
	in->is_ordered = true;
	pthread_mutex_init(&in->turn, NULL);
	in->inputs = aligned_alloc(64, n * sizeof(*in->inputs) + 64);
	if (!in->inputs) {
		weir_intake_destroy(in);
		return weir_error_run(err, -ENOMEM, "out of memory");
	}
	for (unsigned i = 0; i < n_sources; i++) {
		/* One worker takes all by turns with itself, so that sources pass side by side. */
		bool is_own = n_workers > 1 && sources[i]->n_queues >= n_workers;

		in->has_shared |= !is_own;
		in->is_ordered &= !is_own;
		for (unsigned q = 0; q < sources[i]->n_queues; q++)
			in->inputs[in->n_inputs++] = (struct weir_input){
				.source = sources[i],
				.queue = q,
				.is_own = is_own,
				.worker = q % n_workers,
				.burst = sources[i]->needs_eal ? port_burst : WEIR_ROWS,
				.high_ns = INT64_MIN,
			};
	}
	*ret = in;
	return 0;
}

void
weir_intake_destroy(struct weir_intake *in)
{
	if (!in)
		return;
	pthread_mutex_destroy(&in->turn);
	free(in->inputs);
	free(in);
}

static bool
is_open(const struct weir_input *input)
{
	return !atomic_load_explicit(&input->has_ended, memory_order_relaxed);
}

static int64_t
high_of(const struct weir_input *input)
{
	return atomic_load_explicit(&input->high_ns, memory_order_relaxed);
}

static void
set_high(struct weir_input *input, int64_t high_ns)
{
	atomic_store_explicit(&input->high_ns, high_ns, memory_order_relaxed);
}

/* Poll, and note how far the input's time has come. Whoever may poll it. */
static uint32_t
poll_input(struct weir_input *input, struct weir_batch *b, uint64_t max, int64_t now_ns,
    struct weir_burst *ret)
{
	struct weir_source *s = input->source;
	int64_t high_ns = high_of(input);

	b->n = 0;
	b->queue_depth = -1;
	*ret = (struct weir_burst){ input, high_ns };
	if (!max || !is_open(input))
		return 0;
	if (s->ops->poll(s, input->queue, b, max < input->burst ? (uint32_t)max : input->burst,
		now_ns) != WEIR_POLL_OK) {
		atomic_store_explicit(&input->has_ended, true, memory_order_relaxed);
		return 0;
	}
	/* A quiet live source must not hold windows back: its time goes on with the clock. */
	if (!b->n && s->is_live && high_ns < now_ns - QUIET_GUARD_NS)
		set_high(input, now_ns - QUIET_GUARD_NS);
	if (!b->n)
		return 0;
	for (unsigned row = 0; row < b->n; row++)
		high_ns = b->time_ns[row] > high_ns ? b->time_ns[row] : high_ns;
	set_high(input, high_ns);
	return b->n;
}

static uint64_t
left_of(const struct weir_intake *in)
{
	return in->most - atomic_load_explicit(&in->taken, memory_order_relaxed);
}

/* Under turn: number the packets of a burst. */
static void
number(struct weir_intake *in, struct weir_batch *b, _Atomic uint64_t *at_number)
{
	uint64_t taken = atomic_load_explicit(&in->taken, memory_order_relaxed);

	b->first_number = (int64_t)taken + 1;
	if (at_number)
		atomic_store_explicit(at_number, taken + 1, memory_order_relaxed);
	atomic_store_explicit(&in->taken, taken + b->n, memory_order_release);
}

static bool
begin_turn(struct weir_intake *in)
{
	struct timespec until;
	int64_t until_ns;

	if (in->n_workers == 1 || pthread_mutex_trylock(&in->turn) == 0)
		return true;
	until_ns = weir_now_wall_ns() + TURN_WAIT_NS;
	until = (struct timespec){ until_ns / WEIR_NS_PER_S, until_ns % WEIR_NS_PER_S };
	return pthread_mutex_timedlock(&in->turn, &until) == 0;
}

static void
end_turn(struct weir_intake *in)
{
	if (in->n_workers > 1)
		pthread_mutex_unlock(&in->turn);
}

uint32_t
weir_intake_poll(struct weir_intake *in, struct weir_input *input, struct weir_batch *b,
    int64_t now_ns, struct weir_burst *ret)
{
	uint32_t n;

	if (in->most == UINT64_MAX) {
		n = poll_input(input, b, WEIR_ROWS, now_ns, ret);
		if (n)
			b->first_number = (int64_t)atomic_fetch_add_explicit(
					      &in->taken, n, memory_order_relaxed) +
					  1;
		return n;
	}
	if (!begin_turn(in))
		return 0;
	n = poll_input(input, b, left_of(in), now_ns, ret);
	if (n)
		number(in, b, NULL);
	end_turn(in);
	return n;
}

/*
 * The file that is furthest behind in event time, so that several pass side by side; NULL where no
 * file is left.
 */
static struct weir_input *
furthest_behind(struct weir_intake *in)
{
	struct weir_input *pick = NULL;

	for (unsigned i = 0; i < in->n_inputs; i++) {
		struct weir_input *input = &in->inputs[i];

		if (input->is_own || input->source->is_live || !is_open(input))
			continue;
		if (!pick || high_of(input) < high_of(pick))
			pick = input;
	}
	return pick;
}

/*
 * The next burst of a shared input. Every other turn begins with the files, so that they and live
 * sources leave room for each other; where the file whose turn it is is paced and has nothing yet,
 * the others go on.
 */
static uint32_t
poll_shared(struct weir_intake *in, struct weir_batch *b, int64_t now_ns, struct weir_burst *ret)
{
	uint64_t max = left_of(in);
	struct weir_input *file;
	bool is_waiting = false;
	unsigned turn;
	uint32_t n = 0;

	if (in->n_inputs == 1)
		return poll_input(in->inputs, b, max, now_ns, ret);
	file = furthest_behind(in);
	turn = in->n_turns++;
	for (unsigned pass = 0; !n && pass < 2; pass++) {
		if (file && (turn + pass) % 2 == 0) {
			n = poll_input(file, b, max, now_ns, ret);
			is_waiting = !n && is_open(file);
			continue;
		}
		for (unsigned i = 0; !n && i < in->n_inputs; i++) {
			struct weir_input *input = &in->inputs[(turn / 2 + i) % in->n_inputs];

			if (!input->is_own && input->source->is_live)
				n = poll_input(input, b, max, now_ns, ret);
		}
	}
	for (unsigned i = 0; is_waiting && !n && i < in->n_inputs; i++)
		if (!in->inputs[i].is_own && &in->inputs[i] != file)
			n = poll_input(&in->inputs[i], b, max, now_ns, ret);
	return n;
}

/*
 * Views that the next poll would overwrite are copied. Without memory for that the input ends with
 * an error: its packets cannot be held.
 */
static uint32_t
keep(struct weir_burst *burst, struct weir_batch *b)
{
	struct weir_source *s = burst->input->source;

	if (weir_batch_keep(b)) {
		weir_error_run(
		    &s->error, -ENOMEM, "%s: no memory to hold a burst of packets", s->name);
		atomic_store_explicit(&burst->input->has_ended, true, memory_order_relaxed);
		b->n = 0;
	}
	if (s->ops->release)
		s->ops->release(s, b);
	return b->n;
}

uint32_t
weir_intake_turn(struct weir_intake *in, struct weir_batch *b, int64_t now_ns,
    _Atomic uint64_t *at_number, struct weir_burst *ret)
{
	uint32_t n;

	if (!begin_turn(in))
		return 0;
	n = poll_shared(in, b, now_ns, ret);
	if (n && in->n_workers > 1 && !ret->input->source->has_lasting_views)
		n = keep(ret, b);
	if (n)
		number(in, b, at_number);
	end_turn(in);
	return n;
}

void
weir_intake_release(struct weir_intake *in, const struct weir_burst *burst, struct weir_batch *b)
{
	const struct weir_source *s = burst->input->source;

	if (s->ops->release && (burst->input->is_own || in->n_workers == 1 || s->has_lasting_views))
		s->ops->release(burst->input->source, b);
}

uint64_t
weir_intake_next(const struct weir_intake *in)
{
	return atomic_load_explicit(&in->taken, memory_order_acquire) + 1;
}

int64_t
weir_intake_watermark(const struct weir_intake *in)
{
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < in->n_inputs; i++) {
		const struct weir_input *input = &in->inputs[i];

		if (is_open(input) && high_of(input) < least)
			least = high_of(input);
	}
	return least;
}

bool
weir_intake_has_ended(const struct weir_intake *in, unsigned worker)
{
	if (in->most != UINT64_MAX && left_of(in) == 0)
		return true;
	for (unsigned i = 0; i < in->n_inputs; i++) {
		const struct weir_input *input = &in->inputs[i];

		if ((!input->is_own || input->worker == worker) && is_open(input))
			return false;
	}
	return true;
}
