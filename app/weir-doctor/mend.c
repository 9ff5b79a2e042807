/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>

#include "doctor.h"

/* No answer is no. */
static bool
ask(void)
{
	char line[64];

	fputs("  do it? [y/N] ", stderr);
	fflush(stderr);
	if (!fgets(line, sizeof(line), stdin)) {
		fputc('\n', stderr);
		return false;
	}
	return strcasecmp(line, "y\n") == 0 || strcasecmp(line, "yes\n") == 0;
}

/* The same action may mend several findings. */
static bool
is_tried(const struct weir_report *r, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (memcmp(&r->findings[i].fix, &r->findings[n].fix, sizeof(struct weir_fix)) == 0)
			return true;
	return false;
}

static void
mend(const struct weir_finding *f, const char *root, struct weir_fix_result *ret)
{
	struct weir_error err;
	int rc = weir_fix_apply(&f->fix, root, &err);

	ret->mend = strdup(f->mend);
	ret->error = rc ? strdup(err.text) : NULL;
	if (!ret->mend || (rc && !ret->error))
		abort();
	fprintf(stderr, "  %s%s\n", rc ? "failed: " : "done", rc ? err.text : "");
}

unsigned
mend_findings(
    const struct weir_report *r, const char *root, bool is_yes, struct weir_fix_result **ret)
{
	unsigned n = 0, n_found = 0;

	*ret = NULL;
	for (unsigned i = 0; i < r->n; i++) {
		const struct weir_finding *f = &r->findings[i];

		if (!f->fix.kind || is_tried(r, i))
			continue;
		n_found++;
		fprintf(stderr, "%s: %s\n  %s\n", f->check, f->found, f->mend);
		if (is_yes || ask())
			mend(f, root, weir_array_add(ret, &n, sizeof(**ret)));
	}
	if (!n_found)
		fputs("weir-doctor: there is nothing that --fix does\n", stderr);
	return n;
}
