/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/query/early.h>
#include <weir/record/append.h>

#include "parts.h"
#include "scope.h"

struct weir_early {
	struct weir_result *result; /* --where and --map alone */
	const struct weir_schema *in;
	const struct weir_schema *schema; /* of the rows that are sent */
	bool reads_keys;                  /* before it is known that a row leaves */
	bool is_global;
	struct weir_block *now;      /* the groups that are looked at, as rows */
	struct weir_early_rows *out; /* NULL where nothing waits */
	struct weir_arrival arrival; /* of the rows that are looked at */
	uint64_t n_lost;
};

static int
refuse(const struct weir_plan_query *q, struct weir_error *err, const char *why)
{
	for (unsigned i = 0; i < q->text->n_stages; i++)
		if (q->text->stages[i].flag == WEIR_FLAG_EMIT) {
			weir_error_usage(err, "%s", why);
			return weir_stage_wrap(err, &q->text->stages[i]);
		}
	return weir_error_usage(err, "--emit early: %s", why);
}

int
weir_early_check(const struct weir_plan_query *q, struct weir_error *err)
{
	const struct weir_query_text *t = &q->parts->rows;
	unsigned n_where = 0;

	if (!q->path->has_group)
		return refuse(q, err, "a query without --agg sends each row at once anyway");
	if (q->path->window.kind != WEIR_WINDOW_TUMBLING &&
	    q->path->window.kind != WEIR_WINDOW_GLOBAL)
		return refuse(q, err, "needs a tumbling or global --window (try --window 1s)");
	for (unsigned i = 0; i < t->n_stages; i++) {
		if (t->stages[i].flag != WEIR_FLAG_WHERE && t->stages[i].flag != WEIR_FLAG_MAP)
			return refuse(q, err,
			    "only --where and --map may follow --agg: anything else needs the "
			    "whole "
			    "window");
		n_where += t->stages[i].flag == WEIR_FLAG_WHERE;
	}
	if (!n_where)
		return refuse(
		    q, err, "needs a --where behind --agg: the moment it holds a row is sent");
	return 0;
}

int
weir_early_create(const struct weir_plan_query *q, enum weir_simd simd, struct weir_early **ret,
    struct weir_error *err)
{
	const struct weir_query_text *t = &q->parts->rows;
	struct weir_early *e = calloc(1, sizeof(*e));
	uint8_t *used = calloc(q->path->schema.n_columns + t->n_stages * 64 + 64, 1);
	int rc;

	if (!e || !used)
		abort();
	e->in = &q->path->schema;
	e->schema = weir_chain_schema(q->chain);
	e->is_global = q->path->window.kind == WEIR_WINDOW_GLOBAL;
	rc = weir_result_create(q->text->name, e->in, simd, 0, &e->result, err);
	for (unsigned i = 0; !rc && i < t->n_stages; i++)
		rc = weir_result_add(e->result, &t->stages[i], err);
	if (!rc)
		rc = weir_result_finish(e->result, err);
	if (!rc) {
		weir_result_slots(e->result, used);
		for (unsigned i = 0; i < q->path->n_keys; i++)
			e->reads_keys |= used[i];
		e->now = weir_block_create(e->in, WEIR_ROWS);
		rc = e->now ? 0 : weir_error_run(err, -ENOMEM, "out of memory");
	}
	free(used);
	if (rc)
		weir_early_destroy(e);
	else
		*ret = e;
	return rc;
}

void
weir_early_destroy(struct weir_early *e)
{
	if (!e)
		return;
	weir_result_destroy(e->result);
	weir_block_destroy(e->now);
	weir_early_rows_destroy(e->out);
	free(e);
}

void
weir_early_rows_destroy(struct weir_early_rows *r)
{
	if (!r)
		return;
	weir_block_destroy(r->rows);
	free(r->time_ns);
	free(r->number);
	free(r->arrived_ns);
	free(r);
}

