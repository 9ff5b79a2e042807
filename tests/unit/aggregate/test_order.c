/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "stream.h"

/*
 * Every answer that is fed compares the order that a pane is put in with that of a sorted block
 * (stream.c); here it is given keys that are hard to tell apart.
 */

static struct weir_value
hard_string(uint64_t x, uint64_t y)
{
	/* Pieces of one text: many begin alike, and some end with zeros where others end. */
	static const uint8_t text[40] = { 'a', 'b', 0, 'a', 'b', 0, 0, 0, 0, 0, 'a', 0xff };
	struct weir_value v = { .type = WEIR_STRING };

	uint8_t *bytes = malloc(30);

	v.s.len = (uint32_t)(y % 30);
	v.s.p = memcpy(bytes, text + x % 3 * 3, 30);
	bytes[y / 30 % 30] ^= x / 3 % 2; /* or that differ anywhere */
	return v;
}

static struct weir_value
hard_address(uint64_t x, uint64_t y)
{
	static const uint64_t halves[] = { 0, 1, 0xffffffff, 0x100000000,
		UINT64_C(0x8000000000000000), UINT64_MAX };
	struct weir_value v = { .type = WEIR_IP, .version = x % 3 ? 4 : 6 };

	v.addr.lo = halves[y % 6];
	if (v.version == 4)
		v.addr.lo &= 0xffffffff;
	else
		v.addr.hi = halves[x / 3 % 6];
	return v;
}

/* Values that lie close to each other, or at the ends of their type. */
static struct weir_value
hard_value(enum weir_type type, uint64_t *rng)
{
	static const int64_t ints[] = { 0, 1, -1, 255, 256, 65535, -65536, INT64_MIN, INT64_MAX,
		INT64_MIN + 1, INT64_MAX - 1 };
	static const double floats[] = { 0, -0.0, 1, -1, 1e-320, -1e-320, 1e300, -1e300, INFINITY,
		-INFINITY, NAN, 0.5 };
	uint64_t x = random_next(rng), y = random_next(rng);
	struct weir_value v = { .type = type };

	switch (type) {
	case WEIR_STRING:
		return hard_string(x, y);
	case WEIR_IP:
		return hard_address(x, y);
	case WEIR_FLOAT:
		v.f = floats[x % 12];
		break;
	case WEIR_BOOL:
		v.b = x & 1;
		break;
	default:
		v.i = x % 4 ? ints[y % 11] : (int64_t)(y % 70000);
	}
	return v;
}

static const struct {
	enum weir_type type;
	enum weir_store store;
} kinds[] = {
	{ WEIR_IP, WEIR_ADDR },
	{ WEIR_INT, WEIR_I64 },
	{ WEIR_STRING, WEIR_BYTES },
	{ WEIR_FLOAT, WEIR_F64 },
	{ WEIR_BOOL, WEIR_U8 },
	{ WEIR_TIME, WEIR_I64 },
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void
order_is_that_of_a_sorted_block(void)
{
	uint64_t rng = 11;

	for (unsigned round = 0; round < 90; round++) {
		struct query q = {
			.window = { .kind = round % 4 ? WEIR_WINDOW_GLOBAL : WEIR_WINDOW_TUMBLING,
			    .size_ns = 1000000000 },
			.lateness_ns = INT64_MAX,
			.n_keys = 1 + round % 4,
			.n_calls = 2,
			.calls = { { "count", -1 }, { "sum", 1 + (int)(round % 4) } },
			.table_size = 1 << 20,
			.seed = round,
		};
		struct answer want, got;
		struct stream s;

		stream_init(&s, round % 9 ? 3000 : 100);
		for (unsigned k = 0; k < q.n_keys; k++) {
			unsigned kind = (unsigned)(random_next(&rng) % N_KINDS);

			stream_column(&s, kinds[kind].type, kinds[kind].store);
			for (uint32_t r = 0; r < s.n; r++)
				*stream_value(&s, r, k) = hard_value(kinds[kind].type, &rng);
		}
		stream_column(&s, WEIR_INT, WEIR_U16);
		stream_fill(&s, q.n_keys, 1000, 5, &rng);
		answer_worked_out(&want, &s, &q);
		answer_fed(&got, &s, &q, WEIR_ROWS, round, 1 + round % 3, round % 2);
		CU_ASSERT(want.n_blocks > 0 && want.blocks[0]->n_rows > 1);
		CU_ASSERT_EQUAL(answer_differs(&got, &want), 0);
		answer_fini(&got);
		answer_fini(&want);
		stream_fini(&s);
	}
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "order is that of a sorted block", order_is_that_of_a_sorted_block },
		CU_TEST_INFO_NULL,
	};

	return check_run("order", tests);
}
