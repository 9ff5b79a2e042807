/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kind.h"

/* Does the key of this pair stand in the text before it? */
static bool
is_repeated(const char *text, const char *pair, size_t offset)
{
	size_t len = strcspn(pair, "=&");

	for (size_t at = 0; at < offset; at += strcspn(text + at, "&") + 1)
		if (strcspn(text + at, "=&") == len && strncmp(text + at, pair, len) == 0)
			return true;
	return false;
}

static int
one_pair(char *pair, int (*item)(void *, const char *, const char *, struct weir_error *),
    void *ctx, struct weir_error *err)
{
	char *value = strchr(pair, '=');

	if (value)
		*value++ = '\0';
	if (!*pair)
		return weir_error_usage(
		    err, "an option behind '?' lacks its name (try name=value)");
	return item(ctx, pair, value, err);
}

int
weir_source_options(const char *text,
    int (*item)(void *ctx, const char *key, const char *value, struct weir_error *err), void *ctx,
    struct weir_error *err)
{
	const char *mark = strrchr(text, '?');
	char *copy, *pair, *rest;
	int rc = 0;

	if (!mark || !mark[1])
		return 0;
	copy = strdup(mark + 1);
	if (!copy)
		return weir_error_run(err, -ENOMEM, "out of memory");
	rest = copy;
	while (!rc && (pair = strsep(&rest, "&")) != NULL) {
		if (is_repeated(mark + 1, pair, (size_t)(pair - copy)))
			rc = weir_error_usage(
			    err, "option '%.*s' is given twice", (int)strcspn(pair, "="), pair);
		else
			rc = one_pair(pair, item, ctx, err);
	}
	free(copy);
	return rc;
}
