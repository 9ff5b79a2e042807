/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>
#include <weir/query/path.h>
#include <weir/sink/forward.h>

#include "builder.h"
#include "scope.h"

/* Rows of packets, but no columns were named: the usual ones and those of --map. */
static int
add_default_select(struct weir_builder *b, struct weir_error *err)
{
	static const struct weir_stage_text usual = { WEIR_FLAG_SELECT, WEIR_PACKET_COLUMNS };
	int rc = weir_builder_add_stage(b, &usual, err);

	for (unsigned i = 0; !rc && i < b->p->n_names; i++) {
		struct weir_list_item it = { NULL, b->p->names[i], 1 };

		rc = weir_builder_select_item(b, &it, err);
	}
	return rc;
}

/* Packets that only sinks of packets get may have a key, by which ports share them. */
static bool
shares_by_key(const struct weir_builder *b)
{
	return b->p->n_shares > 1 && b->split && weir_route_kind(b->p->route) == WEIR_ROUTE_KEY;
}

static int
finish(struct weir_builder *b, bool wants_rows, struct weir_error *err)
{
	if (b->has_agg)
		return 0;
	if (b->has_key && (wants_rows || !shares_by_key(b)))
		return weir_error_usage(err, "--key without --agg: what should be counted? "
					     "(try --agg 'packets=count()')");
	if (b->p->has_window)
		return weir_error_usage(err, "--window without --agg: nothing is aggregated "
					     "(try --agg 'packets=count()')");
	return b->has_select || !wants_rows ? 0 : add_default_select(b, err);
}

const char *
weir_path_needs_order(const struct weir_path *p)
{
	for (unsigned i = 0; i < p->n_aggs; i++)
		if (weir_agg_needs_order(&p->calls[i]))
			return p->calls[i].fold ? "--fold" : p->calls[i].function->synopsis;
	if (p->is_early)
		return "--emit early";
	if (p->n_aggs && p->window.kind == WEIR_WINDOW_SESSION)
		return "a session window";
	if (p->n_aggs && p->window.kind == WEIR_WINDOW_COUNT)
		return "a count window";
	return NULL;
}

/* Whether --split leaves all rows of a key with one worker. */
static bool
keeps_keys(const struct weir_path *p)
{
	struct weir_field_set fields = { 0 };

	for (unsigned k = 0; k < p->n_keys; k++) {
		int slot = weir_program_is_symbol(p->keys[k]);

		if (slot >= 0 && slot < WEIR_N_FIELDS)
			weir_field_set_add(&fields, (unsigned)slot);
	}
	return weir_route_keeps_keys(p->route, &fields, p->has_flow_key);
}

/* Where a query that needs order has no --split: by its key, or all to the first worker. */
static int
add_route(struct weir_path *p, struct weir_error *err)
{
	weir_route_destroy(p->route);
	p->route = NULL;
	return weir_route_parse(p->n_keys ? "key" : "rr:1", p->simd, &p->route, err);
}

/* --split shares the packets among the ports that they leave by: by flow where it is not given. */
static int
finish_share(struct weir_builder *b, enum weir_route_kind kind, struct weir_error *err)
{
	struct weir_path *p = b->p;
	int rc = 0;

	if (p->n_shares == 1 && kind != WEIR_ROUTE_AUTO)
		rc = weir_error_usage(err,
		    "there is nothing to share: the query's packets leave by one port, or by the "
		    "other of two (name several: 'port:A,B')");
	else if (kind == WEIR_ROUTE_KEY && !p->n_keys)
		rc = weir_error_usage(err, "the query has no --key (try 'hash' or 'rr')");
	if (rc)
		return weir_stage_wrap(err, b->split);
	if (p->n_shares == 1)
		return 0;
	if (kind == WEIR_ROUTE_AUTO) {
		weir_route_destroy(p->route);
		p->route = NULL;
		rc = weir_route_parse("hash", p->simd, &p->route, err);
	}
	if (!rc)
		weir_route_fields(p->route, &p->needed);
	return rc;
}

