/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_DOCTOR_TREE_H
#define TEST_DOCTOR_TREE_H

#include <CUnit/Basic.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/doctor/doctor.h>

/* A made-up host: a folder with the files of /sys, /proc and so on that the checks read. */

static char root[] = "/tmp/weir-doctor-XXXXXX";

/* An empty host. */
static inline void
clear(void)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf %s && mkdir -m 700 %s", root, root);
	CU_ASSERT_EQUAL_FATAL(system(command), 0);
}

static inline void
make_folders(char *full)
{
	for (char *p = full + sizeof(root); *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(full, 0755);
		*p = '/';
	}
}

/* A file of the host, with its folders. */
static inline void
put(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	make_folders(full);
	f = fopen(full, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static inline void
link_to(const char *path, const char *target)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", root, path);
	make_folders(full);
	unlink(full);
	CU_ASSERT_EQUAL(symlink(target, full), 0);
}

static inline void
drop(const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", root, path);
	unlink(full);
}

/* /proc/self/status, as far as it matters. */
static inline void
be(const char *caps, const char *cpus)
{
	char text[256];

	snprintf(text, sizeof(text),
	    "CapEff:\t%s\nNoNewPrivs:\t0\nSeccomp:\t0\nCpus_allowed_list:\t%s\n", caps, cpus);
	put("/proc/self/status", text);
	put("/sys/devices/system/cpu/online", "0-7\n");
}

#define ALL_CAPS "000001ffffffffff"
#define NO_CAPS  "0000000000000000"

static inline struct weir_report
examine_with(struct weir_doctor_config c)
{
	struct weir_report r;

	c.root = root;
	weir_doctor_examine(&c, &r);
	CU_ASSERT_FATAL(r.n > 0);
	return r;
}

static inline struct weir_report
examine(unsigned scope, const char *name)
{
	const struct weir_doctor_source s = { .scope = scope, .name = name };

	return examine_with((struct weir_doctor_config){
	    .scope = scope, .sources = &s, .n_sources = name ? 1 : 0 });
}

/* The finding of that check whose text holds this part, or NULL. */
static inline const struct weir_finding *
find(const struct weir_report *r, const char *check, const char *part)
{
	for (unsigned i = 0; i < r->n; i++)
		if (strcmp(r->findings[i].check, check) == 0 && strstr(r->findings[i].found, part))
			return &r->findings[i];
	return NULL;
}

static inline const struct weir_finding *
expect(const struct weir_report *r, const char *check, const char *part,
    enum weir_finding_level level, const char *mend)
{
	const struct weir_finding *f = find(r, check, part);

	CU_ASSERT_PTR_NOT_NULL(f);
	if (!f) {
		fprintf(stderr, "no finding of %s says '%s'; it says:\n", check, part);
		for (unsigned i = 0; i < r->n; i++)
			if (strcmp(r->findings[i].check, check) == 0)
				fprintf(stderr, "  %s\n", r->findings[i].found);
		return NULL;
	}
	if (f->level != level)
		fprintf(stderr, "%s: %s: level %d\n", check, f->found, f->level);
	CU_ASSERT_EQUAL(f->level, level);
	CU_ASSERT_TRUE(strlen(f->why) > 10);
	if (mend && !(f->mend && strstr(f->mend, mend)))
		fprintf(stderr, "%s: %s: mend '%s'\n", check, f->found, f->mend ? f->mend : "");
	if (mend)
		CU_ASSERT_TRUE(f->mend && strstr(f->mend, mend));
	if (level != WEIR_FINDING_OK)
		CU_ASSERT_PTR_NOT_NULL(f->mend);
	return f;
}

/* Examine, expect one finding, forget the rest. */
static inline void
see(unsigned scope, const char *name, const char *check, const char *part,
    enum weir_finding_level level, const char *mend)
{
	struct weir_report r = examine(scope, name);

	expect(&r, check, part, level, mend);
	weir_report_free(&r);
}

static inline void
see_with(struct weir_doctor_config c, const char *check, const char *part,
    enum weir_finding_level level, const char *mend)
{
	struct weir_report r = examine_with(c);

	expect(&r, check, part, level, mend);
	weir_report_free(&r);
}

/* Of main: make the folder, run, remove it. */
static inline int
tree_begin(void)
{
	return mkdtemp(root) ? 0 : 1;
}

static inline int
tree_end(int status)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command) != 0 ? 1 : status;
}

#define OK   WEIR_FINDING_OK
#define WARN WEIR_FINDING_WARN
#define FAIL WEIR_FINDING_FAIL
#define HOST WEIR_DOCTOR_ALL, NULL
#define NIC  WEIR_DOCTOR_PCI, "03:00.0"
#define ETH1 WEIR_DOCTOR_INTERFACE, "eth1"

#endif
