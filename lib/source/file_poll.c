/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <weir/base/time.h>

#include "file.h"

/* Between two passes over a file whose packets do not say what their gap is. */
#define DEFAULT_GAP_NS 1000

void
weir_file_describe_damage(const struct weir_file *f, uint64_t n_packets, struct weir_error *err)
{
	weir_error_run(err, -EBADMSG,
	    "'%s': damaged at byte %" PRIu64 ": %s; %" PRIu64 " packet%s before it %s read",
	    f->options.path, f->reader->damage_offset, f->reader->why, n_packets,
	    n_packets == 1 ? "" : "s", n_packets == 1 ? "was" : "were");
}

void
weir_file_note_interfaces(struct weir_file *f)
{
	uint32_t n = f->reader->n_interfaces;

	/* Those beyond share the last number. */
	f->base.n_interfaces = n > UINT16_MAX ? UINT16_MAX : (uint16_t)n;
}

static enum weir_read
read_some(struct weir_file *f, struct weir_batch *b, uint32_t max)
{
	if (!f->arena)
		return f->reader->ops->fill(f->reader, b, max);
	weir_arena_fill(f->arena, &f->cursor, b, max);
	if (b->n)
		return WEIR_READ_OK;
	return f->is_damaged ? WEIR_READ_DAMAGED : WEIR_READ_END;
}

static void
note_times(struct weir_file *f, const struct weir_batch *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		int64_t t = b->time_ns[i];

		if (t == WEIR_TIME_NONE)
			continue;
		if (!f->n_timed || t < f->min_ns)
			f->min_ns = t;
		if (!f->n_timed || t > f->max_ns)
			f->max_ns = t;
		f->n_timed++;
	}
}

static void
shift_times(struct weir_batch *b, int64_t shift_ns)
{
	int64_t *time_ns = b->time_ns;

	for (uint32_t i = 0; i < b->n; i++)
		if (time_ns[i] != WEIR_TIME_NONE &&
		    __builtin_add_overflow(time_ns[i], shift_ns, &time_ns[i]))
			time_ns[i] = WEIR_TIME_NONE;
}

/* The same where no sum can overflow. */
static void
shift_times_within(struct weir_batch *b, int64_t shift_ns)
{
	int64_t *time_ns = b->time_ns;

	for (uint32_t i = 0; i < b->n; i++)
		time_ns[i] += time_ns[i] == WEIR_TIME_NONE ? 0 : shift_ns;
}

/* The next pass begins one mean gap after the last packet of this one. */
static void
advance_shift(struct weir_file *f)
{
	int64_t duration, gap = 0;

	if (f->arena) {
		f->n_timed = f->arena->n_timed;
		f->min_ns = f->arena->min_ns;
		f->max_ns = f->arena->max_ns;
	}
	if (!f->n_timed)
		return;
	if (__builtin_sub_overflow(f->max_ns, f->min_ns, &duration))
		duration = INT64_MAX;
	if (f->n_timed > 1)
		gap = duration / (int64_t)(f->n_timed - 1);
	if (gap == 0)
		gap = DEFAULT_GAP_NS;
	if (__builtin_add_overflow(f->shift_ns, duration, &f->shift_ns) ||
	    __builtin_add_overflow(f->shift_ns, gap, &f->shift_ns))
		f->shift_ns = INT64_MAX;
}

/* Back to the first packet. False at the end of the last pass, and of a file without packets. */
static bool
next_pass(struct weir_file *f)
{
	struct weir_error err;
	int rc;

	f->n_passes++;
	if (f->n_passes == f->options.n_loops || !f->n_in_pass)
		return false;
	advance_shift(f);
	f->n_in_pass = 0;
	f->n_timed = 0;
	if (f->arena) {
		memset(&f->cursor, 0, sizeof(f->cursor));
		return true;
	}
	f->reader->ops->close(f->reader);
	f->reader = NULL;
	rc = weir_input_rewind(&f->in);
	if (rc)
		weir_error_run(&err, rc, "cannot read it again: %s", strerror(-rc));
	else
		rc = weir_file_open_reader(f, &err);
	if (rc) {
		weir_error_wrap(&err, "'%s'", f->options.path);
		f->damage = err;
		f->is_damaged = true;
	}
	return rc == 0;
}

/* What loop= makes of the times. Those of an arena were noted while it was loaded. */
static void
pass_times(struct weir_file *f, struct weir_batch *b)
{
	int64_t last_ns;

	if (!f->arena)
		note_times(f, b);
	if (!f->shift_ns)
		return;
	if (f->arena && !__builtin_add_overflow(f->arena->max_ns, f->shift_ns, &last_ns))
		shift_times_within(b, f->shift_ns);
	else
		shift_times(b, f->shift_ns);
}

