/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>
#include <weir/base/number.h>
#include <weir/packet/tunnel.h>
#include <weir/port/job.h>
#include <weir/query/command.h>

static int
check_query_name(const struct weir_command *c, const char *name, struct weir_error *err)
{
	if (!name[0] || strlen(name) > 64)
		return weir_error_usage(
		    err, "--query '%s': a name of 1 to 64 characters is needed", name);
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_-.", *p))
			return weir_error_usage(err,
			    "--query '%s': character '%c' at %u is not allowed in a name "
			    "(letters, digits, _ - . are)",
			    name, *p, (unsigned)(p - name + 1));
	if (c->n_queries == WEIR_QUERIES_MOST)
		return weir_error_usage(
		    err, "--query '%s': at most %d queries are possible", name, WEIR_QUERIES_MOST);
	for (unsigned i = 0; i < c->n_queries; i++)
		if (strcmp(c->queries[i].name, name) == 0)
			return weir_error_usage(
			    err, "--query '%s': this name is taken by query %u", name, i + 1);
	return 0;
}

/* The query that flags belong to now; the first one is made on demand. */
static struct weir_query_text *
current(struct weir_command *c)
{
	struct weir_query_text *q;

	if (c->n_queries)
		return &c->queries[c->n_queries - 1];
	q = weir_array_add(&c->queries, &c->n_queries, sizeof(*q));
	q->name = "main";
	return q;
}

static int
add_query(struct weir_command *c, const char *name, struct weir_error *err)
{
	struct weir_query_text *q;
	int rc = check_query_name(c, name, err);

	if (rc)
		return rc;
	q = weir_array_add(&c->queries, &c->n_queries, sizeof(*q));
	q->name = name;
	return 0;
}

static void
add_source(struct weir_command *c, enum weir_source_flag flag, const char *value)
{
	struct weir_source_config *s = weir_array_add(&c->sources, &c->n_sources, sizeof(*s));

	s->flag = flag;
	s->value = value;
}

static int
read_u64(const char *flag, const char *text, uint64_t least, uint64_t *ret, struct weir_error *err)
{
	uint64_t n;
	int rc = weir_parse_size(text, &n, err);

	if (rc)
		return weir_error_wrap(err, "%s '%s'", flag, text);
	if (n < least)
		return weir_error_usage(
		    err, "%s '%s': at least %llu is needed", flag, text, (unsigned long long)least);
	*ret = n;
	return 0;
}

static int
read_duration(
    const char *flag, const char *text, int64_t least, int64_t *ret, struct weir_error *err)
{
	int64_t ns;
	int rc = weir_parse_duration(text, &ns, err);

	if (rc)
		return weir_error_wrap(err, "%s '%s'", flag, text);
	if (ns < least)
		return weir_error_usage(err, "%s '%s': a longer time is needed", flag, text);
	*ret = ns;
	return 0;
}

/* The words were checked with the option table; this CPU was not. */
static int
read_simd(const char *flag, const char *text, enum weir_simd *ret, struct weir_error *err)
{
	int level = weir_simd_find(text);

	if (level < 0 || !weir_simd_is_usable((enum weir_simd)level))
		return weir_error_usage(err, "%s '%s': this CPU cannot run x86-64-%s (it has %s)",
		    flag, text, text, weir_simd_name(weir_simd_resolve(WEIR_SIMD_AUTO)));
	*ret = (enum weir_simd)level;
	return 0;
}

