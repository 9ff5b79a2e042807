/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "stream.h"

/*
 * Floods: many times more keys than the table takes, among them some that come again and again.
 * Each key is a number, so that what it should have is counted in an array.
 */

#define TABLE   1000u
#define TALKERS 20u

struct flood {
	struct stream s;
	uint32_t n_keys;
	uint64_t *rows; /* [n_keys] rows of each key */
};

static struct query
query_of(enum weir_overflow overflow)
{
	return (struct query){
		.window = { .kind = WEIR_WINDOW_GLOBAL },
		.n_keys = 1,
		.n_calls = 2,
		.calls = { { "count", -1 }, { "sum", 1 } },
		.table_size = TABLE,
		.seed = 7,
		.overflow = overflow,
	};
}

/*
 * Keys below TALKERS take every fourth row in turn, the others come once each - twice every eighth
 * - and the value of a row is its key modulo 251.
 */
static void
flood_init(struct flood *f, uint32_t n, enum weir_type type, enum weir_store store)
{
	uint64_t rng = 11;
	uint32_t next = TALKERS;

	stream_init(&f->s, n);
	stream_column(&f->s, type, store);
	stream_column(&f->s, WEIR_INT, WEIR_U8);
	f->rows = calloc(n, sizeof(*f->rows));
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->rows);
	for (uint32_t r = 0; r < n; r++) {
		uint32_t key = r % 4 ? next : r / 4 % TALKERS;
		struct weir_value *v = stream_value(&f->s, r, 0);

		if (r % 4 && random_next(&rng) % 8)
			next++;
		f->rows[key]++;
		*v = (struct weir_value){ .type = type, .i = key };
		if (type == WEIR_IP) {
			v->version = key % 3 ? 4 : 6;
			v->addr = (struct weir_addr){ key % 3 ? 0 : key, key };
		} else if (type == WEIR_STRING) {
			uint8_t *p = calloc(1, 200);

			CU_ASSERT_PTR_NOT_NULL_FATAL(p);
			memcpy(p + key % 190, &key, sizeof(key));
			p[199] = (uint8_t)(key % 190);
			v->s = (struct weir_bytes){ p, 200 };
		}
		*stream_value(&f->s, r, 1) =
		    (struct weir_value){ .type = WEIR_INT, .i = key % 251 };
	}
	f->n_keys = next + 1;
}

static void
flood_fini(struct flood *f)
{
	free(f->rows);
	stream_fini(&f->s);
}

static uint32_t
key_of(const struct weir_value *v)
{
	uint32_t key;

	switch (v->type) {
	case WEIR_IP:
		return (uint32_t)v->addr.lo;
	case WEIR_STRING:
		memcpy(&key, v->s.p + v->s.p[199], sizeof(key));
		return key;
	default:
		return (uint32_t)v->i;
	}
}

/*
 * What holds under any policy: rows of the ledger are those of the groups, no key has more than it
 * should, its sum is of the rows that it counts, none is there twice. Sets found[key] to its count.
 */
static void
check_groups(const struct flood *f, const struct answer *a, uint64_t *found)
{
	uint64_t rows = 0;

	memset(found, 0, f->n_keys * sizeof(*found));
	for (unsigned b = 0; b < a->n_blocks; b++)
		for (uint32_t r = 0; r < a->blocks[b]->n_rows; r++) {
			struct weir_value v = weir_column_get(&a->blocks[b]->columns[0], r);
			int64_t count = weir_column_get(&a->blocks[b]->columns[1], r).i;
			int64_t sum = weir_column_get(&a->blocks[b]->columns[2], r).i;
			uint32_t key = key_of(&v);

			CU_ASSERT_FATAL(key < f->n_keys);
			CU_ASSERT_EQUAL(found[key], 0);
			CU_ASSERT(count > 0 && (uint64_t)count <= f->rows[key]);
			CU_ASSERT_EQUAL(sum, count * (key % 251));
			found[key] = (uint64_t)count;
			rows += (uint64_t)count;
		}
	CU_ASSERT_EQUAL(rows, a->counters.aggregated - a->lost);
	CU_ASSERT_EQUAL(a->counters.aggregated + a->counters.overflow, f->s.n);
}

