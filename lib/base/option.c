/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/base/nearest.h>
#include <weir/base/option.h>
#include <weir/base/strbuf.h>

/* One walk over argv. */
struct parser {
	const struct weir_option *table;
	int argc;
	char **argv;
	int i;                      /* next argument */
	struct weir_command_line c; /* so far */
	struct weir_error *err;
};

static bool
is_short(const char *name)
{
	return name[0] == '-' && name[1] && name[1] != '-' && !name[2];
}

static const struct weir_option *
find(const struct weir_option *table, const char *name, size_t len)
{
	for (; table->name; table++)
		if (strlen(table->name) == len && memcmp(table->name, name, len) == 0)
			return table;
	return NULL;
}

/* A row without dashes is a command: "status", or "result" with the argument "QUERY". */
static bool
is_command(const struct weir_option *o)
{
	return o->name[0] != '-';
}

static bool
has_commands(const struct weir_option *table)
{
	for (; table->name; table++)
		if (is_command(table))
			return true;
	return false;
}

/* The long option that alone begins with this letter: -h for --help. */
static const char *
by_letter(const struct weir_option *table, char letter)
{
	const char *found = NULL;

	for (; table->name; table++) {
		if (is_command(table) || is_short(table->name) ||
		    table->name[2] != tolower((unsigned char)letter))
			continue;
		if (found)
			return NULL;
		found = table->name;
	}
	return found;
}

/* name is what was typed, without a "=value". */
static int
refuse_unknown(struct parser *p, const char *name)
{
	struct weir_nearest n;
	const char *best;
	char *doubled;

	/* -window is meant as --window. */
	if (asprintf(&doubled, "%s%s", name[1] == '-' ? "" : "-", name) < 0)
		return weir_error_run(p->err, -ENOMEM, "out of memory");
	weir_nearest_begin(&n, doubled);
	for (const struct weir_option *o = p->table; o->name; o++)
		if (!is_short(o->name) && !is_command(o))
			weir_nearest_offer(&n, o->name);
	best = is_short(name) ? by_letter(p->table, name[1]) : weir_nearest_get(&n);
	free(doubled);
	if (best)
		return weir_error_usage(p->err, "unknown option '%s' (try '%s')", name, best);
	return weir_error_usage(p->err, "unknown option '%s' (--help lists the options)", name);
}

/* value is none of the option's choices: name the nearest, or all of them. */
static int
refuse_choice(struct parser *p, const struct weir_option *o, const char *value)
{
	struct weir_strbuf list = { 0 };
	struct weir_nearest n;
	char *words = strdup(o->choices), *save = NULL;

	if (!words)
		return weir_error_run(p->err, -ENOMEM, "out of memory");
	weir_nearest_begin(&n, value);
	for (char *w = strtok_r(words, "|", &save); w; w = strtok_r(NULL, "|", &save)) {
		weir_nearest_offer(&n, w);
		weir_strbuf_printf(&list, "%s%s", list.len ? ", " : "", w);
	}
	if (weir_nearest_get(&n))
		weir_error_usage(p->err, "%s '%s': unknown value '%s' (try '%s')", o->name, value,
		    value, weir_nearest_get(&n));
	else
		weir_error_usage(p->err, "%s '%s': unknown value '%s' (one of %s)", o->name, value,
		    value, list.p);
	weir_strbuf_free(&list);
	free(words);
	return -EINVAL;
}

static bool
is_choice(const char *choices, const char *value)
{
	size_t len = strlen(value);

	while (*choices) {
		size_t n = strcspn(choices, "|");

		if (n == len && memcmp(choices, value, n) == 0)
			return true;
		choices += n + (choices[n] == '|');
	}
	return false;
}

static int
keep(struct parser *p, const struct weir_option *o, const char *value, const char *second)
{
	if (!o->is_repeatable)
		for (unsigned i = 0; i < p->c.n_values; i++)
			if (p->c.values[i].option == o)
				return weir_error_usage(p->err, "%s given twice", o->name);
	if (value && o->choices && !is_choice(o->choices, value))
		return refuse_choice(p, o, value);
	p->c.values[p->c.n_values++] = (struct weir_option_value){ o, value, second };
	return 0;
}

