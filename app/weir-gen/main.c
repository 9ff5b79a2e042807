/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/base/file.h>
#include <weir/base/option.h>
#include <weir/source/describe.h>

#include "gen.h"

enum flag {
	FLAG_SOURCE = 1,
	FLAG_WRITE,
	FLAG_DESCRIBE,
	FLAG_LIST,
	FLAG_JSON,
	FLAG_HELP,
	FLAG_VERSION,
	FLAG_MAN,
	FLAG_COMPLETION,
};

static const struct weir_option options[] = {
	{ .id = FLAG_SOURCE,
	    .name = "--source",
	    .arg = "gen:KIND",
	    .group = "What to generate",
	    .help = "as weir's own --source; the word '--source' may be left out" },
	{ .id = FLAG_WRITE,
	    .name = "-w",
	    .arg = "FILE",
	    .group = "What to do with it",
	    .help = "write the packets to a pcapng file; - is standard output" },
	{ .id = FLAG_DESCRIBE,
	    .name = "--describe",
	    .group = "What to do with it",
	    .help = "say what it gives: of an attack the culprit, the query that finds it and "
		    "its rows" },
	{ .id = FLAG_LIST,
	    .name = "--list",
	    .group = "Output",
	    .help = "list the kinds and the attacks" },
	{ .id = FLAG_JSON,
	    .name = "--json",
	    .group = "Output",
	    .help = "describe in JSON, as where standard output is no terminal" },
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
	"what there is",
	"weir-gen --list",
	"what an attack hides, and the query that finds it",
	"weir-gen --describe 'gen:attack:syn_flood?seed=7'",
	"its packets for another program",
	"weir-gen 'gen:attack:syn_flood?seed=7' -w /tmp/syn_flood.pcapng",
	NULL,
};

static const struct weir_program_help help = {
	.name = "weir-gen",
	.summary = "make traffic that is known exactly, and say what is in it",
	.synopsis = "weir-gen [options] gen:KIND[?OPTION=VALUE&...]",
	.examples = examples,
	.description =
	    "Makes the packets of weir's built-in generator, the same as weir reads with --source "
	    "'gen:...', and writes them to a file for other programs, or says what they are. The "
	    "same "
	    "text gives the same packets, byte for byte. An attack is one culprit, planted in "
	    "the midst "
	    "of background that does nothing wrong and of decoys that nearly do; its description "
	    "names "
	    "the culprit and gives the rows that the query must find.\n\n"
	    "Written are as many packets as count= says, with nanoseconds, one interface in the "
	    "file for "
	    "each interface that the packets come by.\n\n"
	    "The exit status is 0 where all was done, 1 where writing failed, and 2 where the "
	    "command "
	    "line is wrong.",
	.options = options,
};

struct job {
	const char *uri;
	const char *path;
	bool is_describing;
	bool is_json;
	bool is_done; /* a page was printed */
};

static int
configure(const struct weir_command_line *line, struct job *j, struct weir_error *err)
{
	for (unsigned i = 0; i < line->n_values; i++) {
		const struct weir_option_value *v = &line->values[i];

		if (v->option->id == FLAG_LIST)
			weir_generator_list(stdout);
		if (v->option->id == FLAG_LIST ||
		    weir_options_print_page(&help, v->option, stdout)) {
			j->is_done = true;
			return 0;
		}
		switch ((enum flag)v->option->id) {
		case FLAG_SOURCE:
			j->uri = v->value;
			break;
		case FLAG_WRITE:
			j->path = v->value;
			break;
		case FLAG_DESCRIBE:
			j->is_describing = true;
			break;
		default:
			j->is_json = true;
		}
	}
	if (line->n_rest)
		return weir_error_usage(err, "'%s': nothing may follow '--' here", line->rest[0]);
	if (!j->uri)
		return weir_error_usage(err, "nothing to generate (try 'gen:mix', or --list)");
	if (strncmp(j->uri, "gen:", 4) != 0)
		return weir_error_usage(
		    err, "'%s': no generator (try 'gen:mix', or --list)", j->uri);
	if (!j->path && !j->is_describing)
		return weir_error_usage(
		    err, "'%s': what to do with it? (try -w FILE or --describe)", j->uri);
	if (j->path && !j->path[0])
		return weir_error_usage(err, "-w '': name a file");
	if (j->path && j->is_describing && strcmp(j->path, "-") == 0)
		return weir_error_usage(
		    err, "-w '-': --describe is for standard output already: name a file");
	return 0;
}

/* Put "--source" before a generator that stands alone; the copy points to the same words. */
static char **
name_sources(int argc, char **argv, int *ret_argc)
{
	static char source[] = "--source";
	char **copy = calloc(2 * (size_t)argc + 1, sizeof(*copy));
	int n = 0;

	if (!copy)
		return NULL;
	for (int i = 0; i < argc; i++) {
		bool is_value =
		    i > 1 && (strcmp(argv[i - 1], source) == 0 || strcmp(argv[i - 1], "-w") == 0);

		if (i && !is_value && strncmp(argv[i], "gen:", 4) == 0)
			copy[n++] = source;
		copy[n++] = argv[i];
	}
	*ret_argc = n;
	return copy;
}

static int
run(const struct job *j, struct weir_error *err)
{
	bool is_json = j->is_json || !isatty(STDOUT_FILENO);
	unsigned long long n = 0;
	int rc = 0;

	if (j->is_describing)
		rc = is_json ? weir_generator_describe_json(j->uri, stdout, err)
			     : weir_generator_describe(j->uri, stdout, err);
	if (!rc && j->path)
		rc = gen_write(j->uri, j->path, &n, err);
	if (!rc && j->path)
		fprintf(stderr, "weir-gen: %llu packets to '%s'\n", n, j->path);
	return rc;
}

int
main(int argc, char **argv)
{
	struct weir_command_line line = { 0 };
	struct weir_error err = { 0 };
	struct job job = { 0 };
	int n = 0, rc;
	char **words = name_sources(argc, argv, &n);

	if (argc < 2) {
		weir_options_help(&help, stdout);
		free(words);
		return WEIR_FAIL_USAGE;
	}
	rc = words ? weir_options_parse(options, n, words, &line, &err)
		   : weir_error_run(&err, -ENOMEM, "out of memory");
	if (!rc)
		rc = configure(&line, &job, &err);
	weir_command_line_free(&line);
	if (!rc && !job.is_done)
		rc = run(&job, &err);
	free(words);
	if (!rc)
		rc = weir_file_finish_stdout(&err);
	if (rc) {
		fprintf(stderr, "weir-gen: %s\n", err.text);
		return (int)err.fail;
	}
	return 0;
}
