/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/query/path.h>
#include <weir/record/append.h>

#include <weir/base/poison.h> /* last */

/* Begin where another query has come to with the same stages. Returns the next one. */
static unsigned
take_over(struct weir_path *p, const struct weir_masks *masks, struct weir_rows *rows)
{
	unsigned n = p->n_prefixes;
	uint32_t before = rows->n;

	while (n && masks->of[p->prefixes[n - 1]].batch != masks->batch)
		n--;
	for (unsigned i = 0; i < n; i++) {
		p->stages[i]->n_dropped += before - masks->of[p->prefixes[i]].n;
		before = masks->of[p->prefixes[i]].n;
	}
	if (n)
		memcpy(rows->sel, masks->of[p->prefixes[n - 1]].sel, sizeof(rows->sel));
	return n;
}

void
weir_path_run(struct weir_path *p, const struct weir_batch *b, struct weir_masks *masks,
    struct weir_rows *ret)
{
	unsigned i;

	ret->n = b->n;
	ret->inputs = p->inputs;
	ret->batch = b;
	weir_mask_first(ret->sel, b->n);
	for (i = take_over(p, masks, ret); i < p->n_stages; i++) {
		weir_stage_run(p->stages[i], ret);
		if (i >= p->n_prefixes)
			continue;
		masks->of[p->prefixes[i]].batch = masks->batch;
		masks->of[p->prefixes[i]].n = weir_mask_count(ret->sel);
		memcpy(masks->of[p->prefixes[i]].sel, ret->sel, sizeof(ret->sel));
	}
}

/* Keys and arguments of the rows that are left. */
static void
evaluate(struct weir_path *p, struct weir_rows *rows)
{
	for (unsigned k = 0; k < p->n_keys; k++)
		p->key_columns[k] = weir_program_run(p->keys[k], rows->inputs, rows->n, rows->sel);
	for (unsigned a = 0; a < p->n_aggs; a++)
		for (unsigned i = 0; i < p->calls[a].n_args; i++)
			p->arg_columns[a][i] =
			    weir_program_run(p->args[a][i], rows->inputs, rows->n, rows->sel);
}

static struct weir_group_rows
group_rows(const struct weir_path *p, struct weir_rows *rows, int64_t watermark_ns)
{
	return (struct weir_group_rows){
		.n = rows->n,
		.sel = rows->sel,
		.keys = p->key_columns,
		.args = p->arg_lists,
		.time_ns = rows->batch->time_ns,
		.first_number = rows->batch->first_number,
		.late = p->late,
		.watermark_ns = watermark_ns,
	};
}

void
weir_path_share(struct weir_path *p, struct weir_rows *rows, uint16_t ret_partition[WEIR_ROWS])
{
	for (unsigned k = 0; k < p->n_keys; k++)
		p->key_columns[k] = weir_program_run(p->keys[k], rows->inputs, rows->n, rows->sel);
	weir_route_run(
	    p->route, rows->inputs, p->key_columns, p->n_keys, rows->n, rows->sel, ret_partition);
	for (unsigned k = 0; k < p->n_keys; k++)
		WEIR_FOR_EACH_BIT (row, p->key_columns[k]->null)
			ret_partition[row] = 0;
}

void
weir_path_group(struct weir_path *p, struct weir_rows *rows, int64_t watermark_ns,
    struct weir_aggregator *a, struct weir_group_counters *counters)
{
	struct weir_group_rows g = group_rows(p, rows, watermark_ns);

	evaluate(p, rows);
	weir_aggregator_update(a, &g, counters);
}

void
weir_path_group_rows(struct weir_path *p, const struct weir_column *const *inputs, uint32_t n,
    uint64_t sel[WEIR_MASK_WORDS], const int64_t *time_ns, const int64_t *number,
    struct weir_aggregator *a, struct weir_group_counters *counters)
{
	struct weir_rows rows = { .n = n,
		.inputs = (const struct weir_column **)(uintptr_t)inputs };
	struct weir_group_rows g = {
		.n = n,
		.sel = rows.sel,
		.keys = p->key_columns,
		.args = p->arg_lists,
		.time_ns = time_ns,
		.number = number,
		.watermark_ns = INT64_MIN,
		.is_admitted = true,
	};

	memcpy(rows.sel, sel, sizeof(rows.sel));
	evaluate(p, &rows);
	weir_aggregator_update(a, &g, counters);
}

/* Put rows of a batch; sel keeps those that this worker owns, e->left what found no block. */
static void
put(struct weir_path *p, struct weir_path_exchange *e, const struct weir_batch *b, uint64_t *sel)
{
	const struct weir_exchange_rows rows = {
		.n = b->n,
		.sel = sel,
		.left = e->left,
		.columns = p->moved_columns,
		.time_ns = b->time_ns,
		.first_number = b->first_number,
		.worker = e->owner,
		.arrival = e->arrival,
		.put_ns = e->put_ns,
	};

	weir_exchange_put(e->exchange, e->worker, &rows, &e->counters);
}

