/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/nearest.h>
#include <weir/base/number.h>
#include <weir/cluster/coordinator.h>

#include "map.h"
#include "text.h"
#include "word.h"

/* Nodes that a file names, one a line. The map is computed from it, the same on all hosts, and
 * stays. */

struct reading {
	const char *path;
	unsigned line;
	struct weir_coordinator *co;
	struct weir_record *record;
	uint64_t hash; /* of all that was said: files that differ have different epochs */
};

static uint64_t
add_to_hash(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return (h ^ ' ') * UINT64_C(0x100000001b3);
}

static int
refuse(const struct reading *r, struct weir_error *err)
{
	return weir_error_wrap(err, "--cluster: %s:%u", r->path, r->line);
}

static int
set_option(struct weir_node_text *n, const char *key, const char *value, struct weir_error *err)
{
	static const char *const keys[] = { "udp", "queues", "weight", "mac" };
	struct weir_nearest near;
	const char *word;
	uint64_t number;

	if (!strcmp(key, "udp") || !strcmp(key, "queues")) {
		if (weir_parse_u64(value, &number, err))
			return -EINVAL;
		if (number < 1 || number > UINT16_MAX)
			return weir_error_usage(
			    err, "%s=%s is not between 1 and 65535", key, value);
		*(*key == 'u' ? &n->udp_port : &n->n_queues) = (uint16_t)number;
		return 0;
	}
	if (!strcmp(key, "weight")) {
		if (weir_parse_double(value, &n->weight, err))
			return -EINVAL;
		return n->weight >= 0.001 && n->weight <= 1e6
			   ? 0
			   : weir_error_usage(
				 err, "weight=%s is not between 0.001 and 1000000", value);
	}
	if (!strcmp(key, "mac")) {
		free(n->facts);
		return asprintf(&n->facts, "mac=%s", value) < 0 ? -ENOMEM : 0;
	}
	weir_nearest_begin(&near, key);
	for (unsigned i = 0; i < 4; i++)
		weir_nearest_offer(&near, keys[i]);
	word = weir_nearest_get(&near);
	return weir_error_usage(err, "no option '%s'%s%s%s", key,
	    word ? ", did you mean '" : " (there are udp, queues, weight, mac)", word ? word : "",
	    word ? "'?" : "");
}

static int
set_head(struct weir_node_text *n, const char *name, const char *address, struct weir_error *err)
{
	uint8_t bytes[16];

	if (!weir_cluster_is_word(name))
		return weir_error_usage(err,
		    "'%s' is no name of a node: up to %u letters, digits, '_', '-' and '.'", name,
		    WEIR_CLUSTER_WORD_MAX);
	if (!address)
		return weir_error_usage(err, "no address behind the name %s", name);
	if (inet_pton(AF_INET, address, bytes) != 1 && inet_pton(AF_INET6, address, bytes) != 1)
		return weir_error_usage(err, "'%s' is no IPv4 or IPv6 address", address);
	*n = (struct weir_node_text){ .name = strdup(name),
		.address = strdup(address),
		.facts = strdup(""),
		.version = strdup(""),
		.done_ns = INT64_MIN,
		.weight = 1,
		.incarnation = add_to_hash(UINT64_C(0xcbf29ce484222325), name) | 1,
		.state = WEIR_NODE_LIVE };
	return 0;
}

static int
add_node(struct reading *r, const struct weir_node_text *n, struct weir_error *err)
{
	char *text, key[80];

	snprintf(key, sizeof(key), "nodes/%s", n->name);
	if (weir_keys_find(&r->co->keys, key))
		return weir_error_usage(err, "there are two nodes %s", n->name);
	if (r->record->n_nodes == WEIR_RECORD_NODES_MAX)
		return weir_error_usage(err, "more than %u nodes", WEIR_RECORD_NODES_MAX);
	text = weir_node_encode(n);
	weir_keys_set(&r->co->keys, key, text, 1);
	free(text);
	weir_record_add_node(r->record, n->name, n->incarnation, n->weight);
	return 0;
}

