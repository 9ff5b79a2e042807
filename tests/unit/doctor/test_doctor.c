/* SPDX-License-Identifier: BSD-3-Clause */
/* Scopes, files, the report, and what --fix does. */
#include "tree.h"

#include "check.h"

static void
file_needs_little(void)
{
	struct weir_report r;

	clear();
	be(NO_CAPS, "0-3");
	r = examine(WEIR_DOCTOR_FILE, "/nonexistent.pcap");
	expect(&r, "file", "/nonexistent.pcap", FAIL, "ls -l /nonexistent.pcap");
	CU_ASSERT_PTR_NULL(find(&r, "hugepages", ""));
	CU_ASSERT_PTR_NULL(find(&r, "nic", ""));
	weir_report_free(&r);
	put("/proc/cpuinfo", "flags\t: ssse3 sse4_2 popcnt\n");
	r = examine(WEIR_DOCTOR_FILE, "/dev/null?speed=1");
	expect(&r, "file", "/dev/null can be read", OK, NULL);
	CU_ASSERT_TRUE(weir_report_is_usable(&r));
	weir_report_free(&r);
	see(WEIR_DOCTOR_FILE, "/non existent's", "file", "cannot be read", FAIL,
	    "ls -l '/non existent'\\''s'");
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
	struct weir_fix_result fixes[] = { { (char[]){ "a" }, NULL },
		{ (char[]){ "b" }, (char[]){ "no" } } };
	struct weir_report r = examine(WEIR_DOCTOR_FILE, "/non\"existent");
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	weir_report_json(&r, NULL, 0, f);
	fflush(f);
	CU_ASSERT_PTR_NOT_NULL(strstr(text,
	    "{\"level\":\"fail\",\"check\":\"file\",\"found\":\"/non\\\"existent cannot be read"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"fixable\":false}"));
	CU_ASSERT_PTR_NULL(strstr(text, "\"fixes\""));
	CU_ASSERT_PTR_NULL(strstr(text, "\"needs\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"usable\":false}"));
	weir_report_json(&r, fixes, 2, f);
	fflush(f);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "{\"mend\":\"a\",\"error\":null}"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "{\"mend\":\"b\",\"error\":\"no\"}"));
	rewind(f);
	weir_report_table(&r, f);
	fclose(f);
	CU_ASSERT_EQUAL(
	    strncmp(text, "fail  file          /non\"existent cannot be read: No such", 55), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "mend: ls -l '/non\"existent'\n"));
	free(text);
	weir_report_free(&r);
}

static bool
allows(enum weir_fix_kind kind, const char *target)
{
	struct weir_fix f = { .kind = kind };

	snprintf(f.target, sizeof(f.target), "%s", target);
	return weir_fix_is_allowed(&f);
}

static void
only_what_is_listed_is_done(void)
{
	struct weir_fix f = { WEIR_FIX_WRITE, "/etc/passwd", "x" };
	struct weir_error err;

	CU_ASSERT_TRUE(allows(WEIR_FIX_WRITE, "/proc/sys/vm/nr_hugepages"));
	CU_ASSERT_TRUE(
	    allows(WEIR_FIX_WRITE, "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor"));
	CU_ASSERT_TRUE(allows(WEIR_FIX_WRITE,
	    "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"));
	CU_ASSERT_FALSE(allows(WEIR_FIX_WRITE, "/sys/bus/pci/drivers/vfio-pci/bind"));
	CU_ASSERT_FALSE(allows(WEIR_FIX_WRITE,
	    "/sys/devices/system/node/node1/../../x/hugepages/hugepages-2048kB/nr_hugepages"));
	CU_ASSERT_TRUE(allows(WEIR_FIX_MODPROBE, "vfio-pci"));
	CU_ASSERT_FALSE(allows(WEIR_FIX_MODPROBE, "--remove"));
	CU_ASSERT_TRUE(allows(WEIR_FIX_LINK_UP, "eth1"));
	CU_ASSERT_FALSE(allows(WEIR_FIX_LINK_UP, ""));
	CU_ASSERT_FALSE(allows(WEIR_FIX_MOUNT, "/home"));
	CU_ASSERT_FALSE(allows(WEIR_FIX_NONE, "x"));
	CU_ASSERT_EQUAL(weir_fix_apply(&f, root, &err), -EPERM);
	f = (struct weir_fix){ WEIR_FIX_LINK_UP, "lo", "" };
	CU_ASSERT_EQUAL(weir_fix_apply(&f, root, &err), -ENOTSUP);
	f = (struct weir_fix){ WEIR_FIX_LINK_UP, "weir-none", "" };
	CU_ASSERT_EQUAL(weir_fix_apply(&f, "", &err), -ENODEV);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "weir-none"));
	f = (struct weir_fix){ WEIR_FIX_WRITE, "/proc/sys/vm/nr_hugepages", "7" };
	clear();
	CU_ASSERT_EQUAL(weir_fix_apply(&f, root, &err), -ENOENT);
}

/* Examine, do everything, examine again: what could be mended is. */
static void
what_is_mended_is_well(void)
{
#define PAGES "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/"
	struct weir_report r;
	struct weir_error err;
	unsigned n = 0;

	clear();
	be(ALL_CAPS, "0-3");
	put("/proc/sys/vm/nr_hugepages", "0\n");
	put(PAGES "nr_hugepages", "0\n");
	put("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
	put("/proc/sys/net/core/bpf_jit_enable", "0\n");
	put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
	put("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "schedutil\n");
	r = examine(HOST);
	for (unsigned i = 0; i < r.n; i++) {
		if (!r.findings[i].fix.kind || r.findings[i].fix.kind != WEIR_FIX_WRITE)
			continue;
		CU_ASSERT_NOT_EQUAL(r.findings[i].level, OK);
		CU_ASSERT_EQUAL(weir_fix_apply(&r.findings[i].fix, root, &err), 0);
		n++;
	}
	CU_ASSERT_EQUAL(n, 4);
	weir_report_free(&r);
	r = examine(HOST);
	expect(&r, "governor", "performance on 2", OK, NULL);
	expect(&r, "thp", "transparent hugepages", OK, NULL);
	expect(&r, "bpf", "are compiled", OK, NULL);
	weir_report_free(&r);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "file needs little", file_needs_little },
		{ "scopes follow the name", scopes_follow_the_name },
		{ "report prints both ways", report_prints_both_ways },
		{ "only what is listed is done", only_what_is_listed_is_done },
		{ "what is mended is well", what_is_mended_is_well },
		CU_TEST_INFO_NULL,
	};

	return tree_begin() ? 1 : tree_end(check_run("doctor", tests));
}
