/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/base/hash.h>

#include "check.h"
#include "layout.h"
#include "level.h"
#include "probe.h"
#include "stream.h"
#include "table.h"

static const struct query counting = {
	.window = { .kind = WEIR_WINDOW_GLOBAL },
	.n_keys = 1,
	.n_calls = 2,
	.calls = { { "count", -1 }, { "sum", 0 } }, /* of the column behind the keys */
	.table_size = 1 << 20,
	.seed = 7,
};

static struct query
query_with(unsigned n_keys)
{
	struct query q = counting;

	q.n_keys = n_keys;
	q.calls[1].arg = (int)n_keys;
	return q;
}

/* Fed in several ways, by the kernels of each level, and worked out: all the same. */
static void
check(const struct stream *s, const struct query *q)
{
	struct answer want, got;
	struct query at = *q;

	answer_worked_out(&want, s, q);
	for (at.simd = WEIR_SIMD_V2; weir_simd_is_usable(at.simd); at.simd++)
		for (unsigned way = 0; way < 3; way++) {
			answer_fed(
			    &got, s, &at, way == 0 ? 1 : WEIR_ROWS, way == 2 ? 5 : 0, 1, false);
			CU_ASSERT_EQUAL(answer_differs(&got, &want), 0);
			answer_fini(&got);
		}
	answer_fini(&want);
}

static const struct {
	enum weir_type type;
	enum weir_store store;
} kinds[] = {
	{ WEIR_BOOL, WEIR_U8 },
	{ WEIR_INT, WEIR_U8 },
	{ WEIR_INT, WEIR_U16 },
	{ WEIR_INT, WEIR_U32 },
	{ WEIR_INT, WEIR_I64 },
	{ WEIR_FLOAT, WEIR_F64 },
	{ WEIR_DURATION, WEIR_I64 },
	{ WEIR_TIME, WEIR_I64 },
	{ WEIR_STRING, WEIR_BYTES },
	{ WEIR_IP, WEIR_ADDR },
	{ WEIR_MAC, WEIR_I64 },
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void
every_type_is_a_key(void)
{
	uint64_t rng = 1;

	for (unsigned k = 0; k < N_KINDS; k++)
		for (unsigned domain = 3; domain < 30000; domain *= 20) {
			struct query q = query_with(1);
			struct stream s;

			stream_init(&s, 5000);
			stream_column(&s, kinds[k].type, kinds[k].store);
			stream_column(&s, WEIR_INT, WEIR_U16);
			stream_fill(&s, 0, domain, 9, &rng);
			stream_fill(&s, 1, 1000, 5, &rng);
			check(&s, &q);
			stream_fini(&s);
		}
}

static void
keys_of_many_columns(void)
{
	uint64_t rng = 2;

	for (unsigned round = 0; round < 40; round++) {
		unsigned n_keys = 2 + (unsigned)(random_next(&rng) % 9);
		struct query q = query_with(n_keys);
		struct stream s;

		stream_init(&s, 3000);
		for (unsigned k = 0; k < n_keys; k++) {
			unsigned kind = (unsigned)(random_next(&rng) % N_KINDS);

			stream_column(&s, kinds[kind].type, kinds[kind].store);
			stream_fill(&s, k, 1 + random_next(&rng) % 4, 50, &rng);
		}
		stream_column(&s, WEIR_INT, WEIR_U32);
		stream_fill(&s, n_keys, 1000000, 5, &rng);
		for (uint32_t r = 0; r < s.n; r++)
			s.is_selected[r] = random_next(&rng) % 5 != 0;
		check(&s, &q);
		stream_fini(&s);
	}
}

static void
no_key_is_one_group(void)
{
	struct query q = query_with(0);
	struct stream s;
	uint64_t rng = 3;

	stream_init(&s, 1000);
	stream_column(&s, WEIR_INT, WEIR_U8);
	stream_fill(&s, 0, 256, 3, &rng);
	check(&s, &q);
	stream_fini(&s);
}

static void
table_grows(void)
{
	struct query q = query_with(2);
	struct stream s;
	uint64_t rng = 4;

	stream_init(&s, 150000);
	stream_column(&s, WEIR_IP, WEIR_ADDR);
	stream_column(&s, WEIR_STRING, WEIR_BYTES);
	stream_column(&s, WEIR_INT, WEIR_I64);
	stream_fill(&s, 0, 1 << 20, 0, &rng);
	stream_fill(&s, 1, 10, 0, &rng);
	stream_fill(&s, 2, 1000, 5, &rng);
	check(&s, &q);
	stream_fini(&s);
}

static void
table_is_bounded(void)
{
	static const uint64_t sizes[] = { 1, 2, 16, 17, 100, 999, 1000, 1001 };
	struct stream s;
	uint64_t rng = 5;

	stream_init(&s, 20000);
	stream_column(&s, WEIR_INT, WEIR_U32);
	stream_column(&s, WEIR_INT, WEIR_U8);
	stream_fill(&s, 0, 1000, 0, &rng);
	stream_fill(&s, 1, 256, 0, &rng);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct query q = query_with(1);
		struct answer a;

		q.table_size = sizes[i];
		check(&s, &q);
		answer_fed(&a, &s, &q, WEIR_ROWS, 0, 1, false);
		CU_ASSERT_EQUAL(a.blocks[0]->n_rows, sizes[i] < 1000 ? sizes[i] : 1000);
		CU_ASSERT_EQUAL(a.counters.overflow > 0, sizes[i] < 1000);
		CU_ASSERT_EQUAL(a.counters.overflow + a.counters.aggregated, s.n);
		answer_fini(&a);
	}
	stream_fini(&s);
}

