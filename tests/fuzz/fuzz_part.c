/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/aggregate/part.h>
#include <weir/record/part.h>

/*
 * Parts of panes and of blocks: any bytes are merged or refused with a message, and what was merged
 * gives rows. The first byte says which query and what of it; the print of the query, which nothing
 * but chance would find, is put in. Or the others say where a good part is changed, and how.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	PRINT_AT = 2,
	PRINT_BYTES = 4,
	N_QUERIES = 6,
	MAX_BYTES = 65536,
};

struct call {
	const char *name;
	unsigned n_args;
	enum weir_type types[2];
	enum weir_store stores[2];
};

struct query {
	struct weir_window window;
	unsigned n_keys;
	struct weir_group_key keys[3];
	unsigned n_calls;
	struct call calls[6];
	enum weir_overflow overflow;
};

static const struct query queries[N_QUERIES] = {
	{ .n_keys = 3,
	    .keys = { { WEIR_IP, WEIR_ADDR }, { WEIR_INT, WEIR_U16 }, { WEIR_BOOL, WEIR_U8 } },
	    .n_calls = 4,
	    .calls = { { "count", 0, { 0 }, { 0 } }, { "sum", 1, { WEIR_INT }, { WEIR_U16 } },
		{ "distinct", 1, { WEIR_IP }, { WEIR_ADDR } },
		{ "topk", 2, { WEIR_INT, WEIR_STRING }, { WEIR_I64, WEIR_BYTES } } } },
	{ .n_keys = 2,
	    .keys = { { WEIR_STRING, WEIR_BYTES }, { WEIR_FLOAT, WEIR_F64 } },
	    .n_calls = 6,
	    .calls = { { "min", 1, { WEIR_STRING }, { WEIR_BYTES } },
		{ "first", 1, { WEIR_IP }, { WEIR_ADDR } },
		{ "mean", 1, { WEIR_DURATION }, { WEIR_I64 } },
		{ "stddev", 1, { WEIR_FLOAT }, { WEIR_F64 } },
		{ "changes", 1, { WEIR_STRING }, { WEIR_BYTES } },
		{ "changes", 1, { WEIR_IP }, { WEIR_ADDR } } } },
	{ .n_calls = 5,
	    .calls = { { "approx_distinct", 1, { WEIR_INT }, { WEIR_I64 } },
		{ "entropy", 1, { WEIR_STRING }, { WEIR_BYTES } },
		{ "quantile", 2, { WEIR_FLOAT, WEIR_FLOAT }, { WEIR_F64, WEIR_F64 } },
		{ "p99", 1, { WEIR_INT }, { WEIR_I64 } },
		{ "distinct", 2, { WEIR_IP, WEIR_STRING }, { WEIR_ADDR, WEIR_BYTES } } } },
	{ .window = { .kind = WEIR_WINDOW_SESSION, .gap_ns = 1000 },
	    .n_keys = 1,
	    .keys = { { WEIR_IP, WEIR_ADDR } },
	    .n_calls = 3,
	    .calls = { { "sum", 1, { WEIR_INT }, { WEIR_I64 } },
		{ "topk", 2, { WEIR_INT, WEIR_IP }, { WEIR_I64, WEIR_ADDR } },
		{ "last", 1, { WEIR_FLOAT }, { WEIR_F64 } } } },
	{ .window = { .kind = WEIR_WINDOW_TUMBLING, .size_ns = 1000000000 },
	    .n_keys = 1,
	    .keys = { { WEIR_INT, WEIR_U8 } },
	    .n_calls = 2,
	    .calls = { { "ewma", 2, { WEIR_FLOAT, WEIR_INT }, { WEIR_F64, WEIR_I64 } },
		{ "stddev", 1, { WEIR_INT }, { WEIR_I64 } } },
	    .overflow = WEIR_OVERFLOW_SAMPLE },
	{ .window = { .kind = WEIR_WINDOW_TUMBLING, .size_ns = 1000000000 },
	    .n_keys = 1,
	    .keys = { { WEIR_INT, WEIR_U32 } },
	    .n_calls = 1,
	    .calls = { { "rate", 1, { WEIR_INT }, { WEIR_I64 } } },
	    .overflow = WEIR_OVERFLOW_EVICT },
};

struct made {
	struct weir_aggregator *aggregator;
	struct weir_schema schema;
	uint8_t print[PRINT_BYTES];
	uint8_t block_print[PRINT_BYTES];
	uint8_t *good, *good_block; /* parts */
	size_t good_len, good_block_len;
};

