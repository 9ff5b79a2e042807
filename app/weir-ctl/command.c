/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/number.h>
#include <weir/base/time.h>
#include <weir/port/job.h>

#include "ctl.h"

void
ctl_print_json(const json_t *j)
{
	json_dumpf(j, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)); /* as --stats */
	putchar('\n');
}

int
ctl_status(const struct ctl *c, struct weir_error *err)
{
	struct weir_strbuf b = { 0 };
	json_t *status;
	int rc = ctl_ask(c, WEIR_CONTROL_STATUS, &status, err);

	if (rc)
		return rc;
	if (c->is_json) {
		ctl_print_json(status);
	} else {
		ctl_status_text(status, &b);
		fputs(b.p, stdout);
		weir_strbuf_free(&b);
	}
	json_decref(status);
	return 0;
}

int
ctl_stats(const struct ctl *c, struct weir_error *err)
{
	struct ctl of_all = *c;
	json_t *stats;
	int rc;

	of_all.argument = c->is_cluster ? "cluster" : "";
	rc = ctl_ask(&of_all, WEIR_CONTROL_STATS, &stats, err);

	if (rc)
		return rc;
	ctl_print_json(stats);
	json_decref(stats);
	return 0;
}

int
ctl_explain(const struct ctl *c, struct weir_error *err)
{
	json_t *plan;
	int rc = ctl_ask(c, WEIR_CONTROL_EXPLAIN, &plan, err);

	if (rc)
		return rc;
	if (json_is_string(plan)) {
		const char *text = json_string_value(plan);

		printf("%s%s", text, text[0] && text[strlen(text) - 1] == '\n' ? "" : "\n");
	}
	json_decref(plan);
	return 0;
}

int
ctl_result(const struct ctl *c, struct weir_error *err)
{
	struct weir_strbuf argument = { 0 };
	struct ctl with_rows = *c;
	json_t *result, *line;
	size_t i;
	int rc;

	weir_strbuf_puts(&argument, c->argument);
	if (c->n_rows)
		weir_strbuf_printf(&argument, ",%" PRIu64, c->n_rows);
	with_rows.argument = argument.p;
	rc = ctl_ask(&with_rows, WEIR_CONTROL_RESULT, &result, err);
	weir_strbuf_free(&argument);
	if (rc)
		return rc;
	json_array_foreach(json_object_get(result, "lines"), i, line)
	    printf("%s\n", json_string_value(line));
	json_decref(result);
	return 0;
}

/* A command that changes something: ask, and say what was done. */
static int
change(const struct ctl *c, enum weir_control_command command, const char *done,
    struct weir_error *err)
{
	json_t *answer;
	int rc = ctl_ask(c, command, &answer, err);

	if (rc)
		return rc;
	if (json_is_string(answer))
		fprintf(stderr, "weir-ctl: %s\n", json_string_value(answer));
	else
		fprintf(stderr, "weir-ctl: %s\n", done);
	json_decref(answer);
	return 0;
}

int
ctl_add(const struct ctl *c, struct weir_error *err)
{
	return change(c, WEIR_CONTROL_ADD, "added", err);
}

int
ctl_remove(const struct ctl *c, struct weir_error *err)
{
	return change(c, WEIR_CONTROL_REMOVE, "removed", err);
}

int
ctl_stop(const struct ctl *c, struct weir_error *err)
{
	struct weir_client *client;
	json_t *answer = NULL;
	int rc = ctl_connect(c, &client, err);

	if (rc)
		return rc;
	rc = weir_client_ask(client, WEIR_CONTROL_STOP, "", &answer, err);
	json_decref(answer);
	/* it may be gone before its answer is read */
	if (rc == -ECONNRESET)
		rc = 0;
	while (!rc && !c->is_no_wait) {
		int wait = weir_client_wait_end(client, -1);

		if (wait != -EINTR)
			break;
	}
	weir_client_close(client);
	return rc;
}

int
ctl_move(const struct ctl *c, struct weir_error *err)
{
	return change(c, WEIR_CONTROL_MOVE, "will be moved", err);
}

int
ctl_drain(const struct ctl *c, struct weir_error *err)
{
	return change(c, WEIR_CONTROL_DRAIN, "draining", err);
}

/* What a run says of itself; an object with its name and why it says nothing, otherwise. */
static json_t *
ask_status(const struct weir_job *job)
{
	struct weir_client *client = NULL;
	struct weir_error err = { 0 };
	json_t *status = NULL;

	if (weir_client_open(job->name, &client, &err) == 0)
		weir_client_ask(client, WEIR_CONTROL_STATUS, "", &status, &err);
	weir_client_close(client);
	if (status)
		return status;
	return json_pack(
	    "{s:s, s:I, s:s}", "name", job->name, "pid", (json_int_t)job->pid, "error", err.text);
}

static json_t *
list_entry(const struct weir_job *job)
{
	json_t *status = ask_status(job), *entry = json_object();
	static const char *const keys[] = { "name", "pid", "uptime_s", "sources", "error" };

	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (json_object_get(status, keys[i]))
			json_object_set(entry, keys[i], json_object_get(status, keys[i]));
	json_decref(status);
	return entry;
}

static void
print_entry(const json_t *entry)
{
	json_t *sources = json_object_get(entry, "sources"), *s;
	const char *error = json_string_value(json_object_get(entry, "error"));
	char uptime[32] = "-";
	size_t i;

	if (json_object_get(entry, "uptime_s"))
		weir_text_duration((int64_t)(json_number_value(json_object_get(entry, "uptime_s")) *
					     (double)WEIR_NS_PER_S),
		    uptime, sizeof(uptime));
	printf("%-16s %8" JSON_INTEGER_FORMAT " %9s  ",
	    json_string_value(json_object_get(entry, "name")),
	    json_integer_value(json_object_get(entry, "pid")), uptime);
	if (error)
		printf("(%s)", error);
	json_array_foreach(sources, i, s)
	    printf("%s%s", i ? "; " : "", json_string_value(json_object_get(s, "name")));
	putchar('\n');
}

int
ctl_list(const struct ctl *c, struct weir_error *err)
{
	struct weir_job *jobs;
	json_t *list = json_array(), *entry;
	unsigned n;
	size_t k;
	int rc = weir_job_list(&jobs, &n, err);

	if (rc) {
		json_decref(list);
		return rc;
	}
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, list_entry(&jobs[i]));
	free(jobs);
	if (c->is_json) {
		ctl_print_json(list);
	} else {
		if (!n)
			fprintf(stderr, "weir-ctl: no weir of this user is running\n");
		else
			printf("%-16s %8s %9s  %s\n", "NAME", "PID", "UPTIME", "SOURCES");
		json_array_foreach(list, k, entry) print_entry(entry);
	}
	json_decref(list);
	return 0;
}
