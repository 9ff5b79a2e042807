/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weir/base/nearest.h>
#include <weir/base/number.h>

#include "window.h"

#define PART_MAX 64 /* longest word or number that a form has */

const char *
weir_window_mistake(const struct weir_window *w)
{
	switch (w->kind) {
	case WEIR_WINDOW_GLOBAL:
		break;
	case WEIR_WINDOW_TUMBLING:
		if (w->size_ns <= 0)
			return "a window's size must be more than 0 (try '1s')";
		break;
	case WEIR_WINDOW_SLIDING:
		if (w->size_ns <= 0)
			return "a window's size must be more than 0 (try '10s/1s')";
		if (w->slide_ns <= 0)
			return "a window's slide must be more than 0 (try '10s/1s')";
		if (w->slide_ns > w->size_ns)
			return "a window slides by more than its size: rows between windows would "
			       "be lost (try '10s/1s')";
		break;
	case WEIR_WINDOW_SESSION:
		if (w->gap_ns <= 0)
			return "a session's gap must be more than 0 (try 'session:15s')";
		if (w->max_ns < 0)
			return "a session's max must be more than 0 (try 'session:15s,max:60s')";
		break;
	case WEIR_WINDOW_COUNT:
		if (w->count == 0)
			return "a window must have 1 row or more (try 'count:1000')";
		break;
	}
	return NULL;
}

