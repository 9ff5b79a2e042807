/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/file.h>
#include <weir/base/number.h>
#include <weir/base/option.h>
#include <weir/base/time.h>
#include <weir/control/control.h>
#include <weir/port/job.h>

#include "ctl.h"

#define COMMANDS "Commands"
#define OPTIONS  "Options"
#define PAGES    "Pages"

enum flag {
	FLAG_LIST = 1,
	FLAG_STATUS,
	FLAG_STATS,
	FLAG_TOP,
	FLAG_RESULT,
	FLAG_EXPLAIN,
	FLAG_ADD,
	FLAG_REMOVE,
	FLAG_NODES,
	FLAG_SLOTS,
	FLAG_MOVE,
	FLAG_DRAIN,
	FLAG_STOP,
	FLAG_NAME,
	FLAG_JSON,
	FLAG_EVERY,
	FLAG_ONCE,
	FLAG_ROWS,
	FLAG_NO_WAIT,
	FLAG_CLUSTER,
	FLAG_HELP,
	FLAG_VERSION,
	FLAG_MAN,
	FLAG_COMPLETION,
};

static const struct weir_option options[] = {
	{ FLAG_LIST, "list", NULL, COMMANDS, "your running weirs", NULL, false, false },
	{ FLAG_STATUS, "status", NULL, COMMANDS, "rate, delay, throughput; per core and query",
	    NULL, false, false },
	{ FLAG_STATS, "stats", NULL, COMMANDS, "the ledger so far, as JSON", NULL, false, false },
	{ FLAG_TOP, "top", "[QUERY]", COMMANDS, "a live view; with the top rows of a query", NULL,
	    false, false },
	{ FLAG_RESULT, "result", "QUERY", COMMANDS, "rows of its last closed window, as JSON", NULL,
	    false, false },
	{ FLAG_EXPLAIN, "explain", NULL, COMMANDS, "its plan", NULL, false, false },
	{ FLAG_ADD, "add", "[FLAGS]", COMMANDS,
	    "add queries; in quotes or after --, beginning with --query", NULL, false, false },
	{ FLAG_REMOVE, "remove", "QUERY", COMMANDS, "end a query; its open windows are written",
	    NULL, false, false },
	{ FLAG_NODES, "nodes", NULL, COMMANDS, "of its cluster: state, slots, delay, loss", NULL,
	    false, false },
	{ FLAG_SLOTS, "slots", NULL, COMMANDS, "which node owns which slots of the keys", NULL,
	    false, false },
	{ FLAG_MOVE, "move", "SLOTS NODE", COMMANDS, "have a node own slots: 17, or 0-1023", NULL,
	    false, false },
	{ FLAG_DRAIN, "drain", NULL, COMMANDS, "hand over to the other nodes, and end", NULL, false,
	    false },
	{ FLAG_STOP, "stop", NULL, COMMANDS, "drain, flush and end it; and wait until it has ended",
	    NULL, false, false },
	{ FLAG_NAME, "-n", "NAME", OPTIONS, "which run; needed where there are several", NULL,
	    false, false },
	{ FLAG_NAME, "--name", "NAME", OPTIONS, "the same as -n; weir's own word for it", NULL,
	    false, true },
	{ FLAG_JSON, "--json", NULL, OPTIONS, "list, status, nodes, slots: as JSON", NULL, false,
	    false },
	{ FLAG_EVERY, "-d", "TIME", OPTIONS, "between two views of top (1s)", NULL, false, false },
	{ FLAG_ONCE, "--once", NULL, OPTIONS, "one view of top, as text", NULL, false, false },
	{ FLAG_ROWS, "--rows", "N", OPTIONS, "at most so many rows of result", NULL, false, false },
	{ FLAG_NO_WAIT, "--no-wait", NULL, OPTIONS, "stop: do not wait for the end", NULL, false,
	    false },
	{ FLAG_CLUSTER, "--cluster", NULL, OPTIONS, "stats: of all nodes, and their sums", NULL,
	    false, false },
	{ FLAG_HELP, "--help", NULL, PAGES, "print this page", NULL, false, false },
	{ FLAG_VERSION, "--version", NULL, PAGES, "print the version", NULL, false, false },
	{ FLAG_MAN, "--print-man", NULL, PAGES, "print the man page's source", NULL, false, true },
	{ FLAG_COMPLETION, "--print-completion", NULL, PAGES, "print the completion for bash", NULL,
	    false, true },
	{ 0 },
};

