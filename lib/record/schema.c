/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/record/block.h>

int
weir_schema_add(struct weir_schema *s, const char *name, enum weir_type type, bool is_key)
{
	struct weir_schema_column *columns;
	char *copy = strdup(name);

	if (!copy)
		return -ENOMEM;
	columns = reallocarray(s->columns, s->n_columns + 1, sizeof(*columns));
	if (!columns) {
		free(copy);
		return -ENOMEM;
	}
	s->columns = columns;
	columns[s->n_columns++] =
	    (struct weir_schema_column){ .name = copy, .type = type, .is_key = is_key };
	return 0;
}

int
weir_schema_find(const struct weir_schema *s, const char *name)
{
	for (unsigned i = 0; i < s->n_columns; i++)
		if (strcmp(s->columns[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

void
weir_schema_fini(struct weir_schema *s)
{
	for (unsigned i = 0; i < s->n_columns; i++)
		free(s->columns[i].name);
	free(s->columns);
	free(s->query);
	memset(s, 0, sizeof(*s));
}
