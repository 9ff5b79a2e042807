/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/nearest.h>
#include <weir/port/job.h>

#include "ctl.h"

/* No run has this name: say which is near. */
static int
refuse_name(const char *name, const struct weir_job *jobs, unsigned n, struct weir_error *err)
{
	struct weir_nearest nearest;

	weir_nearest_begin(&nearest, name);
	for (unsigned i = 0; i < n; i++)
		weir_nearest_offer(&nearest, jobs[i].name);
	if (weir_nearest_get(&nearest))
		return weir_error_run(err, -ENOENT, "-n '%s': no such run (try '%s')", name,
		    weir_nearest_get(&nearest));
	return weir_error_run(
	    err, -ENOENT, "-n '%s': no such run ('weir-ctl list' shows those of this user)", name);
}

static int
choose(const struct weir_job *jobs, unsigned n, char *name, size_t size, struct weir_error *err)
{
	struct weir_strbuf names = { 0 };

	if (n == 1) {
		snprintf(name, size, "%s", jobs[0].name);
		return 0;
	}
	if (n == 0)
		return weir_error_run(err, -ENOENT,
		    "no weir of this user is running (others' are reached by their owner alone, "
		    "root's with sudo; a run of less than 0.2 s by nobody)");
	for (unsigned i = 0; i < n && i < 20; i++)
		weir_strbuf_printf(&names, "%s%s", i ? ", " : "", jobs[i].name);
	weir_error_usage(err, "several weirs are running: choose one with -n (%s%s)", names.p,
	    n > 20 ? ", ..." : "");
	weir_strbuf_free(&names);
	return -EINVAL;
}

int
ctl_connect(const struct ctl *c, struct weir_client **ret, struct weir_error *err)
{
	char name[WEIR_JOB_NAME_MAX + 1];
	struct weir_job *jobs;
	unsigned n;
	int rc = weir_job_list(&jobs, &n, err);
	bool is_known = false;

	if (rc)
		return rc;
	if (c->name) {
		for (unsigned i = 0; i < n; i++)
			is_known |= strcmp(jobs[i].name, c->name) == 0;
		snprintf(name, sizeof(name), "%s", c->name);
		rc = is_known ? 0 : refuse_name(c->name, jobs, n, err);
	} else {
		rc = choose(jobs, n, name, sizeof(name), err);
	}
	free(jobs);
	return rc ? rc : weir_client_open(name, ret, err);
}

int
ctl_ask(
    const struct ctl *c, enum weir_control_command command, json_t **ret, struct weir_error *err)
{
	struct weir_client *client;
	int rc = ctl_connect(c, &client, err);

	if (rc)
		return rc;
	rc = weir_client_ask(client, command, c->argument, ret, err);
	weir_client_close(client);
	return rc;
}
