/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <weir/base/array.h>
#include <weir/base/time.h>
#include <weir/query/plan.h>

#include "build.h"
#include "parts.h"
#include "push.h"
#include "scope.h"

#define FILE_LATENESS_NS (60 * WEIR_NS_PER_S)
#define LIVE_WINDOW_NS   (1 * WEIR_NS_PER_S)
#define LATE_QUERY       "late"

/* The key of anon() from a file of 32 bytes: the same addresses come out in every run. */
static int
read_anon_key(const char *path, struct weir_error *err)
{
	uint8_t key[33];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		return weir_error_run(
		    err, -errno, "--anon-key '%s': cannot be read: %s", path, strerror(errno));
	n = fread(key, 1, sizeof(key), f);
	fclose(f);
	if (n != 32)
		return weir_error_run(err, -EINVAL,
		    "--anon-key '%s': 32 bytes are needed, not %s (head -c 32 /dev/urandom > FILE)",
		    path, n > 32 ? "more" : "less");
	weir_expr_set_anon_key(key);
	return 0;
}

static void
set_defaults(struct weir_plan *p)
{
	const struct weir_command *c = p->command;
	bool has_file = false;

	for (unsigned i = 0; i < c->n_sources; i++)
		p->is_live |= weir_source_is_live(&c->sources[i]);
	for (unsigned i = 0; i < c->n_sources; i++)
		has_file |= c->sources[i].flag == WEIR_SOURCE_FILE;
	/* Interfaces and the generator give packets in order; files are written as it comes. */
	p->lateness_ns = c->lateness_ns >= 0       ? c->lateness_ns
			 : has_file && !p->is_live ? FILE_LATENESS_NS
						   : 0;
	p->overflow = c->overflow;
	p->n_workers = c->n_workers;
	p->default_window = c->default_window;
	if (!c->has_default_window)
		p->default_window =
		    p->is_live ? (struct weir_window){ WEIR_WINDOW_TUMBLING, LIVE_WINDOW_NS }
			       : (struct weir_window){ WEIR_WINDOW_GLOBAL, 0 };
	if (c->has_seed)
		p->seed = c->seed;
	else if (getrandom(&p->seed, sizeof(p->seed), 0) != (ssize_t)sizeof(p->seed))
		p->seed = (uint64_t)weir_now_mono_ns();
}

/* The query of late packets: those that a sink of rows gets show the usual columns. */
static int
add_late(struct weir_plan *p, struct weir_error *err)
{
	static const struct weir_stage_text usual = { WEIR_FLAG_SELECT, WEIR_PACKET_COLUMNS };
	const struct weir_sink_ops *ops;
	const char *target;

	for (unsigned i = 0; i < p->n_queries; i++)
		if (strcmp(p->command->queries[i].name, LATE_QUERY) == 0)
			return weir_error_usage(err,
			    "--late: late packets make a query '%s', and there is one of this name",
			    LATE_QUERY);
	if (p->n_queries == WEIR_QUERIES_MOST)
		return weir_error_usage(
		    err, "--late: at most %d queries are possible", WEIR_QUERIES_MOST);
	if (weir_sink_parse(p->command->late_sink, &ops, &target, err))
		return weir_error_wrap(err, "--late 'sink:%s'", p->command->late_sink);
	p->late.name = LATE_QUERY;
	*(const char **)weir_array_add(&p->late.sinks, &p->late.n_sinks, sizeof(*p->late.sinks)) =
	    p->command->late_sink;
	if (!ops->takes_packets)
		*(struct weir_stage_text *)weir_array_add(
		    &p->late.stages, &p->late.n_stages, sizeof(usual)) = usual;
	p->queries[p->n_queries].text = &p->late;
	p->queries[p->n_queries++].is_late = true;
	return 0;
}

int
weir_plan_build(const struct weir_command *command, bool is_terminal, struct weir_plan **ret,
    struct weir_error *err)
{
	struct weir_plan *p = calloc(1, sizeof(*p));
	int rc = 0;

