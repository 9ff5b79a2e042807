/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>

#include "doctor.h"

static void
add_source(struct command *c, unsigned scope, const char *name, enum weir_take_mode take)
{
	struct weir_doctor_source *s = weir_array_add(&c->sources, &c->n_sources, sizeof(*s));

	*s = (struct weir_doctor_source){ .scope = scope, .name = name, .take = take };
}

static const char *
keep_name(struct command *c, const char *text, size_t len)
{
	char *name = strndup(text, len);

	if (!name)
		abort();
	*(char **)weir_array_add(&c->names, &c->n_names, sizeof(char *)) = name;
	return name;
}

/* "port:eth1,eth2?mac=swap": its options are not the host's. */
static void
add_sink(struct command *c, const char *uri)
{
	const char *names = uri + strlen("port:"), *p;
	const char *name;

	if (strncmp(uri, "port:", 5) != 0)
		return;
	for (p = names; *p && *p != '?';) {
		size_t len = strcspn(p, ",?");

		/* the arguments of a virtual device have commas of their own */
		if (strncmp(p, "vdev:", 5) == 0)
			len = strcspn(p, "?");
		name = keep_name(c, p, len);
		/* DPDK's own names without "vdev:" are of ports that are open already */
		if (len && strncmp(name, "net_", 4) != 0)
			add_source(c, weir_doctor_scope_of(name), name, WEIR_TAKE_AUTO);
		p += len;
		p += *p == ',';
	}
}

static void
add_sources(struct command *c)
{
	for (unsigned i = 0; i < c->command.n_sources; i++) {
		const struct weir_source_config *s = &c->command.sources[i];
		unsigned scope = s->flag == WEIR_SOURCE_FILE        ? WEIR_DOCTOR_FILE
				 : s->flag == WEIR_SOURCE_INTERFACE ? weir_doctor_scope_of(s->value)
								    : WEIR_DOCTOR_OTHER;

		/* options behind the name are of the port's set-up */
		add_source(c, scope,
		    scope & WEIR_DOCTOR_FILE || scope & WEIR_DOCTOR_OTHER
			? s->value
			: keep_name(c, s->value, strcspn(s->value, "?")),
		    s->take);
	}
	for (unsigned i = 0; i < c->plan->n_queries; i++)
		for (unsigned j = 0; j < c->plan->queries[i].n_sinks; j++)
			add_sink(c, c->plan->queries[i].sinks[j]);
}

int
command_read(char **args, unsigned n_args, struct command *ret, struct weir_error *err)
{
	static char name[] = "weir";
	int rc;

	memset(ret, 0, sizeof(*ret));
	if (n_args && strcmp(args[0], name) == 0) {
		args++;
		n_args--;
	}
	if (!n_args)
		return weir_error_usage(
		    err, "--: weir's arguments are to follow, such as '-- -i eth1 --cores 2'");
	ret->argv = calloc(n_args + 2, sizeof(*ret->argv));
	if (!ret->argv)
		abort();
	ret->argv[0] = name;
	memcpy(ret->argv + 1, args, n_args * sizeof(*args));
	rc = weir_options_parse(weir_flags, (int)n_args + 1, ret->argv, &ret->line, err);
	if (!rc) {
		rc = weir_command_build(&ret->line, &ret->command, err);
		ret->is_built = !rc;
	}
	if (!rc)
		rc = weir_plan_build(&ret->command, false, &ret->plan, err);
	if (rc)
		return weir_error_wrap(err, "-- weir");
	add_sources(ret);
	return 0;
}

void
command_free(struct command *c)
{
	weir_plan_destroy(c->plan);
	if (c->is_built)
		weir_command_fini(&c->command);
	weir_command_line_free(&c->line);
	for (unsigned i = 0; i < c->n_names; i++)
		free(c->names[i]);
	free(c->names);
	free(c->sources);
	free(c->argv);
}

void
command_apply(const struct command *c, struct weir_doctor_config *ret)
{
	ret->has_command = true;
	ret->sources = c->sources;
	ret->n_sources = c->n_sources;
	ret->scope = 0;
	for (unsigned i = 0; i < c->n_sources; i++)
		ret->scope |= c->sources[i].scope;
	ret->n_workers = c->command.n_workers;
	ret->cpus = c->command.cpus;
	ret->n_cpus = c->command.n_cpus;
	ret->eal_args = c->command.eal_args;
	ret->n_eal_args = c->command.n_eal_args;
	/* each worker has a table of its own */
	for (unsigned i = 0; i < c->plan->n_queries; i++)
		ret->table_bytes += c->plan->queries[i].table_bytes * c->plan->n_workers;
}