static const char *const examples[] = {
	"how the only weir that runs is doing",
	"weir-ctl status",
	"watch the one started with --name border, and the rows of its query syn",
	"weir-ctl -n border top syn",
	"add a query to it",
	"weir-ctl -n border add \"--query dns --filter 'port 53' --key ip.src --agg 'n=count()'\"",
	NULL,
};

static const struct weir_program_help help = {
	.name = "weir-ctl",
	.summary = "talk to running weirs",
	.synopsis = "weir-ctl [-n NAME] COMMAND [options]",
	.examples = examples,
	.description =
	    "Shows what a running weir does, and changes it. A run is reached by the name that it "
	    "was given with --name, or by its process id; without -n the only one is meant. A run "
	    "can be reached once it has lasted 0.2 seconds, and by the user who started it "
	    "alone.\n\n"
	    "The socket is that of DPDK's telemetry, in the folder weir.NAME: dpdk-telemetry.py -f "
	    "weir.NAME sees the same below /weir.\n\n"
	    "In top, q ends it, n and the digits choose a query, + and - the time between two "
	    "views.",
	.options = options,
};

typedef int (*command_fn)(const struct ctl *c, struct weir_error *err);

static command_fn
command_of(int id)
{
	switch ((enum flag)id) {
	case FLAG_LIST:
		return ctl_list;
	case FLAG_STATUS:
		return ctl_status;
	case FLAG_STATS:
		return ctl_stats;
	case FLAG_TOP:
		return ctl_top;
	case FLAG_RESULT:
		return ctl_result;
	case FLAG_EXPLAIN:
		return ctl_explain;
	case FLAG_ADD:
		return ctl_add;
	case FLAG_REMOVE:
		return ctl_remove;
	case FLAG_NODES:
		return ctl_nodes;
	case FLAG_SLOTS:
		return ctl_slots;
	case FLAG_MOVE:
		return ctl_move;
	case FLAG_DRAIN:
		return ctl_drain;
	case FLAG_STOP:
		return ctl_stop;
	default:
		return NULL;
	}
}

/* Pages that need no run. Returns true where one was asked for. */
static bool
print_page(const struct weir_command_line *line)
{
	for (unsigned i = 0; i < line->n_values; i++)
		if (weir_options_print_page(&help, line->values[i].option, stdout))
			return true;
	return false;
}

static int
take_option(struct ctl *c, const struct weir_option_value *v, struct weir_error *err)
{
	const char *name = v->option->name;
	int rc = 0;

	switch ((enum flag)v->option->id) {
	case FLAG_NAME:
		rc = c->name ? weir_error_usage(
				   err, "one name is enough, '%s' is given already", c->name)
			     : weir_job_check_name(v->value, err);
		c->name = v->value;
		break;
	case FLAG_JSON:
		c->is_json = true;
		break;
	case FLAG_EVERY:
		rc = weir_parse_duration(v->value, &c->every_ns, err);
		if (!rc && c->every_ns < WEIR_NS_PER_S / 5)
			rc = weir_error_usage(err, "at least 200ms is needed");
		break;
	case FLAG_ONCE:
		c->is_once = true;
		break;
	case FLAG_ROWS:
		rc = weir_parse_u64(v->value, &c->n_rows, err);
		if (!rc && !c->n_rows)
			rc = weir_error_usage(err, "at least 1 is needed");
		break;
	case FLAG_NO_WAIT:
		c->is_no_wait = true;
		break;
	case FLAG_CLUSTER:
		c->is_cluster = true;
		break;
	default:
		break;
	}
	return rc ? weir_error_wrap(err, "%s '%s'", name, v->value) : 0;
}

#define COMMANDS_MOST 4 /* that have use for an option */

static bool
is_among(int command, const int commands[COMMANDS_MOST])
{
	for (unsigned i = 0; i < COMMANDS_MOST; i++)
		if (commands[i] == command)
			return true;
	return false;
}

