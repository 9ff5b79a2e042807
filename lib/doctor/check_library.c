/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <rte_version.h>
#include <string.h>
#include <unistd.h>

#include <weir/port/eal.h>
#include <weir/port/name.h>

#include "check.h"

static size_t
count_drivers(const struct weir_doctor *d, const char *dir)
{
	char pattern[600];
	glob_t found;
	size_t n;

	snprintf(pattern, sizeof(pattern), "%s/librte_net_*.so", dir);
	weir_doctor_glob(d, pattern, &found);
	n = found.gl_pathc;
	globfree(&found);
	return n;
}

void
weir_check_libraries(struct weir_doctor *d)
{
	static const char why[] = "DPDK loads its drivers from a folder that carries its ABI's "
				  "version; without them it has no port";
	char dir[512];
	size_t n;

	weir_doctor_add(d, WEIR_FINDING_OK, "files and tapped interfaces are read through libpcap",
	    NULL, "%s", pcap_lib_version());
	if (!(d->config->scope & WEIR_DOCTOR_LIVE))
		return;
	weir_eal_driver_dir(dir, sizeof(dir));
	n = dir[0] ? count_drivers(d, dir) : 0;
	if (n)
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "%s, %zu network drivers in %s",
		    rte_version(), n, dir);
	else
		weir_doctor_add(d, weir_doctor_level(d, WEIR_DOCTOR_PCI | WEIR_DOCTOR_VDEV), why,
		    "sudo apt-get install --reinstall libdpdk-dev", "%s, no network driver in %s",
		    rte_version(), dir[0] ? dir : "its folder");
}

/* Files of drivers that were made for another DPDK than the one that this program is linked with.
 */
static void
look_for_others(struct weir_doctor *d, const char *dir)
{
	static const char why[] =
	    "DPDK takes drivers of its own ABI alone: those of another version "
	    "are not seen, or crash";
	char pattern[600], others[256] = "";
	const char *slash = strrchr(dir, '/');
	size_t at = 0, own = strlen(d->config->root);
	glob_t all;

	snprintf(pattern, sizeof(pattern), "%.*s/pmds-*", (int)(slash - dir), dir);
	weir_doctor_glob(d, pattern, &all);
	for (size_t i = 0; i < all.gl_pathc && at < sizeof(others); i++)
		if (strcmp(all.gl_pathv[i] + own, dir) != 0)
			at += (size_t)snprintf(others + at, sizeof(others) - at, "%s%s",
			    at ? ", " : "", weir_doctor_base(all.gl_pathv[i]));
	globfree(&all);
	if (others[0])
		weir_doctor_add(d, WEIR_FINDING_WARN, why,
		    "dpkg -S '*/dpdk/pmds-*' | cut -d: -f1 | sort -u (and remove the packages of "
		    "the other version)",
		    "weir is linked with %s (%s); there are drivers of %s, too", rte_version(),
		    slash + 1, others);
	else
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL,
		    "weir is linked with %s, and the drivers are of its ABI (%s)", rte_version(),
		    slash + 1);
}

/* The driver of a virtual device that was asked about. */
static void
look_for_driver(struct weir_doctor *d, const char *name, const char *dir)
{
	static const char why[] = "each virtual device has its driver, in a file of its own";
	struct weir_port_name port;
	char path[700];
	size_t len;

	if (weir_port_parse(name, &port, NULL) != 0) {
		weir_doctor_add(d, WEIR_FINDING_FAIL, why, "weir --help", "%s is no device", name);
		return;
	}
	len = strcspn(port.device, "0123456789");
	snprintf(path, sizeof(path), "%s/librte_%.*s.so", dir, (int)len, port.device);
	if (weir_doctor_exists(d, path))
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "%s has %s", port.device, path);
	else
		weir_doctor_add(d, WEIR_FINDING_FAIL, why,
		    "sudo apt-get install --reinstall libdpdk-dev", "there is no %s", path);
}

void
weir_check_drivers(struct weir_doctor *d)
{
	const struct weir_doctor_source *s = NULL;
	char dir[512];

	if (!strrchr(weir_eal_driver_dir(dir, sizeof(dir)), '/'))
		return;
	look_for_others(d, dir);
	while ((s = weir_doctor_next(d, WEIR_DOCTOR_VDEV, s)))
		look_for_driver(d, s->name, dir);
}

/* A name as a word of a command line. */
static const char *
quoted(const char *name, char *buf, size_t size)
{
	bool is_plain = name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					  "0123456789_-./,:=+@%")] == '\0';
	size_t at = 0;

	if (is_plain && name[0]) {
		snprintf(buf, size, "%s", name);
		return buf;
	}
	at += (size_t)snprintf(buf, size, "'");
	for (const char *p = name; *p && at + 6 < size; p++)
		at += (size_t)snprintf(buf + at, size - at, *p == '\'' ? "'\\''" : "%c", *p);
	snprintf(buf + at, size - at, "'");
	return buf;
}

static void
look_at_file(struct weir_doctor *d, const char *name)
{
	static const char why[] = "a capture file must be readable by who runs weir";
	char word[512], mend[640];
	int fd;

	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "%s can be read", name);
		return;
	}
	snprintf(mend, sizeof(mend), errno == ENOENT ? "ls -l %s" : "sudo chmod a+r %s",
	    quoted(name, word, sizeof(word)));
	weir_doctor_add(
	    d, WEIR_FINDING_FAIL, why, mend, "%s cannot be read: %s", name, strerror(errno));
}

void
weir_check_file(struct weir_doctor *d)
{
	const struct weir_doctor_source *s = NULL;
	char name[1024];

	while ((s = weir_doctor_next(d, WEIR_DOCTOR_FILE, s))) {
		if (strcmp(s->name, "-") == 0 || strncmp(s->name, "-?", 2) == 0)
			continue;
		snprintf(name, sizeof(name), "%s", s->name);
		/* options of the file follow its name; a file whose name has such a sign, too */
		if (access(name, F_OK) != 0 && strchr(name, '?'))
			*strrchr(name, '?') = '\0';
		look_at_file(d, name);
	}
}
