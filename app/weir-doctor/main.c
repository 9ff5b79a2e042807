/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/file.h>
#include <weir/base/option.h>

#include "doctor.h"

enum flag {
	FLAG_INTERFACE = 1,
	FLAG_FILE,
	FLAG_JSON,
	FLAG_FIX,
	FLAG_YES,
	FLAG_ROOT,
	FLAG_HELP,
	FLAG_VERSION,
	FLAG_MAN,
	FLAG_COMPLETION,
};

static const struct weir_option options[] = {
	{ .id = FLAG_INTERFACE,
	    .name = "-i",
	    .arg = "NAME",
	    .group = "Limits",
	    .help = "only what this interface, PCI address or vdev: needs" },
	{ .id = FLAG_FILE,
	    .name = "-r",
	    .arg = "FILE",
	    .group = "Limits",
	    .help = "only what reading this capture file needs" },
	{ .id = FLAG_JSON,
	    .name = "--json",
	    .group = "Output",
	    .help = "print one JSON document instead of the table" },
	{ .id = FLAG_FIX,
	    .name = "--fix",
	    .group = "Mending",
	    .help = "do what is safe of it, each asked for; never binds a NIC" },
	{ .id = FLAG_YES, .name = "--yes", .group = "Mending", .help = "do not ask" },
	{ .id = FLAG_ROOT,
	    .name = "--root",
	    .arg = "DIR",
	    .group = "Limits",
	    .help = "look at /sys, /proc, /dev and so on under this folder, of another host",
	    .is_hidden = true },
	{ .id = FLAG_HELP, .name = "--help", .group = "Output", .help = "print this page" },
	{ .id = FLAG_VERSION, .name = "--version", .group = "Output", .help = "print the version" },
	{ .id = FLAG_MAN,
	    .name = "--print-man",
	    .group = "Output",
	    .help = "print the man page's source",
	    .is_hidden = true },
	{ .id = FLAG_COMPLETION,
	    .name = "--print-completion",
	    .group = "Output",
	    .help = "print the completion for bash",
	    .is_hidden = true },
	{ 0 },
};

static const char *const examples[] = {
	"what this host is ready for",
	"weir-doctor",
	"what stands in the way of reading a mirror port",
	"sudo weir-doctor -i eth1",
	"what a command line takes: hugepages by node, rights, cores",
	"weir-doctor -- -i 0000:03:00.0 --cores 2-3 --key ip.src --agg 'n=count()'",
	"mend what can be mended safely, after asking",
	"sudo weir-doctor --fix",
	NULL,
};

static const struct weir_program_help help = {
	.name = "weir-doctor",
	.summary = "check whether a host is ready for weir, and how to mend it",
	.synopsis = "weir-doctor [options] [-- ARGUMENTS OF WEIR]",
	.examples = examples,
	.description =
	    "Looks at the CPU, memory, rights, interfaces, NICs, containers and libraries of this "
	    "host, and prints of each what it found and, where something can be better, why it "
	    "matters and the exact command that mends it. Behind --, it takes the arguments of "
	    "weir, and looks at what that command line takes of the host.\n\n"
	    "It changes nothing itself but with --fix, which does what is safe of it after asking: "
	    "hugepages, hugetlbfs, modules, interfaces that are down, the governor, transparent "
	    "hugepages, the BPF compiler. A restart undoes all of them. It never binds a NIC.\n\n"
	    "The exit status is 0 where nothing is in the way, 1 where something makes weir "
	    "unusable (for the source that was named, if one was) or could not be mended, and 2 "
	    "where the command line is wrong.",
	.options = options,
};

/* What was asked for. */
struct task {
	struct weir_doctor_config config;
	struct weir_doctor_source source; /* of -i or -r */
	struct command command;           /* behind "--" */
	bool is_json, is_fix, is_yes, is_done;
};