/* What --split asks of the rest of the query: known when all of it has been read. */
static int
finish_split(struct weir_builder *b, struct weir_error *err)
{
	enum weir_route_kind kind = b->split ? weir_route_kind(b->p->route) : WEIR_ROUTE_AUTO;
	const char *orderly = weir_path_needs_order(b->p);
	int rc = 0;

	if (b->p->n_shares)
		return finish_share(b, kind, err);
	b->p->has_split = kind != WEIR_ROUTE_AUTO;
	b->p->is_ordered = orderly != NULL;
	if (!b->p->has_split)
		return orderly ? add_route(b->p, err) : 0;
	if (!b->has_agg)
		rc = weir_error_usage(err, "rows of a query without --agg stay with the worker "
					   "that received them (try 'auto')");
	else if (kind == WEIR_ROUTE_KEY && !b->p->n_keys)
		rc = weir_error_usage(err, "the query has no --key (try 'hash' or 'rr')");
	else if (orderly && !keeps_keys(b->p))
		rc = weir_error_usage(err,
		    "several workers would get rows of one key, and %s needs them at one, in "
		    "their order (try '%s')",
		    orderly, b->p->n_keys ? "key" : "auto");
	if (rc)
		return weir_stage_wrap(err, b->split);
	weir_route_fields(b->p->route, &b->p->needed);
	return 0;
}

/* Sliding windows of packets are put together from panes, and states of folds cannot be. */
static int
check_fold(const struct weir_builder *b, struct weir_error *err)
{
	if (!b->fold || b->p->window.kind != WEIR_WINDOW_SLIDING)
		return 0;
	weir_error_usage(err, "its states cannot be combined from the panes of a sliding --window "
			      "(take a tumbling one: '1s')");
	return weir_stage_wrap(err, b->fold);
}

/* The number of a program's column among those that rows take along. */
static unsigned
move_column(struct weir_path *p, struct weir_program *program)
{
	int slot = weir_program_is_symbol(program);
	struct weir_exchange_column *c;
	unsigned n = p->n_moved;

	for (unsigned i = 0; slot >= 0 && i < p->n_moved; i++)
		if (weir_program_is_symbol(p->moved_by[i]) == slot)
			return i;
	*(struct weir_program **)weir_array_add(&p->moved_by, &n, sizeof(program)) = program;
	c = weir_array_add(&p->moved, &p->n_moved, sizeof(*c));
	c->type = weir_program_type(program);
	c->store = weir_program_store(program, p->symbols);
	return p->n_moved - 1;
}

static void
move_columns(struct weir_path *p)
{
	p->key_moved = calloc(p->n_keys + 1, sizeof(*p->key_moved));
	p->arg_moved = calloc(p->n_aggs + 1, sizeof(*p->arg_moved));
	if (!p->key_moved || !p->arg_moved)
		abort();
	for (unsigned k = 0; k < p->n_keys; k++)
		p->key_moved[k] = move_column(p, p->keys[k]);
	for (unsigned i = 0; i < p->n_aggs; i++)
		for (unsigned k = 0; k < p->calls[i].n_args; k++)
			p->arg_moved[i][k] = move_column(p, p->args[i][k]);
	p->moved_columns = calloc(p->n_moved + 1, sizeof(*p->moved_columns));
	p->shipped_columns = calloc(p->n_moved + WEIR_PATH_LEAD, sizeof(*p->shipped_columns));
	if (!p->moved_columns || !p->shipped_columns)
		abort();
}

/* The columns of rows that are shipped. */
static int
name_shipped(struct weir_path *p)
{
	static const char *const lead[WEIR_PATH_LEAD] = { "time", "node", "number" };
	int rc = 0;

	p->shipped.query = strdup(p->name);
	for (unsigned i = 0; !rc && i < WEIR_PATH_LEAD; i++)
		rc = weir_schema_add(&p->shipped, lead[i], WEIR_INT, true);
	for (unsigned i = 0; !rc && i < p->n_moved; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%u", i);
		rc = weir_schema_add(&p->shipped, name, p->moved[i].type, false);
	}
	return rc;
}

static void
alloc_scratch(struct weir_path *p)
{
	p->inputs = calloc(p->n_symbols + 1, sizeof(*p->inputs));
	p->key_columns = calloc(p->n_keys + 1, sizeof(*p->key_columns));
	p->select_columns = calloc(p->n_select + 1, sizeof(*p->select_columns));
	p->arg_columns = calloc(p->n_aggs + 1, sizeof(*p->arg_columns));
	p->arg_lists = calloc(p->n_aggs + 1, sizeof(*p->arg_lists));
	if (!p->inputs || !p->key_columns || !p->select_columns || !p->arg_columns || !p->arg_lists)
		abort();
	for (unsigned i = 0; i < p->n_aggs; i++)
		p->arg_lists[i] = p->arg_columns[i];
}

static struct weir_path *
create(const char *name, const struct weir_window *default_window, enum weir_simd simd)
{
	struct weir_path *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->name = name;
	p->window = *default_window;
	p->simd = simd;
	p->schema.query = strdup(name);
	return p;
}

