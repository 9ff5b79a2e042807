/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/query/path.h>

#include "builder.h"

/* What a packet row shows when nothing was selected: what tcpdump would. */
#define DEFAULT_SELECT "frame.time,ip.src,srcport,ip.dst,dstport,ip.proto,frame.len"
#define DEFAULT_KEY    "5tuple"
#define DEFAULT_AGG    "packets=count(),bytes=sum(frame.len)"
#define DEFAULT_TOP    "20:bytes"

/* No query flags but perhaps a window: the top talkers. */
static int
add_default_query(struct weir_builder *b, struct weir_error *err)
{
	static const struct weir_stage_text talkers[] = {
		{ WEIR_FLAG_KEY, DEFAULT_KEY },
		{ WEIR_FLAG_AGG, DEFAULT_AGG },
		{ WEIR_FLAG_TOP, DEFAULT_TOP },
	};
	int rc = 0;

	for (unsigned i = 0; !rc && i < sizeof(talkers) / sizeof(talkers[0]); i++)
		rc = weir_builder_add_stage(b, &talkers[i], err);
	return rc;
}

/* Rows of packets, but no columns were named: the usual ones and those of --map. */
static int
add_default_select(struct weir_builder *b, struct weir_error *err)
{
	static const struct weir_stage_text usual = { WEIR_FLAG_SELECT, DEFAULT_SELECT };
	int rc = weir_builder_add_stage(b, &usual, err);

	for (unsigned i = 0; !rc && i < b->p->n_names; i++) {
		struct weir_list_item it = { NULL, b->p->names[i], 1 };

		rc = weir_builder_select_item(b, &it, err);
	}
	return rc;
}

static int
finish(struct weir_builder *b, const struct weir_query_text *text, bool wants_rows,
    struct weir_error *err)
{
	bool is_bare = true;

	for (unsigned i = 0; i < text->n_stages; i++)
		is_bare &= text->stages[i].flag == WEIR_FLAG_WINDOW;
	if (is_bare && wants_rows)
		return add_default_query(b, err);
	if (b->has_agg)
		return 0;
	if (b->has_key)
		return weir_error_usage(err, "--key without --agg: what should be counted? "
					     "(try --agg 'packets=count()')");
	if (b->p->has_window)
		return weir_error_usage(err, "--window without --agg: nothing is aggregated "
					     "(try --agg 'packets=count()')");
	return b->has_select || !wants_rows ? 0 : add_default_select(b, err);
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

int
weir_path_build(const struct weir_query_text *text, bool wants_rows,
    const struct weir_window *default_window, enum weir_simd simd, struct weir_path **ret,
    struct weir_error *err)
{
	struct weir_path *p = calloc(1, sizeof(*p));
	struct weir_builder b = { .p = p };
	int rc = 0;

	if (!p)
		return weir_error_run(err, -ENOMEM, "out of memory");
	p->name = text->name;
	p->window = *default_window;
	p->simd = simd;
	p->schema.query = strdup(text->name);
	for (unsigned f = 0; f < WEIR_N_FIELDS; f++)
		weir_builder_add_symbol(
		    p, weir_fields[f].name, weir_fields[f].type, weir_fields[f].store);
	for (unsigned i = 0; !rc && i < text->n_stages; i++)
		rc = weir_builder_add_stage(&b, &text->stages[i], err);
	if (!rc)
		rc = finish(&b, text, wants_rows, err);
	if (rc) {
		weir_path_destroy(p);
		return rc;
	}
	p->schema.has_window = p->has_group;
	alloc_scratch(p);
	*ret = p;
	return 0;
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
	destroy_programs(p->keys, p->n_keys);
	destroy_programs(p->select, p->n_select);
	for (unsigned i = 0; i < p->n_aggs; i++)
		for (unsigned k = 0; k < WEIR_AGG_MAX_ARGS; k++)
			weir_program_destroy(p->args[i][k]);
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
	free(p->result_stages);
	weir_schema_fini(&p->schema);
	free(p);
}

void
weir_path_bind(struct weir_path *p, const struct weir_batch *b)
{
	for (unsigned f = 0; f < WEIR_N_FIELDS; f++)
		p->inputs[f] = &b->col[f];
}

void
weir_path_group_spec(const struct weir_path *p, struct weir_group_spec *ret)
{
	ret->window = p->window;
	ret->n_keys = p->n_keys;
	ret->keys = p->key_types;
	ret->n_aggs = p->n_aggs;
	ret->aggs = p->calls;
	ret->simd = p->simd;
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
