/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
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
weir_doctor_can(unsigned capability)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	return syscall(SYS_capget, &head, data) == 0 &&
	       (data[capability / 32].effective >> (capability % 32) & 1);
}
