/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/aggregate/part.h>
#include <weir/base/time.h>

#include "check.h"
#include "stream.h"

/*
 * What comes of panes that go to their owners in parts is what comes of the panes themselves: for
 * each function, of each type that it takes, by keys of each type.
 */

#define TIME_2020 (INT64_C(1577836800) * 1000000000)

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
fill_constant(struct stream *s, unsigned column, struct weir_value v)
{
	for (uint32_t r = 0; r < s->n; r++)
		*stream_value(s, r, column) = v;
}

/* Whether what is fed comes out the same through parts. Returns how many parts there were. */
static uint64_t
compare(const struct stream *s, struct query q, unsigned owners, size_t bytes, unsigned hosts)
{
	struct answer here, there;
	uint64_t n_parts;

	q.owners = 0;
	answer_fed(&here, s, &q, 200, 3, hosts, false);
	q.owners = owners;
	q.part_bytes = bytes;
	q.is_ordered = bytes % 2;
	answer_fed(&there, s, &q, 200, 3, hosts, false);
	CU_ASSERT_EQUAL(answer_differs(&here, &there), 0);
	CU_ASSERT_EQUAL(here.sampling, there.sampling);
	n_parts = there.n_parts;
	answer_fini(&here);
	answer_fini(&there);
	return n_parts;
}

/* A stream of a key of one kind, and two columns for arguments. */
static void
make_stream(struct stream *s, unsigned key, unsigned arg, unsigned arg2, uint32_t n,
    uint64_t groups, uint64_t *rng)
{
	stream_init(s, n);
	stream_column(s, kinds[key].type, kinds[key].store);
	stream_column(s, kinds[arg].type, kinds[arg].store);
	stream_column(s, kinds[arg2].type, kinds[arg2].store);
	stream_fill(s, 0, groups, 0, rng);
	stream_fill(s, 1, 60, 7, rng);
	stream_fill(s, 2, 20, 9, rng);
	for (uint32_t r = 0; r < n; r++)
		s->time_ns[r] = TIME_2020 + (int64_t)r * 1000000;
}

/* The arguments of a function, where it takes the stream's second column. False: it does not. */
static bool
make_call(const struct weir_agg_function *f, struct stream *s, struct call *c)
{
	struct weir_value k = { .type = WEIR_INT, .i = 3 };
	struct weir_value share = { .type = WEIR_FLOAT, .f = 0.75 };
	enum weir_type types[2], type;
	struct weir_error err;

	*c = (struct call){ f->name, 1, 0 };
	if (f->constant_arg) {
		bool is_k = strcmp(f->name, "topk") == 0;

		s->types[2] = is_k ? WEIR_INT : WEIR_FLOAT;
		s->stores[2] = is_k ? WEIR_I64 : WEIR_F64;
		fill_constant(s, 2, is_k ? k : share);
		c->arg = f->constant_arg == 1 ? 2 : 1;
		c->arg2 = f->constant_arg == 1 ? 1 : 2;
	} else if (f->max_args == 2) {
		c->arg2 = 2;
	}
	if (f->max_args == 0)
		c->arg = -1;
	types[0] = s->types[c->arg < 0 ? 0 : c->arg];
	types[1] = s->types[c->arg2];
	return f->check(types, (unsigned)(c->arg >= 0) + (c->arg2 > 0), &type, &err) == 0;
}

static void
every_function_survives(void)
{
	static const size_t sizes[] = { 150, 421, 1350, 60000 };
	uint64_t rng = 1;
	unsigned n_compared = 0, run = 0;

	for (unsigned i = 0; weir_agg_functions[i]; i++)
		for (unsigned arg = 0; arg < N_KINDS; arg++, run++) {
			/* Strings as the second of two would be made constant. */
			unsigned arg2 = weir_agg_functions[i]->constant_arg ? 4 : run % N_KINDS;
			struct query q = { .n_keys = 1, .n_calls = 1, .table_size = 1000 };
			struct stream s;

			make_stream(&s, (run * 7 + i) % N_KINDS, arg, arg2, 1500, 40, &rng);
			q.is_merged = run % 2;
			if (run % 3)
				q.window = (struct weir_window){ .kind = WEIR_WINDOW_TUMBLING,
					.size_ns = 400000000 };
			if (make_call(weir_agg_functions[i], &s, &q.calls[0])) {
				(void)compare(&s, q, 1 + run % 3, sizes[run % 4], 1 + run % 2);
				n_compared++;
			}
			stream_fini(&s);
		}
	CU_ASSERT(n_compared > 150);
}

