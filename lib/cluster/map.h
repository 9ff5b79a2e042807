/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_CLUSTER_MAP_H
#define WEIR_CLUSTER_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/base/error.h>
#include <weir/cluster/view.h>

/*
 * The record of slot maps, which the coordinator holds as one value: the newest map, those before
 * it that windows may still need, and the nodes that they name.
 */

#define WEIR_MAPS_MAX         32 /* in one record; planned changes wait from WEIR_MAPS_PLANNED on */
#define WEIR_MAPS_PLANNED     24
#define WEIR_RECORD_NODES_MAX 2048
#define WEIR_NO_NODE          UINT16_MAX

struct weir_record_node {
	char *name;
	uint64_t incarnation;
	double weight;
	uint64_t lost_epoch; /* its slots passed on with that map; 0: not lost */
	bool is_left;        /* by its own will */
};

enum weir_member { WEIR_NOT_MEMBER, WEIR_MEMBER_LIVE, WEIR_MEMBER_DRAINING };

struct weir_map {
	uint64_t epoch;
	int64_t from_ns;
	uint8_t *members;                   /* enum weir_member, by node of the record */
	uint16_t owner[WEIR_CLUSTER_SLOTS]; /* node of the record */
};

struct weir_record {
	struct weir_record_node *nodes;
	unsigned n_nodes;
	struct weir_map *maps; /* the oldest first; at least one */
	unsigned n_maps;
	uint16_t global[WEIR_CLUSTER_SLOTS];
	uint16_t pins[WEIR_CLUSTER_SLOTS]; /* WEIR_NO_NODE: where rendezvous says */
};

/* A node to choose from. */
struct weir_candidate {
	const char *name;
	double weight;
	uint16_t node;
};

/*
 * Weighted rendezvous hashing: owner of each slot is the candidate with the largest weight /
 * -log2(h), h a hash of its name and the slot in (0, 1). In integers: all hosts come to the same
 * result. n > 0.
 */
void weir_rendezvous(const struct weir_candidate *c, unsigned n, uint16_t *ret_owner);

/* What is to become of a map; nodes are of the record, new ones were added to it before. */
struct weir_map_change {
	int64_t from_ns;
	int64_t done_ns; /* windows that end until then are done everywhere; maps before go */
	const uint8_t *members; /* of the new map, one a node of the record */
	const uint8_t *is_lost; /* nodes whose slots pass on with it, in earlier maps too */
};

/* Add a node to the record (no member of anything yet). Returns its index. */
unsigned weir_record_add_node(
    struct weir_record *r, const char *name, uint64_t incarnation, double weight);
unsigned weir_record_find(const struct weir_record *r, const char *name, uint64_t incarnation);

/*
 * Append the map that follows. Its epoch is UINT64_MAX until it is known; so is that of nodes that
 * it loses. Where it only loses nodes, all other slots stay where they are. -ENOSPC: no member is
 * live.
 */
int weir_record_append(struct weir_record *r, const struct weir_map_change *change);

/* The owner by the record, a node of it; WEIR_NO_NODE: none. As weir_cluster_owner(). */
uint16_t weir_record_owner(const struct weir_record *r, int64_t window_end_ns, unsigned slot);
/* Index of the map of windows with that end. */
unsigned weir_record_map_of(const struct weir_record *r, int64_t window_end_ns);

struct weir_record *weir_record_create(void);
struct weir_record *weir_record_copy(const struct weir_record *r);
void weir_record_free(struct weir_record *r);

/* As JSON; the newest map and what it loses are "this one", whose epoch the key's revision becomes.
 * free() the result. */
char *weir_record_encode(const struct weir_record *r);
/* Whatever text: a record that keeps all promises above, or -EINVAL with what is wrong. */
int weir_record_decode(
    const char *text, uint64_t revision, struct weir_record **ret, struct weir_error *err);

#endif
