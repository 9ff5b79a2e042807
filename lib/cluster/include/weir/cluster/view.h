/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_CLUSTER_VIEW_H
#define WEIR_CLUSTER_VIEW_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What a node knows about its cluster at one moment: its nodes, and which of them owns which slot
 * in which windows. A view never changes and lives until its last reference is given back; all of
 * these may be called on any thread.
 */

#define WEIR_CLUSTER_SLOTS 4096
#define WEIR_CLUSTER_NONE  UINT32_MAX
/* The end of a window that has none (--window global). */
#define WEIR_CLUSTER_GLOBAL INT64_MAX

/* What another node is. */
enum weir_node_state {
	WEIR_NODE_JOINING,  /* registered, in no map yet */
	WEIR_NODE_LIVE,     /* in the newest map */
	WEIR_NODE_DRAINING, /* owns nothing from the newest map on, and still ends earlier windows
			     */
	WEIR_NODE_LOST,     /* its lease lapsed: what it owned in any window belongs to others */
	WEIR_NODE_LEFT,     /* ended all that it owned, and left */
};

/* What this node is. */
enum weir_cluster_state {
	WEIR_CLUSTER_JOINING,  /* not in a map yet, or there is none: see nodes=N */
	WEIR_CLUSTER_LIVE,     /* owns slots, emits */
	WEIR_CLUSTER_FENCED,   /* must not emit: lost its slots, or heard of a newer map than it has
				*/
	WEIR_CLUSTER_DRAINING, /* emits what it still owns; see weir_cluster_pending() */
	WEIR_CLUSTER_LEFT,
};

struct weir_cluster_node {
	const char *name;
	uint64_t incarnation; /* 0: not known, as with static: until a frame tells */
	const char *address;  /* of its wire, without prefix length: "192.0.2.1", "2001:db8::1" */
	const char *facts;    /* what it said about itself, not looked at here; "" where nothing */
	const char *version;
	double weight;
	uint64_t lost_epoch; /* the map that took its slots; 0: not lost */
	uint16_t udp_port;
	uint16_t n_queues; /* receive queues of its wire */
	enum weir_node_state state;
};

struct weir_cluster_map; /* one slot map of the history */

struct weir_cluster_view {
	uint64_t epoch; /* of the newest map; 0: there is none yet */
	enum weir_cluster_state state;
	bool is_lost; /* FENCED for good: this incarnation is lost; close, and open with another one
		       */
	bool is_away; /* the coordinator does not answer: what is here is what was known before */
	unsigned self; /* this node's index */
	/*
	 * All nodes that this process has ever seen in the cluster. An index means the same
	 * incarnation of a node in all views of one struct weir_cluster.
	 */
	unsigned n_nodes;
	const struct weir_cluster_node *nodes;
	/* Maps that may still be needed, the oldest first; n_maps is 0 where epoch is. */
	unsigned n_maps;
	const struct weir_cluster_map *const *maps;
	/* Global windows: index of the owner of each slot; NULL where there is no map. */
	const uint32_t *global;
};

/*
 * The node that owns a slot in the windows that end at window_end_ns (the time of packets,
 * wall-clock). A map owns the windows that end after its from_ns and not after that of the next
 * map. Where its owner of the slot is lost, the first later map decides whose owner is not. So an
 * owner changes only by being lost, once everybody has the map.
 *
 * WEIR_CLUSTER_GLOBAL: a window without end has the owner by the first map, for as long as that
 * node is neither lost nor draining; then the owner by the map that takes its place. Nodes that
 * join and slots that are moved by hand change nothing.
 *
 * WEIR_CLUSTER_NONE: there is no map yet.
 */
unsigned weir_cluster_owner(
    const struct weir_cluster_view *v, int64_t window_end_ns, unsigned slot);

/*
 * Whether windows with that end are made of a node's packets too: it is in their map and does not
 * drain. A node in whose windows others wait for it; where it is LOST they cannot, and rows are
 * partial. WEIR_CLUSTER_GLOBAL: in any of the maps that are kept.
 */
bool weir_cluster_is_source(
    const struct weir_cluster_view *v, int64_t window_end_ns, unsigned node);

/* The epoch of the map that windows with that end use; 0: no map. */
uint64_t weir_cluster_epoch_of(const struct weir_cluster_view *v, int64_t window_end_ns);

/* How many slots a node owns in windows with that end. */
unsigned weir_cluster_slots_of(
    const struct weir_cluster_view *v, int64_t window_end_ns, unsigned node);

/* Whether a node owns any window that ends after done_ns; global ones are not looked at. */
bool weir_cluster_owns_after(const struct weir_cluster_view *v, int64_t done_ns, unsigned node);

/* The index of a node, or WEIR_CLUSTER_NONE. By name: the incarnation that is
 * there, else the last one. */
unsigned weir_cluster_find(const struct weir_cluster_view *v, uint64_t incarnation);
unsigned weir_cluster_find_name(const struct weir_cluster_view *v, const char *name);

struct weir_cluster_map_info {
	uint64_t epoch;
	int64_t from_ns; /* INT64_MIN: the first map */
	unsigned n_pins; /* slots that were moved by hand */
};
void weir_cluster_map_info(
    const struct weir_cluster_view *v, unsigned map, struct weir_cluster_map_info *ret);

const char *weir_cluster_state_name(enum weir_cluster_state state);
const char *weir_node_state_name(enum weir_node_state state);

struct weir_cluster_view *weir_cluster_view_ref(struct weir_cluster_view *v);
void weir_cluster_view_unref(struct weir_cluster_view *v); /* may be NULL */

#endif