int64_t
weir_window_pane_ns(const struct weir_window *w)
{
	int64_t a = w->size_ns, b = w->slide_ns;

	if (w->kind == WEIR_WINDOW_TUMBLING)
		return a;
	if (w->kind != WEIR_WINDOW_SLIDING)
		return 0;
	while (b) {
		int64_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

/* A duration that is part of a window. It may be negative, which weir_window_mistake finds. */
static int
parse_part(const char *text, int64_t *ret_ns, struct weir_error *err)
{
	bool is_negative = text[0] == '-' && isdigit((unsigned char)text[1]);
	int64_t ns;
	int rc = weir_parse_duration(text + is_negative, &ns, err);

	if (!rc)
		*ret_ns = is_negative ? -ns : ns;
	return rc;
}

static int
accept(const struct weir_window *w, struct weir_window *ret, struct weir_error *err)
{
	const char *mistake = weir_window_mistake(w);

	if (mistake)
		return weir_error_usage(err, "%s", mistake);
	*ret = *w;
	return 0;
}

static int
parse_tumbling(const char *text, struct weir_window *ret, struct weir_error *err)
{
	struct weir_window w = { .kind = WEIR_WINDOW_TUMBLING };
	int rc;

	if (!*text)
		return weir_error_usage(err, "window 'tumbling' lacks a size (try 'tumbling:1s')");
	if (strchr(text, '/'))
		return weir_error_usage(
		    err, "a tumbling window does not slide (try 'sliding:%s')", text);
	rc = parse_part(text, &w.size_ns, err);
	return rc ? rc : accept(&w, ret, err);
}

/* "10s/1s" */
static int
parse_sliding(const char *text, struct weir_window *ret, struct weir_error *err)
{
	struct weir_window w = { .kind = WEIR_WINDOW_SLIDING };
	const char *slash = strchr(text, '/');
	char size[PART_MAX];
	int rc;

	if (!*text || slash == text)
		return weir_error_usage(
		    err, "a sliding window lacks a size (try 'sliding:10s/1s')");
	snprintf(size, sizeof(size), "%.*s", (int)strcspn(text, "/"), text);
	rc = parse_part(size, &w.size_ns, err);
	if (!rc && (!slash || !slash[1]))
		return weir_error_usage(err, "a sliding window lacks a slide (try 'sliding:%s/%s')",
		    size, w.size_ns < WEIR_NS_PER_S ? size : "1s");
	if (!rc)
		rc = parse_part(slash + 1, &w.slide_ns, err);
	if (rc)
		return rc;
	if (w.size_ns > 0 && w.slide_ns > w.size_ns)
		return weir_error_usage(err,
		    "a window of %s that slides by %s: rows between windows would be lost "
		    "(try '%s/%s')",
		    size, slash + 1, slash + 1, size);
	return accept(&w, ret, err);
}

/* "15s", "15s,max:60s" */
static int
parse_session(const char *text, struct weir_window *ret, struct weir_error *err)
{
	struct weir_window w = { .kind = WEIR_WINDOW_SESSION };
	const char *comma = strchr(text, ',');
	char gap[PART_MAX];
	int rc;

	if (!*text || comma == text)
		return weir_error_usage(err, "window 'session' lacks a gap (try 'session:15s')");
	snprintf(gap, sizeof(gap), "%.*s", (int)strcspn(text, ","), text);
	rc = parse_part(gap, &w.gap_ns, err);
	if (rc || !comma)
		return rc ? rc : accept(&w, ret, err);
	if (strncmp(comma + 1, "max:", 4) != 0)
		return weir_error_usage(err,
		    "a session has a gap and perhaps a max, not '%s' (try 'session:%s,max:60s')",
		    comma + 1, gap);
	if (!comma[5])
		return weir_error_usage(
		    err, "a session's max lacks a duration (try 'session:%s,max:60s')", gap);
	rc = parse_part(comma + 5, &w.max_ns, err);
	if (rc)
		return rc;
	if (w.max_ns == 0)
		w.max_ns = -1; /* left out it means none, but not as a number */
	return accept(&w, ret, err);
}

static int
parse_count(const char *text, struct weir_window *ret, struct weir_error *err)
{
	struct weir_window w = { .kind = WEIR_WINDOW_COUNT };

	if (!*text)
		return weir_error_usage(
		    err, "window 'count' lacks a number of rows (try 'count:1000')");
	if (weir_parse_size(text, &w.count, NULL))
		return weir_error_usage(
		    err, "'%s' is not a number of rows (try 'count:1000')", text);
	return accept(&w, ret, err);
}

static int
parse_global(const char *text, struct weir_window *ret, struct weir_error *err)
{
	if (text)
		return weir_error_usage(err, "window 'global' takes no size (try 'global')");
	*ret = (struct weir_window){ .kind = WEIR_WINDOW_GLOBAL };
	return 0;
}

static const struct form {
	const char *word;
	const char *example; /* of what stands behind the colon, or NULL */
	int (*parse)(const char *text, struct weir_window *ret, struct weir_error *err);
} forms[] = {
	{ "tumbling", "1s", parse_tumbling },
	{ "sliding", "10s/1s", parse_sliding },
	{ "session", "15s", parse_session },
	{ "count", "1000", parse_count },
	{ "global", NULL, parse_global },
};
#define N_FORMS (sizeof(forms) / sizeof(forms[0]))

/* The word before a colon, or the whole, is none that we know. */
static int
refuse(const char *word, const char *rest, struct weir_error *err)
{
	struct weir_nearest nearest;
	struct weir_window ignored;
	const char *best;

	weir_nearest_begin(&nearest, word);
	for (unsigned i = 0; i < N_FORMS; i++)
		weir_nearest_offer(&nearest, forms[i].word);
	best = weir_nearest_get(&nearest);
	for (unsigned i = 0; best && i < N_FORMS; i++) {
		const struct form *f = &forms[i];

		if (strcmp(best, f->word) != 0)
			continue;
		if (!f->example)
			return weir_error_usage(err, "unknown window '%s' (try 'global')", word);
		if (!rest || f->parse(rest, &ignored, NULL))
			rest = f->example;
		/* A duration alone is a tumbling window. */
		return weir_error_usage(err, "unknown window '%s' (try '%s%s%s')", word,
		    i ? best : "", i ? ":" : "", rest);
	}
	return weir_error_usage(err,
	    "window kind '%s' is not known (try '1s', '10s/1s', 'session:15s', 'count:1000' or "
	    "'global')",
	    word);
}

int
weir_window_parse(const char *text, struct weir_window *ret, struct weir_error *err)
{
	const char *colon = strchr(text, ':');
	char word[PART_MAX];

	if (!*text)
		return weir_error_usage(err, "a window is missing (try '1s' or 'global')");
	if (isdigit((unsigned char)text[0]) || text[0] == '-' || text[0] == '/')
		return strchr(text, '/') ? parse_sliding(text, ret, err)
					 : parse_tumbling(text, ret, err);
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(text, ":"), text);
	for (unsigned i = 0; i < N_FORMS; i++)
		if (strcmp(word, forms[i].word) == 0)
			return forms[i].parse(colon              ? colon + 1
					      : forms[i].example ? ""
								 : NULL,
			    ret, err);
	return refuse(word, colon ? colon + 1 : NULL, err);
}

/* A duration in the largest unit that it is a whole number of; buf of 24 bytes. */
static const char *
text_of(int64_t ns, char *buf)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
		{ "d", INT64_C(86400000000000) },
		{ "h", INT64_C(3600000000000) },
		{ "m", INT64_C(60000000000) },
		{ "s", INT64_C(1000000000) },
		{ "ms", INT64_C(1000000) },
		{ "us", INT64_C(1000) },
		{ "ns", INT64_C(1) },
	};
	unsigned i = 0;

	while (ns % units[i].ns)
		i++;
	snprintf(buf, 24, "%" PRId64 "%s", ns / units[i].ns, units[i].name);
	return buf;
}

const char *
weir_window_text(const struct weir_window *w, char *buf, unsigned size)
{
	char first[24], second[24];

	switch (w->kind) {
	case WEIR_WINDOW_GLOBAL:
		snprintf(buf, size, "global");
		break;
	case WEIR_WINDOW_TUMBLING:
		snprintf(buf, size, "tumbling %s", text_of(w->size_ns, first));
		break;
	case WEIR_WINDOW_SLIDING:
		snprintf(buf, size, "sliding %s every %s", text_of(w->size_ns, first),
		    text_of(w->slide_ns, second));
		break;
	case WEIR_WINDOW_SESSION:
		snprintf(buf, size, "session gap %s%s%s", text_of(w->gap_ns, first),
		    w->max_ns ? ", at most " : "", w->max_ns ? text_of(w->max_ns, second) : "");
		break;
	case WEIR_WINDOW_COUNT:
		snprintf(buf, size, "count %" PRIu64, w->count);
		break;
	}
	return buf;
}
