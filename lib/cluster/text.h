/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_CLUSTER_TEXT_H
#define WEIR_CLUSTER_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <weir/cluster/cluster.h>

/* What a node says about itself under nodes/NAME. */
struct weir_node_text {
	char *name;
	char *address;
	char *facts;
	char *version;
	json_t *queries; /* name -> text; NULL: none said */
	uint64_t incarnation;
	int64_t done_ns;
	double weight;
	uint16_t udp_port;
	uint16_t n_queues;
	enum weir_node_state state; /* JOINING, LIVE or DRAINING */
};

/* As JSON; free() the result. */
char *weir_node_encode(const struct weir_node_text *n);
/* Whatever text: all members set, or -EINVAL. */
int weir_node_decode(const char *text, struct weir_node_text *ret, struct weir_error *err);
void weir_node_free(struct weir_node_text *n);

/* 16 hexadecimal digits, not all 0. */
bool weir_parse_incarnation(const json_t *j, uint64_t *ret);

/* The queries of a configuration as an object. */
json_t *weir_queries_to_json(const struct weir_cluster_query *queries, unsigned n);
/*
 * How two sets of queries differ: "query 'scan': --where is 'tcp' here and 'udp' at node b". False:
 * they do not. `there` is "node b" or "the cluster".
 */
bool weir_queries_differ(
    const json_t *here, const json_t *others, const char *there, char *buf, size_t size);

#endif
