/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>

#include <weir/exchange/route.h>
#include <weir/packet/batch.h>

#include "check.h"
#include "random.h"

static uint64_t all_rows[WEIR_MASK_WORDS] = { ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0),
	~UINT64_C(0) };

static struct weir_route *
start_at(enum weir_simd level, const char *text, unsigned n_workers, uint64_t seed)
{
	struct weir_route *r = NULL;

	CU_ASSERT_EQUAL_FATAL(weir_route_parse(text, level, &r, NULL), 0);
	weir_route_start(r, n_workers, seed);
	return r;
}

static struct weir_route *
start(const char *text, unsigned n_workers, uint64_t seed)
{
	return start_at(WEIR_SIMD_AUTO, text, n_workers, seed);
}

/* A batch with the columns that a route asks for, and pointers to them by field. */
struct fixture {
	struct weir_batch *b;
	const struct weir_column *fields[WEIR_N_FIELDS];
	uint16_t worker[WEIR_ROWS];
};

static void
fixture_init(struct fixture *f, const struct weir_route *r)
{
	struct weir_field_set set = { { 0 } };

	weir_route_fields(r, &set);
	f->b = weir_batch_create(&set);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->b);
	for (unsigned i = 0; i < WEIR_N_FIELDS; i++)
		f->fields[i] = &f->b->col[i];
}

static void
run(struct fixture *f, struct weir_route *r)
{
	weir_route_run(r, f->fields, NULL, 0, WEIR_ROWS, all_rows, f->worker);
}

struct end {
	struct weir_addr addr;
	uint8_t version;
	uint16_t port;
};

static struct end
random_end(uint64_t *rng, bool is_ipv6)
{
	struct end e = { .version = is_ipv6 ? 6 : 4, .port = (uint16_t)random_next(rng) };

	e.addr.lo = random_next(rng) % 500;
	e.addr.hi = is_ipv6 ? random_next(rng) : 0;
	return e;
}

static void
set_row(
    struct fixture *f, unsigned row, const struct end *src, const struct end *dst, uint8_t proto)
{
	struct weir_column *col = f->b->col;

	((struct weir_addr *)col[WEIR_FIELD_IP_SRC].data)[row] = src->addr;
	((struct weir_addr *)col[WEIR_FIELD_IP_DST].data)[row] = dst->addr;
	col[WEIR_FIELD_IP_SRC].version[row] = src->version;
	col[WEIR_FIELD_IP_DST].version[row] = dst->version;
	((uint16_t *)col[WEIR_FIELD_SRCPORT].data)[row] = src->port;
	((uint16_t *)col[WEIR_FIELD_DSTPORT].data)[row] = dst->port;
	((uint8_t *)col[WEIR_FIELD_IP_PROTO].data)[row] = proto;
}

static void
both_directions_of_a_flow_meet(void)
{
	struct weir_route *r = start("hash:64", 64, 1), *other = start("hash:64", 64, 2);
	struct weir_route *three = start("hash:64", 3, 1);
	unsigned n_of[64] = { 0 }, n_wrong = 0, n_same = 0;
	uint16_t there[WEIR_ROWS];
	struct fixture f;
	uint64_t rng = 9;

	fixture_init(&f, r);
	for (unsigned round = 0; round < 100; round++) {
		struct end a[WEIR_ROWS], b[WEIR_ROWS];

		for (unsigned i = 0; i < WEIR_ROWS; i++) {
			a[i] = random_end(&rng, i % 2);
			b[i] = random_end(&rng, i % 2);
			set_row(&f, i, &a[i], &b[i], (uint8_t)(i % 3));
		}
		run(&f, r);
		memcpy(there, f.worker, sizeof(there));
		run(&f, three); /* partition p belongs to worker p % 3 */
		for (unsigned i = 0; i < WEIR_ROWS; i++)
			n_wrong += f.worker[i] != there[i] % 3;
		run(&f, other); /* another seed spreads otherwise */
		for (unsigned i = 0; i < WEIR_ROWS; i++)
			n_same += f.worker[i] == there[i];
		for (unsigned i = 0; i < WEIR_ROWS; i++)
			set_row(&f, i, &b[i], &a[i], (uint8_t)(i % 3));
		run(&f, r);
		for (unsigned i = 0; i < WEIR_ROWS; i++) {
			n_wrong += f.worker[i] != there[i] || there[i] >= 64;
			n_of[there[i] & 63]++;
		}
	}
	CU_ASSERT_EQUAL(n_wrong, 0);
	CU_ASSERT(n_same < 100 * WEIR_ROWS / 32); /* one in 64 by chance */
	for (unsigned i = 0; i < 64; i++)         /* 400 each: 20 standard deviations are 400 */
		CU_ASSERT(n_of[i] > 200 && n_of[i] < 600);
	weir_batch_destroy(f.b);
	weir_route_destroy(r);
	weir_route_destroy(other);
	weir_route_destroy(three);
}

