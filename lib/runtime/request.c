/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/log.h>
#include <weir/base/nearest.h>
#include <weir/base/number.h>
#include <weir/base/strbuf.h>
#include <weir/base/time.h>
#include <weir/runtime/hosts.h>
#include <weir/sink/json_rows.h>

#include "account.h"
#include "request.h"
#include "span.h"

#define ROWS_DEFAULT 1000 /* of a result, where nobody says how many */

int
weir_requests_init(struct weir_requests *r, struct weir_workers *all, struct weir_flow *flow,
    struct weir_delivery *delivery, struct weir_error *err)
{
	*r = (struct weir_requests){ .all = all, .flow = flow, .delivery = delivery };
	r->n_ended = calloc(WEIR_QUERIES_MOST, sizeof(*r->n_ended));
	if (!r->n_ended || weir_status_init(&r->status, all, flow, delivery))
		return weir_error_run(err, -ENOMEM, "out of memory");
	return 0;
}

void
weir_requests_fini(struct weir_requests *r)
{
	while (r->added) {
		struct weir_added_text *next = r->added->next;

		weir_command_fini(&r->added->command);
		free(r->added->words);
		free(r->added);
		r->added = next;
	}
	free(r->n_ended);
	if (r->all)
		weir_status_fini(&r->status);
}

static struct weir_plan *
plan_of(const struct weir_requests *r)
{
	return r->all->config->plan;
}

/* The number of a query that runs, or -1 and an error with the nearest name. */
static int
find_query(const struct weir_requests *r, const char *name, struct weir_error *err)
{
	const struct weir_plan *plan = plan_of(r);
	struct weir_nearest nearest;
	const char *word;

	weir_nearest_begin(&nearest, name);
	for (unsigned i = 0; i < plan->n_queries; i++) {
		if (plan->queries[i].is_removed)
			continue;
		if (strcmp(plan->queries[i].text->name, name) == 0)
			return (int)i;
		weir_nearest_offer(&nearest, plan->queries[i].text->name);
	}
	word = weir_nearest_get(&nearest);
	if (word)
		weir_error_usage(err, "there is no query '%s' (try '%s')", name, word);
	else
		weir_error_usage(err, "there is no query '%s'", name);
	return -1;
}

static json_t *
stats(const struct weir_requests *r, const char *argument, struct weir_error *err)
{
	struct weir_ledger l;
	json_t *o;

	if (argument[0] && strcmp(argument, "cluster") != 0) {
		weir_error_usage(err, "stats of '%s'? (try cluster, or nothing)", argument);
		return NULL;
	}
	if (argument[0] && !r->flow->span) {
		weir_error_usage(err, "this weir is in no cluster (--cluster)");
		return NULL;
	}
	weir_account(r->all, r->flow, r->delivery, true, weir_now_mono_ns(), &l);
	o = argument[0] ? weir_span_ledgers(r->flow->span, &l) : weir_ledger_json(&l);
	weir_ledger_fini(&l);
	return o;
}

/* The first rows of a block as the json sink writes them, or NULL. */
static json_t *
lines(const struct weir_block *rows, uint64_t most, struct weir_error *err)
{
	struct weir_json_rows j = { 0 };
	struct weir_strbuf b = { 0 };
	json_t *list;

	if (weir_json_rows_begin(&j, rows)) {
		weir_error_run(err, -ENOMEM, "out of memory");
		return NULL;
	}
	list = json_array();
	for (uint32_t row = 0; row < rows->n_rows && row < most; row++) {
		b.len = 0;
		weir_json_rows_put(&j, row, &b);
		json_array_append_new(list, json_stringn(b.p, b.len));
	}
	weir_strbuf_free(&b);
	weir_json_rows_fini(&j);
	return list;
}

