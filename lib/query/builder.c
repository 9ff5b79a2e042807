/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>
#include <weir/base/nearest.h>

#include "builder.h"
#include "scope.h"

static struct weir_scope
scope_of(const struct weir_path *p)
{
	return (struct weir_scope){ p->symbols, p->n_symbols, p->simd };
}

void
weir_builder_add_symbol(
    struct weir_path *p, const char *name, enum weir_type type, enum weir_store store)
{
	unsigned slot = p->n_symbols;
	struct weir_symbol *s = weir_array_add(&p->symbols, &p->n_symbols, sizeof(*s));

	*s = (struct weir_symbol){ name, type, store, slot };
}

/* Fields that a program reads. */
static void
need(struct weir_path *p, const struct weir_program *program)
{
	unsigned slots[WEIR_N_FIELDS + 64];
	unsigned n = weir_program_slots(program, slots, WEIR_N_FIELDS + 64);

	for (unsigned i = 0; !p->is_of_rows && i < n && i < WEIR_N_FIELDS + 64; i++)
		if (slots[i] < WEIR_N_FIELDS)
			weir_field_set_add(&p->needed, slots[i]);
}

static int
compile(struct weir_path *p, const char *expr, unsigned place, struct weir_program **ret,
    struct weir_error *err)
{
	struct weir_scope scope = scope_of(p);
	char *text = weir_text_at(expr, place);
	int rc = weir_program_compile(text, &scope, ret, err);

	free(text);
	if (rc)
		return rc;
	need(p, *ret);
	return 0;
}

static void
add_stage(struct weir_path *p, struct weir_stage *s)
{
	*(struct weir_stage **)weir_array_add(&p->stages, &p->n_stages, sizeof(s)) = s;
	if (weir_stage_program(s))
		need(p, weir_stage_program(s));
}

static int
add_filter(struct weir_builder *b, struct weir_error *err)
{
	struct weir_scope scope = scope_of(b->p);
	struct weir_stage *s;
	int rc;

	if (b->p->n_stages)
		return weir_error_usage(err,
		    "must be the first stage: it works on the bytes (put it before --%s)",
		    b->p->stages[b->p->n_stages - 1]->ops->name);
	rc = weir_stage_filter_create(b->stage->text, &scope, &s, err);
	if (rc)
		return rc;
	add_stage(b->p, s);
	return 0;
}

static int
add_where(struct weir_builder *b, struct weir_error *err)
{
	struct weir_scope scope = scope_of(b->p);
	struct weir_stage *s;
	int rc = weir_stage_where_create(b->stage->text, &scope, &s, err);

	if (rc)
		return rc;
	add_stage(b->p, s);
	return 0;
}

static int
map_item(void *ctx, const struct weir_list_item *it, struct weir_error *err)
{
	struct weir_builder *b = ctx;
	struct weir_path *p = b->p;
	struct weir_scope scope = scope_of(p);
	const struct weir_program *program;
	struct weir_stage *s;
	char *name;
	int rc = weir_map_item(it, &scope, &s, err);

	if (rc)
		return rc;
	add_stage(p, s);
	program = weir_stage_program(s);
	name = strdup(it->name);
	*(char **)weir_array_add(&p->names, &p->n_names, sizeof(name)) = name;
	weir_builder_add_symbol(
	    p, name, weir_program_type(program), weir_program_store(program, p->symbols));
	return 0;
}

/* A macro such as 5tuple is replaced by its columns. Returns 1 where the item was one. */
static int
expand_macro(struct weir_builder *b, const struct weir_list_item *it,
    int (*item)(void *, const struct weir_list_item *, struct weir_error *), struct weir_error *err)
{
	for (const struct weir_field_macro *m = weir_field_macros; m->name; m++) {
		if (strcmp(m->name, it->expr) != 0)
			continue;
		if (it->name)
			return weir_error_usage(err,
			    "'%s' at %u stands for several columns and takes no name", m->name,
			    it->place);
		for (unsigned i = 0; i < 6 && m->columns[i]; i++) {
			int rc = weir_list_split(m->columns[i], '\n', item, b, err);

			if (rc)
				return rc;
		}
		return 1;
	}
	return 0;
}

