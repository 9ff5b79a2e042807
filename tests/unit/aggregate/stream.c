/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <weir/aggregate/part.h>
#include <weir/base/time.h>

#include "aggregator.h"
#include "stream.h"

void
stream_init(struct stream *s, uint32_t n)
{
	memset(s, 0, sizeof(*s));
	s->n = n;
	s->values = calloc((size_t)n * MAX_COLUMNS, sizeof(*s->values));
	s->time_ns = calloc(n, sizeof(*s->time_ns));
	s->is_selected = calloc(n, sizeof(*s->is_selected));
	CU_ASSERT_FATAL(s->values && s->time_ns && s->is_selected);
	for (uint32_t r = 0; r < n; r++) {
		s->time_ns[r] = r;
		s->is_selected[r] = true;
	}
}

void
stream_column(struct stream *s, enum weir_type type, enum weir_store store)
{
	s->types[s->n_columns] = type;
	s->stores[s->n_columns++] = store;
}

struct weir_value *
stream_value(const struct stream *s, uint32_t row, unsigned column)
{
	return &s->values[(size_t)row * MAX_COLUMNS + column];
}

/* The i-th value of a type: different i, different value (but for bool, and what the store cuts).
 */
static struct weir_value
numbered_value(enum weir_type type, enum weir_store store, uint64_t i)
{
	struct weir_value v = { .type = type };
	char text[400];

	switch (type) {
	case WEIR_BOOL:
		v.b = i & 1;
		break;
	case WEIR_FLOAT:
		/* Four values that are two: zeros and NaNs are equal to each other. */
		v.f = i == 0 ? 0.0 : i == 1 ? -0.0 : i == 2 ? NAN : i == 3 ? -NAN : (double)i / 16;
		break;
	case WEIR_IP:
		v.version = i % 3 ? 4 : 6; /* ::1 and 0.0.0.1 differ */
		v.addr.lo = v.version == 4 ? (uint32_t)(i / 3) : i / 3;
		v.addr.hi = v.version == 6 && i % 2 ? UINT64_C(0x20010db8) << 32 : 0;
		break;
	case WEIR_STRING:
		v.s.len = (uint32_t)snprintf(
		    text, sizeof(text), "%*s%llu", (int)(i % 300 / 10), "", (unsigned long long)i);
		if (i == 0)
			v.s.len = 0;
		v.s.p = memcpy(malloc(v.s.len + 1), text, v.s.len + 1);
		break;
	default:
		v.i = store == WEIR_U8    ? (uint8_t)i
		      : store == WEIR_U16 ? (uint16_t)i
		      : store == WEIR_U32 ? (uint32_t)i
					  : (int64_t)i - (i % 2 ? INT64_C(1) << 40 : 0);
	}
	return v;
}

void
stream_fill(struct stream *s, unsigned column, uint64_t domain, unsigned null_one_in, uint64_t *rng)
{
	for (uint32_t r = 0; r < s->n; r++) {
		struct weir_value *v = stream_value(s, r, column);

		if (null_one_in && random_next(rng) % null_one_in == 0)
			*v = (struct weir_value){ .type = s->types[column], .is_null = true };
		else
			*v = numbered_value(
			    s->types[column], s->stores[column], random_next(rng) % domain);
	}
}

void
stream_fini(struct stream *s)
{
	for (uint32_t r = 0; r < s->n; r++)
		for (unsigned c = 0; c < s->n_columns; c++)
			if (s->types[c] == WEIR_STRING && !stream_value(s, r, c)->is_null)
				free((void *)(uintptr_t)stream_value(s, r, c)->s.p);
	free(s->values);
	free(s->time_ns);
	free(s->is_selected);
}

static void
put_element(struct weir_column *c, unsigned row, const struct weir_value *v)
{
	weir_mask_clear(c->null, row);
	if (v->is_null) {
		weir_mask_set(c->null, row);
		return;
	}
	switch (c->store) {
	case WEIR_U8:
		((uint8_t *)c->data)[row] = c->type == WEIR_BOOL ? v->b : (uint8_t)v->i;
		break;
	case WEIR_U16:
		((uint16_t *)c->data)[row] = (uint16_t)v->i;
		break;
	case WEIR_U32:
		((uint32_t *)c->data)[row] = (uint32_t)v->i;
		break;
	case WEIR_I64:
		((int64_t *)c->data)[row] = v->i;
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
	case WEIR_N_STORES:
		break;
	}
}

