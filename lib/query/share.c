/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>

#include "parts.h"
#include "scope.h"
#include "share.h"

static bool
is_same_stage(const struct weir_stage_text *a, const struct weir_stage_text *b)
{
	return a->flag == b->flag && strcmp(a->text, b->text) == 0;
}

static unsigned
find_prefix(struct weir_plan *p, unsigned parent, const struct weir_stage_text *stage)
{
	struct weir_prefix *x;

	for (unsigned i = 0; i < p->n_prefixes; i++)
		if (p->prefixes[i].parent == parent && is_same_stage(p->prefixes[i].stage, stage))
			return i;
	x = weir_array_add(&p->prefixes, &p->n_prefixes, sizeof(*x));
	*x = (struct weir_prefix){ parent, stage };
	return p->n_prefixes - 1;
}

/* The next stage from *at on that drops packets; NULL past the last, or past a --map: its columns
 * are the query's own. */
static const struct weir_stage_text *
next_stage(const struct weir_query_text *t, unsigned *at)
{
	while (*at < t->n_stages) {
		const struct weir_stage_text *s = &t->stages[(*at)++];

		if (s->flag == WEIR_FLAG_FILTER || s->flag == WEIR_FLAG_WHERE)
			return s;
		if (s->flag == WEIR_FLAG_MAP)
			return NULL;
	}
	return NULL;
}

void
weir_share_prefixes(struct weir_plan *p, struct weir_plan_query *q)
{
	unsigned at = 0, parent = WEIR_PREFIX_NONE;
	const struct weir_stage_text *s;

	while ((s = next_stage(&q->parts->packets, &at))) {
		parent = find_prefix(p, parent, s);
		if (parent >= WEIR_MASKS)
			return;
		*(unsigned *)weir_array_add(
		    &q->path->prefixes, &q->path->n_prefixes, sizeof(parent)) = parent;
	}
}

void
weir_share_copy(const struct weir_path *from, struct weir_path *to)
{
	for (unsigned i = 0; i < from->n_prefixes; i++)
		*(unsigned *)weir_array_add(&to->prefixes, &to->n_prefixes, sizeof(*to->prefixes)) =
		    from->prefixes[i];
}

/* The items of a stage's list: their expressions, without names. */
struct exprs {
	unsigned n;
	char **texts;
};

static int
add_expr(void *ctx, const struct weir_list_item *it, struct weir_error *err)
{
	struct exprs *e = ctx;

	(void)err;
	*(char **)weir_array_add(&e->texts, &e->n, sizeof(char *)) = strdup(it->expr);
	return 0;
}

/* Of all stages of one kind. */
static struct exprs
exprs_of(const struct weir_query_text *t, enum weir_flag flag)
{
	struct exprs e = { 0 };

	for (unsigned i = 0; i < t->n_stages; i++)
		if (t->stages[i].flag == flag)
			(void)weir_list_split(t->stages[i].text, ',', add_expr, &e, NULL);
	return e;
}

static void
free_exprs(struct exprs *e)
{
	for (unsigned i = 0; i < e->n; i++)
		free(e->texts[i]);
	free(e->texts);
}

static bool
are_same(const struct exprs *a, const struct exprs *b)
{
	for (unsigned i = 0; a->n == b->n && i < a->n; i++)
		if (strcmp(a->texts[i], b->texts[i]) != 0)
			return false;
	return a->n == b->n;
}

/* The next stage that is neither key, aggregate nor window. */
static const struct weir_stage_text *
next_other(const struct weir_query_text *t, unsigned *at)
{
	while (*at < t->n_stages) {
		const struct weir_stage_text *s = &t->stages[(*at)++];

		if (s->flag != WEIR_FLAG_KEY && s->flag != WEIR_FLAG_AGG &&
		    s->flag != WEIR_FLAG_WINDOW)
			return s;
	}
	return NULL;
}