static void
packets_that_are_no_ip_have_a_partition(void)
{
	struct weir_route *r = start("hash", 16, 1);
	struct fixture f;
	uint64_t rng = 4;

	fixture_init(&f, r);
	for (unsigned i = 0; i < WEIR_ROWS; i++) {
		struct end a = random_end(&rng, false), b = random_end(&rng, false);

		set_row(&f, i, &a, &b, 17);
		if (i % 2)
			weir_mask_set(f.b->col[WEIR_FIELD_IP_SRC].null, i);
	}
	run(&f, r);
	unsigned n_first = 0;

	for (unsigned i = 0; i < WEIR_ROWS; i++) {
		CU_ASSERT(i % 2 == 0 || f.worker[i] == 0);
		n_first += i % 2 == 0 && f.worker[i] == 0;
	}
	CU_ASSERT(n_first < 40);
	weir_batch_destroy(f.b);
	weir_route_destroy(r);
}

/* With a key they go by it, as --split key would have them; the others by their flows as ever. */
static void
packets_that_are_no_ip_go_by_their_key(void)
{
	struct weir_route *r = start("hash", 16, 1), *by_key = start("key", 16, 1);
	uint16_t without[WEIR_ROWS], wanted[WEIR_ROWS];
	struct weir_column key;
	const struct weir_column *keys[1] = { &key };
	struct fixture f;
	uint64_t rng = 4;

	fixture_init(&f, r);
	CU_ASSERT_EQUAL_FATAL(weir_column_init(&key, WEIR_INT, WEIR_I64, WEIR_ROWS), 0);
	for (unsigned i = 0; i < WEIR_ROWS; i++) {
		struct end a = random_end(&rng, false), b = random_end(&rng, false);

		set_row(&f, i, &a, &b, 17);
		((int64_t *)key.data)[i] = (int64_t)(random_next(&rng) % 9);
		if (i % 3)
			weir_mask_set(f.b->col[WEIR_FIELD_IP_SRC].null, i);
	}
	run(&f, r);
	memcpy(without, f.worker, sizeof(without));
	weir_route_run(by_key, f.fields, keys, 1, WEIR_ROWS, all_rows, wanted);
	weir_route_run(r, f.fields, keys, 1, WEIR_ROWS, all_rows, f.worker);
	for (unsigned i = 0; i < WEIR_ROWS; i++)
		CU_ASSERT_EQUAL(f.worker[i], i % 3 ? wanted[i] : without[i]);
	weir_column_fini(&key);
	weir_batch_destroy(f.b);
	weir_route_destroy(r);
	weir_route_destroy(by_key);
}

