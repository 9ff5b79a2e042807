/* SPDX-License-Identifier: BSD-3-Clause */
/* CPUs: what they can, how many there are for weir, and who else uses them. */
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* CPUs of a machine from which on some can be set aside. */
#define ENOUGH_TO_ISOLATE 4

static bool
has_flags(const char *flags, const char *const *names)
{
	for (; *names; names++)
		if (!weir_doctor_has_word(flags, *names))
			return false;
	return true;
}

void
weir_check_cpu(struct weir_doctor *d)
{
	static const char why[] =
	    "the hot loops are built for x86-64-v2 and up; wider vectors are faster";
	static const char *const v2[] = { "sse4_2", "ssse3", "popcnt", NULL };
	static const char *const v3[] = { "avx2", "bmi1", "bmi2", "fma", NULL };
	static const char *const v4[] = { "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl",
		NULL };
	static const char mend[] =
	    "lscpu | grep -i 'model name' (wants a CPU with SSE4.2, of 2009 or later; a virtual "
	    "machine: start it with '-cpu host')";
	char flags[8192];

	if (!weir_doctor_value(d, "/proc/cpuinfo", "flags", flags, sizeof(flags)))
		weir_doctor_add(d, WEIR_FINDING_WARN, why, mend, "/proc/cpuinfo names no flags");
	else if (!has_flags(flags, v2))
		weir_doctor_add(d, WEIR_FINDING_FAIL, why, mend,
		    "this CPU is older than x86-64-v2 (SSE4.2): weir does not run on it");
	else
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "x86-64-%s",
		    !has_flags(flags, v3)   ? "v2 (SSE4.2)"
		    : !has_flags(flags, v4) ? "v3 (AVX2)"
					    : "v4 (AVX-512)");
}

void
weir_check_cores(struct weir_doctor *d)
{
	static const char why[] =
	    "a polling worker fills a core; the control thread and the kernel want another";
	unsigned n_workers = weir_doctor_workers(d);
	cpu_set_t allowed, online, pinned, out;
	char text[2][256], mend[128];
	int n, n_online;

	weir_doctor_cpus_allowed(d, &allowed);
	weir_doctor_cpus_of(d, "/sys/devices/system/cpu/online", &online);
	n = CPU_COUNT(&allowed);
	n_online = CPU_COUNT(&online);
	weir_doctor_cpus_text(&allowed, text[0], sizeof(text[0]));
	weir_doctor_cpus_text(&online, text[1], sizeof(text[1]));
	if (n > 1 && n <= (int)n_workers)
		snprintf(mend, sizeof(mend), "weir ... --cores %d", n - 1);
	else if (n_online > n)
		snprintf(mend, sizeof(mend), "sudo taskset -pc %s $$", text[1]);
	else
		snprintf(mend, sizeof(mend), "nproc (give the machine %u CPUs)", n_workers + 1);
	weir_doctor_add(d, n > (int)n_workers ? WEIR_FINDING_OK : WEIR_FINDING_WARN, why, mend,
	    "%u worker%s and the control thread have %d CPU%s: %s (online: %s)", n_workers,
	    n_workers == 1 ? "" : "s", n, n == 1 ? "" : "s", text[0], text[1]);
	if (!weir_doctor_cpus_pinned(d, &pinned))
		return;
	CPU_AND(&out, &pinned, &allowed);
	if (CPU_EQUAL(&out, &pinned))
		return;
	CPU_XOR(&out, &out, &pinned);
	weir_doctor_cpus_text(&out, text[1], sizeof(text[1]));
	snprintf(mend, sizeof(mend), "weir ... --cores %.100s", text[0]);
	weir_doctor_add(d, WEIR_FINDING_FAIL,
	    "a worker cannot run on a CPU that its process may not use", mend,
	    "--cores names CPU%s %s, this process may run on %s", CPU_COUNT(&out) > 1 ? "s" : "",
	    text[1], text[0]);
}

/* CPUs to set aside: the last ones. */
static void
propose(const struct weir_doctor *d, const cpu_set_t *online, cpu_set_t *ret)
{
	unsigned n = weir_doctor_workers(d);

	CPU_ZERO(ret);
	for (int cpu = CPU_SETSIZE - 1; cpu > 0 && n; cpu--) {
		if (!CPU_ISSET(cpu, online))
			continue;
		CPU_SET(cpu, ret);
		n--;
	}
}

static void
isolation_of_pinned(
    struct weir_doctor *d, const cpu_set_t *isolated, const cpu_set_t *pinned, bool is_small)
{
	static const char why[] = "what else runs on a worker's CPU takes time in which packets "
				  "are lost";
	char text[2][256], args[600], mend[800];
	cpu_set_t both;

	CPU_AND(&both, isolated, pinned);
	weir_doctor_cpus_text(pinned, text[0], sizeof(text[0]));
	weir_doctor_cpus_text(isolated, text[1], sizeof(text[1]));
	snprintf(
	    args, sizeof(args), "isolcpus=%s nohz_full=%s rcu_nocbs=%s", text[0], text[0], text[0]);
	weir_doctor_mend_kernel_args(args, mend, sizeof(mend));
	if (CPU_COUNT(isolated) >= CPU_COUNT(pinned))
		snprintf(mend, sizeof(mend), "weir ... --cores %s", text[1]);
	weir_doctor_add(d,
	    is_small || CPU_EQUAL(&both, pinned) ? WEIR_FINDING_OK : WEIR_FINDING_WARN, why, mend,
	    "workers on CPUs %s; isolated: %s", text[0], text[1]);
}

