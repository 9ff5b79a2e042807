/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>

#include "map.h"

struct weir_record *
weir_record_create(void)
{
	struct weir_record *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	memset(r->pins, 0xff, sizeof(r->pins));
	memset(r->global, 0xff, sizeof(r->global));
	return r;
}

void
weir_record_free(struct weir_record *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < r->n_nodes; i++)
		free(r->nodes[i].name);
	for (unsigned i = 0; i < r->n_maps; i++)
		free(r->maps[i].members);
	free(r->nodes);
	free(r->maps);
	free(r);
}

static void *
copy_of(const void *p, size_t size)
{
	void *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, p, size);
	return copy;
}

struct weir_record *
weir_record_copy(const struct weir_record *r)
{
	struct weir_record *c = copy_of(r, sizeof(*r));

	c->nodes = copy_of(r->nodes, r->n_nodes * sizeof(*r->nodes));
	c->maps = copy_of(r->maps, r->n_maps * sizeof(*r->maps));
	for (unsigned i = 0; i < r->n_nodes; i++)
		c->nodes[i].name = copy_of(r->nodes[i].name, strlen(r->nodes[i].name) + 1);
	for (unsigned i = 0; i < r->n_maps; i++)
		c->maps[i].members = copy_of(r->maps[i].members, r->n_nodes);
	return c;
}

unsigned
weir_record_add_node(struct weir_record *r, const char *name, uint64_t incarnation, double weight)
{
	struct weir_record_node *n;

	for (unsigned i = 0; i < r->n_maps; i++) {
		unsigned n_members = r->n_nodes;

		weir_array_add(&r->maps[i].members, &n_members, 1);
	}
	n = weir_array_add(&r->nodes, &r->n_nodes, sizeof(*n));
	*n = (struct weir_record_node){ .name = copy_of(name, strlen(name) + 1),
		.incarnation = incarnation,
		.weight = weight };
	return r->n_nodes - 1;
}

unsigned
weir_record_find(const struct weir_record *r, const char *name, uint64_t incarnation)
{
	for (unsigned i = 0; i < r->n_nodes; i++)
		if (r->nodes[i].incarnation == incarnation && !strcmp(r->nodes[i].name, name))
			return i;
	return WEIR_NO_NODE;
}

unsigned
weir_record_map_of(const struct weir_record *r, int64_t window_end_ns)
{
	unsigned i = r->n_maps - 1;

	while (i > 0 && r->maps[i].from_ns >= window_end_ns)
		i--;
	return i;
}

uint16_t
weir_record_owner(const struct weir_record *r, int64_t window_end_ns, unsigned slot)
{
	if (window_end_ns == WEIR_CLUSTER_GLOBAL)
		return r->global[slot];
	for (unsigned i = weir_record_map_of(r, window_end_ns); i < r->n_maps; i++)
		if (!r->nodes[r->maps[i].owner[slot]].lost_epoch)
			return r->maps[i].owner[slot];
	return WEIR_NO_NODE;
}

/* Forget maps whose windows are all done, and where there are too many, the oldest. */
static void
prune_maps(struct weir_record *r, int64_t done_ns)
{
	unsigned n = 0;

	while (n + 1 < r->n_maps &&
	       (r->maps[n + 1].from_ns <= done_ns || r->n_maps - n >= WEIR_MAPS_MAX))
		free(r->maps[n++].members);
	r->n_maps -= n;
	memmove(r->maps, r->maps + n, r->n_maps * sizeof(*r->maps));
}

static bool
is_needed(const struct weir_record *r, unsigned node)
{
	for (unsigned i = 0; i < r->n_maps; i++)
		if (r->maps[i].members[node])
			return true;
	return false;
}

static void
renumber(uint16_t *nodes, const uint16_t *number)
{
	for (unsigned s = 0; s < WEIR_CLUSTER_SLOTS; s++)
		if (nodes[s] != WEIR_NO_NODE)
			nodes[s] = number[nodes[s]];
}