static void
long_strings_are_bounded(void)
{
	struct query q = query_with(1);
	struct stream s;
	struct answer a;

	/* 100 keys of 64 kB in a table for 4096: more than a MB and 256 bytes a key. */
	stream_init(&s, 100);
	stream_column(&s, WEIR_STRING, WEIR_BYTES);
	stream_column(&s, WEIR_INT, WEIR_U8);
	for (uint32_t r = 0; r < s.n; r++) {
		uint8_t *p = calloc(1, 1 << 16);

		p[r] = 1;
		*stream_value(&s, r, 0) =
		    (struct weir_value){ .type = WEIR_STRING, .s = { p, 1 << 16 } };
		*stream_value(&s, r, 1) = (struct weir_value){ .type = WEIR_INT, .i = 1 };
	}
	q.table_size = 4096;
	answer_fed(&a, &s, &q, WEIR_ROWS, 0, 1, false);
	CU_ASSERT(a.counters.overflow > 0);
	CU_ASSERT(a.counters.aggregated >= 16);
	CU_ASSERT_EQUAL(a.counters.overflow + a.counters.aggregated, s.n);
	CU_ASSERT_EQUAL(a.blocks[0]->n_rows, a.counters.aggregated);
	answer_fini(&a);
	stream_fini(&s);
}

static void
seed_changes_nothing_but_the_hash(void)
{
	struct stream s;
	struct query q = query_with(2);
	struct answer a, b;
	uint64_t rng = 6;

	stream_init(&s, 20000);
	stream_column(&s, WEIR_STRING, WEIR_BYTES);
	stream_column(&s, WEIR_INT, WEIR_U32);
	stream_column(&s, WEIR_INT, WEIR_U32);
	stream_fill(&s, 0, 100, 0, &rng);
	stream_fill(&s, 1, 100, 0, &rng);
	stream_fill(&s, 2, 100, 0, &rng);
	answer_fed(&a, &s, &q, WEIR_ROWS, 0, 1, false);
	for (q.seed = 8; q.seed < 12; q.seed++) {
		answer_fed(&b, &s, &q, WEIR_ROWS, 0, 1, false);
		CU_ASSERT_EQUAL(answer_differs(&a, &b), 0);
		answer_fini(&b);
	}
	answer_fini(&a);
	stream_fini(&s);
}

/* The half of the hash that the index keeps, of a key that is one integer. */
static uint32_t
index_hash(const struct weir_layout *l, uint64_t key)
{
	return weir_hash_index(weir_hash_words(&key, 1, 1, l->secrets));
}