/* Keys of several columns, of each type, in one table and in two. */
static void
keys_of_every_type_survive(void)
{
	uint64_t rng = 2;

	for (unsigned a = 0; a < N_KINDS; a++)
		for (unsigned b = 0; b < N_KINDS; b++) {
			struct query q = {
				.n_keys = 2,
				.n_calls = 3,
				.calls = { { "count", -1, 0 }, { "sum", 2, 0 }, { "max", 1, 0 } },
				.table_size = 5000,
				.window = { .kind = WEIR_WINDOW_TUMBLING, .size_ns = 1000000000 },
			};
			struct stream s;

			make_stream(&s, a, b, 3, 2500, 200, &rng);
			(void)compare(&s, q, 2, b % 2 ? 1350 : 501, 2);
			stream_fini(&s);
		}
}

static void
no_key_is_one_group(void)
{
	struct query q = {
		.n_calls = 2,
		.calls = { { "count", -1, 0 }, { "distinct", 1, 0 } },
		.table_size = 10,
	};
	struct stream s;
	uint64_t rng = 4;

	make_stream(&s, 3, 4, 3, 2000, 50, &rng);
	(void)compare(&s, q, 3, 1350, 2);
	stream_fini(&s);
}

/* A group whose state is much longer than a part goes into many. */
static void
large_groups_are_divided(void)
{
	static const char *const names[] = { "distinct", "entropy", "approx_distinct", "p90",
		"topk" };
	uint64_t rng = 5;

	for (unsigned i = 0; i < 5; i++)
		for (unsigned kind = 3; kind < N_KINDS; kind++) {
			struct query q = {
				.n_keys = 1,
				.n_calls = 2,
				.calls = { { names[i], 1, 0 }, { "sum", 0, 0 } },
				.table_size = 100,
			};
			struct stream s;
			struct call c;

			make_stream(&s, 2, kind, 4, 9000, 3, &rng);
			if (kinds[kind].type == WEIR_STRING)
				for (uint32_t r = 0; r < s.n; r++)
					if (!stream_value(&s, r, 1)->is_null)
						free(
						    (void *)(uintptr_t)stream_value(&s, r, 1)->s.p);
			stream_fill(&s, 1, 4000, 11, &rng);
			if (make_call(weir_agg_function_find(names[i]), &s, &c)) {
				uint64_t n;

				q.calls[0] = c;
				if (strcmp(names[i], "distinct") == 0)
					q.calls[0].arg2 = kind % 2 ? 0 : 2;
				n = compare(&s, q, 2, 400, 2);
				CU_ASSERT(n > (strcmp(names[i], "p90") ? 5 : 1));
			}
			stream_fini(&s);
		}
}

static void
windows_of_groups_survive(void)
{
	static const struct weir_window windows[] = {
		{ .kind = WEIR_WINDOW_SESSION, .gap_ns = 20000000 },
		{ .kind = WEIR_WINDOW_COUNT, .count = 7 },
	};
	uint64_t rng = 6;

	for (unsigned w = 0; w < 2; w++)
		for (unsigned key = 0; key < N_KINDS; key++) {
			struct query q = {
				.n_keys = 1,
				.n_calls = 4,
				.calls = { { "count", -1, 0 }, { "distinct", 1, 0 },
				    { "first", 1, 0 }, { "p50", 2, 0 } },
				.table_size = 5000,
				.window = windows[w],
			};
			struct stream s;

			make_stream(&s, key, 8, 3, 4000, 100, &rng);
			(void)compare(&s, q, 3, 1350, 1);
			stream_fini(&s);
		}
}