/* The argument after an option that needs a value: NULL where it is no value but the next option.
 */
static const char *
next_value(struct parser *p, const struct weir_option *o)
{
	const char *value = p->i < p->argc ? p->argv[p->i] : NULL;
	/* what a command takes may be a command line: add '--query q ...' */
	bool is_text = value && is_command(o) && strchr(value, ' ');

	if (!value || (value[0] == '-' && value[1] == '-' && !is_text))
		return NULL;
	if (is_short(value) && find(p->table, value, 2))
		return NULL;
	p->i++;
	return value;
}

static int
refuse_missing(struct parser *p, const struct weir_option *o)
{
	const char *next = p->i < p->argc ? p->argv[p->i] : NULL;

	/* An expression may begin with two minus signs: show how to write that. */
	if (next && next[0] == '-' && next[1] == '-' && next[2] && !is_short(o->name) &&
	    !find(p->table, next, strcspn(next, "=")))
		return weir_error_usage(p->err,
		    "%s needs a value (%s; if '%s' is it, write %s='%s')", o->name, o->arg, next,
		    o->name, next);
	return weir_error_usage(p->err, "%s needs a value (%s)", o->name, o->arg);
}

/* attached is the value inside the same argument, or NULL. */
static int
take(struct parser *p, const struct weir_option *o, const char *attached)
{
	const char *value = attached, *second = NULL;

	if (!o->arg && attached)
		return weir_error_usage(p->err, "%s takes no value", o->name);
	if (o->arg && !value)
		value = next_value(p, o);
	if (o->arg && !value && o->arg[0] != '[')
		return refuse_missing(p, o);
	if (value && is_command(o) && strchr(o->arg, ' ') && !strchr(value, ' ')) {
		second = next_value(p, o);
		if (!second)
			return weir_error_usage(p->err, "%s '%s': a word is missing behind it (%s)",
			    o->name, value, o->arg);
	}
	return keep(p, o, value, second);
}

static int
parse_long(struct parser *p, const char *arg)
{
	size_t len = strcspn(arg, "=");
	const struct weir_option *o = find(p->table, arg, len);
	char *name;
	int rc;

	if (o)
		return take(p, o, arg[len] ? arg + len + 1 : NULL);
	name = strndup(arg, len);
	if (!name)
		return weir_error_run(p->err, -ENOMEM, "out of memory");
	rc = refuse_unknown(p, name);
	free(name);
	return rc;
}

static int
parse_short(struct parser *p, const char *arg)
{
	const struct weir_option *o = find(p->table, arg, 2);
	size_t len = strcspn(arg, "=");
	char *doubled;
	bool is_long;

	if (!o)
		return parse_long(p, arg); /* unknown: says so */
	if (!arg[2])
		return take(p, o, NULL);
	/* -restore is a misspelt --restore rather than -r with the value "estore". */
	if (asprintf(&doubled, "-%.*s", (int)len, arg) < 0)
		return weir_error_run(p->err, -ENOMEM, "out of memory");
	is_long = find(p->table, doubled, strlen(doubled)) != NULL;
	free(doubled);
	if (is_long)
		return parse_long(p, arg);
	return take(p, o, arg + 2);
}

/* Named like a capture, be it there or not. */
static bool
is_capture_name(const char *name)
{
	static const char *const ends[] = { ".pcap", ".pcapng", ".cap" };
	size_t len = strlen(name);

	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t n = strlen(ends[i]);

		if (len > n && strcmp(name + len - n, ends[i]) == 0)
			return true;
	}
	return false;
}

