/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/query/path.h>
#include <weir/record/append.h>

#include <weir/base/poison.h> /* last */

void
weir_path_run(struct weir_path *p, const struct weir_batch *b, struct weir_rows *ret)
{
	ret->n = b->n;
	ret->inputs = p->inputs;
	ret->batch = b;
	weir_mask_first(ret->sel, b->n);
	for (unsigned i = 0; i < p->n_stages; i++)
		weir_stage_run(p->stages[i], ret);
}

void
weir_path_group(struct weir_path *p, struct weir_rows *rows, int64_t watermark_ns,
    struct weir_aggregator *a, struct weir_group_counters *counters)
{
	struct weir_group_rows g = {
		.n = rows->n,
		.sel = rows->sel,
		.keys = p->key_columns,
		.args = p->arg_lists,
		.time_ns = rows->batch->time_ns,
		.first_number = rows->batch->first_number,
		.watermark_ns = watermark_ns,
	};

	for (unsigned k = 0; k < p->n_keys; k++)
		p->key_columns[k] = weir_program_run(p->keys[k], rows->inputs, rows->n, rows->sel);
	for (unsigned a_ = 0; a_ < p->n_aggs; a_++)
		for (unsigned i = 0; i < p->calls[a_].n_args; i++)
			p->arg_columns[a_][i] =
			    weir_program_run(p->args[a_][i], rows->inputs, rows->n, rows->sel);
	weir_aggregator_update(a, &g, counters);
}

int
weir_path_select(struct weir_path *p, const struct weir_rows *rows, struct weir_block *b)
{
	for (unsigned i = 0; i < p->n_select; i++)
		p->select_columns[i] =
		    weir_program_run(p->select[i], rows->inputs, rows->n, rows->sel);
	return weir_block_append_columns(b, p->select_columns, rows->sel);
}