/* Whole column: small numbers, large ones, texts, addresses of both kinds. */
static const struct weir_column *
fill(struct weir_column *c, enum weir_type type, enum weir_store store)
{
	static const char text[] = "www.example.org and more";

	if (weir_column_init(c, type, store, WEIR_ROWS))
		abort();
	for (unsigned r = 0; r < WEIR_ROWS; r++) {
		unsigned x = r * r % 97;

		switch (store) {
		case WEIR_U8:
			((uint8_t *)c->data)[r] = type == WEIR_BOOL ? x & 1 : (uint8_t)x;
			break;
		case WEIR_U16:
			((uint16_t *)c->data)[r] = (uint16_t)(x * 600);
			break;
		case WEIR_U32:
			((uint32_t *)c->data)[r] = x << 24;
			break;
		case WEIR_I64:
			((int64_t *)c->data)[r] = x % 3 ? (int64_t)x : -((int64_t)x << 40);
			break;
		case WEIR_F64:
			((double *)c->data)[r] = x / 97.0;
			break;
		case WEIR_ADDR:
			c->version[r] = x % 4 ? 4 : 6;
			((struct weir_addr *)c->data)[r] =
			    (struct weir_addr){ x % 4 ? 0 : x, x * 1000 };
			break;
		case WEIR_BYTES:
			((struct weir_bytes *)c->data)[r] =
			    (struct weir_bytes){ (const uint8_t *)text, x % sizeof(text) };
			break;
		case WEIR_N_STORES:
			abort();
		}
	}
	return c;
}

static void
add_column(struct made *m, enum weir_type type, bool is_key)
{
	if (weir_schema_add(&m->schema, "column", type, is_key))
		abort();
}

/* The print is where a part without groups has it. */
static void
find_prints(struct made *m)
{
	struct weir_pane *p = weir_aggregator_new_pane(m->aggregator);
	struct weir_pane_writer w = { .pane = p };
	struct weir_block *b = weir_block_create(&m->schema, 0);
	uint8_t buf[200];
	size_t len;

	if (!p || !b || weir_pane_write(&w, buf, sizeof(buf)) > sizeof(buf))
		abort();
	memcpy(m->print, buf + PRINT_AT, PRINT_BYTES);
	if (weir_block_write(b, NULL, 0, 0, buf, sizeof(buf), &len) || len > sizeof(buf))
		abort();
	memcpy(m->block_print, buf + PRINT_AT, PRINT_BYTES);
	weir_pane_destroy(p);
	weir_block_destroy(b);
}

/* A pane with groups, as a part and, its rows, as one of a block. */
static void
write_good(struct made *m, const struct weir_pane *p)
{
	static uint8_t buf[MAX_BYTES];
	static uint32_t groups[WEIR_ROWS];
	struct weir_pane_writer w = { .pane = p, .groups = groups, .tells_lost = true };
	struct weir_block *b = weir_block_create(&m->schema, 0);

	w.n = weir_pane_n_groups(p);
	for (uint32_t i = 0; i < w.n; i++)
		groups[i] = i;
	m->good_len = weir_pane_write(&w, buf, sizeof(buf));
	m->good = malloc(m->good_len);
	if (!b || !m->good || m->good_len > sizeof(buf) || weir_pane_rows(p, 0, w.n, b))
		abort();
	memcpy(m->good, buf, m->good_len);
	if (weir_block_write(b, NULL, 0, b->n_rows, buf, sizeof(buf), &m->good_block_len) !=
	    b->n_rows)
		abort();
	m->good_block = malloc(m->good_block_len);
	if (!m->good_block)
		abort();
	memcpy(m->good_block, buf, m->good_block_len);
	weir_block_destroy(b);
}

static void
feed(struct made *m, const struct query *q)
{
	struct weir_column columns[3 + 6 * 2];
	const struct weir_column *keys[3], *args[6][2];
	const struct weir_column *const *arg_lists[6];
	struct weir_group_counters counters = { 0 };
	int64_t time_ns[WEIR_ROWS];
	uint64_t sel[WEIR_MASK_WORDS];
	struct weir_group_rows rows = {
		.n = WEIR_ROWS, .sel = sel, .keys = keys, .args = arg_lists, .time_ns = time_ns
	};
	struct weir_pane *p;
	unsigned n = 0;

	for (unsigned r = 0; r < WEIR_ROWS; r++)
		time_ns[r] = r * 100;
	for (unsigned k = 0; k < q->n_keys; k++, n++)
		keys[k] = fill(&columns[n], q->keys[k].type, q->keys[k].store);
	for (unsigned i = 0; i < q->n_calls; i++) {
		for (unsigned a = 0; a < q->calls[i].n_args; a++, n++) {
			args[i][a] = fill(&columns[n], q->calls[i].types[a], q->calls[i].stores[a]);
			if (a == 0 && strcmp(q->calls[i].name, "topk") == 0)
				for (unsigned r = 0; r < WEIR_ROWS; r++)
					((int64_t *)columns[n].data)[r] = 3;
		}
		arg_lists[i] = q->calls[i].n_args ? args[i] : NULL;
	}
	weir_mask_first(sel, WEIR_ROWS);
	weir_aggregator_update(m->aggregator, &rows, &counters);
	p = weir_aggregator_close(m->aggregator, INT64_MAX);
	if (!p)
		abort();
	write_good(m, p);
	weir_pane_destroy(p);
	while (n--)
		weir_column_fini(&columns[n]);
}

