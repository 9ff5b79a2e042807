/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "scope.h"

bool
weir_stage_groups(const struct weir_stage_text *stage)
{
	return stage->flag == WEIR_FLAG_AGG || stage->flag == WEIR_FLAG_FOLD;
}

int
weir_stage_wrap(struct weir_error *err, const struct weir_stage_text *stage)
{
	return weir_error_wrap(err, "%s '%s'", weir_flag_name(stage->flag), stage->text);
}

char *
weir_text_at(const char *text, unsigned place)
{
	size_t len = strlen(text), blank = place ? place - 1 : 0;
	char *p = malloc(blank + len + 1);

	if (!p)
		abort();
	memset(p, ' ', blank);
	memcpy(p + blank, text, len + 1);
	return p;
}

enum weir_store
weir_program_store(const struct weir_program *p, const struct weir_symbol *symbols)
{
	int slot = weir_program_is_symbol(p);

	return slot >= 0 ? symbols[slot].store : weir_store_of(weir_program_type(p));
}

int
weir_check_name(const char *name, const struct weir_symbol *symbols, unsigned n_symbols,
    bool is_new, struct weir_error *err)
{
	static const char *const reserved[] = { "query", "window.start", "window.end" };

	for (unsigned i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(name, reserved[i]) == 0)
			return weir_error_usage(
			    err, "the name '%s' is taken: every row has it", name);
	if (!isalpha((unsigned char)name[0]) && name[0] != '_')
		return weir_error_usage(
		    err, "'%s' is no name for a column (it must begin with a letter)", name);
	for (unsigned i = 0; is_new && i < n_symbols; i++)
		if (strcmp(symbols[i].name, name) == 0)
			return weir_error_usage(err, "the name '%s' is taken", name);
	return 0;
}

int
weir_map_item(const struct weir_list_item *it, const struct weir_scope *scope,
    struct weir_stage **ret, struct weir_error *err)
{
	char *text;
	int rc;

	if (!it->name)
		return weir_error_usage(
		    err, "'%s' at %u needs a name (try 'x=%s')", it->expr, it->place, it->expr);
	rc = weir_check_name(it->name, scope->symbols, scope->n_symbols, true, err);
	if (rc)
		return rc;
	text = weir_text_at(it->expr, it->place);
	rc = weir_stage_map_create(text, scope, scope->n_symbols, ret, err);
	free(text);
	return rc;
}