/* Numbers of a field against the bounds, one by one. */
static void
check_range(const char *text, enum weir_field_id field, const struct weir_value *bounds,
    unsigned n_bounds, uint64_t modulus)
{
	struct weir_route *r = start(text, 5, 1);
	struct fixture f;
	struct weir_column *c;
	uint64_t rng = 8;
	unsigned n_wrong = 0;

	fixture_init(&f, r);
	c = &f.b->col[field];
	CU_ASSERT_EQUAL(weir_route_n_partitions(r), n_bounds + 1);
	for (unsigned i = 0; i < WEIR_ROWS; i++) {
		uint64_t x = random_next(&rng) % modulus;

		if (i < n_bounds && bounds[i].type != WEIR_IP)
			x = (uint64_t)bounds[i].i; /* a bound itself is above it */
		if (c->store == WEIR_U16)
			((uint16_t *)c->data)[i] = (uint16_t)x;
		else if (c->store == WEIR_U32)
			((uint32_t *)c->data)[i] = (uint32_t)x;
		else if (c->store == WEIR_I64)
			((int64_t *)c->data)[i] = (int64_t)x;
		else if (i < n_bounds)
			((struct weir_addr *)c->data)[i] = bounds[i].addr;
		else
			((struct weir_addr *)c->data)[i] = (struct weir_addr){ 0, x };
		if (c->version)
			c->version[i] = i < n_bounds ? bounds[i].version : i % 2 ? 4 : 6;
		if (i % 19 == 18)
			weir_mask_set(c->null, i);
	}
	run(&f, r);
	for (unsigned i = 0; i < WEIR_ROWS; i++) {
		struct weir_value v = weir_column_get(c, i);
		unsigned want = 0;

		for (unsigned b = 0; !v.is_null && b < n_bounds; b++)
			want += weir_value_compare(&bounds[b], &v) <= 0;
		n_wrong += f.worker[i] != want % 5;
	}
	CU_ASSERT_EQUAL(n_wrong, 0);
	weir_batch_destroy(f.b);
	weir_route_destroy(r);
}

static void
ranges_count_the_bounds_below(void)
{
	struct weir_value ports[] = { { .type = WEIR_INT, .i = 1024 },
		{ .type = WEIR_INT, .i = 49152 } };
	struct weir_value lengths[100];
	struct weir_value times[] = { { .type = WEIR_TIME, .i = 1500000000 },
		{ .type = WEIR_TIME, .i = INT64_C(1767323045000000001) } };
	struct weir_value addrs[] = {
		{ .type = WEIR_IP, .version = 4, .addr = { 0, 100 } },
		{ .type = WEIR_IP, .version = 4, .addr = { 0, 60000 } },
		{ .type = WEIR_IP, .version = 6, .addr = { 0, 5 } },
		{ .type = WEIR_IP, .version = 6, .addr = { 0, 0x8000 } },
		{ .type = WEIR_IP, .version = 6, .addr = { UINT64_C(0x20010db800000000), 0 } },
	};
	char text[1024] = "range:frame.len:";

	check_range("range:dstport:1024,49152", WEIR_FIELD_DSTPORT, ports, 2, 65536);
	for (unsigned i = 0; i < 100; i++) { /* so many are searched */
		lengths[i] = (struct weir_value){ .type = WEIR_INT, .i = i * 15 + 3 };
		sprintf(text + strlen(text), "%s%u", i ? "," : "", i * 15 + 3);
	}
	check_range(text, WEIR_FIELD_FRAME_LEN, lengths, 100, 1600);
	check_range("range:frame.time:1.5,2026-01-02T03:04:05.000000001Z", WEIR_FIELD_FRAME_TIME,
	    times, 2, UINT64_C(3000000000000000000));
	check_range("range:ip.dst:0.0.0.100,0.0.234.96,::5,::8000,2001:db8::", WEIR_FIELD_IP_DST,
	    addrs, 5, 100000);
}

static void
rows_go_round(void)
{
	struct weir_route *r = start("rr:5", 3, 1);
	uint64_t rng = 3, sel[WEIR_MASK_WORDS];
	uint16_t worker[WEIR_ROWS];
	unsigned next = 0, n_wrong = 0;

	for (unsigned round = 0; round < 50; round++) {
		for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
			sel[w] = random_next(&rng) & random_next(&rng);
		weir_route_run(r, NULL, NULL, 0, WEIR_ROWS, sel, worker);
		WEIR_FOR_EACH_BIT (i, sel) {
			n_wrong += worker[i] != next % 3;
			next = (next + 1) % 5;
		}
	}
	CU_ASSERT_EQUAL(n_wrong, 0);
	weir_route_destroy(r);
}

static const enum weir_store stores[] = { WEIR_U8, WEIR_U16, WEIR_U32, WEIR_I64, WEIR_F64,
	WEIR_ADDR, WEIR_BYTES };
#define N_STORES (sizeof(stores) / sizeof(stores[0]))

