/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_CLUSTER_PARTS_H
#define WEIR_CLUSTER_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include <weir/base/time.h>
#include <weir/cluster/cluster.h>
#include <weir/cluster/coordinator.h>

#include "map.h"
#include "text.h"
#include "view.h"

#define WEIR_CLUSTER_EVENTS 256

enum weir_join { WEIR_JOIN_WAITS, WEIR_JOIN_DONE, WEIR_JOIN_REFUSED };

/* Slots to move by hand. */
struct weir_move {
	char *node; /* NULL: back to where they would be */
	unsigned first, last;
	unsigned n_tries;
};

struct weir_cluster {
	/* Fixed from open on. */
	struct weir_coordinator *co; /* but for wake(): the thread's */
	char *key;                   /* nodes/NAME */
	json_t *queries;
	unsigned n_wanted; /* nodes=N */
	int64_t ttl_ns, lead_ns;
	pthread_t thread;

	/* Any thread. */
	atomic_uint_least64_t heard;
	atomic_int_least64_t lease_until_ns, done_ns;
	atomic_bool wants_drain, wants_leave, is_stopping;

	/* Under the lock; signalled when joined or has_left change. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct weir_cluster_view *view;
	bool is_view_new;
	char *events[WEIR_CLUSTER_EVENTS]; /* a ring; the oldest is lost where nobody reads them */
	unsigned n_events, first_event;
	struct weir_move *moves;
	unsigned n_moves;
	enum weir_join joined;
	struct weir_error why; /* it was refused, or waits */
	bool has_left;

	/* The thread's alone. */
	struct weir_node_text self; /* as it is to be published */
	int64_t published_done_ns;
	enum weir_node_state published_state;
	bool is_registered;
	bool was_member;
	bool is_lost;
	bool was_away;
	int64_t name_until_ns; /* how long to wait for the lease of a former node of this name */
	int64_t renew_ns;      /* when to renew the lease */
	int64_t due_ns;        /* when there is something to do besides; INT64_MAX: nothing */
	int64_t need_ns;       /* since when a new map is needed; 0: it is not */
	int64_t backoff_ns;    /* between tries where the coordinator is away */
	int64_t read_again_ns; /* when to read all, because of what a peer says; 0: no need */
	bool has_read_again;
	int64_t trust_ns;             /* from then on who is not there counts as lost */
	struct weir_node_text *texts; /* of all nodes that are registered, by name */
	unsigned n_texts;
	struct weir_record *record; /* NULL: none */
	uint64_t map_revision;      /* of what was read last, good or bad */
	bool is_map_bad;
	uint32_t *number; /* index in nodes of each node of the record */
	struct weir_cluster_node *nodes;
	unsigned n_nodes;
	unsigned self_index;
};

/* thread.c */
void *weir_cluster_work(void *cluster);
/* A line for the log. */
void weir_cluster_tell(struct weir_cluster *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* register.c: 0: registered. -EAGAIN: not yet, *err says why. Others: refused. */
int weir_cluster_register(struct weir_cluster *c, int64_t now_ns, struct weir_error *err);
/* Renew the lease where it is time, and write down what has changed about this node. */
void weir_cluster_keep(struct weir_cluster *c, int64_t now_ns);

/* follow.c: the index of a node, which is added where it is new. */
unsigned weir_cluster_index(struct weir_cluster *c, const char *name, uint64_t incarnation);
/* Read the keys into texts, record and nodes. */
void weir_cluster_follow(struct weir_cluster *c);
/* Make a view where it would differ from the last. */
void weir_cluster_show(struct weir_cluster *c, bool has_followed);
const struct weir_node_text *weir_cluster_text_of(
    const struct weir_cluster *c, const char *name, uint64_t incarnation);

/* change.c: write the map that is needed, if one is. */
void weir_cluster_change(struct weir_cluster *c, int64_t now_ns);
/* Take this node out of the map. 0, or -EAGAIN: try again. */
int weir_cluster_take_out(struct weir_cluster *c);

#endif
