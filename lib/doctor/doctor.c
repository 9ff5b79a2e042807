/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define LIVE (WEIR_DOCTOR_INTERFACE | WEIR_DOCTOR_PCI | WEIR_DOCTOR_VDEV)

/* The list: a check is one function and one line here. */
static const struct weir_doctor_check checks[] = {
	{ "file", WEIR_DOCTOR_FILE, weir_check_file },
	{ "cpu", WEIR_DOCTOR_ALL, weir_check_cpu },
	{ "cores", WEIR_DOCTOR_ALL, weir_check_cores },
	{ "governor", LIVE, weir_check_governor },
	{ "hugepages", LIVE, weir_check_hugepages },
	{ "thp", LIVE, weir_check_thp },
	{ "memlock", WEIR_DOCTOR_INTERFACE | WEIR_DOCTOR_PCI, weir_check_memlock },
	{ "capabilities", WEIR_DOCTOR_INTERFACE, weir_check_capabilities },
	{ "af_xdp", WEIR_DOCTOR_INTERFACE, weir_check_af_xdp },
	{ "interface", WEIR_DOCTOR_INTERFACE, weir_check_interfaces },
	{ "iommu", WEIR_DOCTOR_PCI, weir_check_iommu },
	{ "nic", WEIR_DOCTOR_PCI, weir_check_nics },
	{ "libraries", WEIR_DOCTOR_ALL, weir_check_libraries },
};

unsigned
weir_doctor_scope_of(const char *interface)
{
	if (strncmp(interface, "vdev:", 5) == 0)
		return WEIR_DOCTOR_VDEV;
	/* bus:device.function, with or without a domain; no interface's name holds both signs */
	if (strchr(interface, ':') && strchr(interface, '.') && isxdigit((unsigned char)*interface))
		return WEIR_DOCTOR_PCI;
	return WEIR_DOCTOR_INTERFACE;
}

void
weir_doctor_examine(const struct weir_doctor_config *config, struct weir_report *ret)
{
	struct weir_doctor d = { .config = config, .report = ret };

	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (!(checks[i].scope & config->scope))
			continue;
		d.check = checks[i].name;
		checks[i].run(&d);
	}
}

void
weir_doctor_add(struct weir_doctor *d, enum weir_finding_level level, const char *why,
    const char *mend, const char *found, ...)
{
	struct weir_report *r = d->report;
	struct weir_finding *f;
	va_list ap;

	r->findings = realloc(r->findings, (r->n + 1) * sizeof(*r->findings));
	if (!r->findings)
		abort();
	f = &r->findings[r->n++];
	*f = (struct weir_finding){ .level = level, .check = d->check, .why = why };
	va_start(ap, found);
	if (vasprintf(&f->found, found, ap) < 0)
		abort();
	va_end(ap);
	f->mend = mend ? strdup(mend) : NULL;
	if (mend && !f->mend)
		abort();
}

bool
weir_doctor_asks(const struct weir_doctor *d, unsigned scope)
{
	return d->config->name && d->config->scope & scope;
}

void
weir_report_free(struct weir_report *r)
{
	for (unsigned i = 0; i < r->n; i++) {
		free(r->findings[i].found);
		free(r->findings[i].mend);
	}
	free(r->findings);
	memset(r, 0, sizeof(*r));
}

bool
weir_report_is_usable(const struct weir_report *r)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->findings[i].level == WEIR_FINDING_FAIL)
			return false;
	return true;
}
