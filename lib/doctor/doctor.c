/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define EVERY  (WEIR_DOCTOR_ALL | WEIR_DOCTOR_OTHER)
#define KERNEL WEIR_DOCTOR_INTERFACE
#define PORTS  (WEIR_DOCTOR_PCI | WEIR_DOCTOR_VDEV)

/* The list: a check is one function and one line here. */
static const struct weir_doctor_check checks[] = {
	{ "file", WEIR_DOCTOR_FILE, weir_check_file },
	{ "cpu", EVERY, weir_check_cpu },
	{ "cores", EVERY, weir_check_cores },
	{ "isolation", WEIR_DOCTOR_LIVE, weir_check_isolation },
	{ "smt", WEIR_DOCTOR_LIVE, weir_check_smt },
	{ "irqbalance", WEIR_DOCTOR_LIVE, weir_check_irqbalance },
	{ "governor", WEIR_DOCTOR_LIVE, weir_check_governor },
	{ "clock", WEIR_DOCTOR_LIVE, weir_check_clock },
	{ "hugepages", WEIR_DOCTOR_LIVE, weir_check_hugepages },
	{ "hugetlbfs", WEIR_DOCTOR_LIVE, weir_check_hugetlbfs },
	{ "thp", WEIR_DOCTOR_LIVE, weir_check_thp },
	{ "tables", EVERY, weir_check_tables },
	{ "swap", WEIR_DOCTOR_LIVE, weir_check_swap },
	{ "memlock", KERNEL | WEIR_DOCTOR_PCI, weir_check_memlock },
	{ "container", EVERY, weir_check_container },
	{ "cgroup", EVERY, weir_check_cgroup },
	{ "seccomp", WEIR_DOCTOR_LIVE, weir_check_seccomp },
	{ "capabilities", EVERY, weir_check_capabilities },
	{ "kernel", KERNEL | WEIR_DOCTOR_PCI, weir_check_kernel },
	{ "modules", PORTS, weir_check_modules },
	{ "af_xdp", KERNEL, weir_check_af_xdp },
	{ "bpf", KERNEL, weir_check_bpf },
	{ "interface", KERNEL, weir_check_interfaces },
	{ "link", KERNEL, weir_check_links },
	{ "rss", KERNEL, weir_check_rss },
	{ "xdp", KERNEL, weir_check_xdp },
	{ "iommu", WEIR_DOCTOR_PCI, weir_check_iommu },
	{ "vfio", WEIR_DOCTOR_PCI, weir_check_vfio },
	{ "nic", WEIR_DOCTOR_PCI, weir_check_nics },
	{ "pcie", KERNEL | WEIR_DOCTOR_PCI, weir_check_pcie },
	{ "numa", KERNEL | WEIR_DOCTOR_PCI, weir_check_numa },
	{ "libraries", EVERY, weir_check_libraries },
	{ "drivers", WEIR_DOCTOR_LIVE, weir_check_drivers },
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
	struct weir_doctor d = { .config = config, .report = ret, .probe = config->probe };

	memset(ret, 0, sizeof(*ret));
	if (!d.probe)
		d.probe = config->root[0] ? &weir_doctor_probe_tree : &weir_doctor_probe_host;
	weir_doctor_need(&d, &ret->need);
	ret->has_need = config->has_command;
	d.need = &ret->need;
	for (unsigned i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (!(checks[i].scope & config->scope))
			continue;
		d.check = checks[i].name;
		checks[i].run(&d);
	}
}

struct weir_finding *
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
	return f;
}

void
weir_doctor_fixable(
    struct weir_finding *f, enum weir_fix_kind kind, const char *target, const char *value)
{
	if (f->level == WEIR_FINDING_OK)
		return;
	f->fix.kind = kind;
	snprintf(f->fix.target, sizeof(f->fix.target), "%s", target);
	snprintf(f->fix.value, sizeof(f->fix.value), "%s", value ? value : "");
}

bool
weir_doctor_asks(const struct weir_doctor *d, unsigned scope)
{
	return weir_doctor_next(d, scope, NULL) != NULL;
}

enum weir_finding_level
weir_doctor_level(const struct weir_doctor *d, unsigned scope)
{
	return weir_doctor_asks(d, scope) ? WEIR_FINDING_FAIL : WEIR_FINDING_WARN;
}

unsigned
weir_doctor_workers(const struct weir_doctor *d)
{
	return d->config->n_workers ? d->config->n_workers : 1;
}

const struct weir_doctor_source *
weir_doctor_next(const struct weir_doctor *d, unsigned scope, const struct weir_doctor_source *s)
{
	const struct weir_doctor_source *all = d->config->sources;

	for (unsigned i = s ? (unsigned)(s - all) + 1 : 0; i < d->config->n_sources; i++)
		if (all[i].scope & scope)
			return &all[i];
	return NULL;
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
