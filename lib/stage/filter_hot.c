/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter.h"

#include <weir/base/poison.h> /* last */

void
weir_stage_filter_run(struct weir_stage *s, struct weir_rows *rows)
{
	struct weir_filter *f = (struct weir_filter *)s;
	const struct weir_batch *b = rows->batch;
	const struct weir_filter_program *p = NULL;

	WEIR_FOR_EACH_BIT (row, rows->sel) {
		if (!p || p->dlt != b->dlt[row])
			p = weir_filter_program_of(f, b->dlt[row]);
		if (!p->is_usable ||
		    !bpf_filter(p->bpf.bf_insns, b->data[row], b->wire_len[row], b->cap_len[row]))
			weir_mask_clear(rows->sel, row);
	}
}