/* The sampling level, and groups that are thrown out when all have been merged. */
static void
overflow_is_as_when_merged(void)
{
	uint64_t rng = 7;

	for (unsigned run = 0; run < 4; run++) {
		struct query q = {
			.n_keys = 1,
			.n_calls = 2,
			.calls = { { "count", -1, 0 }, { "distinct", 1, 0 } },
			.table_size = 300,
			.seed = 9,
			.overflow = run % 2 ? WEIR_OVERFLOW_SAMPLE : WEIR_OVERFLOW_EVICT,
			.is_merged = true,
		};
		struct answer here, there;
		struct stream s;

		make_stream(&s, 3, 4, 2, 9000, 1000, &rng);
		answer_fed(&here, &s, &q, 200, 3, 2, false);
		q.owners = 1;
		q.part_bytes = 1000 + run / 2 * 50000;
		answer_fed(&there, &s, &q, 200, 3, 2, false);
		CU_ASSERT_EQUAL(answer_differs(&here, &there), 0);
		CU_ASSERT_EQUAL(here.sampling, there.sampling);
		CU_ASSERT_EQUAL(here.lost, there.lost);
		CU_ASSERT_EQUAL(here.undercount, there.undercount);
		CU_ASSERT(run % 2 ? here.sampling < 1 : here.undercount > 0);
		answer_fini(&here);
		answer_fini(&there);
		stream_fini(&s);
	}
}

/* What grows must say how it is written: its words are no more than where the rest of it is. */
static void
states_that_grow_can_be_written(void)
{
	static const enum weir_store stores[] = { WEIR_U8, WEIR_I64, WEIR_F64, WEIR_BYTES };
	unsigned n = 0;

	for (unsigned i = 0; weir_agg_functions[i]; i++)
		for (unsigned s = 0; s < 4; s++)
			for (unsigned n_args = 1; n_args <= 2; n_args++) {
				const enum weir_store args[] = { stores[s], stores[s] };
				const struct weir_agg_function *f = weir_agg_functions[i];
				bool grows;

				if (f->for_stores)
					f = f->for_stores(args, n_args);
				grows = f->drop || f->memory_guess;
				n += grows;
				CU_ASSERT_EQUAL(f->pieces != NULL, grows);
				CU_ASSERT_EQUAL(f->write != NULL, grows);
				CU_ASSERT_EQUAL(f->read != NULL, grows);
			}
	CU_ASSERT(n > 50);
}

/* A pane by hand: sum and distinct of strings by address. */
struct made {
	struct weir_agg_call calls[2];
	struct weir_group_key key;
	struct weir_group_spec spec;
	struct weir_aggregator *aggregator;
	struct weir_pane *pane;
};

static void
feed_made(struct made *m, unsigned n, bool has_wide)
{
	static char text[WEIR_ROWS][16];
	struct weir_column key, number, name;
	const struct weir_column *keys[] = { &key }, *arg[] = { &number }, *arg2[] = { &name };
	const struct weir_column *const *args[] = { arg, arg2 };
	struct weir_group_counters counters = { 0 };
	int64_t time_ns[WEIR_ROWS] = { 0 };
	uint64_t sel[WEIR_MASK_WORDS];
	struct weir_group_rows rows = {
		.n = n, .sel = sel, .keys = keys, .args = args, .time_ns = time_ns
	};

	weir_mask_first(sel, n);
	CU_ASSERT_EQUAL_FATAL(weir_column_init(&key, WEIR_IP, WEIR_ADDR, WEIR_ROWS), 0);
	CU_ASSERT_EQUAL_FATAL(weir_column_init(&number, WEIR_INT, WEIR_I64, WEIR_ROWS), 0);
	CU_ASSERT_EQUAL_FATAL(weir_column_init(&name, WEIR_STRING, WEIR_BYTES, WEIR_ROWS), 0);
	for (unsigned i = 0; i < n; i++) {
		int len = snprintf(text[i], sizeof(text[i]), "name %u", i % 50);
		bool is_wide = has_wide && i % 3 == 0;

		((struct weir_addr *)key.data)[i] =
		    (struct weir_addr){ is_wide ? 77 : 0, i % 40 * 1000 };
		key.version[i] = is_wide ? 6 : 4;
		((int64_t *)number.data)[i] = (int64_t)i - 30;
		((struct weir_bytes *)name.data)[i] =
		    (struct weir_bytes){ (const uint8_t *)text[i], (uint32_t)len };
	}
	weir_aggregator_update(m->aggregator, &rows, &counters);
	weir_column_fini(&key);
	weir_column_fini(&number);
	weir_column_fini(&name);
}

