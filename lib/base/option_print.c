/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <weir/base/option.h>
#include <weir/base/strbuf.h>

/*
 * --help has two layouts. The usual one gives an option half a line: its flag and the first clause
 * of its help (up to the first ';'). A terminal too small for that gets the flags alone.
 */
#define HELP_COLUMNS 100
#define FLAG_MAX     16 /* a wider flag does not widen the column of flags */
#define INDENT       2  /* of the lines below a group's name */

struct help {
	const struct weir_program_help *h;
	struct weir_strbuf out;
	unsigned columns; /* width to fill */
	unsigned gutter;  /* width of the groups' names and the blanks after them */
	unsigned flag;    /* width of the flags and the blanks after them */
};

static unsigned
flag_width(const struct weir_option *o)
{
	return (unsigned)(strlen(o->name) + (o->arg ? 1 + strlen(o->arg) : 0));
}

/* The flag and its argument as they are typed: "--filter PCAP". */
static void
add_flag(struct weir_strbuf *b, const struct weir_option *o)
{
	weir_strbuf_puts(b, o->name);
	if (o->arg)
		weir_strbuf_printf(b, " %s", o->arg);
}

static void
add_blanks(struct weir_strbuf *b, unsigned n)
{
	weir_strbuf_printf(b, "%*s", (int)n, "");
}

/* True where no earlier row that is shown has the group of o. */
static bool
is_first_of_group(const struct weir_option *table, const struct weir_option *o, bool with_hidden)
{
	for (; table != o; table++)
		if ((with_hidden || !table->is_hidden) && strcmp(table->group, o->group) == 0)
			return false;
	return with_hidden || !o->is_hidden;
}

static bool
is_shown_in(const struct weir_option *o, const char *group)
{
	return !o->is_hidden && strcmp(o->group, group) == 0;
}

static void
measure(struct help *x)
{
	x->gutter = x->flag = 0;
	for (const struct weir_option *o = x->h->options; o->name; o++) {
		if (o->is_hidden)
			continue;
		if (strlen(o->group) > x->gutter)
			x->gutter = (unsigned)strlen(o->group);
		if (flag_width(o) > x->flag && flag_width(o) <= FLAG_MAX)
			x->flag = flag_width(o);
	}
	x->gutter += 2;
	x->flag += 2;
}

static void
begin_line(struct help *x, const char *group)
{
	weir_strbuf_printf(&x->out, "%-*s", (int)x->gutter, group);
}

/* Options of a group, two on a line where both fit into their halves. */
static void
add_group(struct help *x, const char *group)
{
	unsigned half = (x->columns - INDENT) / 2;
	bool has_left = false;

	weir_strbuf_printf(&x->out, "%s:\n", group);
	for (const struct weir_option *o = x->h->options; o->name; o++) {
		unsigned text = (unsigned)strcspn(o->help, ";");
		unsigned pad = flag_width(o) + 2 > x->flag ? 2 : x->flag - flag_width(o);
		unsigned cell = flag_width(o) + pad + text;

		if (!is_shown_in(o, group))
			continue;
		if (has_left && cell > half) {
			weir_strbuf_puts(&x->out, "\n");
			has_left = false;
		}
		if (!has_left)
			add_blanks(&x->out, INDENT);
		add_flag(&x->out, o);
		add_blanks(&x->out, pad);
		weir_strbuf_add(&x->out, o->help, text);
		has_left = !has_left && cell + 1 <= half;
		if (has_left)
			add_blanks(&x->out, half - cell);
		else
			weir_strbuf_puts(&x->out, "\n");
	}
	if (has_left)
		weir_strbuf_puts(&x->out, "\n");
}

/* The flags of a group alone, as many on a line as fit. */
static void
add_flags_only(struct help *x, const char *group)
{
	unsigned at = x->gutter;
	bool is_first = true;

	begin_line(x, group);
	for (const struct weir_option *o = x->h->options; o->name; o++) {
		if (!is_shown_in(o, group))
			continue;
		if (!is_first && at + 2 + flag_width(o) > x->columns) {
			weir_strbuf_puts(&x->out, "\n");
			begin_line(x, "");
			at = x->gutter;
		} else if (!is_first) {
			add_blanks(&x->out, 2);
			at += 2;
		}
		add_flag(&x->out, o);
		at += flag_width(o);
		is_first = false;
	}
	weir_strbuf_puts(&x->out, "\n");
}

/* Blanks before a line's end are only padding. */
static void
add_trimmed(FILE *out, const struct weir_strbuf *b)
{
	for (const char *p = b->p, *end; *p; p = end + 1) {
		size_t len;

		end = strchr(p, '\n');
		len = (size_t)(end - p);
		while (len && p[len - 1] == ' ')
			len--;
		fprintf(out, "%.*s\n", (int)len, p);
	}
}

