/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <unistd.h>

#include <weir/base/option.h>

#include "check.h"

static const struct weir_option table[] = {
	{ 1, "-r", "FILE", "Sources", "capture file; '-' is standard input", NULL, true, false },
	{ 2, "-i", "NAME", "Sources", "interface to listen on", NULL, true, false },
	{ 3, "--where", "EXPR", "Stages", "keep rows that hold; a\\b .c", NULL, true, false },
	{ 4, "--key", "F[,NAME=EXPR...]", "Stages",
	    "group by these fields, of which each must be known and none may be null in a row",
	    NULL, false, false },
	{ 5, "--quiet", NULL, "Options", "print rows only", NULL, false, false },
	{ 6, "--progress", "WHEN", "Options", "show progress", "auto|never", false, false },
	{ 7, "--secret", "DIR", "Options", "kept for the man page", NULL, false, true },
	{ 8, "--stats", "FILE", "Options", "write counters", NULL, false, false },
	{ 9, "--checkpoint", "DIR", "State", "save state", NULL, false, true },
	{ 0 },
};

static const char *const examples[] = { "top talkers of a capture", "weir -r a.pcap",
	"'quoted' and .dotted", ".weir 'x' -- \\n", NULL };

static const struct weir_program_help program = {
	.name = "weir-x",
	.summary = "count packets - fast",
	.synopsis = "weir-x [options] SOURCE... [-- EAL ARGUMENTS]",
	.examples = examples,
	.description = "First paragraph\n.with a dot.\n\n'Second' one \\ here.\n",
	.options = table,
};

/* What a printer prints. The caller frees it. */
static char *
print(void (*printer)(const struct weir_program_help *h, FILE *out))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	printer(&program, out);
	fclose(out);
	return text;
}

static void
test_help(void)
{
	char *text = print(weir_options_help);

	/* clang-format off */
	CHECK_TEXT(text,
"weir-x: count packets - fast\n"
"usage: weir-x [options] SOURCE... [-- EAL ARGUMENTS]\n"
"Sources:\n"
"  -r FILE          capture file                    -i NAME          interface to listen on\n"
"Stages:\n"
"  --where EXPR     keep rows that hold\n"
"  --key F[,NAME=EXPR...]  group by these fields, of which each must be known and none may be null in a row\n"
"Options:\n"
"  --quiet          print rows only                 --progress WHEN  show progress\n"
"  --stats FILE     write counters\n"
"# top talkers of a capture\n"
"  weir -r a.pcap\n"
"# 'quoted' and .dotted\n"
"  .weir 'x' -- \\n\n");
	/* clang-format on */
	free(text);
}

/* Run a command with the text in a file as its last argument: its exit status, or -1. */
static int
run_on(const char *text, const char *command)
{
	char path[] = "/tmp/weir-test-XXXXXX", line[256];
	int fd = mkstemp(path), status;

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	snprintf(line, sizeof(line), command, path);
	status = system(line);
	unlink(path);
	return status;
}

static bool
has_tool(const char *name)
{
	char line[64];

	snprintf(line, sizeof(line), "command -v %s >/dev/null 2>&1", name);
	if (system(line) == 0)
		return true;
	snprintf(line, sizeof(line), "%s is not installed", name);
	check_skip(line);
	return false;
}