static struct weir_layout *
layout_of(const struct query *q)
{
	struct weir_group_key key = { WEIR_INT, WEIR_I64 };
	struct weir_group_spec spec = {
		.n_keys = 1, .keys = &key, .table_size = q->table_size, .seed = q->seed
	};

	return weir_layout_create(&spec);
}

static void
hash_depends_on_the_seed(void)
{
	struct query q = query_with(1);
	struct weir_layout *a = layout_of(&q), *b;
	unsigned same = 0;

	q.seed++;
	b = layout_of(&q);
	CU_ASSERT_FATAL(a && b);
	for (uint64_t k = 0; k < 10000; k++)
		same += index_hash(a, k) == index_hash(b, k);
	CU_ASSERT(same < 3);
	weir_layout_release(a);
	weir_layout_release(b);
}

static void
colliding_keys_stay_apart(void)
{
	struct query q = query_with(1);
	struct weir_layout *l = layout_of(&q);
	struct stream s;
	uint32_t n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	stream_init(&s, 4000);
	stream_column(&s, WEIR_INT, WEIR_I64);
	stream_column(&s, WEIR_INT, WEIR_U8);
	/* Keys that all want the same place in an index of up to 2^15 entries: long probes, and at
	 * its end round it. */
	for (uint64_t k = 0; n < s.n / 2; k++) {
		if ((index_hash(l, k) & 0xfff) != 0xfff)
			continue;
		for (unsigned twice = 0; twice < 2; twice++) {
			uint32_t r = twice * s.n / 2 + n;

			*stream_value(&s, r, 0) =
			    (struct weir_value){ .type = WEIR_INT, .i = (int64_t)k };
			*stream_value(&s, r, 1) = (struct weir_value){ .type = WEIR_INT, .i = 1 };
		}
		n++;
	}
	check(&s, &q);
	stream_fini(&s);
	weir_layout_release(l);
}

struct hashed {
	uint32_t hash;
	uint64_t key;
};

static int
compare_hashed(const void *a, const void *b)
{
	const struct hashed *x = a, *y = b;

	return (x->hash > y->hash) - (x->hash < y->hash);
}

static void
equal_hashes_are_not_equal_keys(void)
{
	enum { TRIED = 1 << 20 };
	struct query q = query_with(1);
	struct weir_layout *l = layout_of(&q);
	struct hashed *h = calloc(TRIED, sizeof(*h));
	struct stream s;
	uint32_t n = 0;

	CU_ASSERT_FATAL(l && h);
	for (uint64_t k = 0; k < TRIED; k++)
		h[k] = (struct hashed){ index_hash(l, k), k };
	qsort(h, TRIED, sizeof(*h), compare_hashed);
	stream_init(&s, 400);
	stream_column(&s, WEIR_INT, WEIR_I64);
	stream_column(&s, WEIR_INT, WEIR_U8);
	for (unsigned i = 1; i < TRIED && n + 1 < s.n; i++)
		if (h[i].hash == h[i - 1].hash) /* about 128 pairs of 2^40 / 2^33 */
			for (unsigned j = 0; j < 2; j++)
				*stream_value(&s, n++, 0) = (struct weir_value){ .type = WEIR_INT,
					.i = (int64_t)h[i - j].key };
	CU_ASSERT(n > 100);
	for (uint32_t r = n; r < s.n; r++)
		*stream_value(&s, r, 0) = *stream_value(&s, r % n, 0);
	for (uint32_t r = 0; r < s.n; r++)
		*stream_value(&s, r, 1) = (struct weir_value){ .type = WEIR_INT, .i = r % 256 };
	check(&s, &q);
	stream_fini(&s);
	free(h);
	weir_layout_release(l);
}