static void
make(struct made *m, const struct query *q)
{
	struct weir_agg_call calls[6] = { 0 };
	struct weir_group_spec spec = {
		.window = q->window,
		.n_keys = q->n_keys,
		.keys = q->keys,
		.n_aggs = q->n_calls,
		.aggs = calls,
		.table_size = 3000,
		.overflow = q->overflow,
		.is_merged = true,
		.seed = 1,
	};
	struct weir_error err;

	for (unsigned k = 0; k < q->n_keys; k++)
		add_column(m, q->keys[k].type, true);
	for (unsigned i = 0; i < q->n_calls; i++) {
		const struct call *c = &q->calls[i];
		enum weir_type type;

		calls[i].function = weir_agg_function_find(c->name);
		calls[i].n_args = c->n_args;
		memcpy(calls[i].arg_types, c->types, sizeof(c->types));
		memcpy(calls[i].arg_stores, c->stores, sizeof(c->stores));
		if (calls[i].function->check(c->types, c->n_args, &type, &err))
			abort();
		add_column(m, type, false);
	}
	m->aggregator = weir_aggregator_create(&spec, &err);
	if (!m->aggregator)
		abort();
	find_prints(m);
	feed(m, q);
}

static void
show(const struct weir_block *b)
{
	for (uint32_t r = 0; r < b->n_rows; r++)
		for (unsigned c = 0; c < b->schema->n_columns; c++) {
			struct weir_value v = weir_column_get(&b->columns[c], r);
			char buf[64];

			weir_value_json(&v, buf, sizeof(buf));
		}
}

static void
check_refusal(const struct weir_error *err)
{
	if (!err->text[0] || strchr(err->text, '\n'))
		abort();
}

/* Merged twice, and what comes of that written and read again. */
static void
try_pane(const struct made *m, const uint8_t *bytes, size_t size)
{
	static uint8_t buf[MAX_BYTES];
	static uint32_t groups[2 * WEIR_PART_GROUPS];
	struct weir_pane *p = weir_aggregator_new_pane(m->aggregator);
	struct weir_block *b = weir_block_create(&m->schema, 0);
	struct weir_pane_writer w = { .pane = p, .groups = groups };
	struct weir_error err = { 0 };

	if (!p || !b)
		abort();
	if (weir_pane_read(p, bytes, size, &err)) {
		check_refusal(&err);
	} else {
		(void)weir_pane_read(p, bytes, size, &err);
		(void)weir_pane_settle(p);
		w.n = weir_pane_n_groups(p);
		w.n = w.n < 2 * WEIR_PART_GROUPS ? w.n : 2 * WEIR_PART_GROUPS;
		for (uint32_t i = 0; i < w.n; i++)
			groups[i] = i;
		if (weir_pane_write(&w, buf, sizeof(buf)) > sizeof(buf))
			w.n = 0;
		if (weir_pane_rows(p, 0, 100, b))
			abort();
		show(b);
	}
	weir_block_destroy(b);
	weir_pane_destroy(p);
}

static void
try_block(const struct made *m, const uint8_t *bytes, size_t size)
{
	struct weir_error err = { 0 };
	struct weir_block *b;

	if (weir_block_read(&m->schema, bytes, size, &b, &err)) {
		check_refusal(&err);
		return;
	}
	show(b);
	weir_block_destroy(b);
}

/* Bytes that are a part but for what the data change: each three of them one byte. */
static uint8_t *
change_good(const uint8_t *good, size_t len, const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(len);

	if (!bytes)
		abort();
	memcpy(bytes, good, len);
	for (size_t i = 0; i + 3 <= size; i += 3)
		bytes[(data[i] | data[i + 1] << 8) % len] ^= data[i + 2];
	return bytes;
}

static uint8_t *
take_bytes(const uint8_t *data, size_t size, const uint8_t *print)
{
	uint8_t *bytes = malloc(size);

	if (!bytes)
		abort();
	memcpy(bytes, data, size);
	memcpy(bytes + PRINT_AT, print, PRINT_BYTES);
	return bytes;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct made made[N_QUERIES];
	struct weir_part_window window;
	struct weir_error err = { 0 };
	struct made *m;
	bool is_block = size && data[0] & 0x80;
	uint8_t *bytes;
	size_t len;

	if (size < 1 + PRINT_AT + PRINT_BYTES || size > MAX_BYTES)
		return 0;
	m = &made[data[0] % N_QUERIES];
	if (!m->aggregator)
		make(m, &queries[data[0] % N_QUERIES]);
	len = data[0] & 0x40 ? (is_block ? m->good_block_len : m->good_len) : size - 1;
	bytes = data[0] & 0x40
		    ? change_good(is_block ? m->good_block : m->good, len, data + 1, size - 1)
		    : take_bytes(data + 1, size - 1, is_block ? m->block_print : m->print);
	if (weir_part_window(bytes, len, &window, &err))
		check_refusal(&err);
	if (is_block)
		try_block(m, bytes, len);
	else
		try_pane(m, bytes, len);
	free(bytes);
	return 0;
}