static bool
is_interface(const char *name)
{
	char path[128];

	return name[0] && !strchr(name, '/') &&
	       snprintf(path, sizeof(path), "/sys/class/net/%s", name) < (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

/* What was probably meant by an argument that belongs to no option. */
static int
refuse_stray(struct parser *p, const char *arg)
{
	const struct weir_option_value *last =
	    p->c.n_values ? &p->c.values[p->c.n_values - 1] : NULL;
	struct weir_strbuf joined = { 0 };
	struct weir_nearest n;
	char *dashed;
	int rc;

	if (find(p->table, "-r", 2) && arg[0] && (access(arg, F_OK) == 0 || is_capture_name(arg)))
		return weir_error_usage(p->err, "unexpected argument '%s' (try '-r %s')", arg, arg);
	if (find(p->table, "-i", 2) && is_interface(arg))
		return weir_error_usage(p->err, "unexpected argument '%s' (try '-i %s')", arg, arg);
	/* --filter tcp port 80: the quotes are missing. */
	if (last && last->value && !last->option->choices && !is_short(last->option->name) &&
	    p->argv[p->i - 2] == last->value) {
		weir_strbuf_printf(&joined, "%s '%s %s", last->option->name, last->value, arg);
		for (int i = p->i; i < p->argc && p->argv[i][0] != '-'; i++)
			weir_strbuf_printf(&joined, " %s", p->argv[i]);
		rc = weir_error_usage(p->err, "unexpected argument '%s' (try %s')", arg, joined.p);
		weir_strbuf_free(&joined);
		return rc;
	}
	if (asprintf(&dashed, "--%s", arg) < 0)
		return weir_error_run(p->err, -ENOMEM, "out of memory");
	weir_nearest_begin(&n, dashed);
	for (const struct weir_option *o = p->table; o->name; o++)
		if (!is_short(o->name))
			weir_nearest_offer(&n, o->name);
	if (arg[0] && weir_nearest_get(&n))
		rc = weir_error_usage(
		    p->err, "unexpected argument '%s' (try '%s')", arg, weir_nearest_get(&n));
	else
		rc = weir_error_usage(
		    p->err, "unexpected argument '%s' (--help lists the options)", arg);
	free(dashed);
	return rc;
}

static int
parse_command(struct parser *p, const char *arg)
{
	const struct weir_option *o = find(p->table, arg, strlen(arg));
	struct weir_nearest n;

	if (o && is_command(o))
		return take(p, o, NULL);
	weir_nearest_begin(&n, arg);
	for (o = p->table; o->name; o++)
		if (is_command(o))
			weir_nearest_offer(&n, o->name);
	if (weir_nearest_get(&n))
		return weir_error_usage(
		    p->err, "unknown command '%s' (try '%s')", arg, weir_nearest_get(&n));
	return weir_error_usage(p->err, "unknown command '%s' (--help lists them)", arg);
}

static int
parse_one(struct parser *p)
{
	const char *arg = p->argv[p->i++];

	if (arg[0] == '-' && arg[1] == '-')
		return parse_long(p, arg);
	if (arg[0] == '-' && arg[1])
		return parse_short(p, arg);
	if (has_commands(p->table))
		return parse_command(p, arg);
	return refuse_stray(p, arg);
}

int
weir_options_parse(const struct weir_option *table, int argc, char **argv,
    struct weir_command_line *ret, struct weir_error *err)
{
	struct parser p = { .table = table, .argc = argc, .argv = argv, .i = 1, .err = err };
	int rc;

	p.c.values = calloc(argc > 0 ? (size_t)argc : 1, sizeof(*p.c.values));
	if (!p.c.values)
		return weir_error_run(err, -ENOMEM, "out of memory");
	while (p.i < argc) {
		if (strcmp(argv[p.i], "--") == 0) {
			p.c.rest = argv + p.i + 1;
			p.c.n_rest = (unsigned)(argc - p.i - 1);
			break;
		}
		rc = parse_one(&p);
		if (rc) {
			weir_command_line_free(&p.c);
			return rc;
		}
	}
	*ret = p.c;
	return 0;
}

void
weir_command_line_free(struct weir_command_line *c)
{
	free(c->values);
	memset(c, 0, sizeof(*c));
}
