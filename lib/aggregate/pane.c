/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>

#include "layout.h"
#include "pane.h"

const struct weir_pane_window weir_pane_window_all = { INT64_MIN, INT64_MAX, INT64_MAX };

static int
need_memory(struct weir_pane *p)
{
	p->memory = malloc(sizeof(*p->memory));
	if (!p->memory)
		return -ENOMEM;
	weir_sketch_memory_init(p->memory, p->layout->state_seed, p->layout->max_state_bytes);
	return 0;
}

struct weir_pane *
weir_pane_create(struct weir_layout *l)
{
	struct weir_pane *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->layout = weir_layout_hold(l);
	if (l->has_drop && need_memory(p)) {
		weir_pane_destroy(p);
		return NULL;
	}
	for (unsigned s = 0; s < l->n_shapes; s++)
		if (weir_table_init(&p->tables[s], l, &l->shapes[s])) {
			weir_pane_destroy(p);
			return NULL;
		}
	p->window = weir_pane_window_all;
	p->first_ns = WEIR_TIME_NONE;
	p->last_ns = WEIR_TIME_NONE;
	return p;
}

void
weir_pane_destroy(struct weir_pane *p)
{
	if (!p)
		return;
	for (unsigned s = 0; s < p->layout->n_shapes; s++)
		weir_table_fini(&p->tables[s], p->layout);
	weir_pane_forget_order(p);
	free(p->origin);
	if (p->memory)
		weir_sketch_memory_fini(p->memory);
	free(p->memory);
	weir_layout_release(p->layout);
	free(p);
}

void
weir_pane_clear(struct weir_pane *p)
{
	for (unsigned s = 0; s < p->layout->n_shapes; s++)
		weir_table_clear(&p->tables[s], p->layout);
	weir_pane_forget_order(p);
	if (p->memory)
		weir_sketch_memory_clear(p->memory);
	p->level = 0;
	p->is_list = false;
	p->step = 0;
	p->floor = 0;
	p->lost = 0;
	p->undercount = 0;
	p->window = weir_pane_window_all;
	p->first_ns = WEIR_TIME_NONE;
	p->last_ns = WEIR_TIME_NONE;
	p->batch = 0;
	weir_pane_forget_origin(p);
	p->is_clear = true;
}

uint32_t
weir_pane_n_groups(const struct weir_pane *p)
{
	return weir_pane_n_rows(p);
}

uint64_t
weir_pane_lost(const struct weir_pane *p)
{
	return p->lost;
}

double
weir_pane_sampling(const struct weir_pane *p)
{
	return 1.0 / (double)(UINT64_C(1) << p->level);
}

uint64_t
weir_pane_undercount(const struct weir_pane *p)
{
	return p->floor + p->undercount;
}

uint64_t
weir_pane_short(const struct weir_pane *p)
{
	return p->memory ? p->memory->n_short : 0;
}

uint64_t
weir_pane_bytes(const struct weir_pane *p)
{
	uint64_t n = sizeof(*p);

	for (unsigned s = 0; s < p->layout->n_shapes; s++)
		n += weir_table_bytes(&p->tables[s], p->layout);
	if (p->memory)
		n += sizeof(*p->memory) + p->memory->bytes;
	n += p->origin ? sizeof(*p->origin) : 0;
	return n + (uint64_t)p->n_ordered * sizeof(*p->order);
}

int64_t
weir_pane_start(const struct weir_pane *p)
{
	if (p->is_list)
		return p->first_ns;
	return p->layout->window.kind == WEIR_WINDOW_GLOBAL ? INT64_MIN : p->window.start_ns;
}

int64_t
weir_pane_end(const struct weir_pane *p)
{
	return p->is_list ? p->last_ns : p->window.end_ns;
}

const struct weir_origin *
weir_pane_origin(const struct weir_pane *p)
{
	return p->origin;
}

struct weir_origin *
weir_pane_need_origin(struct weir_pane *p)
{
	if (!p->origin)
		p->origin = calloc(1, sizeof(*p->origin));
	return p->origin;
}

void
weir_pane_forget_origin(struct weir_pane *p)
{
	if (p->origin)
		weir_origin_forget(p->origin);
}

struct weir_pane *
weir_pane_create_like(const struct weir_pane *p)
{
	return weir_pane_create(p->layout);
}

void
weir_pane_set_window(struct weir_pane *p, int64_t start_ns, int64_t end_ns)
{
	p->window.start_ns = start_ns;
	p->window.end_ns = end_ns;
	p->window.last_ns = end_ns == INT64_MAX ? INT64_MAX : end_ns - 1;
}

void
weir_pane_note_times(struct weir_pane *p, int64_t first_ns, int64_t last_ns)
{
	if (p->first_ns == WEIR_TIME_NONE || first_ns < p->first_ns)
		p->first_ns = first_ns;
	if (last_ns > p->last_ns)
		p->last_ns = last_ns;
	p->is_clear = false;
}

bool
weir_pane_is_list(const struct weir_pane *p)
{
	return p->is_list;
}
