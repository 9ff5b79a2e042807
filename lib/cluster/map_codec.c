/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <weir/base/array.h>

#include "base64.h"
#include "map.h"
#include "text.h"
#include "word.h"

#define VERSION     1
#define TABLE_BYTES (2 * WEIR_CLUSTER_SLOTS)

/* Little-endian numbers of nodes, one a slot. */
static json_t *
table_to_json(const uint16_t *table)
{
	uint8_t bytes[TABLE_BYTES];
	json_t *j;
	char *text;

	for (unsigned s = 0; s < WEIR_CLUSTER_SLOTS; s++) {
		bytes[2 * s] = table[s] & 255;
		bytes[2 * s + 1] = table[s] >> 8;
	}
	text = weir_base64_encode(bytes, sizeof(bytes));
	j = json_string(text);
	free(text);
	return j;
}

static json_t *
map_to_json(const struct weir_record *r, const struct weir_map *m)
{
	json_t *live = json_array(), *draining = json_array(), *j = json_object();

	for (unsigned i = 0; i < r->n_nodes; i++)
		if (m->members[i])
			json_array_append_new(
			    m->members[i] == WEIR_MEMBER_LIVE ? live : draining, json_integer(i));
	if (m->epoch != UINT64_MAX)
		json_object_set_new(j, "epoch", json_integer((json_int_t)m->epoch));
	if (m->from_ns != INT64_MIN)
		json_object_set_new(j, "from", json_integer(m->from_ns));
	json_object_set_new(j, "live", live);
	json_object_set_new(j, "draining", draining);
	json_object_set_new(j, "owners", table_to_json(m->owner));
	return j;
}

static json_t *
node_to_json(const struct weir_record_node *n)
{
	char hex[17];
	json_t *j = json_object();

	snprintf(hex, sizeof(hex), "%016" PRIx64, n->incarnation);
	json_object_set_new(j, "name", json_string(n->name));
	json_object_set_new(j, "incarnation", json_string(hex));
	json_object_set_new(j, "weight", json_real(n->weight));
	if (n->lost_epoch)
		json_object_set_new(j, "lost",
		    json_integer(n->lost_epoch == UINT64_MAX ? 0 : (json_int_t)n->lost_epoch));
	if (n->is_left)
		json_object_set_new(j, "left", json_true());
	return j;
}

char *
weir_record_encode(const struct weir_record *r)
{
	json_t *j = json_object(), *nodes = json_array(), *maps = json_array(),
	       *pins = json_array();
	char *text;

	for (unsigned i = 0; i < r->n_nodes; i++)
		json_array_append_new(nodes, node_to_json(&r->nodes[i]));
	for (unsigned i = 0; i < r->n_maps; i++)
		json_array_append_new(maps, map_to_json(r, &r->maps[i]));
	for (unsigned s = 0; s < WEIR_CLUSTER_SLOTS; s++)
		if (r->pins[s] != WEIR_NO_NODE)
			json_array_append_new(pins, json_pack("[i,i]", (int)s, (int)r->pins[s]));
	json_object_set_new(j, "version", json_integer(VERSION));
	json_object_set_new(j, "nodes", nodes);
	json_object_set_new(j, "maps", maps);
	json_object_set_new(j, "global", table_to_json(r->global));
	json_object_set_new(j, "pins", pins);
	text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	if (!text)
		abort();
	return text;
}

static const char *
decode_table(const json_t *j, unsigned n_nodes, uint16_t *ret)
{
	size_t n = 0;
	uint8_t *bytes = NULL;

	if (json_is_string(j))
		bytes = (uint8_t *)weir_base64_decode(json_string_value(j), &n);
	if (!bytes || n != TABLE_BYTES) {
		free(bytes);
		return "a table of slots is not 4096 numbers in base64";
	}
	for (unsigned s = 0; s < WEIR_CLUSTER_SLOTS; s++)
		ret[s] = (uint16_t)(bytes[2 * s] | bytes[2 * s + 1] << 8);
	free(bytes);
	for (unsigned s = 0; s < WEIR_CLUSTER_SLOTS; s++)
		if (ret[s] >= n_nodes)
			return "a slot's owner is no node of the record";
	return NULL;
}

static const char *
decode_node(struct weir_record *r, const json_t *j, uint64_t revision)
{
	const char *name = json_string_value(json_object_get(j, "name"));
	const json_t *weight = json_object_get(j, "weight"), *lost = json_object_get(j, "lost");
	struct weir_record_node *n;
	uint64_t incarnation;
	unsigned at;

	if (!name || !weir_cluster_is_word(name))
		return "a node has no name";
	if (!weir_parse_incarnation(json_object_get(j, "incarnation"), &incarnation))
		return "a node's incarnation is not 16 hexadecimal digits";
	if (!json_is_number(weight) || !(json_number_value(weight) > 0) ||
	    !isfinite(json_number_value(weight)))
		return "a node's weight is not a number above 0";
	if (lost && (!json_is_integer(lost) || json_integer_value(lost) < 0))
		return "a node was lost in no map";
	if (weir_record_find(r, name, incarnation) != WEIR_NO_NODE)
		return "a node is there twice";
	at = weir_record_add_node(r, name, incarnation, json_number_value(weight));
	n = &r->nodes[at];
	n->is_left = json_is_true(json_object_get(j, "left"));
	if (lost)
		n->lost_epoch =
		    json_integer_value(lost) ? (uint64_t)json_integer_value(lost) : revision;
	return NULL;
}

