/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>
#include <weir/base/nearest.h>
#include <weir/base/number.h>
#include <weir/query/result.h>
#include <weir/record/append.h>

#include "join.h"
#include "scope.h"

enum step_kind {
	STEP_STAGE,
	STEP_TOP,
	STEP_JOIN,
};

/* One step: a stage over the rows, an order with a limit, or a join. */
struct step {
	enum step_kind kind;
	struct weir_stage *stage;
	int column; /* top: by this column */
	uint32_t limit;
	struct weir_result_join *join;
};

struct weir_result {
	struct weir_schema schema; /* what comes in, then the columns of --map */
	unsigned n_in;             /* columns that come in */
	unsigned n_symbols;
	struct weir_symbol *symbols;
	unsigned n_steps;
	struct step *steps;
	bool has_top;
	bool has_join;
	bool keeps_order; /* rows come as they are to leave */
	uint64_t n_cut;   /* rows, by --top */
	uint64_t secret;
	struct weir_column nothing; /* all null: a column that no step has computed yet */
	struct weir_column *views;  /* [n_columns] */
	const struct weir_column **inputs;
	enum weir_simd simd;
};

static void
add_column(struct weir_result *r, const char *name, enum weir_type type, bool is_key)
{
	unsigned slot = r->n_symbols;
	struct weir_symbol *s = weir_array_add(&r->symbols, &r->n_symbols, sizeof(*s));

	if (weir_schema_add(&r->schema, name, type, is_key))
		abort();
	*s = (struct weir_symbol){ NULL, type, weir_store_of(type), slot };
	/* Names move when the schema grows. */
	for (unsigned i = 0; i < r->n_symbols; i++)
		r->symbols[i].name = r->schema.columns[i].name;
}

static struct step *
add_step(struct weir_result *r, enum step_kind kind, struct weir_stage *stage)
{
	struct step *s = weir_array_add(&r->steps, &r->n_steps, sizeof(*s));

	s->kind = kind;
	s->stage = stage;
	return s;
}

static int
map_item(void *ctx, const struct weir_list_item *it, struct weir_error *err)
{
	struct weir_result *r = ctx;
	struct weir_scope scope = { r->symbols, r->n_symbols, r->simd };
	struct weir_stage *s;
	int rc = weir_map_item(it, &scope, &s, err);

	if (rc)
		return rc;
	add_step(r, STEP_STAGE, s);
	add_column(r, it->name, weir_program_type(weir_stage_program(s)), false);
	return 0;
}

/* The first column that is no key: what --top N orders by when it names none. */
static int
first_aggregate(const struct weir_result *r)
{
	for (unsigned i = 0; i < r->schema.n_columns; i++)
		if (!r->schema.columns[i].is_key)
			return (int)i;
	return -ENOENT;
}

static int
unknown_column(
    const struct weir_result *r, const char *name, unsigned place, struct weir_error *err)
{
	struct weir_nearest near;
	const char *best;

	weir_nearest_begin(&near, name);
	for (unsigned i = 0; i < r->schema.n_columns; i++)
		weir_nearest_offer(&near, r->schema.columns[i].name);
	best = weir_nearest_get(&near);
	if (!best && first_aggregate(r) >= 0)
		best = r->schema.columns[first_aggregate(r)].name;
	return weir_error_usage(err, "unknown column '%s' at %u (try '%s')", name, place, best);
}

/* "20" or "20:bytes". */
static int
add_top(struct weir_result *r, const char *text, struct weir_error *err)
{
	const char *colon = strchr(text, ':');
	char *number = colon ? strndup(text, (size_t)(colon - text)) : strdup(text);
	struct step *s;
	uint64_t n = 0;
	int column, rc;

	if (!number)
		return weir_error_run(err, -ENOMEM, "out of memory");
	rc = weir_parse_size(number, &n, err);
	/* Somebody may have named the column alone. */
	if (rc && !colon && weir_schema_find(&r->schema, text) >= 0)
		weir_error_usage(err, "how many? (try '10:%s')", text);
	free(number);
	if (rc)
		return rc;
	if (n < 1 || n > UINT32_MAX)
		return weir_error_usage(err, "a number from 1 to %u is needed", UINT32_MAX);
	column = colon ? weir_schema_find(&r->schema, colon + 1) : first_aggregate(r);
	if (column < 0)
		return unknown_column(r, colon ? colon + 1 : "", (unsigned)(colon - text) + 2, err);
	s = add_step(r, STEP_TOP, NULL);
	s->column = column;
	s->limit = (uint32_t)n;
	r->has_top = true;
	return 0;
}

static int
add_where(struct weir_result *r, const char *text, struct weir_error *err)
{
	struct weir_scope scope = { r->symbols, r->n_symbols, r->simd };
	struct weir_stage *s;
	int rc = weir_stage_where_create(text, &scope, &s, err);

	if (rc)
		return rc;
	add_step(r, STEP_STAGE, s);
	return 0;
}

