/* SPDX-License-Identifier: BSD-3-Clause */
#include "program_stage.h"

#include <weir/base/poison.h> /* last */

void
weir_stage_run(struct weir_stage *s, struct weir_rows *rows)
{
	unsigned before = weir_mask_count(rows->sel);

	s->ops->run(s, rows);
	s->n_dropped += before - weir_mask_count(rows->sel);
}

void
weir_stage_where_run(struct weir_stage *s, struct weir_rows *rows)
{
	struct weir_program_stage *p = (struct weir_program_stage *)s;

	weir_program_filter(p->program, rows->inputs, rows->n, rows->sel);
}

void
weir_stage_map_run(struct weir_stage *s, struct weir_rows *rows)
{
	struct weir_program_stage *p = (struct weir_program_stage *)s;

	rows->inputs[p->slot] = weir_program_run(p->program, rows->inputs, rows->n, rows->sel);
}
