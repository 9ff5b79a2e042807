/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include <weir/base/file.h>
#include <weir/base/option.h>
#include <weir/doctor/doctor.h>

enum flag {
	FLAG_INTERFACE = 1,
	FLAG_FILE,
	FLAG_JSON,
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
	"for a program to read",
	"weir-doctor --json",
	NULL,
};

static const struct weir_program_help help = {
	.name = "weir-doctor",
	.summary = "check whether a host is ready for weir, and how to mend it",
	.synopsis = "weir-doctor [options]",
	.examples = examples,
	.description =
	    "Looks at the CPU, memory, rights, interfaces, NICs and libraries of this host, and "
	    "prints "
	    "of each what it found and, where something can be better, why it matters and the "
	    "exact command "
	    "that mends it. It changes nothing itself.\n\n"
	    "The exit status is 0 where nothing is in the way, 1 where something makes weir "
	    "unusable (for "
	    "the source that was named, if one was), and 2 where the command line is wrong.",
	.options = options,
};

static int
configure(const struct weir_command_line *line, struct weir_doctor_config *c, bool *is_json,
    bool *is_done, struct weir_error *err)
{
	for (unsigned i = 0; i < line->n_values; i++) {
		const struct weir_option_value *v = &line->values[i];
		int id = v->option->id;

		/* A page needs no look at the host. */
		if (weir_options_print_page(&help, v->option, stdout)) {
			*is_done = true;
			return 0;
		}
		if (id == FLAG_JSON) {
			*is_json = true;
			continue;
		}
		if (c->name)
			return weir_error_usage(err,
			    "%s '%s': one source at a time (there is '%s' already)",
			    v->option->name, v->value, c->name);
		if (!v->value[0])
			return weir_error_usage(err, "%s '': name a source", v->option->name);
		c->name = v->value;
		c->scope = id == FLAG_FILE ? WEIR_DOCTOR_FILE : weir_doctor_scope_of(v->value);
	}
	if (line->n_rest)
		return weir_error_usage(err, "'%s': nothing may follow '--' here", line->rest[0]);
	return 0;
}

/* The exit status: what was printed must have got out, too. */
static int
finish(bool is_usable)
{
	struct weir_error err;

	if (weir_file_finish_stdout(&err)) {
		fprintf(stderr, "weir-doctor: %s\n", err.text);
		return WEIR_FAIL_RUN;
	}
	return is_usable ? 0 : WEIR_FAIL_RUN;
}

int
main(int argc, char **argv)
{
	struct weir_doctor_config config = { .scope = WEIR_DOCTOR_ALL, .root = "" };
	struct weir_command_line line = { 0 };
	struct weir_error err = { 0 };
	struct weir_report report;
	bool is_json = false, is_done = false, is_usable;
	int rc = weir_options_parse(options, argc, argv, &line, &err);

	if (!rc)
		rc = configure(&line, &config, &is_json, &is_done, &err);
	weir_command_line_free(&line);
	if (rc) {
		fprintf(stderr, "weir-doctor: %s\n", err.text);
		return (int)err.fail;
	}
	if (is_done)
		return finish(true);
	weir_doctor_examine(&config, &report);
	if (is_json)
		weir_report_json(&report, stdout);
	else
		weir_report_table(&report, stdout);
	is_usable = weir_report_is_usable(&report);
	weir_report_free(&report);
	return finish(is_usable);
}
