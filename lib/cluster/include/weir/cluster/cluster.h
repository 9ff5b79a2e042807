/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_CLUSTER_CLUSTER_H
#define WEIR_CLUSTER_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/base/error.h>
#include <weir/cluster/view.h>

/*
 * Membership and slot map of a cluster, kept by a coordinator: etcd, or a file. A thread of its own
 * talks to the coordinator; none of these waits for it but weir_cluster_open() and
 * weir_cluster_leave(). docs/decisions/0016-membership.md says what holds when.
 */

struct weir_cluster;
struct weir_coordinator_ops;

/* What --cluster says. */
struct weir_cluster_uri {
	char *scheme;     /* "etcd" or "static" */
	char *job;        /* etcd: of [A-Za-z0-9_.-]; static: "" */
	char *path;       /* static: the file */
	char **endpoints; /* etcd: "http://H:P" or "https://H:P" */
	unsigned n_endpoints;
	unsigned n_nodes; /* nodes=N: no map before so many are there; 1 */
	int64_t ttl_ns;   /* ttl=5s: a lease, from 1s to 1h */
	int64_t lead_ns;  /* lead=2s: how far ahead of now a planned change takes effect */
	char *user;       /* NULL: none */
	char *password_file;
	char *ca, *cert, *key; /* files, or NULL */
};

/*
 * Parse "etcd://H:P[,H:P…]/JOB[?key=value&…]" (etcds:// or tls=1: by https) or "static:FILE". A
 * usage error names the part that is wrong and the nearest valid word.
 */
int weir_cluster_uri_parse(const char *text, struct weir_cluster_uri *ret, struct weir_error *err);
void weir_cluster_uri_free(struct weir_cluster_uri *u);

struct weir_cluster_query {
	const char *name;
	const char
	    *text; /* all that decides its rows, as "--where 'tcp' --key src --agg n=count()" */
};

/* All texts are copied. */
struct weir_cluster_config {
	const struct weir_cluster_uri *uri;
	const char *name;     /* --node: of [A-Za-z0-9_.-], at most 63 */
	uint64_t incarnation; /* 64 random bits, not 0 */
	const char *address;  /* of the wire */
	const char *facts;    /* about its receive side, as peers want to know it; NULL: nothing */
	double weight;        /* share of the slots; 0: number of CPUs that this process may use */
	const struct weir_cluster_query *queries;
	unsigned n_queries;
	uint16_t udp_port;
	uint16_t n_queues;
	int64_t join_timeout_ns; /* how long open may take; 0: 15 s, or twice the lease where that
				    is more */
	const struct weir_coordinator_ops *ops; /* another coordinator than the uri's, or NULL */
	void *ops_arg;
};

/*
 * Register with the coordinator, and wait until it has answered: not for the map. Control thread.
 * Errors: usage, where the node is refused: its queries differ from the cluster's (the error names
 * the query and the option), or another node of that name is alive; run, where the coordinator
 * cannot be reached or refuses the user.
 */
int weir_cluster_open(
    const struct weir_cluster_config *config, struct weir_cluster **ret, struct weir_error *err);

/* A view that is newer than the last one that was returned, or NULL: nothing new. The caller gives
 * it back. Cheap where there is none. Control thread. */
struct weir_cluster_view *weir_cluster_poll(struct weir_cluster *c);

/* The newest view again; never NULL. The caller gives it back. Any thread. */
struct weir_cluster_view *weir_cluster_view_get(struct weir_cluster *c);

/* What happened, oldest first, as a line for the log ("node b joined"); false: nothing. Control
 * thread. */
bool weir_cluster_event(struct weir_cluster *c, char *buf, size_t size);

/*
 * Monotonic clock: until then nobody can have taken over this node's slots because of its lease.
 * Later, with the coordinator away, nobody has been seen to. INT64_MAX for static. Any thread.
 */
int64_t weir_cluster_lease_until_ns(const struct weir_cluster *c);

/* All windows that end at or before done_ns are emitted or handed over here: maps before may be
 * forgotten. Global windows are not meant. Any thread. */
void weir_cluster_done(struct weir_cluster *c, int64_t done_ns);

/*
 * static: the wire has found the incarnation of a node, another one than before where it has begun
 * anew: the one exception to what an index means in views. The next view has it. Control thread.
 */
void weir_cluster_met(struct weir_cluster *c, unsigned node, uint64_t incarnation);

/*
 * A peer works by this epoch. Where it is newer than the view's, the next view is FENCED at once,
 * until a map that is at least as new has been read. Any thread.
 */
void weir_cluster_heard_epoch(struct weir_cluster *c, uint64_t epoch);

/*
 * Leave in good order: a map without this node is made, which takes effect `lead` from now. The
 * state becomes DRAINING with that map. The caller goes on until weir_cluster_pending() is false
 * and then says weir_cluster_leave(). Any thread. The last node cannot: who closes needs no drain.
 * -EBUSY.
 */
int weir_cluster_drain(struct weir_cluster *c, struct weir_error *err);

/* DRAINING, or about to be, and there may still be windows of slots that this node owns after what
 * weir_cluster_done() said. Any thread. */
bool weir_cluster_pending(const struct weir_cluster *c);

/*
 * Move slots first to last by hand to the node of that name, from `lead` from now on. Errors: no
 * such slots or node (usage). Whether it came about is told as an event: another change may come
 * first, then it is tried again. Any thread.
 */
int weir_cluster_move(struct weir_cluster *c, unsigned first_slot, unsigned last_slot,
    const char *node, struct weir_error *err);

/* Give moved slots back to where they would be. */
int weir_cluster_unpin(
    struct weir_cluster *c, unsigned first_slot, unsigned last_slot, struct weir_error *err);

/*
 * Leave: take the node out of the map and delete its record, so that it is not lost but left. Waits
 * at most timeout_ns; -ETIMEDOUT: the coordinator did not answer, others will see the lease lapse.
 * Control thread.
 */
int weir_cluster_leave(struct weir_cluster *c, int64_t timeout_ns, struct weir_error *err);

/* End the thread. Without weir_cluster_leave() before, others see a lost node once the lease is
 * over. Views stay valid until they are given back. */
void weir_cluster_close(struct weir_cluster *c);

#endif