/* Row i of every column by a number: equal numbers, equal keys. */
static void
fill_keys(struct weir_column *c, unsigned row, uint64_t x, const char *text)
{
	((uint8_t *)c[0].data)[row] = (uint8_t)x;
	((uint16_t *)c[1].data)[row] = (uint16_t)(x / 3);
	((uint32_t *)c[2].data)[row] = (uint32_t)(x * 5);
	((int64_t *)c[3].data)[row] = (int64_t)(x * 1000003);
	((double *)c[4].data)[row] = (double)x / 7;
	((struct weir_addr *)c[5].data)[row] = (struct weir_addr){ x % 2 ? x : 0, x };
	c[5].version[row] = x % 2 ? 6 : 4;
	((struct weir_bytes *)c[6].data)[row] =
	    (struct weir_bytes){ (const uint8_t *)text + x % 17, (uint32_t)(x % 40) };
}

static void
equal_keys_meet(void)
{
	struct weir_route *r = start("key", 7, 1);
	struct weir_column c[N_STORES];
	const struct weir_column *keys[N_STORES];
	char text[2][64];
	uint64_t numbers[WEIR_ROWS], rng = 6;
	uint16_t worker[2][WEIR_ROWS];
	unsigned n_of[7] = { 0 }, n_wrong = 0;

	for (unsigned i = 0; i < sizeof(text[0]); i++)
		text[0][i] = text[1][i] = (char)('a' + i % 26);
	for (unsigned k = 0; k < N_STORES; k++) {
		static const enum weir_type types[] = { WEIR_INT, WEIR_INT, WEIR_INT, WEIR_INT,
			WEIR_FLOAT, WEIR_IP, WEIR_STRING };

		CU_ASSERT_EQUAL_FATAL(weir_column_init(&c[k], types[k], stores[k], WEIR_ROWS), 0);
		keys[k] = &c[k];
	}
	for (unsigned n_keys = 1; n_keys <= N_STORES; n_keys++) {
		for (unsigned i = 0; i < WEIR_ROWS; i++) {
			numbers[i] = random_next(&rng) % 5000;
			fill_keys(c, i, numbers[i], text[0]);
		}
		weir_route_run(r, NULL, keys, n_keys, WEIR_ROWS, all_rows, worker[0]);
		/* The same keys in other rows, with strings that lie elsewhere. */
		for (unsigned i = 0; i < WEIR_ROWS; i++)
			fill_keys(c, WEIR_ROWS - 1 - i, numbers[i], text[1]);
		weir_route_run(r, NULL, keys, n_keys, WEIR_ROWS, all_rows, worker[1]);
		for (unsigned i = 0; i < WEIR_ROWS; i++) {
			n_wrong += worker[0][i] != worker[1][WEIR_ROWS - 1 - i] || worker[0][i] > 6;
			n_of[worker[0][i] % 7]++;
		}
	}
	/* Each column alone spreads: none is left out. */
	for (unsigned k = 0; k < N_STORES; k++) {
		unsigned n_alone[7] = { 0 };

		for (unsigned i = 0; i < WEIR_ROWS; i++)
			fill_keys(c, i, i, text[0]);
		weir_route_run(r, NULL, &keys[k], 1, WEIR_ROWS, all_rows, worker[0]);
		for (unsigned i = 0; i < WEIR_ROWS; i++)
			n_alone[worker[0][i] % 7]++;
		for (unsigned i = 0; i < 7; i++)
			CU_ASSERT(n_alone[i] > 5 && n_alone[i] < 120);
	}
	CU_ASSERT_EQUAL(n_wrong, 0);
	for (unsigned i = 0; i < 7; i++)
		CU_ASSERT(n_of[i] > 7 * WEIR_ROWS / 14 && n_of[i] < 2 * WEIR_ROWS);
	for (unsigned k = 0; k < N_STORES; k++)
		weir_column_fini(&c[k]);
	weir_route_destroy(r);
}