	if (!p)
		return weir_error_run(err, -ENOMEM, "out of memory");
	p->command = command;
	set_defaults(p);
	if (command->anon_key)
		rc = read_anon_key(command->anon_key, err);
	p->is_terminal = is_terminal;
	p->queries = calloc(WEIR_QUERIES_MOST, sizeof(*p->queries));
	if (!p->queries)
		abort();
	p->n_queries = command->n_queries;
	if (command->late_sink)
		rc = add_late(p, err);
	for (unsigned i = 0; i < command->n_queries; i++)
		p->queries[i].text = &command->queries[i];
	for (unsigned i = 0; i < p->n_queries; i++)
		p->queries[i].is_input = weir_plan_reader(p, i) != NULL;
	for (unsigned i = 0; !rc && i < p->n_queries; i++) {
		if (!p->queries[i].is_built)
			rc = weir_plan_build_query(p, &p->queries[i], err);
		if (rc && command->n_queries > 1)
			weir_error_wrap(err, "query '%s'", p->queries[i].text->name);
	}
	if (!rc)
		rc = weir_push_build(p, err);
	if (rc) {
		weir_plan_destroy(p);
		return rc;
	}
	*ret = p;
	return 0;
}

void
weir_plan_sink_run(
    const struct weir_plan *p, struct weir_source *const *sources, struct weir_sink_run *ret)
{
	const struct weir_command *c = p->command;

	*ret = (struct weir_sink_run){
		.n_workers = p->n_workers,
		.can_wait = !p->is_live,
		.n_sources = c->n_sources,
		.sources = calloc(c->n_sources + 1, sizeof(*ret->sources)),
	};
	if (!ret->sources)
		abort();
	for (unsigned i = 0; i < c->n_sources; i++) {
		ret->sources[i] = (struct weir_sink_source){ c->sources[i].value,
			c->sources[i].flag == WEIR_SOURCE_INTERFACE,
			c->sources[i].first_interface };
		ret->has_views |= !sources || !sources[i]->needs_eal;
	}
}

static void
fini_query(struct weir_plan_query *q)
{
	weir_chain_destroy(q->chain);
	weir_path_destroy(q->path);
	if (q->parts)
		weir_query_parts_fini(q->parts);
	free(q->parts);
	free(q->from);
	free(q->shared_columns);
	free(q->sinks);
	memset(q, 0, sizeof(*q));
}

int
weir_plan_add(
    struct weir_plan *p, const struct weir_command *c, unsigned query, struct weir_error *err)
{
	struct weir_plan_query *q = &p->queries[p->n_queries];
	const struct weir_query_text *text = &c->queries[query];
	int rc;

	for (unsigned i = 0; i < p->n_queries; i++)
		if (!p->queries[i].is_removed && strcmp(p->queries[i].text->name, text->name) == 0)
			return weir_error_usage(
			    err, "--query '%s': there is a query of this name", text->name);
	if (p->n_queries == WEIR_QUERIES_MOST)
		return weir_error_usage(err,
		    "--query '%s': at most %d queries are possible in one run", text->name,
		    WEIR_QUERIES_MOST);
	p->is_running = true;
	q->text = text;
	for (unsigned i = 0; i < c->n_queries; i++)
		q->is_input |= weir_query_reads(&c->queries[i], text->name);
	p->n_queries++;
	rc = weir_plan_build_query(p, q, err);
	if (rc) {
		weir_plan_drop_last(p);
		return weir_error_wrap(err, "query '%s'", text->name);
	}
	for (unsigned i = 0; i + 1 < p->n_queries; i++)
		p->queries[i].is_input |=
		    !p->queries[i].is_removed && weir_query_reads(text, p->queries[i].text->name);
	weir_plan_choose(p, q);
	weir_push_end(p, "queries were added to the run");
	return 0;
}

void
weir_plan_drop_last(struct weir_plan *p)
{
	fini_query(&p->queries[--p->n_queries]);
}

void
weir_plan_destroy(struct weir_plan *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->n_queries; i++)
		fini_query(&p->queries[i]);
	free(p->queries);
	free(p->push);
	free(p->late.stages);
	free(p->late.sinks);
	free(p->prefixes);
	free(p);
}