static void
isolation_of_any(struct weir_doctor *d, const cpu_set_t *isolated, const cpu_set_t *online)
{
	static const char why[] = "on isolated CPUs nothing else runs; the kernel puts no thread "
				  "there by itself, --cores does";
	char text[256], args[600], mend[800];
	bool is_small = CPU_COUNT(online) < ENOUGH_TO_ISOLATE;
	cpu_set_t proposed;

	if (CPU_COUNT(isolated)) {
		weir_doctor_cpus_text(isolated, text, sizeof(text));
		snprintf(mend, sizeof(mend), "weir ... --cores %s", text);
		weir_doctor_add(d, d->config->has_command ? WEIR_FINDING_WARN : WEIR_FINDING_OK,
		    why, mend, "CPUs %s are isolated%s", text,
		    d->config->has_command ? ", and no worker is put on them" : "");
		return;
	}
	propose(d, online, &proposed);
	weir_doctor_cpus_text(&proposed, text, sizeof(text));
	snprintf(args, sizeof(args), "isolcpus=%s nohz_full=%s rcu_nocbs=%s", text, text, text);
	weir_doctor_add(d, is_small ? WEIR_FINDING_OK : WEIR_FINDING_WARN, why,
	    weir_doctor_mend_kernel_args(args, mend, sizeof(mend)), "no CPU is isolated%s",
	    is_small ? " (there are too few to set one aside)" : "");
}

void
weir_check_isolation(struct weir_doctor *d)
{
	static const char why_tick[] =
	    "the kernel's tick interrupts each CPU 250 times a second, but for those of nohz_full";
	cpu_set_t isolated, online, pinned, full, both;
	char text[256], full_text[256], args[600], mend[800];

	weir_doctor_cpus_of(d, "/sys/devices/system/cpu/isolated", &isolated);
	weir_doctor_cpus_of(d, "/sys/devices/system/cpu/online", &online);
	weir_doctor_cpus_of(d, "/sys/devices/system/cpu/nohz_full", &full);
	if (weir_doctor_cpus_pinned(d, &pinned))
		isolation_of_pinned(d, &isolated, &pinned, CPU_COUNT(&online) < ENOUGH_TO_ISOLATE);
	else
		isolation_of_any(d, &isolated, &online);
	if (!CPU_COUNT(&isolated))
		return;
	CPU_AND(&both, &isolated, &full);
	weir_doctor_cpus_text(&isolated, text, sizeof(text));
	snprintf(args, sizeof(args), "nohz_full=%s rcu_nocbs=%s", text, text);
	weir_doctor_add(d, CPU_EQUAL(&both, &isolated) ? WEIR_FINDING_OK : WEIR_FINDING_WARN,
	    why_tick, weir_doctor_mend_kernel_args(args, mend, sizeof(mend)),
	    "isolated: %s; without tick (nohz_full): %s", text,
	    weir_doctor_cpus_text(&full, full_text, sizeof(full_text)));
}

/* The first CPU of each core. */
static void
firsts(const struct weir_doctor *d, const cpu_set_t *all, cpu_set_t *ret)
{
	cpu_set_t left = *all, siblings;

	CPU_ZERO(ret);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &left))
			continue;
		CPU_SET(cpu, ret);
		weir_doctor_siblings(d, cpu, &siblings);
		for (int s = 0; s < CPU_SETSIZE; s++)
			if (CPU_ISSET(s, &siblings))
				CPU_CLR(s, &left);
	}
}

void
weir_check_smt(struct weir_doctor *d)
{
	static const char why[] = "two threads of one core share its caches and units: two workers "
				  "there do hardly more than one";
	unsigned n_workers = weir_doctor_workers(d);
	cpu_set_t allowed, pinned, cores, own;
	char text[256], mend[320];

	weir_doctor_cpus_allowed(d, &allowed);
	firsts(d, &allowed, &cores);
	weir_doctor_cpus_text(&cores, text, sizeof(text));
	snprintf(mend, sizeof(mend), "weir ... --cores %s", text);
	if (weir_doctor_cpus_pinned(d, &pinned)) {
		firsts(d, &pinned, &own);
		weir_doctor_add(d, CPU_EQUAL(&own, &pinned) ? WEIR_FINDING_OK : WEIR_FINDING_WARN,
		    why, mend,
		    CPU_EQUAL(&own, &pinned) ? "each worker has a core of its own"
					     : "%d workers share %d cores",
		    CPU_COUNT(&pinned), CPU_COUNT(&own));
		return;
	}
	if (CPU_COUNT(&cores) < CPU_COUNT(&allowed))
		weir_doctor_add(d,
		    (int)n_workers > CPU_COUNT(&cores) ? WEIR_FINDING_WARN : WEIR_FINDING_OK, why,
		    mend, "%d CPUs are %d cores (SMT is on); workers get whole cores first",
		    CPU_COUNT(&allowed), CPU_COUNT(&cores));
	else
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "each CPU is a core of its own");
}
