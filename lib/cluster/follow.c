/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>

#include "cluster_parts.h"

#define NODES "nodes/"

const struct weir_node_text *
weir_cluster_text_of(const struct weir_cluster *c, const char *name, uint64_t incarnation)
{
	for (unsigned i = 0; i < c->n_texts; i++)
		if (c->texts[i].incarnation == incarnation && !strcmp(c->texts[i].name, name))
			return &c->texts[i];
	return NULL;
}

static void
read_texts(struct weir_cluster *c)
{
	for (unsigned i = 0; i < c->n_texts; i++)
		weir_node_free(&c->texts[i]);
	free(c->texts);
	c->texts = NULL;
	c->n_texts = 0;
	for (unsigned i = 0; i < c->co->keys.n; i++) {
		const struct weir_key *k = &c->co->keys.items[i];
		struct weir_node_text t;

		if (strncmp(k->key, NODES, strlen(NODES)))
			continue;
		/* A record that cannot be read, or is another's, is nobody's; it is told once it
		 * matters. */
		if (weir_node_decode(k->value, &t, NULL))
			continue;
		if (strcmp(k->key + strlen(NODES), t.name)) {
			weir_node_free(&t);
			continue;
		}
		*(struct weir_node_text *)weir_array_add(&c->texts, &c->n_texts, sizeof(t)) = t;
	}
}

static unsigned
own_slots(const struct weir_cluster *c)
{
	const struct weir_map *m = &c->record->maps[c->record->n_maps - 1];
	unsigned n = 0;

	for (unsigned s = 0; s < WEIR_CLUSTER_SLOTS; s++)
		n += c->number[m->owner[s]] == c->self_index;
	return n;
}

unsigned
weir_cluster_index(struct weir_cluster *c, const char *name, uint64_t incarnation)
{
	struct weir_cluster_node *n;

	for (unsigned i = c->n_nodes; i > 0; i--)
		if (c->nodes[i - 1].incarnation == incarnation &&
		    !strcmp(c->nodes[i - 1].name, name))
			return i - 1;
	n = weir_array_add(&c->nodes, &c->n_nodes, sizeof(*n));
	*n = (struct weir_cluster_node){ .name = strdup(name),
		.incarnation = incarnation,
		.address = strdup(""),
		.facts = strdup(""),
		.version = strdup(""),
		.state = WEIR_NODE_LEFT };
	if (!n->name || !n->address || !n->facts || !n->version)
		abort();
	return c->n_nodes - 1;
}

static void
set_text(const char **to, const char *text)
{
	if (!strcmp(*to, text))
		return;
	free((char *)(uintptr_t)*to);
	*to = strdup(text);
	if (!*to)
		abort();
}

/* A new record is read; what cannot be read changes nothing. */
static bool
read_record(struct weir_cluster *c)
{
	const struct weir_key *k = weir_keys_find(&c->co->keys, "map");
	struct weir_record *r = NULL;
	struct weir_error err = { 0 };

	if ((k ? k->revision : 0) == c->map_revision)
		return false;
	c->map_revision = k ? k->revision : 0;
	c->is_map_bad = k && weir_record_decode(k->value, k->revision, &r, &err) != 0;
	if (c->is_map_bad)
		weir_cluster_tell(c, "%s; going on with the map of before", err.text);
	/* A map that is taken away belonged to nodes that left: whoever is in it goes on by it. */
	if (c->is_map_bad || (!k && c->was_member))
		return false;
	weir_record_free(c->record);
	c->record = r;
	free(c->number);
	c->number = r ? calloc(r->n_nodes + 1, sizeof(*c->number)) : NULL;
	if (r && !c->number)
		abort();
	for (unsigned i = 0; r && i < r->n_nodes; i++)
		c->number[i] = weir_cluster_index(c, r->nodes[i].name, r->nodes[i].incarnation);
	return r != NULL;
}

static void
update_texts(struct weir_cluster *c)
{
	for (unsigned i = 0; i < c->n_texts; i++) {
		const struct weir_node_text *t = &c->texts[i];
		unsigned at = weir_cluster_index(c, t->name, t->incarnation); /* may move nodes */
		struct weir_cluster_node *n = &c->nodes[at];

		set_text(&n->address, t->address);
		set_text(&n->facts, t->facts);
		set_text(&n->version, t->version);
		n->weight = t->weight;
		n->udp_port = t->udp_port;
		n->n_queues = t->n_queues;
	}
}

static enum weir_node_state
state_of(const struct weir_cluster *c, unsigned node, const struct weir_record_node *in_record,
    enum weir_member member)
{
	const struct weir_cluster_node *n = &c->nodes[node];

