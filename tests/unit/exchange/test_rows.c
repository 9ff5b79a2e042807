/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include <weir/base/time.h>
#include <weir/exchange/exchange.h>

#include "check.h"
#include "random.h"

#define WORKERS 3

/* Columns of every store; row r of the stream is made from its number alone, so that who receives
 * it can tell whether it is whole. */
static const struct weir_exchange_column columns[] = {
	{ WEIR_INT, WEIR_U8 },
	{ WEIR_INT, WEIR_U16 },
	{ WEIR_INT, WEIR_U32 },
	{ WEIR_TIME, WEIR_I64 },
	{ WEIR_FLOAT, WEIR_F64 },
	{ WEIR_IP, WEIR_ADDR },
	{ WEIR_STRING, WEIR_BYTES },
	{ WEIR_STRING, WEIR_BYTES },
};
#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static uint8_t text_bytes[4096];

static struct weir_value
value_of(int64_t number, unsigned column)
{
	uint64_t state = (uint64_t)number * N_COLUMNS + column, x = random_next(&state);
	struct weir_value v = { .type = columns[column].type, .is_null = x % 7 == 0 };

	switch (columns[column].store) {
	case WEIR_U8:
		v.i = (uint8_t)x;
		break;
	case WEIR_U16:
		v.i = (uint16_t)x;
		break;
	case WEIR_U32:
		v.i = (uint32_t)x;
		break;
	case WEIR_F64:
		v.f = (double)x;
		break;
	case WEIR_ADDR:
		/* Blocks of IPv4 alone, of IPv6 alone, and of both. */
		v.version = number / 1000 % 3 == 0 || (number / 1000 % 3 == 1 && x % 2) ? 4 : 6;
		v.addr.lo = v.version == 4 ? (uint32_t)x : ~x;
		v.addr.hi = v.version == 4 ? 0 : x;
		break;
	case WEIR_BYTES:
		v.s = (struct weir_bytes){ text_bytes + x % 999, (uint32_t)(x >> 32) % 50 };
		break;
	default:
		v.i = (int64_t)x;
	}
	return v;
}

static void
put_value(struct weir_column *c, unsigned row, const struct weir_value *v)
{
	weir_mask_clear(c->null, row);
	if (v->is_null) {
		weir_mask_set(c->null, row);
		if (c->store == WEIR_BYTES) /* what nobody may follow */
			((struct weir_bytes *)c->data)[row] =
			    (struct weir_bytes){ (const uint8_t *)8, 1u << 30 };
		return;
	}
	switch (c->store) {
	case WEIR_U8:
		((uint8_t *)c->data)[row] = (uint8_t)v->i;
		break;
	case WEIR_U16:
		((uint16_t *)c->data)[row] = (uint16_t)v->i;
		break;
	case WEIR_U32:
		((uint32_t *)c->data)[row] = (uint32_t)v->i;
		break;
	case WEIR_F64:
		((double *)c->data)[row] = v->f;
		break;
	case WEIR_ADDR:
		((struct weir_addr *)c->data)[row] = v->addr;
		c->version[row] = v->version;
		break;
	case WEIR_BYTES:
		((struct weir_bytes *)c->data)[row] = v->s;
		break;
	default:
		((int64_t *)c->data)[row] = v->i;
	}
}

static bool
is_equal(const struct weir_value *a, const struct weir_value *b)
{
	if (a->is_null || b->is_null)
		return a->is_null == b->is_null;
	if (a->type == WEIR_IP && a->version != b->version)
		return false;
	return weir_value_compare(a, b) == 0;
}

/* One batch of one sender. */
struct batch {
	struct weir_column columns[N_COLUMNS];
	const struct weir_column *list[N_COLUMNS];
	int64_t time_ns[WEIR_ROWS];
	uint16_t worker[WEIR_ROWS];
	uint64_t sel[WEIR_MASK_WORDS];
	uint64_t left[WEIR_MASK_WORDS];
	struct weir_exchange_rows rows;
};

