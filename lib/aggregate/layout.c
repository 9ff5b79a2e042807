/* SPDX-License-Identifier: BSD-3-Clause */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/hash.h>

#include "layout.h"
#include "level.h"
#include "table.h"

/* Average bytes of key strings that a full table may hold. */
#define STRING_BYTES_PER_KEY 256
#define STRING_BYTES_MIN     (UINT64_C(1) << 20)

/* The same of states that grow; what there is at least does for a query without key. */
#define STATE_BYTES_PER_KEY 256
#define STATE_BYTES_MIN     (UINT64_C(128) << 20)

/* Bytes that a key column takes among the compared words, without an address's version. */
static uint32_t
key_width(enum weir_store store, enum weir_shape_id shape)
{
	switch (store) {
	case WEIR_BYTES:
		return 8;
	case WEIR_ADDR:
		return shape == WEIR_SHAPE_NARROW ? 4 : 16;
	default:
		return weir_store_size(store);
	}
}

static int
place_keys(struct weir_layout *l, enum weir_shape_id id)
{
	struct weir_shape *s = &l->shapes[id];
	uint32_t at = 0, pointer = 0;

	s->places = calloc(l->n_keys + 1, sizeof(*s->places));
	if (!s->places)
		return -1;
	for (uint32_t width = 16; width > 0; width /= 2)
		for (unsigned k = 0; k < l->n_keys; k++)
			if (key_width(l->keys[k].store, id) == width) {
				s->places[k].word = at / 8;
				s->places[k].shift = at % 8 * 8;
				at += width;
			}
	for (unsigned k = 0; k < l->n_keys; k++) {
		if (l->keys[k].store == WEIR_ADDR && id == WEIR_SHAPE_WIDE) {
			s->places[k].version_word = at / 8;
			s->places[k].version_shift = at % 8 * 8;
			at++;
		}
		if (l->keys[k].store == WEIR_BYTES)
			s->places[k].pointer = pointer++;
	}
	l->n_strings = pointer;
	s->words = (at + 7) / 8;
	s->stride = l->key_offset + (s->words + pointer) * 8;
	if (s->stride == 0)
		s->stride = 8;
	if (s->words > l->max_words)
		l->max_words = s->words;
	return 0;
}

static void
add_slot(struct weir_layout *l, const struct weir_agg_call *call)
{
	struct weir_agg_slot *s = &l->slots[l->n_slots++];

	s->offset = l->key_offset;
	s->n_args = call->n_args;
	s->n_results = weir_agg_n_results(call);
	s->fold = call->fold;
	if (s->fold) {
		s->size = weir_fold_state_size(s->fold);
		l->key_offset += s->size;
		return;
	}
	s->function = call->function;
	if (s->function->for_stores)
		s->function = s->function->for_stores(call->arg_stores, call->n_args);
	l->has_drop |= s->function->drop != NULL;
	memcpy(s->arg_types, call->arg_types, sizeof(s->arg_types));
	s->size = (s->function->state_size(s->arg_types, call->n_args) + 7) / 8 * 8;
	l->key_offset += s->size;
}

/* Groups may only be thrown out where it is known how many packets each stands for. */
static void
place_aggs(struct weir_layout *l, const struct weir_agg_call *aggs)
{
	const struct weir_agg_call count = { .function = weir_agg_function_find("count") };
	unsigned counted = UINT_MAX;

	l->count_offset = WEIR_NO_COUNT;
	for (unsigned i = 0; i < l->n_aggs; i++) {
		add_slot(l, &aggs[i]);
		if (l->slots[i].function == count.function && aggs[i].n_args == 0)
			counted = i;
	}
	if (counted == UINT_MAX && l->overflow != WEIR_OVERFLOW_DROP) {
		counted = l->n_slots;
		add_slot(l, &count);
	}
	l->counting = l->counted = l->n_slots;
	if (counted == UINT_MAX)
		return;
	l->count_offset = l->slots[counted].offset;
	for (unsigned i = 0; i < l->n_aggs && l->counting == l->n_slots; i++)
		if (l->slots[i].function && l->slots[i].function->update_and_count) {
			l->counting = i;
			l->counted = counted;
		}
}

static bool
has_address(const struct weir_layout *l)
{
	for (unsigned k = 0; k < l->n_keys; k++)
		if (l->keys[k].store == WEIR_ADDR)
			return true;
	return false;
}

struct weir_layout *
weir_layout_create(const struct weir_group_spec *spec)
{
	struct weir_layout *l = calloc(1, sizeof(*l));
	uint64_t seed = spec->seed;

	if (!l)
		return NULL;
	atomic_init(&l->users, 1);
	l->level = weir_agg_level_of(spec->simd);
	l->window = spec->window;
	l->is_per_group = weir_window_is_per_group(&spec->window);
	l->key_offset = l->is_per_group ? sizeof(struct weir_group_window) : 0;
	l->watch_offset = spec->is_watched ? l->key_offset : WEIR_NO_COUNT;
	l->key_offset += spec->is_watched ? sizeof(struct weir_group_watched) : 0;
	l->overflow = spec->overflow;
	l->max_rows = spec->table_size < WEIR_TABLE_MAX_ROWS ? (uint32_t)spec->table_size
							     : WEIR_TABLE_MAX_ROWS;
	l->n_keys = spec->n_keys;
	l->n_aggs = spec->n_aggs;
	l->keys = calloc(spec->n_keys + 1, sizeof(*l->keys));
	l->slots = calloc(spec->n_aggs + 1, sizeof(*l->slots));
	if (!l->keys || !l->slots)
		goto fail;
	if (spec->n_keys)
		memcpy(l->keys, spec->keys, spec->n_keys * sizeof(*l->keys));
	place_aggs(l, spec->aggs);
	l->n_shapes = has_address(l) ? 2 : 1;
	for (unsigned s = 0; s < l->n_shapes; s++)
		if (place_keys(l, (enum weir_shape_id)s))
			goto fail;
	l->secrets = calloc(l->max_words + 4, sizeof(*l->secrets));
	if (!l->secrets)
		goto fail;
	for (uint32_t i = 0; i < l->max_words + 4; i++)
		l->secrets[i] = weir_next_secret(&seed);
	l->state_seed = weir_next_secret(&seed);
	l->max_state_bytes = STATE_BYTES_MIN + (uint64_t)l->max_rows * STATE_BYTES_PER_KEY;
	l->max_string_bytes = STRING_BYTES_MIN + (uint64_t)l->max_rows * STRING_BYTES_PER_KEY;
	return l;
fail:
	weir_layout_release(l);
	return NULL;
}

struct weir_layout *
weir_layout_hold(struct weir_layout *l)
{
	atomic_fetch_add_explicit(&l->users, 1, memory_order_relaxed);
	return l;
}

void
weir_layout_release(struct weir_layout *l)
{
	if (!l || atomic_fetch_sub_explicit(&l->users, 1, memory_order_acq_rel) != 1)
		return;
	for (unsigned s = 0; s < WEIR_N_SHAPES; s++)
		free(l->shapes[s].places);
	free(l->keys);
	free(l->slots);
	free(l->secrets);
	free(l);
}
