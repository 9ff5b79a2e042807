/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>
#include <weir/base/nearest.h>
#include <weir/query/early.h>
#include <weir/query/plan.h>
#include <weir/sink/forward.h>

#include "build.h"
#include "join.h"
#include "parts.h"
#include "scope.h"
#include "share.h"

/* A query whose packets are sent: no others make rows of them before. */
static int
check_forward(const struct weir_plan *p, const struct weir_query_text *text, const char *uri,
    struct weir_error *err)
{
	struct weir_sink_run run;
	int rc;

	for (unsigned i = 0; i < text->n_stages; i++) {
		enum weir_flag flag = text->stages[i].flag;

		if (weir_stage_groups(&text->stages[i]) || flag == WEIR_FLAG_WINDOW ||
		    flag == WEIR_FLAG_TOP || flag == WEIR_FLAG_JOIN || flag == WEIR_FLAG_FROM)
			return weir_error_usage(err,
			    "forwards packets, and %s makes rows: give it a query of its own "
			    "(--query NAME)",
			    weir_flag_name(flag));
	}
	weir_plan_sink_run(p, NULL, &run);
	rc = weir_forward_check(uri, &run, err);
	free(run.sources);
	return rc;
}

static int
check_sinks(const struct weir_plan *p, const struct weir_query_text *text,
    struct weir_plan_query *q, struct weir_error *err)
{
	const struct weir_sink_ops *ops;
	const char *target;

	for (unsigned i = 0; i < text->n_sinks; i++) {
		if (weir_sink_parse(text->sinks[i], &ops, &target, err))
			return weir_error_wrap(err, "--sink '%s'", text->sinks[i]);
		for (unsigned k = 0; k < i; k++)
			if (strcmp(text->sinks[k], text->sinks[i]) == 0)
				return weir_error_usage(err,
				    "--sink '%s': given twice in query '%s'", text->sinks[i],
				    text->name);
		if (ops->forwards && check_forward(p, text, text->sinks[i], err))
			return weir_error_wrap(err, "--sink '%s'", text->sinks[i]);
		q->forwards |= ops->forwards;
		q->wants_packets |= ops->takes_packets && !ops->forwards;
		q->wants_rows |= !ops->takes_packets;
		*(const char **)weir_array_add(&q->sinks, &q->n_sinks, sizeof(*q->sinks)) =
		    text->sinks[i];
	}
	return 0;
}

static const char *
packet_sink(const struct weir_plan_query *q)
{
	const struct weir_sink_ops *ops = NULL;
	const char *target;

	for (unsigned i = 0; i < q->n_sinks; i++)
		if (!weir_sink_parse(q->sinks[i], &ops, &target, NULL) && ops->takes_packets)
			return q->sinks[i];
	return "";
}

/* Does the query make rows of its own accord, so that they must go somewhere? */
static bool
makes_rows(const struct weir_query_text *text)
{
	for (unsigned i = 0; i < text->n_stages; i++)
		if (weir_stage_groups(&text->stages[i]) || text->stages[i].flag == WEIR_FLAG_SELECT)
			return true;
	return false;
}

int
weir_plan_path(const struct weir_plan *p, const struct weir_plan_query *q, struct weir_path **ret,
    struct weir_error *err)
{
	bool hands_over = q->parts->hands_over;
	int rc = weir_path_build(&q->parts->packets, q->wants_rows && !hands_over,
	    &p->default_window, p->command->simd, ret, err);

	if (!rc && q->path)
		weir_share_copy(q->path, *ret);
	if (rc || !hands_over || !q->chain)
		return rc;
	rc = weir_path_hand_over(*ret, &q->chain->input, err);
	if (!rc)
		return 0;
	weir_path_destroy(*ret);
	*ret = NULL;
	return rc;
}

/* A query that is being built, for those that its --from and --join name. */
struct build {
	struct weir_plan *p;
	struct weir_plan_query *q;
};

/* The query of a name, built where it is not yet. */
static int
find_query(void *ctx, const char *name, struct weir_chain_other *ret, struct weir_error *err)
{
	struct build *b = ctx;
	struct weir_plan *p = b->p;
	struct weir_nearest near;
	struct weir_plan_query *q = NULL;
	int rc;

	weir_nearest_begin(&near, name);
	for (unsigned i = 0; i < p->n_queries; i++) {
		if (p->queries[i].is_removed)
			continue;
		weir_nearest_offer(&near, p->queries[i].text->name);
		if (strcmp(p->queries[i].text->name, name) == 0)
			q = &p->queries[i];
	}
	if (!q && weir_nearest_get(&near))
		return weir_error_usage(
		    err, "there is no query '%s' (try '%s')", name, weir_nearest_get(&near));
	if (!q)
		return weir_error_usage(err, "there is no query '%s'", name);
	if (q->is_being_built)
		return weir_error_usage(err,
		    "query '%s' takes rows of '%s' in turn: a circle has no beginning", name,
		    b->q->text->name);
	rc = q->is_built ? 0 : weir_plan_build_query(p, q, err);
	if (rc)
		return rc;
	b->q->level = b->q->level > q->level ? b->q->level : q->level + 1;
	if (!q->chain)
		return weir_error_usage(err, "query '%s' gives packets, and no rows", name);
	*ret = (struct weir_chain_other){ (unsigned)(q - p->queries), weir_chain_schema(q->chain),
		q->chain->window, q->chain->has_window, q->chain->lacks_key };
	return 0;
}

