/* SPDX-License-Identifier: BSD-3-Clause */
/* Control groups of this process: version 2, and version 1 by controller. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* Longest path of a group that is followed. */
#define GROUP_BYTES 512

/* The group of a controller ("" for version 2), as /proc/self/cgroup has it. */
static bool
group_of(const struct weir_doctor *d, const char *controller, char *buf, size_t size)
{
	char path[GROUP_BYTES], line[GROUP_BYTES + 64], *name, *group;
	FILE *f;
	bool is_found = false;

	snprintf(path, sizeof(path), "%s/proc/self/cgroup", d->config->root);
	f = fopen(path, "re");
	while (f && !is_found && fgets(line, sizeof(line), f)) {
		char *save = NULL;

		line[strcspn(line, "\n")] = '\0';
		name = strchr(line, ':');
		group = name ? strchr(name + 1, ':') : NULL;
		if (!group)
			continue;
		*group++ = '\0';
		if (!controller[0])
			is_found = !name[1];
		for (char *c = strtok_r(name + 1, ",", &save); c && controller[0];
		     c = strtok_r(NULL, ",", &save))
			is_found |= strcmp(c, controller) == 0;
		if (is_found)
			snprintf(buf, size, "%s", group);
	}
	if (f)
		fclose(f);
	return is_found;
}

/* Lines of a file in a group and those above it, from below. False: no more. */
struct climb {
	const struct weir_doctor *d;
	const char *mount;
	const char *file;
	char group[GROUP_BYTES];
	bool is_done;
};

static bool
climb(struct climb *c, char *buf, size_t size)
{
	char path[2 * GROUP_BYTES];
	char *slash;

	while (!c->is_done) {
		snprintf(path, sizeof(path), "%s%s/%s", c->mount, c->group, c->file);
		slash = strrchr(c->group, '/');
		if (slash)
			*slash = '\0';
		else
			c->is_done = true;
		if (weir_doctor_line(c->d, path, buf, size))
			return true;
	}
	return false;
}

static void
climb_begin(struct climb *c, const struct weir_doctor *d, const char *mount, const char *controller,
    const char *file)
{
	*c = (struct climb){ .d = d, .mount = mount, .file = file };
	/* in a container the path may be the host's, of which only the root can be seen */
	c->is_done = !group_of(d, controller, c->group, sizeof(c->group));
	if (strcmp(c->group, "/") == 0)
		c->group[0] = '\0';
}

static uint64_t
least(struct climb *c, uint64_t limit)
{
	char line[128];
	uint64_t n;

	while (climb(c, line, sizeof(line)))
		if (sscanf(line, "%" SCNu64, &n) == 1 && n < limit) /* "max" is none */
			limit = n;
	return limit;
}

uint64_t
weir_doctor_cgroup_limit(
    const struct weir_doctor *d, const char *controller, const char *file_v2, const char *file_v1)
{
	char mount[64];
	struct climb c;
	uint64_t limit;

	climb_begin(&c, d, "/sys/fs/cgroup", "", file_v2);
	limit = least(&c, UINT64_MAX);
	snprintf(mount, sizeof(mount), "/sys/fs/cgroup/%s", controller);
	climb_begin(&c, d, mount, controller, file_v1);
	limit = least(&c, limit);
	/* version 1 has no word for "no limit", but a number near the largest */
	return limit >= UINT64_C(1) << 60 ? UINT64_MAX : limit;
}

bool
weir_doctor_cgroup_line(
    const struct weir_doctor *d, const char *controller, const char *file, char *buf, size_t size)
{
	char mount[64];
	struct climb c;

	climb_begin(&c, d, "/sys/fs/cgroup", "", file);
	if (climb(&c, buf, size))
		return true;
	snprintf(mount, sizeof(mount), "/sys/fs/cgroup/%s", controller);
	climb_begin(&c, d, mount, controller, file);
	return climb(&c, buf, size);
}
