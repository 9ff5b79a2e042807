/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <weir/base/array.h>
#include <weir/base/nearest.h>
#include <weir/base/number.h>
#include <weir/base/time.h>
#include <weir/query/plan.h>

#include <weir/query/early.h>

#include "join.h"
#include "parts.h"
#include "scope.h"
#include "share.h"

#define FILE_LATENESS_NS (60 * WEIR_NS_PER_S)
#define LIVE_WINDOW_NS   (1 * WEIR_NS_PER_S)
#define TABLE_SIZE_LEAST (UINT64_C(1) << 16)
#define TABLE_SIZE_MOST  (UINT64_C(1) << 28)
#define LATE_QUERY       "late"
#define WINDOWS_MOST     64 /* open at once, that are thought to be full */

/* The machine's, or what a control group leaves of it. */
static uint64_t
memory_bytes(void)
{
	uint64_t bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	FILE *f = fopen("/sys/fs/cgroup/memory.max", "r");
	unsigned long long max;

	if (f && fscanf(f, "%llu", &max) == 1 && max < bytes)
		bytes = max;
	if (f)
		fclose(f);
	return bytes;
}

/*
 * The windows that may be open at once. Of a sliding one, to the panes that wait for late rows come
 * those that wait for their windows to end. The others hold all groups in one table.
 */
static uint64_t
windows_at_once(const struct weir_window *w, int64_t lateness_ns)
{
	int64_t pane_ns = weir_window_pane_ns(w);

	if (!pane_ns)
		return 1;
	return (uint64_t)(lateness_ns / pane_ns) + 2 +
	       (w->kind == WEIR_WINDOW_SLIDING ? (uint64_t)(w->size_ns / pane_ns) : 0);
}

/* A quarter of the memory for the windows of all queries that may be open at once. */
static uint64_t
default_table_size(const struct weir_plan *p, const struct weir_window *window, uint64_t key_bytes)
{
	uint64_t n_windows = windows_at_once(window, p->lateness_ns), n;

	n = memory_bytes() / 4 / p->command->n_queries / p->n_workers /
	    (n_windows < WINDOWS_MOST ? n_windows : WINDOWS_MOST) / key_bytes;
	if (n < TABLE_SIZE_LEAST)
		n = TABLE_SIZE_LEAST;
	return n > TABLE_SIZE_MOST ? TABLE_SIZE_MOST : n;
}

/* Most keys that a table of this spec takes. */
static uint64_t
size_of_table(const struct weir_plan *p, struct weir_group_spec *spec, uint64_t *ret_key_bytes)
{
	spec->table_size = 1;
	*ret_key_bytes = weir_group_key_bytes(spec);
	if (!*ret_key_bytes)
		abort();
	return p->command->table_size ? p->command->table_size
				      : default_table_size(p, &spec->window, *ret_key_bytes);
}

void
weir_plan_group_spec(
    const struct weir_plan *p, const struct weir_plan_query *q, struct weir_group_spec *ret)
{
	weir_path_group_spec(q->path, ret);
	ret->lateness_ns = p->lateness_ns;
	ret->table_size = q->table_size;
	ret->overflow = p->overflow;
	ret->seed = p->seed;
}

static void
size_table(struct weir_plan *p, struct weir_plan_query *q)
{
	struct weir_group_spec spec;
	uint64_t key_bytes;

	weir_plan_group_spec(p, q, &spec);
	q->table_size = size_of_table(p, &spec, &key_bytes);
	q->table_bytes = q->table_size * key_bytes;
}

void
weir_plan_segment_spec(const struct weir_plan *p, const struct weir_plan_query *q, unsigned segment,
    struct weir_group_spec *ret)
{
	const struct weir_segment *s = &q->chain->segments[segment];
	uint64_t key_bytes;

	weir_path_group_spec(s->path, ret);
	if (!s->has_window)
		ret->window = (struct weir_window){ .kind = WEIR_WINDOW_GLOBAL };
	ret->lateness_ns = 0; /* rows come in the order of their windows */
	ret->overflow = p->overflow;
	ret->seed = p->seed;
	ret->table_size = size_of_table(p, ret, &key_bytes);
}

void
weir_plan_held_spec(
    const struct weir_plan *p, const struct weir_plan_query *q, struct weir_group_spec *ret)
{
	*ret = (struct weir_group_spec){
		.window = q->chain->held,
		.lateness_ns = p->lateness_ns,
	};
}

const char *
weir_plan_table_text(
    const struct weir_plan *p, const struct weir_plan_query *q, char *buf, unsigned size)
{
	static const char *const full[] = {
		[WEIR_OVERFLOW_DROP] = "new keys are dropped",
		[WEIR_OVERFLOW_EVICT] = "small groups make room",
		[WEIR_OVERFLOW_SAMPLE] = "a sample of the keys is kept",
	};
	char bytes[32];

	snprintf(buf, size, "at most %llu keys a window%s, up to %sB; when it is full %s",
	    (unsigned long long)q->table_size, p->command->table_size ? "" : " (by memory)",
	    weir_text_count((double)q->table_bytes, bytes, sizeof(bytes)), full[p->overflow]);
	return buf;
}

static int
check_sinks(const struct weir_query_text *text, struct weir_plan_query *q, struct weir_error *err)
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
		q->wants_packets |= ops->takes_packets;
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

static int build_query(struct weir_plan *p, struct weir_plan_query *q, struct weir_error *err);

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
	rc = q->is_built ? 0 : build_query(p, q, err);
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
	int rc = check_sinks(q->text, q, err);

	if (rc)
		return rc;
	if (!q->is_input && !q->wants_rows && (!q->wants_packets || makes_rows(q->text))) {
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
	if (q->wants_packets && (q->parts->from || q->parts->hands_over))
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
			size_table(p, q);
	}
	rc = q->wants_rows ? build_chain(p, q, err) : 0;
	if (!rc && q->path && q->path->is_early)
		rc = weir_early_check(q, err);
	for (unsigned w = 0; q->path && w < WEIR_FIELD_WORDS; w++)
		p->needed.word[w] |= q->path->needed.word[w];
	return rc;
}

static int
build_query(struct weir_plan *p, struct weir_plan_query *q, struct weir_error *err)
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

static bool
reads(const struct weir_query_text *text, const char *name)
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
		    reads(p->queries[i].text, p->queries[query].text->name))
			return &p->queries[i];
	return NULL;
}

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
			rc = build_query(p, &p->queries[i], err);
		if (rc && command->n_queries > 1)
			weir_error_wrap(err, "query '%s'", p->queries[i].text->name);
	}
	if (rc) {
		weir_plan_destroy(p);
		return rc;
	}
	*ret = p;
	return 0;
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
		q->is_input |= reads(&c->queries[i], text->name);
	p->n_queries++;
	rc = build_query(p, q, err);
	if (rc) {
		weir_plan_drop_last(p);
		return weir_error_wrap(err, "query '%s'", text->name);
	}
	for (unsigned i = 0; i + 1 < p->n_queries; i++)
		p->queries[i].is_input |=
		    !p->queries[i].is_removed && reads(text, p->queries[i].text->name);
	weir_plan_choose(p, q);
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
	free(p->late.stages);
	free(p->late.sinks);
	free(p->prefixes);
	free(p);
}
