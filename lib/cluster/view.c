/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "view.h"

/* A view as it is made: the public part, and what its pointers point to. */
struct made {
	struct weir_cluster_view v;
	atomic_uint n_refs;
	struct weir_cluster_view *base; /* whose all the rest is; NULL: its own */
	struct weir_cluster_node *nodes;
	struct weir_cluster_map **maps;
	uint32_t *global;
};

static void *
zeroed(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		abort();
	return p;
}

static char *
copy_of(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		abort();
	return copy;
}

static struct weir_cluster_map *
make_map(
    const struct weir_record *r, const struct weir_map *m, const uint32_t *number, unsigned n_nodes)
{
	struct weir_cluster_map *made = zeroed(1, sizeof(*made));

	made->epoch = m->epoch;
	made->from_ns = m->from_ns;
	made->members = zeroed(n_nodes, 1);
	for (unsigned i = 0; i < r->n_nodes; i++)
		made->members[number[i]] = m->members[i];
	for (unsigned s = 0; s < WEIR_CLUSTER_SLOTS; s++) {
		made->owner[s] = number[m->owner[s]];
		made->n_pins += r->pins[s] != WEIR_NO_NODE;
	}
	return made;
}

static void
make_maps(struct made *made, const struct weir_record *r, const uint32_t *number)
{
	made->maps = zeroed(r->n_maps, sizeof(struct weir_cluster_map *));
	made->global = zeroed(WEIR_CLUSTER_SLOTS, sizeof(*made->global));
	for (unsigned i = 0; i < r->n_maps; i++)
		made->maps[i] = make_map(r, &r->maps[i], number, made->v.n_nodes);
	for (unsigned s = 0; s < WEIR_CLUSTER_SLOTS; s++)
		made->global[s] = number[r->global[s]];
	made->v.n_maps = r->n_maps;
	made->v.epoch = r->maps[r->n_maps - 1].epoch;
	made->v.maps = (const struct weir_cluster_map *const *)made->maps;
	made->v.global = made->global;
}

struct weir_cluster_view *
weir_view_create(
    const struct weir_view_parts *parts, const struct weir_record *record, const uint32_t *number)
{
	struct made *made = zeroed(1, sizeof(*made));

	atomic_init(&made->n_refs, 1);
	made->nodes = zeroed(parts->n_nodes, sizeof(*made->nodes));
	for (unsigned i = 0; i < parts->n_nodes; i++) {
		made->nodes[i] = parts->nodes[i];
		made->nodes[i].name = copy_of(parts->nodes[i].name);
		made->nodes[i].address = copy_of(parts->nodes[i].address);
		made->nodes[i].facts = copy_of(parts->nodes[i].facts);
		made->nodes[i].version = copy_of(parts->nodes[i].version);
	}
	made->v = (struct weir_cluster_view){ .state = parts->state,
		.is_lost = parts->is_lost,
		.is_away = parts->is_away,
		.self = parts->self,
		.n_nodes = parts->n_nodes,
		.nodes = made->nodes };
	if (record)
		make_maps(made, record, number);
	return &made->v;
}

static struct made *
made_of(struct weir_cluster_view *v)
{
	return (struct made *)((char *)v - offsetof(struct made, v));
}

struct weir_cluster_view *
weir_cluster_view_ref(struct weir_cluster_view *v)
{
	atomic_fetch_add(&made_of(v)->n_refs, 1);
	return v;
}

struct weir_cluster_view *
weir_view_fence(struct weir_cluster_view *v)
{
	struct made *made = zeroed(1, sizeof(*made));

	atomic_init(&made->n_refs, 1);
	made->v = *v;
	made->v.state = WEIR_CLUSTER_FENCED;
	made->base = weir_cluster_view_ref(v);
	return &made->v;
}

bool
weir_view_is_behind(const struct weir_cluster_view *v, uint64_t heard_epoch)
{
	return heard_epoch > v->epoch &&
	       (v->state == WEIR_CLUSTER_LIVE || v->state == WEIR_CLUSTER_DRAINING);
}

static void
free_text(const char *text)
{
	free((char *)(uintptr_t)text);
}

void
weir_cluster_view_unref(struct weir_cluster_view *v)
{
	struct made *made;

	if (!v || atomic_fetch_sub(&made_of(v)->n_refs, 1) > 1)
		return;
	made = made_of(v);
	if (made->base) {
		weir_cluster_view_unref(made->base);
		free(made);
		return;
	}
	for (unsigned i = 0; i < v->n_nodes; i++) {
		free_text(made->nodes[i].name);
		free_text(made->nodes[i].address);
		free_text(made->nodes[i].facts);
		free_text(made->nodes[i].version);
	}
	for (unsigned i = 0; i < v->n_maps; i++) {
		free(made->maps[i]->members);
		free(made->maps[i]);
	}
	free(made->nodes);
	free(made->maps);
	free(made->global);
	free(made);
}
