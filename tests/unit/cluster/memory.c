/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/base/time.h>

#include "memory.h"

#define NODES_MAX 32

struct node {
	char name[64];
	bool is_cut;
	bool has_lease;
};

struct memory {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct weir_keys keys;
	struct node nodes[NODES_MAX];
	unsigned n_wakes;
};

struct member {
	struct weir_coordinator co;
	struct memory *m;
	char name[64], key[80];
	uint64_t seen;
	unsigned n_wakes;
};

struct memory *
memory_create(void)
{
	struct memory *m = calloc(1, sizeof(*m));
	pthread_condattr_t attr;

	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->changed, &attr);
	m->keys.revision = 100;
	return m;
}

void
memory_free(struct memory *m)
{
	weir_keys_clear(&m->keys);
	free(m);
}

static struct node *
node_of(struct memory *m, const char *name)
{
	unsigned i = 0;

	while (m->nodes[i].name[0] && strcmp(m->nodes[i].name, name))
		i++;
	snprintf(m->nodes[i].name, sizeof(m->nodes[i].name), "%s", name);
	return &m->nodes[i];
}

static void
put(struct memory *m, const char *key, const char *value)
{
	weir_keys_set(&m->keys, key, value, m->keys.revision + 1);
	pthread_cond_broadcast(&m->changed);
}

void
memory_put(struct memory *m, const char *key, const char *value)
{
	pthread_mutex_lock(&m->lock);
	put(m, key, value);
	pthread_mutex_unlock(&m->lock);
}

char *
memory_get(struct memory *m, const char *key)
{
	const struct weir_key *k;
	char *value;

	pthread_mutex_lock(&m->lock);
	k = weir_keys_find(&m->keys, key);
	value = k ? strdup(k->value) : NULL;
	pthread_mutex_unlock(&m->lock);
	return value;
}