/* Add the columns of an input to those of the union. Keys are the columns that are keys of all. */
static int
unite(struct weir_schema *to, const struct weir_schema *from, const char *name, bool is_first,
    struct weir_error *err)
{
	for (unsigned i = 0; i < to->n_columns; i++)
		to->columns[i].is_key &= weir_schema_find(from, to->columns[i].name) >= 0;
	for (unsigned i = 0; i < from->n_columns; i++) {
		const struct weir_schema_column *c = &from->columns[i];
		int at = weir_schema_find(to, c->name);

		if (at < 0) {
			if (weir_schema_add(to, c->name, c->type, c->is_key && is_first))
				abort();
			continue;
		}
		to->columns[at].is_key &= c->is_key;
		if (to->columns[at].type != c->type)
			return weir_error_usage(err,
			    "column '%s' is %s in query '%s', and %s in one before it", c->name,
			    weir_type_name(c->type), name, weir_type_name(to->columns[at].type));
	}
	return 0;
}

static bool
has_same_keys(const struct weir_schema *a, const struct weir_schema *b)
{
	unsigned n_a = 0, n_b = 0, n_both = 0;

	for (unsigned i = 0; i < a->n_columns; i++) {
		int at = weir_schema_find(b, a->columns[i].name);

		n_a += a->columns[i].is_key;
		n_both += a->columns[i].is_key && at >= 0 && b->columns[at].is_key;
	}
	for (unsigned i = 0; i < b->n_columns; i++)
		n_b += b->columns[i].is_key;
	return n_a == n_both && n_b == n_both;
}

struct from_list {
	struct build *build;
	struct weir_chain_spec *spec;
	struct weir_schema *schema;
};

static int
add_input(void *ctx, const struct weir_list_item *it, struct weir_error *err)
{
	struct from_list *l = ctx;
	struct weir_plan_query *q = l->build->q;
	struct weir_chain_other other;
	char text[2][64];
	int rc = it->name ? weir_error_usage(
				err, "'%s=' at %u: a name alone is needed", it->name, it->place)
			  : find_query(l->build, it->expr, &other, err);

	if (rc)
		return rc;
	if (!other.has_window)
		return weir_error_usage(
		    err, "query '%s' has no --agg: put what follows into that query", it->expr);
	for (unsigned i = 0; i < q->n_from; i++)
		if (q->from[i] == other.query)
			return weir_error_usage(err, "query '%s' is given twice", it->expr);
	if (q->n_from && strcmp(weir_window_text(&l->spec->window, text[0], 64),
			     weir_window_text(&other.window, text[1], 64)) != 0)
		return weir_error_usage(err,
		    "the queries must have the same window: that of '%s' is %s, and before it %s",
		    it->expr, text[1], text[0]);
	l->spec->window = other.window;
	l->spec->lacks_key |=
	    other.lacks_key || (q->n_from && !has_same_keys(l->schema, other.schema));
	rc = unite(l->schema, other.schema, it->expr, q->n_from == 0, err);
	*(unsigned *)weir_array_add(&q->from, &q->n_from, sizeof(*q->from)) = other.query;
	return rc;
}

static int
build_from(struct build *b, struct weir_chain_spec *spec, struct weir_error *err)
{
	struct weir_schema schema = { .has_window = true };
	struct from_list list = { b, spec, &schema };
	int rc = weir_list_split(b->q->parts->from->text, ',', add_input, &list, err);

	if (rc)
		weir_stage_wrap(err, b->q->parts->from);
	spec->input = &schema;
	spec->has_window = true;
	if (!rc)
		rc = weir_chain_build(spec, &b->q->chain, err);
	weir_schema_fini(&schema);
	return rc;
}

/* Of all columns that packets have those that the chain reads, and their time. */
static void
choose_handed_over(const struct weir_chain *c, struct weir_schema *ret)
{
	uint8_t *used = calloc(c->input.n_columns + 1, 1);

	if (!used)
		abort();
	weir_chain_slots(c, used);
	used[WEIR_FIELD_FRAME_TIME] = 1;
	for (unsigned i = 0; i < c->input.n_columns; i++)
		if (used[i] &&
		    weir_schema_add(ret, c->input.columns[i].name, c->input.columns[i].type, false))
			abort();
	free(used);
}