static void
batch_init(struct batch *b)
{
	memset(b, 0, sizeof(*b));
	for (unsigned c = 0; c < N_COLUMNS; c++) {
		CU_ASSERT_EQUAL_FATAL(
		    weir_column_init(&b->columns[c], columns[c].type, columns[c].store, WEIR_ROWS),
		    0);
		b->list[c] = &b->columns[c];
	}
	b->rows = (struct weir_exchange_rows){
		.sel = b->sel,
		.left = b->left,
		.columns = b->list,
		.time_ns = b->time_ns,
		.worker = b->worker,
	};
}

static void
batch_fini(struct batch *b)
{
	for (unsigned c = 0; c < N_COLUMNS; c++)
		weir_column_fini(&b->columns[c]);
}

/* n rows from a number on, all selected. */
static void
batch_fill(struct batch *b, int64_t first_number, uint32_t n, uint64_t *rng)
{
	b->rows.n = n;
	b->rows.first_number = first_number;
	weir_mask_first(b->sel, WEIR_ROWS); /* also past the rows: nobody may look there */
	for (uint32_t r = 0; r < n; r++) {
		b->time_ns[r] = (first_number + r) * 1000;
		b->worker[r] = (uint16_t)(random_next(rng) % WORKERS);
		for (unsigned c = 0; c < N_COLUMNS; c++) {
			struct weir_value v = value_of(first_number + r, c);

			put_value(&b->columns[c], r, &v);
		}
	}
}

/* What was sent is overwritten: who received it must not see that. */
static void
batch_spoil(struct batch *b)
{
	for (unsigned c = 0; c < N_COLUMNS; c++)
		memset(b->columns[c].data, 0x5a,
		    (size_t)WEIR_ROWS * weir_store_size(columns[c].store));
}

static struct weir_exchange *
create(unsigned n_workers, unsigned n_blocks, uint32_t string_bytes)
{
	struct weir_exchange_spec spec = { n_workers, N_COLUMNS, columns, n_blocks, string_bytes };
	struct weir_exchange *x = NULL;

	CU_ASSERT_EQUAL_FATAL(weir_exchange_create(&spec, &x, NULL), 0);
	return x;
}

/* Where a row is: worker + 1; the other numbers have not arrived. */
struct ledger {
	uint8_t *at;
	int64_t last[WORKERS][WORKERS]; /* number that arrived last, by sender and receiver */
};

static void
take_all(struct weir_exchange *x, unsigned to, struct ledger *l, unsigned most)
{
	struct weir_exchange_block *b;
	unsigned n_wrong = 0;

	while (most-- && (b = weir_exchange_take(x, to))) {
		CU_ASSERT(b->n > 0 && b->n <= WEIR_ROWS && b->from != to && b->from < WORKERS);
		for (uint32_t r = 0; r < b->n; r++) {
			int64_t number = b->number[r];

			n_wrong += b->time_ns[r] != number * 1000;
			n_wrong += number <= l->last[b->from][to];
			n_wrong += l->at[number] != 0;
			l->last[b->from][to] = number;
			l->at[number] = (uint8_t)(to + 1);
			for (unsigned c = 0; c < N_COLUMNS; c++) {
				struct weir_value want = value_of(number, c);
				struct weir_value got = weir_column_get(b->columns[c], r);

				n_wrong += !is_equal(&want, &got);
			}
		}
		weir_exchange_give_back(x, to, b);
	}
	CU_ASSERT_EQUAL(n_wrong, 0);
}

/* Put until nothing is left, with the receivers draining in between. */
static void
put_all(struct weir_exchange *x, unsigned from, struct batch *b, struct ledger *l,
    struct weir_exchange_counters *counters)
{
	uint64_t again[WEIR_MASK_WORDS];