void
memory_cut(struct memory *m, const char *node, bool is_cut)
{
	pthread_mutex_lock(&m->lock);
	node_of(m, node)->is_cut = is_cut;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

void
memory_lapse(struct memory *m, const char *node)
{
	char key[80];

	snprintf(key, sizeof(key), "nodes/%s", node);
	pthread_mutex_lock(&m->lock);
	node_of(m, node)->has_lease = false;
	put(m, key, NULL);
	pthread_mutex_unlock(&m->lock);
}

static struct member *
member_of(struct weir_coordinator *co)
{
	return (struct member *)co;
}

/* Under the lock: 0, or -EAGAIN where the node is cut off. */
static int
reach(struct member *b, struct weir_error *err)
{
	pthread_mutex_lock(&b->m->lock);
	if (node_of(b->m, b->name)->is_cut)
		return weir_error_run(err, -EAGAIN, "cut off");
	return 0;
}

static int
leave_lock(struct member *b, int rc)
{
	pthread_mutex_unlock(&b->m->lock);
	return rc;
}

static int
member_open(
    const struct weir_cluster_config *config, struct weir_coordinator **ret, struct weir_error *err)
{
	struct member *b = calloc(1, sizeof(*b));

	b->co.ops = &memory_ops;
	b->m = config->ops_arg;
	snprintf(b->name, sizeof(b->name), "%s", config->name);
	*ret = &b->co;
	return 0;
}

static int
member_read(struct weir_coordinator *co, struct weir_error *err)
{
	struct member *b = member_of(co);
	int rc = reach(b, err);

	if (rc || (b->seen == b->m->keys.revision && !co->is_stale))
		return leave_lock(b, rc);
	weir_keys_clear(&co->keys);
	for (unsigned i = 0; i < b->m->keys.n; i++)
		weir_keys_set(&co->keys, b->m->keys.items[i].key, b->m->keys.items[i].value,
		    b->m->keys.items[i].revision);
	co->keys.revision = b->seen = b->m->keys.revision;
	co->is_changed = true;
	co->is_stale = false;
	return leave_lock(b, 0);
}

static int
member_join(struct weir_coordinator *co, const char *key, const char *value, int64_t ttl_ns,
    int64_t *ret_until_ns, struct weir_error *err)
{
	struct member *b = member_of(co);
	int rc = reach(b, err);

	if (!rc && weir_keys_find(&b->m->keys, key))
		rc = weir_error_run(err, -EEXIST, "there");
	if (!rc) {
		snprintf(b->key, sizeof(b->key), "%s", key);
		node_of(b->m, b->name)->has_lease = true;
		put(b->m, key, value);
		*ret_until_ns = weir_now_mono_ns() + ttl_ns;
	}
	return leave_lock(b, rc);
}

static int
member_publish(struct weir_coordinator *co, const char *value, struct weir_error *err)
{
	struct member *b = member_of(co);
	int rc = reach(b, err);

	if (!rc && !node_of(b->m, b->name)->has_lease)
		rc = weir_error_run(err, -ESTALE, "lapsed");
	if (!rc)
		put(b->m, b->key, value);
	return leave_lock(b, rc);
}

static int
member_renew(struct weir_coordinator *co, int64_t *ret_until_ns, struct weir_error *err)
{
	struct member *b = member_of(co);
	int rc = reach(b, err);

	if (!rc && !node_of(b->m, b->name)->has_lease)
		rc = weir_error_run(err, -ESTALE, "lapsed");
	if (!rc)
		*ret_until_ns = weir_now_mono_ns() + WEIR_NS_PER_S;
	return leave_lock(b, rc);
}

static int
member_swap(struct weir_coordinator *co, const char *key, uint64_t revision, const char *value,
    uint64_t *ret_revision, struct weir_error *err)
{
	struct member *b = member_of(co);
	int rc = reach(b, err);
	const struct weir_key *k = weir_keys_find(&b->m->keys, key);

	if (!rc && (k ? k->revision : 0) != revision)
		rc = weir_error_run(err, -ESTALE, "changed");
	if (!rc) {
		put(b->m, key, value);
		*ret_revision = b->m->keys.revision;
		weir_keys_set(&co->keys, key, value, *ret_revision);
		co->is_changed = true;
	}
	return leave_lock(b, rc);
}

static int
member_leave(struct weir_coordinator *co, struct weir_error *err)
{
	struct member *b = member_of(co);
	int rc = reach(b, err);

	if (!rc && b->key[0] && node_of(b->m, b->name)->has_lease) {
		node_of(b->m, b->name)->has_lease = false;
		put(b->m, b->key, NULL);
	}
	return leave_lock(b, rc);
}

static void
member_watch(struct weir_coordinator *co, int64_t timeout_ns)
{
	struct member *b = member_of(co);
	int64_t until_ns = weir_now_mono_ns() + timeout_ns;
	struct timespec ts = { .tv_sec = until_ns / WEIR_NS_PER_S,
		.tv_nsec = until_ns % WEIR_NS_PER_S };

	pthread_mutex_lock(&b->m->lock);
	while ((b->seen == b->m->keys.revision || node_of(b->m, b->name)->is_cut) &&
	       b->n_wakes == b->m->n_wakes &&
	       pthread_cond_timedwait(&b->m->changed, &b->m->lock, &ts) == 0)
		;
	b->n_wakes = b->m->n_wakes;
	pthread_mutex_unlock(&b->m->lock);
}

static void
member_wake(struct weir_coordinator *co)
{
	struct member *b = member_of(co);

	pthread_mutex_lock(&b->m->lock);
	b->m->n_wakes++;
	pthread_cond_broadcast(&b->m->changed);
	pthread_mutex_unlock(&b->m->lock);
}

static void
member_close(struct weir_coordinator *co)
{
	weir_keys_clear(&co->keys);
	free(co);
}

const struct weir_coordinator_ops memory_ops = {
	.scheme = "memory",
	.open = member_open,
	.read = member_read,
	.join = member_join,
	.publish = member_publish,
	.renew = member_renew,
	.swap = member_swap,
	.leave = member_leave,
	.watch = member_watch,
	.wake = member_wake,
	.close = member_close,
};