/* Joins of packets: compiled over all columns that there are, and then over those that it reads. */
static int
build_handed_over(struct build *b, struct weir_chain_spec *spec, struct weir_error *err)
{
	const struct weir_path *path = b->q->path;
	struct weir_schema all = { 0 }, used = { 0 };
	int rc;

	for (unsigned i = 0; i < path->n_symbols; i++)
		if (weir_schema_add(&all, path->symbols[i].name, path->symbols[i].type, false))
			abort();
	spec->input = &all;
	spec->hands_over = true;
	rc = weir_chain_build(spec, &b->q->chain, err);
	if (!rc) {
		choose_handed_over(b->q->chain, &used);
		weir_chain_destroy(b->q->chain);
		b->q->chain = NULL;
		spec->input = &used;
		rc = weir_chain_build(spec, &b->q->chain, err);
	}
	if (!rc)
		rc = weir_path_hand_over(b->q->path, &b->q->chain->input, err);
	weir_schema_fini(&all);
	weir_schema_fini(&used);
	return rc;
}

static int
build_chain(struct weir_plan *p, struct weir_plan_query *q, struct weir_error *err)
{
	struct build b = { p, q };
	struct weir_chain_spec spec = {
		.text = &q->parts->rows,
		.window = p->default_window,
		.simd = p->command->simd,
		.secret = p->seed,
		.find = find_query,
		.ctx = &b,
	};

	if (q->parts->from)
		return build_from(&b, &spec, err);
	if (q->parts->hands_over)
		return build_handed_over(&b, &spec, err);
	spec.input = &q->path->schema;
	spec.has_window = q->path->has_group;
	if (q->path->has_group)
		spec.window = q->path->window;
	return weir_chain_build(&spec, &q->chain, err);
}

static int
compile(struct weir_plan *p, struct weir_plan_query *q, struct weir_error *err)
{
	int rc = check_sinks(p, q->text, q, err);

	if (rc)
		return rc;
	if (!q->is_input && !q->wants_rows &&
	    ((!q->wants_packets && !q->forwards) || makes_rows(q->text))) {
		*(const char **)weir_array_add(&q->sinks, &q->n_sinks, sizeof(*q->sinks)) =
		    p->is_terminal ? "table" : "json";
		q->wants_rows = true;
	}
	q->wants_rows |= q->is_input;
	q->parts = calloc(1, sizeof(*q->parts));
	if (!q->parts)
		abort();
	rc = weir_query_split(q->text, q->wants_rows, q->parts, err);
	if (rc)
		return rc;
	if ((q->wants_packets || q->forwards) && (q->parts->from || q->parts->hands_over))
		return weir_error_usage(err,
		    "--sink '%s': a sink of packets needs a query of packets alone, without --from "
		    "and --join",
		    packet_sink(q));
	if (!q->parts->from) {
		rc = weir_plan_path(p, q, &q->path, err);
		if (rc)
			return rc;
		weir_share_prefixes(p, q);
		if (q->path->has_group)
			weir_plan_size_table(p, q);
	}
	rc = q->wants_rows ? build_chain(p, q, err) : 0;
	if (!rc && q->path && q->path->is_early)
		rc = weir_early_check(q, err);
	for (unsigned w = 0; q->path && w < WEIR_FIELD_WORDS; w++)
		p->needed.word[w] |= q->path->needed.word[w];
	return rc;
}

int
weir_plan_build_query(struct weir_plan *p, struct weir_plan_query *q, struct weir_error *err)
{
	int rc;

	q->is_being_built = true;
	rc = compile(p, q, err);
	q->is_being_built = false;
	q->is_built = rc == 0;
	if (!rc &&
	    !p->is_running) /* one that is added has not seen what is in the others' tables */
		weir_share_table(p, q);
	return rc;
}

/* Does a query name another in this list of --from, or this value of --join? */
static bool
names(const struct weir_stage_text *stage, const char *name)
{
	struct weir_join_text join;
	size_t len = strlen(name);

	if (stage->flag == WEIR_FLAG_JOIN)
		return weir_join_parse(stage->text, &join, NULL) == 0 &&
		       strcmp(join.name, name) == 0;
	if (stage->flag != WEIR_FLAG_FROM)
		return false;
	for (const char *at = stage->text; (at = strstr(at, name)); at++) {
		bool is_begin = at == stage->text || at[-1] == ',' || at[-1] == ' ';

		if (is_begin && (!at[len] || at[len] == ',' || at[len] == ' '))
			return true;
	}
	return false;
}

bool
weir_query_reads(const struct weir_query_text *text, const char *name)
{
	for (unsigned i = 0; i < text->n_stages; i++)
		if (names(&text->stages[i], name))
			return true;
	return false;
}

const struct weir_plan_query *
weir_plan_reader(const struct weir_plan *p, unsigned query)
{
	for (unsigned i = 0; i < p->n_queries; i++)
		if (!p->queries[i].is_removed && i != query &&
		    weir_query_reads(p->queries[i].text, p->queries[query].text->name))
			return &p->queries[i];
	return NULL;
}
