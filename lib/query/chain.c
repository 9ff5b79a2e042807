/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>
#include <weir/query/chain.h>

#include "join.h"
#include "scope.h"

/* A chain that is being built. */
struct maker {
	const struct weir_chain_spec *spec;
	struct weir_chain *c;
	struct weir_window window; /* of the rows at this place */
	bool has_window;
	const struct weir_stage_text *key; /* that wait for their --agg */
	const struct weir_stage_text *own_window;
};

static struct weir_segment *
last_segment(const struct weir_chain *c)
{
	return &c->segments[c->n_segments - 1];
}

static int
begin_segment(struct maker *m, const struct weir_schema *in, struct weir_error *err)
{
	struct weir_segment *s = weir_array_add(&m->c->segments, &m->c->n_segments, sizeof(*s));

	return weir_result_create(
	    m->spec->text->name, in, m->spec->simd, m->spec->secret, &s->result, err);
}

static bool
is_same_window(const struct weir_window *a, const struct weir_window *b)
{
	char text[2][64];

	return strcmp(weir_window_text(a, text[0], 64), weir_window_text(b, text[1], 64)) == 0;
}

static int
check_join_window(
    struct maker *m, const char *name, const struct weir_chain_other *other, struct weir_error *err)
{
	char ours[64], theirs[64];

	if (!other->has_window)
		return weir_error_usage(
		    err, "query '%s' has no --agg: its rows have no windows", name);
	if (other->lacks_key)
		return weir_error_usage(err,
		    "rows of query '%s' lack a part of their key, by which they are joined (group "
		    "them again, or name all keys in its --select)",
		    name);
	if (weir_window_is_per_group(&other->window))
		return weir_error_usage(err,
		    "the windows of query '%s' are of each key (%s): they have none in common",
		    name, weir_window_text(&other->window, theirs, sizeof(theirs)));
	/* Packets are in the windows of the query that they are joined with first. */
	if (m->spec->hands_over && !m->has_window) {
		m->window = m->c->held = other->window;
		m->has_window = true;
	}
	if (!is_same_window(&m->window, &other->window))
		return weir_error_usage(err,
		    "joined queries must have the same window: %s here, %s in query '%s' (give "
		    "both "
		    "the same --window)",
		    weir_window_text(&m->window, ours, sizeof(ours)),
		    weir_window_text(&other->window, theirs, sizeof(theirs)), name);
	if (m->spec->hands_over && m->window.kind == WEIR_WINDOW_SLIDING)
		return weir_error_usage(err,
		    "packets are in several sliding windows at once (join the results instead, or "
		    "take a tumbling --window)");
	return 0;
}

static int
add_join(struct maker *m, const struct weir_stage_text *stage, struct weir_error *err)
{
	struct weir_segment *s = last_segment(m->c);
	struct weir_chain_other other = { 0 };
	struct weir_chain_join *join;
	struct weir_join_text text;
	int rc = weir_join_parse(stage->text, &text, err);

	if (!rc)
		rc = m->spec->find(m->spec->ctx, text.name, &other, err);
	if (!rc)
		rc = check_join_window(m, text.name, &other, err);
	if (!rc)
		rc = weir_result_add_join(s->result, text.kind, text.name, other.schema, err);
	if (rc)
		return weir_stage_wrap(err, stage);
	join = weir_array_add(&s->joins, &s->n_joins, sizeof(*join));
	join->query = other.query;
	join->is_prev = text.is_prev;
	return 0;
}

/* What the group's windows are: its own, or those of the rows. */
static int
choose_window(struct maker *m, struct weir_segment *s, struct weir_error *err)
{
	struct weir_window own;
	int rc = 0;

	if (m->own_window) {
		rc = weir_window_parse(m->own_window->text, &own, err);
		if (!rc && weir_window_is_per_group(&own))
			rc = weir_error_usage(err,
			    "such windows are for packets (the first --agg of a query without "
			    "--from)");
		if (!rc && m->spec->hands_over && m->c->n_segments == 1 &&
		    !is_same_window(&own, &m->window))
			rc = weir_error_usage(
			    err, "must be that of the query that the packets are joined with");
		if (rc)
			return weir_stage_wrap(err, m->own_window);
		s->has_window = !is_same_window(&own, &m->window);
		m->window = own;
	} else if (weir_window_is_per_group(&m->window)) {
		return weir_error_usage(err,
		    "rows of sessions and counts have windows of their own: a --window is needed "
		    "for this one");
	}
	m->own_window = NULL;
	return 0;
}

/* Keys that are selected are keys still; without all of them nobody finds a row by its key. */
static void
note_selected(struct maker *m, struct weir_segment *s)
{
	const struct weir_schema *in = weir_result_schema(s->result);
	struct weir_schema *out = &s->path->schema;
	unsigned n_keys = 0, n_left = 0;

	out->has_window = in->has_window;
	for (unsigned i = 0; i < in->n_columns; i++)
		n_keys += in->columns[i].is_key;
	for (unsigned i = 0; i < out->n_columns; i++) {
		int slot = weir_program_is_symbol(s->path->select[i]);

		out->columns[i].is_key = slot >= 0 && in->columns[slot].is_key;
		n_left += out->columns[i].is_key;
	}
	m->c->lacks_key |= n_left < n_keys;
}

