/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "map.h"
#include "text.h"

/*
 * Records from a coordinator: any bytes are read as a map, or as a node, or refused with a message.
 * What was read can be written, and read again.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_map(const char *text)
{
	struct weir_record *r = NULL, *again = NULL;
	struct weir_error err = { 0 };

	if (weir_record_decode(text, 1000, &r, &err)) {
		if (!err.text[0])
			abort();
		return;
	}
	for (unsigned slot = 0; slot < WEIR_CLUSTER_SLOTS; slot += 511)
		if (weir_record_owner(r, WEIR_CLUSTER_GLOBAL - 1, slot) >= r->n_nodes ||
		    weir_record_owner(r, INT64_MIN, slot) >= r->n_nodes)
			abort();
	char *written = weir_record_encode(r);

	if (weir_record_decode(written, 1000, &again, NULL))
		abort();
	free(written);
	weir_record_free(r);
	weir_record_free(again);
}

static void
try_node(const char *text)
{
	struct weir_node_text n;
	struct weir_error err = { 0 };
	char why[200];

	if (weir_node_decode(text, &n, &err)) {
		if (!err.text[0])
			abort();
		return;
	}
	if (n.queries)
		weir_queries_differ(n.queries, n.queries, "x", why, sizeof(why));
	free(weir_node_encode(&n));
	weir_node_free(&n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	size_t n;

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	try_map(text);
	try_node(text);
	free(weir_base64_decode(text, &n));
	free(text);
	return 0;
}
