/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <weir/base/array.h>
#include <weir/base/number.h>
#include <weir/base/time.h>
#include <weir/query/plan.h>

#define FILE_LATENESS_NS (60 * WEIR_NS_PER_S)
#define LIVE_WINDOW_NS   (1 * WEIR_NS_PER_S)
#define TABLE_SIZE_LEAST (UINT64_C(1) << 16)
#define TABLE_SIZE_MOST  (UINT64_C(1) << 28)
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

/* A quarter of the memory for the windows of all queries that may be open at once. */
static uint64_t
default_table_size(const struct weir_plan *p, const struct weir_path *path, uint64_t key_bytes)
{
	uint64_t n_windows = 1, n;

	if (path->window.kind == WEIR_WINDOW_TUMBLING)
		n_windows = (uint64_t)(p->lateness_ns / path->window.size_ns) + 2;
	n = memory_bytes() / 4 / p->command->n_queries / p->n_workers /
	    (n_windows < WINDOWS_MOST ? n_windows : WINDOWS_MOST) / key_bytes;
	if (n < TABLE_SIZE_LEAST)
		n = TABLE_SIZE_LEAST;
	return n > TABLE_SIZE_MOST ? TABLE_SIZE_MOST : n;
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
	spec.table_size = 1;
	key_bytes = weir_group_key_bytes(&spec);
	if (!key_bytes)
		abort();
	q->table_size = p->command->table_size ? p->command->table_size
					       : default_table_size(p, q->path, key_bytes);
	q->table_bytes = q->table_size * key_bytes;
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

/* Does the query make rows of its own accord, so that they must go somewhere? */
static bool
makes_rows(const struct weir_query_text *text)
{
	for (unsigned i = 0; i < text->n_stages; i++)
		if (text->stages[i].flag == WEIR_FLAG_AGG ||
		    text->stages[i].flag == WEIR_FLAG_FOLD ||
		    text->stages[i].flag == WEIR_FLAG_SELECT)
			return true;
	return false;
}

int
weir_plan_path(const struct weir_plan *p, const struct weir_plan_query *q, struct weir_path **ret,
    struct weir_error *err)
{
	return weir_path_build(
	    q->text, q->wants_rows, &p->default_window, p->command->simd, ret, err);
}

static int
build_query(struct weir_plan *p, const struct weir_query_text *text, struct weir_plan_query *q,
    struct weir_error *err)
{
	int rc;

	q->text = text;
	rc = check_sinks(text, q, err);
	if (rc)
		return rc;
	if (!q->wants_rows && (!q->wants_packets || makes_rows(text))) {
		*(const char **)weir_array_add(&q->sinks, &q->n_sinks, sizeof(*q->sinks)) =
		    p->is_terminal ? "table" : "json";
		q->wants_rows = true;
	}
	rc = weir_plan_path(p, q, &q->path, err);
	if (rc)
		return rc;
	if (q->path->has_group)
		size_table(p, q);
	for (unsigned w = 0; w < WEIR_FIELD_WORDS; w++)
		p->needed.word[w] |= q->path->needed.word[w];
	return q->wants_rows ? weir_result_build(q->path, &q->result, err) : 0;
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
		p->is_live |= c->sources[i].flag == WEIR_SOURCE_INTERFACE;
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
	for (unsigned i = 0; !rc && i < command->n_queries; i++) {
		p->n_queries++;
		rc = build_query(p, &command->queries[i], &p->queries[i], err);
		if (rc && command->n_queries > 1)
			weir_error_wrap(err, "query '%s'", command->queries[i].name);
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
	weir_result_destroy(q->result);
	weir_path_destroy(q->path);
	free(q->sinks);
	memset(q, 0, sizeof(*q));
}

int
weir_plan_add(struct weir_plan *p, const struct weir_query_text *text, struct weir_error *err)
{
	struct weir_plan_query *q = &p->queries[p->n_queries];
	int rc;

	for (unsigned i = 0; i < p->n_queries; i++)
		if (!p->queries[i].is_removed && strcmp(p->queries[i].text->name, text->name) == 0)
			return weir_error_usage(
			    err, "--query '%s': there is a query of this name", text->name);
	if (p->n_queries == WEIR_QUERIES_MOST)
		return weir_error_usage(err,
		    "--query '%s': at most %d queries are possible in one run", text->name,
		    WEIR_QUERIES_MOST);
	rc = build_query(p, text, q, err);
	if (rc) {
		fini_query(q);
		return weir_error_wrap(err, "query '%s'", text->name);
	}
	p->n_queries++;
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
	free(p);
}