static const char *
decode_members(
    const struct weir_record *r, struct weir_map *m, const json_t *list, enum weir_member as)
{
	size_t i;
	json_t *e;

	if (!json_is_array(list))
		return "a map has no list of members";
	json_array_foreach(list, i, e)
	{
		json_int_t n = json_integer_value(e);

		if (!json_is_integer(e) || n < 0 || n >= (json_int_t)r->n_nodes || m->members[n])
			return "a map's member is no node of the record, or there twice";
		m->members[n] = (uint8_t)as;
	}
	return NULL;
}

/* Epochs and beginnings grow from map to map; only the newest map's epoch is the key's revision. */
static const char *
decode_order(const struct weir_record *r, struct weir_map *m, const json_t *j, uint64_t revision)
{
	const json_t *epoch = json_object_get(j, "epoch"), *from = json_object_get(j, "from");
	const struct weir_map *before = r->n_maps > 1 ? m - 1 : NULL;

	m->epoch = json_is_integer(epoch) ? (uint64_t)json_integer_value(epoch) : revision;
	m->from_ns = json_is_integer(from) ? json_integer_value(from) : INT64_MIN;
	if ((epoch && (!json_is_integer(epoch) || json_integer_value(epoch) <= 0)) ||
	    m->epoch > revision || (before && m->epoch <= before->epoch))
		return "a map's epoch is not between those around it";
	if ((from && !json_is_integer(from)) || (before && m->from_ns < before->from_ns))
		return "a map begins before the one in front of it";
	return NULL;
}

static const char *
decode_map(struct weir_record *r, const json_t *j, uint64_t revision)
{
	struct weir_map *m = weir_array_add(&r->maps, &r->n_maps, sizeof(*m));
	const char *why;

	m->members = calloc(r->n_nodes + 1, 1);
	if (!m->members)
		abort();
	why = decode_order(r, m, j, revision);
	if (!why)
		why = decode_members(r, m, json_object_get(j, "live"), WEIR_MEMBER_LIVE);
	if (!why)
		why = decode_members(r, m, json_object_get(j, "draining"), WEIR_MEMBER_DRAINING);
	if (!why)
		why = decode_table(json_object_get(j, "owners"), r->n_nodes, m->owner);
	for (unsigned s = 0; !why && s < WEIR_CLUSTER_SLOTS; s++)
		if (m->members[m->owner[s]] != WEIR_MEMBER_LIVE)
			why = "a slot's owner is no live member of its map";
	return why;
}

static const char *
decode_pins(struct weir_record *r, const json_t *pins)
{
	size_t i;
	json_t *e;

	if (!json_is_array(pins))
		return "there is no list of moved slots";
	json_array_foreach(pins, i, e)
	{
		const json_t *slot = json_array_get(e, 0), *node = json_array_get(e, 1);

		if (!json_is_integer(slot) || !json_is_integer(node) ||
		    json_integer_value(slot) < 0 ||
		    json_integer_value(slot) >= WEIR_CLUSTER_SLOTS ||
		    json_integer_value(node) < 0 ||
		    json_integer_value(node) >= (json_int_t)r->n_nodes)
			return "a moved slot is not [slot, node]";
		r->pins[json_integer_value(slot)] = (uint16_t)json_integer_value(node);
	}
	return NULL;
}

/* The newest map's owners, and those of global windows, must not be lost. */
static const char *
check_newest(const struct weir_record *r, uint64_t revision)
{
	const struct weir_map *m = &r->maps[r->n_maps - 1];

	if (m->epoch != revision)
		return "the newest map has another epoch than the key's revision";
	for (unsigned i = 0; i < r->n_nodes; i++)
		if (m->members[i] && r->nodes[i].lost_epoch)
			return "a lost node is a member of the newest map";
	for (unsigned s = 0; s < WEIR_CLUSTER_SLOTS; s++)
		if (m->members[r->global[s]] != WEIR_MEMBER_LIVE)
			return "a global slot's owner is no live member";
	return NULL;
}

static const char *
decode(struct weir_record *r, const json_t *j, uint64_t revision)
{
	const json_t *nodes = json_object_get(j, "nodes"), *maps = json_object_get(j, "maps");
	const char *why = NULL;
	size_t i;
	json_t *e;

	if (json_integer_value(json_object_get(j, "version")) != VERSION)
		return "it is of another version of weir";
	if (!json_is_array(nodes) || json_array_size(nodes) > WEIR_RECORD_NODES_MAX)
		return "there is no list of nodes, or it is too long";
	if (!json_is_array(maps) || json_array_size(maps) == 0 ||
	    json_array_size(maps) > WEIR_MAPS_MAX)
		return "there is no list of maps, or it is too long";
	json_array_foreach(nodes, i, e)
	{
		why = decode_node(r, e, revision);
		if (why)
			return why;
	}
	json_array_foreach(maps, i, e)
	{
		why = decode_map(r, e, revision);
		if (why)
			return why;
	}
	why = decode_table(json_object_get(j, "global"), r->n_nodes, r->global);
	if (!why)
		why = decode_pins(r, json_object_get(j, "pins"));
	return why ? why : check_newest(r, revision);
}

int
weir_record_decode(
    const char *text, uint64_t revision, struct weir_record **ret, struct weir_error *err)
{
	struct weir_record *r = weir_record_create();
	json_error_t where;
	json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, &where);
	const char *why = j ? decode(r, j, revision) : where.text;

	if (why) {
		weir_error_run(err, -EINVAL, "the map of slots cannot be read: %s", why);
		weir_record_free(r);
	} else {
		*ret = r;
	}
	json_decref(j);
	return why ? -EINVAL : 0;
}