void
weir_path_scatter(struct weir_path *p, struct weir_path_exchange *e, struct weir_rows *rows,
    int64_t watermark_ns, struct weir_aggregator *a, struct weir_group_counters *counters)
{
	struct weir_group_rows g = group_rows(p, rows, watermark_ns);

	evaluate(p, rows);
	weir_group_admit(e->spec, &g, counters);
	weir_route_run(
	    p->route, rows->inputs, p->key_columns, p->n_keys, rows->n, rows->sel, e->owner);
	for (unsigned k = 0; k < p->n_keys; k++)
		p->moved_columns[p->key_moved[k]] = p->key_columns[k];
	for (unsigned i = 0; i < p->n_aggs; i++)
		for (unsigned k = 0; k < p->calls[i].n_args; k++)
			p->moved_columns[p->arg_moved[i][k]] = p->arg_columns[i][k];
	put(p, e, rows->batch, rows->sel);
	if (p->is_ordered)
		return; /* its own have been put too */
	g.is_admitted = true;
	weir_aggregator_update(a, &g, counters);
}

bool
weir_path_scatter_again(
    struct weir_path *p, struct weir_path_exchange *e, const struct weir_rows *rows)
{
	uint64_t sel[WEIR_MASK_WORDS];

	memcpy(sel, e->left, sizeof(sel));
	put(p, e, rows->batch, sel);
	return !(e->left[0] | e->left[1] | e->left[2] | e->left[3]);
}

void
weir_path_gather(struct weir_path *p, const struct weir_exchange_block *block,
    struct weir_aggregator *a, struct weir_group_counters *counters)
{
	uint64_t sel[WEIR_MASK_WORDS];
	const struct weir_group_rows g = {
		.n = block->end,
		.sel = sel,
		.keys = p->key_columns,
		.args = p->arg_lists,
		.time_ns = block->time_ns,
		.number = block->number,
		.is_admitted = true,
	};

	weir_mask_first(sel, block->end);
	if (block->first) {
		uint64_t taken[WEIR_MASK_WORDS];

		weir_mask_first(taken, block->first);
		for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
			sel[w] &= ~taken[w];
	}
	for (unsigned k = 0; k < p->n_keys; k++)
		p->key_columns[k] = block->columns[p->key_moved[k]];
	for (unsigned i = 0; i < p->n_aggs; i++)
		for (unsigned k = 0; k < p->calls[i].n_args; k++)
			p->arg_columns[i][k] = block->columns[p->arg_moved[i][k]];
	weir_aggregator_update(a, &g, counters);
}

int
weir_path_ship(struct weir_path *p, const struct weir_group_spec *spec, struct weir_rows *rows,
    int64_t watermark_ns, struct weir_group_counters *counters, struct weir_block *b)
{
	struct weir_group_rows g = group_rows(p, rows, watermark_ns);
	int64_t nodes[WEIR_ROWS] = { 0 }, numbers[WEIR_ROWS];
	uint64_t null[WEIR_MASK_WORDS] = { 0 };
	const struct weir_column lead[WEIR_PATH_LEAD] = {
		{ .type = WEIR_INT,
		    .store = WEIR_I64,
		    .data = (void *)(uintptr_t)rows->batch->time_ns,
		    .null = null },
		{ .type = WEIR_INT, .store = WEIR_I64, .data = nodes, .null = null },
		{ .type = WEIR_INT, .store = WEIR_I64, .data = numbers, .null = null },
	};

	evaluate(p, rows);
	weir_group_admit(spec, &g, counters);
	for (unsigned i = 0; p->hands_over && i < p->n_select; i++)
		p->shipped_columns[WEIR_PATH_LEAD + i] =
		    weir_program_run(p->select[i], rows->inputs, rows->n, rows->sel);
	for (uint32_t r = 0; r < rows->n; r++)
		numbers[r] = rows->batch->first_number + r;
	for (unsigned i = 0; i < WEIR_PATH_LEAD; i++)
		p->shipped_columns[i] = &lead[i];
	for (unsigned k = 0; k < p->n_keys; k++)
		p->shipped_columns[WEIR_PATH_LEAD + p->key_moved[k]] = p->key_columns[k];
	for (unsigned i = 0; i < p->n_aggs; i++)
		for (unsigned k = 0; k < p->calls[i].n_args; k++)
			p->shipped_columns[WEIR_PATH_LEAD + p->arg_moved[i][k]] =
			    p->arg_columns[i][k];
	return weir_block_append_columns(b, p->shipped_columns, rows->sel);
}

int
weir_path_select(struct weir_path *p, const struct weir_rows *rows, struct weir_block *b)
{
	for (unsigned i = 0; i < p->n_select; i++)
		p->select_columns[i] =
		    weir_program_run(p->select[i], rows->inputs, rows->n, rows->sel);
	return weir_block_append_columns(b, p->select_columns, rows->sel);
}

int
weir_path_select_rows(struct weir_path *p, const struct weir_rows *rows,
    const struct weir_block *from, uint32_t first_row, struct weir_block *b)
{
	for (unsigned i = 0; i < p->n_select; i++)
		p->select_columns[i] =
		    weir_program_run(p->select[i], rows->inputs, rows->n, rows->sel);
	return weir_block_append_rows(b, from, first_row, p->select_columns, rows->sel);
}
