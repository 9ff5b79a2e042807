/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/base/number.h>

#include "cluster_parts.h"
#include "word.h"

#define JOIN_TIMEOUT_NS (15 * WEIR_NS_PER_S)

static char *
copy_of(const char *text)
{
	char *copy = strdup(text ? text : "");

	if (!copy)
		abort();
	return copy;
}

static double
default_weight(void)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		return 1;
	return CPU_COUNT(&cpus);
}

static struct weir_cluster *
create(const struct weir_cluster_config *config)
{
	struct weir_cluster *c = calloc(1, sizeof(*c));
	pthread_condattr_t attr;

	if (!c)
		abort();
	if (asprintf(&c->key, "nodes/%s", config->name) < 0)
		abort();
	c->queries = weir_queries_to_json(config->queries, config->n_queries);
	c->n_wanted = config->uri->n_nodes;
	c->ttl_ns = config->uri->ttl_ns;
	c->lead_ns = config->uri->lead_ns;
	atomic_init(&c->done_ns, INT64_MIN);
	c->self = (struct weir_node_text){ .name = copy_of(config->name),
		.address = copy_of(config->address),
		.facts = copy_of(config->facts),
		.version = copy_of(WEIR_VERSION),
		.incarnation = config->incarnation,
		.done_ns = INT64_MIN,
		.weight = config->weight > 0 ? config->weight : default_weight(),
		.udp_port = config->udp_port,
		.n_queues = config->n_queues,
		.state = WEIR_NODE_JOINING };
	c->backoff_ns = WEIR_NS_PER_S / 10;
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->changed, &attr);
	pthread_condattr_destroy(&attr);
	return c;
}

static void
destroy(struct weir_cluster *c)
{
	char line[2];

	if (c->co)
		c->co->ops->close(c->co);
	weir_cluster_view_unref(c->view);
	while (weir_cluster_event(c, line, sizeof(line)))
		;
	for (unsigned i = 0; i < c->n_moves; i++)
		free(c->moves[i].node);
	for (unsigned i = 0; i < c->n_texts; i++)
		weir_node_free(&c->texts[i]);
	for (unsigned i = 0; i < c->n_nodes; i++) {
		free((char *)(uintptr_t)c->nodes[i].name);
		free((char *)(uintptr_t)c->nodes[i].address);
		free((char *)(uintptr_t)c->nodes[i].facts);
		free((char *)(uintptr_t)c->nodes[i].version);
	}
	weir_record_free(c->record);
	weir_node_free(&c->self);
	json_decref(c->queries);
	free(c->moves);
	free(c->texts);
	free(c->nodes);
	free(c->number);
	free(c->key);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->changed);
	free(c);
}

/* A fixed map: no thread, all is as the file says. What incarnations others have, frames tell. */
static int
begin_static(struct weir_cluster *c, struct weir_error *err)
{
	const struct weir_key *k = weir_keys_find(&c->co->keys, c->key);
	uint64_t incarnation = c->self.incarnation;
	struct weir_node_text t;
	int rc;

	if (!k)
		return weir_error_run(err, -ENOENT, "node %s is not in the file", c->self.name);
	rc = weir_node_decode(k->value, &t, err);
	if (rc)
		return rc;
	weir_node_free(&c->self);
	c->self = t;
	c->self_index = weir_cluster_index(c, t.name, t.incarnation);
	weir_cluster_follow(c);
	for (unsigned i = 0; i < c->n_nodes; i++)
		c->nodes[i].incarnation = i == c->self_index ? incarnation : 0;
	atomic_store(&c->lease_until_ns, INT64_MAX);
	weir_cluster_show(c, true);
	return 0;
}

/* Wait, under the lock, until *done or the time is over. */
static bool
wait_until(struct weir_cluster *c, int64_t until_ns, bool (*is_done)(const struct weir_cluster *))
{
	struct timespec ts = { .tv_sec = until_ns / WEIR_NS_PER_S,
		.tv_nsec = until_ns % WEIR_NS_PER_S };
	bool is_ok;

	pthread_mutex_lock(&c->lock);
	while (!is_done(c) && pthread_cond_timedwait(&c->changed, &c->lock, &ts) == 0)
		;
	is_ok = is_done(c);
	pthread_mutex_unlock(&c->lock);
	return is_ok;
}

