/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <jansson.h>

#include "check.h"
#include "reading.h"

/*
 * All captures of the collection beside the project (WEIR_CAPTURES names another place): packets,
 * bytes and times equal what the reference tools read; of damaged files at least as many packets
 * are read.
 */

#define PLACE_BYTES 2048
#define PATH_BYTES  (PLACE_BYTES + 1024)

static char captures[PLACE_BYTES];

/* "seconds.nanoseconds", where the second part may be above a second; INT64_MAX where it is beyond
 * that. */
static int64_t
epoch_ns(const json_t *summary, const char *key)
{
	const char *text = json_string_value(json_object_get(summary, key));
	const char *point;
	int64_t s;

	if (!text)
		return WEIR_TIME_NONE;
	s = strtoll(text, NULL, 10);
	if (s >= INT64_MAX / WEIR_NS_PER_S)
		return INT64_MAX;
	point = strchr(text, '.');
	return s * WEIR_NS_PER_S + (point ? strtoll(point + 1, NULL, 10) : 0);
}

static uint64_t
number(const json_t *summary, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(summary, key));
}

static int n_wrong;

static void
expect(const char *file, const char *what, int64_t got, int64_t expected)
{
	if (got == expected)
		return;
	n_wrong++;
	printf("\n  %s: %s is %" PRId64 ", expected %" PRId64, file, what, got, expected);
}

static void
check_summary(const json_t *summary, bool is_preload)
{
	const char *file = json_string_value(json_object_get(summary, "file"));
	char path[PATH_BYTES];
	struct seen r;

	snprintf(path, sizeof(path), "%s/%s%s", captures, file, is_preload ? "?preload=1" : "");
	if (read_source(WEIR_SOURCE_FILE, path, WEIR_ROWS, &r)) {
		n_wrong++;
		printf("\n  %s", r.error.text);
		return;
	}
	expect(file, "end", r.end, WEIR_POLL_END);
	expect(file, "packets", (int64_t)r.packets, (int64_t)number(summary, "packets"));
	expect(file, "wire bytes", (int64_t)r.wire_bytes, (int64_t)number(summary, "wire_bytes"));
	expect(file, "captured bytes", (int64_t)r.cap_bytes, (int64_t)number(summary, "cap_bytes"));
	if (r.times) {
		expect(file, "first time", r.first_ns, epoch_ns(summary, "first_epoch"));
		expect(file, "least time", r.min_ns, epoch_ns(summary, "min_epoch"));
	}
	/* Stamps beyond the year 2262 are none for weir (format/pcapng-mixed-linktypes has them).
	 */
	if (epoch_ns(summary, "max_epoch") == INT64_MAX)
		return;
	expect(file, "packets without time", (int64_t)r.no_time,
	    (int64_t)number(summary, "no_timestamp_packets"));
	if (!r.times)
		return;
	expect(file, "last time", r.last_ns, epoch_ns(summary, "last_epoch"));
	expect(file, "largest time", r.max_ns, epoch_ns(summary, "max_epoch"));
}

/* snoop is no capture format of weir: refused with the command that converts it. */
static void
check_snoop(const json_t *summary)
{
	char path[PATH_BYTES];
	struct seen r;

	snprintf(path, sizeof(path), "%s/%s", captures,
	    json_string_value(json_object_get(summary, "file")));
	CU_ASSERT(read_source(WEIR_SOURCE_FILE, path, WEIR_ROWS, &r) < 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.error.text, "editcap -F pcap"));
}

static unsigned
check_folder(const char *name)
{
	unsigned n = 0;
	char path[PATH_BYTES];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s/expected/%s", captures, name);
	d = opendir(path);
	while (d && (e = readdir(d)) != NULL) {
		const char *dot = strstr(e->d_name, ".summary.json");
		json_t *summary;

		if (!dot)
			continue;
		snprintf(
		    path, sizeof(path), "%s/expected/%.200s/%.400s", captures, name, e->d_name);
		summary = json_load_file(path, 0, NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(summary);
		if (strcmp(json_string_value(
			       json_object_get(json_object_get(summary, "capinfos"), "type")),
			"snoop") == 0) {
			check_snoop(summary);
		} else {
			check_summary(summary, false);
			check_summary(summary, true);
		}
		json_decref(summary);
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

static void
test_well_formed(void)
{
	char path[PATH_BYTES];
	struct dirent *e;
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/expected", captures);
	d = opendir(path);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		n += check_folder(e->d_name);
	}
	closedir(d);
	printf(" %u files ", n);
	CU_ASSERT(n > 0);
	CU_ASSERT_EQUAL(n_wrong, 0);
}

/*
 * Files of which fewer packets are read than by capinfos, on purpose. The first one's header says
 * version 2.8224, which libpcap refuses; no writer makes such files.
 */
static const char *const refused[] = {
	"pcpp-clusterfuzz-testcase-minimized-FuzzTarget-4683685084594176.pcap",
};

static bool
is_refused(const char *file)
{
	for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (strcmp(file, refused[i]) == 0)
			return true;
	return false;
}

/* Rows: file, bytes, encapsulation, capinfos_packets, ...; "-" where capinfos could not read it. */
static void
check_malformed(char *row)
{
	char *file = strsep(&row, "\t");
	char path[PATH_BYTES];
	uint64_t at_least;
	struct seen r;

	strsep(&row, "\t");
	strsep(&row, "\t");
	at_least = row ? strtoull(row, NULL, 10) : 0;
	snprintf(path, sizeof(path), "%s/malformed/%s", captures, file);
	if (read_source(WEIR_SOURCE_FILE, path, WEIR_ROWS, &r)) {
		CU_ASSERT(r.error.text[0] != '\0');
		CU_ASSERT_EQUAL(r.error.fail, WEIR_FAIL_RUN);
	} else if (r.end == WEIR_POLL_ERROR) {
		CU_ASSERT_PTR_NOT_NULL(strstr(r.error.text, "damaged at byte"));
	}
	if (is_refused(file)) {
		CU_ASSERT_EQUAL(r.packets, 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(r.error.text, "version"));
	} else if (r.packets < at_least) {
		n_wrong++;
		printf("\n  %s: %" PRIu64 " packets, capinfos reads %" PRIu64 " (%s)", file,
		    r.packets, at_least, r.error.text);
	}
}

static void
test_malformed(void)
{
	char path[PATH_BYTES];
	char *line = NULL;
	size_t cap = 0;
	unsigned n = 0;
	FILE *f;

	n_wrong = 0;
	snprintf(path, sizeof(path), "%s/expected/malformed.tsv", captures);
	f = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	for (; getline(&line, &cap, f) > 0; n++)
		if (n) /* the first line is the heading */
			check_malformed(line);
	free(line);
	fclose(f);
	printf(" %u files ", n ? n - 1 : 0);
	CU_ASSERT(n > 1);
	CU_ASSERT_EQUAL(n_wrong, 0);
}

int
main(int argc, char **argv)
{
	const char *place = getenv("WEIR_CAPTURES");
	static const CU_TestInfo tests[] = {
		{ "well-formed: as the reference", test_well_formed },
		{ "malformed: what is readable", test_malformed },
		CU_TEST_INFO_NULL,
	};
	struct stat st;

	snprintf(captures, sizeof(captures), "%s", place ? place : argc > 1 ? argv[1] : "");
	if (stat(captures, &st) || !S_ISDIR(st.st_mode)) {
		printf(
		    "skipped: no captures at '%s' (WEIR_CAPTURES names their folder)\n", captures);
		return CHECK_SKIPPED;
	}
	return check_run("captures", tests);
}