static void
make(struct made *m, const char *function, bool has_wide)
{
	struct weir_error err;

	memset(m, 0, sizeof(*m));
	m->key = (struct weir_group_key){ WEIR_IP, WEIR_ADDR };
	m->calls[0] = (struct weir_agg_call){ .function = weir_agg_function_find(function),
		.n_args = 1,
		.arg_types = { WEIR_INT },
		.arg_stores = { WEIR_I64 } };
	m->calls[1] = (struct weir_agg_call){ .function = weir_agg_function_find("distinct"),
		.n_args = 1,
		.arg_types = { WEIR_STRING },
		.arg_stores = { WEIR_BYTES } };
	m->spec = (struct weir_group_spec){
		.n_keys = 1,
		.keys = &m->key,
		.n_aggs = 2,
		.aggs = m->calls,
		.table_size = 1000,
		.is_merged = true,
	};
	m->aggregator = weir_aggregator_create(&m->spec, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m->aggregator);
	feed_made(m, 200, has_wide);
	m->pane = weir_aggregator_close(m->aggregator, INT64_MAX);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m->pane);
}

static void
unmake(struct made *m)
{
	weir_pane_destroy(m->pane);
	weir_aggregator_destroy(m->aggregator);
}

/* All groups as one part. */
static size_t
write_all(const struct weir_pane *p, uint8_t *buf, size_t max)
{
	uint32_t groups[1000];
	struct weir_pane_writer w = { .pane = p, .groups = groups, .n = weir_pane_n_groups(p) };
	size_t len;

	for (uint32_t i = 0; i < w.n; i++)
		groups[i] = i;
	len = weir_pane_write(&w, buf, max);
	CU_ASSERT_EQUAL(weir_pane_write(&w, buf, 0), 0);
	return len;
}