static int
build(struct weir_builder *b, const struct weir_query_text *text, bool wants_rows,
    struct weir_error *err)
{
	int rc = 0;

	for (unsigned i = 0; i < text->n_sinks; i++) {
		unsigned n = weir_forward_n_shares(text->sinks[i]);

		b->p->n_shares = n > b->p->n_shares ? n : b->p->n_shares;
	}
	for (unsigned i = 0; !rc && i < text->n_stages; i++)
		rc = weir_builder_add_stage(b, &text->stages[i], err);
	if (!rc)
		rc = finish(b, wants_rows, err);
	if (!rc)
		rc = finish_split(b, err);
	b->p->schema.has_window = b->p->has_group;
	return rc;
}

int
weir_path_build(const struct weir_query_text *text, bool wants_rows,
    const struct weir_window *default_window, enum weir_simd simd, struct weir_path **ret,
    struct weir_error *err)
{
	struct weir_path *p = create(text->name, default_window, simd);
	struct weir_builder b = { .p = p };
	int rc;

	for (unsigned f = 0; f < WEIR_N_FIELDS; f++)
		weir_builder_add_symbol(
		    p, weir_fields[f].name, weir_fields[f].type, weir_fields[f].store);
	rc = build(&b, text, wants_rows, err);
	rc = rc ? rc : check_fold(&b, err);
	if (rc) {
		weir_path_destroy(p);
		return rc;
	}
	alloc_scratch(p);
	move_columns(p);
	if (name_shipped(p))
		abort();
	*ret = p;
	return 0;
}

int
weir_path_build_rows(const struct weir_query_text *text, const struct weir_schema *in,
    const struct weir_window *window, enum weir_simd simd, struct weir_path **ret,
    struct weir_error *err)
{
	struct weir_path *p = create(text->name, window, simd);
	struct weir_builder b = { .p = p };
	int rc;

	p->is_of_rows = true;
	for (unsigned i = 0; i < in->n_columns; i++)
		weir_builder_add_symbol(p, in->columns[i].name, in->columns[i].type,
		    weir_store_of(in->columns[i].type));
	rc = build(&b, text, true, err);
	if (rc) {
		weir_path_destroy(p);
		return rc;
	}
	alloc_scratch(p);
	*ret = p;
	return 0;
}

int
weir_path_hand_over(struct weir_path *p, const struct weir_schema *columns, struct weir_error *err)
{
	struct weir_builder b = { .p = p };
	int rc = 0;

	for (unsigned i = 0; !rc && i < columns->n_columns; i++) {
		struct weir_list_item it = { NULL, columns->columns[i].name, 1 };

		rc = weir_builder_select_item(&b, &it, err);
	}
	for (unsigned i = 0; !rc && i < columns->n_columns; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%u", i);
		rc = weir_schema_add(&p->shipped, name, columns->columns[i].type, false);
	}
	if (rc)
		return rc;
	free(p->select_columns);
	free(p->shipped_columns);
	p->select_columns = calloc(p->n_select + 1, sizeof(*p->select_columns));
	p->shipped_columns = calloc(p->n_select + WEIR_PATH_LEAD, sizeof(*p->shipped_columns));
	if (!p->select_columns || !p->shipped_columns)
		abort();
	p->hands_over = true;
	return 0;
}

/* The store of a packet's field is as narrow as the field; blocks have but wide ones. */
static bool
is_narrow(enum weir_store store)
{
	return store == WEIR_U8 || store == WEIR_U16 || store == WEIR_U32;
}

static void
copy_narrow(const struct weir_column *wide, uint32_t n, struct weir_column *ret)
{
	memcpy(ret->null, wide->null, WEIR_MASK_WORDS * sizeof(*ret->null));
	for (uint32_t r = 0; r < n; r++) {
		int64_t x = wide->store == WEIR_U8 ? ((const uint8_t *)wide->data)[r]
						   : ((const int64_t *)wide->data)[r];

		if (ret->store == WEIR_U8)
			((uint8_t *)ret->data)[r] = (uint8_t)x;
		else if (ret->store == WEIR_U16)
			((uint16_t *)ret->data)[r] = (uint16_t)x;
		else
			((uint32_t *)ret->data)[r] = (uint32_t)x;
	}
}