int
weir_result_add(struct weir_result *r, const struct weir_stage_text *stage, struct weir_error *err)
{
	int rc;

	if (stage->flag == WEIR_FLAG_TOP)
		rc = add_top(r, stage->text, err);
	else if (stage->flag == WEIR_FLAG_WHERE)
		rc = add_where(r, stage->text, err);
	else
		rc = weir_list_split(stage->text, ',', map_item, r, err);
	return rc ? weir_stage_wrap(err, stage) : 0;
}

int
weir_result_add_join(struct weir_result *r, enum weir_join_kind kind, const char *name,
    const struct weir_schema *other, struct weir_error *err)
{
	struct weir_result_join *j;
	int rc = weir_result_join_create(kind, name, &r->schema, other, &j, err);

	if (rc)
		return rc;
	add_step(r, STEP_JOIN, NULL)->join = j;
	r->has_join = true;
	for (unsigned i = 0; i < j->n_taken; i++)
		add_column(
		    r, other->columns[j->taken[i]].name, other->columns[j->taken[i]].type, false);
	return 0;
}

int
weir_result_create(const char *query, const struct weir_schema *in, enum weir_simd simd,
    uint64_t secret, struct weir_result **ret, struct weir_error *err)
{
	struct weir_result *r = calloc(1, sizeof(*r));

	if (!r)
		return weir_error_run(err, -ENOMEM, "out of memory");
	r->simd = simd;
	r->secret = secret;
	r->schema.query = strdup(query);
	r->schema.has_window = in->has_window;
	for (unsigned i = 0; i < in->n_columns; i++)
		add_column(r, in->columns[i].name, in->columns[i].type, in->columns[i].is_key);
	r->n_in = in->n_columns;
	*ret = r;
	return 0;
}

int
weir_result_finish(struct weir_result *r, struct weir_error *err)
{
	r->views = calloc(r->schema.n_columns + 1, sizeof(*r->views));
	r->inputs = calloc(r->schema.n_columns + 1, sizeof(*r->inputs));
	if (!r->views || !r->inputs || weir_column_init(&r->nothing, WEIR_INT, WEIR_I64, WEIR_ROWS))
		return weir_error_run(err, -ENOMEM, "out of memory");
	memset(r->nothing.null, 0xff, WEIR_MASK_WORDS * sizeof(uint64_t));
	return 0;
}

void
weir_result_keep_order(struct weir_result *r)
{
	r->keeps_order = true;
}

void
weir_result_slots(const struct weir_result *r, uint8_t *ret_used)
{
	unsigned slots[256];

	for (unsigned i = 0; i < r->n_steps; i++) {
		const struct step *s = &r->steps[i];
		unsigned n = 0;

		if (s->kind == STEP_STAGE)
			n = weir_program_slots(weir_stage_program(s->stage), slots, 256);
		for (unsigned k = 0; k < n && k < 256; k++)
			ret_used[slots[k]] = 1;
		for (unsigned k = 0; s->kind == STEP_JOIN && k < s->join->n_keys; k++)
			ret_used[s->join->keys[k]] = 1;
		if (s->kind == STEP_TOP)
			ret_used[s->column] = 1;
	}
}

void
weir_result_destroy(struct weir_result *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < r->n_steps; i++) {
		weir_stage_destroy(r->steps[i].stage);
		weir_result_join_destroy(r->steps[i].join);
	}
	weir_column_fini(&r->nothing);
	weir_schema_fini(&r->schema);
	free(r->symbols);
	free(r->steps);
	free(r->views);
	free(r->inputs);
	free(r);
}

const struct weir_schema *
weir_result_schema(const struct weir_result *r)
{
	return &r->schema;
}

/* Run steps first..last-1, all of them stages, over the block's slices into a new block. */
static struct weir_block *
run_stages(struct weir_result *r, unsigned first, unsigned last, struct weir_block *b)
{
	struct weir_block *out = weir_block_create(&r->schema, WEIR_ROWS);
	struct weir_rows rows = { .inputs = r->inputs };

	if (!out)
		goto fail;
	out->window_start_ns = b->window_start_ns;
	out->window_end_ns = b->window_end_ns;
	for (uint32_t at = 0; at < b->n_rows; at += WEIR_ROWS) {
		rows.n = weir_block_slice(b, at, r->views);
		weir_mask_first(rows.sel, rows.n);
		for (unsigned c = 0; c < r->schema.n_columns; c++)
			r->inputs[c] = c < b->schema->n_columns ? &r->views[c] : &r->nothing;
		for (unsigned i = first; i < last; i++)
			weir_stage_run(r->steps[i].stage, &rows);
		if (weir_block_append_rows(out, b, at, r->inputs, rows.sel))
			goto fail;
	}
	weir_block_destroy(b);
	return out;
fail:
	weir_block_destroy(out);
	weir_block_destroy(b);
	return NULL;
}

