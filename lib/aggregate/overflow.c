/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/hash.h>

#include "overflow.h"

#define MAX_LEVEL 32

static const char *const names[] = {
	[WEIR_OVERFLOW_DROP] = "drop",
	[WEIR_OVERFLOW_EVICT] = "evict",
	[WEIR_OVERFLOW_SAMPLE] = "sample",
};
#define N_NAMES (sizeof(names) / sizeof(names[0]))

const char *
weir_overflow_name(enum weir_overflow overflow)
{
	return names[overflow];
}

int
weir_overflow_parse(const char *name, enum weir_overflow *ret)
{
	for (unsigned i = 0; i < N_NAMES; i++)
		if (strcmp(names[i], name) == 0) {
			*ret = (enum weir_overflow)i;
			return 0;
		}
	return -EINVAL;
}

static uint32_t
common_divisor(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

bool
weir_pane_begin_evict(struct weir_pane *p)
{
	uint32_t n = p->layout->max_rows;
	uint32_t step = (uint32_t)((double)n * 0.6180339887498949);

	for (unsigned s = 0; s < p->layout->n_shapes; s++)
		if (!weir_table_need_base(&p->tables[s], p->layout))
			return false;
	while (step < 1 || common_divisor(n, step) != 1)
		step++;
	p->step = step;
	p->stride = (uint32_t)((uint64_t)step * WEIR_EVICT_AHEAD % n);
	p->half_stride = (uint32_t)((uint64_t)step * (WEIR_EVICT_AHEAD / 2) % n);
	p->hand = 0;
	return true;
}

/* What stays: by the sample's level, or by the rows of a group. */
struct keeping {
	uint32_t level;
	uint64_t above; /* a group needs more rows than this, where it is not 0 */
};

static bool
keeps(const struct keeping *k, const struct weir_layout *l, const struct weir_table *t,
    const uint8_t *row)
{
	uint64_t hash;

	if (k->above)
		return weir_row_count(l, row) > k->above;
	if (k->level == 0)
		return true;
	hash = weir_hash_words(weir_row_key(l, row), t->shape->words, 1, l->secrets);
	return weir_hash_sample(hash) >> (32 - k->level) == 0;
}

/* Throw out the groups that do not stay; the others move up, in their order. Returns their number.
 */
static uint32_t
sweep(struct weir_table *t, const struct weir_layout *l, const struct keeping *k,
    struct weir_sketch_memory *memory, uint64_t *ret_lost)
{
	size_t stride = t->shape->stride;
	uint32_t to = 0, n_gone;

	for (uint32_t r = 0; r < t->n_rows; r++) {
		uint8_t *row = t->rows + r * stride;

		if (!keeps(k, l, t, row)) {
			*ret_lost += weir_row_count(l, row);
			weir_row_drop(l, row, memory);
			t->dead_string_bytes += weir_row_string_bytes(l, t->shape, row);
			continue;
		}
		if (to != r)
			memcpy(t->rows + to * stride, row, stride);
		to++;
	}
	n_gone = t->n_rows - to;
	t->n_rows = to;
	if (n_gone) {
		weir_table_reindex(t, l);
		if (l->n_strings)
			(void)weir_table_pack_strings(t, l);
	}
	return n_gone;
}

static uint32_t
sweep_all(struct weir_pane *p, const struct keeping *k, uint64_t *ret_lost)
{
	uint32_t n_gone = 0;

	for (unsigned s = 0; s < p->layout->n_shapes; s++)
		n_gone += sweep(&p->tables[s], p->layout, k, p->memory, ret_lost);
	return n_gone;
}

static uint32_t
set_level(struct weir_pane *p, uint32_t level, uint64_t *ret_lost)
{
	const struct keeping k = { .level = level };

	p->level = level;
	for (unsigned s = 0; s < p->layout->n_shapes; s++)
		p->tables[s].level = level;
	return sweep_all(p, &k, ret_lost);
}

enum weir_room
weir_pane_halve(struct weir_pane *p, uint64_t *ret_lost)
{
	while (p->level < MAX_LEVEL)
		if (set_level(p, p->level + 1, ret_lost))
			return WEIR_ROOM_MADE;
	return WEIR_ROOM_REFUSED;
}

void
weir_pane_halve_to(struct weir_pane *p, uint32_t level, uint64_t *ret_lost)
{
	if (level > p->level)
		(void)set_level(p, level, ret_lost);
}

static int
compare_down(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x < *y) - (*x > *y);
}

/* Groups of as many rows as the first one too many all go, so that their order has no say. */
static int
trim_by_rows(struct weir_pane *p, uint64_t *ret_lost)
{
	const struct weir_layout *l = p->layout;
	uint64_t *counts = calloc(weir_pane_n_rows(p), sizeof(*counts));
	struct keeping k = { 0 };
	uint32_t n = 0;

	if (!counts)
		return -ENOMEM;
	for (unsigned s = 0; s < l->n_shapes; s++)
		for (uint32_t r = 0; r < p->tables[s].n_rows; r++)
			counts[n++] = weir_row_count(
			    l, p->tables[s].rows + (size_t)r * p->tables[s].shape->stride);
	qsort(counts, n, sizeof(*counts), compare_down);
	k.above = counts[l->max_rows];
	free(counts);
	sweep_all(p, &k, ret_lost);
	p->undercount += k.above;
	return 0;
}

int
weir_pane_trim(struct weir_pane *p, uint64_t *ret_lost)
{
	if (p->layout->overflow == WEIR_OVERFLOW_DROP || weir_pane_n_rows(p) <= p->layout->max_rows)
		return 0;
	if (p->layout->overflow == WEIR_OVERFLOW_EVICT)
		return trim_by_rows(p, ret_lost);
	while (weir_pane_n_rows(p) > p->layout->max_rows)
		if (weir_pane_halve(p, ret_lost) == WEIR_ROOM_REFUSED)
			break;
	return 0;
}
