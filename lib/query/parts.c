/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>

#include "parts.h"
#include "scope.h"

/* No query flags but perhaps a window: the top talkers. */
static const struct weir_stage_text talkers[] = {
	{ WEIR_FLAG_KEY, "5tuple" },
	{ WEIR_FLAG_AGG, "packets=count(),bytes=sum(frame.len)" },
	{ WEIR_FLAG_TOP, "20:bytes" },
};

static void
append(struct weir_query_text *to, const struct weir_stage_text *stage)
{
	*(struct weir_stage_text *)weir_array_add(&to->stages, &to->n_stages, sizeof(*stage)) =
	    *stage;
}

static bool
is_bare(const struct weir_query_text *text)
{
	for (unsigned i = 0; i < text->n_stages; i++)
		if (text->stages[i].flag != WEIR_FLAG_WINDOW &&
		    text->stages[i].flag != WEIR_FLAG_SPLIT)
			return false;
	return true;
}

/* The stages in order, those of the default query among them. */
static void
collect(const struct weir_query_text *text, bool wants_rows, struct weir_query_text *ret)
{
	for (unsigned i = 0; i < text->n_stages; i++)
		append(ret, &text->stages[i]);
	for (unsigned i = 0; is_bare(text) && wants_rows && i < 3; i++)
		append(ret, &talkers[i]);
}

/* How many times a query's stages have grouped before stage i. */
static unsigned
groups_before(const struct weir_query_text *t, unsigned i)
{
	unsigned n = 0;

	for (unsigned k = 0; k < i; k++)
		n += weir_stage_groups(&t->stages[k]);
	return n;
}

/* The first stage of packets that runs on the control thread: what follows --agg, or --join. */
static unsigned
first_of_rows(const struct weir_query_text *t, bool *ret_hands_over)
{
	unsigned i = 0;

	*ret_hands_over = false;
	while (i < t->n_stages && t->stages[i].flag != WEIR_FLAG_JOIN &&
	       !weir_stage_groups(&t->stages[i]))
		i++;
	if (i == t->n_stages)
		return i;
	*ret_hands_over = t->stages[i].flag == WEIR_FLAG_JOIN;
	return *ret_hands_over ? i : i + 1;
}

/* --window belongs to the --agg that follows it, or where none does to the last. */
static unsigned
group_of_window(const struct weir_query_text *t, unsigned at)
{
	unsigned n = groups_before(t, t->n_stages), before = groups_before(t, at);

	return before < n ? before : n ? n - 1 : 0;
}

/* Put the windows of a group in front of it. */
static int
append_windows(struct weir_query_text *to, const struct weir_query_text *t, unsigned group,
    struct weir_error *err)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->n_stages; i++) {
		if (t->stages[i].flag != WEIR_FLAG_WINDOW || group_of_window(t, i) != group)
			continue;
		if (n++) {
			weir_error_usage(err, "a second --window for one --agg");
			return weir_stage_wrap(err, &t->stages[i]);
		}
		append(to, &t->stages[i]);
	}
	return 0;
}

/* --select of packets, before this stage? */
static bool
selects_before(const struct weir_query_text *t, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (t->stages[k].flag == WEIR_FLAG_SELECT)
			return true;
	return false;
}

static int
check_place(const struct weir_query_text *t, unsigned i, bool is_from, bool has_group,
    struct weir_error *err)
{
	const struct weir_stage_text *s = &t->stages[i];

	if (s->flag == WEIR_FLAG_FROM && i > 0)
		weir_error_usage(err, "must be the first stage: it says where rows come from");
	else if (s->flag == WEIR_FLAG_FILTER && is_from)
		weir_error_usage(err, "works on packets, and --from gives rows (try --where)");
	else if (s->flag == WEIR_FLAG_FILTER && groups_before(t, i))
		weir_error_usage(err, "works on packets and must be the first stage, before --agg");
	else if (s->flag == WEIR_FLAG_SPLIT && is_from)
		weir_error_usage(err, "splits packets, and --from gives rows");
	else if (s->flag == WEIR_FLAG_JOIN && !is_from && !groups_before(t, i) &&
		 selects_before(t, i))
		weir_error_usage(err, "joins packets, and must come before --select");
	else if (s->flag == WEIR_FLAG_TOP && !is_from && !groups_before(t, i) && !has_group)
		weir_error_usage(err, "needs --agg before it: there are no results yet");
	else
		return 0;
	return weir_stage_wrap(err, s);
}

int
weir_query_split(const struct weir_query_text *text, bool wants_rows, struct weir_query_parts *ret,
    struct weir_error *err)
{
	struct weir_query_parts p = {
		.packets = { .name = text->name, .sinks = text->sinks, .n_sinks = text->n_sinks },
		.rows.name = text->name,
	};
	struct weir_query_text t = { 0 };
	bool is_from, hands_over = false;
	unsigned first;
	int rc = 0;

	collect(text, wants_rows, &t);
	is_from = t.n_stages && t.stages[0].flag == WEIR_FLAG_FROM;
	first = is_from ? 0 : first_of_rows(&t, &hands_over);
	p.hands_over = !is_from && hands_over;
	p.from = is_from ? &text->stages[0] : NULL;
	for (unsigned i = 0; !rc && i < t.n_stages; i++) {
		const struct weir_stage_text *s = &t.stages[i];
		bool is_of_rows = is_from || i >= first || (hands_over && s->flag == WEIR_FLAG_KEY);

		rc = check_place(&t, i, is_from, p.hands_over, err);
		if (rc || s->flag == WEIR_FLAG_FROM)
			continue;
		if (s->flag == WEIR_FLAG_WINDOW) {
			/* Those without a group are told where they stand. */
			if (!groups_before(&t, t.n_stages))
				append(is_of_rows ? &p.rows : &p.packets, s);
			continue;
		}
		if (s->flag == WEIR_FLAG_SPLIT || s->flag == WEIR_FLAG_EMIT)
			is_of_rows = is_from;
		if (weir_stage_groups(s))
			rc = append_windows(
			    is_of_rows ? &p.rows : &p.packets, &t, groups_before(&t, i), err);
		append(is_of_rows ? &p.rows : &p.packets, s);
	}
	free(t.stages);
	if (rc)
		weir_query_parts_fini(&p);
	else
		*ret = p;
	return rc;
}

void
weir_query_parts_fini(struct weir_query_parts *parts)
{
	free(parts->packets.stages);
	free(parts->rows.stages);
}