const struct weir_column *const *
weir_result_filter(struct weir_result *r, const struct weir_block *b, uint64_t sel[WEIR_MASK_WORDS])
{
	struct weir_rows rows = { .inputs = r->inputs };

	rows.n = weir_block_slice(b, 0, r->views);
	memcpy(rows.sel, sel, sizeof(rows.sel));
	for (unsigned c = 0; c < r->schema.n_columns; c++)
		r->inputs[c] = c < b->schema->n_columns ? &r->views[c] : &r->nothing;
	for (unsigned i = 0; i < r->n_steps; i++)
		weir_stage_run(r->steps[i].stage, &rows);
	memcpy(sel, rows.sel, sizeof(rows.sel));
	return r->inputs;
}

bool
weir_result_narrows(const struct weir_result *r)
{
	return r->n_steps > 0 && r->steps[0].kind == STEP_TOP;
}

bool
weir_result_wants_largest(const struct weir_result *r, unsigned *ret_column, uint32_t *ret_limit)
{
	if (!weir_result_narrows(r) || r->steps[0].column < 0)
		return false;
	*ret_column = (unsigned)r->steps[0].column;
	*ret_limit = r->steps[0].limit;
	return true;
}

void
weir_result_cut(struct weir_result *r, uint64_t n)
{
	r->n_cut += n;
}

int
weir_result_narrow(struct weir_result *r, struct weir_block *b)
{
	uint32_t before = b->n_rows;

	/* Sorting pays when half of the rows go. */
	if (!weir_result_narrows(r) || b->n_rows / 2 < r->steps[0].limit)
		return 0;
	if (weir_block_sort(b, r->steps[0].column, r->steps[0].limit))
		return -ENOMEM;
	r->n_cut += before - b->n_rows;
	return 0;
}

bool
weir_result_is_by_row(const struct weir_result *r)
{
	return !r->has_top && !r->has_join;
}

struct weir_block *
weir_result_run_part(struct weir_result *r, struct weir_block *b)
{
	return r->n_steps ? run_stages(r, 0, r->n_steps, b) : b;
}

/* The rows of b that its join lets through, with the columns of the other side. */
static struct weir_block *
run_join(struct weir_result *r, struct weir_result_join *j, struct weir_block *b)
{
	struct weir_block *out;

	b = run_stages(r, 0, 0, b); /* with room for the columns */
	if (!b)
		return NULL;
	out = weir_result_join_run(j, b, r->secret);
	weir_block_destroy(b);
	return out;
}

static struct weir_block *
run_top(struct weir_result *r, const struct step *s, struct weir_block *b)
{
	uint32_t before = b->n_rows;

	if (weir_block_sort(b, s->column, s->limit)) {
		weir_block_destroy(b);
		return NULL;
	}
	r->n_cut += before - b->n_rows;
	return b;
}

struct weir_block *
weir_result_run(struct weir_result *r, struct weir_block *b)
{
	unsigned i = 0;

	while (b && i < r->n_steps) {
		const struct step *s = &r->steps[i];
		unsigned last = i;

		while (last < r->n_steps && r->steps[last].kind == STEP_STAGE)
			last++;
		if (last > i)
			b = run_stages(r, i, last, b);
		else if (s->kind == STEP_TOP)
			b = run_top(r, s, b);
		else
			b = run_join(r, s->join, b);
		i = last > i ? last : i + 1;
	}
	if (b && !r->has_top && !r->keeps_order && b->schema->has_window && !b->row_end_ns &&
	    weir_block_sort(b, -1, 0)) {
		weir_block_destroy(b);
		return NULL;
	}
	return b;
}

unsigned
weir_result_n_joins(const struct weir_result *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->n_steps; i++)
		n += r->steps[i].kind == STEP_JOIN;
	return n;
}

void
weir_result_join_to(struct weir_result *r, unsigned join, const struct weir_block *other)
{
	for (unsigned i = 0; i < r->n_steps; i++)
		if (r->steps[i].kind == STEP_JOIN && join-- == 0)
			r->steps[i].join->other = other;
}

void
weir_result_dropped(const struct weir_result *r, struct weir_result_drops *ret)
{
	*ret = (struct weir_result_drops){ .top = r->n_cut };
	for (unsigned i = 0; i < r->n_steps; i++) {
		if (r->steps[i].kind == STEP_STAGE)
			ret->where += r->steps[i].stage->n_dropped;
		if (r->steps[i].kind == STEP_JOIN)
			ret->join += r->steps[i].join->n_dropped;
	}
}
