/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_QUERY_BUILDER_H
#define WEIR_QUERY_BUILDER_H

#include <weir/query/path.h>

/* Private to lib/query: path.c builds a path stage by stage, builder.c compiles each stage. */

/* A path that is being built, and the stage that is read. */
struct weir_builder {
	struct weir_path *p;
	const struct weir_stage_text *stage;
	const struct weir_stage_text *split; /* --split, or NULL */
	const struct weir_stage_text *fold;  /* --fold, or NULL */
	bool has_key, has_agg, has_select, has_emit;
};

/* A name that later stages may use; its slot is the next one. */
void weir_builder_add_symbol(
    struct weir_path *p, const char *name, enum weir_type type, enum weir_store store);
/* Compile one stage as typed. Usage errors with flag, value and place. */
int weir_builder_add_stage(
    struct weir_builder *b, const struct weir_stage_text *stage, struct weir_error *err);
/* One column of --select; ctx is the builder. */
int weir_builder_select_item(void *ctx, const struct weir_list_item *it, struct weir_error *err);

#endif
