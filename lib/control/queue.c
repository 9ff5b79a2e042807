/* SPDX-License-Identifier: BSD-3-Clause */
#include "queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long a request waits for the control thread, which may be waiting for a reader of rows. */
#define WAIT_S     5
#define A_ROUND    4 /* requests that one round of the control loop answers at most */
#define MAX_QUEUED 32

struct request {
	struct request *next;
	enum weir_control_command command;
	char *argument;
	json_t *answer; /* once it is there */
	bool is_taken;  /* the control thread is at it */
	bool is_given_up;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	struct request *first;
	atomic_uint n; /* in the list; read without the lock */
	bool is_open;
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER };

static json_t *
failure(const struct weir_error *err)
{
	return json_pack("{s:s, s:i}", "error", err->text, "fail", (int)err->fail);
}

/* For those who come, or wait, when nobody answers any more. */
static json_t *
say_ended(void)
{
	return json_pack("{s:s, s:i, s:b}", "error", "the run has ended", "fail",
	    (int)WEIR_FAIL_RUN, "ended", 1);
}

static json_t *
say(const char *text)
{
	struct weir_error err;

	weir_error_run(&err, -EAGAIN, "%s", text);
	return failure(&err);
}

static void
destroy(struct request *r)
{
	json_decref(r->answer);
	free(r->argument);
	free(r);
}

static void
append(struct request *r)
{
	struct request **end = &queue.first;

	while (*end)
		end = &(*end)->next;
	*end = r;
	atomic_fetch_add_explicit(&queue.n, 1, memory_order_relaxed);
}

static void
take_out(struct request *r)
{
	struct request **at = &queue.first;

	while (*at && *at != r)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = r->next;
	atomic_fetch_sub_explicit(&queue.n, 1, memory_order_relaxed);
}

/* With the lock held. False where no answer came in time. */
static bool
wait_answer(struct request *r)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += WAIT_S;
	while (!r->answer)
		if (pthread_cond_clockwait(&queue.answered, &queue.lock, CLOCK_MONOTONIC, &end))
			return r->answer != NULL;
	return true;
}

static json_t *
give_up(struct request *r)
{
	if (r->is_taken) {
		r->is_given_up = true; /* and the control thread frees it */
		return say("the run is at it, but not done yet: ask 'status' later");
	}
	take_out(r);
	destroy(r);
	return say("the run did not answer in time, and nothing was done: does something that "
		   "reads its rows hold it up?");
}

json_t *
weir_queue_ask(enum weir_control_command command, const char *argument)
{
	struct request *r = calloc(1, sizeof(*r));
	json_t *answer = NULL;

	if (!r || !(r->argument = strdup(argument))) {
		free(r);
		return say("no memory for the request");
	}
	r->command = command;
	pthread_mutex_lock(&queue.lock);
	if (!queue.is_open) {
		answer = say_ended();
	} else if (atomic_load_explicit(&queue.n, memory_order_relaxed) >= MAX_QUEUED) {
		answer = say("too many requests at a time");
	} else {
		append(r);
		if (wait_answer(r)) {
			answer = json_incref(r->answer);
		} else {
			answer = give_up(r);
			r = NULL;
		}
	}
	pthread_mutex_unlock(&queue.lock);
	if (r)
		destroy(r);
	return answer;
}

void
weir_queue_open(void)
{
	pthread_mutex_lock(&queue.lock);
	queue.is_open = true;
	pthread_mutex_unlock(&queue.lock);
}

void
weir_queue_close(void)
{
	pthread_mutex_lock(&queue.lock);
	queue.is_open = false;
	while (queue.first) {
		queue.first->answer = say_ended();
		take_out(queue.first);
	}
	pthread_cond_broadcast(&queue.answered);
	pthread_mutex_unlock(&queue.lock);
}

static json_t *
run_handler(const struct request *r, weir_control_handler handler, void *ctx)
{
	struct weir_error err = { 0 };
	json_t *result = handler(ctx, r->command, r->argument, &err);

	if (result)
		return json_pack("{s:o}", "result", result);
	if (!err.text[0])
		weir_error_run(&err, -ENOMEM, "no memory for the answer");
	return failure(&err);
}

void
weir_queue_answer(weir_control_handler handler, void *ctx)
{
	for (int i = 0; i < A_ROUND && atomic_load_explicit(&queue.n, memory_order_relaxed) > 0;
	     i++) {
		struct request *r;
		json_t *answer;

		pthread_mutex_lock(&queue.lock);
		r = queue.first;
		if (r) {
			take_out(r);
			r->is_taken = true;
		}
		pthread_mutex_unlock(&queue.lock);
		if (!r)
			return;
		answer = run_handler(r, handler, ctx);
		pthread_mutex_lock(&queue.lock);
		r->answer = answer;
		if (r->is_given_up)
			destroy(r);
		pthread_cond_broadcast(&queue.answered);
		pthread_mutex_unlock(&queue.lock);
	}
}