static void
equal_floats_meet_and_nulls_are_not_followed(void)
{
	static const double floats[] = { 0.0, -0.0, NAN, -NAN };
	struct weir_route *r = start("key", 1000, 1);
	struct weir_column f, s;
	const struct weir_column *keys[2] = { &f, &s };
	uint64_t sel[WEIR_MASK_WORDS] = { 1 };
	uint16_t worker[WEIR_ROWS];

	CU_ASSERT_EQUAL_FATAL(weir_column_init(&f, WEIR_FLOAT, WEIR_F64, WEIR_ROWS), 0);
	CU_ASSERT_EQUAL_FATAL(weir_column_init(&s, WEIR_STRING, WEIR_BYTES, WEIR_ROWS), 0);
	memcpy(f.data, floats, sizeof(floats));
	weir_route_run(r, NULL, keys, 1, 4, all_rows, worker);
	CU_ASSERT_EQUAL(worker[0], worker[1]);
	CU_ASSERT_EQUAL(worker[2], worker[3]);
	CU_ASSERT_NOT_EQUAL(worker[0], worker[2]);
	for (unsigned i = 0; i < WEIR_ROWS; i++) /* null, or not selected */
		((struct weir_bytes *)s.data)[i] =
		    (struct weir_bytes){ (const uint8_t *)8, UINT32_MAX };
	weir_mask_set(s.null, 0);
	weir_route_run(r, NULL, keys, 2, WEIR_ROWS, sel, worker);
	CU_ASSERT(worker[0] < 1000);
	weir_column_fini(&f);
	weir_column_fini(&s);
	weir_route_destroy(r);
}

/* Every level of the instruction set sends a row to the same worker. */
static void
levels_agree(void)
{
	static const char *const splits[] = { "hash", "key", "rr",
		"range:ip.src:0.0.0.9,0.0.1.0,::5", "range:srcport:5,1000,40000" };

	for (unsigned i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
		struct weir_route *want = start_at(WEIR_SIMD_V2, splits[i], 5, 1);
		struct weir_route *flow = start("hash", 5, 1); /* for its columns */
		const struct weir_column *keys[3];
		struct fixture f;
		uint64_t rng = 12;

		fixture_init(&f, flow);
		keys[0] = f.fields[WEIR_FIELD_IP_SRC];
		keys[1] = f.fields[WEIR_FIELD_SRCPORT];
		keys[2] = f.fields[WEIR_FIELD_IP_PROTO];
		for (unsigned r = 0; r < WEIR_ROWS; r++) {
			struct end a = random_end(&rng, r % 2), b = random_end(&rng, r % 2);

			set_row(&f, r, &a, &b, (uint8_t)random_next(&rng));
		}
		for (unsigned level = WEIR_SIMD_V2; level < WEIR_N_SIMD; level++) {
			struct weir_route *got;
			uint16_t worker[WEIR_ROWS];

			if (!weir_simd_is_usable((enum weir_simd)level))
				continue;
			got = start_at((enum weir_simd)level, splits[i], 5, 1);
			for (uint32_t n = 1; n <= WEIR_ROWS; n += 51) {
				weir_route_run(want, f.fields, keys, 3, n, all_rows, f.worker);
				weir_route_run(got, f.fields, keys, 3, n, all_rows, worker);
				weir_route_start(want, 5, 1); /* of rr */
				weir_route_start(got, 5, 1);
				CU_ASSERT_EQUAL(memcmp(worker, f.worker, n * sizeof(*worker)), 0);
			}
			weir_route_destroy(got);
		}
		weir_batch_destroy(f.b);
		weir_route_destroy(want);
		weir_route_destroy(flow);
	}
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "both directions of a flow meet", both_directions_of_a_flow_meet },
		{ "packets that are no IP have a partition",
		    packets_that_are_no_ip_have_a_partition },
		{ "packets that are no IP go by their key",
		    packets_that_are_no_ip_go_by_their_key },
		{ "ranges count the bounds below", ranges_count_the_bounds_below },
		{ "rows go round", rows_go_round },
		{ "equal keys meet", equal_keys_meet },
		{ "levels agree", levels_agree },
		{ "equal floats meet, and nulls are not followed",
		    equal_floats_meet_and_nulls_are_not_followed },
		CU_TEST_INFO_NULL,
	};

	return check_run("exchange: routes", tests);
}
