/* SPDX-License-Identifier: BSD-3-Clause */
#include "session.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <weir/base/number.h>
#include <weir/base/time.h>

#include "ports.h"
#include "receiver.h"

/* Single probes: a prime, so that it does not beat with timers of whole milliseconds. */
#define SINGLE_PPS 1009
#define FLOOR_NS   (2 * WEIR_NS_PER_S)
#define MS_NS      (WEIR_NS_PER_S / 1000)

static unsigned
count_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (unsigned)CPU_COUNT(&set);
}

int
session_open(
    const struct config *c, const atomic_bool *stop, struct session **ret, struct weir_error *err)
{
	struct session *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return weir_error_run(err, -ENOMEM, "out of memory");
	s->config = c;
	s->stop = stop;
	s->is_watched = isatty(STDERR_FILENO);
	s->n_cpus = count_cpus();
	/* the device that is measured wants a CPU, too */
	s->n_threads = c->n_threads ? c->n_threads : s->n_cpus >= 3 ? 2 : 1;
	if (getrandom(&s->first_stream, sizeof(s->first_stream), 0) < 0)
		s->first_stream = (uint32_t)weir_now_mono_ns();
	rc = ports_open(s, err);
	if (rc) {
		session_close(s);
		return rc;
	}
	*ret = s;
	return 0;
}

void
session_close(struct session *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->n_outcomes; i++) {
		tally_fini(&s->outcomes[i]->tally);
		free(s->outcomes[i]);
	}
	ports_close(s);
	free(s);
}

