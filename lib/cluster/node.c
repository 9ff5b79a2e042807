/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "word.h"

static const char *const states[] = { [WEIR_NODE_JOINING] = "joining",
	[WEIR_NODE_LIVE] = "live",
	[WEIR_NODE_DRAINING] = "draining",
	[WEIR_NODE_LOST] = "lost",
	[WEIR_NODE_LEFT] = "left" };

const char *
weir_node_state_name(enum weir_node_state state)
{
	return states[state];
}

bool
weir_parse_incarnation(const json_t *j, uint64_t *ret)
{
	const char *text = json_string_value(j);

	if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
		return false;
	*ret = strtoull(text, NULL, 16);
	return *ret != 0;
}

char *
weir_node_encode(const struct weir_node_text *n)
{
	json_t *j = json_object();
	char hex[17], *text;

	snprintf(hex, sizeof(hex), "%016" PRIx64, n->incarnation);
	json_object_set_new(j, "name", json_string(n->name));
	json_object_set_new(j, "incarnation", json_string(hex));
	json_object_set_new(j, "state", json_string(states[n->state]));
	json_object_set_new(j, "address", json_string(n->address));
	json_object_set_new(j, "udp", json_integer(n->udp_port));
	json_object_set_new(j, "queues", json_integer(n->n_queues));
	json_object_set_new(j, "facts", json_string(n->facts));
	json_object_set_new(j, "weight", json_real(n->weight));
	json_object_set_new(j, "version", json_string(n->version));
	if (n->done_ns != INT64_MIN)
		json_object_set_new(j, "done", json_integer(n->done_ns));
	if (n->queries)
		json_object_set(j, "queries", n->queries);
	text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	if (!text)
		abort();
	return text;
}

static char *
text_of(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));
	char *copy = strdup(s ? s : "");

	if (!copy)
		abort();
	return copy;
}

static bool
port_of(const json_t *j, const char *key, uint16_t *ret)
{
	const json_t *n = json_object_get(j, key);

	if (!json_is_integer(n) || json_integer_value(n) < 0 || json_integer_value(n) > UINT16_MAX)
		return false;
	*ret = (uint16_t)json_integer_value(n);
	return true;
}

static const char *
decode(const json_t *j, struct weir_node_text *n)
{
	const char *state = json_string_value(json_object_get(j, "state"));
	const json_t *done = json_object_get(j, "done"), *queries = json_object_get(j, "queries");

	n->name = text_of(j, "name");
	n->address = text_of(j, "address");
	n->facts = text_of(j, "facts");
	n->version = text_of(j, "version");
	n->weight = json_number_value(json_object_get(j, "weight"));
	n->done_ns = json_is_integer(done) ? json_integer_value(done) : INT64_MIN;
	n->queries = json_is_object(queries) ? json_incref(json_object_get(j, "queries")) : NULL;
	if (!weir_cluster_is_word(n->name))
		return "it has no name";
	if (!weir_parse_incarnation(json_object_get(j, "incarnation"), &n->incarnation))
		return "its incarnation is not 16 hexadecimal digits";
	if (!(n->weight > 0) || !isfinite(n->weight))
		return "its weight is not a number above 0";
	if (!port_of(j, "udp", &n->udp_port) || !port_of(j, "queues", &n->n_queues))
		return "its port or number of queues is none";
	for (n->state = WEIR_NODE_JOINING; n->state <= WEIR_NODE_DRAINING; n->state++)
		if (state && !strcmp(state, states[n->state]))
			return NULL;
	return "its state is none of joining, live and draining";
}

int
weir_node_decode(const char *text, struct weir_node_text *ret, struct weir_error *err)
{
	struct weir_node_text n = { .name = NULL };
	json_error_t where;
	json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, &where);
	const char *why = j ? decode(j, &n) : where.text;

	json_decref(j);
	if (why) {
		weir_error_run(err, -EINVAL, "the record of a node cannot be read: %s", why);
		weir_node_free(&n);
		return -EINVAL;
	}
	*ret = n;
	return 0;
}

void
weir_node_free(struct weir_node_text *n)
{
	free(n->name);
	free(n->address);
	free(n->facts);
	free(n->version);
	json_decref(n->queries);
}
