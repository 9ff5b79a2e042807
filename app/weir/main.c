/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/base/file.h>
#include <weir/base/log.h>
#include <weir/control/control.h>
#include <weir/port/eal.h>
#include <weir/port/port.h>
#include <weir/query/plan.h>
#include <weir/runtime/hosts.h>
#include <weir/runtime/run.h>
#include <weir/sink/forward.h>

static atomic_bool stop;

/* The first signal drains and flushes; the second ends at once, as the default action is back. */
static void
on_signal(int sig)
{
	atomic_store_explicit(&stop, true, memory_order_relaxed);
	signal(sig, SIG_DFL);
}

static void
catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal }, old;

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	/* A closed terminal; but nohup's wish is respected. */
	if (sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Pages that need no source. Returns true where one was asked for. */
static bool
print_page(const struct weir_command_line *line)
{
	for (unsigned i = 0; i < line->n_values; i++) {
		const struct weir_option *o = line->values[i].option;

		if (weir_options_print_page(&weir_help, o, stdout))
			return true;
		if (o->id == WEIR_FLAG_FIELDS) {
			weir_print_fields(stdout);
			return true;
		}
		if (o->id == WEIR_FLAG_FUNCTIONS) {
			weir_print_functions(stdout);
			return true;
		}
	}
	return false;
}

/* Ports that packets leave by: can there be such? */
static int
look_at_ports(const struct weir_plan *plan, bool *ret_has_ports, struct weir_error *err)
{
	struct weir_sink_run run;
	int rc = 0;

	weir_plan_sink_run(plan, NULL, &run);
	for (unsigned q = 0; !rc && q < plan->n_queries; q++)
		for (unsigned i = 0; !rc && i < plan->queries[q].n_sinks; i++) {
			const char *uri = plan->queries[q].sinks[i];

			if (!weir_forward_n_shares(uri))
				continue;
			*ret_has_ports = true;
			rc = weir_forward_look(uri, &run, err);
			if (rc)
				weir_error_wrap(err, "--sink '%s'", uri);
		}
	free(run.sources);
	return rc;
}

/* Sources that are ports for sending as well, or the wire's, have to be opened so. */
static void
prepare_sources(
    const struct weir_plan *plan, struct weir_command *c, struct weir_port_guest_spec *guest)
{
	unsigned n_ports = 0;

	for (unsigned q = 0; q < plan->n_queries; q++)
		for (unsigned i = 0; i < plan->queries[q].n_sinks; i++) {
			const char *uri = plan->queries[q].sinks[i];

			n_ports += weir_forward_n_ports(uri);
			for (unsigned s = 0; s < c->n_sources; s++)
				if (c->sources[s].flag == WEIR_SOURCE_INTERFACE &&
				    weir_forward_names(uri, c->sources[s].value))
					c->sources[s].n_senders = plan->n_workers;
		}
	for (unsigned s = 0; s < c->n_sources; s++) {
		c->sources[s].n_held =
		    n_ports * plan->n_workers * (WEIR_PORT_TX_DESCRIPTORS + WEIR_FORWARD_WAITING);
		if (!weir_hosts_guest(plan, &c->sources[s], guest))
			continue;
		c->sources[s].guest = guest;
		c->sources[s].n_held += WEIR_PORT_GUEST_HELD;
		if (!c->sources[s].n_senders)
			c->sources[s].n_senders = 1;
	}
}

/* EAL is needed where packets come or leave by a DPDK port, or where its arguments were given. */
static int
needs_eal(const struct weir_plan *plan, bool *ret, struct weir_error *err)
{
	const struct weir_command *c = plan->command;

	*ret = c->n_eal_args > 0 || c->cluster;
	for (unsigned i = 0; i < c->n_sources; i++) {
		bool needs = false;
		int rc = weir_source_needs_eal(&c->sources[i], &needs, err);

		if (rc)
			return rc;
		*ret |= needs;
	}
	return look_at_ports(plan, ret, err);
}

/* The control socket, which lies in EAL's folder, and then EAL. */
static int
start_eal(const struct weir_plan *plan, char *program, bool *ret_is_running,
    struct weir_control_socket **ret_socket, struct weir_error *err)
{
	const struct weir_command *c = plan->command;
	struct weir_control_config config = {
		.program = program,
		.name = c->name,
		.leaves_user = c->has_user,
	};
	int rc = needs_eal(plan, &config.has_eal, err);

	*ret_is_running = false;
	if (!rc && !c->is_control_never && !c->is_explain && !c->is_dry_run)
		rc = weir_control_start(&config, ret_socket, err);
	if (rc || !config.has_eal)
		return rc;
	rc = weir_eal_start(program, c->eal_args, c->n_eal_args, err);
	*ret_is_running = rc == 0;
	return rc;
}

static int
open_sources(struct weir_command *c, const struct weir_port_rules *rules,
    struct weir_source **sources, struct weir_error *err)
{
	unsigned first = 0;

	for (unsigned i = 0; i < c->n_sources; i++) {
		int rc;

		c->sources[i].first_interface = (uint16_t)first;
		c->sources[i].rules = rules;
		rc = weir_source_open(&c->sources[i], &sources[i], err);
		if (rc)
			return rc;
		first += sources[i]->n_interfaces;
		weir_log(sources[i]->is_live ? WEIR_LOG_NOTICE : WEIR_LOG_INFO, "%s",
		    sources[i]->description);
	}
	return 0;
}

static int
explain(const struct weir_plan *plan, struct weir_source **sources,
    const struct weir_placement *placement, struct weir_error *err)
{
	weir_plan_explain(plan, sources, placement->why, stdout);
	weir_hosts_explain(plan, stdout);
	return weir_file_finish_stdout(err);
}

/* --dry-run: what there is, and by what packets would leave. */
static void
say_well(const struct weir_plan *plan)
{
	struct weir_sink_run run;
	char text[512];

	weir_plan_sink_run(plan, NULL, &run);
	for (unsigned q = 0; q < plan->n_queries; q++)
		for (unsigned i = 0; i < plan->queries[q].n_sinks; i++) {
			const char *uri = plan->queries[q].sinks[i];

			if (!weir_forward_n_ports(uri))
				continue;
			weir_forward_describe(uri, &run, text, sizeof(text));
			fprintf(stderr, "weir: query %s: packets leave by %s%s%s\n",
			    plan->queries[q].text->name, text,
			    weir_forward_n_shares(uri) > 1 ? "; " : "",
			    weir_forward_n_shares(uri) > 1 ? plan->queries[q].why : "");
		}
	free(run.sources);
	fprintf(stderr, "weir: all is well: %u sources, %u queries; nothing was started\n",
	    plan->command->n_sources, plan->command->n_queries);
}

/* The account: for people, for --stats, and as an error where it does not balance. */
static int
account(const struct weir_command *c, const struct weir_ledger *ledger, FILE *stats,
    struct weir_error *err)
{
	bool is_balanced = weir_ledger_is_balanced(ledger);
	int rc = 0;

	if (!c->is_quiet || !is_balanced)
		weir_ledger_print(ledger, stderr);
	if (stats)
		rc = weir_ledger_write(ledger, c->stats, stats, err);
	if (!rc && !is_balanced)
		rc = weir_error_run(err, -EPROTO, "the ledger does not balance");
	return rc;
}

/* Everything is open: --user. */
static int
leave_root(const struct weir_run_config *config, struct weir_error *err)
{
	const struct weir_privilege *p = &config->plan->command->user;
	int rc;

	weir_control_settle(config->socket);
	rc = weir_privilege_drop(p, err);
	if (!rc)
		weir_log(WEIR_LOG_INFO,
		    "root's rights are given up: user %u%s%s%s, group %u, no capabilities, "
		    "no_new_privs",
		    (unsigned)p->uid, p->user[0] ? " (" : "", p->user, p->user[0] ? ")" : "",
		    (unsigned)p->gid);
	return rc;
}

/* Returns 0 or the code of the first failure, described in err. */
static int
run(struct weir_plan *plan, struct weir_source **sources, const struct weir_placement *placement,
    bool is_eal_running, struct weir_control_socket *socket, struct weir_error *err)
{
	const struct weir_command *c = plan->command;
	struct weir_run_config config = {
		.plan = plan,
		.placement = placement,
		.sources = sources,
		.n_sources = c->n_sources,
		.is_eal_running = is_eal_running,
		.has_progress = !c->is_progress_never && !c->is_quiet && isatty(STDERR_FILENO) &&
				!(plan->is_live && isatty(STDOUT_FILENO)),
		.socket = socket,
		.stop = &stop,
		.before_work = c->has_user ? leave_root : NULL,
	};
	struct weir_ledger ledger;
	struct weir_error e;
	FILE *stats = NULL;
	int rc, rc_account;

	if (c->stats) {
		rc = weir_ledger_open(c->stats, &stats, err);
		if (rc)
			return rc;
	}
	catch_signals();
	rc = weir_run(&config, &ledger, err);
	if (!ledger.queries) {
		/* It has not begun. */
		if (stats && stats != stdout)
			fclose(stats);
		return rc;
	}
	rc_account = account(c, &ledger, stats, &e);
	weir_ledger_fini(&ledger);
	if (!rc && rc_account) {
		*err = e;
		rc = rc_account;
	}
	return rc;
}

static int
execute(struct weir_command *c, char *program, struct weir_error *err)
{
	struct weir_plan *plan = NULL;
	struct weir_source **sources = calloc(c->n_sources, sizeof(*sources));
	struct weir_placement placement = { 0 };
	struct weir_control_socket *socket = NULL;
	struct weir_port_guest_spec guest;
	bool is_eal_running = false;
	int rc;

	if (!sources)
		abort();
	weir_log_set_level(
	    c->is_quiet && c->log_level > WEIR_LOG_WARNING ? WEIR_LOG_WARNING : c->log_level);
	rc = weir_plan_build(c, isatty(STDOUT_FILENO), &plan, err);
	if (!rc)
		rc = weir_hosts_check(plan, err);
	if (!rc)
		rc = weir_place_check(c, err);
	if (!rc && c->has_user && !c->is_explain)
		rc = weir_privilege_begin(&c->user, err);
	if (!rc)
		rc = start_eal(plan, program, &is_eal_running, &socket, err);
	if (!rc)
		prepare_sources(plan, c, &guest);
	if (!rc)
		rc = open_sources(c, plan->push, sources, err);
	if (!rc)
		rc = weir_place(c, sources, &placement, err);
	if (!rc)
		weir_plan_spread(plan, sources, c->n_sources);
	if (!rc && c->is_explain)
		rc = explain(plan, sources, &placement, err);
	else if (!rc && c->is_dry_run)
		say_well(plan);
	else if (!rc)
		rc = run(plan, sources, &placement, is_eal_running, socket, err);
	weir_control_stop(socket);
	for (unsigned i = 0; i < c->n_sources; i++)
		if (sources[i])
			weir_source_close(sources[i]);
	free(sources);
	weir_placement_fini(&placement);
	weir_plan_destroy(plan);
	if (is_eal_running)
		weir_eal_stop();
	return rc;
}

int
main(int argc, char **argv)
{
	struct weir_command_line line;
	struct weir_command command;
	struct weir_error err = { 0 };
	int rc;

	if (argc == 1) {
		weir_options_help(&weir_help, stdout);
		return WEIR_FAIL_USAGE;
	}
	rc = weir_options_parse(weir_flags, argc, argv, &line, &err);
	if (rc)
		goto fail;
	if (print_page(&line)) {
		rc = weir_file_finish_stdout(&err);
	} else {
		rc = weir_command_build(&line, &command, &err);
		if (!rc) {
			rc = execute(&command, argv[0], &err);
			weir_command_fini(&command);
		}
	}
	weir_command_line_free(&line);
	if (!rc)
		return 0;
fail:
	fprintf(stderr, "weir: %s\n", err.text);
	return err.fail ? (int)err.fail : WEIR_FAIL_RUN;
}
