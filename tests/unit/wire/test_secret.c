/* SPDX-License-Identifier: BSD-3-Clause */
/* What --secret-file takes and refuses, and what is said of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/wire/secret.h>

#include "check.h"
#include "secret.h"

static char path[] = "/tmp/weir-test-secret-XXXXXX";

static void
write_file(const void *bytes, size_t n, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, bytes, n), (ssize_t)n);
	CU_ASSERT_EQUAL(fchmod(fd, mode), 0);
	close(fd);
}

static void
takes(const char *text, size_t n_taken)
{
	struct weir_secret *secret = NULL;
	struct weir_error err = { 0 };

	write_file(text, strlen(text), 0600);
	CU_ASSERT_EQUAL(weir_secret_read(path, &secret, &err), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(secret);
	CU_ASSERT_EQUAL(secret->n_bytes, n_taken);
	CU_ASSERT_EQUAL(memcmp(secret->bytes, text, n_taken), 0);
	weir_secret_free(secret);
}

/* Refused as a mistake on the command line, with a text that has this in it and not the secret. */
static void
refuses(const char *what)
{
	struct weir_secret *secret = NULL;
	struct weir_error err = { 0 };

	CU_ASSERT(weir_secret_read(path, &secret, &err) < 0);
	CU_ASSERT_PTR_NULL(secret);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path));
	if (!strstr(err.text, what))
		CHECK_TEXT(err.text, what);
	CU_ASSERT_PTR_NULL(strstr(err.text, "correct horse"));
}

static void
test_newline(void)
{
	takes("correct horse ba", 16);
	takes("correct horse ba\n", 16);
	takes("correct horse ba\n\n", 17);
	takes("\ncorrect horse b", 16);
}

static void
test_length(void)
{
	char *much = malloc(WEIR_SECRET_MAX_BYTES + 3);

	CU_ASSERT_PTR_NOT_NULL_FATAL(much);
	write_file("correct horse b\n", 16, 0600);
	refuses("15 bytes are too few");
	write_file("", 0, 0600);
	refuses("0 bytes are too few");
	memset(much, 'x', WEIR_SECRET_MAX_BYTES + 2);
	much[WEIR_SECRET_MAX_BYTES + 2] = '\0';
	write_file(much, WEIR_SECRET_MAX_BYTES + 1, 0600);
	refuses("longer than 4000 bytes");
	write_file(much, WEIR_SECRET_MAX_BYTES + 2, 0600);
	refuses("longer than 4000 bytes");
	much[WEIR_SECRET_MAX_BYTES] = '\n';
	much[WEIR_SECRET_MAX_BYTES + 1] = '\0';
	takes(much, WEIR_SECRET_MAX_BYTES);
	free(much);
}

static void
test_binary(void)
{
	static const uint8_t bytes[20] = { 0, 1, 2, 0, 255, '\r', 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0,
		0, '\r', '\n' };
	struct weir_secret *secret = NULL;

	write_file(bytes, sizeof(bytes), 0400);
	CU_ASSERT_EQUAL(weir_secret_read(path, &secret, NULL), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(secret);
	CU_ASSERT_EQUAL(secret->n_bytes, 19);
	CU_ASSERT_EQUAL(memcmp(secret->bytes, bytes, 19), 0);
	weir_secret_free(secret);
}

static void
test_mode(void)
{
	static const mode_t open_to_all[] = { 0644, 0604, 0602, 0601, 0666 };
	struct weir_secret *secret = NULL;

	for (unsigned i = 0; i < sizeof(open_to_all) / sizeof(open_to_all[0]); i++) {
		write_file("correct horse battery", 21, open_to_all[i]);
		refuses("every user of this host (chmod 600 /tmp/");
	}
	write_file("correct horse battery", 21, 0620);
	refuses("its group change it (chmod 600 /tmp/");
	/* as a service manager gives it to a group */
	write_file("correct horse battery", 21, 0440);
	CU_ASSERT_EQUAL(weir_secret_read(path, &secret, NULL), 0);
	weir_secret_free(secret);
}

static void
test_no_file(void)
{
	struct weir_secret *secret = NULL;
	struct weir_error err = { 0 };

	CU_ASSERT(weir_secret_read("/tmp", &secret, &err) < 0);
	CHECK_TEXT(err.text, "--secret-file '/tmp': a folder; a file in it is wanted");
	unlink(path);
	refuses("No such file");
}

/* Its pages are left out of core dumps, and are locked or the limit is below a page. */
static void
test_memory(void)
{
	struct weir_secret *secret = NULL;
	char line[512], want[32];
	bool is_there = false, is_out = false;
	FILE *f;

	CU_ASSERT_EQUAL_FATAL(weir_secret_make("0123456789abcdef", 16, &secret, NULL), 0);
	snprintf(want, sizeof(want), "%lx-", (unsigned long)secret);
	f = fopen("/proc/self/smaps", "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, want, strlen(want)) == 0)
			is_there = true;
		else if (is_there && strncmp(line, "VmFlags:", 8) == 0) {
			is_out = strstr(line, " dd") != NULL;
			break;
		}
	}
	fclose(f);
	CU_ASSERT_TRUE(is_there);
	CU_ASSERT_TRUE(is_out);
	weir_secret_free(secret);
	CU_ASSERT_EQUAL(weir_secret_make("0123456789abcde", 15, &secret, NULL), -EINVAL);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "one newline is cut off", test_newline },
		{ "too short, too long", test_length },
		{ "bytes of any value", test_binary },
		{ "modes", test_mode },
		{ "memory", test_memory },
		{ "no file", test_no_file },
		CU_TEST_INFO_NULL,
	};
	int fd = mkstemp(path), status;

	if (fd < 0)
		return 1;
	close(fd);
	status = check_run("secret", tests);
	unlink(path);
	return status;
}
