/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_STAGE_PROGRAM_STAGE_H
#define WEIR_STAGE_PROGRAM_STAGE_H

#include <weir/stage/stage.h>

/* What where and map have in common. Private to lib/stage. */
struct weir_program_stage {
	struct weir_stage head;
	struct weir_program *program;
	unsigned slot; /* map: where the column goes */
};

void weir_stage_where_run(struct weir_stage *s, struct weir_rows *rows);
void weir_stage_map_run(struct weir_stage *s, struct weir_rows *rows);
void weir_program_stage_destroy(struct weir_stage *s);
/* The masks of a filter that was lowered; NULL for others. */
const struct weir_program *weir_stage_filter_program(const struct weir_stage *s);
int weir_program_stage_create(const struct weir_stage_ops *ops, const char *text,
    const struct weir_scope *scope, unsigned slot, struct weir_stage **ret, struct weir_error *err);

#endif
