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

#include "scope.h"

/* One step: a stage over the rows, or an order with a limit. */
struct step {
	struct weir_stage *stage; /* NULL: top */
	int column;               /* top: by this column */
	uint32_t limit;
};

struct weir_result {
	struct weir_schema schema; /* what comes in, then the columns of --map */
	unsigned n_in;             /* columns that come in */
	unsigned n_symbols;
	struct weir_symbol *symbols;
	unsigned n_steps;
	struct step *steps;
	bool has_top;
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
add_step(struct weir_result *r, struct weir_stage *stage)
{
	struct step *s = weir_array_add(&r->steps, &r->n_steps, sizeof(*s));

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
	add_step(r, s);
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
	free(number);
	if (rc)
		return rc;
	if (n < 1 || n > UINT32_MAX)
		return weir_error_usage(err, "a number from 1 to %u is needed", UINT32_MAX);
	column = colon ? weir_schema_find(&r->schema, colon + 1) : first_aggregate(r);
	if (column < 0)
		return unknown_column(r, colon ? colon + 1 : "", (unsigned)(colon - text) + 2, err);
	s = add_step(r, NULL);
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
	add_step(r, s);
	return 0;
}

static int
add_stage(struct weir_result *r, const struct weir_stage_text *stage, struct weir_error *err)
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
weir_result_build(const struct weir_path *path, struct weir_result **ret, struct weir_error *err)
{
	struct weir_result *r = calloc(1, sizeof(*r));
	int rc = 0;

	if (!r)
		return weir_error_run(err, -ENOMEM, "out of memory");
	r->simd = path->simd;
	r->schema.query = strdup(path->name);
	r->schema.has_window = path->schema.has_window;
	for (unsigned i = 0; i < path->schema.n_columns; i++)
		add_column(r, path->schema.columns[i].name, path->schema.columns[i].type,
		    path->schema.columns[i].is_key);
	r->n_in = path->schema.n_columns;
	for (unsigned i = 0; !rc && i < path->n_result_stages; i++)
		rc = add_stage(r, path->result_stages[i], err);
	if (!rc)
		rc = weir_column_init(&r->nothing, WEIR_INT, WEIR_I64, WEIR_ROWS);
	r->views = calloc(r->schema.n_columns + 1, sizeof(*r->views));
	r->inputs = calloc(r->schema.n_columns + 1, sizeof(*r->inputs));
	if (rc || !r->views || !r->inputs) {
		weir_result_destroy(r);
		return rc ? rc : weir_error_run(err, -ENOMEM, "out of memory");
	}
	memset(r->nothing.null, 0xff, WEIR_MASK_WORDS * sizeof(uint64_t));
	*ret = r;
	return 0;
}

void
weir_result_destroy(struct weir_result *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < r->n_steps; i++)
		weir_stage_destroy(r->steps[i].stage);
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
		if (weir_block_append_columns(out, r->inputs, rows.sel))
			goto fail;
	}
	weir_block_destroy(b);
	return out;
fail:
	weir_block_destroy(out);
	weir_block_destroy(b);
	return NULL;
}

bool
weir_result_narrows(const struct weir_result *r)
{
	return r->n_steps > 0 && !r->steps[0].stage;
}

int
weir_result_narrow(const struct weir_result *r, struct weir_block *b)
{
	/* Sorting pays when half of the rows go. */
	if (!weir_result_narrows(r) || b->n_rows / 2 < r->steps[0].limit)
		return 0;
	return weir_block_sort(b, r->steps[0].column, r->steps[0].limit);
}

bool
weir_result_is_by_row(const struct weir_result *r)
{
	return !r->has_top;
}

struct weir_block *
weir_result_run_part(struct weir_result *r, struct weir_block *b)
{
	return r->n_steps ? run_stages(r, 0, r->n_steps, b) : b;
}

struct weir_block *
weir_result_run(struct weir_result *r, struct weir_block *b)
{
	unsigned i = 0;

	while (b && i < r->n_steps) {
		unsigned last = i;

		while (last < r->n_steps && r->steps[last].stage)
			last++;
		if (last > i) {
			b = run_stages(r, i, last, b);
		} else {
			if (weir_block_sort(b, r->steps[i].column, r->steps[i].limit)) {
				weir_block_destroy(b);
				return NULL;
			}
			last++;
		}
		i = last;
	}
	if (b && !r->has_top && b->schema->has_window && weir_block_sort(b, -1, 0)) {
		weir_block_destroy(b);
		return NULL;
	}
	return b;
}
