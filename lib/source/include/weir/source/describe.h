/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_DESCRIBE_H
#define WEIR_SOURCE_DESCRIBE_H

#include <stdio.h>

#include <weir/base/error.h>

/*
 * What the generator (--source gen:) has, and what one of its attacks has planted. Any thread.
 * uri is a whole one, "gen:attack:ddos?seed=3"; errors name it.
 */

/* Kinds and attacks, a line each. */
void weir_generator_list(FILE *out);
/*
 * What uri gives. As JSON one line: {"uri":,"kind":,"count":,...}; of an attack also what it has
 * planted, the query that finds it and the rows that the query must give: see docs/generators.md.
 * Usage errors of the URI, and -ENOMEM.
 */
int weir_generator_describe(const char *uri, FILE *out, struct weir_error *err);
int weir_generator_describe_json(const char *uri, FILE *out, struct weir_error *err);

#endif