	weir_exchange_put(x, from, &b->rows, counters);
	WEIR_FOR_EACH_BIT (r, b->sel) { /* our own */
		CU_ASSERT(r < b->rows.n && b->worker[r] == from);
		l->at[b->rows.first_number + (int64_t)r] = (uint8_t)(from + 1);
	}
	while (weir_mask_count(b->left)) {
		struct weir_exchange_rows rows = b->rows;

		memcpy(again, b->left, sizeof(again));
		rows.sel = again;
		for (unsigned to = 0; to < WORKERS; to++)
			take_all(x, to, l, 1);
		weir_exchange_put(x, from, &rows, counters);
		CU_ASSERT_EQUAL(weir_mask_count(again), 0);
	}
}

static void
stream(unsigned n_blocks, uint32_t string_bytes, uint32_t most_rows, bool flushes)
{
	enum { ROWS = 20000 };
	struct weir_exchange *x = create(WORKERS, n_blocks, string_bytes);
	struct weir_exchange_counters counters = { 0 };
	struct ledger l = { .at = calloc(ROWS + 1, 1) };
	uint16_t *want = calloc(ROWS + 1, sizeof(*want));
	uint64_t rng = 5, n_moved = 0;
	struct batch b;

	batch_init(&b);
	for (int64_t number = 1; number <= ROWS;) {
		uint32_t n = (uint32_t)(random_next(&rng) % most_rows) + 1;
		unsigned from = (unsigned)(random_next(&rng) % WORKERS);

		n = n < ROWS + 1 - number ? n : (uint32_t)(ROWS + 1 - number);
		batch_fill(&b, number, n, &rng);
		for (uint32_t r = 0; r < n; r++) {
			want[number + r] = b.worker[r];
			n_moved += b.worker[r] != from;
		}
		put_all(x, from, &b, &l, &counters);
		batch_spoil(&b);
		if (flushes)
			weir_exchange_flush(x, from, &counters);
		if (random_next(&rng) % 4 == 0)
			take_all(x, (unsigned)(random_next(&rng) % WORKERS), &l, 3);
		number += n;
	}
	for (unsigned i = 0; i < WORKERS; i++)
		weir_exchange_flush(x, i, &counters);
	for (unsigned i = 0; i < WORKERS; i++)
		take_all(x, i, &l, UINT32_MAX);
	unsigned n_wrong = 0;

	for (int64_t number = 1; number <= ROWS; number++)
		n_wrong += l.at[number] != want[number] + 1;
	CU_ASSERT_EQUAL(n_wrong, 0);
	CU_ASSERT_EQUAL(counters.rows, n_moved);
	CU_ASSERT_EQUAL(counters.too_large, 0);
	CU_ASSERT(counters.blocks >= n_moved / WEIR_ROWS);
	batch_fini(&b);
	free(l.at);
	free(want);
	weir_exchange_destroy(x);
}

static void
all_rows_arrive_once_and_whole(void)
{
	stream(8, 0, WEIR_ROWS, false);
	stream(8, 0, 20, true);
}

static void
few_blocks_and_little_room_lose_nothing(void)
{
	stream(1, 0, WEIR_ROWS, false);
	stream(2, 100, WEIR_ROWS, false); /* a row or two of strings */
	stream(1, 100, 7, true);
}