/* "4" is a number of workers; "2-5,8" their CPUs: "3-3" or "3," is CPU 3. */
static int
read_cores(const char *flag, const char *text, struct weir_command *c, struct weir_error *err)
{
	const char *p = text;

	if (!strpbrk(text, "-,")) {
		uint64_t n = 0;
		int rc = read_u64(flag, text, 1, &n, err);

		if (n > WEIR_WORKERS_MOST)
			rc = weir_error_usage(err, "%s '%s': at most %d workers are possible", flag,
			    text, WEIR_WORKERS_MOST);
		c->n_workers = (unsigned)n;
		return rc;
	}
	while (*p) {
		unsigned long first, last;
		char *end;

		first = last = isdigit((unsigned char)*p) ? strtoul(p, &end, 10) : ULONG_MAX;
		if (first != ULONG_MAX && *end == '-')
			last =
			    isdigit((unsigned char)end[1]) ? strtoul(end + 1, &end, 10) : ULONG_MAX;
		if (first >= CPU_SETSIZE || last >= CPU_SETSIZE || last < first ||
		    (*end && *end != ','))
			return weir_error_usage(err,
			    "%s '%s': at %u: a CPU or an ascending range of CPUs is needed (try "
			    "'2-5,8', or '4' for four workers)",
			    flag, text, (unsigned)(p - text + 1));
		for (; first <= last; first++) {
			for (unsigned i = 0; i < c->n_cpus; i++)
				if (c->cpus[i] == first)
					return weir_error_usage(err,
					    "%s '%s': CPU %lu is given twice", flag, text, first);
			*(unsigned *)weir_array_add(&c->cpus, &c->n_cpus, sizeof(*c->cpus)) =
			    (unsigned)first;
		}
		p = *end ? end + 1 : end;
	}
	if (c->n_cpus > WEIR_WORKERS_MOST)
		return weir_error_usage(
		    err, "%s '%s': at most %d workers are possible", flag, text, WEIR_WORKERS_MOST);
	c->n_workers = c->n_cpus;
	return 0;
}

static int
read_late(const char *flag, const char *text, const char **ret, struct weir_error *err)
{
	*ret = NULL;
	if (strcmp(text, "drop") == 0)
		return 0;
	if (strncmp(text, "sink:", 5) != 0 || !text[5])
		return weir_error_usage(err,
		    "%s '%s': 'drop' or 'sink:URI' is needed (try 'sink:pcapng:late.pcapng')", flag,
		    text);
	*ret = text + 5;
	return 0;
}

static int
take_option(struct weir_command *c, enum weir_flag flag, const char *name, const char *value,
    struct weir_error *err)
{
	int rc;

	switch (flag) {
	case WEIR_FLAG_DEFAULT_WINDOW:
		c->has_default_window = true;
		rc = weir_window_parse(value, &c->default_window, err);
		return rc ? weir_error_wrap(err, "%s '%s'", name, value) : 0;
	case WEIR_FLAG_CORES:
		c->has_cores = true;
		return read_cores(name, value, c, err);
	case WEIR_FLAG_IDLE:
		c->idle = strcmp(value, "spin") == 0        ? WEIR_IDLE_SPIN
			  : strcmp(value, "interrupt") == 0 ? WEIR_IDLE_INTERRUPT
							    : WEIR_IDLE_ADAPTIVE;
		return 0;
	case WEIR_FLAG_LATENESS:
		return read_duration(name, value, 0, &c->lateness_ns, err);
	case WEIR_FLAG_LATE:
		return read_late(name, value, &c->late_sink, err);
	case WEIR_FLAG_FOR:
		return read_duration(name, value, 1, &c->for_ns, err);
	case WEIR_FLAG_DECAP:
		c->decap_text = value;
		rc = weir_tunnels_parse(value, &c->decap, err);
		return rc ? weir_error_wrap(err, "%s '%s'", name, value) : 0;
	case WEIR_FLAG_TABLE_SIZE:
		return read_u64(name, value, 1, &c->table_size, err);
	case WEIR_FLAG_OVERFLOW: /* one of the option's choices */
		return weir_overflow_parse(value, &c->overflow);
	case WEIR_FLAG_PACKETS:
		return read_u64(name, value, 1, &c->packets, err);
	case WEIR_FLAG_SEED:
		c->has_seed = true;
		return read_u64(name, value, 0, &c->seed, err);
	case WEIR_FLAG_SIMD:
		return read_simd(name, value, &c->simd, err);
	case WEIR_FLAG_ANON_KEY:
		c->anon_key = value;
		return 0;
	case WEIR_FLAG_STATS:
		c->stats = value;
		return 0;
	case WEIR_FLAG_LATENCY:
		c->has_latency = true;
		return 0;
	case WEIR_FLAG_PROGRESS:
		c->is_progress_never = strcmp(value, "never") == 0;
		return 0;
	case WEIR_FLAG_PUSH:
		c->is_push_never = strcmp(value, "never") == 0;
		return 0;
	case WEIR_FLAG_NAME:
		c->name = value;
		rc = weir_job_check_name(value, err);
		return rc ? weir_error_wrap(err, "%s '%s'", name, value) : 0;
	case WEIR_FLAG_CONTROL:
		c->is_control_never = strcmp(value, "never") == 0;
		return 0;
	case WEIR_FLAG_USER:
		c->has_user = true;
		return weir_privilege_find(value, &c->user, err);
	case WEIR_FLAG_CLUSTER:
		c->cluster = value;
		return 0;
	case WEIR_FLAG_NODE:
		c->node = value;
		return 0;
	case WEIR_FLAG_WIRE:
		c->wire = value;
		return 0;
	case WEIR_FLAG_SECRET_FILE:
		c->secret_file = value;
		return 0;
	case WEIR_FLAG_INSECURE_WIRE:
		c->is_insecure_wire = true;
		return 0;
	case WEIR_FLAG_EXPLAIN:
		c->is_explain = true;
		return 0;
	case WEIR_FLAG_DRY_RUN:
		c->is_dry_run = true;
		return 0;
	case WEIR_FLAG_QUIET:
		c->is_quiet = true;
		return 0;
	case WEIR_FLAG_LOG:
		for (unsigned i = 0; weir_log_level_name(i); i++)
			if (strcmp(weir_log_level_name(i), value) == 0)
				c->log_level = (enum weir_log_level)i;
		return 0;
	default:
		return weir_error_usage(err, "%s cannot be used here", name);
	}
}