static int
name_source(struct task *t, const struct weir_option_value *v, struct weir_error *err)
{
	bool is_file = v->option->id == FLAG_FILE;

	if (t->config.n_sources)
		return weir_error_usage(err,
		    "%s '%s': one source at a time (there is '%s' already; several go behind '--')",
		    v->option->name, v->value, t->source.name);
	if (!v->value[0])
		return weir_error_usage(err, "%s '': name a source", v->option->name);
	t->source.name = v->value;
	t->source.scope = is_file ? WEIR_DOCTOR_FILE : weir_doctor_scope_of(v->value);
	t->config.scope = t->source.scope;
	t->config.sources = &t->source;
	t->config.n_sources = 1;
	return 0;
}

static int
take_option(struct task *t, const struct weir_option_value *v, struct weir_error *err)
{
	switch (v->option->id) {
	case FLAG_JSON:
		t->is_json = true;
		return 0;
	case FLAG_FIX:
		t->is_fix = true;
		return 0;
	case FLAG_YES:
		t->is_yes = true;
		return 0;
	case FLAG_ROOT:
		t->config.root = v->value;
		return 0;
	default:
		return name_source(t, v, err);
	}
}

static int
configure(const struct weir_command_line *line, struct task *t, struct weir_error *err)
{
	int rc;

	for (unsigned i = 0; i < line->n_values; i++) {
		/* A page needs no look at the host. */
		if (weir_options_print_page(&help, line->values[i].option, stdout)) {
			t->is_done = true;
			return 0;
		}
		rc = take_option(t, &line->values[i], err);
		if (rc)
			return rc;
	}
	if (t->is_yes && !t->is_fix)
		return weir_error_usage(err, "--yes: there is nothing to say yes to (try --fix)");
	if (!line->rest)
		return 0;
	if (t->config.n_sources)
		return weir_error_usage(
		    err, "'%s': name sources behind '--' or before it, not both", t->source.name);
	rc = command_read(line->rest, line->n_rest, &t->command, err);
	if (!rc)
		command_apply(&t->command, &t->config);
	return rc;
}

/* The exit status: what was printed must have got out, too. */
static int
finish(bool is_well)
{
	struct weir_error err;

	if (weir_file_finish_stdout(&err)) {
		fprintf(stderr, "weir-doctor: %s\n", err.text);
		return WEIR_FAIL_RUN;
	}
	return is_well ? 0 : WEIR_FAIL_RUN;
}

static int
examine(const struct task *t)
{
	struct weir_fix_result *fixes = NULL;
	struct weir_report report;
	unsigned n_fixes = 0;
	bool is_well = true;

	weir_doctor_examine(&t->config, &report);
	if (t->is_fix) {
		n_fixes = mend_findings(&report, t->config.root, t->is_yes, &fixes);
		weir_report_free(&report);
		weir_doctor_examine(&t->config, &report);
	}
	if (t->is_json)
		weir_report_json(&report, fixes, n_fixes, stdout);
	else
		weir_report_table(&report, stdout);
	for (unsigned i = 0; i < n_fixes; i++) {
		is_well &= !fixes[i].error;
		free(fixes[i].mend);
		free(fixes[i].error);
	}
	free(fixes);
	is_well &= weir_report_is_usable(&report);
	weir_report_free(&report);
	return finish(is_well);
}

int
main(int argc, char **argv)
{
	struct task t = { .config = { .scope = WEIR_DOCTOR_ALL, .root = "" } };
	struct weir_command_line line = { 0 };
	struct weir_error err = { 0 };
	int rc = weir_options_parse(options, argc, argv, &line, &err);

	if (!rc)
		rc = configure(&line, &t, &err);
	if (rc) {
		fprintf(stderr, "weir-doctor: %s\n", err.text);
		rc = (int)err.fail;
	} else {
		rc = t.is_done ? finish(true) : examine(&t);
	}
	command_free(&t.command);
	weir_command_line_free(&line);
	return rc;
}
