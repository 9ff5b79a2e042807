/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of the host that is examined, all under the root of the examination. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#define PATH_BYTES 1024

static const char *
under_root(const struct weir_doctor *d, const char *path, char *buf)
{
	snprintf(buf, PATH_BYTES, "%s%s", d->config->root, path);
	return buf;
}

bool
weir_doctor_line(const struct weir_doctor *d, const char *path, char *buf, size_t size)
{
	char full[PATH_BYTES];
	FILE *f = fopen(under_root(d, path, full), "re");
	bool is_read;

	buf[0] = '\0';
	if (!f)
		return false;
	is_read = fgets(buf, (int)size, f) != NULL;
	fclose(f);
	buf[strcspn(buf, "\n")] = '\0';
	return is_read;
}

uint64_t
weir_doctor_number(const struct weir_doctor *d, const char *path)
{
	char line[64];
	uint64_t n = 0;

	if (!weir_doctor_line(d, path, line, sizeof(line)) || sscanf(line, "%" SCNu64, &n) != 1)
		return 0;
	return n;
}

bool
weir_doctor_exists(const struct weir_doctor *d, const char *path)
{
	char full[PATH_BYTES];

	return access(under_root(d, path, full), F_OK) == 0;
}

bool
weir_doctor_link(const struct weir_doctor *d, const char *path, char *buf, size_t size)
{
	char full[PATH_BYTES], target[PATH_MAX];
	ssize_t n = readlink(under_root(d, path, full), target, sizeof(target) - 1);

	target[n > 0 ? n : 0] = '\0';
	snprintf(buf, size, "%s", weir_doctor_base(target));
	return n > 0;
}

bool
weir_doctor_value(
    const struct weir_doctor *d, const char *path, const char *key, char *buf, size_t size)
{
	char full[PATH_BYTES];
	FILE *f = fopen(under_root(d, path, full), "re");
	size_t len = strlen(key), room = 0;
	char *line = NULL;
	bool is_found = false;

	buf[0] = '\0';
	while (f && !is_found && getline(&line, &room, f) > 0) {
		const char *value = line + len;

		if (strncmp(line, key, len) != 0)
			continue;
		value += strspn(value, " \t:");
		snprintf(buf, size, "%.*s", (int)strcspn(value, "\n"), value);
		is_found = true;
	}
	free(line);
	if (f)
		fclose(f);
	return is_found;
}

void
weir_doctor_glob(const struct weir_doctor *d, const char *pattern, glob_t *ret)
{
	char full[PATH_BYTES];

	memset(ret, 0, sizeof(*ret));
	if (glob(under_root(d, pattern, full), 0, NULL, ret) != 0)
		ret->gl_pathc = 0;
}

const char *
weir_doctor_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool
weir_doctor_has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = strstr(text, word); p; p = strstr(p + 1, word))
		if ((p == text || p[-1] == ' ' || p[-1] == '\t') &&
		    (!p[len] || p[len] == ' ' || p[len] == '\t'))
			return true;
	return false;
}

void
weir_doctor_cpus(const char *text, cpu_set_t *ret)
{
	CPU_ZERO(ret);
	while (*text) {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (end == text)
			return;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (; first <= last && first < CPU_SETSIZE; first++)
			CPU_SET(first, ret);
		text = end + strspn(end, ", \n");
	}
}

const char *
weir_doctor_cpus_text(const cpu_set_t *set, char *buf, size_t size)
{
	size_t at = 0;

	snprintf(buf, size, "none");
	for (int cpu = 0, last; cpu < CPU_SETSIZE && at < size; cpu = last + 1) {
		for (last = cpu;
		     last + 1 < CPU_SETSIZE && CPU_ISSET(last, set) && CPU_ISSET(last + 1, set);)
			last++;
		if (CPU_ISSET(cpu, set))
			at += (size_t)snprintf(buf + at, size - at, last > cpu ? "%s%d-%d" : "%s%d",
			    at ? "," : "", cpu, last);
	}
	return buf;
}

void
weir_doctor_cpus_of(const struct weir_doctor *d, const char *path, cpu_set_t *ret)
{
	char text[4096];

	weir_doctor_line(d, path, text, sizeof(text));
	weir_doctor_cpus(text, ret);
}

void
weir_doctor_cpus_allowed(const struct weir_doctor *d, cpu_set_t *ret)
{
	char text[4096];

	weir_doctor_value(d, "/proc/self/status", "Cpus_allowed_list", text, sizeof(text));
	weir_doctor_cpus(text, ret);
}

bool
weir_doctor_can(const struct weir_doctor *d, unsigned capability)
{
	char text[64];
	uint64_t bits = 0;

	if (weir_doctor_value(d, "/proc/self/status", "CapEff", text, sizeof(text)))
		bits = strtoull(text, NULL, 16);
	return bits >> capability & 1;
}

bool
weir_doctor_kernel_arg(const struct weir_doctor *d, const char *name, char *buf, size_t size)
{
	char line[4096];
	char *save = NULL;
	size_t len = strlen(name);

	buf[0] = '\0';
	weir_doctor_line(d, "/proc/cmdline", line, sizeof(line));
	for (char *w = strtok_r(line, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		if (strcmp(w, "--") == 0)
			return false; /* the rest is init's */
		if (strncmp(w, name, len) != 0 || (w[len] && w[len] != '='))
			continue;
		snprintf(buf, size, "%s", w[len] ? w + len + 1 : "");
		return true;
	}
	return false;
}

const char *
weir_doctor_mend_kernel_args(const char *args, char *buf, size_t size)
{
	snprintf(buf, size,
	    "sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&%s /' /etc/default/grub && sudo update-grub && "
	    "sudo reboot",
	    args);
	return buf;
}

bool
weir_doctor_cpus_pinned(const struct weir_doctor *d, cpu_set_t *ret)
{
	CPU_ZERO(ret);
	for (unsigned i = 0; i < d->config->n_cpus; i++)
		if (d->config->cpus[i] < CPU_SETSIZE)
			CPU_SET(d->config->cpus[i], ret);
	return CPU_COUNT(ret) > 0;
}

void
weir_doctor_siblings(const struct weir_doctor *d, int cpu, cpu_set_t *ret)
{
	char path[128];

	snprintf(
	    path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
	weir_doctor_cpus_of(d, path, ret);
	CPU_SET(cpu, ret);
}