/* What one batch is made of, with garbage left where the last one was longer. */
struct feeder {
	struct weir_column columns[MAX_COLUMNS];
	const struct weir_column *keys[MAX_COLUMNS];
	const struct weir_column *args[8][WEIR_AGG_MAX_ARGS];
	const struct weir_column *const *arg_lists[8];
};

/* Whose a row is: in turn; but where the order of rows counts, one core has those before another's.
 */
static unsigned
core_of(const struct query *q, uint32_t row, uint32_t n, unsigned cores)
{
	for (unsigned i = 0; i < q->n_calls; i++)
		if (weir_agg_function_find(q->calls[i].function)->needs_order)
			return (unsigned)((uint64_t)row * cores / n);
	return row % cores;
}

static void
feed_batch(struct feeder *f, const struct stream *s, const struct query *q, uint32_t first,
    uint32_t n, int64_t watermark_ns, unsigned core, unsigned cores, bool is_final,
    struct weir_aggregator *a, struct weir_group_counters *counters)
{
	uint64_t sel[WEIR_MASK_WORDS] = { 0 };
	struct weir_group_rows rows = {
		.n = n,
		.sel = sel,
		.keys = f->keys,
		.args = f->arg_lists,
		.time_ns = s->time_ns + first,
		.first_number = first + 1,
		.watermark_ns = watermark_ns,
	};
	uint64_t before = counters->aggregated;

	for (uint32_t r = 0; r < n; r++) {
		for (unsigned c = 0; c < s->n_columns; c++)
			put_element(&f->columns[c], r, stream_value(s, first + r, c));
		if (s->is_selected[first + r] && core_of(q, first + r, s->n, cores) == core)
			weir_mask_set(sel, r);
	}
	weir_aggregator_update(a, &rows, counters);
	if (is_final) /* else a group may be thrown out by a later row */
		CU_ASSERT_EQUAL(weir_mask_count(sel), counters->aggregated - before);
}

/* Columns of rows that have been fed must not be needed any more: write over them. */
static void
spoil(struct feeder *f, const struct stream *s)
{
	for (unsigned c = 0; c < s->n_columns; c++)
		memset(f->columns[c].data, 0x5a,
		    (size_t)WEIR_ROWS * weir_store_size(f->columns[c].store));
}