/* Do two queries take the same packets into the same groups? */
static bool
are_groups_same(const struct weir_plan_query *a, const struct weir_plan_query *b)
{
	struct exprs keys[2] = { exprs_of(&a->parts->packets, WEIR_FLAG_KEY),
		exprs_of(&b->parts->packets, WEIR_FLAG_KEY) };
	unsigned at[2] = { 0, 0 };
	const struct weir_stage_text *s[2];
	char text[2][64];
	bool is_same = are_same(&keys[0], &keys[1]) &&
		       strcmp(weir_window_text(&a->path->window, text[0], 64),
			   weir_window_text(&b->path->window, text[1], 64)) == 0;

	do {
		s[0] = next_other(&a->parts->packets, &at[0]);
		s[1] = next_other(&b->parts->packets, &at[1]);
		is_same &= s[0] && s[1] ? is_same_stage(s[0], s[1]) : s[0] == s[1];
	} while (is_same && s[0]);
	free_exprs(&keys[0]);
	free_exprs(&keys[1]);
	return is_same;
}

/* Where each aggregate of b is among those of a; false where one is not. */
static bool
find_aggregates(const struct weir_plan_query *a, const struct weir_plan_query *b, unsigned *ret)
{
	struct exprs have = exprs_of(&a->parts->packets, WEIR_FLAG_AGG);
	struct exprs want = exprs_of(&b->parts->packets, WEIR_FLAG_AGG);
	bool has_all = have.n == a->path->n_aggs && want.n == b->path->n_aggs;

	for (unsigned i = 0; has_all && i < want.n; i++) {
		unsigned k = 0;

		while (k < have.n && strcmp(have.texts[k], want.texts[i]) != 0)
			k++;
		ret[i] = k;
		has_all = k < have.n;
	}
	free_exprs(&have);
	free_exprs(&want);
	return has_all;
}

static bool
may_share(const struct weir_plan_query *q)
{
	return q->path && q->path->has_group && q->chain && !q->wants_packets && !q->forwards &&
	       !q->is_shared && !weir_window_is_per_group(&q->path->window);
}

void
weir_share_table(struct weir_plan *p, struct weir_plan_query *q)
{
	unsigned *columns;

	if (!may_share(q))
		return;
	columns = calloc(q->path->n_aggs + 1, sizeof(*columns));
	if (!columns)
		abort();
	for (unsigned i = 0; i < p->n_queries; i++) {
		struct weir_plan_query *a = &p->queries[i];

		if (a == q || !a->is_built || !may_share(a) || !are_groups_same(a, q) ||
		    !find_aggregates(a, q, columns))
			continue;
		q->is_shared = true;
		q->shared_with = i;
		q->shared_columns = columns;
		a->n_sharing++;
		return;
	}
	free(columns);
}

/* Does a query begin with the stages of this number? */
static bool
has_prefix(const struct weir_plan_query *q, unsigned prefix)
{
	for (unsigned i = 0; q->path && i < q->path->n_prefixes; i++)
		if (q->path->prefixes[i] == prefix)
			return true;
	return false;
}

void
weir_share_explain(const struct weir_plan *p, const struct weir_plan_query *q, FILE *out)
{
	if (q->is_shared) {
		fprintf(out, "  shared    packets, groups and aggregates with query %s\n",
		    p->queries[q->shared_with].text->name);
		return;
	}
	for (unsigned n = q->path ? q->path->n_prefixes : 0; n > 0; n--) {
		unsigned prefix = q->path->prefixes[n - 1];

		for (unsigned i = 0; &p->queries[i] != q; i++) {
			if (p->queries[i].is_removed || !has_prefix(&p->queries[i], prefix))
				continue;
			fprintf(out, "  shared    %s '%s'%s with query %s\n",
			    weir_flag_name(p->prefixes[prefix].stage->flag),
			    p->prefixes[prefix].stage->text, n > 1 ? " and what is before it" : "",
			    p->queries[i].text->name);
			return;
		}
	}
}