/* An option that the command has no use for is a mistake. */
static int
check_option(int command, const struct weir_option *o, struct weir_error *err)
{
	static const struct {
		int option, commands[COMMANDS_MOST];
	} rows[] = {
		{ FLAG_JSON, { FLAG_LIST, FLAG_STATUS, FLAG_NODES, FLAG_SLOTS } },
		{ FLAG_EVERY, { FLAG_TOP, 0 } },
		{ FLAG_ONCE, { FLAG_TOP, 0 } },
		{ FLAG_ROWS, { FLAG_RESULT, FLAG_TOP } },
		{ FLAG_NO_WAIT, { FLAG_STOP, 0 } },
		{ FLAG_CLUSTER, { FLAG_STATS, 0 } },
	};

	if (o->id == FLAG_NAME && command == FLAG_LIST)
		return weir_error_usage(err, "list shows all runs and takes no -n");
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (o->id == rows[i].option && !is_among(command, rows[i].commands))
			return weir_error_usage(
			    err, "%s does not belong to this command (see --help)", o->name);
	return 0;
}

/* The words after "--" as one text that is taken apart into the same again. The caller frees it. */
static char *
join_words(char **words, unsigned n)
{
	struct weir_strbuf b = { 0 };

	for (unsigned i = 0; i < n; i++) {
		weir_strbuf_puts(&b, i ? " '" : "'");
		for (const char *p = words[i]; *p; p++) {
			if (*p == '\'')
				weir_strbuf_puts(&b, "'\\''");
			else
				weir_strbuf_add(&b, p, 1);
		}
		weir_strbuf_puts(&b, "'");
	}
	return b.p;
}

/* As if they had been one argument. The caller frees it. */
static char *
two_words(const char *first, const char *second)
{
	struct weir_strbuf b = { 0 };

	weir_strbuf_printf(&b, "%s %s", first, second);
	return b.p;
}

static int
check_add(const struct weir_command_line *line, const struct weir_option_value *v,
    char **ret_joined, struct weir_error *err)
{
	if (v->option->id != FLAG_ADD) {
		if (line->n_rest)
			return weir_error_usage(
			    err, "'%s': nothing may follow '--' here", line->rest[0]);
		return 0;
	}
	if (!v->value && !line->n_rest)
		return weir_error_usage(err,
		    "add needs the flags of a query (try add '--query NAME --key ip.src --agg "
		    "n=count()')");
	if (v->value && line->n_rest)
		return weir_error_usage(
		    err, "add takes its flags in quotes or after '--', not both");
	if (line->n_rest)
		*ret_joined = join_words(line->rest, line->n_rest);
	return 0;
}

static int
configure(const struct weir_command_line *line, struct ctl *c, command_fn *ret, char **ret_joined,
    struct weir_error *err)
{
	const struct weir_option_value *command = NULL;
	int rc = 0;

	for (unsigned i = 0; i < line->n_values && !rc; i++) {
		const struct weir_option_value *v = &line->values[i];

		if (!command_of(v->option->id)) {
			rc = take_option(c, v, err);
			continue;
		}
		if (command)
			return weir_error_usage(err, "'%s': one command at a time ('%s' is given)",
			    v->option->name, command->option->name);
		command = v;
	}
	if (rc)
		return rc;
	if (!command)
		return weir_error_usage(err, "no command: what should be done? (try status)");
	for (unsigned i = 0; i < line->n_values && !rc; i++)
		rc = check_option(command->option->id, line->values[i].option, err);
	rc = rc ? rc : check_add(line, command, ret_joined, err);
	if (!rc && command->second)
		*ret_joined = two_words(command->value, command->second);
	c->argument = *ret_joined ? *ret_joined : command->value ? command->value : "";
	*ret = command_of(command->option->id);
	return rc;
}

static int
execute(const struct weir_command_line *line, struct weir_error *err)
{
	struct ctl c = { .every_ns = WEIR_NS_PER_S };
	command_fn command = NULL;
	char *joined = NULL;
	int rc = configure(line, &c, &command, &joined, err);

	rc = rc ? rc : command(&c, err);
	free(joined);
	return rc;
}

int
main(int argc, char **argv)
{
	struct weir_command_line line;
	struct weir_error err = { 0 }, e;
	int rc;

	if (argc == 1) {
		weir_options_help(&help, stdout);
		return WEIR_FAIL_USAGE;
	}
	rc = weir_options_parse(options, argc, argv, &line, &err);
	if (!rc) {
		if (!print_page(&line))
			rc = execute(&line, &err);
		weir_command_line_free(&line);
	}
	if (weir_file_finish_stdout(&e) && !rc) {
		rc = e.code;
		err = e;
	}
	if (!rc)
		return 0;
	fprintf(stderr, "weir-ctl: %s\n", err.text);
	return err.fail ? (int)err.fail : WEIR_FAIL_RUN;
}
