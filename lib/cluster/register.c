/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/number.h>

#include "cluster_parts.h"

/* A lease lapses some time after it is over: what etcd takes to see it, and to tell. */
#define LAPSE_NS (2 * WEIR_NS_PER_S)

/*
 * Write the queries down, where nobody else is there; else they must be the same. Two nodes that
 * are first at the same time with different queries: each writes its key and then the queries again
 * (touch), by compare-and-swap. Who reads before the other's key is there finds its swap refused.
 */
static int
agree(struct weir_cluster *c, bool is_touch, struct weir_error *err)
{
	const struct weir_key *k = weir_keys_find(&c->co->keys, "queries");
	json_t *theirs = k ? json_loads(k->value, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const struct weir_node_text *other = NULL;
	char why[800], there[80] = "the cluster", *text;
	uint64_t revision;
	bool is_same;
	int rc;

	for (unsigned i = 0; i < c->n_texts && !other; i++)
		if (strcmp(c->texts[i].name, c->self.name))
			other = &c->texts[i];
	if (other)
		snprintf(there, sizeof(there), "node %s", other->name);
	is_same = theirs && !weir_queries_differ(c->queries, theirs, there, why, sizeof(why));
	json_decref(theirs);
	if (!is_same && theirs && (other || is_touch))
		return weir_error_usage(
		    err, "--cluster: %s (all nodes of a job run the same queries)", why);
	if (is_same && !is_touch)
		return 0;
	text = json_dumps(c->queries, JSON_COMPACT | JSON_SORT_KEYS);
	rc = c->co->ops->swap(c->co, "queries", k ? k->revision : 0, text, &revision, err);
	free(text);
	if (rc != -ESTALE && rc != -EAGAIN)
		return rc;
	c->co->is_stale = true;
	weir_error_run(err, -EAGAIN, "others join at the same time");
	return -EAGAIN;
}

/* Another incarnation has the name: it may be one of a moment ago, whose lease will lapse. */
static int
wait_for_name(struct weir_cluster *c, int64_t now_ns, struct weir_error *err)
{
	char ttl[32];

	if (!c->name_until_ns)
		c->name_until_ns = now_ns + c->ttl_ns + LAPSE_NS;
	weir_error_usage(err,
	    "--node: there is a node %s in the cluster already, and its lease (%s) is renewed: "
	    "take "
	    "another name, or end it",
	    c->self.name, weir_text_duration(c->ttl_ns, ttl, sizeof(ttl)));
	if (now_ns >= c->name_until_ns)
		return -EINVAL;
	c->due_ns = now_ns + WEIR_NS_PER_S / 5;
	return -EAGAIN;
}

static int
take_lease(struct weir_cluster *c, struct weir_error *err)
{
	char *text = weir_node_encode(&c->self);
	int64_t until_ns = 0;
	int rc = c->co->ops->join(c->co, c->key, text, c->ttl_ns, &until_ns, err);

	free(text);
	if (rc)
		return rc;
	atomic_store(&c->lease_until_ns, until_ns);
	c->renew_ns = weir_now_mono_ns() + c->ttl_ns / 3;
	c->published_state = c->self.state;
	c->published_done_ns = c->self.done_ns;
	return 0;
}

static int
publish(struct weir_cluster *c, struct weir_error *err)
{
	char *text = weir_node_encode(&c->self);
	int rc = c->co->ops->publish(c->co, text, err);

	free(text);
	if (rc)
		return rc;
	c->published_state = c->self.state;
	c->published_done_ns = c->self.done_ns;
	return 0;
}

static bool
has_own_key(const struct weir_cluster *c)
{
	return weir_cluster_text_of(c, c->self.name, c->self.incarnation) != NULL;
}

int
weir_cluster_register(struct weir_cluster *c, int64_t now_ns, struct weir_error *err)
{
	int rc;

	if (!has_own_key(c)) {
		rc = agree(c, false, err);
		if (rc)
			return rc;
		if (weir_keys_find(&c->co->keys, c->key))
			return wait_for_name(c, now_ns, err);
		rc = take_lease(c, err);
		if (rc == -EEXIST)
			c->co->is_stale = true;
		if (rc == -EEXIST || rc == -ESTALE)
			rc = weir_error_run(err, -EAGAIN, "others join at the same time");
		if (rc)
			return rc;
	}
	rc = agree(c, true, err);
	if (rc == -EAGAIN)
		return rc;
	if (rc) {
		c->co->ops->leave(c->co, NULL);
		return rc;
	}
	c->self.state = WEIR_NODE_LIVE;
	rc = publish(c, err);
	if (rc == -ESTALE) /* slower than its own lease */
		c->co->is_stale = true;
	if (rc)
		return -EAGAIN;
	c->is_registered = true;
	c->trust_ns = weir_now_mono_ns() + c->ttl_ns;
	return 0;
}

/* The lease has lapsed. Where nobody has taken over in between, nothing has happened. */
static void
attach_again(struct weir_cluster *c, int64_t now_ns)
{
	struct weir_error err = { 0 };
	int rc = take_lease(c, &err);

	if (rc == 0) {
		weir_cluster_tell(c, "the lease of this node had lapsed; it has another");
		return;
	}
	c->co->is_stale = rc == -EEXIST;
	c->renew_ns = now_ns + WEIR_NS_PER_S / 5;
	if (rc == -EEXIST && !has_own_key(c) && weir_keys_find(&c->co->keys, c->key))
		c->is_lost = true; /* another one goes by the name */
}

static void
renew(struct weir_cluster *c, int64_t now_ns)
{
	struct weir_error err = { 0 };
	int64_t until_ns = 0;
	int rc = c->co->ops->renew(c->co, &until_ns, &err);

	if (rc == 0) {
		atomic_store(&c->lease_until_ns, until_ns);
		c->renew_ns = now_ns + c->ttl_ns / 3;
	} else if (rc == -ESTALE) {
		attach_again(c, now_ns);
	} else {
		c->renew_ns = now_ns + c->ttl_ns / 12;
	}
}

/* Others can forget old maps when all are done with them: worth a write only then. */
static bool
is_done_news(const struct weir_cluster *c)
{
	for (unsigned i = 1; c->record && i < c->record->n_maps; i++)
		if (c->self.done_ns >= c->record->maps[i].from_ns &&
		    c->published_done_ns < c->record->maps[i].from_ns)
			return true;
	return false;
}

void
weir_cluster_keep(struct weir_cluster *c, int64_t now_ns)
{
	if (c->is_lost)
		return;
	if (now_ns >= c->renew_ns)
		renew(c, now_ns);
	c->self.done_ns = atomic_load(&c->done_ns);
	if (atomic_load(&c->wants_drain))
		c->self.state = WEIR_NODE_DRAINING;
	if (c->self.state == c->published_state && !is_done_news(c))
		return;
	if (publish(c, NULL) == -ESTALE)
		c->renew_ns = now_ns; /* which finds out what is with the lease */
}
