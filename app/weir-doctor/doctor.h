/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef APP_WEIR_DOCTOR_DOCTOR_H
#define APP_WEIR_DOCTOR_DOCTOR_H

#include <weir/doctor/doctor.h>
#include <weir/query/plan.h>

/* weir's command line, behind "--", and what of it matters to the host. */
struct command {
	char **argv; /* with a program's name in front */
	struct weir_command_line line;
	struct weir_command command;
	struct weir_plan *plan;
	struct weir_doctor_source *sources; /* of sinks, too */
	unsigned n_sources;
	char **names; /* of the ports of sinks, owned */
	unsigned n_names;
	bool is_built;
};

/* Usage errors are weir's own, with "-- " in front. Free it in any case. */
int command_read(char **args, unsigned n_args, struct command *ret, struct weir_error *err);
void command_free(struct command *c);
/* Its sources, workers, tables and EAL arguments. */
void command_apply(const struct command *c, struct weir_doctor_config *ret);

/*
 * Go through what can be mended safely: each is shown and, unless is_yes, asked for on standard
 * error. The results are the caller's to free. Returns their number.
 */
unsigned mend_findings(
    const struct weir_report *r, const char *root, bool is_yes, struct weir_fix_result **ret);

#endif
