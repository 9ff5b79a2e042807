/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "lines.h"

/* --source lines:udp://ADDR:PORT, lines:FILE, lines:-: text, a record a line. */

#define URI_SCHEME "lines:"
#define UDP_SCHEME "udp://"

static bool
lines_match(const struct weir_source_config *c)
{
	return c->flag == WEIR_SOURCE_URI && strncmp(c->value, URI_SCHEME, strlen(URI_SCHEME)) == 0;
}

static bool
is_udp(const char *target)
{
	return strncmp(target, UDP_SCHEME, strlen(UDP_SCHEME)) == 0;
}

static bool
lines_is_live(const struct weir_source_config *c)
{
	return is_udp(c->value + strlen(URI_SCHEME));
}

static int
open_target(const char *target, const struct weir_source_config *c, struct weir_source **ret,
    struct weir_error *err)
{
	const char *mark = strstr(target, "://");

	if (!*target)
		return weir_error_usage(
		    err, "name a UDP port or a file (try 'lines:udp://127.0.0.1:5000', 'lines:-')");
	if (is_udp(target))
		return weir_lines_udp_open(target + strlen(UDP_SCHEME), c, ret, err);
	if (mark)
		return weir_error_usage(err, "cannot listen by '%.*s' (try 'lines:udp%s')",
		    (int)(mark - target), target, mark);
	return weir_lines_file_open(target, c, ret, err);
}

static int
lines_open(const struct weir_source_config *c, struct weir_source **ret, struct weir_error *err)
{
	int rc = open_target(c->value + strlen(URI_SCHEME), c, ret, err);

	return rc ? weir_error_wrap(err, "--source '%s'", c->value) : 0;
}

const struct weir_source_kind weir_source_kind_lines = {
	.name = WEIR_SOURCE_LINES_NAME,
	.doc = WEIR_SOURCE_LINES_DOC,
	.match = lines_match,
	.is_live = lines_is_live,
	.open = lines_open,
};