/* "QUERY" or "QUERY,N". */
static json_t *
result(const struct weir_requests *r, const char *argument, struct weir_error *err)
{
	char *name = strndup(argument, strcspn(argument, ","));
	const char *comma = strchr(argument, ',');
	json_t *o, *list;
	uint64_t most = ROWS_DEFAULT;
	const struct weir_block *last;
	int query;

	if (!name)
		abort();
	if (comma && weir_parse_size(comma + 1, &most, err)) {
		free(name);
		return NULL;
	}
	query = find_query(r, name, err);
	free(name);
	if (query < 0)
		return NULL;
	last = r->delivery->outlets[query].last;
	list = last ? lines(last, most, err) : json_array();
	if (!list)
		return NULL;
	o = json_object();
	json_object_set_new(o, "query", json_string(plan_of(r)->queries[query].text->name));
	json_object_set_new(o, "rows", json_integer(last ? last->n_rows : 0));
	json_object_set_new(o, "lines", list);
	return o;
}

static json_t *
explain(const struct weir_requests *r, struct weir_error *err)
{
	const struct weir_run_config *config = r->all->config;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	json_t *o;

	if (!f) {
		weir_error_run(err, -ENOMEM, "out of memory");
		return NULL;
	}
	weir_plan_explain(plan_of(r), config->sources, config->placement->why, f);
	weir_hosts_explain(plan_of(r), f);
	fclose(f);
	o = json_stringn(text, len);
	free(text);
	return o;
}

/* What is added may use packets that the queries so far could not. */
static int
take_all(const struct weir_requests *r, struct weir_error *err)
{
	const struct weir_run_config *config = r->all->config;

	for (unsigned i = 0; i < config->n_sources; i++) {
		struct weir_source *s = config->sources[i];
		int rc = s->ops->take_all ? s->ops->take_all(s) : 0;

		if (rc)
			return weir_error_run(
			    err, rc, "%s: cannot be taken whole: %s", s->name, strerror(-rc));
	}
	return 0;
}

/* Add the queries of a command one by one; those before one that fails stay. */
static int
add_queries(struct weir_requests *r, const struct weir_command *c, struct weir_error *err)
{
	struct weir_plan *plan = plan_of(r);

	if (take_all(r, err))
		return err->code;
	for (unsigned i = 0; i < c->n_queries; i++) {
		int rc = weir_plan_add(plan, c, i, err);

		if (rc)
			return rc;
		rc = weir_delivery_add(r->delivery, err);
		if (!rc)
			rc = weir_flow_add(r->flow, err);
		if (!rc)
			rc = weir_workers_add(r->all, err);
		if (rc) {
			weir_flow_drop_last(r->flow);
			weir_delivery_drop_last(r->delivery);
			weir_plan_drop_last(plan);
			return rc;
		}
		weir_log(WEIR_LOG_NOTICE, "query %s: added", c->queries[i].name);
	}
	return 0;
}

/* argv as the parser wants it: a program's name first. */
static int
parse(struct weir_added_text *t, const char *flags, struct weir_error *err)
{
	struct weir_command_line parsed;
	unsigned n;
	char **argv;
	int rc = weir_control_words(flags, &t->words, &n, err);

	if (rc)
		return rc;
	argv = calloc((size_t)n + 2, sizeof(*argv));
	if (!argv)
		abort();
	argv[0] = t->words[0];
	memcpy(argv + 1, t->words, n * sizeof(*argv));
	rc = weir_options_parse(weir_flags, (int)n + 1, argv, &parsed, err);
	free(argv);
	if (rc)
		return rc;
	rc = weir_command_build_queries(&parsed, &t->command, err);
	weir_command_line_free(&parsed);
	return rc;
}

static json_t *
add(struct weir_requests *r, const char *flags, struct weir_error *err)
{
	struct weir_added_text *t = calloc(1, sizeof(*t));
	struct weir_strbuf b = { 0 };
	json_t *said;

	if (!t)
		abort();
	/* Kept from now on: some of its queries may run even where another failed. */
	t->next = r->added;
	r->added = t;
	if (parse(t, flags, err) || add_queries(r, &t->command, err))
		return NULL;
	weir_strbuf_puts(&b, "added");
	for (unsigned i = 0; i < t->command.n_queries; i++)
		weir_strbuf_printf(&b, "%s %s", i ? "," : "", t->command.queries[i].name);
	said = json_stringn(b.p, b.len);
	weir_strbuf_free(&b);
	return said;
}