static bool
is_stage(enum weir_flag flag)
{
	switch (flag) {
	case WEIR_FLAG_FROM:
	case WEIR_FLAG_FILTER:
	case WEIR_FLAG_WHERE:
	case WEIR_FLAG_MAP:
	case WEIR_FLAG_SELECT:
	case WEIR_FLAG_KEY:
	case WEIR_FLAG_SPLIT:
	case WEIR_FLAG_WINDOW:
	case WEIR_FLAG_AGG:
	case WEIR_FLAG_FOLD:
	case WEIR_FLAG_JOIN:
	case WEIR_FLAG_EMIT:
	case WEIR_FLAG_TOP:
		return true;
	default:
		return false;
	}
}

static void
add_stage(struct weir_command *c, enum weir_flag flag, const char *text)
{
	struct weir_query_text *q = current(c);
	struct weir_stage_text *stage = weir_array_add(&q->stages, &q->n_stages, sizeof(*stage));

	stage->flag = flag;
	stage->text = text;
}

static int
take_value(struct weir_command *c, const struct weir_option_value *v, enum weir_take_mode *take,
    struct weir_error *err)
{
	enum weir_flag flag = (enum weir_flag)v->option->id;
	struct weir_query_text *q;

	switch (flag) {
	case WEIR_FLAG_READ:
		add_source(c, WEIR_SOURCE_FILE, v->value);
		return 0;
	case WEIR_FLAG_INTERFACE:
		add_source(c, WEIR_SOURCE_INTERFACE, v->value);
		return 0;
	case WEIR_FLAG_SOURCE:
		add_source(c, WEIR_SOURCE_URI, v->value);
		return 0;
	case WEIR_FLAG_TAP:
	case WEIR_FLAG_TAKE:
		if (*take != WEIR_TAKE_AUTO)
			return weir_error_usage(err, "--tap and --take exclude each other");
		*take = flag == WEIR_FLAG_TAP ? WEIR_TAKE_TAP : WEIR_TAKE_TAKE;
		return 0;
	case WEIR_FLAG_QUERY:
		return add_query(c, v->value, err);
	case WEIR_FLAG_SINK:
		q = current(c);
		*(const char **)weir_array_add(&q->sinks, &q->n_sinks, sizeof(*q->sinks)) =
		    v->value;
		return 0;
	default:
		if (!is_stage(flag))
			return take_option(c, flag, v->option->name, v->value, err);
		add_stage(c, flag, v->value);
		return 0;
	}
}

