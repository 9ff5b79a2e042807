/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_DOCTOR_DOCTOR_H
#define WEIR_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stdio.h>

#include <weir/base/error.h>
#include <weir/base/strbuf.h>

/* Look at this host: what was found, why it matters, and the exact command that mends it. Control.
 */

enum weir_finding_level {
	WEIR_FINDING_OK,
	WEIR_FINDING_WARN, /* works, but less well or not for every source */
	WEIR_FINDING_FAIL, /* what was asked about cannot work */
};

struct weir_finding {
	enum weir_finding_level level;
	const char *check; /* "hugepages" */
	char *found;       /* "node 0: 512 of 1024 pages of 2 MB are free" */
	const char *why;   /* constant */
	char *mend;        /* a command, or NULL where there is nothing to mend */
};

/* Which sources the host must serve: bits, as each check names the ones it matters for. */
enum weir_doctor_scope {
	WEIR_DOCTOR_FILE = 1 << 0,      /* -r */
	WEIR_DOCTOR_INTERFACE = 1 << 1, /* -i eth0 */
	WEIR_DOCTOR_PCI = 1 << 2,       /* -i 0000:03:00.0 */
	WEIR_DOCTOR_VDEV = 1 << 3,      /* -i vdev:... */
	WEIR_DOCTOR_ALL = (1 << 4) - 1,
};

struct weir_doctor_config {
	unsigned scope;   /* WEIR_DOCTOR_* */
	const char *name; /* of the source asked about (a file, an interface, an address), or NULL:
			     the host */
	const char *root; /* in front of /sys and /proc, "" for this host; tests look elsewhere */
};

struct weir_report {
	struct weir_finding *findings;
	unsigned n;
};

/* The scope of -i's value. */
unsigned weir_doctor_scope_of(const char *interface);
/* Run the checks. Free the report afterwards. */
void weir_doctor_examine(const struct weir_doctor_config *config, struct weir_report *ret);
void weir_report_free(struct weir_report *r);

/* True where nothing fails. */
bool weir_report_is_usable(const struct weir_report *r);
void weir_report_table(const struct weir_report *r, FILE *out);
void weir_report_json(const struct weir_report *r, FILE *out);

#endif
