/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fixture.h"

/* docs/expressions.md names every function, and what it shows as results and messages is so. */

static char *
read_page(void)
{
	FILE *in = fopen(EXPRESSIONS_MD, "r");
	char *page = calloc(1, 1 << 17);

	CU_ASSERT_PTR_NOT_NULL_FATAL(in);
	CU_ASSERT_PTR_NOT_NULL_FATAL(page);
	CU_ASSERT(fread(page, 1, (1 << 17) - 1, in) > 1000);
	fclose(in);
	return page;
}

static void
test_functions(void)
{
	char *page = read_page(), row[128];

	for (unsigned i = 0; weir_expr_functions[i].name; i++) {
		const struct weir_function_doc *d = &weir_expr_functions[i];

		snprintf(row, sizeof(row), "| `%s` |", d->synopsis);
		if (!strstr(page, row)) {
			printf("\n%s is missing\n", d->synopsis);
			CU_FAIL("a function is not documented");
		}
		CU_ASSERT(strncmp(d->synopsis, d->name, strlen(d->name)) == 0);
		CU_ASSERT(strlen(d->doc) > 10);
	}
	free(page);
}

/* Names that the examples of the page use. */
static const struct weir_symbol symbols[] = {
	{ "tcp.dstport", WEIR_INT, WEIR_U16, 0 },
	{ "ip.src", WEIR_IP, WEIR_ADDR, 1 },
	{ "payload", WEIR_STRING, WEIR_BYTES, 2 },
	{ "frame.time", WEIR_TIME, WEIR_I64, 3 },
};

/* Lines of two kinds: "    EXPRESSION  =>  VALUE" and "    EXPRESSION  =>  error: MESSAGE". */
static void
test_examples(void)
{
	const struct weir_scope scope = { symbols, 4 };
	char *page = read_page(), *save;
	unsigned n = 0;

	for (char *line = strtok_r(page, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *arrow = strstr(line, " => "), *want, got[2048];
		struct weir_program *p;
		struct weir_error err;

		if (strncmp(line, "    ", 4) != 0 || !arrow)
			continue;
		want = arrow + 4 + strspn(arrow + 4, " ");
		while (arrow > line && arrow[-1] == ' ')
			arrow--;
		*arrow = 0;
		if (weir_program_compile(line + 4, &scope, &p, &err)) {
			snprintf(got, sizeof(got), "error: %s", err.text);
		} else {
			const uint64_t sel[WEIR_MASK_WORDS] = { 1 };
			struct weir_value v;

			CU_ASSERT_EQUAL_FATAL(weir_program_slots(p, NULL, 0), 0);
			v = weir_column_get(weir_program_run(p, NULL, 1, sel), 0);
			weir_value_text(&v, got, sizeof(got));
			weir_program_destroy(p);
		}
		n++;
		if (strcmp(got, want) != 0) {
			printf("\n%s\n  is   %s\n  want %s\n", line + 4, got, want);
			CU_FAIL("the page shows something else");
		}
	}
	CU_ASSERT(n > 20);
	free(page);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "every function is documented", test_functions },
		{ "examples are right", test_examples },
		CU_TEST_INFO_NULL,
	};

	return check_run("expr docs", tests);
}
