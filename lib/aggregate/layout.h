/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_LAYOUT_H
#define WEIR_AGGREGATE_LAYOUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <weir/aggregate/aggregate.h>

/*
 * How a group's row lies in memory, the same for all panes of an aggregator:
 *
 *   | words of the key, compared and hashed | pointers of its strings | state of each aggregate |
 *
 * Everything is a multiple of 8 bytes. The key's columns are packed widest first, so that only its
 * end is padded (with zeros). An address takes 16 bytes and, among the bytes, one for its version.
 * A string takes one word, its length below and half of its hash above, and a pointer: to the
 * column's bytes while a key is looked up, to the pane's copy in a row.
 */

struct weir_key_field {
	enum weir_type type;
	enum weir_store store;
	uint32_t offset;  /* in the row */
	uint32_t version; /* WEIR_IP: offset of the version byte */
	uint32_t pointer; /* WEIR_STRING: offset of the pointer */
};

struct weir_agg_slot {
	const struct weir_agg_function *function;
	uint32_t offset; /* of the state in the row */
	unsigned n_args;
	enum weir_type arg_types[WEIR_AGG_MAX_ARGS];
};

struct weir_layout {
	uint32_t words;     /* of the key that are compared and hashed */
	uint32_t n_strings; /* key columns with a pointer; these follow the words */
	uint32_t key_size;  /* bytes of words and pointers */
	uint32_t stride;    /* bytes of a row */
	uint64_t *secrets;  /* [words + 4], from the seed */
	struct weir_key_field *keys;
	struct weir_agg_slot *aggs;
	unsigned n_keys;
	unsigned n_aggs;
	struct weir_window window;
	uint64_t max_string_bytes; /* of key strings in one pane */
	atomic_uint users;         /* panes and the aggregator: the last one frees it */
};

struct weir_layout *weir_layout_create(const struct weir_group_spec *spec);
struct weir_layout *weir_layout_hold(struct weir_layout *l);
void weir_layout_release(struct weir_layout *l);

#endif