static void
what_is_no_part_changes_nothing(void)
{
	static uint8_t good[60000], bad[60000];
	struct weir_error err;
	struct made m;
	struct weir_pane *dst;
	uint64_t rng = 3;
	size_t len;
	unsigned n_refused = 0;

	make(&m, "sum", true);
	len = write_all(m.pane, good, sizeof(good));
	CU_ASSERT_FATAL(len > 100 && len < sizeof(good));
	dst = weir_aggregator_new_pane(m.aggregator);
	for (size_t n = 0; n < len; n++)
		CU_ASSERT_EQUAL(weir_pane_read(dst, good, n, &err), -EBADMSG);
	memcpy(bad, good, len);
	bad[len] = 0;
	CU_ASSERT_EQUAL(weir_pane_read(dst, bad, len + 1, &err), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no part of a pane"));
	CU_ASSERT_EQUAL(weir_pane_n_groups(dst), 0);
	for (unsigned i = 0; i < 30000; i++) {
		uint32_t before = weir_pane_n_groups(dst);

		memcpy(bad, good, len);
		for (unsigned flips = 1 + i % 3; flips; flips--)
			bad[random_next(&rng) % len] ^= (uint8_t)(1 << random_next(&rng) % 8);
		if (weir_pane_read(dst, bad, len, &err) == 0) {
			weir_pane_clear(dst);
			continue;
		}
		n_refused++;
		CU_ASSERT_EQUAL(weir_pane_n_groups(dst), before);
	}
	CU_ASSERT(n_refused > 1000);
	weir_pane_destroy(dst);
	unmake(&m);
}

static void
another_query_is_refused(void)
{
	static uint8_t buf[60000];
	struct weir_error err;
	struct made a, b;
	size_t len;

	make(&a, "sum", false);
	make(&b, "mean", false);
	len = write_all(a.pane, buf, sizeof(buf));
	CU_ASSERT_EQUAL(weir_pane_read(b.pane, buf, len, &err), -EBADMSG);
	CU_ASSERT_EQUAL(weir_pane_read(a.pane, buf, len, &err), 0);
	unmake(&a);
	unmake(&b);
}

/* One value that is longer than a part: it says how much it needs, and goes on from there. */
static void
what_cannot_be_divided_needs_more(void)
{
	struct query q = {
		.n_keys = 1,
		.n_calls = 1,
		.calls = { { "topk", 2, 1 } },
		.table_size = 1000,
		.owners = 2,
		.part_bytes = 90,
	};
	static uint8_t text[300];
	struct answer here, there;
	struct stream s;
	uint64_t rng = 4;

	memset(text, 'x', sizeof(text));
	stream_init(&s, 500);
	stream_column(&s, WEIR_INT, WEIR_U16);
	stream_column(&s, WEIR_STRING, WEIR_BYTES);
	stream_column(&s, WEIR_INT, WEIR_I64);
	stream_fill(&s, 0, 20, 0, &rng);
	stream_fill(&s, 2, 1, 0, &rng);
	for (uint32_t r = 0; r < s.n; r++) {
		uint32_t n = 200 + r % 100;

		*stream_value(&s, r, 1) = (struct weir_value){ .type = WEIR_STRING,
			.s = { memcpy(malloc(n), text, n), n } };
		*stream_value(&s, r, 2) = (struct weir_value){ .type = WEIR_INT, .i = 3 };
	}
	answer_fed(&there, &s, &q, 200, 3, 1, false);
	q.owners = 0;
	answer_fed(&here, &s, &q, 200, 3, 1, false);
	CU_ASSERT(there.n_longer > 0);
	CU_ASSERT_EQUAL(answer_differs(&here, &there), 0);
	answer_fini(&here);
	answer_fini(&there);
	stream_fini(&s);
}

/* An IPv4 address has its slot whether it lies among IPv6 ones or not, and in a block. */
static void
slots_follow_from_values(void)
{
	static const struct weir_slot_key key = { "a key of 15 byt" };
	static const unsigned column = 0;
	struct weir_schema schema = { 0 };
	unsigned slot_of[2][40] = { 0 }; /* + 1 */
	struct weir_block *b;
	struct made m[2];
	uint16_t slots[1000], block_slots[1000];
	unsigned n_same = 0;

	CU_ASSERT_EQUAL_FATAL(weir_schema_add(&schema, "key", WEIR_IP, true), 0);
	CU_ASSERT_EQUAL_FATAL(weir_schema_add(&schema, "sum", WEIR_INT, false), 0);
	CU_ASSERT_EQUAL_FATAL(weir_schema_add(&schema, "names", WEIR_INT, false), 0);
	for (unsigned i = 0; i < 2; i++) {
		make(&m[i], "sum", i);
		if (i)
			CU_ASSERT_EQUAL(weir_pane_order(m[i].pane), 0);
		b = weir_block_create(&schema, 0);
		CU_ASSERT_EQUAL(weir_pane_rows(m[i].pane, 0, 1000, b), 0);
		weir_pane_slots(m[i].pane, &key, slots);
		weir_block_slots(b, &column, 1, &key, block_slots);
		for (uint32_t r = 0; r < b->n_rows; r++) {
			struct weir_value v = weir_column_get(&b->columns[0], r);

			CU_ASSERT(slots[r] == block_slots[r] && slots[r] < WEIR_SLOTS);
			if (v.version == 4)
				slot_of[i][v.addr.lo / 1000] = slots[r] + 1u;
		}
		weir_block_destroy(b);
		unmake(&m[i]);
	}
	for (unsigned k = 0; k < 40; k++)
		if (slot_of[0][k] && slot_of[1][k]) {
			CU_ASSERT_EQUAL(slot_of[0][k], slot_of[1][k]);
			n_same++;
		}
	CU_ASSERT(n_same > 20);
	weir_schema_fini(&schema);
}

/* n += 1 for each row, and whether it was ever more than 2. */
static void
folds_survive(void)
{
	static const enum weir_type types[] = { WEIR_INT, WEIR_INT };
	static const enum weir_store store = WEIR_I64;
	static const union weir_fold_cell zero = { .i = 0 };
	const struct weir_fold_code init[] = { { WEIR_FOLD_MOVE, 0, 3, 3, 3, 0, NULL },
		{ WEIR_FOLD_MOVE, 1, 2, 2, 2, 0, NULL } };
	const struct weir_fold_code update[] = { { WEIR_FOLD_ADD_I, 0, 0, 2, 2, 0, NULL },
		{ WEIR_FOLD_MOVE, 1, 2, 2, 2, 0, NULL } };
	const struct weir_fold_spec spec = {
		.n_vars = 2,
		.types = types,
		.n_args = 1,
		.stores = &store,
		.n_consts = 1,
		.consts = &zero,
		.n_cells = 4,
		.n_init = 2,
		.init = init,
		.n_update = 2,
		.update = update,
	};
	static uint8_t buf[60000];
	struct weir_schema schema = { 0 };
	struct weir_block *b[2];
	struct weir_pane *dst;
	struct weir_error err;
	struct weir_fold *f;
	struct made m;
	size_t len;

	CU_ASSERT_EQUAL_FATAL(weir_fold_create(&spec, &f), 0);
	make(&m, "sum", true);
	weir_pane_destroy(m.pane);
	weir_aggregator_destroy(m.aggregator);
	m.calls[0].fold = f;
	m.aggregator = weir_aggregator_create(&m.spec, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m.aggregator);
	feed_made(&m, 200, true);
	m.pane = weir_aggregator_close(m.aggregator, INT64_MAX);
	len = write_all(m.pane, buf, sizeof(buf));
	dst = weir_pane_create_like(m.pane);
	CU_ASSERT_EQUAL(weir_pane_read(dst, buf, len, &err), 0);
	(void)weir_schema_add(&schema, "key", WEIR_IP, true);
	(void)weir_schema_add(&schema, "n", WEIR_INT, false);
	(void)weir_schema_add(&schema, "last", WEIR_INT, false);
	(void)weir_schema_add(&schema, "names", WEIR_INT, false);
	for (unsigned i = 0; i < 2; i++) {
		b[i] = weir_block_create(&schema, 0);
		CU_ASSERT_EQUAL(weir_pane_rows(i ? dst : m.pane, 0, 1000, b[i]), 0);
		CU_ASSERT_EQUAL(weir_block_sort(b[i], -1, 0), 0);
	}
	CU_ASSERT_FATAL(b[0]->n_rows == b[1]->n_rows && b[0]->n_rows > 40);
	for (uint32_t r = 0; r < b[0]->n_rows; r++)
		for (unsigned c = 0; c < 4; c++) {
			struct weir_value x = weir_column_get(&b[0]->columns[c], r);
			struct weir_value y = weir_column_get(&b[1]->columns[c], r);

			CU_ASSERT_EQUAL(weir_value_compare(&x, &y), 0);
		}
	weir_block_destroy(b[0]);
	weir_block_destroy(b[1]);
	weir_schema_fini(&schema);
	weir_pane_destroy(dst);
	unmake(&m);
	weir_fold_destroy(f);
}

/* A pane without groups tells of its window. */
static void
windows_are_told_without_groups(void)
{
	struct weir_window window = { .kind = WEIR_WINDOW_TUMBLING, .size_ns = 1000 };
	struct weir_part_window got;
	struct weir_pane *from, *to;
	struct weir_error err;
	struct made m;
	uint8_t buf[100];
	size_t len;

	make(&m, "sum", false);
	weir_aggregator_destroy(m.aggregator);
	m.spec.window = window;
	m.aggregator = weir_aggregator_create(&m.spec, &err);
	from = weir_aggregator_new_pane(m.aggregator);
	to = weir_aggregator_new_pane(m.aggregator);
	weir_pane_set_window(from, TIME_2020, TIME_2020 + 1000);
	len = write_all(from, buf, sizeof(buf));
	CU_ASSERT_FATAL(len > 0 && len < 40);
	CU_ASSERT_EQUAL(weir_part_window(buf, len, &got, &err), 0);
	CU_ASSERT(got.start_ns == TIME_2020 && got.end_ns == TIME_2020 + 1000);
	CU_ASSERT_EQUAL(weir_part_window(buf, 5, &got, &err), -EBADMSG);
	CU_ASSERT_EQUAL(weir_pane_read(to, buf, len, &err), 0);
	CU_ASSERT(weir_pane_start(to) == TIME_2020 && weir_pane_end(to) == TIME_2020 + 1000);
	weir_pane_destroy(from);
	weir_pane_destroy(to);
	unmake(&m);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "every function survives", every_function_survives },
		{ "keys of every type survive", keys_of_every_type_survive },
		{ "no key is one group", no_key_is_one_group },
		{ "large groups are divided", large_groups_are_divided },
		{ "windows of groups survive", windows_of_groups_survive },
		{ "overflow is as when merged", overflow_is_as_when_merged },
		{ "folds survive", folds_survive },
		{ "states that grow can be written", states_that_grow_can_be_written },
		{ "what is no part changes nothing", what_is_no_part_changes_nothing },
		{ "another query is refused", another_query_is_refused },
		{ "what cannot be divided needs more", what_cannot_be_divided_needs_more },
		{ "slots follow from values", slots_follow_from_values },
		{ "windows are told without groups", windows_are_told_without_groups },
		CU_TEST_INFO_NULL,
	};

	return check_run("parts", tests);
}
