/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cluster_parts.h"

#define BACKOFF_MIN_NS (WEIR_NS_PER_S / 10)
#define BACKOFF_MAX_NS WEIR_NS_PER_S
/* How long watching may take to bring a map that a peer has. */
#define CATCH_UP_NS (WEIR_NS_PER_S / 2)
#define STALE_NS    (WEIR_NS_PER_S / 50)

void
weir_cluster_tell(struct weir_cluster *c, const char *fmt, ...)
{
	va_list ap;
	char *line;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		abort();
	va_end(ap);
	pthread_mutex_lock(&c->lock);
	if (c->n_events == WEIR_CLUSTER_EVENTS) {
		free(c->events[c->first_event]);
		c->first_event = (c->first_event + 1) % WEIR_CLUSTER_EVENTS;
		c->n_events--;
	}
	c->events[(c->first_event + c->n_events++) % WEIR_CLUSTER_EVENTS] = line;
	pthread_mutex_unlock(&c->lock);
}

bool
weir_cluster_event(struct weir_cluster *c, char *buf, size_t size)
{
	char *line = NULL;

	pthread_mutex_lock(&c->lock);
	if (c->n_events) {
		line = c->events[c->first_event];
		c->first_event = (c->first_event + 1) % WEIR_CLUSTER_EVENTS;
		c->n_events--;
	}
	pthread_mutex_unlock(&c->lock);
	if (!line)
		return false;
	snprintf(buf, size, "%s", line);
	free(line);
	return true;
}

static void
set_joined(struct weir_cluster *c, enum weir_join joined, const struct weir_error *why)
{
	pthread_mutex_lock(&c->lock);
	c->joined = joined;
	if (why)
		c->why = *why;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

static void
leave(struct weir_cluster *c)
{
	if (c->is_registered && weir_cluster_take_out(c))
		return;
	if (c->co->ops->leave(c->co, NULL) == -EAGAIN)
		return;
	pthread_mutex_lock(&c->lock);
	c->has_left = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

static void
note_away(struct weir_cluster *c, int64_t now_ns, const struct weir_error *err)
{
	if (c->co->is_away == c->was_away)
		return;
	c->was_away = c->co->is_away;
	if (c->was_away)
		weir_cluster_tell(
		    c, "the coordinator does not answer (%s); going on as before", err->text);
	else
		weir_cluster_tell(c, "the coordinator answers again");
	/* Others were perhaps cut off as well, and need a moment to come back. */
	c->trust_ns = now_ns + c->ttl_ns;
}

/*
 * A peer works by a newer map than this node has. Watching brings it in a moment; else all is read
 * again. Where the store then has gone by that epoch and there is no such map, there never was.
 */
static void
catch_up(struct weir_cluster *c, int64_t now_ns)
{
	const struct weir_record *r = c->record;
	uint64_t heard = atomic_load(&c->heard);

	if (heard <= (r ? r->maps[r->n_maps - 1].epoch : 0) || c->is_map_bad) {
		c->read_again_ns = 0;
	} else if (!c->read_again_ns) {
		c->read_again_ns = now_ns + CATCH_UP_NS;
	} else if (now_ns >= c->read_again_ns && c->has_read_again &&
		   c->co->keys.revision >= heard) {
		weir_cluster_tell(
		    c, "a peer speaks of epoch %" PRIu64 ", which is no map's", heard);
		atomic_compare_exchange_strong(&c->heard, &heard, 0);
		c->read_again_ns = 0;
	} else if (now_ns >= c->read_again_ns) {
		c->co->is_stale = true;
		c->has_read_again = true;
		c->read_again_ns = now_ns + CATCH_UP_NS;
	}
	if (!c->read_again_ns)
		c->has_read_again = false;
	else if (c->read_again_ns < c->due_ns)
		c->due_ns = c->read_again_ns;
}

/* One round. False: refused, the thread ends. */
static bool
step(struct weir_cluster *c, int64_t now_ns)
{
	struct weir_error err = { 0 };
	bool has_followed;
	int rc = c->co->ops->read(c->co, &err);

	c->co->is_away = rc != 0;
	c->backoff_ns = rc == 0                              ? BACKOFF_MIN_NS
			: c->backoff_ns * 2 < BACKOFF_MAX_NS ? c->backoff_ns * 2
							     : BACKOFF_MAX_NS;
	if (c->is_registered)
		note_away(c, now_ns, &err);
	has_followed = rc == 0 && c->co->is_changed;
	if (has_followed)
		weir_cluster_follow(c);
	if (rc == 0 && c->is_registered)
		catch_up(c, now_ns);
	if (rc == 0 && !c->is_registered && !c->has_left)
		rc = weir_cluster_register(c, now_ns, &err);
	if (!c->is_registered) {
		if (rc && rc != -EAGAIN) {
			set_joined(c, WEIR_JOIN_REFUSED, &err);
			return false;
		}
		set_joined(c, WEIR_JOIN_WAITS, &err);
		c->due_ns = now_ns + BACKOFF_MIN_NS;
		return true;
	}
	if (c->joined == WEIR_JOIN_WAITS)
		set_joined(c, WEIR_JOIN_DONE, NULL);
	if (rc == 0 && !c->has_left) {
		weir_cluster_keep(c, now_ns);
		if (atomic_load(&c->wants_leave))
			leave(c);
		else
			weir_cluster_change(c, now_ns);
	}
	weir_cluster_show(c, has_followed);
	return true;
}

static int64_t
wait_ns(const struct weir_cluster *c)
{
	int64_t now_ns = weir_now_mono_ns(), until_ns = c->due_ns;

	if (c->is_registered && !c->is_lost && !c->has_left && c->renew_ns < until_ns)
		until_ns = c->renew_ns;
	if (c->co->is_away || c->co->is_stale)
		return c->co->is_away ? c->backoff_ns : STALE_NS;
	if (c->co->is_changed || until_ns < now_ns)
		return 0;
	return until_ns - now_ns < WEIR_NS_PER_S ? until_ns - now_ns : WEIR_NS_PER_S;
}

void *
weir_cluster_work(void *arg)
{
	struct weir_cluster *c = arg;

	while (!atomic_load(&c->is_stopping)) {
		c->due_ns = INT64_MAX;
		if (!step(c, weir_now_mono_ns()))
			break;
		c->co->ops->watch(c->co, wait_ns(c));
	}
	return NULL;
}
