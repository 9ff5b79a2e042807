/* SPDX-License-Identifier: BSD-3-Clause */
/* Findings on made-up hosts: a folder with the files of /sys and /proc that the checks read. */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/doctor/doctor.h>

#include "check.h"

static char root[] = "/tmp/weir-doctor-XXXXXX";

/* A file of the host, with its folders. */
static void
put(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *p = full + sizeof(root); *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(full, 0755);
		*p = '/';
	}
	f = fopen(full, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static void
link_to(const char *path, const char *target)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", root, path);
	unlink(full);
	CU_ASSERT_EQUAL(symlink(target, full), 0);
}

static struct weir_report
examine(unsigned scope, const char *name)
{
	struct weir_doctor_config c = { .scope = scope, .name = name, .root = root };
	struct weir_report r;

	weir_doctor_examine(&c, &r);
	CU_ASSERT_FATAL(r.n > 0);
	return r;
}

/* The finding of that check whose text holds this part, or NULL. */
static const struct weir_finding *
find(const struct weir_report *r, const char *check, const char *part)
{
	for (unsigned i = 0; i < r->n; i++)
		if (strcmp(r->findings[i].check, check) == 0 && strstr(r->findings[i].found, part))
			return &r->findings[i];
	return NULL;
}

static void
expect(const struct weir_report *r, const char *check, const char *part,
    enum weir_finding_level level, const char *mend)
{
	const struct weir_finding *f = find(r, check, part);

	CU_ASSERT_PTR_NOT_NULL(f);
	if (!f) {
		fprintf(stderr, "no finding of %s says '%s'\n", check, part);
		return;
	}
	CU_ASSERT_EQUAL(f->level, level);
	CU_ASSERT_TRUE(strlen(f->why) > 10);
	if (mend)
		CU_ASSERT_TRUE(f->mend && strstr(f->mend, mend));
	if (level != WEIR_FINDING_OK)
		CU_ASSERT_PTR_NOT_NULL(f->mend);
}

#define PAGES "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/"

static void
hugepages_are_counted_by_node(void)
{
	struct weir_report r = examine(WEIR_DOCTOR_ALL, NULL);

	expect(&r, "hugepages", "no node", WEIR_FINDING_WARN, "vm.nr_hugepages");
	weir_report_free(&r);
	r = examine(WEIR_DOCTOR_PCI, "03:00.0");
	expect(&r, "hugepages", "no node", WEIR_FINDING_FAIL, "vm.nr_hugepages");
	weir_report_free(&r);
	put(PAGES "nr_hugepages", "512\n");
	put(PAGES "free_hugepages", "100\n");
	put("/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages", "64\n");
	put("/sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages", "0\n");
	r = examine(WEIR_DOCTOR_PCI, "03:00.0");
	expect(&r, "hugepages", "node 0: 100 of 512 pages of 2 MB", WEIR_FINDING_OK, NULL);
	expect(&r, "hugepages", "node 1: 0 of 64", WEIR_FINDING_WARN, NULL);
	weir_report_free(&r);
}