/* One of several hosts: what belongs together. */
static int
check_cluster(const struct weir_command *c, struct weir_error *err)
{
	const char *alone = c->node               ? "--node"
			    : c->wire             ? "--wire"
			    : c->secret_file      ? "--secret-file"
			    : c->is_insecure_wire ? "--insecure-wire"
						  : NULL;

	if (!c->cluster)
		return alone ? weir_error_usage(err,
				   "%s is of a cluster: which one? (try --cluster "
				   "etcd://127.0.0.1:2379/JOB)",
				   alone)
			     : 0;
	if (!c->node)
		return weir_error_usage(
		    err, "--cluster: what is this host's name in it? (try --node a)");
	if (!c->wire)
		return weir_error_usage(err, "--cluster: by which port do its hosts talk? (try "
					     "--wire eth1,ip=192.0.2.1/24)");
	if (!c->secret_file && !c->is_insecure_wire)
		return weir_error_usage(err,
		    "--cluster: --secret-file is needed, as whoever is on the wire could read and "
		    "forge results (--insecure-wire does without)");
	if (c->secret_file && c->is_insecure_wire)
		return weir_error_usage(
		    err, "--secret-file and --insecure-wire exclude each other");
	return 0;
}

int
weir_command_build(
    const struct weir_command_line *line, struct weir_command *ret, struct weir_error *err)
{
	struct weir_command c = { .lateness_ns = -1, .log_level = WEIR_LOG_NOTICE, .n_workers = 1 };
	enum weir_take_mode take = WEIR_TAKE_AUTO;
	bool has_interface = false;
	int rc;

	for (unsigned i = 0; i < line->n_values; i++) {
		rc = take_value(&c, &line->values[i], &take, err);
		if (rc)
			goto fail;
	}
	for (unsigned i = 0; i < c.n_sources; i++) {
		c.sources[i].take = take;
		c.sources[i].n_workers = c.n_workers;
		c.sources[i].wants_interrupts = c.idle == WEIR_IDLE_INTERRUPT;
		c.sources[i].is_dry_run = c.is_dry_run || c.is_explain;
		has_interface |= c.sources[i].flag == WEIR_SOURCE_INTERFACE;
	}
	rc = -EINVAL;
	if (!c.n_sources) {
		weir_error_usage(err, "no source: where should packets come from? "
				      "(try -r FILE, -i INTERFACE or --source gen:mix)");
		goto fail;
	}
	if (take != WEIR_TAKE_AUTO && !has_interface) {
		weir_error_usage(err, "%s needs an interface (-i NAME)",
		    take == WEIR_TAKE_TAP ? "--tap" : "--take");
		goto fail;
	}
	rc = check_cluster(&c, err);
	if (rc)
		goto fail;
	rc = -EINVAL;
	if (c.name && c.is_control_never) {
		weir_error_usage(err, "--name and --control never exclude each other");
		goto fail;
	}
	current(&c);
	c.eal_args = line->rest;
	c.n_eal_args = line->n_rest;
	*ret = c;
	return 0;
fail:
	weir_command_fini(&c);
	return rc;
}

int
weir_command_build_queries(
    const struct weir_command_line *line, struct weir_command *ret, struct weir_error *err)
{
	struct weir_command c = { 0 };
	enum weir_take_mode take = WEIR_TAKE_AUTO;

	if (!line->n_values || line->values[0].option->id != WEIR_FLAG_QUERY)
		return weir_error_usage(
		    err, "a query that is added begins with its name (--query NAME)");
	for (unsigned i = 0; i < line->n_values; i++) {
		const struct weir_option *o = line->values[i].option;
		bool is_of_query = o->id == WEIR_FLAG_QUERY || o->id == WEIR_FLAG_SINK ||
				   is_stage((enum weir_flag)o->id);
		int rc = is_of_query
			     ? take_value(&c, &line->values[i], &take, err)
			     : weir_error_usage(err,
				   "%s is of the whole run: only queries can be added", o->name);

		if (rc) {
			weir_command_fini(&c);
			return rc;
		}
	}
	*ret = c;
	return 0;
}

void
weir_command_fini(struct weir_command *c)
{
	for (unsigned i = 0; i < c->n_queries; i++) {
		free(c->queries[i].stages);
		free(c->queries[i].sinks);
	}
	free(c->queries);
	free(c->cpus);
	free(c->sources);
}
