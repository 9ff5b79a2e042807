/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "view.h"

static unsigned
map_of(const struct weir_cluster_view *v, int64_t window_end_ns)
{
	unsigned i = v->n_maps - 1;

	while (i > 0 && v->maps[i]->from_ns >= window_end_ns)
		i--;
	return i;
}

/* The owner of a slot in the windows of a map, who may be lost later. */
static unsigned
owner_from(const struct weir_cluster_view *v, unsigned map, unsigned slot)
{
	for (; map < v->n_maps; map++)
		if (!v->nodes[v->maps[map]->owner[slot]].lost_epoch)
			return v->maps[map]->owner[slot];
	return WEIR_CLUSTER_NONE;
}

unsigned
weir_cluster_owner(const struct weir_cluster_view *v, int64_t window_end_ns, unsigned slot)
{
	if (v->n_maps == 0)
		return WEIR_CLUSTER_NONE;
	if (window_end_ns == WEIR_CLUSTER_GLOBAL)
		return v->global[slot];
	return owner_from(v, map_of(v, window_end_ns), slot);
}

bool
weir_cluster_is_source(const struct weir_cluster_view *v, int64_t window_end_ns, unsigned node)
{
	if (v->n_maps == 0)
		return false;
	if (window_end_ns != WEIR_CLUSTER_GLOBAL)
		return v->maps[map_of(v, window_end_ns)]->members[node] == WEIR_MEMBER_LIVE;
	for (unsigned i = 0; i < v->n_maps; i++)
		if (v->maps[i]->members[node] == WEIR_MEMBER_LIVE)
			return true;
	return false;
}

uint64_t
weir_cluster_epoch_of(const struct weir_cluster_view *v, int64_t window_end_ns)
{
	return v->n_maps ? v->maps[map_of(v, window_end_ns)]->epoch : 0;
}

unsigned
weir_cluster_slots_of(const struct weir_cluster_view *v, int64_t window_end_ns, unsigned node)
{
	unsigned n = 0;

	for (unsigned s = 0; s < WEIR_CLUSTER_SLOTS; s++)
		n += weir_cluster_owner(v, window_end_ns, s) == node;
	return n;
}

bool
weir_cluster_owns_after(const struct weir_cluster_view *v, int64_t done_ns, unsigned node)
{
	for (unsigned i = 0; i < v->n_maps; i++) {
		if (i + 1 < v->n_maps && v->maps[i + 1]->from_ns <= done_ns)
			continue; /* all its windows are done */
		for (unsigned s = 0; s < WEIR_CLUSTER_SLOTS; s++)
			if (owner_from(v, i, s) == node)
				return true;
	}
	return false;
}

unsigned
weir_cluster_find(const struct weir_cluster_view *v, uint64_t incarnation)
{
	for (unsigned i = 0; i < v->n_nodes; i++)
		if (v->nodes[i].incarnation == incarnation)
			return i;
	return WEIR_CLUSTER_NONE;
}

static bool
is_gone(const struct weir_cluster_node *n)
{
	return n->state == WEIR_NODE_LOST || n->state == WEIR_NODE_LEFT;
}

unsigned
weir_cluster_find_name(const struct weir_cluster_view *v, const char *name)
{
	unsigned found = WEIR_CLUSTER_NONE;

	for (unsigned i = 0; i < v->n_nodes; i++) {
		if (strcmp(v->nodes[i].name, name))
			continue;
		if (!is_gone(&v->nodes[i]))
			return i;
		found = i;
	}
	return found;
}

void
weir_cluster_map_info(
    const struct weir_cluster_view *v, unsigned map, struct weir_cluster_map_info *ret)
{
	*ret = (struct weir_cluster_map_info){ v->maps[map]->epoch, v->maps[map]->from_ns,
		v->maps[map]->n_pins };
}

const char *
weir_cluster_state_name(enum weir_cluster_state state)
{
	static const char *const names[] = { [WEIR_CLUSTER_JOINING] = "joining",
		[WEIR_CLUSTER_LIVE] = "live",
		[WEIR_CLUSTER_FENCED] = "fenced",
		[WEIR_CLUSTER_DRAINING] = "draining",
		[WEIR_CLUSTER_LEFT] = "left" };

	return names[state];
}