/* End a query: what it has still goes out. One whose groups others share goes on for these. */
static int
end_query(struct weir_requests *r, unsigned query, struct weir_error *err)
{
	struct weir_plan *plan = plan_of(r);
	struct weir_plan_query *q = &plan->queries[query], *other = &plan->queries[q->shared_with];
	int rc = 0;

	if (q->is_shared && other->is_removed && other->n_sharing == 1)
		rc = weir_workers_remove(r->all, q->shared_with, err);
	else if (q->path && !q->is_shared && !q->n_sharing)
		rc = weir_workers_remove(r->all, query, err);
	if (rc)
		return rc;
	if (!q->path || q->is_shared)
		weir_flow_end_query(r->flow, query);
	r->flow->nodes[query].is_silent = q->n_sharing > 0;
	other->n_sharing -= q->is_shared;
	q->is_removed = true;
	return 0;
}

static json_t *
remove_query(struct weir_requests *r, const char *name, struct weir_error *err)
{
	struct weir_plan *plan = plan_of(r);
	const struct weir_plan_query *reader;
	unsigned n = 0;
	int query = find_query(r, name, err);

	if (query < 0)
		return NULL;
	for (unsigned i = 0; i < plan->n_queries; i++)
		n += !plan->queries[i].is_removed;
	if (n == 1) {
		weir_error_usage(err, "query '%s' is the last one: use stop to end the run", name);
		return NULL;
	}
	reader = weir_plan_reader(plan, (unsigned)query);
	if (reader) {
		weir_error_usage(err, "query '%s' takes rows of '%s': remove it first",
		    reader->text->name, name);
		return NULL;
	}
	if (end_query(r, (unsigned)query, err))
		return NULL;
	weir_log(WEIR_LOG_NOTICE, "query %s: removed", name);
	return json_sprintf("removed %s", name);
}

bool
weir_requests_note_end(struct weir_requests *r, unsigned query)
{
	return ++r->n_ended[query] == r->all->n;
}

static bool
is_of_cluster(enum weir_control_command command)
{
	return command == WEIR_CONTROL_NODES || command == WEIR_CONTROL_SLOTS ||
	       command == WEIR_CONTROL_MOVE || command == WEIR_CONTROL_DRAIN;
}

static json_t *
cluster(struct weir_requests *r, enum weir_control_command command, const char *argument,
    struct weir_error *err)
{
	struct weir_span *span = r->flow->span;

	if (!span) {
		weir_error_usage(err, "this weir is in no cluster (--cluster)");
		return NULL;
	}
	if (command == WEIR_CONTROL_NODES)
		return weir_span_nodes(span);
	if (command == WEIR_CONTROL_SLOTS)
		return weir_span_slots(span);
	if (command == WEIR_CONTROL_MOVE)
		return weir_span_move(span, argument, err) ? NULL : json_string("will be moved");
	if (weir_span_drain(span, err))
		return NULL;
	r->wants_stop = true;
	return json_string("draining: its slots go to other nodes");
}

json_t *
weir_requests_answer(
    void *ctx, enum weir_control_command command, const char *argument, struct weir_error *err)
{
	struct weir_requests *r = ctx;

	if (r->flow->span && (command == WEIR_CONTROL_ADD || command == WEIR_CONTROL_REMOVE)) {
		weir_error_usage(err, "the queries of a cluster stay as they are on all its nodes");
		return NULL;
	}
	if (r->is_delivering && (command == WEIR_CONTROL_ADD || command == WEIR_CONTROL_REMOVE)) {
		weir_error_run(err, -EAGAIN,
		    "rows wait for a slow reader, and queries stay as they are meanwhile: try "
		    "again");
		return NULL;
	}
	if (is_of_cluster(command))
		return cluster(r, command, argument, err);
	switch (command) {
	case WEIR_CONTROL_STATUS:
		return weir_status_json(&r->status);
	case WEIR_CONTROL_STATS:
		return stats(r, argument, err);
	case WEIR_CONTROL_RESULT:
		return result(r, argument, err);
	case WEIR_CONTROL_EXPLAIN:
		return explain(r, err);
	case WEIR_CONTROL_ADD:
		return add(r, argument, err);
	case WEIR_CONTROL_REMOVE:
		return remove_query(r, argument, err);
	case WEIR_CONTROL_STOP:
		r->wants_stop = true;
		return json_string("draining");
	default:
		break;
	}
	weir_error_usage(err, "there is no such command");
	return NULL;
}
