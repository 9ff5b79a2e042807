/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_QUERY_JOIN_H
#define WEIR_QUERY_JOIN_H

#include <weir/query/result.h>

/* The join of a window's rows with those of another query. Private to lib/query. */

/* A value of --join, taken apart. */
struct weir_join_text {
	enum weir_join_kind kind;
	char name[64];
	bool is_prev;
};

struct weir_result_join {
	enum weir_join_kind kind;
	unsigned n_keys;
	unsigned *keys;       /* [n_keys] columns of the rows that come in */
	unsigned *other_keys; /* [n_keys] the same of the other query */
	unsigned n_taken;
	unsigned *taken;                /* [n_taken] columns of the other query */
	unsigned first_taken;           /* where they go */
	const struct weir_block *other; /* of the window; NULL: no rows */
	uint64_t n_dropped;
};

/* "left:acks@prev". Usage errors. */
int weir_join_parse(const char *text, struct weir_join_text *ret, struct weir_error *err);
/* The taken columns go behind those of in. Usage errors. */
int weir_result_join_create(enum weir_join_kind kind, const char *name,
    const struct weir_schema *in, const struct weir_schema *other, struct weir_result_join **ret,
    struct weir_error *err);
void weir_result_join_destroy(struct weir_result_join *j);
/*
 * A new block of b's schema with the rows of b that the join lets through; those of the taken
 * columns of b are overwritten. NULL when out of memory.
 */
struct weir_block *weir_result_join_run(
    struct weir_result_join *j, struct weir_block *b, uint64_t secret);

#endif
