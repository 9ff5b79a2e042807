/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <weir/base/option.h>

#include "check.h"

enum {
	READ = 1,
	INTERFACE,
	FILTER,
	WHERE,
	WINDOW,
	STATS,
	PROGRESS,
	QUIET,
	NAME,
	RESTORE,
	HELP,
	FOR
};

static const struct weir_option table[] = {
	{ READ, "-r", "FILE", "Sources", "capture file", NULL, true, false },
	{ INTERFACE, "-i", "NAME", "Sources", "interface", NULL, true, false },
	{ FILTER, "--filter", "PCAP", "Stages", "filter", NULL, false, false },
	{ WHERE, "--where", "EXPR", "Stages", "where", NULL, true, false },
	{ WINDOW, "--window", "W", "Stages", "window", NULL, false, false },
	{ STATS, "--stats", "FILE", "Options", "statistics", NULL, false, false },
	{ PROGRESS, "--progress", "WHEN", "Options", "progress", "auto|never", false, false },
	{ QUIET, "--quiet", NULL, "Options", "quiet", NULL, false, false },
	{ NAME, "--name", "JOB", "Options", "name", NULL, false, false },
	{ RESTORE, "--restore", "DIR", "Options", "restore", NULL, false, false },
	{ FOR, "--for", "D", "Options", "stop after", NULL, false, true },
	{ HELP, "--help", NULL, "Options", "help", NULL, false, false },
	{ 0 },
};

#define ARGS_MAX 16

/* Parse words parted by '\n', as argv after the program's name. The words stay valid until the next
 * call. */
static int
parse(const char *words, struct weir_command_line *c, struct weir_error *err)
{
	static char copy[512], *argv[ARGS_MAX + 2];
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", words);
	argv[0] = (char[]){ "weir" };
	for (char *p = copy; *words && argc <= ARGS_MAX; argc++) {
		argv[argc] = p;
		p += strcspn(p, "\n");
		if (!*p) {
			argc++;
			break;
		}
		*p++ = '\0';
	}
	argv[argc] = NULL;
	return weir_options_parse(table, argc, argv, c, err);
}

static void
check_value(const struct weir_command_line *c, unsigned i, int id, const char *value)
{
	CU_ASSERT_TRUE_FATAL(i < c->n_values);
	CU_ASSERT_EQUAL(c->values[i].option->id, id);
	if (value)
		CHECK_TEXT(c->values[i].value, value);
	else
		CU_ASSERT_PTR_NULL(c->values[i].value);
}

static void
check_refused(const char *words, const char *expected)
{
	struct weir_command_line c = { .n_values = 4711 };
	struct weir_error err = { 0 };

	CU_ASSERT_EQUAL(parse(words, &c, &err), -EINVAL);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
	CU_ASSERT_EQUAL(c.n_values, 4711);
	CHECK_TEXT(err.text, expected);
	CU_ASSERT_EQUAL(parse(words, &c, NULL), -EINVAL);
}

static void
test_each_way_to_give_a_value(void)
{
	struct weir_command_line c;

	CU_ASSERT_EQUAL_FATAL(
	    parse("-r\na.pcap\n-rb.pcap\n--filter\ntcp port 80\n--name=job=1\n"
		  "--quiet\n--where=\n--stats\n-\n--where\n-1 < tcp.len\n--window\n-5",
		&c, NULL),
	    0);
	CU_ASSERT_EQUAL(c.n_values, 9);
	check_value(&c, 0, READ, "a.pcap");
	check_value(&c, 1, READ, "b.pcap");
	check_value(&c, 2, FILTER, "tcp port 80");
	check_value(&c, 3, NAME, "job=1");
	check_value(&c, 4, QUIET, NULL);
	check_value(&c, 5, WHERE, "");
	check_value(&c, 6, STATS, "-");
	check_value(&c, 7, WHERE, "-1 < tcp.len");
	check_value(&c, 8, WINDOW, "-5");
	CU_ASSERT_PTR_NULL(c.rest);
	CU_ASSERT_EQUAL(c.n_rest, 0);
	weir_command_line_free(&c);
	CU_ASSERT_PTR_NULL(c.values);
}

static void
test_no_arguments(void)
{
	struct weir_command_line c;

	CU_ASSERT_EQUAL_FATAL(parse("", &c, NULL), 0);
	CU_ASSERT_EQUAL(c.n_values, 0);
	weir_command_line_free(&c);
}