static int
key_item(void *ctx, const struct weir_list_item *it, struct weir_error *err)
{
	struct weir_builder *b = ctx;
	struct weir_path *p = b->p;
	struct weir_program *program;
	struct weir_group_key *type;
	const char *name = it->name ? it->name : it->expr;
	unsigned n = p->n_keys;
	int rc = expand_macro(b, it, key_item, err);

	p->has_flow_key |= rc > 0;
	if (rc)
		return rc > 0 ? 0 : rc;
	rc = it->name ? weir_check_name(it->name, NULL, 0, false, err) : 0;
	if (rc)
		return rc;
	if (weir_schema_find(&p->schema, name) >= 0)
		return weir_error_usage(err, "column '%s' at %u is there already", name, it->place);
	rc = compile(p, it->expr, it->place, &program, err);
	if (rc)
		return rc;
	*(struct weir_program **)weir_array_add(&p->keys, &p->n_keys, sizeof(program)) = program;
	type = weir_array_add(&p->key_types, &n, sizeof(*type));
	type->type = weir_program_type(program);
	type->store = weir_program_store(program, p->symbols);
	return weir_schema_add(&p->schema, name, type->type, true);
}

static int
unknown_aggregate(const struct weir_call *call, unsigned place, struct weir_error *err)
{
	struct weir_nearest near;

	weir_nearest_begin(&near, call->name);
	for (unsigned i = 0; weir_agg_functions[i]; i++)
		weir_nearest_offer(&near, weir_agg_functions[i]->name);
	return weir_error_usage(err, "unknown aggregate '%s' at %u (%s %s)", call->name, place,
	    weir_nearest_get(&near) ? "try" : "see",
	    weir_nearest_get(&near) ? weir_nearest_get(&near) : "--functions");
}

/* The value of an expression that reads nothing, as a number. */
static bool
constant_of(struct weir_program *p, double *ret)
{
	const uint64_t sel[WEIR_MASK_WORDS] = { 1 };
	const struct weir_column *c;
	struct weir_value v;

	if (weir_program_slots(p, NULL, 0))
		return false;
	c = weir_program_run(p, NULL, 1, sel);
	if (weir_mask_test(c->null, 0))
		return false;
	v = weir_column_get(c, 0);
	*ret = v.type == WEIR_FLOAT ? v.f : (double)v.i;
	return v.type == WEIR_FLOAT || v.type == WEIR_INT;
}

/* An argument that must be the same for all rows. */
static int
check_constant(const struct weir_agg_function *f, struct weir_program **args, const char *text,
    unsigned place, struct weir_error *err)
{
	double x;

	if (constant_of(args[f->constant_arg - 1], &x) && x >= f->constant_min &&
	    x <= f->constant_max)
		return 0;
	return weir_error_usage(err, "'%s' at %u: must be a constant from %g to %g, usage is %s",
	    text, place, f->constant_min, f->constant_max, f->synopsis);
}

static int
bind_call(struct weir_path *p, const struct weir_call *call, unsigned place,
    struct weir_agg_call *ret, struct weir_program **args, enum weir_type *ret_type,
    struct weir_error *err)
{
	int rc;

	ret->function = weir_agg_function_find(call->name);
	if (!ret->function)
		return unknown_aggregate(call, place, err);
	if (call->n_args < ret->function->min_args || call->n_args > ret->function->max_args)
		return weir_error_usage(err, "%s at %u: %u arguments given, usage is %s",
		    call->name, place, call->n_args, ret->function->synopsis);
	for (unsigned i = 0; i < call->n_args; i++) {
		rc = compile(p, call->args[i], place + call->places[i] - 1, &args[i], err);
		if (rc)
			return rc;
		ret->n_args++;
		ret->arg_types[i] = weir_program_type(args[i]);
		ret->arg_stores[i] = weir_program_store(args[i], p->symbols);
	}
	rc = ret->function->check(ret->arg_types, ret->n_args, ret_type, err);
	if (rc)
		return weir_error_wrap(err, "%s at %u", call->name, place);
	if (ret->function->constant_arg) {
		unsigned i = ret->function->constant_arg - 1;

		return check_constant(
		    ret->function, args, call->args[i], place + call->places[i] - 1, err);
	}
	return 0;
}