void
session_say(const struct session *s, const char *fmt, ...)
{
	va_list ap;

	if (!s->is_watched)
		return;
	va_start(ap, fmt);
	fputs("weir-latency: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

/* Probes of a duration, at least one. */
static uint64_t
count_probes(double pps, int64_t for_ns)
{
	double n = floor(pps * (double)for_ns / 1e9);

	return n < 1 ? 1 : (uint64_t)n;
}

static int
run_trial(struct session *s, bool is_floor, struct trial *t, struct tally *tally,
    struct trial_sent *sent, struct weir_error *err)
{
	const struct path *p = is_floor ? &s->floor_way : &s->path;
	struct frame_config frame = s->config->frame;
	int rc;

	if (is_floor)
		frame.row_every = 0; /* packets come back, not rows */
	t->n_threads = s->n_threads;
	t->stream = s->first_stream + s->n_streams++;
	frame.row_first = s->n_rows;
	tally->row_first = s->n_rows;
	t->frame = &frame;
	t->stop = s->stop;
	tally->first_stream = s->first_stream;
	rc = trial_run(p, t, tally, sent, err);
	if (!is_floor) {
		s->n_sent += sent->n;
		s->n_received += tally->n_received + tally->n_late;
	}
	if (frame.row_every)
		s->n_rows += frame_count_back(&frame, sent->n);
	s->is_interrupted = atomic_load(s->stop);
	return rc;
}

int
session_trial(struct session *s, bool is_floor, double pps, int64_t for_ns, struct tally *t,
    struct trial_sent *sent, struct weir_error *err)
{
	struct trial trial = {
		.pps = pps, .n = count_probes(pps, for_ns), .drain_ns = s->config->drain_ns
	};

	return run_trial(s, is_floor, &trial, t, sent, err);
}

/* A trial that is not looked at. */
static int
warm_up(struct session *s, bool is_floor, struct outcome *o, struct weir_error *err)
{
	struct trial_sent *sent = &s->scratch;
	struct tally t = { 0 };
	int rc;

	if (!s->config->warmup_ns || s->is_interrupted)
		return 0;
	rc = session_trial(s, is_floor, o->pps, s->config->warmup_ns, &t, sent, err);
	if (!rc)
		o->n_warmup = sent->n;
	tally_fini(&t);
	return rc;
}

static int
measure(struct session *s, bool is_floor, double share, double pps, struct weir_error *err)
{
	int64_t for_ns = s->config->for_ns;
	struct outcome *o = calloc(1, sizeof(*o));
	char count[32];
	int rc;

	if (!o)
		return weir_error_run(err, -ENOMEM, "out of memory");
	if (is_floor && for_ns > FLOOR_NS)
		for_ns = FLOOR_NS;
	o->share = share;
	o->pps = pps;
	o->is_floor = is_floor;
	if (share >= 0)
		snprintf(o->name, sizeof(o->name), "%sload %g%%", is_floor ? "floor at " : "",
		    100 * share);
	else
		snprintf(o->name, sizeof(o->name), "%srate %s/s", is_floor ? "floor at " : "",
		    weir_text_count(pps, count, sizeof(count)));
	s->outcomes[s->n_outcomes++] = o;
	session_say(s, "%s, for %s", o->name, weir_text_duration(for_ns, count, sizeof(count)));
	rc = warm_up(s, is_floor, o, err);
	if (!rc)
		rc = session_trial(s, is_floor, pps, for_ns, &o->tally, &o->sent, err);
	return rc;
}

/* The floor first, and then what is above it. */
static int
measure_both(struct session *s, double share, double pps, struct weir_error *err)
{
	int rc = 0;

	if (s->is_interrupted)
		return 0;
	if (s->floor_tx)
		rc = measure(s, true, share, pps, err);
	if (!rc && !s->is_interrupted)
		rc = measure(s, false, share, pps, err);
	return rc;
}

/* One after the other until the first comes back. */
static int
find_way(struct session *s, bool is_floor, struct weir_error *err)
{
	struct trial trial = { .pps = SINGLE_PPS, .drain_ns = s->config->wait_ns };
	const struct config *c = s->config;
	struct trial_sent *sent = &s->scratch;
	struct tally t = { 0 };
	char waited[32];
	int rc;

	rc = run_trial(s, is_floor, &trial, &t, sent, err);
	if (!rc && !t.n_received && !s->is_interrupted)
		rc = weir_error_run(err, -ETIMEDOUT,
		    "no probe came back by '%s' within %s: %llu left by '%s', and %llu packets "
		    "that are none of them came (does the device pass on what is for %s? --wait "
		    "to wait longer)",
		    is_floor  ? s->floor.rx
		    : c->rows ? c->rows
			      : c->rx,
		    weir_text_duration(c->wait_ns, waited, sizeof(waited)),
		    (unsigned long long)sent->n, is_floor ? s->floor.tx : c->tx,
		    (unsigned long long)(t.n_other), "02:00:00:00:00:02");
	tally_fini(&t);
	return rc;
}

/* In probes a second: of bits and lines, by what a probe has on the average. */
static int
find_rate(struct session *s, const char *flag, const struct weir_rate *rate, double *ret,
    struct weir_error *err)
{
	double bytes = frame_mean(&s->config->frame);
	struct weir_rate r = *rate;

	if (weir_rate_of_line(&r, weir_port_speed_bps(s->tx), err))
		return weir_error_wrap(err, "%s", flag);
	*ret = (double)r.micro / 1e6;
	if (r.kind == WEIR_RATE_BITS)
		*ret /= 8 * bytes;
	if (r.kind == WEIR_RATE_LINE)
		*ret /= 8 * (bytes + WEIR_LINE_EXTRA_BYTES);
	if (*ret < 1 || *ret > 1e10)
		return weir_error_usage(
		    err, "%s: that is %g probes a second (try 1 to 10G)", flag, *ret);
	return 0;
}

int
session_run(struct session *s, struct weir_error *err)
{
	const struct config *c = s->config;
	double pps = 0;
	int rc = ports_wait(s, err);

	if (!rc && s->floor_tx)
		rc = find_way(s, true, err);
	if (!rc && !s->is_interrupted)
		rc = find_way(s, false, err);
	if (!rc && c->has_max)
		rc = find_rate(s, "--max-rate", &c->max_rate, &s->ndr.pps, err);
	if (!rc && c->has_rate)
		rc = find_rate(s, "--rate", &c->rate, &pps, err);
	if (!rc && c->is_ndr && !s->is_interrupted)
		rc = session_find_ndr(s, err);
	if (!rc && c->has_rate)
		rc = measure_both(s, -1, pps, err);
	for (unsigned i = 0; i < c->n_loads && !rc; i++) {
		pps = c->loads[i] > 0 ? c->loads[i] * s->ndr.pps : SINGLE_PPS;
		rc = measure_both(s, c->loads[i], pps < 1 ? 1 : pps, err);
	}
	return rc;
}
