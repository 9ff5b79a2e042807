/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/base/file.h>
#include <weir/base/log.h>
#include <weir/base/number.h>
#include <weir/source/describe.h>

#include "gen.h"
#include "options.h"

struct job {
	struct gen_send send; /* source, and how it is sent */
	const char *path;
	const char *send_only; /* the first option that asks for more than -o */
	bool is_describing;
	bool is_json;
	bool is_done; /* a page was printed */
};

/* "32" or "32:1ms". */
static int
parse_burst(const char *text, struct gen_send *g, struct weir_error *err)
{
	const char *colon = strchr(text, ':');
	char number[32];

	snprintf(number, sizeof(number), "%.*s", colon ? (int)(colon - text) : 31, text);
	if (weir_parse_size(number, &g->burst, err))
		return err->code;
	if (!g->burst || g->burst > 1000000)
		return weir_error_usage(err, "a burst has from 1 to 1M packets");
	if (!colon)
		return 0;
	if (weir_parse_duration(colon + 1, &g->burst_every_ns, err))
		return err->code;
	return g->burst_every_ns > 0 ? 0 : weir_error_usage(err, "between bursts is some time");
}

static int
parse_count(const char *text, struct gen_send *g, struct weir_error *err)
{
	if (weir_parse_size(text, &g->count, err))
		return err->code;
	return g->count ? 0 : weir_error_usage(err, "no packets are nothing to send");
}

static int
parse_for(const char *text, struct gen_send *g, struct weir_error *err)
{
	if (weir_parse_duration(text, &g->for_ns, err))
		return err->code;
	return g->for_ns > 0 ? 0 : weir_error_usage(err, "it takes some time");
}

static int
parse_cores(const char *text, struct gen_send *g, struct weir_error *err)
{
	uint64_t n = 0;

	if (weir_parse_u64(text, &n, err))
		return err->code;
	if (n < 1 || n > GEN_MAX_SENDERS)
		return weir_error_usage(err, "from 1 to %u threads send", GEN_MAX_SENDERS);
	g->n_senders = (unsigned)n;
	return 0;
}

/* What is about sending alone. */
static int
configure_send(struct job *j, const struct weir_option_value *v, struct weir_error *err)
{
	struct gen_send *g = &j->send;
	int rc = 0;

	if (!j->send_only)
		j->send_only = v->option->name;
	switch ((enum flag)v->option->id) {
	case FLAG_RATE:
		g->rate_text = v->value;
		rc = weir_rate_parse(v->value, &g->rate, err);
		break;
	case FLAG_LINE_RATE:
		rc = weir_line_parse(v->value, &g->line_bps, err);
		break;
	case FLAG_BURST:
		rc = parse_burst(v->value, g, err);
		break;
	case FLAG_COUNT:
		rc = parse_count(v->value, g, err);
		break;
	case FLAG_FOR:
		rc = parse_for(v->value, g, err);
		break;
	case FLAG_CORES:
		rc = parse_cores(v->value, g, err);
		break;
	case FLAG_SIGNATURE:
		g->has_signature = true;
		break;
	case FLAG_ON_FULL:
		g->is_dropping = strcmp(v->value, "drop") == 0;
		break;
	case FLAG_PROGRESS:
		g->has_progress &= strcmp(v->value, "auto") == 0;
		break;
	default:
		g->is_forced = true;
	}
	return rc ? weir_error_wrap(err, "%s '%s'", v->option->name, v->value) : 0;
}

static int
set_source(struct job *j, const struct weir_option_value *v, struct weir_error *err)
{
	if (j->send.source.value)
		return weir_error_usage(
		    err, "'%s' and '%s': one of them at a time", j->send.source.value, v->value);
	j->send.source.value = v->value;
	j->send.source.flag = v->option->id == FLAG_FILE ? WEIR_SOURCE_FILE : WEIR_SOURCE_URI;
	return 0;
}

/* What goes together. */
static int
check(const struct weir_command_line *line, const struct job *j, struct weir_error *err)
{
	const struct gen_send *g = &j->send;
	const char *what = g->source.value;

	if (!what)
		return weir_error_usage(err, "nothing to generate (try 'gen:mix', or --list)");
	if (g->source.flag == WEIR_SOURCE_URI && strncmp(what, "gen:", 4) != 0)
		return weir_error_usage(err, "'%s': no generator (try 'gen:mix', or --list)", what);
	if (!j->path && !j->is_describing && !g->port)
		return weir_error_usage(
		    err, "'%s': what to do with it? (try -o PORT, -w FILE or --describe)", what);
	if (g->port && (j->path || j->is_describing))
		return weir_error_usage(err, "-o '%s': not together with %s: one at a time",
		    g->port, j->path ? "-w" : "--describe");
	if (!g->port && g->source.flag == WEIR_SOURCE_FILE)
		return weir_error_usage(
		    err, "-r '%s': a capture can only be sent (try -o PORT)", what);
	if (!g->port && j->send_only)
		return weir_error_usage(err, "%s: is about sending (try -o PORT)", j->send_only);
	if (!g->port && line->n_rest)
		return weir_error_usage(
		    err, "'%s': nothing may follow '--' without -o PORT", line->rest[0]);
	if (g->burst_every_ns && g->rate_text)
		return weir_error_usage(err,
		    "--burst %" PRIu64 ":TIME: the bursts are the rate already (leave out --rate, "
		    "or the time)",
		    g->burst);
	if (j->path && !j->path[0])
		return weir_error_usage(err, "-w '': name a file");
	if (j->path && j->is_describing && strcmp(j->path, "-") == 0)
		return weir_error_usage(
		    err, "-w '-': --describe is for standard output already: name a file");
	return 0;
}

