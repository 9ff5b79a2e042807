/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/base/number.h>
#include <weir/base/time.h>

#include "ctl.h"

#define EVERY_LEAST_NS (WEIR_NS_PER_S / 5)
#define EVERY_MOST_NS  (60 * WEIR_NS_PER_S)
#define N_ROWS         10u /* of a plain view, and where a window has more than the screen */
#define ROWS_ASKED     100u

struct top {
	const struct ctl *ctl;
	struct weir_client *client;
	int64_t every_ns;
	char query[128]; /* whose rows are shown, "" for the first */
	json_t *status;
	json_t *result;
	char problem[256]; /* why there are no rows */
};

static atomic_bool is_ended; /* by a signal */

static void
on_signal(int sig)
{
	atomic_store_explicit(&is_ended, true, memory_order_relaxed);
}

static const char *
query_name(const struct top *t, size_t i)
{
	json_t *queries = json_object_get(t->status, "queries");

	return json_string_value(json_object_get(json_array_get(queries, i), "name"));
}

static size_t
n_queries(const struct top *t)
{
	return json_array_size(json_object_get(t->status, "queries"));
}

static void
choose(struct top *t, const char *name)
{
	snprintf(t->query, sizeof(t->query), "%s", name ? name : "");
	json_decref(t->result);
	t->result = NULL;
}

/* The rows of the chosen query; what is wrong with them is part of the view. */
static void
fetch_rows(struct top *t, unsigned n_rows)
{
	struct weir_error err;
	char argument[160];
	json_t *result;

	t->problem[0] = '\0';
	if (!t->query[0])
		return;
	snprintf(argument, sizeof(argument), "%s,%u", t->query, n_rows);
	if (weir_client_ask(t->client, WEIR_CONTROL_RESULT, argument, &result, &err)) {
		snprintf(t->problem, sizeof(t->problem), "%s", err.text);
		return;
	}
	json_decref(t->result);
	t->result = result;
}

static int
fetch(struct top *t, unsigned n_rows, struct weir_error *err)
{
	json_t *status;
	int rc = weir_client_ask(t->client, WEIR_CONTROL_STATUS, "", &status, err);

	if (rc)
		return rc;
	json_decref(t->status);
	t->status = status;
	if (!t->query[0])
		choose(t, query_name(t, 0));
	fetch_rows(t, n_rows);
	return 0;
}

static void
render(const struct top *t, unsigned n_rows, struct weir_strbuf *b)
{
	ctl_top_text(t->status, t->result, t->query[0] ? t->query : NULL,
	    t->problem[0] ? t->problem : NULL, n_rows, b);
}

static int
print_once(struct top *t, struct weir_error *err)
{
	unsigned n_rows = t->ctl->n_rows ? (unsigned)t->ctl->n_rows : N_ROWS;
	struct weir_strbuf b = { 0 };
	int rc = fetch(t, n_rows, err);

	if (rc)
		return rc;
	render(t, n_rows, &b);
	fputs(b.p, stdout);
	weir_strbuf_free(&b);
	return 0;
}

/* Headings are bold: lines of which the first word has capitals only. */
static bool
is_heading(const char *line, size_t len)
{
	size_t n = 0;

	while (n < len && isupper((unsigned char)line[n]))
		n++;
	return n > 2;
}

static void
draw(const struct top *t)
{
	struct weir_strbuf b = { 0 };
	char every[32];
	int y = 0;

	render(t, ROWS_ASKED, &b);
	erase();
	for (const char *p = b.p; *p && y < LINES - 1; y++) {
		size_t len = strcspn(p, "\n");
		bool is_bold = y == 0 || is_heading(p, len);

		if (is_bold)
			attron(A_BOLD);
		/* curses cuts characters of more than a byte where they belong; COLS counts them */
		mvaddnstr(y, 0, p, (int)len);
		if (is_bold)
			attroff(A_BOLD);
		p += len + (p[len] == '\n');
	}
	weir_text_duration(t->every_ns, every, sizeof(every));
	attron(A_REVERSE);
	mvprintw(LINES - 1, 0, " q quit  n, 1-9 query  + - time between views (%s) ", every);
	attroff(A_REVERSE);
	refresh();
	weir_strbuf_free(&b);
}

static void
next_query(struct top *t)
{
	size_t n = n_queries(t), i = 0;

	while (i < n && strcmp(query_name(t, i), t->query) != 0)
		i++;
	if (n)
		choose(t, query_name(t, i + 1 < n ? i + 1 : 0));
}

/* What a key asks for. True where the view has to be fetched anew. */
static bool
take_key(struct top *t, int key, bool *is_done)
{
	if (key == 'q' || key == 'Q') {
		*is_done = true;
	} else if (key == 'n' || key == '\t') {
		next_query(t);
		return true;
	} else if (key >= '1' && key <= '9' && query_name(t, (size_t)(key - '1'))) {
		choose(t, query_name(t, (size_t)(key - '1')));
		return true;
	} else if (key == '+' || key == '=') {
		t->every_ns = t->every_ns * 2 > EVERY_MOST_NS ? EVERY_MOST_NS : t->every_ns * 2;
		draw(t);
	} else if (key == '-') {
		t->every_ns = t->every_ns / 2 < EVERY_LEAST_NS ? EVERY_LEAST_NS : t->every_ns / 2;
		draw(t);
	} else if (key == KEY_RESIZE) {
		draw(t);
	}
	return false;
}

/* Until the next view is due, or a key wants it now. */
static void
wait_keys(struct top *t, bool *is_done)
{
	int64_t begin_ns = weir_now_mono_ns();

	while (!*is_done && !atomic_load_explicit(&is_ended, memory_order_relaxed)) {
		int64_t left_ms = (begin_ns + t->every_ns - weir_now_mono_ns()) / 1000000;
		struct pollfd p = { STDIN_FILENO, POLLIN, 0 };
		int key;

		if (left_ms <= 0)
			return;
		timeout((int)left_ms);
		key = getch();
		if (key == ERR) {
			/* the terminal may be gone */
			*is_done = poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
			continue;
		}
		if (take_key(t, key, is_done))
			return;
	}
}

static int
watch(struct top *t, struct weir_error *err)
{
	bool is_done = false;
	int rc = 0;

	while (!is_done && !atomic_load_explicit(&is_ended, memory_order_relaxed)) {
		rc = fetch(t, ROWS_ASKED, err);
		if (rc)
			break;
		draw(t);
		wait_keys(t, &is_done);
	}
	return rc;
}

static int
live(struct top *t, struct weir_error *err)
{
	struct sigaction sa = { .sa_handler = on_signal };
	SCREEN *screen;
	int rc;

	setlocale(LC_CTYPE, "");
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return weir_error_run(err, -ENOTTY,
		    "the terminal '%s' is unknown here: set TERM, or use --once",
		    getenv("TERM") ? getenv("TERM") : "");
	/* after newterm, which catches some of them */
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	rc = watch(t, err);
	endwin();
	delscreen(screen);
	if (rc == -ECONNRESET) { /* what was watched has ended: so does this */
		fprintf(stderr, "weir-ctl: %s\n", err->text);
		rc = 0;
	}
	return rc;
}

int
ctl_top(const struct ctl *c, struct weir_error *err)
{
	struct top t = { .ctl = c, .every_ns = c->every_ns };
	int rc = ctl_connect(c, &t.client, err);

	if (rc)
		return rc;
	choose(&t, c->argument);
	if (c->is_once || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
		rc = print_once(&t, err);
	else
		rc = live(&t, err);
	json_decref(t.status);
	json_decref(t.result);
	weir_client_close(t.client);
	return rc;
}