void
weir_path_unship(struct weir_path *p, const struct weir_block *b, struct weir_aggregator *a,
    int64_t *number, struct weir_group_counters *counters)
{
	struct weir_column *views = calloc(b->schema->n_columns, sizeof(*views));
	struct weir_column *narrow = calloc(p->n_moved + 1, sizeof(*narrow));
	const struct weir_column **columns = calloc(p->n_moved + 1, sizeof(*columns));
	int64_t numbers[WEIR_ROWS];

	if (!views || !narrow || !columns)
		abort();
	for (unsigned i = 0; i < p->n_moved; i++) {
		columns[i] = &views[WEIR_PATH_LEAD + i];
		if (!is_narrow(p->moved[i].store))
			continue;
		columns[i] = &narrow[i];
		if (weir_column_init(&narrow[i], p->moved[i].type, p->moved[i].store, WEIR_ROWS))
			abort();
	}
	for (uint32_t at = 0; at < b->n_rows; at += WEIR_ROWS) {
		struct weir_exchange_block rows = { .columns = columns, .number = numbers };

		rows.n = rows.end = weir_block_slice(b, at, views);
		rows.time_ns = views[0].data;
		for (unsigned i = 0; i < p->n_moved; i++)
			if (is_narrow(p->moved[i].store))
				copy_narrow(&views[WEIR_PATH_LEAD + i], rows.n, &narrow[i]);
		for (uint32_t r = 0; r < rows.n; r++)
			numbers[r] = (*number)++;
		weir_path_gather(p, &rows, a, counters);
	}
	for (unsigned i = 0; i < p->n_moved; i++)
		if (is_narrow(p->moved[i].store))
			weir_column_fini(&narrow[i]);
	free(narrow);
	free(views);
	free(columns);
}

static void
destroy_programs(struct weir_program **programs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		weir_program_destroy(programs[i]);
	free(programs);
}

void
weir_path_destroy(struct weir_path *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->n_stages; i++)
		weir_stage_destroy(p->stages[i]);
	free(p->stages);
	free(p->prefixes);
	destroy_programs(p->keys, p->n_keys);
	destroy_programs(p->select, p->n_select);
	for (unsigned i = 0; i < p->n_aggs; i++)
		for (unsigned k = 0; !p->calls[i].fold && k < WEIR_AGG_MAX_ARGS; k++)
			weir_program_destroy(p->args[i][k]);
	weir_fold_program_destroy(p->fold);
	free(p->args);
	free(p->calls);
	free(p->key_types);
	for (unsigned i = 0; i < p->n_names; i++)
		free(p->names[i]);
	free(p->names);
	free(p->symbols);
	free(p->inputs);
	free(p->key_columns);
	free(p->select_columns);
	free(p->arg_columns);
	free(p->arg_lists);
	weir_route_destroy(p->route);
	free(p->moved);
	free(p->moved_by);
	free(p->key_moved);
	free(p->arg_moved);
	free(p->moved_columns);
	free(p->shipped_columns);
	weir_schema_fini(&p->shipped);
	weir_schema_fini(&p->schema);
	free(p);
}

void
weir_path_bind(struct weir_path *p, const struct weir_batch *b)
{
	for (unsigned f = 0; f < WEIR_N_FIELDS; f++)
		p->inputs[f] = &b->col[f];
}

bool
weir_path_needs_decode(const struct weir_path *p)
{
	static const struct weir_field_set none;

	return p->n_stages || p->n_keys || p->n_aggs || p->n_select || p->has_group ||
	       memcmp(&p->needed, &none, sizeof(none)) != 0;
}

void
weir_path_group_spec(const struct weir_path *p, struct weir_group_spec *ret)
{
	*ret = (struct weir_group_spec){
		.window = p->window,
		.is_watched = p->is_early,
		.n_keys = p->n_keys,
		.keys = p->key_types,
		.n_aggs = p->n_aggs,
		.aggs = p->calls,
		.simd = p->simd,
	};
}

unsigned
weir_path_slots(const struct weir_path *p, unsigned *slots, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n_keys && n < max; i++)
		n += weir_program_slots(p->keys[i], slots + n, max - n);
	for (unsigned i = 0; i < p->n_aggs; i++)
		for (unsigned k = 0; k < p->calls[i].n_args && n < max; k++)
			n += weir_program_slots(p->args[i][k], slots + n, max - n);
	for (unsigned i = 0; i < p->n_select && n < max; i++)
		n += weir_program_slots(p->select[i], slots + n, max - n);
	return n < max ? n : max;
}

uint64_t
weir_path_dropped(const struct weir_path *p, const char *stage_name)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < p->n_stages; i++)
		if (strcmp(p->stages[i]->ops->name, stage_name) == 0)
			n += p->stages[i]->n_dropped;
	return n;
}