static int
read_line(struct reading *r, char *line, struct weir_error *err)
{
	struct weir_node_text n = { .name = NULL };
	const char *blanks = " \t\r\n";
	char *save, *name;
	int rc;

	line[strcspn(line, "#")] = '\0';
	name = strtok_r(line, blanks, &save);
	if (!name)
		return 0;
	r->hash = add_to_hash(r->hash, name);
	rc = set_head(&n, name, strtok_r(NULL, blanks, &save), err);
	if (!rc)
		r->hash = add_to_hash(r->hash, n.address);
	for (char *o; !rc && (o = strtok_r(NULL, blanks, &save));) {
		char *value = strchr(o, '=');

		r->hash = add_to_hash(r->hash, o);
		if (value)
			*value++ = '\0';
		rc = value ? set_option(&n, o, value, err)
			   : weir_error_usage(err, "'%s' is not OPTION=VALUE", o);
	}
	if (!rc)
		rc = add_node(r, &n, err);
	weir_node_free(&n);
	return rc ? refuse(r, err) : 0;
}

static int
read_file(struct reading *r, struct weir_error *err)
{
	FILE *f = fopen(r->path, "re");
	char *line = NULL;
	size_t size = 0;
	int rc = 0;

	if (!f)
		return weir_error_usage(err, "--cluster: static:%s: %s", r->path, strerror(errno));
	while (!rc && getline(&line, &size, f) >= 0) {
		r->line++;
		rc = read_line(r, line, err);
	}
	if (!rc && ferror(f))
		rc = weir_error_run(err, -EIO, "--cluster: static:%s cannot be read", r->path);
	if (!rc && r->record->n_nodes == 0)
		rc = weir_error_usage(err, "--cluster: static:%s names no node", r->path);
	free(line);
	fclose(f);
	return rc;
}

static void
make_map(struct reading *r)
{
	uint8_t members[WEIR_RECORD_NODES_MAX], nobody[WEIR_RECORD_NODES_MAX] = { 0 };
	struct weir_map_change change = {
		.from_ns = INT64_MIN, .done_ns = INT64_MIN, .members = members, .is_lost = nobody
	};
	char *text;

	memset(members, WEIR_MEMBER_LIVE, sizeof(members));
	weir_record_append(r->record, &change);
	text = weir_record_encode(r->record);
	weir_keys_set(&r->co->keys, "map", text, (r->hash >> 1) | 1);
	free(text);
	r->co->is_changed = true;
}

static int
check_self(const struct reading *r, const char *name, struct weir_error *err)
{
	struct weir_nearest near;
	const char *word;

	weir_nearest_begin(&near, name);
	for (unsigned i = 0; i < r->record->n_nodes; i++) {
		if (!strcmp(r->record->nodes[i].name, name))
			return 0;
		weir_nearest_offer(&near, r->record->nodes[i].name);
	}
	word = weir_nearest_get(&near);
	return weir_error_usage(err, "--node: no node %s in %s%s%s%s", name, r->path,
	    word ? ", did you mean '" : "", word ? word : "", word ? "'?" : "");
}

static void
static_close(struct weir_coordinator *co)
{
	weir_keys_clear(&co->keys);
	free(co);
}

static int
static_open(
    const struct weir_cluster_config *config, struct weir_coordinator **ret, struct weir_error *err)
{
	struct reading r = { .path = config->uri->path,
		.hash = UINT64_C(0xcbf29ce484222325),
		.co = calloc(1, sizeof(*r.co)),
		.record = weir_record_create() };
	int rc;

	if (!r.co)
		abort();
	r.co->ops = &weir_coordinator_static;
	rc = read_file(&r, err);
	if (!rc)
		rc = check_self(&r, config->name, err);
	if (!rc)
		make_map(&r);
	weir_record_free(r.record);
	if (rc)
		static_close(r.co);
	else
		*ret = r.co;
	return rc;
}

const struct weir_coordinator_ops weir_coordinator_static = {
	.scheme = "static",
	.is_static = true,
	.open = static_open,
	.close = static_close,
};