/* Forget nodes that are members of no map any more. Who owns something is a member of that map. */
static void
prune_nodes(struct weir_record *r)
{
	uint16_t *number = calloc(r->n_nodes + 1, sizeof(*number));
	unsigned n = 0;

	if (!number)
		abort();
	for (unsigned i = 0; i < r->n_nodes; i++) {
		if (!is_needed(r, i)) {
			free(r->nodes[i].name);
			number[i] = WEIR_NO_NODE;
			continue;
		}
		for (unsigned m = 0; m < r->n_maps; m++)
			r->maps[m].members[n] = r->maps[m].members[i];
		r->nodes[n] = r->nodes[i];
		number[i] = (uint16_t)n++;
	}
	r->n_nodes = n;
	for (unsigned m = 0; m < r->n_maps; m++)
		renumber(r->maps[m].owner, number);
	renumber(r->global, number);
	renumber(r->pins, number);
	free(number);
}

/* Owners by rendezvous among the live members, and by hand where they are. -ENOSPC: nobody. */
static int
choose(struct weir_record *r, const uint8_t *members, uint16_t *ret_owner)
{
	struct weir_candidate *c = calloc(r->n_nodes + 1, sizeof(*c));
	unsigned n = 0;

	if (!c)
		abort();
	for (unsigned i = 0; i < r->n_nodes; i++)
		if (members[i] == WEIR_MEMBER_LIVE)
			c[n++] = (struct weir_candidate){ r->nodes[i].name, r->nodes[i].weight,
				(uint16_t)i };
	if (n)
		weir_rendezvous(c, n, ret_owner);
	free(c);
	for (unsigned s = 0; n && s < WEIR_CLUSTER_SLOTS; s++) {
		if (r->pins[s] == WEIR_NO_NODE)
			continue;
		if (members[r->pins[s]] == WEIR_MEMBER_LIVE)
			ret_owner[s] = r->pins[s];
		else
			r->pins[s] = WEIR_NO_NODE;
	}
	return n ? 0 : -ENOSPC;
}

static bool
is_only_loss(const struct weir_map *last, const struct weir_map_change *c, unsigned n_nodes)
{
	bool is_loss = false;

	for (unsigned i = 0; i < n_nodes; i++) {
		if (c->members[i] != last->members[i] && !c->is_lost[i])
			return false;
		is_loss |= c->is_lost[i];
	}
	return is_loss;
}

int
weir_record_append(struct weir_record *r, const struct weir_map_change *change)
{
	struct weir_map *m, *last = r->n_maps ? &r->maps[r->n_maps - 1] : NULL;
	uint16_t owner[WEIR_CLUSTER_SLOTS];
	bool is_loss = last && is_only_loss(last, change, r->n_nodes);
	int rc = choose(r, change->members, owner);

	if (rc)
		return rc;
	for (unsigned s = 0; is_loss && s < WEIR_CLUSTER_SLOTS; s++)
		if (change->members[last->owner[s]] == WEIR_MEMBER_LIVE)
			owner[s] = last->owner[s];
	for (unsigned i = 0; i < r->n_nodes; i++)
		if (change->is_lost[i] && !r->nodes[i].lost_epoch)
			r->nodes[i].lost_epoch = UINT64_MAX;
	for (unsigned s = 0; s < WEIR_CLUSTER_SLOTS; s++)
		if (r->global[s] == WEIR_NO_NODE ||
		    change->members[r->global[s]] != WEIR_MEMBER_LIVE)
			r->global[s] = owner[s];
	if (last)
		prune_maps(r, change->done_ns);
	m = weir_array_add(&r->maps, &r->n_maps, sizeof(*m));
	m->epoch = UINT64_MAX;
	m->from_ns = change->from_ns;
	if (r->n_maps > 1 && m->from_ns < r->maps[r->n_maps - 2].from_ns)
		m->from_ns = r->maps[r->n_maps - 2].from_ns;
	memcpy(m->owner, owner, sizeof(owner));
	m->members = copy_of(change->members, r->n_nodes);
	prune_nodes(r);
	return 0;
}