static unsigned
render_help(struct help *x, void (*add)(struct help *x, const char *group))
{
	unsigned lines = 0;

	x->out.len = 0;
	weir_strbuf_printf(
	    &x->out, "%s: %s\nusage: %s\n", x->h->name, x->h->summary, x->h->synopsis);
	for (const struct weir_option *o = x->h->options; o->name; o++)
		if (is_first_of_group(x->h->options, o, false))
			add(x, o->group);
	for (const char *const *e = x->h->examples; e && e[0]; e += 2)
		weir_strbuf_printf(&x->out, "# %s\n  %s\n", e[0], e[1]);
	for (size_t i = 0; i < x->out.len; i++)
		lines += x->out.p[i] == '\n';
	return lines;
}

void
weir_options_help(const struct weir_program_help *h, FILE *out)
{
	struct help x = { .h = h, .columns = HELP_COLUMNS };
	struct winsize ws = { 0 };
	bool is_terminal = isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &ws) == 0 &&
			   ws.ws_col >= 40 && ws.ws_row > 1;

	measure(&x);
	if (is_terminal && ws.ws_col < x.columns)
		x.columns = ws.ws_col;
	/* The prompt that follows needs a line as well. */
	if (render_help(&x, add_group) > ws.ws_row - 1u && is_terminal)
		render_help(&x, add_flags_only);
	add_trimmed(out, &x.out);
	weir_strbuf_free(&x.out);
}

/*
 * Text for roff: a backslash, a quote that begins a line, and minus signs (which
 * would become hyphens that cannot be pasted) are escaped.
 */
static void
put_roff(FILE *out, const char *s, size_t len)
{
	if (len && (s[0] == '.' || s[0] == '\''))
		fputs("\\&", out);
	for (size_t i = 0; i < len; i++) {
		switch (s[i]) {
		case '\\':
			fputs("\\e", out);
			break;
		case '-':
			fputs("\\-", out);
			break;
		case '\'':
			fputs("\\(aq", out);
			break;
		case '`':
			fputs("\\(ga", out);
			break;
		case '^':
			fputs("\\(ha", out);
			break;
		case '~':
			fputs("\\(ti", out);
			break;
		case '"':
			fputs("\\(dq", out);
			break;
		default:
			fputc(s[i], out);
		}
	}
}

static void
put_roff_text(FILE *out, const char *s)
{
	put_roff(out, s, strlen(s));
}

/* Paragraphs of plain text; a blank line parts two. */
static void
put_paragraphs(FILE *out, const char *text)
{
	bool is_parted = false;

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (len == 0) {
			is_parted = true;
		} else {
			if (is_parted)
				fputs(".PP\n", out);
			is_parted = false;
			put_roff(out, text, len);
			fputc('\n', out);
		}
		text += len + (text[len] == '\n');
	}
}

static void
put_man_option(FILE *out, const struct weir_option *o)
{
	fputs(".TP\n\\fB", out);
	put_roff_text(out, o->name);
	fputs("\\fR", out);
	if (o->arg) {
		fputs(" \\fI", out);
		put_roff_text(out, o->arg);
		fputs("\\fR", out);
	}
	fputc('\n', out);
	put_roff_text(out, o->help);
	fputs(".\n", out);
	if (o->choices) {
		fputs("One of ", out);
		for (const char *p = o->choices; *p;) {
			size_t len = strcspn(p, "|");

			fputs(p == o->choices ? "\\fB" : ", \\fB", out);
			put_roff(out, p, len);
			fputs("\\fR", out);
			p += len + (p[len] == '|');
		}
		fputs(".\n", out);
	}
	if (o->is_repeatable)
		fputs("May be given more than once.\n", out);
}

static void
put_man_examples(FILE *out, const struct weir_program_help *h)
{
	fputs(".SH EXAMPLES\n", out);
	for (const char *const *e = h->examples; e && e[0]; e += 2) {
		fputs(".PP\n", out);
		put_roff_text(out, e[0]);
		fputs(":\n.PP\n.RS 4\n.nf\n", out);
		put_roff_text(out, e[1]);
		fputs("\n.fi\n.RE\n", out);
	}
}