static bool
has_answer(const struct weir_cluster *c)
{
	return c->joined != WEIR_JOIN_WAITS;
}

static bool
has_left(const struct weir_cluster *c)
{
	return c->has_left;
}

static void
end_thread(struct weir_cluster *c)
{
	atomic_store(&c->is_stopping, true);
	c->co->ops->wake(c->co);
	pthread_join(c->thread, NULL);
}

static int
join(struct weir_cluster *c, int64_t timeout_ns, struct weir_error *err)
{
	struct weir_error why = { 0 };
	char text[32];
	int rc;

	if (timeout_ns <= 0)
		timeout_ns = 2 * c->ttl_ns > JOIN_TIMEOUT_NS ? 2 * c->ttl_ns : JOIN_TIMEOUT_NS;
	weir_cluster_show(c, true);
	rc = pthread_create(&c->thread, NULL, weir_cluster_work, c);
	if (rc)
		return weir_error_run(err, -rc, "cannot start a thread: %s", strerror(rc));
	wait_until(c, weir_now_mono_ns() + timeout_ns, has_answer);
	pthread_mutex_lock(&c->lock);
	if (c->joined != WEIR_JOIN_DONE)
		why = c->why;
	rc = c->joined == WEIR_JOIN_WAITS ? -ETIMEDOUT : c->joined == WEIR_JOIN_DONE ? 0 : why.code;
	pthread_mutex_unlock(&c->lock);
	if (rc == 0)
		return 0;
	end_thread(c);
	if (rc != -ETIMEDOUT) {
		if (err)
			*err = why;
		return rc;
	}
	return weir_error_run(err, rc, "--cluster: could not join within %s: %s",
	    weir_text_duration(timeout_ns, text, sizeof(text)),
	    why.text[0] ? why.text : "no answer");
}

int
weir_cluster_open(
    const struct weir_cluster_config *config, struct weir_cluster **ret, struct weir_error *err)
{
	const struct weir_coordinator_ops *ops = config->ops;
	struct weir_cluster *c;
	int rc;

	if (!ops)
		ops = strcmp(config->uri->scheme, "static") ? &weir_coordinator_etcd
							    : &weir_coordinator_static;
	if (!weir_cluster_is_word(config->name))
		return weir_error_usage(err,
		    "--node: '%s' is no name of a node: up to %u letters, digits, '_', '-' and '.'",
		    config->name, WEIR_CLUSTER_WORD_MAX);
	c = create(config);
	rc = ops->open(config, &c->co, err);
	if (rc == 0 && ops->is_static) {
		rc = begin_static(c, err);
	} else if (rc == 0) {
		c->self_index = weir_cluster_index(c, config->name, config->incarnation);
		rc = join(c, config->join_timeout_ns, err);
	}
	if (rc)
		destroy(c);
	else
		*ret = c;
	return rc;
}

void
weir_cluster_met(struct weir_cluster *c, unsigned node, uint64_t incarnation)
{
	if (!c->co->ops->is_static || node >= c->n_nodes || node == c->self_index)
		return;
	c->nodes[node].incarnation = incarnation;
	weir_cluster_show(c, true);
}

int
weir_cluster_leave(struct weir_cluster *c, int64_t timeout_ns, struct weir_error *err)
{
	if (c->co->ops->is_static)
		return 0;
	atomic_store(&c->wants_leave, true);
	c->co->ops->wake(c->co);
	if (wait_until(c, weir_now_mono_ns() + timeout_ns, has_left))
		return 0;
	return weir_error_run(err, -ETIMEDOUT,
	    "--cluster: the coordinator did not answer in time; others see this node leave when "
	    "its "
	    "lease lapses");
}

void
weir_cluster_close(struct weir_cluster *c)
{
	if (!c)
		return;
	if (!c->co->ops->is_static)
		end_thread(c);
	destroy(c);
}
