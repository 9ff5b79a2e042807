/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kind.h"

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
	while (!rc && (pair = strsep(&rest, "&")) != NULL)
		rc = one_pair(pair, item, ctx, err);
	free(copy);
	return rc;
}
