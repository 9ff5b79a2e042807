/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/nearest.h>

#include "kind.h"

static const struct weir_source_kind *const kinds[] = {
	&weir_source_kind_file,
	&weir_source_kind_generator,
	&weir_source_kind_lines,
	&weir_source_kind_port,
	&weir_source_kind_interface,
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const char *const flag_names[] = {
	[WEIR_SOURCE_FILE] = "-r",
	[WEIR_SOURCE_INTERFACE] = "-i",
	[WEIR_SOURCE_URI] = "--source",
};

#define URI_PREFIX "--source "

/* "gen" of "--source gen:KIND"; NULL for a kind that has its own flag. */
static char *
scheme_of(const struct weir_source_kind *kind)
{
	const char *scheme;

	if (strncmp(kind->name, URI_PREFIX, strlen(URI_PREFIX)) != 0)
		return NULL;
	scheme = kind->name + strlen(URI_PREFIX);
	return strndup(scheme, strcspn(scheme, ":"));
}

static int
unknown_uri(const struct weir_source_config *c, struct weir_error *err)
{
	char *typed = strndup(c->value, strcspn(c->value, ":"));
	char *schemes[N_KINDS];
	struct weir_nearest nearest;
	const char *word, *only = NULL;
	int rc;

	weir_nearest_begin(&nearest, typed ? typed : c->value);
	for (unsigned i = 0; i < N_KINDS; i++) {
		schemes[i] = scheme_of(kinds[i]);
		if (!schemes[i])
			continue;
		weir_nearest_offer(&nearest, schemes[i]);
		only = only ? only : schemes[i];
	}
	word = weir_nearest_get(&nearest);
	rc = weir_error_usage(err, "--source '%s': unknown kind of source '%s' (try '%s:...')",
	    c->value, typed ? typed : c->value, word ? word : only);
	for (unsigned i = 0; i < N_KINDS; i++)
		free(schemes[i]);
	free(typed);
	return rc;
}

static int
find_kind(
    const struct weir_source_config *c, const struct weir_source_kind **ret, struct weir_error *err)
{
	if (!c->value || !*c->value)
		return weir_error_usage(err, "%s '': a source needs a name", flag_names[c->flag]);
	for (unsigned i = 0; i < N_KINDS; i++) {
		if (!kinds[i]->match(c))
			continue;
		*ret = kinds[i];
		return 0;
	}
	if (c->flag == WEIR_SOURCE_URI)
		return unknown_uri(c, err);
	return weir_error_usage(
	    err, "%s '%s': no such kind of source", flag_names[c->flag], c->value);
}

int
weir_source_open(
    const struct weir_source_config *config, struct weir_source **ret, struct weir_error *err)
{
	const struct weir_source_kind *kind = NULL;
	struct weir_source *s = NULL;
	int rc = find_kind(config, &kind, err);

	if (rc)
		return rc;
	rc = kind->open(config, &s, err);
	if (rc)
		return rc;
	if (!s->n_queues)
		s->n_queues = 1;
	if (!s->name)
		s->name = strdup(config->value);
	if (!s->description)
		s->description = strdup(config->value);
	if (!s->name || !s->description) {
		weir_source_close(s);
		return weir_error_run(err, -ENOMEM, "%s '%s': out of memory",
		    flag_names[config->flag], config->value);
	}
	*ret = s;
	return 0;
}

void
weir_source_close(struct weir_source *s)
{
	char *name, *description;

	if (!s)
		return;
	name = s->name;
	description = s->description;
	s->name = NULL;
	s->description = NULL;
	s->ops->close(s);
	free(name);
	free(description);
}

bool
weir_source_is_live(const struct weir_source_config *config)
{
	const struct weir_source_kind *kind = NULL;

	if (find_kind(config, &kind, NULL))
		return false;
	return config->flag == WEIR_SOURCE_INTERFACE || (kind->is_live && kind->is_live(config));
}

int
weir_source_needs_eal(const struct weir_source_config *config, bool *ret, struct weir_error *err)
{
	const struct weir_source_kind *kind = NULL;
	int rc = find_kind(config, &kind, err);

	if (rc)
		return rc;
	if (kind->needs_eal)
		return kind->needs_eal(config, ret, err);
	*ret = false;
	return 0;
}

/* A row a kind of the list above; a test compares the two. */
const struct weir_source_doc weir_source_docs[] = {
	{ WEIR_SOURCE_FILE_NAME, WEIR_SOURCE_FILE_DOC },
	{ WEIR_SOURCE_GENERATOR_NAME, WEIR_SOURCE_GENERATOR_DOC },
	{ WEIR_SOURCE_LINES_NAME, WEIR_SOURCE_LINES_DOC },
	{ WEIR_SOURCE_PORT_NAME, WEIR_SOURCE_PORT_DOC },
	{ WEIR_SOURCE_INTERFACE_NAME, WEIR_SOURCE_INTERFACE_DOC },
	{ NULL, NULL },
};