static int
agg_item(void *ctx, const struct weir_list_item *it, struct weir_error *err)
{
	struct weir_builder *b = ctx;
	struct weir_path *p = b->p;
	const char *name = it->name ? it->name : it->expr;
	struct weir_call call;
	struct weir_agg_call bound = { 0 };
	struct weir_program *args[WEIR_AGG_MAX_COLUMNS] = { 0 };
	enum weir_type type;
	unsigned n = p->n_aggs;
	int rc;

	if (it->name) {
		rc = weir_check_name(it->name, NULL, 0, false, err);
		if (rc)
			return rc;
	}
	if (weir_schema_find(&p->schema, name) >= 0)
		return weir_error_usage(err, "column '%s' at %u is there already", name, it->place);
	rc = weir_call_parse(it->expr, &call, err);
	if (rc)
		return rc;
	rc = bind_call(p, &call, it->place, &bound, args, &type, err);
	weir_call_fini(&call);
	if (rc) {
		for (unsigned i = 0; i < WEIR_AGG_MAX_ARGS; i++)
			weir_program_destroy(args[i]);
		return rc;
	}
	*(struct weir_agg_call *)weir_array_add(&p->calls, &n, sizeof(bound)) = bound;
	memcpy(weir_array_add(&p->args, &p->n_aggs, sizeof(args)), args, sizeof(args));
	return weir_schema_add(&p->schema, name, type, false);
}

int
weir_builder_select_item(void *ctx, const struct weir_list_item *it, struct weir_error *err)
{
	struct weir_builder *b = ctx;
	struct weir_path *p = b->p;
	const char *name = it->name ? it->name : it->expr;
	struct weir_program *program;
	int rc = expand_macro(b, it, weir_builder_select_item, err);

	if (rc)
		return rc > 0 ? 0 : rc;
	rc = it->name ? weir_check_name(it->name, NULL, 0, false, err) : 0;
	if (rc)
		return rc;
	if (weir_schema_find(&p->schema, name) >= 0)
		return weir_error_usage(err, "column '%s' at %u is there already", name, it->place);
	rc = compile(p, it->expr, it->place, &program, err);
	if (rc)
		return rc;
	*(struct weir_program **)weir_array_add(&p->select, &p->n_select, sizeof(program)) =
	    program;
	return weir_schema_add(&p->schema, name, weir_program_type(program), false);
}

static int
add_key(struct weir_builder *b, struct weir_error *err)
{
	if (b->has_key)
		return weir_error_usage(err, "a second --key (name all keys in one, with commas)");
	if (b->has_select)
		return weir_error_usage(err, "--key and --select exclude each other");
	b->has_key = true;
	return weir_list_split(b->stage->text, ',', key_item, b, err);
}

static int
add_agg(struct weir_builder *b, struct weir_error *err)
{
	if (b->has_select)
		return weir_error_usage(
		    err, "excludes --select (--key and --agg name the columns)");
	b->has_agg = true;
	b->p->has_group = true;
	return weir_list_split(b->stage->text, ',', agg_item, b, err);
}