void
weir_options_man(const struct weir_program_help *h, FILE *out)
{
	fputs(".TH \"", out);
	for (const char *p = h->name; *p; p++) {
		char upper = (char)toupper((unsigned char)*p);

		put_roff(out, &upper, 1);
	}
	fprintf(
	    out, "\" 1 \"\" \"weir %s\" \"User Commands\"\n.ad l\n.nh\n.SH NAME\n", WEIR_VERSION);
	put_roff_text(out, h->name);
	fputs(" \\- ", out);
	put_roff_text(out, h->summary);
	fputs("\n.SH SYNOPSIS\n", out);
	put_roff_text(out, h->synopsis);
	fputs("\n.SH DESCRIPTION\n", out);
	put_paragraphs(out, h->description ? h->description : h->summary);
	fputs(".SH OPTIONS\n", out);
	for (const struct weir_option *g = h->options; g->name; g++) {
		if (!is_first_of_group(h->options, g, true))
			continue;
		fputs(".SS \"", out);
		put_roff_text(out, g->group);
		fputs("\"\n", out);
		for (const struct weir_option *o = h->options; o->name; o++)
			if (strcmp(o->group, g->group) == 0)
				put_man_option(out, o);
	}
	put_man_examples(out, h);
	fputs(".SH EXIT STATUS\n"
	      ".TP\n\\fB0\\fR\nDone, and nothing was lost without being accounted for.\n"
	      ".TP\n\\fB1\\fR\nFailed at run time; one line on standard error says why.\n"
	      ".TP\n\\fB2\\fR\nThe command line is wrong; nothing has been started.\n",
	    out);
}

/* What a value is completed with, after its option. */
static void
put_completion_values(FILE *out, const struct weir_option *o)
{
	if (o->choices) {
		fprintf(out, "\t%s) COMPREPLY=($(compgen -W '", o->name);
		for (const char *p = o->choices; *p; p++)
			fputc(*p == '|' ? ' ' : *p, out);
		fputs("' -- \"$cur\")); return ;;\n", out);
	} else if (strcmp(o->name, "-i") == 0) {
		fprintf(out,
		    "\t%s) COMPREPLY=($(compgen -W \"$(ls /sys/class/net)\" -- \"$cur\")); return "
		    ";;\n",
		    o->name);
	} else if (strstr(o->arg, "DIR")) {
		fprintf(out,
		    "\t%s) compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\")); return "
		    ";;\n",
		    o->name);
	} else if (strstr(o->arg, "FILE")) {
		fprintf(out,
		    "\t%s) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")); return "
		    ";;\n",
		    o->name);
	} else {
		fprintf(out, "\t%s) return ;;\n", o->name);
	}
}

void
weir_options_bash_completion(const struct weir_program_help *h, FILE *out)
{
	char function[64];
	size_t n = 0;

	for (const char *p = h->name; *p && n + 1 < sizeof(function); p++)
		function[n++] = isalnum((unsigned char)*p) ? *p : '_';
	function[n] = '\0';
	fprintf(out,
	    "# bash completion for %s\n"
	    "_%s()\n"
	    "{\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} word\n"
	    "\tCOMPREPLY=()\n"
	    "\t# bash splits --name=value at the equals sign\n"
	    "\tif [[ $cur == = ]]; then\n"
	    "\t\tcur=\n"
	    "\telif [[ $prev == = ]] && ((COMP_CWORD > 1)); then\n"
	    "\t\tprev=${COMP_WORDS[COMP_CWORD-2]}\n"
	    "\tfi\n"
	    "\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
	    "\t\t[[ $word == -- ]] && return\n"
	    "\tdone\n"
	    "\tcase $prev in\n",
	    h->name, function);
	for (const struct weir_option *o = h->options; o->name; o++)
		if (o->arg && o->arg[0] != '[')
			put_completion_values(out, o);
	fputs("\tesac\n\tCOMPREPLY=($(compgen -W '", out);
	for (const struct weir_option *o = h->options; o->name; o++)
		fprintf(out, "%s%s", o == h->options ? "" : " ", o->name);
	fprintf(out, "' -- \"$cur\"))\n}\ncomplete -F _%s %s\n", function, h->name);
}

static void
print_version(const struct weir_program_help *h, FILE *out)
{
	fprintf(out, "%s %s\n", h->name, WEIR_VERSION);
}

bool
weir_options_print_page(const struct weir_program_help *h, const struct weir_option *o, FILE *out)
{
	static const struct {
		const char *name;
		void (*print)(const struct weir_program_help *h, FILE *out);
	} pages[] = {
		{ "--help", weir_options_help },
		{ "--version", print_version },
		{ "--print-man", weir_options_man },
		{ "--print-completion", weir_options_bash_completion },
	};

	for (unsigned i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (strcmp(o->name, pages[i].name) == 0) {
			pages[i].print(h, out);
			return true;
		}
	}
	return false;
}
