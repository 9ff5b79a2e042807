/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/control/control.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/log.h>
#include <weir/base/time.h>
#include <weir/port/eal.h>
#include <weir/port/job.h>

#include "queue.h"

/* A run that is shorter than this does without EAL and its socket. */
#define LEAST_RUN_NS (200 * INT64_C(1000000))

enum state {
	STATE_PENDING,  /* EAL is not needed yet */
	STATE_STARTING, /* another thread starts it */
	STATE_EAGER,    /* the sources need it: it was started before the first poll */
	STATE_LISTENING,
	STATE_NONE, /* there will be no socket */
};

struct weir_control_socket {
	enum state state;
	const char *program;
	int64_t begin_ns; /* of the first poll; 0 before */
	pthread_t starter;
	atomic_bool has_started; /* the starter is done */
	int rc;                  /* how that went, and why it failed */
	struct weir_error err;
	bool is_eal_ours;
};

static void
do_without(struct weir_control_socket *s, const struct weir_error *err)
{
	s->state = STATE_NONE;
	weir_log(
	    WEIR_LOG_NOTICE, "no control socket, weir-ctl cannot reach this run: %s", err->text);
}

static void
listen_now(struct weir_control_socket *s)
{
	s->state = STATE_LISTENING;
	weir_log(WEIR_LOG_INFO, "control socket: weir-ctl -n %s", weir_job_name());
}

/* 0, or an error that ends the run: its name is taken. */
static int
claim(struct weir_control_socket *s, const char *name, struct weir_error *err)
{
	int rc = weir_job_claim(name, err);

	if (!rc && weir_telemetry_register())
		rc = weir_error_run(err, -ENOMEM, "no memory for it");
	if (rc && rc != -EBUSY)
		do_without(s, err);
	return rc == -EBUSY ? rc : 0;
}

int
weir_control_start(const struct weir_control_config *config, struct weir_control_socket **ret,
    struct weir_error *err)
{
	struct weir_control_socket *s = calloc(1, sizeof(*s));
	struct weir_error e;
	int rc = 0;

	if (!s)
		return weir_error_run(err, -ENOMEM, "no memory to start");
	s->program = config->program;
	s->state = config->has_eal ? STATE_EAGER : STATE_PENDING;
	if (config->name || config->has_eal || config->leaves_user)
		rc = claim(s, config->name, &e);
	if (!rc && config->leaves_user && s->state != STATE_NONE)
		rc = weir_job_keep(&e);
	if (rc) {
		*err = e;
		free(s);
		return rc;
	}
	weir_queue_open();
	*ret = s;
	return 0;
}

/*
 * EAL takes its time, which the control thread does not have, and it binds the thread that starts
 * it to CPUs. So a thread of its own does it; those that EAL starts in turn take no signals.
 */
static void *
starter_main(void *arg)
{
	struct weir_control_socket *s = arg;

	s->rc = weir_eal_start_small(s->program, &s->err);
	atomic_store_explicit(&s->has_started, true, memory_order_release);
	return NULL;
}

static void
begin_start(struct weir_control_socket *s)
{
	sigset_t all, before;
	int rc = weir_job_name() ? 0 : claim(s, NULL, &s->err);

	if (s->state == STATE_NONE)
		return;
	if (rc) { /* a process id that lives on in another container */
		do_without(s, &s->err);
		return;
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&s->starter, NULL, starter_main, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc) {
		weir_error_run(&s->err, -rc, "cannot start a thread: %s", strerror(rc));
		do_without(s, &s->err);
		return;
	}
	pthread_setname_np(s->starter, "weir-eal");
	s->state = STATE_STARTING;
}

static void
end_start(struct weir_control_socket *s)
{
	pthread_join(s->starter, NULL);
	s->is_eal_ours = s->rc == 0;
	if (s->rc == 0 && weir_eal_has_telemetry()) {
		listen_now(s);
		return;
	}
	if (s->rc == 0)
		weir_error_run(&s->err, -EIO, "DPDK has made none");
	do_without(s, &s->err);
}

static void
find_telemetry(struct weir_control_socket *s)
{
	struct weir_error err;

	if (weir_eal_has_telemetry()) {
		listen_now(s);
		return;
	}
	weir_error_run(&err, -EINVAL, "the arguments after '--' leave no room for it");
	do_without(s, &err);
}

static void
advance(struct weir_control_socket *s)
{
	int64_t now_ns;

	switch (s->state) {
	case STATE_PENDING:
		now_ns = weir_now_mono_ns();
		s->begin_ns = s->begin_ns ? s->begin_ns : now_ns;
		if (now_ns - s->begin_ns >= LEAST_RUN_NS)
			begin_start(s);
		break;
	case STATE_STARTING:
		if (atomic_load_explicit(&s->has_started, memory_order_acquire))
			end_start(s);
		break;
	case STATE_EAGER:
		find_telemetry(s);
		break;
	case STATE_LISTENING:
	case STATE_NONE:
		break;
	}
}

void
weir_control_settle(struct weir_control_socket *s)
{
	if (!s || s->state != STATE_PENDING)
		return;
	begin_start(s);
	if (s->state == STATE_STARTING)
		end_start(s);
}

void
weir_control_poll(struct weir_control_socket *s, weir_control_handler handler, void *ctx)
{
	if (!s || s->state == STATE_NONE)
		return;
	if (s->state != STATE_LISTENING)
		advance(s);
	weir_queue_answer(handler, ctx);
}

void
weir_control_stop(struct weir_control_socket *s)
{
	if (!s)
		return;
	weir_queue_close();
	if (s->state == STATE_STARTING) {
		pthread_join(s->starter, NULL);
		s->is_eal_ours = s->rc == 0;
	}
	if (s->is_eal_ours)
		weir_eal_stop();
	free(s);
}