/* Room for n more rows. 0 or -ENOMEM. */
static int
reserve(struct weir_early *e, uint32_t n)
{
	struct weir_early_rows *out = e->out;
	uint32_t need;
	int64_t *p;

	if (!out) {
		out = e->out = calloc(1, sizeof(*out));
		if (!out)
			return -ENOMEM;
		out->rows = weir_block_create(e->schema, n);
		if (!out->rows || weir_block_own_windows(out->rows))
			return -ENOMEM;
	}
	need = out->rows->n_rows + n;
	if (need <= out->cap)
		return 0;
	need = need < WEIR_ROWS ? WEIR_ROWS : 2 * need;
	p = reallocarray(out->time_ns, need, sizeof(*p));
	if (!p)
		return -ENOMEM;
	out->time_ns = p;
	p = reallocarray(out->number, need, sizeof(*p));
	if (!p)
		return -ENOMEM;
	out->number = p;
	p = reallocarray(out->arrived_ns, need, sizeof(*p));
	if (!p)
		return -ENOMEM;
	out->arrived_ns = p;
	out->cap = need;
	return 0;
}

/* Note of each new row its window, and the packet that it comes from. */
static void
note_packets(struct weir_early *e, const struct weir_pane *p, const uint32_t *row,
    const struct weir_group_rows *rows, const uint64_t sel[WEIR_MASK_WORDS])
{
	struct weir_early_rows *out = e->out;
	uint32_t at = out->rows->n_rows - weir_mask_count(sel);

	WEIR_FOR_EACH_BIT (i, sel) {
		int64_t time_ns = rows->time_ns[row[i]];

		out->time_ns[at] = time_ns;
		out->arrived_ns[at] = weir_arrival_of(&e->arrival, time_ns);
		out->number[at] = rows->number ? rows->number[row[i]] : rows->first_number + row[i];
		/* Where a global window ends is not known yet. */
		out->rows->row_start_ns[at] = e->is_global ? time_ns : weir_pane_start(p);
		out->rows->row_end_ns[at++] = e->is_global ? time_ns : weir_pane_end(p);
	}
}

/* Send those that are left. 0 or -ENOMEM. */
static int
put(struct weir_early *e, const struct weir_pane *p, unsigned shape, uint8_t *const *group,
    const uint32_t *row, uint32_t n, const struct weir_group_rows *rows,
    const struct weir_column *const *columns, const uint64_t sel[WEIR_MASK_WORDS])
{
	bool has_keys = e->reads_keys;

	if (!has_keys && weir_pane_some(p, shape, group, n, true, false, e->now))
		return -ENOMEM;
	if (reserve(e, weir_mask_count(sel)) ||
	    weir_block_append_columns(e->out->rows, columns, sel))
		return -ENOMEM;
	note_packets(e, p, row, rows, sel);
	return 0;
}

static void
look(void *ctx, const struct weir_pane *p, unsigned shape, uint8_t *const *group,
    const uint32_t *row, uint32_t n, const struct weir_group_rows *rows,
    uint64_t ret_done[WEIR_MASK_WORDS])
{
	struct weir_early *e = ctx;
	const struct weir_column *const *columns;
	uint64_t sel[WEIR_MASK_WORDS];

	weir_mask_first(sel, n);
	if (weir_pane_some(p, shape, group, n, e->reads_keys, true, e->now)) {
		e->n_lost += n;
		return;
	}
	columns = weir_result_filter(e->result, e->now, sel);
	if (!(sel[0] | sel[1] | sel[2] | sel[3]))
		return;
	if (put(e, p, shape, group, row, n, rows, columns, sel)) {
		e->n_lost += weir_mask_count(sel);
		return;
	}
	memcpy(ret_done, sel, sizeof(sel));
	weir_block_forget(e->now);
}

struct weir_group_watch
weir_early_watch(struct weir_early *e)
{
	return (struct weir_group_watch){ look, e };
}

struct weir_early_rows *
weir_early_take(struct weir_early *e)
{
	struct weir_early_rows *out = e->out;

	if (!out || !out->rows || !out->rows->n_rows)
		return NULL;
	e->out = NULL;
	return out;
}

void
weir_early_note(struct weir_early *e, const struct weir_arrival *arrival)
{
	e->arrival = *arrival;
}

uint64_t
weir_early_lost(const struct weir_early *e)
{
	return e->n_lost;
}
