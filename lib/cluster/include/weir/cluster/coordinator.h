/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_CLUSTER_COORDINATOR_H
#define WEIR_CLUSTER_COORDINATOR_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/error.h>
#include <weir/cluster/cluster.h>

/*
 * What a coordinator has to offer: keys of a job with revisions, one compare-and-swap, and keys
 * that vanish with a lease. Keys are names within the job: "map", "queries", "nodes/NAME". All are
 * called by one thread, the cluster's, but wake().
 *
 * A coordinator keeps a copy of the job's keys: a table that is read as a whole once and followed
 * by watching. It shows one moment of the store (never a later key without an earlier one), and
 * what swap() wrote is in it when swap() returns.
 */

struct weir_key {
	char *key;
	char *value;
	uint64_t revision; /* of its last change; grows over all keys */
};

struct weir_keys {
	struct weir_key *items; /* by key */
	unsigned n;
	uint64_t revision; /* of the store when the table was like this */
};

struct weir_coordinator {
	const struct weir_coordinator_ops *ops;
	struct weir_keys keys;
	bool is_changed; /* keys have changed since who reads them set it to false */
	bool is_away;    /* the store does not answer */
	bool is_stale;   /* the store is known to be ahead: read() reads all again */
};

struct weir_coordinator_ops {
	const char *scheme;
	/* A fixed map that needs no store: only open, keys and close are used. */
	bool is_static;
	/* Only what is known without asking; errors of usage. */
	int (*open)(const struct weir_cluster_config *config, struct weir_coordinator **ret,
	    struct weir_error *err);
	/*
	 * Read all keys. -EAGAIN: away, try again later; others: refused for good (no right, wrong
	 * password). Where it had been read and is followed, this does nothing.
	 */
	int (*read)(struct weir_coordinator *co, struct weir_error *err);
	/*
	 * Take a lease of ttl and create key with it where it is not there. -EEXIST: it is there.
	 * Sets *ret_until_ns as renew() does.
	 */
	int (*join)(struct weir_coordinator *co, const char *key, const char *value, int64_t ttl_ns,
	    int64_t *ret_until_ns, struct weir_error *err);
	/* Change the value of the key that join() made. -ESTALE: it, or its lease, is gone. */
	int (*publish)(struct weir_coordinator *co, const char *value, struct weir_error *err);
	/*
	 * Renew the lease. *ret_until_ns (monotonic) is the earliest moment at which it may lapse
	 * if it is not renewed again. -ESTALE: it has lapsed; join() takes another. -EAGAIN: away.
	 */
	int (*renew)(struct weir_coordinator *co, int64_t *ret_until_ns, struct weir_error *err);
	/*
	 * Write value where the key's revision is still `revision` (0: where there is no such key).
	 * -ESTALE: it is another, read() tells. -EAGAIN: away, and it may or may not have been
	 * written.
	 */
	int (*swap)(struct weir_coordinator *co, const char *key, uint64_t revision,
	    const char *value, uint64_t *ret_revision, struct weir_error *err);
	/* Give up the lease and the key with it. */
	int (*leave)(struct weir_coordinator *co, struct weir_error *err);
	/* Follow changes until there is one, wake() was called, or timeout_ns are over. */
	void (*watch)(struct weir_coordinator *co, int64_t timeout_ns);
	void (*wake)(struct weir_coordinator *co); /* any thread */
	void (*close)(struct weir_coordinator *co);
};

extern const struct weir_coordinator_ops weir_coordinator_etcd;
extern const struct weir_coordinator_ops weir_coordinator_static;

/* The table, for who writes a coordinator. A NULL value takes the key out. */
const struct weir_key *weir_keys_find(const struct weir_keys *k, const char *key);
void weir_keys_set(struct weir_keys *k, const char *key, const char *value, uint64_t revision);
void weir_keys_clear(struct weir_keys *k);

#endif
