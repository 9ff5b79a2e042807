/* SPDX-License-Identifier: BSD-3-Clause */
/* What makes a CPU's speed, time and peace vary. */
#include <string.h>

#include "check.h"

void
weir_check_governor(struct weir_doctor *d)
{
	static const char why[] =
	    "a core that sleeps or slows down between bursts adds latency and loses packets";
	static const char files[] = "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor";
	char other[64] = "", governor[64], offered[256];
	struct weir_finding *f;
	size_t n = 0;
	glob_t all;

	weir_doctor_glob(d, files, &all);
	for (size_t i = 0; i < all.gl_pathc; i++) {
		weir_doctor_line(
		    d, all.gl_pathv[i] + strlen(d->config->root), governor, sizeof(governor));
		if (strcmp(governor, "performance") == 0)
			continue;
		memcpy(other, governor, sizeof(other));
		n++;
	}
	weir_doctor_line(d, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_available_governors",
	    offered, sizeof(offered));
	if (!all.gl_pathc) {
		weir_doctor_add(
		    d, WEIR_FINDING_OK, why, NULL, "frequencies are not this system's to govern");
	} else if (!n) {
		weir_doctor_add(
		    d, WEIR_FINDING_OK, why, NULL, "performance on %zu CPUs", (size_t)all.gl_pathc);
	} else if (offered[0] && !weir_doctor_has_word(offered, "performance")) {
		weir_doctor_add(d, WEIR_FINDING_WARN, why, "sudo modprobe cpufreq_performance",
		    "%s on %zu of %zu CPUs, and the kernel offers no other than: %s", other, n,
		    (size_t)all.gl_pathc, offered);
	} else {
		f = weir_doctor_add(d, WEIR_FINDING_WARN, why,
		    "echo performance | sudo tee "
		    "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor",
		    "%s on %zu of %zu CPUs", other, n, (size_t)all.gl_pathc);
		weir_doctor_fixable(f, WEIR_FIX_WRITE, files, "performance");
	}
	globfree(&all);
}

static void
check_source(struct weir_doctor *d)
{
	static const char why[] = "packets are timed, and sent, by the TSC: another clock costs a "
				  "call to the kernel each time";
	static const char dir[] = "/sys/devices/system/clocksource/clocksource0/";
	char path[128], current[64], available[256], mend[320];

	snprintf(path, sizeof(path), "%scurrent_clocksource", dir);
	if (!weir_doctor_line(d, path, current, sizeof(current))) {
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "the kernel names no clock");
		return;
	}
	snprintf(path, sizeof(path), "%savailable_clocksource", dir);
	weir_doctor_line(d, path, available, sizeof(available));
	if (weir_doctor_has_word(available, "tsc"))
		snprintf(mend, sizeof(mend), "echo tsc | sudo tee %scurrent_clocksource", dir);
	else
		weir_doctor_mend_kernel_args("clocksource=tsc tsc=reliable", mend, sizeof(mend));
	/* these two are the TSC as well, read without a call */
	if (strcmp(current, "tsc") == 0 || strcmp(current, "kvm-clock") == 0 ||
	    strcmp(current, "hyperv_clocksource_tsc_page") == 0)
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "the kernel's clock is %s", current);
	else
		weir_doctor_add(d, WEIR_FINDING_WARN, why, mend,
		    "the kernel's clock is %s (available: %s)", current, available);
}

void
weir_check_clock(struct weir_doctor *d)
{
	static const char why[] =
	    "a TSC that changes its speed or stops in sleep makes times and latencies wrong";
	static const char virtual[] = "lscpu | grep -i hypervisor (start the virtual machine with "
				      "'-cpu host,+invtsc', where it does not migrate)";
	char flags[8192];
	bool is_steady;

	check_source(d);
	if (!weir_doctor_value(d, "/proc/cpuinfo", "flags", flags, sizeof(flags)))
		return;
	is_steady = weir_doctor_has_word(flags, "constant_tsc") &&
		    (weir_doctor_has_word(flags, "nonstop_tsc") ||
			weir_doctor_has_word(flags, "hypervisor"));
	weir_doctor_add(d, is_steady ? WEIR_FINDING_OK : WEIR_FINDING_WARN, why,
	    weir_doctor_has_word(flags, "hypervisor")
		? virtual
		: "weir ... --idle spin (keeps the CPUs of its workers awake)",
	    "the TSC is %s",
	    is_steady ? "steady" : "not said to be steady (constant_tsc, nonstop_tsc)");
}

/* A process of that name; /proc has them by number. */
static bool
is_running(const struct weir_doctor *d, const char *name)
{
	char comm[64];
	glob_t all;
	bool is_found = false;

	weir_doctor_glob(d, "/proc/[0-9]*/comm", &all);
	for (size_t i = 0; i < all.gl_pathc && !is_found; i++)
		is_found = weir_doctor_line(
			       d, all.gl_pathv[i] + strlen(d->config->root), comm, sizeof(comm)) &&
			   strcmp(comm, name) == 0;
	globfree(&all);
	return is_found;
}

void
weir_check_irqbalance(struct weir_doctor *d)
{
	static const char why[] = "irqbalance moves interrupts to where they disturb a worker; it "
				  "spares isolated CPUs and those of nohz_full";
	cpu_set_t pinned, spared, full, both;
	char banned[256], text[256], mend[640];
	bool is_pinned = weir_doctor_cpus_pinned(d, &pinned);

	if (!is_running(d, "irqbalance")) {
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "irqbalance does not run");
		return;
	}
	weir_doctor_cpus_of(d, "/sys/devices/system/cpu/isolated", &spared);
	weir_doctor_cpus_of(d, "/sys/devices/system/cpu/nohz_full", &full);
	CPU_OR(&spared, &spared, &full);
	if (weir_doctor_value(
		d, "/etc/default/irqbalance", "IRQBALANCE_BANNED_CPULIST=", banned, sizeof(banned)))
		/* what is named there replaces what would be spared; it may be in quotes */
		weir_doctor_cpus(banned + (banned[0] == '"'), &spared);
	CPU_AND(&both, &spared, &pinned);
	weir_doctor_cpus_text(is_pinned ? &pinned : &spared, text, sizeof(text));
	if (!is_pinned) {
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL,
		    "irqbalance runs and spares CPUs: %s (with --cores LIST, workers are looked "
		    "at)",
		    text);
		return;
	}
	snprintf(mend, sizeof(mend),
	    "echo 'IRQBALANCE_BANNED_CPULIST=%s' | sudo tee -a /etc/default/irqbalance && sudo "
	    "systemctl restart irqbalance",
	    text);
	weir_doctor_add(d, CPU_EQUAL(&both, &pinned) ? WEIR_FINDING_OK : WEIR_FINDING_WARN, why,
	    mend, "irqbalance runs and %s the workers' CPUs %s",
	    CPU_EQUAL(&both, &pinned) ? "spares" : "does not spare", text);
}