static void
test_two_dashes_end_the_options(void)
{
	struct weir_command_line c;

	CU_ASSERT_EQUAL_FATAL(parse("-r\n-\n--\n-l\n0-3\n--", &c, NULL), 0);
	check_value(&c, 0, READ, "-");
	CU_ASSERT_EQUAL_FATAL(c.n_rest, 3);
	CHECK_TEXT(c.rest[0], "-l");
	CHECK_TEXT(c.rest[2], "--");
	weir_command_line_free(&c);

	CU_ASSERT_EQUAL_FATAL(parse("--quiet\n--", &c, NULL), 0);
	CU_ASSERT_EQUAL(c.n_rest, 0);
	CU_ASSERT_PTR_NOT_NULL(c.rest);
	weir_command_line_free(&c);
}

static void
test_unknown_options(void)
{
	check_refused("--filtr\ntcp", "unknown option '--filtr' (try '--filter')");
	check_refused("--filtr=tcp", "unknown option '--filtr' (try '--filter')");
	check_refused("--win\n1s", "unknown option '--win' (try '--window')");
	check_refused("-window\n1s", "unknown option '-window' (try '--window')");
	check_refused("-h", "unknown option '-h' (try '--help')");
	check_refused("-z", "unknown option '-z' (--help lists the options)");
	check_refused("-w\nx", "unknown option '-w' (--help lists the options)"); /* two begin so */
	check_refused("--zzzzzzz", "unknown option '--zzzzzzz' (--help lists the options)");
	check_refused("--Quiet", "unknown option '--Quiet' (try '--quiet')");
	/* Not -r with the value "estore". */
	check_refused("-restore\nd", "unknown option '-restore' (try '--restore')");
	check_refused("-5", "unknown option '-5' (--help lists the options)");
}

static void
test_missing_and_unwanted_values(void)
{
	check_refused("--window", "--window needs a value (W)");
	check_refused("--window\n--quiet", "--window needs a value (W)");
	check_refused("--window\n--", "--window needs a value (W)");
	check_refused("--window\n-r\nx", "--window needs a value (W)");
	check_refused("-r", "-r needs a value (FILE)");
	check_refused("--where\n--tcp.len > 3", "--where needs a value (EXPR; if '--tcp.len > 3' "
						"is it, write --where='--tcp.len > 3')");
	check_refused("--quiet=1", "--quiet takes no value");
	check_refused("--quiet=", "--quiet takes no value");
}

static void
test_repeated_options(void)
{
	struct weir_command_line c;

	check_refused("--name\na\n--name\nb", "--name given twice");
	check_refused("--quiet\n--quiet", "--quiet given twice");
	CU_ASSERT_EQUAL_FATAL(parse("--where\na\n--where\na", &c, NULL), 0);
	CU_ASSERT_EQUAL(c.n_values, 2);
	weir_command_line_free(&c);
}

static void
test_choices(void)
{
	struct weir_command_line c;

	check_refused("--progress\nnver", "--progress 'nver': unknown value 'nver' (try 'never')");
	check_refused(
	    "--progress=zzz", "--progress 'zzz': unknown value 'zzz' (one of auto, never)");
	check_refused("--progress=", "--progress '': unknown value '' (one of auto, never)");
	check_refused("--progress\nauto|never",
	    "--progress 'auto|never': unknown value 'auto|never' (one of auto, never)");
	CU_ASSERT_EQUAL_FATAL(parse("--progress\nnever", &c, NULL), 0);
	check_value(&c, 0, PROGRESS, "never");
	weir_command_line_free(&c);
}

static void
test_stray_arguments(void)
{
	char path[] = "/tmp/weir-test-XXXXXX", words[64], expected[200];
	int fd = mkstemp(path);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	close(fd);
	snprintf(words, sizeof(words), "--quiet\n%s", path);
	snprintf(expected, sizeof(expected), "unexpected argument '%s' (try '-r %s')", path, path);
	check_refused(words, expected);
	unlink(path);
	check_refused("nofile.pcap", "unexpected argument 'nofile.pcap' (try '-r nofile.pcap')");
	check_refused("lo", "unexpected argument 'lo' (try '-i lo')");
	check_refused("fliter", "unexpected argument 'fliter' (try '--filter')");
	check_refused("--quiet\n", "unexpected argument '' (--help lists the options)");
	check_refused("qqqqqq", "unexpected argument 'qqqqqq' (--help lists the options)");
	check_refused("--filter\ntcp\nport\n80\n--quiet",
	    "unexpected argument 'port' (try --filter 'tcp port 80')");
	check_refused(
	    "--filter=tcp\nqqqqqq", "unexpected argument 'qqqqqq' (--help lists the options)");
	check_refused("--quiet\n-", "unexpected argument '-' (--help lists the options)");
}

