/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

json_t *
weir_queries_to_json(const struct weir_cluster_query *queries, unsigned n)
{
	json_t *j = json_object();

	for (unsigned i = 0; i < n; i++)
		json_object_set_new(j, queries[i].name, json_string(queries[i].text));
	return j;
}

/* An option of a query's text with its value, as it is written. */
struct piece {
	const char *p;
	size_t len, name_len;
};

/* The piece at *text, and *text behind it: up to the next " --" that is outside quotes. */
static bool
next_piece(const char **text, struct piece *ret)
{
	const char *p = *text + strspn(*text, " ");
	char quote = '\0';
	size_t n = 0;

	for (; p[n]; n++) {
		if (quote)
			quote = p[n] == quote ? '\0' : quote;
		else if (p[n] == '\'' || p[n] == '"')
			quote = p[n];
		else if (n && !strncmp(p + n, " --", 3))
			break;
	}
	*text = p + n;
	*ret = (struct piece){ p, n, strcspn(p, " =") };
	if (ret->name_len > n)
		ret->name_len = n;
	return n > 0;
}

static bool
is_same(const struct piece *a, const struct piece *b)
{
	return a->len == b->len && !memcmp(a->p, b->p, a->len);
}

/* The value without blanks and quotes around it. */
static void
print_value(const struct piece *x, char *buf, size_t size)
{
	const char *p = x->p + x->name_len;
	size_t n = x->len - x->name_len;

	while (n && (*p == ' ' || *p == '=')) {
		p++;
		n--;
	}
	while (n && p[n - 1] == ' ')
		n--;
	if (n > 1 && (*p == '\'' || *p == '"') && p[n - 1] == *p) {
		p++;
		n -= 2;
	}
	snprintf(buf, size, "%.*s", (int)n, p);
}

static void
print_difference(const char *here, const char *others, const char *there, char *buf, size_t size)
{
	char mine[200], theirs[200];
	struct piece a, b;

	for (;;) {
		bool has_a = next_piece(&here, &a), has_b = next_piece(&others, &b);

		if (has_a && has_b && is_same(&a, &b))
			continue;
		if (!has_a && !has_b) {
			snprintf(buf, size, "is written with other blanks here than at %s", there);
			return;
		}
		if (has_a && has_b && a.name_len == b.name_len && !memcmp(a.p, b.p, a.name_len) &&
		    a.name_len < a.len && b.name_len < b.len) {
			print_value(&a, mine, sizeof(mine));
			print_value(&b, theirs, sizeof(theirs));
			snprintf(buf, size, "%.*s is '%s' here and '%s' at %s", (int)a.name_len,
			    a.p, mine, theirs, there);
			return;
		}
		if (has_a && has_b)
			snprintf(buf, size, "'%.*s' here is '%.*s' at %s", (int)a.len, a.p,
			    (int)b.len, b.p, there);
		else
			snprintf(buf, size, "'%.*s' is there only %s%s",
			    (int)(has_a ? a.len : b.len), has_a ? a.p : b.p,
			    has_a ? "here, not at " : "at ", there);
		return;
	}
}

bool
weir_queries_differ(
    const json_t *here, const json_t *others, const char *there, char *buf, size_t size)
{
	const char *name;
	json_t *text;
	char why[700];

	json_object_foreach((json_t *)(uintptr_t)here, name, text)
	{
		const char *mine = json_string_value(text);
		const char *theirs = json_string_value(json_object_get(others, name));

		if (!theirs) {
			snprintf(buf, size, "there is no query '%s' at %s", name, there);
			return true;
		}
		if (!strcmp(mine, theirs))
			continue;
		print_difference(mine, theirs, there, why, sizeof(why));
		snprintf(buf, size, "query '%s': %s", name, why);
		return true;
	}
	json_object_foreach(
	    (json_t *)(uintptr_t)others, name, text) if (!json_object_get(here, name))
	{
		snprintf(buf, size, "query '%s' of %s is not there here", name, there);
		return true;
	}
	return false;
}