static void
governor_and_thp_are_judged(void)
{
	struct weir_report r;

	put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
	put("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
	r = examine(WEIR_DOCTOR_ALL, NULL);
	expect(&r, "governor", "powersave", WEIR_FINDING_WARN, "cpupower");
	expect(&r, "thp", "always", WEIR_FINDING_WARN, "madvise");
	weir_report_free(&r);
	put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	r = examine(WEIR_DOCTOR_ALL, NULL);
	expect(&r, "governor", "performance", WEIR_FINDING_OK, NULL);
	expect(&r, "thp", "madvise", WEIR_FINDING_OK, NULL);
	weir_report_free(&r);
}

static void
nics_tell_their_driver(void)
{
	struct weir_report r;

	put("/sys/bus/pci/devices/0000:03:00.0/class", "0x020000\n");
	put("/sys/bus/pci/devices/0000:03:00.0/vendor", "0x8086\n");
	put("/sys/bus/pci/devices/0000:03:00.0/device", "0x1572\n");
	put("/sys/bus/pci/devices/0000:04:00.0/class", "0x010802\n"); /* a disk */
	link_to("/sys/bus/pci/devices/0000:03:00.0/driver", "../../drivers/i40e");
	r = examine(WEIR_DOCTOR_ALL, NULL);
	expect(&r, "nic", "0000:03:00.0 (0x8086:0x1572): the kernel's i40e", WEIR_FINDING_OK,
	    "--bind");
	CU_ASSERT_PTR_NULL(find(&r, "nic", "0000:04:00.0"));
	weir_report_free(&r);
	r = examine(WEIR_DOCTOR_PCI, "03:00.0");
	expect(
	    &r, "nic", "i40e", WEIR_FINDING_FAIL, "dpdk-devbind.py --bind vfio-pci 0000:03:00.0");
	CU_ASSERT_FALSE(weir_report_is_usable(&r));
	weir_report_free(&r);
	link_to("/sys/bus/pci/devices/0000:03:00.0/driver", "../../drivers/vfio-pci");
	r = examine(WEIR_DOCTOR_PCI, "03:00.0");
	expect(&r, "nic", "vfio-pci", WEIR_FINDING_OK, NULL);
	weir_report_free(&r);
	r = examine(WEIR_DOCTOR_PCI, "0000:09:00.0");
	expect(&r, "nic", "no NIC at 0000:09:00.0", WEIR_FINDING_FAIL, "dpdk-devbind.py");
	weir_report_free(&r);
}

static void
vfio_and_iommu_are_looked_for(void)
{
	struct weir_report r = examine(WEIR_DOCTOR_PCI, "03:00.0");

	expect(&r, "iommu", "no IOMMU", WEIR_FINDING_WARN, "iommu=");
	expect(&r, "iommu", "vfio-pci is not loaded", WEIR_FINDING_FAIL, "modprobe");
	weir_report_free(&r);
	put("/sys/class/iommu/dmar0/x", "");
	put("/sys/bus/pci/drivers/vfio-pci/bind", "");
	r = examine(WEIR_DOCTOR_PCI, "03:00.0");
	expect(&r, "iommu", "has an IOMMU", WEIR_FINDING_OK, NULL);
	expect(&r, "iommu", "vfio-pci is loaded", WEIR_FINDING_OK, NULL);
	weir_report_free(&r);
}

static void
missing_interface_fails(void)
{
	struct weir_report r = examine(WEIR_DOCTOR_INTERFACE, "loo");

	expect(&r, "interface", "(try 'lo')", WEIR_FINDING_FAIL, "ip -br link");
	CU_ASSERT_FALSE(weir_report_is_usable(&r));
	weir_report_free(&r);
}

static void
file_needs_little(void)
{
	struct weir_report r = examine(WEIR_DOCTOR_FILE, "/nonexistent.pcap");

	expect(&r, "file", "/nonexistent.pcap", WEIR_FINDING_FAIL, "ls -l /nonexistent.pcap");
	CU_ASSERT_PTR_NULL(find(&r, "hugepages", ""));
	CU_ASSERT_PTR_NULL(find(&r, "capabilities", ""));
	weir_report_free(&r);
	r = examine(WEIR_DOCTOR_FILE, "/dev/null");
	expect(&r, "file", "can be read", WEIR_FINDING_OK, NULL);
	CU_ASSERT_TRUE(weir_report_is_usable(&r));
	weir_report_free(&r);
}

static void
scopes_follow_the_name(void)
{
	CU_ASSERT_EQUAL(weir_doctor_scope_of("eth0"), WEIR_DOCTOR_INTERFACE);
	CU_ASSERT_EQUAL(weir_doctor_scope_of("eth0.5"), WEIR_DOCTOR_INTERFACE);
	CU_ASSERT_EQUAL(weir_doctor_scope_of("03:00.0"), WEIR_DOCTOR_PCI);
	CU_ASSERT_EQUAL(weir_doctor_scope_of("0000:03:00.0"), WEIR_DOCTOR_PCI);
	CU_ASSERT_EQUAL(weir_doctor_scope_of("vdev:net_null0,size=1.5"), WEIR_DOCTOR_VDEV);
}

static void
report_prints_both_ways(void)
{
	struct weir_report r = examine(WEIR_DOCTOR_FILE, "/non\"existent");
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	weir_report_json(&r, f);
	fflush(f);
	CU_ASSERT_PTR_NOT_NULL(strstr(text,
	    "{\"level\":\"fail\",\"check\":\"file\",\"found\":\"/non\\\"existent cannot be read"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"usable\":false}"));
	rewind(f);
	weir_report_table(&r, f);
	fclose(f);
	CU_ASSERT_EQUAL(
	    strncmp(text, "fail  file          /non\"existent cannot be read: No such", 55), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "mend: ls -l /non\"existent\n"));
	free(text);
	weir_report_free(&r);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "hugepages are counted by node", hugepages_are_counted_by_node },
		{ "governor and thp are judged", governor_and_thp_are_judged },
		{ "nics tell their driver", nics_tell_their_driver },
		{ "vfio and iommu are looked for", vfio_and_iommu_are_looked_for },
		{ "missing interface fails", missing_interface_fails },
		{ "file needs little", file_needs_little },
		{ "scopes follow the name", scopes_follow_the_name },
		{ "report prints both ways", report_prints_both_ways },
		CU_TEST_INFO_NULL,
	};
	char command[64];
	int status;

	if (!mkdtemp(root))
		return 1;
	status = check_run("doctor", tests);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command) != 0 ? 1 : status;
}
