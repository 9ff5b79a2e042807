/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_TEST_STREAM_H
#define WEIR_TEST_STREAM_H

#include <CUnit/Basic.h>

#include <weir/aggregate/aggregate.h>

#include "random.h"

/*
 * Rows to aggregate, kept as plain values, with two ways to the answer: fed to aggregators, and
 * worked out here from the definitions alone, row by row and without a hash, a table or a batch.
 */

#define MAX_COLUMNS 16

struct stream {
	uint32_t n;
	unsigned n_columns;
	enum weir_type types[MAX_COLUMNS];
	enum weir_store stores[MAX_COLUMNS];
	struct weir_value *values; /* [n * n_columns] */
	int64_t *time_ns;
	bool *is_selected;
};

struct call {
	const char *function;
	int arg;  /* column, or -1 for count() */
	int arg2; /* another, 0: none */
};

/* A query on a stream: the first n_keys columns are the key. */
struct query {
	struct weir_window window;
	int64_t lateness_ns;
	unsigned n_keys;
	unsigned n_calls;
	struct call calls[8];
	uint64_t table_size;
	uint64_t seed;
	enum weir_overflow overflow;
	bool is_merged;
	enum weir_simd simd;

	/* Not 0: groups go to so many owners, by their slots; those of others as parts of so many
	 * bytes, in any order. */
	unsigned owners;
	size_t part_bytes;
	bool is_ordered; /* before they are written */
};

/* Closed windows, oldest first, the rows of each in order; of groups' own windows one block of all.
 */
struct answer {
	struct weir_schema schema;
	unsigned n_blocks;
	struct weir_block *blocks[4096];
	struct weir_group_counters counters; /* without what merging lost */

	/* Of all panes. */
	uint64_t lost;
	uint64_t most_bytes;
	uint64_t undercount;
	double sampling;

	int64_t closed_ns; /* own windows: what was said to be closed */
	unsigned n_swept;  /* times that it rose before the end */
	uint64_t most_open;
	uint64_t n_parts;
	uint64_t n_longer;   /* parts that needed more than was to be */
	uint64_t open_bytes; /* that states of open groups had at most, live or free again */
};

void stream_init(struct stream *s, uint32_t n);
void stream_column(struct stream *s, enum weir_type type, enum weir_store store);
struct weir_value *stream_value(const struct stream *s, uint32_t row, unsigned column);
/* Fill a column with values of its type out of so many, one in null_one_in null (0: none). */
void stream_fill(
    struct stream *s, unsigned column, uint64_t domain, unsigned null_one_in, uint64_t *rng);
void stream_fini(struct stream *s);

/*
 * Feed the stream in batches of 1 .. max_batch rows (random where seed is not 0) to `cores`
 * aggregators, row r to number r % cores (where the order of rows counts: the first rows to the
 * first one, and so on); close panes on the way where is_closing; merge and read the panes.
 */
void answer_fed(struct answer *a, const struct stream *s, const struct query *q, uint32_t max_batch,
    uint64_t rng, unsigned cores, bool is_closing);
/* Work out which group each row belongs to and what count and sum are: only those two are known
 * here. */
void answer_worked_out(struct answer *a, const struct stream *s, const struct query *q);
void answer_fini(struct answer *a);
/* Values in which the two differ. */
unsigned answer_differs(const struct answer *a, const struct answer *b);

#endif