/* The fold as a call: its columns are the arguments, its variables the results. */
static int
bind_fold(struct weir_path *p, struct weir_error *err)
{
	const struct weir_fold_program *f = p->fold;
	struct weir_agg_call call = { .fold = f->fold, .n_args = f->n_args };
	unsigned n = p->n_aggs;
	int rc = 0;

	for (unsigned i = 0; i < f->n_args; i++) {
		need(p, f->args[i]);
		call.arg_types[i] = weir_program_type(f->args[i]);
		call.arg_stores[i] = weir_program_store(f->args[i], p->symbols);
	}
	*(struct weir_agg_call *)weir_array_add(&p->calls, &n, sizeof(call)) = call;
	memcpy(weir_array_add(&p->args, &p->n_aggs, sizeof(*p->args)), f->args, sizeof(*p->args));
	for (unsigned i = 0; !rc && i < f->n_vars; i++) {
		rc = weir_check_name(f->vars[i].name, NULL, 0, false, err);
		if (!rc && weir_schema_find(&p->schema, f->vars[i].name) >= 0)
			rc = weir_error_usage(err,
			    "'%s' at %u is a key (give the variable another name)", f->vars[i].name,
			    f->vars[i].place);
		if (!rc)
			rc = weir_schema_add(&p->schema, f->vars[i].name, f->vars[i].type, false);
	}
	return rc;
}

static int
add_fold(struct weir_builder *b, struct weir_error *err)
{
	struct weir_scope scope = scope_of(b->p);
	int rc;

	if (b->has_select)
		return weir_error_usage(
		    err, "excludes --select (--key and --fold name the columns)");
	b->has_agg = true;
	b->fold = b->stage;
	b->p->has_group = true;
	rc = weir_fold_compile(b->stage->text, &scope, &b->p->fold, err);
	return rc ? rc : bind_fold(b->p, err);
}

static int
add_select(struct weir_builder *b, struct weir_error *err)
{
	if (b->has_select)
		return weir_error_usage(
		    err, "a second --select (name all columns in one, with commas)");
	if (b->has_key)
		return weir_error_usage(err, "--key and --select exclude each other");
	b->has_select = true;
	return weir_list_split(b->stage->text, ',', weir_builder_select_item, b, err);
}

static int
add_window(struct weir_builder *b, struct weir_error *err)
{
	if (b->p->has_window)
		return weir_error_usage(err, "a second --window in one query");
	b->p->has_window = true;
	return weir_window_parse(b->stage->text, &b->p->window, err);
}

static int
add_split(struct weir_builder *b, struct weir_error *err)
{
	if (b->split)
		return weir_error_usage(err, "a second --split in one query");
	b->split = b->stage;
	return weir_route_parse(b->stage->text, b->p->simd, &b->p->route, err);
}

static int
add_emit(struct weir_builder *b, struct weir_error *err)
{
	if (b->has_emit)
		return weir_error_usage(err, "a second --emit in one query");
	b->has_emit = true;
	b->p->is_early = strcmp(b->stage->text, "early") == 0;
	return 0;
}

static int
add(struct weir_builder *b, struct weir_error *err)
{
	switch (b->stage->flag) {
	case WEIR_FLAG_FILTER:
		return add_filter(b, err);
	case WEIR_FLAG_WHERE:
		return add_where(b, err);
	case WEIR_FLAG_MAP:
		return weir_list_split(b->stage->text, ',', map_item, b, err);
	case WEIR_FLAG_SELECT:
		return add_select(b, err);
	case WEIR_FLAG_KEY:
		return add_key(b, err);
	case WEIR_FLAG_WINDOW:
		return add_window(b, err);
	case WEIR_FLAG_EMIT:
		return add_emit(b, err);
	case WEIR_FLAG_SPLIT:
		return add_split(b, err);
	case WEIR_FLAG_AGG:
		return add_agg(b, err);
	case WEIR_FLAG_FOLD:
		return add_fold(b, err);
	default:
		return weir_error_usage(err, "needs --agg before it: there are no results yet");
	}
}

int
weir_builder_add_stage(
    struct weir_builder *b, const struct weir_stage_text *stage, struct weir_error *err)
{
	int rc;

	b->stage = stage;
	rc = add(b, err);
	return rc ? weir_stage_wrap(err, stage) : 0;
}
