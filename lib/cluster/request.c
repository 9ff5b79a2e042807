/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>
#include <weir/base/nearest.h>

#include "cluster_parts.h"

struct weir_cluster_view *
weir_cluster_view_get(struct weir_cluster *c)
{
	struct weir_cluster_view *v;

	pthread_mutex_lock(&c->lock);
	v = weir_cluster_view_ref(c->view);
	pthread_mutex_unlock(&c->lock);
	return v;
}

struct weir_cluster_view *
weir_cluster_poll(struct weir_cluster *c)
{
	struct weir_cluster_view *v = NULL;

	pthread_mutex_lock(&c->lock);
	if (c->is_view_new)
		v = weir_cluster_view_ref(c->view);
	c->is_view_new = false;
	pthread_mutex_unlock(&c->lock);
	return v;
}

int64_t
weir_cluster_lease_until_ns(const struct weir_cluster *c)
{
	return atomic_load(&c->lease_until_ns);
}

void
weir_cluster_done(struct weir_cluster *c, int64_t done_ns)
{
	int64_t before = atomic_load(&c->done_ns);

	while (before < done_ns && !atomic_compare_exchange_weak(&c->done_ns, &before, done_ns))
		;
}

void
weir_cluster_heard_epoch(struct weir_cluster *c, uint64_t epoch)
{
	uint64_t before = atomic_load(&c->heard);
	struct weir_cluster_view *old = NULL;

	if (c->co->ops->is_static || epoch <= before)
		return;
	while (before < epoch && !atomic_compare_exchange_weak(&c->heard, &before, epoch))
		;
	pthread_mutex_lock(&c->lock);
	if (weir_view_is_behind(c->view, epoch)) {
		old = c->view;
		c->view = weir_view_fence(old);
		c->is_view_new = true;
	}
	pthread_mutex_unlock(&c->lock);
	if (!old)
		return;
	weir_cluster_view_unref(old);
	weir_cluster_tell(
	    c, "a peer works by epoch %" PRIu64 ": fenced until that map is read", epoch);
	c->co->ops->wake(c->co);
}

static int
refuse_static(const struct weir_cluster *c, struct weir_error *err)
{
	if (!c->co->ops->is_static)
		return 0;
	return weir_error_run(err, -ENOTSUP, "the map of a static cluster is fixed by its file");
}

/* Under the lock. */
static unsigned
count_others(const struct weir_cluster_view *v)
{
	unsigned n = 0;

	for (unsigned i = 0; i < v->n_nodes; i++)
		n += i != v->self && v->nodes[i].state == WEIR_NODE_LIVE;
	return n;
}

int
weir_cluster_drain(struct weir_cluster *c, struct weir_error *err)
{
	unsigned n_others;
	int rc = refuse_static(c, err);

	if (rc)
		return rc;
	pthread_mutex_lock(&c->lock);
	n_others = count_others(c->view);
	pthread_mutex_unlock(&c->lock);
	if (n_others == 0)
		return weir_error_run(err, -EBUSY,
		    "no other node is live, so nobody could take what this one owns: end it "
		    "instead");
	atomic_store(&c->wants_drain, true);
	c->co->ops->wake(c->co);
	return 0;
}

bool
weir_cluster_pending(const struct weir_cluster *c)
{
	struct weir_cluster_view *v;
	bool is_pending;

	if (!atomic_load(&c->wants_drain))
		return false;
	v = weir_cluster_view_get((struct weir_cluster *)(uintptr_t)c);
	is_pending = v->state == WEIR_CLUSTER_LIVE ||
		     (v->nodes[v->self].state == WEIR_NODE_DRAINING &&
			 weir_cluster_owns_after(v, atomic_load(&c->done_ns), v->self));
	weir_cluster_view_unref(v);
	return is_pending;
}

static int
check_node(const struct weir_cluster_view *v, const char *name, struct weir_error *err)
{
	struct weir_nearest near;
	const char *word;

	weir_nearest_begin(&near, name);
	for (unsigned i = 0; i < v->n_nodes; i++) {
		if (v->nodes[i].state != WEIR_NODE_LIVE)
			continue;
		if (!strcmp(v->nodes[i].name, name))
			return 0;
		weir_nearest_offer(&near, v->nodes[i].name);
	}
	word = weir_nearest_get(&near);
	return weir_error_usage(err, "there is no live node '%s'%s%s%s", name,
	    word ? ", did you mean '" : "", word ? word : "", word ? "'?" : "");
}

static int
add_move(
    struct weir_cluster *c, unsigned first, unsigned last, const char *node, struct weir_error *err)
{
	struct weir_move *m;
	int rc = refuse_static(c, err);

	if (rc)
		return rc;
	if (first > last || last >= WEIR_CLUSTER_SLOTS)
		return weir_error_usage(err, "slots %u-%u are none: they go from 0 to %u", first,
		    last, WEIR_CLUSTER_SLOTS - 1);
	pthread_mutex_lock(&c->lock);
	rc = node ? check_node(c->view, node, err) : 0;
	if (rc == 0) {
		m = weir_array_add(&c->moves, &c->n_moves, sizeof(*m));
		*m = (struct weir_move){
			.node = node ? strdup(node) : NULL, .first = first, .last = last
		};
		if (node && !m->node)
			abort();
	}
	pthread_mutex_unlock(&c->lock);
	if (rc == 0)
		c->co->ops->wake(c->co);
	return rc;
}

int
weir_cluster_move(struct weir_cluster *c, unsigned first_slot, unsigned last_slot, const char *node,
    struct weir_error *err)
{
	return add_move(c, first_slot, last_slot, node, err);
}

int
weir_cluster_unpin(
    struct weir_cluster *c, unsigned first_slot, unsigned last_slot, struct weir_error *err)
{
	return add_move(c, first_slot, last_slot, NULL, err);
}