	if (in_record && in_record->is_left)
		return WEIR_NODE_LEFT;
	if (in_record && in_record->lost_epoch)
		return WEIR_NODE_LOST;
	if (member == WEIR_MEMBER_LIVE)
		return WEIR_NODE_LIVE;
	if (member == WEIR_MEMBER_DRAINING)
		return WEIR_NODE_DRAINING;
	if (n->state == WEIR_NODE_LOST)
		return WEIR_NODE_LOST;
	return weir_cluster_text_of(c, n->name, n->incarnation) ? WEIR_NODE_JOINING
								: WEIR_NODE_LEFT;
}

static const char *
what_happened(enum weir_node_state before, enum weir_node_state now)
{
	switch (now) {
	case WEIR_NODE_JOINING:
		return "is joining";
	case WEIR_NODE_LIVE:
		return "is in the map";
	case WEIR_NODE_DRAINING:
		return "drains";
	case WEIR_NODE_LOST:
		return "is lost: its lease lapsed, others have its slots";
	default:
		return before == WEIR_NODE_JOINING ? "is gone before it was in a map" : "left";
	}
}

static void
update_states(struct weir_cluster *c)
{
	for (unsigned i = 0; i < c->n_nodes; i++) {
		struct weir_cluster_node *n = &c->nodes[i];
		const struct weir_record *r = c->record;
		unsigned at = r ? weir_record_find(r, n->name, n->incarnation) : WEIR_NO_NODE;
		const struct weir_record_node *in = at == WEIR_NO_NODE ? NULL : &r->nodes[at];
		enum weir_node_state now = state_of(c, i, in,
		    in ? (enum weir_member)r->maps[r->n_maps - 1].members[at] : WEIR_NOT_MEMBER);

		if (in && in->lost_epoch)
			n->lost_epoch = in->lost_epoch;
		if (in)
			n->weight = in->weight;
		if (now != n->state && i != c->self_index)
			weir_cluster_tell(c, "node %s %s", n->name, what_happened(n->state, now));
		n->state = now;
	}
}

void
weir_cluster_follow(struct weir_cluster *c)
{
	const struct weir_map *newest;
	enum weir_node_state own;
	bool is_new_map;

	c->co->is_changed = false;
	read_texts(c);
	update_texts(c);
	is_new_map = read_record(c);
	update_states(c);
	own = c->nodes[c->self_index].state;
	if (own == WEIR_NODE_LOST || (c->was_member && own == WEIR_NODE_LEFT) ||
	    (c->was_member && own == WEIR_NODE_JOINING && !c->is_map_bad))
		c->is_lost = true;
	if (own == WEIR_NODE_LIVE || own == WEIR_NODE_DRAINING)
		c->was_member = true;
	if (!is_new_map)
		return;
	newest = &c->record->maps[c->record->n_maps - 1];
	weir_cluster_tell(c, "map of epoch %" PRIu64 ": this node owns %u of %u slots",
	    newest->epoch, own_slots(c), WEIR_CLUSTER_SLOTS);
}

static enum weir_cluster_state
own_state(const struct weir_cluster *c)
{
	const struct weir_record *r = c->record;
	uint64_t epoch = r ? r->maps[r->n_maps - 1].epoch : 0;

	if (c->has_left)
		return WEIR_CLUSTER_LEFT;
	if (c->is_lost)
		return WEIR_CLUSTER_FENCED;
	if (!c->was_member)
		return WEIR_CLUSTER_JOINING;
	if (atomic_load(&c->heard) > epoch)
		return WEIR_CLUSTER_FENCED;
	return c->nodes[c->self_index].state == WEIR_NODE_DRAINING ? WEIR_CLUSTER_DRAINING
								   : WEIR_CLUSTER_LIVE;
}

void
weir_cluster_show(struct weir_cluster *c, bool has_followed)
{
	struct weir_view_parts p = { .is_lost = c->is_lost,
		.is_away = c->co->is_away,
		.self = c->self_index,
		.n_nodes = c->n_nodes,
		.nodes = c->nodes };
	struct weir_cluster_view *v, *old;
	bool is_same, was_lost;

	p.state = own_state(c);
	pthread_mutex_lock(&c->lock);
	old = c->view;
	is_same =
	    old && old->state == p.state && old->is_lost == p.is_lost && old->is_away == p.is_away;
	was_lost = old && old->is_lost;
	pthread_mutex_unlock(&c->lock);
	if (is_same && !has_followed)
		return;
	v = weir_view_create(&p, c->record, c->number);
	pthread_mutex_lock(&c->lock);
	/* weir_cluster_heard_epoch() may have been called in between. */
	if (weir_view_is_behind(v, atomic_load(&c->heard)))
		v->state = WEIR_CLUSTER_FENCED;
	old = c->view;
	c->view = v;
	c->is_view_new = true;
	pthread_mutex_unlock(&c->lock);
	weir_cluster_view_unref(old);
	/* Whoever reads this finds the view. */
	if (p.state == WEIR_CLUSTER_FENCED && c->is_lost && !was_lost)
		weir_cluster_tell(c, "this node is fenced: others have its slots");
}
