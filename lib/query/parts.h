/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_QUERY_PARTS_H
#define WEIR_QUERY_PARTS_H

#include <weir/query/command.h>

/*
 * A query's stages by where they run: over packets on the workers, and over rows on the control
 * thread. Private to lib/query.
 */
struct weir_query_parts {
	struct weir_query_text
	    packets; /* up to the first --agg, or to a --join before it; with the sinks */
	struct weir_query_text rows;        /* the rest; each --window in front of its --agg */
	const struct weir_stage_text *from; /* --from, or NULL */
	bool hands_over; /* packets are joined: their rows go to the control thread one by one */
};

/*
 * Split the stages as typed; wants_rows: a query without any stage is the default one. The texts
 * are those of text. Usage errors with flag and value.
 */
int weir_query_split(const struct weir_query_text *text, bool wants_rows,
    struct weir_query_parts *ret, struct weir_error *err);
void weir_query_parts_fini(struct weir_query_parts *parts);

#endif
