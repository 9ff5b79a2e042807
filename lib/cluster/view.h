/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_CLUSTER_VIEW_PARTS_H
#define WEIR_CLUSTER_VIEW_PARTS_H

#include <weir/cluster/view.h>

#include "map.h"

struct weir_cluster_map {
	uint64_t epoch;
	int64_t from_ns;
	unsigned n_pins;
	uint8_t *members;                   /* enum weir_member, by node of the view */
	uint32_t owner[WEIR_CLUSTER_SLOTS]; /* node of the view */
};

/* All that a view is made of but the record of maps; texts are copied. */
struct weir_view_parts {
	enum weir_cluster_state state;
	bool is_lost;
	bool is_away;
	unsigned self;
	unsigned n_nodes;
	const struct weir_cluster_node *nodes;
};

/* number: the view's index of each node of the record. record may be NULL: no map. One reference.
 */
struct weir_cluster_view *weir_view_create(
    const struct weir_view_parts *parts, const struct weir_record *record, const uint32_t *number);

/* The same, but that the node must not emit; it holds a reference to v. */
struct weir_cluster_view *weir_view_fence(struct weir_cluster_view *v);
/* Whether the node works by a map that is older than what others were heard to have. */
bool weir_view_is_behind(const struct weir_cluster_view *v, uint64_t heard_epoch);

#endif