static void
what_finds_no_block_is_left_in_order(void)
{
	struct weir_exchange *x = create(2, 1, 0);
	struct weir_exchange_counters counters = { 0 };
	struct weir_exchange_block *block;
	struct batch b;
	uint64_t rng = 1;

	batch_init(&b);
	batch_fill(&b, 1, 200, &rng);
	for (unsigned r = 0; r < 200; r++)
		b.worker[r] = 1;
	weir_exchange_put(x, 0, &b.rows, &counters);
	CU_ASSERT_EQUAL(weir_mask_count(b.left), 0);
	CU_ASSERT_PTR_NULL(weir_exchange_take(x, 1)); /* the block is not full yet */
	batch_fill(&b, 201, 200, &rng);
	for (unsigned r = 0; r < 200; r++)
		b.worker[r] = r % 2 ? 1 : 0;
	weir_exchange_put(x, 0, &b.rows, &counters); /* 100: 56 of them fit */
	CU_ASSERT_EQUAL(weir_mask_count(b.sel), 100);
	CU_ASSERT_EQUAL(weir_mask_count(b.left), 44);
	CU_ASSERT_EQUAL(counters.refused, 44);
	CU_ASSERT_EQUAL(counters.rows, 256);
	for (unsigned r = 0; r < 200; r++) {
		CU_ASSERT_EQUAL(weir_mask_test(b.sel, r), r % 2 == 0);
		CU_ASSERT_EQUAL(weir_mask_test(b.left, r), r % 2 == 1 && r > 2 * 56);
	}
	memcpy(b.sel, b.left, sizeof(b.sel));
	block = weir_exchange_take(x, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(block);
	CU_ASSERT_EQUAL(block->n, 256);
	weir_exchange_put(x, 0, &b.rows, &counters); /* the receiver still has it */
	CU_ASSERT_EQUAL(weir_mask_count(b.left), 44);
	weir_exchange_give_back(x, 1, block);
	memcpy(b.sel, b.left, sizeof(b.sel));
	weir_exchange_put(x, 0, &b.rows, &counters);
	CU_ASSERT_EQUAL(weir_mask_count(b.left), 0);
	weir_exchange_flush(x, 0, &counters);
	block = weir_exchange_take(x, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(block);
	CU_ASSERT_EQUAL(block->n, 44);
	CU_ASSERT_EQUAL(block->number[0], 201 + 113);
	CU_ASSERT_EQUAL(counters.blocks, 2);
	batch_fini(&b);
	weir_exchange_destroy(x);
}

static void
a_string_that_fits_no_block_is_counted(void)
{
	struct weir_exchange *x = create(2, 4, 60);
	struct weir_exchange_counters counters = { 0 };
	struct weir_exchange_block *block;
	struct batch b;
	uint64_t rng = 1;
	unsigned n = 0;

	batch_init(&b);
	batch_fill(&b, 1, 100, &rng);
	for (unsigned r = 0; r < 100; r++) {
		struct weir_value v = { .type = WEIR_STRING, .s = { text_bytes, 1 } };

		b.worker[r] = 1;
		put_value(&b.columns[6], r, &v);
		v.s.len = r % 10 == 3 ? 60 : 0; /* with the other one's byte: 61 */
		put_value(&b.columns[7], r, &v);
	}
	weir_exchange_put(x, 0, &b.rows, &counters);
	CU_ASSERT_EQUAL(weir_mask_count(b.left), 0);
	CU_ASSERT_EQUAL(counters.too_large, 10);
	CU_ASSERT_EQUAL(counters.rows, 90);
	weir_exchange_flush(x, 0, &counters);
	while ((block = weir_exchange_take(x, 1))) {
		for (unsigned r = 0; r < block->n; r++)
			CU_ASSERT((block->number[r] - 1) % 10 != 3);
		n += block->n;
		weir_exchange_give_back(x, 1, block);
	}
	CU_ASSERT_EQUAL(n, 90);
	batch_fini(&b);
	weir_exchange_destroy(x);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "all rows arrive once and whole", all_rows_arrive_once_and_whole },
		{ "few blocks and little room lose nothing",
		    few_blocks_and_little_room_lose_nothing },
		{ "what finds no block is left, in order", what_finds_no_block_is_left_in_order },
		{ "a string that fits no block is counted",
		    a_string_that_fits_no_block_is_counted },
		CU_TEST_INFO_NULL,
	};

	for (unsigned i = 0; i < sizeof(text_bytes); i++)
		text_bytes[i] = (uint8_t)(i * 7 + i / 256);
	return check_run("exchange: rows", tests);
}
