/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weir/aggregate/aggregate.h>
#include <weir/base/nearest.h>
#include <weir/base/number.h>

static int
parse_size(const char *text, struct weir_window *ret, struct weir_error *err)
{
	int64_t size_ns;
	int code = weir_parse_duration(text, &size_ns, err);

	if (code)
		return code;
	if (size_ns <= 0)
		return weir_error_usage(err, "a window's size must be more than 0 (try '1s')");
	*ret = (struct weir_window){ .kind = WEIR_WINDOW_TUMBLING, .size_ns = size_ns };
	return 0;
}

/* The word before a colon, or the whole, is none that we know. */
static int
refuse(const char *word, const char *size, struct weir_error *err)
{
	struct weir_nearest nearest;
	const char *best;
	int64_t ignored;

	weir_nearest_begin(&nearest, word);
	weir_nearest_offer(&nearest, "tumbling");
	weir_nearest_offer(&nearest, "global");
	best = weir_nearest_get(&nearest);
	if (best && strcmp(best, "global") == 0)
		return weir_error_usage(err, "unknown window '%s' (try 'global')", word);
	if (best)
		return weir_error_usage(err, "unknown window '%s' (try '%s')", word,
		    size && weir_parse_duration(size, &ignored, NULL) == 0 && ignored > 0 ? size
											  : "1s");
	return weir_error_usage(err, "window kind '%s' is not known (try '1s' or 'global')", word);
}

int
weir_window_parse(const char *text, struct weir_window *ret, struct weir_error *err)
{
	const char *colon = strchr(text, ':');
	char word[64];

	if (!*text)
		return weir_error_usage(err, "a window is missing (try '1s' or 'global')");
	if (text[0] == '-' && isdigit((unsigned char)text[1]))
		return weir_error_usage(
		    err, "a window's size must be more than 0 (try '%s')", text + 1);
	if (isdigit((unsigned char)text[0])) {
		if (strchr(text, '/'))
			return weir_error_usage(
			    err, "window kind 'sliding' is not known (try '1s' or 'global')");
		return parse_size(text, ret, err);
	}
	snprintf(word, sizeof(word), "%.*s", colon ? (int)(colon - text) : (int)strlen(text), text);
	if (strcmp(word, "global") == 0) {
		if (colon)
			return weir_error_usage(
			    err, "window 'global' takes no size (try 'global')");
		*ret = (struct weir_window){ .kind = WEIR_WINDOW_GLOBAL };
		return 0;
	}
	if (strcmp(word, "tumbling") == 0) {
		if (!colon || !colon[1])
			return weir_error_usage(
			    err, "window 'tumbling' lacks a size (try 'tumbling:1s')");
		if (colon[1] == '-' && isdigit((unsigned char)colon[2]))
			return weir_error_usage(err,
			    "a window's size must be more than 0 (try 'tumbling:%s')", colon + 2);
		return parse_size(colon + 1, ret, err);
	}
	return refuse(word, colon ? colon + 1 : NULL, err);
}

const char *
weir_window_text(const struct weir_window *w, char *buf, unsigned size)
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

	if (w->kind == WEIR_WINDOW_GLOBAL) {
		snprintf(buf, size, "global");
		return buf;
	}
	while (w->size_ns % units[i].ns)
		i++;
	snprintf(buf, size, "tumbling %" PRId64 "%s", w->size_ns / units[i].ns, units[i].name);
	return buf;
}