/* Commands: rows without dashes. */
static const struct weir_option commands[] = {
	{ 1, "status", NULL, "Commands", "status", NULL, false, false },
	{ 2, "result", "QUERY", "Commands", "result", NULL, false, false },
	{ 3, "top", "[QUERY]", "Commands", "top", NULL, false, false },
	{ 4, "--tap", NULL, "Options", "tap", NULL, false, false },
	{ 5, "-n", "NAME", "Options", "name", NULL, false, false },
	{ 6, "move", "SLOTS NODE", "Commands", "move", NULL, false, false },
	{ 0 },
};

/* What the command line comes to: "id=value id=value", or the error. */
static const char *
read_commands(int argc, char **argv)
{
	static char text[256];
	struct weir_command_line c;
	struct weir_error err = { 0 };

	if (weir_options_parse(commands, argc, argv, &c, &err)) {
		CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
		snprintf(text, sizeof(text), "%s", err.text);
		return text;
	}
	text[0] = '\0';
	for (unsigned i = 0; i < c.n_values; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d=%s", i ? " " : "",
		    c.values[i].option->id, c.values[i].value ? c.values[i].value : "");
	for (unsigned i = 0; i < c.n_values; i++)
		if (c.values[i].second)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), " + %s",
			    c.values[i].second);
	weir_command_line_free(&c);
	return text;
}

#define W(word) ((char[]){ word })
#define COMMANDS(...)                                                                              \
	read_commands((int)(sizeof((char *[]){ W("weir-ctl"), __VA_ARGS__ }) / sizeof(char *)),    \
	    (char *[]){ W("weir-ctl"), __VA_ARGS__ })

static void
test_commands(void)
{
	CHECK_TEXT(COMMANDS(W("status")), "1=");
	CHECK_TEXT(COMMANDS(W("-n"), W("x"), W("result"), W("main")), "5=x 2=main");
	CHECK_TEXT(COMMANDS(W("result"), W("status")), "2=status");
	CHECK_TEXT(COMMANDS(W("top")), "3=");
	CHECK_TEXT(COMMANDS(W("top"), W("main")), "3=main");
	CHECK_TEXT(COMMANDS(W("top"), W("--tap")), "3= 4=");
	CHECK_TEXT(COMMANDS(W("result"), W("--tap x")), "2=--tap x");
	CHECK_TEXT(COMMANDS(W("result"), W("--tap")), "result needs a value (QUERY)");
	CHECK_TEXT(COMMANDS(W("result")), "result needs a value (QUERY)");
	/* two words, or both in one */
	CHECK_TEXT(COMMANDS(W("move"), W("0-1023"), W("b"), W("-n"), W("x")), "6=0-1023 5=x + b");
	CHECK_TEXT(COMMANDS(W("move"), W("0-1023 b")), "6=0-1023 b");
	CHECK_TEXT(COMMANDS(W("move")), "move needs a value (SLOTS NODE)");
	CHECK_TEXT(
	    COMMANDS(W("move"), W("17")), "move '17': a word is missing behind it (SLOTS NODE)");
	CHECK_TEXT(COMMANDS(W("move"), W("17"), W("-n"), W("x")),
	    "move '17': a word is missing behind it (SLOTS NODE)");
	CHECK_TEXT(COMMANDS(W("move"), W("17"), W("b"), W("c")),
	    "unknown command 'c' (--help lists them)");
	CHECK_TEXT(COMMANDS(W("statsu")), "unknown command 'statsu' (try 'status')");
	CHECK_TEXT(COMMANDS(W("qqqqqqq")), "unknown command 'qqqqqqq' (--help lists them)");
	/* a command is nothing that dashes could be put before */
	CHECK_TEXT(COMMANDS(W("--statsu")), "unknown option '--statsu' (--help lists the options)");
	CHECK_TEXT(COMMANDS(W("-t")), "unknown option '-t' (try '--tap')");
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "each way to give a value", test_each_way_to_give_a_value },
		{ "no arguments", test_no_arguments },
		{ "two dashes end the options", test_two_dashes_end_the_options },
		{ "unknown options", test_unknown_options },
		{ "missing and unwanted values", test_missing_and_unwanted_values },
		{ "repeated options", test_repeated_options },
		{ "choices", test_choices },
		{ "stray arguments", test_stray_arguments },
		{ "commands", test_commands },
		CU_TEST_INFO_NULL,
	};

	return check_run("base/option", tests);
}
