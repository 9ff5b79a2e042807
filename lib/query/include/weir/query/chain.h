/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_QUERY_CHAIN_H
#define WEIR_QUERY_CHAIN_H

#include <weir/query/path.h>
#include <weir/query/result.h>

/*
 * What follows the packets of a query, on the control thread: steps over the rows of its windows,
 * and further groupings, each with steps behind it. The last segment's rows are the query's.
 */

struct weir_segment {
	struct weir_result *result; /* over the rows that come in */
	/* What takes them then: a group or a selection of rows; NULL in the last segment. */
	struct weir_path *path;
	/*
	 * The group has windows of its own, path->window, into which rows go by their time. Else
	 * rows of one window are grouped within it.
	 */
	bool has_window;
	unsigned n_joins;
	struct weir_chain_join *joins; /* [n_joins] those of result, in order */
};

struct weir_chain_join {
	unsigned query; /* number in the plan */
	bool is_prev;   /* its window before this one */
};

struct weir_chain {
	struct weir_schema input;     /* of the rows that come in */
	struct weir_window window_in; /* of these */
	unsigned n_segments;          /* 1 or more */
	struct weir_segment *segments;
	struct weir_window window; /* of the rows that leave */
	bool has_window;           /* rows that leave belong to windows */
	bool lacks_key;            /* and are not told apart by their keys */
	struct weir_window held;   /* of packets that are joined: they wait until it is over */
};

/* Another query, whose rows are asked for. */
struct weir_chain_other {
	unsigned query;
	const struct weir_schema *schema;
	struct weir_window window;
	bool has_window;
	bool lacks_key;
};

struct weir_chain_spec {
	const struct weir_query_text *text; /* the stages over rows */
	const struct weir_schema *input;
	struct weir_window window; /* of the rows that come in; of packets the default one */
	bool has_window;           /* they belong to windows; else they are packets */
	bool hands_over;           /* they are packets, joined by the first --join's window */
	bool lacks_key;            /* they have lost a part of their key */
	enum weir_simd simd;
	uint64_t secret; /* of the hashes of joins */
	/* Look up a query by name. Usage errors. */
	int (*find)(
	    void *ctx, const char *name, struct weir_chain_other *ret, struct weir_error *err);
	void *ctx;
};

/* Compile. Usage errors with flag, value and place. */
int weir_chain_build(
    const struct weir_chain_spec *spec, struct weir_chain **ret, struct weir_error *err);
void weir_chain_destroy(struct weir_chain *c);
/* Schema of the rows that leave. */
const struct weir_schema *weir_chain_schema(const struct weir_chain *c);
/* Set ret_used[column] of those input columns that something reads. */
void weir_chain_slots(const struct weir_chain *c, uint8_t *ret_used);

#endif
