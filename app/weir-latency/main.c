/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include <weir/base/file.h>
#include <weir/base/log.h>
#include <weir/port/eal.h>

#include "config.h"
#include "output.h"
#include "session.h"

static atomic_bool stop;

/* The first signal ends it with what was measured; the second at once, as the default action is
 * back. */
static void
on_signal(int sig)
{
	atomic_store_explicit(&stop, true, memory_order_relaxed);
	signal(sig, SIG_DFL);
}

static int
run(const struct config *c, char *program, struct weir_error *err)
{
	struct output *out = NULL;
	struct session *s = NULL;
	int rc;

	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGPIPE, SIG_IGN);
	/* files that cannot be written are known before anything is measured */
	rc = output_open(c, &out, err);
	if (!rc)
		rc = weir_eal_start(program, c->eal_args, c->n_eal_args, err);
	if (!rc)
		rc = session_open(c, &stop, &s, err);
	if (!rc)
		rc = session_run(s, err);
	if (!rc)
		rc = output_write(out, s, err);
	output_close(out);
	session_close(s);
	weir_eal_stop();
	return rc;
}

int
main(int argc, char **argv)
{
	struct weir_command_line line = { 0 };
	struct weir_error err = { 0 };
	struct config config;
	bool is_done = false;
	int rc;

	if (argc < 2) {
		weir_options_help(&config_help, stdout);
		return WEIR_FAIL_USAGE;
	}
	weir_log_set_program("weir-latency");
	rc = weir_options_parse(config_help.options, argc, argv, &line, &err);
	if (!rc)
		rc = config_read(&line, &config, &is_done, &err);
	if (!rc && !is_done)
		rc = run(&config, argv[0], &err);
	weir_command_line_free(&line);
	if (!rc)
		rc = weir_file_finish_stdout(&err);
	if (rc) {
		fprintf(stderr, "weir-latency: %s\n", err.text);
		return (int)err.fail;
	}
	return 0;
}