/* What a row takes is what a million flows take. */
static void
rows_of_flows_are_narrow(void)
{
	static const struct weir_group_key keys[] = {
		{ WEIR_IP, WEIR_ADDR },
		{ WEIR_IP, WEIR_ADDR },
		{ WEIR_INT, WEIR_U8 },
		{ WEIR_INT, WEIR_U16 },
		{ WEIR_INT, WEIR_U16 },
	};
	const struct weir_agg_call calls[] = {
		{ .function = weir_agg_function_find("count") },
		{ .function = weir_agg_function_find("sum"),
		    .n_args = 1,
		    .arg_types = { WEIR_INT },
		    .arg_stores = { WEIR_U32 } },
	};
	struct weir_group_spec spec = {
		.n_keys = 5, .keys = keys, .n_aggs = 2, .aggs = calls, .table_size = 1
	};
	struct weir_layout *l = weir_layout_create(&spec);

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	CU_ASSERT_EQUAL(l->n_shapes, 2);
	CU_ASSERT_EQUAL(l->shapes[WEIR_SHAPE_NARROW].words, 2);
	CU_ASSERT_EQUAL(l->shapes[WEIR_SHAPE_NARROW].stride, 32);
	CU_ASSERT_EQUAL(l->shapes[WEIR_SHAPE_WIDE].words, 5);
	CU_ASSERT_EQUAL(l->shapes[WEIR_SHAPE_WIDE].stride, 56);
	weir_layout_release(l);
}

static void
slots_are_found_as_by_the_plain_loop(void)
{
	_Alignas(64) struct weir_index_line line;
	uint64_t rng = 7;

	for (unsigned round = 0; round < 100000; round++) {
		for (unsigned s = 0; s < 8; s++)
			line.hash[s] = (uint32_t)(random_next(&rng) % 4) * 0x40000001u;
		for (uint32_t x = 0; x < 4; x++)
			CU_ASSERT_EQUAL_FATAL(weir_slots_with(line.hash, x * 0x40000001u),
			    weir_slots_with_scalar(line.hash, x * 0x40000001u));
	}
}

static uint64_t
random_mask_word(uint64_t *rng)
{
	uint64_t x = random_next(rng);

	switch (random_next(rng) % 5) {
	case 0:
		return 0;
	case 1:
		return ~UINT64_C(0);
	case 2:
		return x & random_next(rng) & random_next(rng);
	case 3:
		return x | random_next(rng) | random_next(rng);
	default:
		return x;
	}
}

static void
every_level_picks_the_rows_of_a_mask(void)
{
	uint64_t mask[WEIR_MASK_WORDS], words[WEIR_ROWS], rng = 3;
	uint32_t numbers[WEIR_ROWS];

	for (unsigned round = 0; round < 30000; round++) {
		enum weir_simd simd = (enum weir_simd)(WEIR_SIMD_V2 + round % 3);
		const struct weir_agg_kernels *level = weir_agg_level_of(simd);
		uint32_t n = 0;

		if (!weir_simd_is_usable(simd))
			continue;
		for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
			mask[w] = random_mask_word(&rng);
		for (unsigned r = 0; r < WEIR_ROWS; r++)
			words[r] = r * UINT64_C(0x100000001);
		CU_ASSERT_EQUAL_FATAL(level->numbers(mask, numbers), weir_mask_count(mask));
		level->compress(mask, words);
		WEIR_FOR_EACH_BIT (r, mask) {
			CU_ASSERT_EQUAL_FATAL(numbers[n], r);
			CU_ASSERT_EQUAL_FATAL(words[n], r * UINT64_C(0x100000001));
			n++;
		}
	}
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "every type is a key", every_type_is_a_key },
		{ "keys of many columns", keys_of_many_columns },
		{ "no key is one group", no_key_is_one_group },
		{ "table grows", table_grows },
		{ "table is bounded", table_is_bounded },
		{ "long strings are bounded", long_strings_are_bounded },
		{ "seed changes nothing but the hash", seed_changes_nothing_but_the_hash },
		{ "hash depends on the seed", hash_depends_on_the_seed },
		{ "colliding keys stay apart", colliding_keys_stay_apart },
		{ "equal hashes are not equal keys", equal_hashes_are_not_equal_keys },
		{ "rows of flows are narrow", rows_of_flows_are_narrow },
		{ "slots are found as by the plain loop", slots_are_found_as_by_the_plain_loop },
		{ "every level picks the rows of a mask", every_level_picks_the_rows_of_a_mask },
		CU_TEST_INFO_NULL,
	};

	return check_run("table", tests);
}