/* --key and --agg, or --select. */
static int
add_path(struct maker *m, const struct weir_stage_text *stage, struct weir_error *err)
{
	struct weir_segment *s = last_segment(m->c);
	struct weir_stage_text stages[2];
	struct weir_query_text text = { .name = m->spec->text->name, .stages = stages };
	int rc = stage->flag == WEIR_FLAG_SELECT ? 0 : choose_window(m, s, err);

	if (rc)
		return weir_stage_wrap(err, stage);
	if (m->key)
		stages[text.n_stages++] = *m->key;
	stages[text.n_stages++] = *stage;
	rc = weir_path_build_rows(
	    &text, weir_result_schema(s->result), &m->window, m->spec->simd, &s->path, err);
	if (rc)
		return rc;
	if (stage->flag == WEIR_FLAG_SELECT)
		note_selected(m, s);
	else
		m->c->lacks_key = false;
	m->key = NULL;
	rc = weir_result_finish(s->result, err);
	if (!rc)
		rc = begin_segment(m, &s->path->schema, err);
	/* Columns that are selected may lack the keys, or come after --top. */
	if (!rc && stage->flag == WEIR_FLAG_SELECT)
		weir_result_keep_order(last_segment(m->c)->result);
	return rc;
}

static int
add_top(struct maker *m, const struct weir_stage_text *stage, struct weir_error *err)
{
	if (!m->has_window || !weir_window_is_per_group(&m->window))
		return weir_result_add(last_segment(m->c)->result, stage, err);
	weir_error_usage(err,
	    "each row has a window of its own here, and is the largest in it (group them first: "
	    "--window 1s --agg ...)");
	return weir_stage_wrap(err, stage);
}

static int
add_stage(struct maker *m, const struct weir_stage_text *stage, struct weir_error *err)
{
	switch (stage->flag) {
	case WEIR_FLAG_WHERE:
	case WEIR_FLAG_MAP:
		return weir_result_add(last_segment(m->c)->result, stage, err);
	case WEIR_FLAG_TOP:
		return add_top(m, stage, err);
	case WEIR_FLAG_JOIN:
		return add_join(m, stage, err);
	case WEIR_FLAG_KEY:
		if (m->key) {
			weir_error_usage(err, "a second --key (name all keys in one, with commas)");
			return weir_stage_wrap(err, stage);
		}
		m->key = stage;
		return 0;
	case WEIR_FLAG_WINDOW:
		m->own_window = stage;
		return 0;
	case WEIR_FLAG_SELECT:
		if (m->key) {
			weir_error_usage(err, "--key and --select exclude each other");
			return weir_stage_wrap(err, stage);
		}
		return add_path(m, stage, err);
	default:
		if (weir_stage_groups(stage))
			return add_path(m, stage, err);
		weir_error_usage(err, "cannot be used on results");
		return weir_stage_wrap(err, stage);
	}
}

/* What is missing at the end. Packets that were joined show the usual columns. */
static int
finish(struct maker *m, struct weir_error *err)
{
	static const struct weir_stage_text usual = { WEIR_FLAG_SELECT, WEIR_PACKET_COLUMNS };

	if (m->spec->hands_over && m->c->n_segments == 1 && !m->key && !m->own_window) {
		int rc = add_path(m, &usual, err);

		if (rc)
			return rc;
	}
	if (m->key) {
		weir_error_usage(
		    err, "without --agg: what should be counted? (try --agg 'packets=count()')");
		return weir_stage_wrap(err, m->key);
	}
	if (m->own_window) {
		weir_error_usage(err, "without --agg: nothing is aggregated (try --agg "
				      "'packets=count()')");
		return weir_stage_wrap(err, m->own_window);
	}
	m->c->window = m->window;
	m->c->has_window = weir_chain_schema(m->c)->has_window;
	return weir_result_finish(last_segment(m->c)->result, err);
}

static void
copy_schema(struct weir_schema *to, const struct weir_schema *from, const char *query)
{
	to->query = strdup(query);
	if (!to->query)
		abort();
	to->has_window = from->has_window;
	for (unsigned i = 0; i < from->n_columns; i++)
		if (weir_schema_add(
			to, from->columns[i].name, from->columns[i].type, from->columns[i].is_key))
			abort();
}

int
weir_chain_build(
    const struct weir_chain_spec *spec, struct weir_chain **ret, struct weir_error *err)
{
	struct maker m = { .spec = spec, .window = spec->window, .has_window = spec->has_window };
	int rc;

	m.c = calloc(1, sizeof(*m.c));
	if (!m.c)
		abort();
	copy_schema(&m.c->input, spec->input, spec->text->name);
	m.c->lacks_key = spec->lacks_key;
	m.c->window_in = spec->window;
	rc = begin_segment(&m, &m.c->input, err);
	for (unsigned i = 0; !rc && i < spec->text->n_stages; i++)
		rc = add_stage(&m, &spec->text->stages[i], err);
	if (!rc)
		rc = finish(&m, err);
	if (rc)
		weir_chain_destroy(m.c);
	else
		*ret = m.c;
	return rc;
}

void
weir_chain_destroy(struct weir_chain *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->n_segments; i++) {
		weir_result_destroy(c->segments[i].result);
		weir_path_destroy(c->segments[i].path);
		free(c->segments[i].joins);
	}
	free(c->segments);
	weir_schema_fini(&c->input);
	free(c);
}

const struct weir_schema *
weir_chain_schema(const struct weir_chain *c)
{
	return weir_result_schema(last_segment(c)->result);
}

void
weir_chain_slots(const struct weir_chain *c, uint8_t *ret_used)
{
	unsigned slots[256];

	/* The first segment alone reads what comes in. */
	weir_result_slots(c->segments[0].result, ret_used);
	if (c->segments[0].path) {
		unsigned n = weir_path_slots(c->segments[0].path, slots, 256);

		for (unsigned i = 0; i < n && i < 256; i++)
			ret_used[slots[i]] = 1;
	} else {
		for (unsigned i = 0; i < c->input.n_columns; i++)
			ret_used[i] = 1;
	}
}