static void
test_man_has_every_option_and_escapes(void)
{
	char *text = print(weir_options_man);

	CU_ASSERT_PTR_NOT_NULL(strstr(text, ".TH \"WEIR\\-X\" 1 "));
	for (const struct weir_option *o = table; o->name; o++) {
		char needle[64], *p = needle;

		p += sprintf(p, "\\fB");
		for (const char *c = o->name; *c; c++)
			p += sprintf(p, *c == '-' ? "\\-" : "%c", *c);
		sprintf(p, "\\fR");
		CU_ASSERT_PTR_NOT_NULL(strstr(text, needle));
	}
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(text, "\n\\&.with a dot.\n.PP\n\\&\\(aqSecond\\(aq one \\e here.\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "One of \\fBauto\\fR, \\fBnever\\fR.\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, ".SS \"State\"\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, ".SH EXIT STATUS\n"));
	free(text);
}

static void
test_man_is_clean_roff(void)
{
	char *text = print(weir_options_man);

	if (has_tool("groff")) {
		/* Clean is: nothing on standard error. */
		CU_ASSERT_EQUAL(
		    run_on(text, "test -z \"$(groff -man -ww -Tutf8 %s 2>&1 >/dev/null)\""), 0);
		CU_ASSERT_EQUAL(
		    run_on(
			text, "groff -man -Tascii -P-c %s | grep -q \"\\.weir 'x' -- \\\\\\\\n\""),
		    0);
	}
	free(text);
}

static void
test_completion(void)
{
	char *text = print(weir_options_bash_completion);

	CU_ASSERT_PTR_NOT_NULL(strstr(text, "complete -F _weir_x weir-x\n"));
	if (has_tool("bash")) {
		CU_ASSERT_EQUAL(run_on(text, "bash -n %s"), 0);
		CU_ASSERT_EQUAL(
		    run_on(text, "bash -c '. %s; COMP_WORDS=(weir-x --pro); COMP_CWORD=1; _weir_x; "
				 "test \"${COMPREPLY[*]}\" = --progress'"),
		    0);
		CU_ASSERT_EQUAL(
		    run_on(text, "bash -c '. %s; COMP_WORDS=(weir-x --progress n); COMP_CWORD=2; "
				 "_weir_x; test \"${COMPREPLY[*]}\" = never'"),
		    0);
		CU_ASSERT_EQUAL(
		    run_on(text, "bash -c '. %s; COMP_WORDS=(weir-x --progress = a); COMP_CWORD=3; "
				 "_weir_x; test \"${COMPREPLY[*]}\" = auto'"),
		    0);
		CU_ASSERT_EQUAL(
		    run_on(text, "bash -c '. %s; COMP_WORDS=(weir-x -r /dev/nul); COMP_CWORD=2; "
				 "_weir_x 2>/dev/null; test \"${COMPREPLY[*]}\" = /dev/null'"),
		    0);
		CU_ASSERT_EQUAL(
		    run_on(text, "bash -c '. %s; COMP_WORDS=(weir-x -- --pro); COMP_CWORD=2; "
				 "_weir_x; test \"${COMPREPLY[*]}\" = \"\"'"),
		    0);
	}
	free(text);
}

/* What an option of this name prints, or NULL where it asks for no page. The caller frees it. */
static char *
page(const char *name)
{
	struct weir_option o = { .id = 1, .name = name };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool is_page;

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	is_page = weir_options_print_page(&program, &o, out);
	fclose(out);
	if (is_page)
		return text;
	CU_ASSERT_EQUAL(size, 0);
	free(text);
	return NULL;
}

static void
check_page(const char *name, char *expected)
{
	char *text = page(name);

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CHECK_TEXT(text, expected);
	free(text);
	free(expected);
}

static void
test_pages_by_the_option_s_name(void)
{
	check_page("--help", print(weir_options_help));
	check_page("--version", strdup("weir-x " WEIR_VERSION "\n"));
	check_page("--print-man", print(weir_options_man));
	check_page("--print-completion", print(weir_options_bash_completion));
	CU_ASSERT_PTR_NULL(page("--quiet"));
	CU_ASSERT_PTR_NULL(page("help"));
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "help", test_help },
		{ "man page has every option", test_man_has_every_option_and_escapes },
		{ "man page is clean roff", test_man_is_clean_roff },
		{ "completion", test_completion },
		{ "pages by the option's name", test_pages_by_the_option_s_name },
		CU_TEST_INFO_NULL,
	};

	return check_run("base/option_print", tests);
}
