/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_OPTION_H
#define WEIR_BASE_OPTION_H

#include <stdbool.h>
#include <stdio.h>

#include <weir/base/error.h>

/*
 * One table describes a program's options: the parser, --help, the man page and the shell
 * completion are all made from it.
 */

struct weir_option {
	int id;           /* the program's own number, > 0; a row of NULLs ends the table */
	const char *name; /* "--filter", "-r"; without dashes it is a command, as "status" */
	const char *arg;  /* "FILE"; "[FILE]" may be left out; NULL for a switch; a command's "A B":
			     two words, or one text of both */
	const char *group;   /* heading in help: "Sources" ... */
	const char *help;    /* one line, no full stop; --help shows it up to the first ';' */
	const char *choices; /* for completion and errors: "spin|adaptive|interrupt", or NULL */
	bool is_repeatable;  /* may be given more than once; others are refused the second time */
	bool is_hidden;      /* not in --help (but in the man page) */
};

struct weir_program_help {
	const char *name;            /* "weir" */
	const char *summary;         /* one line */
	const char *synopsis;        /* "weir [options] SOURCE... [QUERY...] [-- EAL ARGUMENTS]" */
	const char *const *examples; /* pairs: what, command; NULL ends */
	const char
	    *description; /* paragraphs for the man page, roff-free text, blank line between */
	const struct weir_option *options;
};

/* One parsed option, in command-line order. */
struct weir_option_value {
	const struct weir_option *option;
	const char *value;  /* NULL for a switch and where it was left out; points into argv */
	const char *second; /* the second word, where there are two; else NULL */
};

struct weir_command_line {
	struct weir_option_value *values;
	unsigned n_values;
	char **rest; /* what follows "--", or NULL */
	unsigned n_rest;
};

/*
 * Parse argv: --name value, --name=value, -x value, -xvalue. An unknown option, a missing or
 * unwanted value, a value that is none of choices, a stray argument and a repeated option that is
 * not repeatable are usage errors that name the option and the nearest valid one.
 */
int weir_options_parse(const struct weir_option *table, int argc, char **argv,
    struct weir_command_line *ret, struct weir_error *err);
void weir_command_line_free(struct weir_command_line *c);

void weir_options_help(const struct weir_program_help *h, FILE *out);            /* one screen */
void weir_options_man(const struct weir_program_help *h, FILE *out);             /* man(7) source */
void weir_options_bash_completion(const struct weir_program_help *h, FILE *out); /* bash */
/*
 * Print the page that an option asks for, where its name is one that all programs share: --help,
 * --version, --print-man and --print-completion. False: it is another option, nothing was printed.
 */
bool weir_options_print_page(
    const struct weir_program_help *h, const struct weir_option *o, FILE *out);

#endif