static struct weir_aggregator *
make_aggregator(const struct stream *s, const struct query *q)
{
	struct weir_group_key keys[MAX_COLUMNS];
	struct weir_agg_call calls[8] = { 0 };
	struct weir_group_spec spec = {
		.window = q->window,
		.lateness_ns = q->lateness_ns,
		.n_keys = q->n_keys,
		.keys = keys,
		.n_aggs = q->n_calls,
		.aggs = calls,
		.table_size = q->table_size,
		.seed = q->seed,
		.overflow = q->overflow,
		.is_merged = q->is_merged,
		.simd = q->simd,
	};
	struct weir_error err;
	struct weir_aggregator *a;

	for (unsigned k = 0; k < q->n_keys; k++)
		keys[k] = (struct weir_group_key){ s->types[k], s->stores[k] };
	for (unsigned i = 0; i < q->n_calls; i++) {
		calls[i].function = weir_agg_function_find(q->calls[i].function);
		CU_ASSERT_PTR_NOT_NULL_FATAL(calls[i].function);
		calls[i].n_args = q->calls[i].arg >= 0;
		if (calls[i].n_args) {
			calls[i].arg_types[0] = s->types[q->calls[i].arg];
			calls[i].arg_stores[0] = s->stores[q->calls[i].arg];
		}
		if (q->calls[i].arg2) {
			calls[i].n_args = 2;
			calls[i].arg_types[1] = s->types[q->calls[i].arg2];
			calls[i].arg_stores[1] = s->stores[q->calls[i].arg2];
		}
	}
	a = weir_aggregator_create(&spec, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	return a;
}

static void
make_schema(struct answer *a, const struct stream *s, const struct query *q)
{
	memset(a, 0, sizeof(*a));
	a->sampling = 1;
	a->closed_ns = INT64_MIN;
	for (unsigned k = 0; k < q->n_keys; k++)
		CU_ASSERT_EQUAL_FATAL(weir_schema_add(&a->schema, "key", s->types[k], true), 0);
	for (unsigned i = 0; i < q->n_calls; i++) {
		const struct weir_agg_function *f = weir_agg_function_find(q->calls[i].function);
		int arg = q->calls[i].arg, arg2 = q->calls[i].arg2;
		enum weir_type types[WEIR_AGG_MAX_ARGS] = { s->types[arg < 0 ? 0 : arg],
			s->types[arg2] };
		enum weir_type type;

		CU_ASSERT_EQUAL_FATAL(
		    f->check(types, (unsigned)(arg >= 0) + (arg2 > 0), &type, NULL), 0);
		CU_ASSERT_EQUAL_FATAL(weir_schema_add(&a->schema, "agg", type, false), 0);
	}
}

static void
note_pane(struct answer *a, const struct weir_pane *p)
{
	uint64_t bytes = weir_pane_bytes(p), undercount = weir_pane_undercount(p);

	a->lost += weir_pane_lost(p);
	a->most_bytes = bytes > a->most_bytes ? bytes : a->most_bytes;
	a->undercount = undercount > a->undercount ? undercount : a->undercount;
	if (weir_pane_sampling(p) < a->sampling)
		a->sampling = weir_pane_sampling(p);
}

static bool
are_same(const struct weir_block *a, const struct weir_block *b)
{
	bool same = a->n_rows == b->n_rows && a->window_start_ns == b->window_start_ns &&
		    a->window_end_ns == b->window_end_ns;

	for (uint32_t r = 0; same && r < a->n_rows; r++)
		for (unsigned c = 0; same && c < a->schema->n_columns; c++) {
			struct weir_value v = weir_column_get(&a->columns[c], r);
			struct weir_value w = weir_column_get(&b->columns[c], r);

			same = v.is_null == w.is_null && v.type == w.type &&
			       (v.is_null || weir_value_compare(&v, &w) == 0);
		}
	return same;
}

/* Put in order first, a pane gives the same rows as a block that is sorted. */
static void
check_order(struct weir_pane *p, const struct weir_block *sorted)
{
	struct weir_block *b = weir_block_create(sorted->schema, 0);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_EQUAL_FATAL(weir_pane_order(p), 0);
	for (uint32_t first = 0; first <= weir_pane_n_groups(p); first += 500)
		CU_ASSERT_EQUAL(weir_pane_rows(p, first, 500, b), 0);
	CU_ASSERT(are_same(b, sorted));
	weir_block_destroy(b);
}

static void
take_pane(struct answer *a, struct weir_pane *p)
{
	struct weir_block *b = weir_block_create(&a->schema, 0);

	CU_ASSERT_FATAL(b && a->n_blocks < 4096);
	/* In parts, and past the end. */
	for (uint32_t first = 0; first <= weir_pane_n_groups(p); first += 777)
		CU_ASSERT_EQUAL(weir_pane_rows(p, first, 777, b), 0);
	CU_ASSERT_EQUAL(b->n_rows, weir_pane_n_groups(p));
	CU_ASSERT(weir_pane_bytes(p) > 0);
	note_pane(a, p);
	CU_ASSERT_EQUAL(weir_block_sort(b, -1, 0), 0);
	check_order(p, b);
	a->blocks[a->n_blocks++] = b;
}

struct part {
	unsigned owner;
	uint8_t *bytes;
	size_t len;
};

/* Some groups of a pane as parts. */
static unsigned
write_parts(struct answer *a, const struct query *q, const struct weir_pane *p,
    const uint32_t *groups, uint32_t n, unsigned owner, struct part *parts)
{
	struct weir_pane_writer w = {
		.pane = p, .groups = groups, .n = n, .tells_lost = owner == 0
	};
	unsigned n_parts = 0;
	size_t max = q->part_bytes;
	uint8_t *buf = malloc(max);

	for (size_t len; (len = weir_pane_write(&w, buf, max));) {
		if (len > max) { /* once more, with as much as it needs */
			a->n_longer++;
			max = len;
			buf = realloc(buf, max);
			continue;
		}
		CU_ASSERT_FATAL(n_parts < 20000);
		parts[n_parts] = (struct part){ owner, malloc(len), len };
		memcpy(parts[n_parts++].bytes, buf, len);
		max = q->part_bytes;
	}
	free(buf);
	a->n_parts += n_parts;
	return n_parts;
}

static void
read_parts(struct weir_pane **owners, struct part *parts, unsigned n, uint64_t *rng)
{
	struct weir_error err;

	for (; n; n--) {
		unsigned at = (unsigned)(random_next(rng) % n);
		struct part part = parts[at];

		parts[at] = parts[n - 1];
		CU_ASSERT_EQUAL(weir_pane_read(owners[part.owner], part.bytes, part.len, &err), 0);
		free(part.bytes);
	}
}

/* The groups of one host's pane to their owners; it is the owner of some itself. */
static void
share_pane(struct answer *a, const struct query *q, struct weir_pane **owners, struct weir_pane *p,
    unsigned host, uint64_t *rng)
{
	static const struct weir_slot_key key = { "0123456789abcde" };
	uint32_t n_all = weir_pane_n_groups(p);
	uint16_t *slots = calloc(n_all + 1, sizeof(*slots));
	uint32_t *groups = calloc(n_all + 1, sizeof(*groups));
	struct part *parts = calloc(20000, sizeof(*parts));
	unsigned n_parts = 0;

	if (q->is_ordered)
		CU_ASSERT_EQUAL(weir_pane_order(p), 0);
	weir_pane_slots(p, &key, slots);
	for (unsigned o = 0; o < q->owners; o++) {
		uint32_t n = 0;

		for (uint32_t i = 0; i < n_all; i++)
			if (slots[i] % q->owners == o)
				groups[n++] = i;
		if (o == host) {
			CU_ASSERT_EQUAL(weir_pane_merge_some(owners[o], p, groups, n), 0);
			continue;
		}
		n_parts += write_parts(a, q, p, groups, n, o, parts + n_parts);
	}
	read_parts(owners, parts, n_parts, rng);
	free(slots);
	free(groups);
	free(parts);
}

/* The rows of all owners. */
static void
take_owners(
    struct answer *a, const struct query *q, struct weir_pane **owners, struct weir_block *b)
{
	for (unsigned o = 0; o < q->owners; o++) {
		CU_ASSERT_EQUAL(weir_pane_settle(owners[o]), 0);
		CU_ASSERT_EQUAL(weir_pane_rows(owners[o], 0, UINT32_MAX, b), 0);
		note_pane(a, owners[o]);
		weir_pane_destroy(owners[o]);
	}
}

/* One window's panes of some hosts, through parts. */
static void
take_shared(struct answer *a, const struct query *q, struct weir_aggregator *any,
    struct weir_pane **panes, const unsigned *hosts, unsigned n)
{
	struct weir_block *b = weir_block_create(&a->schema, 0);
	struct weir_pane *owners[8];
	uint64_t rng = 5;

	for (unsigned o = 0; o < q->owners; o++)
		owners[o] = weir_aggregator_new_pane(any);
	for (unsigned i = 0; i < n; i++)
		share_pane(a, q, owners, panes[i], hosts[i], &rng);
	take_owners(a, q, owners, b);
	CU_ASSERT_EQUAL(weir_block_sort(b, -1, 0), 0);
	a->blocks[a->n_blocks++] = b;
}

/* Nothing is returned that was due before. */
static void
check_due(const struct answer *a, const struct query *q, const struct weir_block *b, uint32_t row)
{
	__int128 due_ns = (__int128)b->row_end_ns[row] + q->window.gap_ns;

	CU_ASSERT(b->row_start_ns[row] <= b->row_end_ns[row]);
	if (a->closed_ns != INT64_MIN)
		CU_ASSERT(due_ns >= (__int128)a->closed_ns - q->lateness_ns);
}

/* Take the lists of closed groups. */
static void
take_lists(
    struct answer *a, const struct query *q, struct weir_aggregator *core, int64_t watermark_ns)
{
	struct weir_pane *p;
	unsigned windows;
	uint64_t groups;
	int64_t closed_ns;

	if (!a->n_blocks)
		a->blocks[a->n_blocks++] = weir_block_create(&a->schema, 0);
	weir_aggregator_fill(core, &windows, &groups);
	CU_ASSERT_EQUAL(windows, groups);
	a->most_open = groups > a->most_open ? groups : a->most_open;
	while ((p = weir_aggregator_close(core, watermark_ns))) {
		struct weir_block *b = a->blocks[0];
		uint32_t n = b->n_rows;

		CU_ASSERT(weir_pane_is_list(p) && weir_pane_n_groups(p) > 0);
		CU_ASSERT(weir_pane_n_groups(p) <= 4096);
		if (q->owners) {
			struct weir_pane *owners[8];
			uint64_t rng = n + 1;

			for (unsigned o = 0; o < q->owners; o++)
				owners[o] = weir_aggregator_new_pane(core);
			share_pane(a, q, owners, p, q->owners - 1, &rng);
			take_owners(a, q, owners, b);
		} else {
			for (uint32_t first = 0; first <= weir_pane_n_groups(p); first += 777)
				CU_ASSERT_EQUAL(weir_pane_rows(p, first, 777, b), 0);
			note_pane(a, p);
		}
		CU_ASSERT_EQUAL_FATAL(b->n_rows, n + weir_pane_n_groups(p));
		for (uint32_t r = n; r < b->n_rows; r++) {
			if (watermark_ns != INT64_MAX)
				check_due(a, q, b, r);
			CU_ASSERT(b->row_start_ns[r] >= weir_pane_start(p));
			CU_ASSERT(b->row_end_ns[r] <= weir_pane_end(p));
		}
		if (b->n_rows % 2)
			weir_pane_clear(p);
		weir_aggregator_recycle(core, p);
	}
	closed_ns = weir_aggregator_closed(core);
	CU_ASSERT(closed_ns >= a->closed_ns && closed_ns <= watermark_ns);
	a->n_swept += closed_ns > a->closed_ns && watermark_ns != INT64_MAX;
	a->closed_ns = closed_ns;
	if (watermark_ns == INT64_MAX) {
		a->open_bytes = core->current->memory ? core->current->memory->bytes : 0;
		CU_ASSERT_EQUAL(closed_ns, INT64_MAX);
		CU_ASSERT_EQUAL(weir_block_sort_by_end(a->blocks[0]), 0);
		weir_aggregator_fill(core, &windows, &groups);
		CU_ASSERT_EQUAL(windows + groups, 0);
	}
}

/* Close every core's panes and merge those of one window. */
static void
take_panes(struct answer *a, const struct query *q, struct weir_aggregator **cores,
    unsigned n_cores, int64_t watermark_ns)
{
	struct weir_pane *next[8];

	if (weir_window_is_per_group(&q->window)) {
		CU_ASSERT_EQUAL_FATAL(n_cores, 1);
		take_lists(a, q, cores[0], watermark_ns);
		return;
	}

	for (unsigned i = 0; i < n_cores; i++)
		next[i] = weir_aggregator_close(cores[i], watermark_ns);
	for (;;) {
		int oldest = -1;

		for (unsigned i = 0; i < n_cores; i++)
			if (next[i] && (oldest < 0 || weir_pane_start(next[i]) <
							  weir_pane_start(next[oldest])))
				oldest = (int)i;
		if (oldest < 0)
			return;
		struct weir_pane *whole = next[oldest], *panes[8] = { whole };
		unsigned hosts[8] = { (unsigned)oldest }, n = 1;

		next[oldest] = weir_aggregator_close(cores[oldest], watermark_ns);
		for (unsigned i = 0; i < n_cores; i++) {
			if (!next[i] || weir_pane_start(next[i]) != weir_pane_start(whole))
				continue;
			hosts[n] = i;
			panes[n++] = next[i];
			next[i] = weir_aggregator_close(cores[i], watermark_ns);
		}
		if (q->owners)
			take_shared(a, q, cores[0], panes, hosts, n);
		for (unsigned i = 1; i < n; i++) {
			if (!q->owners)
				CU_ASSERT_EQUAL(weir_pane_merge(whole, panes[i]), 0);
			weir_pane_clear(panes[i]);
			weir_aggregator_recycle(cores[hosts[i]], panes[i]);
		}
		if (!q->owners)
			take_pane(a, whole);
		weir_aggregator_recycle(cores[oldest], whole);
	}
}

static void
feeder_init(struct feeder *f, const struct stream *s, const struct query *q)
{
	for (unsigned c = 0; c < s->n_columns; c++) {
		CU_ASSERT_EQUAL_FATAL(
		    weir_column_init(&f->columns[c], s->types[c], s->stores[c], WEIR_ROWS), 0);
		f->keys[c] = &f->columns[c];
	}
	for (unsigned i = 0; i < q->n_calls; i++) {
		f->args[i][0] = q->calls[i].arg >= 0 ? &f->columns[q->calls[i].arg] : NULL;
		f->args[i][1] = &f->columns[q->calls[i].arg2];
		f->arg_lists[i] = q->calls[i].arg >= 0 ? f->args[i] : NULL;
	}
}

void
answer_fed(struct answer *a, const struct stream *s, const struct query *q, uint32_t max_batch,
    uint64_t rng, unsigned cores, bool is_closing)
{
	struct weir_aggregator *aggregators[8];
	struct feeder f;
	int64_t watermark_ns = WEIR_TIME_NONE;

	make_schema(a, s, q);
	feeder_init(&f, s, q);
	for (unsigned i = 0; i < cores; i++)
		aggregators[i] = make_aggregator(s, q);
	for (uint32_t first = 0, n; first < s->n; first += n) {
		n = rng ? (uint32_t)(random_next(&rng) % max_batch) + 1 : max_batch;
		n = n < s->n - first ? n : s->n - first;
		for (unsigned i = 0; i < cores; i++)
			feed_batch(&f, s, q, first, n, watermark_ns, i, cores,
			    q->overflow == WEIR_OVERFLOW_DROP, aggregators[i], &a->counters);
		spoil(&f, s);
		for (uint32_t r = first; r < first + n; r++)
			watermark_ns = s->time_ns[r] > watermark_ns ? s->time_ns[r] : watermark_ns;
		if (is_closing && (!rng || random_next(&rng) % 3 == 0))
			take_panes(a, q, aggregators, cores, watermark_ns);
	}
	take_panes(a, q, aggregators, cores, INT64_MAX);
	for (unsigned i = 0; i < cores; i++) {
		CU_ASSERT_PTR_NULL(weir_aggregator_close(aggregators[i], INT64_MAX));
		weir_aggregator_destroy(aggregators[i]);
	}
	for (unsigned c = 0; c < s->n_columns; c++)
		weir_column_fini(&f.columns[c]);
}

/* A row with the window that it falls in. */
struct placed {
	int64_t start_ns;
	uint32_t row;
	uint32_t first; /* the first row of its group */
};

struct placing {
	const struct stream *s;
	unsigned n_keys;
};

static int
compare_keys(const struct placed *x, const struct placed *y, const struct placing *p)
{
	int c = (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);

	for (unsigned k = 0; c == 0 && k < p->n_keys; k++)
		c = weir_value_compare(
		    stream_value(p->s, x->row, k), stream_value(p->s, y->row, k));
	return c;
}

static int
compare_placed(const void *px, const void *py, void *ctx)
{
	const struct placed *x = px, *y = py;
	int c = compare_keys(x, y, ctx);

	return c ? c : (x->row > y->row) - (x->row < y->row);
}

static int
compare_by_row(const void *px, const void *py)
{
	const struct placed *x = px, *y = py;

	return (x->row > y->row) - (x->row < y->row);
}

/* Which rows are taken, by the definitions of A3 and A6. */
static uint32_t
place_rows(struct answer *a, const struct stream *s, const struct query *q, struct placed *placed)
{
	bool is_global = q->window.kind == WEIR_WINDOW_GLOBAL;
	__int128 newest = INT64_MIN;
	uint32_t n = 0;

	for (uint32_t r = 0; r < s->n; r++) {
		__int128 t = s->time_ns[r], size = q->window.size_ns, index;
		bool has_null = false;

		for (unsigned k = 0; k < q->n_keys; k++)
			has_null |= stream_value(s, r, k)->is_null;
		if (s->is_selected[r] && has_null) {
			a->counters.null_key++;
		} else if (s->is_selected[r] && is_global) {
			placed[n++] = (struct placed){ INT64_MIN, r, r };
		} else if (s->is_selected[r] && t == WEIR_TIME_NONE) {
			a->counters.no_time++;
		} else if (s->is_selected[r]) {
			for (index = t / size; index * size > t; index--)
				;
			if (newest != INT64_MIN && (index + 1) * size <= newest - q->lateness_ns)
				a->counters.late++;
			else
				placed[n++] = (struct placed){ (int64_t)(index * size), r, r };
		}
		newest = t > newest ? t : newest;
	}
	return n;
}

/* Give each row its group, and drop those of groups past the table's size. */
static uint32_t
group_rows(
    struct answer *a, const struct query *q, struct placed *placed, uint32_t n, struct placing *p)
{
	uint32_t kept = 0, cap = 0;
	struct {
		int64_t start_ns;
		uint64_t n;
	} *windows = NULL;
	unsigned n_windows = 0;

	qsort_r(placed, n, sizeof(*placed), compare_placed, p);
	for (uint32_t i = 1; i < n; i++)
		if (compare_keys(&placed[i - 1], &placed[i], p) == 0)
			placed[i].first = placed[i - 1].first;
	qsort(placed, n, sizeof(*placed), compare_by_row);
	/* Groups are taken in the order of their first rows; `first` is known to be taken or not by
	 * then. */
	bool *is_taken = calloc(p->s->n + 1, sizeof(*is_taken));
	for (uint32_t i = 0; i < n; i++) {
		unsigned w = n_windows;

		while (w > 0 && windows[w - 1].start_ns != placed[i].start_ns)
			w--;
		if (w == 0) {
			if (n_windows == cap)
				windows = realloc(windows, (cap = cap * 2 + 8) * sizeof(*windows));
			windows[n_windows].start_ns = placed[i].start_ns;
			windows[n_windows].n = 0;
			w = ++n_windows;
		}
		if (placed[i].first == placed[i].row && windows[w - 1].n < q->table_size) {
			windows[w - 1].n++;
			is_taken[placed[i].row] = true;
		}
		if (is_taken[placed[i].first])
			placed[kept++] = placed[i];
		else
			a->counters.overflow++;
	}
	free(is_taken);
	free(windows);
	qsort_r(placed, kept, sizeof(*placed), compare_placed, p);
	return kept;
}

static struct weir_value
work_out(const struct stream *s, const struct call *call, const struct placed *rows, uint32_t n)
{
	struct weir_value v = { .type = WEIR_INT };

	for (uint32_t i = 0; i < n; i++) {
		const struct weir_value *x =
		    call->arg >= 0 ? stream_value(s, rows[i].row, (unsigned)call->arg) : NULL;

		if (!x)
			v.i++;
		else if (!x->is_null)
			v.i += x->i;
	}
	return v;
}

static void
add_group(struct answer *a, const struct stream *s, const struct query *q,
    const struct placed *rows, uint32_t n)
{
	bool is_global = q->window.kind == WEIR_WINDOW_GLOBAL;
	struct weir_block *b = a->n_blocks ? a->blocks[a->n_blocks - 1] : NULL;

	if (!b || (!is_global && b->window_start_ns != rows->start_ns)) {
		CU_ASSERT_FATAL(a->n_blocks < 4096);
		b = a->blocks[a->n_blocks++] = weir_block_create(&a->schema, 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(b);
		b->window_start_ns = is_global ? WEIR_TIME_NONE : rows->start_ns;
		b->window_end_ns = is_global ? WEIR_TIME_NONE : rows->start_ns + q->window.size_ns;
	}
	CU_ASSERT_EQUAL_FATAL(weir_block_reserve(b, 1), 0);
	for (unsigned k = 0; k < q->n_keys; k++)
		CU_ASSERT_EQUAL(weir_block_set(b, b->n_rows, k, stream_value(s, rows->row, k)), 0);
	for (unsigned i = 0; i < q->n_calls; i++) {
		struct weir_value v = work_out(s, &q->calls[i], rows, n);

		CU_ASSERT_EQUAL(weir_block_set(b, b->n_rows, q->n_keys + i, &v), 0);
	}
	b->n_rows++;
}

/* The global window's span: of all rows that it is given, also those that find no place. */
static void
note_span(const struct stream *s, const struct placed *placed, uint32_t n, int64_t *ret_first,
    int64_t *ret_last)
{
	*ret_first = *ret_last = WEIR_TIME_NONE;
	for (uint32_t i = 0; i < n; i++) {
		int64_t t = s->time_ns[placed[i].row];

		if (t == WEIR_TIME_NONE)
			continue;
		if (*ret_first == WEIR_TIME_NONE || t < *ret_first)
			*ret_first = t;
		if (t > *ret_last)
			*ret_last = t;
	}
}

void
answer_worked_out(struct answer *a, const struct stream *s, const struct query *q)
{
	struct placed *placed = calloc(s->n + 1, sizeof(*placed));
	struct placing p = { s, q->n_keys };
	int64_t first_ns, last_ns;
	uint32_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(placed);
	make_schema(a, s, q);
	n = place_rows(a, s, q, placed);
	note_span(s, placed, n, &first_ns, &last_ns);
	n = group_rows(a, q, placed, n, &p);
	a->counters.aggregated = n;
	for (uint32_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && compare_keys(&placed[i], &placed[end], &p) == 0; end++)
			;
		add_group(a, s, q, placed + i, end - i);
	}
	if (q->window.kind == WEIR_WINDOW_GLOBAL && a->n_blocks) {
		a->blocks[0]->window_start_ns = first_ns;
		a->blocks[0]->window_end_ns = last_ns;
	}
	free(placed);
}

void
answer_fini(struct answer *a)
{
	for (unsigned i = 0; i < a->n_blocks; i++)
		weir_block_destroy(a->blocks[i]);
	weir_schema_fini(&a->schema);
}

unsigned
answer_differs(const struct answer *a, const struct answer *b)
{
	unsigned differ = memcmp(&a->counters, &b->counters, sizeof(a->counters)) != 0;

	differ += a->n_blocks != b->n_blocks;
	for (unsigned i = 0; i < a->n_blocks && i < b->n_blocks; i++) {
		const struct weir_block *x = a->blocks[i], *y = b->blocks[i];

		differ += x->window_start_ns != y->window_start_ns;
		differ += x->window_end_ns != y->window_end_ns;
		differ += x->n_rows != y->n_rows;
		differ += !x->row_start_ns != !y->row_start_ns;
		for (uint32_t r = 0; r < x->n_rows && r < y->n_rows; r++) {
			int64_t start[2], end[2];

			weir_block_window(x, r, &start[0], &end[0]);
			weir_block_window(y, r, &start[1], &end[1]);
			differ += start[0] != start[1] || end[0] != end[1];
			for (unsigned c = 0; c < a->schema.n_columns; c++) {
				struct weir_value v = weir_column_get(&x->columns[c], r);
				struct weir_value w = weir_column_get(&y->columns[c], r);

				differ += v.is_null != w.is_null || v.type != w.type ||
					  (!v.is_null && weir_value_compare(&v, &w) != 0);
			}
		}
	}
	return differ;
}
