/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_UNIT_CLUSTER_MEMORY_H
#define WEIR_UNIT_CLUSTER_MEMORY_H

#include <weir/cluster/coordinator.h>

/* A store in memory that several clusters of a test share: config.ops_arg. */
struct memory;
extern const struct weir_coordinator_ops memory_ops;

struct memory *memory_create(void);
void memory_free(struct memory *m);
/* The node cannot reach the store, or can again. */
void memory_cut(struct memory *m, const char *node, bool is_cut);
/* The lease of a node lapses: its key goes. */
void memory_lapse(struct memory *m, const char *node);
/* Another one writes a key; NULL takes it out. */
void memory_put(struct memory *m, const char *key, const char *value);
/* free() the result; NULL: there is no such key. */
char *memory_get(struct memory *m, const char *key);

#endif
