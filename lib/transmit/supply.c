/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/transmit/supply.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>

#include "packets.h"

/* Between two passes over packets that do not say what their gap is. */
#define DEFAULT_GAP_NS 1000
/* An empty frame, or less than the two addresses and the type. */
#define LEAST_BYTES   14u
#define WINDOW_FRAMES 4096u

/* A source's own pace would be in the way of the schedule's. */
static int
check_pace(const struct weir_source_config *c, struct weir_error *err)
{
	static const char *const keys[] = { "speed=", "pace=1" };
	const char *mark = strrchr(c->value, '?');

	for (unsigned i = 0; mark && i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *at = strstr(mark, keys[i]);

		if (at && (at[-1] == '?' || at[-1] == '&'))
			return weir_error_usage(err,
			    "'%s': %.5s: how fast to send is said by --rate (try --rate "
			    "recorded)",
			    c->value, keys[i]);
	}
	return 0;
}

static int
fail(struct weir_supply *s, uint64_t number, const char *why)
{
	return weir_error_run(&s->error, -EBADMSG, "'%s': packet %" PRIu64 " cannot be sent: %s",
	    s->config.source.value, number, why);
}

static const char *
look(const struct weir_supply *s, const struct weir_batch *b, uint32_t i, struct weir_frame *f)
{
	uint32_t cap = b->cap_len[i] < b->wire_len[i] ? b->cap_len[i] : b->wire_len[i];

	if (b->link[i] != WEIR_LINK_ETHERNET)
		return "it is no Ethernet frame";
	if (b->wire_len[i] > WEIR_FRAME_MAX_BYTES)
		return "it is longer than 9238 bytes (what a host's own segmentation offload made, "
		       "perhaps)";
	if (b->wire_len[i] < LEAST_BYTES)
		return "it is shorter than an Ethernet header";
	*f = (struct weir_frame){
		.data = b->data[i],
		.time_ns = b->time_ns[i],
		.len = (uint16_t)b->wire_len[i],
		.cap = (uint16_t)cap,
	};
	if (!s->config.has_signature)
		return NULL;
	if (cap < b->wire_len[i])
		return "its capture has cut it, and a signature needs all of it";
	return weir_supply_stamp_place(f->data, f->len, &f->sum_at);
}

static void
note_length(struct weir_supply *s, const struct weir_frame *f)
{
	bool is_tagged = f->cap >= LEAST_BYTES && f->data[12] == 0x81 && f->data[13] == 0;
	uint32_t payload = f->len < LEAST_BYTES + 4u ? 0u : f->len - LEAST_BYTES - 4u * is_tagged;

	if (f->len > s->longest_bytes)
		s->longest_bytes = f->len;
	if (payload > s->longest_payload)
		s->longest_payload = payload;
}

/* The frames of a batch, in ret. -EBADMSG with s->error. */
static int
view(struct weir_supply *s, const struct weir_batch *b, struct weir_frame *ret)
{
	for (uint32_t i = 0; i < b->n; i++) {
		const char *why = look(s, b, i, &ret[i]);
		int64_t t = b->time_ns[i];

		s->n_read++;
		if (why)
			return fail(s, s->n_read, why);
		s->n_cut += ret[i].cap < ret[i].len;
		note_length(s, &ret[i]);
		if (t == WEIR_TIME_NONE)
			continue;
		if (!s->n_timed || t < s->min_ns)
			s->min_ns = t;
		if (!s->n_timed || t > s->max_ns)
			s->max_ns = t;
		s->n_timed++;
	}
	return 0;
}

static int
open_source(struct weir_supply *s, struct weir_error *err)
{
	s->n_read = 0;
	s->n_timed = 0;
	return weir_source_open(&s->config.source, &s->source, err);
}

static void
close_source(struct weir_supply *s)
{
	if (s->source)
		weir_source_close(s->source);
	s->source = NULL;
}

/* One batch. ERROR with s->error. */
static enum weir_poll
read_batch(struct weir_supply *s)
{
	enum weir_poll rc;

	if (s->batch->n && s->source->ops->release)
		s->source->ops->release(s->source, s->batch);
	s->batch->n = 0;
	do
		rc = s->source->ops->poll(s->source, 0, s->batch, WEIR_ROWS, weir_now_wall_ns());
	while (rc == WEIR_POLL_OK && !s->batch->n);
	if (rc == WEIR_POLL_ERROR)
		s->error = s->source->error;
	if (rc == WEIR_POLL_OK && view(s, s->batch, s->views))
		return WEIR_POLL_ERROR;
	return rc;
}

static int
keep_batch(struct weir_supply *s)
{
	for (uint32_t i = 0; i < s->batch->n; i++)
		if (weir_packets_add(s->packets, &s->views[i]))
			return weir_error_run(&s->error, -ENOMEM, "no memory for the packets");
	return 0;
}

/* Read all into memory. *ret_fits is false where it is more than that may be. */
static enum weir_poll
load(struct weir_supply *s, bool *ret_fits)
{
	enum weir_poll rc;

	*ret_fits = true;
	while ((rc = read_batch(s)) == WEIR_POLL_OK) {
		if (keep_batch(s))
			return WEIR_POLL_ERROR;
		*ret_fits = s->packets->n_bytes <= s->config.memory_bytes;
		if (!*ret_fits)
			return WEIR_POLL_OK;
	}
	return rc;
}

