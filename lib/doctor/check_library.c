/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pcap/pcap.h>
#include <rte_version.h>
#include <string.h>
#include <unistd.h>

#include <weir/port/eal.h>

#include "check.h"

static size_t
count_drivers(const char *dir)
{
	char pattern[600];
	glob_t found = { 0 };
	size_t n;

	snprintf(pattern, sizeof(pattern), "%s/librte_net_*.so", dir);
	n = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
	globfree(&found);
	return n;
}

void
weir_check_libraries(struct weir_doctor *d)
{
	static const char why[] = "DPDK loads its drivers from a folder that carries its ABI's "
				  "version; without them it has no port";
	unsigned ports = WEIR_DOCTOR_PCI | WEIR_DOCTOR_VDEV;
	char dir[512];
	size_t n;

	weir_doctor_add(d, WEIR_FINDING_OK, "files and tapped interfaces are read through libpcap",
	    NULL, "%s", pcap_lib_version());
	if (d->config->scope == WEIR_DOCTOR_FILE)
		return;
	weir_eal_driver_dir(dir, sizeof(dir));
	n = dir[0] ? count_drivers(dir) : 0;
	if (n)
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "%s, %zu network drivers in %s",
		    rte_version(), n, dir);
	else
		weir_doctor_add(d,
		    weir_doctor_asks(d, ports) ? WEIR_FINDING_FAIL : WEIR_FINDING_WARN, why,
		    "sudo apt-get install --reinstall libdpdk-dev", "%s, no network driver in %s",
		    rte_version(), dir[0] ? dir : "its folder");
}

void
weir_check_file(struct weir_doctor *d)
{
	static const char why[] = "a capture file must be readable by who runs weir";
	const char *name = d->config->name;
	char mend[512];
	int fd;

	if (!weir_doctor_asks(d, WEIR_DOCTOR_FILE) || strcmp(name, "-") == 0)
		return;
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "%s can be read", name);
		return;
	}
	snprintf(mend, sizeof(mend), errno == ENOENT ? "ls -l %s" : "sudo chmod a+r %s", name);
	weir_doctor_add(
	    d, WEIR_FINDING_FAIL, why, mend, "%s cannot be read: %s", name, strerror(errno));
}