static int
configure(const struct weir_command_line *line, struct job *j, struct weir_error *err)
{
	int rc = 0;

	for (unsigned i = 0; i < line->n_values && !rc; i++) {
		const struct weir_option_value *v = &line->values[i];

		if (v->option->id == FLAG_LIST)
			weir_generator_list(stdout);
		if (v->option->id == FLAG_LIST ||
		    weir_options_print_page(&gen_help, v->option, stdout)) {
			j->is_done = true;
			return 0;
		}
		switch ((enum flag)v->option->id) {
		case FLAG_SOURCE:
		case FLAG_FILE:
			rc = set_source(j, v, err);
			break;
		case FLAG_WRITE:
			j->path = v->value;
			break;
		case FLAG_OUT:
			j->send.port = v->value;
			break;
		case FLAG_DESCRIBE:
			j->is_describing = true;
			break;
		case FLAG_JSON:
			j->is_json = true;
			break;
		default:
			rc = configure_send(j, v, err);
		}
	}
	j->send.eal_args = line->rest;
	j->send.n_eal_args = line->n_rest;
	return rc ? rc : check(line, j, err);
}

static bool
takes_value(const char *word)
{
	for (const struct weir_option *o = gen_options; o->id; o++)
		if (strcmp(o->name, word) == 0)
			return o->arg != NULL;
	return false;
}

/*
 * Put "--source" before a generator that stands alone and "-r" before a file that does; the copy
 * points to the same words.
 */
static char **
name_sources(int argc, char **argv, int *ret_argc)
{
	static char source[] = "--source", file[] = "-r";
	char **copy = calloc(2 * (size_t)argc + 1, sizeof(*copy));
	bool is_over = false;
	int n = 0;

	if (!copy)
		return NULL;
	for (int i = 0; i < argc; i++) {
		bool is_value = is_over || !i || (i > 1 && takes_value(argv[i - 1]));

		is_over |= !is_value && strcmp(argv[i], "--") == 0;
		if (!is_value && strncmp(argv[i], "gen:", 4) == 0)
			copy[n++] = source;
		else if (!is_value && (argv[i][0] != '-' || !argv[i][1]))
			copy[n++] = file;
		copy[n++] = argv[i];
	}
	*ret_argc = n;
	return copy;
}

static int
send_and_report(struct job *j, char *program, bool is_json, struct weir_error *err)
{
	struct gen_result *r = calloc(1, sizeof(*r));
	int rc =
	    r ? gen_send(&j->send, program, r, err) : weir_error_run(err, -ENOMEM, "out of memory");

	if (!rc && is_json)
		rc = gen_report_json(&j->send, r, stdout, err);
	else if (!rc)
		gen_report_text(&j->send, r, stdout);
	if (!rc)
		rc = gen_report_judge(&j->send, r, err);
	free(r);
	return rc;
}

static int
run(struct job *j, char *program, struct weir_error *err)
{
	const char *uri = j->send.source.value;
	bool is_json = j->is_json || !isatty(STDOUT_FILENO);
	unsigned long long n = 0;
	int rc = 0;

	if (j->send.port)
		return send_and_report(j, program, is_json, err);
	if (j->is_describing)
		rc = is_json ? weir_generator_describe_json(uri, stdout, err)
			     : weir_generator_describe(uri, stdout, err);
	if (!rc && j->path)
		rc = gen_write(uri, j->path, &n, err);
	if (!rc && j->path)
		fprintf(stderr, "weir-gen: %llu packets to '%s'\n", n, j->path);
	return rc;
}

int
main(int argc, char **argv)
{
	struct weir_command_line line = { 0 };
	struct weir_error err = { 0 };
	struct job job = {
		.send = { .rate = { WEIR_RATE_RECORDED, 1000000 },
		    .n_senders = 1,
		    .has_progress = isatty(STDERR_FILENO) },
	};
	int n = 0, rc;
	char **words = name_sources(argc, argv, &n);

	weir_log_set_program(gen_help.name);
	if (argc < 2) {
		weir_options_help(&gen_help, stdout);
		free(words);
		return WEIR_FAIL_USAGE;
	}
	rc = words ? weir_options_parse(gen_options, n, words, &line, &err)
		   : weir_error_run(&err, -ENOMEM, "out of memory");
	if (!rc)
		rc = configure(&line, &job, &err);
	if (!rc && !job.is_done)
		rc = run(&job, argv[0], &err);
	weir_command_line_free(&line);
	free(words);
	if (!rc)
		rc = weir_file_finish_stdout(&err);
	if (rc) {
		fprintf(stderr, "weir-gen: %s\n", err.text);
		return (int)err.fail;
	}
	return 0;
}