static enum weir_poll
fail(struct weir_file *f)
{
	if (f->is_damaged)
		f->base.error = f->damage;
	else
		weir_file_describe_damage(f, f->n_read, &f->base.error);
	f->is_damaged = true;
	f->damage = f->base.error;
	f->is_ended = true;
	return WEIR_POLL_ERROR;
}

static void
note_progress(struct weir_file *f)
{
	uint64_t done = f->in.offset;

	if (f->arena)
		done = f->arena->n_packets
			   ? (uint64_t)((double)f->cursor.n_packets / (double)f->arena->n_packets *
					(double)f->size_bytes)
			   : f->size_bytes;
	__atomic_store_n(&f->done_bytes, f->n_passes * f->size_bytes + done, __ATOMIC_RELAXED);
}

/* What a pipe holds, as soon as it can be told. */
static enum weir_poll
begin_reading(struct weir_file *f)
{
	struct weir_error err;

	if (!weir_file_has_head(f, 0))
		return WEIR_POLL_OK;
	if (weir_file_open_reader(f, &err) == 0)
		return WEIR_POLL_OK;
	weir_error_wrap(&err, "-r '%s'", f->options.path);
	f->damage = err;
	f->is_damaged = true;
	return fail(f);
}

/* The next packets of the file, over all its passes, as fast as they can be read. */
static enum weir_poll
fill(struct weir_file *f, struct weir_batch *b, uint32_t max)
{
	b->n = 0;
	if (f->is_ended)
		return f->is_damaged ? WEIR_POLL_ERROR : WEIR_POLL_END;
	if (!f->reader && !f->arena) {
		enum weir_poll rc = begin_reading(f);

		if (rc != WEIR_POLL_OK || !f->reader)
			return rc;
	}
	for (;;) {
		switch (read_some(f, b, max)) {
		case WEIR_READ_OK:
			if (f->reader)
				weir_file_note_interfaces(f);
			f->n_in_pass += b->n;
			f->n_read += b->n;
			if (f->options.n_loops != 1)
				pass_times(f, b);
			note_progress(f);
			return WEIR_POLL_OK;
		case WEIR_READ_DAMAGED:
			return fail(f);
		case WEIR_READ_END:
			if (next_pass(f))
				break;
			if (f->is_damaged)
				return fail(f);
			f->is_ended = true;
			return WEIR_POLL_END;
		}
	}
}

/* True when packet i of pending is due. */
static bool
is_due(struct weir_file *f, uint32_t i, int64_t now_ns)
{
	struct weir_file_pace *p = &f->pace;
	int64_t t = f->pending->time_ns[i];
	double due;

	if (!p->has_start) {
		p->has_start = true;
		p->start_ns = now_ns;
	}
	if (f->options.speed == WEIR_FILE_SPEED_RATE) {
		due = (double)p->n_sent * 1e9 / (double)f->options.rate_pps;
		return (double)(now_ns - p->start_ns) >= due;
	}
	if (t == WEIR_TIME_NONE)
		return true;
	if (!p->has_time) {
		p->has_time = true;
		p->time_ns = t;
		p->start_ns = now_ns;
	}
	due = ((double)t - (double)p->time_ns) / f->options.factor;
	return (double)(now_ns - p->start_ns) >= due;
}

static void
copy_view(struct weir_batch *to, uint32_t n, const struct weir_batch *from, uint32_t i)
{
	to->data[n] = from->data[i];
	to->cap_len[n] = from->cap_len[i];
	to->wire_len[n] = from->wire_len[i];
	to->time_ns[n] = from->time_ns[i];
	to->interface[n] = from->interface[i];
	to->link[n] = from->link[i];
	to->dlt[n] = from->dlt[i];
	to->owner[n] = NULL;
}

/*
 * What is due of pending. It is read anew only when all of it was handed out, in a poll after that,
 * so views stay as long as the caller may use them.
 */
static enum weir_poll
fill_paced(struct weir_file *f, struct weir_batch *b, uint32_t max, int64_t now_ns)
{
	enum weir_poll rc;

	b->n = 0;
	b->queue_depth = -1;
	if (f->pending_at == f->pending->n) {
		f->pending_at = 0;
		rc = fill(f, f->pending, WEIR_ROWS);
		if (rc != WEIR_POLL_OK)
			return rc;
	}
	while (b->n < max && f->pending_at < f->pending->n && is_due(f, f->pending_at, now_ns)) {
		copy_view(b, b->n, f->pending, f->pending_at);
		b->n++;
		f->pending_at++;
		f->pace.n_sent++;
	}
	return WEIR_POLL_OK;
}

enum weir_poll
weir_file_poll(
    struct weir_source *s, unsigned queue, struct weir_batch *b, uint32_t max, int64_t now_ns)
{
	struct weir_file *f = (struct weir_file *)s;

	(void)queue;
	if (max > WEIR_ROWS)
		max = WEIR_ROWS;
	if (f->options.speed == WEIR_FILE_SPEED_MAX)
		return fill(f, b, max);
	return fill_paced(f, b, max, now_ns);
}