static const struct {
	enum weir_type type;
	enum weir_store store;
} kinds[] = {
	{ WEIR_INT, WEIR_U32 }, { WEIR_STRING, WEIR_BYTES },
	{ WEIR_IP, WEIR_ADDR }, /* groups of one shape make room for those of the other */
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void
evict_keeps_the_talkers(void)
{
	for (unsigned i = 0; i < N_KINDS; i++) {
		struct query q = query_of(WEIR_OVERFLOW_EVICT);
		struct flood f;
		struct answer a;
		uint64_t *found;

		flood_init(&f, 40 * TABLE, kinds[i].type, kinds[i].store);
		CU_ASSERT(f.n_keys > 20 * TABLE);
		found = calloc(f.n_keys, sizeof(*found));
		answer_fed(&a, &f.s, &q, WEIR_ROWS, 0, 1, false);
		check_groups(&f, &a, found);
		CU_ASSERT_EQUAL(a.blocks[0]->n_rows, TABLE);
		CU_ASSERT(a.undercount > 0 && a.undercount <= 2 * f.s.n / TABLE);
		/* They are above the floor from the first on: not a row of theirs is lost. */
		for (uint32_t k = 0; k < TALKERS; k++)
			CU_ASSERT_EQUAL(found[k], f.rows[k]);
		for (uint32_t k = 0; k < f.n_keys; k++)
			CU_ASSERT(f.rows[k] <= found[k] + a.undercount);
		answer_fini(&a);
		flood_fini(&f);
		free(found);
	}
}

/* Talkers that begin when the table has been full for long, or that come in a Zipf crowd. */
static void
evict_keeps_its_bound(void)
{
	enum { N = 200000, KEYS = 20000 };
	struct query q = query_of(WEIR_OVERFLOW_EVICT);
	struct flood f = { .n_keys = KEYS };
	uint64_t rng = 3, *found = calloc(KEYS, sizeof(*found));
	struct answer a;
	uint32_t n_above = 0;

	stream_init(&f.s, N);
	stream_column(&f.s, WEIR_INT, WEIR_U32);
	stream_column(&f.s, WEIR_INT, WEIR_U8);
	f.rows = calloc(KEYS, sizeof(*f.rows));
	for (uint32_t r = 0; r < N; r++) {
		double u = (double)(random_next(&rng) >> 11) * 0x1p-53;
		/* Weights fall as 1 / rank; who is of which rank moves on once. */
		uint32_t rank = (uint32_t)exp(u * log(KEYS)) - 1;
		uint32_t key = (rank + (r > N / 2 ? 77 : 0)) % KEYS;

		f.rows[key]++;
		*stream_value(&f.s, r, 0) = (struct weir_value){ .type = WEIR_INT, .i = key };
		*stream_value(&f.s, r, 1) = (struct weir_value){ .type = WEIR_INT, .i = key % 251 };
	}
	for (q.table_size = 10; q.table_size <= TABLE; q.table_size *= 10) {
		answer_fed(&a, &f.s, &q, WEIR_ROWS, 0, 1, false);
		check_groups(&f, &a, found);
		CU_ASSERT_EQUAL(a.blocks[0]->n_rows, q.table_size);
		CU_ASSERT(a.undercount <= 2 * N / q.table_size);
		for (uint32_t k = 0; k < KEYS; k++) {
			CU_ASSERT(f.rows[k] <= found[k] + a.undercount);
			n_above += f.rows[k] > a.undercount;
		}
		answer_fini(&a);
	}
	CU_ASSERT(n_above > 100); /* so there was something to keep */
	flood_fini(&f);
	free(found);
}

static void
sample_counts_exactly(void)
{
	for (unsigned i = 0; i < N_KINDS; i++) {
		struct query q = query_of(WEIR_OVERFLOW_SAMPLE);
		struct flood f;
		uint64_t *found;
		double keys = 0;

		flood_init(&f, 40 * TABLE, kinds[i].type, kinds[i].store);
		found = calloc(f.n_keys, sizeof(*found));
		for (q.seed = 1; q.seed <= 20; q.seed++) {
			struct answer a;

			answer_fed(&a, &f.s, &q, WEIR_ROWS, 0, 1, false);
			check_groups(&f, &a, found);
			CU_ASSERT(a.blocks[0]->n_rows <= TABLE);
			CU_ASSERT(a.sampling < 0.1 && a.sampling > 0.01);
			for (uint32_t k = 0; k < f.n_keys; k++)
				CU_ASSERT(found[k] == 0 || found[k] == f.rows[k]);
			keys += a.blocks[0]->n_rows / a.sampling;
			answer_fini(&a);
		}
		/* Scaled up, it is unbiased: 20 draws of some 700 keys, so within a few per cent.
		 */
		CU_ASSERT_DOUBLE_EQUAL(keys / 20 / f.n_keys, 1, 0.05);
		flood_fini(&f);
		free(found);
	}
}

static void
drop_keeps_the_first(void)
{
	struct query q = query_of(WEIR_OVERFLOW_DROP);
	struct flood f;
	struct answer a;
	uint64_t *found;

	flood_init(&f, 40 * TABLE, WEIR_IP, WEIR_ADDR);
	found = calloc(f.n_keys, sizeof(*found));
	answer_fed(&a, &f.s, &q, WEIR_ROWS, 0, 1, false);
	check_groups(&f, &a, found);
	for (uint32_t k = 0; k < f.n_keys; k++)
		CU_ASSERT_EQUAL(found[k], k < TABLE ? f.rows[k] : 0);
	answer_fini(&a);
	flood_fini(&f);
	free(found);
}

static void
memory_stays_flat(void)
{
	static const enum weir_overflow policies[] = { WEIR_OVERFLOW_DROP, WEIR_OVERFLOW_EVICT,
		WEIR_OVERFLOW_SAMPLE };

	for (unsigned i = 0; i < N_KINDS; i++)
		for (unsigned p = 0; p < 3; p++) {
			struct query q = query_of(policies[p]);
			struct flood small, large;
			struct answer a, b;
			bool is_text = kinds[i].type == WEIR_STRING;

			/* 4 and 40 times as many keys as there are places. */
			flood_init(&small, 6 * TABLE, kinds[i].type, kinds[i].store);
			flood_init(&large, 60 * TABLE, kinds[i].type, kinds[i].store);
			answer_fed(&a, &small.s, &q, WEIR_ROWS, 0, 1, false);
			answer_fed(&b, &large.s, &q, WEIR_ROWS, 0, 1, false);
			/* Strings of groups that went take memory until they are half of it all. */
			CU_ASSERT(b.most_bytes <= (is_text ? 2 : 1) * a.most_bytes + 65536);
			CU_ASSERT(b.most_bytes < (is_text ? 3000 : 300) * TABLE);
			answer_fini(&a);
			answer_fini(&b);
			flood_fini(&small);
			flood_fini(&large);
		}
}

/* Neither the ends of batches nor, under evict, the hash change which groups are there. */
static void
batches_and_seeds_make_no_difference(void)
{
	for (unsigned i = 0; i < N_KINDS; i++)
		for (unsigned p = 0; p < 3; p++) {
			struct query q = query_of((enum weir_overflow)p);
			struct flood f;
			struct answer a, b;

			flood_init(&f, 8 * TABLE, kinds[i].type, kinds[i].store);
			answer_fed(&a, &f.s, &q, WEIR_ROWS, 0, 1, false);
			for (unsigned way = 0; way < 4; way++) {
				q.seed = p == WEIR_OVERFLOW_SAMPLE ? 7 : 100 + way;
				answer_fed(&b, &f.s, &q, way ? WEIR_ROWS : 1, way, 1, false);
				CU_ASSERT_EQUAL(answer_differs(&a, &b), 0);
				CU_ASSERT_EQUAL(a.counters.aggregated, b.counters.aggregated);
				CU_ASSERT_EQUAL(a.undercount, b.undercount);
				answer_fini(&b);
			}
			answer_fini(&a);
			flood_fini(&f);
		}
}

static void
tables_may_be_tiny(void)
{
	struct flood f;
	uint64_t *found;

	flood_init(&f, 3 * TABLE, WEIR_IP, WEIR_ADDR);
	found = calloc(f.n_keys, sizeof(*found));
	for (uint64_t size = 1; size < 80; size += size < 10 ? 1 : 23)
		for (unsigned p = 0; p < 3; p++) {
			struct query q = query_of((enum weir_overflow)p);
			struct answer a;

			q.table_size = size;
			answer_fed(&a, &f.s, &q, WEIR_ROWS, 0, 1, false);
			check_groups(&f, &a, found);
			CU_ASSERT(a.n_blocks == 0 || a.blocks[0]->n_rows <= size);
			for (uint32_t k = 0; p == WEIR_OVERFLOW_EVICT && k < f.n_keys; k++)
				CU_ASSERT(f.rows[k] <= found[k] + a.undercount);
			answer_fini(&a);
		}
	flood_fini(&f);
	free(found);
}

/* Each window has its own table, which starts afresh when it is used again. */
static void
windows_are_full_one_by_one(void)
{
	for (unsigned p = 0; p < 3; p++) {
		struct query q = query_of((enum weir_overflow)p);
		struct flood f;
		struct answer a, b;

		q.window = (struct weir_window){ WEIR_WINDOW_TUMBLING, 4 * TABLE };
		flood_init(&f, 16 * TABLE, WEIR_IP, WEIR_ADDR);
		answer_fed(&a, &f.s, &q, WEIR_ROWS, 0, 1, true);
		answer_fed(&b, &f.s, &q, WEIR_ROWS, 0, 1, false);
		CU_ASSERT_EQUAL(a.n_blocks, 4);
		CU_ASSERT_EQUAL(answer_differs(&a, &b), 0);
		CU_ASSERT_EQUAL(a.counters.aggregated + a.counters.overflow, f.s.n);
		for (unsigned w = 0; w < a.n_blocks; w++)
			CU_ASSERT(a.blocks[w]->n_rows <= TABLE && a.blocks[w]->n_rows > TABLE / 3);
		answer_fini(&a);
		answer_fini(&b);
		flood_fini(&f);
	}
}

/* What several cores filled is held to the size, and what that takes is told. */
static void
merged_panes_are_bounded(void)
{
	for (unsigned i = 0; i < N_KINDS; i++)
		for (unsigned p = WEIR_OVERFLOW_EVICT; p <= WEIR_OVERFLOW_SAMPLE; p++) {
			struct query q = query_of((enum weir_overflow)p);
			struct flood f;
			struct answer a;
			uint64_t *found;

			flood_init(&f, 40 * TABLE, kinds[i].type, kinds[i].store);
			found = calloc(f.n_keys, sizeof(*found));
			/* Keys are on several cores, and those that one never sees fill its table,
			 * too. */
			answer_fed(&a, &f.s, &q, WEIR_ROWS, 0, 3, false);
			check_groups(&f, &a, found);
			CU_ASSERT(a.blocks[0]->n_rows <= TABLE && a.blocks[0]->n_rows > 0);
			CU_ASSERT(p == WEIR_OVERFLOW_SAMPLE || a.lost > 0);
			for (uint32_t k = 0; k < f.n_keys; k++)
				if (p == WEIR_OVERFLOW_EVICT)
					CU_ASSERT(f.rows[k] <= found[k] + a.undercount)
				else
					CU_ASSERT(found[k] == 0 || found[k] == f.rows[k])
			for (uint32_t k = 0; p == WEIR_OVERFLOW_EVICT && k < TALKERS; k++)
				CU_ASSERT_EQUAL(found[k], f.rows[k]);
			answer_fini(&a);
			flood_fini(&f);
			free(found);
		}
}

/*
 * A query that counts nothing can do without a place all the same, also where panes of several
 * cores do not fit into one: weir counts for itself.
 */
static void
nobody_need_ask_for_a_count(void)
{
	for (unsigned i = 0; i < 6; i++) {
		unsigned p = i / 2, cores = i % 2 ? 3 : 1;
		struct query q = query_of((enum weir_overflow)p), without;
		struct flood f;
		struct answer a, b;

		q.is_merged = cores > 1;
		without = q;
		without.calls[0] = q.calls[1];
		without.n_calls = 1;
		flood_init(&f, 12 * TABLE, WEIR_INT, WEIR_U32);
		answer_fed(&a, &f.s, &q, WEIR_ROWS, 0, cores, false);
		answer_fed(&b, &f.s, &without, WEIR_ROWS, 0, cores, false);
		CU_ASSERT_EQUAL(a.lost, b.lost);
		CU_ASSERT(cores == 1 || p == WEIR_OVERFLOW_SAMPLE || a.lost > 0);
		CU_ASSERT_EQUAL(b.blocks[0]->schema->n_columns, 2);
		CU_ASSERT_EQUAL(a.counters.aggregated, b.counters.aggregated);
		CU_ASSERT_EQUAL(a.counters.overflow, b.counters.overflow);
		CU_ASSERT_EQUAL_FATAL(a.blocks[0]->n_rows, b.blocks[0]->n_rows);
		for (uint32_t r = 0; r < b.blocks[0]->n_rows; r++) {
			CU_ASSERT_EQUAL(weir_column_get(&a.blocks[0]->columns[0], r).i,
			    weir_column_get(&b.blocks[0]->columns[0], r).i);
			CU_ASSERT_EQUAL(weir_column_get(&a.blocks[0]->columns[2], r).i,
			    weir_column_get(&b.blocks[0]->columns[1], r).i);
		}
		answer_fini(&a);
		answer_fini(&b);
		flood_fini(&f);
	}
}

static void
policies_have_names(void)
{
	enum weir_overflow o;

	for (unsigned p = 0; p < 3; p++) {
		CU_ASSERT_EQUAL(
		    weir_overflow_parse(weir_overflow_name((enum weir_overflow)p), &o), 0);
		CU_ASSERT_EQUAL(o, p);
	}
	CU_ASSERT(weir_overflow_parse("evicts", &o) < 0);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "evict keeps the talkers", evict_keeps_the_talkers },
		{ "evict keeps its bound", evict_keeps_its_bound },
		{ "sample counts exactly", sample_counts_exactly },
		{ "drop keeps the first", drop_keeps_the_first },
		{ "memory stays flat", memory_stays_flat },
		{ "batches and seeds make no difference", batches_and_seeds_make_no_difference },
		{ "tables may be tiny", tables_may_be_tiny },
		{ "windows are full one by one", windows_are_full_one_by_one },
		{ "merged panes are bounded", merged_panes_are_bounded },
		{ "nobody need ask for a count", nobody_need_ask_for_a_count },
		{ "policies have names", policies_have_names },
		CU_TEST_INFO_NULL,
	};

	return check_run("overflow", tests);
}