/* Not all fits: from the beginning again, as they come. */
static int
begin_stream(struct weir_supply *s, struct weir_error *err)
{
	weir_packets_destroy(s->packets);
	s->packets = NULL;
	s->batch->n = 0;
	close_source(s);
	s->longest_bytes = WEIR_FRAME_MAX_BYTES;
	s->n_cut = 0;
	if (s->config.source.flag == WEIR_SOURCE_FILE && s->config.source.value[0] == '-' &&
	    (!s->config.source.value[1] || s->config.source.value[1] == '?'))
		return weir_error_run(err, -ENOMEM,
		    "'-': standard input holds more than %" PRIu64 " MB of packets, and cannot be "
		    "read twice (put it into a file)",
		    s->config.memory_bytes >> 20);
	return open_source(s, err);
}

/* From the first packet of a pass to that of the next: a mean gap after the last one. */
static int64_t
pass_ns(const struct weir_supply *s)
{
	int64_t span, gap = DEFAULT_GAP_NS, all;

	if (!s->n_timed)
		return 0;
	if (__builtin_sub_overflow(s->max_ns, s->min_ns, &span))
		span = INT64_MAX;
	if (s->n_timed > 1 && span / (int64_t)(s->n_timed - 1) > 0)
		gap = span / (int64_t)(s->n_timed - 1);
	return __builtin_add_overflow(span, gap, &all) ? INT64_MAX : all;
}

static int64_t
add_times(int64_t a, int64_t b)
{
	int64_t t;

	return __builtin_add_overflow(a, b, &t) ? INT64_MAX : t;
}

/* Bursts do not go beyond a window, so a few packets are put into it again and again. */
static int
widen(struct weir_supply *s)
{
	uint32_t n = s->packets->n;

	s->pass_ns = pass_ns(s);
	if (!s->config.is_repeated)
		return 0;
	while (s->packets->n < WINDOW_FRAMES) {
		if (weir_packets_repeat(s->packets, n, s->pass_ns))
			return -ENOMEM;
		s->n_passes++;
	}
	return 0;
}

static int
open_supply(struct weir_supply *s, struct weir_error *err)
{
	static const struct weir_field_set none;
	bool fits = true;
	int rc = open_source(s, err);

	if (rc)
		return rc;
	s->packets = weir_packets_create();
	s->batch = weir_batch_create(&none);
	s->views = calloc(WEIR_ROWS, sizeof(*s->views));
	if (!s->packets || !s->batch || !s->views)
		return weir_error_run(err, -ENOMEM, "no memory for the packets");
	if (load(s, &fits) == WEIR_POLL_ERROR) {
		*err = s->error;
		return err->code;
	}
	if (!fits)
		return begin_stream(s, err);
	if (!s->packets->n)
		return weir_error_run(
		    err, -ENODATA, "'%s': there are no packets in it", s->config.source.value);
	s->batch->n = 0;
	close_source(s);
	s->n_packets = s->packets->n;
	return widen(s) ? weir_error_run(err, -ENOMEM, "no memory for the packets") : 0;
}

int
weir_supply_open(
    const struct weir_supply_config *c, struct weir_supply **ret, struct weir_error *err)
{
	struct weir_supply *s;
	int rc = check_pace(&c->source, err);

	if (rc)
		return rc;
	s = calloc(1, sizeof(*s));
	if (!s)
		return weir_error_run(err, -ENOMEM, "no memory for the packets");
	s->config = *c;
	s->n_passes = 1;
	rc = open_supply(s, err);
	if (rc) {
		weir_supply_close(s);
		return rc;
	}
	*ret = s;
	return 0;
}

struct weir_supply *
weir_supply_share(const struct weir_supply *from)
{
	struct weir_supply *s = from->packets ? malloc(sizeof(*s)) : NULL;

	if (!s)
		return NULL;
	*s = *from;
	s->is_shared = true;
	s->batch = NULL;
	s->views = NULL;
	s->frames = NULL;
	s->at = s->n = 0;
	s->shift_ns = 0;
	s->is_ended = false;
	return s;
}

void
weir_supply_close(struct weir_supply *s)
{
	if (!s)
		return;
	close_source(s);
	if (!s->is_shared)
		weir_packets_destroy(s->packets);
	weir_batch_destroy(s->batch);
	free(s->views);
	free(s);
}

static enum weir_poll
refill_stream(struct weir_supply *s)
{
	enum weir_poll rc = read_batch(s);

	if (rc == WEIR_POLL_END && s->config.is_repeated) {
		s->shift_ns = add_times(s->shift_ns, pass_ns(s));
		close_source(s);
		s->batch->n = 0;
		if (open_source(s, &s->error))
			return WEIR_POLL_ERROR;
		rc = read_batch(s);
	}
	s->frames = s->views;
	s->n = rc == WEIR_POLL_OK ? s->batch->n : 0;
	return rc;
}

enum weir_poll
weir_supply_refill(struct weir_supply *s)
{
	s->at = s->n = 0;
	if (s->is_ended)
		return WEIR_POLL_END;
	if (!s->packets)
		return refill_stream(s);
	if (s->frames && !s->config.is_repeated) {
		s->is_ended = true;
		return WEIR_POLL_END;
	}
	for (uint32_t i = 0; s->frames && i < s->n_passes; i++)
		s->shift_ns = add_times(s->shift_ns, s->pass_ns);
	s->frames = s->packets->frames;
	s->n = s->packets->n;
	return WEIR_POLL_OK;
}
